//! Updates: changes of an item, all computed from the item as it was.

use super::attribute::{Attribute, IntoAttribute};
use super::operand::{Encode, ListOf, OperandOf, Untyped};
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::{self, Constant, SetOperand, SetValue, UpdateAction};
use crate::dynamo::fault::Fault;
use crate::dynamo::value::Value;
use serde::Serialize;
use std::fmt;
use std::ops::{Add, Sub};

/// Changes of an item. No two of them may concern the same place; all see the item as it was before.
///
/// If a value in it is wrong, the first fault is kept and is the error of the request.
///
/// ```
/// use pixii::{UpdateExpression, Value, attr};
///
/// let update = UpdateExpression::new()
///     .set("read", true)
///     .set(attr("address").member("city"), "Lagos")
///     .set("total", attr("price") + attr("tax"))
///     .set_if_not_exists("created_at", 1_700_000_000)
///     .increment("views", 1)
///     .append("log", ["viewed"])
///     .add("tags", Value::string_set(["new"]))
///     .remove("draft");
/// assert_eq!(update.into_tree().expect("all values are right").actions.len(), 8);
/// ```
#[derive(Clone, Debug)]
#[must_use = "an update does nothing before it is given to a request"]
pub struct UpdateExpression {
    tree: Result<tree::Update, Fault>,
}

impl Default for UpdateExpression {
    fn default() -> Self {
        tree::Update::default().into()
    }
}

impl From<tree::Update> for UpdateExpression {
    fn from(tree: tree::Update) -> Self {
        Self { tree: Ok(tree) }
    }
}

impl UpdateExpression {
    /// An update that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree, or the first fault of a value in it.
    pub fn into_tree(self) -> Result<tree::Update, Fault> {
        self.tree
    }

    fn with(self, action: Result<UpdateAction, Fault>) -> Self {
        let tree = self.tree.and_then(|mut tree| {
            tree.actions.push(action?);
            Ok(tree)
        });
        Self { tree }
    }

    fn setting(self, path: DocumentPath, value: Result<SetValue, Fault>) -> Self {
        self.with(value.map(|value| UpdateAction::Set { path, value }))
    }

    /// `SET`: puts a value there: one that is given, one that stands elsewhere in the item, or one computed from them.
    ///
    /// Attributes are added with `+` and subtracted with `-`, once; see [`Attribute::if_not_exists`] and
    /// [`Attribute::list_append`] for more.
    pub fn set<A: IntoAttribute>(
        self,
        target: A,
        value: impl OperandOf<A::Type, Form: Into<SetValue>>,
    ) -> Self {
        let target = target.into_attribute();
        let value = value.into_form(target.encoding()).map(Into::into);
        self.setting(target.into_path(), value)
    }

    /// Puts a value there unless one is there: `SET target = if_not_exists(target, value)`.
    pub fn set_if_not_exists<A: IntoAttribute>(
        self,
        target: A,
        value: impl OperandOf<A::Type, Form: Into<SetOperand>>,
    ) -> Self {
        let target = target.into_attribute();
        let value = value.into_form(target.encoding());
        let path = target.into_path();
        let value = value.map(|value| if_not_exists(path.clone(), value.into()).into());
        self.setting(path, value)
    }

    /// Adds to a number; a missing one counts as zero.
    pub fn increment<A: IntoAttribute>(
        self,
        target: A,
        by: impl OperandOf<A::Type, Form: Into<SetOperand>>,
    ) -> Self {
        self.calculate(target, by, SetValue::Sum)
    }

    /// Subtracts from a number; a missing one counts as zero.
    pub fn decrement<A: IntoAttribute>(
        self,
        target: A,
        by: impl OperandOf<A::Type, Form: Into<SetOperand>>,
    ) -> Self {
        self.calculate(target, by, SetValue::Difference)
    }

    fn calculate<A: IntoAttribute>(
        self,
        target: A,
        by: impl OperandOf<A::Type, Form: Into<SetOperand>>,
        operation: fn(SetOperand, SetOperand) -> SetValue,
    ) -> Self {
        let target = target.into_attribute();
        let by = by.into_form(target.encoding());
        let path = target.into_path();
        let old = if_not_exists(path.clone(), Constant::new(0).into());
        self.setting(path, by.map(|by| operation(old, by.into())))
    }

