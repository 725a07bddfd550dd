//! The keys that recent commits wrote, kept while transactions are open, so that their reads can be checked.
//!
//! Invariants:
//! 1. While a transaction is open, every commit after `complete_after` is in the window, oldest first. Who has read as
//!    of an earlier commit cannot be checked any more: that is a conflict.
//! 2. The window's memory is bounded. It is empty while no transaction is open, and then recording costs one load.
//! 3. A transaction registers under the lock under which commits get their place; so a commit is either before it, or
//!    recorded.
//! 4. Whether something has expired is asked once, of the commit's own time and by the rules of that moment.
//!
//! A transaction looks at most of the window before it asks for its place, and under the lock only at what came since.

use super::read_set::SortedReads;
use super::rules::Rules;
use crate::base::ident::{CommitTime, SeqNo};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The window of recent commits.
#[derive(Debug)]
pub(super) struct RecentCommits {
    bytes_max: usize,
    /// Whether a transaction is open. Changed under the window's lock, and to `true` under the commit state's too.
    is_recording: AtomicBool,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    /// The last commit when each open transaction registered, and how many registered there.
    open: BTreeMap<SeqNo, usize>,
    commits: VecDeque<Arc<WriteSet>>,
    bytes: usize,
    complete_after: SeqNo,
}

/// The keys that one commit wrote, end to end.
#[derive(Debug)]
pub(super) struct WriteSet {
    seqno: SeqNo,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RecentCommits {
    pub(super) fn new(bytes_max: usize) -> Self {
        let (open, commits) = (BTreeMap::new(), VecDeque::new());
        let window = Mutex::new(Window { open, commits, bytes: 0, complete_after: SeqNo::ZERO });
        Self { bytes_max, is_recording: AtomicBool::new(false), window }
    }

    /// A transaction begins after the commit `last`, which is the newest.
    ///
    /// REQUIRES: the commit state's lock is held.
    pub(super) fn register(&self, last: SeqNo) {
        let mut window = self.window.lock();
        if window.open.is_empty() {
            window.complete_after = last;
        }
        *window.open.entry(last).or_default() += 1;
        self.is_recording.store(true, Ordering::Relaxed);
    }

    /// A transaction that registered after the commit `at` is over.
    pub(super) fn unregister(&self, at: SeqNo) {
        let mut window = self.window.lock();
        if let Some(count) = window.open.get_mut(&at) {
            *count -= 1;
            if *count == 0 {
                window.open.remove(&at);
            }
        }
        let oldest = window.open.keys().next().copied();
        if oldest.is_none() {
            self.is_recording.store(false, Ordering::Relaxed);
        }
        window.forget_through(oldest.unwrap_or(SeqNo::MAX));
    }

    /// Whether commits are to be recorded.
    ///
    /// REQUIRES: the commit state's lock is held.
    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.is_recording.load(Ordering::Relaxed)
    }

    /// Keeps what a commit wrote.
    ///
    /// REQUIRES: the commit state's lock is held, under which the commit got its place.
    pub(super) fn record(&self, writes: WriteSet) {
        let mut window = self.window.lock();
        if window.open.is_empty() {
            return;
        }
        window.bytes += writes.memory_bytes();
        window.commits.push_back(Arc::new(writes));
        while window.bytes > self.bytes_max {
            window.forget_oldest();
        }
    }

    /// The commits after `seqno`; `None` if some of them are not known any more.
    fn after(&self, seqno: SeqNo) -> Option<Vec<Arc<WriteSet>>> {
        let window = self.window.lock();
        if seqno < window.complete_after {
            return None;
        }
        let start = window.commits.partition_point(|writes| writes.seqno <= seqno);
        Some(window.commits.range(start..).cloned().collect())
    }
}

impl Window {
    fn forget_oldest(&mut self) {
        if let Some(forgotten) = self.commits.pop_front() {
            self.bytes -= forgotten.memory_bytes();
            self.complete_after = self.complete_after.max(forgotten.seqno);
        }
    }

    fn forget_through(&mut self, seqno: SeqNo) {
        while self.commits.front().is_some_and(|writes| writes.seqno <= seqno) {
            self.forget_oldest();
        }
    }
}

impl WriteSet {
    /// The write set of a commit, to be filled by [`add`](Self::add).
    pub(super) fn new(seqno: SeqNo, key_count: usize) -> Self {
        Self { seqno, bytes: Vec::new(), ends: Vec::with_capacity(key_count) }
    }

    /// The commit wrote this key.
    pub(super) fn add(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end])
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// The check of a transaction's reads, as far as it has come.
#[derive(Debug)]
pub(super) struct ReadCheck<'a> {
    reads: SortedReads<'a>,
    rules: &'a Rules,
    /// No commit up to this one is in conflict with the reads.
    checked: SeqNo,
}

/// Whether reads still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Hold,
    Conflict,
}

impl<'a> ReadCheck<'a> {
    /// The check of what was read as of the commit `at`.
    pub(super) fn new(reads: SortedReads<'a>, rules: &'a Rules, at: SeqNo) -> Self {
        Self { reads, rules, checked: at }
    }

