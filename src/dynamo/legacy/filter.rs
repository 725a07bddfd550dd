//! `QueryFilter` and `ScanFilter`: what an item must meet to be in an answer.

use super::comparison::Comparison;
use super::conditional_operator::{check_conditional_operator, combine};
use super::contents::check_contents;
use super::fault::LegacyFault;
use super::parameters::{ConditionalOperator, LegacyCondition};
use crate::dynamo::expression::tree::Condition;
use std::collections::BTreeMap;

/// What a filter asks of an item, if it asks anything.
///
/// ```
/// use pixii::dynamo::legacy::filter::filter;
/// use pixii::dynamo::legacy::parameters::{ComparisonOperator, LegacyCondition};
/// use std::collections::BTreeMap;
///
/// let recent = LegacyCondition {
///     operator: ComparisonOperator::GreaterOrEqual,
///     attribute_value_list: vec![1976.into()],
/// };
/// let condition = filter(&BTreeMap::from([("released.in".to_owned(), recent)]), None)?.expect("one is asked");
/// let expression = condition.to_expression();
/// assert_eq!((expression.text.as_str(), expression.names["#0"].as_str()), ("#0 >= :0", "released.in"));
/// # Ok::<(), pixii::dynamo::legacy::fault::LegacyFault>(())
/// ```
pub fn filter(
    filter: &BTreeMap<String, LegacyCondition>,
    operator: Option<ConditionalOperator>,
) -> Result<Option<Condition>, LegacyFault> {
    check_conditional_operator(operator, filter.len())?;
    check_contents(filter.iter().map(|(name, of)| (name, &of.attribute_value_list)))?;
    let conditions = filter
        .iter()
        .map(|(name, of)| {
            Comparison::new(of.operator, &of.attribute_value_list)
                .map(|comparison| comparison.condition(name))
        })
        .collect::<Result<_, _>>()?;
    Ok(combine(operator, conditions))
}

/// Refuses a query's filter that asks an attribute of the key that is queried; a scan's filter may.
pub fn check_query_filter<'a>(
    filter: &BTreeMap<String, LegacyCondition>,
    key: impl IntoIterator<Item = &'a str>,
) -> Result<(), LegacyFault> {
    match key.into_iter().find(|attribute| filter.contains_key(*attribute)) {
        Some(attribute) => Err(LegacyFault::KeyInQueryFilter { attribute: attribute.to_owned() }),
        None => Ok(()),
    }
}
