//! Reads a table: opens it, checks its ends, and finds entries.
//!
//! Invariants:
//! 1. Header, footer, index, filter and properties are read, checked and copied at open; data blocks are checked on
//!    first touch, once per open in map mode and at every read in pread mode.
//! 2. A table that does not have the size and the identity that the manifest gives is never opened.
//! 3. A failed check is an error that names the file and the offset; other blocks can still be read.
//!
//! Threads: any number may read. A block that two threads touch first is checked by both.
#![warn(clippy::indexing_slicing)]

use super::block_frame::{BlockHandle, BlockKind, TRAILER_BYTES, verify};
use super::data_block::DataBlock;
use super::filter::Filter;
use super::footer::{EndFault, FOOTER_BYTES, Footer, HEADER_BYTES, check_header};
use super::index::Index;
use super::writer::TableProperties;
use crate::base::codec::DecodeError;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::KeyspaceId;
use crate::env::file::{File, Vfs, read_exact_at};
use crate::env::mapping::Mapping;
use crate::format::manifest::TableMeta;
use crate::format::wal::FORMAT_VERSION;
use crate::format::{metadata, names};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How tables are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadMode {
    /// Through a map: at memory speed; a media error or a foreign truncation ends the process.
    #[default]
    Map,
    /// By a system call a block: slower; every error is a typed one.
    Pread,
}

/// An open table.
#[derive(Debug)]
pub struct TableReader {
    path: PathBuf,
    meta: TableMeta,
    source: Source,
    index: Index,
    filter: Filter,
    /// Beside each data block: whether it was checked since the table was opened.
    verified: Box<[AtomicBool]>,
}

#[derive(Debug)]
enum Source {
    Map(Mapping),
    Pread(Arc<dyn File>),
}

/// A checked data block: where it lies in the map, or its bytes.
#[derive(Clone, Debug)]
pub enum BlockBytes {
    /// Payload within the map.
    Mapped(BlockHandle),
    /// Payload and trailer that were read.
    Owned(Arc<[u8]>),
}

impl TableReader {
    /// Opens the table that the manifest describes as `meta`.
    pub fn open(vfs: &dyn Vfs, directory: &Path, meta: TableMeta, mode: ReadMode) -> Result<Self> {
        let path = names::table(directory, meta.id);
        let io = |operation| {
            let path = path.clone();
            move |error| StoreError::io(operation, &path, error)
        };
        let file = vfs.open(&path).map_err(io("open"))?;
        let size = file.size_bytes().map_err(io("read"))?;
        if size != meta.size_bytes {
            let expected = format!("a table of {} bytes, not {size}", meta.size_bytes);
            return Err(StoreError::corruption(&path, size.min(meta.size_bytes), expected));
        }
        let footer = read_footer(file.as_ref(), &path, &meta)?;
        let block = |handle, kind| read_block(file.as_ref(), &path, &meta, handle, kind);
        let index = block(footer.index, BlockKind::Index)?;
        let index = parse(&path, footer.index, Index::parse(&index))?;
        check_blocks(&path, &meta, &index)?;
        let filter = block(footer.filter, BlockKind::KeyFilter)?;
        let filter = parse(&path, footer.filter, Filter::parse(&filter))?;
        let properties = block(footer.properties, BlockKind::Properties)?;
        let properties = parse(&path, footer.properties, metadata::decode(&properties))?;
        check_properties(&path, &meta, footer.properties, &properties)?;
        let source = match mode {
            ReadMode::Map => Source::Map(file.map().map_err(io("map"))?),
            ReadMode::Pread => Source::Pread(file),
        };
        let verified = (0..index.len()).map(|_| AtomicBool::new(false)).collect();
        Ok(Self { path, meta, source, index, filter, verified })
    }

    /// What the manifest says of it.
    pub fn meta(&self) -> &TableMeta {
        &self.meta
    }

