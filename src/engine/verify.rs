//! Verifies the files of a store, each by itself and together, without writing anything.
//!
//! Steps, in the order of the code: lock the directory as one of its readers; the manifest; each table that it names
//! (`format::table::check`); the levels; each log segment that is needed; the marker of a checkpoint. At last the store is
//! opened to be read: recovery judges what lies between files, the chain of segments and the order of commits.
//!
//! Every fault is told, as the error that names file and offset, not only the first. What is no fault of a store, because
//! a crash leaves it, is a note: files that nothing names, and the end of a log that was never whole and that nobody
//! promised. A byte flipped there cannot be told from what a crash leaves.

use super::options::{Access, EngineOptions};
use super::recovery::read_file;
use super::store::Engine;
use crate::base::batch;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{FileNumber, HistoryId};
use crate::base::limits::LEVELS;
use crate::env::environment::Environment;
use crate::env::file::LockGuard;
use crate::format::checkpoint::CheckpointMarker;
use crate::format::chunk::{LogEnd, LogIdentity, LogKind, read_log};
use crate::format::manifest::{TableMeta, parse_manifest};
use crate::format::names::{self, FileKind};
use crate::format::table::check::check_table;
use crate::format::table::reader::ReadMode;
use crate::format::wal::read_segment;
use crate::lsm::version::ManifestState;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What verifying the files of a store came to.
#[derive(Debug, Default)]
pub struct FilesReport {
    /// What is wrong.
    pub faults: Vec<StoreError>,
    /// What is not wrong and worth knowing, in words.
    pub notes: Vec<String>,
    /// How many files were read.
    pub file_count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many entries of tables and batches of the log were checked.
    pub entry_count: u64,
    /// The same for batches of the log.
    pub batch_count: u64,
}

/// How far verifying the files has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesProgress {
    /// The file that is looked at next.
    pub path: PathBuf,
    /// How many bytes were checked.
    pub done_bytes: u64,
    /// How many bytes all files have.
    pub total_bytes: u64,
}

/// Verifies the files of the store in a directory. If they are whole, the store comes with the report, open to be read.
///
/// An error means that nothing could be looked at: there is no store, or somebody writes to it.
pub fn verify_files(
    environment: &Environment,
    directory: &Path,
    progress: &mut dyn FnMut(FilesProgress),
) -> Result<(FilesReport, Option<Engine>)> {
    let lock = lock(environment, directory)?;
    let mut check = FilesCheck::begin(environment, directory, progress)?;
    check.run();
    let mut report = check.report;
    // The engine takes the lock together with us: nobody can write in between.
    let options =
        EngineOptions { access: Access::ReadOnly, read_mode: ReadMode::Pread, ..EngineOptions::default() };
    let opened = Engine::open(environment.clone(), directory, options);
    drop(lock);
    match opened {
        Ok(engine) if report.faults.is_empty() => Ok((report, Some(engine))),
        Ok(_) => Ok((report, None)),
        Err(fault) => {
            // It stops at the first fault, which may have been told.
            if !report.faults.iter().any(|told| told.to_string() == fault.to_string()) {
                report.faults.push(fault);
            }
            Ok((report, None))
        }
    }
}

fn lock(environment: &Environment, directory: &Path) -> Result<Option<Box<dyn LockGuard>>> {
    let path = directory.join(names::LOCK);
    match environment.vfs.lock_shared(&path) {
        Ok(lock) => Ok(Some(lock)),
        // A checkpoint that nobody has opened has none.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err(StoreError::new(StoreFault::Locked { path: directory.to_owned() }))
        }
        Err(error) => Err(StoreError::io("lock", &path, error)),
    }
}

struct FilesCheck<'a> {
    environment: &'a Environment,
    directory: &'a Path,
    progress: &'a mut dyn FnMut(FilesProgress),
    manifest: FileNumber,
    files: Vec<(FileKind, PathBuf, u64)>,
    total_bytes: u64,
    report: FilesReport,
}

