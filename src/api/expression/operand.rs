//! What stands beside an attribute in an expression: values, other attributes, and what is computed from them.
//!
//! An attribute has the type of a field of an entity, or none. What may stand beside it is decided by one trait, and
//! where an operand may stand by its form: a constant anywhere, a path where DynamoDB takes one, what is computed in
//! `SET` alone.

use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::{Constant, Operand, SetOperand, SetValue};
use crate::dynamo::fault::Fault;
use crate::dynamo::serde::error::SerdeError;
use crate::dynamo::value::Value;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// The type of attributes that are known by name alone: any value goes with them.
#[derive(Clone, Copy, Debug)]
pub enum Untyped {}

/// How the values of an attribute of Rust type `T` are stored.
pub type Encode<T> = fn(&T) -> Result<Value, SerdeError>;

/// What may stand beside an attribute whose values have the Rust type `T`.
///
/// Beside an attribute known by name alone: whatever is `Into<Value>`, floats, and results of these, whose error
/// becomes that of the request. Beside a field of an entity: its type, by value or by reference, `&str` for texts, the
/// type within an `Option`, and arrays for collections. Beside both: attributes of the same type, or known by name
/// alone.
///
/// A float is stored as the shortest decimal that reads back as itself; one that is no finite number, or beyond what
/// DynamoDB's numbers hold, is a fault.
///
/// ```
/// use pixii::{Attribute, attr, to_value};
///
/// const SENDER: Attribute<String> = Attribute::new("sender");
/// const RATING: Attribute<Option<f64>> = Attribute::new("rating");
/// let condition = SENDER.eq("bob") & RATING.gt(3.5) & attr("sender").ne(attr("reader"));
/// assert!(condition.into_tree().is_ok());
/// assert!(RATING.gt(f64::NAN).into_tree().is_err());
/// assert!(attr("address").eq(to_value(&("Main Street", 7))).into_tree().is_ok());
/// ```
///
/// A value of another type does not compile:
///
/// ```compile_fail,E0277
/// use pixii::Attribute;
///
/// const SENDER: Attribute<String> = Attribute::new("sender");
/// let condition = SENDER.eq(7);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not go with an attribute of type `{T}`",
    label = "neither a `{T}` nor an attribute that holds one",
    note = "beside a typed attribute stands its own type, by value or by reference, or an attribute of that type",
    note = "`.untyped()` takes the type off an attribute"
)]
pub trait OperandOf<T> {
    /// What it is in a tree, which decides where it may stand.
    type Form;

    /// The form, where the attribute's values are stored by `encode`.
    fn into_form(self, encode: Encode<T>) -> Result<Self::Form, Fault>;
}

/// A constant of a value that DynamoDB takes.
fn constant(value: Value) -> Result<Constant, Fault> {
    value.validate()?;
    Ok(Constant::new(value))
}

impl<V: Into<Value>> OperandOf<Untyped> for V {
    type Form = Constant;

    fn into_form(self, _: Encode<Untyped>) -> Result<Constant, Fault> {
        constant(self.into())
    }
}

impl OperandOf<Untyped> for f64 {
    type Form = Constant;

    fn into_form(self, _: Encode<Untyped>) -> Result<Constant, Fault> {
        constant(self.try_into()?)
    }
}

impl OperandOf<Untyped> for f32 {
    type Form = Constant;

    fn into_form(self, _: Encode<Untyped>) -> Result<Constant, Fault> {
        constant(self.try_into()?)
    }
}

impl<V: OperandOf<Untyped>, E: Into<Fault>> OperandOf<Untyped> for Result<V, E> {
    type Form = V::Form;

    fn into_form(self, encode: Encode<Untyped>) -> Result<V::Form, Fault> {
        self.map_err(Into::into)?.into_form(encode)
    }
}

impl<T: Serialize> OperandOf<T> for T {
    type Form = Constant;

    fn into_form(self, encode: Encode<T>) -> Result<Constant, Fault> {
        constant(encode(&self)?)
    }
}

impl<T: Serialize> OperandOf<T> for &T {
    type Form = Constant;

    fn into_form(self, encode: Encode<T>) -> Result<Constant, Fault> {
        constant(encode(self)?)
    }
}

impl<T: Serialize> OperandOf<Option<T>> for T {
    type Form = Constant;

    fn into_form(self, encode: Encode<Option<T>>) -> Result<Constant, Fault> {
        constant(encode(&Some(self))?)
    }
}

impl<T: Serialize + Clone> OperandOf<Option<T>> for &T {
    type Form = Constant;

    fn into_form(self, encode: Encode<Option<T>>) -> Result<Constant, Fault> {
        constant(encode(&Some(self.clone()))?)
    }
}

/// A borrowed or fixed form of what an attribute holds.
macro_rules! operands_by_conversion {
    ($([$($parameter:tt)*] $source:ty as $target:ty),* $(,)?) => {$(
        impl<$($parameter)*> OperandOf<$target> for $source {
            type Form = Constant;

            fn into_form(self, encode: Encode<$target>) -> Result<Constant, Fault> {
                let target: $target = self.into();
                constant(encode(&target)?)
            }
        }

        impl<$($parameter)*> OperandOf<Option<$target>> for $source {
            type Form = Constant;

            fn into_form(self, encode: Encode<Option<$target>>) -> Result<Constant, Fault> {
                let target: $target = self.into();
                constant(encode(&Some(target))?)
            }
        }
    )*};
}

