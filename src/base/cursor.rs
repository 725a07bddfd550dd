//! The engine's two-way iterator over entries in their order.

use super::entry::{EntryRef, Position};
use super::error::Result;

/// A place in a sorted run of entries that can be moved both ways.
///
/// A new cursor stands nowhere: `entry` is `None` until one of the `seek` functions was called. Moving off either end
/// makes it stand nowhere again, and `next` and `prev` then do nothing. After an error the cursor stands nowhere; only
/// a successful seek makes it stand somewhere again. A caller that must not lose entries keeps the error.
pub trait Cursor: Send {
    /// Moves to the first entry.
    fn seek_first(&mut self) -> Result<()>;

    /// Moves to the last entry.
    fn seek_last(&mut self) -> Result<()>;

    /// Moves to the first entry at or after `target`.
    fn seek(&mut self, target: Position<'_>) -> Result<()>;

    /// Moves to the last entry before `target`.
    fn seek_before(&mut self, target: Position<'_>) -> Result<()>;

    /// Moves to the entry after this one.
    fn next(&mut self) -> Result<()>;

    /// Moves to the entry before this one.
    fn prev(&mut self) -> Result<()>;

    /// The entry that the cursor stands at.
    fn entry(&self) -> Option<EntryRef<'_>>;
}
