//! The catalog: which tables there are, kept in rows of the system keyspace.
//!
//! ```text
//! system row := keyspace 0 ‖ 01                → the next keyspace id             (metadata records, all of them)
//!             | keyspace 0 ‖ 02 ‖ table's name → the table's record
//!             | keyspace 0 ‖ 03 ‖ keyspace id  → a keyspace that is dead: when it died
//!             | keyspace 0 ‖ 04                → the next generation of expiry dates
//!             | keyspace 0 ‖ 05 ‖ keyspace id  → how far the backfill of the index in that keyspace has come
//! ```
//!
//! Every change is one commit, made in these steps: pay back-pressure; lock the rows; read the record as it is,
//! published or not; decide; submit; release the locks; wait until it is durable; bring the map up to date.
//!
//! Invariants:
//! 1. A table exists if and only if its row does. The map in memory holds only tables whose row is published.
//! 2. A keyspace id is given once and never again: the row of the next id moves in the same batch as the row that uses
//!    the ids. The same holds for generations.
//! 3. What is said about a name rests on durable rows alone.
//! 4. A change of a record raises its version by one. The map never goes back to an older version, nor to an older
//!    incarnation: it takes what is published while it is locked.
//! 5. From the commit on that removes a table or an index, its keyspaces are listed as dead, until the engine holds
//!    nothing of them any more.
//!
//! Threading: the map is locked for as long as a lookup takes, or the read of one row, and never over a write. Whoever
//! changes a table holds the key lock of its row, and of the counters that it moves.

use super::error::{Error, Result};
use super::fault::{Constraint, Fault, Operation};
use super::limits;
use super::table::TableDescriptor;
use super::table_fault::TableFault;
use super::tables::arn;
use super::tables::definition::NewTable;
use super::tables::description::{TableDescription, TimeToLiveDescription};
use super::tables::members::{Members, check_table_name};
use super::tables::record::{IndexStatus, TableId, TableRecord};
use super::tables::request::{
    CreateTableRequest, ListTablesOutput, ListTablesRequest, Tag, TimeToLiveSpecification,
    UpdateTableRequest, UpdateTimeToLiveRequest,
};
use super::tables::settings::ExpiryGeneration;
use super::tables::update::TableUpdate;
use super::tables::{tags, time_to_live};
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::error::{StoreError, StoreFault};
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::engine::cursor::KeyRange;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::engine::ticket::Ticket;
use crate::env::random::Random;
use crate::env::time::Clock;
use crate::format::metadata;
use parking_lot::{Mutex, RwLock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::Arc;

const NEXT_KEYSPACE_ROW: u8 = 1;
const TABLE_ROW: u8 = 2;
const DEAD_KEYSPACE_ROW: u8 = 3;
const NEXT_GENERATION_ROW: u8 = 4;
const BACKFILL_ROW: u8 = 5;

/// The tables of a store.
#[derive(Debug)]
pub struct Catalog {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tables: RwLock<BTreeMap<String, Arc<TableDescriptor>>>,
    dead: Mutex<Vec<DeadKeyspace>>,
}

/// A keyspace that belongs to no table and no index any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadKeyspace {
    /// Which.
    pub keyspace: KeyspaceId,
    /// The commit that removed it, or a later one: nobody who reads as of that commit, or later, looks there.
    pub seqno: SeqNo,
}

/// A dead keyspace as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct DeadKeyspaceRow {
    died_at_millis: u64,
}

/// How far the backfill of an index has come. Kept in the batches that bring it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillProgress {
    /// The engine's key of the last item that was looked at; empty before the first.
    pub last_key: Vec<u8>,
    /// How many items were looked at.
    pub items: u64,
    /// How many of them could not have an entry.
    pub skipped: u64,
}

/// What a change makes of a record.
enum Next {
    Keep(TableRecord),
    Remove,
}

/// A table before and after a change.
struct Changed {
    old: TableRecord,
    /// The commit that made the change.
    seqno: SeqNo,
}

