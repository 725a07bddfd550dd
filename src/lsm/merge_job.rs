//! Writes a merge into tables: the work of a flush and of a compaction, in steps.
//!
//! Steps: take entries in order; leave out what nobody needs; cut a table where it is full and the key changes, and where
//! one large keyspace meets another, so that each can later go by itself; finish each table with its sync; at the end sync the directory. Then the caller may name the tables in the manifest. A
//! crash before that leaves orphans, which the next open removes.

use super::retention::{Candidate, Choice, Retention};
use super::timeline;
use super::version::Version;
use crate::base::cursor::Cursor;
use crate::base::entry::{EntryKind, EntryRef};
use crate::base::error::{Result, StoreError};
use crate::base::ident::{CommitTime, FileId, KeyspaceId, Moment, SeqNo};
use crate::base::limits::MERGE_STEP_ENTRIES;
use crate::base::planted::{Bug, planted};
use crate::env::environment::Environment;
use crate::format::manifest::TableMeta;
use crate::format::table::writer::TableWriter;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Keyspaces that do not share a table which is more than a little full already.
    pub large_keyspaces: BTreeSet<KeyspaceId>,
}

/// What part of a table's size counts as large for a keyspace.
const LARGE_PART: u64 = 4;

/// The keyspaces of these tables that are large beside tables of `table_bytes`.
pub fn large_keyspaces<'a>(
    tables: impl Iterator<Item = &'a TableMeta>,
    table_bytes: u64,
) -> BTreeSet<KeyspaceId> {
    let mut sizes: BTreeMap<KeyspaceId, u64> = BTreeMap::new();
    for contents in tables.flat_map(|table| &table.contents) {
        *sizes.entry(contents.id).or_default() += contents.size_bytes;
    }
    sizes
        .into_iter()
        .filter(|(_, size_bytes)| *size_bytes >= table_bytes / LARGE_PART)
        .map(|(id, _)| id)
        .collect()
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
    has_expired: bool,
    /// Of what was left out of the timeline the last time.
    untimed_until: CommitTime,
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
            has_expired: false,
            untimed_until: CommitTime(0),
            created: Vec::new(),
            finished: Vec::new(),
        }
    }

    /// The files that were created so far, for removal when the merge is given up.
    pub fn created(&self) -> &[FileId] {
        &self.created
    }

    /// The moment before which readers may miss what was left out so far.
    pub fn floor(&self) -> Moment {
        let floor = self.retention.floor_used(self.has_expired);
        floor.max_of_each(Moment { time: self.untimed_until, ..floor })
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
        let (seqno, kind) = (entry.seqno, entry.kind);
        let keyspace = KeyspaceId::of_key(entry.key);
        let candidate = Candidate { keyspace, newer: self.newer, seqno, kind };
        let choice = self.retention.choose(candidate, older_may_lie_below);
        self.newer = Some(seqno);
        self.has_expired |= kind.expiry().is_some() && choice != Choice::Keep;
        if choice == Choice::Drop {
            if keyspace == KeyspaceId::TIMELINE {
                self.untimed_until = self.untimed_until.max(timeline::time_of(&self.key));
            }
            return Ok(());
        }
        if self.writer.as_ref().is_some_and(|writer| self.is_cut_before(writer, keyspace)) {
            self.finish_table()?;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin_table()?,
        };
        let Some(entry) = self.input.entry() else { return Ok(()) };
        // On level 0 an expired entry keeps its expiry, by which the picker knows that the table is worth compacting.
        let is_hidden_by_tombstone = choice == Choice::KeepHiding && self.output.level > 0;
        let added = if is_hidden_by_tombstone {
            writer.add(&EntryRef { kind: EntryKind::Delete, value: &[], ..entry })
        } else {
            writer.add(&entry)
        };
        self.writer = Some(writer);
        added
    }

    /// Whether the next key, which is of this keyspace, begins another table.
    fn is_cut_before(&self, writer: &TableWriter, keyspace: KeyspaceId) -> bool {
        let Output { table_bytes, large_keyspaces, .. } = &self.output;
        let is_full = writer.size_bytes() >= *table_bytes && writer.last_key() != self.key;
        let is_other_keyspace = KeyspaceId::of_key(writer.last_key()) != keyspace;
        let both_are_large =
            large_keyspaces.contains(&keyspace) && writer.size_bytes() >= table_bytes / LARGE_PART;
        is_full || (is_other_keyspace && both_are_large)
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
