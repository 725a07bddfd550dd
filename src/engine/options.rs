//! What can be set.

use crate::format::table::reader::ReadMode;
use crate::lsm::memtable::table::Memtable;
use crate::lsm::picker::Shape;
use std::sync::Arc;
use std::time::Duration;

/// What a log that is replayed is taken to hold at least, in bytes.
const REPLAYED_BYTES: usize = 64 * 1024 * 1024;

/// What a write waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// The sync of the log: the write survives the death of the machine. Writers that wait at the same time share one
    /// sync.
    #[default]
    Durable,
    /// The write of the log: it survives the death of the process, and that of the machine once the log is next synced,
    /// which happens at an interval and with every durable write.
    Buffered,
}

/// What an engine is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// To read and to write: the only one who has it open.
    #[default]
    ReadWrite,
    /// To read, together with others who only read: not a byte of the directory is written, every write is refused as
    /// [`ReadOnly`](crate::base::error::StoreErrorKind::ReadOnly), and nothing goes on in the background. A store that
    /// somebody has open to write is refused as locked, and the other way round.
    ReadOnly,
}

/// The settings of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// What it is opened for.
    pub access: Access,
    /// A memtable is flushed when it has taken this much memory, in bytes.
    pub memtable_bytes: usize,
    /// Writers wait while this many memtables wait to be flushed.
    pub frozen_memtables_max: usize,
    /// Data blocks are cut at this size in bytes.
    pub block_bytes: usize,
    /// Tables are cut at this size in bytes.
    pub table_bytes: u64,
    /// When levels count as full.
    pub shape: Shape,
    /// Writers wait while level 0 has this many tables.
    pub level_0_tables_max: usize,
    /// What was written without a sync is synced at this interval.
    pub sync_interval: Duration,
    /// The log is filled with zeros ahead of what is written, in steps of this size in bytes: overwriting zeros costs a
    /// sync less than growing the file, and on file systems that write in place it is done through a map, without a call
    /// of the system. 0 never fills, and writes the log by calls alone.
    pub log_fill_bytes: u64,
    /// How tables are read.
    pub read_mode: ReadMode,
    /// For how long every moment stays readable: compaction keeps what was overwritten or deleted within it.
    pub history: Duration,
    /// Log segments that are not archived yet are kept up to so many bytes, also while the store is closed; 0 is for
    /// stores without an archive.
    pub log_kept_bytes: u64,
}

impl Default for EngineOptions {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            access: Access::ReadWrite,
            memtable_bytes: 64 * 1024 * 1024,
            frozen_memtables_max: 3,
            block_bytes: 4 * 1024,
            table_bytes: 64 * MIB,
            shape: Shape { level_0_tables: 4, level_1_bytes: 256 * MIB, level_ratio: 10 },
            level_0_tables_max: 16,
            sync_interval: Duration::from_millis(200),
            log_fill_bytes: MIB,
            read_mode: ReadMode::default(),
            history: Duration::ZERO,
            log_kept_bytes: 0,
        }
    }
}

impl EngineOptions {
    /// An empty memtable.
    pub(super) fn empty_memtable(&self) -> Arc<Memtable> {
        Arc::new(Memtable::new(self.memtable_bytes))
    }

    /// An empty memtable for all of a log, whatever size of memtables that was written under.
    pub(super) fn replay_memtable(&self) -> Arc<Memtable> {
        Arc::new(Memtable::new(self.memtable_bytes.max(REPLAYED_BYTES)))
    }

    /// These options, with limits that would stop every writer for ever raised to the lowest that do not.
    pub(super) fn within_reason(mut self) -> Self {
        self.frozen_memtables_max = self.frozen_memtables_max.max(1);
        self.shape.level_0_tables = self.shape.level_0_tables.max(1);
        self.level_0_tables_max = self.level_0_tables_max.max(self.shape.level_0_tables);
        self
    }
}
