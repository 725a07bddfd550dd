//! The engine's face: open, read, write, snapshot, close.

use super::commit::{Commit, CommitGuard, Unguarded};
use super::cursor::{KeyRange, RangeCursor};
use super::expired_cursor::ExpiredCursor;
use super::key_locks::KeyLockGuard;
use super::maintenance::spawn_all;
use super::options::{Access, Durability, EngineOptions};
use super::pipeline::{Decision, Request};
use super::recent_commits::ReadCheck;
use super::recovery::recover;
use super::shared::Shared;
use super::snapshot::Snapshot;
use super::split_points::split_points;
use super::statistics::{LevelStatistics, Statistics, add, read};
use super::ticket::{Submitted, Ticket};
use crate::base::batch::WriteBatch;
use crate::base::entry::{EntryKind, EntryRef, Position};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::expiry::{Expiry, ExpiryRules};
use crate::base::ident::{CommitTime, HistoryId, KeyspaceId, Moment, SeqNo};
use crate::base::limits::LEVELS;
use crate::base::planted::{Bug, planted};
use crate::env::environment::Environment;
use crate::env::file::Vfs;
use crate::env::overlay::OverlayVfs;
use crate::env::schedule::JobHandle;
use crate::format::manifest::Parent;
use crate::format::names;
use crate::lsm::sight::Sight;
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open store of ordered bytes. Handles are cheap to clone; the store is closed with the last one.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    /// The handles of jobs and transactions have none: they do not keep the store open.
    owner: Option<Arc<Owner>>,
}

/// The newest version of a key, as a writer finds it who holds the key's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestVersion<'a> {
    /// The commit that wrote it.
    pub seqno: SeqNo,
    /// Its value, also if it has expired: what was derived from it may still be there. `None` if that commit deleted
    /// the key, or if compaction has taken the value away since it expired.
    pub value: Option<&'a [u8]>,
    /// When it expires, if it does.
    pub expiry: Option<Expiry>,
    /// Whether it is expired to a reader at this moment. Where the rules show the dead, nothing ever is.
    pub is_expired: bool,
    /// From when on it is expired to readers; `None` if it never is.
    pub hidden_from: Option<CommitTime>,
}

/// About how much a range holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeEstimate {
    /// Bytes of keys and values, of every version that is still stored.
    pub bytes: u64,
    /// Entries that give a value, old versions and the expired included.
    pub entries: u64,
}

/// Closes the engine when the last handle is dropped.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    jobs: Mutex<Vec<JobHandle>>,
    /// What closing came to. Held while closing, so that a second caller gets the first one's result.
    closed: Mutex<Option<Result<()>>>,
}

impl Engine {
    /// Opens the store in a directory, creating both if they are missing (but not the directory's parents).
    pub fn open(environment: Environment, directory: &Path, options: EngineOptions) -> Result<Self> {
        let options = options.within_reason();
        if options.access == Access::ReadOnly {
            return Self::open_to_read(&environment, directory, options);
        }
        let recovered = recover(&environment, directory, &options)?;
        let shared = Arc::new(Shared::new(environment, directory.to_owned(), options, recovered));
        let (jobs, closed) = (Mutex::new(Vec::new()), Mutex::new(None));
        let owner = Arc::new(Owner { shared: Arc::clone(&shared), jobs, closed });
        spawn_all(&shared, &mut owner.jobs.lock())?;
        Ok(Self { shared, owner: Some(owner) })
    }

    /// Opens a store in the same steps, over an overlay that keeps what they write in memory. It is as if it were
    /// poisoned: everybody who would write is told why not, and jobs have nothing to do.
    ///
    /// A directory without a lock's file, a checkpoint that nobody has opened, is not locked. If somebody opens it to
    /// write meanwhile, there is a file to be locked, and the steps are taken once more; if later, then all that is
    /// read is open.
    fn open_to_read(environment: &Environment, directory: &Path, options: EngineOptions) -> Result<Self> {
        let (overlay, recovered) = loop {
            let overlay = Arc::new(OverlayVfs::new(Arc::clone(&environment.vfs)));
            let vfs: Arc<dyn Vfs> = Arc::clone(&overlay) as Arc<dyn Vfs>;
            let recovered = recover(&Environment { vfs, ..environment.clone() }, directory, &options);
            let has_lock_file = || environment.vfs.open(&directory.join(names::LOCK)).is_ok();
            if overlay.has_lock() || !has_lock_file() {
                break (overlay, recovered?);
            }
        };
        overlay.seal();
        let environment = Environment { vfs: overlay, ..environment.clone() };
        let shared = Arc::new(Shared::new(environment, directory.to_owned(), options, recovered));
        shared.poison.set(&StoreError::new(StoreFault::ReadOnly { path: directory.to_owned() }));
        let (jobs, closed) = (Mutex::new(Vec::new()), Mutex::new(None));
        let owner = Arc::new(Owner { shared: Arc::clone(&shared), jobs, closed });
        Ok(Self { shared, owner: Some(owner) })
    }

    /// Whether it was opened only to be read.
    pub fn is_read_only(&self) -> bool {
        self.shared.options.access == Access::ReadOnly
    }

