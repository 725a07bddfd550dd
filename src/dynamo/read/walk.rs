//! Query and Scan: walks over a range of entries, in one direction, from a starting place on.
//!
//! The steps of a walk's beginning, in the order of the code: `check` what can be checked without a table, find the
//! index, make the range, place the starting key in it, find out what is shown and what has to be fetched for it.

use super::check::{self, CheckedQuery, CheckedScan};
use super::entry_cursor::{EntryCursor, OpenTransaction, ReadAt};
use super::gone;
use super::output::{Shown, damaged};
use super::paths;
use super::plan::{self, Fetches};
use super::request::{
    Consistency, KeyConditions, Order, Page, QueryRequest, ReadOptions, ScanRequest, Segment,
};
use super::segments;
use crate::dynamo::capacity::{ConsumedCapacity, Direction, Meter, ReadMode, ReturnConsumedCapacity, Units};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::condition::{all_with_prefix, query_range, resolve_clauses};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expression::tree::Condition;
use crate::dynamo::fault::{Fault, IndexScope, Operation, StartKeyFault};
use crate::dynamo::item_fault::ReadFault;
use crate::dynamo::item_key;
use crate::dynamo::legacy::filter::check_query_filter;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::{IndexDescriptor, Source, TableDescriptor};
use crate::dynamo::tables::record::IndexStatus;
use crate::dynamo::value::Item;
use crate::engine::cursor::KeyRange;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use std::sync::Arc;

/// A query or scan that is under way.
#[derive(Debug)]
pub struct Walk {
    engine: Engine,
    table: Arc<TableDescriptor>,
    index: Option<usize>,
    cursor: EntryCursor,
    order: Order,
    start: Start,
    filter: Option<Condition>,
    shown: Shown,
    /// Where to fetch items from that the index does not hold whole; `None` if nothing is fetched.
    fetch: Option<Fetch>,
    bounds: Bounds,
    counts: Counts,
    read_mode: ReadMode,
    capacity: ReturnConsumedCapacity,
    state: State,
    buffer: Vec<u8>,
}

/// Where a walk fetches items from.
#[derive(Debug)]
enum Fetch {
    At(Snapshot),
    In(OpenTransaction),
}

impl Fetch {
    fn get<R>(&self, engine: &Engine, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        match self {
            Self::At(snapshot) => Ok(engine.get(key, Some(snapshot), read)?),
            Self::In(transaction) => transaction.get(key, read),
        }
    }
}

/// Where a walk begins.
#[derive(Debug)]
enum Start {
    Edge,
    Behind(Vec<u8>),
}

/// What ends a walk before the end of its range.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    items: Option<usize>,
    bytes: Option<usize>,
}

/// What a walk has come by.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    evaluated: usize,
    /// Of the entries; counted only if somebody asks.
    bytes: usize,
    /// Of what was fetched from the table, each item rounded up by itself.
    fetched: Units,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The cursor has not been placed.
    New,
    /// The cursor stands at the item that was evaluated last.
    Standing,
    /// A bound is reached; the cursor stands at the last item that was evaluated.
    Limited,
    /// There is nothing more, or there was an error.
    Ended,
}

/// The part of a source that a walk goes over.
struct Part {
    range: KeyRange,
    /// The keys of the partition begin so; empty for a scan.
    partition: Vec<u8>,
    /// The segment that the range is, if it is one.
    segment: Option<Segment>,
}

impl Walk {
    /// Begins a query of what is published.
    pub fn query(store: &Store, table: &Arc<TableDescriptor>, request: QueryRequest) -> Result<Self> {
        Self::query_as_of(store, table, request, None)
    }

    /// Begins a scan of what is published.
    pub fn scan(store: &Store, table: &Arc<TableDescriptor>, request: ScanRequest) -> Result<Self> {
        Self::scan_as_of(store, table, request, None)
    }

    /// Begins a query of what was published at a past moment, or of what is now.
    pub fn query_as_of(
        store: &Store,
        table: &Arc<TableDescriptor>,
        request: QueryRequest,
        at: Option<&Snapshot>,
    ) -> Result<Self> {
        Self::query_at(store, table, request, at.map_or(ReadAt::Now, ReadAt::Past))
    }

    /// Begins a scan of what was published at a past moment, or of what is now.
    pub fn scan_as_of(
        store: &Store,
        table: &Arc<TableDescriptor>,
        request: ScanRequest,
        at: Option<&Snapshot>,
    ) -> Result<Self> {
        Self::scan_at(store, table, request, at.map_or(ReadAt::Now, ReadAt::Past))
    }

