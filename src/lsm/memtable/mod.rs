//! The memtable: what was committed since the last flush, for one writer and any number of readers.
//!
//! ```text
//! insert ──► arena: node, versions ──► buckets: found by key at once
//!                                  └─► unlinked, until somebody walks ──► skiplist: found in order
//! ```
//!
//! `arena`, `node`, `buckets` and `skiplist` hold the unsafe code; `table` is the safe face.

mod arena;
mod node;
mod buckets;
mod skiplist;
pub mod table;