impl Catalog {
    /// Reads the catalog of an open store.
    pub fn open(engine: &Engine) -> Result<Self> {
        let environment = engine.environment();
        let mut tables = BTreeMap::new();
        for (_, row) in rows(engine, TABLE_ROW)? {
            let record = decode_record(&row)?;
            tables.insert(record.schema.name().to_owned(), Arc::new(TableDescriptor::new(record)));
        }
        // Whoever reads from now on reads as of this moment or later.
        let seqno = engine.snapshot().seqno();
        let mut dead = Vec::new();
        for (key, row) in rows(engine, DEAD_KEYSPACE_ROW)? {
            decode::<DeadKeyspaceRow>("dead keyspace", &row)?;
            dead.push(DeadKeyspace { keyspace: keyspace_of_row(&key)?, seqno });
        }
        Ok(Self {
            clock: Arc::clone(&environment.clock),
            random: Arc::clone(&environment.random),
            tables: RwLock::new(tables),
            dead: Mutex::new(dead),
        })
    }

    /// The table `name`, for `operation`. The name may be the long one.
    pub fn find(&self, operation: Operation, name: &str) -> Result<Arc<TableDescriptor>> {
        let fault = |fault| Error::new(operation, fault);
        let name = arn::table_name(name).map_err(fault)?;
        check_table_name(name).map_err(fault)?;
        let table = self.tables.read().get(name).cloned();
        table.ok_or_else(|| not_found(operation, name))
    }

    /// What `table` is now; a table of the same name that was made later is another one.
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

    /// Tells what a table is.
    pub fn describe_table(&self, name: &str) -> Result<TableDescription> {
        let table = self.find(Operation::DescribeTable, name)?;
        Ok(TableDescription::of(table.record(), self.clock.wall_millis()))
    }

    /// Makes a table, durably.
    pub fn create_table(&self, engine: &Engine, request: CreateTableRequest) -> Result<Arc<TableDescriptor>> {
        const OPERATION: Operation = Operation::CreateTable;
        let now_millis = self.clock.wall_millis();
        let table = NewTable::of_request(request, now_millis)?;
        let name = table.schema.name().to_owned();
        let exists = || Error::new(OPERATION, Fault::TableExists { table: name.clone() });
        if self.tables.read().contains_key(&name) {
            // What the map holds is durable (invariant 1): nothing has to be waited for.
            return Err(exists());
        }
        let (row, counter) = (row_key(TABLE_ROW, name.as_bytes()), row_key(NEXT_KEYSPACE_ROW, &[]));
        engine.pay_back_pressure()?;
        let guard = engine.lock_keys(vec![row.clone(), counter.clone()]);
        if engine.latest(&row, |_| ())?.is_some() {
            let settled = settle(engine, row)?;
            drop(guard);
            settled.map(Ticket::wait).transpose()?;
            self.refresh(engine, &name)?;
            return Err(exists());
        }
        let first = next_keyspace(engine)?;
        let count = 1 + table.schema.local_indexes().len() + table.schema.global_indexes().len();
        let keyspaces: Vec<_> = (0..count).map(|place| after(first, place)).collect::<Result<_>>()?;
        let id = TableId::from_random(self.random.next_u128());
        let record = TableRecord::new(table, id, &keyspaces, now_millis);
        let mut batch = WriteBatch::new();
        batch.put(counter, metadata::encode(&after(first, count)?));
        batch.put(row, metadata::encode(&record));
        let ticket = engine.submit(&batch, Durability::Durable)?;
        drop(guard);
        ticket.wait()?;
        self.refresh(engine, &name)?;
        self.find(OPERATION, &name)
    }

    /// Removes a table with all its items, durably.
    pub fn delete_table(&self, engine: &Engine, name: &str) -> Result<TableDescription> {
        const OPERATION: Operation = Operation::DeleteTable;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::table_name(name).map_err(fault)?;
        check_table_name(name).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        let changed = self.change(engine, OPERATION, name, &[], |record, batch| {
            if record.settings.deletion_protection {
                return Err(fault(TableFault::DeletionProtected.into()));
            }
            if record.global_indexes.iter().any(|index| index.status == IndexStatus::Creating) {
                return Err(fault(TableFault::TableInUse { table: name.to_owned() }.into()));
            }
            for keyspace in record.keyspaces() {
                put_dead(batch, keyspace, now_millis);
            }
            Ok(Next::Remove)
        })?;
        self.note_dead(changed.old.keyspaces(), changed.seqno);
        Ok(TableDescription::of_deleting(&changed.old, now_millis))
    }

