//! Background jobs: flush, compaction, and the sync of what was buffered. Each is a machine that does a little a step.
//!
//! Invariants:
//! 1. A version edit is logged, synced, and only then applied; what it makes obsolete is removed after that.
//! 2. Memtables are flushed in the order in which they were frozen, and only when all their commits are published and
//!    the log has gone on to the next segment.
//! 3. A job that cannot read, or finds the disk full, removes what it had begun and tries again later. Any other failure
//!    poisons the engine; then nothing is removed, because either state may be the one on disk.
//! 4. One job flushes and one compacts. They log their edits under the manifest's lock.
//! 5. What is left out of tables was needed by no reader at or after the floor that the same edit names.
//!
//! The compaction job is also woken by time, when a table becomes worth compacting for its expired entries: a store that
//! nobody writes to shrinks by itself.

use super::pipeline::Advance;
use super::poison::is_passing;
use super::shared::Shared;
use super::statistics::add;
use super::view::Frozen;
use crate::base::cursor::Cursor;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileId, KeyspaceId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::env::schedule::{Event, Job, JobHandle, Step};
use crate::format::manifest::{TableMeta, VersionEdit};
use crate::format::names;
use crate::format::table::reader::TableReader;
use crate::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
use crate::lsm::merge_cursor::MergeCursor;
use crate::lsm::merge_job::{MergeJob, Output, Progress, large_keyspaces};
use crate::lsm::picker::{Choice, Compaction, next_due_millis, pick, pick_all};
use crate::lsm::reclaim::Reclaim;
use crate::lsm::retention::{Retention, floor};
use crate::lsm::version::Version;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a job waits after a passing failure.
pub(super) const BACK_OFF: Duration = Duration::from_secs(1);

/// How long a job waits when somebody else holds the log.
const LOG_BUSY: Duration = Duration::from_millis(5);

/// How long the compaction job sleeps at least while it waits for entries to expire, or for a snapshot that holds what is
/// dead.
const EXPIRY_WAKE_MIN: Duration = Duration::from_secs(1);

/// How long it sleeps at most: the wall clock may be set forward meanwhile.
const EXPIRY_WAKE_MAX: Duration = Duration::from_secs(3600);

