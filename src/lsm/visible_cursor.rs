//! What a reader sees of a merge: of each key the newest version that is not newer than the reader's sequence number,
//! unless that is a tombstone or expired; within bounds; both ways.
//!
//! Invariants:
//! 1. Forward, the merge stands at the visible entry, which is borrowed. Backward, the entry was copied, because finding
//!    it goes through all versions of its key, and the merge stands at the last entry before that key.
//! 2. The first error stays: every later call returns it, so that no entry is skipped unnoticed.

use crate::base::cursor::Cursor;
use crate::base::entry::Position;
use crate::base::error::{Result, StoreError};
use crate::base::expiry::Expiry;
use crate::base::ident::SeqNo;
use crate::lsm::sight::Sight;

/// A cursor over visible keys and values.
#[derive(Debug)]
pub struct VisibleCursor<C> {
    merge: C,
    sight: Sight,
    start: Vec<u8>,
    end: Option<Vec<u8>>,
    place: Place,
    /// The key to step over, going forward; the key of the copied entry, going backward.
    key: Vec<u8>,
    value: Vec<u8>,
    /// Of the copied entry.
    expiry: Option<Expiry>,
    error: Option<StoreError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    InMerge,
    Copied,
}

impl<C: Cursor> VisibleCursor<C> {
    /// A cursor over the keys from `start` on and before `end`, as a reader with this sight sees them. It stands
    /// nowhere.
    pub fn new(merge: C, sight: Sight, start: Vec<u8>, end: Option<Vec<u8>>) -> Self {
        let (key, value) = (Vec::new(), Vec::new());
        Self { merge, sight, start, end, place: Place::Nowhere, key, value, expiry: None, error: None }
    }

    /// The key that it stands at.
    pub fn key(&self) -> Option<&[u8]> {
        match self.place {
            Place::Nowhere => None,
            Place::InMerge => self.merge.entry().map(|entry| entry.key),
            Place::Copied => Some(&self.key),
        }
    }

    /// The value of that key.
    pub fn value(&self) -> Option<&[u8]> {
        match self.place {
            Place::Nowhere => None,
            Place::InMerge => self.merge.entry().map(|entry| entry.value),
            Place::Copied => Some(&self.value),
        }
    }

    /// When that value expires, if it does.
    pub fn expiry(&self) -> Option<Expiry> {
        match self.place {
            Place::Nowhere => None,
            Place::InMerge => self.merge.entry().and_then(|entry| entry.kind.expiry()),
            Place::Copied => self.expiry,
        }
    }

    /// Moves to the first key.
    pub fn seek_first(&mut self) -> Result<()> {
        self.run(|cursor| {
            let start = std::mem::take(&mut cursor.start);
            let sought = cursor.merge.seek(Position::before(&start));
            cursor.start = start;
            sought?;
            cursor.settle_forward(false)
        })
    }

    /// Moves to the last key.
    pub fn seek_last(&mut self) -> Result<()> {
        self.run(|cursor| {
            match &cursor.end {
                Some(end) => cursor.merge.seek_before(Position::before(end))?,
                None => cursor.merge.seek_last()?,
            }
            cursor.settle_backward()
        })
    }

