//! From a condition to the clauses of a key condition: what of all that a condition can say may be asked of keys.

use super::fault::InvalidKeyCondition;
use super::path::DocumentPath;
use super::tree::{Comparator, Condition, KeyClause, KeyCondition, Operand};
use crate::dynamo::value::Value;

/// The clauses of a condition that asks keys alone, in their order. The condition has been checked.
pub(super) fn key_clauses(condition: Condition) -> Result<Vec<KeyClause>, InvalidKeyCondition> {
    let mut clauses: Vec<KeyClause> = Vec::new();
    collect(condition, &mut clauses)?;
    let repeated = |(index, clause): (usize, &KeyClause)| {
        clauses[..index].iter().any(|other| other.attribute == clause.attribute)
    };
    if clauses.iter().enumerate().any(repeated) {
        return Err(InvalidKeyCondition::Repeated);
    }
    Ok(clauses)
}

fn collect(condition: Condition, clauses: &mut Vec<KeyClause>) -> Result<(), InvalidKeyCondition> {
    let operator = match condition {
        Condition::And(parts) => return parts.into_iter().try_for_each(|part| collect(part, clauses)),
        Condition::Compare { left, comparator, right } => {
            let is_turned = matches!(left, Operand::Value(_));
            let condition = match if is_turned { turned(comparator) } else { comparator } {
                Comparator::Equal => KeyCondition::Equal,
                Comparator::Less => KeyCondition::Less,
                Comparator::LessOrEqual => KeyCondition::LessOrEqual,
                Comparator::Greater => KeyCondition::Greater,
                Comparator::GreaterOrEqual => KeyCondition::GreaterOrEqual,
                Comparator::NotEqual => return Err(InvalidKeyCondition::Operator { operator: "<>" }),
            };
            let (attribute, [value]) = attribute_and_values([left, right])?;
            clauses.push(KeyClause { attribute, condition: condition(value) });
            return Ok(());
        }
        Condition::Between { operand, lower, upper } => {
            check_first("BETWEEN", &operand)?;
            let (attribute, [lower, upper]) = attribute_and_values([operand, lower, upper])?;
            clauses.push(KeyClause { attribute, condition: KeyCondition::Between(lower, upper) });
            return Ok(());
        }
        Condition::BeginsWith { operand, prefix } => {
            check_first("begins_with", &operand)?;
            let (attribute, [prefix]) = attribute_and_values([operand, prefix])?;
            clauses.push(KeyClause { attribute, condition: KeyCondition::BeginsWith(prefix) });
            return Ok(());
        }
        Condition::Or(_) => "OR",
        Condition::Not(_) => "NOT",
        Condition::In { .. } => "IN",
        Condition::AttributeExists(_) => "attribute_exists",
        Condition::AttributeNotExists(_) => "attribute_not_exists",
        Condition::AttributeType { .. } => "attribute_type",
        Condition::Contains { .. } | Condition::NotContains { .. } => "contains",
    };
    Err(InvalidKeyCondition::Operator { operator })
}

fn check_first(operator: &'static str, operand: &Operand) -> Result<(), InvalidKeyCondition> {
    match operand {
        Operand::Value(_) => Err(InvalidKeyCondition::AttributeNotFirst { operator }),
        Operand::Path(_) | Operand::Size(_) => Ok(()),
    }
}

/// Takes operands apart into the one attribute and the values.
fn attribute_and_values<const OPERANDS: usize, const VALUES: usize>(
    operands: [Operand; OPERANDS],
) -> Result<(String, [Value; VALUES]), InvalidKeyCondition> {
    let mut attribute = None;
    let mut values = Vec::new();
    for operand in operands {
        match operand {
            Operand::Size(_) => return Err(InvalidKeyCondition::OperationNested),
            Operand::Path(_) if attribute.is_some() => return Err(InvalidKeyCondition::AttributesCompared),
            Operand::Path(path) => attribute = Some(top_level(&path)?),
            Operand::Value(constant) => values.push(constant.value().clone()),
        }
    }
    match (attribute, values.try_into()) {
        (Some(attribute), Ok(values)) => Ok((attribute, values)),
        _ => Err(InvalidKeyCondition::AttributeMissing),
    }
}

fn top_level(path: &DocumentPath) -> Result<String, InvalidKeyCondition> {
    if path.rest().is_empty() { Ok(path.root().to_owned()) } else { Err(InvalidKeyCondition::PathNested) }
}

/// What holds of the right operand when this holds of the left one.
fn turned(comparator: Comparator) -> Comparator {
    match comparator {
        Comparator::Less => Comparator::Greater,
        Comparator::LessOrEqual => Comparator::GreaterOrEqual,
        Comparator::Greater => Comparator::Less,
        Comparator::GreaterOrEqual => Comparator::LessOrEqual,
        Comparator::Equal | Comparator::NotEqual => comparator,
    }
}
