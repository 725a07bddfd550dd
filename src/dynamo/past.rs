//! The store as it was: its tables, as of one past moment, and what differs between two.
//!
//! Invariants:
//! 1. Tables, indexes and items are seen at one moment, and by the schema of that moment: what was dropped since is there,
//!    what was made since is not, and an index is read only if it was ACTIVE.
//! 2. Nothing can be written: who holds this has no table that writes take.

use super::catalog::Catalog;
use super::error::{Error, Result};
use super::expiry;
use super::store::Store;
use super::stored::StoredItem;
use super::table::TableDescriptor;
use super::value::Item;
use crate::base::ident::AsOf;
use crate::dynamo::condition::all_with_prefix;
use crate::engine::cursor::RangeCursor;
use crate::engine::snapshot::Snapshot;
use std::cmp::Ordering;
use std::sync::Arc;

/// Length of the keyspace id that begins every key.
const PREFIX_BYTES: usize = 4;

/// The store at a past moment. Cheap to clone; what it sees is kept until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct PastStore {
    /// The store, with the catalog of that moment.
    pub(in crate::dynamo) store: Store,
    snapshot: Snapshot,
}

impl PastStore {
    /// The store as of a moment.
    pub fn new(store: &Store, at: AsOf) -> Result<Self> {
        Self::of_snapshot(store, store.engine.snapshot_at(at)?)
    }

    /// The store as a snapshot has it.
    pub fn of_snapshot(store: &Store, snapshot: Snapshot) -> Result<Self> {
        let catalog = Arc::new(Catalog::as_of(&store.engine, &snapshot)?);
        let tables = catalog.tables();
        if tables.iter().any(|table| !table.settings().time_to_live.ended.is_empty()) {
            store.engine.change_expiry_rules(|rules, _| {
                for table in &tables {
                    expiry::tell_past(table.settings(), rules);
                }
            });
        }
        Ok(Self { store: store.with_catalog(catalog), snapshot })
    }

    /// The store with the tables of that moment, for requests that read as of [`snapshot`](Self::snapshot).
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The moment.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What changed of the table `name` from this moment to another: each item that was added, removed or is another one,
    /// in the order of their keys. Where one of the moments has no such table, it had no items.
    pub fn changes_until(&self, later: &Self, name: &str) -> Result<Changes> {
        let operation = super::fault::Operation::DescribeTable;
        let (old, new) =
            (self.store.catalog.find(operation, name), later.store.catalog.find(operation, name));
        if let (Err(error), Err(_)) = (&old, &new) {
            return Err(error.clone());
        }
        Ok(Changes { old: Side::new(self, old.ok())?, new: Side::new(later, new.ok())?, failed: false })
    }
}

/// An item that differs between two moments.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemChange {
    /// The item as it was at the first moment; none if it was not there.
    pub old: Option<Item>,
    /// The item as it was at the second one; none if it was not there.
    pub new: Option<Item>,
}

/// What differs between two moments of a table. After an error there is nothing more.
#[derive(Debug)]
pub struct Changes {
    old: Side,
    new: Side,
    failed: bool,
}

/// The items at one of the moments; none if there was no such table.
#[derive(Debug)]
struct Side(Option<RangeCursor>);

impl Side {
    fn new(past: &PastStore, table: Option<Arc<TableDescriptor>>) -> Result<Self> {
        let Some(table) = table else { return Ok(Self(None)) };
        let range = all_with_prefix(table.keyspace().prefix().to_vec());
        let mut cursor = past.store.engine.cursor(range, Some(&past.snapshot))?;
        cursor.seek_first()?;
        Ok(Self(Some(cursor)))
    }

    /// The key within the table and the item's stored bytes.
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        let cursor = self.0.as_ref()?;
        Some((cursor.key()?.get(PREFIX_BYTES..)?, cursor.value()?))
    }

    /// The item that it stands at; it goes on to the next one.
    fn take(&mut self) -> Result<Option<Item>> {
        let item = match self.entry() {
            Some((_, value)) => StoredItem::parse(value).and_then(|item| item.to_item()),
            None => return Ok(None),
        };
        self.step()?;
        item.map(Some).map_err(|error| Error::damaged("item", error))
    }

    fn step(&mut self) -> Result<()> {
        Ok(self.0.as_mut().map_or(Ok(()), RangeCursor::next)?)
    }
}

impl Changes {
    fn advance(&mut self) -> Result<Option<ItemChange>> {
        loop {
            let order = match (self.old.entry(), self.new.entry()) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, before)), Some((new, after))) => match old.cmp(new) {
                    Ordering::Equal if before == after => {
                        self.old.step()?;
                        self.new.step()?;
                        continue;
                    }
                    order => order,
                },
            };
            let old = if order == Ordering::Greater { None } else { self.old.take()? };
            let new = if order == Ordering::Less { None } else { self.new.take()? };
            return Ok(Some(ItemChange { old, new }));
        }
    }
}

impl Iterator for Changes {
    type Item = Result<ItemChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let change = self.advance();
        self.failed = change.is_err();
        change.transpose()
    }
}
