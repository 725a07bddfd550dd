//! The catalog: which tables there are, kept in rows of the system keyspace (`system_rows`).
//!
//! Every change is one commit, made in these steps: pay back-pressure; lock the rows; read the record as it is,
//! published or not; decide; submit, which makes the next version hold for writers; release the locks; wait until it is
//! durable; bring the map up to date, for readers, and tell who waits for changes.
//!
//! Invariants:
//! 1. A table exists if and only if its row does. The map in memory holds only tables whose row is published.
//! 2. A keyspace id is given once and never again: the row of the next id moves in the same batch as the row that uses
//!    the ids. The same holds for generations.
//! 3. What is said about a name rests on durable rows alone.
//! 4. A change of a record raises its version by one. The map never goes back to an older version, nor to an older
//!    incarnation: it takes what is published while it is locked.
//! 5. What holds for writers changes with the commit, in its serial step: an item's write that is derived from an older
//!    version and comes behind it is sent back. So a table is changed only when it is in the map, where writers get the
//!    state that the commit changes.
//! 6. From the commit on that removes a table or an index, its keyspaces are listed as dead, until the engine holds
//!    nothing of them any more. A stream's keyspace dies later: from the commit on that ends the stream, its row says
//!    that it can still be read.
//!
//! Threading: the map is locked for as long as a lookup takes, or the read of one row, and never over a write. Whoever
//! changes a table holds the key lock of its row, and of the counters that it moves.

use super::counts::Counts;
use super::error::{Error, Result};
use super::expiry;
use super::fault::{Constraint, Fault, Operation};
use super::limits;
use super::sweep_timer::SweepTimer;
use super::system_rows::{
    BACKFILL_ROW, BackfillProgress, COUNT_ROW, DEAD_KEYSPACE_ROW, DeadKeyspaceRow, ENDED_STREAM_ROW,
    NEXT_KEYSPACE_ROW, RESTORING_ROW, TABLE_ROW, after, decode, decode_record, ended_stream_row,
    keyspace_of_row, next_keyspace, put_backfill_progress, put_dead, put_ended_stream, row_key, rows,
    rows_as_of, stream_consumer_row, stream_consumers, stream_horizon_row,
};
use super::table::{TableDescriptor, TableState};
use super::table_fault::TableFault;
use super::tables::arn;
use super::tables::count::TableCount;
use super::tables::definition::NewTable;
use super::tables::description::TableDescription;
use super::tables::members::{Members, check_table_name};
use super::tables::record::{IndexStatus, TableId, TableRecord};
use super::tables::request::{
    CreateTableRequest, ListTablesOutput, ListTablesRequest, Tag, UpdateTableRequest,
};
use super::tables::settings::ExpiredItems;
use super::tables::stream::StreamDescriptor;
use super::tables::tags;
use super::tables::update::TableUpdate;
use crate::base::batch::WriteBatch;
use crate::base::error::StoreError;
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::engine::commit::{Commit, CommitGuard, Verdict};
use crate::engine::options::Durability;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::engine::ticket::{Submitted, Ticket};
use crate::env::random::Random;
use crate::env::schedule::Event;
use crate::env::time::Clock;
use crate::format::metadata;
use parking_lot::{Mutex, RwLock};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The tables of a store.
#[derive(Debug)]
pub struct Catalog {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tables: RwLock<BTreeMap<String, Arc<TableDescriptor>>>,
    /// Streams that have ended and can still be read. Locked after `tables`.
    ended_streams: RwLock<BTreeMap<KeyspaceId, StreamDescriptor>>,
    dead: Mutex<Vec<DeadKeyspace>>,
    counts: Counts,
    changed: Arc<Event>,
    /// What becomes of expired items of tables for which expiry is enabled from now on.
    expired_items: ExpiredItems,
    /// Held while the engine is told what becomes of expired items; by a change until it has its place.
    telling: Mutex<()>,
    sweeps: SweepTimer,
}

/// A keyspace that belongs to no table and no index any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadKeyspace {
    /// Which.
    pub keyspace: KeyspaceId,
    /// The commit that removed it, or a later one: nobody who reads as of that commit, or later, looks there.
    pub seqno: SeqNo,
}

/// A change of a table that has its place in the order of commits and waits to be published. Writers are held to it
/// already; readers will be when it was waited for.
///
/// Dropping it does not take the change back, but what is to be done behind it in the background is then begun only when
/// the store is opened again.
#[derive(Debug)]
#[must_use = "a change is acknowledged only when it has been waited for"]
pub struct PendingChange {
    ticket: Ticket,
    table: String,
    answer: TableDescription,
    /// The keyspaces that are dead from the commit on.
    dead: Vec<KeyspaceId>,
}

impl PendingChange {
    /// Waits until the change is durable and everybody sees it. Answers with what the table was.
    pub fn wait(self, engine: &Engine, catalog: &Catalog) -> Result<TableDescription> {
        let Self { ticket, table, answer, dead } = self;
        let commit = ticket.wait()?;
        catalog.published(engine, &table, &dead, commit)?;
        Ok(answer)
    }

    /// Asks without waiting: `None` while the change is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self, engine: &Engine, catalog: &Catalog) -> Option<Result<TableDescription>> {
        let published = |commit: Result<Commit, StoreError>| {
            catalog.published(engine, &self.table, &self.dead, commit?)?;
            Ok(self.answer.clone())
        };
        self.ticket.step().map(published)
    }

    /// As [`step`](Self::step), and the task is woken when there is more to tell.
    pub fn poll(
        &mut self,
        engine: &Engine,
        catalog: &Catalog,
        context: &mut Context<'_>,
    ) -> Poll<Result<TableDescription>> {
        Pin::new(&mut self.ticket).poll(context).map(|commit| {
            catalog.published(engine, &self.table, &self.dead, commit?)?;
            Ok(self.answer.clone())
        })
    }

    /// The place of the change in the order of commits.
    pub fn seqno(&self) -> SeqNo {
        self.ticket.seqno()
    }
}

/// Makes the next version of a table hold for writers when the change is committed.
struct ChangeOfTable<'a> {
    state: &'a TableState,
    /// None if the table is removed.
    next_version: Option<u64>,
}

impl CommitGuard for ChangeOfTable<'_> {
    fn admit(&self, _next: Commit) -> Verdict {
        Verdict::Go
    }

    fn committed(&self, commit: Commit) {
        self.state.change(self.next_version, commit.seqno);
    }
}

/// Admits a batch as long as the table is there, whatever it is.
struct NotDropped<'a>(&'a TableState);

impl CommitGuard for NotDropped<'_> {
    fn admit(&self, _next: Commit) -> Verdict {
        if self.0.version().is_some() { Verdict::Go } else { Verdict::Stale }
    }
}

impl Catalog {
    /// Reads the catalog of an open store, and tells the engine what becomes of expired items: nobody may read items, and
    /// no job of this layer may begin, before.
    pub fn open(engine: &Engine) -> Result<Self> {
        Self::open_with(engine, ExpiredItems::default())
    }

    /// As [`open`](Self::open), with another choice for tables for which expiry is enabled from now on.
    pub fn open_with(engine: &Engine, expired_items: ExpiredItems) -> Result<Self> {
        let environment = engine.environment();
        let mut tables = BTreeMap::new();
        for (_, row) in rows(engine, TABLE_ROW)? {
            let record = decode_record(&row)?;
            tables.insert(record.schema.name().to_owned(), Arc::new(TableDescriptor::new(record)));
        }
        engine.change_expiry_rules(|rules, _| {
            expiry::tell_system(rules);
            for table in tables.values() {
                expiry::tell(table.settings(), rules);
            }
        });
        let mut dead = Vec::new();
        for (key, row) in rows(engine, DEAD_KEYSPACE_ROW)? {
            decode::<DeadKeyspaceRow>("dead keyspace", &row)?;
            // The commit that wrote the row, unless somebody writes it now.
            let seqno = engine.latest_version(&key, |row| row.seqno)?.unwrap_or_else(|| engine.published());
            dead.push(DeadKeyspace { keyspace: keyspace_of_row(&key)?, seqno });
        }
        let mut ended_streams = BTreeMap::new();
        for (_, row) in rows(engine, ENDED_STREAM_ROW)? {
            let stream: StreamDescriptor = decode("ended stream", &row)?;
            ended_streams.insert(stream.keyspace, stream);
        }
        let mut counts = BTreeMap::new();
        for (key, row) in rows(engine, COUNT_ROW)? {
            counts.insert(keyspace_of_row(&key)?, decode("table's count", &row)?);
        }
        Ok(Self {
            clock: Arc::clone(&environment.clock),
            random: Arc::clone(&environment.random),
            tables: RwLock::new(tables),
            ended_streams: RwLock::new(ended_streams),
            dead: Mutex::new(dead),
            counts: Counts::new(counts),
            changed: Arc::default(),
            expired_items,
            telling: Mutex::default(),
            sweeps: SweepTimer::default(),
        })
    }

