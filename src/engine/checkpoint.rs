//! Checkpoints: a consistent copy of a store in a directory of its own, made while writes go on; and forks, which are
//! copies of checkpoints.
//!
//! Steps of a checkpoint, in the order of the code:
//! 1. Begin the directory: the sign that it is not whole is durable before anything else is there.
//! 2. Wait until all that was submitted before is durable. Pin the store's files, so that none loses its name meanwhile.
//! 3. Under the manifest's lock take the tables and the first log segment that they leave needed; then take the promised
//!    end of the log, which is at or behind what the tables hold.
//! 4. Link the tables and the closed segments, or copy them where the file system does not link. Copy the open segment
//!    up to its promised end: it is never linked, because it is still written to.
//! 5. Write a manifest; then the marker: it has its name when everything else is durable (`format::checkpoint`).
//!
//! Opening a checkpoint begins a history of its own (`recovery`). A fork is a checkpoint's copy, made in the same steps:
//! its files never change, so all of them are linked.
//!
//! Nobody waits for a checkpoint but who makes it: the manifest's lock is held for no I/O, and writers take no part. Its
//! cost grows with the number of files.

use super::recovery::{read_file, sync_parent};
use super::store::Engine;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{FileNumber, HistoryId, Moment};
use crate::base::planted::{Bug, planted};
use crate::env::environment::Environment;
use crate::env::file::{File, read_exact_at};
use crate::format::checkpoint::CheckpointMarker;
use crate::format::chunk::{LogIdentity, LogKind};
use crate::format::manifest::{ManifestWriter, VersionEdit};
use crate::format::names::{self, FileKind};
use crate::lsm::version::Version;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a file is copied at a time.
const COPY_STEP_BYTES: usize = 1024 * 1024;

/// The manifest of a checkpoint has the lowest number: that of each opening is higher.
const MANIFEST: FileNumber = FileNumber(1);

/// What a checkpoint holds and took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointSummary {
    /// The history of the store that it was made of.
    pub history: HistoryId,
    /// The last commit that it holds, and the time of that.
    pub last: Moment,
    /// Files that were linked.
    pub files_linked: usize,
    /// Files that were copied.
    pub files_copied: usize,
    /// Their bytes.
    pub bytes_copied: u64,
}

impl Engine {
    /// Makes a checkpoint of the store in a new directory, whose parent must exist: everything that was submitted before,
    /// and perhaps some of what was submitted meanwhile. What an interrupted checkpoint has left there is replaced.
    pub fn checkpoint(&self, directory: &Path) -> Result<CheckpointSummary> {
        let shared = &self.shared;
        shared.check_open()?;
        // Where it would be linked is not to be written either.
        if self.is_read_only() {
            shared.poison.check()?;
        }
        let mut copy = CheckpointWriter::begin(&shared.environment, directory)?;
        self.barrier().wait()?;
        let submitted = shared.pipeline.published();
        self.sync_up_to(submitted)?;
        let _pin = shared.retired.pin();
        let (version, flushed) = {
            let manifest = shared.manifest.lock();
            (Arc::clone(&shared.view().version), manifest.flushed())
        };
        let promised = shared.pipeline.promised();
        let from = &shared.directory;
        for (_, table) in version.tables() {
            let id = table.meta().id;
            let (size_bytes, checksum) = (table.meta().size_bytes, table.meta().checksum);
            copy.link(&names::table(from, id), &names::table(directory, id), size_bytes, Some(checksum))?;
        }
        let mut segments = Vec::new();
        let mut number = flushed.oldest_segment;
        while number < promised.segment {
            let path = names::wal(from, number);
            let size_bytes = size_of(&shared.environment, &path)?;
            copy.link(&path, &names::wal(directory, number), size_bytes, None)?;
            segments.push((number, size_bytes));
            number = number.next();
        }
        let (open, its_copy) = (names::wal(from, promised.segment), names::wal(directory, promised.segment));
        if planted(Bug::CheckpointLinksOpenSegment) {
            copy.link(&open, &its_copy, promised.bytes, None)?;
        } else {
            copy.copy(&open, &its_copy, promised.bytes, None)?;
        }
        segments.push((promised.segment, promised.bytes));
        let state = VersionEdit {
            added: version.tables().map(|(level, table)| (level, table.meta().clone())).collect(),
            oldest_segment: Some(flushed.oldest_segment),
            flushed_seqno: Some(flushed.last.seqno),
            flushed_time: Some(flushed.last.time),
            floor: Some(version.floor()),
            parent: shared.parent,
            ..VersionEdit::default()
        };
        let marker = CheckpointMarker {
            history: shared.history,
            seqno: promised.last.seqno,
            time: promised.last.time,
            manifest: MANIFEST,
            segments,
            tables: tables_of(&version),
        };
        copy.finish_with_manifest(&marker, &state)
    }

