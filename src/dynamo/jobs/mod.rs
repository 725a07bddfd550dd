//! What the data model does in the background: filling and dropping indexes, giving items their expiry, sweeping
//! those that have expired, freeing the space of what is dropped, counting items.
//!
//! ```text
//!   catalog ──changed──> index_build      chunk by chunk: lock, read, write entries and progress; then ACTIVE, or gone
//!   catalog ──changed──> expiry_build     chunk by chunk: lock, read, write items with their expiry and progress; then ENABLED
//!   writes  ──expiry───> sweep            item by item: lock, see that it is the one, delete it with a record
//!   catalog ──changed──> dead_keyspaces   tell the engine, look until nothing is left; then forget
//!   catalog ──wanted───> item_count       chunk by chunk: read and add up; then a row
//! ```
//!
//! Each is a job of the engine's: it goes on step by step, ends when the store is closed, and goes on where it was when the
//! store is opened again. Knows nothing of operations on items. In the order of use:

mod failure;
mod chunk;
pub mod index_build;
pub mod expiry_build;
mod sweep;
mod dead_keyspaces;
pub mod item_count;
pub mod background;
