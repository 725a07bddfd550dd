//! In which order a request is checked: what needs no table, the table, its key and indexes, the item, the condition.
//!
//! Each test has requests with several faults, and expects the first of them.

use crate::support::{database, item, refused, table};
use pixii::{
    BatchGetRequest, BatchWrite, BatchWriteRequest, Consistency, Database, GetRequest, IntoKey, Item, Key,
    KeyConditions, KeysAndAttributes, PutRequest, QueryRequest, ReadOptions, ReturnValues, ScanRequest,
    Segment, Select, TransactGet, TransactGetRequest, TransactWrite, TransactWriteRequest, UpdateExpression,
    UpdateRequest, Value, attr, expression,
};

const VALIDATION: &str = "ValidationException";
const MISSING: (&str, &str) = ("ResourceNotFoundException", "Requested resource not found");
const FAILED: (&str, &str) = ("ConditionalCheckFailedException", "The conditional request failed");

fn empty_set() -> Value {
    Value::StringSet([].into())
}

const EMPTY_SET: &str = "One or more parameter values were invalid: An string set  may not be empty";

/// Types that no condition takes, whatever the item.
fn bad_condition() -> pixii::Condition {
    attr("a").lt(true)
}

const BAD_CONDITION: &str = "Invalid ConditionExpression: Incorrect operand type for operator or function; operator \
                             or function: <, operand type: BOOL";

#[test]
fn a_put_is_checked_from_its_parameters_to_its_condition() {
    let (database, table) = database();
    table.put(&item(1)).expect("a valid item");
    let put = |item: Item, return_values| {
        let mut request = PutRequest::new(item);
        request.options.return_values = return_values;
        request.options.condition = Some(bad_condition().into_tree().expect("it can be said"));
        table.submit_put(&request).map(drop)
    };
    let enveloped = |text: &str| format!("1 validation error detected: {text}");
    let wrong = || item(1).with("s", empty_set());
    refused(
        put(wrong(), ReturnValues::AllNew),
        VALIDATION,
        &enveloped("ReturnValues can only be ALL_OLD or NONE"),
    );
    let put = |item: Item| put(item, ReturnValues::AllOld);
    refused(put(wrong()), VALIDATION, &enveloped(EMPTY_SET));
    refused(put(Item::new().with("pk", "p")), VALIDATION, &enveloped(BAD_CONDITION));
    let unmet = |item: Item| table.put_request(&item).condition(attr("a").exists()).send();
    refused(
        unmet(Item::new().with("pk", "p").with("x", "text")),
        VALIDATION,
        "One or more parameter values were invalid: Missing the key sk in the item",
    );
    refused(
        unmet(item(1).with("x", "text").with("b", "b".repeat(410_000))),
        VALIDATION,
        "One or more parameter values were invalid: Type mismatch for Index Key x Expected: N Actual: S IndexName: ByX",
    );
    refused(unmet(item(1)), FAILED.0, FAILED.1);
    database.delete_table("Items").expect("it is there");
    refused(put(item(1)), VALIDATION, &enveloped(BAD_CONDITION));
    refused(unmet(Item::new()), MISSING.0, MISSING.1);
}

#[test]
fn an_update_is_judged_on_the_item_after_its_condition() {
    let (database, table) = database();
    table.put(&item(1).with("s", "text")).expect("a valid item");
    let update = || table.update(("p", 1)).condition(attr("a").exists());
    // The key and its own attributes are the table's matter, the rest is the item's.
    refused(
        update().set("sk", 2).add("s", 1).send(),
        VALIDATION,
        "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key",
    );
    refused(
        table.update("p").set("sk", 2).condition(bad_condition()).send(),
        VALIDATION,
        &format!("1 validation error detected: {BAD_CONDITION}"),
    );
    refused(
        table.update("p").set("sk", 2).send(),
        VALIDATION,
        "The provided key element does not match the schema",
    );
    refused(update().add("s", 1).send(), FAILED.0, FAILED.1);
    refused(update().set("b", "b".repeat(410_000)).send(), FAILED.0, FAILED.1);
    database.delete_table("Items").expect("it is there");
    refused(update().set("sk", 2).send(), MISSING.0, MISSING.1);
}