    /// Begins a query of the table `name`. What is wrong with the request is said before there is no such table.
    pub fn query_in(store: &Store, name: &str, request: QueryRequest) -> Result<Self> {
        let operation = Operation::Query;
        Catalog::check_name(operation, name)?;
        match store.catalog.find(operation, name) {
            Ok(table) => Self::query(store, &table, request),
            Err(missing) => {
                check::query(request).map_err(|fault| Error::new(operation, fault))?;
                Err(missing)
            }
        }
    }

    /// Begins a scan of the table `name`, as [`query_in`](Self::query_in) does.
    pub fn scan_in(store: &Store, name: &str, request: ScanRequest) -> Result<Self> {
        let operation = Operation::Scan;
        Catalog::check_name(operation, name)?;
        match store.catalog.find(operation, name) {
            Ok(table) => Self::scan(store, &table, request),
            Err(missing) => {
                check::scan(request).map_err(|fault| Error::new(operation, fault))?;
                Err(missing)
            }
        }
    }

    /// Begins a query of the state that `at` is.
    pub(in crate::dynamo) fn query_at(
        store: &Store,
        table: &Arc<TableDescriptor>,
        request: QueryRequest,
        at: ReadAt<'_>,
    ) -> Result<Self> {
        let operation = Operation::Query;
        let fault = |fault| Error::new(operation, fault);
        let CheckedQuery { key, order, options, query_filter } = check::query(request).map_err(fault)?;
        let table = store.catalog.current(operation, table)?;
        let index = find_index(&table, &options).map_err(fault)?;
        let source = Source::new(&table, index);
        let key = key.map_err(|found| fault(found.into()))?;
        let query = match &key {
            KeyConditions::Places { partition, sort } => {
                query_range(source.keyspace(), source.key(), partition, sort)
            }
            KeyConditions::Clauses(clauses) => {
                resolve_clauses(source.key(), clauses).and_then(|(partition, sort)| {
                    query_range(source.keyspace(), source.key(), &partition, &sort)
                })
            }
        };
        let query = query.map_err(fault)?;
        let part = Part { range: query.range, partition: query.partition, segment: None };
        let start = place_start(source, options.exclusive_start_key.as_ref(), &part).map_err(fault)?;
        let paths = options.projection.iter().flat_map(|projection| &projection.paths);
        paths::check(&table, paths).map_err(fault)?;
        match &query_filter {
            Some(filter) => {
                let names = source.key().attributes().map(|attribute| attribute.name.as_str());
                check_query_filter(filter, names).map_err(|found| fault(found.into()))?;
            }
            None => check_filter_attributes(source, options.filter.as_ref()).map_err(fault)?,
        }
        Self::begin(operation, store, (&table, index), (part, start), order, options, at)
    }

    /// Begins a scan of the state that `at` is.
    pub(in crate::dynamo) fn scan_at(
        store: &Store,
        table: &Arc<TableDescriptor>,
        request: ScanRequest,
        at: ReadAt<'_>,
    ) -> Result<Self> {
        let operation = Operation::Scan;
        let fault = |fault| Error::new(operation, fault);
        let CheckedScan { segment, options } = check::scan(request).map_err(fault)?;
        let table = store.catalog.current(operation, table)?;
        let index = find_index(&table, &options).map_err(fault)?;
        let source = Source::new(&table, index);
        // A refused request chooses no boundaries.
        plan::plan(source, &options).map_err(fault)?;
        let start = options.exclusive_start_key.as_ref();
        if start.is_some_and(|start| item_key::of_entry(source, start).is_none()) {
            return Err(fault(StartKeyFault::Shape.into()));
        }
        let keyspace = source.keyspace();
        let range = match segment {
            Some(segment) => segments::range(&store.engine, keyspace, segment)?,
            None => all_with_prefix(keyspace.prefix().to_vec()),
        };
        let part = Part { range, partition: Vec::new(), segment };
        let start = place_start(source, options.exclusive_start_key.as_ref(), &part).map_err(fault)?;
        let paths = options.projection.iter().flat_map(|projection| &projection.paths);
        paths::check(&table, paths).map_err(fault)?;
        Self::begin(operation, store, (&table, index), (part, start), Order::Ascending, options, at)
    }