    /// Puts elements behind those of a list; a missing one counts as empty.
    pub fn append<A: IntoAttribute>(self, target: A, elements: impl ListOf<A::Type>) -> Self {
        self.extend(target, elements, |old, new| SetOperand::ListAppend(Box::new(old), Box::new(new)))
    }

    /// Puts elements before those of a list; a missing one counts as empty.
    pub fn prepend<A: IntoAttribute>(self, target: A, elements: impl ListOf<A::Type>) -> Self {
        self.extend(target, elements, |old, new| SetOperand::ListAppend(Box::new(new), Box::new(old)))
    }

    fn extend<A: IntoAttribute>(
        self,
        target: A,
        elements: impl ListOf<A::Type>,
        joined: fn(SetOperand, SetOperand) -> SetOperand,
    ) -> Self {
        let target = target.into_attribute();
        let elements = elements.into_list(target.encoding());
        let path = target.into_path();
        let old = if_not_exists(path.clone(), Constant::new(Value::List(Vec::new())).into());
        self.setting(path, elements.map(|elements| joined(old, elements.into()).into()))
    }

    /// `REMOVE`: takes away what stands there. Nothing happens if nothing does.
    pub fn remove(self, target: impl IntoAttribute) -> Self {
        self.with(Ok(UpdateAction::Remove(target.into_attribute().into_path())))
    }

    /// `ADD`: a number to a number, members to a set. What is missing counts as zero, or empty.
    pub fn add<A: IntoAttribute>(self, target: A, value: impl OperandOf<A::Type, Form = Constant>) -> Self {
        let target = target.into_attribute();
        let value = value.into_form(target.encoding());
        let path = target.into_path();
        self.with(value.map(|value| UpdateAction::Add { path, value }))
    }

    /// `DELETE`: takes members out of a set. The set goes with its last member.
    pub fn delete<A: IntoAttribute>(
        self,
        target: A,
        members: impl OperandOf<A::Type, Form = Constant>,
    ) -> Self {
        let target = target.into_attribute();
        let value = members.into_form(target.encoding());
        let path = target.into_path();
        self.with(value.map(|value| UpdateAction::Delete { path, value }))
    }
}

fn if_not_exists(path: DocumentPath, default: SetOperand) -> SetOperand {
    SetOperand::IfNotExists { path, default: Box::new(default) }
}

/// What a `SET` takes from the old item in some way; made by [`Attribute::if_not_exists`] and
/// [`Attribute::list_append`].
pub struct Taken<T = Untyped> {
    operand: Result<SetOperand, Fault>,
    encode: Encode<T>,
}

/// A sum or difference; made by `+` and `-`. DynamoDB calculates once in each `SET`.
pub struct Calculated<T = Untyped> {
    value: Result<SetValue, Fault>,
    encode: Encode<T>,
}

impl<T> Attribute<T> {
    /// `if_not_exists`: what stands there, or else this.
    ///
    /// ```
    /// use pixii::{UpdateExpression, attr};
    ///
    /// let update = UpdateExpression::new().set("rank", attr("rank").if_not_exists(100) + 1);
    /// assert!(update.into_tree().is_ok());
    /// ```
    pub fn if_not_exists(self, default: impl OperandOf<T, Form: Into<SetOperand>>) -> Taken<T> {
        let encode = self.encoding();
        let path = self.into_path();
        let operand = default.into_form(encode).map(|default| if_not_exists(path, default.into()));
        Taken { operand, encode }
    }

    /// `list_append`: the elements that stand there and then these.
    ///
    /// ```
    /// use pixii::{UpdateExpression, attr};
    ///
    /// let update = UpdateExpression::new().set("all", attr("old").list_append(attr("new"))).remove("new");
    /// assert!(update.into_tree().is_ok());
    /// ```
    pub fn list_append(self, behind: impl OperandOf<T, Form: Into<SetOperand>>) -> Taken<T> {
        self.into_taken().list_append(behind)
    }

    fn into_taken(self) -> Taken<T> {
        let encode = self.encoding();
        Taken { operand: Ok(self.into_path().into()), encode }
    }
}

impl<T> Taken<T> {
    /// `list_append`: these elements and then those.
    pub fn list_append(self, behind: impl OperandOf<T, Form: Into<SetOperand>>) -> Self {
        let encode = self.encode;
        let operand = self.operand.and_then(|first| {
            Ok(SetOperand::ListAppend(Box::new(first), Box::new(behind.into_form(encode)?.into())))
        });
        Self { operand, encode }
    }

