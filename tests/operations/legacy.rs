//! The parameters that expressions have replaced, in requests as plain data.

use crate::support::{database, item, refused, table};
use pixii::dynamo::expression::tree::Update;
use pixii::legacy::parameters::{
    AttributeAction, AttributeValueUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttributeValue,
    LegacyCondition, LegacyGet, LegacyQuery, LegacyScan, LegacyUpdate, LegacyWrite,
};
use pixii::{
    BatchGetRequest, DeleteRequest, GetRequest, IntoKey, Item, KeyConditions, KeysAndAttributes, Page,
    PutRequest, QueryRequest, ReadOptions, Result, ReturnValues, ScanRequest, Select, Table, TransactWrite,
    TransactWriteRequest, UpdateRequest, Value, WriteOutput, attr,
};
use std::collections::BTreeMap;

const VALIDATION: &str = "ValidationException";
const FAILED: (&str, &str) = ("ConditionalCheckFailedException", "The conditional request failed");

fn map<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(name, of)| (name.to_owned(), of)).collect()
}

fn by(operator: ComparisonOperator, values: impl IntoIterator<Item = Value>) -> LegacyCondition {
    LegacyCondition { operator, attribute_value_list: values.into_iter().collect() }
}

fn equal(value: impl Into<Value>) -> LegacyCondition {
    by(ComparisonOperator::Equal, [value.into()])
}

fn value(value: impl Into<Value>) -> ExpectedAttributeValue {
    ExpectedAttributeValue { value: Some(value.into()), ..ExpectedAttributeValue::default() }
}

fn missing() -> ExpectedAttributeValue {
    ExpectedAttributeValue { exists: Some(false), ..ExpectedAttributeValue::default() }
}

fn expecting(expected: BTreeMap<String, ExpectedAttributeValue>) -> LegacyWrite {
    LegacyWrite { expected: Some(expected), conditional_operator: None }
}

fn put(table: &Table, item: Item, legacy: LegacyWrite) -> Result<WriteOutput> {
    let legacy = Some(Box::new(legacy));
    table.submit_put(&PutRequest { legacy, ..PutRequest::new(item) })?.wait()
}

fn change(action: AttributeAction, value: impl Into<Option<Value>>) -> AttributeValueUpdate {
    AttributeValueUpdate { action: Some(action), value: value.into() }
}

fn update(table: &Table, sk: i32, legacy: LegacyUpdate) -> Result<WriteOutput> {
    let mut request = UpdateRequest::new(("p", sk).into_key(), Update::default());
    request.options.return_values = ReturnValues::AllNew;
    request.legacy = Some(Box::new(legacy));
    table.submit_update(&request)?.wait()
}

fn updates(updates: BTreeMap<String, AttributeValueUpdate>) -> LegacyUpdate {
    LegacyUpdate { attribute_updates: Some(updates), ..LegacyUpdate::default() }
}

#[test]
fn what_is_expected_decides_whether_an_item_is_put_or_deleted() {
    let table = table();
    put(&table, item(1).with("a", 1), expecting(map([("pk", missing())]))).expect("nothing is there");
    refused(put(&table, item(1), expecting(map([("pk", missing())]))), FAILED.0, FAILED.1);
    let delete = |expected| {
        let key = ("p", 1).into_key();
        table
            .submit_delete(&DeleteRequest {
                legacy: Some(Box::new(expecting(expected))),
                ..DeleteRequest::new(key)
            })?
            .wait()
    };
    refused(delete(map([("a", value(2))])), FAILED.0, FAILED.1);
    delete(map([("a", value(1))])).expect("it is one");
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), None);
}

#[test]
fn several_expectations_are_met_all_or_one() {
    let table = table();
    table.put(&item(1).with("a", 1).with("b", 2)).expect("a valid item");
    let expected = || Some(map([("a", value(1)), ("b", value(3))]));
    let with = |conditional_operator| LegacyWrite { expected: expected(), conditional_operator };
    refused(put(&table, item(1), with(None)), FAILED.0, FAILED.1);
    refused(put(&table, item(1), with(Some(ConditionalOperator::And))), FAILED.0, FAILED.1);
    put(&table, item(1), with(Some(ConditionalOperator::Or))).expect("one is met");
}

