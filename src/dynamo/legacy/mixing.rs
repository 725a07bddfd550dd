//! Legacy parameters and expressions in one request.

use super::fault::LegacyFault;
use super::parameters::LegacyParameter;
use crate::dynamo::expression::fault::ExpressionKind;

/// The order in which DynamoDB names the expressions of a request.
const EXPRESSIONS: [ExpressionKind; 5] = [
    ExpressionKind::Update,
    ExpressionKind::Projection,
    ExpressionKind::Condition,
    ExpressionKind::Filter,
    ExpressionKind::KeyCondition,
];

/// Refuses a request that has both kinds of parameters; given is what is there, even if it is empty. Of a batch: what is
/// there for any of its tables.
///
/// `KeyConditions` may stand beside a filter and a projection as long as there is no key condition expression.
pub fn check_mixing(legacy: &[LegacyParameter], expressions: &[ExpressionKind]) -> Result<(), LegacyFault> {
    let is_refused = |parameter: &LegacyParameter| {
        *parameter != LegacyParameter::KeyConditions || expressions.contains(&ExpressionKind::KeyCondition)
    };
    let mut legacy: Vec<LegacyParameter> = legacy.iter().copied().filter(is_refused).collect();
    if legacy.is_empty() || expressions.is_empty() {
        return Ok(());
    }
    legacy.sort_unstable();
    legacy.dedup();
    let expressions = EXPRESSIONS.into_iter().filter(|kind| expressions.contains(kind)).collect();
    Err(LegacyFault::ParametersMixed { legacy, expressions })
}