    /// A handle that does not keep the store open.
    pub(super) fn without_ownership(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), owner: None }
    }

    /// The store's line of history.
    pub fn history(&self) -> HistoryId {
        self.shared.history
    }

    /// Where that history left another one, if it did: the store was restored, or opened from a checkpoint.
    pub fn parent(&self) -> Option<Parent> {
        self.shared.parent
    }

    /// The store's directory.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// How it was opened, within reason.
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// The world that it lives in.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// The present time, as readers and commits have it: it never goes back, although the wall clock may, so it is never
    /// behind the last published commit's.
    pub fn now(&self) -> CommitTime {
        self.shared.clock.now()
    }

    /// The newest commit that readers see.
    pub fn published(&self) -> SeqNo {
        self.shared.pipeline.published()
    }

    /// The newest commit that readers see and that survives the death of the machine, together with all before it. What
    /// is buffered is synced a moment after it is published.
    pub fn durable(&self) -> SeqNo {
        self.shared.pipeline.synced().min(self.shared.pipeline.published())
    }

    /// Waits until a later commit than `seen` is [`durable`](Self::durable), but no longer than `at_most`, and tells
    /// which is the newest then.
    pub fn wait_durable(&self, seen: SeqNo, at_most: Duration) -> Result<SeqNo> {
        let shared = &self.shared;
        let clock = &shared.environment.clock;
        let until = clock.monotonic().saturating_add(at_most);
        loop {
            let progress = shared.pipeline.progress();
            let generation = progress.generation();
            shared.check_open()?;
            let (durable, now) = (self.durable(), clock.monotonic());
            if durable > seen || now >= until {
                return Ok(durable);
            }
            shared.environment.scheduler.wait(progress, generation, Some(until.saturating_sub(now)));
        }
    }

    /// Waits while background work is behind. To be called before any key is locked.
    pub fn pay_back_pressure(&self) -> Result<()> {
        let shared = &self.shared;
        let mut has_stalled = false;
        loop {
            let seen = shared.maintenance.done.generation();
            shared.check_open()?;
            shared.poison.check()?;
            if shared.pipeline.is_congested() {
                shared.pipeline.drain(
                    &shared.counters,
                    &shared.poison,
                    shared.environment.scheduler.as_ref(),
                );
            }
            let is_behind = {
                let guard = crossbeam_epoch::pin();
                let view = shared.view_in(&guard);
                view.frozen.len() >= shared.options.frozen_memtables_max
                    || view.version.level(0).len() >= shared.options.level_0_tables_max
            };
            if !is_behind {
                return Ok(());
            }
            if let Some(failure) = shared.maintenance.state.lock().last_failure.clone() {
                return Err(failure);
            }
            if !std::mem::replace(&mut has_stalled, true) {
                add(&shared.counters.stalls, 1);
            }
            shared.maintenance.wake_flush.notify();
            shared.maintenance.wake_compaction.notify();
            shared.environment.scheduler.wait(&shared.maintenance.done, seen, None);
        }
    }

    /// Locks keys, in their order, until the guard is dropped.
    pub fn lock_keys(&self, keys: Vec<Vec<u8>>) -> KeyLockGuard {
        self.shared.key_locks.lock(keys, self.shared.environment.scheduler.as_ref())
    }

    /// Calls `read` with the newest value of a key, published or not, unless it has expired.
    ///
    /// REQUIRES: the key is locked by the caller. An answer that rests on what is seen here may be given only after a
    /// later commit of the caller is done; without one, see [`latest_version`](Self::latest_version).
    pub fn latest<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        let visible = |version: LatestVersion<'_>| version.value.filter(|_| !version.is_expired).map(read);
        Ok(self.latest_version(key, visible)?.flatten())
    }

    /// Calls `read` with the newest version of a key, published or not, expired or not, also if it is a delete. Without
    /// a version it is not called.
    ///
    /// REQUIRES: the key is locked by the caller. An answer that rests on what is seen here may be given only after
    /// [`visible`](Self::visible) of its commit is done, or a later commit of the caller. What has no version rests on
    /// nothing unpublished.
    pub fn latest_version<R>(
        &self,
        key: &[u8],
        read: impl FnOnce(LatestVersion<'_>) -> R,
    ) -> Result<Option<R>> {
        self.shared.check_open()?;
        let guard = crossbeam_epoch::pin();
        let view = self.shared.view_in(&guard);
        let version = |entry: EntryRef<'_>| {
            let value = (entry.kind != EntryKind::Delete).then_some(entry.value);
            let expiry = entry.kind.expiry();
            let judged = expiry.map(|expiry| {
                let at_present = |rules: &Arc<ExpiryRules>, now| (rules.hidden_from(expiry), now);
                self.shared.rules.at_present(|| self.shared.clock.now(), at_present)
            });
            let hidden_from = judged.and_then(|(hidden_from, _)| hidden_from);
            let is_expired = judged.is_some_and(|(from, now)| from.is_some_and(|from| from <= now));
            read(LatestVersion { seqno: entry.seqno, value, expiry, is_expired, hidden_from })
        };
        view.get(Position::before(key), version)
    }

    /// A ticket without a write, done when the commit `seqno` and all before it are published; it fails as that commit
    /// does. `seqno` is of a version that was seen. The ticket gives that number, and a time no less than that commit's.
    pub fn visible(&self, seqno: SeqNo) -> Ticket {
        let pipeline = &self.shared.pipeline;
        let commit = if seqno <= pipeline.published() {
            Commit { seqno, time: pipeline.published_time() }
        } else if planted(Bug::AnsweredBeforePublished) {
            Commit { seqno: pipeline.published(), time: pipeline.published_time() }
        } else {
            Commit { seqno, time: pipeline.last().time }
        };
        Ticket::new(Arc::clone(&self.shared), commit)
    }

    /// A ticket without a write, done when everything that was submitted before it is published.
    pub fn barrier(&self) -> Ticket {
        Ticket::new(Arc::clone(&self.shared), self.shared.pipeline.last())
    }

    /// Gives a batch its place in the order and returns without waiting for the log.
    pub fn submit(&self, batch: &WriteBatch, durability: Durability) -> Result<Ticket> {
        match self.submit_checked(batch, durability, &Unguarded, None)? {
            Submitted::Accepted(ticket) => Ok(ticket),
            Submitted::Stale | Submitted::Conflict => unreachable!("nobody was asked who could object"),
        }
    }

    /// As [`submit`](Self::submit), if the guard admits the batch at the moment at which it gets its place.
    pub fn submit_guarded(
        &self,
        batch: &WriteBatch,
        durability: Durability,
        guard: &dyn CommitGuard,
    ) -> Result<Submitted> {
        self.submit_checked(batch, durability, guard, None)
    }

    pub(super) fn submit_checked(
        &self,
        batch: &WriteBatch,
        durability: Durability,
        guard: &dyn CommitGuard,
        reads: Option<ReadCheck<'_>>,
    ) -> Result<Submitted> {
        let shared = &self.shared;
        let request = Request { batch, durability, now: shared.clock.now(), guard };
        let memtable_for = |segment, last| shared.memtable_for(segment, last);
        Ok(match shared.pipeline.submit(&request, reads, &shared.poison, memtable_for)? {
            Decision::Committed(commit) => {
                shared.maintenance.note_write();
                Submitted::Accepted(Ticket::new(Arc::clone(shared), commit))
            }
            Decision::Stale => Submitted::Stale,
            Decision::Conflict => Submitted::Conflict,
        })
    }

    /// Writes a batch and waits until it is done.
    pub fn write(&self, batch: &WriteBatch, durability: Durability) -> Result<()> {
        self.pay_back_pressure()?;
        self.submit(batch, durability)?.wait().map(|_| ())
    }

    /// Calls `read` with the value of a key, now or as of a snapshot.
    #[inline]
    pub fn get<R>(
        &self,
        key: &[u8],
        snapshot: Option<&Snapshot>,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        self.get_entry(key, snapshot, |entry| read(entry.value))
    }

    /// Calls `read` with the entry that gives a key its value, now or as of a snapshot.
    #[inline]
    pub(super) fn get_entry<R>(
        &self,
        key: &[u8],
        snapshot: Option<&Snapshot>,
        read: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>> {
        self.shared.check_open()?;
        let guard = crossbeam_epoch::pin();
        let (view, published) = self.shared.moment(&guard);
        let seqno = snapshot.map_or(published, Snapshot::seqno);
        let value = |entry: EntryRef<'_>| {
            let is_shown = match entry.kind {
                EntryKind::Put => true,
                EntryKind::Delete => false,
                // Only here is the clock asked: a key has one newest version, so that the moment stays one.
                EntryKind::ExpiringPut(expiry) => {
                    let now = || snapshot.map_or_else(|| self.shared.clock.now(), Snapshot::time);
                    !self.shared.rules.at_present(now, |rules, at| rules.is_hidden(expiry, at))
                }
            };
            is_shown.then(|| read(entry))
        };
        Ok(view.get(Position { key, seqno }, value)?.flatten())
    }

    /// A cursor over a range, now or as of a snapshot.
    pub fn cursor(&self, range: KeyRange, snapshot: Option<&Snapshot>) -> Result<RangeCursor> {
        self.shared.check_open()?;
        let (view, published) = {
            let guard = crossbeam_epoch::pin();
            let (view, published) = self.shared.moment(&guard);
            (Arc::clone(view), published)
        };
        let range = within_readers(range);
        let sight = self.shared.rules.at_present(
            || self.shared.clock.now(),
            |rules, time| {
                let at = snapshot.map_or(Moment { seqno: published, time }, Snapshot::moment);
                Sight { at, rules: Arc::clone(rules) }
            },
        );
        Ok(RangeCursor::new(&view, sight, range, snapshot.cloned()))
    }

    /// A cursor over the keys of a range whose newest version is dead at a time, whether readers see it or not: for who
    /// deletes them.
    pub fn expired_cursor(&self, range: KeyRange, at: CommitTime) -> Result<ExpiredCursor> {
        self.expired_cursor_since(range, Moment::default(), at)
    }

    /// As [`expired_cursor`](Self::expired_cursor), for who has seen all that was committed and was dead by a moment: it
    /// is left out, and tables that hold nothing else are not read.
    pub fn expired_cursor_since(
        &self,
        range: KeyRange,
        seen: Moment,
        at: CommitTime,
    ) -> Result<ExpiredCursor> {
        self.shared.check_open()?;
        let (view, published) = {
            let guard = crossbeam_epoch::pin();
            let (view, published) = self.shared.moment(&guard);
            (Arc::clone(view), published)
        };
        let sight = Sight { at: Moment { seqno: published, time: at }, rules: self.shared.rules.expiry() };
        Ok(ExpiredCursor::new(view, sight, range, seen))
    }

    /// Says what becomes of expired entries, in place of what was said before. Until it is said, all are hidden and none
    /// is reclaimed.
    ///
    /// REQUIRES: a generation that is about to end is said not to be reclaimed before the commit that ends it; once that
    /// commit has a time, the rule with that end may reclaim again. Otherwise compaction could take what the end saves.
    pub fn set_expiry_rules(&self, rules: ExpiryRules) {
        self.change_expiry_rules(|told, _| *told = rules);
    }

    /// Changes what becomes of expired entries. `change` is given what was said before, and the present time: whatever
    /// was judged before was judged by that time or an earlier one. So a generation that is said to end at that time has
    /// the same dead before and after, and may be said to be reclaimed already before the commit that ends it: if that
    /// fails, what was reclaimed was dead all the same.
    ///
    /// `change` must not call the engine.
    pub fn change_expiry_rules<R>(&self, change: impl FnOnce(&mut ExpiryRules, CommitTime) -> R) -> R {
        let result = self.shared.rules.change_expiry(|| self.shared.clock.now(), change);
        self.shared.maintenance.wake_compaction.notify();
        result
    }

    /// The present time, if the wall clock is not behind it: while it is, nobody should do to the dead what cannot be
    /// taken back.
    pub fn now_by_the_wall(&self) -> Option<CommitTime> {
        self.shared.clock.now_by_the_wall()
    }

    /// Whether readers at a time do not see what expires so.
    pub fn is_hidden(&self, expiry: Expiry, at: CommitTime) -> bool {
        self.shared.rules.is_hidden(expiry, at)
    }

    /// From when on readers do not see an entry because it is dead; `None` if that never comes.
    pub fn hidden_from(&self, expiry: Expiry) -> Option<CommitTime> {
        self.shared.rules.expiry().hidden_from(expiry)
    }

    /// Says that keyspaces are dead since a commit: no reader at or after it asks for their keys, and nobody writes
    /// them. Compaction takes them away. To be said again after each opening.
    pub fn drop_keyspaces(&self, dropped: &[(KeyspaceId, SeqNo)]) {
        self.shared.rules.drop_keyspaces(dropped);
        self.shared.maintenance.wake_compaction.notify();
    }

    /// Whether any entry of a keyspace may be left. Once this is false of a keyspace that nobody writes, it stays so.
    pub fn holds_keyspace(&self, id: KeyspaceId) -> bool {
        self.shared.view().holds_keyspace(id)
    }

    /// About how much a range holds, by what is known of the tables: what is not flushed is not counted, old versions
    /// are, and of a keyspace that lies partly in the range a part is taken by its number of blocks.
    pub fn keyspace_size(&self, range: &KeyRange) -> SizeEstimate {
        let view = self.shared.view();
        let estimates =
            view.version.tables().map(|(_, table)| table.estimate(&range.start, range.end.as_deref()));
        estimates.fold(SizeEstimate::default(), |sum, (bytes, entries)| SizeEstimate {
            bytes: sum.bytes + bytes,
            entries: sum.entries + entries,
        })
    }

    /// The present moment, kept readable until the snapshot is dropped.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(Arc::clone(&self.shared))
    }

    /// Up to `pieces - 1` keys that cut a range into parts of about equal size, in ascending order, each after the
    /// range's start and before its end. Estimated from what is in memory, without reading a data block.
    pub fn split_points(&self, range: &KeyRange, pieces: usize) -> Result<Vec<Vec<u8>>> {
        self.shared.check_open()?;
        Ok(split_points(&self.shared.view(), &within_readers(range.clone()), pieces))
    }

    /// Writes everything that is in memtables into tables, and waits until that is done.
    pub fn flush(&self) -> Result<()> {
        self.shared.check_open()?;
        self.shared.flush()
    }

    /// Flushes, then merges all tables into one level, and waits until that is done.
    pub fn compact(&self) -> Result<()> {
        self.flush()?;
        let wanted = {
            let mut state = self.shared.maintenance.state.lock();
            state.compactions_wanted += 1;
            state.compactions_wanted
        };
        let maintenance = &self.shared.maintenance;
        self.shared.wait_for_maintenance(&maintenance.wake_compaction, || {
            maintenance.state.lock().compactions_done >= wanted
        })
    }

    /// Figures about the engine.
    pub fn statistics(&self) -> Statistics {
        let shared = &self.shared;
        let view = shared.view();
        let level = |index: usize| {
            let tables = view.version.level(index);
            LevelStatistics {
                tables: tables.len(),
                bytes: view.version.level_bytes(index),
                entries: tables.iter().map(|table| table.meta().entry_count).sum(),
            }
        };
        let frozen_bytes: usize = view.frozen.iter().map(|frozen| frozen.memtable.memory_bytes()).sum();
        let counters = &shared.counters;
        Statistics {
            published: shared.pipeline.published(),
            commits: read(&counters.commits),
            log_syncs: read(&counters.log_syncs),
            log_bytes: read(&counters.log_bytes),
            log_filled_bytes: read(&counters.log_filled_bytes),
            flushes: read(&counters.flushes),
            compactions: read(&counters.compactions),
            table_bytes_written: read(&counters.table_bytes_written),
            stalls: read(&counters.stalls),
            memtable_bytes: view.active.memory_bytes() + frozen_bytes,
            frozen_memtables: view.frozen.len(),
            table_memory_bytes: view.version.tables().map(|(_, table)| table.memory_bytes()).sum(),
            floor: view.version.floor(),
            snapshots: shared.snapshots.count(),
            levels: (0..LEVELS).map(level).collect(),
            recovery: shared.recovery,
            background_error: self.background_error(),
            poison: shared.poison.failure().cloned(),
        }
    }

    fn background_error(&self) -> Option<StoreError> {
        let failure = self.shared.maintenance.state.lock().last_failure.clone();
        failure.or_else(|| self.shared.jobs.failure())
    }

    /// Closes the store: jobs end, what was written is synced and flushed, so that the next opening replays nothing, and
    /// the directory is unlocked. Other handles get [`Closed`](crate::base::error::StoreFault::Closed) from then on.
    ///
    /// After a failure that poisoned the store nothing is written; the first cause is returned.
    ///
    /// # Panics
    ///
    /// When a job calls it with the handle that it was given: closing waits for the end of all jobs.
    pub fn close(&self) -> Result<()> {
        self.owner.as_ref().expect("a job does not close the store, which waits for its end").close()
    }
}