#[test]
fn updates_put_add_and_delete_whole_attributes() {
    let table = table();
    let list = |elements: &[i32]| Value::List(elements.iter().copied().map(Value::from).collect());
    let set = |members: &[&str]| Value::string_set(members.iter().copied()).expect("a set");
    table
        .put(&item(1).with("l", list(&[1])).with("n", 1).with("s", set(&["a", "b"])).with("gone", 1))
        .expect("a valid item");
    let all = map([
        ("a.b", AttributeValueUpdate { action: None, value: Some(7.into()) }),
        ("l", change(AttributeAction::Add, list(&[2]))),
        ("n", change(AttributeAction::Add, Value::from(2))),
        ("s", change(AttributeAction::Delete, set(&["a"]))),
        ("gone", change(AttributeAction::Delete, None)),
    ]);
    let expected = item(1).with("a.b", 7).with("l", list(&[1, 2])).with("n", 3).with("s", set(&["b"]));
    assert_eq!(update(&table, 1, updates(all)).expect("a valid update").attributes, Some(expected));
}

#[test]
fn updates_of_nothing_make_the_key_and_deletes_make_nothing() {
    let table = table();
    update(&table, 1, updates(map([("a", change(AttributeAction::Delete, None))]))).expect("it is valid");
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), None);
    update(&table, 1, updates(BTreeMap::new())).expect("it is valid");
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), Some(item(1)));
    update(&table, 2, updates(map([("n", change(AttributeAction::Add, Value::from(1)))])))
        .expect("it is valid");
    assert_eq!(table.get_item(("p", 2)).expect("it can be read"), Some(item(2).with("n", 1)));
}

#[test]
fn an_update_that_does_not_fit_the_item_is_refused_in_words_of_its_own() {
    let table = table();
    table.put(&item(1).with("s", "text")).expect("a valid item");
    let add = |name| updates(map([(name, change(AttributeAction::Add, Value::from(1)))]));
    refused(update(&table, 1, add("s")), VALIDATION, "Type mismatch for attribute to update");
    refused(
        update(&table, 1, add("sk")),
        VALIDATION,
        "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key",
    );
    refused(
        update(&table, 1, updates(map([("a", change(AttributeAction::Add, None))]))),
        VALIDATION,
        "1 validation error detected: One or more parameter values were invalid: Only DELETE action is allowed when no \
         attribute value is specified",
    );
    let unmet = LegacyUpdate { expected: Some(map([("s", value("other"))])), ..add("n") };
    refused(update(&table, 1, unmet), FAILED.0, FAILED.1);
}

#[test]
fn legacy_parameters_and_expressions_do_not_mix() {
    let (database, table) = database();
    let condition = attr("a").exists().into_tree().expect("a valid condition");
    let mixed = "Can not use both expression and non-expression parameters in the same request: Non-expression \
                 parameters: ";
    let mut request = PutRequest::new(item(1));
    request.options.condition = Some(condition.clone());
    request.legacy = Some(Box::new(expecting(map([("a", missing())]))));
    refused(
        table.submit_put(&request).map(drop),
        VALIDATION,
        &format!(
            "1 validation error detected: {mixed}{{Expected}} Expression parameters: {{ConditionExpression}}"
        ),
    );
    let mut request = ScanRequest::default();
    request.options.projection = Some(["a"].into());
    request.options.filter = Some(condition);
    let scan_filter = Some(map([("a", equal(1)), ("b", equal(1))]));
    let conditional_operator = Some(ConditionalOperator::Or);
    let legacy = LegacyScan { scan_filter, conditional_operator, attributes_to_get: Some(vec!["a".into()]) };
    request.legacy = Some(Box::new(legacy));
    refused(
        table.scan_page(request),
        VALIDATION,
        &format!(
            "{mixed}{{AttributesToGet, ScanFilter, ConditionalOperator}} Expression parameters: {{ProjectionExpression, \
             FilterExpression}}"
        ),
    );
    // Of a batch, all tables count together.
    let by_names =
        KeysAndAttributes { keys: vec![1.into_key()], legacy: Some(names(["a"])), ..Default::default() };
    let projection = Some(["a"].into());
    let by_paths = KeysAndAttributes { keys: vec![1.into_key()], projection, ..Default::default() };
    let tables = [("One".to_owned(), by_names), ("Two".to_owned(), by_paths)].into();
    refused(
        database.batch_get(BatchGetRequest { tables, ..BatchGetRequest::default() }),
        VALIDATION,
        &format!("{mixed}{{AttributesToGet}} Expression parameters: {{ProjectionExpression}}"),
    );
}