    /// Changes a table, durably.
    ///
    /// An index that is made is kept by writes from now on, and has the status `Creating` until whoever fills it calls
    /// [`activate_index`](Self::activate_index). One that is dropped has the status `Deleting`, until
    /// [`remove_index`](Self::remove_index) is called.
    pub fn update_table(&self, engine: &Engine, request: UpdateTableRequest) -> Result<TableDescription> {
        const OPERATION: Operation = Operation::UpdateTable;
        let fault = |fault| Error::new(OPERATION, fault);
        let update = TableUpdate::parse(request).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        let counters: &[u8] = if update.makes_index() { &[NEXT_KEYSPACE_ROW] } else { &[] };
        let changed = self.change(engine, OPERATION, update.table_name(), counters, |record, batch| {
            let mut next = record.clone();
            let free = if update.makes_index() { next_keyspace(engine)? } else { record.keyspace };
            update.apply(&mut next, free, now_millis).map_err(fault)?;
            if update.makes_index() {
                batch.put(row_key(NEXT_KEYSPACE_ROW, &[]), metadata::encode(&after(free, 1)?));
                put_backfill_progress(batch, free, &BackfillProgress::default());
            }
            Ok(Next::Keep(next))
        })?;
        Ok(TableDescription::of_updating(&changed.old, now_millis))
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
        })
        .map(drop)
    }

    /// Takes an index that is being dropped out of its table; its keyspace is dead.
    pub fn remove_index(&self, engine: &Engine, table: &TableDescriptor, keyspace: KeyspaceId) -> Result<()> {
        let now_millis = self.clock.wall_millis();
        let remove = |record: &mut TableRecord, batch: &mut WriteBatch, position: usize| {
            record.global_indexes.remove(position);
            record.schema.remove_global_index(position);
            batch.delete(row_key(BACKFILL_ROW, &keyspace.prefix()));
            put_dead(batch, keyspace, now_millis);
        };
        let changed = self.change_index(engine, table, keyspace, IndexStatus::Deleting, remove)?;
        self.note_dead(std::iter::once(keyspace), changed.seqno);
        Ok(())
    }

    fn change_index(
        &self,
        engine: &Engine,
        table: &TableDescriptor,
        keyspace: KeyspaceId,
        expected: IndexStatus,
        change: impl FnOnce(&mut TableRecord, &mut WriteBatch, usize),
    ) -> Result<Changed> {
        const OPERATION: Operation = Operation::UpdateTable;
        let name = table.schema().name();
        self.change(engine, OPERATION, name, &[], |record, batch| {
            let indexes = record.global_indexes.iter();
            let position = indexes.enumerate().find(|(_, index)| index.keyspace == keyspace);
            match position {
                Some((position, index)) if index.status == expected && record.id == table.id() => {
                    let mut next = record.clone();
                    change(&mut next, batch, position);
                    Ok(Next::Keep(next))
                }
                _ => Err(not_found(OPERATION, name)),
            }
        })
    }

    /// How far the backfill of the index in that keyspace has come; none if it is not being filled.
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

    fn note_dead(&self, keyspaces: impl Iterator<Item = KeyspaceId>, seqno: SeqNo) {
        self.dead.lock().extend(keyspaces.map(|keyspace| DeadKeyspace { keyspace, seqno }));
    }

    /// Says by which attribute items expire, durably.
    pub fn update_time_to_live(
        &self,
        engine: &Engine,
        request: UpdateTimeToLiveRequest,
    ) -> Result<TimeToLiveSpecification> {
        const OPERATION: Operation = Operation::UpdateTimeToLive;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = time_to_live::check(&request).map_err(fault)?;
        let now_millis = self.clock.wall_millis();
        self.change(engine, OPERATION, name, &[NEXT_GENERATION_ROW], |record, batch| {
            let counter = row_key(NEXT_GENERATION_ROW, &[]);
            let free = latest(engine, "generation", &counter)?.unwrap_or(ExpiryGeneration(1));
            let mut next = record.clone();
            time_to_live::apply(&mut next.settings.time_to_live, &request, free, now_millis)
                .map_err(fault)?;
            if request.time_to_live_specification.enabled {
                let following = free.0.checked_add(1).map(ExpiryGeneration).ok_or_else(used_up)?;
                batch.put(counter, metadata::encode(&following));
            }
            Ok(Next::Keep(next))
        })?;
        Ok(request.time_to_live_specification)
    }

    /// Tells by which attribute items expire.
    pub fn describe_time_to_live(&self, name: &str) -> Result<TimeToLiveDescription> {
        let table = self.find(Operation::DescribeTimeToLive, name)?;
        Ok(TimeToLiveDescription::of(table.record()))
    }

    /// Puts tags on a table, durably: all, or none.
    pub fn tag_resource(&self, engine: &Engine, resource_arn: &str, tags: Vec<Tag>) -> Result<()> {
        const OPERATION: Operation = Operation::TagResource;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::tagged_table(resource_arn).map_err(fault)?;
        let more = tags::parse_some(tags).map_err(fault)?;
        let changed = self.change(engine, OPERATION, name, &[], |record, _| {
            let mut next = record.clone();
            tags::merge(&mut next.settings.tags, more).map_err(fault)?;
            Ok(Next::Keep(next))
        });
        changed.map(drop).map_err(|error| with_arn(error, resource_arn))
    }

    /// Takes tags off a table, durably. Nothing happens to those that it does not have.
    pub fn untag_resource(&self, engine: &Engine, resource_arn: &str, keys: &[String]) -> Result<()> {
        const OPERATION: Operation = Operation::UntagResource;
        let fault = |fault| Error::new(OPERATION, fault);
        let name = arn::tagged_table(resource_arn).map_err(fault)?;
        tags::check_keys(keys).map_err(fault)?;
        let changed = self.change(engine, OPERATION, name, &[], |record, _| {
            let mut next = record.clone();
            next.settings.tags.retain(|key, _| !keys.contains(key));
            Ok(Next::Keep(next))
        });
        changed.map(drop).map_err(|error| with_arn(error, resource_arn))
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

    /// Changes a table's record in one durable commit. `decide` may add rows to the batch; what it reads of `counters`
    /// is locked.
    fn change(
        &self,
        engine: &Engine,
        operation: Operation,
        name: &str,
        counters: &[u8],
        decide: impl FnOnce(&TableRecord, &mut WriteBatch) -> Result<Next>,
    ) -> Result<Changed> {
        let row = row_key(TABLE_ROW, name.as_bytes());
        let mut keys = vec![row.clone()];
        keys.extend(counters.iter().map(|counter| row_key(*counter, &[])));
        engine.pay_back_pressure()?;
        let guard = engine.lock_keys(keys);
        let old = engine.latest(&row, decode_record)?.transpose()?;
        let mut batch = WriteBatch::new();
        let decision = old.ok_or_else(|| not_found(operation, name)).and_then(|old| {
            let next = decide(&old, &mut batch)?;
            Ok((old, next))
        });
        let (old, next) = match decision {
            Ok(decision) => decision,
            Err(error) => {
                let settled = settle(engine, row)?;
                drop(guard);
                settled.map(Ticket::wait).transpose()?;
                return Err(error);
            }
        };
        match next {
            Next::Keep(mut record) => {
                record.version = old.version + 1;
                batch.put(row, metadata::encode(&record));
            }
            Next::Remove => batch.delete(row),
        }
        let ticket = engine.submit(&batch, Durability::Durable)?;
        let seqno = ticket.seqno();
        drop(guard);
        ticket.wait()?;
        self.refresh(engine, name)?;
        Ok(Changed { old, seqno })
    }

    /// Brings the map to what is published of a table.
    fn refresh(&self, engine: &Engine, name: &str) -> Result<()> {
        // Read under the lock: of two who come, the later one reads what is as new or newer.
        let mut tables = self.tables.write();
        let record = engine.get(&row_key(TABLE_ROW, name.as_bytes()), None, decode_record)?.transpose()?;
        match (tables.entry(name.to_owned()), record) {
            (Entry::Occupied(entry), None) => entry.remove().state().drop_table(),
            (Entry::Vacant(_), None) => {}
            (Entry::Vacant(entry), Some(record)) => {
                entry.insert(Arc::new(TableDescriptor::new(record)));
            }
            (Entry::Occupied(mut entry), Some(record)) => {
                let old = Arc::clone(entry.get());
                if old.id() != record.id {
                    entry.insert(Arc::new(TableDescriptor::new(record)));
                    old.state().drop_table();
                } else if old.version() < record.version {
                    let version = record.version;
                    entry.insert(Arc::new(old.successor(record)));
                    old.state().advance(version);
                }
            }
        }
        Ok(())
    }
}