    /// The tables that there were at a past moment, as they were then: nothing is waited for and nothing changes.
    pub(super) fn as_of(engine: &Engine, at: &Snapshot) -> Result<Self> {
        let environment = engine.environment();
        let mut tables = BTreeMap::new();
        for (_, row) in rows_as_of(engine, &row_key(TABLE_ROW, &[]), Some(at))? {
            let record = decode_record(&row)?;
            tables.insert(record.schema.name().to_owned(), Arc::new(TableDescriptor::new(record)));
        }
        Ok(Self {
            clock: Arc::clone(&environment.clock),
            random: Arc::clone(&environment.random),
            tables: RwLock::new(tables),
            ended_streams: RwLock::default(),
            dead: Mutex::default(),
            counts: Counts::new(BTreeMap::new()),
            changed: Arc::default(),
            expired_items: ExpiredItems::default(),
            telling: Mutex::default(),
            sweeps: SweepTimer::default(),
        })
    }

    /// Happens whenever a table was made, changed or removed, and readers see it.
    pub fn changed(&self) -> &Arc<Event> {
        &self.changed
    }

    /// Refuses, for `operation`, a name that no table of this store can have.
    pub fn check_name(operation: Operation, name: &str) -> Result<()> {
        let name = arn::table_name(name).map_err(|fault| Error::new(operation, fault))?;
        check_table_name(name).map_err(|fault| Error::new(operation, fault))
    }

    /// The table `name`, for `operation`. The name may be the long one.
    pub fn find(&self, operation: Operation, name: &str) -> Result<Arc<TableDescriptor>> {
        let fault = |fault| Error::new(operation, fault);
        let name = arn::table_name(name).map_err(fault)?;
        check_table_name(name).map_err(fault)?;
        let table = self.tables.read().get(name).cloned();
        table.ok_or_else(|| not_found(operation, name))
    }

