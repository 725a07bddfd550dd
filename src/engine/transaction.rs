//! Optimistic transactions: they read one snapshot, hold no lock meanwhile, and are serializable in the order of
//! commits.
//!
//! ```text
//! begin:   register, so that commits from now on are recorded; wait for what was submitted before; take a snapshot
//! read:    at the snapshot; note what was read
//! commit:  in the serial step: was any of that written by a commit after the snapshot, or has it expired by the
//!          commit's time? conflict; else take a place
//! ```
//!
//! Invariants:
//! 1. Every commit after the snapshot is either recorded or forgotten for want of memory, which is a conflict.
//! 2. So a transaction that commits has read what a reader just before its own place in the order would have read.
//! 3. A transaction that has only read needs no commit: it was whole at its snapshot.

use super::commit::CommitGuard;
use super::cursor::{KeyRange, RangeCursor};
use super::options::Durability;
use super::read_set::{ReadSet, Span, WalkId, after};
use super::recent_commits::ReadCheck;
use super::snapshot::Snapshot;
use super::store::Engine;
use super::ticket::{Submitted, Ticket};
use crate::base::batch::WriteBatch;
use crate::base::error::Result;
use crate::base::expiry::Expiry;
use crate::base::ident::SeqNo;
use parking_lot::Mutex;
use std::sync::Arc;

/// A transaction, open until it is dropped. Commits are recorded for it meanwhile: it should be short.
#[derive(Debug)]
pub struct Transaction {
    engine: Engine,
    snapshot: Snapshot,
    reads: Arc<Mutex<ReadSet>>,
    registered_at: SeqNo,
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.engine.shared.pipeline.forget_transaction(self.registered_at);
    }
}

impl Engine {
    /// Begins a transaction. It sees everything that was submitted before.
    pub fn begin_transaction(&self) -> Result<Transaction> {
        self.shared.check_open()?;
        let last = self.shared.pipeline.register_transaction();
        // A poisoned engine still reads, and commits nothing more: what was not published never will be, and whatever
        // is published is all that a transaction can see.
        let _ = Ticket::new(Arc::clone(&self.shared), last).wait();
        Ok(Transaction {
            engine: self.without_ownership(),
            snapshot: self.snapshot(),
            reads: Arc::default(),
            registered_at: last.seqno,
        })
    }

    /// Commits what a transaction writes, unless something that it has read was written since its snapshot, or has
    /// expired by the commit's time.
    ///
    /// The transaction stays as it is: a batch that was stale can be derived anew and committed with the same one. After
    /// a conflict it can only be dropped.
    ///
    /// REQUIRES: the keys of the batch are locked by the caller, so that who reads the latest version of one of them
    /// under its lock can rely on it.
    pub fn commit_transaction(
        &self,
        transaction: &Transaction,
        batch: &WriteBatch,
        durability: Durability,
        guard: &dyn CommitGuard,
    ) -> Result<Submitted> {
        let reads = transaction.reads.lock();
        let check = ReadCheck::new(reads.sorted(), &self.shared.rules, transaction.snapshot.seqno());
        self.submit_checked(batch, durability, guard, Some(check))
    }
}

impl Transaction {
    /// The moment that it reads.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Calls `read` with the value of a key.
    pub fn get<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        self.get_expiring(key, |value, _| read(value))
    }

    /// As [`get`](Self::get), also with the value's expiry.
    pub fn get_expiring<R>(
        &self,
        key: &[u8],
        read: impl FnOnce(&[u8], Option<Expiry>) -> R,
    ) -> Result<Option<R>> {
        self.note_read(key);
        self.engine.get_entry(key, Some(&self.snapshot), |entry| {
            let expiry = entry.kind.expiry();
            if let Some(expiry) = expiry {
                self.note_expiry(expiry);
            }
            read(entry.value, expiry)
        })
    }

    /// A cursor over a range. What it walks counts as read, and no more of the range than that.
    pub fn cursor(&self, range: KeyRange) -> Result<TransactionCursor> {
        let cursor = self.engine.cursor(range.clone(), Some(&self.snapshot))?;
        Ok(TransactionCursor { cursor, range, reads: Arc::clone(&self.reads), walk: None })
    }

    /// A key was read at the snapshot in another way. What was found may expire: see [`note_expiry`](Self::note_expiry).
    pub fn note_read(&self, key: &[u8]) {
        self.reads.lock().note_key(key);
    }

    /// Every key of a range was read at the snapshot in another way. What was found may expire: see
    /// [`note_expiry`](Self::note_expiry).
    pub fn note_range(&self, range: KeyRange) {
        let KeyRange { start, end } = range;
        self.reads.lock().note_span(Span { start, end });
    }

    /// Something that was found at the snapshot in another way expires.
    pub fn note_expiry(&self, expiry: Expiry) {
        self.reads.lock().note_expiry(expiry);
    }
}

