//! The state that handles, tickets, cursors and jobs share.

use super::commit::Commit;
use super::commit_clock::CommitClock;
use super::epoch_cell::EpochCell;
use super::job_registry::JobRegistry;
use super::kept_log::KeptLog;
use super::key_locks::KeyLocks;
use super::log::LogEndOf;
use super::manifest_log::ManifestLog;
use super::options::EngineOptions;
use super::pipeline::{Pipeline, WasFrozen};
use super::poison::Poison;
use super::recovery::{Recovered, read_file};
use super::retired_files::RetiredFiles;
use super::rules::Rules;
use super::snapshot_registry::SnapshotRegistry;
use super::statistics::{Counters, RecoveryStatistics};
use super::view::View;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{FileNumber, HistoryId, Moment, SeqNo};
use crate::env::environment::Environment;
use crate::env::file::LockGuard;
use crate::env::schedule::{Event, JobHandle};
use crate::format::chunk::{LogIdentity, LogKind};
use crate::format::manifest::Parent;
use crate::format::names::{self, FileKind};
use crate::format::wal::peek_header;
use crate::lsm::memtable::table::Memtable;
use crate::lsm::timeline::Timeline;
use crossbeam_epoch::Guard;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Everything that an open engine has.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) environment: Environment,
    pub(super) directory: PathBuf,
    pub(super) options: EngineOptions,
    pub(super) history: HistoryId,
    /// Where that history left another one.
    pub(super) parent: Option<Parent>,
    pub(super) pipeline: Pipeline,
    pub(super) poison: Arc<Poison>,
    pub(super) counters: Counters,
    pub(super) snapshots: SnapshotRegistry,
    pub(super) clock: CommitClock,
    pub(super) rules: Rules,
    pub(super) key_locks: Arc<KeyLocks>,
    pub(super) manifest: Mutex<ManifestLog>,
    pub(super) retired: Arc<RetiredFiles>,
    pub(super) kept_log: KeptLog,
    pub(super) maintenance: Maintenance,
    /// Those of the layer above.
    pub(super) jobs: JobRegistry,
    pub(super) recovery: RecoveryStatistics,
    view: EpochCell<Arc<View>>,
    /// Held by who replaces the view on the ground of the one before.
    view_change: Mutex<()>,
    is_closed: AtomicBool,
    lock: Mutex<Option<Box<dyn LockGuard>>>,
}

/// What background jobs and those who wait for them tell each other.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    pub(super) state: Mutex<MaintenanceState>,
    /// Something was done, or failed.
    pub(super) done: Event,
    pub(super) wake_flush: Arc<Event>,
    pub(super) wake_compaction: Arc<Event>,
    pub(super) wake_sync: Arc<Event>,
    pub(super) wake_log: Arc<Event>,
    /// The job that does the log's work for tasks that await commits, once there was one.
    pub(super) log_job: Mutex<Option<JobHandle>>,
    /// The sync job sleeps until somebody writes.
    pub(super) sync_sleeps: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct MaintenanceState {
    /// Jobs end at their next step.
    pub(super) stop: bool,
    /// How many times a full compaction was asked for, and how many of those are done.
    pub(super) compactions_wanted: u64,
    pub(super) compactions_done: u64,
    /// How many times a job has failed and backed off, and why it did the last time; `None` after a success.
    pub(super) failures: u64,
    pub(super) last_failure: Option<StoreError>,
}

impl Shared {
    pub(super) fn new(
        environment: Environment,
        directory: PathBuf,
        options: EngineOptions,
        recovered: Recovered,
    ) -> Self {
        // No reader judges by an earlier time than compaction once did.
        let latest = recovered.last.time.max(recovered.version.floor().time);
        let clock = CommitClock::new(Arc::clone(&environment.clock), latest);
        let poison = Arc::new(Poison::default());
        let snapshots = SnapshotRegistry::new(recovered.version.floor());
        let view = View { active: recovered.active, frozen: Vec::new(), version: recovered.version };
        let retired = RetiredFiles::new(Arc::clone(&environment.vfs), Arc::clone(&poison));
        let kept_log = KeptLog::new(options.log_kept_bytes);
        Self {
            environment,
            directory,
            options,
            history: recovered.history,
            parent: recovered.parent,
            pipeline: Pipeline::new(recovered.log, recovered.last, recovered.segments),
            retired: Arc::new(retired),
            kept_log,
            poison,
            counters: Counters::default(),
            snapshots,
            clock,
            rules: Rules::default(),
            key_locks: Arc::new(KeyLocks::new()),
            manifest: Mutex::new(recovered.manifest),
            maintenance: Maintenance::default(),
            jobs: JobRegistry::default(),
            recovery: recovered.statistics,
            view: EpochCell::new(Arc::new(view)),
            view_change: Mutex::new(()),
            is_closed: AtomicBool::new(false),
            lock: Mutex::new(Some(recovered.lock)),
        }
    }