    /// Goes on over the commits that have come since.
    pub(super) fn advance(&mut self, recent: &RecentCommits) -> Reads {
        if self.reads.is_empty() {
            return Reads::Hold;
        }
        let Some(commits) = recent.after(self.checked) else { return Reads::Conflict };
        for writes in commits {
            if writes.keys().any(|key| self.reads.covers(key)) {
                return Reads::Conflict;
            }
            self.checked = writes.seqno;
        }
        Reads::Hold
    }

    /// Whether a reader at the commit's time would still be given what was found.
    pub(super) fn at(&self, time: CommitTime) -> Reads {
        if self.reads.expiries().any(|expiry| self.rules.is_hidden(expiry, time)) {
            return Reads::Conflict;
        }
        Reads::Hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule};
    use crate::engine::read_set::ReadSet;

    fn commit(recent: &RecentCommits, seqno: u64, key: &[u8]) {
        if recent.is_recording() {
            let mut writes = WriteSet::new(SeqNo(seqno), 2);
            writes.add(b"first");
            writes.add(key);
            recent.record(writes);
        }
    }

    fn check(recent: &RecentCommits, at: u64, key: &[u8]) -> Reads {
        let mut reads = ReadSet::default();
        reads.note_key(key);
        let sorted = reads.sorted();
        ReadCheck::new(sorted, &Rules::default(), SeqNo(at)).advance(recent)
    }

    fn remembered(recent: &RecentCommits) -> (usize, usize) {
        let window = recent.window.lock();
        (window.commits.len(), window.bytes)
    }

    #[test]
    fn only_what_was_written_after_the_read_is_a_conflict() {
        let recent = RecentCommits::new(10_000);
        recent.register(SeqNo(1));
        for (seqno, key) in (2..).zip([b"k2", b"k3", b"k4"]) {
            commit(&recent, seqno, key);
        }
        assert_eq!(check(&recent, 1, b"k2"), Reads::Conflict);
        assert_eq!(check(&recent, 2, b"k2"), Reads::Hold);
        assert_eq!(check(&recent, 2, b"first"), Reads::Conflict);
        assert_eq!(check(&recent, 3, b"k4"), Reads::Conflict);
        assert_eq!(check(&recent, 1, b"k5"), Reads::Hold);
    }

    #[test]
    fn nothing_is_kept_that_no_open_transaction_needs() {
        let recent = RecentCommits::new(10_000);
        commit(&recent, 1, b"k");
        assert_eq!(remembered(&recent), (0, 0));
        recent.register(SeqNo(1));
        commit(&recent, 2, b"k");
        recent.register(SeqNo(2));
        recent.register(SeqNo(2));
        commit(&recent, 3, b"k");
        assert_eq!(remembered(&recent).0, 2);
        recent.unregister(SeqNo(1));
        assert_eq!(remembered(&recent).0, 1);
        recent.unregister(SeqNo(2));
        assert_eq!(remembered(&recent).0, 1);
        recent.unregister(SeqNo(2));
        assert_eq!(remembered(&recent), (0, 0));
        assert!(!recent.is_recording());
    }

    #[test]
    fn past_the_memory_it_is_a_conflict() {
        let recent = RecentCommits::new(1000);
        recent.register(SeqNo(0));
        for seqno in 1..100 {
            commit(&recent, seqno, b"other");
            assert!(remembered(&recent).1 <= 1000);
        }
        assert_eq!(check(&recent, 0, b"key"), Reads::Conflict);
        assert_eq!(check(&recent, 98, b"key"), Reads::Hold);
        let reads = ReadSet::default();
        let (rules, sorted) = (Rules::default(), reads.sorted());
        assert_eq!(ReadCheck::new(sorted, &rules, SeqNo(0)).advance(&recent), Reads::Hold, "a blind write");
    }

    #[test]
    fn a_check_goes_on_from_where_it_came_to() {
        let recent = RecentCommits::new(10_000);
        recent.register(SeqNo(0));
        let mut reads = ReadSet::default();
        reads.note_key(b"key");
        let rules = Rules::default();
        let mut check = ReadCheck::new(reads.sorted(), &rules, SeqNo(0));
        commit(&recent, 1, b"other");
        assert_eq!((check.advance(&recent), check.checked), (Reads::Hold, SeqNo(1)));
        commit(&recent, 2, b"key");
        assert_eq!(check.advance(&recent), Reads::Conflict);
    }

    #[test]
    fn what_expires_by_the_commit_s_time_is_a_conflict_if_it_is_hidden_then() {
        let expiry = Expiry { at_millis: 100, generation: ExpiryGeneration(1) };
        let rules = Rules::default();
        let mut reads = ReadSet::default();
        reads.note_expiry(expiry);
        let at = |time| ReadCheck::new(reads.sorted(), &rules, SeqNo(0)).at(CommitTime(time));
        assert_eq!((at(99), at(100)), (Reads::Hold, Reads::Conflict));
        let rule =
            |ended_at, dead| [(expiry.generation, ExpiryRule { ended_at, dead })].into_iter().collect();
        rules.change_expiry(
            || CommitTime(0),
            |rules, _| *rules = rule(Some(CommitTime(99)), DeadEntries::Hidden),
        );
        assert_eq!(at(100), Reads::Hold, "its generation ended before it died");
        rules.change_expiry(|| CommitTime(0), |rules, _| *rules = rule(None, DeadEntries::Shown));
        assert_eq!(at(100), Reads::Hold, "the dead are seen");
    }
}
