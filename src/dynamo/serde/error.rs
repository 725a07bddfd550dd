//! Why a Rust value does not become an item, or an item not a Rust value: where, and what.

use crate::base::codec::DecodeError;
use crate::dynamo::number::NumberError;
use crate::dynamo::value::{ValueFault, ValueType};
use std::fmt::{self, Write};

/// An error of [`to_item`](super::ser::to_item), [`from_item`](super::de::from_item) and their kin.
///
/// `Display` gives the path of the field and what is wrong with it: `message.tags[2]: expected u8, found the number
/// 300`.
#[derive(Clone, PartialEq, Eq)]
pub struct SerdeError {
    inner: Box<Inner>,
}

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    fault: SerdeFault,
    /// From the innermost step to the outermost.
    steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SerdeFault {
    /// The types do not fit, or the Rust type's own `Serialize` or `Deserialize` said no: in words.
    Mismatch(String),
    /// A number that DynamoDB does not take.
    Number(NumberError),
    /// A value that DynamoDB does not store: an empty set, a member twice, more than 32 levels.
    Invalid(ValueFault),
    /// What is at the top is not a struct or a map, so it is not an item.
    NotAnItem(ValueType),
    /// The stored bytes do not parse.
    Unreadable(DecodeError),
}

impl SerdeError {
    /// An error at the present place.
    pub(super) fn new(fault: SerdeFault) -> Self {
        Self { inner: Box::new(Inner { fault, steps: Vec::new() }) }
    }

    /// The same error, seen from around the attribute `name`.
    pub(super) fn in_attribute(mut self, name: &str) -> Self {
        self.inner.steps.push(Step::Name(name.to_owned()));
        self
    }

    /// The same error, seen from around the element at `index`.
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.inner.steps.push(Step::Index(index));
        self
    }

    /// What is wrong.
    pub fn fault(&self) -> &SerdeFault {
        &self.inner.fault
    }

    /// Where: names with points between them and indexes in brackets, such as `message.tags[2]`. Empty for the whole.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.inner.steps.iter().rev() {
            let point = if path.is_empty() { "" } else { "." };
            let written = match step {
                Step::Name(name) => write!(path, "{point}{name}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
            written.expect("writing to a string does not fail");
        }
        path
    }
}

impl fmt::Display for SerdeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        if path.is_empty() { self.inner.fault.fmt(f) } else { write!(f, "{path}: {}", self.inner.fault) }
    }
}

impl fmt::Debug for SerdeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SerdeError").field("path", &self.path()).field("fault", self.fault()).finish()
    }
}

impl std::error::Error for SerdeError {}

impl fmt::Display for SerdeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch(words) => f.write_str(words),
            Self::Number(NumberError::NotANumber(text)) => write!(f, "`{text}` is not a decimal number"),
            Self::Number(NumberError::Overflow) => f.write_str("the number is 1E+126 or more"),
            Self::Number(NumberError::Underflow) => f.write_str("the number is nearer to zero than 1E-130"),
            Self::Number(NumberError::TooManyDigits) => {
                f.write_str("the number has more than 38 significant digits")
            }
            Self::Invalid(ValueFault::EmptySet(_)) => f.write_str(
                "a set needs a member; leave the empty one out, with `skip_serializing_if` and `default`",
            ),
            Self::Invalid(
                ValueFault::DuplicateStrings(_)
                | ValueFault::DuplicateNumbers(_)
                | ValueFault::DuplicateBinaries(_),
            ) => f.write_str("the set has the same member twice"),
            Self::Invalid(ValueFault::TooDeep) => f.write_str("values nest to more than 32 levels"),
            Self::Invalid(fault) => fault.fmt(f),
            Self::NotAnItem(found) => {
                write!(f, "an item is made from a struct or a map, and this is of type {found}")
            }
            Self::Unreadable(error) => write!(f, "the stored item does not parse: {error}"),
        }
    }
}

impl From<NumberError> for SerdeError {
    fn from(error: NumberError) -> Self {
        Self::new(SerdeFault::Number(error))
    }
}

impl From<ValueFault> for SerdeError {
    fn from(fault: ValueFault) -> Self {
        Self::new(SerdeFault::Invalid(fault))
    }
}

impl From<DecodeError> for SerdeError {
    fn from(error: DecodeError) -> Self {
        Self::new(SerdeFault::Unreadable(error))
    }
}

impl serde::ser::Error for SerdeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(SerdeFault::Mismatch(message.to_string()))
    }
}

impl serde::de::Error for SerdeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(SerdeFault::Mismatch(message.to_string()))
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {found}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("the attribute `{field}` is missing"))
    }
}
