//! What each operator and action does to an attribute that is missing and to one of each type, next to what DynamoDB's
//! documents say of it in their own order, on decoded values.
//!
//! The tables are exhaustive over the samples: every operator, every value that it takes, every stored sample.

use super::attribute_updates::attribute_updates;
use super::expected::expected;
use super::filter::filter;
use super::parameters::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttributeValue,
    LegacyCondition,
};
use crate::dynamo::encoding::encode_item;
use crate::dynamo::expression::tree::Condition;
use crate::dynamo::expression::update::UpdateFault;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::value::{Item, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Values of every type: equal ones, parts and members of each other, and such as are in no order.
fn samples() -> Vec<Value> {
    let texts = |texts: &[&str]| Value::StringSet(texts.iter().map(|text| (*text).to_owned()).collect());
    let numbers = |numbers: &[i32]| Value::NumberSet(numbers.iter().map(|number| (*number).into()).collect());
    let list = Value::List(vec!["b".into(), 9.into(), [0x80_u8].into(), true.into(), Value::Null]);
    vec![
        "".into(),
        "b".into(),
        "abc".into(),
        "9".into(),
        9.into(),
        10.into(),
        (-1).into(),
        [0x80_u8].into(),
        [0x7f_u8, 0x80, 0].into(),
        Vec::<u8>::new().into(),
        true.into(),
        false.into(),
        Value::Null,
        texts(&["b", "c"]),
        texts(&["abc"]),
        numbers(&[9, 10]),
        numbers(&[-1]),
        Value::BinarySet(BTreeSet::from([vec![0x80], vec![1]])),
        Value::BinarySet(BTreeSet::from([vec![]])),
        Value::List(vec![list.clone()]),
        list,
        Value::List(Vec::new()),
        Value::Map(BTreeMap::from([("b".to_owned(), "b".into())])),
        Value::Map(BTreeMap::new()),
    ]
}

/// Two values of a type that has an order, in that order.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
        (Value::Binary(left), Value::Binary(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn has_member(container: &Value, member: &Value) -> bool {
    match (container, member) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Binary(bytes), Value::Binary(part)) => {
            (0..=bytes.len()).any(|start| bytes[start..].starts_with(part))
        }
        (Value::StringSet(set), Value::String(text)) => set.contains(text),
        (Value::NumberSet(set), Value::Number(number)) => set.contains(number),
        (Value::BinarySet(set), Value::Binary(bytes)) => set.contains(bytes),
        (Value::List(list), member) => list.contains(member),
        _ => false,
    }
}

/// Whether the documents say that the operator is true.
fn specified(operator: ComparisonOperator, stored: Option<&Value>, arguments: &[Value]) -> bool {
    let Some(stored) = stored else {
        return matches!(operator, ComparisonOperator::NotEqual | ComparisonOperator::Null);
    };
    let orders =
        |argument: &Value, such: fn(std::cmp::Ordering) -> bool| order(stored, argument).is_some_and(such);
    match (operator, arguments) {
        (ComparisonOperator::Equal, [value]) => stored == value,
        (ComparisonOperator::NotEqual, [value]) => stored != value,
        (ComparisonOperator::In, values) => values.contains(stored),
        (ComparisonOperator::LessOrEqual, [value]) => orders(value, std::cmp::Ordering::is_le),
        (ComparisonOperator::Less, [value]) => orders(value, std::cmp::Ordering::is_lt),
        (ComparisonOperator::GreaterOrEqual, [value]) => orders(value, std::cmp::Ordering::is_ge),
        (ComparisonOperator::Greater, [value]) => orders(value, std::cmp::Ordering::is_gt),
        (ComparisonOperator::Between, [lower, upper]) => {
            orders(lower, std::cmp::Ordering::is_ge) && orders(upper, std::cmp::Ordering::is_le)
        }
        (ComparisonOperator::NotNull, []) => true,
        (ComparisonOperator::Null, []) => false,
        (ComparisonOperator::Contains, [value]) => has_member(stored, value),
        (ComparisonOperator::NotContains, [value]) => !has_member(stored, value),
        (ComparisonOperator::BeginsWith, [value]) => match (stored, value) {
            (Value::String(text), Value::String(prefix)) => text.starts_with(prefix.as_str()),
            (Value::Binary(bytes), Value::Binary(prefix)) => bytes.starts_with(prefix),
            _ => false,
        },
        _ => panic!("{operator:?} does not take {arguments:?}"),
    }
}

fn encoded(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_item(item, &mut bytes);
    bytes
}

fn stored_as(value: Option<&Value>) -> Item {
    let item = Item::new().with("other", "b");
    if let Some(value) = value { item.with("a", value.clone()) } else { item }
}

fn holds(condition: &Condition, item: &Item) -> bool {
    let bytes = encoded(item);
    let item = StoredItem::parse(&bytes).expect("it was just encoded");
    condition.matches(Some(&item)).expect("the item is whole")
}

/// All that an operator may be given of the samples; what it does not take is left out by asking.
fn arguments(operator: ComparisonOperator) -> Vec<Vec<Value>> {
    let samples = samples();
    let one = samples.iter().map(|value| vec![value.clone()]);
    let pairs =
        samples.iter().flat_map(|first| samples.iter().map(|second| vec![first.clone(), second.clone()]));
    let mut all: Vec<Vec<Value>> = std::iter::once(Vec::new()).chain(one).chain(pairs).collect();
    all.retain(|values| filter(&asked(operator, values), None).is_ok());
    all
}

fn asked(operator: ComparisonOperator, values: &[Value]) -> BTreeMap<String, LegacyCondition> {
    let condition = LegacyCondition { operator, attribute_value_list: values.to_vec() };
    BTreeMap::from([("a".to_owned(), condition)])
}

#[test]
fn each_operator_is_true_of_what_the_documents_say() {
    let stored: Vec<Option<Value>> = std::iter::once(None).chain(samples().into_iter().map(Some)).collect();
    for operator in ComparisonOperator::ALL {
        let mut outcomes = BTreeSet::new();
        for values in arguments(operator) {
            let condition =
                filter(&asked(operator, &values), None).expect("it is taken").expect("one is asked");
            let given = ExpectedAttributeValue {
                operator: Some(operator),
                attribute_value_list: Some(values.clone()),
                ..ExpectedAttributeValue::default()
            };
            let expected = expected(&BTreeMap::from([("a".to_owned(), given)]), None);
            assert_eq!(expected, Ok(Some(condition.clone())), "{operator:?} {values:?}");
            for stored in &stored {
                let truth = specified(operator, stored.as_ref(), &values);
                assert_eq!(
                    holds(&condition, &stored_as(stored.as_ref())),
                    truth,
                    "{stored:?} {operator:?} {values:?}"
                );
                outcomes.insert(truth);
            }
            let of_no_item = condition.matches(None).expect("there is nothing to read");
            assert_eq!(of_no_item, specified(operator, None, &values), "no item, {operator:?} {values:?}");
        }
        assert_eq!(outcomes.len(), 2, "{operator:?} was seen true and false");
    }
}

#[test]
fn expecting_without_an_operator_asks_for_a_value_or_for_none() {
    for wanted in samples() {
        for exists in [None, Some(true)] {
            let value = Some(wanted.clone());
            let given = ExpectedAttributeValue { value, exists, ..ExpectedAttributeValue::default() };
            let condition = expected(&BTreeMap::from([("a".to_owned(), given)]), None);
            let condition = condition.expect("it is taken").expect("one is asked");
            assert!(!holds(&condition, &stored_as(None)));
            for stored in samples() {
                assert_eq!(holds(&condition, &stored_as(Some(&stored))), stored == wanted);
            }
        }
    }
    let given = ExpectedAttributeValue { exists: Some(false), ..ExpectedAttributeValue::default() };
    let condition = expected(&BTreeMap::from([("a".to_owned(), given)]), None);
    let condition = condition.expect("it is taken").expect("one is asked");
    assert!(holds(&condition, &stored_as(None)));
    for stored in samples() {
        assert!(!holds(&condition, &stored_as(Some(&stored))), "{stored:?}");
    }
}

#[test]
fn conditions_are_combined_by_and_unless_or_is_said() {
    let asked = |wanted: [i32; 2]| -> BTreeMap<String, LegacyCondition> {
        let of = |value: i32| LegacyCondition {
            operator: ComparisonOperator::Equal,
            attribute_value_list: vec![value.into()],
        };
        BTreeMap::from([("a".to_owned(), of(wanted[0])), ("b".to_owned(), of(wanted[1]))])
    };
    let item = Item::new().with("a", 1).with("b", 1);
    for (wanted, all, any) in
        [([1, 1], true, true), ([1, 0], false, true), ([0, 1], false, true), ([0, 0], false, false)]
    {
        for (operator, truth) in
            [(None, all), (Some(ConditionalOperator::And), all), (Some(ConditionalOperator::Or), any)]
        {
            let condition = filter(&asked(wanted), operator).expect("it is taken").expect("two are asked");
            assert_eq!(holds(&condition, &item), truth, "{wanted:?} {operator:?}");
        }
    }
    assert_eq!(filter(&BTreeMap::new(), None), Ok(None));
    assert_eq!(expected(&BTreeMap::new(), None), Ok(None));
}

/// The members that are left, if any are.
fn members<T: Clone + Ord>(there: &BTreeSet<T>, given: &BTreeSet<T>, is_added: bool) -> Option<BTreeSet<T>> {
    let members: BTreeSet<T> = if is_added { there | given } else { there - given };
    (!members.is_empty()).then_some(members)
}

/// What the attribute is after the action, or that its stored type does not fit.
fn changed(action: AttributeAction, stored: Option<&Value>, value: &Value) -> Result<Option<Value>, ()> {
    let (Some(there), true) = (stored, action != AttributeAction::Put) else {
        return Ok((action != AttributeAction::Delete).then(|| value.clone()));
    };
    let is_added = action == AttributeAction::Add;
    match (there, value) {
        (Value::Number(left), Value::Number(right)) if is_added => {
            Ok(Some(left.checked_add(*right).expect("they are small").into()))
        }
        (Value::List(left), Value::List(right)) if is_added => {
            Ok(Some(Value::List(left.iter().chain(right).cloned().collect())))
        }
        (Value::StringSet(there), Value::StringSet(given)) => {
            Ok(members(there, given, is_added).map(Value::StringSet))
        }
        (Value::NumberSet(there), Value::NumberSet(given)) => {
            Ok(members(there, given, is_added).map(Value::NumberSet))
        }
        (Value::BinarySet(there), Value::BinarySet(given)) => {
            Ok(members(there, given, is_added).map(Value::BinarySet))
        }
        _ => Err(()),
    }
}

fn decoded(bytes: &[u8]) -> Item {
    StoredItem::parse(bytes).and_then(|item| item.to_item()).expect("an item was written")
}

#[test]
fn each_action_does_what_the_documents_say() {
    let stored: Vec<Option<Value>> = std::iter::once(None).chain(samples().into_iter().map(Some)).collect();
    let key = Item::new().with("pk", 1);
    for action in [AttributeAction::Put, AttributeAction::Add, AttributeAction::Delete] {
        let (mut done, mut refused) = (0, 0);
        for value in samples() {
            let asked = AttributeValueUpdate { action: Some(action), value: Some(value.clone()) };
            let Ok(update) = attribute_updates(&BTreeMap::from([("a".to_owned(), asked)])) else { continue };
            for stored in &stored {
                let old = encoded(&stored_as(stored.as_ref()));
                let old = StoredItem::parse(&old).expect("it was just encoded");
                let new = update.apply(Some(&old), &key);
                if let Ok(attribute) = changed(action, stored.as_ref(), &value) {
                    let new = new.expect("the types fit").expect("an item stays");
                    assert_eq!(
                        decoded(&new),
                        stored_as(attribute.as_ref()),
                        "{stored:?} {action:?} {value:?}"
                    );
                    done += 1;
                } else {
                    assert_eq!(new, Err(UpdateFault::OperandType), "{stored:?} {action:?} {value:?}");
                    refused += 1;
                }
            }
            let made = update.apply(None, &key).expect("nothing stands against it");
            let expected = (action != AttributeAction::Delete).then(|| key.clone().with("a", value.clone()));
            assert_eq!(made.as_deref().map(decoded), expected, "no item, {action:?} {value:?}");
        }
        assert!(done > 0 && (refused > 0) == (action != AttributeAction::Put), "{action:?}");
    }
}

#[test]
fn a_delete_without_a_value_removes_whatever_is_there() {
    let asked = AttributeValueUpdate { action: Some(AttributeAction::Delete), value: None };
    let update = attribute_updates(&BTreeMap::from([("a".to_owned(), asked)])).expect("it is taken");
    let key = Item::new().with("pk", 1);
    for stored in std::iter::once(None).chain(samples().into_iter().map(Some)) {
        let old = encoded(&stored_as(stored.as_ref()));
        let old = StoredItem::parse(&old).expect("it was just encoded");
        let new = update.apply(Some(&old), &key).expect("nothing stands against it").expect("an item stays");
        assert_eq!(decoded(&new), stored_as(None));
    }
    assert_eq!(update.apply(None, &key), Ok(None));
    let nothing = attribute_updates(&BTreeMap::new()).expect("it is taken");
    let made = nothing.apply(None, &key).expect("nothing stands against it").expect("the key alone");
    assert_eq!(decoded(&made), key);
}
