//! The one read path: get, query and scan, of tables and of indexes.
//!
//! Every operation reads at one moment. A query or scan is a [`Walk`]: a cursor over the range of entries that meet the
//! conditions, in one direction, from a starting key on. A page is a walk that is ended by a limit.
//!
//! The steps of a walk's beginning, in the order of the code: check what can be checked without a table, find the
//! index, make the range, place the starting key in it.
//!
//! Invariants:
//! 1. A walk gives each entry of its range once, in order, as of one moment.
//! 2. After an error a walk gives nothing more: entries are never stepped over in silence.
//! 3. Reading with the last evaluated key of a page as the exclusive start key goes on exactly behind that page.

use super::condition::{all_with_prefix, query_range};
use super::error::{Error, Result};
use super::expression::tree::KeyCondition;
use super::fault::{Constraint, Fault, Operation, StartKeyFault};
use super::item_key::{self, Key};
use super::limits;
use super::stored::StoredItem;
use super::table::{IndexDescriptor, Source, TableDescriptor};
use super::tables::members::Members;
use super::tables::record::IndexStatus;
use super::value::{Item, Value};
use crate::base::codec::DecodeError;
use crate::engine::cursor::RangeCursor;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use std::sync::Arc;

/// In which order a query gives the items of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By ascending sort key.
    #[default]
    Ascending,
    /// By descending sort key.
    Descending,
}

/// Reads the items of a partition in the order of their sort key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryRequest {
    /// The index to read; the table itself if there is none.
    pub index: Option<String>,
    /// The values of the partition key's attributes, in the order of the schema.
    pub partition: Vec<Value>,
    /// What the sort key's attributes must meet, from the left; all but the last must be equalities.
    pub sort: Vec<KeyCondition>,
    /// The direction.
    pub order: Order,
    /// Evaluates at most so many items.
    pub limit: Option<usize>,
    /// Begins behind the item of this key: a last evaluated key, or one like it.
    pub exclusive_start_key: Option<Item>,
}

/// Reads all items, in an order that stays the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// The index to read; the table itself if there is none.
    pub index: Option<String>,
    /// Evaluates at most so many items.
    pub limit: Option<usize>,
    /// Begins behind the item of this key: a last evaluated key, or one like it.
    pub exclusive_start_key: Option<Item>,
}

/// What one call of a query or a scan gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T = Item> {
    /// The items.
    pub items: Vec<T>,
    /// How many items were looked at.
    pub scanned_count: usize,
    /// Where to go on: absent when the end was reached. It can be there though nothing follows.
    pub last_evaluated_key: Option<Item>,
}

impl<T> Page<T> {
    /// How many items there are.
    pub fn count(&self) -> usize {
        self.items.len()
    }
}

/// Reads the item of `key`, and gives it to `read` where it is stored.
pub fn get<R>(
    engine: &Engine,
    table: &TableDescriptor,
    key: &Key,
    at: Option<&Snapshot>,
    read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
) -> Result<Option<R>> {
    let key = item_key::of_request(table, key).map_err(|fault| Error::new(Operation::GetItem, fault))?;
    let found = engine.get(&key, at, |value| read(&StoredItem::parse(value).map_err(damaged)?))?;
    found.transpose()
}

/// A query or scan that is under way.
#[derive(Debug)]
pub struct Walk {
    table: Arc<TableDescriptor>,
    index: Option<usize>,
    cursor: RangeCursor,
    order: Order,
    start: Start,
    limit: Option<usize>,
    evaluated: usize,
    state: State,
}

/// Where a walk begins.
#[derive(Debug)]
enum Start {
    Edge,
    Behind(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The cursor has not been placed.
    New,
    /// The cursor stands at the item that was given last.
    Standing,
    /// The limit is reached; the cursor stands at the last item that was evaluated.
    Limited,
    /// There is nothing more, or there was an error.
    Ended,
}

impl Walk {
    /// Begins a query as of the snapshot, or as of now.
    pub fn query(
        engine: &Engine,
        table: &Arc<TableDescriptor>,
        request: QueryRequest,
        at: Option<&Snapshot>,
    ) -> Result<Self> {
        let fault = |fault| Error::new(Operation::Query, fault);
        let QueryRequest { index, partition, sort, order, limit, exclusive_start_key } = request;
        check_members(index.as_deref(), limit).map_err(fault)?;
        sort.iter().try_for_each(KeyCondition::check).map_err(|invalid| fault(invalid.into()))?;
        let index = find_index(table, index.as_deref()).map_err(fault)?;
        let source = Source::new(table, index);
        let query = query_range(source.keyspace(), source.key(), &partition, &sort).map_err(fault)?;
        let start = place_start(source, exclusive_start_key.as_ref()).map_err(fault)?;
        if let Start::Behind(key) = &start {
            if !key.starts_with(&query.partition) {
                return Err(fault(Fault::StartKey(StartKeyFault::OutsidePartition)));
            }
            if *key < query.range.start || query.range.end.as_ref().is_some_and(|end| key >= end) {
                return Err(fault(Fault::StartKey(StartKeyFault::OutsideRange)));
            }
        }
        let cursor = engine.cursor(query.range, at)?;
        let table = Arc::clone(table);
        Ok(Self { table, index, cursor, order, start, limit, evaluated: 0, state: State::New })
    }