/// As [`RangeCursor`], with every move noted among the reads of its transaction.
///
/// What is noted is the range between the farthest places on both sides that it came to since it was placed, those
/// included, and the place that was asked for; and when the values expire that it came to.
#[derive(Debug)]
pub struct TransactionCursor {
    cursor: RangeCursor,
    range: KeyRange,
    reads: Arc<Mutex<ReadSet>>,
    walk: Option<WalkId>,
}

impl TransactionCursor {
    /// The key that it stands at.
    pub fn key(&self) -> Option<&[u8]> {
        self.cursor.key()
    }

    /// The value of that key.
    pub fn value(&self) -> Option<&[u8]> {
        self.cursor.value()
    }

    /// Moves to the first key of the range.
    pub fn seek_first(&mut self) -> Result<()> {
        self.cursor.seek_first()?;
        self.note_forward_seek(self.range.start.clone());
        Ok(())
    }

    /// Moves to the last key of the range.
    pub fn seek_last(&mut self) -> Result<()> {
        self.cursor.seek_last()?;
        self.note_backward_seek(self.range.end.clone());
        Ok(())
    }

    /// Moves to the first key of the range that is not less than `key`.
    pub fn seek(&mut self, key: &[u8]) -> Result<()> {
        self.cursor.seek(key)?;
        self.note_forward_seek(key.max(&self.range.start).to_vec());
        Ok(())
    }

    /// Moves to the last key of the range that is less than `key`.
    pub fn seek_before(&mut self, key: &[u8]) -> Result<()> {
        self.cursor.seek_before(key)?;
        let end = self.range.end.as_deref().map_or(key, |end| end.min(key));
        self.note_backward_seek(Some(end.to_vec()));
        Ok(())
    }

    /// Moves to the next key.
    #[expect(clippy::should_implement_trait, reason = "a cursor lends what it stands at; an iterator cannot")]
    pub fn next(&mut self) -> Result<()> {
        if self.key().is_none() {
            return self.cursor.next();
        }
        self.cursor.next()?;
        self.widen(|span, key, range| match key {
            Some(key) if span.end.as_deref().is_some_and(|end| end <= key) => {
                let mut end = span.end.take().unwrap_or_default();
                end.clear();
                end.extend_from_slice(key);
                end.push(0);
                span.end = Some(end);
            }
            Some(_) => {}
            None => span.end.clone_from(&range.end),
        });
        Ok(())
    }

    /// Moves to the key before.
    pub fn prev(&mut self) -> Result<()> {
        if self.key().is_none() {
            return self.cursor.prev();
        }
        self.cursor.prev()?;
        self.widen(|span, key, range| match key {
            Some(key) if key < span.start.as_slice() => {
                span.start.clear();
                span.start.extend_from_slice(key);
            }
            Some(_) => {}
            None => span.start.clone_from(&range.start),
        });
        Ok(())
    }

    /// The cursor looked for the first key from `start` on.
    fn note_forward_seek(&mut self, start: Vec<u8>) {
        let end = self.cursor.key().map(after).or_else(|| self.range.end.clone());
        self.begin_walk(Span { start, end });
    }

    /// The cursor looked for the last key before `end`.
    fn note_backward_seek(&mut self, end: Option<Vec<u8>>) {
        let start = self.cursor.key().unwrap_or(&self.range.start).to_vec();
        self.begin_walk(Span { start, end });
    }