    /// The present view.
    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(self.view.load(&crossbeam_epoch::pin()))
    }

    /// The present view for as long as the guard is held.
    #[inline]
    pub(super) fn view_in<'guard>(&self, guard: &'guard Guard) -> &'guard View {
        self.view.load(guard)
    }

    /// A view and the newest published commit, at one moment: the view holds every commit up to that one.
    ///
    /// The view is loaded first. If it is still the present one after the number was loaded, no memtable was frozen
    /// in between, so no commit up to that number can be in a memtable that this view lacks.
    #[inline]
    pub(super) fn moment<'guard>(&self, guard: &'guard Guard) -> (&'guard Arc<View>, SeqNo) {
        loop {
            let view = self.view.load(guard);
            let published = self.pipeline.published();
            if std::ptr::eq(view, self.view.load(guard)) {
                return (view, published);
            }
        }
    }

    /// The present moment: the time is asked for after the number, so that it is not before the time of any commit up to
    /// that number.
    pub(super) fn now(&self) -> Moment {
        let seqno = self.pipeline.published();
        Moment { seqno, time: self.clock.now() }
    }

    /// Which commit was the first at each time, as it is now: what has its place in the order is in it.
    pub(super) fn timeline(&self) -> Timeline {
        let view = self.view();
        Timeline::new(view.memtables(), &view.version)
    }

    /// Where a segment ends that is closed; nobody knows of one that was closed before the store was opened, unless the next
    /// one says so.
    pub(super) fn log_end(&self, segment: FileNumber) -> Option<LogEndOf> {
        let promised = self.pipeline.promised();
        if segment == promised.segment {
            return Some(LogEndOf { bytes: promised.bytes, last: None });
        }
        if let Some(end) = self.pipeline.closed(segment) {
            return Some(end);
        }
        let number = segment.next();
        let path = names::wal(&self.directory, number);
        let bytes = read_file(&self.environment, &path).ok()?;
        let identity = LogIdentity { kind: LogKind::Wal, history: self.history, number };
        let said = peek_header(&path, &bytes, identity).ok()??.predecessor?;
        (said.number == segment).then_some(LogEndOf { bytes: said.length_bytes, last: None })
    }

    /// Removes log segments that neither a memtable nor the archive needs any more.
    pub(super) fn release_segments(&self) -> Result<()> {
        let oldest = self.manifest.lock().flushed().oldest_segment;
        self.remove_segments_before(oldest)
    }

    /// As [`release_segments`](Self::release_segments), those before `oldest`.
    pub(super) fn remove_segments_before(&self, oldest: FileNumber) -> Result<()> {
        let (vfs, directory) = (&self.environment.vfs, &self.directory);
        let names = vfs.read_dir(directory).map_err(|error| StoreError::io("read", directory, error))?;
        let numbers = names.iter().filter_map(|name| match names::parse(name) {
            Some(FileKind::Wal(number)) if number < oldest => Some(number),
            _ => None,
        });
        let mut retired = Vec::new();
        for number in numbers {
            // One whose size cannot be told counts for nothing, and is let go with those before it.
            let size = |path: &Path| vfs.open(path).and_then(|file| file.size_bytes()).unwrap_or(0);
            let keeps = self.kept_log.is_keeping();
            retired.push((number, if keeps { size(&names::wal(directory, number)) } else { 0 }));
        }
        retired.sort_unstable();
        let first_kept = self.kept_log.keep(&retired, oldest);
        for (number, _) in retired.into_iter().filter(|(number, _)| *number < first_kept) {
            self.retired.retire(&names::wal(directory, number));
        }
        self.pipeline.forget_closed(first_kept);
        Ok(())
    }

    /// Replaces the view by one made from it.
    pub(super) fn change_view(&self, change: impl FnOnce(&View) -> View) {
        let _change = self.view_change.lock();
        let view = change(&self.view());
        self.view.replace(Arc::new(view));
    }

    /// The memtable for the next commit; a full one is frozen. Called in the serial step.
    pub(super) fn memtable_for(&self, segment: FileNumber, last: Commit) -> (Arc<Memtable>, WasFrozen) {
        let active = Arc::clone(&self.view().active);
        if active.memory_bytes() < self.options.memtable_bytes {
            return (active, WasFrozen::No);
        }
        let was_frozen = self.freeze_active(segment, last);
        (Arc::clone(&self.view().active), was_frozen)
    }

    /// Freezes the active memtable unless it is empty. Called in the serial step.
    pub(super) fn freeze_active(&self, segment: FileNumber, last: Commit) -> WasFrozen {
        if self.view().active.is_empty() {
            return WasFrozen::No;
        }
        let next = self.options.empty_memtable();
        self.change_view(|view| view.with_frozen(next, segment, last));
        self.maintenance.wake_flush.notify();
        WasFrozen::Yes
    }

    /// Refuses everything once the engine is closed.
    #[inline]
    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::new(StoreFault::Closed));
        }
        Ok(())
    }

    /// Says that the engine is closed.
    pub(super) fn set_closed(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    /// Lets others open the directory.
    pub(super) fn unlock_directory(&self) {
        self.lock.lock().take();
    }
}
