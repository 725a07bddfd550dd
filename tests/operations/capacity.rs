//! What DynamoDB would charge, and the sizes of collections.

use crate::support::{database, item, schema};
use pixii::{
    BatchGetRequest, BatchWrite, BatchWriteRequest, ConsumedCapacity, Database, IntoKey, Item,
    KeysAndAttributes, Put, PutRequest, Query, ReturnConsumedCapacity, Select, Table, TransactGet,
    TransactGetRequest, TransactWrite, TransactWriteRequest, WriteOptions, attr,
};

const INDEXES: ReturnConsumedCapacity = ReturnConsumedCapacity::Indexes;

/// The table's units, those of `ByX` and those of `ByRank`; none where the arm is left out.
type Arms = (f64, Option<f64>, Option<f64>);

fn arms(consumed: Option<ConsumedCapacity>) -> Arms {
    let consumed = consumed.expect("it was asked for");
    assert_eq!(consumed.table_name, "Items");
    let detail = consumed.detail.clone().expect("it was asked for");
    let arms = (
        detail.table,
        detail.global_secondary_indexes.get("ByX").copied(),
        detail.local_secondary_indexes.get("ByRank").copied(),
    );
    let sum = arms.0 + arms.1.unwrap_or_default() + arms.2.unwrap_or_default();
    assert!((sum - consumed.capacity_units).abs() < f64::EPSILON, "{sum}: {consumed:?}");
    arms
}

fn put(table: &Table, item: &Item) -> Arms {
    let put: Put<'_> = table.put_request(item).return_consumed_capacity(INDEXES);
    arms(put.send().expect("a valid item").consumed_capacity)
}

fn delete(table: &Table, sk: i32) -> Arms {
    let delete = table.delete_request(("p", sk)).return_consumed_capacity(INDEXES);
    arms(delete.send().expect("a valid key").consumed_capacity)
}

fn padded(sk: i32, bytes: usize) -> Item {
    item(sk).with("pad", "p".repeat(bytes))
}

#[test]
fn a_write_costs_the_larger_item_and_each_index_entry_that_changes() {
    let (_, table) = database();
    let indexed = || item(1).with("x", 1).with("rank", 1).with("a", 1);
    assert_eq!(put(&table, &indexed()), (1.0, Some(1.0), Some(1.0)));
    assert_eq!(put(&table, &indexed()), (1.0, None, None), "entries that stay cost nothing");
    assert_eq!(put(&table, &indexed().with("x", 2)), (1.0, Some(2.0), None), "a key that changes costs both");
    assert_eq!(put(&table, &indexed().with("x", 2).with("a", 2)), (1.0, None, Some(1.0)), "in place once");
    assert_eq!(put(&table, &padded(1, 3000)), (3.0, Some(1.0), Some(1.0)));
    assert_eq!(put(&table, &item(1)), (3.0, None, None), "what is overwritten counts as well");
    assert_eq!(put(&table, &padded(1, 2000)), (2.0, None, None));
    assert_eq!(delete(&table, 1), (2.0, None, None));
    assert_eq!(delete(&table, 1), (1.0, None, None), "nothing is there");
    let update = || table.update(("p", 2)).return_consumed_capacity(INDEXES);
    let told = update().set("x", 1).set("pad", "p".repeat(1500)).send().expect("a valid update");
    assert_eq!(arms(told.consumed_capacity), (2.0, Some(1.0), None));
    let told = update().remove("x").send().expect("a valid update");
    assert_eq!(arms(told.consumed_capacity), (2.0, Some(1.0), None));
}

#[test]
fn the_sum_is_told_without_its_parts_and_nothing_unless_asked() {
    let (_, table) = database();
    let send = |capacity| {
        let put = table.put_request(&item(1).with("x", 1)).return_consumed_capacity(capacity);
        put.send().expect("a valid item").consumed_capacity
    };
    assert_eq!(send(ReturnConsumedCapacity::None), None);
    let told = send(ReturnConsumedCapacity::Total).expect("it was asked for");
    assert_eq!((told.detail, told.read_capacity_units, told.write_capacity_units), (None, None, None));
}

fn filled() -> (Database, Table) {
    let (database, table) = database();
    for sk in 0..10 {
        table.put(&padded(sk, 1000).with("x", 1).with("rank", sk)).expect("a valid item");
    }
    (database, table)
}

fn read(query: Query<'_>) -> Arms {
    arms(query.return_consumed_capacity(INDEXES).page().expect("a page").consumed_capacity)
}

#[test]
fn a_page_is_summed_before_it_is_rounded_up() {
    let (_, table) = filled();
    // Ten items of about 1 KB are three times 4 KB.
    assert_eq!(read(table.query("p")), (1.5, None, None));
    assert_eq!(read(table.query("p").consistent()), (3.0, None, None));
    assert_eq!(
        read(table.query("p").filter(attr("a").exists())),
        (1.5, None, None),
        "evaluated, not answered"
    );
    assert_eq!(read(table.query("p").limit(3)), (0.5, None, None));
    assert_eq!(read(table.query("nobody")), (0.5, None, None), "nothing is read as one unit");
    let scan = table.scan().select(Select::Count).return_consumed_capacity(INDEXES);
    assert_eq!(arms(scan.page().expect("a page").consumed_capacity), (1.5, None, None));
}

