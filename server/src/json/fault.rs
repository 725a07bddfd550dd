//! Why JSON is not an item.

use pixii::dynamo::value::ValueFault;
use std::fmt;

/// Why JSON is not an item, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ItemFault {
    path: String,
    fault: JsonFault,
}

/// Why JSON is not a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JsonFault {
    /// Another kind of JSON stands there than the form asks for. DynamoDB calls it a serialization error.
    Shape {
        /// What must stand there.
        expected: &'static str,
        /// What does.
        found: &'static str,
    },
    /// Not base64 with padding. DynamoDB calls it a serialization error.
    Base64,
    /// A typed value without a type.
    NoType,
    /// A typed value with several types.
    ManyTypes,
    /// `NULL` that is not `true`.
    NullNotTrue,
    /// DynamoDB does not store such a value.
    Value(ValueFault),
}

impl<F: Into<ValueFault>> From<F> for JsonFault {
    fn from(fault: F) -> Self {
        Self::Value(fault.into())
    }
}

impl<F: Into<JsonFault>> From<F> for ItemFault {
    fn from(fault: F) -> Self {
        Self { path: String::new(), fault: fault.into() }
    }
}

impl ItemFault {
    /// What is wrong.
    #[cfg(test)]
    pub(crate) fn fault(&self) -> &JsonFault {
        &self.fault
    }

    /// The fault as that of what contains the attribute `name`.
    pub(crate) fn in_attribute(mut self, name: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path.insert_str(0, &format!("{name}{separator}"));
        self
    }

    /// The fault as that of what contains the element `index`.
    pub(crate) fn in_element(mut self, index: usize) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path.insert_str(0, &format!("[{index}]{separator}"));
        self
    }
}

impl fmt::Display for ItemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "attribute {}: ", self.path)?;
        }
        self.fault.fmt(f)
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Base64 => f.write_str("expected bytes as base64 with padding"),
            Self::NoType => f.write_str(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ),
            Self::ManyTypes => f.write_str(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                 supported datatypes",
            ),
            Self::NullNotTrue => f.write_str(
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            ),
            Self::Value(fault) => fault.fmt(f),
        }
    }
}
