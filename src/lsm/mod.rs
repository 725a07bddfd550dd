//! The log-structured merge tree: memtable, tables by level, cursors and their merge, flush and compaction.
//!
//! ```text
//!   memtable   active and frozen skiplists                newest
//!   level 0    flushed tables, which may overlap             |
//!   level 1    tables that do not overlap                    |
//!   …          each level ten times as large              oldest
//! ```
//!
//! Deciding is pure (`picker`, `retention`, `reclaim`), doing is separate (`merge_job`). It is called, never calling: knows nothing
//! of the log, of locks or of threads. In the order of use:

pub mod memtable;
pub mod level_cursor;
pub mod version;
pub mod merge_cursor;
pub mod timeline;
pub mod sight;
pub mod visible_cursor;
pub mod reclaim;
pub mod retention;
pub mod merge_job;
pub mod picker;