/// Begins the jobs of an engine. After an error, `handles` has those that were begun.
pub(super) fn spawn_all(shared: &Arc<Shared>, handles: &mut Vec<JobHandle>) -> Result<()> {
    let maintenance = &shared.maintenance;
    let jobs: [(&'static str, &Arc<Event>, Box<dyn Work>); 3] = [
        ("pixii-flush", &maintenance.wake_flush, Box::new(Flush { merge: None })),
        ("pixii-compact", &maintenance.wake_compaction, Box::new(Compact { merge: None })),
        ("pixii-sync", &maintenance.wake_sync, Box::new(Sync::Resting)),
    ];
    for (name, wake, work) in jobs {
        let job = Guarded { shared: Arc::clone(shared), name, work };
        let spawned = shared.environment.scheduler.spawn(name, Arc::clone(wake), Box::new(job));
        handles
            .push(spawned.map_err(|error| StoreError::io("start a thread for", &shared.directory, error))?);
    }
    Ok(())
}

/// A job's own part.
trait Work: Send {
    fn step(&mut self, shared: &Shared) -> Result<Step>;

    /// Removes what was begun.
    fn give_up(&mut self, shared: &Shared);
}

/// What all jobs have in common: they stop when told, or when the engine is poisoned; they back off or poison it when
/// they fail; a panic poisons it.
struct Guarded {
    shared: Arc<Shared>,
    name: &'static str,
    work: Box<dyn Work>,
}

impl Job for Guarded {
    fn step(&mut self) -> Step {
        let shared = &self.shared;
        if shared.poison.get().is_some() {
            shared.maintenance.done.notify();
            return Step::Done;
        }
        if shared.maintenance.state.lock().stop {
            self.work.give_up(shared);
            shared.maintenance.done.notify();
            return Step::Done;
        }
        let stepped = catch_unwind(AssertUnwindSafe(|| self.work.step(shared)));
        let error = match stepped {
            Ok(Ok(step)) => return step,
            Ok(Err(error)) => error,
            Err(_) => StoreError::new(StoreFault::Panicked { job: self.name.to_owned() }),
        };
        // Whatever its kind, a failure that poisoned the engine leaves every file as it is.
        let is_passing = shared.poison.get().is_none() && is_passing(&error);
        if is_passing {
            self.work.give_up(shared);
        } else {
            shared.poison.set(&error);
        }
        {
            let mut state = shared.maintenance.state.lock();
            state.failures += 1;
            state.last_failure = Some(error);
        }
        shared.maintenance.done.notify();
        shared.pipeline.note_progress(&shared.poison);
        if is_passing { Step::Park(Some(BACK_OFF)) } else { Step::Done }
    }
}

/// Turns memtables into tables of level 0.
struct Flush {
    merge: Option<(Frozen, MergeJob)>,
}

impl Work for Flush {
    fn step(&mut self, shared: &Shared) -> Result<Step> {
        let Some((frozen, merge)) = &mut self.merge else { return self.begin(shared) };
        let Progress::Finished(metas) = merge.step()? else { return Ok(Step::Again) };
        let oldest_segment = frozen.segment.next();
        let edit = VersionEdit {
            removed: Vec::new(),
            added: metas.into_iter().map(|meta| (0, meta)).collect(),
            oldest_segment: Some(oldest_segment),
            flushed_seqno: Some(frozen.last.seqno),
            flushed_time: Some(frozen.last.time),
            floor: Some(merge.floor()),
            ..VersionEdit::default()
        };
        if planted(Bug::LogRemovedBeforeManifest) {
            shared.remove_segments_before(oldest_segment)?;
        }
        install(shared, &edit, Some(&frozen.memtable))?;
        self.merge = None;
        shared.remove_segments_before(oldest_segment)?;
        add(&shared.counters.flushes, 1);
        shared.maintenance.succeed();
        shared.maintenance.wake_compaction.notify();
        Ok(Step::Again)
    }

    fn give_up(&mut self, shared: &Shared) {
        if let Some((_, merge)) = self.merge.take() {
            remove_tables(shared, merge.created());
        }
    }
}

impl Flush {
    fn begin(&mut self, shared: &Shared) -> Result<Step> {
        let Some(frozen) = shared.view().frozen.last().cloned() else { return Ok(Step::Park(None)) };
        // The log's work up to the rotation behind this memtable must be done, and nobody else may be there to do it.
        if shared.pipeline.log_segment() <= frozen.segment || shared.pipeline.published() < frozen.last.seqno
        {
            return Ok(match shared.pipeline.advance(&shared.counters, &shared.poison) {
                Advance::Progressed | Advance::Idle => Step::Again,
                Advance::Busy => Step::Park(Some(LOG_BUSY)),
            });
        }
        let cursor = MemtableCursor::new(Arc::clone(&frozen.memtable), Versions::All);
        let plan = Plan::now(shared)?;
        self.merge = Some((frozen, plan.merge_job(shared, Box::new(cursor), 0, u64::MAX, BTreeSet::new())));
        Ok(Step::Again)
    }
}

/// Merges tables into the next level.
struct Compact {
    merge: Option<Compacting>,
}

struct Compacting {
    compaction: Compaction,
    job: MergeJob,
    /// The full compactions that are done when this one is.
    answers: Option<u64>,
}

impl Work for Compact {
    fn step(&mut self, shared: &Shared) -> Result<Step> {
        let Some(compacting) = &mut self.merge else { return self.begin(shared) };
        let Progress::Finished(metas) = compacting.job.step()? else { return Ok(Step::Again) };
        let output_level = u8::try_from(compacting.compaction.output_level).unwrap_or(u8::MAX);
        let edit = VersionEdit {
            removed: removed_by(&compacting.compaction.inputs),
            added: metas.into_iter().map(|meta| (output_level, meta)).collect(),
            floor: Some(compacting.job.floor()),
            ..VersionEdit::default()
        };
        install(shared, &edit, None)?;
        let answers = compacting.answers;
        self.merge = None;
        remove_tables(shared, &ids(&edit.removed));
        finish_compaction(shared, answers);
        Ok(Step::Again)
    }

    fn give_up(&mut self, shared: &Shared) {
        if let Some(compacting) = self.merge.take() {
            remove_tables(shared, compacting.job.created());
        }
    }
}

impl Compact {
    fn begin(&mut self, shared: &Shared) -> Result<Step> {
        let version = shared.view().version.clone();
        let answers = {
            let state = shared.maintenance.state.lock();
            (state.compactions_wanted > state.compactions_done).then_some(state.compactions_wanted)
        };
        let plan = Plan::now(shared)?;
        let choice = if answers.is_some() {
            pick_all(&version)
        } else {
            pick(&version, &shared.options.shape, &plan.reclaim)
        };
        match choice {
            Choice::DoNothing if answers.is_some() => finish_compaction(shared, answers),
            Choice::DoNothing => return Ok(Step::Park(until_next_due(shared, &version, &plan.reclaim))),
            Choice::Drop(tables) => {
                let edit = VersionEdit {
                    removed: removed_by(&tables),
                    floor: Some(plan.reclaim.floor),
                    ..VersionEdit::default()
                };
                install(shared, &edit, None)?;
                remove_tables(shared, &ids(&edit.removed));
                finish_compaction(shared, None);
            }
            Choice::Move(compaction) => {
                let output_level = u8::try_from(compaction.output_level).unwrap_or(u8::MAX);
                let tables = compaction.inputs.iter();
                let edit = VersionEdit {
                    removed: removed_by(&compaction.inputs),
                    added: tables.map(|(_, table)| (output_level, table.meta().clone())).collect(),
                    ..VersionEdit::default()
                };
                install(shared, &edit, None)?;
                finish_compaction(shared, None);
            }
            Choice::Merge(compaction) => {
                let smallest =
                    compaction.inputs.iter().map(|(_, table)| table.meta().smallest.as_slice()).min();
                let largest =
                    compaction.inputs.iter().map(|(_, table)| table.meta().largest.as_slice()).max();
                let merge = MergeCursor::within(compaction.cursors(), smallest.unwrap_or_default(), largest);
                let input = Box::new(merge);
                let table_bytes = shared.options.table_bytes;
                let metas = compaction.inputs.iter().map(|(_, table)| table.meta());
                let large = large_keyspaces(metas, table_bytes);
                let job = plan.merge_job(shared, input, compaction.output_level, table_bytes, large);
                self.merge = Some(Compacting { compaction, job, answers });
            }
        }
        Ok(Step::Again)
    }
}

/// How long until a table is worth compacting for its dead entries, unless somebody writes.
fn until_next_due(shared: &Shared, version: &Version, reclaim: &Reclaim) -> Option<Duration> {
    let due_millis = next_due_millis(version, reclaim)?;
    let left_millis = due_millis.saturating_sub(shared.clock.now().0);
    Some(Duration::from_millis(left_millis).clamp(EXPIRY_WAKE_MIN, EXPIRY_WAKE_MAX))
}

/// Syncs what was written without a sync, an interval after it was, and promises what is synced when nothing more is
/// written.
enum Sync {
    /// Nobody has written since all was synced and promised; whoever does wakes the job.
    Asleep,
    /// The interval is running.
    Resting,
    /// Everything up to this commit is to be synced.
    Syncing(SeqNo),
}

impl Work for Sync {
    fn step(&mut self, shared: &Shared) -> Result<Step> {
        let pipeline = &shared.pipeline;
        let rest = Step::Park(Some(shared.options.sync_interval));
        match *self {
            Self::Asleep => {
                *self = Self::Resting;
                Ok(rest)
            }
            Self::Resting => {
                *self = Self::Syncing(pipeline.last().seqno);
                Ok(Step::Again)
            }
            Self::Syncing(target) if pipeline.last().seqno > target && pipeline.synced() >= target => {
                *self = Self::Resting;
                Ok(rest)
            }
            Self::Syncing(target) => {
                pipeline.want_sync();
                match pipeline.advance(&shared.counters, &shared.poison) {
                    Advance::Progressed => Ok(Step::Again),
                    Advance::Busy => Ok(Step::Park(Some(LOG_BUSY))),
                    Advance::Idle if pipeline.synced() < target => Ok(Step::Again),
                    // Whoever writes from now on wakes the job; what was written just before is looked for once more.
                    Advance::Idle if !shared.maintenance.sync_sleeps.swap(true, Ordering::SeqCst) => {
                        Ok(Step::Again)
                    }
                    Advance::Idle => {
                        *self = Self::Asleep;
                        Ok(Step::Park(None))
                    }
                }
            }
        }
    }

    fn give_up(&mut self, _shared: &Shared) {}
}

/// What may be left out, as of one moment.
struct Plan {
    snapshots: Vec<Moment>,
    /// Where the window begins that stays readable, if there is one.
    window: Option<Moment>,
    newest: Moment,
    reclaim: Reclaim,
}

impl Plan {
    /// The plan of a job that begins now.
    fn now(shared: &Shared) -> Result<Self> {
        // Time and rules are of one moment: a generation that has not ended by the rules had not ended by the time. Whoever
        // reads from then on judges by no earlier time, unless it reads as of a moment of the window.
        let now = || shared.clock.now_by_the_wall().unwrap_or_default();
        let (time, rules) = shared.rules.at_present(now, |rules, time| (time, Arc::clone(rules)));
        let window = window_start(shared)?;
        let published = shared.pipeline.published();
        let floor_at = window.unwrap_or(Moment { seqno: published, time: shared.pipeline.published_time() });
        let (snapshots, newest) =
            shared.snapshots.boundaries(floor_at, || Moment { seqno: shared.pipeline.published(), time });
        let dropped = shared.rules.dropped();
        let reclaim = Reclaim { floor: floor(&snapshots, window, newest), rules, dropped };
        Ok(Self { snapshots, window, newest, reclaim })
    }

    fn merge_job(
        self,
        shared: &Shared,
        input: Box<dyn Cursor>,
        level: usize,
        table_bytes: u64,
        large_keyspaces: BTreeSet<KeyspaceId>,
    ) -> MergeJob {
        let output = Output {
            environment: shared.environment.clone(),
            directory: shared.directory.clone(),
            level,
            block_bytes: shared.options.block_bytes,
            table_bytes,
            large_keyspaces,
        };
        let retention = Retention::new(&self.snapshots, self.newest.seqno, self.window, self.reclaim);
        MergeJob::new(input, retention, shared.view().version.clone(), output)
    }
}

/// Where the window that stays readable begins now.
fn window_start(shared: &Shared) -> Result<Option<Moment>> {
    if shared.options.history.is_zero() {
        return Ok(None);
    }
    let floor = shared.snapshots.floor();
    let window_millis = u64::try_from(shared.options.history.as_millis()).unwrap_or(u64::MAX);
    // While the wall clock is behind, the window does not move.
    let now = shared.clock.now_by_the_wall().unwrap_or_default();
    let time = CommitTime(now.0.saturating_sub(window_millis));
    if time <= floor.time {
        return Ok(Some(floor));
    }
    let published = shared.pipeline.published();
    let next = shared.timeline().first_after(time)?;
    let seqno = next.map_or(published, |next| published.min(SeqNo(next.0.saturating_sub(1))));
    Ok(Some(floor.max_of_each(Moment { seqno, time })))
}

fn removed_by(tables: &[(u8, Arc<TableReader>)]) -> Vec<(u8, FileId)> {
    tables.iter().map(|(level, table)| (*level, table.meta().id)).collect()
}

fn ids(removed: &[(u8, FileId)]) -> Vec<FileId> {
    removed.iter().map(|(_, id)| *id).collect()
}

/// Logs an edit and applies it. A failure to log it poisons the engine, whatever its kind.
fn install(shared: &Shared, edit: &VersionEdit, flushed: Option<&Arc<Memtable>>) -> Result<()> {
    let mut manifest = shared.manifest.lock();
    let version = shared.view().version.clone();
    let tables = open_added(shared, &edit.added)?;
    let next = version.with(&edit.removed, tables, edit.floor.unwrap_or_default()).map_err(|expected| {
        StoreError::corruption(&shared.directory, 0, format!("a version edit that fits: {expected}"))
    })?;
    shared.poison.check()?;
    if let Err(error) = manifest.append(edit) {
        shared.poison.set(&error);
        return Err(error);
    }
    shared.change_view(|view| view.with_version(Arc::new(next), flushed));
    let written: u64 = edit.added.iter().map(|(_, meta)| meta.size_bytes).sum();
    add(&shared.counters.table_bytes_written, written);
    Ok(())
}

/// The tables that an edit adds; those that only change their level are open already.
fn open_added(shared: &Shared, added: &[(u8, TableMeta)]) -> Result<Vec<(u8, Arc<TableReader>)>> {
    let open: Vec<_> = shared.view().version.tables().collect();
    let mut tables = Vec::new();
    for (level, meta) in added {
        let table = match open.iter().find(|(_, table)| table.meta().id == meta.id) {
            Some((_, table)) => Arc::clone(table),
            None => Arc::new(TableReader::open(
                shared.environment.vfs.as_ref(),
                &shared.directory,
                meta.clone(),
                shared.options.read_mode,
            )?),
        };
        tables.push((*level, table));
    }
    Ok(tables)
}

fn finish_compaction(shared: &Shared, answers: Option<u64>) {
    add(&shared.counters.compactions, 1);
    if let Some(answers) = answers {
        shared.maintenance.state.lock().compactions_done = answers;
    }
    shared.maintenance.succeed();
}

/// Removes tables that the manifest does not name.
fn remove_tables(shared: &Shared, tables: &[FileId]) {
    for id in tables {
        shared.retired.retire(&names::table(&shared.directory, *id));
    }
}

impl super::shared::Maintenance {
    /// A job did something.
    fn succeed(&self) {
        self.state.lock().last_failure = None;
        self.done.notify();
    }

    /// Somebody wrote: what is buffered is synced after the interval, and what is durable is promised.
    pub(super) fn note_write(&self) {
        if self.sync_sleeps.load(Ordering::Relaxed) && self.sync_sleeps.swap(false, Ordering::SeqCst) {
            self.wake_sync.notify();
        }
    }
}
