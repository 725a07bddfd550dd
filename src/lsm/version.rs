//! A version: which tables make up the store at a moment, by level.
//!
//! Invariants:
//! 1. A version never changes; an edit makes a new one. Who holds one can read all its tables, even those that later
//!    versions have dropped and whose names are gone.
//! 2. Tables of level 0 stand newest first and may overlap.
//! 3. Tables of a deeper level stand by their keys and do not overlap; all versions of a key are in one of them.
//! 4. For any key, what is in a level is newer than what is in the levels below.

use super::level_cursor::{Level, LevelCursor};
use crate::base::cursor::Cursor;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use crate::base::expiry::Expiry;
use crate::base::ident::{CommitTime, FileId, FileNumber, KeyspaceId, Moment, SeqNo};
use crate::base::limits::LEVELS;
use crate::format::contents::ExpirySpan;
use crate::format::manifest::{Parent, TableMeta, VersionEdit};
use crate::format::table::cursor::TableCursor;
use crate::format::table::reader::TableReader;
use std::sync::Arc;

/// The tables of a store at a moment.
#[derive(Clone, Debug)]
pub struct Version {
    levels: [Level; LEVELS],
    floor: Moment,
}

impl Default for Version {
    fn default() -> Self {
        Self { levels: std::array::from_fn(|_| Level::from([])), floor: Moment::default() }
    }
}

impl Version {
    /// The version of these tables, in which readers at or after `floor` miss nothing. Its invariants are checked; the
    /// message says which one does not hold.
    pub fn new(tables: Vec<(u8, Arc<TableReader>)>, floor: Moment) -> Result<Self, String> {
        let mut levels: [Vec<Arc<TableReader>>; LEVELS] = std::array::from_fn(|_| Vec::new());
        for (level, table) in tables {
            levels
                .get_mut(usize::from(level))
                .ok_or_else(|| format!("table {} on a level below {LEVELS}, not {level}", table.meta().id))?
                .push(table);
        }
        for (level, tables) in levels.iter_mut().enumerate() {
            if level == 0 {
                tables.sort_by_key(|table| std::cmp::Reverse(table.meta().newest_seqno));
                continue;
            }
            tables.sort_by(|left, right| left.meta().smallest.cmp(&right.meta().smallest));
            for pair in tables.windows(2) {
                if let [left, right] = pair
                    && left.meta().largest >= right.meta().smallest
                {
                    let (left, right) = (left.meta().id, right.meta().id);
                    return Err(format!("tables {left} and {right} of level {level} not to overlap"));
                }
            }
        }
        Ok(Self { levels: levels.map(Level::from), floor })
    }

    /// This version with some tables gone and others there, and at least this floor.
    pub fn with(
        &self,
        removed: &[(u8, FileId)],
        added: Vec<(u8, Arc<TableReader>)>,
        floor: Moment,
    ) -> Result<Self, String> {
        let is_removed = |level: u8, id| removed.contains(&(level, id));
        let mut tables: Vec<_> =
            self.tables().filter(|(level, table)| !is_removed(*level, table.meta().id)).collect();
        if tables.len() + removed.len() != self.tables().count() {
            return Err("the tables that an edit removes".to_owned());
        }
        tables.extend(added);
        Self::new(tables, self.floor.max_of_each(floor))
    }

    /// The moment from which on readers miss nothing: what was left out at flushes and compactions was needed by none at
    /// or after it.
    pub fn floor(&self) -> Moment {
        self.floor
    }

    /// The tables of a level.
    pub fn level(&self, level: usize) -> &Level {
        &self.levels[level]
    }

    /// All tables with their level, newest level first.
    pub fn tables(&self) -> impl Iterator<Item = (u8, Arc<TableReader>)> {
        (0_u8..)
            .zip(&self.levels)
            .flat_map(|(level, tables)| tables.iter().map(move |table| (level, Arc::clone(table))))
    }

    /// The bytes of all tables of a level.
    pub fn level_bytes(&self, level: usize) -> u64 {
        self.levels[level].iter().map(|table| table.meta().size_bytes).sum()
    }

    /// The tables of a level whose keys may lie between two keys, both included.
    pub fn overlapping(&self, level: usize, smallest: &[u8], largest: &[u8]) -> Vec<Arc<TableReader>> {
        let overlaps = |table: &&Arc<TableReader>| {
            table.meta().smallest.as_slice() <= largest && smallest <= table.meta().largest.as_slice()
        };
        self.levels[level].iter().filter(overlaps).map(Arc::clone).collect()
    }

    /// Whether an older version of `key` may lie beside or below a new table on `level`: below it on a sorted level;
    /// anywhere when the new table is one of level 0.
    pub fn may_hold_older(&self, level: usize, key: &[u8]) -> bool {
        level == 0 || self.levels[level + 1..].iter().any(|tables| table_for(tables, key).is_some())
    }

