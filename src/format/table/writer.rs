//! Writes a table, entry by entry in their order, and finishes it.
//!
//! Steps: header; data blocks as they fill; at the end index, filter, properties and footer; sync. The file is named in
//! no manifest before `finish` has returned, so a crash before leaves an orphan that the next open removes.

use super::block_frame::{BlockHandle, BlockKind, TRAILER_BYTES, put_trailer};
use super::data_block::DataBlockBuilder;
use super::filter;
use super::footer::{Footer, encode_header};
use super::index::IndexBuilder;
use crate::base::entry::{EntryKind, EntryRef};
use crate::base::error::{Result, StoreError};
use crate::base::ident::{FileId, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::env::file::{File, Vfs};
use crate::format::contents::{ContentsBuilder, KeyspaceContents};
use crate::format::manifest::TableMeta;
use crate::format::{metadata, names};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is gathered before it is handed to the file system.
const WRITE_BYTES: usize = 256 * 1024;

/// What a table says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableProperties {
    /// How many entries it holds.
    pub entry_count: u64,
    /// How many of them are tombstones.
    pub tombstone_count: u64,
    /// The bytes of all keys.
    pub key_bytes: u64,
    /// The bytes of all values.
    pub value_bytes: u64,
    /// The lowest sequence number in it.
    pub oldest_seqno: SeqNo,
    /// The highest sequence number in it.
    pub newest_seqno: SeqNo,
    /// What it holds of each keyspace, in their order.
    pub contents: Vec<KeyspaceContents>,
}

/// A table that is being written.
#[derive(Debug)]
pub struct TableWriter {
    file: Arc<dyn File>,
    path: PathBuf,
    id: FileId,
    block_bytes: usize,
    buffer: Vec<u8>,
    written_bytes: u64,
    checksum: crc32fast::Hasher,
    block: DataBlockBuilder,
    index: IndexBuilder,
    key_hashes: Vec<u64>,
    smallest: Vec<u8>,
    last_key: Vec<u8>,
    last_hash: u64,
    last_seqno: SeqNo,
    properties: TableProperties,
    contents: ContentsBuilder,
}

impl TableWriter {
    /// Begins the table `id`; its data blocks are cut at `block_bytes`.
    pub fn create(vfs: &dyn Vfs, directory: &Path, id: FileId, block_bytes: usize) -> Result<Self> {
        let path = names::table(directory, id);
        let file = vfs.create(&path).map_err(|error| StoreError::io("create", &path, error))?;
        Ok(Self {
            file,
            path,
            id,
            block_bytes,
            buffer: encode_header(id),
            written_bytes: 0,
            checksum: crc32fast::Hasher::new(),
            block: DataBlockBuilder::new(),
            index: IndexBuilder::default(),
            key_hashes: Vec::new(),
            smallest: Vec::new(),
            last_key: Vec::new(),
            last_hash: 0,
            last_seqno: SeqNo::ZERO,
            properties: TableProperties {
                entry_count: 0,
                tombstone_count: 0,
                key_bytes: 0,
                value_bytes: 0,
                oldest_seqno: SeqNo::MAX,
                newest_seqno: SeqNo::ZERO,
                contents: Vec::new(),
            },
            contents: ContentsBuilder::default(),
        })
    }

    /// The key of the entry that was added last; empty before the first.
    pub fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// Its size so far in bytes, index and filter not counted.
    pub fn size_bytes(&self) -> u64 {
        self.offset() + self.block.size_bytes() as u64
    }

    /// Adds the next entry, which must stand after those before it.
    pub fn add(&mut self, entry: &EntryRef<'_>) -> Result<()> {
        let is_new_key = self.properties.entry_count == 0 || self.last_key != entry.key;
        debug_assert!(
            self.properties.entry_count == 0
                || crate::base::entry::Position { key: &self.last_key, seqno: self.last_seqno }
                    < entry.position(),
            "entries are added in their order"
        );
        if is_new_key {
            self.last_hash = filter::hash(entry.key);
            self.key_hashes.push(self.last_hash);
            self.last_key.clear();
            self.last_key.extend_from_slice(entry.key);
        }
        if self.properties.entry_count == 0 {
            self.smallest = entry.key.to_vec();
        }
        self.last_seqno = entry.seqno;
        self.properties.entry_count += 1;
        self.properties.tombstone_count += u64::from(entry.kind == EntryKind::Delete);
        self.properties.key_bytes += entry.key.len() as u64;
        self.properties.value_bytes += entry.value.len() as u64;
        self.properties.oldest_seqno = self.properties.oldest_seqno.min(entry.seqno);
        self.properties.newest_seqno = self.properties.newest_seqno.max(entry.seqno);
        self.contents.add(entry);
        self.block.add(entry, self.last_hash);
        if self.block.size_bytes() >= self.block_bytes {
            self.finish_data_block()?;
        }
        Ok(())
    }

    /// Writes what is left, syncs the file, and says what the manifest needs to know.
    ///
    /// REQUIRES: at least one entry was added.
    pub fn finish(mut self) -> Result<TableMeta> {
        if !self.block.is_empty() {
            self.finish_data_block()?;
        }
        let index = std::mem::take(&mut self.index).finish();
        let index = self.put_block(BlockKind::Index, &index);
        let filter = filter::build(&self.key_hashes);
        let filter = self.put_block(BlockKind::KeyFilter, &filter);
        self.properties.contents = std::mem::take(&mut self.contents).finish();
        let properties = metadata::encode(&self.properties);
        let properties = self.put_block(BlockKind::Properties, &properties);
        let footer = Footer { index, filter, properties }.encode(self.id);
        self.buffer.extend_from_slice(&footer);
        self.write_buffer()?;
        if !planted(Bug::TableNotSynced) {
            self.file.sync().map_err(|error| StoreError::io("sync", &self.path, error))?;
        }
        Ok(TableMeta {
            id: self.id,
            size_bytes: self.written_bytes,
            checksum: self.checksum.finalize(),
            entry_count: self.properties.entry_count,
            tombstone_count: self.properties.tombstone_count,
            smallest: self.smallest,
            largest: self.last_key,
            oldest_seqno: self.properties.oldest_seqno,
            newest_seqno: self.properties.newest_seqno,
            contents: self.properties.contents,
        })
    }

    fn offset(&self) -> u64 {
        self.written_bytes + self.buffer.len() as u64
    }

    fn finish_data_block(&mut self) -> Result<()> {
        let mut payload = Vec::with_capacity(self.block.size_bytes());
        self.block.finish(&mut payload);
        let handle = self.put_block(BlockKind::TaggedData, &payload);
        let last = crate::base::entry::Position { key: &self.last_key, seqno: self.last_seqno };
        self.index.add(last, handle);
        if self.buffer.len() >= WRITE_BYTES {
            self.write_buffer()?;
        }
        Ok(())
    }

    fn put_block(&mut self, kind: BlockKind, payload: &[u8]) -> BlockHandle {
        let offset = self.offset();
        let length = u32::try_from(payload.len()).expect("a table's blocks stay far below 4 GiB");
        self.buffer.reserve(payload.len() + TRAILER_BYTES);
        self.buffer.extend_from_slice(payload);
        put_trailer(kind, payload, self.id, offset, &mut self.buffer);
        BlockHandle { offset, length }
    }

    fn write_buffer(&mut self) -> Result<()> {
        self.checksum.update(&self.buffer);
        self.file.append(&self.buffer).map_err(|error| StoreError::io("write", &self.path, error))?;
        self.written_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
