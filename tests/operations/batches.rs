//! `BatchWriteItem` and `BatchGetItem`.

use crate::support::{database, item, refused, schema};
use pixii::format::table::reader::ReadMode;
use pixii::sim::{FaultRule, OpKind, Simulation, errno};
use pixii::{
    BatchGetRequest, BatchWrite, BatchWriteFate, BatchWriteRequest, Database, EngineOptions, Error,
    ErrorKind, IntoKey, Item, Key, KeysAndAttributes, Outcome, ReturnConsumedCapacity,
};

fn writes(writes: Vec<BatchWrite>) -> BatchWriteRequest {
    BatchWriteRequest { writes: [("Items".to_owned(), writes)].into(), ..BatchWriteRequest::default() }
}

fn gets(keys: Vec<Key>) -> BatchGetRequest {
    let asked = KeysAndAttributes { keys, ..KeysAndAttributes::default() };
    BatchGetRequest { tables: [("Items".to_owned(), asked)].into(), ..BatchGetRequest::default() }
}

#[test]
fn puts_and_deletes_are_done_together() {
    let (database, table) = database();
    table.put(&item(1)).expect("a valid item");
    let mut request = writes(vec![BatchWrite::Delete(("p", 1).into_key()), BatchWrite::Put(item(2))]);
    request.return_consumed_capacity = ReturnConsumedCapacity::Total;
    let output = database.batch_write(request).expect("a valid request");
    assert_eq!(output.consumed_capacity.len(), 1);
    assert_eq!(output.consumed_capacity[0].capacity_units.to_string(), "2");
    let answer = database.batch_get(gets((0..5).map(|sk| ("p", sk).into_key()).collect()));
    assert_eq!(answer.expect("a valid request").responses["Items"], [item(2)]);
}

#[test]
fn a_batch_that_is_wrong_writes_nothing() {
    let (database, table) = database();
    let validation = "ValidationException";
    let put = |sk| BatchWrite::Put(item(sk));
    refused(
        database.batch_write(writes(vec![put(1), BatchWrite::Delete(("p", 1).into_key())])),
        validation,
        "Provided list of item keys contains duplicates",
    );
    refused(
        database.batch_write(writes(vec![put(1), BatchWrite::Put(Item::new().with("pk", "p"))])),
        validation,
        "The provided key element does not match the schema",
    );
    refused(
        database.batch_write(writes(vec![put(1), BatchWrite::Put(item(2).with("b", "b".repeat(410_000)))])),
        validation,
        "Item size has exceeded the maximum allowed size",
    );
    assert!(database.batch_write(writes((0..26).map(put).collect())).is_err());
    refused(
        database.batch_write(BatchWriteRequest {
            writes: [("None".to_owned(), vec![put(1)])].into(),
            ..BatchWriteRequest::default()
        }),
        "ResourceNotFoundException",
        "Requested resource not found",
    );
    assert_eq!(table.scan().count().expect("it can be read"), 0);
}

#[test]
fn a_batch_of_gets_has_at_most_a_hundred_keys_none_twice() {
    let (database, _) = database();
    let keys = |count: i32| (0..count).map(|sk| ("p", sk).into_key()).collect::<Vec<_>>();
    assert!(database.batch_get(gets(keys(100))).is_ok());
    let validation = "ValidationException";
    refused(
        database.batch_get(gets(keys(101))),
        validation,
        "Too many items requested for the BatchGetItem call",
    );
    let twice = [keys(3), keys(1)].concat();
    refused(database.batch_get(gets(twice)), validation, "Provided list of item keys contains duplicates");
}

#[test]
fn what_does_not_fit_sixteen_megabytes_is_left_for_later() {
    let (database, table) = database();
    for sk in 0..60 {
        let item = item(sk).with("b", "b".repeat(400_000));
        table.put_request(&item).buffered().send().expect("a valid item");
    }
    let answer = database.batch_get(gets((0..60).map(|sk| ("p", sk).into_key()).collect()));
    let answer = answer.expect("a valid request");
    let (found, left) = (answer.responses["Items"].len(), answer.unprocessed_keys["Items"].keys.len());
    assert_eq!((found, left), (41, 19));
}

#[test]
fn what_is_left_for_later_can_be_asked_for_as_it_is() {
    let (database, table) = database();
    let schema = pixii::TableSchema::builder("More").partition_key("pk", pixii::KeyType::Number);
    let more = database.create_table(schema.build().expect("a valid schema")).expect("a new table");
    for sk in 0..45 {
        let item = item(sk).with("b", "b".repeat(400_000)).with("a", sk);
        table.put_request(&item).buffered().send().expect("a valid item");
    }
    more.put(&Item::new().with("pk", 1)).expect("a valid item");
    let keys = (0..45).map(|sk| ("p", sk).into_key()).collect();
    let mut request = gets(keys);
    let asked = request.tables.get_mut("Items").expect("it is asked");
    asked.consistency = pixii::Consistency::Strong;
    asked.projection = Some(["a"].into());
    let keys = vec![1.into_key(), 2.into_key()];
    let of_more = KeysAndAttributes { keys, ..KeysAndAttributes::default() };
    request.tables.insert("More".to_owned(), of_more);
    let (mut found, mut rounds) = (Vec::new(), 0);
    while !request.tables.is_empty() {
        let answer = database.batch_get(request).expect("a valid request");
        if rounds == 0 {
            // What is read counts, and not what is shown of it. A table that has an answer left out has an entry.
            let left = &answer.unprocessed_keys["Items"];
            assert_eq!((answer.responses["Items"].len(), left.keys.len()), (41, 4));
            assert_eq!(
                (left.consistency, &left.projection),
                (pixii::Consistency::Strong, &Some(["a"].into()))
            );
            assert_eq!(answer.responses.len(), 2);
        }
        found.extend(answer.responses.into_values().flatten());
        request = BatchGetRequest { tables: answer.unprocessed_keys, ..BatchGetRequest::default() };
        rounds += 1;
    }
    assert_eq!((found.len(), rounds), (46, 2));
    assert_eq!(found.iter().filter(|item| item.len() == 1).count(), 46, "only what the projection names");
}

