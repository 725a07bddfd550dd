//! Restoring a store from its archive, as it was at any moment that the archive reaches.
//!
//! Steps: find the newest base that is not after the moment; get its tables, each checked by its size and checksum; replay
//! the log from there up to exactly the last commit at or before the moment, into tables; mark the whole as a
//! checkpoint. Opening it begins a history of its own. A crash leaves a checkpoint that is not whole, which is refused, and
//! replaced by the next attempt.
//!
//! Every part of the log was below a promise, so anything in it that does not parse is corruption and no torn tail. Commits
//! follow one another by number: one that is missing is found.

use super::contents::{ArchiveContents, fetch};
use super::objects::ArchiveObjects;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{AsOf, CommitTime, FileNumber, HistoryId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::engine::checkpoint::CheckpointWriter;
use crate::engine::commit::Commit;
use crate::engine::log::LogWriter;
use crate::engine::options::EngineOptions;
use crate::engine::replay;
use crate::env::environment::Environment;
use crate::format::archive::{self, ArchiveBase, ObjectKind, PartHeader};
use crate::format::checkpoint::CheckpointMarker;
use crate::format::chunk::{LogIdentity, LogKind};
use crate::format::manifest::{TableMeta, VersionEdit};
use crate::format::names;
use crate::format::wal::{HEADER_CHUNK_BYTES, read_segment};
use crate::lsm::memtable::table::Memtable;
use std::path::Path;
use std::sync::Arc;

/// The log and the manifest of what is restored begin anew.
const FIRST: FileNumber = FileNumber(1);

/// What to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreTo {
    /// The last moment that the archive reaches.
    Latest,
    /// This moment.
    Moment(AsOf),
}

/// How far a restore has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreProgress {
    /// Tables that are there.
    pub tables: usize,
    /// Of how many.
    pub tables_total: usize,
    /// Segments of the log that were replayed.
    pub segments: usize,
    /// Of how many at most.
    pub segments_total: usize,
    /// Commits that were replayed.
    pub commits: u64,
    /// Bytes that were read from the archive.
    pub bytes: u64,
}

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreSummary {
    /// The history that was restored.
    pub history: HistoryId,
    /// The last commit, and the time of that.
    pub last: Moment,
    /// What it took.
    pub took: RestoreProgress,
}

/// Restores a history of an archive into a new directory, whose parent must exist.
pub fn restore(
    environment: &Environment,
    objects: &dyn ArchiveObjects,
    history: HistoryId,
    to: RestoreTo,
    directory: &Path,
    options: &EngineOptions,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<RestoreSummary> {
    let contents = ArchiveContents::read(objects, history)?;
    let to = bound(&contents, to)?;
    let base = base_for(&contents, to)?;
    let copy = CheckpointWriter::begin(environment, directory)?;
    let mut restore = Restore {
        environment,
        objects,
        directory,
        options,
        contents: &contents,
        to,
        copy,
        memtable: options.replay_memtable(),
        last: Commit { seqno: base.last.seqno, time: base.last.time },
        floor: base.state.floor.unwrap_or_default(),
        added: Vec::new(),
        progress,
        took: RestoreProgress::default(),
    };
    restore.get_tables(base)?;
    restore.replay_log(base.state.oldest_segment.unwrap_or_default())?;
    restore.finish(base)
}

/// Where a restore ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    asked: AsOf,
    seqno: SeqNo,
    time: CommitTime,
}

impl Bound {
    fn holds(&self, seqno: SeqNo, time: CommitTime) -> bool {
        seqno <= self.seqno && time <= self.time
    }
}

/// The bound, if the archive reaches it.
fn bound(contents: &ArchiveContents, to: RestoreTo) -> Result<Bound> {
    let intervals = contents.restorable();
    let newest = intervals.last().map(|interval| interval.to).unwrap_or_default();
    let oldest = intervals.first().map(|interval| interval.from).unwrap_or_default();
    let asked = match to {
        RestoreTo::Latest => AsOf::Sequence(newest.seqno),
        RestoreTo::Moment(asked) => asked,
    };
    let (seqno, time) = match asked {
        AsOf::Time(time) => (SeqNo::MAX, time),
        AsOf::Sequence(seqno) => (seqno, CommitTime(u64::MAX)),
    };
    let within = intervals.iter().any(|interval| match asked {
        AsOf::Time(time) => interval.from.time <= time && time <= interval.to.time,
        AsOf::Sequence(seqno) => interval.from.seqno <= seqno && seqno <= interval.to.seqno,
    });
    if within {
        return Ok(Bound { asked, seqno, time });
    }
    Err(StoreError::new(StoreFault::MomentNotKept { asked, oldest, newest }))
}

/// The newest base that is not after the bound.
fn base_for(contents: &ArchiveContents, to: Bound) -> Result<&ArchiveBase> {
    let base = contents.bases.iter().rev().find(|base| to.holds(base.last.seqno, base.last.time));
    let (oldest, newest) = (Moment::default(), Moment::default());
    base.ok_or_else(|| StoreError::new(StoreFault::MomentNotKept { asked: to.asked, oldest, newest }))
}

/// A restore that is under way.
struct Restore<'a> {
    environment: &'a Environment,
    objects: &'a dyn ArchiveObjects,
    directory: &'a Path,
    options: &'a EngineOptions,
    contents: &'a ArchiveContents,
    to: Bound,
    copy: CheckpointWriter,
    memtable: Arc<Memtable>,
    last: Commit,
    floor: Moment,
    added: Vec<(u8, TableMeta)>,
    progress: &'a mut dyn FnMut(RestoreProgress),
    took: RestoreProgress,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IsOver {
    Yes,
    No,
}

