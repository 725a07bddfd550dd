//! Change streams: a record for each item that a commit changed, kept for a while, read in the order of commits.
//!
//! ```text
//!   write path ──change──> row in the stream's keyspace, in the batch of the change itself
//!   row ──record──> what a consumer is told        durable commits only; from a place on, a page at a time    `read`
//!   DynamoDB's four operations                     `describe`, `shard`: one shard is a whole stream
//!   named consumers, whose place is kept           `consumer`
//!   job ──trim──> old rows are deleted, in batches of their own; a stream that ended is forgotten in the end
//! ```
//!
//! A stream's keyspace holds stamped rows and nothing else, so their order is that of the commits. What is kept about a
//! stream stands in rows of the catalog's: that it has ended, up to which record it was trimmed, how far its consumers
//! have come.
//!
//! Knows nothing of how a write decides. In the order of use:

pub mod sequence_number;
mod row;
pub mod change;
pub mod record;
mod horizon;
pub mod read;
pub mod describe;
pub mod shard;
pub mod consumer;
pub mod trim;
#[cfg(test)]
pub(crate) mod support;