    /// Waits until a commit that is published is durable.
    pub(super) fn sync_up_to(&self, published: crate::base::ident::SeqNo) -> Result<()> {
        let shared = &self.shared;
        loop {
            let seen = shared.pipeline.progress().generation();
            if shared.pipeline.synced() >= published {
                return Ok(());
            }
            shared.poison.check()?;
            shared.pipeline.want_sync();
            let advance = shared.pipeline.advance(&shared.counters, &shared.poison);
            if advance == super::pipeline::Advance::Busy {
                shared.environment.scheduler.wait(shared.pipeline.progress(), seen, None);
            }
        }
    }
}

fn tables_of(version: &Version) -> Vec<(crate::base::ident::FileId, u64)> {
    version.tables().map(|(_, table)| (table.meta().id, table.meta().size_bytes)).collect()
}

/// What the checkpoint in a directory is; an error if it is none, or was opened since.
pub fn describe(environment: &Environment, directory: &Path) -> Result<CheckpointMarker> {
    let invalid = |reason: &str| {
        let (path, reason) = (directory.to_owned(), reason.to_owned());
        Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }))
    };
    let names = environment.vfs.read_dir(directory);
    let names = names.map_err(|error| StoreError::io("list", directory, error))?;
    let kinds: Vec<FileKind> = names.iter().filter_map(|name| names::parse(name)).collect();
    if kinds.contains(&FileKind::UnfinishedCheckpoint) {
        return invalid("a checkpoint was begun in it and not finished");
    }
    if !kinds.contains(&FileKind::Checkpoint) {
        return invalid("it is not a checkpoint, or was opened since it was made");
    }
    let path = directory.join(names::CHECKPOINT);
    let marker = CheckpointMarker::decode(&path, &read_file(environment, &path)?)?;
    let was_opened =
        kinds.iter().any(|kind| matches!(kind, FileKind::Manifest(number) if *number > marker.manifest));
    if was_opened {
        return invalid("it is a checkpoint that was opened since it was made");
    }
    Ok(marker)
}

/// Makes a copy of the checkpoint in the directory `from`, in a new directory, by links where it can: a store with a
/// history of its own when it is opened.
pub fn fork(environment: &Environment, from: &Path, directory: &Path) -> Result<CheckpointSummary> {
    let marker = describe(environment, from)?;
    let mut copy = CheckpointWriter::begin(environment, directory)?;
    for (id, size_bytes) in &marker.tables {
        copy.link(&names::table(from, *id), &names::table(directory, *id), *size_bytes, None)?;
    }
    for (number, size_bytes) in &marker.segments {
        copy.link(&names::wal(from, *number), &names::wal(directory, *number), *size_bytes, None)?;
    }
    let manifest = names::manifest(from, marker.manifest);
    let size_bytes = size_of(environment, &manifest)?;
    copy.link(&manifest, &names::manifest(directory, marker.manifest), size_bytes, None)?;
    copy.finish(&marker)
}

fn size_of(environment: &Environment, path: &Path) -> Result<u64> {
    let file = environment.vfs.open(path).map_err(|error| StoreError::io("open", path, error))?;
    file.size_bytes().map_err(|error| StoreError::io("read", path, error))
}

/// A checkpoint that is being made. Unless it is finished, what was made of it goes again.
#[derive(Debug)]
pub(super) struct CheckpointWriter {
    environment: Environment,
    directory: PathBuf,
    /// Becomes the marker.
    unfinished: Arc<dyn File>,
    created: Vec<PathBuf>,
    is_finished: bool,
    summary: CheckpointSummary,
}

