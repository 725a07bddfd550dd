//! A store written by format version 0, byte for byte: `tests/golden/v0`. It has every kind of file: tables, a manifest
//! with edits, and a log with commits that no table holds; an overwritten and a deleted item; a value of every type;
//! entries that expire, in a table and in the log.
//!
//! If the bytes differ, find out why before anything else. A change of the format is made on purpose: raise the version,
//! and write the files again with `PIXII_WRITE_GOLDEN=1 cargo test --test suites format_is_what_it_was`. If only the order
//! of the engine's work has changed, and the kept files still open, they are written again too. Otherwise it is a bug.

use crate::model::{Model, TABLE, schema};
use crate::workload::{item, open, tiny_options};
use pixii::base::batch::WriteBatch;
use pixii::base::expiry::{Expiry, ExpiryGeneration};
use pixii::base::ident::CommitTime;
use pixii::engine::cursor::KeyRange;
use pixii::engine::options::EngineOptions;
use pixii::engine::store::Engine;
use pixii::format::table::reader::ReadMode;
use pixii::sim::Simulation;
use pixii::{Database, Durability, Environment, ErrorKind, Item, KeyType, Number, TableSchema, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A second table, whose key is binary and whose one item has a value of every type.
const TYPES: &str = "Types";
const TYPES_KEY: [u8; 3] = [0, 255, 0];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v0")
}

/// An item with a value of every type.
fn every_type() -> Item {
    let number = |text: &str| -> Number { text.parse().expect("a number") };
    let inner: BTreeMap<String, Value> = [("ä".to_owned(), Value::Null), ("b".to_owned(), 7.into())].into();
    Item::new()
        .with("id", TYPES_KEY.to_vec())
        .with("string", "naïve\0text")
        .with("number", number("-1234567890.1234567890123456789012345678"))
        .with("largest", number("9.9999999999999999999999999999999999999E+125"))
        .with("smallest", number("-1E-130"))
        .with("zero", 0)
        .with("binary", vec![0_u8, 1, 254, 255])
        .with("true", true)
        .with("false", false)
        .with("null", Value::Null)
        .with("list", Value::List(vec!["a".into(), Value::List(Vec::new()), 1.into()]))
        .with("map", Value::Map(inner))
        .with("strings", Value::string_set(["b", "a"]).expect("members differ"))
        .with("numbers", Value::number_set([2, -1, 10]).expect("members differ"))
        .with("binaries", Value::binary_set([vec![1_u8], vec![0, 0]]).expect("members differ"))
}

/// A keyspace that no table has, whose entries expire.
const EXPIRING: [u8; 4] = [0, 1, 0, 0];
const EXPIRES_AT: u64 = 4_102_444_800_000;

/// Writes entries that expire, and one that hides one.
fn write_expiring(simulation: &Simulation, numbers: std::ops::Range<u8>) -> Engine {
    let engine =
        Engine::open(simulation.environment(), Path::new("/store"), tiny_options()).expect("a store");
    let key = |number| [EXPIRING.as_slice(), &[number]].concat();
    let mut batch = WriteBatch::new();
    for number in numbers.clone() {
        let at_millis = EXPIRES_AT + u64::from(number);
        let generation = ExpiryGeneration(u32::from(number % 2) * 300);
        batch.put_expiring(key(number), vec![number; 9], Expiry { at_millis, generation });
    }
    engine.write(&batch, Durability::Durable).expect("space");
    let mut batch = WriteBatch::new();
    batch.delete(key(numbers.start));
    engine.write(&batch, Durability::Durable).expect("space");
    engine
}

/// Writes the store on a simulated machine, which is stopped without a clean close.
fn write() -> (Vec<(String, Vec<u8>)>, Model) {
    let simulation = Simulation::new(2026);
    write_expiring(&simulation, 0..10).close().expect("nothing failed");
    let database = open(&simulation).expect("a new store");
    let table = database.create_table(schema()).expect("a new table");
    let types = TableSchema::builder(TYPES).partition_key("id", KeyType::Binary).build();
    let types = database.create_table(types.expect("a valid schema")).expect("a new table");
    types.put_item(every_type()).expect("space");
    let mut model = Model::default();
    for id in 0..40 {
        let key =
            (["a", "a\0b"][usize::from(id % 3 == 0)].to_owned(), i64::try_from(id % 6).expect("small") - 2);
        let item = item(&key, id, (id % 4 != 0).then_some(id), Some(id), 20);
        table.put(&item).expect("space");
        model.apply(&key, Some(&item));
    }
    table.delete(("a", 2)).expect("space");
    model.apply(&("a".to_owned(), 2), None);
    database.close().expect("nothing failed");
    let engine = write_expiring(&simulation, 10..15);
    simulation.vfs().crash_now();
    drop(engine);
    let files = simulation.vfs().files().into_iter();
    let name = |path: PathBuf| path.file_name().expect("files have names").to_string_lossy().into_owned();
    (files.map(|(path, bytes)| (name(path), bytes)).collect(), model)
}

