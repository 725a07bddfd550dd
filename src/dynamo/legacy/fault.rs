//! What can be wrong with the legacy parameters, as structure. DynamoDB's words for it stand in `messages`.

use super::parameters::{AttributeAction, ComparisonOperator, LegacyParameter};
use crate::dynamo::expression::fault::ExpressionKind;
use crate::dynamo::value::{ValueFault, ValueType};

/// Why legacy parameters are refused. `Display` gives DynamoDB's words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LegacyFault {
    /// The name of an attribute, or a value, is not one that DynamoDB takes.
    Value(ValueFault),
    /// A request has legacy parameters and expressions.
    ParametersMixed {
        /// The legacy ones, in DynamoDB's order.
        legacy: Vec<LegacyParameter>,
        /// The expressions, in DynamoDB's order.
        expressions: Vec<ExpressionKind>,
    },
    /// A transaction has legacy parameters, which none takes.
    InTransaction,
    /// `ConditionalOperator` without conditions.
    NothingToCombine,
    /// `ConditionalOperator` with a single condition.
    OneToCombine,
    /// An operator takes another number of values.
    ArgumentCount {
        /// The operator.
        operator: ComparisonOperator,
    },
    /// An operator does not take values of this type.
    ArgumentType {
        /// The operator.
        operator: ComparisonOperator,
        /// The type.
        value_type: ValueType,
    },
    /// The values of a condition are not of one type.
    ArgumentTypesDiffer,
    /// The lower bound of `BETWEEN` is above the upper one.
    BoundsReversed,
    /// What is expected of an attribute does not fit together.
    Expected {
        /// The attribute.
        attribute: String,
        /// What is wrong.
        fault: ExpectedFault,
    },
    /// An action that needs a value has none.
    ActionWithoutValue,
    /// An action does not take a value of this type.
    ActionType {
        /// The action.
        action: AttributeAction,
        /// The type.
        value_type: ValueType,
    },
    /// An attribute is stored with another type than it is to be added to or deleted from.
    StoredType,
    /// There are no key conditions, or more than two.
    KeyConditionCount,
    /// An operator that no key can be asked with.
    NotIndexable,
    /// A query's filter asks an attribute of the key that is queried.
    KeyInQueryFilter {
        /// The attribute.
        attribute: String,
    },
    /// There are no attributes to get.
    NothingToGet,
    /// An attribute is to be got twice.
    AttributeRepeated {
        /// The attribute.
        attribute: String,
    },
}

impl LegacyFault {
    /// Whether DynamoDB says this only of a table that it has found. Of a table that does not exist it says so first.
    pub fn needs_table(&self) -> bool {
        matches!(self, Self::StoredType | Self::NotIndexable | Self::KeyInQueryFilter { .. })
    }
}

impl From<ValueFault> for LegacyFault {
    fn from(fault: ValueFault) -> Self {
        Self::Value(fault)
    }
}

/// How what is expected of an attribute does not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedFault {
    /// Both whether it exists and an operator.
    ExistsWithOperator,
    /// Both a value and a list of values.
    ValueWithList,
    /// A list of values, and no operator.
    ListWithoutOperator,
    /// A value of an attribute that is not to exist.
    ValueOfMissing,
    /// An operator, and nothing to compare with.
    OperatorAlone {
        /// The operator.
        operator: ComparisonOperator,
    },
    /// Nothing at all.
    Nothing,
    /// That it exists, and no value.
    ExistsAlone,
}

impl ExpectedFault {
    /// This, of that attribute.
    pub(super) fn of(self, attribute: &str) -> LegacyFault {
        LegacyFault::Expected { attribute: attribute.to_owned(), fault: self }
    }
}