    fn begin(
        operation: Operation,
        store: &Store,
        (table, index): (&Arc<TableDescriptor>, Option<usize>),
        (part, start): (Part, Start),
        order: Order,
        options: ReadOptions,
        at: ReadAt<'_>,
    ) -> Result<Self> {
        let fault = |fault| Error::new(operation, fault);
        let source = Source::new(table, index);
        at.check_index(source).map_err(fault)?;
        let view = plan::plan(source, &options).map_err(fault)?;
        if let Some(filter) = &options.filter {
            paths::check_filter(table, filter).map_err(fault)?;
        }
        // What is fetched must be of the moment at which the index is read.
        let fetch = match (view.fetches, at) {
            (Fetches::Never, _) => None,
            (Fetches::Items, ReadAt::Now) => Some(Fetch::At(store.engine.snapshot())),
            (Fetches::Items, ReadAt::Past(snapshot)) => Some(Fetch::At(snapshot.clone())),
            (Fetches::Items, ReadAt::Transaction(OpenTransaction { reads, own })) => {
                Some(Fetch::In(OpenTransaction { reads: Arc::clone(reads), own: own.clone() }))
            }
        };
        let lagging = match (at, source.index) {
            (ReadAt::Now, Some(index)) if index.scope() == IndexScope::Global => store
                .lagging_moment()
                // Before that the index was not there to lag behind.
                .filter(|moment| moment.seqno() >= index.active_since()),
            _ => None,
        };
        let snapshot = match &fetch {
            Some(Fetch::At(snapshot)) => Some(snapshot),
            _ => lagging.as_ref(),
        };
        let cursor = at.cursor(&store.engine, part.range, snapshot)?;
        gone::check_source(store, operation, table, source)?;
        Ok(Self {
            engine: store.engine.clone(),
            table: Arc::clone(table),
            index,
            cursor,
            order,
            start,
            filter: options.filter,
            shown: view.shown,
            fetch,
            bounds: Bounds { items: options.limit, bytes: None },
            counts: Counts::default(),
            read_mode: options.consistency.read_mode(),
            capacity: options.return_consumed_capacity,
            state: State::New,
            buffer: Vec::new(),
        })
    }

