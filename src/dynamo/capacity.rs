//! What a request costs by DynamoDB's rules, in capacity units. Nothing here is charged: it is what the same request
//! would consume there.
//!
//! Source: DynamoDB developer guide, "DynamoDB read and write operations" and "Capacity unit consumption".
//!
//! Invariants:
//! 1. Units are counted in halves, exactly, and become fractions only when they are shown.
//! 2. What a page reads is summed before it is rounded up; what writes cost is rounded up for each item and each index.

use super::fault::IndexScope;
use std::collections::BTreeMap;

/// A read of so many bytes costs one unit, if it is consistent.
const READ_UNIT_BYTES: usize = 4096;
/// A write of so many bytes costs one unit.
const WRITE_UNIT_BYTES: usize = 1024;

/// How much of what a request consumes is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReturnConsumedCapacity {
    /// Nothing.
    #[default]
    None,
    /// The sum for each table.
    Total,
    /// The sum for each table, and what of it went to the table and to each index.
    Indexes,
}

/// How a read is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadMode {
    /// Half a unit for each 4 KB.
    Eventual,
    /// One unit for each 4 KB.
    Consistent,
    /// Two units for each 4 KB.
    Transactional,
}

/// How a write is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteMode {
    /// One unit for each KB.
    Standard,
    /// Two units for each KB of the table; indexes are charged as ever.
    Transactional,
}

/// Capacity units, counted in halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units {
    halves: u64,
}

impl Units {
    /// What reading `size_bytes` in all costs: at least as much as one unit of 4 KB.
    pub(super) fn of_read(size_bytes: usize, mode: ReadMode) -> Self {
        let blocks = size_bytes.div_ceil(READ_UNIT_BYTES).max(1) as u64;
        let halves = match mode {
            ReadMode::Eventual => 1,
            ReadMode::Consistent => 2,
            ReadMode::Transactional => 4,
        };
        Self { halves: blocks * halves }
    }

    /// What writing costs where `old_bytes` become `new_bytes`.
    pub(super) fn of_write(old_bytes: usize, new_bytes: usize, mode: WriteMode) -> Self {
        let units = old_bytes.max(new_bytes).div_ceil(WRITE_UNIT_BYTES).max(1) as u64;
        let halves = match mode {
            WriteMode::Standard => 2,
            WriteMode::Transactional => 4,
        };
        Self { halves: units * halves }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.halves += other.halves;
    }

    /// The units as DynamoDB tells them: `0.5`, `1`, `13.5`.
    pub fn as_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a request costs far less than 2^52 units")]
        let halves = self.halves as f64;
        halves / 2.0
    }
}

/// What a request consumed of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumedCapacity {
    /// The table.
    pub table_name: String,
    /// All units together.
    pub capacity_units: f64,
    /// What of it was read: told for transactions only.
    pub read_capacity_units: Option<f64>,
    /// What of it was written: told for transactions only.
    pub write_capacity_units: Option<f64>,
    /// What went where, if that was asked for.
    pub detail: Option<CapacityDetail>,
}

/// What of a table's units went to the table and to each index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CapacityDetail {
    /// To the table itself.
    pub table: f64,
    /// To global indexes, by name; an index that cost nothing is left out.
    pub global_secondary_indexes: BTreeMap<String, f64>,
    /// To local indexes, by name; an index that cost nothing is left out.
    pub local_secondary_indexes: BTreeMap<String, f64>,
}

impl ConsumedCapacity {
    /// Adds what another request consumed of the same table.
    pub(super) fn add(&mut self, other: &Self) {
        self.capacity_units += other.capacity_units;
        if let (Some(detail), Some(other)) = (&mut self.detail, &other.detail) {
            detail.table += other.table;
            let sum = |units: &mut BTreeMap<String, f64>, others: &BTreeMap<String, f64>| {
                for (name, other) in others {
                    *units.entry(name.clone()).or_default() += other;
                }
            };
            sum(&mut detail.global_secondary_indexes, &other.global_secondary_indexes);
            sum(&mut detail.local_secondary_indexes, &other.local_secondary_indexes);
        }
    }
}

