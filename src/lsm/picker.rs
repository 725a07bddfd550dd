//! Decides what to compact. Pure: a version goes in, a compaction comes out as data.
//!
//! First, tables that are dead as a whole are dropped unread. Then the fullest level is compacted. Last come tables that
//! are worth compacting for their dead entries alone, though no level is full; each such compaction takes the dead
//! away, or takes them one level down to what they hide, so that this comes to an end.
//!
//! A level's score is how full it is: level 0 by its number of tables, deeper ones by their bytes against their target.
//! The fullest level with a score of at least one is compacted into the next: all of level 0 at once, of a deeper level
//! the table that drags the fewest bytes of the next level along (RocksDB's "minimum overlapping ratio").

use super::level_cursor::{Level, LevelCursor};
use super::reclaim::{Dead, Reclaim, Tombstones};
use super::version::Version;
use crate::base::cursor::Cursor;
use crate::base::ident::SeqNo;
use crate::base::limits::LEVELS;
use crate::base::planted::{Bug, planted};
use crate::format::table::cursor::TableCursor;
use crate::format::table::reader::TableReader;
use std::sync::Arc;

/// When levels count as full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// As many tables fill level 0.
    pub level_0_tables: usize,
    /// As many bytes fill level 1.
    pub level_1_bytes: u64,
    /// Each deeper level takes as many times the bytes of the one above.
    pub level_ratio: u64,
}

impl Shape {
    fn target_bytes(&self, level: usize) -> u64 {
        let factor = self.level_ratio.saturating_pow(u32::try_from(level - 1).unwrap_or(u32::MAX));
        self.level_1_bytes.saturating_mul(factor)
    }
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Nothing is full, and nothing is dead that can go.
    DoNothing,
    /// Tables with their level go unread.
    Drop(Vec<(u8, Arc<TableReader>)>),
    /// One table goes to the next level as it is.
    Move(Compaction),
    /// Tables are merged.
    Merge(Compaction),
}

/// Tables to take together.
#[derive(Clone, Debug)]
pub struct Compaction {
    /// The tables with their present level, newest level first; those of a deeper level in the order of their keys.
    pub inputs: Vec<(u8, Arc<TableReader>)>,
    /// The level that the result goes to.
    pub output_level: usize,
}

impl Compaction {
    /// What is to be merged: each table of level 0, which may overlap, and each deeper level as one run.
    pub fn cursors(&self) -> Vec<Box<dyn Cursor>> {
        let mut cursors: Vec<Box<dyn Cursor>> = Vec::new();
        for tables in self.inputs.chunk_by(|(left, _), (right, _)| left == right && *left > 0) {
            let tables: Level = tables.iter().map(|(_, table)| Arc::clone(table)).collect();
            cursors.push(match tables.as_ref() {
                [table] => Box::new(TableCursor::new(Arc::clone(table))),
                _ => Box::new(LevelCursor::new(tables)),
            });
        }
        cursors
    }
}

/// The compaction that a version needs most.
pub fn pick(version: &Version, shape: &Shape, reclaim: &Reclaim) -> Choice {
    let droppable = droppable(version, reclaim);
    if !droppable.is_empty() {
        return Choice::Drop(droppable);
    }
    match pick_fullest(version, shape) {
        Choice::DoNothing => pick_due(version, reclaim),
        choice => choice,
    }
}

/// When the next table becomes worth compacting for its dead entries, in milliseconds: past if one is already, and
/// waits for a snapshot to go.
pub fn next_due_millis(version: &Version, reclaim: &Reclaim) -> Option<u64> {
    let mut later = reclaim.clone();
    later.floor.seqno = SeqNo::MAX;
    version.tables().filter_map(|(level, table)| due_millis(&later, level, &table)).min()
}

/// The tables that are dead as a whole and hide nothing that stays.
fn droppable(version: &Version, reclaim: &Reclaim) -> Vec<(u8, Arc<TableReader>)> {
    let tables: Vec<_> = version.tables().collect();
    let mut dropped: Vec<(u8, Arc<TableReader>)> = Vec::new();
    // Oldest first, so that what a table hides is known to go before it is asked about.
    for (index, (level, table)) in tables.iter().enumerate().rev() {
        let hides = || {
            let mut older = tables.iter().skip(index + 1).filter(|(_, older)| overlap(table, older));
            let stays =
                |older: &TableReader| !dropped.iter().any(|(_, table)| std::ptr::eq(table.as_ref(), older));
            older.any(|(_, older)| stays(older)) && !planted(Bug::WholeFileDropIgnoresBelow)
        };
        match reclaim.dead(table.meta()) {
            Dead::Dropped => dropped.push((*level, Arc::clone(table))),
            Dead::Whole if !hides() => dropped.push((*level, Arc::clone(table))),
            Dead::Whole | Dead::Part => {}
        }
    }
    dropped
}

fn overlap(left: &TableReader, right: &TableReader) -> bool {
    left.meta().smallest <= right.meta().largest && right.meta().smallest <= left.meta().largest
}

