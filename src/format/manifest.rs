//! The manifest: which tables, at which levels, make up a store, as a log of version edits.
//!
//! ```text
//! manifest := header record, edit record*              framed as `chunk` says
//! header   := magic "PIXIIMAN", version u32, history u128, number u64
//! edit     := a metadata record of `VersionEdit`
//! ```
//!
//! Invariants:
//! 1. A manifest's name appears only by the rename of a synced file that holds the whole state as its first edit, so
//!    the manifest with the highest number is always whole and is the one that counts. There is no pointer file.
//! 2. Every open writes a new manifest: an edit whose sync failed is never believed because a page cache still has it.
//! 3. An edit takes effect after it is synced, and what it makes obsolete is removed after that.
//!
//! Threads: one writer; the engine keeps it behind its manifest lock.
#![warn(clippy::indexing_slicing)]

use super::chunk::{Framer, LogIdentity, LogKind, RecordKind, read_log};
use super::contents::KeyspaceContents;
use super::names;
use super::wal::FORMAT_VERSION;
use crate::base::codec::{Decoder, Encode};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileId, FileNumber, HistoryId, Moment, SeqNo};
use crate::base::limits::METADATA_BYTES_MAX;
use crate::base::planted::{Bug, planted};
use crate::env::file::{File, Vfs, read_all};
use crate::format::metadata;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"PIXIIMAN";

/// What the manifest says of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMeta {
    /// Its identity and name.
    pub id: FileId,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The CRC-32 of all its bytes.
    pub checksum: u32,
    /// How many entries it holds.
    pub entry_count: u64,
    /// How many of them are tombstones.
    pub tombstone_count: u64,
    /// The key of its first entry.
    pub smallest: Vec<u8>,
    /// The key of its last entry.
    pub largest: Vec<u8>,
    /// The lowest sequence number in it.
    pub oldest_seqno: SeqNo,
    /// The highest sequence number in it.
    pub newest_seqno: SeqNo,
    /// What it holds of each keyspace, in their order.
    pub contents: Vec<KeyspaceContents>,
}

/// Where a store's history left another one: at every restore, and when a checkpoint is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The history that it left.
    pub history: HistoryId,
    /// The last commit that both have.
    pub seqno: SeqNo,
}

/// A change of the set of tables: made, logged, then applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEdit {
    /// Tables that are no longer part of the store, with the level that they leave.
    pub removed: Vec<(u8, FileId)>,
    /// Tables that are part of it from now on, with their level.
    pub added: Vec<(u8, TableMeta)>,
    /// The first log segment that is still needed, if that has changed.
    pub oldest_segment: Option<FileNumber>,
    /// Every commit up to here is in tables, if that has changed.
    pub flushed_seqno: Option<SeqNo>,
    /// The time of that commit, below which no later one's may be.
    pub flushed_time: Option<CommitTime>,
    /// What was left out of the added tables and went with the removed ones is missing to readers before this moment:
    /// before its commit, or judging by a time before its time.
    pub floor: Option<Moment>,
    /// Where the store's history came from, if it left another one.
    pub parent: Option<Parent>,
}

/// Appends edits to a manifest.
#[derive(Debug)]
pub struct ManifestWriter {
    file: Arc<dyn File>,
    path: PathBuf,
    framer: Framer,
    synced_bytes: u64,
}

impl ManifestWriter {
    /// Writes the manifest `identity.number` with `state` as its first edit, and makes it the one that counts.
    ///
    /// A crash before the rename leaves a `.tmp` file and the manifest before; a crash after it leaves either, whole,
    /// until the directory is synced; from then on the new one.
    pub fn create(
        vfs: &dyn Vfs,
        directory: &Path,
        identity: LogIdentity,
        state: &VersionEdit,
    ) -> Result<Self> {
        let unfinished = names::unfinished_manifest(directory, identity.number);
        let path = names::manifest(directory, identity.number);
        let file = vfs.create(&unfinished).map_err(|error| StoreError::io("create", &unfinished, error))?;
        let mut writer =
            Self { file, path: unfinished.clone(), framer: Framer::new(identity), synced_bytes: 0 };
        let mut header = Vec::with_capacity(64);
        header.put_bytes(MAGIC);
        header.put_u32(FORMAT_VERSION);
        header.put_u128(identity.history.0);
        header.put_u64(identity.number.0);
        let mut buffer = Vec::new();
        writer.framer.record(RecordKind::Header, &header, 0, &mut buffer);
        writer.framer.record(RecordKind::Data, &encode(state)?, 0, &mut buffer);
        writer.write(&buffer)?;
        writer.sync()?;
        writer.promise()?;
        vfs.rename(&unfinished, &path).map_err(|error| StoreError::io("rename", &unfinished, error))?;
        if !planted(Bug::DirectoryNotSynced) {
            vfs.sync_dir(directory).map_err(|error| StoreError::io("sync", directory, error))?;
        }
        writer.path = path;
        Ok(writer)
    }