/// Whether a transaction tells reads and writes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Outside of transactions nothing is told apart.
    Untold,
    Read,
    Write,
}

/// Adds up what a request costs of one table.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    table: Units,
    indexes: BTreeMap<(IndexScope, String), Units>,
}

impl Meter {
    pub(super) fn add_table(&mut self, units: Units) {
        self.table.add(units);
    }

    pub(super) fn add_index(&mut self, kind: IndexScope, name: &str, units: Units) {
        self.indexes.entry((kind, name.to_owned())).or_default().add(units);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.table.add(other.table);
        for ((kind, name), units) in &other.indexes {
            self.add_index(*kind, name, *units);
        }
    }

    /// What is told of it.
    pub(super) fn told(
        &self,
        table_name: &str,
        wanted: ReturnConsumedCapacity,
        direction: Direction,
    ) -> Option<ConsumedCapacity> {
        if wanted == ReturnConsumedCapacity::None {
            return None;
        }
        let mut total = self.table;
        self.indexes.values().for_each(|units| total.add(*units));
        let of_kind = |wanted: IndexScope| {
            let of_kind = self.indexes.iter().filter(|((kind, _), _)| *kind == wanted);
            of_kind.map(|((_, name), units)| (name.clone(), units.as_f64())).collect()
        };
        let detail = (wanted == ReturnConsumedCapacity::Indexes).then(|| CapacityDetail {
            table: self.table.as_f64(),
            global_secondary_indexes: of_kind(IndexScope::Global),
            local_secondary_indexes: of_kind(IndexScope::Local),
        });
        let total = total.as_f64();
        Some(ConsumedCapacity {
            table_name: table_name.to_owned(),
            capacity_units: total,
            read_capacity_units: (direction == Direction::Read).then_some(total),
            write_capacity_units: (direction == Direction::Write).then_some(total),
            detail,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(size_bytes: usize, mode: ReadMode) -> f64 {
        Units::of_read(size_bytes, mode).as_f64()
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "halves are exact")]
    fn reads_are_charged_by_four_kilobytes() {
        assert_eq!(read(0, ReadMode::Eventual), 0.5);
        assert_eq!(read(4096, ReadMode::Consistent), 1.0);
        assert_eq!(read(4097, ReadMode::Eventual), 1.0);
        assert_eq!(read(4097, ReadMode::Transactional), 4.0);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "halves are exact")]
    fn writes_are_charged_by_the_larger_item() {
        assert_eq!(Units::of_write(0, 0, WriteMode::Standard).as_f64(), 1.0);
        assert_eq!(Units::of_write(1025, 10, WriteMode::Standard).as_f64(), 2.0);
        assert_eq!(Units::of_write(10, 1024, WriteMode::Transactional).as_f64(), 2.0);
    }

    #[test]
    fn what_is_told_adds_up() {
        let mut meter = Meter::default();
        meter.add_table(Units::of_write(0, 2000, WriteMode::Standard));
        meter.add_index(IndexScope::Global, "ByX", Units::of_write(0, 10, WriteMode::Standard));
        let total =
            meter.told("T", ReturnConsumedCapacity::Total, Direction::Untold).expect("it was asked for");
        assert_eq!((total.capacity_units.to_string().as_str(), &total.detail), ("3", &None));
        let all =
            meter.told("T", ReturnConsumedCapacity::Indexes, Direction::Write).expect("it was asked for");
        let detail = all.detail.expect("it was asked for");
        assert_eq!(
            detail.global_secondary_indexes.into_iter().collect::<Vec<_>>(),
            [("ByX".to_owned(), 1.0)]
        );
        assert!(detail.local_secondary_indexes.is_empty());
        assert_eq!(meter.told("T", ReturnConsumedCapacity::None, Direction::Untold), None);
    }
}
