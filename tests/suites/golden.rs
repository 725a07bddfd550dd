//! A store written by format version 0, byte for byte: `tests/golden/v0`. It has every kind of file: tables, a manifest
//! with edits, and a log with commits that no table holds; an overwritten and a deleted item; a value of every type.
//!
//! If the bytes differ, find out why before anything else. A change of the format is made on purpose: raise the version,
//! and write the files again with `PIXII_WRITE_GOLDEN=1 cargo test --test suites format_is_what_it_was`. If only the order
//! of the engine's work has changed, and the kept files still open, they are written again too. Otherwise it is a bug.

use crate::model::{Model, TABLE, schema};
use crate::workload::{item, open, tiny_options};
use pixii::engine::options::EngineOptions;
use pixii::format::table::reader::ReadMode;
use pixii::sim::Simulation;
use pixii::{Database, Environment, ErrorKind, Item, KeyType, Number, TableSchema, Value};
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

/// Writes the store on a simulated machine, which is stopped without a clean close.
fn write() -> (Vec<(String, Vec<u8>)>, Model) {
    let simulation = Simulation::new(2026);
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
    simulation.vfs().crash_now();
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
