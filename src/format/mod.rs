//! The bytes of a store: log framing, WAL segments, manifests, `SSTable`s; their writers and readers.
//!
//! ```text
//!   LOCK                        held while the store is open; its content says nothing
//!   manifest-<number>           which tables make up the store: a log of version edits; the highest number counts
//!   <number>.wal                what was committed since the last flush: segments that follow one another
//!   <file id>.sst               sorted tables, written once
//!   checkpoint                  in a checkpoint that was not opened yet: what belongs to it
//!   *.tmp                       unfinished; removed at open
//! ```
//!
//! Every stored byte is covered by a checksum that also covers the place where the byte belongs. Knows nothing of
//! levels, snapshots or threads. In the order of use:

pub mod metadata;
pub mod names;
pub mod chunk;
pub mod wal;
pub mod contents;
pub mod manifest;
pub mod checkpoint;
pub mod archive;
pub mod table;
