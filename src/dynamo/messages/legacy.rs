//! The words of the faults of the legacy parameters, before an operation puts them into its envelope.

use super::expression;
use super::tables::PARAMETER;
use crate::dynamo::legacy::fault::{ExpectedFault, LegacyFault};
use crate::dynamo::legacy::parameters::{AttributeAction, LegacyParameter};
use std::fmt::{self, Formatter};

impl fmt::Display for LegacyFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(fault) => fault.fmt(f),
            Self::ParametersMixed { legacy, expressions } => {
                let legacy: Vec<_> = legacy.iter().copied().map(parameter).collect();
                let expressions: Vec<_> = expressions.iter().copied().map(expression::parameter).collect();
                write!(
                    f,
                    "Can not use both expression and non-expression parameters in the same request: \
                     Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                    legacy.join(", "),
                    expressions.join(", ")
                )
            }
            // Our own words: over the wire a transaction has no such members.
            Self::InTransaction => f.write_str("Transactions take no non-expression parameters"),
            Self::NothingToCombine => {
                f.write_str("ConditionalOperator cannot be used without Filter or Expected")
            }
            Self::OneToCombine => f.write_str(
                "ConditionalOperator can only be used when Filter or Expected has two or more elements",
            ),
            Self::ArgumentCount { operator } => write!(
                f,
                "{PARAMETER}Invalid number of argument(s) for the {} ComparisonOperator",
                operator.name()
            ),
            Self::ArgumentType { operator, value_type } => write!(
                f,
                "{PARAMETER}ComparisonOperator {} is not valid for {value_type} AttributeValue type",
                operator.name()
            ),
            Self::ArgumentTypesDiffer => {
                write!(f, "{PARAMETER}AttributeValues inside AttributeValueList must be of same type")
            }
            Self::BoundsReversed => f.write_str(
                "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
            ),
            Self::Expected { attribute, fault } => {
                f.write_str(PARAMETER)?;
                write_expected(f, *fault)?;
                write!(f, " for Attribute: {attribute}")
            }
            Self::ActionWithoutValue => {
                write!(f, "{PARAMETER}Only DELETE action is allowed when no attribute value is specified")
            }
            Self::ActionType { action, value_type } => {
                let with_value = if *action == AttributeAction::Delete { " with value" } else { "" };
                write!(
                    f,
                    "{PARAMETER}{} action{with_value} is not supported for the type {value_type}",
                    action.name()
                )
            }
            Self::StoredType => f.write_str("Type mismatch for attribute to update"),
            Self::KeyConditionCount => f.write_str("Conditions can be of length 1 or 2 only"),
            Self::NotIndexable => {
                f.write_str("Attempted conditional constraint is not an indexable operation")
            }
            Self::KeyInQueryFilter { attribute } => write!(
                f,
                "QueryFilter can only contain non-primary key attributes: Primary key attribute: {attribute}"
            ),
            // All operations that take attributes to get speak the new words.
            Self::NothingToGet => f.write_str(
                "Value at 'AttributesToGet' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1",
            ),
            Self::AttributeRepeated { attribute } => {
                write!(f, "{PARAMETER}Duplicate value in attribute name: {attribute}")
            }
        }
    }
}

impl std::error::Error for LegacyFault {}

fn write_expected(f: &mut Formatter<'_>, fault: ExpectedFault) -> fmt::Result {
    f.write_str(match fault {
        ExpectedFault::ExistsWithOperator => "Exists and ComparisonOperator cannot be used together",
        ExpectedFault::ValueWithList => "Value and AttributeValueList cannot be used together",
        ExpectedFault::ListWithoutOperator => "AttributeValueList can only be used with a ComparisonOperator",
        ExpectedFault::ValueOfMissing => "Value cannot be used when Exists is false",
        ExpectedFault::OperatorAlone { operator } => {
            return write!(
                f,
                "Value or AttributeValueList must be used with ComparisonOperator: {}",
                operator.name()
            );
        }
        ExpectedFault::Nothing => "Value must be provided when Exists is null",
        ExpectedFault::ExistsAlone => "Value must be provided when Exists is true",
    })
}

fn parameter(parameter: LegacyParameter) -> &'static str {
    match parameter {
        LegacyParameter::AttributeUpdates => "AttributeUpdates",
        LegacyParameter::AttributesToGet => "AttributesToGet",
        LegacyParameter::Expected => "Expected",
        LegacyParameter::QueryFilter => "QueryFilter",
        LegacyParameter::ScanFilter => "ScanFilter",
        LegacyParameter::ConditionalOperator => "ConditionalOperator",
        LegacyParameter::KeyConditions => "KeyConditions",
    }
}