/// The part of a range that is readers'.
fn within_readers(range: KeyRange) -> KeyRange {
    let own = KeyspaceId::TIMELINE.prefix().to_vec();
    let end = range.end.filter(|end| *end < own).unwrap_or(own);
    KeyRange { end: Some(end), ..range }
}

impl Owner {
    fn close(&self) -> Result<()> {
        let mut closed = self.closed.lock();
        if let Some(result) = &*closed {
            return result.clone();
        }
        // They write, so they end before the log does.
        for job in self.shared.jobs.stop() {
            job.handle.join(self.shared.environment.scheduler.as_ref());
        }
        self.shared.set_closed();
        let result = self.shared.finish_writing();
        self.shared.maintenance.state.lock().stop = true;
        let maintenance = &self.shared.maintenance;
        for wake in [
            &maintenance.wake_flush,
            &maintenance.wake_compaction,
            &maintenance.wake_sync,
            &maintenance.wake_log,
        ] {
            wake.notify();
        }
        let log_job = maintenance.log_job.lock().take();
        for job in self.jobs.lock().drain(..).chain(log_job) {
            job.join(self.shared.environment.scheduler.as_ref());
        }
        maintenance.done.notify();
        self.shared.unlock_directory();
        *closed = Some(result.clone());
        result
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Who wants to know the outcome calls `close`.
        let _ = self.close();
    }
}

