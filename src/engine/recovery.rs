//! Opening: from the files of a directory to an engine that can take commits.
//!
//! Steps, in the order of the code:
//! 1. Lock the directory. Tell a store from an empty directory, and both from anything else, before writing a file.
//!    (Unfinished files of an earlier opening go first: their names are needed.)
//! 2. Read the manifest with the highest number; open the tables that it names.
//! 3. Replay the log from the oldest segment that is needed. A segment that another one goes on from must be whole; the
//!    last may be torn.
//! 4. Write what was replayed into tables, synced. So nothing that the page cache gave back after a failed sync is
//!    trusted where it lies.
//! 5. Begin a new log segment, and a new manifest that names the tables and that segment.
//! 6. Remove what the new manifest does not name.
//!
//! Invariants:
//! 1. Every step can be repeated: a crash before step 5's manifest leaves what was there, plus files that the next open
//!    removes; a crash after it leaves a store that needs no replay.
//! 2. Sequence numbers run on without a gap from the tables through the log.
//!
//! A store that is opened only to be read takes the same steps over an overlay (`env/overlay`): what they write and remove
//! is written and removed in memory.

use super::commit::Commit;
use super::log::{LogEndOf, LogWriter};
use super::manifest_log::ManifestLog;
use super::options::{Access, EngineOptions};
use super::replay;
use super::statistics::RecoveryStatistics;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileId, FileNumber, HistoryId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::env::environment::Environment;
use crate::env::file::{LockGuard, read_all};
use crate::format::checkpoint::CheckpointMarker;
use crate::format::chunk::{LogIdentity, LogKind};
use crate::format::manifest::{ManifestWriter, Parent, VersionEdit, read_manifest};
use crate::format::names::{self, FileKind};
use crate::format::table::reader::TableReader;
use crate::format::wal::{check_chain, header_of_any, peek_header, read_segment};
use crate::lsm::memtable::table::Memtable;
use crate::lsm::version::{ManifestState, Version};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an engine is made of.
pub(super) struct Recovered {
    pub(super) lock: Box<dyn LockGuard>,
    pub(super) history: HistoryId,
    pub(super) parent: Option<Parent>,
    pub(super) version: Arc<Version>,
    pub(super) active: Arc<Memtable>,
    pub(super) log: LogWriter,
    pub(super) manifest: ManifestLog,
    pub(super) last: Commit,
    /// The segments that were replayed, with their ends.
    pub(super) segments: Vec<(FileNumber, LogEndOf)>,
    pub(super) statistics: RecoveryStatistics,
}

