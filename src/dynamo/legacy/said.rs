//! What is said of each mistake, in which order, and in whose envelope.

use super::attribute_updates::attribute_updates;
use super::attributes_to_get::attributes_to_get;
use super::conditional_operator::check_conditional_operator;
use super::expected::expected;
use super::fault::LegacyFault;
use super::filter::{check_query_filter, filter};
use super::key_conditions::key_conditions;
use super::mixing::check_mixing;
use super::parameters::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttributeValue,
    LegacyCondition, LegacyParameter,
};
use crate::dynamo::error::{Error, ErrorKind};
use crate::dynamo::expression::fault::ExpressionKind;
use crate::dynamo::fault::Operation;
use crate::dynamo::value::{Value, ValueType};
use std::collections::{BTreeMap, BTreeSet};

const PARAMETER: &str = "One or more parameter values were invalid: ";

/// A value of that type.
fn of_type(value_type: ValueType) -> Value {
    match value_type {
        ValueType::String => "s".into(),
        ValueType::Number => 1.into(),
        ValueType::Binary => [1_u8].into(),
        ValueType::Bool => true.into(),
        ValueType::Null => Value::Null,
        ValueType::List => Value::List(Vec::new()),
        ValueType::Map => Value::Map(BTreeMap::new()),
        ValueType::StringSet => Value::StringSet(BTreeSet::from(["s".to_owned()])),
        ValueType::NumberSet => Value::NumberSet(BTreeSet::from([1.into()])),
        ValueType::BinarySet => Value::BinarySet(BTreeSet::from([vec![1]])),
    }
}

/// How many values an operator takes, least and most.
fn counts(operator: ComparisonOperator) -> (usize, usize) {
    match operator {
        ComparisonOperator::Null | ComparisonOperator::NotNull => (0, 0),
        ComparisonOperator::Between => (2, 2),
        ComparisonOperator::In => (1, usize::MAX),
        _ => (1, 1),
    }
}

fn condition(operator: ComparisonOperator, values: impl IntoIterator<Item = Value>) -> LegacyCondition {
    LegacyCondition { operator, attribute_value_list: values.into_iter().collect() }
}

fn named<T>(attributes: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    attributes.into_iter().map(|(name, of)| (name.to_owned(), of)).collect()
}

/// What is said of a condition, wherever it stands.
#[track_caller]
fn said_of(operator: ComparisonOperator, values: Vec<Value>) -> Result<(), String> {
    let text = |fault: LegacyFault| fault.to_string();
    let given = ExpectedAttributeValue {
        operator: Some(operator),
        attribute_value_list: Some(values.clone()),
        ..ExpectedAttributeValue::default()
    };
    let conditions = named([("a", condition(operator, values))]);
    let said = filter(&conditions, None).map(drop).map_err(text);
    assert_eq!(expected(&named([("a", given)]), None).map(drop).map_err(text), said, "Expected");
    match key_conditions(&conditions) {
        Err(LegacyFault::NotIndexable) => assert_eq!(said, Ok(())),
        keys => assert_eq!(keys.map(drop).map_err(text), said, "KeyConditions"),
    }
    said
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, LegacyFault>, text: &str) {
    assert_eq!(result.expect_err("it is refused").to_string(), text);
}

#[test]
fn names_are_read_as_they_are_written() {
    for operator in ComparisonOperator::ALL {
        assert_eq!(ComparisonOperator::from_name(operator.name()), Some(operator));
    }
    for operator in [ConditionalOperator::And, ConditionalOperator::Or] {
        assert_eq!(ConditionalOperator::from_name(operator.name()), Some(operator));
    }
    for action in [AttributeAction::Put, AttributeAction::Add, AttributeAction::Delete] {
        assert_eq!(AttributeAction::from_name(action.name()), Some(action));
    }
    assert_eq!(ComparisonOperator::from_name("eq"), None);
    assert_eq!(ConditionalOperator::from_name("or"), None);
    assert_eq!(AttributeAction::from_name("put"), None);
}

#[test]
fn each_operator_takes_its_number_of_values() {
    for operator in ComparisonOperator::ALL {
        let (least, most) = counts(operator);
        for count in 0..4 {
            let said = said_of(operator, vec!["s".into(); count]);
            let text = format!(
                "{PARAMETER}Invalid number of argument(s) for the {} ComparisonOperator",
                operator.name()
            );
            let expected = if (least..=most).contains(&count) { Ok(()) } else { Err(text) };
            assert_eq!(said, expected, "{operator:?} {count}");
        }
    }
}