impl Shared {
    fn finish_writing(&self) -> Result<()> {
        if self.options.access == Access::ReadOnly {
            return Ok(());
        }
        self.pipeline.close();
        self.drain();
        // Once to sync, once to promise, so that what was synced last is told from a torn tail if flushing fails.
        for _ in 0..2 {
            self.pipeline.want_sync();
            self.drain();
        }
        self.flush()
    }

    fn drain(&self) {
        self.pipeline.drain(&self.counters, &self.poison, self.environment.scheduler.as_ref());
    }

    fn first_cause(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |cause| Err(cause.clone()))
    }

    fn flush(&self) -> Result<()> {
        self.drain();
        self.first_cause()?;
        self.pipeline.freeze(&self.poison, |segment, last| self.freeze_active(segment, last))?;
        let newest = self.view().frozen.first().map(|frozen| frozen.last.seqno);
        self.wait_for_maintenance(&self.maintenance.wake_flush, || {
            self.view().frozen.iter().all(|frozen| Some(frozen.last.seqno) > newest)
        })
    }

    /// Waits until background work has made `is_done` true, or has failed.
    fn wait_for_maintenance(
        &self,
        wake: &crate::env::schedule::Event,
        is_done: impl Fn() -> bool,
    ) -> Result<()> {
        let failures_before = self.maintenance.state.lock().failures;
        wake.notify();
        loop {
            let seen = self.maintenance.done.generation();
            if is_done() {
                return Ok(());
            }
            self.first_cause()?;
            let failure: Option<StoreError> = {
                let state = self.maintenance.state.lock();
                if state.stop {
                    return Err(StoreError::new(StoreFault::Closed));
                }
                state.last_failure.clone().filter(|_| state.failures > failures_before)
            };
            if let Some(failure) = failure {
                return Err(failure);
            }
            self.environment.scheduler.wait(&self.maintenance.done, seen, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::stamped_key;
    use crate::base::error::{Outcome, StoreErrorKind};
    use crate::base::ident::KeyspaceId;
    use crate::engine::commit::Verdict;
    use crate::env::sim::{FaultRule, ImageChoice, OpKind, Simulation, errno};
    use crate::lsm::picker::Shape;
    use std::collections::BTreeMap;

    const DIRECTORY: &str = "/store";

    fn tiny() -> EngineOptions {
        EngineOptions {
            memtable_bytes: 2048,
            block_bytes: 256,
            table_bytes: 2048,
            shape: Shape { level_0_tables: 2, level_1_bytes: 4096, level_ratio: 2 },
            log_fill_bytes: 1024,
            ..EngineOptions::default()
        }
    }

    fn open(simulation: &Simulation) -> Result<Engine> {
        Engine::open(simulation.environment(), Path::new(DIRECTORY), tiny())
    }

    fn put(engine: &Engine, key: &str, value: &str) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.put(key.into(), value.into());
        engine.write(&batch, Durability::Durable)
    }

    fn get(engine: &Engine, key: &str) -> Option<String> {
        let value = engine.get(key.as_bytes(), None, |value| String::from_utf8_lossy(value).into_owned());
        value.expect("the store can be read")
    }

    fn scan(engine: &Engine, snapshot: Option<&Snapshot>) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut cursor = engine.cursor(KeyRange::default(), snapshot).expect("the store is open");
        let mut map = BTreeMap::new();
        cursor.seek_first().expect("the store can be read");
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            map.insert(key.to_vec(), value.to_vec());
            cursor.next().expect("the store can be read");
        }
        map
    }

    #[test]
    fn what_was_written_is_read_through_flushes_compactions_and_reopening() {
        let simulation = Simulation::new(1);
        let mut engine = open(&simulation).expect("a new store");
        let mut expected = BTreeMap::new();
        for round in 0..2000_u32 {
            let key = format!("key {}", round.wrapping_mul(7919) % 211);
            if round % 5 == 0 {
                let mut batch = WriteBatch::new();
                batch.delete(key.clone().into_bytes());
                engine.write(&batch, Durability::Buffered).expect("space");
                expected.remove(key.as_bytes());
            } else {
                let value = format!("value {round}");
                put(&engine, &key, &value).expect("space");
                expected.insert(key.into_bytes(), value.into_bytes());
            }
            if round % 401 == 400 {
                engine.close().expect("nothing failed");
                engine = open(&simulation).expect("it was closed");
                assert_eq!(engine.statistics().recovery.batches, 0, "a clean close leaves nothing to replay");
            }
        }
        let statistics = engine.statistics();
        assert!(statistics.levels[2].tables > 0, "the workload reaches level 2: {statistics:?}");
        assert_eq!(scan(&engine, None), expected);
        for (key, value) in &expected {
            let found = engine.get(key, None, <[u8]>::to_vec).expect("the store can be read");
            assert_eq!(found.as_ref(), Some(value));
        }
        engine.compact().expect("nothing failed");
        assert_eq!(scan(&engine, None), expected);
        let entries: u64 = engine.statistics().levels.iter().map(|level| level.entries).sum();
        assert_eq!(entries, expected.len() as u64, "a full compaction leaves one version and no tombstones");
    }

    #[test]
    fn a_snapshot_sees_its_moment_whatever_is_compacted() {
        let engine = open(&Simulation::new(2)).expect("a new store");
        let mut moments = Vec::new();
        for round in 0..30 {
            for key in 0..20 {
                put(&engine, &format!("key {key}"), &format!("value {round}")).expect("space");
            }
            moments.push((engine.snapshot(), scan(&engine, None)));
        }
        engine.compact().expect("nothing failed");
        for (snapshot, expected) in &moments {
            assert_eq!(&scan(&engine, Some(snapshot)), expected);
        }
        drop(moments);
        assert_eq!(engine.statistics().snapshots, 0);
        engine.compact().expect("nothing failed");
        assert_eq!(engine.statistics().levels.iter().map(|level| level.entries).sum::<u64>(), 20);
    }

    #[test]
    fn a_second_opener_gets_locked_until_the_first_closes() {
        let simulation = Simulation::new(3);
        let first = open(&simulation).expect("a new store");
        assert_eq!(open(&simulation).expect_err("it is open").kind(), StoreErrorKind::Locked);
        drop(first);
        assert!(open(&simulation).is_ok());
    }

    #[test]
    fn a_failed_sync_makes_its_writes_unknown_and_later_ones_rejected_and_reads_go_on() {
        let simulation = Simulation::new(4);
        let engine = open(&simulation).expect("a new store");
        put(&engine, "before", "1").expect("space");
        simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
        let failed = put(&engine, "during", "2").expect_err("the sync fails");
        assert_eq!((failed.outcome(), failed.kind()), (Outcome::Unknown, StoreErrorKind::Poisoned));
        let later = put(&engine, "after", "3").expect_err("the store is poisoned");
        assert_eq!((later.outcome(), later.kind()), (Outcome::Rejected, StoreErrorKind::Poisoned));
        assert_eq!((get(&engine, "before"), get(&engine, "during")), (Some("1".to_owned()), None));
        let cause = engine.close().expect_err("close reports the first cause");
        assert_eq!(cause.kind(), StoreErrorKind::Io);
        let engine = open(&simulation).expect("the log can be read");
        assert_eq!((get(&engine, "before"), get(&engine, "after")), (Some("1".to_owned()), None));
    }

    #[test]
    fn a_full_disk_stops_flushing_and_space_lets_it_go_on() {
        let simulation = Simulation::new(5);
        let engine = open(&simulation).expect("a new store");
        for key in 0..10 {
            put(&engine, &format!("key {key}"), "value").expect("space");
        }
        let fault = simulation
            .vfs()
            .fail(FaultRule::on(&[OpKind::Append]).path("*.sst").sticky().errno(errno::ENOSPC));
        assert_eq!(engine.flush().expect_err("the disk is full").kind(), StoreErrorKind::NoSpace);
        assert_eq!(get(&engine, "key 3").as_deref(), Some("value"));
        put(&engine, "more", "value").expect("the log has space");
        simulation.vfs().lift(fault);
        engine.flush().expect("there is space again");
        assert!(engine.statistics().poison.is_none());
        assert!(engine.statistics().background_error.is_none());
    }

    #[test]
    fn buffered_writes_are_synced_after_the_interval() {
        let simulation = Simulation::new(6);
        let engine = open(&simulation).expect("a new store");
        let mut batch = WriteBatch::new();
        batch.put(b"key".to_vec(), b"value".to_vec());
        engine.write(&batch, Durability::Buffered).expect("space");
        let lost = simulation.vfs().crash_image(ImageChoice::AllLost);
        simulation.clock().advance(Duration::from_secs(1));
        simulation.scheduler().run_until_idle();
        let kept = simulation.vfs().crash_image(ImageChoice::AllLost);
        drop(engine);
        let value = |image| get(&open(&simulation.restart(image)).expect("a whole store"), "key");
        assert_eq!(value(kept).as_deref(), Some("value"));
        assert_eq!(value(lost), None);
    }

    #[test]
    fn a_directory_that_is_not_a_store_is_refused_and_left_alone() {
        let simulation = Simulation::new(7);
        simulation.vfs().write_raw(Path::new("/store/readme.txt"), b"mine");
        assert_eq!(open(&simulation).expect_err("not a store").kind(), StoreErrorKind::InvalidStore);
        simulation.vfs().write_raw(Path::new("/store/letter.tmp"), b"mine");
        assert!(open(&simulation).is_err());
        let names: Vec<_> = simulation.vfs().files().into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, [Path::new("/store/letter.tmp"), Path::new("/store/readme.txt")]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "real threads are what is tested")]
    fn threads_share_syncs_and_all_their_writes_are_found_after_reopening() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("store");
        let engine = Engine::open(Environment::system(), &path, tiny()).expect("a new store");
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let engine = engine.clone();
                std::thread::spawn(move || {
                    for round in 0..100 {
                        put(&engine, &format!("{thread} {round}"), "value").expect("space");
                        assert!(get(&engine, &format!("{thread} {round}")).is_some(), "own writes are seen");
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
        let statistics = engine.statistics();
        assert_eq!(statistics.commits, 400);
        engine.close().expect("nothing failed");
        let engine = Engine::open(Environment::system(), &path, tiny()).expect("it was closed");
        assert_eq!(scan(&engine, None).len(), 400);
    }

    #[test]
    fn a_closed_engine_says_so() {
        let engine = open(&Simulation::new(8)).expect("a new store");
        let other = engine.clone();
        engine.close().expect("nothing failed");
        assert_eq!(put(&other, "key", "value").expect_err("closed").kind(), StoreErrorKind::Closed);
        assert_eq!(other.get(b"key", None, |_| ()).expect_err("closed").kind(), StoreErrorKind::Closed);
        assert!(other.close().is_ok(), "closing twice is harmless");
    }

    /// The edit may be durable although its append failed: the tables that it names must stay.
    #[test]
    fn a_full_disk_at_the_manifest_poisons_and_removes_nothing() {
        for (kind, nth) in [(OpKind::Append, 0), (OpKind::Append, 1), (OpKind::Sync, 0)] {
            let simulation = Simulation::new(9);
            let engine = open(&simulation).expect("a new store");
            put(&engine, "key", "value").expect("space");
            let rule = FaultRule::on(&[kind]).path("manifest-*.tmp").skip(nth).errno(errno::ENOSPC);
            let fault = simulation.vfs().fail(rule);
            assert!(engine.flush().is_err(), "{kind:?} {nth}");
            assert_eq!(simulation.vfs().fired(fault), 1, "{kind:?} {nth} was hit");
            assert!(engine.statistics().poison.is_some());
            drop(engine);
            let engine = open(&simulation).expect("either state is whole");
            assert_eq!(get(&engine, "key").as_deref(), Some("value"));
        }
    }

    #[test]
    fn commit_times_never_go_back_not_even_over_a_close() {
        let simulation = Simulation::new(10);
        let time = |engine: &Engine| {
            let mut batch = WriteBatch::new();
            batch.put(b"key".to_vec(), b"value".to_vec());
            let ticket = engine.submit(&batch, Durability::Durable).expect("space");
            ticket.wait().expect("nothing fails").time
        };
        simulation.clock().set_wall_millis(5000);
        let engine = open(&simulation).expect("a new store");
        let before = time(&engine);
        engine.close().expect("nothing failed");
        simulation.clock().set_wall_millis(1000);
        let engine = open(&simulation).expect("it was closed");
        assert!(time(&engine) >= before);
    }

    fn one(key: &str) -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.put(key.into(), b"value".to_vec());
        batch
    }

    /// Admits up to a number of commits, and notes what it is told.
    #[derive(Default)]
    struct Admits {
        most: usize,
        asked: Mutex<Vec<Commit>>,
        committed: Mutex<Vec<Commit>>,
    }

    impl CommitGuard for Admits {
        fn admit(&self, next: Commit) -> Verdict {
            self.asked.lock().push(next);
            if self.committed.lock().len() < self.most { Verdict::Go } else { Verdict::Stale }
        }

        fn committed(&self, commit: Commit) {
            self.committed.lock().push(commit);
        }
    }

    #[test]
    fn a_stale_batch_leaves_no_trace() {
        let engine = open(&Simulation::new(11)).expect("a new store");
        let guard = Admits { most: 1, ..Admits::default() };
        let submit = |key| engine.submit_guarded(&one(key), Durability::Durable, &guard).expect("space");
        let Submitted::Accepted(ticket) = submit("first") else { panic!("it was admitted") };
        assert!(matches!(submit("stale"), Submitted::Stale));
        let next = engine.submit(&one("next"), Durability::Durable).expect("space");
        assert_eq!(next.seqno(), ticket.seqno().next(), "no number was used up");
        let commit = ticket.wait().expect("nothing fails");
        assert_eq!((*guard.committed.lock()).as_slice(), [commit]);
        let asked: Vec<u64> = guard.asked.lock().iter().map(|commit| commit.seqno.0).collect();
        assert_eq!(asked, [commit.seqno.0, commit.seqno.0 + 1]);
        next.wait().expect("nothing fails");
        assert_eq!((get(&engine, "stale"), get(&engine, "next").is_some()), (None, true));
    }

    #[test]
    fn a_refused_batch_asks_no_guard() {
        let engine = open(&Simulation::new(12)).expect("a new store");
        let other = engine.clone();
        engine.close().expect("nothing failed");
        let guard = Admits { most: 1, ..Admits::default() };
        assert!(other.submit_guarded(&one("key"), Durability::Durable, &guard).is_err());
        assert!(guard.asked.lock().is_empty());
    }

    #[test]
    fn an_answer_without_a_write_waits_for_the_commit_that_it_rests_on() {
        let engine = open(&Simulation::new(13)).expect("a new store");
        put(&engine, "key", "old").expect("space");
        let mut batch = WriteBatch::new();
        batch.delete(b"key".to_vec());
        let write = engine.submit(&batch, Durability::Durable).expect("space");
        let later = engine.submit(&one("later"), Durability::Buffered).expect("space");
        let seen = engine.latest_version(b"key", |version| (version.seqno, version.value.is_some()));
        let (seqno, is_there) = seen.expect("memory").expect("a tombstone is a version");
        assert_eq!((seqno, is_there), (write.seqno(), false));
        assert_eq!(engine.latest_version(b"never", |_| ()).expect("memory"), None);
        let (answer, barrier) = (engine.visible(seqno), engine.barrier());
        assert_eq!((answer.seqno(), barrier.seqno()), (seqno, later.seqno()));
        assert_eq!(answer.step().map(|outcome| outcome.is_ok()), None, "written, not synced");
        assert_eq!(get(&engine, "key").as_deref(), Some("old"));
        assert_eq!(barrier.wait().expect("nothing fails").seqno, later.seqno());
        assert_eq!(get(&engine, "key"), None);
        assert!(answer.step().is_some_and(|outcome| outcome.is_ok()));
        let done = write.wait().expect("nothing fails");
        assert!(engine.visible(seqno).wait().expect("it is published").time >= done.time);
        assert!(later.step().is_some());
    }

    #[test]
    fn an_answer_fails_as_the_commit_does_that_it_rests_on() {
        let simulation = Simulation::new(14);
        let engine = open(&simulation).expect("a new store");
        put(&engine, "key", "old").expect("space");
        let before = engine.barrier();
        let write = engine.submit(&one("key"), Durability::Durable).expect("space");
        let (answer, barrier) = (engine.visible(write.seqno()), engine.barrier());
        simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).errno(errno::EIO));
        assert_eq!(write.wait().expect_err("the sync failed").outcome(), Outcome::Unknown);
        assert_eq!(answer.wait().expect_err("the sync failed").outcome(), Outcome::Unknown);
        assert!(barrier.wait().is_err());
        assert!(before.wait().is_ok(), "what it rests on was published");
    }

    #[test]
    fn stamped_keys_are_found_again_after_a_crash() {
        let stream = KeyspaceId(17);
        for (durability, seed) in [(Durability::Durable, 15), (Durability::Buffered, 16)] {
            let simulation = Simulation::new(seed);
            let engine = open(&simulation).expect("a new store");
            let mut expected = BTreeMap::new();
            for round in 0..100_u32 {
                let mut batch = WriteBatch::new();
                batch.put(b"\0\0\0\x10item".to_vec(), round.to_be_bytes().to_vec());
                batch.put_stamped(stream, b"b", round.to_be_bytes().to_vec());
                batch.put_stamped(stream, b"a", Vec::new());
                simulation.clock().advance(Duration::from_millis(u64::from(round % 3)));
                let ticket = engine.submit(&batch, durability).expect("space");
                let Commit { seqno, time } = ticket.wait().expect("nothing fails");
                expected.insert(b"\0\0\0\x10item".to_vec(), round.to_be_bytes().to_vec());
                expected.insert(stamped_key(stream, seqno, time, b"a"), Vec::new());
                expected.insert(stamped_key(stream, seqno, time, b"b"), round.to_be_bytes().to_vec());
            }
            assert_eq!(scan(&engine, None), expected);
            let image = match durability {
                Durability::Durable => simulation.vfs().crash_image(ImageChoice::AllLost),
                Durability::Buffered => simulation.vfs().process_death_image(),
            };
            drop(engine);
            let engine = open(&simulation.restart(image)).expect("a whole store");
            assert_eq!(scan(&engine, None), expected);
        }
    }

    #[test]
    fn the_present_is_never_behind_what_was_published() {
        let simulation = Simulation::new(17);
        simulation.clock().set_wall_millis(5000);
        let engine = open(&simulation).expect("a new store");
        let commit = engine.submit(&one("key"), Durability::Durable).expect("space");
        let commit = commit.wait().expect("nothing fails");
        simulation.clock().set_wall_millis(1000);
        assert_eq!((engine.now(), engine.snapshot().time()), (commit.time, commit.time));
        simulation.clock().set_wall_millis(9000);
        assert_eq!(engine.now(), CommitTime(9000));
        engine.close().expect("nothing failed");
        simulation.clock().set_wall_millis(1000);
        assert!(open(&simulation).expect("it was closed").now() >= commit.time);
    }
}
