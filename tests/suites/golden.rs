//! A store written by format version 0, byte for byte: `tests/golden/v0`. It has every kind of file: tables, a manifest
//! with edits, and a log with commits that no table holds.
//!
//! A change of the format is made on purpose: raise the version, and write the files again with
//! `PIXII_WRITE_GOLDEN=1 cargo test --test suites golden`.

use crate::model::{Model, TABLE, schema};
use crate::workload::{item, open, tiny_options};
use pixii::sim::Simulation;
use pixii::{Database, Environment};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v0")
}

/// Writes the store on a simulated machine, which is stopped without a clean close.
fn write() -> (Vec<(String, Vec<u8>)>, Model) {
    let simulation = Simulation::new(2026);
    let database = open(&simulation).expect("a new store");
    let table = database.create_table(schema()).expect("a new table");
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

#[test]
fn the_golden_store_opens_on_a_real_disk_and_holds_what_was_written() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for entry in std::fs::read_dir(folder()).expect("the golden files are there") {
        let entry = entry.expect("the folder can be read");
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).expect("space");
    }
    let options = Database::options().environment(Environment::system()).engine(tiny_options());
    let database = options.open(directory.path()).expect("a store of this version");
    assert!(database.statistics().recovery.batches > 0, "the log holds commits that no table holds");
    assert_eq!(write().1.check(&database), Ok(()));
    assert_eq!(database.tables(), [TABLE]);
}