impl CheckpointWriter {
    /// Begins a checkpoint in a directory that is made, is empty, or has what is left of one that was not finished.
    pub(super) fn begin(environment: &Environment, directory: &Path) -> Result<Self> {
        let vfs = environment.vfs.as_ref();
        vfs.create_dir(directory).map_err(|error| StoreError::io("create", directory, error))?;
        let names = vfs.read_dir(directory).map_err(|error| StoreError::io("list", directory, error))?;
        let is_left_over = names.iter().any(|name| name == names::UNFINISHED_CHECKPOINT);
        let is_foreign = |name: &&String| names::parse(name).is_none();
        if let Some(name) = names.iter().find(|name| !is_left_over || is_foreign(name)) {
            let (path, reason) =
                (directory.to_owned(), format!("it is not empty, but has for example {name}"));
            return Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }));
        }
        let unfinished = directory.join(names::UNFINISHED_CHECKPOINT);
        if is_left_over {
            // The sign that it is not whole goes when everything else is gone for good.
            let left = names.iter().filter(|name| *name != names::UNFINISHED_CHECKPOINT);
            for path in left.map(|name| directory.join(name)) {
                vfs.unlink(&path).map_err(|error| StoreError::io("remove", &path, error))?;
            }
            vfs.sync_dir(directory).map_err(|error| StoreError::io("sync", directory, error))?;
            vfs.unlink(&unfinished).map_err(|error| StoreError::io("remove", &unfinished, error))?;
        }
        let file = vfs.create(&unfinished).map_err(|error| StoreError::io("create", &unfinished, error))?;
        let nothing = Moment::default();
        let summary = CheckpointSummary {
            history: HistoryId(0),
            last: nothing,
            files_linked: 0,
            files_copied: 0,
            bytes_copied: 0,
        };
        let begun = Self {
            environment: environment.clone(),
            directory: directory.to_owned(),
            unfinished: file,
            created: Vec::new(),
            is_finished: false,
            summary,
        };
        begun.sync_directory()?;
        sync_parent(environment, directory)?;
        Ok(begun)
    }

    /// Gives a file that never changes any more a name in the checkpoint, or copies it.
    pub(super) fn link(
        &mut self,
        from: &Path,
        to: &Path,
        size_bytes: u64,
        checksum: Option<u32>,
    ) -> Result<()> {
        match self.environment.vfs.link(from, to) {
            Ok(()) => {
                self.created.push(to.to_owned());
                self.summary.files_linked += 1;
                Ok(())
            }
            Err(error) if is_link_impossible(error.kind()) => self.copy(from, to, size_bytes, checksum),
            Err(error) => Err(StoreError::io("link", from, error)),
        }
    }

    /// Copies the first `size_bytes` of a file, which have that CRC-32 if one is given.
    pub(super) fn copy(
        &mut self,
        from: &Path,
        to: &Path,
        size_bytes: u64,
        checksum: Option<u32>,
    ) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        let source = vfs.open(from).map_err(|error| StoreError::io("open", from, error))?;
        let target = vfs.create(to).map_err(|error| StoreError::io("create", to, error))?;
        self.created.push(to.to_owned());
        let mut hasher = crc32fast::Hasher::new();
        let mut offset = 0;
        while offset < size_bytes {
            let step = usize::try_from(size_bytes - offset).unwrap_or(usize::MAX).min(COPY_STEP_BYTES);
            let mut bytes = vec![0; step];
            read_exact_at(source.as_ref(), offset, &mut bytes)
                .map_err(|error| StoreError::io("read", from, error))?;
            target.append(&bytes).map_err(|error| StoreError::io("write", to, error))?;
            hasher.update(&bytes);
            offset += step as u64;
        }
        if checksum.is_some_and(|checksum| checksum != hasher.finalize()) {
            return Err(StoreError::corruption(from, 0, "the bytes that its checksum was taken of"));
        }
        target.sync().map_err(|error| StoreError::io("sync", to, error))?;
        self.summary.files_copied += 1;
        self.summary.bytes_copied += size_bytes;
        Ok(())
    }

    /// Writes a file of the checkpoint, synced.
    pub(super) fn write(&mut self, to: &Path, bytes: &[u8]) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        let file = vfs.create(to).map_err(|error| StoreError::io("create", to, error))?;
        self.note(to.to_owned());
        file.append(bytes).map_err(|error| StoreError::io("write", to, error))?;
        file.sync().map_err(|error| StoreError::io("sync", to, error))
    }

    /// A file of the checkpoint was made, and is synced, or will be.
    pub(super) fn note(&mut self, path: PathBuf) {
        self.created.push(path);
    }

    /// Writes the manifest that is `state`, and finishes.
    pub(super) fn finish_with_manifest(
        mut self,
        marker: &CheckpointMarker,
        state: &VersionEdit,
    ) -> Result<CheckpointSummary> {
        if planted(Bug::CheckpointMarkedEarly) {
            self.mark(marker)?;
        }
        let identity =
            LogIdentity { kind: LogKind::Manifest, history: marker.history, number: marker.manifest };
        self.created.push(names::unfinished_manifest(&self.directory, marker.manifest));
        self.created.push(names::manifest(&self.directory, marker.manifest));
        ManifestWriter::create(self.environment.vfs.as_ref(), &self.directory, identity, state)?;
        self.finish(marker)
    }

    /// Makes the checkpoint whole: all its files are there, synced, and their names become durable before its marker.
    pub(super) fn finish(mut self, marker: &CheckpointMarker) -> Result<CheckpointSummary> {
        if !planted(Bug::CheckpointMarkedEarly) {
            self.sync_directory()?;
            self.mark(marker)?;
        }
        self.is_finished = true;
        self.sync_directory()?;
        let last = Moment { seqno: marker.seqno, time: marker.time };
        Ok(CheckpointSummary { history: marker.history, last, ..self.summary })
    }

    /// A crash before the rename leaves a checkpoint that is not whole; one after it, either, until the directory is
    /// synced.
    fn mark(&self, marker: &CheckpointMarker) -> Result<()> {
        let unfinished = self.directory.join(names::UNFINISHED_CHECKPOINT);
        let io = |operation| move |error| StoreError::io(operation, &self.directory, error);
        self.unfinished.append(&marker.encode()).map_err(io("write"))?;
        self.unfinished.sync().map_err(io("sync"))?;
        let path = self.directory.join(names::CHECKPOINT);
        self.environment.vfs.rename(&unfinished, &path).map_err(io("rename"))
    }

    fn sync_directory(&self) -> Result<()> {
        let synced = self.environment.vfs.sync_dir(&self.directory);
        synced.map_err(|error| StoreError::io("sync", &self.directory, error))
    }
}