/// From when on a table is worth compacting for its dead entries.
fn due_millis(reclaim: &Reclaim, level: u8, table: &TableReader) -> Option<u64> {
    // Tombstones of level 0 wait until the level is full: they are new, and what they hide is likely far below. Those
    // that are newer than the oldest snapshot cannot go.
    let can_go = level > 0 && table.meta().newest_seqno <= reclaim.floor.seqno;
    reclaim.due_millis(table.meta(), if can_go { Tombstones::Count } else { Tombstones::DoNotCount })
}

/// The compaction of the table that was due first.
fn pick_due(version: &Version, reclaim: &Reclaim) -> Choice {
    let due = version
        .tables()
        .filter_map(|(level, table)| Some((due_millis(reclaim, level, &table)?, level, table)))
        .filter(|(due_millis, ..)| *due_millis <= reclaim.floor.time.0)
        .min_by_key(|(due_millis, level, _)| (*due_millis, *level));
    let Some((_, level, table)) = due else { return Choice::DoNothing };
    let from = usize::from(level);
    let is_over_others = (from + 1..LEVELS)
        .any(|deeper| !version.overlapping(deeper, &table.meta().smallest, &table.meta().largest).is_empty());
    // What is dropped hides nothing, and goes where it lies. The expired go where nothing lies below.
    if reclaim.holds_dropped(table.meta()) || (level > 0 && !is_over_others) {
        return Choice::Merge(Compaction { inputs: vec![(level, table)], output_level: from });
    }
    let inputs = if level == 0 { version.level(0).to_vec() } else { vec![table] };
    let Some((smallest, largest)) = range_of(&inputs) else { return Choice::DoNothing };
    let overlapping = version.overlapping(from + 1, smallest, largest);
    Choice::Merge(Compaction {
        inputs: on_level(from, &inputs).chain(on_level(from + 1, &overlapping)).collect(),
        output_level: from + 1,
    })
}

/// The compaction of the fullest level, if one is full.
fn pick_fullest(version: &Version, shape: &Shape) -> Choice {
    let fullest = (0..LEVELS - 1)
        .map(|level| (score_permille(version, shape, level), level))
        .filter(|(score, _)| *score >= 1000)
        .max_by_key(|(score, level)| (*score, std::cmp::Reverse(*level)));
    let Some((_, level)) = fullest else { return Choice::DoNothing };
    let inputs = if level == 0 { version.level(0).to_vec() } else { vec![cheapest_table(version, level)] };
    let Some((smallest, largest)) = range_of(&inputs) else { return Choice::DoNothing };
    let overlapping = version.overlapping(level + 1, smallest, largest);
    let is_move = inputs.len() == 1 && overlapping.is_empty();
    let compaction = Compaction {
        inputs: on_level(level, &inputs).chain(on_level(level + 1, &overlapping)).collect(),
        output_level: level + 1,
    };
    if is_move { Choice::Move(compaction) } else { Choice::Merge(compaction) }
}

/// The compaction of everything into the deepest level that is in use.
pub fn pick_all(version: &Version) -> Choice {
    let inputs: Vec<_> = version.tables().collect();
    let Some(deepest) = inputs.iter().map(|(level, _)| usize::from(*level)).max() else {
        return Choice::DoNothing;
    };
    Choice::Merge(Compaction { inputs, output_level: deepest.max(1) })
}

fn on_level(level: usize, tables: &[Arc<TableReader>]) -> impl Iterator<Item = (u8, Arc<TableReader>)> {
    let level = u8::try_from(level).expect("there are few levels");
    tables.iter().map(move |table| (level, Arc::clone(table)))
}

fn score_permille(version: &Version, shape: &Shape, level: usize) -> u64 {
    let (size, target) = if level == 0 {
        (version.level(0).len() as u64, shape.level_0_tables as u64)
    } else {
        (version.level_bytes(level), shape.target_bytes(level))
    };
    size.saturating_mul(1000) / target.max(1)
}

fn cheapest_table(version: &Version, level: usize) -> Arc<TableReader> {
    let drag_permille = |table: &&Arc<TableReader>| {
        let meta = table.meta();
        let overlapping = version.overlapping(level + 1, &meta.smallest, &meta.largest);
        let dragged: u64 = overlapping.iter().map(|table| table.meta().size_bytes).sum();
        dragged.saturating_mul(1000) / meta.size_bytes.max(1)
    };
    let table = version.level(level).iter().min_by_key(drag_permille);
    Arc::clone(table.expect("a level with a score has tables"))
}