    /// Gives what is shown of the next item that meets the filter to `read`; `None` when there is none, or a bound is
    /// reached.
    pub fn next<R>(&mut self, mut read: impl FnMut(&StoredItem<'_>) -> Result<R>) -> Result<Option<R>> {
        loop {
            let given = self.advance().and_then(|()| match self.state {
                State::Standing => self.evaluate(&mut read).map(Some),
                State::New | State::Limited | State::Ended => Ok(None),
            });
            match given {
                Ok(Some(None)) => {}
                Ok(given) => return Ok(given.flatten()),
                Err(error) => {
                    self.state = State::Ended;
                    return Err(error);
                }
            }
        }
    }

    /// The key of the last item that was evaluated, if a bound ended the walk: where another can go on.
    pub fn last_evaluated_key(&self) -> Result<Option<Item>> {
        match self.state {
            State::Limited => self.current_key(),
            State::New | State::Standing | State::Ended => Ok(None),
        }
    }

    /// Gives the items of one page, each as `read` makes it.
    pub fn page<R>(mut self, mut read: impl FnMut(&StoredItem<'_>) -> Result<R>) -> Result<Page<R>> {
        self.bounds.bytes = Some(limits::PAGE_BYTES_MAX);
        let (mut items, mut count) = (Vec::new(), 0);
        let is_counted_only = matches!(self.shown, Shown::Nothing);
        while let Some(item) =
            self.next(|item| if is_counted_only { Ok(None) } else { read(item).map(Some) })?
        {
            count += 1;
            items.extend(item);
        }
        let last_evaluated_key = self.last_evaluated_key()?;
        let (scanned_count, consumed_capacity) = (self.counts.evaluated, self.consumed());
        Ok(Page { items, count, scanned_count, last_evaluated_key, consumed_capacity })
    }

    fn advance(&mut self) -> Result<()> {
        let Bounds { items, bytes } = self.bounds;
        if self.state == State::Standing
            && (items.is_some_and(|most| self.counts.evaluated >= most)
                // The item that crosses the size is in the page.
                || bytes.is_some_and(|most| self.counts.bytes >= most))
        {
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
            self.counts.evaluated += 1;
            self.state = State::Standing;
        } else {
            self.state = State::Ended;
        }
        Ok(())
    }

    /// Judges the item that the cursor stands at; `None` if it does not meet the filter.
    fn evaluate<R>(&mut self, read: impl FnOnce(&StoredItem<'_>) -> Result<R>) -> Result<Option<R>> {
        let Some(value) = self.cursor.value() else { return Ok(None) };
        let entry = StoredItem::parse(value).map_err(damaged)?;
        if self.bounds.bytes.is_some() || self.capacity != ReturnConsumedCapacity::None {
            self.counts.bytes += entry.size_bytes().map_err(damaged)?;
        }
        let meets = |item: &StoredItem<'_>| match &self.filter {
            Some(filter) => filter.matches(Some(item)).map_err(damaged),
            None => Ok(true),
        };
        let Some(fetch) = &self.fetch else {
            if !meets(&entry)? {
                return Ok(None);
            }
            return self.shown.show(&entry, &mut self.buffer, read).map(Some);
        };
        let key = item_key::of_stored(&self.table, &entry).map_err(damaged)?;
        let fetched = fetch.get(&self.engine, &key, |value| {
            let item = StoredItem::parse(value).map_err(damaged)?;
            let units = Units::of_read(item.size_bytes().map_err(damaged)?, self.read_mode);
            let shown = meets(&item)?.then(|| self.shown.show(&item, &mut self.buffer, read));
            Ok::<_, Error>((units, shown.transpose()?))
        })?;
        let Some((units, shown)) = fetched.transpose()? else { return Ok(None) };
        self.counts.fetched.add(units);
        Ok(shown)
    }

    fn current_key(&self) -> Result<Option<Item>> {
        let source = Source::new(&self.table, self.index);
        let Some(value) = self.cursor.value() else { return Ok(None) };
        let item = StoredItem::parse(value).map_err(damaged)?;
        let mut key = Item::new();
        for attribute in source.entry_attributes() {
            if let Some(value) = item.get(&attribute.name).map_err(damaged)? {
                key.insert(attribute.name.clone(), value.to_value().map_err(damaged)?);
            }
        }
        Ok(Some(key))
    }

    fn consumed(&self) -> Option<ConsumedCapacity> {
        let mut meter = Meter::default();
        let units = Units::of_read(self.counts.bytes, self.read_mode);
        match Source::new(&self.table, self.index).index {
            None => meter.add_table(units),
            Some(index) => {
                meter.add_index(index.scope(), index.name(), units);
                meter.add_table(self.counts.fetched);
            }
        }
        meter.told(self.table.schema().name(), self.capacity, Direction::Untold)
    }
}

/// The index that is asked for. A global one is not read consistently, as DynamoDB has it.
fn find_index(table: &TableDescriptor, options: &ReadOptions) -> Result<Option<usize>, Fault> {
    let Some(name) = &options.index else { return Ok(None) };
    let position = table.index_position(name);
    let index = position.and_then(|position| table.indexes().get(position));
    match index.map(IndexDescriptor::status) {
        Some(IndexStatus::Active) => {}
        Some(IndexStatus::Creating) => return Err(Fault::IndexBackfilling { index: name.to_owned() }),
        Some(IndexStatus::Deleting) | None => return Err(Fault::IndexNotFound { index: name.to_owned() }),
    }
    let is_global = index.is_some_and(|index| index.scope() == IndexScope::Global);
    if options.consistency == Consistency::Strong && is_global {
        return Err(ReadFault::ConsistentGlobalIndex.into());
    }
    Ok(position)
}

/// A query's filter may not name the key attributes of what is queried.
fn check_filter_attributes(source: Source<'_>, filter: Option<&Condition>) -> Result<(), Fault> {
    let mut key_attribute = None;
    if let Some(filter) = filter {
        filter.visit_paths(&mut |path| {
            if key_attribute.is_none() && source.key().contains(path.root()) {
                key_attribute = Some(path.root().to_owned());
            }
        });
    }
    key_attribute.map_or(Ok(()), |attribute| Err(ReadFault::FilterOnKey { attribute }.into()))
}

fn place_start(source: Source<'_>, key: Option<&Item>, part: &Part) -> Result<Start, Fault> {
    let Some(key) = key else { return Ok(Start::Edge) };
    let key = item_key::of_entry(source, key).ok_or(StartKeyFault::Shape)?;
    if !key.starts_with(&part.partition) {
        return Err(StartKeyFault::OutsidePartition.into());
    }
    if key < part.range.start || part.range.end.as_ref().is_some_and(|end| key >= *end) {
        return Err(match part.segment {
            None => StartKeyFault::OutsideRange.into(),
            Some(Segment { segment, total_segments }) => {
                StartKeyFault::OutsideSegment { segment, total_segments }.into()
            }
        });
    }
    Ok(Start::Behind(key))
}