#[test]
fn parameters_are_checked_before_values_and_those_before_the_table() {
    let (database, table) = database();
    database.delete_table("Items").expect("it is there");
    let operator_alone = LegacyWrite { expected: None, conditional_operator: Some(ConditionalOperator::And) };
    let wrong_value = item(1).with("s", Value::StringSet([].into()));
    refused(
        put(&table, wrong_value.clone(), operator_alone),
        VALIDATION,
        "1 validation error detected: ConditionalOperator cannot be used without Filter or Expected",
    );
    let nothing = || expecting(map([("a", ExpectedAttributeValue::default())]));
    refused(
        put(&table, wrong_value, nothing()),
        VALIDATION,
        "1 validation error detected: One or more parameter values were invalid: An string set  may not be empty",
    );
    refused(
        put(&table, item(1), nothing()),
        VALIDATION,
        "1 validation error detected: One or more parameter values were invalid: Value must be provided when Exists is \
         null for Attribute: a",
    );
    refused(
        put(&table, item(1), expecting(map([("a", missing())]))),
        "ResourceNotFoundException",
        "Requested resource not found",
    );
    // What a key cannot be asked is told only of a table that is there.
    let conditions = map([("pk", by(ComparisonOperator::NotEqual, ["p".into()]))]);
    refused(query(&table, conditions, None), "ResourceNotFoundException", "Requested resource not found");
}

#[test]
fn a_transaction_takes_no_legacy_parameters() {
    let (database, _) = database();
    let put =
        PutRequest { legacy: Some(Box::new(expecting(map([("a", missing())])))), ..PutRequest::new(item(1)) };
    let actions = vec![("Items".to_owned(), TransactWrite::Put(put))];
    refused(
        database.transact_write(&TransactWriteRequest { actions, ..TransactWriteRequest::default() }),
        VALIDATION,
        "Transactions take no non-expression parameters",
    );
}

fn names<const COUNT: usize>(names: [&str; COUNT]) -> LegacyGet {
    LegacyGet { attributes_to_get: Some(names.map(str::to_owned).to_vec()) }
}

