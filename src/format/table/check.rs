//! Checks a table whole: every byte, every order, and that what it says of itself is so.
//!
//! What opening a table checks stops at the first fault, and its data blocks are checked when they are read. Here all of
//! them are, and each fault is told that does not follow from another one:
//! 1. the ends, index, filter and properties, by opening it;
//! 2. each data block's checksum; its entries one after another in their order, also from block to block; the index's row
//!    about its last entry; the filter's answer for each key;
//! 3. if all blocks could be read: the counts, the first and last key, the sequence numbers and the contents;
//! 4. the checksum over all bytes. It fails with most of the above, and is told only if nothing else was.
#![warn(clippy::indexing_slicing)]

use super::data_block::DataBlock;
use super::filter;
use super::reader::{ReadMode, TableReader};
use crate::base::entry::{EntryKind, EntryRef, Position};
use crate::base::error::{Result, StoreError};
use crate::base::ident::SeqNo;
use crate::env::file::Vfs;
use crate::format::contents::ContentsBuilder;
use crate::format::manifest::TableMeta;
use crate::format::names;
use std::path::{Path, PathBuf};

/// How much is read at a time.
const READ_BYTES: usize = 1024 * 1024;

/// What a check came to.
#[derive(Debug, Default)]
pub struct TableCheck {
    /// What is wrong, in the order of the file.
    pub faults: Vec<StoreError>,
    /// How many entries could be read.
    pub entry_count: u64,
}

/// Checks the table that a manifest describes as `meta`.
pub fn check_table(vfs: &dyn Vfs, directory: &Path, meta: &TableMeta) -> TableCheck {
    let path = names::table(directory, meta.id);
    let checksum = match checksum_of(vfs, &path) {
        Ok(checksum) => checksum,
        Err(fault) => return TableCheck { faults: vec![fault], entry_count: 0 },
    };
    let mut check = match TableReader::open(vfs, directory, meta.clone(), ReadMode::Pread) {
        Ok(table) => Walk::new(&path, &table).run(),
        Err(fault) => TableCheck { faults: vec![fault], entry_count: 0 },
    };
    if checksum != meta.checksum && check.faults.is_empty() {
        check.faults.push(StoreError::corruption(
            &path,
            0,
            "bytes with the checksum that the manifest gives",
        ));
    }
    check
}

fn checksum_of(vfs: &dyn Vfs, path: &Path) -> Result<u32> {
    let file = vfs.open(path).map_err(|error| StoreError::io("open", path, error))?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0;
    loop {
        let count = file.read_at(offset, &mut buffer).map_err(|error| StoreError::io("read", path, error))?;
        if count == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        offset += count as u64;
    }
}

/// A walk over all data blocks of a table.
struct Walk<'a> {
    path: PathBuf,
    table: &'a TableReader,
    faults: Vec<StoreError>,
    last: Option<(Vec<u8>, SeqNo)>,
    first_key: Option<Vec<u8>>,
    entry_count: u64,
    tombstone_count: u64,
    oldest: SeqNo,
    newest: SeqNo,
    contents: ContentsBuilder,
}

impl<'a> Walk<'a> {
    fn new(path: &Path, table: &'a TableReader) -> Self {
        Self {
            path: path.to_owned(),
            table,
            faults: Vec::new(),
            last: None,
            first_key: None,
            entry_count: 0,
            tombstone_count: 0,
            oldest: SeqNo::MAX,
            newest: SeqNo::ZERO,
            contents: ContentsBuilder::default(),
        }
    }

    fn run(mut self) -> TableCheck {
        let mut is_whole = true;
        for block in 0..self.table.block_count() {
            if let Err(fault) = self.check_block(block) {
                is_whole = false;
                self.faults.push(fault);
            }
        }
        if is_whole {
            self.check_sums();
        }
        TableCheck { faults: self.faults, entry_count: self.entry_count }
    }

    /// An error means that not all of its entries could be read; any other fault is noted.
    fn check_block(&mut self, block: usize) -> Result<()> {
        let table = self.table;
        let Some(bytes) = table.block(block)? else { return Ok(()) };
        let corrupt = |error| table.corrupt(block, error);
        let entries = DataBlock::parse(table.payload(&bytes)).map_err(corrupt)?;
        let mut is_in_order = true;
        for index in 0..entries.len() {
            let entry = entries.entry(index).map_err(corrupt)?;
            is_in_order &= self.take(&entry);
            if !table.may_contain(filter::hash(entry.key)) {
                let fault = "a filter that knows every key of this block";
                self.faults.push(StoreError::corruption(&self.path, table.block_offset(block), fault));
            }
        }
        let last = self.last.as_ref().map(|(key, seqno)| Position { key, seqno: *seqno });
        let expected = match last {
            _ if !is_in_order => "entries in their order",
            last if entries.is_empty() || last != table.last_position(block) => {
                "the last entry that the index gives"
            }
            _ => return Ok(()),
        };
        self.faults.push(StoreError::corruption(&self.path, table.block_offset(block), expected));
        Ok(())
    }

