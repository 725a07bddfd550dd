//! `KeyConditions`: which keys a query reads.

use super::comparison::Comparison;
use super::contents::check_contents;
use super::fault::LegacyFault;
use super::parameters::LegacyCondition;
use crate::dynamo::expression::tree::KeyClause;
use std::collections::BTreeMap;

/// Most attributes that have conditions, those of the partition key included.
const KEY_CONDITIONS_MAX: usize = 2;

/// What `KeyConditions` asks of keys, in the order of the attributes' names.
///
/// The last of its faults, an operator that no key can be asked with, is one that
/// [needs the table](LegacyFault::needs_table): keep it until the table is found. How the clauses fit the table's key is
/// judged like those of a key condition expression.
///
/// ```
/// use pixii::KeyCondition;
/// use pixii::dynamo::legacy::key_conditions::key_conditions;
/// use pixii::dynamo::legacy::parameters::{ComparisonOperator, LegacyCondition};
/// use std::collections::BTreeMap;
///
/// let by = LegacyCondition { operator: ComparisonOperator::Equal, attribute_value_list: vec!["Fela".into()] };
/// let clauses = key_conditions(&BTreeMap::from([("artist".to_owned(), by)]))?;
/// assert_eq!(clauses[0].condition, KeyCondition::Equal("Fela".into()));
/// # Ok::<(), pixii::dynamo::legacy::fault::LegacyFault>(())
/// ```
pub fn key_conditions(conditions: &BTreeMap<String, LegacyCondition>) -> Result<Vec<KeyClause>, LegacyFault> {
    check_contents(conditions.iter().map(|(name, of)| (name, &of.attribute_value_list)))?;
    let comparisons = conditions
        .values()
        .map(|of| Comparison::new(of.operator, &of.attribute_value_list))
        .collect::<Result<Vec<_>, _>>()?;
    if !(1..=KEY_CONDITIONS_MAX).contains(&comparisons.len()) {
        return Err(LegacyFault::KeyConditionCount);
    }
    let clauses = conditions.keys().zip(comparisons).map(|(attribute, comparison)| {
        let condition = comparison.key_condition()?;
        Some(KeyClause { attribute: attribute.clone(), condition })
    });
    clauses.collect::<Option<_>>().ok_or(LegacyFault::NotIndexable)
}
