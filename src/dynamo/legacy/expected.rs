//! `Expected`: what an item must meet to be written.

use super::comparison::Comparison;
use super::conditional_operator::{check_conditional_operator, combine};
use super::contents::check_contents;
use super::fault::{ExpectedFault, LegacyFault};
use super::parameters::{ComparisonOperator, ConditionalOperator, ExpectedAttributeValue};
use crate::dynamo::expression::tree::{Comparator, Condition};
use crate::dynamo::value::Value;
use std::collections::BTreeMap;
use std::slice;

/// What `Expected` asks of an item, if it asks anything.
///
/// ```
/// use pixii::dynamo::legacy::expected::expected;
/// use pixii::dynamo::legacy::parameters::ExpectedAttributeValue;
/// use std::collections::BTreeMap;
///
/// let unseen = ExpectedAttributeValue { exists: Some(false), ..ExpectedAttributeValue::default() };
/// let condition = expected(&BTreeMap::from([("id".to_owned(), unseen)]), None)?.expect("one is asked");
/// assert_eq!(condition.to_expression().text, "attribute_not_exists(id)");
/// # Ok::<(), pixii::dynamo::legacy::fault::LegacyFault>(())
/// ```
pub fn expected(
    expected: &BTreeMap<String, ExpectedAttributeValue>,
    operator: Option<ConditionalOperator>,
) -> Result<Option<Condition>, LegacyFault> {
    check_conditional_operator(operator, expected.len())?;
    check_contents(
        expected
            .iter()
            .map(|(name, of)| (name, of.value.iter().chain(of.attribute_value_list.iter().flatten()))),
    )?;
    let conditions = expected
        .iter()
        .map(|(name, of)| comparison(name, of).map(|comparison| comparison.condition(name)))
        .collect::<Result<_, _>>()?;
    Ok(combine(operator, conditions))
}

fn comparison<'a>(name: &str, of: &'a ExpectedAttributeValue) -> Result<Comparison<'a>, LegacyFault> {
    let list = of.attribute_value_list.as_deref();
    if of.exists.is_some() && of.operator.is_some() {
        return Err(ExpectedFault::ExistsWithOperator.of(name));
    }
    if of.value.is_some() && list.is_some() {
        return Err(ExpectedFault::ValueWithList.of(name));
    }
    match of.operator {
        Some(operator) => compared(name, operator, of.value.as_ref(), list),
        None if list.is_some() => Err(ExpectedFault::ListWithoutOperator.of(name)),
        None => match (of.exists, &of.value) {
            (Some(false), None) => Ok(Comparison::NotExists),
            (Some(false), Some(_)) => Err(ExpectedFault::ValueOfMissing.of(name)),
            (Some(true) | None, Some(value)) => Ok(Comparison::Compare(Comparator::Equal, value)),
            (Some(true), None) => Err(ExpectedFault::ExistsAlone.of(name)),
            (None, None) => Err(ExpectedFault::Nothing.of(name)),
        },
    }
}

/// The comparison by an operator with a value, which stands for a list of one, or with a list.
fn compared<'a>(
    name: &str,
    operator: ComparisonOperator,
    value: Option<&'a Value>,
    list: Option<&'a [Value]>,
) -> Result<Comparison<'a>, LegacyFault> {
    let takes_nothing = matches!(operator, ComparisonOperator::Null | ComparisonOperator::NotNull);
    match value.map(slice::from_ref).or(list) {
        Some(arguments) => Comparison::new(operator, arguments),
        None if takes_nothing => Comparison::new(operator, &[]),
        None => Err(ExpectedFault::OperatorAlone { operator }.of(name)),
    }
}
