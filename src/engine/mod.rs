//! The engine: ordered bytes with atomic batches, snapshots, key locks, group commit, recovery and background work.
//!
//! ```text
//!   submit ──> serial step (seqno, time, log queue, memtable) ──> ticket        `pipeline`
//!   wait   ──> whoever holds the log writes and syncs for all, then publishes   `pipeline`, `log`
//!   get    ──> view: memtables, tables                                          `view`
//!   commit ──> a transaction's reads against what was written since             `transaction`, `recent_commits`
//!   jobs   ──> flush, compaction, syncing what was buffered                     `maintenance`
//!          ──> those of the layer above                                         `job`
//!   past   ──> as of any moment that is kept                                    `past`
//!   copies ──> checkpoints and forks; the archive and restoring from it         `checkpoint`, `archive`
//!   verify ──> every file, and what is between them                            `verify`
//!   open   ──> manifest, log, a table of what was replayed, a new log           `recovery`
//! ```
//!
//! Lock order, outermost first: key locks, a transaction's reads, manifest, log, commit state, recent commits, view,
//! snapshots. No lock is held over I/O but the log's and the manifest's, which are there to serialise it, and a key's
//! over the read of its old version.
//!
//! Knows nothing of items and tables of the data model. In the order of use:

pub mod options;
pub mod commit;
pub mod statistics;
mod epoch_cell;
mod commit_clock;
mod rules;
mod view;
mod snapshot_registry;
mod key_locks;
mod poison;
mod retired_files;
mod log;
mod read_set;
mod recent_commits;
mod waiters;
mod pipeline;
mod manifest_log;
mod kept_log;
mod replay;
mod recovery;
mod job_registry;
mod shared;
mod log_job;
pub mod ticket;
pub mod snapshot;
pub mod cursor;
pub mod expired_cursor;
mod split_points;
mod maintenance;
pub mod store;
pub mod past;
pub mod checkpoint;
pub mod transaction;
pub mod job;
pub mod archive;
pub mod verify;