    /// Moves to the first key that is not less than `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        if key <= self.start.as_slice() {
            return self.seek_first();
        }
        self.run(|cursor| {
            cursor.merge.seek(Position::before(key))?;
            cursor.settle_forward(false)
        })
    }

    /// Moves to the last key that is less than `key`.
    pub fn seek_before(&mut self, key: &[u8]) -> Result<()> {
        if self.end.as_deref().is_some_and(|end| end <= key) {
            return self.seek_last();
        }
        self.run(|cursor| {
            cursor.merge.seek_before(Position::before(key))?;
            cursor.settle_backward()
        })
    }

    /// Moves to the next key.
    #[expect(clippy::should_implement_trait, reason = "a cursor lends what it stands at; an iterator cannot")]
    pub fn next(&mut self) -> Result<()> {
        self.run(|cursor| match cursor.place {
            Place::Nowhere => Ok(()),
            Place::InMerge => {
                cursor.key.clear();
                cursor.key.extend_from_slice(cursor.merge.entry().map_or(&[], |entry| entry.key));
                cursor.merge.next()?;
                cursor.settle_forward(true)
            }
            Place::Copied => {
                let key = std::mem::take(&mut cursor.key);
                let sought = cursor.merge.seek(Position { key: &key, seqno: SeqNo::ZERO });
                cursor.key = key;
                sought?;
                cursor.settle_forward(true)
            }
        })
    }

    /// Moves to the key before.
    pub fn prev(&mut self) -> Result<()> {
        self.run(|cursor| match cursor.place {
            Place::Nowhere => Ok(()),
            Place::InMerge => {
                cursor.key.clear();
                cursor.key.extend_from_slice(cursor.merge.entry().map_or(&[], |entry| entry.key));
                let key = std::mem::take(&mut cursor.key);
                let sought = cursor.merge.seek_before(Position::before(&key));
                cursor.key = key;
                sought?;
                cursor.settle_backward()
            }
            Place::Copied => cursor.settle_backward(),
        })
    }

    fn run(&mut self, action: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        action(self).inspect_err(|error| {
            self.error = Some(error.clone());
            self.place = Place::Nowhere;
        })
    }

    /// Goes forward from where the merge stands to a visible entry; `steps_over` says that `key` is not wanted.
    fn settle_forward(&mut self, mut steps_over: bool) -> Result<()> {
        self.place = Place::Nowhere;
        while let Some(entry) = self.merge.entry() {
            if self.end.as_deref().is_some_and(|end| end <= entry.key) {
                return Ok(());
            }
            if entry.seqno <= self.sight.at.seqno && !(steps_over && entry.key == self.key) {
                if self.sight.shows(entry.kind) {
                    self.place = Place::InMerge;
                    return Ok(());
                }
                self.key.clear();
                self.key.extend_from_slice(entry.key);
                steps_over = true;
            }
            self.merge.next()?;
        }
        Ok(())
    }

    /// Goes backward from where the merge stands to a visible entry, and copies it.
    fn settle_backward(&mut self) -> Result<()> {
        self.place = Place::Nowhere;
        while let Some(entry) = self.merge.entry() {
            if entry.key < self.start.as_slice() {
                return Ok(());
            }
            // Backward, the versions of a key come oldest first.
            self.key.clear();
            self.key.extend_from_slice(entry.key);
            let mut newest_visible = None;
            while let Some(entry) = self.merge.entry().filter(|entry| entry.key == self.key) {
                if entry.seqno <= self.sight.at.seqno {
                    newest_visible = Some(entry.kind);
                    self.value.clear();
                    self.value.extend_from_slice(entry.value);
                }
                self.merge.prev()?;
            }
            if let Some(kind) = newest_visible.filter(|kind| self.sight.shows(*kind)) {
                self.expiry = kind.expiry();
                self.place = Place::Copied;
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::{EntryKind, EntryRef};
    use crate::base::expiry::{Expiry, ExpiryGeneration};
    use crate::base::ident::{CommitTime, Moment};
    use crate::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
    use crate::lsm::merge_cursor::MergeCursor;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Move {
        First,
        Last,
        Seek(u8),
        SeekBefore(u8),
        Next,
        Prev,
    }

    fn moves() -> impl Strategy<Value = Move> {
        prop_oneof![
            1 => Just(Move::First),
            1 => Just(Move::Last),
            1 => (0_u8..10).prop_map(Move::Seek),
            1 => (0_u8..10).prop_map(Move::SeekBefore),
            5 => Just(Move::Next),
            5 => Just(Move::Prev),
        ]
    }

    fn sight(seqno: SeqNo, time: CommitTime) -> Sight {
        Sight { at: Moment { seqno, time }, rules: Arc::default() }
    }

    proptest! {
        #[test]
        fn any_walk_is_one_over_the_map_at_the_snapshot(
            writes in prop::collection::vec((0_u8..8, any::<bool>(), prop::option::of(0_u64..9), 0_usize..3), 0..40),
            at in 0_u64..40,
            time in 0_u64..9,
            bounds in (0_u8..4, 4_u8..10),
            walk in prop::collection::vec(moves(), 0..30),
        ) {
            let tables: Vec<_> = (0..3).map(|_| Arc::new(Memtable::new(4096))).collect();
            let mut map = BTreeMap::new();
            for (number, (key, is_put, at_millis, table)) in (1_u8..).zip(&writes) {
                let (seqno, value) = (u64::from(number), [number]);
                let expiry = at_millis.map(|at_millis| Expiry { at_millis, generation: ExpiryGeneration(1) });
                let kind = if *is_put { EntryKind::put(expiry) } else { EntryKind::Delete };
                let value: &[u8] = if *is_put { &value } else { &[] };
                tables[*table].insert(&EntryRef { key: &[*key], seqno: SeqNo(seqno), kind, value });
                if seqno <= at {
                    map.remove(key);
                    let is_alive = at_millis.is_none_or(|at_millis| at_millis > time);
                    if *is_put && is_alive && (bounds.0..bounds.1).contains(key) {
                        map.insert(*key, (number, *at_millis));
                    }
                }
            }
            let expected: Vec<(u8, (u8, Option<u64>))> = map.into_iter().collect();
            let sources = tables.iter().map(|table| {
                Box::new(MemtableCursor::new(Arc::clone(table), Versions::All)) as Box<dyn Cursor>
            }).collect();
            let merge = MergeCursor::new(sources);
            let sight = sight(SeqNo(at), CommitTime(time));
            let mut cursor = VisibleCursor::new(merge, sight, vec![bounds.0], Some(vec![bounds.1]));
            let mut place: Option<usize> = None;
            for step in walk {
                let bound = |key| expected.partition_point(|entry| entry.0 < key);
                match step {
                    Move::First => { cursor.seek_first()?; place = Some(0); }
                    Move::Last => { cursor.seek_last()?; place = expected.len().checked_sub(1); }
                    Move::Seek(key) => { cursor.seek(&[key])?; place = Some(bound(key)); }
                    Move::SeekBefore(key) => { cursor.seek_before(&[key])?; place = bound(key).checked_sub(1); }
                    Move::Next => { cursor.next()?; place = place.map(|place| place + 1); }
                    Move::Prev => { cursor.prev()?; place = place.and_then(|place| place.checked_sub(1)); }
                }
                place = place.filter(|place| *place < expected.len());
                let at_millis = cursor.expiry().map(|expiry| expiry.at_millis);
                let entry = cursor.key().zip(cursor.value()).map(|(key, value)| (key[0], (value[0], at_millis)));
                prop_assert_eq!(entry, place.map(|place| expected[place]));
            }
        }
    }

    /// A cursor that fails once and would go on.
    struct Failing(bool);

    impl Cursor for Failing {
        fn seek_first(&mut self) -> Result<()> {
            self.seek(Position::before(&[]))
        }
        fn seek_last(&mut self) -> Result<()> {
            self.seek(Position::before(&[]))
        }
        fn seek(&mut self, _target: Position<'_>) -> Result<()> {
            if std::mem::replace(&mut self.0, true) {
                return Ok(());
            }
            Err(StoreError::corruption(std::path::Path::new("table"), 7, "an entry"))
        }
        fn seek_before(&mut self, target: Position<'_>) -> Result<()> {
            self.seek(target)
        }
        fn next(&mut self) -> Result<()> {
            Ok(())
        }
        fn prev(&mut self) -> Result<()> {
            Ok(())
        }
        fn entry(&self) -> Option<EntryRef<'_>> {
            None
        }
    }

    #[test]
    fn an_error_stays() {
        let mut cursor =
            VisibleCursor::new(Failing(false), sight(SeqNo::MAX, CommitTime(0)), Vec::new(), None);
        assert!(cursor.seek_first().is_err());
        assert!(cursor.next().is_err());
        assert!(cursor.seek_first().is_err());
        assert_eq!(cursor.key(), None);
    }
}
