//! The vocabulary of every layer: errors, limits, numbers with a meaning, bytes in and out of buffers, expiry,
//! entries, batches and the cursor.
//!
//! Knows nothing of input and output, of files or of items. In the order of use:

pub mod limits;
pub mod planted;
pub mod ident;
pub mod error;
pub mod codec;
pub mod checksum;
pub mod expiry;
pub mod entry;
pub mod cursor;
pub mod batch;
