//! What the fuzz targets do: a function for each, from any bytes to assertions.
//!
//! They are compiled into the fuzz targets (`fuzz/`), into the test that replays the corpus on every `cargo test`, and into
//! the soak, which mutates the corpus. The bytes are read as choices (`input`), so that a target spends its time behind the checksums and not
//! in front of them.

pub mod input;
pub mod damage;
pub mod wal_read;
pub mod manifest_read;
pub mod copies_read;
pub mod table_open_scan;
pub mod data_block;
pub mod key_order;
pub mod number;
pub mod stored_item;
pub mod specification;
pub mod expression_evaluate;
pub mod expression_parse;
pub mod engine_ops;
pub mod list;
pub mod mutation;