#[test]
fn the_format_is_what_it_was() {
    let (files, _) = write();
    if std::env::var_os("PIXII_WRITE_GOLDEN").is_some() {
        let _ = std::fs::remove_dir_all(folder());
        std::fs::create_dir_all(folder()).expect("the folder can be made");
        for (name, bytes) in &files {
            std::fs::write(folder().join(name), bytes).expect("space");
        }
    }
    let mut golden: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder())
        .expect("the golden files are there")
        .map(|entry| {
            let entry = entry.expect("the folder can be read");
            let bytes = std::fs::read(entry.path()).expect("it can be read");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    golden.sort();
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&files), names(&golden));
    for ((name, written), (_, golden)) in files.iter().zip(&golden) {
        assert!(written == golden, "{name} differs from the golden file");
    }
    for suffix in [".sst", ".wal"] {
        assert!(names(&golden).iter().any(|name| name.ends_with(suffix)), "a file of every kind");
    }
}

/// The golden files on the real disk.
fn copy() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for entry in std::fs::read_dir(folder()).expect("the golden files are there") {
        let entry = entry.expect("the folder can be read");
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("space");
    }
    directory
}

fn open_copy(directory: &Path, read_mode: ReadMode) -> Result<Database, pixii::Error> {
    let options = EngineOptions { read_mode, ..tiny_options() };
    Database::options().environment(Environment::system()).engine(options).open(directory)
}

#[test]
fn the_golden_store_opens_on_a_real_disk_and_holds_what_was_written() {
    let (_, model) = write();
    for read_mode in [ReadMode::Map, ReadMode::Pread] {
        let directory = copy();
        let database = open_copy(directory.path(), read_mode).expect("a store of this version");
        assert!(database.statistics().recovery.batches > 0, "the log holds commits that no table holds");
        assert_eq!(model.check(&database), Ok(()));
        assert_eq!(database.tables(), [TABLE, TYPES]);
        let types = database.table(TYPES).expect("it was made");
        assert_eq!(types.get_item(TYPES_KEY.to_vec()).expect("it can be read"), Some(every_type()));
    }
}

#[test]
fn what_expires_in_the_golden_store_does_so_at_its_instant() {
    let directory = copy();
    let engine =
        Engine::open(Environment::system(), directory.path(), tiny_options()).expect("of this version");
    let range = KeyRange { start: EXPIRING.to_vec(), end: None };
    let expired = |millis| {
        let mut cursor = engine.expired_cursor(range.clone(), CommitTime(millis)).expect("it is open");
        let mut found = Vec::new();
        while let Some(entry) = cursor.next().expect("it can be read") {
            let number = entry.key[4];
            assert_eq!(entry.value, [number; 9]);
            assert_eq!(entry.expiry.generation, ExpiryGeneration(u32::from(number % 2) * 300));
            found.push(number);
        }
        found
    };
    assert_eq!(expired(EXPIRES_AT), []);
    assert_eq!(expired(EXPIRES_AT + 3), [1, 2, 3]);
    assert_eq!(expired(EXPIRES_AT + 99), [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14]);
}

#[test]
fn a_store_of_another_version_is_refused_and_left_alone() {
    let directory = copy();
    let files = |directory: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = std::fs::read_dir(directory).expect("it is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        paths.map(|path| (path.clone(), std::fs::read(&path).expect("it can be read"))).collect()
    };
    let is_manifest = |path: &PathBuf| path.to_string_lossy().contains("manifest-");
    let path = files(directory.path()).into_keys().find(is_manifest).expect("every store has one");
    let mut manifest = std::fs::read(&path).expect("it is there");
    // The version stands behind a chunk's header of 15 bytes and the magic.
    assert_eq!(&manifest[15..27], b"PIXIIMAN\0\0\0\0");
    manifest[23] = 1;
    std::fs::write(&path, &manifest).expect("space");
    let before = files(directory.path());
    let error = open_copy(directory.path(), ReadMode::Map).map(drop).expect_err("it is of version 1");
    assert_eq!(error.kind(), ErrorKind::InvalidDatabase, "{error}");
    assert_eq!(files(directory.path()), before);
}
