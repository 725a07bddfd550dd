//! Streams: exactly one record for each item that a write changes, and none where nothing changes.

use crate::support::{database, item};
use pixii::{
    Database, EventName, IntoKey, Item, PutRequest, StreamSpecification, StreamViewType, TransactWrite,
    TransactWriteRequest, UpdateTableRequest,
};

fn enable(database: &Database) {
    let stream_view_type = Some(StreamViewType::NewAndOldImages);
    let request = UpdateTableRequest {
        table_name: "Items".to_owned(),
        stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
        ..UpdateTableRequest::default()
    };
    database.update_table(request).expect("a valid request");
}

type Change = (EventName, Option<Item>, Option<Item>);

fn changes(database: &Database) -> Vec<Change> {
    let records = database.stream("Items").and_then(|stream| stream.records()).expect("there is one");
    let records = records.map(|record| record.expect("it can be read"));
    records.map(|record| (record.event_name, record.old_image, record.new_image)).collect()
}

#[test]
fn each_write_that_changes_an_item_is_one_record() {
    let (database, table) = database();
    table.put(&item(0)).expect("a valid item");
    enable(&database);
    let (first, second) = (item(1).with("a", 1), item(1).with("a", 2));
    table.put(&first).expect("a valid item");
    table.put(&first).expect("the same again");
    table.update(("p", 1)).set("a", 1).send().expect("nothing changes");
    table.update(("p", 1)).set("a", 2).send().expect("a valid update");
    table.delete(("p", 1)).expect("a valid key");
    table.delete(("p", 1)).expect("nothing is there");
    table.update(("p", 9)).remove("a").send().expect("nothing is there");
    let expected = [
        (EventName::Insert, None, Some(first.clone())),
        (EventName::Modify, Some(first), Some(second.clone())),
        (EventName::Remove, Some(second), None),
    ];
    assert_eq!(changes(&database), expected);
}

#[test]
fn transactions_have_one_record_for_each_changed_item() {
    let (database, table) = database();
    enable(&database);
    let put = |sk| ("Items".to_owned(), TransactWrite::Put(PutRequest::new(item(sk))));
    let request = TransactWriteRequest { actions: vec![put(2), put(1)], ..TransactWriteRequest::default() };
    database.transact_write(&request).expect("a valid request");
    database
        .transact(|transaction| {
            transaction.put(&table, &item(3).with("a", 1))?;
            transaction.put(&table, &item(3).with("a", 2))?;
            transaction.delete(&table, ("p", 1))?;
            transaction.put(&table, &item(4))?;
            transaction.delete(&table, ("p", 4).into_key())
        })
        .expect("it commits");
    let expected = [
        (EventName::Insert, None, Some(item(2))),
        (EventName::Insert, None, Some(item(1))),
        (EventName::Remove, Some(item(1)), None),
        (EventName::Insert, None, Some(item(3).with("a", 2))),
    ];
    assert_eq!(changes(&database), expected);
}