impl Drop for CheckpointWriter {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // As far as it goes: whoever begins one here again removes the rest.
        let vfs = self.environment.vfs.as_ref();
        for path in &self.created {
            let _ = vfs.unlink(path);
        }
        // The sign that it is not whole goes when everything else is gone for good.
        if self.sync_directory().is_ok() {
            let _ = vfs.unlink(&self.directory.join(names::UNFINISHED_CHECKPOINT));
        }
    }
}

/// Whether another way than a link has to be taken: another file system, one that has no links, or no more for this file.
fn is_link_impossible(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::CrossesDevices
            | ErrorKind::Unsupported
            | ErrorKind::TooManyLinks
            | ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::base::error::StoreErrorKind;
    use crate::base::ident::SeqNo;
    use crate::engine::cursor::KeyRange;
    use crate::engine::options::{Durability, EngineOptions};
    use crate::env::sim::{FaultRule, OpKind, Simulation, errno};
    use crate::lsm::picker::Shape;
    use std::collections::BTreeMap;

    const STORE: &str = "/store";
    const COPY: &str = "/copy";

    fn open(simulation: &Simulation, directory: &str) -> Result<Engine> {
        let options = EngineOptions {
            memtable_bytes: 2048,
            block_bytes: 256,
            table_bytes: 2048,
            shape: Shape { level_0_tables: 2, level_1_bytes: 4096, level_ratio: 2 },
            log_fill_bytes: 1024,
            ..EngineOptions::default()
        };
        Engine::open(simulation.environment(), Path::new(directory), options)
    }

    fn put(engine: &Engine, number: u32, durability: Durability) {
        let mut batch = WriteBatch::new();
        batch.put(format!("key {}", number % 97).into_bytes(), number.to_be_bytes().repeat(20));
        engine.write(&batch, durability).expect("space");
    }

    fn scan(engine: &Engine) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut cursor = engine.cursor(KeyRange::default(), None).expect("the store is open");
        let mut map = BTreeMap::new();
        cursor.seek_first().expect("the store can be read");
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            map.insert(key.to_vec(), value.to_vec());
            cursor.next().expect("the store can be read");
        }
        map
    }

    fn written(simulation: &Simulation) -> Engine {
        let engine = open(simulation, STORE).expect("a new store");
        for number in 0..200 {
            put(&engine, number, if number % 2 == 0 { Durability::Buffered } else { Durability::Durable });
        }
        engine
    }

    #[test]
    fn a_checkpoint_is_the_store_as_it_was_and_goes_its_own_way() {
        let simulation = Simulation::new(1);
        let engine = written(&simulation);
        let before = scan(&engine);
        let summary = engine.checkpoint(Path::new(COPY)).expect("space");
        assert_eq!((summary.history, summary.last.seqno), (engine.history(), SeqNo(200)));
        assert_eq!(summary.files_copied, 1, "the open segment alone: {summary:?}");
        assert!(summary.files_linked > 2, "{summary:?}");
        for number in 200..400 {
            put(&engine, number, Durability::Durable);
        }
        let copy = open(&simulation, COPY).expect("it is whole");
        assert_eq!(scan(&copy), before);
        assert_ne!(copy.history(), engine.history());
        let parent = Some(crate::format::manifest::Parent { history: engine.history(), seqno: SeqNo(200) });
        assert_eq!(copy.parent(), parent);
        let after = scan(&engine);
        for number in 1000..1300 {
            put(&copy, number, Durability::Durable);
        }
        copy.compact().expect("space");
        let changed = scan(&copy);
        assert_eq!(scan(&engine), after, "what the copy does is its own");
        copy.close().expect("nothing failed");
        engine.compact().expect("space");
        engine.close().expect("nothing failed");
        drop((copy, engine));
        let copy = open(&simulation, COPY).expect("it was closed");
        assert_eq!((scan(&copy), copy.parent()), (changed, parent));
        assert_eq!(scan(&open(&simulation, STORE).expect("it was closed")), after);
    }

    #[test]
    fn a_checkpoint_of_a_new_store_is_a_new_store() {
        let simulation = Simulation::new(2);
        let engine = open(&simulation, STORE).expect("a new store");
        let summary = engine.checkpoint(Path::new(COPY)).expect("space");
        assert_eq!(summary.last.seqno, SeqNo::ZERO);
        assert_eq!(scan(&open(&simulation, COPY).expect("it is whole")), BTreeMap::new());
    }

    #[test]
    fn what_an_interrupted_checkpoint_leaves_is_refused_and_replaced() {
        let simulation = Simulation::new(3);
        let engine = written(&simulation);
        let rehearsal = Path::new("/rehearsal");
        let before = simulation.vfs().operation_count();
        engine.checkpoint(rehearsal).expect("space");
        let operations = simulation.vfs().operation_count() - before;
        for number in 0..operations {
            // What fails leaves nothing, as far as the file system lets it.
            let copy = PathBuf::from(format!("/copy {number}"));
            let at = simulation.vfs().operation_count() + number;
            let fault = simulation.vfs().fail(FaultRule::at_operation(at).errno(errno::EIO));
            let made = engine.checkpoint(&copy);
            simulation.vfs().lift(fault);
            // After the rename of its marker it is whole, whatever fails then.
            let is_whole = describe(&simulation.environment(), &copy).is_ok();
            if is_whole || made.is_ok() || engine.statistics().poison.is_some() {
                continue;
            }
            engine.checkpoint(&copy).unwrap_or_else(|error| panic!("operation {number}: {error}"));
            let copy = open(&simulation, copy.to_str().expect("a name")).expect("it is whole");
            assert_eq!(scan(&copy), scan(&engine));
        }
        let copy = Path::new(COPY);
        simulation.environment().vfs.create_dir(copy).expect("space");
        simulation.vfs().write_raw(copy.join(names::UNFINISHED_CHECKPOINT), &[]);
        let refused = open(&simulation, COPY).expect_err("it was not finished");
        assert_eq!(refused.kind(), StoreErrorKind::InvalidStore);
        assert_eq!(
            refused.to_string(),
            "/copy is not a store: a checkpoint was begun in it and not finished"
        );
        let refused = describe(&simulation.environment(), copy).expect_err("it was not finished");
        assert_eq!(refused.kind(), StoreErrorKind::InvalidStore);
        engine.checkpoint(copy).expect("it is replaced");
        assert_eq!(scan(&open(&simulation, COPY).expect("it is whole")), scan(&engine));
    }

    #[test]
    fn a_directory_that_holds_anything_else_is_left_alone() {
        let simulation = Simulation::new(4);
        let engine = written(&simulation);
        let other = Path::new("/other");
        simulation.environment().vfs.create_dir(other).expect("space");
        simulation.vfs().write_raw(other.join("letter.txt"), b"dear");
        for directory in [other, Path::new(STORE)] {
            let before = simulation.vfs().files();
            let refused = engine.checkpoint(directory).expect_err("it is not empty");
            assert_eq!(refused.kind(), StoreErrorKind::InvalidStore);
            assert_eq!(simulation.vfs().files(), before);
        }
    }

    #[test]
    fn where_nothing_can_be_linked_all_is_copied() {
        let simulation = Simulation::new(5);
        let engine = written(&simulation);
        simulation.vfs().fail(FaultRule::on(&[OpKind::Link]).errno(errno::EACCES).sticky());
        let summary = engine.checkpoint(Path::new(COPY)).expect("space");
        assert!(summary.files_linked == 0 && summary.files_copied > 3, "{summary:?}");
        assert_eq!(scan(&open(&simulation, COPY).expect("it is whole")), scan(&engine));
    }

    #[test]
    fn a_checkpoint_whose_log_was_cut_short_or_changed_is_refused() {
        let simulation = Simulation::new(6);
        let engine = written(&simulation);
        engine.checkpoint(Path::new(COPY)).expect("space");
        engine.close().expect("nothing failed");
        drop(engine);
        let marker = describe(&simulation.environment(), Path::new(COPY)).expect("it is whole");
        let (number, size_bytes) = *marker.segments.last().expect("there is a log");
        let path = names::wal(Path::new(COPY), number);
        let whole = simulation.vfs().read(&path).expect("it is there");
        assert_eq!(whole.len() as u64, size_bytes);
        for size_bytes in [0, size_bytes / 2, size_bytes - 1] {
            let image = simulation.restart(simulation.vfs().process_death_image());
            assert!(image.vfs().truncate(&path, size_bytes));
            let refused = open(&image, COPY).expect_err("some of it is missing");
            assert_eq!(refused.kind(), StoreErrorKind::Corruption);
        }
        for offset in (0..size_bytes).step_by(37) {
            let image = simulation.restart(simulation.vfs().process_death_image());
            assert!(image.vfs().flip(&path, offset, 3));
            let refused = open(&image, COPY).expect_err("some of it is wrong");
            assert_eq!(refused.kind(), StoreErrorKind::Corruption);
        }
    }

    #[test]
    fn forks_of_one_checkpoint_are_each_their_own() {
        let simulation = Simulation::new(7);
        let engine = written(&simulation);
        let prepared = Path::new("/prepared");
        engine.checkpoint(prepared).expect("space");
        let expected = scan(&engine);
        let environment = simulation.environment();
        let forks: Vec<Engine> = (0..3)
            .map(|number| {
                let directory = format!("/fork {number}");
                let summary = fork(&environment, prepared, Path::new(&directory)).expect("space");
                assert_eq!((summary.files_copied, summary.last.seqno), (0, SeqNo(200)));
                let fork = open(&simulation, &directory).expect("it is whole");
                assert_eq!(scan(&fork), expected);
                put(&fork, 5000 + number, Durability::Durable);
                fork.compact().expect("space");
                fork
            })
            .collect();
        let contents: std::collections::BTreeSet<_> = forks.iter().map(scan).collect();
        assert_eq!(contents.len(), 3);
        describe(&environment, prepared).expect("it is what it was");
        let opened = open(&simulation, "/prepared").expect("it is whole");
        assert_eq!(scan(&opened), expected);
        let refused = fork(&environment, prepared, Path::new("/late")).expect_err("it was opened");
        assert_eq!(refused.kind(), StoreErrorKind::InvalidStore);
    }
}
