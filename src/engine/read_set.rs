//! What a transaction has read: keys, found or not, the ranges that it walked, and when what it was given expires.
//!
//! Invariants:
//! 1. What was given to the transaction's code is covered, at any time: a cursor's walk is noted with each of its moves.
//! 2. It may cover more than was read, never less. Past a limit in bytes it is one range that covers all of it.
//! 3. Of each generation the earliest expiry is enough: by the same rule, who expires later does not die earlier.

use crate::base::expiry::{Expiry, ExpiryGeneration};
use crate::base::limits::TRANSACTION_READS_BYTES_MAX;
use crate::base::planted::{Bug, planted};
use std::collections::{BTreeMap, BTreeSet};

/// Keys from `start` on and before `end`; without an end, to the last.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) start: Vec<u8>,
    pub(super) end: Option<Vec<u8>>,
}

/// The reads of an open transaction.
#[derive(Debug, Default)]
pub(super) struct ReadSet {
    keys: BTreeSet<Vec<u8>>,
    spans: Vec<Span>,
    /// Bytes of both.
    bytes: usize,
    /// What the cursors have walked since they were last placed.
    walks: BTreeMap<WalkId, Span>,
    next_walk: WalkId,
    /// The earliest expiry of what was found, in milliseconds.
    expiries: BTreeMap<ExpiryGeneration, u64>,
}

/// A cursor's walk from where it was placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WalkId(u64);

impl ReadSet {
    /// A key was read, whether it was found or not.
    pub(super) fn note_key(&mut self, key: &[u8]) {
        if planted(Bug::TransactionReadUnchecked) || self.keys.contains(key) {
            return;
        }
        self.bytes += key.len();
        self.keys.insert(key.to_vec());
        self.stay_within_limit();
    }

    /// Every key of a range was read.
    pub(super) fn note_span(&mut self, span: Span) {
        if planted(Bug::TransactionRangeUnchecked) || is_empty(&span) {
            return;
        }
        self.bytes += size_bytes(&span);
        self.spans.push(span);
        self.stay_within_limit();
    }

    /// What was found expires.
    pub(super) fn note_expiry(&mut self, expiry: Expiry) {
        if planted(Bug::TransactionExpiryUnchecked) {
            return;
        }
        let earliest = self.expiries.entry(expiry.generation).or_insert(expiry.at_millis);
        *earliest = expiry.at_millis.min(*earliest);
    }

    /// A cursor begins a walk.
    pub(super) fn begin_walk(&mut self, span: Span) -> WalkId {
        let id = self.next_walk;
        self.next_walk = WalkId(id.0 + 1);
        self.walks.insert(id, span);
        id
    }

    /// What the walk has come to cover.
    pub(super) fn walk(&mut self, id: WalkId) -> Option<&mut Span> {
        self.walks.get_mut(&id)
    }

    /// The cursor goes elsewhere, or is gone.
    pub(super) fn end_walk(&mut self, id: WalkId) {
        if let Some(span) = self.walks.remove(&id) {
            self.note_span(span);
        }
    }

    /// Past the limit, what was read becomes one range from its first key to its last.
    fn stay_within_limit(&mut self) {
        if self.bytes <= TRANSACTION_READS_BYTES_MAX {
            return;
        }
        let keys = std::mem::take(&mut self.keys);
        let keys = keys.first().into_iter().chain(keys.last()).map(|key| just(key));
        let all = self.spans.drain(..).chain(keys.collect::<Vec<_>>()).reduce(|left, right| Span {
            start: left.start.min(right.start),
            end: left.end.zip(right.end).map(|(left, right)| left.max(right)),
        });
        self.spans.extend(all);
        self.bytes = self.spans.iter().map(size_bytes).sum();
    }

    /// The reads in the form in which they are compared with what was written.
    pub(super) fn sorted(&self) -> SortedReads<'_> {
        let walks = self.walks.values().filter(|_| !planted(Bug::TransactionRangeUnchecked));
        let mut spans: Vec<Bounds<'_>> = (self.spans.iter().chain(walks))
            .filter(|span| !is_empty(span))
            .map(|span| (span.start.as_slice(), span.end.as_deref()))
            .collect();
        spans.sort_unstable();
        let mut merged: Vec<Bounds<'_>> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match merged.last_mut() {
                Some((_, last_end)) if last_end.is_none_or(|last_end| start <= last_end) => {
                    *last_end = last_end.zip(end).map(|(left, right)| left.max(right));
                }
                _ => merged.push((start, end)),
            }
        }
        SortedReads { keys: &self.keys, spans: merged, expiries: &self.expiries }
    }
}

