//! What expressions mean, written from DynamoDB's rules on decoded values: slow, simple, and with nothing shared with
//! what it is compared with but the trees, the values and the arithmetic of numbers, which the target `number` checks.

use pixii::dynamo::expression::path::{DocumentPath, PathElement};
use pixii::dynamo::expression::tree::{
    Comparator, Condition, Constant, Operand, SetOperand, SetValue, Update, UpdateAction,
};
use pixii::dynamo::expression::update::UpdateFault;
use pixii::{Item, Number, Value};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What stands at a path.
pub fn find<'a>(item: Option<&'a Item>, path: &DocumentPath) -> Option<&'a Value> {
    path.rest().iter().fold(item?.get(path.root()), |found, element| match (found?, element) {
        (Value::Map(map), PathElement::Attribute(name)) => map.get(name),
        (Value::List(list), PathElement::Index(index)) => list.get(*index),
        _ => None,
    })
}

/// Whether an item meets a condition.
pub fn matches(condition: &Condition, item: Option<&Item>) -> bool {
    let value = |operand: &Operand| resolve(operand, item);
    match condition {
        Condition::Compare { left, comparator, right } => {
            let (left, right) = (value(left), value(right));
            let order = order(left.as_ref(), right.as_ref());
            match comparator {
                Comparator::Equal => left.is_some() && left == right,
                Comparator::NotEqual => left.is_none() || left != right,
                Comparator::Less => order == Some(Ordering::Less),
                Comparator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                Comparator::Greater => order == Some(Ordering::Greater),
                Comparator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }
        }
        Condition::Between { operand, lower, upper } => {
            let (operand, lower, upper) = (value(operand), value(lower), value(upper));
            matches!(order(lower.as_ref(), operand.as_ref()), Some(Ordering::Less | Ordering::Equal))
                && matches!(order(operand.as_ref(), upper.as_ref()), Some(Ordering::Less | Ordering::Equal))
        }
        Condition::In { operand, candidates } => {
            let operand = value(operand);
            operand.is_some() && candidates.iter().any(|candidate| value(candidate) == operand)
        }
        Condition::AttributeExists(path) => find(item, path).is_some(),
        Condition::AttributeNotExists(path) => find(item, path).is_none(),
        Condition::AttributeType { operand, value_type } => {
            value(operand).is_some_and(|operand| operand.value_type() == *value_type)
        }
        Condition::BeginsWith { operand, prefix } => match (value(operand), value(prefix)) {
            (Some(Value::String(text)), Some(Value::String(prefix))) => text.starts_with(&prefix),
            (Some(Value::Binary(bytes)), Some(Value::Binary(prefix))) => bytes.starts_with(&prefix),
            _ => false,
        },
        Condition::Contains { operand, member } => contains(value(operand).as_ref(), value(member).as_ref()),
        Condition::NotContains { operand, member } => {
            let (operand, member) = (value(operand), value(member));
            operand.is_some() && member.is_some() && !contains(operand.as_ref(), member.as_ref())
        }
        Condition::And(conditions) => conditions.iter().all(|condition| matches(condition, item)),
        Condition::Or(conditions) => conditions.iter().any(|condition| matches(condition, item)),
        Condition::Not(condition) => !matches(condition, item),
        _ => panic!("a condition that the specification does not know: {condition:?}"),
    }
}

fn resolve(operand: &Operand, item: Option<&Item>) -> Option<Value> {
    let count = match operand {
        Operand::Path(path) => return find(item, path).cloned(),
        Operand::Value(constant) => return Some(constant.value().clone()),
        Operand::Size(operand) => match resolve(operand, item)? {
            Value::String(text) => text.encode_utf16().count(),
            Value::Binary(bytes) => bytes.len(),
            Value::List(elements) => elements.len(),
            Value::Map(attributes) => attributes.len(),
            Value::StringSet(members) => members.len(),
            Value::NumberSet(members) => members.len(),
            Value::BinarySet(members) => members.len(),
            Value::Number(_) | Value::Bool(_) | Value::Null => return None,
        },
    };
    Some(Value::from(count))
}

