//! Writes a merge into tables: the work of a flush and of a compaction, in steps.
//!
//! Steps: take entries in order; leave out what nobody needs; cut a table where it is full and the key changes; finish
//! each table with its sync; at the end sync the directory. Then the caller may name the tables in the manifest. A
//! crash before that leaves orphans, which the next open removes.

use super::retention::{Choice, Retention};
use super::version::Version;
use crate::base::cursor::Cursor;
use crate::base::error::{Result, StoreError};
use crate::base::ident::{FileId, SeqNo};
use crate::base::limits::MERGE_STEP_ENTRIES;
use crate::base::planted::{Bug, planted};
use crate::env::environment::Environment;
use crate::format::manifest::TableMeta;
use crate::format::table::writer::TableWriter;
use std::path::PathBuf;
use std::sync::Arc;

/// Where and how the tables are written.
#[derive(Clone, Debug)]
pub struct Output {
    /// Files and identities.
    pub environment: Environment,
    /// The store's directory.
    pub directory: PathBuf,
    /// The level that the tables will be on.
    pub level: usize,
    /// Data blocks are cut at this size.
    pub block_bytes: usize,
    /// Tables are cut at this size, where the key changes.
    pub table_bytes: u64,
}

/// A merge in progress.
pub struct MergeJob {
    input: Box<dyn Cursor>,
    retention: Retention,
    version: Arc<Version>,
    output: Output,
    writer: Option<TableWriter>,
    key: Vec<u8>,
    newer: Option<SeqNo>,
    has_begun: bool,
    created: Vec<FileId>,
    finished: Vec<TableMeta>,
}

/// How far a merge has come after a step.
#[derive(Debug)]
pub enum Progress {
    /// There is more to do.
    More,
    /// These tables hold the result; they and their names are durable.
    Finished(Vec<TableMeta>),
}

impl MergeJob {
    /// A merge of `input`; `version` says what lies below the output.
    pub fn new(input: Box<dyn Cursor>, retention: Retention, version: Arc<Version>, output: Output) -> Self {
        Self {
            input,
            retention,
            version,
            output,
            writer: None,
            key: Vec::new(),
            newer: None,
            has_begun: false,
            created: Vec::new(),
            finished: Vec::new(),
        }
    }

    /// The files that were created so far, for removal when the merge is given up.
    pub fn created(&self) -> &[FileId] {
        &self.created
    }

    /// Merges some entries.
    pub fn step(&mut self) -> Result<Progress> {
        if !self.has_begun {
            self.input.seek_first()?;
            self.has_begun = true;
        }
        for _ in 0..MERGE_STEP_ENTRIES {
            if self.input.entry().is_none() {
                self.finish_table()?;
                self.sync_directory()?;
                return Ok(Progress::Finished(std::mem::take(&mut self.finished)));
            }
            self.take_entry()?;
            self.input.next()?;
        }
        Ok(Progress::More)
    }

    fn take_entry(&mut self) -> Result<()> {
        let Some(entry) = self.input.entry() else { return Ok(()) };
        if entry.key != self.key || self.newer.is_none() {
            self.key.clear();
            self.key.extend_from_slice(entry.key);
            self.newer = None;
        }
        let older_may_lie_below = || self.version.may_hold_older(self.output.level, entry.key);
        let choice = self.retention.choose(self.newer, entry.seqno, entry.kind, older_may_lie_below);
        self.newer = Some(entry.seqno);
        if choice == Choice::Drop {
            return Ok(());
        }
        let is_full = |writer: &TableWriter| {
            writer.size_bytes() >= self.output.table_bytes && writer.last_key() != self.key
        };
        if self.writer.as_ref().is_some_and(is_full) {
            self.finish_table()?;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin_table()?,
        };
        let Some(entry) = self.input.entry() else { return Ok(()) };
        let added = writer.add(&entry);
        self.writer = Some(writer);
        added
    }

    fn begin_table(&mut self) -> Result<TableWriter> {
        let Output { environment, directory, block_bytes, .. } = &self.output;
        let id = FileId(environment.random.next_u128());
        self.created.push(id);
        TableWriter::create(environment.vfs.as_ref(), directory, id, *block_bytes)
    }

    fn finish_table(&mut self) -> Result<()> {
        if let Some(writer) = self.writer.take() {
            self.finished.push(writer.finish()?);
        }
        Ok(())
    }

    fn sync_directory(&self) -> Result<()> {
        if self.finished.is_empty() || planted(Bug::DirectoryNotSynced) {
            return Ok(());
        }
        let directory = &self.output.directory;
        let synced = self.output.environment.vfs.sync_dir(directory);
        synced.map_err(|error| StoreError::io("sync", directory, error))
    }
}

impl std::fmt::Debug for MergeJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MergeJob").field("output", &self.output).finish_non_exhaustive()
    }
}
