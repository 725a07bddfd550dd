//! The legacy parameters of a write: what they may stand beside, and the condition and the update that they are.

use super::request::{DeleteRequest, PutRequest, UpdateRequest};
use crate::dynamo::expression::fault::ExpressionKind;
use crate::dynamo::expression::tree::{Condition, Update};
use crate::dynamo::legacy::attribute_updates::attribute_updates;
use crate::dynamo::legacy::conditional_operator::check_conditional_operator;
use crate::dynamo::legacy::expected::expected;
use crate::dynamo::legacy::fault::LegacyFault;
use crate::dynamo::legacy::mixing::check_mixing;
use crate::dynamo::legacy::parameters::{
    AttributeValueUpdate, ConditionalOperator, ExpectedAttributeValue, LegacyParameter,
};
use std::collections::BTreeMap;

/// The legacy parameters that a write has, and which expressions it has beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct Legacy<'a> {
    attribute_updates: Option<&'a BTreeMap<String, AttributeValueUpdate>>,
    expected: Option<&'a BTreeMap<String, ExpectedAttributeValue>>,
    conditional_operator: Option<ConditionalOperator>,
    expressions: Vec<ExpressionKind>,
}

impl<'a> Legacy<'a> {
    /// Those of a put, if it has any.
    pub(super) fn of_put(request: &'a PutRequest) -> Option<Self> {
        let legacy = request.legacy.as_deref()?;
        Some(Self {
            attribute_updates: None,
            expected: legacy.expected.as_ref(),
            conditional_operator: legacy.conditional_operator,
            expressions: kinds(false, request.options.condition.is_some()),
        })
    }

    /// Those of an update, if it has any.
    pub(super) fn of_update(request: &'a UpdateRequest) -> Option<Self> {
        let legacy = request.legacy.as_deref()?;
        Some(Self {
            attribute_updates: legacy.attribute_updates.as_ref(),
            expected: legacy.expected.as_ref(),
            conditional_operator: legacy.conditional_operator,
            expressions: kinds(!request.update.actions.is_empty(), request.options.condition.is_some()),
        })
    }

    /// Those of a delete, if it has any.
    pub(super) fn of_delete(request: &'a DeleteRequest) -> Option<Self> {
        let legacy = request.legacy.as_deref()?;
        Some(Self {
            attribute_updates: None,
            expected: legacy.expected.as_ref(),
            conditional_operator: legacy.conditional_operator,
            expressions: kinds(false, request.options.condition.is_some()),
        })
    }

    /// Refuses what does not go together. This comes before any value is looked at.
    pub(super) fn check(&self) -> Result<(), LegacyFault> {
        let given = [
            (LegacyParameter::AttributeUpdates, self.attribute_updates.is_some()),
            (LegacyParameter::Expected, self.expected.is_some()),
            (LegacyParameter::ConditionalOperator, self.conditional_operator.is_some()),
        ];
        let given = given.into_iter().filter_map(|(parameter, is_given)| is_given.then_some(parameter));
        check_mixing(&given.collect::<Vec<_>>(), &self.expressions)?;
        check_conditional_operator(self.conditional_operator, self.expected.map_or(0, BTreeMap::len))
    }

    /// What is expected of the item, as a condition that needs no further check.
    pub(super) fn condition(&self) -> Result<Option<Condition>, LegacyFault> {
        let given = self.expected.map(|given| expected(given, self.conditional_operator));
        given.transpose().map(Option::flatten)
    }

    /// How the item is changed, as an update that needs no further check.
    pub(super) fn update(&self) -> Result<Option<Update>, LegacyFault> {
        self.attribute_updates.map(attribute_updates).transpose()
    }
}

fn kinds(has_update: bool, has_condition: bool) -> Vec<ExpressionKind> {
    let update = has_update.then_some(ExpressionKind::Update);
    update.into_iter().chain(has_condition.then_some(ExpressionKind::Condition)).collect()
}
