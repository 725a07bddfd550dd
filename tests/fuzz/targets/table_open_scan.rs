//! Tables: what is read from a damaged table is what was written, or an error; a table whose blocks hold any bytes
//! behind matching checksums is read to its end, or an error.

use crate::targets::damage::damage;
use crate::targets::input::Input;
use pixii::base::cursor::Cursor;
use pixii::base::entry::{EntryKind, EntryRef, OwnedEntry, Position};
use pixii::base::error::{Result, StoreErrorKind};
use pixii::base::ident::{FileId, SeqNo};
use pixii::format::manifest::TableMeta;
use pixii::format::table::block_frame::{BlockHandle, BlockKind, put_trailer};
use pixii::format::table::cursor::TableCursor;
use pixii::format::table::filter;
use pixii::format::table::footer::{Footer, encode_header};
use pixii::format::table::index::IndexBuilder;
use pixii::format::table::reader::{ReadMode, TableReader};
use pixii::format::table::writer::{TableProperties, TableWriter};
use pixii::format::{metadata, names};
use pixii::sim::SimVfs;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const ID: FileId = FileId(11);
const DIRECTORY: &str = "/";
const MODES: [ReadMode; 2] = [ReadMode::Map, ReadMode::Pread];

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        forged(&mut input);
    } else {
        damaged(&mut input);
    }
}

fn damaged(input: &mut Input<'_>) {
    let entries = entries(input);
    let vfs = SimVfs::new();
    let meta = written(&vfs, &entries, 32 + input.below(300));
    let path = names::table(Path::new(DIRECTORY), ID);
    let intact = vfs.read(&path).expect("it was written");
    let mut bytes = intact.clone();
    damage(&mut bytes, input);
    vfs.write_raw(&path, &bytes);
    for mode in MODES {
        let table = TableReader::open(&vfs, Path::new(DIRECTORY), meta.clone(), mode);
        let Some(table) = unless_corrupt(table).map(Arc::new) else {
            assert_ne!(bytes, intact, "an intact table can be opened");
            continue;
        };
        let is_whole = check_scan(&table, &entries);
        let gets = entries.iter().map(|entry| check_get(&table, entry)).filter(|found| !found).count();
        assert!(bytes != intact || (is_whole && gets == 0), "an intact table can be read");
        assert_eq!(is_whole, gets == 0, "a scan reads all that gets read");
    }
}

/// Reads a table forwards; whether the end was reached without an error. What is read is a beginning of `entries`.
fn check_scan(table: &Arc<TableReader>, entries: &[OwnedEntry]) -> bool {
    let mut cursor = TableCursor::new(Arc::clone(table));
    let mut moved = cursor.seek_first();
    for expected in entries {
        if unless_corrupt(moved).is_none() {
            return false;
        }
        assert_eq!(cursor.entry(), Some(expected.as_ref()));
        moved = cursor.next();
    }
    assert!(
        unless_corrupt(moved).is_some_and(|()| cursor.entry().is_none()),
        "nothing follows the last entry"
    );
    true
}

/// Whether the entry could be read; if so it is the one that was written.
fn check_get(table: &TableReader, expected: &OwnedEntry) -> bool {
    let expected = expected.as_ref();
    let found = table.get(expected.position(), filter::hash(expected.key), |entry| {
        assert_eq!(entry, expected, "what is read is what was written");
    });
    unless_corrupt(found).is_some_and(|found| {
        assert!(found.is_some(), "an entry is never missing silently");
        true
    })
}

fn entries(input: &mut Input<'_>) -> Vec<OwnedEntry> {
    let mut entries = BTreeMap::new();
    for _ in 0..=input.below(60) {
        let (key, seqno) = (input.key(), SeqNo(1 + input.below(9) as u64));
        let kind = input.kind();
        let value = if kind == EntryKind::Delete { Vec::new() } else { input.bytes(30).to_vec() };
        entries.insert((key.clone(), std::cmp::Reverse(seqno)), OwnedEntry { key, seqno, kind, value });
    }
    entries.into_values().collect()
}

fn written(vfs: &SimVfs, entries: &[OwnedEntry], block_bytes: usize) -> TableMeta {
    let mut writer = TableWriter::create(vfs, Path::new(DIRECTORY), ID, block_bytes).expect("a new file");
    for entry in entries {
        writer.add(&entry.as_ref()).expect("space");
    }
    writer.finish().expect("space")
}

