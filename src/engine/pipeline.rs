//! The commit pipeline: a short serial step, then group commit by whoever holds the log.
//!
//! ```text
//! submit(batch):                       under the commit state's lock
//!   refuse if closed or poisoned
//!   seqno := last + 1; time := max(last, now)
//!   a transaction's reads no longer hold? conflict; the guard says stale? stale
//!   freeze the memtable if it is full: queue a rotation of the log
//!   stamp and queue the record; insert into the memtable
//!   a transaction is open? keep what was written; tell the guard
//! advance():                           under the log's lock, one phase a call
//!   written group waiting for its sync?  sync it, publish it
//!   else take what is queued:            rotation: sync, next segment
//!                                        records: write; if none is durable, publish; else leave it to be synced
//! wait(ticket):                        until published, advance; if somebody else holds the log, sleep
//! await ticket:                        a job advances as long as tasks await commits; whoever publishes wakes them
//! ```
//!
//! Invariants:
//! 1. Records enter the log in the order of their sequence numbers, and are published in it. Readers see only what is
//!    published: a durable write after its sync, a buffered one after its write.
//! 2. Unpublished entries are in the memtable, seen only by writers that hold the key's lock, and are never flushed.
//! 3. After a failed write or sync: what was handed to the log is Unknown, the rest Rejected; nothing more is published.
//! 4. What is refused, stale or in conflict leaves no trace in the order.
//! 5. The next group forms while the last one syncs: the state's lock is never held over I/O.

use super::commit::{Commit, CommitGuard, Verdict};
use super::log::{LogEndOf, LogWriter};
use super::options::Durability;
use super::poison::Poison;
use super::recent_commits::{ReadCheck, Reads, RecentCommits, WriteSet};
use super::statistics::{Counters, add};
use super::waiters::Waiters;
use crate::base::batch::{WriteBatch, encode_commit};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileNumber, Moment, SeqNo};
use crate::base::limits::{LOG_PENDING_BYTES_MAX, TRANSACTION_WINDOW_BYTES_MAX};
use crate::base::planted::{Bug, planted};
use crate::env::schedule::{Event, Scheduler};
use crate::lsm::memtable::table::Memtable;
use crate::lsm::timeline;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    state: Mutex<State>,
    log: Mutex<Log>,
    published: CachePadded<Published>,
    /// What was written while transactions were open.
    recent: RecentCommits,
    /// The segment that the log is writing.
    log_segment: AtomicU64,
    /// The last commit that is durable.
    synced: AtomicU64,
    /// The same, with the place in the log. Set by who holds the log.
    promised: Mutex<Promised>,
    /// The segments before that, as long as somebody may ask for them.
    closed: Mutex<BTreeMap<FileNumber, LogEndOf>>,
    /// Happens whenever the log is let go of.
    progress: Event,
    /// Tasks that await commits.
    pub(super) waiters: Waiters,
}

/// How far the log is durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promised {
    /// The segments before this one are durable to their ends.
    pub(super) segment: FileNumber,
    /// And this one so far, in bytes.
    pub(super) bytes: u64,
    /// The last commit in it.
    pub(super) last: Commit,
}

/// The newest commit that readers see.
#[derive(Debug)]
struct Published {
    seqno: AtomicU64,
    /// Stored before the number: never behind it.
    time: AtomicU64,
}

#[derive(Debug)]
struct State {
    last: Commit,
    /// No later commit has an earlier time.
    earliest_next: CommitTime,
    queue: VecDeque<Work>,
    queued_bytes: usize,
    segment: FileNumber,
    handed_seqno: SeqNo,
    sync_is_wanted: bool,
    is_closed: bool,
}

/// What is to be done to the log, in order.
#[derive(Debug)]
enum Work {
    Records(Group),
    Rotate { number: FileNumber, last_seqno: SeqNo },
}

/// Records that are written together.
#[derive(Debug)]
struct Group {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    last: Commit,
    durability: Durability,
}

#[derive(Debug)]
struct Log {
    writer: LogWriter,
    /// Written, to be synced before it is published.
    unsynced: Option<Commit>,
    /// The last commit that was written.
    written: Commit,
}

/// A batch that asks for its place.
pub(super) struct Request<'a> {
    pub(super) batch: &'a WriteBatch,
    pub(super) durability: Durability,
    pub(super) now: CommitTime,
    pub(super) guard: &'a dyn CommitGuard,
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Committed(Commit),
    /// The guard says that the batch must be derived again.
    Stale,
    /// What the transaction has read was written since, or has expired.
    Conflict,
}