fn range_of(tables: &[Arc<TableReader>]) -> Option<(&[u8], &[u8])> {
    let smallest = tables.iter().map(|table| table.meta().smallest.as_slice()).min()?;
    let largest = tables.iter().map(|table| table.meta().largest.as_slice()).max()?;
    Some((smallest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::{EntryKind, OwnedEntry, Position};
    use crate::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule};
    use crate::base::ident::{CommitTime, FileId, KeyspaceId, Moment};
    use crate::env::environment::Environment;
    use crate::format::table::reader::ReadMode;
    use crate::format::table::writer::TableWriter;
    use crate::lsm::sight::Sight;
    use proptest::prelude::*;
    use std::path::Path;

    /// Keys of three keyspaces.
    fn key(number: u8) -> Vec<u8> {
        vec![0, 0, 0, 16 + number / 4, number]
    }

    fn kind() -> impl Strategy<Value = EntryKind> {
        let expiring = (0_u64..40, 0_u32..2).prop_map(|(at_millis, generation)| {
            EntryKind::ExpiringPut(Expiry { at_millis, generation: ExpiryGeneration(generation) })
        });
        prop_oneof![1 => Just(EntryKind::Put), 2 => Just(EntryKind::Delete), 5 => expiring]
    }

    /// A version whose runs stand from the oldest, on a deep level, to the newest, on level 0; each is cut in two tables
    /// by its keys below level 0.
    fn version(runs: &[Vec<(u8, EntryKind)>]) -> Version {
        let environment = Environment::memory();
        let mut tables = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let level = [3, 2, 1, 0, 0][index];
            let cut = if level == 0 { 12 } else { 5 };
            for part in [0..cut, cut..12] {
                let seqno = |number: u8| SeqNo(100 * (index as u64 + 1) + u64::from(number));
                let mut entries: Vec<OwnedEntry> = (run.iter())
                    .filter(|(number, _)| part.contains(number))
                    .map(|(number, kind)| {
                        let (key, seqno) = (key(*number), seqno(*number));
                        OwnedEntry { key, seqno, kind: *kind, value: Vec::new() }
                    })
                    .collect();
                entries.sort_by(|left, right| left.key.cmp(&right.key));
                entries.dedup_by(|left, right| left.key == right.key);
                if entries.is_empty() {
                    continue;
                }
                let (vfs, directory) = (environment.vfs.as_ref(), Path::new("store"));
                let id = FileId(environment.random.next_u128());
                let mut writer = TableWriter::create(vfs, directory, id, 64).expect("memory");
                for entry in &entries {
                    writer.add(&entry.as_ref()).expect("memory");
                }
                let meta = writer.finish().expect("memory");
                let table = TableReader::open(vfs, directory, meta, ReadMode::Pread).expect("memory");
                tables.push((level, Arc::new(table)));
            }
        }
        Version::new(tables, Moment::default()).expect("the runs keep the invariants")
    }

    fn visible(version: &Version, number: u8, sight: &Sight) -> Option<SeqNo> {
        let target = Position { key: &key(number), seqno: sight.at.seqno };
        let found = version.get(target, crate::format::table::filter::hash(target.key), |entry| {
            sight.shows(entry.kind).then_some(entry.seqno)
        });
        found.expect("memory").flatten()
    }

    proptest! {
        /// Dropping whole tables changes nothing for any reader at or after the floor, in a keyspace that is not dead.
        #[test]
        fn what_is_dropped_unread_is_missed_by_no_reader(
            runs in prop::collection::vec(prop::collection::vec((0_u8..12, kind()), 0..6), 1..=5),
            floor in (0_u64..600, 0_u64..45),
            dropped_at in 0_u64..600,
        ) {
            let rule = |dead| ExpiryRule { ended_at: Some(CommitTime(35)), dead };
            let rules = [(ExpiryGeneration(0), rule(DeadEntries::Reclaimed)), (ExpiryGeneration(1), rule(DeadEntries::Hidden))];
            let floor = Moment { seqno: SeqNo(floor.0), time: CommitTime(floor.1) };
            let reclaim = Reclaim {
                floor,
                rules: Arc::new(rules.into_iter().collect()),
                dropped: Arc::new([(KeyspaceId(17), SeqNo(dropped_at))].into()),
            };
            let before = version(&runs);
            let dropped: Vec<_> = droppable(&before, &reclaim).into_iter().map(|(level, table)| (level, table.meta().id)).collect();
            let after = before.with(&dropped, Vec::new(), floor).expect("they were there");
            for seqno in [floor.seqno, SeqNo(floor.seqno.0 + 150), SeqNo::MAX] {
                for later in [0, 10] {
                    let at = Moment { seqno, time: CommitTime(floor.time.0 + later) };
                    let sight = Sight { at, rules: Arc::clone(&reclaim.rules) };
                    for number in (0..12).filter(|number| !reclaim.is_dropped(KeyspaceId::of_key(&key(*number)))) {
                        prop_assert_eq!(visible(&after, number, &sight), visible(&before, number, &sight));
                    }
                }
            }
            // All that is dead and hides nothing is found.
            prop_assert!(droppable(&after, &reclaim).is_empty());
            let oldest_dead = after.tables().last().map(|(_, table)| reclaim.dead(table.meta()));
            prop_assert!(oldest_dead.is_none_or(|dead| dead == Dead::Part));
        }
    }
}