fn order(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    match (left?, right?) {
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Binary(left), Value::Binary(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn contains(container: Option<&Value>, member: Option<&Value>) -> bool {
    let (Some(container), Some(member)) = (container, member) else { return false };
    match (container, member) {
        (Value::String(text), Value::String(part)) => text.contains(part),
        (Value::Binary(bytes), Value::Binary(part)) => {
            (0..=bytes.len()).any(|start| bytes[start..].starts_with(part))
        }
        (Value::StringSet(members), Value::String(member)) => members.contains(member),
        (Value::NumberSet(members), Value::Number(member)) => members.contains(member),
        (Value::BinarySet(members), Value::Binary(member)) => members.contains(member),
        (Value::List(elements), member) => elements.contains(member),
        _ => false,
    }
}

/// The parts of an item that paths lead to.
pub fn project<'a>(paths: impl IntoIterator<Item = &'a DocumentPath>, item: &Item) -> Item {
    let paths: Vec<_> = paths.into_iter().collect();
    let attributes = item.iter().filter_map(|(name, value)| {
        let below: Vec<_> = paths.iter().filter(|path| path.root() == name).map(|path| path.rest()).collect();
        Some((name.to_owned(), parts(value, &below)?))
    });
    attributes.collect()
}

fn parts(value: &Value, paths: &[&[PathElement]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    let below = |element: &PathElement| -> Vec<&[PathElement]> {
        paths.iter().filter(|path| path[0] == *element).map(|path| &path[1..]).collect()
    };
    match value {
        Value::Map(map) => {
            let kept: BTreeMap<String, Value> = map
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.clone(), parts(value, &below(&PathElement::Attribute(name.clone())))?))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Map(kept))
        }
        Value::List(list) => {
            let kept: Vec<Value> = list
                .iter()
                .enumerate()
                .filter_map(|(index, value)| parts(value, &below(&PathElement::Index(index))))
                .collect();
            (!kept.is_empty()).then_some(Value::List(kept))
        }
        _ => None,
    }
}

/// What an update makes of an item, or all that is wrong with it.
pub fn update(update: &Update, old: Option<&Item>, key: &Item) -> Result<Option<Item>, Vec<UpdateFault>> {
    let creates =
        |action: &UpdateAction| !matches!(action, UpdateAction::Remove(_) | UpdateAction::Delete { .. });
    if old.is_none() && !update.actions.is_empty() && !update.actions.iter().any(creates) {
        return Ok(None);
    }
    let mut faults = Vec::new();
    let mut sets = BTreeMap::new();
    let mut removes = BTreeSet::new();
    for action in &update.actions {
        let path = action.path();
        match outcome(action, old) {
            Ok(Some(value)) => {
                if depth(&value) + path.depth() > 33 {
                    faults.push(UpdateFault::TooDeep);
                }
                sets.insert(path.clone(), value);
            }
            Ok(None) if old.is_none() => continue,
            Ok(None) => {
                removes.insert(path.clone());
            }
            Err(fault) => faults.push(fault),
        }
        if !has_parent(old, path) {
            faults.push(UpdateFault::InvalidPath);
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut new = Value::Map(old.unwrap_or(key).clone().into_map());
    // In the order of the paths, so what is beyond the end of a list is appended in the order of the indexes.
    for (path, value) in sets {
        let is_there = find(old, &path).is_some();
        let (parent, leaf) = parent_of(&mut new, &path);
        match (parent, leaf) {
            (Value::Map(map), PathElement::Attribute(name)) => drop(map.insert(name, value)),
            (Value::List(list), PathElement::Index(index)) if is_there => list[index] = value,
            (Value::List(list), PathElement::Index(_)) => list.push(value),
            _ => panic!("{path} has a parent"),
        }
    }
    // Backwards, so that no index has moved when it is met.
    for path in removes.into_iter().rev().filter(|path| find(old, path).is_some()) {
        match parent_of(&mut new, &path) {
            (Value::Map(map), PathElement::Attribute(name)) => drop(map.remove(&name)),
            (Value::List(list), PathElement::Index(index)) => drop(list.remove(index)),
            _ => panic!("{path} has a parent"),
        }
    }
    let Value::Map(new) = new else { panic!("an item is a map") };
    Ok(Some(new.into()))
}

fn steps(path: &DocumentPath) -> Vec<PathElement> {
    [PathElement::Attribute(path.root().to_owned())].into_iter().chain(path.rest().iter().cloned()).collect()
}

fn parent_of<'a>(item: &'a mut Value, path: &DocumentPath) -> (&'a mut Value, PathElement) {
    let mut steps = steps(path);
    let leaf = steps.pop().expect("a path has a root");
    let parent = steps.iter().fold(item, |value, step| match (value, step) {
        (Value::Map(map), PathElement::Attribute(name)) => map.get_mut(name).expect("the parent is there"),
        (Value::List(list), PathElement::Index(index)) => &mut list[*index],
        _ => panic!("{path} leads through values of its kinds"),
    });
    (parent, leaf)
}

fn has_parent(item: Option<&Item>, path: &DocumentPath) -> bool {
    let Some((last, before)) = path.rest().split_last() else { return true };
    let parent = before.iter().fold(DocumentPath::attribute(path.root()), |parent, element| match element {
        PathElement::Attribute(name) => parent.member(name),
        PathElement::Index(index) => parent.element(*index),
    });
    matches!(
        (find(item, &parent), last),
        (Some(Value::Map(_)), PathElement::Attribute(_)) | (Some(Value::List(_)), PathElement::Index(_))
    )
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::List(list) => list.iter().map(depth).max(),
        Value::Map(map) => map.values().map(depth).max(),
        _ => None,
    };
    1 + inner.unwrap_or(0)
}