/// Opens the store in a directory, creating both if they are missing.
pub(super) fn recover(
    environment: &Environment,
    directory: &Path,
    options: &EngineOptions,
) -> Result<Recovered> {
    let is_read_only = options.access == Access::ReadOnly;
    if !is_read_only {
        create_directory(environment, directory)?;
    }
    // A foreign directory is refused before even the lock's file is made in it.
    Files::list(environment, directory)?.check_ours(directory)?;
    let lock = lock_directory(environment, directory)?;
    let files = Files::list(environment, directory)?;
    files.check_ours(directory)?;
    let checkpoint = files.checkpoint(environment, directory)?;
    let found = if let Some(number) = files.manifests.iter().max() {
        Found::existing(environment, directory, options, &files, *number, checkpoint.as_ref())?
    } else if is_read_only {
        let reason = "there is none in it".to_owned();
        return Err(StoreError::new(StoreFault::InvalidDirectory { path: directory.to_owned(), reason }));
    } else {
        sync_parent(environment, directory)?;
        Found::nothing(environment, directory, options, &files)?
    };
    files.remove_unfinished(environment, directory)?;
    let (tables, replayed, floor) = found.written_anew(environment, directory, options)?;
    let next_segment = files.wals.iter().max().copied().unwrap_or_default().max(found.oldest_segment).next();
    let (history, parent) = match checkpoint {
        None => (found.history, found.parent),
        // Nothing is committed to it here that its own history does not have.
        Some(_) if is_read_only => (found.history, found.parent),
        Some(CheckpointMarker { history, seqno, .. }) => {
            (HistoryId(environment.random.next_u128()), Some(Parent { history, seqno }))
        }
    };
    let log = LogWriter::begin(
        Arc::clone(&environment.vfs),
        directory.to_owned(),
        history,
        next_segment,
        options.log_fill_bytes,
    )?;
    let state = VersionEdit {
        removed: Vec::new(),
        added: tables.iter().map(|(level, table)| (*level, table.meta().clone())).collect(),
        oldest_segment: Some(if replayed.is_some() { found.oldest_segment } else { next_segment }),
        flushed_seqno: Some(if replayed.is_some() { found.flushed_seqno } else { found.last.seqno }),
        flushed_time: Some(found.last.time),
        floor: Some(floor),
        parent,
    };
    let number = files.manifests.iter().max().copied().unwrap_or_default().next();
    let identity = LogIdentity { kind: LogKind::Manifest, history, number };
    let manifest = ManifestWriter::create(environment.vfs.as_ref(), directory, identity, &state)?;
    // The log of another history is nobody's any more.
    let keeps_log = options.log_kept_bytes > 0 && history == found.history;
    files.remove_all_but(environment, directory, &state, number, keeps_log)?;
    let path = names::manifest(directory, number);
    let version =
        Version::new(tables, floor).map_err(|expected| StoreError::corruption(&path, 0, expected))?;
    Ok(Recovered {
        lock,
        history,
        parent,
        version: Arc::new(version),
        active: replayed.unwrap_or_else(|| options.empty_memtable()),
        log,
        manifest: ManifestLog::new(manifest, &state),
        last: found.last,
        segments: found.segments,
        statistics: found.statistics,
    })
}

fn create_directory(environment: &Environment, directory: &Path) -> Result<()> {
    if environment.vfs.read_dir(directory).is_ok() {
        return Ok(());
    }
    environment.vfs.create_dir(directory).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            let reason = "it is not a directory".to_owned();
            StoreError::new(StoreFault::InvalidDirectory { path: directory.to_owned(), reason })
        }
        _ => StoreError::io("create", directory, error),
    })
}

/// Makes the directory's own name durable. As long as there is no manifest, nobody knows whether that was done: an
/// earlier opening can have died after it created the directory.
pub(super) fn sync_parent(environment: &Environment, directory: &Path) -> Result<()> {
    let parent = match directory.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    environment.vfs.sync_dir(parent).map_err(|error| StoreError::io("sync", parent, error))
}

fn lock_directory(environment: &Environment, directory: &Path) -> Result<Box<dyn LockGuard>> {
    let vfs = environment.vfs.as_ref();
    let path = directory.join(names::LOCK);
    vfs.lock(&path).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => StoreError::new(StoreFault::Locked { path: directory.to_owned() }),
        _ => StoreError::io("lock", &path, error),
    })
}

/// The files of a directory by what they are.
#[derive(Debug, Default)]
struct Files {
    manifests: Vec<FileNumber>,
    wals: Vec<FileNumber>,
    tables: Vec<FileId>,
    unfinished: Vec<String>,
    has_checkpoint: bool,
    has_unfinished_checkpoint: bool,
    foreign: Vec<String>,
}

impl Files {
    fn list(environment: &Environment, directory: &Path) -> Result<Self> {
        let names = environment.vfs.read_dir(directory);
        let names = names.map_err(|error| StoreError::io("list", directory, error))?;
        let mut files = Self::default();
        for name in names {
            match names::parse(&name) {
                Some(FileKind::Lock) => {}
                Some(FileKind::Manifest(number)) => files.manifests.push(number),
                Some(FileKind::Wal(number)) => files.wals.push(number),
                Some(FileKind::Table(id)) => files.tables.push(id),
                Some(FileKind::Temporary) => files.unfinished.push(name),
                Some(FileKind::Checkpoint) => files.has_checkpoint = true,
                Some(FileKind::UnfinishedCheckpoint) => files.has_unfinished_checkpoint = true,
                None => files.foreign.push(name),
            }
        }
        files.wals.sort_unstable();
        Ok(files)
    }