    /// What `table` is now, for readers; a table of the same name that was made later is another one.
    pub fn current<'a>(
        &self,
        operation: Operation,
        table: &'a Arc<TableDescriptor>,
    ) -> Result<Cow<'a, Arc<TableDescriptor>>> {
        if table.is_current() {
            return Ok(Cow::Borrowed(table));
        }
        let name = table.schema().name();
        let current = self.tables.read().get(name).filter(|current| current.id() == table.id()).cloned();
        current.map(Cow::Owned).ok_or_else(|| not_found(operation, name))
    }

    /// What `table` has become, for a writer whose batch was sent back because of that. As for
    /// [`await_change`](Self::await_change).
    pub fn renewed(
        &self,
        engine: &Engine,
        operation: Operation,
        table: &Arc<TableDescriptor>,
    ) -> Result<Arc<TableDescriptor>> {
        self.await_change(engine, table)?;
        self.current(operation, table).map(Cow::into_owned)
    }

    /// Waits until the change of a table that a writer was sent back for is published, and found by its name. Where it
    /// fails, the writer has written nothing.
    ///
    /// REQUIRES: the caller holds no key's lock.
    pub fn await_change(&self, engine: &Engine, table: &TableDescriptor) -> Result<()> {
        engine.visible(table.state().changed_at()).wait().map_err(StoreError::into_rejected)?;
        // Whoever made the change may not have come to this yet.
        self.refresh(engine, table.schema().name())
    }

    /// All tables, in the order of their names. Whoever brings unfinished indexes on looks here when a store is opened.
    pub fn tables(&self) -> Vec<Arc<TableDescriptor>> {
        self.tables.read().values().cloned().collect()
    }

    /// The names of all tables in the order of their bytes.
    pub fn names(&self) -> Vec<String> {
        self.tables.read().keys().cloned().collect()
    }

    /// A page of the names of all tables.
    pub fn list_tables(&self, request: &ListTablesRequest) -> Result<ListTablesOutput> {
        let start = request.exclusive_start_table_name.as_deref();
        let limit = request.limit.unwrap_or(limits::LIST_TABLES_MAX);
        let mut members = Members::default();
        if let Some(start) = start {
            members.resource_name("exclusiveStartTableName", start);
        }
        members.check("limit", Constraint::ValueAtLeast(1), limit >= 1, || limit.to_string());
        let most = limits::LIST_TABLES_MAX;
        members.check("limit", Constraint::ValueAtMost(most as u64), limit <= most, || limit.to_string());
        members.finish().map_err(|fault| Error::new(Operation::ListTables, fault))?;
        let tables = self.tables.read();
        let from = start.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = tables.range::<str, _>((from, Bound::Unbounded)).map(|(name, _)| name.clone());
        let table_names: Vec<_> = names.by_ref().take(limit).collect();
        let last_evaluated_table_name = names.next().and_then(|_| table_names.last().cloned());
        Ok(ListTablesOutput { table_names, last_evaluated_table_name })
    }

    /// Tells what a table is. If it is long since its items were counted, they are counted anew in the background.
    pub fn describe_table(&self, name: &str) -> Result<TableDescription> {
        let table = self.find(Operation::DescribeTable, name)?;
        let now_millis = self.clock.wall_millis();
        let count = self.counts.get(table.keyspace());
        let is_recent = |count: &TableCount| {
            now_millis.saturating_sub(count.counted_at_millis) < limits::COUNT_INTERVAL_MILLIS
        };
        if !count.as_ref().is_some_and(is_recent) {
            self.counts.want(table.keyspace());
        }
        let description = TableDescription::of(table.record(), now_millis);
        Ok(match count {
            Some(count) => description.with_count(table.record(), &count),
            None => description,
        })
    }

    /// Makes a table, durably.
    pub fn create_table(&self, engine: &Engine, request: CreateTableRequest) -> Result<Arc<TableDescriptor>> {
        const OPERATION: Operation = Operation::CreateTable;
        let now_millis = self.clock.wall_millis();
        let table = NewTable::of_request(request, now_millis)?;
        let name = table.schema.name().to_owned();
        let exists = || Error::new(OPERATION, Fault::TableExists { table: name.clone() });
        let known = self.tables.read().get(&name).cloned();
        match known {
            // What the map holds is durable (invariant 1): nothing has to be waited for.
            Some(table) if table.state().version().is_some() => return Err(exists()),
            // Whoever drops it may have gone away without a word.
            Some(table) => self.await_change(engine, &table)?,
            None => {}
        }
        let (row, counter) = (row_key(TABLE_ROW, name.as_bytes()), row_key(NEXT_KEYSPACE_ROW, &[]));
        engine.pay_back_pressure()?;
        let restoring = row_key(RESTORING_ROW, name.as_bytes());
        let guard = engine.lock_keys(vec![row.clone(), restoring.clone(), counter.clone()]);
        for row in [&row, &restoring] {
            if let Some((seqno, true)) = engine.latest_version(row, |row| (row.seqno, row.value.is_some()))? {
                drop(guard);
                engine.visible(seqno).wait().map_err(StoreError::into_rejected)?;
                self.refresh(engine, &name)?;
                return Err(exists());
            }
        }
        let first = next_keyspace(engine)?;
        let count = table.keyspace_count();
        let keyspaces: Vec<_> = (0..count).map(|place| after(first, place)).collect::<Result<_>>()?;
        let id = TableId::from_random(self.random.next_u128());
        let now_millis = now_millis.max(self.stream_label_floor(&name));
        let record = TableRecord::new(table, id, &keyspaces, engine.published(), now_millis);
        let mut batch = WriteBatch::new();
        batch.put(counter, metadata::encode(&after(first, count)?));
        batch.put(row, metadata::encode(&record));
        let ticket = engine.submit(&batch, Durability::Durable)?;
        drop(guard);
        ticket.wait()?;
        self.counts.set(record.keyspace, TableCount::of_new(&record, now_millis));
        self.refresh(engine, &name)?;
        self.find(OPERATION, &name)
    }

    /// Removes a table with all its items, durably.
    pub fn delete_table(&self, engine: &Engine, name: &str) -> Result<TableDescription> {
        self.begin_delete_table(engine, name)?.wait(engine, self)
    }

    /// As [`delete_table`](Self::delete_table), without waiting.
    pub fn begin_delete_table(&self, engine: &Engine, name: &str) -> Result<PendingChange> {
        const OPERATION: Operation = Operation::DeleteTable;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::table_name(name).map_err(fault)?;
        check_table_name(name).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        self.change(engine, OPERATION, name, &[], |record, batch| {
            if record.settings.deletion_protection {
                return Err(fault(TableFault::DeletionProtected.into()));
            }
            if record.global_indexes.iter().any(|index| index.status == IndexStatus::Creating) {
                return Err(fault(TableFault::TableInUse { table: name.to_owned() }.into()));
            }
            for keyspace in record.keyspaces() {
                put_dead(batch, keyspace, now_millis);
            }
            put_ended_stream(batch, record, now_millis);
            batch.delete(row_key(COUNT_ROW, &record.keyspace.prefix()));
            batch.delete(row_key(BACKFILL_ROW, &record.keyspace.prefix()));
            let answer = TableDescription::of_deleting(record, now_millis);
            Ok(Change { next: None, answer, dead: record.keyspaces().collect() })
        })
    }

    /// Changes a table, durably.
    ///
    /// An index that is made is kept by writes from now on, and has the status `Creating` until whoever fills it calls
    /// [`activate_index`](Self::activate_index). One that is dropped has the status `Deleting`, until
    /// [`remove_index`](Self::remove_index) is called.
    pub fn update_table(&self, engine: &Engine, request: UpdateTableRequest) -> Result<TableDescription> {
        self.begin_update_table(engine, request)?.wait(engine, self)
    }

    /// As [`update_table`](Self::update_table), without waiting.
    pub fn begin_update_table(&self, engine: &Engine, request: UpdateTableRequest) -> Result<PendingChange> {
        const OPERATION: Operation = Operation::UpdateTable;
        let fault = |fault| Error::new(OPERATION, fault);
        let update = TableUpdate::parse(request).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        let counters: &[u8] = if update.needs_keyspace() { &[NEXT_KEYSPACE_ROW] } else { &[] };
        self.change(engine, OPERATION, update.table_name(), counters, |record, batch| {
            let mut next = record.clone();
            let free = if update.needs_keyspace() { next_keyspace(engine)? } else { record.keyspace };
            update.apply(&mut next, free, engine.published(), now_millis).map_err(fault)?;
            if next.settings.stream.active.is_some() && record.settings.stream.active.is_none() {
                // The stream tells of all that expires later, and nothing of that was reclaimed.
                let kept_from = expiry::keep_dead(engine, &next.settings);
                next.settings.stream.begin_no_earlier(kept_from.0);
            }
            if update.needs_keyspace() {
                batch.put(row_key(NEXT_KEYSPACE_ROW, &[]), metadata::encode(&after(free, 1)?));
            }
            if update.makes_index() {
                put_backfill_progress(batch, free, &BackfillProgress::default());
            }
            if next.settings.stream.active.is_none() {
                put_ended_stream(batch, record, now_millis);
            }
            Ok(Change::to(next, record, now_millis))
        })
    }

    /// The index in that keyspace has all its entries.
    pub fn activate_index(
        &self,
        engine: &Engine,
        table: &TableDescriptor,
        keyspace: KeyspaceId,
    ) -> Result<()> {
        self.change_index(engine, table, keyspace, IndexStatus::Creating, |record, batch, position| {
            record.global_indexes[position].status = IndexStatus::Active;
            batch.delete(row_key(BACKFILL_ROW, &keyspace.prefix()));
            Vec::new()
        })
    }

    /// Takes an index that is being dropped out of its table; its keyspace is dead.
    pub fn remove_index(&self, engine: &Engine, table: &TableDescriptor, keyspace: KeyspaceId) -> Result<()> {
        let now_millis = self.clock.wall_millis();
        let remove = |record: &mut TableRecord, batch: &mut WriteBatch, position: usize| {
            record.global_indexes.remove(position);
            record.schema.remove_global_index(position);
            batch.delete(row_key(BACKFILL_ROW, &keyspace.prefix()));
            put_dead(batch, keyspace, now_millis);
            vec![keyspace]
        };
        self.change_index(engine, table, keyspace, IndexStatus::Deleting, remove)
    }

    /// `change` says which keyspaces die by it.
    fn change_index(
        &self,
        engine: &Engine,
        table: &TableDescriptor,
        keyspace: KeyspaceId,
        expected: IndexStatus,
        change: impl FnOnce(&mut TableRecord, &mut WriteBatch, usize) -> Vec<KeyspaceId>,
    ) -> Result<()> {
        const OPERATION: Operation = Operation::UpdateTable;
        let name = table.schema().name();
        let now_millis = self.clock.wall_millis();
        let pending = self.change(engine, OPERATION, name, &[], |record, batch| {
            let indexes = record.global_indexes.iter();
            let position = indexes.enumerate().find(|(_, index)| index.keyspace == keyspace);
            match position {
                Some((position, index)) if index.status == expected && record.id == table.id() => {
                    let mut next = record.clone();
                    let dead = change(&mut next, batch, position);
                    Ok(Change { dead, ..Change::to(next, record, now_millis) })
                }
                _ => Err(not_found(OPERATION, name)),
            }
        })?;
        pending.wait(engine, self).map(drop)
    }

    /// The stream of that table and that label, if it takes records or can still be read.
    pub fn stream(&self, table: &str, label: &str) -> Option<StreamDescriptor> {
        let tables = self.tables.read();
        let active = tables.get(table).and_then(|table| StreamDescriptor::of(table.record()));
        let ended = self.ended_streams.read();
        let mut streams =
            active.into_iter().chain(ended.values().filter(|ended| ended.table == table).cloned());
        streams.find(|stream| stream.label() == label)
    }

    /// All streams that take records or can still be read, by table and then in the order in which they began.
    pub fn streams(&self) -> Vec<StreamDescriptor> {
        let tables = self.tables.read();
        let active = tables.values().filter_map(|table| StreamDescriptor::of(table.record()));
        let mut streams: Vec<_> = active.chain(self.ended_streams.read().values().cloned()).collect();
        streams.sort_by(|one, other| {
            (&one.table, one.began_at_millis).cmp(&(&other.table, other.began_at_millis))
        });
        streams
    }

    /// Nobody reads the stream any more: it has ended, and its records were kept for as long as was promised. Its
    /// keyspace is dead.
    pub(super) fn forget_stream(&self, engine: &Engine, stream: &StreamDescriptor) -> Result<()> {
        let keyspace = stream.keyspace;
        engine.pay_back_pressure()?;
        let guard = engine.lock_keys(vec![ended_stream_row(keyspace)]);
        let mut batch = WriteBatch::new();
        batch.delete(ended_stream_row(keyspace));
        batch.delete(stream_horizon_row(keyspace));
        for (name, _) in stream_consumers(engine, keyspace)? {
            batch.delete(stream_consumer_row(keyspace, &name));
        }
        put_dead(&mut batch, keyspace, self.clock.wall_millis());
        let ticket = engine.submit(&batch, Durability::Durable)?;
        let seqno = ticket.seqno();
        drop(guard);
        ticket.wait()?;
        self.ended_streams.write().remove(&keyspace);
        self.note_dead(&[keyspace], seqno);
        Ok(())
    }

    /// The earliest moment that can be the label of a new stream of that table: no two of them are the same, also if the
    /// table was deleted in between.
    fn stream_label_floor(&self, table: &str) -> u64 {
        let ended = self.ended_streams.read();
        let labels =
            ended.values().filter(|stream| stream.table == table).map(|stream| stream.began_at_millis);
        labels.max().map_or(0, |last| last + 1)
    }

    /// How far the backfill of the index in that keyspace has come, or of the table in it with expiries; none if there is
    /// none.
    pub fn backfill_progress(
        &self,
        engine: &Engine,
        keyspace: KeyspaceId,
    ) -> Result<Option<BackfillProgress>> {
        let row = engine.get(&row_key(BACKFILL_ROW, &keyspace.prefix()), None, <[u8]>::to_vec)?;
        row.map(|row| decode("backfill's progress", &row)).transpose()
    }

    /// The keyspaces that are dead, to be told to the engine.
    pub fn dead_keyspaces(&self) -> Vec<DeadKeyspace> {
        self.dead.lock().clone()
    }

    /// The engine holds nothing of these keyspaces any more.
    pub fn forget(&self, engine: &Engine, keyspaces: &[KeyspaceId]) -> Result<()> {
        let mut batch = WriteBatch::new();
        for keyspace in keyspaces {
            batch.delete(row_key(DEAD_KEYSPACE_ROW, &keyspace.prefix()));
        }
        engine.write(&batch, Durability::Durable)?;
        self.dead.lock().retain(|dead| !keyspaces.contains(&dead.keyspace));
        Ok(())
    }

    /// Keeps what was counted of a table, unless that is no more.
    pub fn note_count(&self, engine: &Engine, table: &TableDescriptor, count: TableCount) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.put(row_key(COUNT_ROW, &table.keyspace().prefix()), metadata::encode(&count));
        if let Submitted::Accepted(ticket) =
            engine.submit_guarded(&batch, Durability::Buffered, &NotDropped(table.state()))?
        {
            ticket.wait()?;
            self.counts.set(table.keyspace(), count);
        }
        Ok(())
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(super) fn expired_items(&self) -> ExpiredItems {
        self.expired_items
    }

    /// When the next item is to be swept.
    pub(super) fn sweeps(&self) -> &SweepTimer {
        &self.sweeps
    }

    /// Tells the engine what becomes of the expired items of a table as it is published, unless a change of it is under
    /// way, which will be told when it is published.
    pub(super) fn tell_published(&self, engine: &Engine, name: &str) {
        let _telling = self.telling.lock();
        let table = self.tables.read().get(name).filter(|table| table.is_current()).cloned();
        let Some(table) = table else { return };
        let settings = table.settings();
        if settings.time_to_live.active.is_none() && settings.time_to_live.ended.is_empty() {
            return;
        }
        engine.change_expiry_rules(|rules, _| expiry::tell(settings, rules));
        if expiry::is_swept(settings) {
            self.sweeps.note(0);
        }
    }

    /// Which tables somebody wants counted.
    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Puts tags on a table, durably: all, or none.
    pub fn tag_resource(&self, engine: &Engine, resource_arn: &str, tags: Vec<Tag>) -> Result<()> {
        const OPERATION: Operation = Operation::TagResource;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::tagged_table(resource_arn).map_err(fault)?;
        let more = tags::parse_some(tags).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        let changed = self.change(engine, OPERATION, name, &[], |record, _| {
            let mut next = record.clone();
            tags::merge(&mut next.settings.tags, more).map_err(fault)?;
            Ok(Change::to(next, record, now_millis))
        });
        changed
            .and_then(|pending| pending.wait(engine, self))
            .map(drop)
            .map_err(|error| with_arn(error, resource_arn))
    }

    /// Takes tags off a table, durably. Nothing happens to those that it does not have.
    pub fn untag_resource(&self, engine: &Engine, resource_arn: &str, keys: &[String]) -> Result<()> {
        const OPERATION: Operation = Operation::UntagResource;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::tagged_table(resource_arn).map_err(fault)?;
        tags::check_keys(keys).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        let changed = self.change(engine, OPERATION, name, &[], |record, _| {
            let mut next = record.clone();
            next.settings.tags.retain(|key, _| !keys.contains(key));
            Ok(Change::to(next, record, now_millis))
        });
        changed
            .and_then(|pending| pending.wait(engine, self))
            .map(drop)
            .map_err(|error| with_arn(error, resource_arn))
    }

    /// A table's tags, in the order of their keys.
    pub fn list_tags_of_resource(&self, resource_arn: &str) -> Result<Vec<Tag>> {
        const OPERATION: Operation = Operation::ListTagsOfResource;
        let name = arn::tagged_table(resource_arn).map_err(|fault| Error::new(OPERATION, fault))?;
        let table = self.tables.read().get(name).cloned();
        let table = table.ok_or_else(|| with_arn(not_found(OPERATION, name), resource_arn))?;
        let tags = table.settings().tags.iter();
        Ok(tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect())
    }

    /// Changes a table's record in one durable commit, or removes it. `decide` may add rows to the batch; what it reads
    /// of `counters` is locked.
    pub(super) fn change(
        &self,
        engine: &Engine,
        operation: Operation,
        name: &str,
        counters: &[u8],
        decide: impl FnOnce(&TableRecord, &mut WriteBatch) -> Result<Change>,
    ) -> Result<PendingChange> {
        let row = row_key(TABLE_ROW, name.as_bytes());
        let mut keys = vec![row.clone()];
        keys.extend(counters.iter().map(|counter| row_key(*counter, &[])));
        engine.pay_back_pressure()?;
        let (guard, seqno, old, state) = loop {
            let guard = engine.lock_keys(keys.clone());
            let version =
                engine.latest_version(&row, |row| (row.seqno, row.value.map(decode_record).transpose()))?;
            let (seqno, old) = version.unwrap_or((SeqNo::ZERO, Ok(None)));
            let state = match &old {
                Ok(Some(old)) => self.state_of(name, old.id),
                _ => None,
            };
            match (old?, state) {
                (Some(old), Some(state)) => break (guard, seqno, old, state),
                (old, _) => {
                    drop(guard);
                    // The answer rests on that commit, or the table was made by it and has no state yet.
                    engine.visible(seqno).wait().map_err(StoreError::into_rejected)?;
                    self.refresh(engine, name)?;
                    if old.is_none() {
                        return Err(not_found(operation, name));
                    }
                }
            }
        };
        let mut batch = WriteBatch::new();
        let telling = self.telling.lock();
        let Change { next, answer, dead } = match decide(&old, &mut batch) {
            Ok(change) => change,
            Err(error) => {
                drop((telling, guard));
                engine.visible(seqno).wait().map_err(StoreError::into_rejected)?;
                return Err(error);
            }
        };
        let next_version = next.is_some().then_some(old.version + 1);
        match next {
            Some(next) => {
                batch.put(row, metadata::encode(&TableRecord { version: old.version + 1, ..next }));
            }
            None => batch.delete(row),
        }
        let change = ChangeOfTable { state: &state, next_version };
        let Submitted::Accepted(ticket) = engine.submit_guarded(&batch, Durability::Durable, &change)? else {
            unreachable!("a change of a table is always admitted");
        };
        drop((telling, guard));
        if next_version.is_none() {
            self.counts.forget(old.keyspace);
        }
        Ok(PendingChange { ticket, table: name.to_owned(), answer, dead })
    }

    /// What the writers of that incarnation of a table share, if readers see it.
    fn state_of(&self, name: &str, id: TableId) -> Option<Arc<TableState>> {
        let tables = self.tables.read();
        tables.get(name).filter(|table| table.id() == id).map(|table| Arc::clone(table.state()))
    }

    /// A change is published.
    fn published(&self, engine: &Engine, name: &str, dead: &[KeyspaceId], commit: Commit) -> Result<()> {
        self.note_dead(dead, commit.seqno);
        self.refresh(engine, name)
    }

    /// A table is found to be no more.
    fn note_dropped(&self, table: &TableDescriptor) {
        let keyspaces: Vec<_> = table.record().keyspaces().collect();
        self.note_dead(&keyspaces, table.state().changed_at());
    }

    /// Lists keyspaces as dead that are not listed yet: who drops a table, and who finds that it is gone, both say so.
    pub(super) fn note_dead(&self, keyspaces: &[KeyspaceId], seqno: SeqNo) {
        let mut dead = self.dead.lock();
        for keyspace in keyspaces {
            if dead.iter().all(|dead| dead.keyspace != *keyspace) {
                dead.push(DeadKeyspace { keyspace: *keyspace, seqno });
            }
        }
    }

    /// Brings the map to what is published of a table.
    pub(super) fn refresh(&self, engine: &Engine, name: &str) -> Result<()> {
        // Read under the lock: of two who come, the later one reads what is as new or newer.
        let mut tables = self.tables.write();
        let record = engine.get(&row_key(TABLE_ROW, name.as_bytes()), None, decode_record)?.transpose()?;
        if let Some(old) = tables.get(name) {
            self.note_ended_stream(engine, old)?;
        }
        match (tables.entry(name.to_owned()), record) {
            (Entry::Occupied(entry), None) => self.note_dropped(&entry.remove()),
            (Entry::Vacant(_), None) => {}
            (Entry::Vacant(entry), Some(record)) => {
                entry.insert(Arc::new(TableDescriptor::made(record, engine.published())));
            }
            (Entry::Occupied(mut entry), Some(record)) => {
                let old = entry.get();
                if old.id() != record.id {
                    let made = TableDescriptor::made(record, engine.published());
                    self.note_dropped(&entry.insert(Arc::new(made)));
                } else if old.version() < record.version {
                    let published = engine.snapshot().seqno();
                    let next = Arc::new(old.successor(record, published));
                    entry.insert(next);
                }
            }
        }
        drop(tables);
        self.tell_published(engine, name);
        self.changed.notify();
        Ok(())
    }
}