/// What a phase did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// Something: there may be more.
    Progressed,
    /// Somebody else holds the log.
    Busy,
    /// There was nothing to do.
    Idle,
}

/// Whether the active memtable was frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WasFrozen {
    Yes,
    No,
}

impl Pipeline {
    /// A pipeline that goes on after `last`, all of which is published.
    pub(super) fn new(
        writer: LogWriter,
        last: Commit,
        closed: impl IntoIterator<Item = (FileNumber, LogEndOf)>,
    ) -> Self {
        let state = State {
            last,
            earliest_next: last.time,
            queue: VecDeque::new(),
            queued_bytes: 0,
            segment: writer.number(),
            handed_seqno: last.seqno,
            sync_is_wanted: false,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            log_segment: AtomicU64::new(writer.number().0),
            synced: AtomicU64::new(last.seqno.0),
            closed: Mutex::new(closed.into_iter().collect()),
            promised: Mutex::new(Promised { segment: writer.number(), bytes: writer.synced_bytes(), last }),
            log: Mutex::new(Log { writer, unsynced: None, written: last }),
            published: CachePadded::new(Published {
                seqno: AtomicU64::new(last.seqno.0),
                time: AtomicU64::new(last.time.0),
            }),
            recent: RecentCommits::new(TRANSACTION_WINDOW_BYTES_MAX),
            progress: Event::new(),
            waiters: Waiters::default(),
        }
    }

    /// The newest commit that readers see.
    #[inline]
    pub(super) fn published(&self) -> SeqNo {
        SeqNo(self.published.seqno.load(Ordering::SeqCst))
    }

    /// No less than the time of the newest commit that readers see.
    #[inline]
    pub(super) fn published_time(&self) -> CommitTime {
        CommitTime(self.published.time.load(Ordering::SeqCst))
    }

    /// The last commit that is durable, together with all before it.
    pub(super) fn synced(&self) -> SeqNo {
        SeqNo(self.synced.load(Ordering::SeqCst))
    }

    /// Where a closed segment ends, if it was closed, or replayed, since the store was opened.
    pub(super) fn closed(&self, segment: FileNumber) -> Option<LogEndOf> {
        self.closed.lock().get(&segment).copied()
    }

    /// Nobody asks for the ends of segments before this one any more.
    pub(super) fn forget_closed(&self, before: FileNumber) {
        let mut closed = self.closed.lock();
        *closed = closed.split_off(&before);
    }

    /// How far the log is durable.
    pub(super) fn promised(&self) -> Promised {
        *self.promised.lock()
    }

    /// The last commit that has its place in the order.
    pub(super) fn last(&self) -> Commit {
        self.state.lock().last
    }

    /// The segment that the log is writing: those before it are synced to their end.
    pub(super) fn log_segment(&self) -> FileNumber {
        FileNumber(self.log_segment.load(Ordering::SeqCst))
    }

