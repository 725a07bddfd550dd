//! The merge of sorted runs into one.
//!
//! Most comparisons are of sixteen bytes: the first ones behind what all keys that matter have in common (`head`). Only
//! where those are equal, whole positions are compared.
//!
//! Invariants:
//! 1. Going forward, every source stands at its first entry at or after the current one; going backward, at its last
//!    entry at or before it. No two sources have an entry in common.
//! 2. `current` is the source whose entry is the merge's; `rival` is the next best one, as long as it is known. While the
//!    current source stays ahead of its rival, no other source is looked at.
//! 3. Each source's head is that of the entry at which it stands.

use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use std::cmp::Ordering;

/// A cursor over the entries of several sources in their order.
pub struct MergeCursor {
    sources: Vec<Source>,
    /// What keys are expected to begin with.
    common: Vec<u8>,
    direction: Direction,
    current: Option<usize>,
    rival: Option<usize>,
    /// The current position's key while the direction is turned.
    turning_key: Vec<u8>,
}

struct Source {
    cursor: Box<dyn Cursor>,
    /// `None` if it stands nowhere.
    head: Option<u128>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// A number by which keys are ordered wherever it differs: the sixteen bytes behind `common`, with zeros in place of what
/// is missing; the least or the greatest number for keys that come before or after all that begin so.
#[inline]
fn head(common: &[u8], key: &[u8]) -> u128 {
    let Some(rest) = key.strip_prefix(common) else {
        return if key < common { 0 } else { u128::MAX };
    };
    let mut bytes = [0; 16];
    match rest.first_chunk::<16>() {
        Some(whole) => bytes = *whole,
        None => bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from),
    }
    u128::from_be_bytes(bytes)
}

/// What all keys from `start` on and before `end` begin with.
fn common_to<'a>(start: &'a [u8], end: &[u8]) -> &'a [u8] {
    let length = start.iter().zip(end).take_while(|(start, end)| start == end).count();
    // An end that is the next prefix of its length: all keys begin with the one before.
    let is_next = match (start.get(length), end.get(length..)) {
        (Some(first), Some([last])) => first.checked_add(1) == Some(*last),
        _ => false,
    };
    start.get(..length + usize::from(is_next)).unwrap_or_default()
}

impl Source {
    /// Notes the entry at which it stands now.
    #[inline]
    fn note(&mut self, common: &[u8]) {
        self.head = self.cursor.entry().map(|entry| head(common, entry.key));
    }
}

impl MergeCursor {
    /// A cursor that stands nowhere.
    pub fn new(sources: Vec<Box<dyn Cursor>>) -> Self {
        Self::within(sources, &[], None)
    }

    /// A cursor that stands nowhere, for who mostly asks for keys from `start` on and before `end`.
    pub fn within(sources: Vec<Box<dyn Cursor>>, start: &[u8], end: Option<&[u8]>) -> Self {
        let common = common_to(start, end.unwrap_or_default()).to_vec();
        let sources = sources.into_iter().map(|cursor| Source { cursor, head: None }).collect();
        let (current, rival, turning_key) = (None, None, Vec::new());
        Self { sources, common, direction: Direction::Forward, current, rival, turning_key }
    }

    fn position(&self, source: usize) -> Option<Position<'_>> {
        self.sources.get(source)?.cursor.entry().map(|entry| entry.position())
    }

    /// Whether a source comes before another, or the other stands nowhere.
    #[inline]
    fn beats(&self, source: usize, other: Option<usize>) -> bool {
        let Some(other) = other else { return true };
        let heads = (self.sources.get(source).and_then(|source| source.head), self.sources.get(other));
        let (Some(head), Some(other_head)) = (heads.0, heads.1.and_then(|other| other.head)) else {
            return heads.0.is_some();
        };
        let order = head.cmp(&other_head).then_with(|| self.position(source).cmp(&self.position(other)));
        order == if self.direction == Direction::Forward { Ordering::Less } else { Ordering::Greater }
    }

    /// Finds current and rival among all sources.
    fn choose(&mut self) {
        let (mut best, mut second) = (None, None);
        for source in 0..self.sources.len() {
            if self.sources.get(source).is_none_or(|source| source.head.is_none()) {
                continue;
            }
            if self.beats(source, best) {
                second = best;
                best = Some(source);
            } else if self.beats(source, second) {
                second = Some(source);
            }
        }
        self.current = best;
        self.rival = second;
    }

    fn seek_all(
        &mut self,
        direction: Direction,
        mut seek: impl FnMut(&mut dyn Cursor) -> Result<()>,
    ) -> Result<()> {
        self.direction = direction;
        self.current = None;
        for source in &mut self.sources {
            seek(source.cursor.as_mut())?;
            source.note(&self.common);
        }
        self.choose();
        Ok(())
    }

    /// Makes all sources but the current one stand as the other direction wants it.
    fn turn(&mut self, direction: Direction) -> Result<()> {
        let Some(current) = self.current.filter(|_| self.direction != direction) else { return Ok(()) };
        let mut key = std::mem::take(&mut self.turning_key);
        key.clear();
        let Some(position) = self.position(current) else { return Ok(()) };
        let seqno = position.seqno;
        key.extend_from_slice(position.key);
        self.direction = direction;
        for (index, source) in self.sources.iter_mut().enumerate() {
            if index != current {
                let position = Position { key: &key, seqno };
                let turned = match direction {
                    Direction::Forward => source.cursor.seek(position),
                    Direction::Backward => source.cursor.seek_before(position),
                };
                if turned.is_err() {
                    self.current = None;
                }
                turned?;
                source.note(&self.common);
            }
        }
        self.turning_key = key;
        // The rival of the other direction means nothing; the current entry still comes first.
        self.choose();
        Ok(())
    }

    fn step(&mut self, direction: Direction) -> Result<()> {
        self.turn(direction)?;
        let Some(current) = self.current else { return Ok(()) };
        let Some(source) = self.sources.get_mut(current) else { return Ok(()) };
        let moved = match direction {
            Direction::Forward => source.cursor.next(),
            Direction::Backward => source.cursor.prev(),
        };
        if moved.is_err() {
            self.current = None;
        }
        moved?;
        source.note(&self.common);
        // It stays, or all are looked at.
        let stands = source.head.is_some();
        if !stands || self.rival.is_some_and(|rival| !self.beats(current, Some(rival))) {
            self.choose();
        }
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
        self.sources.get(self.current?)?.cursor.entry()
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
        fn different_heads_are_ordered_as_their_keys_and_keys_of_a_range_begin_with_what_is_common(
            keys in prop::collection::btree_set(prop::collection::vec(0_u8..4, 0..20), 3..20),
            common in prop::collection::vec(0_u8..4, 0..4),
        ) {
            let keys: Vec<_> = keys.into_iter().collect();
            for pair in keys.windows(2) {
                prop_assert!(head(&common, &pair[0]) <= head(&common, &pair[1]));
            }
            let (start, end) = (&keys[0], &keys[keys.len() - 1]);
            let common = common_to(start, end);
            for key in &keys[..keys.len() - 1] {
                prop_assert!(key.starts_with(common));
            }
        }

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