#[test]
fn each_operator_takes_its_types() {
    use ComparisonOperator as Op;
    for operator in ComparisonOperator::ALL {
        let taken: &[&str] = match operator {
            Op::Null | Op::NotNull => continue,
            Op::Equal | Op::NotEqual => &["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"],
            Op::In | Op::LessOrEqual | Op::Less | Op::GreaterOrEqual | Op::Greater | Op::Between => {
                &["S", "N", "B"]
            }
            Op::Contains | Op::NotContains => &["S", "N", "B", "BOOL", "NULL"],
            Op::BeginsWith => &["S", "B"],
        };
        for value_type in ValueType::ALL {
            let said = said_of(operator, vec![of_type(value_type); counts(operator).0]);
            let text = format!(
                "{PARAMETER}ComparisonOperator {} is not valid for {value_type} AttributeValue type",
                operator.name()
            );
            let expected = if taken.contains(&value_type.name()) { Ok(()) } else { Err(text) };
            assert_eq!(said, expected, "{operator:?} {value_type}");
        }
    }
}

#[test]
fn values_are_of_one_type_and_bounds_in_order() {
    use ComparisonOperator as Op;
    let differ = format!("{PARAMETER}AttributeValues inside AttributeValueList must be of same type");
    let reversed =
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound";
    let list = format!("{PARAMETER}ComparisonOperator IN is not valid for L AttributeValue type");
    let cases: [(Op, Vec<Value>, Result<(), &str>); 12] = [
        (Op::In, vec!["b".into(), 1.into()], Err(&differ)),
        (Op::In, vec![1.into(), 2.into(), [1_u8].into()], Err(&differ)),
        (Op::In, vec![1.into(), of_type(ValueType::List)], Err(&list)),
        (Op::In, vec![1.into(), "b".into(), of_type(ValueType::List)], Err(&differ)),
        (Op::In, vec![1.into(); 101], Ok(())),
        (Op::Between, vec!["a".into(), 1.into()], Err(&differ)),
        (Op::Between, vec!["b".into(), "a".into()], Err(reversed)),
        (Op::Between, vec![10.into(), 9.into()], Err(reversed)),
        (Op::Between, vec![9.into(), 10.into()], Ok(())),
        (Op::Between, vec!["10".into(), "9".into()], Ok(())),
        (Op::Between, vec![[0x80_u8].into(), [0x7f_u8].into()], Err(reversed)),
        (Op::Between, vec!["a".into(), "a".into()], Ok(())),
    ];
    for (operator, values, said) in cases {
        assert_eq!(said_of(operator, values.clone()), said.map_err(str::to_owned), "{operator:?} {values:?}");
    }
}

#[test]
fn what_is_expected_fits_together() {
    use ComparisonOperator as Op;
    let none = ExpectedAttributeValue::default;
    let value = || Some(Value::from("v"));
    let list = |count| Some(vec![Value::from("v"); count]);
    let cases: [(ExpectedAttributeValue, &str); 14] = [
        (none(), "Value must be provided when Exists is null for Attribute: a"),
        (
            ExpectedAttributeValue { exists: Some(true), ..none() },
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (
            ExpectedAttributeValue { exists: Some(false), value: value(), ..none() },
            "Value cannot be used when Exists is false for Attribute: a",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Equal), ..none() },
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Between), ..none() },
            "Value or AttributeValueList must be used with ComparisonOperator: BETWEEN for Attribute: a",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Equal), attribute_value_list: list(0), ..none() },
            "Invalid number of argument(s) for the EQ ComparisonOperator",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Between), value: value(), ..none() },
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Null), value: value(), ..none() },
            "Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Less), exists: Some(true), ..none() },
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            ExpectedAttributeValue { operator: Some(Op::Null), exists: Some(false), ..none() },
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            ExpectedAttributeValue { value: value(), attribute_value_list: list(0), ..none() },
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            ExpectedAttributeValue {
                operator: Some(Op::Equal),
                value: value(),
                attribute_value_list: list(1),
                ..none()
            },
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            ExpectedAttributeValue { attribute_value_list: list(1), ..none() },
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            ExpectedAttributeValue { exists: Some(false), attribute_value_list: list(1), ..none() },
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
    ];
    for (given, text) in cases {
        refused(expected(&named([("a", given)]), None), &format!("{PARAMETER}{text}"));
    }
}

#[test]
fn a_conditional_operator_has_conditions_to_combine() {
    let one = "ConditionalOperator can only be used when Filter or Expected has two or more elements";
    let none = "ConditionalOperator cannot be used without Filter or Expected";
    // Both the operator and the value are wrong, and neither is what is said.
    let wrong = || condition(ComparisonOperator::Less, [Value::StringSet(BTreeSet::new())]);
    let unset = || ExpectedAttributeValue { exists: Some(true), ..ExpectedAttributeValue::default() };
    for operator in [ConditionalOperator::And, ConditionalOperator::Or] {
        let operator = Some(operator);
        refused(filter(&named([]), operator), none);
        refused(filter(&named([("a", wrong())]), operator), one);
        refused(expected(&named([]), operator), none);
        refused(expected(&named([("a", unset())]), operator), one);
        refused(check_conditional_operator(operator, 0), none);
        refused(check_conditional_operator(operator, 1), one);
        assert_eq!(check_conditional_operator(operator, 2), Ok(()));
    }
    assert_eq!(check_conditional_operator(None, 0), Ok(()));
    assert_eq!(check_conditional_operator(None, 1), Ok(()));
}