type Bounds<'a> = (&'a [u8], Option<&'a [u8]>);

/// Reads that can be asked whether they cover a key, and when they expire.
#[derive(Debug)]
pub(super) struct SortedReads<'a> {
    keys: &'a BTreeSet<Vec<u8>>,
    /// They do not touch one another.
    spans: Vec<Bounds<'a>>,
    expiries: &'a BTreeMap<ExpiryGeneration, u64>,
}

impl SortedReads<'_> {
    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.spans.is_empty()
    }

    /// Whether a key was read.
    pub(super) fn covers(&self, key: &[u8]) -> bool {
        let index = self.spans.partition_point(|(start, _)| *start <= key);
        let span = index.checked_sub(1).and_then(|index| self.spans.get(index));
        span.is_some_and(|(_, end)| end.is_none_or(|end| key < end)) || self.keys.contains(key)
    }

    /// Of each generation the earliest expiry of what was found.
    pub(super) fn expiries(&self) -> impl Iterator<Item = Expiry> {
        self.expiries
            .iter()
            .map(|(generation, at_millis)| Expiry { at_millis: *at_millis, generation: *generation })
    }
}

/// The span that holds one key.
fn just(key: &[u8]) -> Span {
    Span { start: key.to_vec(), end: Some(after(key)) }
}

/// The first key after `key`.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

fn is_empty(span: &Span) -> bool {
    span.end.as_ref().is_some_and(|end| *end <= span.start)
}

fn size_bytes(span: &Span) -> usize {
    span.start.len() + span.end.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: &[u8], end: Option<&[u8]>) -> Span {
        Span { start: start.to_vec(), end: end.map(<[u8]>::to_vec) }
    }

    #[test]
    fn keys_and_ranges_are_covered_and_nothing_else() {
        let mut reads = ReadSet::default();
        assert!(reads.sorted().is_empty());
        reads.note_key(b"a");
        reads.note_span(span(b"c", Some(b"e")));
        reads.note_span(span(b"d", Some(b"f")));
        reads.note_span(span(b"z", Some(b"y")));
        let walk = reads.begin_walk(span(b"k", Some(b"l")));
        reads.walk(walk).expect("it was begun").end = Some(b"m".to_vec());
        for key in ["a", "c", "d", "e\u{7f}", "k", "lzz"] {
            assert!(reads.sorted().covers(key.as_bytes()), "{key}");
        }
        for key in ["", "a\0", "b", "f", "m", "z"] {
            assert!(!reads.sorted().covers(key.as_bytes()), "{key}");
        }
        reads.end_walk(walk);
        reads.note_span(span(b"x", None));
        reads.note_span(span(b"y", Some(b"z")));
        assert!(reads.sorted().covers(b"l") && reads.sorted().covers(b"zzz"));
        assert!(!reads.sorted().covers(b"w"));
    }

    #[test]
    fn of_each_generation_the_earliest_expiry_is_kept() {
        let expiry = |at_millis, generation| Expiry { at_millis, generation: ExpiryGeneration(generation) };
        let mut reads = ReadSet::default();
        for (at_millis, generation) in [(5, 1), (3, 1), (4, 1), (9, 2)] {
            reads.note_expiry(expiry(at_millis, generation));
        }
        assert_eq!(reads.sorted().expiries().collect::<Vec<_>>(), [expiry(3, 1), expiry(9, 2)]);
    }

    #[test]
    fn past_the_limit_everything_from_first_to_last_is_covered() {
        let mut reads = ReadSet::default();
        let key = |number: u32| [&[7; 1000][..], &number.to_be_bytes()].concat();
        let count = u32::try_from(TRANSACTION_READS_BYTES_MAX / 1000).expect("a small number") + 10;
        reads.note_span(span(b"\x01", Some(b"\x02")));
        for number in 0..count {
            reads.note_key(&key(number));
            assert!(reads.bytes <= TRANSACTION_READS_BYTES_MAX);
        }
        let sorted = reads.sorted();
        assert!((0..count).all(|number| sorted.covers(&key(number))));
        assert!(sorted.covers(b"\x01") && sorted.covers(b"\x05") && !sorted.covers(b"\x00"));
        assert!(!sorted.covers(&key(count)));
    }
}