    /// Refuses a directory that has files, none of which is a store's.
    fn check_ours(&self, directory: &Path) -> Result<()> {
        match self.foreign.first() {
            Some(name) if self.manifests.is_empty() => {
                let reason = format!("it is not empty and has no manifest, but for example {name}");
                let path = directory.to_owned();
                Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }))
            }
            _ => Ok(()),
        }
    }

    /// The marker of the checkpoint that the directory is; none if it is none, or was opened since it was made.
    fn checkpoint(&self, environment: &Environment, directory: &Path) -> Result<Option<CheckpointMarker>> {
        if self.has_unfinished_checkpoint && !planted(Bug::UnfinishedCheckpointOpened) {
            let reason = "a checkpoint was begun in it and not finished".to_owned();
            let path = directory.to_owned();
            return Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }));
        }
        if !self.has_checkpoint {
            return Ok(None);
        }
        let path = directory.join(names::CHECKPOINT);
        let marker = CheckpointMarker::decode(&path, &read_file(environment, &path)?)?;
        Ok(self.manifests.iter().all(|number| *number <= marker.manifest).then_some(marker))
    }

    /// Removes what `state`, written as the manifest `number`, does not name, but not the log if that is kept for an
    /// archive. Files that are not a store's stay.
    fn remove_all_but(
        &self,
        environment: &Environment,
        directory: &Path,
        state: &VersionEdit,
        number: FileNumber,
        keeps_log: bool,
    ) -> Result<()> {
        let oldest = if keeps_log { FileNumber(0) } else { state.oldest_segment.unwrap_or_default() };
        let is_named = |id| state.added.iter().any(|(_, meta)| meta.id == id);
        let manifests = self.manifests.iter().filter(|old| **old < number);
        let manifests = manifests.map(|old| names::manifest(directory, *old));
        let wals = self.wals.iter().filter(|wal| **wal < oldest).map(|wal| names::wal(directory, *wal));
        let tables = self.tables.iter().filter(|id| !is_named(**id)).map(|id| names::table(directory, *id));
        let marker = self.has_checkpoint.then(|| directory.join(names::CHECKPOINT));
        remove(environment, manifests.chain(wals).chain(tables).chain(marker))
    }

    /// Removes what an opening that did not finish has left: its names are needed again.
    fn remove_unfinished(&self, environment: &Environment, directory: &Path) -> Result<()> {
        remove(environment, self.unfinished.iter().map(|name| directory.join(name)))
    }
}

/// Open tables with their level.
type Tables = Vec<(u8, Arc<TableReader>)>;

/// What a directory held.
struct Found {
    history: HistoryId,
    tables: Tables,
    oldest_segment: FileNumber,
    flushed_seqno: SeqNo,
    replayed: Arc<Memtable>,
    last: Commit,
    floor: Moment,
    parent: Option<Parent>,
    segments: Vec<(FileNumber, LogEndOf)>,
    statistics: RecoveryStatistics,
}