#[test]
fn actions_take_their_values() {
    use AttributeAction::{Add, Delete, Put};
    let said = |action, value: Option<Value>| {
        let update = AttributeValueUpdate { action, value };
        attribute_updates(&named([("a", update)])).map(drop).map_err(|fault| fault.to_string())
    };
    let missing = || format!("{PARAMETER}Only DELETE action is allowed when no attribute value is specified");
    assert_eq!(said(None, None), Err(missing()));
    assert_eq!(said(Some(Put), None), Err(missing()));
    assert_eq!(said(Some(Add), None), Err(missing()));
    assert_eq!(said(Some(Delete), None), Ok(()));
    for value_type in ValueType::ALL {
        let name = value_type.name();
        let value = || Some(of_type(value_type));
        assert_eq!(said(None, value()), Ok(()));
        assert_eq!(said(Some(Put), value()), Ok(()));
        let text = format!("{PARAMETER}ADD action is not supported for the type {name}");
        let is_added = ["N", "L", "SS", "NS", "BS"].contains(&name);
        assert_eq!(said(Some(Add), value()), if is_added { Ok(()) } else { Err(text) });
        let text = format!("{PARAMETER}DELETE action with value is not supported for the type {name}");
        let is_deleted = ["SS", "NS", "BS"].contains(&name);
        assert_eq!(said(Some(Delete), value()), if is_deleted { Ok(()) } else { Err(text) });
    }
}

#[test]
fn keys_have_one_or_two_conditions_that_an_index_answers() {
    use ComparisonOperator as Op;
    let equal = || condition(Op::Equal, [1.into()]);
    let absent = || condition(Op::Null, []);
    let count = "Conditions can be of length 1 or 2 only";
    refused(key_conditions(&named([])), count);
    refused(key_conditions(&named([("a", equal()), ("b", equal()), ("c", absent())])), count);
    let unsaid = "One or more parameter values were invalid: \
                  Invalid number of argument(s) for the EQ ComparisonOperator";
    let empty = || condition(Op::Equal, []);
    refused(key_conditions(&named([("a", equal()), ("b", equal()), ("c", empty())])), unsaid);
    refused(key_conditions(&named([("a", absent()), ("b", empty())])), unsaid);
    for operator in [Op::NotEqual, Op::In, Op::NotNull, Op::Null, Op::Contains, Op::NotContains] {
        let values = vec!["s".into(); counts(operator).0];
        let conditions = named([("a", equal()), ("b", condition(operator, values))]);
        refused(
            key_conditions(&conditions),
            "Attempted conditional constraint is not an indexable operation",
        );
    }
}

#[test]
fn a_querys_filter_asks_no_key() {
    let conditions = named([("pk", condition(ComparisonOperator::NotNull, []))]);
    assert_eq!(check_query_filter(&conditions, ["x", "sk"]), Ok(()));
    refused(
        check_query_filter(&conditions, ["x", "pk"]),
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: pk",
    );
}

#[test]
fn attributes_to_get_are_some_and_each_once() {
    let said = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        attributes_to_get(&names).map(drop)
    };
    refused(
        said(&[]),
        "Value at 'AttributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    let repeated = format!("{PARAMETER}Duplicate value in attribute name: a");
    refused(said(&["b", "a", "c", "a", "b"]), &repeated);
    refused(said(&["a", "a", ""]), "Empty attribute name");
    assert_eq!(said(&["a", "A", "a.b", "select"]), Ok(()));
}

#[test]
fn names_and_values_come_before_what_is_said_with_them() {
    let empty_set = || Value::StringSet(BTreeSet::new());
    let set = "One or more parameter values were invalid: An string set  may not be empty";
    let name = "Empty attribute name";
    let wrong = || condition(ComparisonOperator::Less, []);
    let in_set = || condition(ComparisonOperator::Equal, [empty_set()]);
    refused(filter(&named([("a", wrong()), ("b", in_set())]), None), set);
    refused(filter(&named([("", in_set())]), None), name);
    refused(key_conditions(&named([("a", wrong()), ("b", in_set())])), set);
    refused(key_conditions(&named([("", wrong())])), name);

    let nothing = ExpectedAttributeValue::default;
    let value = || ExpectedAttributeValue { value: Some(empty_set()), ..nothing() };
    let list = || ExpectedAttributeValue { attribute_value_list: Some(vec![empty_set()]), ..nothing() };
    refused(expected(&named([("a", nothing()), ("b", value())]), None), set);
    refused(expected(&named([("a", nothing()), ("b", list())]), None), set);
    refused(expected(&named([("", nothing())]), None), name);

    let action = AttributeValueUpdate::default;
    let put = || AttributeValueUpdate { value: Some(empty_set()), ..action() };
    refused(attribute_updates(&named([("a", action()), ("b", put())])), set);
    refused(attribute_updates(&named([("", action())])), name);

    let deep = (0..32).fold(Value::Null, |value, _| Value::List(vec![value]));
    refused(
        filter(&named([("a", condition(ComparisonOperator::Equal, [deep]))]), None),
        "Nesting Levels have exceeded supported limits: \
         Attributes in the item have nested levels beyond supported limit",
    );
}