#[test]
fn attributes_to_get_are_whole_attributes_of_gets_and_batches() {
    let (database, table) = database();
    table.put(&item(1).with("a.b", 1).with("c", 2)).expect("a valid item");
    let key = || ("p", 1).into_key();
    let get = |legacy| table.get_request(&GetRequest { legacy: Some(legacy), ..GetRequest::new(key()) });
    let found = get(names(["a.b", "missing"])).expect("it can be read").item;
    assert_eq!(found, Some(Item::new().with("a.b", 1)));
    refused(
        get(names(["a", "c", "a"])),
        VALIDATION,
        "One or more parameter values were invalid: Duplicate value in attribute name: a",
    );
    refused(
        get(names([])),
        VALIDATION,
        "Value at 'AttributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    let asked = KeysAndAttributes { keys: vec![key()], legacy: Some(names(["c"])), ..Default::default() };
    let tables = [("Items".to_owned(), asked)].into();
    let answer = database.batch_get(BatchGetRequest { tables, ..BatchGetRequest::default() });
    assert_eq!(answer.expect("a valid request").responses["Items"], [Item::new().with("c", 2)]);
}

fn filled() -> Table {
    let table = table();
    for sk in 0..6 {
        let item = item(sk).with("x", sk % 2).with("rank", 10 - sk).with("a", sk);
        table.put(&item).expect("a valid item");
    }
    table
}

fn query(
    table: &Table,
    key_conditions: BTreeMap<String, LegacyCondition>,
    query_filter: Option<BTreeMap<String, LegacyCondition>>,
) -> Result<Page> {
    let key_conditions = Some(key_conditions);
    let legacy = LegacyQuery { key_conditions, query_filter, ..LegacyQuery::default() };
    table.query_page(QueryRequest { legacy: Some(Box::new(legacy)), ..QueryRequest::default() })
}

#[test]
fn key_conditions_and_filters_read_what_expressions_would() {
    let table = filled();
    let keys = || map([("pk", equal("p")), ("sk", by(ComparisonOperator::Between, [1.into(), 4.into()]))]);
    let page = query(&table, keys(), None).expect("a valid query");
    assert_eq!(page, table.query("p").sort_key_between(1, 4).page().expect("a page"));
    let filter = map([("a", by(ComparisonOperator::In, [2.into(), 4.into(), 5.into()]))]);
    let page = query(&table, keys(), Some(filter)).expect("a valid query");
    assert_eq!((page.count, page.scanned_count), (2, 4));
    let legacy = LegacyQuery {
        key_conditions: Some(map([("x", equal(1))])),
        attributes_to_get: Some(vec!["sk".to_owned()]),
        ..LegacyQuery::default()
    };
    let options = ReadOptions { index: Some("ByX".to_owned()), ..ReadOptions::default() };
    let request = QueryRequest { options, legacy: Some(Box::new(legacy)), ..QueryRequest::default() };
    let expected: Vec<_> = [1, 3, 5].map(|sk| Item::new().with("sk", sk)).into();
    assert_eq!(table.query_page(request).expect("a valid query").items, expected);
    // Key conditions may stand beside a filter that is an expression.
    let legacy = LegacyQuery { key_conditions: Some(map([("pk", equal("p"))])), ..LegacyQuery::default() };
    let filter = Some(attr("a").gt(4).into_tree().expect("a valid filter"));
    let options = ReadOptions { filter, ..ReadOptions::default() };
    let request = QueryRequest { options, legacy: Some(Box::new(legacy)), ..QueryRequest::default() };
    assert_eq!(table.query_page(request).expect("a valid query").count, 1);
}

#[test]
fn a_scan_is_filtered_by_any_or_all_of_its_conditions() {
    let table = filled();
    let count = |conditional_operator| {
        let scan_filter = Some(map([("a", by(ComparisonOperator::Less, [2.into()])), ("x", equal(1))]));
        let legacy = LegacyScan { scan_filter, conditional_operator, attributes_to_get: None };
        let request = ScanRequest { legacy: Some(Box::new(legacy)), ..ScanRequest::default() };
        table.scan_page(request).expect("a valid scan").count
    };
    assert_eq!((count(None), count(Some(ConditionalOperator::Or))), (1, 4));
    // A scan's filter may ask the key, and more than a hundred values, which an expression may not.
    let many = by(ComparisonOperator::In, (0..150).map(Value::from));
    let legacy = LegacyScan { scan_filter: Some(map([("sk", many)])), ..LegacyScan::default() };
    let request = ScanRequest { legacy: Some(Box::new(legacy)), ..ScanRequest::default() };
    assert_eq!(table.scan_page(request).expect("a valid scan").count, 6);
}

#[test]
fn what_a_query_may_not_ask_is_refused_in_dynamodbs_words() {
    let table = filled();
    let keys = || map([("pk", equal("p"))]);
    refused(
        table.query_page(QueryRequest::default()),
        VALIDATION,
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    );
    refused(query(&table, BTreeMap::new(), None), VALIDATION, "Conditions can be of length 1 or 2 only");
    refused(
        query(&table, map([("pk", equal("p")), ("sk", by(ComparisonOperator::NotEqual, [1.into()]))]), None),
        VALIDATION,
        "Attempted conditional constraint is not an indexable operation",
    );
    refused(
        query(&table, map([("pk", by(ComparisonOperator::Less, ["p".into()]))]), None),
        VALIDATION,
        "Query key condition not supported",
    );
    refused(
        query(&table, map([("other", equal("p"))]), None),
        VALIDATION,
        "Query condition missed key schema element: pk",
    );
    refused(
        query(&table, keys(), Some(map([("sk", equal(1))]))),
        VALIDATION,
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk",
    );
    refused(
        query(&table, keys(), Some(map([("a", by(ComparisonOperator::Between, [2.into(), 1.into()]))]))),
        VALIDATION,
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
    );
    let key = KeyConditions::Places { partition: vec!["p".into()], sort: Vec::new() };
    let legacy = LegacyQuery { key_conditions: Some(keys()), ..LegacyQuery::default() };
    let request = QueryRequest { key, legacy: Some(Box::new(legacy)), ..QueryRequest::default() };
    refused(
        table.query_page(request),
        VALIDATION,
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
         {KeyConditions} Expression parameters: {KeyConditionExpression}",
    );
    let attributes_to_get = Some(vec!["a".to_owned()]);
    let legacy = LegacyQuery { key_conditions: Some(keys()), attributes_to_get, ..LegacyQuery::default() };
    let options = ReadOptions { select: Some(Select::Count), ..ReadOptions::default() };
    let request = QueryRequest { options, legacy: Some(Box::new(legacy)), ..QueryRequest::default() };
    refused(
        table.query_page(request),
        VALIDATION,
        "Cannot specify the AttributesToGet when choosing to get only the Count",
    );
    let start = item(1).with("sk", Value::NumberSet([].into()));
    refused(
        table.query("p").start_after(start).page(),
        VALIDATION,
        "The provided starting key is invalid: One or more parameter values were invalid: An number set  may not be empty",
    );
}
