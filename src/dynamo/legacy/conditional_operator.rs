//! Several conditions as one.

use super::fault::LegacyFault;
use super::parameters::ConditionalOperator;
use crate::dynamo::expression::tree::Condition;

/// Refuses a `ConditionalOperator` that has fewer than two conditions to combine; a parameter that is not there has none.
///
/// This belongs to the checks of parameters against each other and comes before those of any name or value. `expected`
/// and `filter` begin with it.
pub fn check_conditional_operator(
    operator: Option<ConditionalOperator>,
    conditions: usize,
) -> Result<(), LegacyFault> {
    match (operator, conditions) {
        (Some(_), 0) => Err(LegacyFault::NothingToCombine),
        (Some(_), 1) => Err(LegacyFault::OneToCombine),
        _ => Ok(()),
    }
}

/// The conditions as one, if there are any.
pub(super) fn combine(
    operator: Option<ConditionalOperator>,
    mut conditions: Vec<Condition>,
) -> Option<Condition> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    Some(match operator.unwrap_or_default() {
        ConditionalOperator::And => Condition::And(conditions),
        ConditionalOperator::Or => Condition::Or(conditions),
    })
}