#[test]
fn requests_speak_one_language() {
    use ExpressionKind::{Condition, Filter, KeyCondition, Projection, Update};
    use LegacyParameter as Legacy;
    let cases: [(&[Legacy], &[ExpressionKind], Option<&str>); 10] = [
        (&[Legacy::Expected], &[Condition], Some("{Expected} Expression parameters: {ConditionExpression}")),
        (
            &[Legacy::ConditionalOperator, Legacy::Expected, Legacy::AttributeUpdates],
            &[Condition, Update],
            Some(
                "{AttributeUpdates, Expected, ConditionalOperator} \
                 Expression parameters: {UpdateExpression, ConditionExpression}",
            ),
        ),
        (
            &[Legacy::ScanFilter, Legacy::ConditionalOperator, Legacy::AttributesToGet],
            &[Filter, Projection],
            Some(
                "{AttributesToGet, ScanFilter, ConditionalOperator} \
                 Expression parameters: {ProjectionExpression, FilterExpression}",
            ),
        ),
        (
            &[Legacy::KeyConditions, Legacy::QueryFilter, Legacy::ConditionalOperator],
            &[KeyCondition, Filter, Projection],
            Some(
                "{QueryFilter, ConditionalOperator, KeyConditions} \
                 Expression parameters: {ProjectionExpression, FilterExpression, KeyConditionExpression}",
            ),
        ),
        (
            &[Legacy::KeyConditions, Legacy::QueryFilter],
            &[Projection],
            Some("{QueryFilter} Expression parameters: {ProjectionExpression}"),
        ),
        // As in a batch, of which two tables have them.
        (
            &[Legacy::AttributesToGet, Legacy::AttributesToGet],
            &[Projection, Projection],
            Some("{AttributesToGet} Expression parameters: {ProjectionExpression}"),
        ),
        (&[Legacy::KeyConditions], &[Filter, Projection], None),
        (&[Legacy::KeyConditions, Legacy::QueryFilter, Legacy::AttributesToGet], &[], None),
        (&[], &[KeyCondition, Filter], None),
        (&[], &[], None),
    ];
    for (legacy, expressions, text) in cases {
        let said = check_mixing(legacy, expressions).map_err(|fault| fault.to_string());
        let mixed = "Can not use both expression and non-expression parameters in the same request: \
                     Non-expression parameters: ";
        assert_eq!(said.err(), text.map(|text| format!("{mixed}{text}")));
    }
}

#[test]
fn what_needs_no_table_stands_in_the_envelope_of_its_operation() {
    let key = || LegacyFault::KeyInQueryFilter { attribute: "pk".to_owned() };
    let cases = [
        (Operation::PutItem, LegacyFault::OneToCombine, true),
        (Operation::DeleteItem, LegacyFault::ArgumentTypesDiffer, true),
        (Operation::UpdateItem, LegacyFault::ActionWithoutValue, true),
        (Operation::UpdateItem, LegacyFault::StoredType, false),
        (Operation::Query, LegacyFault::KeyConditionCount, false),
        (Operation::Query, LegacyFault::NotIndexable, false),
        (Operation::Query, key(), false),
        (Operation::Scan, LegacyFault::BoundsReversed, false),
        (Operation::GetItem, LegacyFault::NothingToGet, false),
    ];
    for (operation, fault, is_enveloped) in cases {
        let bare = fault.to_string();
        let error = Error::new(operation, fault.into());
        assert_eq!(error.kind(), ErrorKind::Validation);
        let envelope = if is_enveloped { "1 validation error detected: " } else { "" };
        assert_eq!(error.to_string(), format!("{envelope}{bare}"));
    }
    refused::<()>(Err(LegacyFault::StoredType), "Type mismatch for attribute to update");
    assert!(LegacyFault::StoredType.needs_table() && LegacyFault::NotIndexable.needs_table());
    assert!(key().needs_table() && !LegacyFault::KeyConditionCount.needs_table());
}
