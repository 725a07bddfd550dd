//! Expressions that are parsed once and given values many times.

use super::context::{check_map, check_used};
use super::fault::{ExpressionFault, ExpressionKind, InvalidExpression, PlaceholderKind};
use super::key_clause::key_clauses;
use super::lexer::Span;
use super::parser::{parse_condition, parse_update};
use super::resolve::{self, ReservedWords, Scope};
use super::syntax::Syntax;
use super::tree::{Condition, KeyClause, Update};
use crate::dynamo::value::{Value, validate_attribute_name};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// An expression whose text is parsed and whose names are known, and which takes its values later.
///
/// What is wrong with text and names is said when it is made; what is wrong with the values, when they are bound. A
/// projection has no values and needs none of this. Cheap to clone.
///
/// ```
/// use pixii::Value;
/// use pixii::dynamo::expression::prepared::Prepared;
/// use std::collections::BTreeMap;
///
/// let older = Prepared::condition("version < :version", BTreeMap::new())?;
/// for version in [7, 8] {
///     let condition = older.bind(&BTreeMap::from([(":version".to_owned(), Value::from(version))]))?;
///     assert_eq!(condition.to_expression().text, "version < :0");
/// }
/// # Ok::<(), pixii::ExpressionFault>(())
/// ```
#[derive(Clone)]
pub struct Prepared<Tree> {
    inner: Arc<Inner<Tree>>,
}

struct Inner<Tree> {
    kind: ExpressionKind,
    text: String,
    names: BTreeMap<String, String>,
    /// The placeholders of the text's values.
    values: BTreeSet<String>,
    resolve: Box<Resolve<Tree>>,
}

type Resolve<Tree> = dyn Fn(Scope<'_>) -> Result<Tree, InvalidExpression> + Send + Sync;

impl Prepared<Condition> {
    /// Prepares a condition expression.
    pub fn condition(
        text: impl Into<String>,
        names: BTreeMap<String, String>,
    ) -> Result<Self, ExpressionFault> {
        Self::new(ExpressionKind::Condition, text.into(), names, parse_condition, resolve::condition)
    }

    /// Prepares a filter expression.
    pub fn filter(text: impl Into<String>, names: BTreeMap<String, String>) -> Result<Self, ExpressionFault> {
        Self::new(ExpressionKind::Filter, text.into(), names, parse_condition, resolve::condition)
    }
}

impl Prepared<Vec<KeyClause>> {
    /// Prepares a key condition expression.
    pub fn key_condition(
        text: impl Into<String>,
        names: BTreeMap<String, String>,
    ) -> Result<Self, ExpressionFault> {
        Self::new(ExpressionKind::KeyCondition, text.into(), names, parse_condition, |syntax, scope| {
            Ok(key_clauses(resolve::condition(syntax, scope)?)?)
        })
    }
}

impl Prepared<Update> {
    /// Prepares an update expression.
    pub fn update(text: impl Into<String>, names: BTreeMap<String, String>) -> Result<Self, ExpressionFault> {
        Self::new(ExpressionKind::Update, text.into(), names, parse_update, resolve::update)
    }
}

impl<Tree: 'static> Prepared<Tree> {
    fn new<Root: Send + Sync + 'static>(
        kind: ExpressionKind,
        text: String,
        names: BTreeMap<String, String>,
        parse: fn(&str) -> Result<Syntax<Root>, InvalidExpression>,
        resolve: fn(&Syntax<Root>, Scope<'_>) -> Result<Tree, InvalidExpression>,
    ) -> Result<Self, ExpressionFault> {
        if !names.is_empty() {
            check_map(PlaceholderKind::Name, &names, &mut 0, String::len, |name| {
                validate_attribute_name(name)
            })?;
        }
        let syntax = parse(&text).map_err(|fault| fault.of(kind))?;
        let used = |spans: &[Span]| -> BTreeSet<String> {
            spans.iter().map(|span| span.of(&text).to_owned()).collect()
        };
        let used_names = used(&syntax.notes.names);
        if let Some(placeholder) = used_names.iter().find(|name| !names.contains_key(*name)) {
            let placeholder = placeholder.clone();
            return Err(InvalidExpression::UndefinedName { placeholder }.of(kind));
        }
        check_used(PlaceholderKind::Name, names.keys(), |name| used_names.contains(name))?;
        let values = used(&syntax.notes.values);
        let resolve = Box::new(move |scope: Scope<'_>| resolve(&syntax, scope));
        Ok(Self { inner: Arc::new(Inner { kind, text, names, values, resolve }) })
    }

    /// The tree with these values in their places. All of them must be used.
    pub fn bind(&self, values: &BTreeMap<String, Value>) -> Result<Tree, ExpressionFault> {
        let Inner { kind, text, names, values: used, resolve } = &*self.inner;
        if !values.is_empty() {
            check_map(PlaceholderKind::Value, values, &mut 0, Value::size_bytes, Value::validate)?;
        }
        let tree = resolve(Scope { text, names, values, reserved_words: ReservedWords::Refused })
            .map_err(|fault| fault.of(*kind))?;
        check_used(PlaceholderKind::Value, values.keys(), |value| used.contains(value))?;
        Ok(tree)
    }

    /// The text, as it was given.
    pub fn text(&self) -> &str {
        &self.inner.text
    }
}

impl<Tree> fmt::Debug for Prepared<Tree> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, text, names, .. } = &*self.inner;
        f.debug_struct("Prepared").field("kind", kind).field("text", text).field("names", names).finish()
    }
}
