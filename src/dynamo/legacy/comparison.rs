//! One operator with the values that it compares with: what it takes, and the condition that it is.
//!
//! The order of the faults is DynamoDB's: how many values there are, for each value whether the operator takes its type
//! and whether it is the first one's, bounds.
//!
//! Invariant: a comparison that exists is one that DynamoDB takes.

use super::fault::LegacyFault;
use super::parameters::ComparisonOperator;
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::{Comparator, Condition, Constant, KeyCondition, Operand};
use crate::dynamo::value::{Value, ValueType};

/// A comparison of some attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison<'a> {
    Compare(Comparator, &'a Value),
    Between(&'a Value, &'a Value),
    In(&'a [Value]),
    Exists,
    NotExists,
    BeginsWith(&'a Value),
    Contains(&'a Value),
    NotContains(&'a Value),
}

impl<'a> Comparison<'a> {
    /// The comparison by `operator` with `arguments`.
    pub(super) fn new(operator: ComparisonOperator, arguments: &'a [Value]) -> Result<Self, LegacyFault> {
        let one = || exactly(operator, arguments).map(|[value]| value);
        Ok(match operator {
            ComparisonOperator::Equal => Self::Compare(Comparator::Equal, one()?),
            ComparisonOperator::NotEqual => Self::Compare(Comparator::NotEqual, one()?),
            ComparisonOperator::LessOrEqual => Self::Compare(Comparator::LessOrEqual, one()?),
            ComparisonOperator::Less => Self::Compare(Comparator::Less, one()?),
            ComparisonOperator::GreaterOrEqual => Self::Compare(Comparator::GreaterOrEqual, one()?),
            ComparisonOperator::Greater => Self::Compare(Comparator::Greater, one()?),
            ComparisonOperator::BeginsWith => Self::BeginsWith(one()?),
            ComparisonOperator::Contains => Self::Contains(one()?),
            ComparisonOperator::NotContains => Self::NotContains(one()?),
            ComparisonOperator::NotNull => exactly(operator, arguments).map(|[]| Self::Exists)?,
            ComparisonOperator::Null => exactly(operator, arguments).map(|[]| Self::NotExists)?,
            ComparisonOperator::Between => {
                let [lower, upper] = exactly(operator, arguments)?;
                if is_above(lower, upper) {
                    return Err(LegacyFault::BoundsReversed);
                }
                Self::Between(lower, upper)
            }
            ComparisonOperator::In if arguments.is_empty() => {
                return Err(LegacyFault::ArgumentCount { operator });
            }
            ComparisonOperator::In => {
                check_types(operator, arguments)?;
                Self::In(arguments)
            }
        })
    }

    /// What it asks of `attribute`, which is the name of a whole attribute.
    pub(super) fn condition(self, attribute: &str) -> Condition {
        let path = || DocumentPath::attribute(attribute);
        let operand = || Operand::Path(path());
        match self {
            Self::Compare(comparator, value) => {
                Condition::Compare { left: operand(), comparator, right: constant(value) }
            }
            Self::Between(lower, upper) => {
                Condition::Between { operand: operand(), lower: constant(lower), upper: constant(upper) }
            }
            Self::In(values) => {
                Condition::In { operand: operand(), candidates: values.iter().map(constant).collect() }
            }
            Self::Exists => Condition::AttributeExists(path()),
            Self::NotExists => Condition::AttributeNotExists(path()),
            Self::BeginsWith(value) => Condition::BeginsWith { operand: operand(), prefix: constant(value) },
            Self::Contains(value) => Condition::Contains { operand: operand(), member: constant(value) },
            Self::NotContains(value) => {
                Condition::NotContains { operand: operand(), member: constant(value) }
            }
        }
    }

    /// What it asks of the attribute of a key, if a key can be asked that.
    pub(super) fn key_condition(self) -> Option<KeyCondition> {
        Some(match self {
            Self::Compare(Comparator::Equal, value) => KeyCondition::Equal(value.clone()),
            Self::Compare(Comparator::Less, value) => KeyCondition::Less(value.clone()),
            Self::Compare(Comparator::LessOrEqual, value) => KeyCondition::LessOrEqual(value.clone()),
            Self::Compare(Comparator::Greater, value) => KeyCondition::Greater(value.clone()),
            Self::Compare(Comparator::GreaterOrEqual, value) => KeyCondition::GreaterOrEqual(value.clone()),
            Self::Between(lower, upper) => KeyCondition::Between(lower.clone(), upper.clone()),
            Self::BeginsWith(value) => KeyCondition::BeginsWith(value.clone()),
            Self::Compare(Comparator::NotEqual, _)
            | Self::In(_)
            | Self::Exists
            | Self::NotExists
            | Self::Contains(_)
            | Self::NotContains(_) => return None,
        })
    }
}

fn constant(value: &Value) -> Operand {
    Operand::Value(Constant::new(value.clone()))
}

/// The arguments, if there are so many and they have the right types.
fn exactly<const COUNT: usize>(
    operator: ComparisonOperator,
    arguments: &[Value],
) -> Result<&[Value; COUNT], LegacyFault> {
    let exact = arguments.try_into().map_err(|_| LegacyFault::ArgumentCount { operator })?;
    check_types(operator, arguments)?;
    Ok(exact)
}

fn check_types(operator: ComparisonOperator, arguments: &[Value]) -> Result<(), LegacyFault> {
    for argument in arguments {
        let value_type = argument.value_type();
        if !takes(operator, value_type) {
            return Err(LegacyFault::ArgumentType { operator, value_type });
        }
        if value_type != arguments[0].value_type() {
            return Err(LegacyFault::ArgumentTypesDiffer);
        }
    }
    Ok(())
}

/// Whether an operator compares with values of a type. This is narrower than in expressions.
fn takes(operator: ComparisonOperator, value_type: ValueType) -> bool {
    let has_order = matches!(value_type, ValueType::String | ValueType::Number | ValueType::Binary);
    match operator {
        ComparisonOperator::Equal
        | ComparisonOperator::NotEqual
        | ComparisonOperator::Null
        | ComparisonOperator::NotNull => true,
        // The API reference names strings, numbers and binaries; the service takes the other scalars too, for lists.
        ComparisonOperator::Contains | ComparisonOperator::NotContains => {
            has_order || matches!(value_type, ValueType::Bool | ValueType::Null)
        }
        ComparisonOperator::BeginsWith => matches!(value_type, ValueType::String | ValueType::Binary),
        ComparisonOperator::In
        | ComparisonOperator::LessOrEqual
        | ComparisonOperator::Less
        | ComparisonOperator::GreaterOrEqual
        | ComparisonOperator::Greater
        | ComparisonOperator::Between => has_order,
    }
}

/// Whether a value stands above another of the same type.
fn is_above(lower: &Value, upper: &Value) -> bool {
    match (lower, upper) {
        (Value::String(lower), Value::String(upper)) => lower > upper,
        (Value::Number(lower), Value::Number(upper)) => lower > upper,
        (Value::Binary(lower), Value::Binary(upper)) => lower > upper,
        _ => false,
    }
}
