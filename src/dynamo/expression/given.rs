//! What is said of names and values, of trees that were built, and of prepared expressions; and what operations add.

use super::context::ExpressionContext;
use super::fault::{ExpressionFault, ExpressionKind};
use super::path::DocumentPath;
use super::prepared::Prepared;
use super::said::values;
use super::text::{ExpressionText, expression};
use super::tree::{
    Comparator, Condition, Constant, KeyCondition, Operand, ProjectionExpression, SetOperand, SetValue,
    Update, UpdateAction,
};
use crate::dynamo::error::Error;
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::limits::{EXPRESSION_OPERATORS_MAX, PLACEHOLDER_BYTES_MAX, SUBSTITUTION_BYTES_MAX};
use crate::dynamo::value::{Value, ValueFault};
use std::collections::BTreeMap;

#[track_caller]
fn check_context(
    names: Option<BTreeMap<String, String>>,
    values: Option<BTreeMap<String, Value>>,
    conditions: &[&str],
    expected: &str,
) {
    let said = ExpressionContext::new(names, values).and_then(|mut context| {
        conditions.iter().try_for_each(|text| context.condition(text).map(drop))?;
        context.finish()
    });
    assert_eq!(said.map_err(|fault| fault.to_string()), Err(expected.to_owned()));
}

fn one<T>(placeholder: &str, meaning: T) -> BTreeMap<String, T> {
    [(placeholder.to_owned(), meaning)].into()
}

#[test]
fn names_and_values() {
    let name = |placeholder: &str| Some(one(placeholder, "a".to_owned()));
    let value = |placeholder: &str| Some(one(placeholder, Value::Null));
    check_context(Some(BTreeMap::new()), None, &[], "ExpressionAttributeNames must not be empty");
    check_context(None, Some(BTreeMap::new()), &[], "ExpressionAttributeValues must not be empty");
    for placeholder in ["a", "#", "", "##a", "#a-b", "#é", ":a"] {
        let said =
            format!("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{placeholder}\"");
        check_context(name(placeholder), None, &[], &said);
    }
    check_context(
        None,
        value("#a"),
        &[],
        "ExpressionAttributeValues contains invalid key: Syntax error; key: \"#a\"",
    );
    let long = |length: usize| format!("#{}", "a".repeat(length - 1));
    check_context(
        name(&long(PLACEHOLDER_BYTES_MAX + 1)),
        None,
        &[],
        "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too \
         long; size of key: 256",
    );
    assert!(ExpressionContext::new(name(&long(PLACEHOLDER_BYTES_MAX)), None).is_ok());
    check_context(Some(one("#a", String::new())), None, &[], "Empty attribute name");
    check_context(
        None,
        Some(one(":a", Value::StringSet([].into()))),
        &[],
        "One or more parameter values were invalid: An string set  may not be empty",
    );
    let large = |size_bytes: usize| Some(one(":a", Value::from("x".repeat(size_bytes - 2))));
    assert!(ExpressionContext::new(None, large(SUBSTITUTION_BYTES_MAX)).is_ok());
    check_context(None, large(SUBSTITUTION_BYTES_MAX + 1), &[], "ExpressionAttributeValues exceeds max size");
    check_context(
        name("#a"),
        large(SUBSTITUTION_BYTES_MAX),
        &[],
        "ExpressionAttributeValues exceeds max size",
    );

    let only = "can only be specified when using expressions";
    check_context(name("#a"), None, &[], &format!("ExpressionAttributeNames {only}"));
    check_context(None, value(":a"), &[], &format!("ExpressionAttributeValues {only}"));
    let unused = "unused in expressions: keys:";
    check_context(
        name("#x"),
        None,
        &["a = b"],
        &format!("Value provided in ExpressionAttributeNames {unused} {{#x}}"),
    );
    check_context(
        None,
        Some(values()),
        &["a IN (:v, :w, :n, :m, :b, :bool, :null)", "size(:l) > :n OR a = :map OR a = :bs"],
        &format!("Value provided in ExpressionAttributeValues {unused} {{:dog, :ns, :ss, :type}}"),
    );
    let used = expression("#x = :v OR a = b").name("#x", "a").value(":v", 1);
    assert!(used.condition().is_ok());
}

#[test]
fn the_operation_decides_on_the_envelope() {
    let fault = expression("a =").condition().expect_err("it is wrong");
    let said = |operation| Error::new(operation, Fault::from(fault.clone())).to_string();
    let bare = r#"Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "=""#;
    for operation in [Operation::PutItem, Operation::UpdateItem, Operation::DeleteItem] {
        assert_eq!(said(operation), format!("1 validation error detected: {bare}"));
    }
    for operation in [Operation::GetItem, Operation::Query, Operation::Scan] {
        assert_eq!(said(operation), bare);
    }
    assert_eq!(Error::from(fault).to_string(), bare);
}

