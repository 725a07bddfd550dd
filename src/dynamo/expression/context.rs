//! What a request gives its expressions, and what of it they use.
//!
//! The steps of a request, in DynamoDB's order: the names and values are checked, each expression is read, and at the end
//! whatever no expression has used is refused. What is used is judged by the text: a placeholder in a branch that decides
//! nothing is used.

use super::fault::{ExpressionFault, ExpressionKind, InvalidExpression, InvalidPlaceholder, PlaceholderKind};
use super::key_clause::key_clauses;
use super::lexer::{Span, is_placeholder};
use super::parser::{parse_condition, parse_projection, parse_update};
use super::resolve::{self, ReservedWords, Scope};
use super::syntax::Syntax;
use super::tree::{Condition, KeyClause, ProjectionExpression, Update};
use crate::dynamo::limits::{PLACEHOLDER_BYTES_MAX, SUBSTITUTION_BYTES_MAX};
use crate::dynamo::value::{Value, ValueFault, validate_attribute_name};
use std::collections::{BTreeMap, BTreeSet};

/// The names and values of a request's expressions.
///
/// ```
/// use pixii::Value;
/// use pixii::dynamo::expression::context::ExpressionContext;
/// use std::collections::BTreeMap;
///
/// let names = BTreeMap::from([("#n".to_owned(), "name".to_owned())]);
/// let values = BTreeMap::from([(":v".to_owned(), Value::from("ada"))]);
/// let mut context = ExpressionContext::new(Some(names), Some(values))?;
/// let condition = context.condition("#n = :v AND attribute_exists(email)")?;
/// context.finish()?; // everything was used
/// assert_eq!(condition.to_expression().text, "#0 = :0 AND attribute_exists(email)");
/// # Ok::<(), pixii::ExpressionFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExpressionContext {
    /// None were given if there are none.
    names: BTreeMap<String, String>,
    /// None were given if there are none.
    values: BTreeMap<String, Value>,
    used: BTreeSet<String>,
    has_expressions: bool,
    reserved_words: ReservedWords,
}

impl ExpressionContext {
    /// The context of a request with these names and values, of which either may be absent; refuses what cannot be a
    /// name, a value or a placeholder.
    pub fn new(
        names: Option<BTreeMap<String, String>>,
        values: Option<BTreeMap<String, Value>>,
    ) -> Result<Self, ExpressionFault> {
        let mut size_bytes = 0;
        if let Some(names) = &names {
            check_map(PlaceholderKind::Name, names, &mut size_bytes, String::len, |name| {
                validate_attribute_name(name)
            })?;
        }
        if let Some(values) = &values {
            check_map(PlaceholderKind::Value, values, &mut size_bytes, Value::size_bytes, Value::validate)?;
        }
        Ok(Self {
            names: names.unwrap_or_default(),
            values: values.unwrap_or_default(),
            used: BTreeSet::new(),
            has_expressions: false,
            reserved_words: ReservedWords::default(),
        })
    }

    /// Takes reserved words for names like any others, which DynamoDB does not: for code that was never run there.
    ///
    /// ```
    /// use pixii::dynamo::expression::context::ExpressionContext;
    ///
    /// let mut context = ExpressionContext::new(None, None)?;
    /// assert!(context.condition("attribute_exists(timestamp)").is_err());
    /// assert!(context.with_reserved_words().condition("attribute_exists(timestamp)").is_ok());
    /// # Ok::<(), pixii::ExpressionFault>(())
    /// ```
    pub fn with_reserved_words(mut self) -> Self {
        self.reserved_words = ReservedWords::Allowed;
        self
    }

    /// Reads a condition expression.
    pub fn condition(&mut self, text: &str) -> Result<Condition, ExpressionFault> {
        self.read(ExpressionKind::Condition, text, parse_condition, resolve::condition)
    }

    /// Reads a filter expression.
    pub fn filter(&mut self, text: &str) -> Result<Condition, ExpressionFault> {
        self.read(ExpressionKind::Filter, text, parse_condition, resolve::condition)
    }

