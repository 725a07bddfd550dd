//! The one write path: every operation that changes items goes through it.
//!
//! ```text
//!   request ──check──> legacy parameters become trees; no table needed                         `legacy`, `prepare`
//!   checked request ──prepare──> ItemWrite: key, change, condition                             `prepare`
//!   lock the keys ──> read the items as they are, where something needs it
//!   ItemWrite + item as it is ──decide──> batch, answer; or why not; nothing is done here      `decide`
//!   submit the batch ──> release the locks ──> wait for the ticket ──> answer                  `single`, `batch`,
//!                                                                                              `transact`
//! ```
//!
//! Invariants:
//! 1. An item, its index entries and its stream record change in one batch.
//! 2. A delete writes its tombstone even where nothing is, so that its answer is as durable as was asked.
//! 3. An answer that rests on a version that was not published when it was read is given after that version is
//!    published: a failed condition waits for what it saw.
//! 4. Nobody waits for a sync under a key's lock.
//!
//! In the order of use:

pub mod request;
mod legacy;
pub(super) mod prepare;
pub(super) mod decide;
mod deferred;
mod collection;
pub mod single;
pub mod batch;
pub mod token;
pub mod transact;