    /// Counts an entry, and tells whether it stands after those before it.
    fn take(&mut self, entry: &EntryRef<'_>) -> bool {
        let before = self.last.as_ref().map(|(key, seqno)| Position { key, seqno: *seqno });
        let is_in_order = before.is_none_or(|before| before < entry.position());
        self.first_key.get_or_insert_with(|| entry.key.to_vec());
        self.last = Some((entry.key.to_vec(), entry.seqno));
        self.entry_count += 1;
        self.tombstone_count += u64::from(entry.kind == EntryKind::Delete);
        self.oldest = self.oldest.min(entry.seqno);
        self.newest = self.newest.max(entry.seqno);
        self.contents.add(entry);
        is_in_order
    }

    /// What the manifest says of the table, and the table of itself, which was compared when it was opened.
    fn check_sums(&mut self) {
        let meta = self.table.meta();
        let last_key = self.last.as_ref().map(|(key, _)| key.as_slice());
        let contents = std::mem::take(&mut self.contents).finish();
        let said = [
            ("as many entries as the manifest gives", self.entry_count == meta.entry_count),
            ("as many tombstones as the manifest gives", self.tombstone_count == meta.tombstone_count),
            ("the first key that the manifest gives", self.first_key.as_deref() == Some(&meta.smallest)),
            ("the last key that the manifest gives", last_key == Some(&meta.largest)),
            ("the oldest sequence number that the manifest gives", self.oldest == meta.oldest_seqno),
            ("the newest sequence number that the manifest gives", self.newest == meta.newest_seqno),
            ("the contents by keyspace and expiry that the manifest gives", contents == meta.contents),
        ];
        for (expected, _) in said.into_iter().filter(|(_, is_so)| !is_so) {
            self.faults.push(StoreError::corruption(&self.path, 0, expected));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::FileId;
    use crate::env::environment::Environment;
    use crate::env::file::read_all;
    use crate::format::table::writer::TableWriter;

    fn written(vfs: &dyn Vfs, directory: &Path) -> TableMeta {
        let mut writer = TableWriter::create(vfs, directory, FileId(7), 100).expect("memory");
        for number in 0..40_u32 {
            let key = [&16_u32.to_be_bytes()[..], &number.to_be_bytes()].concat();
            let kind = if number % 7 == 3 { EntryKind::Delete } else { EntryKind::Put };
            let value: &[u8] = if kind == EntryKind::Delete { b"" } else { b"some value" };
            let seqno = SeqNo(u64::from(100 - number));
            writer.add(&EntryRef { key: &key, seqno, kind, value }).expect("memory");
        }
        writer.finish().expect("memory")
    }

    #[test]
    fn a_whole_table_has_no_faults() {
        let vfs = Environment::memory().vfs;
        let meta = written(vfs.as_ref(), Path::new("d"));
        let check = check_table(vfs.as_ref(), Path::new("d"), &meta);
        assert!(check.faults.is_empty(), "{:?}", check.faults);
        assert_eq!(check.entry_count, 40);
    }

    #[test]
    fn every_flipped_byte_is_found_and_damage_to_one_block_is_told_once() {
        let vfs = Environment::memory().vfs;
        let meta = written(vfs.as_ref(), Path::new("d"));
        let path = names::table(Path::new("d"), meta.id);
        let bytes = read_all(vfs.open(&path).expect("it was written").as_ref()).expect("memory");
        for index in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[index] ^= 0x20;
            vfs.unlink(&path).expect("it is there");
            vfs.create(&path).and_then(|file| file.append(&flipped)).expect("memory");
            let faults = check_table(vfs.as_ref(), Path::new("d"), &meta).faults;
            assert_eq!(faults.len(), 1, "byte {index}: {faults:?}");
        }
    }

    #[test]
    fn a_manifest_that_says_something_else_is_found() {
        let vfs = Environment::memory().vfs;
        let meta = written(vfs.as_ref(), Path::new("d"));
        let others = [
            TableMeta { smallest: b"a".to_vec(), ..meta.clone() },
            TableMeta { largest: b"a".to_vec(), ..meta.clone() },
            TableMeta { checksum: meta.checksum ^ 1, ..meta.clone() },
            TableMeta { entry_count: 41, ..meta.clone() },
            TableMeta { size_bytes: meta.size_bytes + 1, ..meta },
        ];
        for other in others {
            assert_eq!(check_table(vfs.as_ref(), Path::new("d"), &other).faults.len(), 1, "{other:?}");
        }
    }
}