    /// The serial step.
    ///
    /// `reads` is the check of a transaction's reads; most of it is done before the lock is taken. `memtable_for` gives
    /// the memtable to insert into. If the active one is full, it freezes that first, noting the log segment and the
    /// last commit that it is given.
    pub(super) fn submit(
        &self,
        request: &Request<'_>,
        mut reads: Option<ReadCheck<'_>>,
        poison: &Poison,
        memtable_for: impl FnOnce(FileNumber, Commit) -> (Arc<Memtable>, WasFrozen),
    ) -> Result<Decision> {
        let Request { batch, durability, now, guard } = *request;
        batch.check_limits()?;
        let mut body = batch.encode_body();
        // The second time over what came during the first, so that little is left for the serial step.
        for _ in 0..2 {
            if reads.as_mut().is_some_and(|reads| reads.advance(&self.recent) == Reads::Conflict) {
                return Ok(Decision::Conflict);
            }
        }
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(StoreError::new(StoreFault::Closed));
        }
        poison.check()?;
        let commit = Commit { seqno: state.last.seqno.next(), time: state.earliest_next.max(now) };
        if let Some(reads) = &mut reads
            && (reads.advance(&self.recent) == Reads::Conflict || reads.at(commit.time) == Reads::Conflict)
        {
            return Ok(Decision::Conflict);
        }
        if guard.admit(commit) == Verdict::Stale {
            return Ok(Decision::Stale);
        }
        let (memtable, was_frozen) = memtable_for(state.segment, state.last);
        if was_frozen == WasFrozen::Yes {
            state.queue_rotation();
        }
        timeline::note(&memtable, state.last.time, Moment { seqno: commit.seqno, time: commit.time });
        state.last = commit;
        state.earliest_next = commit.time;
        state.queue_record(commit, body.stamped(commit.seqno, commit.time), durability);
        let mut writes = self.recent.is_recording().then(|| WriteSet::new(commit.seqno, batch.len()));
        batch.visit_committed(commit.seqno, commit.time, |entry| {
            memtable.insert(&entry);
            if let Some(writes) = &mut writes {
                writes.add(entry.key);
            }
        });
        if let Some(writes) = writes {
            self.recent.record(writes);
        }
        guard.committed(commit);
        Ok(Decision::Committed(commit))
    }

    /// Gives later times than `time` to all commits from now on, and tells the last one until now.
    pub(super) fn move_beyond(&self, time: CommitTime) -> Commit {
        let mut state = self.state.lock();
        state.earliest_next = state.earliest_next.max(CommitTime(time.0.saturating_add(1)));
        state.last
    }

    /// From now on commits are recorded for a transaction, until it is forgotten. Gives the last commit before that.
    pub(super) fn register_transaction(&self) -> Commit {
        let state = self.state.lock();
        self.recent.register(state.last.seqno);
        state.last
    }

    /// The transaction that registered after the commit `at` is over.
    pub(super) fn forget_transaction(&self, at: SeqNo) {
        self.recent.unregister(at);
    }

    /// Whether commits are being recorded for a transaction.
    #[cfg(test)]
    pub(super) fn is_recording(&self) -> bool {
        self.recent.is_recording()
    }

    /// Freezes the active memtable, if `freeze` says that it is not empty.
    pub(super) fn freeze(
        &self,
        poison: &Poison,
        freeze: impl FnOnce(FileNumber, Commit) -> WasFrozen,
    ) -> Result<()> {
        let mut state = self.state.lock();
        poison.check()?;
        if freeze(state.segment, state.last) == WasFrozen::Yes {
            state.queue_rotation();
        }
        Ok(())
    }

    /// One phase of the log's work.
    pub(super) fn advance(&self, counters: &Counters, poison: &Poison) -> Advance {
        let advance = match self.log.try_lock() {
            None => return Advance::Busy,
            Some(_) if poison.get().is_some() => Advance::Idle,
            Some(mut log) => match self.advance_log(&mut log, counters, poison) {
                Ok(advance) => advance,
                Err(error) => {
                    poison.set(&error);
                    log.unsynced = None;
                    Advance::Progressed
                }
            },
        };
        self.note_progress(poison);
        advance
    }

    /// Tells all who wait that there may be something new: something was published, or the engine was poisoned.
    pub(super) fn note_progress(&self, poison: &Poison) {
        self.progress.notify();
        self.waiters.wake(poison.get().is_none().then(|| self.published()));
    }

    /// What [`note_progress`](Self::note_progress) tells.
    pub(super) fn progress(&self) -> &Event {
        &self.progress
    }

    fn advance_log(&self, log: &mut Log, counters: &Counters, poison: &Poison) -> Result<Advance> {
        if let Some(commit) = log.unsynced.take() {
            log.writer.sync(counters)?;
            self.note_synced(log);
            self.publish(commit);
            return Ok(Advance::Progressed);
        }
        let (work, sync_is_wanted) = {
            let mut state = self.state.lock();
            // Asked under the lock under which `outcome` tells Rejected from Unknown: what was called Rejected because
            // a job poisoned the engine meanwhile is not taken any more.
            if poison.get().is_some() {
                return Ok(Advance::Idle);
            }
            let work = state.take_work();
            let sync_is_wanted = work.is_none() && std::mem::take(&mut state.sync_is_wanted);
            (work, sync_is_wanted)
        };
        match work {
            Some(Work::Rotate { number, last_seqno }) => {
                let closed = log.writer.number();
                let bytes = log.writer.rotate(number, last_seqno, counters)?;
                let last = Some(Moment { seqno: log.written.seqno, time: log.written.time });
                self.closed.lock().insert(closed, LogEndOf { bytes, last });
                self.note_synced(log);
                self.log_segment.store(number.0, Ordering::SeqCst);
                Ok(Advance::Progressed)
            }
            Some(Work::Records(group)) => {
                log.writer.fill_ahead(group.bytes.len(), group.durability, counters)?;
                log.writer.write(group.records(), counters)?;
                log.written = group.last;
                add(&counters.commits, group.ends.len() as u64);
                if group.durability == Durability::Durable {
                    log.unsynced = Some(group.last);
                    if planted(Bug::AcknowledgedBeforeSync) {
                        self.publish(group.last);
                    }
                } else {
                    self.publish(group.last);
                }
                Ok(Advance::Progressed)
            }
            None if sync_is_wanted && !log.writer.is_synced() => {
                log.writer.sync(counters)?;
                self.note_synced(log);
                Ok(Advance::Progressed)
            }
            None if sync_is_wanted && log.writer.is_promise_due() => {
                log.writer.promise()?;
                Ok(Advance::Progressed)
            }
            None => Ok(Advance::Idle),
        }
    }

    fn note_synced(&self, log: &Log) {
        let (segment, bytes) = (log.writer.number(), log.writer.synced_bytes());
        *self.promised.lock() = Promised { segment, bytes, last: log.written };
        self.synced.store(log.written.seqno.0, Ordering::SeqCst);
    }

    fn publish(&self, commit: Commit) {
        self.published.time.store(commit.time.0, Ordering::SeqCst);
        self.published.seqno.store(commit.seqno.0, Ordering::SeqCst);
    }

    /// What has become of a commit; `None` as long as it is on its way.
    pub(super) fn outcome(&self, commit: Commit, poison: &Poison) -> Option<Result<Commit>> {
        if commit.seqno <= self.published() {
            return Some(Ok(commit));
        }
        let cause = poison.get()?;
        // What was published before the failure was published for good.
        if commit.seqno <= self.published() {
            return Some(Ok(commit));
        }
        let was_handed = commit.seqno <= self.state.lock().handed_seqno;
        Some(Err(if was_handed { cause.clone().into_unknown() } else { StoreError::poisoned(cause) }))
    }

    /// Waits for a commit, doing the log's work if nobody else does.
    pub(super) fn wait(
        &self,
        commit: Commit,
        counters: &Counters,
        poison: &Poison,
        scheduler: &dyn Scheduler,
    ) -> Result<Commit> {
        loop {
            let seen = self.progress.generation();
            if let Some(outcome) = self.outcome(commit, poison) {
                return outcome;
            }
            if self.advance(counters, poison) == Advance::Busy {
                scheduler.wait(&self.progress, seen, None);
            }
        }
    }

    /// Does the log's work until there is none.
    pub(super) fn drain(&self, counters: &Counters, poison: &Poison, scheduler: &dyn Scheduler) {
        loop {
            let seen = self.progress.generation();
            match self.advance(counters, poison) {
                Advance::Progressed => {}
                Advance::Busy => scheduler.wait(&self.progress, seen, None),
                Advance::Idle => return,
            }
        }
    }

    /// Asks that what was written is synced, and then promised.
    pub(super) fn want_sync(&self) {
        self.state.lock().sync_is_wanted = true;
    }

    /// Refuses all later batches.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
    }

    /// Whether more is queued than writers should add to.
    pub(super) fn is_congested(&self) -> bool {
        self.state.lock().queued_bytes > LOG_PENDING_BYTES_MAX
    }
}