/// What stands at the action's path afterwards.
fn outcome(action: &UpdateAction, old: Option<&Item>) -> Result<Option<Value>, UpdateFault> {
    Ok(match action {
        UpdateAction::Set { value: SetValue::Operand(operand), .. } => Some(operand_value(operand, old)?),
        UpdateAction::Set { value: SetValue::Sum(left, right), .. } => {
            let sum = operand_number(left, old)?.checked_add(operand_number(right, old)?);
            Some(Value::Number(sum?))
        }
        UpdateAction::Set { value: SetValue::Difference(left, right), .. } => {
            let difference = operand_number(left, old)?.checked_sub(operand_number(right, old)?);
            Some(Value::Number(difference?))
        }
        UpdateAction::Remove(_) => None,
        UpdateAction::Add { path, value } => Some(add(find(old, path), value, false)?),
        UpdateAction::LegacyAdd { path, value } => Some(add(find(old, path), value, true)?),
        UpdateAction::Delete { path, value } => match (find(old, path), value.value()) {
            (None, _) => None,
            (Some(Value::StringSet(there)), Value::StringSet(taken)) => {
                let left = there - taken;
                (!left.is_empty()).then_some(Value::StringSet(left))
            }
            (Some(Value::NumberSet(there)), Value::NumberSet(taken)) => {
                let left = there - taken;
                (!left.is_empty()).then_some(Value::NumberSet(left))
            }
            (Some(Value::BinarySet(there)), Value::BinarySet(taken)) => {
                let left = there - taken;
                (!left.is_empty()).then_some(Value::BinarySet(left))
            }
            _ => return Err(UpdateFault::OperandType),
        },
        _ => panic!("an action that the specification does not know: {action:?}"),
    })
}

fn add(there: Option<&Value>, constant: &Constant, appends: bool) -> Result<Value, UpdateFault> {
    let value = constant.value();
    let empty = match value {
        Value::Number(_) => Value::Number(Number::ZERO),
        Value::StringSet(_) => Value::StringSet(BTreeSet::new()),
        Value::NumberSet(_) => Value::NumberSet(BTreeSet::new()),
        Value::BinarySet(_) => Value::BinarySet(BTreeSet::new()),
        Value::List(_) if appends => Value::List(Vec::new()),
        _ => return Err(UpdateFault::OperandType),
    };
    Ok(match (there.unwrap_or(&empty), value) {
        (Value::Number(left), Value::Number(right)) => Value::Number(left.checked_add(*right)?),
        (Value::StringSet(left), Value::StringSet(right)) => Value::StringSet(left | right),
        (Value::NumberSet(left), Value::NumberSet(right)) => Value::NumberSet(left | right),
        (Value::BinarySet(left), Value::BinarySet(right)) => Value::BinarySet(left | right),
        (Value::List(left), Value::List(right)) => Value::List([left.clone(), right.clone()].concat()),
        _ => return Err(UpdateFault::OperandType),
    })
}

fn operand_value(operand: &SetOperand, old: Option<&Item>) -> Result<Value, UpdateFault> {
    match operand {
        SetOperand::Path(path) => find(old, path).cloned().ok_or(UpdateFault::AttributeMissing),
        SetOperand::Value(constant) => Ok(constant.value().clone()),
        SetOperand::IfNotExists { path, default } => {
            find(old, path).cloned().map_or_else(|| operand_value(default, old), Ok)
        }
        SetOperand::ListAppend(first, second) => {
            match (operand_value(first, old)?, operand_value(second, old)?) {
                (Value::List(first), Value::List(second)) => Ok(Value::List([first, second].concat())),
                _ => Err(UpdateFault::OperandType),
            }
        }
    }
}

fn operand_number(operand: &SetOperand, old: Option<&Item>) -> Result<Number, UpdateFault> {
    operand_value(operand, old)?.as_number().ok_or(UpdateFault::OperandType)
}