    fn begin_walk(&mut self, span: Span) {
        let mut reads = self.reads.lock();
        if let Some(walk) = self.walk.take() {
            reads.end_walk(walk);
        }
        self.walk = Some(reads.begin_walk(span));
        if let Some(expiry) = self.cursor.expiry() {
            reads.note_expiry(expiry);
        }
    }

    fn widen(&self, widen: impl FnOnce(&mut Span, Option<&[u8]>, &KeyRange)) {
        let mut reads = self.reads.lock();
        if let Some(span) = self.walk.and_then(|walk| reads.walk(walk)) {
            widen(span, self.cursor.key(), &self.range);
        }
        if let Some(expiry) = self.cursor.expiry() {
            reads.note_expiry(expiry);
        }
    }
}

impl Drop for TransactionCursor {
    fn drop(&mut self) {
        if let Some(walk) = self.walk.take() {
            self.reads.lock().end_walk(walk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{DeadEntries, ExpiryGeneration, ExpiryRule};
    use crate::engine::commit::Unguarded;
    use crate::engine::options::EngineOptions;
    use crate::env::sim::Simulation;
    use std::path::Path;
    use std::time::Duration;

    fn engine(keys: &[&str]) -> Engine {
        let environment = Simulation::new(1).environment();
        let engine = Engine::open(environment, Path::new("/store"), EngineOptions::default());
        let engine = engine.expect("a new store");
        for key in keys {
            put(&engine, key);
        }
        engine
    }

    fn put(engine: &Engine, key: &str) {
        engine.write(&batch(key), Durability::Buffered).expect("space");
    }

    fn batch(key: &str) -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.put(key.into(), b"value".to_vec());
        batch
    }

    fn commits(engine: &Engine, transaction: &Transaction) -> bool {
        match engine.commit_transaction(transaction, &batch("mine"), Durability::Buffered, &Unguarded) {
            Ok(Submitted::Accepted(ticket)) => ticket.wait().is_ok(),
            Ok(Submitted::Conflict) => false,
            other => panic!("neither committed nor in conflict: {other:?}"),
        }
    }

    /// Which of the keys, written by somebody else, are in conflict with what `read` does.
    fn conflicts(read: impl Fn(&Transaction)) -> String {
        let keys = "abcdefghi";
        let is_conflict = |key: &str| {
            let engine = engine(&["b", "d", "f", "h"]);
            let transaction = engine.begin_transaction().expect("the store is open");
            read(&transaction);
            put(&engine, key);
            !commits(&engine, &transaction)
        };
        keys.chars().filter(|key| is_conflict(&key.to_string())).collect()
    }

    fn range(start: &str, end: Option<&str>) -> KeyRange {
        KeyRange { start: start.into(), end: end.map(Into::into) }
    }

    fn walk(range: &KeyRange, moves: impl Fn(&mut TransactionCursor) -> Result<()>) -> String {
        conflicts(|transaction| {
            let mut cursor = transaction.cursor(range.clone()).expect("the store is open");
            moves(&mut cursor).expect("memory");
        })
    }

    #[test]
    fn a_key_that_was_read_is_in_conflict_whether_it_was_found_or_not() {
        let found = |transaction: &Transaction| {
            assert!(transaction.get(b"b", |_| ()).expect("memory").is_some());
        };
        let absent = |transaction: &Transaction| {
            assert!(transaction.get(b"c", |_| ()).expect("memory").is_none());
        };
        assert_eq!((conflicts(found), conflicts(absent)), ("b".to_owned(), "c".to_owned()));
        assert_eq!(conflicts(|_| ()), "", "a blind write is never in conflict");
        assert_eq!(conflicts(|transaction| transaction.note_read(b"i")), "i");
        assert_eq!(conflicts(|transaction| transaction.note_range(range("c", Some("e")))), "cd");
    }

    #[test]
    fn of_a_range_only_what_was_walked_is_in_conflict() {
        assert_eq!(walk(&KeyRange::default(), |_| Ok(())), "");
        assert_eq!(walk(&KeyRange::default(), TransactionCursor::seek_first), "ab");
        assert_eq!(walk(&KeyRange::default(), TransactionCursor::seek_last), "hi");
        assert_eq!(walk(&range("c", Some("g")), TransactionCursor::seek_first), "cd");
        assert_eq!(walk(&range("c", Some("g")), TransactionCursor::seek_last), "f");
        assert_eq!(walk(&range("a", Some("i")), |cursor| cursor.seek("e".as_bytes())), "ef");
        assert_eq!(walk(&range("a", Some("i")), |cursor| cursor.seek_before("e".as_bytes())), "d");
        assert_eq!(walk(&range("c", Some("g")), |cursor| cursor.seek(b"a")), "cd");
        assert_eq!(walk(&range("c", Some("g")), |cursor| cursor.seek_before(b"z")), "f");
        assert_eq!(walk(&range("c", Some("g")), |cursor| cursor.seek(b"h")), "");
    }

    #[test]
    fn steps_widen_a_walk_both_ways() {
        let forward = |steps| {
            walk(&range("c", Some("i")), move |cursor| {
                cursor.seek_first()?;
                (0..steps).try_for_each(|_| cursor.next())
            })
        };
        assert_eq!([1, 2, 3, 4].map(forward), ["cdef", "cdefgh", "cdefgh", "cdefgh"]);
        let backward = |steps| {
            walk(&range("a", Some("g")), move |cursor| {
                cursor.seek_last()?;
                (0..steps).try_for_each(|_| cursor.prev())
            })
        };
        assert_eq!([1, 2, 3, 4].map(backward), ["def", "bcdef", "abcdef", "abcdef"]);
        let turns = walk(&KeyRange::default(), |cursor| {
            cursor.seek(b"f")?;
            cursor.prev()?;
            cursor.next()?;
            cursor.next()
        });
        assert_eq!(turns, "defgh");
    }

    #[test]
    fn walks_before_another_seek_and_of_open_cursors_count() {
        let seek_both_ends = |transaction: &Transaction| {
            let mut cursor = transaction.cursor(KeyRange::default()).expect("the store is open");
            cursor.seek_first().expect("memory");
            cursor.seek_last().expect("memory");
            cursor
        };
        assert_eq!(conflicts(|transaction| drop(seek_both_ends(transaction))), "abhi");
        let engine = engine(&["b", "d"]);
        let transaction = engine.begin_transaction().expect("the store is open");
        let cursor = seek_both_ends(&transaction);
        put(&engine, "d");
        assert!(!commits(&engine, &transaction));
        drop(cursor);
    }

    type Moves = fn(&mut TransactionCursor) -> Result<()>;

    /// How long entries of the tests live, in milliseconds.
    const LIFE_MILLIS: u64 = 100;

    /// Puts "d", which expires.
    fn put_mortal(engine: &Engine) {
        let at_millis = engine.now().0 + LIFE_MILLIS;
        let mut mortal = WriteBatch::new();
        mortal.put_expiring(b"d".to_vec(), Vec::new(), Expiry { at_millis, generation: ExpiryGeneration(1) });
        engine.write(&mortal, Durability::Buffered).expect("space");
    }

    /// Whether a transaction that does `read` may commit so many milliseconds after "d", which it may see, was put.
    fn commits_after(millis: u64, read: impl Fn(&Transaction)) -> bool {
        let simulation = Simulation::new(1);
        let engine = Engine::open(simulation.environment(), Path::new("/store"), EngineOptions::default());
        let engine = engine.expect("a new store");
        put(&engine, "b");
        put(&engine, "f");
        put_mortal(&engine);
        let transaction = engine.begin_transaction().expect("the store is open");
        read(&transaction);
        simulation.clock().advance(Duration::from_millis(millis));
        let is_done = commits(&engine, &transaction);
        assert_eq!(engine.get(b"mine", None, |_| ()).expect("memory").is_some(), is_done);
        is_done
    }

    #[test]
    fn what_was_read_and_has_expired_by_the_commit_is_in_conflict() {
        let check = |read: &dyn Fn(&Transaction)| {
            assert!(commits_after(LIFE_MILLIS - 1, read));
            assert!(!commits_after(LIFE_MILLIS, read));
        };
        check(&|transaction| transaction.get(b"d", |_| ()).expect("memory").expect("it lives"));
        check(&|transaction| {
            let at_millis = transaction.snapshot().time().0 + LIFE_MILLIS;
            transaction.note_expiry(Expiry { at_millis, generation: ExpiryGeneration(1) });
        });
        let walks: [Moves; 5] = [
            |cursor| cursor.seek(b"c"),
            |cursor| cursor.seek_before(b"e"),
            |cursor| cursor.seek_first().and_then(|()| cursor.next()),
            |cursor| cursor.seek_last().and_then(|()| cursor.prev()),
            |cursor| cursor.seek(b"c").and_then(|()| cursor.next()),
        ];
        for walk in walks {
            check(&|transaction| {
                let mut cursor = transaction.cursor(KeyRange::default()).expect("the store is open");
                walk(&mut cursor).expect("memory");
            });
        }
    }

    #[test]
    fn what_expires_unread_is_no_conflict() {
        assert!(commits_after(LIFE_MILLIS, |_| ()), "a blind write");
        assert!(commits_after(LIFE_MILLIS, |transaction| {
            transaction.get(b"b", |_| ()).expect("memory").expect("it is there");
            let mut cursor = transaction.cursor(KeyRange::default()).expect("the store is open");
            cursor.seek_first().expect("memory");
            cursor.seek_last().expect("memory");
        }));
    }

    #[test]
    fn what_had_expired_when_it_was_read_is_in_conflict_only_if_it_is_written() {
        let rule = |dead| {
            let rule = ExpiryRule { ended_at: None, dead };
            [(ExpiryGeneration(1), rule)].into_iter().collect()
        };
        for (dead, is_seen) in [(DeadEntries::Hidden, false), (DeadEntries::Shown, true)] {
            let simulation = Simulation::new(1);
            let engine =
                Engine::open(simulation.environment(), Path::new("/store"), EngineOptions::default());
            let engine = engine.expect("a new store");
            engine.set_expiry_rules(rule(dead));
            put_mortal(&engine);
            simulation.clock().advance(Duration::from_millis(LIFE_MILLIS));
            let begin = || {
                let transaction = engine.begin_transaction().expect("the store is open");
                assert_eq!(transaction.get(b"d", |_| ()).expect("memory").is_some(), is_seen);
                transaction
            };
            assert!(commits(&engine, &begin()));
            let transaction = begin();
            put(&engine, "d");
            assert!(!commits(&engine, &transaction));
        }
    }

    #[test]
    fn a_transaction_sees_its_snapshot_and_everything_submitted_before() {
        let engine = engine(&[]);
        let ticket = engine.submit(&batch("before"), Durability::Durable).expect("space");
        assert_eq!(engine.get(b"before", None, |_| ()).expect("memory"), None, "it is not published yet");
        let transaction = engine.begin_transaction().expect("the store is open");
        assert!(ticket.step().is_some_and(|outcome| outcome.is_ok()), "it was waited for");
        put(&engine, "after");
        let sees = |key: &[u8]| transaction.get(key, |_| ()).expect("memory").is_some();
        assert!(sees(b"before") && !sees(b"after"));
        let mut cursor = transaction.cursor(KeyRange::default()).expect("the store is open");
        cursor.seek_first().expect("memory");
        assert_eq!((cursor.key(), cursor.value()), (Some(&b"before"[..]), Some(&b"value"[..])));
        cursor.next().expect("memory");
        assert_eq!(cursor.key(), None);
    }

    #[test]
    fn a_dropped_transaction_costs_nothing_more() {
        let engine = engine(&[]);
        let transaction = engine.begin_transaction().expect("the store is open");
        assert!(engine.shared.pipeline.is_recording());
        drop(transaction);
        assert!(!engine.shared.pipeline.is_recording());
        assert_eq!(engine.statistics().snapshots, 0);
    }

    #[test]
    fn a_transaction_does_not_keep_the_store_open() {
        let engine = engine(&["key"]);
        let transaction = engine.begin_transaction().expect("the store is open");
        drop(engine);
        assert!(transaction.get(b"key", |_| ()).is_err());
    }
}
