//! A cursor over one table. It holds the table and, while it stands somewhere, one block.
#![warn(clippy::indexing_slicing)]

use super::data_block::{DataBlock, EntryLayout, layout_at};
use super::reader::{BlockBytes, TableReader};
use crate::base::codec::DecodeError;
use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use std::sync::Arc;

/// A place in a table.
#[derive(Debug)]
pub struct TableCursor {
    table: Arc<TableReader>,
    place: Option<Place>,
}

#[derive(Debug)]
struct Place {
    block_index: usize,
    block: BlockBytes,
    /// Where in the block's payload the entries end.
    entries_end: usize,
    entry_count: usize,
    entry_index: usize,
    layout: EntryLayout,
}

/// Which entry of a block to stand at.
enum Entry<'a> {
    First,
    Last,
    AtOrAfter(Position<'a>),
    Before(Position<'a>),
}

impl TableCursor {
    /// A cursor that stands nowhere.
    pub fn new(table: Arc<TableReader>) -> Self {
        Self { table, place: None }
    }

    /// Stands at an entry of a block, or nowhere if the block does not have it.
    fn stand(&mut self, block_index: usize, entry: &Entry<'_>) -> Result<()> {
        self.place = None;
        let Some(bytes) = self.table.block(block_index)? else { return Ok(()) };
        let corrupt = |error| self.table.corrupt(block_index, error);
        let block = DataBlock::parse(self.table.payload(&bytes)).map_err(corrupt)?;
        let entry_index = match entry {
            Entry::First => Some(0),
            Entry::Last => block.len().checked_sub(1),
            Entry::AtOrAfter(target) => Some(block.lower_bound(*target).map_err(corrupt)?),
            Entry::Before(target) => block.lower_bound(*target).map_err(corrupt)?.checked_sub(1),
        };
        let Some(entry_index) = entry_index.filter(|index| *index < block.len()) else { return Ok(()) };
        let layout = block.layout(entry_index).map_err(corrupt)?;
        let (entries_end, entry_count) = (block.entries().len(), block.len());
        self.place = Some(Place { block_index, block: bytes, entries_end, entry_count, entry_index, layout });
        Ok(())
    }

    /// Moves to another entry of the block, whose layout was asked for.
    fn shift(
        &mut self,
        entry_index: usize,
        layout: std::result::Result<EntryLayout, DecodeError>,
    ) -> Result<()> {
        let Some(place) = &mut self.place else { return Ok(()) };
        match layout {
            Ok(layout) => {
                place.layout = layout;
                place.entry_index = entry_index;
                Ok(())
            }
            Err(error) => {
                let error = self.table.corrupt(place.block_index, error);
                self.place = None;
                Err(error)
            }
        }
    }
}

impl Cursor for TableCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.stand(0, &Entry::First)
    }

    fn seek_last(&mut self) -> Result<()> {
        self.stand(self.table.block_count().saturating_sub(1), &Entry::Last)
    }

    fn seek(&mut self, target: Position<'_>) -> Result<()> {
        let block_index = self.table.block_for(target);
        self.stand(block_index, &Entry::AtOrAfter(target))
    }

    fn seek_before(&mut self, target: Position<'_>) -> Result<()> {
        let block_index = self.table.block_for(target);
        self.stand(block_index, &Entry::Before(target))?;
        match (&self.place, block_index.checked_sub(1)) {
            (None, Some(block_index)) => self.stand(block_index, &Entry::Last),
            _ => Ok(()),
        }
    }

    fn next(&mut self) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        let (block_index, entry_index) = (place.block_index, place.entry_index + 1);
        if entry_index == place.entry_count {
            return self.stand(block_index + 1, &Entry::First);
        }
        // Entries lie one behind the other.
        let entries = self.table.payload(&place.block).get(..place.entries_end).unwrap_or_default();
        let layout = layout_at(entries, place.layout.value.end);
        self.shift(entry_index, layout)
    }

    fn prev(&mut self) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        match (place.entry_index.checked_sub(1), place.block_index.checked_sub(1)) {
            (Some(entry_index), _) => {
                let block = DataBlock::parse(self.table.payload(&place.block));
                self.shift(entry_index, block.and_then(|block| block.layout(entry_index)))
            }
            (None, Some(block_index)) => self.stand(block_index, &Entry::Last),
            (None, None) => {
                self.place = None;
                Ok(())
            }
        }
    }

    fn entry(&self) -> Option<EntryRef<'_>> {
        let place = self.place.as_ref()?;
        let payload = self.table.payload(&place.block);
        let layout = &place.layout;
        Some(EntryRef {
            key: payload.get(layout.key.clone())?,
            seqno: layout.seqno,
            kind: layout.kind,
            value: payload.get(layout.value.clone())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::{EntryKind, OwnedEntry};
    use crate::base::expiry::{Expiry, ExpiryGeneration};
    use crate::base::ident::{FileId, SeqNo};
    use crate::env::environment::Environment;
    use crate::env::file::{Vfs, read_all};
    use crate::format::manifest::TableMeta;
    use crate::format::table::filter;
    use crate::format::table::reader::ReadMode;
    use crate::format::table::writer::TableWriter;
    use std::path::Path;

    const DIRECTORY: &str = "store";

    fn entries(count: u32) -> Vec<OwnedEntry> {
        let mut entries = Vec::new();
        for number in 0..count {
            for version in (0..=number % 3).rev() {
                entries.push(OwnedEntry {
                    key: format!("key {number:05}").into_bytes(),
                    seqno: SeqNo(u64::from(number * 3 + version + 1)),
                    kind: match (version, number % 5) {
                        (1, _) => EntryKind::Delete,
                        (_, 0) => EntryKind::ExpiringPut(Expiry {
                            at_millis: 1000,
                            generation: ExpiryGeneration(1),
                        }),
                        _ => EntryKind::Put,
                    },
                    value: if version == 1 { Vec::new() } else { vec![b'v'; number as usize % 50] },
                });
            }
        }
        entries
    }

    fn write(vfs: &dyn Vfs, entries: &[OwnedEntry]) -> TableMeta {
        let mut writer = TableWriter::create(vfs, Path::new(DIRECTORY), FileId(9), 200).expect("memory");
        for entry in entries {
            writer.add(&entry.as_ref()).expect("memory");
        }
        writer.finish().expect("memory")
    }

    fn open(vfs: &dyn Vfs, meta: &TableMeta, mode: ReadMode) -> Arc<TableReader> {
        Arc::new(
            TableReader::open(vfs, Path::new(DIRECTORY), meta.clone(), mode).expect("it was just written"),
        )
    }

    #[test]
    fn what_was_written_is_read_both_ways_and_found_by_key() {
        let vfs = Environment::memory().vfs;
        let entries = entries(300);
        let meta = write(vfs.as_ref(), &entries);
        for mode in [ReadMode::Map, ReadMode::Pread] {
            let table = open(vfs.as_ref(), &meta, mode);
            let mut cursor = TableCursor::new(Arc::clone(&table));
            cursor.seek_first().expect("memory");
            for entry in &entries {
                assert_eq!(cursor.entry(), Some(entry.as_ref()));
                cursor.next().expect("memory");
            }
            assert_eq!(cursor.entry(), None);
            cursor.seek_last().expect("memory");
            for entry in entries.iter().rev() {
                assert_eq!(cursor.entry(), Some(entry.as_ref()));
                cursor.prev().expect("memory");
            }
            assert_eq!(cursor.entry(), None);
            for (index, entry) in entries.iter().enumerate() {
                let position = entry.as_ref().position();
                cursor.seek(position).expect("memory");
                assert_eq!(cursor.entry(), Some(entry.as_ref()));
                cursor.seek_before(position).expect("memory");
                assert_eq!(cursor.entry(), index.checked_sub(1).map(|index| entries[index].as_ref()));
                let value = table
                    .get(position, filter::hash(&entry.key), |entry| entry.value.to_vec())
                    .expect("memory");
                assert_eq!(value.as_ref(), Some(&entry.value));
            }
        }
    }

    /// Reads everything that a table has to say.
    fn read_table(vfs: &dyn Vfs, meta: &TableMeta) -> Result<Vec<OwnedEntry>> {
        let table = TableReader::open(vfs, Path::new(DIRECTORY), meta.clone(), ReadMode::Map)?;
        let mut cursor = TableCursor::new(Arc::new(table));
        let mut entries = Vec::new();
        cursor.seek_first()?;
        while let Some(entry) = cursor.entry() {
            entries.push(OwnedEntry {
                key: entry.key.to_vec(),
                seqno: entry.seqno,
                kind: entry.kind,
                value: entry.value.to_vec(),
            });
            cursor.next()?;
        }
        Ok(entries)
    }

    #[test]
    fn every_flipped_byte_and_every_truncation_is_found() {
        let vfs = Environment::memory().vfs;
        let meta = write(vfs.as_ref(), &entries(20));
        let path = crate::format::names::table(Path::new(DIRECTORY), meta.id);
        let bytes = read_all(vfs.open(&path).expect("memory").as_ref()).expect("memory");
        let attempt = |bytes: &[u8]| {
            let vfs = Environment::memory().vfs;
            vfs.create(&path).and_then(|file| file.append(bytes)).expect("memory");
            read_table(vfs.as_ref(), &meta)
        };
        assert!(attempt(&bytes).is_ok());
        for index in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << (index % 8);
            assert!(attempt(&flipped).is_err(), "byte {index} was not missed");
            assert!(attempt(&bytes[..index]).is_err(), "{index} bytes were taken for the table");
        }
    }

    #[test]
    fn the_file_of_another_table_is_refused() {
        let vfs = Environment::memory().vfs;
        let meta = write(vfs.as_ref(), &entries(5));
        let other = TableMeta { id: FileId(10), ..meta.clone() };
        let directory = Path::new(DIRECTORY);
        let path = |id| crate::format::names::table(directory, id);
        vfs.link(&path(meta.id), &path(other.id)).expect("memory");
        assert!(read_table(vfs.as_ref(), &other).is_err());
    }
}
