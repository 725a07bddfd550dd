//! A store written by version 0 of the format is kept beside this file, opened by every later build, and written again
//! byte for byte.
//!
//! `store/` has every kind of file: a manifest with several edits, tables on two levels with overwritten and deleted
//! keys, and a log with a tail that was never flushed. It was written in the simulated world, where identities follow
//! from a seed and the clock stands still, by a process that was killed.
//!
//! If the bytes differ, find out why before anything else:
//! - The format has changed, on purpose: raise its version, as CONTRIBUTING.md says, and write the store anew.
//! - Only the order of the engine's work has changed, and what is kept still opens: write the store anew.
//! - Nothing was to change: it is a bug.
//!
//! `PIXII_WRITE_GOLDEN=1 cargo test --test golden the_same_writes` writes the store anew.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]
#![expect(clippy::disallowed_methods, reason = "the store is kept on the real disk")]

use pixii::engine::options::EngineOptions;
use pixii::format::table::reader::ReadMode;
use pixii::lsm::picker::Shape;
use pixii::sim::Simulation;
use pixii::{
    Database, ErrorKind, GlobalIndex, Item, KeyType, Number, Projection, Result, Table, TableSchema, Value,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const SEED: u64 = 1832;

/// What the two tables hold, by their keys.
#[derive(Default)]
struct Content {
    songs: BTreeMap<(String, i64), Item>,
    files: BTreeMap<Vec<u8>, Item>,
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/store")
}

fn options(read_mode: ReadMode) -> EngineOptions {
    EngineOptions {
        block_bytes: 512,
        // merges happen only when they are asked for
        shape: Shape { level_0_tables: 100, level_1_bytes: 1 << 20, level_ratio: 10 },
        log_fill_bytes: 2048,
        read_mode,
        ..EngineOptions::default()
    }
}

fn song(artist: &str, year: i64, take: i64) -> Item {
    let genre = ["blues", "jazz", "soul\0"][usize::try_from(year % 3).expect("a year")];
    let mut item = Item::new()
        .with("artist", artist)
        .with("year", year)
        .with("title", format!("title {take} of {year}"));
    if year % 4 != 0 {
        item.insert("genre", genre);
    }
    item
}

/// An item with a value of every type.
fn every_type(id: &[u8]) -> Item {
    let number = |text: &str| -> Number { text.parse().expect("a number") };
    let inner: BTreeMap<String, Value> = [("ä".to_owned(), Value::Null), ("b".to_owned(), 7.into())].into();
    Item::new()
        .with("id", id.to_vec())
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

/// Fills a store, and says what it holds.
fn write(database: &Database) -> Result<Content> {
    let mut content = Content::default();
    let songs = database.create_table(
        TableSchema::builder("Songs")
            .partition_key("artist", KeyType::String)
            .sort_key("year", KeyType::Number)
            .global_index(
                GlobalIndex::builder("ByGenre")
                    .partition_key("genre", KeyType::String)
                    .sort_key("title", KeyType::String)
                    .projection(Projection::KeysOnly),
            )
            .build()?,
    )?;
    let files =
        database.create_table(TableSchema::builder("Files").partition_key("id", KeyType::Binary).build()?)?;
    let mut put = |artist: &str, year: i64, take: i64| {
        let item = song(artist, year, take);
        content.songs.insert((artist.to_owned(), year), item.clone());
        songs.put_item(item)
    };
    // A table on level 1, of several blocks.
    for year in 1950..1974 {
        put(["Ada", "Bob"][usize::from(year % 5 == 0)], year, 1)?;
    }
    database.compact()?;
    // One on level 0, which overwrites and deletes.
    for year in 1955..1960 {
        put("Ada", year, 2)?;
    }
    content.songs.remove(&("Ada".to_owned(), 1961));
    songs.delete(("Ada", 1961))?;
    database.flush()?;
    // And a tail of the log: durable, buffered, a deletion, and an item of every type.
    let item = song("Bob", 2000, 3);
    content.songs.insert(("Bob".to_owned(), 2000), item.clone());
    songs.put_request(&item).buffered().send()?;
    content.songs.remove(&("Ada".to_owned(), 1955));
    songs.delete(("Ada", 1955))?;
    for id in [vec![0, 0, 255], vec![7]] {
        let item = every_type(&id);
        content.files.insert(id, item.clone());
        files.put_item(item)?;
    }
    Ok(content)
}

/// The files of the store as a killed process leaves them, and what it holds.
fn written() -> (BTreeMap<String, Vec<u8>>, Content) {
    let simulation = Simulation::new(SEED);
    let options = options(ReadMode::default());
    let database = Database::options().environment(simulation.environment()).engine(options).open("/store");
    let database = database.expect("a new store");
    let content = write(&database).expect("nothing fails");
    simulation.vfs().crash_now();
    let files = simulation.vfs().files().into_iter();
    let name = |path: PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    (files.map(|(path, bytes)| (name(path), bytes)).collect(), content)
}

fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).expect("the store is kept").map(|entry| {
        let entry = entry.expect("the folder can be read");
        let bytes = fs::read(entry.path()).expect("the file can be read");
        (entry.file_name().to_string_lossy().into_owned(), bytes)
    });
    files.collect()
}