operands_by_conversion! {
    [] &str as String, [] &str as Box<str>, ['a] &'a str as Cow<'a, str>,
    [T: Serialize, const COUNT: usize] [T; COUNT] as Vec<T>,
    [T: Serialize + Clone] &[T] as Vec<T>,
    [T: Serialize + Ord, const COUNT: usize] [T; COUNT] as BTreeSet<T>,
    [T: Serialize + std::hash::Hash + Eq, const COUNT: usize] [T; COUNT] as HashSet<T>,
}

/// Arrays of literals for collections of texts.
macro_rules! operands_of_texts {
    ($($target:ty),* $(,)?) => {$(
        impl<const COUNT: usize> OperandOf<$target> for [&str; COUNT] {
            type Form = Constant;

            fn into_form(self, encode: Encode<$target>) -> Result<Constant, Fault> {
                constant(encode(&self.map(str::to_owned).into_iter().collect())?)
            }
        }
    )*};
}

operands_of_texts!(Vec<String>, BTreeSet<String>, HashSet<String>);

/// What may be a member of an attribute of Rust type `T`: a part of a text, an element of a list, a member of a set.
///
/// ```
/// use pixii::{Attribute, attr};
///
/// const TEXT: Attribute<String> = Attribute::new("text");
/// const TAGS: Attribute<Vec<String>> = Attribute::new("tags");
/// let condition = TEXT.contains("tea") & TAGS.contains("new") & attr("sizes").contains(42);
/// assert!(condition.into_tree().is_ok());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no member of `{T}`",
    label = "not what a `{T}` can contain",
    note = "texts contain texts; vectors and sets contain their own members"
)]
pub trait MemberOf<T> {
    /// The member as it is stored in an attribute whose values are stored by `encode`.
    fn into_member(self, encode: Encode<T>) -> Result<Operand, Fault>;
}

impl<V: OperandOf<Untyped, Form: Into<Operand>>> MemberOf<Untyped> for V {
    fn into_member(self, encode: Encode<Untyped>) -> Result<Operand, Fault> {
        self.into_form(encode).map(Into::into)
    }
}

/// Parts of texts.
macro_rules! parts {
    ($($target:ty),*) => {$(
        impl<V: OperandOf<$target, Form: Into<Operand>>> MemberOf<$target> for V {
            fn into_member(self, encode: Encode<$target>) -> Result<Operand, Fault> {
                self.into_form(encode).map(Into::into)
            }
        }
    )*};
}

parts!(String, Option<String>);

/// The one member of a list or set.
fn sole(collection: Value) -> Result<Operand, Fault> {
    let member = match collection {
        Value::List(elements) => elements.into_iter().next(),
        Value::StringSet(members) => members.into_iter().next().map(Value::from),
        Value::NumberSet(members) => members.into_iter().next().map(Value::from),
        Value::BinarySet(members) => members.into_iter().next().map(Value::from),
        other => Some(other),
    };
    // A type that leaves its only member out has none that could be found.
    constant(member.unwrap_or(Value::Null)).map(Into::into)
}

/// Members of collections, stored as they are stored in one.
macro_rules! members {
    ($($collection:ident: $bound:path),* $(,)?) => {$(
        impl<T: $bound + Eq> MemberOf<$collection<T>> for T {
            fn into_member(self, encode: Encode<$collection<T>>) -> Result<Operand, Fault> {
                sole(encode(&[self].into_iter().collect())?)
            }
        }

        impl<T: $bound + Eq + Clone> MemberOf<$collection<T>> for &T {
            fn into_member(self, encode: Encode<$collection<T>>) -> Result<Operand, Fault> {
                self.clone().into_member(encode)
            }
        }

        impl MemberOf<$collection<String>> for &str {
            fn into_member(self, encode: Encode<$collection<String>>) -> Result<Operand, Fault> {
                self.to_owned().into_member(encode)
            }
        }
    )*};
}

members!(Vec: Sized, BTreeSet: Ord, HashSet: std::hash::Hash);

/// What may be put at an end of a list of Rust type `T`: for a `Vec`, another one or an array; by name alone, anything
/// that gives values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not appended to an attribute of type `{T}`",
    label = "not a list of what `{T}` holds",
    note = "lists are appended to lists: `.append(\"log\", [entry])`"
)]
pub trait ListOf<T> {
    /// The elements as a list.
    fn into_list(self, encode: Encode<T>) -> Result<Constant, Fault>;
}

impl<I: IntoIterator<Item: OperandOf<Untyped, Form = Constant>>> ListOf<Untyped> for I {
    fn into_list(self, encode: Encode<Untyped>) -> Result<Constant, Fault> {
        let elements = self.into_iter().map(|element| Ok(element.into_form(encode)?.value().clone()));
        constant(Value::List(elements.collect::<Result<_, Fault>>()?))
    }
}

impl<T, V: OperandOf<Vec<T>, Form = Constant>> ListOf<Vec<T>> for V {
    fn into_list(self, encode: Encode<Vec<T>>) -> Result<Constant, Fault> {
        self.into_form(encode)
    }
}

impl From<Constant> for Operand {
    fn from(constant: Constant) -> Self {
        Self::Value(constant)
    }
}

impl From<DocumentPath> for Operand {
    fn from(path: DocumentPath) -> Self {
        Self::Path(path)
    }
}

impl From<Constant> for SetOperand {
    fn from(constant: Constant) -> Self {
        Self::Value(constant)
    }
}

impl From<DocumentPath> for SetOperand {
    fn from(path: DocumentPath) -> Self {
        Self::Path(path)
    }
}

impl From<Constant> for SetValue {
    fn from(constant: Constant) -> Self {
        Self::Operand(constant.into())
    }
}

impl From<DocumentPath> for SetValue {
    fn from(path: DocumentPath) -> Self {
        Self::Operand(path.into())
    }
}

impl From<SetOperand> for SetValue {
    fn from(operand: SetOperand) -> Self {
        Self::Operand(operand)
    }
}
