//! Figures about a running engine.

use crate::base::error::StoreError;
use crate::base::ident::{Moment, SeqNo};
use std::sync::atomic::{AtomicU64, Ordering};

/// What an engine holds and has done since it was opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Statistics {
    /// The newest commit that readers see.
    pub published: SeqNo,
    /// Commits since opening.
    pub commits: u64,
    /// Syncs of the log since opening.
    pub log_syncs: u64,
    /// Bytes written to the log since opening.
    pub log_bytes: u64,
    /// Bytes of zeros that the log was filled with ahead of what was written, since opening.
    pub log_filled_bytes: u64,
    /// Memtables flushed since opening.
    pub flushes: u64,
    /// Compactions since opening, moves included.
    pub compactions: u64,
    /// Bytes of tables written since opening.
    pub table_bytes_written: u64,
    /// How often a writer had to wait for background work.
    pub stalls: u64,
    /// Memory of all memtables, in bytes.
    pub memtable_bytes: usize,
    /// Memtables that wait to be flushed.
    pub frozen_memtables: usize,
    /// Memory of the tables' indexes and filters, in bytes.
    pub table_memory_bytes: usize,
    /// The moment from which on tables hold all that readers ask for: what they would see before it may be gone.
    pub floor: Moment,
    /// Snapshots that are held.
    pub snapshots: usize,
    /// The levels, 0 first.
    pub levels: Vec<LevelStatistics>,
    /// What was found in the log at opening.
    pub recovery: RecoveryStatistics,
    /// The last failure of background work that is being tried again.
    pub background_error: Option<StoreError>,
    /// The failure that stopped all writing.
    pub poison: Option<StoreError>,
}

/// What a level holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStatistics {
    /// Tables.
    pub tables: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Their entries, all versions and tombstones.
    pub entries: u64,
}

/// What opening found in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryStatistics {
    /// Log segments read.
    pub segments: usize,
    /// Batches replayed.
    pub batches: u64,
    /// Bytes of a torn tail that were left.
    pub torn_bytes: u64,
}

/// Counters that are added to from anywhere.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) log_syncs: AtomicU64,
    pub(super) log_bytes: AtomicU64,
    pub(super) log_filled_bytes: AtomicU64,
    pub(super) flushes: AtomicU64,
    pub(super) compactions: AtomicU64,
    pub(super) table_bytes_written: AtomicU64,
    pub(super) stalls: AtomicU64,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Reads a counter.
pub(super) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