impl Found {
    /// A store that is yet to be: only what a crash while one was created can have left is taken for nothing.
    fn nothing(
        environment: &Environment,
        directory: &Path,
        options: &EngineOptions,
        files: &Files,
    ) -> Result<Self> {
        let invalid = |reason: String| {
            let path = directory.to_owned();
            Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }))
        };
        if let Some(id) = files.tables.first() {
            return invalid(format!("it has tables, for example {id}, but no manifest"));
        }
        for number in &files.wals {
            let path = names::wal(directory, *number);
            let bytes = read_file(environment, &path)?;
            // A segment of a store that never had a manifest has a header at most.
            if bytes.len() > crate::format::wal::HEADER_CHUNK_BYTES && bytes.iter().any(|byte| *byte != 0) {
                return invalid(format!("it has a log, {}, but no manifest", path.display()));
            }
        }
        Ok(Self {
            history: HistoryId(environment.random.next_u128()),
            tables: Vec::new(),
            oldest_segment: FileNumber(0),
            flushed_seqno: SeqNo::ZERO,
            replayed: options.replay_memtable(),
            last: Commit { seqno: SeqNo::ZERO, time: CommitTime(0) },
            floor: Moment::default(),
            parent: None,
            segments: Vec::new(),
            statistics: RecoveryStatistics::default(),
        })
    }

    fn existing(
        environment: &Environment,
        directory: &Path,
        options: &EngineOptions,
        files: &Files,
        number: FileNumber,
        checkpoint: Option<&CheckpointMarker>,
    ) -> Result<Self> {
        let vfs = environment.vfs.as_ref();
        let content = read_manifest(vfs, directory, number)?;
        let path = names::manifest(directory, number);
        let state = ManifestState::fold(&content.edits)
            .map_err(|expected| StoreError::corruption(&path, 0, expected))?;
        let mut tables = Vec::new();
        for (level, meta) in state.tables {
            if !files.tables.contains(&meta.id) {
                let path = names::table(directory, meta.id);
                return Err(StoreError::corruption(&path, 0, "a table that the manifest names"));
            }
            let table = TableReader::open(vfs, directory, meta, options.read_mode)?;
            tables.push((level, Arc::new(table)));
        }
        let mut found = Self {
            history: content.history,
            tables,
            oldest_segment: state.oldest_segment,
            flushed_seqno: state.flushed_seqno,
            replayed: options.replay_memtable(),
            last: Commit { seqno: state.flushed_seqno, time: state.flushed_time },
            floor: state.floor,
            parent: state.parent,
            segments: Vec::new(),
            statistics: RecoveryStatistics::default(),
        };
        found.replay(environment, directory, &files.wals, checkpoint)?;
        match checkpoint {
            Some(marker) if marker.seqno != found.last.seqno => Err(StoreError::corruption(
                &directory.join(names::CHECKPOINT),
                0,
                format!(
                    "a checkpoint that holds commit {}, not one up to {}",
                    marker.seqno, found.last.seqno
                ),
            )),
            _ => Ok(found),
        }
    }

    /// Replays the log from the oldest segment that is needed.
    fn replay(
        &mut self,
        environment: &Environment,
        directory: &Path,
        wals: &[FileNumber],
        checkpoint: Option<&CheckpointMarker>,
    ) -> Result<()> {
        let last_of_checkpoint = checkpoint.and_then(|marker| marker.segments.last());
        let promised_by_marker =
            |number| last_of_checkpoint.filter(|segment| segment.0 == number).map_or(0, |segment| segment.1);
        let gap =
            |reason: String| Err(StoreError::new(StoreFault::LogGap { path: directory.to_owned(), reason }));
        let needed: Vec<FileNumber> =
            wals.iter().copied().filter(|number| *number >= self.oldest_segment).collect();
        if needed.first() != Some(&self.oldest_segment) {
            return gap(format!("segment {} is missing", self.oldest_segment));
        }
        let mut is_over = false;
        for (index, number) in needed.iter().copied().enumerate() {
            let path = names::wal(directory, number);
            let bytes = read_file(environment, &path)?;
            let identity = LogIdentity { kind: LogKind::Wal, history: self.history, number };
            let header = peek_header(&path, &bytes, identity)?;
            if number == self.oldest_segment && header.is_none() {
                return Err(StoreError::corruption(&path, 0, "the header of a log segment"));
            }
            // A segment that goes on from nothing was begun by an opening that did not finish: nothing follows.
            is_over |=
                number > self.oldest_segment && header.is_none_or(|header| header.predecessor.is_none());
            if is_over {
                self.check_unfinished(&path, &bytes, identity)?;
                if header.is_some_and(|header| header.predecessor.is_some()) {
                    return gap(format!("segment {number} goes on from one that is not there or not whole"));
                }
                read_segment(&path, &bytes, identity, 0, |_, _| {
                    gap(format!("segment {number} holds commits, and goes on from nothing"))
                })?;
                self.note_segment(number, 0);
                continue;
            }
            let said = self.successor(environment, directory, identity, needed.get(index + 1))?;
            let known_synced_bytes =
                said.map_or_else(|| promised_by_marker(number), |said| said.length_bytes);
            let read = read_segment(&path, &bytes, identity, known_synced_bytes, |record, offset| {
                self.replay_batch(&path, record, offset)
            })?;
            if let Some(said) = said {
                check_chain(&path, &bytes, &read.end, self.last.seqno, &said)?;
            } else {
                let rest = bytes.get(usize::try_from(read.end.valid_bytes).unwrap_or(usize::MAX)..);
                let torn = rest.unwrap_or_default().iter().rposition(|byte| *byte != 0);
                self.statistics.torn_bytes = torn.map_or(0, |last| last as u64 + 1);
            }
            self.statistics.segments += 1;
            self.note_segment(number, said.map_or(read.end.valid_bytes, |said| said.length_bytes));
        }
        Ok(())
    }

    /// Refuses a segment with the header of another one that is needed. A power loss cannot leave that: it may show the
    /// bytes of a file that was removed, but a segment that is needed was not.
    fn check_unfinished(&self, path: &Path, bytes: &[u8], identity: LogIdentity) -> Result<()> {
        let found = header_of_any(path, bytes).map(|header| header.identity);
        let is_needed = |found: LogIdentity| {
            found != identity && found.history == self.history && found.number >= self.oldest_segment
        };
        match found.filter(|found| is_needed(*found)) {
            Some(found) if !planted(Bug::ExchangedSegmentTaken) => {
                let expected = format!("the header of segment {}, not of {}", identity.number, found.number);
                Err(StoreError::corruption(path, 0, expected))
            }
            _ => Ok(()),
        }
    }

    fn note_segment(&mut self, number: FileNumber, bytes: u64) {
        let last = Some(Moment { seqno: self.last.seqno, time: self.last.time });
        self.segments.push((number, LogEndOf { bytes, last }));
    }

    /// What the next segment says of this one.
    fn successor(
        &self,
        environment: &Environment,
        directory: &Path,
        identity: LogIdentity,
        next: Option<&FileNumber>,
    ) -> Result<Option<crate::format::wal::Predecessor>> {
        let Some(next) = next.copied() else { return Ok(None) };
        let path = names::wal(directory, next);
        let bytes = read_file(environment, &path)?;
        let header = peek_header(
            &path,
            &bytes,
            LogIdentity { kind: LogKind::Wal, history: self.history, number: next },
        )?;
        let said = header.and_then(|header| header.predecessor);
        match said {
            Some(said) if said.number != identity.number => {
                let reason = format!("segment {next} goes on from segment {}, which is missing", said.number);
                Err(StoreError::new(StoreFault::LogGap { path: directory.to_owned(), reason }))
            }
            said => Ok(said),
        }
    }

    fn replay_batch(&mut self, path: &Path, record: &[u8], offset: u64) -> Result<()> {
        replay::replay(&self.replayed, &mut self.last, path, record, offset)?;
        self.statistics.batches += 1;
        Ok(())
    }

    /// The tables with what was replayed written into new ones of level 0, and their floor. (A planted bug leaves it in the memtable.)
    fn written_anew(
        &self,
        environment: &Environment,
        directory: &Path,
        options: &EngineOptions,
    ) -> Result<(Tables, Option<Arc<Memtable>>, Moment)> {
        let mut tables = self.tables.clone();
        if self.replayed.is_empty() {
            return Ok((tables, None, self.floor));
        }
        if planted(Bug::ReplayedTailTrusted) {
            return Ok((tables, Some(Arc::clone(&self.replayed)), self.floor));
        }
        let (metas, floor) =
            replay::write_tables(environment, directory, options, &self.replayed, self.last, self.floor)?;
        for meta in metas {
            let table = TableReader::open(environment.vfs.as_ref(), directory, meta, options.read_mode)?;
            tables.push((0, Arc::new(table)));
        }
        Ok((tables, None, self.floor.max_of_each(floor)))
    }
}

fn remove(environment: &Environment, paths: impl Iterator<Item = PathBuf>) -> Result<()> {
    for path in paths {
        match environment.vfs.unlink(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::io("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn read_file(environment: &Environment, path: &Path) -> Result<Vec<u8>> {
    let file = environment.vfs.open(path).map_err(|error| StoreError::io("open", path, error))?;
    read_all(file.as_ref()).map_err(|error| StoreError::io("read", path, error))
}
