//! `AttributeUpdates`: how an item is changed.

use super::contents::check_contents;
use super::fault::LegacyFault;
use super::parameters::{AttributeAction, AttributeValueUpdate};
use crate::dynamo::expression::path::DocumentPath;
use crate::dynamo::expression::tree::{Constant, SetOperand, SetValue, Update, UpdateAction};
use crate::dynamo::value::{Value, ValueType};
use std::collections::BTreeMap;

/// The changes that `AttributeUpdates` asks for, in the order of the attributes' names. There may be none: then an item
/// that does not exist begins with its key alone.
///
/// ```
/// use pixii::dynamo::expression::tree::UpdateAction;
/// use pixii::dynamo::legacy::attribute_updates::attribute_updates;
/// use pixii::dynamo::legacy::parameters::{AttributeAction, AttributeValueUpdate};
/// use std::collections::BTreeMap;
///
/// let gone = AttributeValueUpdate { action: Some(AttributeAction::Delete), value: None };
/// let update = attribute_updates(&BTreeMap::from([("a.b".to_owned(), gone)]))?;
/// assert!(matches!(&update.actions[..], [UpdateAction::Remove(path)] if path.root() == "a.b"));
/// # Ok::<(), pixii::dynamo::legacy::fault::LegacyFault>(())
/// ```
pub fn attribute_updates(updates: &BTreeMap<String, AttributeValueUpdate>) -> Result<Update, LegacyFault> {
    check_contents(updates.iter().map(|(name, of)| (name, &of.value)))?;
    let actions = updates.iter().map(|(name, of)| action(name, of)).collect::<Result<_, _>>()?;
    Ok(Update { actions })
}

fn action(name: &str, of: &AttributeValueUpdate) -> Result<UpdateAction, LegacyFault> {
    let path = DocumentPath::attribute(name);
    let action = of.action.unwrap_or_default();
    let Some(value) = &of.value else {
        return match action {
            AttributeAction::Delete => Ok(UpdateAction::Remove(path)),
            AttributeAction::Put | AttributeAction::Add => Err(LegacyFault::ActionWithoutValue),
        };
    };
    let value_type = value.value_type();
    if !takes(action, value_type) {
        return Err(LegacyFault::ActionType { action, value_type });
    }
    Ok(changed(action, path, value))
}

fn changed(action: AttributeAction, path: DocumentPath, value: &Value) -> UpdateAction {
    let value = Constant::new(value.clone());
    match action {
        AttributeAction::Put => {
            UpdateAction::Set { path, value: SetValue::Operand(SetOperand::Value(value)) }
        }
        AttributeAction::Add => UpdateAction::LegacyAdd { path, value },
        AttributeAction::Delete => UpdateAction::Delete { path, value },
    }
}

/// Whether an action is done with values of a type.
fn takes(action: AttributeAction, value_type: ValueType) -> bool {
    let is_set = matches!(value_type, ValueType::StringSet | ValueType::NumberSet | ValueType::BinarySet);
    match action {
        AttributeAction::Put => true,
        AttributeAction::Add => is_set || matches!(value_type, ValueType::Number | ValueType::List),
        AttributeAction::Delete => is_set,
    }
}