    /// Calls `found` with the newest entry of `target.key` at `target.seqno`, tombstones included. `hash` is the key's
    /// `filter::hash`.
    pub fn get<R>(
        &self,
        target: Position<'_>,
        hash: u64,
        found: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>> {
        let mut found = Some(found);
        let mut look =
            |table: &TableReader| table.get(target, hash, |entry| found.take().map(|found| found(entry)));
        let (level_0, deeper) = self.levels.split_first().expect("there is a level 0");
        for table in level_0.iter().filter(|table| table.covers(target.key)) {
            if let Some(result) = look(table)? {
                return Ok(result);
            }
        }
        for tables in deeper {
            if let Some(table) = table_for(tables, target.key)
                && let Some(result) = look(table)?
            {
                return Ok(result);
            }
        }
        Ok(None)
    }

    /// Cursors over the tables that may hold entries from `smallest` on and before `end` which expire at or before a
    /// time, newest first. What was committed and had expired by the moment `seen` need not be among them.
    pub fn expiring_cursors(
        &self,
        smallest: &[u8],
        end: Option<&[u8]>,
        seen: Moment,
        at: CommitTime,
    ) -> Vec<Box<dyn Cursor>> {
        let is_wanted = |table: &TableReader| {
            let parts = table.meta().contents.iter().filter(|part| holds_some_of(part.id, smallest, end));
            let mut spans = parts.flat_map(|part| &part.expiring);
            let is_new = table.meta().newest_seqno > seen.seqno;
            let is_due = |span: &ExpirySpan| {
                span.earliest_millis() <= at.0 && (is_new || span.latest_millis() > seen.time.0)
            };
            !is_beyond(table, smallest, end) && spans.any(is_due)
        };
        let tables = self.tables().filter(|(_, table)| is_wanted(table));
        tables.map(|(_, table)| Box::new(TableCursor::new(table)) as Box<dyn Cursor>).collect()
    }

    /// The earliest expiries of the tables that may hold entries from `smallest` on and before `end`, each with its
    /// generation.
    pub fn earliest_expiries(&self, smallest: &[u8], end: Option<&[u8]>) -> Vec<Expiry> {
        let mut expiries = Vec::new();
        for (_, table) in self.tables().filter(|(_, table)| !is_beyond(table, smallest, end)) {
            let parts = table.meta().contents.iter();
            let parts = parts.filter(|part| holds_some_of(part.id, smallest, end));
            let spans = parts.flat_map(|part| &part.expiring);
            expiries.extend(
                spans.map(|span| Expiry { at_millis: span.earliest_millis(), generation: span.generation }),
            );
        }
        expiries
    }

    /// Cursors over all tables that may hold keys from `smallest` on and before `end`, newest first.
    pub fn cursors(&self, smallest: &[u8], end: Option<&[u8]>) -> Vec<Box<dyn Cursor>> {
        let is_beyond = |table: &TableReader| is_beyond(table, smallest, end);
        let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
        let (level_0, deeper) = self.levels.split_first().expect("there is a level 0");
        for table in level_0.iter().filter(|table| !is_beyond(table)) {
            cursors.push(Box::new(TableCursor::new(Arc::clone(table))));
        }
        for tables in deeper.iter().filter(|tables| !tables.iter().all(|table| is_beyond(table))) {
            cursors.push(Box::new(LevelCursor::new(Arc::clone(tables))));
        }
        cursors
    }
}

/// Whether keys of a keyspace lie from `smallest` on and before `end`. A range that ends where a keyspace begins has none
/// of its keys.
fn holds_some_of(id: KeyspaceId, smallest: &[u8], end: Option<&[u8]>) -> bool {
    id >= KeyspaceId::of_key(smallest) && end.is_none_or(|end| id.prefix().as_slice() < end)
}

/// Whether a table has no keys from `smallest` on and before `end`.
fn is_beyond(table: &TableReader, smallest: &[u8], end: Option<&[u8]>) -> bool {
    table.meta().largest.as_slice() < smallest
        || end.is_some_and(|end| end <= table.meta().smallest.as_slice())
}

/// The table of a sorted level that may hold `key`.
fn table_for<'a>(tables: &'a [Arc<TableReader>], key: &[u8]) -> Option<&'a Arc<TableReader>> {
    let index = tables.partition_point(|table| table.meta().largest.as_slice() < key);
    tables.get(index).filter(|table| table.covers(key))
}

/// What a manifest's edits add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestState {
    /// The tables with their level.
    pub tables: Vec<(u8, TableMeta)>,
    /// The first log segment that is needed.
    pub oldest_segment: FileNumber,
    /// Every commit up to here is in tables.
    pub flushed_seqno: SeqNo,
    /// The time of that commit.
    pub flushed_time: CommitTime,
    /// The moment from which on readers miss nothing.
    pub floor: Moment,
    /// Where the store's history came from.
    pub parent: Option<Parent>,
}

impl ManifestState {
    /// Applies edits in order; the message says what an edit expected that is not there.
    pub fn fold(edits: &[VersionEdit]) -> Result<Self, String> {
        let mut state = Self::default();
        for edit in edits {
            for removed in &edit.removed {
                let is_it = |(level, meta): &(u8, TableMeta)| (*level, meta.id) == *removed;
                let index = state.tables.iter().position(is_it);
                let index = index.ok_or_else(|| format!("table {} on level {}", removed.1, removed.0))?;
                state.tables.remove(index);
            }
            state.tables.extend(edit.added.iter().cloned());
            state.oldest_segment = edit.oldest_segment.unwrap_or(state.oldest_segment);
            state.flushed_seqno = edit.flushed_seqno.unwrap_or(state.flushed_seqno);
            state.flushed_time = edit.flushed_time.unwrap_or(state.flushed_time);
            state.floor = state.floor.max_of_each(edit.floor.unwrap_or_default());
            state.parent = edit.parent.or(state.parent);
        }
        Ok(state)
    }
}