    /// Reads a key condition expression, as clauses in the order of the text.
    pub fn key_condition(&mut self, text: &str) -> Result<Vec<KeyClause>, ExpressionFault> {
        self.read(ExpressionKind::KeyCondition, text, parse_condition, |syntax, scope| {
            Ok(key_clauses(resolve::condition(syntax, scope)?)?)
        })
    }

    /// Reads a projection expression.
    pub fn projection(&mut self, text: &str) -> Result<ProjectionExpression, ExpressionFault> {
        self.read(ExpressionKind::Projection, text, parse_projection, resolve::projection)
    }

    /// Reads an update expression.
    pub fn update(&mut self, text: &str) -> Result<Update, ExpressionFault> {
        self.read(ExpressionKind::Update, text, parse_update, resolve::update)
    }

    /// Refuses names and values that no expression has used.
    pub fn finish(self) -> Result<(), ExpressionFault> {
        let given: [(_, Vec<&String>); 2] = [
            (PlaceholderKind::Name, self.names.keys().collect()),
            (PlaceholderKind::Value, self.values.keys().collect()),
        ];
        for (kind, placeholders) in given {
            if !placeholders.is_empty() && !self.has_expressions {
                return Err(InvalidPlaceholder::NoExpression.of(kind));
            }
            check_used(kind, placeholders, |placeholder| self.used.contains(placeholder))?;
        }
        Ok(())
    }

    fn read<Root, Tree>(
        &mut self,
        kind: ExpressionKind,
        text: &str,
        parse: fn(&str) -> Result<Syntax<Root>, InvalidExpression>,
        resolve: fn(&Syntax<Root>, Scope<'_>) -> Result<Tree, InvalidExpression>,
    ) -> Result<Tree, ExpressionFault> {
        self.has_expressions = true;
        let syntax = parse(text).map_err(|fault| fault.of(kind))?;
        let (names, values, reserved_words) = (&self.names, &self.values, self.reserved_words);
        let scope = Scope { text, names, values, reserved_words };
        let tree = resolve(&syntax, scope).map_err(|fault| fault.of(kind))?;
        let used = syntax.notes.names.iter().chain(&syntax.notes.values);
        self.used.extend(used.map(|placeholder: &Span| placeholder.of(text).to_owned()));
        Ok(tree)
    }
}

/// Refuses a map that is empty, and what in it cannot be a placeholder or stand behind one. Adds up the sizes of all.
pub(super) fn check_map<T>(
    kind: PlaceholderKind,
    map: &BTreeMap<String, T>,
    size_bytes: &mut usize,
    size_of: impl Fn(&T) -> usize,
    validate: impl Fn(&T) -> Result<(), ValueFault>,
) -> Result<(), ExpressionFault> {
    let mark = match kind {
        PlaceholderKind::Name => '#',
        PlaceholderKind::Value => ':',
    };
    if map.is_empty() {
        return Err(InvalidPlaceholder::Empty.of(kind));
    }
    for (placeholder, meaning) in map {
        if placeholder.len() > PLACEHOLDER_BYTES_MAX {
            return Err(InvalidPlaceholder::TooLong { size_bytes: placeholder.len() }.of(kind));
        }
        let placeholder = placeholder.clone();
        if !is_placeholder(&placeholder, mark) {
            return Err(InvalidPlaceholder::Syntax { placeholder }.of(kind));
        }
        *size_bytes += placeholder.len() + size_of(meaning);
        validate(meaning).map_err(|fault| InvalidPlaceholder::Invalid { placeholder, fault }.of(kind))?;
    }
    if *size_bytes > SUBSTITUTION_BYTES_MAX {
        return Err(InvalidPlaceholder::TooLarge.of(kind));
    }
    Ok(())
}

/// Refuses what is given and not used.
pub(super) fn check_used<'a>(
    kind: PlaceholderKind,
    given: impl IntoIterator<Item = &'a String>,
    is_used: impl Fn(&str) -> bool,
) -> Result<(), ExpressionFault> {
    let placeholders: Vec<String> =
        given.into_iter().filter(|placeholder| !is_used(placeholder)).cloned().collect();
    if placeholders.is_empty() { Ok(()) } else { Err(InvalidPlaceholder::Unused { placeholders }.of(kind)) }
}
