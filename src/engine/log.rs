//! The writer of the log: frames records, publishes them, syncs, and goes from segment to segment.
//!
//! Invariants:
//! 1. A segment's header is written only after the segment before it was synced to its end (no holes), and nothing else
//!    is written to a segment before its header and its name are durable.
//! 2. Every chunk promises what was synced when it was framed, and no more.
//! 3. After an error nothing more is written: the caller poisons the engine.
//!
//! Threads: one at a time; the pipeline keeps it behind the log lock.

use super::options::Durability;
use super::statistics::{Counters, add};
use crate::base::error::{Result, StoreError};
use crate::base::ident::{FileNumber, HistoryId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::env::file::{LogFile, Vfs};
use crate::format::chunk::{Framer, LogIdentity, LogKind, RecordKind};
use crate::format::names;
use crate::format::wal::{Predecessor, SegmentHeader};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a segment ends that is not written to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogEndOf {
    /// How many of its bytes are log.
    pub(super) bytes: u64,
    /// The last commit up to its end, and the time of that, if it is known.
    pub(super) last: Option<Moment>,
}

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct LogWriter {
    vfs: Arc<dyn Vfs>,
    directory: PathBuf,
    history: HistoryId,
    fill_step_bytes: u64,
    segment: Segment,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Segment {
    file: Arc<dyn LogFile>,
    path: PathBuf,
    number: FileNumber,
    framer: Framer,
    checksum: crc32fast::Hasher,
    published_bytes: u64,
    synced_bytes: u64,
    /// The end of the last record; only bare promises follow.
    records_end: u64,
    /// The promise that was written last.
    promised_bytes: u64,
    filled_bytes: u64,
}

impl LogWriter {
    /// Begins a log with the segment `number`, which goes on from nothing.
    pub(super) fn begin(
        vfs: Arc<dyn Vfs>,
        directory: PathBuf,
        history: HistoryId,
        number: FileNumber,
        fill_step_bytes: u64,
    ) -> Result<Self> {
        let segment = Segment::create(vfs.as_ref(), &directory, history, number, None)?;
        Ok(Self { vfs, directory, history, fill_step_bytes, segment, buffer: Vec::new() })
    }

    /// The segment's number.
    pub(super) fn number(&self) -> FileNumber {
        self.segment.number
    }

    /// How much of the segment is durable, in bytes.
    pub(super) fn synced_bytes(&self) -> u64 {
        self.segment.synced_bytes
    }

    /// Writes records: they survive the death of the process from now on.
    pub(super) fn write<'a>(
        &mut self,
        records: impl Iterator<Item = &'a [u8]>,
        counters: &Counters,
    ) -> Result<()> {
        self.buffer.clear();
        let segment = &mut self.segment;
        for record in records {
            segment.framer.record(RecordKind::Data, record, segment.synced_bytes, &mut self.buffer);
        }
        segment.promised_bytes = segment.synced_bytes;
        add(&counters.log_bytes, self.buffer.len() as u64);
        segment.publish(&self.buffer)?;
        segment.records_end = segment.published_bytes;
        Ok(())
    }

    /// Fills the file with zeros where records will soon go: a sync of what was written over costs less than one of a
    /// file that grew, and what is not synced needs no call of the system.
    pub(super) fn fill_ahead(
        &mut self,
        bytes: usize,
        durability: Durability,
        counters: &Counters,
    ) -> Result<()> {
        let segment = &mut self.segment;
        let end = segment.published_bytes + bytes as u64;
        let is_worth_it = durability == Durability::Durable || segment.file.is_faster_filled();
        if self.fill_step_bytes == 0 || end <= segment.filled_bytes || !is_worth_it {
            return Ok(());
        }
        let filled_bytes = end.next_multiple_of(self.fill_step_bytes);
        segment.file.fill(filled_bytes).map_err(|error| StoreError::io("write", &segment.path, error))?;
        add(&counters.log_filled_bytes, filled_bytes - segment.filled_bytes.max(segment.published_bytes));
        segment.filled_bytes = filled_bytes;
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(super) fn sync(&mut self, counters: &Counters) -> Result<()> {
        add(&counters.log_syncs, 1);
        self.segment.sync()
    }

    /// Whether every record written is durable.
    pub(super) fn is_synced(&self) -> bool {
        self.segment.synced_bytes >= self.segment.records_end
    }

    /// Whether all records are durable and no chunk says so yet.
    pub(super) fn is_promise_due(&self) -> bool {
        self.is_synced() && self.segment.promised_bytes < self.segment.records_end
    }

    /// Writes a chunk that promises all that is synced. It is not synced itself: it only helps to tell rot from a torn
    /// tail.
    pub(super) fn promise(&mut self) -> Result<()> {
        let segment = &mut self.segment;
        self.buffer.clear();
        segment.framer.promise(segment.synced_bytes, &mut self.buffer);
        segment.promised_bytes = segment.synced_bytes;
        segment.publish(&self.buffer)
    }

    /// Goes to the segment `number`: this one is synced to its end first. Tells how long it is.
    pub(super) fn rotate(
        &mut self,
        number: FileNumber,
        last_seqno: SeqNo,
        counters: &Counters,
    ) -> Result<u64> {
        // The bare promise that may stand at the end counts too: the successor names all of this segment's bytes.
        let is_whole_synced = self.segment.synced_bytes == self.segment.published_bytes;
        if !is_whole_synced && !planted(Bug::SegmentNotSyncedAtRotation) {
            self.sync(counters)?;
        }
        let predecessor = Predecessor {
            number: self.segment.number,
            length_bytes: self.segment.published_bytes,
            last_seqno,
            checksum: self.segment.checksum.clone().finalize(),
        };
        let vfs = self.vfs.as_ref();
        self.segment = Segment::create(vfs, &self.directory, self.history, number, Some(predecessor))?;
        Ok(predecessor.length_bytes)
    }
}

impl Segment {
    /// Creates a segment with its header, durable under its name.
    ///
    /// A crash before the header is whole leaves a segment without one, which recovery takes for empty.
    fn create(
        vfs: &dyn Vfs,
        directory: &std::path::Path,
        history: HistoryId,
        number: FileNumber,
        predecessor: Option<Predecessor>,
    ) -> Result<Self> {
        let path = names::wal(directory, number);
        let file = vfs.create_log(&path).map_err(|error| StoreError::io("create", &path, error))?;
        let identity = LogIdentity { kind: LogKind::Wal, history, number };
        let mut segment = Self {
            file,
            path,
            number,
            framer: Framer::new(identity),
            checksum: crc32fast::Hasher::new(),
            published_bytes: 0,
            synced_bytes: 0,
            records_end: 0,
            promised_bytes: 0,
            filled_bytes: 0,
        };
        let header = SegmentHeader { identity, predecessor }.encode();
        let mut buffer = Vec::new();
        segment.framer.record(RecordKind::Header, &header, 0, &mut buffer);
        segment.publish(&buffer)?;
        segment.sync()?;
        if !planted(Bug::DirectoryNotSynced) {
            vfs.sync_dir(directory).map_err(|error| StoreError::io("sync", directory, error))?;
        }
        Ok(segment)
    }

    fn publish(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .publish(self.published_bytes, bytes)
            .map_err(|error| StoreError::io("write", &self.path, error))?;
        self.checksum.update(bytes);
        self.published_bytes += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        if let Err(error) = self.file.sync() {
            let retried = planted(Bug::SyncRetried) && self.file.sync().is_ok();
            if !retried {
                return Err(StoreError::io("sync", &self.path, error));
            }
        }
        self.synced_bytes = self.published_bytes;
        Ok(())
    }
}