#[test]
fn an_index_is_charged_by_its_entries_and_for_what_it_fetches() {
    let (_, table) = filled();
    assert_eq!(read(table.query(1).index("ByX")), (0.0, Some(0.5), None));
    assert_eq!(read(table.query("p").index("ByRank")), (0.0, None, Some(0.5)));
    let fetching = table.query("p").index("ByRank").select(Select::AllAttributes);
    assert_eq!(read(fetching), (5.0, None, Some(0.5)), "each item by itself");
}

#[test]
fn batches_are_charged_item_by_item() {
    let (database, table) = filled();
    let keys = (8..12).map(|sk| ("p", sk).into_key()).collect();
    let asked = KeysAndAttributes { keys, ..KeysAndAttributes::default() };
    let request =
        BatchGetRequest { tables: [("Items".to_owned(), asked)].into(), return_consumed_capacity: INDEXES };
    let told = database.batch_get(request).expect("a valid request").consumed_capacity;
    assert_eq!(told.into_iter().map(|told| arms(Some(told))).collect::<Vec<_>>(), [(2.0, None, None)]);
    table.put(&item(20).with("x", 1)).expect("a valid item");
    let writes = vec![
        BatchWrite::Delete(("p", 20).into_key()),
        BatchWrite::Delete(("p", 21).into_key()),
        BatchWrite::Put(padded(22, 1500).with("x", 2)),
    ];
    let request = BatchWriteRequest {
        writes: [("Items".to_owned(), writes)].into(),
        return_consumed_capacity: INDEXES,
        ..BatchWriteRequest::default()
    };
    let told = database.batch_write(request).expect("a valid request").consumed_capacity;
    assert_eq!(told.into_iter().map(|told| arms(Some(told))).collect::<Vec<_>>(), [(4.0, Some(2.0), None)]);
}

#[test]
fn transactions_cost_double_but_for_indexes() {
    let (database, table) = filled();
    let in_table = |action| ("Items".to_owned(), action);
    let condition = Some(attr("pk").exists().into_tree().expect("a valid condition"));
    let options = WriteOptions { condition, ..WriteOptions::default() };
    let check = TransactWrite::ConditionCheck { key: ("p", 0).into_key(), options };
    let request = TransactWriteRequest {
        actions: vec![in_table(TransactWrite::Put(PutRequest::new(item(30).with("x", 1)))), in_table(check)],
        client_request_token: Some("token".to_owned()),
        return_consumed_capacity: INDEXES,
        ..TransactWriteRequest::default()
    };
    let written = database.transact_write(&request).expect("a valid request").consumed_capacity;
    assert_eq!((written[0].write_capacity_units, written[0].read_capacity_units), (Some(5.0), None));
    // The item that is written and the one that is checked cost two each, the entry one.
    assert_eq!(arms(written.into_iter().next()), (4.0, Some(1.0), None));
    let again = database.transact_write(&request).expect("it was done").consumed_capacity;
    assert_eq!((again[0].write_capacity_units, again[0].read_capacity_units), (None, Some(4.0)));
    let get =
        |sk: i32| TransactGet { table: "Items".to_owned(), key: ("p", sk).into_key(), projection: None };
    table.put(&padded(40, 5000)).expect("a valid item");
    let request = TransactGetRequest { gets: vec![get(40), get(41)], return_consumed_capacity: INDEXES };
    let read = database.transact_get(&request).expect("a valid request").consumed_capacity;
    assert_eq!((read[0].write_capacity_units, read[0].read_capacity_units), (None, Some(6.0)));
    assert_eq!(
        arms(read.into_iter().next()),
        (6.0, None, None),
        "what is missing is read as one unit, twice"
    );
}

#[test]
fn the_size_of_a_collection_is_told_of_tables_with_local_indexes() {
    let (database, table) = database();
    let put = |table: &Table| {
        let put = table.put_request(&item(1)).return_item_collection_metrics();
        put.send().expect("a valid item").item_collection_metrics
    };
    let metrics = put(&table).expect("the table has a local index");
    assert_eq!(metrics.item_collection_key, Item::new().with("pk", "p"), "the partition key alone");
    let [lower, upper] = metrics.size_estimate_range_gb;
    assert!(lower.abs() < f64::EPSILON && (upper - 1.0).abs() < f64::EPSILON);
    let without = pixii::TableSchema::builder("Other")
        .partition_key("pk", pixii::KeyType::String)
        .sort_key("sk", pixii::KeyType::Number)
        .build()
        .expect("a valid schema");
    assert_eq!(put(&database.create_table(without).expect("a new table")), None);
    assert_eq!(schema().local_indexes().len(), 1);
}