    /// Logs an edit: when this returns it is durable.
    ///
    /// After an error the manifest's state on disk is not known, and nothing may be written or removed any more.
    pub fn append(&mut self, edit: &VersionEdit) -> Result<()> {
        let mut buffer = Vec::new();
        let promise = self.synced_bytes;
        self.framer.record(RecordKind::Data, &encode(edit)?, promise, &mut buffer);
        self.write(&buffer)?;
        self.sync()?;
        self.promise()
    }

    /// Writes a promise for all that is synced. It need not be synced itself: it only helps to tell rot from tears.
    fn promise(&mut self) -> Result<()> {
        let mut buffer = Vec::new();
        self.framer.promise(self.synced_bytes, &mut buffer);
        self.write(&buffer)
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        self.file.append(bytes).map_err(|error| StoreError::io("write", &self.path, error))
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync().map_err(|error| StoreError::io("sync", &self.path, error))?;
        self.synced_bytes = self.framer.offset();
        Ok(())
    }
}

/// The record of an edit, unless it is too large to be read again.
fn encode(edit: &VersionEdit) -> Result<Vec<u8>> {
    let record = metadata::encode(edit);
    let (size, limit) = (record.len(), METADATA_BYTES_MAX);
    if size > limit {
        return Err(StoreError::new(StoreFault::TooLarge { what: "version edit", size, limit }));
    }
    Ok(record)
}

/// A manifest that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestContent {
    /// The store's history.
    pub history: HistoryId,
    /// The edits in order; the first is the whole state when the manifest was written.
    pub edits: Vec<VersionEdit>,
}

/// Reads the manifest of this number.
pub fn read_manifest(vfs: &dyn Vfs, directory: &Path, number: FileNumber) -> Result<ManifestContent> {
    let path = names::manifest(directory, number);
    let file = vfs.open(&path).map_err(|error| StoreError::io("open", &path, error))?;
    let bytes = read_all(file.as_ref()).map_err(|error| StoreError::io("read", &path, error))?;
    parse_manifest(&path, &bytes, number)
}

/// Parses the bytes of the manifest of this number.
pub fn parse_manifest(path: &Path, bytes: &[u8], number: FileNumber) -> Result<ManifestContent> {
    // The history stands in the header and is part of the header's own checksum: it is read first, then proved.
    let history = peek_history(path, bytes)?;
    let identity = LogIdentity { kind: LogKind::Manifest, history, number };
    let mut edits = Vec::new();
    read_log(path, bytes, identity, 0, |kind, record, offset| {
        match kind {
            RecordKind::Header => check_header(path, record, identity)?,
            RecordKind::Data => edits.push(metadata::decode(record).map_err(|error| {
                StoreError::corruption(path, offset + error.offset as u64, error.expected)
            })?),
        }
        Ok(())
    })?;
    if edits.is_empty() {
        return Err(StoreError::corruption(path, 0, "a header and the store's state"));
    }
    Ok(ManifestContent { history, edits })
}

fn peek_history(path: &Path, bytes: &[u8]) -> Result<HistoryId> {
    let header = bytes.get(super::chunk::HEADER_BYTES..).unwrap_or_default();
    let mut decoder = Decoder::new(header);
    let corrupt = |_| StoreError::corruption(path, 0, "the header of a manifest");
    let magic = decoder.bytes(MAGIC.len(), "a magic").map_err(corrupt)?;
    let found = decoder.u32("a version").map_err(corrupt)?;
    if magic == MAGIC && found != FORMAT_VERSION {
        let path = path.to_owned();
        return Err(StoreError::new(StoreFault::Unsupported { path, found, supported: FORMAT_VERSION }));
    }
    decoder.u128("a history").map(HistoryId).map_err(corrupt)
}