/// A table whose checksums all match: its blocks are the input's bytes, or what they should be.
fn forged(input: &mut Input<'_>) {
    let mut bytes = encode_header(ID);
    let mut index = IndexBuilder::default();
    for _ in 0..input.below(4) {
        let last = Position { key: &input.key(), seqno: SeqNo(input.number()) };
        let payload = input.bytes(200);
        let mut handle = put_block(&mut bytes, BlockKind::TaggedData, payload);
        if input.below(8) == 1 {
            handle.offset = input.number();
        }
        index.add(last, handle);
    }
    let index = if input.below(4) == 1 { input.bytes(200).to_vec() } else { index.finish() };
    let index = put_block(&mut bytes, BlockKind::Index, &index);
    let filter = if input.flag() { vec![0xff; 64] } else { input.bytes(200).to_vec() };
    let filter = put_block(&mut bytes, BlockKind::KeyFilter, &filter);
    let properties = TableProperties {
        entry_count: input.number(),
        tombstone_count: 0,
        key_bytes: 0,
        value_bytes: 0,
        oldest_seqno: SeqNo(1),
        newest_seqno: SeqNo(9),
        contents: Vec::new(),
    };
    let properties = put_block(&mut bytes, BlockKind::Properties, &metadata::encode(&properties));
    let mut footer = Footer { index, filter, properties };
    if input.below(8) == 1 {
        footer.filter =
            BlockHandle { offset: input.number(), length: u32::from(input.byte()) << input.below(25) };
    }
    bytes.extend_from_slice(&footer.encode(ID));
    read_forged(&bytes, &input.key());
}

fn put_block(bytes: &mut Vec<u8>, kind: BlockKind, payload: &[u8]) -> BlockHandle {
    let handle = BlockHandle {
        offset: bytes.len() as u64,
        length: u32::try_from(payload.len()).expect("inputs are short"),
    };
    bytes.extend_from_slice(payload);
    put_trailer(kind, payload, ID, handle.offset, bytes);
    handle
}

fn read_forged(bytes: &[u8], key: &[u8]) {
    let vfs = SimVfs::new();
    vfs.write_raw(names::table(Path::new(DIRECTORY), ID), bytes);
    let meta = TableMeta {
        id: ID,
        size_bytes: bytes.len() as u64,
        checksum: 0,
        entry_count: 1,
        tombstone_count: 0,
        smallest: Vec::new(),
        largest: vec![0xff; 8],
        oldest_seqno: SeqNo(1),
        newest_seqno: SeqNo(9),
        contents: Vec::new(),
    };
    let target = Position { key, seqno: SeqNo(5) };
    let mut answers = Vec::new();
    for mode in MODES {
        let table = TableReader::open(&vfs, Path::new(DIRECTORY), meta.clone(), mode);
        let Some(table) = unless_corrupt(table).map(Arc::new) else { continue };
        let copied = |entry: EntryRef<'_>| (entry.key.to_vec(), entry.seqno, entry.value.to_vec());
        answers.push(unless_corrupt(table.get(target, filter::hash(key), copied)));
        // Each entry has an offset of four bytes, so there are fewer steps than bytes, or the cursor goes in circles.
        for forwards in [true, false] {
            let mut cursor = TableCursor::new(Arc::clone(&table));
            let mut moved = if forwards { cursor.seek_first() } else { cursor.seek_last() };
            let mut steps = 0;
            while unless_corrupt(moved).is_some() && cursor.entry().is_some() {
                steps += 1;
                assert!(steps <= bytes.len(), "the cursor comes to an end");
                moved = if forwards { cursor.next() } else { cursor.prev() };
            }
        }
        let mut cursor = TableCursor::new(table);
        let _ = unless_corrupt(cursor.seek(target));
        let _ = unless_corrupt(cursor.seek_before(target));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "both ways of reading agree");
}

/// What was read, or nothing if the table says that it is corrupt; any other error is wrong.
fn unless_corrupt<T>(result: Result<T>) -> Option<T> {
    result
        .map_err(|error| {
            let kind = error.kind();
            assert!(matches!(kind, StoreErrorKind::Corruption | StoreErrorKind::InvalidStore), "{error}");
        })
        .ok()
}