#[test]
fn a_batch_of_writes_has_at_most_twenty_five_over_all_tables() {
    let (database, table) = database();
    let schema = pixii::TableSchema::builder("More").partition_key("pk", pixii::KeyType::Number);
    database.create_table(schema.build().expect("a valid schema")).expect("a new table");
    let request = |count: i32| {
        let mut request = writes((0..20).map(|sk| BatchWrite::Put(item(sk))).collect());
        let puts = (0..count).map(|pk| BatchWrite::Put(Item::new().with("pk", pk))).collect();
        request.writes.insert("More".to_owned(), puts);
        request
    };
    refused(
        database.batch_write(request(6)),
        "ValidationException",
        "Too many items requested for the BatchWriteItem call",
    );
    assert_eq!(table.scan().count().expect("it can be read"), 0);
    database.batch_write(request(5)).expect("twenty-five in all");
    assert_eq!(table.scan().count().expect("it can be read"), 20);
    // Two forms of a number are one key.
    let twice = ["1", "1.0"].map(|number| {
        let number: pixii::Number = number.parse().expect("a number");
        BatchWrite::Delete(("p", pixii::Value::Number(number)).into_key())
    });
    refused(
        database.batch_write(writes(twice.into())),
        "ValidationException",
        "Provided list of item keys contains duplicates",
    );
}

#[test]
fn of_a_batch_of_which_one_write_fails_it_is_told_what_became_of_each() {
    let simulation = Simulation::new(1);
    let engine = EngineOptions { read_mode: ReadMode::Pread, ..EngineOptions::default() };
    let database = Database::options().environment(simulation.environment()).engine(engine);
    let database = database.open("/store").expect("a new database");
    let table = database.create_table(schema()).expect("a new table");
    table.put(&item(2).with("x", 1)).expect("a valid item");
    database.flush().expect("nothing fails");
    let put = |sk: i32| BatchWrite::Put(item(sk).with("x", 5));
    // The old item is needed for the index, and cannot be read.
    for (path, bytes) in simulation.vfs().files() {
        let is_table = path.extension().is_some_and(|extension| extension == "sst");
        let found = bytes.windows(2).position(|bytes| bytes == b"pk");
        if let (true, Some(offset)) = (is_table, found) {
            assert!(simulation.vfs().flip(&path, offset as u64, 0));
        }
    }
    let error = database.batch_write(writes(vec![put(1), put(2), put(3)])).expect_err("one cannot be read");
    assert_eq!((error.kind(), error.error().outcome()), (ErrorKind::Corruption, Outcome::Rejected));
    assert_eq!(error.unprocessed(), writes(vec![put(2)]).writes);
    assert!(error.unknown().is_empty() && error.done_count() == 2);
    let fates: Vec<bool> =
        error.writes()["Items"].iter().map(|(_, fate)| matches!(fate, BatchWriteFate::Done(_))).collect();
    assert_eq!(fates, [true, false, true]);
    let said = error.to_string();
    assert!(said.ends_with("(of the writes of the batch 2 are done, 1 rejected and 0 unknown)"), "{said}");
    assert_eq!(Error::from(error).kind(), ErrorKind::Corruption);
    for sk in [1, 3] {
        assert!(table.get_item(("p", sk)).expect("it can be read").is_some(), "{sk} is done");
    }
}

#[test]
fn writes_of_a_batch_whose_sync_fails_are_unknown() {
    let simulation = Simulation::new(2);
    let database = Database::options().environment(simulation.environment());
    let database = database.open("/store").expect("a new database");
    database.create_table(schema()).expect("a new table");
    let request = || writes(vec![BatchWrite::Put(item(1)), BatchWrite::Put(item(2))]);
    let pending = database.submit_batch_write(request()).expect("a valid request");
    simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
    let error = pending.wait().expect_err("it cannot be synced");
    assert_eq!(error.error().outcome(), Outcome::Unknown);
    assert_eq!(error.unknown(), request().writes);
    assert!(error.unprocessed().is_empty() && error.done_count() == 0);
    // The next batch is refused before anything of it begins.
    let error = database.batch_write(request()).expect_err("nothing is written any more");
    assert_eq!((error.kind(), error.error().outcome()), (ErrorKind::Poisoned, Outcome::Rejected));
    assert_eq!(error.unprocessed(), request().writes);
}
