//! The memtable: what was committed since the last flush, in order, for one writer and any number of readers.
//!
//! `arena` and `skiplist` hold the unsafe code; `table` is the safe face.

mod arena;
mod skiplist;
pub mod table;