    fn calculate(
        self,
        other: impl OperandOf<T, Form: Into<SetOperand>>,
        operation: fn(SetOperand, SetOperand) -> SetValue,
    ) -> Calculated<T> {
        let encode = self.encode;
        let value = self.operand.and_then(|first| Ok(operation(first, other.into_form(encode)?.into())));
        Calculated { value, encode }
    }
}

impl<T, R: OperandOf<T, Form: Into<SetOperand>>> Add<R> for Attribute<T> {
    type Output = Calculated<T>;

    fn add(self, other: R) -> Calculated<T> {
        self.into_taken().calculate(other, SetValue::Sum)
    }
}

impl<T, R: OperandOf<T, Form: Into<SetOperand>>> Sub<R> for Attribute<T> {
    type Output = Calculated<T>;

    fn sub(self, other: R) -> Calculated<T> {
        self.into_taken().calculate(other, SetValue::Difference)
    }
}

impl<T, R: OperandOf<T, Form: Into<SetOperand>>> Add<R> for Taken<T> {
    type Output = Calculated<T>;

    fn add(self, other: R) -> Calculated<T> {
        self.calculate(other, SetValue::Sum)
    }
}

impl<T, R: OperandOf<T, Form: Into<SetOperand>>> Sub<R> for Taken<T> {
    type Output = Calculated<T>;

    fn sub(self, other: R) -> Calculated<T> {
        self.calculate(other, SetValue::Difference)
    }
}

/// What is computed goes beside attributes of its own type, and known by name alone beside any.
macro_rules! computed {
    ($($computed:ident.$field:ident: $form:ty),*) => {$(
        impl<T> OperandOf<T> for $computed<T> {
            type Form = $form;

            fn into_form(self, _: Encode<T>) -> Result<$form, Fault> {
                self.$field
            }
        }

        impl<T: Serialize> OperandOf<T> for $computed<Untyped> {
            type Form = $form;

            fn into_form(self, _: Encode<T>) -> Result<$form, Fault> {
                self.$field
            }
        }

        impl<T> Clone for $computed<T> {
            fn clone(&self) -> Self {
                Self { $field: self.$field.clone(), encode: self.encode }
            }
        }

        impl<T> fmt::Debug for $computed<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($computed)).field(&self.$field).finish()
            }
        }
    )*};
}

computed!(Taken.operand: SetOperand, Calculated.value: SetValue);

#[cfg(test)]
mod tests {
    use super::super::attribute::attr;
    use super::*;
    use crate::dynamo::value::ValueFault;
    use std::collections::HashSet;

    const TITLE: Attribute<String> = Attribute::new("title");
    const COUNT: Attribute<u64> = Attribute::new("count");
    const LOG: Attribute<Vec<String>> = Attribute::new("log");
    const TAGS: Attribute<HashSet<String>> = Attribute::encoded_by("tags", |tags| {
        crate::to_value_with(|serializer| crate::sets::string_set::serialize(tags, serializer))
    });

    fn at(name: &str) -> DocumentPath {
        DocumentPath::attribute(name)
    }

    fn value(value: impl Into<Value>) -> SetOperand {
        Constant::new(value).into()
    }

    fn absent(name: &str, default: impl Into<Value>) -> SetOperand {
        if_not_exists(at(name), value(default))
    }

    fn joined(first: SetOperand, second: SetOperand) -> SetOperand {
        SetOperand::ListAppend(Box::new(first), Box::new(second))
    }

    fn set(name: &str, value: impl Into<SetValue>) -> UpdateAction {
        UpdateAction::Set { path: at(name), value: value.into() }
    }

    fn list(elements: &[&str]) -> Value {
        Value::List(elements.iter().map(|element| Value::from(*element)).collect())
    }

    #[track_caller]
    fn check(update: UpdateExpression, expected: impl IntoIterator<Item = UpdateAction>) {
        let expected = tree::Update { actions: expected.into_iter().collect() };
        assert_eq!(update.into_tree().expect("all values are right"), expected);
    }

    fn update() -> UpdateExpression {
        UpdateExpression::new()
    }

