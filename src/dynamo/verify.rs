//! Verifies what the rows of a store say: every item under its key, every index against its table, both ways.
//!
//! Steps, for each table: go through its items; each parses, lies under the key that it has, and has in every index the
//! entry that follows from it and no other; then through the entries of each index, where that has more than were
//! found: each must have its item.
//!
//! The store is open to be read, so nothing changes meanwhile. Expired items are not looked at: compaction may have taken
//! an item and not yet its entries, or the other way round, and nobody sees either.
//!
//! An index that is being filled or removed is not judged: it has some of its entries.

use super::catalog::Catalog;
use super::condition::all_with_prefix;
use super::error::Result;
use super::index::fitting_entry;
use super::item_key;
use super::stored::StoredItem;
use super::table::{IndexDescriptor, TableDescriptor};
use super::tables::record::IndexStatus;
use crate::base::expiry::Expiry;
use crate::engine::store::Engine;

/// How often, in items, progress is told.
const TELL_ITEMS: u64 = 1000;

/// How many faults of one kind in one table or index are told in full.
const TOLD_MAX: usize = 20;

/// What verifying the rows of a store came to.
#[derive(Clone, Debug, Default)]
pub struct RowsReport {
    /// What is wrong.
    pub faults: Vec<RowFault>,
    /// What is not wrong and worth knowing, in words.
    pub notes: Vec<String>,
    /// How many items were checked.
    pub item_count: u64,
    /// How many index entries were checked.
    pub index_entry_count: u64,
}

/// Something that is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The table.
    pub table: String,
    /// The index, if it is about an entry of one.
    pub index: Option<String>,
    /// The engine's key of the row.
    pub key: Vec<u8>,
    /// What is wrong, in words.
    pub what: &'static str,
}

/// How far verifying the rows has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsProgress {
    /// The table that is looked at.
    pub table: String,
    /// How many items of all tables were checked.
    pub item_count: u64,
}

/// Verifies the rows of a store that is open to be read. An error means that not all of them could be read.
pub fn verify_rows(engine: &Engine, progress: &mut dyn FnMut(RowsProgress)) -> Result<RowsReport> {
    let catalog = Catalog::open(engine)?;
    let mut report = RowsReport::default();
    for table in catalog.tables() {
        TableCheck { engine, table: &table, report: &mut report, progress }.run()?;
    }
    Ok(report)
}

struct TableCheck<'a> {
    engine: &'a Engine,
    table: &'a TableDescriptor,
    report: &'a mut RowsReport,
    progress: &'a mut dyn FnMut(RowsProgress),
}

impl TableCheck<'_> {
    fn run(&mut self) -> Result<()> {
        let table = self.table;
        let judged: Vec<_> =
            table.indexes().iter().filter(|index| index.status() == IndexStatus::Active).collect();
        for index in table.indexes().iter().filter(|index| index.status() != IndexStatus::Active) {
            let (index, table) = (index.name(), table.schema().name());
            self.report.notes.push(format!("index {index} of table {table} is being made or removed"));
        }
        let mut entry_counts = vec![0; judged.len()];
        let mut cursor = self.engine.cursor(all_with_prefix(table.keyspace().prefix().to_vec()), None)?;
        cursor.seek_first()?;
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            self.check_item(key, value, cursor.expiry(), &judged, &mut entry_counts)?;
            cursor.next()?;
        }
        for (index, expected) in judged.into_iter().zip(entry_counts) {
            self.check_entries(index, expected)?;
        }
        Ok(())
    }

    fn check_item(
        &mut self,
        key: &[u8],
        value: &[u8],
        expiry: Option<Expiry>,
        indexes: &[&IndexDescriptor],
        entry_counts: &mut [u64],
    ) -> Result<()> {
        if self.report.item_count.is_multiple_of(TELL_ITEMS) {
            let table = self.table.schema().name().to_owned();
            (self.progress)(RowsProgress { table, item_count: self.report.item_count });
        }
        self.report.item_count += 1;
        let item = StoredItem::parse(value).and_then(|item| Ok((item, item.to_item()?)));
        let Ok((stored, item)) = item else {
            self.fault(None, key, "an item that does not parse");
            return Ok(());
        };
        if item_key::of_item(self.table, &item).ok().as_deref() != Some(key) {
            self.fault(None, key, "an item under a key that it does not have");
            return Ok(());
        }
        for (index, count) in indexes.iter().zip(entry_counts) {
            let Ok(entry) = fitting_entry(index, key, &stored, expiry) else {
                self.fault(Some(index), key, "an item whose entry cannot be derived");
                continue;
            };
            let Some(entry) = entry else { continue };
            let found = self.engine.latest_version(&entry.key, |version| {
                let value = version.value.filter(|_| !version.is_expired);
                value.map(|value| (value == entry.value, version.expiry == entry.expiry))
            })?;
            match found.flatten() {
                None => self.fault(Some(index), key, "an item without its entry"),
                Some((is_same, is_same_expiry)) => {
                    *count += 1;
                    if !is_same {
                        self.fault(Some(index), key, "an item whose entry holds something else");
                    } else if !is_same_expiry {
                        self.fault(Some(index), key, "an item whose entry expires at another time");
                    }
                }
            }
        }
        Ok(())
    }

    /// Entries that were found from their items are right; if there are more, some have no item.
    fn check_entries(&mut self, index: &IndexDescriptor, expected: u64) -> Result<()> {
        let range = all_with_prefix(index.keyspace().prefix().to_vec());
        let mut cursor = self.engine.cursor(range.clone(), None)?;
        cursor.seek_first()?;
        let mut count = 0;
        while cursor.key().is_some() {
            count += 1;
            cursor.next()?;
        }
        self.report.index_entry_count += count;
        if count == expected {
            return Ok(());
        }
        cursor.seek_first()?;
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            if !self.has_item(index, key, value)? {
                self.fault(Some(index), key, "an entry without its item");
            }
            cursor.next()?;
        }
        Ok(())
    }

    /// Whether an entry is the one that follows from the item which it names.
    fn has_item(&self, index: &IndexDescriptor, key: &[u8], value: &[u8]) -> Result<bool> {
        let named = StoredItem::parse(value).and_then(|entry| entry.to_item()).ok();
        let Some(item_key) = named.and_then(|entry| item_key::of_item(self.table, &entry).ok()) else {
            return Ok(false);
        };
        let item = self.engine.get(&item_key, None, <[u8]>::to_vec)?;
        let Some(item) = item else { return Ok(false) };
        let entry = StoredItem::parse(&item).and_then(|item| fitting_entry(index, &item_key, &item, None));
        Ok(entry.ok().flatten().is_some_and(|entry| entry.key == key))
    }

    fn fault(&mut self, index: Option<&IndexDescriptor>, key: &[u8], what: &'static str) {
        let fault = RowFault {
            table: self.table.schema().name().to_owned(),
            index: index.map(|index| index.name().to_owned()),
            key: key.to_vec(),
            what,
        };
        let is_like = |told: &&RowFault| {
            (&told.table, &told.index, told.what) == (&fault.table, &fault.index, fault.what)
        };
        if self.report.faults.iter().filter(is_like).count() < TOLD_MAX {
            self.report.faults.push(fault);
        }
    }
}