impl Catalog {
    /// Notes the stream that `old` has if it has ended. Called before the table is replaced in the map, under the map's
    /// lock: everybody finds the stream in one place or the other.
    fn note_ended_stream(&self, engine: &Engine, old: &TableDescriptor) -> Result<()> {
        let Some(active) = old.settings().stream.active else { return Ok(()) };
        let row = ended_stream_row(active.keyspace);
        let ended: Option<StreamDescriptor> =
            engine.get(&row, None, |row| decode("ended stream", row))?.transpose()?;
        if let Some(stream) = ended {
            self.ended_streams.write().insert(stream.keyspace, stream);
        }
        Ok(())
    }
}

/// What is to become of a table.
pub(super) struct Change {
    /// None if it is removed.
    next: Option<TableRecord>,
    answer: TableDescription,
    /// The keyspaces that die by it.
    dead: Vec<KeyspaceId>,
}

impl Change {
    /// `old` becomes `next`.
    pub(super) fn to(next: TableRecord, old: &TableRecord, now_millis: u64) -> Self {
        let answer = TableDescription::of_updating(old, &next, now_millis);
        Self { next: Some(next), answer, dead: Vec::new() }
    }
}

pub(super) fn not_found(operation: Operation, name: &str) -> Error {
    Error::new(operation, Fault::TableNotFound { table: name.to_owned() })
}