impl<'a> FilesCheck<'a> {
    fn begin(
        environment: &'a Environment,
        directory: &'a Path,
        progress: &'a mut dyn FnMut(FilesProgress),
    ) -> Result<Self> {
        let vfs = environment.vfs.as_ref();
        let names = vfs.read_dir(directory).map_err(|error| StoreError::io("list", directory, error))?;
        let mut report = FilesReport::default();
        let mut files = Vec::new();
        for name in names {
            let path = directory.join(&name);
            let Some(kind) = names::parse(&name) else {
                report.notes.push(format!("{} is no file of a store", path.display()));
                continue;
            };
            let size = vfs.open(&path).and_then(|file| file.size_bytes());
            files.push((kind, path.clone(), size.map_err(|error| StoreError::io("read", &path, error))?));
        }
        let manifests = files.iter().filter_map(|(kind, ..)| match kind {
            FileKind::Manifest(number) => Some(*number),
            _ => None,
        });
        let Some(manifest) = manifests.max() else {
            let (path, reason) = (directory.to_owned(), "it has no manifest".to_owned());
            return Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }));
        };
        let total_bytes = files.iter().map(|(_, _, size)| size).sum();
        Ok(Self { environment, directory, progress, manifest, files, total_bytes, report })
    }

    fn run(&mut self) {
        let path = names::manifest(self.directory, self.manifest);
        self.begin_file(&path);
        let (history, state) = match self.check_manifest(&path) {
            Ok(read) => read,
            Err(fault) => {
                self.report.faults.push(fault);
                self.report.notes.push("without the manifest nothing else can be judged".to_owned());
                return;
            }
        };
        for (_, meta) in &state.tables {
            self.begin_file(&names::table(self.directory, meta.id));
            let mut check = check_table(self.environment.vfs.as_ref(), self.directory, meta);
            self.report.faults.append(&mut check.faults);
            self.report.entry_count += check.entry_count;
        }
        self.check_levels(&path, &state.tables);
        for (kind, path, _) in self.files.clone() {
            let checked = match kind {
                FileKind::Wal(number) if number >= state.oldest_segment => {
                    self.begin_file(&path);
                    self.check_segment(&path, LogIdentity { kind: LogKind::Wal, history, number })
                }
                FileKind::Checkpoint => {
                    self.begin_file(&path);
                    self.check_marker(&path)
                }
                FileKind::UnfinishedCheckpoint => {
                    let (path, reason) = (
                        self.directory.to_owned(),
                        "a checkpoint was begun in it and not finished".to_owned(),
                    );
                    Err(StoreError::new(StoreFault::InvalidDirectory { path, reason }))
                }
                FileKind::Table(id) if state.tables.iter().any(|(_, meta)| meta.id == id) => Ok(()),
                FileKind::Manifest(number) if number == self.manifest => Ok(()),
                FileKind::Lock => Ok(()),
                FileKind::Table(_) | FileKind::Manifest(_) | FileKind::Wal(_) | FileKind::Temporary => {
                    self.report.notes.push(format!("{} belongs to nothing", path.display()));
                    Ok(())
                }
            };
            if let Err(fault) = checked {
                self.report.faults.push(fault);
            }
        }
    }

    fn begin_file(&mut self, path: &Path) {
        let size = self.files.iter().find(|(_, known, _)| known == path).map_or(0, |(_, _, size)| *size);
        (self.progress)(FilesProgress {
            path: path.to_owned(),
            done_bytes: self.report.bytes,
            total_bytes: self.total_bytes,
        });
        self.report.file_count += 1;
        self.report.bytes += size;
    }

    fn check_manifest(&mut self, path: &Path) -> Result<(HistoryId, ManifestState)> {
        let bytes = read_file(self.environment, path)?;
        let content = parse_manifest(path, &bytes, self.manifest)?;
        let state = ManifestState::fold(&content.edits);
        let state = state.map_err(|expected| StoreError::corruption(path, 0, expected))?;
        let identity =
            LogIdentity { kind: LogKind::Manifest, history: content.history, number: self.manifest };
        let end = read_log(path, &bytes, identity, 0, |_, _, _| Ok(()))?;
        self.note_tail(path, &bytes, end);
        Ok((content.history, state))
    }

    /// Notes what stands behind the last whole record of a log.
    fn note_tail(&mut self, path: &Path, bytes: &[u8], end: LogEnd) {
        let rest = bytes.get(usize::try_from(end.valid_bytes).unwrap_or(usize::MAX)..).unwrap_or_default();
        if let Some(last) = rest.iter().rposition(|byte| *byte != 0) {
            self.report.notes.push(format!(
                "{} ends at byte {}; {} bytes behind it are no whole record and were never promised, as after a crash",
                path.display(),
                end.valid_bytes,
                last + 1
            ));
        }
    }

    /// Below level 0 the tables of a level do not overlap.
    fn check_levels(&mut self, path: &Path, tables: &[(u8, TableMeta)]) {
        for level in 0..=u8::MAX {
            let mut of_level: Vec<_> =
                tables.iter().filter(|(of, _)| *of == level).map(|(_, meta)| meta).collect();
            if usize::from(level) >= LEVELS && !of_level.is_empty() {
                let expected = format!("no table on level {level}");
                self.report.faults.push(StoreError::corruption(path, 0, expected));
            }
            of_level.sort_by(|left, right| left.smallest.cmp(&right.smallest));
            let pairs = of_level.iter().zip(of_level.iter().skip(1));
            for (left, right) in pairs.filter(|(left, right)| level > 0 && left.largest >= right.smallest) {
                let expected = format!("tables {} and {} of level {level} not to overlap", left.id, right.id);
                self.report.faults.push(StoreError::corruption(path, 0, expected));
            }
        }
    }

    fn check_segment(&mut self, path: &Path, identity: LogIdentity) -> Result<()> {
        let bytes = read_file(self.environment, path)?;
        let mut batches = 0;
        let read = read_segment(path, &bytes, identity, 0, |record, offset| {
            let decoded = batch::decode(record, |_| ());
            decoded.map_err(|error| {
                StoreError::corruption(path, offset + error.offset as u64, error.expected)
            })?;
            batches += 1;
            Ok(())
        })?;
        self.report.batch_count += batches;
        self.note_tail(path, &bytes, read.end);
        Ok(())
    }

    fn check_marker(&self, path: &Path) -> Result<()> {
        let marker = CheckpointMarker::decode(path, &read_file(self.environment, path)?)?;
        if self.manifest > marker.manifest {
            return Ok(());
        }
        let tables = marker.tables.iter().map(|(id, size)| (names::table(self.directory, *id), *size));
        let segments =
            marker.segments.iter().map(|(number, size)| (names::wal(self.directory, *number), *size));
        for (named, size) in tables.chain(segments) {
            let found = self.files.iter().find(|(_, known, _)| *known == named).map(|(_, _, size)| *size);
            if found.is_none_or(|found| found < size) {
                let expected = format!("{} bytes of {}, which it names", size, named.display());
                return Err(StoreError::corruption(path, 0, expected));
            }
        }
        Ok(())
    }
}