fn copy() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, bytes) in read(&kept()) {
        fs::write(directory.path().join(name), bytes).expect("space");
    }
    directory
}

fn open(directory: &Path, read_mode: ReadMode) -> Result<Database> {
    Database::options().engine(options(read_mode)).open(directory)
}

fn scan(table: &Table) -> Vec<Item> {
    table.scan().into_iter().collect::<Result<_>>().expect("the store can be read")
}

#[test]
fn the_same_writes_give_the_same_bytes() {
    let (files, _) = written();
    if std::env::var_os("PIXII_WRITE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(kept());
        fs::create_dir_all(kept()).expect("the folder can be made");
        for (name, bytes) in &files {
            fs::write(kept().join(name), bytes).expect("space");
        }
    }
    let kept = read(&kept());
    assert_eq!(files.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (name, bytes) in files {
        let kept = &kept[&name];
        let same = bytes.iter().zip(kept).take_while(|(now, then)| now == then).count();
        assert!(
            bytes == *kept,
            "{name} differs from byte {same} on: {} and {} bytes",
            bytes.len(),
            kept.len()
        );
    }
}

#[test]
fn the_kept_store_has_every_kind_of_file() {
    let files = read(&kept());
    let count = |is_it: fn(&str) -> bool| files.keys().filter(|name| is_it(name)).count();
    assert_eq!(count(|name| name == "LOCK"), 1);
    assert_eq!(count(|name| name.starts_with("manifest-")), 1);
    assert_eq!(count(|name| name.ends_with(".wal")), 1);
    assert_eq!(count(|name| name.ends_with(".sst")), 2);
    assert!(files.values().map(Vec::len).sum::<usize>() < 32 * 1024, "it is small");
}

#[test]
fn the_kept_store_holds_what_was_written() {
    let (_, content) = written();
    for read_mode in [ReadMode::Map, ReadMode::Pread] {
        let directory = copy();
        let database = open(directory.path(), read_mode).expect("a store of version 0 opens");
        assert_eq!(database.statistics().recovery.batches, 4, "the tail of the log is replayed");
        let songs = database.table("Songs").expect("it was made");
        assert_eq!(scan(&songs).len(), content.songs.len());
        for ((artist, year), item) in &content.songs {
            let found = songs.get_item((artist.as_str(), *year)).expect("it can be read");
            assert_eq!(found.as_ref(), Some(item));
        }
        for artist in ["Ada", "Bob"] {
            let expected =
                content.songs.iter().filter(|((of, _), _)| of == artist).map(|(_, item)| item.clone());
            let found: Result<Vec<Item>> = songs.query(artist).into_iter().collect();
            assert_eq!(found.expect("it can be read"), expected.collect::<Vec<_>>());
        }
        for genre in ["blues", "jazz", "soul\0"] {
            let title = |item: &Item| item.get("title").and_then(Value::as_str).map(str::to_owned);
            let of_genre = content.songs.values().filter(|item| item.get("genre") == Some(&genre.into()));
            let mut expected: Vec<_> = of_genre.map(title).collect();
            expected.sort();
            let found = songs.query(genre).index("ByGenre").into_iter();
            let found: Vec<_> = found.map(|item| title(&item.expect("it can be read"))).collect();
            assert_eq!(found, expected, "the index equals the table");
        }
        let files = database.table("Files").expect("it was made");
        assert_eq!(scan(&files).len(), content.files.len());
        for (id, item) in &content.files {
            assert_eq!(files.get_item(id.clone()).expect("it can be read").as_ref(), Some(item));
        }
    }
}

#[test]
fn a_store_of_another_version_is_refused_and_left_alone() {
    let directory = copy();
    let name =
        read(directory.path()).into_keys().find(|name| name.starts_with("manifest-")).expect("it has one");
    let path = directory.path().join(name);
    let mut manifest = fs::read(&path).expect("it is there");
    // behind a chunk's header of 15 bytes and the magic
    assert_eq!(&manifest[15..27], b"PIXIIMAN\0\0\0\0");
    manifest[23] = 1;
    fs::write(&path, &manifest).expect("space");
    let before = read(directory.path());
    let error = open(directory.path(), ReadMode::Map).map(drop).expect_err("it is of version 1");
    assert_eq!(error.kind(), ErrorKind::InvalidDatabase);
    assert!(error.to_string().contains("version 1"), "{error}");
    assert_eq!(read(directory.path()), before);
}
