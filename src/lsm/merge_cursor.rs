//! The merge of sorted runs into one.
//!
//! Invariants:
//! 1. Going forward, every source stands at its first entry at or after the current one; going backward, at its last
//!    entry at or before it. No two sources have an entry in common.
//! 2. `current` is the source whose entry is the merge's; `rival` is the next best one, as long as it is known. While the
//!    current source stays ahead of its rival, no other source is looked at.

use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;

/// A cursor over the entries of several sources in their order.
pub struct MergeCursor {
    sources: Vec<Box<dyn Cursor>>,
    direction: Direction,
    current: Option<usize>,
    rival: Option<usize>,
    /// The current position's key while the direction is turned.
    turning_key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

impl Direction {
    /// Whether an entry at `left` comes before one at `right` when going this way.
    fn comes_first(self, left: Position<'_>, right: Position<'_>) -> bool {
        match self {
            Self::Forward => left < right,
            Self::Backward => left > right,
        }
    }
}

impl MergeCursor {
    /// A cursor that stands nowhere.
    pub fn new(sources: Vec<Box<dyn Cursor>>) -> Self {
        Self { sources, direction: Direction::Forward, current: None, rival: None, turning_key: Vec::new() }
    }

    fn position(&self, source: Option<usize>) -> Option<Position<'_>> {
        self.sources.get(source?)?.entry().map(|entry| entry.position())
    }

    /// Finds current and rival among all sources.
    fn choose(&mut self) {
        let (mut best, mut second) = (None, None);
        for source in 0..self.sources.len() {
            let Some(position) = self.position(Some(source)) else { continue };
            let beats = |other: Option<usize>| {
                self.position(other).is_none_or(|other| self.direction.comes_first(position, other))
            };
            if beats(best) {
                second = best;
                best = Some(source);
            } else if beats(second) {
                second = Some(source);
            }
        }
        self.current = best;
        self.rival = second;
    }

    /// After the current source was moved on: it stays, or all are looked at.
    fn choose_after_move(&mut self) {
        let stays = match (self.position(self.current), self.position(self.rival)) {
            (Some(current), Some(rival)) => self.direction.comes_first(current, rival),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !stays {
            self.choose();
        }
    }

    fn seek_all(
        &mut self,
        direction: Direction,
        mut seek: impl FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.direction = direction;
        self.current = None;
        for source in &mut self.sources {
            seek(source.as_mut())?;
        }
        self.choose();
        Ok(())
    }

    /// Makes all sources but the current one stand as the other direction wants it.
    fn turn(&mut self, direction: Direction) -> Result<()> {
        let Some(current) = self.current.filter(|_| self.direction != direction) else { return Ok(()) };
        let Some(position) = self.position(self.current) else { return Ok(()) };
        let seqno = position.seqno;
        let mut key = std::mem::take(&mut self.turning_key);
        key.clear();
        key.extend_from_slice(self.position(self.current).map_or(&[], |position| position.key));
        self.direction = direction;
        for (index, source) in self.sources.iter_mut().enumerate() {
            if index != current {
                let position = Position { key: &key, seqno };
                match direction {
                    Direction::Forward => source.seek(position)?,
                    Direction::Backward => source.seek_before(position)?,
                }
            }
        }
        self.turning_key = key;
        // The rival of the other direction means nothing; the current entry still comes first.
        self.choose();
        Ok(())
    }

    fn step(&mut self, direction: Direction) -> Result<()> {
        self.turn(direction)?;
        let Some(source) = self.current.and_then(|current| self.sources.get_mut(current)) else {
            return Ok(());
        };
        let moved = match direction {
            Direction::Forward => source.next(),
            Direction::Backward => source.prev(),
        };
        if moved.is_err() {
            self.current = None;
        }
        moved?;
        self.choose_after_move();
        Ok(())
    }
}

impl Cursor for MergeCursor {
    fn seek_first(&mut self) -> Result<()> {
        self.seek_all(Direction::Forward, |source| source.seek_first())
    }

