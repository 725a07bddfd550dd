//! An expression as text with what its placeholders stand for: what Rust callers write, and what trees are printed as.

use super::context::ExpressionContext;
use super::fault::ExpressionFault;
use super::tree::{Condition, KeyClause, ProjectionExpression, Update};
use crate::dynamo::value::Value;
use std::collections::BTreeMap;

/// An expression in DynamoDB's language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpressionText {
    /// The text.
    pub text: String,
    /// The names of attributes by their placeholders, `#` included.
    pub names: BTreeMap<String, String>,
    /// The values by their placeholders, `:` included.
    pub values: BTreeMap<String, Value>,
}

/// An expression in DynamoDB's language, to be given what its placeholders stand for.
///
/// ```
/// use pixii::expression;
///
/// let update = expression("SET #n = :v").name("#n", "name").value(":v", 3).update()?;
/// assert_eq!(update.actions.len(), 1);
///
/// let fault = expression("SET name = :v").value(":v", 3).update().expect_err("a reserved word");
/// assert_eq!(
///     fault.to_string(),
///     "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: name"
/// );
/// # Ok::<(), pixii::ExpressionFault>(())
/// ```
pub fn expression(text: impl Into<String>) -> ExpressionText {
    ExpressionText { text: text.into(), ..ExpressionText::default() }
}

impl ExpressionText {
    /// The attribute that the placeholder `#…` stands for.
    pub fn name(mut self, placeholder: impl Into<String>, name: impl Into<String>) -> Self {
        self.names.insert(placeholder.into(), name.into());
        self
    }

    /// The value that the placeholder `:…` stands for.
    pub fn value(mut self, placeholder: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(placeholder.into(), value.into());
        self
    }

    /// What it says as a condition expression.
    pub fn condition(self) -> Result<Condition, ExpressionFault> {
        self.read(ExpressionContext::condition)
    }

    /// What it says as a filter expression.
    pub fn filter(self) -> Result<Condition, ExpressionFault> {
        self.read(ExpressionContext::filter)
    }

    /// What it says as a key condition expression.
    pub fn key_condition(self) -> Result<Vec<KeyClause>, ExpressionFault> {
        self.read(ExpressionContext::key_condition)
    }

    /// What it says as a projection expression.
    pub fn projection(self) -> Result<ProjectionExpression, ExpressionFault> {
        self.read(ExpressionContext::projection)
    }

    /// What it says as an update expression.
    pub fn update(self) -> Result<Update, ExpressionFault> {
        self.read(ExpressionContext::update)
    }

    fn read<Tree>(
        self,
        read: fn(&mut ExpressionContext, &str) -> Result<Tree, ExpressionFault>,
    ) -> Result<Tree, ExpressionFault> {
        let names = Some(self.names).filter(|names| !names.is_empty());
        let values = Some(self.values).filter(|values| !values.is_empty());
        let mut context = ExpressionContext::new(names, values)?;
        let tree = read(&mut context, &self.text)?;
        context.finish()?;
        Ok(tree)
    }
}
