//! `SSTables`: sorted, immutable files of entries.
//!
//! ```text
//! table   := header, data block*, index block, filter block, properties block, footer
//! header  := magic "PIXIISST", version u32, file id u128, checksum u32 of what precedes                (32 bytes)
//! block   := payload, kind u8, checksum u32                                             `block_frame`
//! footer  := index handle, filter handle, properties handle (offset u64, length u32 each),
//!            file id u128, version u32, checksum u32 of what precedes, magic             (68 bytes)  `footer`
//! ```
//!
//! Data blocks hold entries in their order; the layout is named by the block's kind and known to one reader
//! (`data_block`). A table is written once by `writer`, synced, named in the manifest, and read by `reader`.

pub mod block_frame;
pub mod data_block;
mod heads;
pub mod index;
pub mod filter;
pub mod footer;
pub mod writer;
pub mod reader;
pub mod cursor;
pub mod check;