    /// Begins a scan as of the snapshot, or as of now.
    pub fn scan(
        engine: &Engine,
        table: &Arc<TableDescriptor>,
        request: ScanRequest,
        at: Option<&Snapshot>,
    ) -> Result<Self> {
        let fault = |fault| Error::new(Operation::Scan, fault);
        let ScanRequest { index, limit, exclusive_start_key } = request;
        check_members(index.as_deref(), limit).map_err(fault)?;
        let index = find_index(table, index.as_deref()).map_err(fault)?;
        let source = Source::new(table, index);
        let range = all_with_prefix(source.keyspace().prefix().to_vec());
        let start = place_start(source, exclusive_start_key.as_ref()).map_err(fault)?;
        let (table, cursor) = (Arc::clone(table), engine.cursor(range, at)?);
        let order = Order::Ascending;
        Ok(Self { table, index, cursor, order, start, limit, evaluated: 0, state: State::New })
    }

    /// Gives the next item to `read` where it is stored; `None` when there is none, or the limit is reached.
    pub fn next<R>(&mut self, read: impl FnOnce(&StoredItem<'_>) -> Result<R>) -> Result<Option<R>> {
        let given = self.advance().and_then(|()| match self.state {
            State::Standing => self.current(read),
            State::New | State::Limited | State::Ended => Ok(None),
        });
        if given.is_err() {
            self.state = State::Ended;
        }
        given
    }

    /// The key of the last item that was evaluated, if a limit ended the walk: where another can go on.
    pub fn last_evaluated_key(&self) -> Result<Option<Item>> {
        match self.state {
            State::Limited => self.current_key(),
            State::New | State::Standing | State::Ended => Ok(None),
        }
    }

    /// Gives the items of one page, each as `read` makes it.
    pub fn page<R>(mut self, mut read: impl FnMut(&StoredItem<'_>) -> Result<R>) -> Result<Page<R>> {
        let mut items = Vec::new();
        let mut size_bytes = 0;
        // The item that crosses the size is in the page.
        while size_bytes < limits::PAGE_BYTES_MAX {
            let next = self.next(|item| {
                size_bytes += item.size_bytes().map_err(damaged)?;
                read(item)
            })?;
            let Some(item) = next else {
                let last_evaluated_key = self.last_evaluated_key()?;
                return Ok(Page { items, scanned_count: self.evaluated, last_evaluated_key });
            };
            items.push(item);
        }
        let last_evaluated_key = self.current_key()?;
        Ok(Page { items, scanned_count: self.evaluated, last_evaluated_key })
    }

    fn advance(&mut self) -> Result<()> {
        if self.state == State::Standing && self.limit.is_some_and(|limit| self.evaluated >= limit) {
            self.state = State::Limited;
        }
        match (self.state, self.order) {
            (State::Limited | State::Ended, _) => return Ok(()),
            (State::Standing, Order::Ascending) => self.cursor.next()?,
            (State::Standing, Order::Descending) => self.cursor.prev()?,
            (State::New, Order::Ascending) => match &self.start {
                Start::Edge => self.cursor.seek_first()?,
                Start::Behind(key) => {
                    self.cursor.seek(key)?;
                    if self.cursor.key() == Some(key) {
                        self.cursor.next()?;
                    }
                }
            },
            (State::New, Order::Descending) => match &self.start {
                Start::Edge => self.cursor.seek_last()?,
                Start::Behind(key) => self.cursor.seek_before(key)?,
            },
        }
        if self.cursor.key().is_some() {
            self.evaluated += 1;
            self.state = State::Standing;
        } else {
            self.state = State::Ended;
        }
        Ok(())
    }

    /// Reads the entry that the cursor stands at.
    fn current<R>(&self, read: impl FnOnce(&StoredItem<'_>) -> Result<R>) -> Result<Option<R>> {
        let value = self.cursor.value().map(StoredItem::parse).transpose().map_err(damaged)?;
        value.map(|item| read(&item)).transpose()
    }

    fn current_key(&self) -> Result<Option<Item>> {
        let source = Source::new(&self.table, self.index);
        self.current(|item| {
            let mut key = Item::new();
            for attribute in source.entry_attributes() {
                if let Some(value) = item.get(&attribute.name).map_err(damaged)? {
                    key.insert(attribute.name.clone(), value.to_value().map_err(damaged)?);
                }
            }
            Ok(key)
        })
    }
}

fn damaged(error: DecodeError) -> Error {
    Error::damaged("item", error)
}

/// Refuses members of a request that are wrong whatever the table.
fn check_members(index: Option<&str>, limit: Option<usize>) -> Result<(), Fault> {
    let mut members = Members::default();
    if let Some(index) = index {
        members.resource_name("indexName", index);
    }
    members.check("limit", Constraint::ValueAtLeast(1), limit != Some(0), || "0".to_owned());
    members.finish()
}

fn find_index(table: &TableDescriptor, name: Option<&str>) -> Result<Option<usize>, Fault> {
    let Some(name) = name else { return Ok(None) };
    let position = table.index_position(name);
    let index = position.and_then(|position| table.indexes().get(position));
    match index.map(IndexDescriptor::status) {
        Some(IndexStatus::Active) => Ok(position),
        Some(IndexStatus::Creating) => Err(Fault::IndexBackfilling { index: name.to_owned() }),
        Some(IndexStatus::Deleting) | None => Err(Fault::IndexNotFound { index: name.to_owned() }),
    }
}

fn place_start(source: Source<'_>, key: Option<&Item>) -> Result<Start, Fault> {
    match key {
        None => Ok(Start::Edge),
        Some(key) => {
            let key = item_key::of_entry(source, key);
            key.map(Start::Behind).ok_or(Fault::StartKey(StartKeyFault::Shape))
        }
    }
}