#[test]
fn trees_that_were_built_are_checked_like_texts() {
    let path = || DocumentPath::attribute("a");
    let compare = |right: Value| Condition::Compare {
        left: Operand::Path(path()),
        comparator: Comparator::Less,
        right: Operand::Value(Constant::new(right)),
    };
    let said =
        |condition: &Condition| condition.check(ExpressionKind::Filter).map_err(|fault| fault.to_string());
    assert_eq!(said(&compare(Value::from(1))), Ok(()));
    assert_eq!(
        said(&Condition::Not(Box::new(compare(Value::Null)))),
        Err("Invalid FilterExpression: Incorrect operand type for operator or function; operator or function: <, \
             operand type: NULL"
            .to_owned())
    );
    let empty = Err("Invalid FilterExpression: The expression can not be empty;".to_owned());
    assert_eq!(said(&Condition::And(Vec::new())), empty);
    assert_eq!(said(&Condition::Or(vec![Condition::And(Vec::new())])), empty);
    let deep =
        (0..=EXPRESSION_OPERATORS_MAX).fold(compare(Value::from(1)), |tree, _| Condition::And(vec![tree]));
    let many = "Invalid FilterExpression: The expression contains too many operators; operator count: 301";
    assert_eq!(said(&deep), Err(many.to_owned()));
    let unnamed = Condition::AttributeExists(DocumentPath::attribute("a").member(""));
    assert_eq!(
        unnamed.check(ExpressionKind::Condition),
        Err(ExpressionFault::Value(ValueFault::EmptyAttributeName))
    );
    let no_candidates = Condition::In { operand: Operand::Path(path()), candidates: Vec::new() };
    assert_eq!(
        said(&no_candidates),
        Err("Invalid FilterExpression: Incorrect number of operands for operator or function; operator or \
             function: IN, number of operands: 0"
            .to_owned())
    );

    let set = |operand| Update {
        actions: vec![UpdateAction::Set { path: path(), value: SetValue::Operand(operand) }],
    };
    let list = || SetOperand::Value(Constant::new(Vec::<Value>::new()));
    let appended = SetOperand::ListAppend(Box::new(list()), Box::new(list()));
    assert_eq!(set(appended.clone()).check(), Ok(()));
    let twice = set(SetOperand::ListAppend(Box::new(appended), Box::new(list())));
    assert_eq!(
        twice.check().map_err(|fault| fault.to_string()),
        Err("Invalid UpdateExpression: The function is not allowed to be used this way in an expression; \
             function: list_append"
            .to_owned())
    );
    let too_deep = Value::List(vec![(0..32).fold(Value::Null, |value, _| Value::List(vec![value]))]);
    assert_eq!(
        set(SetOperand::Value(Constant::new(too_deep))).check(),
        Err(ExpressionFault::Value(ValueFault::TooDeep))
    );
    assert!(Update::default().check().is_err());
    assert!(ProjectionExpression::default().check().is_err());
    let legacy = UpdateAction::LegacyAdd { path: path(), value: Constant::new(Vec::<Value>::new()) };
    assert_eq!(Update { actions: vec![legacy] }.check(), Ok(()));
    assert_eq!(
        KeyCondition::Between(Value::from(2), Value::from(1)).check().map_err(|fault| fault.to_string()),
        Err("Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal \
             to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"
            .to_owned())
    );
}

#[test]
fn what_is_prepared_is_bound_again_and_again() {
    let one_name = || one("#x", "name".to_owned());
    let prepared = Prepared::update("SET #x = :v", one_name()).expect("it is right");
    for number in 0..3 {
        let expected = expression("SET #x = :v").name("#x", "name").value(":v", number).update();
        assert_eq!(prepared.bind(&one(":v", Value::from(number))), expected);
    }
    let said = |values: Option<BTreeMap<String, Value>>| {
        prepared.bind(&values.unwrap_or_default()).map_err(|fault| fault.to_string())
    };
    assert_eq!(
        said(None),
        Err("Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute \
             value: :v"
            .to_owned())
    );
    let mut two = one(":v", Value::Null);
    two.insert(":w".to_owned(), Value::Null);
    assert_eq!(
        said(Some(two)),
        Err("Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}".to_owned())
    );
    let refused =
        |text: &str| Prepared::filter(text, one_name()).map(drop).map_err(|fault| fault.to_string());
    assert_eq!(
        refused("a = :v"),
        Err("Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}".to_owned())
    );
    assert_eq!(
        refused("#y = :v"),
        Err("Invalid FilterExpression: An expression attribute name used in the document path is not defined; \
             attribute name: #y"
            .to_owned())
    );
    let key = Prepared::key_condition("#x = :v", one_name()).expect("it is right");
    assert_eq!(key.bind(&one(":v", Value::Null)).map(|clauses| clauses.len()), Ok(1));
}

#[test]
fn what_only_legacy_parameters_say_is_printed_and_not_parsed() {
    let operand = || Operand::Path(DocumentPath::attribute("a"));
    let condition = Condition::NotContains { operand: operand(), member: Operand::Value(Constant::new("v")) };
    let ExpressionText { text, .. } = condition.to_expression();
    assert_eq!(text, "NOT_CONTAINS(a, :0)");
    assert!(condition.to_expression().condition().is_err());
}