impl Restore<'_> {
    fn get_tables(&mut self, base: &ArchiveBase) -> Result<()> {
        self.took.tables_total = base.state.added.len();
        for (level, meta) in &base.state.added {
            let name = archive::name(self.contents.history, ObjectKind::Table(meta.id));
            let bytes = fetch(self.objects, &name)?;
            if bytes.len() as u64 != meta.size_bytes || crc32fast::hash(&bytes) != meta.checksum {
                let expected = format!("{} bytes with the checksum that the base names", meta.size_bytes);
                return Err(StoreError::corruption(Path::new(&name), 0, expected));
            }
            self.copy.write(&names::table(self.directory, meta.id), &bytes)?;
            self.added.push((*level, meta.clone()));
            self.took.tables += 1;
            self.took.bytes += bytes.len() as u64;
            (self.progress)(self.took);
        }
        Ok(())
    }

    fn replay_log(&mut self, oldest: FileNumber) -> Result<()> {
        let contents = self.contents;
        self.took.segments_total = contents.parts.range(oldest..).count();
        for (segment, parts) in contents.parts.range(oldest..) {
            let bytes = self.segment(*segment, parts.iter().copied())?;
            self.took.bytes += bytes.len() as u64;
            let is_over = self.replay_segment(*segment, &bytes)?;
            self.took.segments += 1;
            (self.progress)(self.took);
            if is_over == IsOver::Yes {
                return Ok(());
            }
        }
        if let AsOf::Sequence(seqno) = self.to.asked
            && self.last.seqno < seqno
        {
            return Err(self.gap(&format!("commit {} is the last one before the end", self.last.seqno)));
        }
        Ok(())
    }

    fn gap(&self, reason: &str) -> StoreError {
        let last = self.last;
        let path = Path::new(&archive::name(self.contents.history, ObjectKind::Until)).to_owned();
        let reason =
            format!("{reason}; what can be restored ends at commit {} at {} ms", last.seqno, last.time.0);
        StoreError::new(StoreFault::LogGap { path, reason })
    }

    /// The bytes of a segment, as far as they are in the archive.
    fn segment(&self, segment: FileNumber, parts: impl Iterator<Item = u64>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for from in parts {
            if from != bytes.len() as u64 {
                return Err(
                    self.gap(&format!("of segment {segment} the part from byte {} is missing", bytes.len()))
                );
            }
            let name = archive::name(self.contents.history, ObjectKind::Part(segment, from));
            let object = fetch(self.objects, &name)?;
            bytes.extend_from_slice(PartHeader::decode(&name, &object)?.1);
        }
        Ok(bytes)
    }

    fn replay_segment(&mut self, segment: FileNumber, bytes: &[u8]) -> Result<IsOver> {
        let name = archive::name(self.contents.history, ObjectKind::Part(segment, 0));
        let path = Path::new(&name);
        let identity = LogIdentity { kind: LogKind::Wal, history: self.contents.history, number: segment };
        let mut is_over = IsOver::No;
        read_segment(path, bytes, identity, bytes.len() as u64, |record, offset| {
            if is_over == IsOver::Yes {
                return Ok(());
            }
            let header = replay::header(path, record, offset)?;
            if header.seqno <= self.last.seqno {
                // It is in the base.
                return Ok(());
            }
            if header.seqno != self.last.seqno.next() {
                return Err(self.gap(&format!("commit {} follows, in segment {segment}", header.seqno)));
            }
            let time = header.time.max(self.last.time);
            let is_one_too_many =
                planted(Bug::RestoredOneTooMany) && self.to.holds(self.last.seqno, self.last.time);
            if !self.to.holds(header.seqno, time) && !is_one_too_many {
                is_over = IsOver::Yes;
                return Ok(());
            }
            replay::replay(&self.memtable, &mut self.last, path, record, offset)?;
            self.took.commits += 1;
            if self.memtable.memory_bytes() >= self.options.memtable_bytes {
                self.write_memtable()?;
            }
            Ok(())
        })?;
        Ok(is_over)
    }

    fn write_memtable(&mut self) -> Result<()> {
        if self.memtable.is_empty() {
            return Ok(());
        }
        let memtable = std::mem::replace(&mut self.memtable, self.options.replay_memtable());
        let (metas, floor) = replay::write_tables(
            self.environment,
            self.directory,
            self.options,
            &memtable,
            self.last,
            self.floor,
        )?;
        self.floor = self.floor.max_of_each(floor);
        for meta in metas {
            self.copy.note(names::table(self.directory, meta.id));
            self.added.push((0, meta));
        }
        Ok(())
    }

    fn finish(mut self, base: &ArchiveBase) -> Result<RestoreSummary> {
        self.write_memtable()?;
        let history = self.contents.history;
        self.copy.note(names::wal(self.directory, FIRST));
        LogWriter::begin(Arc::clone(&self.environment.vfs), self.directory.to_owned(), history, FIRST, 0)?;
        let last = Moment { seqno: self.last.seqno, time: self.last.time };
        let state = VersionEdit {
            added: self.added,
            oldest_segment: Some(FIRST),
            flushed_seqno: Some(last.seqno),
            flushed_time: Some(last.time),
            floor: Some(self.floor),
            parent: base.state.parent,
            ..VersionEdit::default()
        };
        let marker = CheckpointMarker {
            history,
            seqno: last.seqno,
            time: last.time,
            manifest: FIRST,
            segments: vec![(FIRST, HEADER_CHUNK_BYTES as u64)],
            tables: state.added.iter().map(|(_, meta)| (meta.id, meta.size_bytes)).collect(),
        };
        self.copy.finish_with_manifest(&marker, &state)?;
        Ok(RestoreSummary { history, last, took: self.took })
    }
}