impl State {
    fn queue_rotation(&mut self) {
        self.segment = self.segment.next();
        self.queue.push_back(Work::Rotate { number: self.segment, last_seqno: self.last.seqno });
    }

    fn queue_record(&mut self, commit: Commit, body: &[u8], durability: Durability) {
        if !matches!(self.queue.back(), Some(Work::Records(_))) {
            self.queue.push_back(Work::Records(Group {
                bytes: Vec::new(),
                ends: Vec::new(),
                last: commit,
                durability: Durability::Buffered,
            }));
        }
        if let Some(Work::Records(group)) = self.queue.back_mut() {
            let before = group.bytes.len();
            encode_commit(commit.seqno, commit.time, &mut group.bytes);
            group.bytes.extend_from_slice(body);
            group.ends.push(group.bytes.len());
            group.last = commit;
            if durability == Durability::Durable {
                group.durability = Durability::Durable;
            }
            self.queued_bytes += group.bytes.len() - before;
        }
    }

    fn take_work(&mut self) -> Option<Work> {
        let work = self.queue.pop_front();
        if let Some(Work::Records(group)) = &work {
            self.queued_bytes -= group.bytes.len();
            self.handed_seqno = group.last.seqno;
        }
        work
    }
}

impl Group {
    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let record = &self.bytes[start..*end];
            start = *end;
            record
        })
    }
}