    /// The memory that index and filter take, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.filter.memory_bytes()
    }

    /// Whether a key can lie between the first and the last one.
    pub fn covers(&self, key: &[u8]) -> bool {
        self.meta.smallest.as_slice() <= key && key <= self.meta.largest.as_slice()
    }

    /// About how many bytes of keys and values, and how many entries with a value, lie from `start` on and before `end`:
    /// exact for keyspaces that lie in the range whole; of others a part, by their blocks.
    pub fn estimate(&self, start: &[u8], end: Option<&[u8]>) -> (u64, u64) {
        let block_of = |key: &[u8]| self.index.block_for(Position::before(key)) as u64;
        let (mut bytes, mut entries) = (0, 0);
        for part in &self.meta.contents {
            let first = part.id.prefix();
            let next = KeyspaceId(part.id.0.saturating_add(1)).prefix();
            let from = first.as_slice().max(start);
            let to = end.map_or(next.as_slice(), |end| next.as_slice().min(end));
            if from >= to {
                continue;
            }
            let value_count = part.entry_count - part.tombstone_count;
            if from == first && to == next {
                bytes += part.size_bytes;
                entries += value_count;
                continue;
            }
            // The block at each end belongs to the range in part; one of both is counted.
            let blocks = |from: &[u8], to: &[u8]| block_of(to) - block_of(from) + 1;
            let share = |count: u64| count.saturating_mul(blocks(from, to)) / blocks(&first, &next);
            bytes += share(part.size_bytes);
            entries += share(value_count);
        }
        (bytes, entries)
    }

    /// At most `count` keys that cut what the table holds of a range into parts, each with the bytes of its part. Read
    /// from the index alone: the ends of data blocks, the last of which may lie beyond the range.
    pub fn marks(&self, start: &[u8], end: Option<&[u8]>, count: usize) -> Vec<(&[u8], u64)> {
        let block_at = |key| self.index.block_for(Position::before(key)).min(self.index.len() - 1);
        let first = block_at(start);
        let blocks = end.map_or(self.index.len() - 1, block_at) + 1 - first;
        let offset = |block| match self.index.handle(block) {
            Some(handle) => handle.offset,
            None => self.index.handle(block - 1).map_or(0, |last| last.offset + last.framed_bytes() as u64),
        };
        let count = count.min(blocks);
        let cuts = (0..=count).map(|part| first + part * blocks / count.max(1));
        let parts = cuts.clone().zip(cuts.skip(1));
        parts
            .filter_map(|(from, to)| Some((self.index.last_key(to - 1)?, offset(to) - offset(from))))
            .collect()
    }

    /// Calls `found` with the first entry of `target.key` at or after `target`, if there is one.
    ///
    /// `hash` is the key's `filter::hash`.
    #[inline]
    pub fn get<R>(
        &self,
        target: Position<'_>,
        hash: u64,
        found: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>> {
        if !self.filter.may_contain(hash) {
            return Ok(None);
        }
        let block_index = self.index.block_for(target);
        let Some(block) = self.block(block_index)? else { return Ok(None) };
        let corrupt = |error| self.corrupt(block_index, error);
        let block = DataBlock::parse(self.payload(&block)).map_err(corrupt)?;
        Ok(block.find(target, hash).map_err(corrupt)?.map(found))
    }

    /// The data block at an index, checked; `None` beyond the last.
    pub(super) fn block(&self, block_index: usize) -> Result<Option<BlockBytes>> {
        let Some(handle) = self.index.handle(block_index) else { return Ok(None) };
        let block = match &self.source {
            Source::Map(map) => {
                let verified = self.verified.get(block_index);
                if !verified.is_some_and(|verified| verified.load(Ordering::Relaxed)) {
                    let start = usize::try_from(handle.offset).unwrap_or(usize::MAX);
                    let framed = map.get(start..).unwrap_or_default();
                    self.verify(handle, framed)?;
                    if let Some(verified) = verified {
                        verified.store(true, Ordering::Relaxed);
                    }
                }
                BlockBytes::Mapped(handle)
            }
            Source::Pread(file) => {
                let mut framed = vec![0; handle.framed_bytes()];
                read_exact_at(file.as_ref(), handle.offset, &mut framed)
                    .map_err(|error| StoreError::io("read", &self.path, error))?;
                self.verify(handle, &framed)?;
                BlockBytes::Owned(framed.into())
            }
        };
        Ok(Some(block))
    }

    fn verify(&self, handle: BlockHandle, framed: &[u8]) -> Result<()> {
        verify(framed, handle, self.meta.id, BlockKind::TaggedData)
            .map(|_| ())
            .map_err(|error| corrupt_block(&self.path, handle, error))
    }

    /// The payload of a block of this table.
    #[inline]
    pub(super) fn payload<'a>(&'a self, block: &'a BlockBytes) -> &'a [u8] {
        match (block, &self.source) {
            (BlockBytes::Mapped(handle), Source::Map(map)) => {
                let start = usize::try_from(handle.offset).unwrap_or(usize::MAX);
                map.get(start..start.saturating_add(handle.length as usize)).unwrap_or_default()
            }
            (BlockBytes::Owned(framed), _) => {
                framed.get(..framed.len().saturating_sub(TRAILER_BYTES)).unwrap_or_default()
            }
            (BlockBytes::Mapped(_), Source::Pread(_)) => &[],
        }
    }

    /// The block that can hold the first entry at or after `target`.
    pub(super) fn block_for(&self, target: Position<'_>) -> usize {
        self.index.block_for(target)
    }

    /// Where the index says that the entries of a data block end.
    pub(super) fn last_position(&self, block_index: usize) -> Option<Position<'_>> {
        self.index.last_position(block_index)
    }

    /// Where a data block begins, in bytes.
    pub(super) fn block_offset(&self, block_index: usize) -> u64 {
        self.index.handle(block_index).unwrap_or_default().offset
    }

    /// What the filter says of a key of this hash.
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        self.filter.may_contain(hash)
    }

    /// How many data blocks it has.
    pub(super) fn block_count(&self) -> usize {
        self.index.len()
    }

    /// The error for something wrong within a data block.
    pub(super) fn corrupt(&self, block_index: usize, error: DecodeError) -> StoreError {
        corrupt_block(&self.path, self.index.handle(block_index).unwrap_or_default(), error)
    }
}