/// Adds to a batch how far the backfill of the index in `keyspace` has come.
pub fn put_backfill_progress(batch: &mut WriteBatch, keyspace: KeyspaceId, progress: &BackfillProgress) {
    batch.put(row_key(BACKFILL_ROW, &keyspace.prefix()), metadata::encode(progress));
}

fn put_dead(batch: &mut WriteBatch, keyspace: KeyspaceId, died_at_millis: u64) {
    let row = metadata::encode(&DeadKeyspaceRow { died_at_millis });
    batch.put(row_key(DEAD_KEYSPACE_ROW, &keyspace.prefix()), row);
}

/// What to wait for before an answer that rests on a locked row: whoever wrote it may still wait for its sync.
fn settle(engine: &Engine, row: Vec<u8>) -> Result<Option<Ticket>> {
    let latest = engine.latest(&row, <[u8]>::to_vec)?;
    if latest == engine.get(&row, None, <[u8]>::to_vec)? {
        return Ok(None);
    }
    // Writing the same again waits behind them.
    let mut batch = WriteBatch::new();
    match latest {
        Some(value) => batch.put(row, value),
        None => batch.delete(row),
    }
    Ok(Some(engine.submit(&batch, Durability::Durable)?))
}

fn not_found(operation: Operation, name: &str) -> Error {
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

fn decode<T: DeserializeOwned>(what: &'static str, row: &[u8]) -> Result<T> {
    metadata::decode(row).map_err(|error| Error::damaged(what, error))
}

fn decode_record(row: &[u8]) -> Result<TableRecord> {
    let record: TableRecord = decode("table descriptor", row)?;
    if !record.check() {
        let error = DecodeError { expected: "a keyspace for each index", offset: 0 };
        return Err(Error::damaged("table descriptor", error));
    }
    Ok(record)
}

/// The newest value of a locked row.
fn latest<T: DeserializeOwned>(engine: &Engine, what: &'static str, row: &[u8]) -> Result<Option<T>> {
    engine.latest(row, |row| decode(what, row))?.transpose()
}

/// REQUIRES: the row of the next keyspace id is locked.
fn next_keyspace(engine: &Engine) -> Result<KeyspaceId> {
    let next = latest(engine, "keyspace id", &row_key(NEXT_KEYSPACE_ROW, &[]))?;
    Ok(next.unwrap_or(KeyspaceId::FIRST_USER))
}

/// All rows of a kind.
fn rows(engine: &Engine, kind: u8) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let range = KeyRange { start: row_key(kind, &[]), end: Some(row_key(kind + 1, &[])) };
    let mut rows = Vec::new();
    let mut cursor = engine.cursor(range, None)?;
    cursor.seek_first()?;
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        rows.push((key.to_vec(), value.to_vec()));
        cursor.next()?;
    }
    Ok(rows)
}

fn row_key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = KeyspaceId::SYSTEM.prefix().to_vec();
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

/// The keyspace that the key of a row names.
fn keyspace_of_row(key: &[u8]) -> Result<KeyspaceId> {
    let error = DecodeError { expected: "a keyspace id", offset: 5 };
    let id = key.get(5..).and_then(|id| <[u8; 4]>::try_from(id).ok());
    id.map(|id| KeyspaceId(u32::from_be_bytes(id))).ok_or_else(|| Error::damaged("dead keyspace", error))
}

/// The id `count` places behind `first`.
fn after(first: KeyspaceId, count: usize) -> Result<KeyspaceId> {
    let id = u32::try_from(count).ok().and_then(|count| first.0.checked_add(count));
    id.map(KeyspaceId).ok_or_else(used_up)
}

fn used_up() -> Error {
    let what = "number of tables, indexes and generations ever made";
    StoreError::new(StoreFault::TooLarge { what, size: usize::MAX, limit: u32::MAX as usize }).into()
}
