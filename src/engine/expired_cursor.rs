//! A walk over the dead: the keys of a range whose newest version has expired. For the sweeper of the layer above.
//!
//! Steps: merge the memtables with the tables that have entries which expire so early; of each key look at the newest
//! version found there; if it is dead, ask the whole view whether it is the key's newest at all, because a newer one may
//! stand in a table that was left out.
//!
//! Invariant: its first error stays.

use super::cursor::KeyRange;
use super::view::View;
use crate::base::cursor::Cursor;
use crate::base::entry::Position;
use crate::base::error::{Result, StoreError};
use crate::base::expiry::Expiry;
use crate::base::ident::{CommitTime, Moment, SeqNo};
use crate::lsm::memtable::table::{MemtableCursor, Versions};
use crate::lsm::merge_cursor::MergeCursor;
use crate::lsm::sight::Sight;
use std::sync::Arc;

/// The newest version of a key, which is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiredEntry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The commit that wrote it: who deletes it looks whether it is still the latest.
    pub seqno: SeqNo,
    /// When it expired.
    pub expiry: Expiry,
    /// Its value.
    pub value: &'a [u8],
}

/// A place in the walk, from the range's start to its end.
#[derive(Debug)]
pub struct ExpiredCursor {
    view: Arc<View>,
    sight: Sight,
    range: KeyRange,
    /// What was committed and was dead by then is left out.
    seen: Moment,
    merge: MergeCursor,
    has_begun: bool,
    /// The last key that was looked at.
    key: Vec<u8>,
    /// When the next entry dies of those that were met or left out.
    next_millis: Option<u64>,
    error: Option<StoreError>,
}

impl ExpiredCursor {
    pub(super) fn new(view: Arc<View>, sight: Sight, range: KeyRange, seen: Moment) -> Self {
        let mut sources: Vec<Box<dyn Cursor>> = Vec::new();
        for memtable in view.memtables().filter(|memtable| !memtable.is_empty()) {
            let versions = Versions::NewestAt(sight.at.seqno);
            sources.push(Box::new(MemtableCursor::new(Arc::clone(memtable), versions)));
        }
        let (start, end) = (&range.start, range.end.as_deref());
        sources.extend(view.version.expiring_cursors(start, end, seen, sight.at.time));
        let merge = MergeCursor::new(sources);
        let left_out = view.version.earliest_expiries(&range.start, range.end.as_deref());
        let deaths = left_out.into_iter().filter_map(|expiry| sight.rules.dies_at(expiry));
        let next_millis = deaths.filter(|dies| sight.at.time < *dies).map(|dies| dies.0).min();
        let key = Vec::new();
        Self { view, sight, range, seen, merge, has_begun: false, key, next_millis, error: None }
    }

    /// When the next entry dies of those that the walk has come by, or could leave out because none of their table is dead
    /// yet: after the walk, no entry of the range that it could see dies before.
    pub fn next_millis(&self) -> Option<u64> {
        self.next_millis
    }

    /// The next dead entry.
    #[expect(clippy::should_implement_trait, reason = "a cursor lends what it stands at; an iterator cannot")]
    pub fn next(&mut self) -> Result<Option<ExpiredEntry<'_>>> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let found = self.advance().inspect_err(|error| self.error = Some(error.clone()))?;
        let entry = self.merge.entry().filter(|_| found);
        Ok(entry.and_then(|entry| {
            let expiry = entry.kind.expiry()?;
            Some(ExpiredEntry { key: entry.key, seqno: entry.seqno, expiry, value: entry.value })
        }))
    }

    /// Moves to the next dead entry; false at the end.
    fn advance(&mut self) -> Result<bool> {
        if self.has_begun {
            self.merge.next()?;
        } else {
            self.merge.seek(Position::before(&self.range.start))?;
        }
        while let Some(entry) = self.merge.entry() {
            if self.range.end.as_deref().is_some_and(|end| end <= entry.key) {
                break;
            }
            let at = self.sight.at;
            let is_looked_at = self.has_begun && entry.key == self.key;
            if entry.seqno <= at.seqno && !is_looked_at {
                self.has_begun = true;
                self.key.clear();
                self.key.extend_from_slice(entry.key);
                let dies = entry.kind.expiry().and_then(|expiry| self.sight.rules.dies_at(expiry));
                let is_new = |dies: &CommitTime| entry.seqno > self.seen.seqno || *dies > self.seen.time;
                let is_dead = dies.filter(is_new).is_some_and(|dies| dies <= at.time);
                if let Some(dies) = dies.filter(|dies| at.time < *dies) {
                    self.next_millis = Some(self.next_millis.map_or(dies.0, |next| next.min(dies.0)));
                }
                let target = Position { key: entry.key, seqno: at.seqno };
                if is_dead && self.view.get(target, |newest| newest.seqno)? == Some(entry.seqno) {
                    return Ok(true);
                }
            }
            self.merge.next()?;
        }
        Ok(false)
    }
}