    fn seek_last(&mut self) -> Result<()> {
        self.seek_all(Direction::Backward, |source| source.seek_last())
    }

    fn seek(&mut self, target: Position<'_>) -> Result<()> {
        self.seek_all(Direction::Forward, |source| source.seek(target))
    }

    fn seek_before(&mut self, target: Position<'_>) -> Result<()> {
        self.seek_all(Direction::Backward, |source| source.seek_before(target))
    }

    fn next(&mut self) -> Result<()> {
        self.step(Direction::Forward)
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Direction::Backward)
    }

    fn entry(&self) -> Option<EntryRef<'_>> {
        self.sources.get(self.current?)?.entry()
    }
}

impl std::fmt::Debug for MergeCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MergeCursor").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::EntryKind;
    use crate::base::ident::SeqNo;
    use crate::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
    use proptest::prelude::*;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Move {
        First,
        Last,
        Seek(u8, u64),
        SeekBefore(u8, u64),
        Next,
        Prev,
    }

    fn moves() -> impl Strategy<Value = Move> {
        prop_oneof![
            1 => Just(Move::First),
            1 => Just(Move::Last),
            2 => (0_u8..10, 0_u64..40).prop_map(|(key, seqno)| Move::Seek(key, seqno)),
            2 => (0_u8..10, 0_u64..40).prop_map(|(key, seqno)| Move::SeekBefore(key, seqno)),
            6 => Just(Move::Next),
            6 => Just(Move::Prev),
        ]
    }

    proptest! {
        #[test]
        fn any_walk_over_the_merge_is_one_over_the_sorted_entries(
            entries in prop::collection::vec((0_u8..9, 0_usize..4), 0..40),
            walk in prop::collection::vec(moves(), 0..40),
        ) {
            let tables: Vec<_> = (0..4).map(|_| Arc::new(Memtable::new(4096))).collect();
            let mut expected = Vec::new();
            for (seqno, (key, table)) in (1..).zip(&entries) {
                let key = [*key];
                tables[*table].insert(&EntryRef {
                    key: &key, seqno: SeqNo(seqno), kind: EntryKind::Put, value: &[],
                });
                expected.push((key, SeqNo(seqno)));
            }
            let position = |entry: &([u8; 1], SeqNo)| (entry.0, std::cmp::Reverse(entry.1));
            expected.sort_by_key(position);
            let mut merge = MergeCursor::new(tables.iter().map(|table| {
                Box::new(MemtableCursor::new(Arc::clone(table), Versions::All)) as Box<dyn Cursor>
            }).collect());
            let mut at: Option<usize> = None;
            for step in walk {
                let bound = |key, seqno| {
                    expected.partition_point(|entry| position(entry) < ([key], std::cmp::Reverse(SeqNo(seqno))))
                };
                match step {
                    Move::First => { merge.seek_first()?; at = Some(0); }
                    Move::Last => { merge.seek_last()?; at = expected.len().checked_sub(1); }
                    Move::Seek(key, seqno) => {
                        merge.seek(Position { key: &[key], seqno: SeqNo(seqno) })?;
                        at = Some(bound(key, seqno));
                    }
                    Move::SeekBefore(key, seqno) => {
                        merge.seek_before(Position { key: &[key], seqno: SeqNo(seqno) })?;
                        at = bound(key, seqno).checked_sub(1);
                    }
                    Move::Next => { merge.next()?; at = at.map(|at| at + 1); }
                    Move::Prev => { merge.prev()?; at = at.and_then(|at| at.checked_sub(1)); }
                }
                at = at.filter(|at| *at < expected.len());
                let entry = merge.entry().map(|entry| (entry.key.to_vec(), entry.seqno));
                let wanted = at.map(|at| (expected[at].0.to_vec(), expected[at].1));
                prop_assert_eq!(entry, wanted);
            }
        }
    }
}