fn corrupt_block(path: &Path, handle: BlockHandle, error: DecodeError) -> StoreError {
    StoreError::corruption(path, handle.offset + error.offset as u64, error.expected)
}

fn parse<T>(path: &Path, handle: BlockHandle, parsed: std::result::Result<T, DecodeError>) -> Result<T> {
    parsed.map_err(|error| corrupt_block(path, handle, error))
}

/// What a table says of itself must be what the manifest says of it.
fn check_properties(
    path: &Path,
    meta: &TableMeta,
    at: BlockHandle,
    properties: &TableProperties,
) -> Result<()> {
    let is_same = properties.entry_count == meta.entry_count
        && properties.tombstone_count == meta.tombstone_count
        && properties.oldest_seqno == meta.oldest_seqno
        && properties.newest_seqno == meta.newest_seqno
        && properties.contents == meta.contents;
    if is_same {
        return Ok(());
    }
    Err(StoreError::corruption(path, at.offset, "the properties that the manifest gives"))
}

/// The data blocks must follow one another from the header on, within the file.
fn check_blocks(path: &Path, meta: &TableMeta, index: &Index) -> Result<()> {
    let mut end = HEADER_BYTES as u64;
    for block in 0..index.len() {
        let handle = index.handle(block).unwrap_or_default();
        let next_end = handle.offset.saturating_add(handle.framed_bytes() as u64);
        if handle.offset != end || next_end > meta.size_bytes {
            return Err(StoreError::corruption(path, handle.offset, "data blocks one after another"));
        }
        end = next_end;
    }
    if index.is_empty() {
        return Err(StoreError::corruption(path, end, "at least one data block"));
    }
    Ok(())
}

fn read_footer(file: &dyn File, path: &Path, meta: &TableMeta) -> Result<Footer> {
    let fault = |at: u64| {
        move |fault| match fault {
            EndFault::Corrupt(error) => {
                StoreError::corruption(path, at + error.offset as u64, error.expected)
            }
            EndFault::Version(found) => StoreError::new(StoreFault::Unsupported {
                path: path.to_owned(),
                found,
                supported: FORMAT_VERSION,
            }),
        }
    };
    let ends_bytes = (HEADER_BYTES + FOOTER_BYTES) as u64;
    if meta.size_bytes < ends_bytes {
        return Err(StoreError::corruption(path, meta.size_bytes, "a header and a footer"));
    }
    let mut header = [0; HEADER_BYTES];
    let io = |error| StoreError::io("read", path, error);
    read_exact_at(file, 0, &mut header).map_err(io)?;
    check_header(&header, meta.id).map_err(fault(0))?;
    let mut footer = [0; FOOTER_BYTES];
    let footer_offset = meta.size_bytes - FOOTER_BYTES as u64;
    read_exact_at(file, footer_offset, &mut footer).map_err(io)?;
    Footer::decode(&footer, meta.id).map_err(fault(footer_offset))
}

fn read_block(
    file: &dyn File,
    path: &Path,
    meta: &TableMeta,
    handle: BlockHandle,
    kind: BlockKind,
) -> Result<Vec<u8>> {
    let end = handle.offset.saturating_add(handle.framed_bytes() as u64);
    if end > meta.size_bytes {
        return Err(StoreError::corruption(path, handle.offset, "a block within the file"));
    }
    let mut framed = vec![0; handle.framed_bytes()];
    read_exact_at(file, handle.offset, &mut framed).map_err(|error| StoreError::io("read", path, error))?;
    parse(path, handle, verify(&framed, handle, meta.id, kind))?;
    framed.truncate(handle.length as usize);
    Ok(framed)
}