    #[test]
    fn set_takes_values_attributes_and_what_is_computed_from_them() {
        let taken = |name: &str| SetOperand::Path(at(name));
        check(update(), []);
        check(
            update().set("a", true).set(attr("b"), attr("c")).set(at("d").member("e"), ()),
            [
                set("a", value(true)),
                set("b", taken("c")),
                UpdateAction::Set { path: at("d").member("e"), value: value(()).into() },
            ],
        );
        check(
            update().set("a", attr("b") + attr("c")).set("d", attr("d") - 1),
            [
                set("a", SetValue::Sum(taken("b"), taken("c"))),
                set("d", SetValue::Difference(taken("d"), value(1))),
            ],
        );
        check(
            update().set("a", attr("b").if_not_exists(attr("c")) + 1.5).set("d", attr("d").if_not_exists(0)),
            [
                set(
                    "a",
                    SetValue::Sum(
                        if_not_exists(at("b"), taken("c")),
                        value("1.5".parse::<crate::Number>().expect("a number")),
                    ),
                ),
                set("d", absent("d", 0)),
            ],
        );
        check(
            update().set("a", attr("b").list_append(attr("c")).list_append(list(&["x"]))),
            [set("a", joined(joined(taken("b"), taken("c")), value(list(&["x"]))))],
        );
    }

    #[test]
    fn the_common_changes_have_names() {
        check(update().set_if_not_exists("a", 1), [set("a", absent("a", 1))]);
        check(
            update().increment("a", 2).decrement("b", attr("c")),
            [
                set("a", SetValue::Sum(absent("a", 0), value(2))),
                set("b", SetValue::Difference(absent("b", 0), at("c").into())),
            ],
        );
        let empty = || absent("a", list(&[]));
        check(update().append("a", ["x", "y"]), [set("a", joined(empty(), value(list(&["x", "y"]))))]);
        check(update().prepend("a", vec!["x"]), [set("a", joined(value(list(&["x"])), empty()))]);
    }

    #[test]
    fn remove_add_and_delete_are_those_of_dynamodb() {
        let tags = || Value::string_set(["x"]).expect("a set");
        check(
            update().remove(attr("a").element(1)).add("b", 1).delete("c", tags()),
            [
                UpdateAction::Remove(at("a").element(1)),
                UpdateAction::Add { path: at("b"), value: Constant::new(1) },
                UpdateAction::Delete { path: at("c"), value: Constant::new(tags()) },
            ],
        );
    }

    #[test]
    fn typed_attributes_are_given_what_is_stored_of_their_type() {
        let tags = || Constant::new(Value::string_set(["x"]).expect("a set"));
        check(
            update()
                .set(TITLE, "a")
                .set(COUNT, COUNT + 1)
                .increment(COUNT, 2)
                .append(LOG, ["x"])
                .add(TAGS, ["x"])
                .delete(TAGS, ["x"])
                .remove(TITLE),
            [
                set("title", value("a")),
                set("count", SetValue::Sum(at("count").into(), value(1))),
                set("count", SetValue::Sum(absent("count", 0), value(2))),
                set("log", joined(absent("log", list(&[])), value(list(&["x"])))),
                UpdateAction::Add { path: at("tags"), value: tags() },
                UpdateAction::Delete { path: at("tags"), value: tags() },
                UpdateAction::Remove(at("title")),
            ],
        );
        check(
            update().set(COUNT, attr("a") + attr("b")).set(COUNT, attr("a").if_not_exists(0)),
            [set("count", SetValue::Sum(at("a").into(), at("b").into())), set("count", absent("a", 0))],
        );
    }

    #[test]
    fn the_first_fault_is_the_one_that_is_told() {
        let update = update()
            .set("a", 1)
            .add("b", Value::string_set(["x", "x"]))
            .set("c", attr("c") + f64::NAN)
            .remove("d");
        let fault = update.into_tree().expect_err("two faults");
        assert!(matches!(fault, Fault::Value(ValueFault::DuplicateStrings(_))));
    }

    #[test]
    fn a_wrong_value_is_found_wherever_it_stands() {
        let nan = f64::NAN;
        for update in [
            update().set("a", nan),
            update().set("a", attr("b").if_not_exists(nan)),
            update().set("a", attr("b").if_not_exists(nan) + 1),
            update().set("a", attr("b").list_append(nan)),
            update().set("a", attr("b") - nan),
            update().set_if_not_exists("a", nan),
            update().increment("a", nan),
            update().append("a", [nan]),
            update().prepend("a", [0.5, nan]),
            update().add("a", nan),
            update().delete("a", nan),
        ] {
            assert!(update.into_tree().is_err());
        }
    }
}