fn check_header(path: &Path, record: &[u8], identity: LogIdentity) -> Result<()> {
    let mut decoder = Decoder::new(record);
    let mut fields = || -> std::result::Result<_, crate::base::codec::DecodeError> {
        let magic = decoder.bytes(MAGIC.len(), "a magic")?;
        let version = decoder.u32("a version")?;
        let history = HistoryId(decoder.u128("a history")?);
        let number = FileNumber(decoder.u64("a number")?);
        decoder.end("the end of the header")?;
        Ok(magic == MAGIC
            && version == FORMAT_VERSION
            && LogIdentity { kind: LogKind::Manifest, history, number } == identity)
    };
    match fields() {
        Ok(true) => Ok(()),
        _ => Err(StoreError::corruption(path, 0, "the header of this manifest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::ExpiryGeneration;
    use crate::base::ident::KeyspaceId;
    use crate::env::environment::Environment;
    use crate::format::contents::ExpirySpan;

    fn edit(number: u128) -> VersionEdit {
        let meta = TableMeta {
            id: FileId(number),
            size_bytes: 10,
            checksum: 1,
            entry_count: 2,
            tombstone_count: 1,
            smallest: b"a".to_vec(),
            largest: b"z".to_vec(),
            oldest_seqno: SeqNo(1),
            newest_seqno: SeqNo(9),
            contents: vec![KeyspaceContents {
                id: KeyspaceId(16),
                entry_count: 2,
                tombstone_count: 1,
                size_bytes: 7,
                expiring: vec![ExpirySpan {
                    generation: ExpiryGeneration(3),
                    entry_count: 1,
                    quartiles_millis: [5; 5],
                }],
            }],
        };
        VersionEdit {
            removed: vec![(0, FileId(number + 1))],
            added: vec![(1, meta)],
            oldest_segment: Some(FileNumber(4)),
            flushed_seqno: None,
            flushed_time: Some(CommitTime(1000)),
            floor: Some(Moment { seqno: SeqNo(8), time: CommitTime(900) }),
            parent: Some(Parent { history: HistoryId(6), seqno: SeqNo(7) }),
        }
    }

    fn written() -> Vec<u8> {
        let vfs = Environment::memory().vfs;
        let identity = LogIdentity { kind: LogKind::Manifest, history: HistoryId(5), number: FileNumber(3) };
        let directory = Path::new("store");
        let mut writer = ManifestWriter::create(vfs.as_ref(), directory, identity, &edit(1)).expect("memory");
        writer.append(&edit(2)).expect("memory");
        assert_eq!(vfs.read_dir(directory).expect("memory"), ["manifest-00000000000000000003"]);
        let content = read_manifest(vfs.as_ref(), directory, FileNumber(3)).expect("it is whole");
        assert_eq!(content, ManifestContent { history: HistoryId(5), edits: vec![edit(1), edit(2)] });
        read_all(vfs.open(&names::manifest(directory, FileNumber(3))).expect("memory").as_ref())
            .expect("memory")
    }

    #[test]
    fn every_flipped_byte_of_a_synced_edit_is_found() {
        let bytes = written();
        let synced = bytes.len() - super::super::chunk::HEADER_BYTES;
        for index in 0..synced {
            let mut flipped = bytes.clone();
            flipped[index] ^= 4;
            let read = parse_manifest(Path::new("manifest"), &flipped, FileNumber(3));
            assert!(read.is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_manifest_under_another_number_is_refused() {
        assert!(parse_manifest(Path::new("manifest"), &written(), FileNumber(4)).is_err());
    }

    #[test]
    fn a_truncated_manifest_never_gives_other_edits() {
        let bytes = written();
        for length in 0..bytes.len() {
            if let Ok(content) = parse_manifest(Path::new("manifest"), &bytes[..length], FileNumber(3)) {
                assert_eq!(content.edits.first(), Some(&edit(1)));
                assert!(content.edits.get(1).is_none_or(|second| *second == edit(2)));
            }
        }
    }
}
