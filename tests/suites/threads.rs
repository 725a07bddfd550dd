//! Real threads on a real disk: writers that meet on the same keys, readers beside them. At the end, and after opening
//! again, the indexes are what the table says.

use crate::model::{Key, Model, SORTS, TABLE, schema};
use crate::workload::{item, tiny_options};
use pixii::{Database, Durability, Environment, Item, Table, Value};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const WRITES: u64 = 400;

fn open(path: &Path) -> Database {
    let options = Database::options().environment(Environment::system()).engine(tiny_options());
    options.open(path).expect("the store opens")
}

/// The model that the table's items make.
fn model_of(table: &Table) -> Model {
    let mut model = Model::default();
    for item in table.scan() {
        let item: Item = item.expect("it can be read");
        let sort = item.get("sk").and_then(Value::as_number).and_then(|sort| i64::try_from(sort).ok());
        let partition = item.get("pk").and_then(Value::as_str);
        let key: Key = (partition.expect("a key").to_owned(), sort.expect("a key"));
        model.apply(&key, Some(&item));
    }
    model
}

fn write(table: &Table, writer: u64) {
    for number in 0..WRITES {
        let id = writer * WRITES + number;
        let sort = SORTS.start + i64::try_from(number % 6).expect("a small number");
        let durability = if number % 4 == 0 { Durability::Durable } else { Durability::Buffered };
        if number % 7 == 6 {
            table.delete_request(("a", sort)).durability(durability).send().expect("the write is done");
            continue;
        }
        let item = item(&("a".to_owned(), sort), id, Some(id), Some(id / 3), 100);
        table.put_request(&item).durability(durability).send().expect("the write is done");
    }
}

/// Reads until it is told to stop; what it sees is in order and whole. Returns how often it read.
fn read(table: &Table, is_over: &AtomicBool, rounds: &AtomicU64) {
    while !is_over.load(Ordering::SeqCst) {
        let items: Vec<Item> =
            table.query("a").reverse().into_iter().collect::<Result<_, _>>().expect("it can be read");
        let sorts: Vec<_> = items.iter().map(|item| item.get("sk").and_then(Value::as_number)).collect();
        assert!(sorts.is_sorted_by(|left, right| left > right), "out of order: {sorts:?}");
        for entry in table.scan().index("ByScore") {
            assert!(entry.expect("it can be read").get("id").is_some(), "an entry without its projection");
        }
        rounds.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn writers_that_meet_on_the_same_keys_leave_indexes_that_agree() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("store");
    let database = open(&path);
    let table = database.create_table(schema()).expect("a new table");
    let (is_over, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| read(&table, &is_over, &rounds));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let table = &table;
                scope.spawn(move || write(table, writer))
            })
            .collect();
        for writer in writers {
            writer.join().expect("no writer panics");
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert!(rounds.load(Ordering::SeqCst) > 0, "the reader ran beside the writers");
    let model = model_of(&table);
    assert_eq!(model.check(&database), Ok(()));
    assert!(database.statistics().flushes > 0, "the workload reaches the disk");
    database.close().expect("nothing failed");
    drop((table, database));
    let database = open(&path);
    assert_eq!(model_of(&database.table(TABLE).expect("it was made")), model);
    assert_eq!(model.check(&database), Ok(()));
}