/// The operations on tags tell the long name of a table that is not there.
fn with_arn(error: Error, arn: &str) -> Error {
    match (error.operation(), error.fault()) {
        (Some(operation), Fault::TableNotFound { .. }) => {
            Error::new(operation, TableFault::ArnNotFound { arn: arn.to_owned() }.into())
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Outcome;
    use crate::base::expiry::ExpiryGeneration;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, LocalIndex, TableSchema};
    use crate::dynamo::table::CurrentTables;
    use crate::dynamo::tables::description::{ResourceStatus, TimeToLiveDescription};
    use crate::dynamo::tables::request::{
        AttributeDefinition, GlobalIndexUpdate, IndexRequest, IndexThroughputUpdate, KeySchemaElement,
        ProjectionRequest, ProjectionType, StreamSpecification, TimeToLiveSpecification,
        UpdateTimeToLiveRequest,
    };
    use crate::dynamo::tables::settings::{
        BillingMode, OnDemandThroughput, ProvisionedThroughput, SseSpecification, StreamViewType, TableClass,
    };
    use crate::engine::options::EngineOptions;
    use crate::env::sim::Simulation;
    use std::path::Path;

    const NOW: u64 = 1_795_341_780_123;

    /// A catalog on a simulated machine.
    struct Store {
        simulation: Simulation,
        engine: Engine,
        catalog: Catalog,
    }

    impl Store {
        fn new() -> Self {
            let simulation = Simulation::new(7);
            simulation.clock().set_wall_millis(NOW);
            Self::open(simulation)
        }

        fn open(simulation: Simulation) -> Self {
            let options = EngineOptions::default();
            let engine = Engine::open(simulation.environment(), Path::new("/store"), options);
            let engine = engine.expect("a whole store");
            let catalog = Catalog::open(&engine).expect("a whole catalog");
            Self { simulation, engine, catalog }
        }

        fn reopen(self) -> Self {
            let Self { simulation, engine, catalog } = self;
            engine.close().expect("nothing failed");
            drop((engine, catalog));
            Self::open(simulation)
        }

        fn create(&self, request: impl Into<CreateTableRequest>) -> Result<Arc<TableDescriptor>> {
            self.catalog.create_table(&self.engine, request.into())
        }

        fn update(&self, request: UpdateTableRequest) -> Result<TableDescription> {
            self.catalog.update_table(&self.engine, request)
        }

        fn time_to_live(&self, attribute: &str, enabled: bool) -> Result<TimeToLiveSpecification> {
            let attribute_name = attribute.to_owned();
            let specification = TimeToLiveSpecification { attribute_name, enabled };
            let request = UpdateTimeToLiveRequest {
                table_name: "Music".to_owned(),
                time_to_live_specification: specification,
            };
            self.catalog.update_time_to_live(&self.engine, request)
        }

        fn describe(&self) -> TableDescription {
            self.catalog.describe_table("Music").expect("it was made")
        }

        fn table(&self) -> Arc<TableDescriptor> {
            self.catalog.find(Operation::DescribeTable, "Music").expect("it was made")
        }
    }

    fn schema(name: &str) -> TableSchema {
        let schema = TableSchema::builder(name)
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number)
            .local_index(LocalIndex::builder("ByLocal").sort_key("x", KeyType::Binary))
            .global_index(GlobalIndex::builder("ByGlobal").partition_key("x", KeyType::Binary));
        schema.build().expect("a valid schema")
    }

    fn units(read_capacity_units: i64, write_capacity_units: i64) -> ProvisionedThroughput {
        ProvisionedThroughput { read_capacity_units, write_capacity_units }
    }

    fn provisioned() -> CreateTableRequest {
        let mut request = CreateTableRequest {
            billing_mode: None,
            provisioned_throughput: Some(units(5, 6)),
            ..schema("Music").into()
        };
        for index in request.global_secondary_indexes.iter_mut().flatten() {
            index.provisioned_throughput = Some(units(7, 8));
        }
        request
    }

    fn update() -> UpdateTableRequest {
        UpdateTableRequest { table_name: "Music".to_owned(), ..UpdateTableRequest::default() }
    }

    fn index_updates(updates: Vec<GlobalIndexUpdate>) -> UpdateTableRequest {
        UpdateTableRequest { global_secondary_index_updates: updates, ..update() }
    }

    fn create_index(name: &str, attribute: &str) -> GlobalIndexUpdate {
        let key_type = crate::dynamo::fault::KeyRole::Partition;
        let attribute_name = attribute.to_owned();
        let projection_type = Some(ProjectionType::KeysOnly);
        let index = IndexRequest {
            index_name: name.to_owned(),
            key_schema: vec![KeySchemaElement { attribute_name, key_type }],
            projection: ProjectionRequest { projection_type, non_key_attributes: None },
            ..IndexRequest::default()
        };
        GlobalIndexUpdate { create: Some(index), ..GlobalIndexUpdate::default() }
    }

    fn change_index(name: &str, throughput: ProvisionedThroughput) -> GlobalIndexUpdate {
        let (index_name, provisioned_throughput) = (name.to_owned(), Some(throughput));
        let change = IndexThroughputUpdate { index_name, provisioned_throughput, on_demand_throughput: None };
        GlobalIndexUpdate { update: Some(change), ..GlobalIndexUpdate::default() }
    }

    fn delete_index(name: &str) -> GlobalIndexUpdate {
        GlobalIndexUpdate { delete: Some(name.to_owned()), ..GlobalIndexUpdate::default() }
    }

    fn define(attribute: &str) -> Vec<AttributeDefinition> {
        vec![AttributeDefinition { attribute_name: attribute.to_owned(), attribute_type: KeyType::String }]
    }

    fn make_index(name: &str) -> UpdateTableRequest {
        UpdateTableRequest {
            attribute_definitions: define("y"),
            ..index_updates(vec![create_index(name, "y")])
        }
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T>, exception: &str, message: &str) {
        let error = result.expect_err("the request is wrong");
        assert_eq!((error.exception(), error.to_string().as_str()), (exception, message));
    }

    const INVALID: &str = "ValidationException";
    const NOT_FOUND: &str = "ResourceNotFoundException";
    const IN_USE: &str = "ResourceInUseException";
    const LIMIT: &str = "LimitExceededException";

    #[test]
    fn create_table_answers_and_describe_table_tells_in_dynamodbs_shapes() {
        let store = Store::new();
        let table = store.create(schema("Music")).expect("a new table");
        let created = TableDescription::of_created(table.record(), NOW);
        assert_eq!(created.table_status, ResourceStatus::Creating);
        assert_eq!((created.warm_throughput, created.latest_stream_arn), (None, None));
        assert_eq!(created.billing_mode_summary.expect("on demand").last_on_demand_millis, None);
        let description = store.describe();
        assert_eq!(description.table_status, ResourceStatus::Active);
        assert_eq!(description.table_arn, "arn:aws:dynamodb:us-east-1:000000000000:table/Music");
        assert_eq!(description.created_at_millis, Some(NOW));
        assert_eq!(description.billing_mode_summary.expect("on demand").last_on_demand_millis, Some(NOW));
        assert_eq!(description.warm_throughput.expect("always there").read_units, 12_000);
        let definitions = description.attribute_definitions.iter();
        let names: Vec<_> = definitions.map(|definition| definition.attribute_name.as_str()).collect();
        assert_eq!(names, ["pk", "sk", "x"]);
        let local = &description.local_secondary_indexes[0];
        assert_eq!((local.index_status, local.provisioned_throughput), (None, None));
        let global = &description.global_secondary_indexes[0];
        assert_eq!((global.index_status, global.backfilling), (Some(ResourceStatus::Active), None));
        assert_eq!(global.index_arn, "arn:aws:dynamodb:us-east-1:000000000000:table/Music/index/ByGlobal");
        refused(store.create(schema("Music")), IN_USE, "Table already exists: Music");
        let invalid = CreateTableRequest { billing_mode: None, ..schema("Music").into() };
        refused(
            store.create(invalid),
            INVALID,
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be \
             specified when BillingMode is PROVISIONED",
        );
        let by_arn = store.catalog.describe_table(&description.table_arn).expect("the long name will do");
        assert_eq!(by_arn, description);
        refused(
            store.catalog.describe_table("Missing"),
            NOT_FOUND,
            "Requested resource not found: Table: Missing not found",
        );
    }

    #[test]
    fn a_provisioned_table_has_no_billing_summary_until_it_was_on_demand() {
        let store = Store::new();
        store.create(provisioned()).expect("a new table");
        let billed = |mode| UpdateTableRequest { billing_mode: Some(mode), ..update() };
        assert_eq!(store.describe().billing_mode_summary, None);
        store.update(billed(BillingMode::PayPerRequest)).expect("it is provisioned");
        let description = store.describe();
        assert_eq!(description.provisioned_throughput.read_capacity_units, 0);
        let index = &description.global_secondary_indexes[0].provisioned_throughput;
        assert_eq!(index.expect("always there").write_capacity_units, 0);
        let to_provisioned = |indexes| UpdateTableRequest {
            billing_mode: Some(BillingMode::Provisioned),
            provisioned_throughput: Some(units(1, 2)),
            ..index_updates(indexes)
        };
        refused(
            store.update(billed(BillingMode::Provisioned)),
            INVALID,
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be \
             specified when BillingMode is PROVISIONED",
        );
        refused(
            store.update(to_provisioned(Vec::new())),
            INVALID,
            "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: \
             ByGlobal",
        );
        refused(
            store.update(UpdateTableRequest { provisioned_throughput: Some(units(1, 2)), ..update() }),
            INVALID,
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
             specified when BillingMode is PAY_PER_REQUEST",
        );
        let switched = to_provisioned(vec![change_index("ByGlobal", units(3, 4))]);
        let old = store.update(switched).expect("all is provisioned");
        assert_eq!(
            (old.table_status, old.provisioned_throughput.read_capacity_units),
            (ResourceStatus::Updating, 0)
        );
        let summary = store.describe().billing_mode_summary.expect("it was once on demand");
        assert_eq!(summary.billing_mode, BillingMode::Provisioned);
    }

    #[test]
    fn throughput_changes_or_is_told_to_be_the_same() {
        let store = Store::new();
        store.create(provisioned()).expect("a new table");
        let table = |throughput| UpdateTableRequest { provisioned_throughput: Some(throughput), ..update() };
        refused(
            store.update(table(units(5, 6))),
            INVALID,
            "The provisioned throughput for the table will not change. The requested value equals the current \
             value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current \
             WriteCapacityUnits provisioned for the table: 6. Requested WriteCapacityUnits: 6. Refer to the Amazon \
             DynamoDB Developer Guide for current limits and how to request higher limits.",
        );
        store.update(table(units(4, 6))).expect("another throughput");
        let throughput = store.describe().provisioned_throughput;
        assert_eq!((throughput.read_capacity_units, throughput.number_of_decreases_today), (4, 1));
        let error = store.update(index_updates(vec![change_index("ByGlobal", units(7, 8))]));
        assert!(
            error
                .expect_err("the same")
                .to_string()
                .starts_with("The provisioned throughput for the index ByGlobal will not change.")
        );
        let missing = change_index("Other", units(1, 1));
        refused(
            store.update(index_updates(vec![missing])),
            NOT_FOUND,
            "Requested resource not found: Index Other for table Music",
        );
    }

    #[test]
    fn update_table_is_one_change_a_call() {
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let before = store.describe();
        let parameter = |request: UpdateTableRequest, message: &str| {
            let message = format!("One or more parameter values were invalid: {message}");
            refused(store.update(request), INVALID, &message);
        };
        let nothing = store.update(UpdateTableRequest { attribute_definitions: define("y"), ..update() });
        assert!(
            nothing.expect_err("nothing").to_string().starts_with("At least one of ProvisionedThroughput, ")
        );
        let on_demand = Some(BillingMode::PayPerRequest);
        parameter(
            UpdateTableRequest {
                deletion_protection_enabled: Some(true),
                billing_mode: on_demand,
                ..update()
            },
            "DeletionProtection modification must be the only operation in the request",
        );
        let table_class = Some(TableClass::Standard);
        parameter(
            UpdateTableRequest { table_class, billing_mode: on_demand, ..update() },
            "TableClass modification must be the only operation in the request",
        );
        let sse_specification = Some(SseSpecification::default());
        parameter(
            UpdateTableRequest { sse_specification, billing_mode: on_demand, ..update() },
            "SSE modification must be the only operation in the request",
        );
        parameter(
            UpdateTableRequest { provisioned_throughput: Some(units(1, 1)), ..make_index("ByY") },
            "You cannot create or delete index while updating table IOPS",
        );
        let stream = StreamSpecification { stream_enabled: false, stream_view_type: None };
        parameter(
            UpdateTableRequest { stream_specification: Some(stream), ..make_index("ByY") },
            "You cannot create or delete index while changing stream status",
        );
        parameter(
            index_updates(vec![GlobalIndexUpdate::default()]),
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
             GlobalSecondaryIndexUpdate.Delete must not be null",
        );
        let two = GlobalIndexUpdate { delete: Some("ByGlobal".to_owned()), ..create_index("ByY", "y") };
        parameter(
            index_updates(vec![two]),
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        );
        parameter(
            index_updates(vec![delete_index("ByGlobal"), change_index("ByGlobal", units(1, 1))]),
            "Only one global secondary index update per index is allowed simultaneously. Index: ByGlobal",
        );
        refused(
            store.update(UpdateTableRequest { table_name: "Missing".to_owned(), ..make_index("ByY") }),
            NOT_FOUND,
            "Requested resource not found: Table: Missing not found",
        );
        assert_eq!(store.describe(), before, "a refused call changes nothing");
        assert_eq!(store.table().version(), 1);
    }

    #[test]
    fn an_index_is_made_filled_and_dropped() {
        const AT_ONCE: &str = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table";
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let deletion = |name: &str| store.update(index_updates(vec![delete_index(name)]));
        let exists = "Attempting to create an index which already exists";
        refused(store.update(make_index("ByGlobal")), INVALID, exists);
        refused(store.update(make_index("ByLocal")), INVALID, exists);
        refused(deletion("ByY"), NOT_FOUND, "Requested resource not found: Index ByY for table Music");
        let local = "Cannot delete an index that is not a GlobalSecondaryIndex: ByLocal";
        refused(deletion("ByLocal"), INVALID, local);
        refused(
            store.update(index_updates(vec![create_index("ByY", "y")])),
            INVALID,
            "One or more parameter values were invalid: AttributeDefinitions is not specified for index: ByY",
        );
        let contradicted = index_updates(vec![create_index("ByX", "x")]);
        refused(
            store.update(UpdateTableRequest { attribute_definitions: define("x"), ..contradicted }),
            INVALID,
            "Attribute Name is duplicated: x",
        );
        refused(
            store.update(index_updates(vec![create_index("ByY", "y"), delete_index("ByGlobal")])),
            LIMIT,
            AT_ONCE,
        );

        let answer = store.update(make_index("ByY")).expect("a new index");
        let made = &answer.global_secondary_indexes[1];
        assert_eq!((made.index_status, made.backfilling), (Some(ResourceStatus::Creating), Some(false)));
        let described = store.describe();
        assert_eq!(described.table_status, ResourceStatus::Updating);
        let index = &described.global_secondary_indexes[1];
        assert_eq!((index.index_status, index.backfilling), (Some(ResourceStatus::Creating), Some(true)));
        refused(store.update(make_index("ByZ")), LIMIT, AT_ONCE);
        refused(deletion("ByGlobal"), LIMIT, AT_ONCE);
        refused(
            store.catalog.delete_table(&store.engine, "Music"),
            IN_USE,
            "Attempt to change a resource which is still in use: Table is being updated: Music",
        );

        let table = store.table();
        let keyspace = table.record().global_indexes[1].keyspace;
        let progress = BackfillProgress { last_key: vec![7], items: 3, skipped: 1 };
        let mut batch = WriteBatch::new();
        put_backfill_progress(&mut batch, keyspace, &progress);
        store.engine.write(&batch, Durability::Durable).expect("space");
        let store = store.reopen();
        assert_eq!(store.describe(), described);
        let kept = store.catalog.backfill_progress(&store.engine, keyspace);
        assert_eq!(kept.expect("it can be read"), Some(progress));
        assert!(store.catalog.remove_index(&store.engine, &table, keyspace).is_err(), "it is not dropped");
        store.catalog.activate_index(&store.engine, &table, keyspace).expect("it is being made");
        assert_eq!(store.describe().table_status, ResourceStatus::Active);
        let kept = store.catalog.backfill_progress(&store.engine, keyspace);
        assert_eq!(kept.expect("it can be read"), None);

        store.update(index_updates(vec![delete_index("ByY")])).expect("nothing else is under way");
        let status = store.describe().global_secondary_indexes[1].index_status;
        assert_eq!(status, Some(ResourceStatus::Deleting));
        store.catalog.remove_index(&store.engine, &table, keyspace).expect("it is being dropped");
        let store = store.reopen();
        let description = store.describe();
        assert_eq!(description.global_secondary_indexes.len(), 1);
        assert_eq!(description.attribute_definitions.len(), 3, "nobody uses y");
        assert_eq!(store.table().version(), 5);
        let dead = store.catalog.dead_keyspaces();
        assert_eq!(dead.iter().map(|dead| dead.keyspace).collect::<Vec<_>>(), [keyspace]);
    }

    #[test]
    fn a_writer_is_held_to_a_change_from_its_commit_on_and_waits_for_it() {
        let store = Store::new();
        let music = store.create(schema("Music")).expect("a new table");
        let put = |table: &TableDescriptor| {
            let mut batch = WriteBatch::new();
            batch.put([&table.keyspace().prefix()[..], b"key"].concat(), Vec::new());
            let submitted = store
                .engine
                .submit_guarded(&batch, Durability::Buffered, &CurrentTables(&[table]))
                .expect("space");
            matches!(submitted, Submitted::Accepted(_))
        };
        assert!(put(&music));
        let renewed =
            |table: &Arc<TableDescriptor>| store.catalog.renewed(&store.engine, Operation::PutItem, table);
        let pending =
            store.catalog.begin_update_table(&store.engine, make_index("ByY")).expect("a new index");
        assert!(!put(&music), "it was derived from the version before");
        let published = store.catalog.current(Operation::PutItem, &music).expect("it is there").into_owned();
        assert_eq!(published.version(), 1, "readers hear of it when it is durable");
        let next = renewed(&music).expect("it is there");
        assert_eq!(next.version(), 2);
        assert!(store.engine.statistics().published >= pending.seqno() && put(&next));
        pending.wait(&store.engine, &store.catalog).expect("nothing fails");

        store
            .catalog
            .activate_index(&store.engine, &next, next.indexes()[2].keyspace())
            .expect("it is being made");
        let next = renewed(&next).expect("it is there");
        let pending = store.catalog.begin_delete_table(&store.engine, "Music").expect("it is there");
        assert!(!put(&next));
        refused(renewed(&next), NOT_FOUND, "Requested resource not found");
        pending.wait(&store.engine, &store.catalog).expect("nothing fails");
        let again = store.create(schema("Music")).expect("the name is free");
        assert!(!put(&next) && put(&again), "another incarnation");
    }

    #[test]
    fn a_stream_is_begun_and_ended() {
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let stream = |stream_enabled, stream_view_type| {
            let stream_specification = Some(StreamSpecification { stream_enabled, stream_view_type });
            store.update(UpdateTableRequest { stream_specification, ..update() })
        };
        let images = Some(StreamViewType::NewAndOldImages);
        refused(stream(false, None), INVALID, "Table has no stream to disable: TableName: Music");
        let invalid = "One or more parameter values were invalid: If stream is being ";
        refused(stream(true, None), INVALID, &format!("{invalid}enabled then UpdateViewType is required"));
        refused(
            stream(false, images),
            INVALID,
            &format!("{invalid}disabled, then UpdateViewType must not be specified"),
        );
        stream(true, images).expect("there is none");
        refused(stream(true, images), INVALID, "Table already has an enabled stream: TableName: Music");
        let first = store.describe();
        assert_eq!(first.stream_specification.expect("it has one").stream_view_type, images);
        assert_eq!(
            first.latest_stream_arn.as_deref(),
            Some("arn:aws:dynamodb:us-east-1:000000000000:table/Music/stream/2026-11-22T10:03:00.123")
        );
        stream(false, None).expect("there is one");
        let ended = store.describe();
        assert_eq!((ended.stream_specification, &ended.latest_stream_arn), (None, &first.latest_stream_arn));
        stream(true, images).expect("there is none");
        assert_ne!(store.describe().latest_stream_arn, first.latest_stream_arn);
    }

    #[test]
    fn every_setting_is_there_after_reopening() {
        let store = Store::new();
        let request = CreateTableRequest {
            on_demand_throughput: Some(OnDemandThroughput {
                max_read_request_units: Some(3),
                max_write_request_units: None,
            }),
            sse_specification: Some(SseSpecification { enabled: true, kms_master_key_id: Some("k".into()) }),
            stream_specification: Some(StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(StreamViewType::OldImage),
            }),
            table_class: Some(TableClass::Standard),
            deletion_protection_enabled: Some(true),
            tags: vec![Tag { key: "k".into(), value: "v".into() }],
            ..provisioned()
        };
        store.create(request).expect("a new table");
        let table_class = Some(TableClass::StandardInfrequentAccess);
        store.update(UpdateTableRequest { table_class, ..update() }).expect("another class");
        store
            .update(UpdateTableRequest { provisioned_throughput: Some(units(4, 9)), ..update() })
            .expect("more");
        let changed = index_updates(vec![change_index("ByGlobal", units(9, 1))]);
        store.update(changed).expect("another throughput");
        store.time_to_live("expires", true).expect("nothing expires");
        let (record, description) = (store.table().record().clone(), store.describe());
        assert_eq!(record.version, 5);
        assert_eq!(description.sse.as_ref().and_then(|sse| sse.kms_master_key_id.as_deref()), Some("k"));
        let store = store.reopen();
        assert_eq!((store.table().record(), store.describe()), (&record, description));
        assert!(store.table().is_current());
        let tables = store.catalog.tables();
        assert_eq!(tables.iter().map(|table| table.schema().name()).collect::<Vec<_>>(), ["Music"]);
    }

    #[test]
    fn a_deleted_table_is_gone_and_its_keyspaces_are_dead_until_they_are_forgotten() {
        let store = Store::new();
        let music = store.create(schema("Music")).expect("a new table");
        let other = store.create(schema("Other")).expect("a new table");
        let delete = |store: &Store| store.catalog.delete_table(&store.engine, "Music");
        let protection = |store: &Store, protected| {
            store.update(UpdateTableRequest { deletion_protection_enabled: Some(protected), ..update() })
        };
        protection(&store, true).expect("a change");
        assert!(!music.is_current(), "there is a newer version");
        refused(
            delete(&store),
            INVALID,
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion \
             protection first.",
        );
        protection(&store, false).expect("a change");
        let answer = delete(&store).expect("it is there");
        assert_eq!(answer.table_status, ResourceStatus::Deleting);
        assert_eq!((answer.created_at_millis, answer.key_schema.len()), (None, 0));
        let gone = "Requested resource not found: Table: Music not found";
        refused(delete(&store), NOT_FOUND, gone);
        assert_eq!(music.state().version(), None);
        refused(store.catalog.current(Operation::GetItem, &music), NOT_FOUND, "Requested resource not found");
        assert!(store.catalog.current(Operation::GetItem, &other).is_ok());

        let keyspaces: Vec<_> = music.record().keyspaces().collect();
        let dead = |store: &Store| -> Vec<_> {
            store.catalog.dead_keyspaces().into_iter().map(|dead| dead.keyspace).collect()
        };
        assert_eq!((keyspaces.len(), dead(&store)), (3, keyspaces.clone()));
        let store = store.reopen();
        assert_eq!(dead(&store), keyspaces);
        let again = store.create(schema("Music")).expect("the name is free");
        assert_ne!(again.id(), music.id());
        assert!(again.record().keyspaces().all(|keyspace| !keyspaces.contains(&keyspace)));
        assert!(store.catalog.current(Operation::GetItem, &music).is_err(), "another incarnation");
        store.catalog.forget(&store.engine, &keyspaces[..2]).expect("space");
        assert_eq!(dead(&store), keyspaces[2..]);
        assert_eq!(dead(&store.reopen()), keyspaces[2..]);
    }

    #[test]
    fn a_failed_sync_of_a_deletion_leaves_the_table_in_the_map() {
        use crate::env::sim::{FaultRule, OpKind, errno};
        let store = Store::new();
        let music = store.create(schema("Music")).expect("a new table");
        store.simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
        assert!(store.catalog.delete_table(&store.engine, "Music").is_err());
        assert!(
            store.catalog.find(Operation::GetItem, "Music").is_ok(),
            "only what is published is in the map"
        );
        let renewed = store.catalog.renewed(&store.engine, Operation::PutItem, &music);
        let error = renewed.expect_err("whether it is deleted is not known");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Poisoned, Outcome::Rejected));
        assert_eq!(store.catalog.dead_keyspaces(), []);
    }

    #[test]
    fn tables_are_listed_by_page() {
        let store = Store::new();
        for name in ["Ccc", "Aaa", "Bbb"] {
            store.create(schema(name)).expect("a new table");
        }
        let list = |start: Option<&str>, limit| {
            let exclusive_start_table_name = start.map(str::to_owned);
            let answer = store.catalog.list_tables(&ListTablesRequest { exclusive_start_table_name, limit });
            answer.map(|answer| (answer.table_names, answer.last_evaluated_table_name))
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let check = |start, limit, expected: &[&str], last: Option<&str>| {
            assert_eq!(list(start, limit).expect("valid"), (names(expected), last.map(str::to_owned)));
        };
        check(None, None, &["Aaa", "Bbb", "Ccc"], None);
        check(None, Some(3), &["Aaa", "Bbb", "Ccc"], None);
        check(None, Some(2), &["Aaa", "Bbb"], Some("Bbb"));
        check(Some("Bbb"), Some(2), &["Ccc"], None);
        check(Some("Bba"), Some(1), &["Bbb"], Some("Bbb"));
        check(Some("Ddd"), None, &[], None);
        let member = |value: &str, must: &str| {
            format!(
                "1 validation error detected: Value '{value}' at 'limit' failed to satisfy constraint: Member must \
                 have value {must}"
            )
        };
        refused(list(None, Some(0)), INVALID, &member("0", "greater than or equal to 1"));
        refused(list(None, Some(101)), INVALID, &member("101", "less than or equal to 100"));
    }

    #[test]
    fn time_to_live_is_enabled_and_disabled_under_generations_that_never_come_again() {
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let describe = |store: &Store| store.catalog.describe_time_to_live("Music").expect("it is there");
        assert_eq!(describe(&store), TimeToLiveDescription::Disabled);
        refused(store.time_to_live("expires", false), INVALID, "TimeToLive is already disabled");
        let answer = store.time_to_live("expires", true).expect("nothing expires");
        assert_eq!(answer, TimeToLiveSpecification { attribute_name: "expires".to_owned(), enabled: true });
        let attribute_name = || "expires".to_owned();
        assert_eq!(describe(&store), TimeToLiveDescription::Enabling { attribute_name: attribute_name() });
        let active = store.table().settings().time_to_live.active.clone().expect("items expire");
        let finish = |generation| store.catalog.finish_enabling(&store.engine, &store.table(), generation);
        finish(ExpiryGeneration(active.generation.0 + 1)).expect_err("another one");
        finish(active.generation).expect("all is done");
        assert_eq!(describe(&store), TimeToLiveDescription::Enabled { attribute_name: attribute_name() });
        refused(store.time_to_live("expires", true), INVALID, "TimeToLive is already enabled");
        let different = "TimeToLive is active on a different AttributeName: current AttributeName is expires";
        refused(store.time_to_live("other", true), INVALID, different);
        refused(store.time_to_live("other", false), INVALID, different);
        refused(
            store.time_to_live("", true),
            INVALID,
            "1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy \
             constraint: Member must have length greater than or equal to 1",
        );
        let generation = |store: &Store| {
            let active = store.table().settings().time_to_live.active.clone();
            active.expect("items expire").generation
        };
        let first = generation(&store);
        store.time_to_live("expires", false).expect("items expire");
        store.catalog.delete_table(&store.engine, "Music").expect("it is there");
        store.create(schema("Music")).expect("the name is free");
        let store = store.reopen();
        store.time_to_live("other", true).expect("nothing expires");
        assert!(generation(&store) > first);
        store.time_to_live("other", false).expect("items expire");
        let state = store.table().settings().time_to_live.clone();
        assert_eq!((state.active, state.ended[0].ended_at_millis), (None, NOW));
    }

    #[test]
    fn a_table_keeps_a_limited_number_of_ended_settings() {
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let mut last = 0;
        for _ in 0..=limits::ENDED_GENERATIONS_MAX + 1 {
            store.time_to_live("expires", true).expect("nothing expires");
            let table = store.table();
            let generation = table.settings().time_to_live.active.as_ref().expect("items expire").generation;
            store.catalog.finish_enabling(&store.engine, &table, generation).expect("all is done");
            store.time_to_live("expires", false).expect("items expire");
            last = generation.0;
        }
        let ended = store.table().settings().time_to_live.ended.clone();
        assert_eq!(ended.len(), limits::ENDED_GENERATIONS_MAX + 1, "the newest has come since");
        assert_eq!(ended.last().map(|ended| ended.generation.0), Some(last));
    }

    #[test]
    fn tags_are_put_on_and_taken_off() {
        let store = Store::new();
        store.create(schema("Music")).expect("a new table");
        let (arn, missing) = (arn::of_table("Music"), arn::of_table("Missing"));
        let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
        let list = |store: &Store| -> Vec<_> {
            let tags = store.catalog.list_tags_of_resource(&arn).expect("it is there");
            tags.into_iter().map(|tag| tag.key).collect()
        };
        store.catalog.tag_resource(&store.engine, &arn, vec![tag("b"), tag("a")]).expect("valid tags");
        assert_eq!(list(&store), ["a", "b"]);
        let keys = ["a".to_owned(), "none".to_owned()];
        store.catalog.untag_resource(&store.engine, &arn, &keys).expect("absent keys do not matter");
        let store = store.reopen();
        assert_eq!(list(&store), ["b"]);
        let not_found = format!("Requested resource not found: ResourceArn: {missing} not found");
        refused(store.catalog.list_tags_of_resource(&missing), NOT_FOUND, &not_found);
        refused(store.catalog.tag_resource(&store.engine, &missing, vec![tag("a")]), NOT_FOUND, &not_found);
        refused(store.catalog.untag_resource(&store.engine, &missing, &keys), NOT_FOUND, &not_found);
        let index = arn::of_index("Music", "ByLocal");
        refused(
            store.catalog.list_tags_of_resource(&index),
            INVALID,
            &format!(
                "One or more parameter values were invalid: Invalid resource arn provided, only table or stream is \
                 accepted. Provided resource arn: {index}"
            ),
        );
        refused(
            store.catalog.list_tags_of_resource("Music"),
            INVALID,
            "One or more parameter values were invalid: ARNs must start with 'arn:': Music",
        );
    }
}