#[test]
fn expressions_are_checked_whatever_the_item() {
    let table = table();
    // Nothing is there, and no branch is taken that would meet the fault.
    let text = "attribute_not_exists(pk) OR a BETWEEN :high AND :low";
    let condition = expression(text).value(":high", 2).value(":low", 1).condition();
    let said = "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to \
                lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}";
    assert_eq!(condition.map_err(|fault| fault.to_string()), Err(said.to_owned()));
    refused(
        table.delete_request(("p", 9)).condition(bad_condition()).send(),
        VALIDATION,
        &format!("1 validation error detected: {BAD_CONDITION}"),
    );
    refused(
        table.query("nobody").filter(bad_condition()).page(),
        VALIDATION,
        &BAD_CONDITION.replace("ConditionExpression", "FilterExpression"),
    );
}

fn query(
    database: &Database,
    options: ReadOptions,
    partition: impl Into<Value>,
) -> pixii::Result<pixii::Page> {
    let key = KeyConditions::Places { partition: vec![partition.into()], sort: Vec::new() };
    let request = QueryRequest { key, options, ..QueryRequest::default() };
    database.operations().query("Items", request, |item| Ok(item.to_item().expect("a whole item")))
}

#[test]
fn a_query_is_checked_from_its_members_to_its_starting_key() {
    let (database, _) = database();
    let wrong = || ReadOptions {
        index: Some("Nowhere".to_owned()),
        limit: Some(0),
        select: Some(Select::SpecificAttributes),
        filter: Some(bad_condition().into_tree().expect("it can be said")),
        exclusive_start_key: Some(Item::new().with("pk", empty_set())),
        consistency: Consistency::Strong,
        ..ReadOptions::default()
    };
    let query = |options| query(&database, options, 1);
    refused(
        query(wrong()),
        VALIDATION,
        "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    let wrong = || ReadOptions { limit: Some(1), ..wrong() };
    refused(
        query(wrong()),
        VALIDATION,
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    );
    let wrong = || ReadOptions { select: None, ..wrong() };
    refused(query(wrong()), VALIDATION, &format!("The provided starting key is invalid: {EMPTY_SET}"));
    let wrong = || ReadOptions { exclusive_start_key: Some(item(1)), ..wrong() };
    let filter = BAD_CONDITION.replace("ConditionExpression", "FilterExpression");
    refused(query(wrong()), VALIDATION, &filter);
    let filter = attr("sk").eq(1).into_tree().expect("it can be said");
    let wrong = || ReadOptions { filter: Some(filter.clone()), ..wrong() };
    refused(query(wrong()), VALIDATION, "The table does not have the specified index: Nowhere");
    let wrong = || ReadOptions { index: Some("ByX".to_owned()), ..wrong() };
    refused(query(wrong()), VALIDATION, "Consistent reads are not supported on global secondary indexes");
    let wrong = || ReadOptions { index: None, ..wrong() };
    refused(
        query(wrong()),
        VALIDATION,
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    );
    let query = |options| self::query(&database, options, "q");
    let path = pixii::DocumentPath::attribute("pk").member("a");
    let projection = Some(pixii::ProjectionExpression { paths: vec![path] });
    let wrong = || ReadOptions { projection: projection.clone(), ..wrong() };
    refused(
        query(wrong()),
        VALIDATION,
        "The provided starting key is outside query boundaries based on provided conditions",
    );
    let wrong = || ReadOptions { exclusive_start_key: None, ..wrong() };
    let scalars =
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: ";
    refused(query(wrong()), VALIDATION, &format!("{scalars}Key: pk"));
    let wrong = || ReadOptions { projection: None, ..wrong() };
    refused(
        query(wrong()),
        VALIDATION,
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
    );
    let filter = attr("x").member("a").exists().into_tree().expect("it can be said");
    refused(
        query(ReadOptions { filter: Some(filter), ..wrong() }),
        VALIDATION,
        &format!("{scalars}IndexKey: x"),
    );
    database.delete_table("Items").expect("it is there");
    refused(query(wrong()), MISSING.0, MISSING.1);
}

#[test]
fn a_scan_is_checked_from_its_segments_to_its_starting_key() {
    let (database, table) = database();
    for sk in 0..100 {
        table.put_request(&item(sk).with("pad", "p".repeat(2000))).buffered().send().expect("a valid item");
    }
    database.flush().expect("memory does not fail");
    let scan = |segment, total_segments, start| {
        let options = ReadOptions { exclusive_start_key: Some(start), ..ReadOptions::default() };
        let segment = Some(Segment { segment, total_segments });
        table.scan_page(ScanRequest { segment, options, ..ScanRequest::default() })
    };
    refused(
        scan(1, 0, Item::new()),
        VALIDATION,
        "Value at 'TotalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    refused(
        scan(2, 2, Item::new()),
        VALIDATION,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than \
         TotalSegments: 2",
    );
    refused(
        scan(0, 1_000_001, Item::new()),
        VALIDATION,
        "Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to \
         1000000",
    );
    refused(
        scan(0, 2, Item::new().with("pk", "p")),
        VALIDATION,
        "The provided starting key is invalid: The provided key element does not match the schema",
    );
    refused(
        scan(0, 2, item(99)),
        VALIDATION,
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct \
         Segment. TotalSegments: 2 Segment: 0",
    );
    assert!(scan(1, 2, item(99)).is_ok());
}

#[test]
fn a_batch_is_checked_as_a_whole_before_a_table_is_looked_up() {
    let (database, table) = database();
    let write = |writes: Vec<(&str, Vec<BatchWrite>)>| {
        let writes = writes.into_iter().map(|(table, writes)| (table.to_owned(), writes)).collect();
        database.batch_write(BatchWriteRequest { writes, ..BatchWriteRequest::default() })
    };
    refused(
        write(Vec::new()),
        VALIDATION,
        "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length \
         greater than or equal to 1",
    );
    refused(
        write(vec![("Absent", Vec::new())]),
        VALIDATION,
        "1 validation error detected: Value '{Absent=[]}' at 'requestItems' failed to satisfy constraint: Map value \
         must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater \
         than or equal to 1]",
    );
    let wrong = || BatchWrite::Put(item(1).with("s", empty_set()));
    refused(
        write(vec![("Absent", vec![BatchWrite::Put(item(1))]), ("Items", vec![wrong()])]),
        VALIDATION,
        EMPTY_SET,
    );
    refused(
        write(vec![
            ("Absent", vec![BatchWrite::Put(item(1))]),
            ("Items", vec![BatchWrite::Put(Item::new())]),
        ]),
        MISSING.0,
        MISSING.1,
    );
    let get = |tables: Vec<(&str, Vec<Key>)>| {
        let asked = |keys| KeysAndAttributes { keys, ..KeysAndAttributes::default() };
        let tables = tables.into_iter().map(|(table, keys)| (table.to_owned(), asked(keys))).collect();
        database.batch_get(BatchGetRequest { tables, ..BatchGetRequest::default() })
    };
    refused(
        get(Vec::new()),
        VALIDATION,
        "Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
    refused(
        get(vec![("Absent", vec![1.into_key(), 1.into_key()])]),
        VALIDATION,
        "Provided list of item keys contains duplicates",
    );
    refused(get(vec![("Absent", vec![1.into_key()]), ("Items", vec![1.into_key()])]), MISSING.0, MISSING.1);
    refused(
        get(vec![("Items", vec![1.into_key()])]),
        VALIDATION,
        "The provided key element does not match the schema",
    );
    assert_eq!(table.scan().count().expect("it can be read"), 0);
}

#[test]
fn a_transaction_is_checked_action_by_action_before_a_table_is_looked_up() {
    let (database, table) = database();
    let put = |table: &str, item| (table.to_owned(), TransactWrite::Put(PutRequest::new(item)));
    let write = |actions| {
        database.transact_write(&TransactWriteRequest { actions, ..TransactWriteRequest::default() })
    };
    let wrong = || item(2).with("s", empty_set());
    let large = || item(2).with("b", "b".repeat(410_000));
    refused(write(vec![put("Absent", item(1)), put("Items", wrong())]), VALIDATION, EMPTY_SET);
    refused(
        write(vec![put("Absent", large()), put("Items", wrong())]),
        VALIDATION,
        "Item size has exceeded the maximum allowed size",
    );
    let nothing =
        UpdateRequest::new(("p", 1).into_key(), UpdateExpression::new().into_tree().expect("nothing"));
    assert_eq!(
        write(vec![("Items".to_owned(), TransactWrite::Update(nothing))]).map_err(|error| error.kind()),
        Err(pixii::ErrorKind::Validation)
    );
    refused(write(vec![put("Items", Item::new()), put("Absent", item(1))]), MISSING.0, MISSING.1);
    let get = |gets: Vec<(&str, Key)>| {
        let get = |(table, key): (&str, Key)| TransactGet { table: table.to_owned(), key, projection: None };
        let gets = gets.into_iter().map(get).collect();
        database.transact_get(&TransactGetRequest { gets, ..TransactGetRequest::default() })
    };
    refused(get(vec![("Absent", 1.into_key()), ("Items", wrong().into_key())]), VALIDATION, EMPTY_SET);
    refused(get(vec![("Items", 1.into_key()), ("Absent", 1.into_key())]), MISSING.0, MISSING.1);
    let error = get(vec![("Items", ("p", 1).into_key()), ("Items", 1.into_key())]).expect_err("half a key");
    assert_eq!(
        error.to_string(),
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]"
    );
    refused(
        get(vec![("Items", ("p", 1).into_key()), ("Items", ("p", 1).into_key())]),
        VALIDATION,
        "Transaction request cannot include multiple operations on one item",
    );
    assert_eq!(table.scan().count().expect("it can be read"), 0);
}

#[test]
fn a_get_is_checked_before_and_after_its_table() {
    let (database, table) = database();
    let get = |key: Key, projection: &[&str]| {
        let paths = projection.iter().map(|name| pixii::DocumentPath::attribute(*name)).collect();
        let projection = Some(pixii::ProjectionExpression { paths });
        table.get_request(&GetRequest { projection, ..GetRequest::new(key) })
    };
    let overlap = "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one \
                   of these paths; path one: [a], path two: [a]";
    refused(get(wrong_key(), &["a", "a"]), VALIDATION, EMPTY_SET);
    refused(get(1.into_key(), &["a", "a"]), VALIDATION, overlap);
    refused(get(1.into_key(), &["a"]), VALIDATION, "The provided key element does not match the schema");
    let mut request = GetRequest::new(("p", 1).into_key());
    let path = pixii::DocumentPath::attribute("rank").element(0);
    request.projection = Some(pixii::ProjectionExpression { paths: vec![path] });
    refused(
        table.get_request(&request),
        VALIDATION,
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: rank",
    );
    database.delete_table("Items").expect("it is there");
    refused(get(1.into_key(), &["a", "a"]), VALIDATION, overlap);
    refused(get(1.into_key(), &["a"]), MISSING.0, MISSING.1);
}

fn wrong_key() -> Key {
    Item::new().with("pk", empty_set()).into_key()
}
