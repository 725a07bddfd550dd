//! The catalog: which tables there are, kept in rows of the system keyspace.
//!
//! ```text
//! system row := keyspace 0 ‖ 01                → the next keyspace id          (metadata record)
//!             | keyspace 0 ‖ 02 ‖ table's name → the table's descriptor        (metadata record)
//! ```
//!
//! Invariants:
//! 1. A table exists if and only if its row does. The map in memory holds only tables whose row is published.
//! 2. A keyspace id is given once and never again: the row of the next id moves in the same batch as the row that uses
//!    the ids.
//! 3. What is said about a name rests on durable rows alone.
//!
//! Threading: the map is locked for as long as a lookup takes and never over a write. Whoever makes a table holds the
//! key locks of its row and of the next id.

use super::error::{Error, Result};
use super::fault::{Fault, Operation};
use super::schema::{TableSchema, check_table_name};
use super::table::TableDescriptor;
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::error::{StoreError, StoreFault};
use crate::base::ident::KeyspaceId;
use crate::engine::cursor::KeyRange;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::env::time::Clock;
use crate::format::metadata;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const NEXT_KEYSPACE_ROW: u8 = 1;
const TABLE_ROW: u8 = 2;

/// The tables of a store.
#[derive(Debug)]
pub struct Catalog {
    clock: Arc<dyn Clock>,
    tables: RwLock<BTreeMap<String, Arc<TableDescriptor>>>,
}

/// A table's descriptor as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct TableRow {
    keyspace: KeyspaceId,
    index_keyspaces: Vec<KeyspaceId>,
    created_at_millis: u64,
    schema: TableSchema,
}

impl Catalog {
    /// Reads the catalog of an open store.
    pub fn open(engine: &Engine, clock: Arc<dyn Clock>) -> Result<Self> {
        let range = KeyRange { start: row_key(TABLE_ROW, ""), end: Some(row_key(TABLE_ROW + 1, "")) };
        let mut tables = BTreeMap::new();
        let mut cursor = engine.cursor(range, None)?;
        cursor.seek_first()?;
        while let Some(row) = cursor.value() {
            let table = decode_table(row)?;
            tables.insert(table.schema().name().to_owned(), Arc::new(table));
            cursor.next()?;
        }
        Ok(Self { clock, tables: RwLock::new(tables) })
    }

    /// The table `name`.
    pub fn describe(&self, name: &str) -> Result<Arc<TableDescriptor>> {
        let fault = |fault| Error::new(Operation::DescribeTable, fault);
        check_table_name(name).map_err(fault)?;
        let table = self.tables.read().get(name).cloned();
        table.ok_or_else(|| fault(Fault::TableNotFound { table: name.to_owned() }))
    }

    /// The names of all tables in the order of their bytes.
    pub fn list(&self) -> Vec<String> {
        self.tables.read().keys().cloned().collect()
    }

    /// Makes a table, durably.
    pub fn create_table(&self, engine: &Engine, schema: TableSchema) -> Result<Arc<TableDescriptor>> {
        let key = row_key(TABLE_ROW, schema.name());
        let next_key = row_key(NEXT_KEYSPACE_ROW, "");
        engine.pay_back_pressure()?;
        let guard = engine.lock_keys(vec![key.clone(), next_key.clone()]);
        let next = engine.latest(&next_key, |row| {
            metadata::decode(row).map_err(|error| Error::damaged("keyspace id", error))
        })?;
        let first = next.transpose()?.unwrap_or(KeyspaceId::FIRST_USER);
        let mut batch = WriteBatch::new();
        if engine.latest(&key, |_| ())?.is_some() {
            // Whoever wrote that row may still wait for its sync. To answer from it, wait behind them.
            batch.put(next_key, metadata::encode(&first));
            let ticket = engine.submit(&batch, Durability::Durable)?;
            drop(guard);
            ticket.wait()?;
            self.load(engine, schema.name())?;
            let table = schema.name().to_owned();
            return Err(Error::new(Operation::CreateTable, Fault::TableExists { table }));
        }
        let index_count = schema.global_indexes().len();
        let index_keyspaces: Vec<_> = (1..=index_count).map(|n| after(first, n)).collect::<Result<_>>()?;
        let created_at_millis = self.clock.wall_millis();
        batch.put(next_key, metadata::encode(&after(first, index_count + 1)?));
        let row = TableRow { keyspace: first, index_keyspaces, created_at_millis, schema };
        batch.put(key, metadata::encode(&row));
        let ticket = engine.submit(&batch, Durability::Durable)?;
        drop(guard);
        ticket.wait()?;
        Ok(self.add(row.into_table()))
    }

    /// Brings a table that somebody else has just made into the map.
    fn load(&self, engine: &Engine, name: &str) -> Result<()> {
        if let Some(table) = engine.get(&row_key(TABLE_ROW, name), None, decode_table)? {
            self.add(table?);
        }
        Ok(())
    }

    fn add(&self, table: TableDescriptor) -> Arc<TableDescriptor> {
        let name = table.schema().name().to_owned();
        Arc::clone(self.tables.write().entry(name).or_insert_with(|| Arc::new(table)))
    }
}

impl TableRow {
    fn into_table(self) -> TableDescriptor {
        TableDescriptor::new(self.schema, self.keyspace, &self.index_keyspaces, self.created_at_millis)
    }
}

fn decode_table(row: &[u8]) -> Result<TableDescriptor> {
    let damaged = |error| Error::damaged("table descriptor", error);
    let row: TableRow = metadata::decode(row).map_err(damaged)?;
    if row.index_keyspaces.len() != row.schema.global_indexes().len() {
        return Err(damaged(DecodeError { expected: "a keyspace for each index", offset: 0 }));
    }
    Ok(row.into_table())
}

fn row_key(kind: u8, name: &str) -> Vec<u8> {
    let mut key = KeyspaceId::SYSTEM.prefix().to_vec();
    key.push(kind);
    key.extend_from_slice(name.as_bytes());
    key
}

/// The id `count` places behind `first`.
fn after(first: KeyspaceId, count: usize) -> Result<KeyspaceId> {
    let id = u32::try_from(count).ok().and_then(|count| first.0.checked_add(count));
    id.map(KeyspaceId).ok_or_else(|| {
        let what = "number of tables and indexes ever made";
        StoreError::new(StoreFault::TooLarge { what, size: usize::MAX, limit: u32::MAX as usize }).into()
    })
}
