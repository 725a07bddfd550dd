//! The engine's cursor over a range of keys, as a reader at one moment sees it.

use super::snapshot::Snapshot;
use super::view::View;
use crate::base::cursor::Cursor;
use crate::base::error::Result;
use crate::base::expiry::Expiry;
use crate::lsm::memtable::table::{MemtableCursor, Versions};
use crate::lsm::merge_cursor::MergeCursor;
use crate::lsm::sight::Sight;
use crate::lsm::visible_cursor::VisibleCursor;
use std::sync::Arc;

/// Keys from `start` on and before `end`; without an end, to the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key that is meant.
    pub start: Vec<u8>,
    /// The first key that is not meant any more.
    pub end: Option<Vec<u8>>,
}

/// A place among the visible keys of a range, which can be moved both ways.
///
/// It stands nowhere until a `seek`. It sees the moment at which it was made, and keeps the memtables and tables of that
/// moment alive. Its first error stays.
#[derive(Debug)]
pub struct RangeCursor {
    visible: VisibleCursor<MergeCursor>,
    _snapshot: Option<Snapshot>,
}

impl RangeCursor {
    pub(super) fn new(view: &View, sight: Sight, range: KeyRange, snapshot: Option<Snapshot>) -> Self {
        let mut sources: Vec<Box<dyn Cursor>> = Vec::new();
        for memtable in view.memtables().filter(|memtable| !memtable.is_empty()) {
            sources.push(Box::new(MemtableCursor::new(
                Arc::clone(memtable),
                Versions::NewestAt(sight.at.seqno),
            )));
        }
        sources.extend(view.version.cursors(&range.start, range.end.as_deref()));
        let merge = MergeCursor::within(sources, &range.start, range.end.as_deref());
        let visible = VisibleCursor::new(merge, sight, range.start, range.end);
        Self { visible, _snapshot: snapshot }
    }

    /// The key that it stands at.
    pub fn key(&self) -> Option<&[u8]> {
        self.visible.key()
    }

    /// The value of that key.
    pub fn value(&self) -> Option<&[u8]> {
        self.visible.value()
    }

    /// When that value expires, if it does.
    pub fn expiry(&self) -> Option<Expiry> {
        self.visible.expiry()
    }

    /// Moves to the first key of the range.
    pub fn seek_first(&mut self) -> Result<()> {
        self.visible.seek_first()
    }

    /// Moves to the last key of the range.
    pub fn seek_last(&mut self) -> Result<()> {
        self.visible.seek_last()
    }

    /// Moves to the first key of the range that is not less than `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.visible.seek(key)
    }

    /// Moves to the last key of the range that is less than `key`.
    pub fn seek_before(&mut self, key: &[u8]) -> Result<()> {
        self.visible.seek_before(key)
    }

    /// Moves to the next key.
    #[expect(clippy::should_implement_trait, reason = "a cursor lends what it stands at; an iterator cannot")]
    pub fn next(&mut self) -> Result<()> {
        self.visible.next()
    }

    /// Moves to the key before.
    pub fn prev(&mut self) -> Result<()> {
        self.visible.prev()
    }
}
