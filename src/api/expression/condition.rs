//! Conditions: what an item must meet, joined by `&`, `|` and `!`.

use crate::dynamo::expression::tree;
use crate::dynamo::fault::Fault;
use std::ops::{BitAnd, BitOr, Not};

/// What an item must meet: of a write that is made only then, or of what a query or scan gives.
///
/// Made of attributes, joined by `&`, `|` and `!`, or by [`and`](Self::and), [`or`](Self::or), [`all`] and [`any`].
/// If a value in it is wrong, the first fault is kept and is the error of the request.
///
/// ```
/// use pixii::{Condition, attr};
///
/// fn visible(now: u64) -> Condition {
///     attr("hidden").not_exists() | attr("hidden").lt(now)
/// }
///
/// let condition = visible(7) & !attr("sender").one_of(["spam", "bot"]);
/// assert!(condition.into_tree().is_ok());
/// ```
#[derive(Clone, Debug)]
#[must_use = "a condition does nothing before it is given to a request"]
pub struct Condition {
    tree: Result<tree::Condition, Fault>,
}

impl Condition {
    pub(super) fn new(tree: Result<tree::Condition, Fault>) -> Self {
        Self { tree }
    }

    /// Both this and the other.
    pub fn and(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        Self::new(self.tree.and_then(|left| {
            let mut conditions = conjuncts(left);
            conditions.extend(conjuncts(other.tree?));
            Ok(tree::Condition::And(conditions))
        }))
    }

    /// This or the other, or both.
    pub fn or(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        Self::new(self.tree.and_then(|left| {
            let mut conditions = disjuncts(left);
            conditions.extend(disjuncts(other.tree?));
            Ok(tree::Condition::Or(conditions))
        }))
    }

    /// The tree, or the first fault of a value in it.
    ///
    /// ```
    /// use pixii::{Fault, Value, attr};
    ///
    /// let condition = attr("tags").eq(Value::string_set([""; 0])).and(attr("n").gt(f64::INFINITY));
    /// let fault = condition.into_tree().expect_err("sets have members");
    /// assert!(matches!(fault, Fault::Value(_)));
    /// ```
    pub fn into_tree(self) -> Result<tree::Condition, Fault> {
        self.tree
    }
}

fn conjuncts(condition: tree::Condition) -> Vec<tree::Condition> {
    match condition {
        tree::Condition::And(conditions) => conditions,
        other => vec![other],
    }
}

fn disjuncts(condition: tree::Condition) -> Vec<tree::Condition> {
    match condition {
        tree::Condition::Or(conditions) => conditions,
        other => vec![other],
    }
}

/// All of these. Of none there is nothing to ask: beside others by `&` it changes nothing, and alone it is an empty
/// expression, which the request refuses as DynamoDB does.
///
/// ```
/// use pixii::{all, attr};
///
/// let wanted = [("kind", "cup"), ("colour", "blue")];
/// let condition = all(wanted.map(|(name, value)| attr(name).eq(value)));
/// assert!(condition.into_tree().is_ok());
/// ```
pub fn all(conditions: impl IntoIterator<Item: Into<Condition>>) -> Condition {
    let mut conditions = conditions.into_iter().map(Into::into);
    match conditions.next() {
        Some(first) => conditions.fold(first, Condition::and),
        None => tree::Condition::And(Vec::new()).into(),
    }
}

/// At least one of these. Of none there is nothing to ask: beside others by `|` it changes nothing, and alone it is an
/// empty expression, which the request refuses as DynamoDB does.
///
/// ```
/// use pixii::{any, attr};
///
/// let condition = any(["home", "work"].map(|place| attr("phones").member(place).exists()));
/// assert!(condition.into_tree().is_ok());
/// ```
pub fn any(conditions: impl IntoIterator<Item: Into<Condition>>) -> Condition {
    let mut conditions = conditions.into_iter().map(Into::into);
    match conditions.next() {
        Some(first) => conditions.fold(first, Condition::or),
        None => tree::Condition::Or(Vec::new()).into(),
    }
}

impl From<tree::Condition> for Condition {
    fn from(tree: tree::Condition) -> Self {
        Self::new(Ok(tree))
    }
}

impl BitAnd for Condition {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

impl BitOr for Condition {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self::new(self.tree.map(|tree| tree::Condition::Not(Box::new(tree))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::attribute::attr;
    use super::*;
    use crate::dynamo::expression::path::DocumentPath;
    use crate::dynamo::value::ValueFault;

    fn condition(name: &str) -> Condition {
        attr(name).exists()
    }

    fn tree(name: &str) -> tree::Condition {
        tree::Condition::AttributeExists(DocumentPath::attribute(name))
    }

    #[track_caller]
    fn check(condition: Condition, expected: tree::Condition) {
        assert_eq!(condition.into_tree().ok(), Some(expected));
    }

    #[test]
    fn operators_make_trees_without_needless_levels() {
        use tree::Condition::{And, Not, Or};
        let [a, b, c, d] = ["a", "b", "c", "d"];
        let all_three = And(vec![tree(a), tree(b), tree(c)]);
        check(condition(a) & condition(b) & condition(c), all_three.clone());
        check(condition(a).and(condition(b).and(condition(c))), all_three);
        check(condition(a).or(condition(b)) | condition(c), Or(vec![tree(a), tree(b), tree(c)]));
        check(
            (condition(a) | condition(b)) & (condition(c) | condition(d)),
            And(vec![Or(vec![tree(a), tree(b)]), Or(vec![tree(c), tree(d)])]),
        );
        check(!condition(a) & condition(b), And(vec![Not(Box::new(tree(a))), tree(b)]));
    }

    #[test]
    fn all_and_any_join_what_they_are_given() {
        check(all([condition("a")]), tree("a"));
        check(any([condition("a")]), tree("a"));
        check(all(["a", "b"].map(condition)), tree::Condition::And(vec![tree("a"), tree("b")]));
        check(any(["a", "b"].map(tree)), tree::Condition::Or(vec![tree("a"), tree("b")]));
        check(all([] as [Condition; 0]), tree::Condition::And(Vec::new()));
        check(any([] as [Condition; 0]), tree::Condition::Or(Vec::new()));
        check(all([] as [Condition; 0]) & condition("a"), tree::Condition::And(vec![tree("a")]));
        check(any([] as [Condition; 0]) | condition("a"), tree::Condition::Or(vec![tree("a")]));
    }

    #[test]
    fn the_first_fault_is_the_one_that_is_told() {
        let twice = crate::Value::string_set(["x", "x"]);
        let empty = crate::Value::string_set([""; 0]);
        let condition = condition("a") & attr("b").eq(twice) & attr("c").eq(empty);
        let fault = condition.into_tree().expect_err("two faults");
        assert!(matches!(fault, Fault::Value(ValueFault::DuplicateStrings(_))));
    }
}
