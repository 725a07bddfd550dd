//! Keys that cut a range into parts of about equal size, for scans in parallel.
//!
//! ```text
//! marks := of each table that overlaps the range, the ends of some of its blocks, each with the bytes up to it;
//!          of each memtable, some of its keys, each with the bytes that it stands for
//! cuts  := in the order of keys, wherever the bytes so far pass another part of them all
//! ```
//!
//! Only indexes and memtables are asked: no block is read, and the same view gives the same cuts. A table's last block
//! counts whole, and versions that are hidden count too: the parts are about equal, not equal.

use super::cursor::KeyRange;
use super::view::View;
use crate::base::limits::SPLIT_PIECES_MAX;

/// Marks for each part: the more, the more equal the parts.
const MARKS_PER_PIECE: usize = 16;

/// Up to `pieces - 1` keys, ascending, each after the range's start and before its end.
pub(super) fn split_points(view: &View, range: &KeyRange, pieces: usize) -> Vec<Vec<u8>> {
    let pieces = pieces.clamp(1, SPLIT_PIECES_MAX);
    let (start, end) = (range.start.as_slice(), range.end.as_deref());
    if end.is_some_and(|end| end <= start) {
        return Vec::new();
    }
    let tables: Vec<_> = (view.version.tables())
        .filter(|(_, table)| {
            let meta = table.meta();
            start <= meta.largest.as_slice() && end.is_none_or(|end| meta.smallest.as_slice() < end)
        })
        .collect();
    let wanted = pieces * MARKS_PER_PIECE;
    let marks_each = wanted.div_ceil(tables.len().max(1));
    let mut marks: Vec<(&[u8], u64)> = Vec::new();
    for (_, table) in &tables {
        marks.extend(table.marks(start, end, marks_each));
    }
    for memtable in std::iter::once(&view.active).chain(view.frozen.iter().map(|frozen| &frozen.memtable)) {
        marks.extend(memtable.marks(start, end, wanted));
    }
    marks.sort_unstable();
    cut(&marks, range, pieces)
}

fn cut(marks: &[(&[u8], u64)], range: &KeyRange, pieces: usize) -> Vec<Vec<u8>> {
    let total: u64 = marks.iter().map(|(_, bytes)| bytes).sum();
    let is_inside =
        |key: &[u8]| range.start.as_slice() < key && range.end.as_deref().is_none_or(|end| key < end);
    let mut cuts: Vec<Vec<u8>> = Vec::with_capacity(pieces - 1);
    let mut so_far = 0;
    let mut parts = 1;
    for (key, bytes) in marks {
        so_far += bytes;
        let parts_passed = u128::from(so_far) * pieces as u128 / u128::from(total.max(1));
        if parts_passed >= parts && is_inside(key) && cuts.last().is_none_or(|last| last.as_slice() < *key) {
            if cuts.len() + 1 == pieces {
                break;
            }
            cuts.push(key.to_vec());
            parts = parts_passed + 1;
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::engine::options::{Durability, EngineOptions};
    use crate::engine::store::Engine;
    use crate::env::sim::{FaultRule, OpKind, Simulation, errno};
    use crate::format::table::reader::ReadMode;
    use std::path::Path;

    const KEYS: u32 = 20_000;

    fn key(number: u32) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn write(engine: &Engine, keys: impl Iterator<Item = u32>) {
        for number in keys {
            let mut batch = WriteBatch::new();
            batch.put(key(number), vec![0; 100]);
            drop(engine.submit(&batch, Durability::Buffered).expect("space"));
        }
    }

    fn range(start: u32, end: Option<u32>) -> KeyRange {
        KeyRange { start: key(start), end: end.map(key) }
    }

    fn split(engine: &Engine, range: &KeyRange, pieces: usize) -> Vec<Vec<u8>> {
        engine.split_points(range, pieces).expect("the store is open")
    }

    /// How many keys are in each part of a range that holds `first..end`.
    fn parts(cuts: &[Vec<u8>], first: u32, end: u32) -> Vec<u32> {
        let number = |cut: &Vec<u8>| u32::from_be_bytes(cut.as_slice().try_into().expect("a key"));
        let bounds: Vec<u32> =
            std::iter::once(first).chain(cuts.iter().map(number)).chain(std::iter::once(end)).collect();
        bounds.windows(2).map(|bounds| bounds[1] - bounds[0]).collect()
    }

    fn check_equal(engine: &Engine, first: u32, end: Option<u32>, pieces: u32) {
        let range = range(first, end);
        let cuts = split(engine, &range, pieces as usize);
        assert_eq!(cuts, split(engine, &range, pieces as usize), "the same view is cut in the same way");
        let last = end.unwrap_or(KEYS).min(KEYS);
        let (parts, mean) = (parts(&cuts, first, last), (last - first) / pieces);
        assert_eq!(parts.len(), pieces as usize);
        let is_fair = |part: &u32| mean / 2 <= *part && *part <= mean * 2;
        assert!(parts.iter().all(is_fair), "{first}..{last} in {pieces}: {parts:?}");
    }

    fn check_all(engine: &Engine) {
        check_equal(engine, 0, None, 8);
        check_equal(engine, 0, Some(KEYS), 3);
        check_equal(engine, 5000, Some(15_000), 4);
        check_equal(engine, 19_000, None, 2);
    }

    #[test]
    fn parts_are_about_equal_in_memtables_in_tables_and_over_both() {
        let simulation = Simulation::new(1);
        let options =
            EngineOptions { table_bytes: 300_000, read_mode: ReadMode::Pread, ..EngineOptions::default() };
        let engine = Engine::open(simulation.environment(), Path::new("/store"), options).expect("a store");
        write(&engine, 0..KEYS);
        check_all(&engine);
        engine.flush().expect("space");
        check_all(&engine);
        engine.compact().expect("space");
        assert!(engine.statistics().levels.iter().map(|level| level.tables).sum::<usize>() > 3);
        let fault = simulation.vfs().fail(FaultRule::on(&[OpKind::Read]).sticky().errno(errno::EIO));
        check_all(&engine);
        assert_eq!(simulation.vfs().fired(fault), 0, "no block is read");
        simulation.vfs().lift(fault);
        write(&engine, (0..KEYS).step_by(3));
        check_all(&engine);
    }

    #[test]
    fn cuts_are_inside_the_range_and_there_may_be_fewer() {
        let simulation = Simulation::new(2);
        let engine = Engine::open(simulation.environment(), Path::new("/store"), EngineOptions::default());
        let engine = engine.expect("a store");
        assert!(split(&engine, &KeyRange::default(), 4).is_empty(), "nothing is there");
        write(&engine, 10..13);
        assert_eq!(split(&engine, &range(0, None), 3), [key(10), key(11)]);
        assert_eq!(split(&engine, &range(10, Some(13)), 100), [key(11), key(12)]);
        assert_eq!(split(&engine, &range(11, Some(12)), 9), Vec::<Vec<u8>>::new());
        assert!(
            split(&engine, &range(0, None), 1).is_empty() && split(&engine, &range(0, None), 0).is_empty()
        );
        assert!(split(&engine, &range(12, Some(11)), 5).is_empty(), "an empty range");
        engine.flush().expect("space");
        for pieces in [2, 7, usize::MAX] {
            assert!(split(&engine, &range(0, None), pieces).len() <= 1, "there is one block");
        }
    }
}
