//! A store with a table and its stream, for tests: writes as the write path does them, as far as streams are concerned.

use super::change::{Cause, record};
use super::read::{StreamStart, place, read};
use super::record::StreamRecord;
use super::trim::{StreamOptions, Trimmed, trim};
use crate::base::batch::WriteBatch;
use crate::dynamo::catalog::Catalog;
use crate::dynamo::encoding::encode_item;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::item_key;
use crate::dynamo::key::KeyType;
use crate::dynamo::schema::TableSchema;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::request::{CreateTableRequest, StreamSpecification, UpdateTableRequest};
use crate::dynamo::tables::settings::StreamViewType;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::dynamo::value::Item;
use crate::engine::options::{Durability, EngineOptions};
use crate::engine::store::Engine;
use crate::env::sim::Simulation;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-22T10:03:00.123.
pub(crate) const NOW: u64 = 1_795_341_780_123;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store on a simulated machine.
pub(crate) struct Store {
    pub(crate) simulation: Simulation,
    pub(crate) engine: Engine,
    pub(crate) catalog: Catalog,
}

/// A change of an item: the item that is put, or deleted by its key attributes alone.
pub(crate) enum Write {
    Put(Item),
    Delete(Item),
}

impl Store {
    /// A store with the table `Music`, which has a stream of that view type.
    pub(crate) fn new(view_type: StreamViewType) -> Self {
        Self::of_seed(7, view_type)
    }

    /// Another store for each seed.
    pub(crate) fn of_seed(seed: u64, view_type: StreamViewType) -> Self {
        let simulation = Simulation::new(seed);
        simulation.clock().set_wall_millis(NOW);
        let store = Self::open(simulation);
        store.create("Music", view_type);
        store
    }

    fn open(simulation: Simulation) -> Self {
        let options = EngineOptions::default();
        let engine = Engine::open(simulation.environment(), Path::new("/store"), options);
        let engine = engine.expect("a whole store");
        let catalog = Catalog::open(&engine).expect("a whole catalog");
        Self { simulation, engine, catalog }
    }

    pub(crate) fn reopen(self) -> Self {
        let Self { simulation, engine, catalog } = self;
        engine.close().expect("nothing failed");
        drop((engine, catalog));
        Self::open(simulation)
    }

    pub(crate) fn create(&self, table: &str, view_type: StreamViewType) {
        let schema = TableSchema::builder(table)
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Number)
            .build()
            .expect("a valid schema");
        let request = CreateTableRequest { stream_specification: Some(on(view_type)), ..schema.into() };
        self.catalog.create_table(&self.engine, request).expect("a new table");
    }

    /// Ends the table's stream, or begins one.
    pub(crate) fn switch(&self, stream_specification: StreamSpecification) {
        let request = UpdateTableRequest {
            table_name: "Music".to_owned(),
            stream_specification: Some(stream_specification),
            ..UpdateTableRequest::default()
        };
        self.catalog.update_table(&self.engine, request).expect("a change");
    }

    pub(crate) fn delete_table(&self) {
        self.catalog.delete_table(&self.engine, "Music").expect("it is there");
    }

    pub(crate) fn table(&self) -> Arc<TableDescriptor> {
        self.catalog.find(Operation::PutItem, "Music").expect("it was made")
    }

    /// The oldest stream that is known.
    pub(crate) fn stream(&self) -> StreamDescriptor {
        self.catalog.streams().remove(0)
    }

    /// Commits changes of different items together.
    pub(crate) fn write(&self, writes: Vec<Write>, cause: Cause, durability: Durability) {
        commit(&self.engine, &self.table(), writes, cause, durability);
    }

    /// Puts the item `number`, durably.
    pub(crate) fn put(&self, number: u64) {
        self.write(vec![Write::Put(item(number))], Cause::User, Durability::Durable);
    }

    pub(crate) fn read(&self, stream: &StreamDescriptor, start: StreamStart) -> Result<Vec<StreamRecord>> {
        let place = place(&self.engine, stream, start)?;
        Ok(read(&self.engine, stream, place, 1000)?.records)
    }

    /// The sort keys of the records from there on.
    pub(crate) fn numbers(&self, stream: &StreamDescriptor, start: StreamStart) -> Result<Vec<u64>> {
        Ok(self.read(stream, start)?.iter().map(number).collect())
    }

    pub(crate) fn trim(&self, limit: usize) -> Trimmed {
        let now = self.engine.now();
        trim(&self.engine, &self.catalog, StreamOptions::default(), now, limit).expect("it can be written")
    }
}

/// Commits changes of different items of a table together.
pub(crate) fn commit(
    engine: &Engine,
    table: &TableDescriptor,
    writes: Vec<Write>,
    cause: Cause,
    durability: Durability,
) {
    let mut batch = WriteBatch::new();
    for (at, write) in writes.into_iter().enumerate() {
        let (Write::Put(item) | Write::Delete(item)) = &write;
        let key = item_key::of_item(table, item).expect("an item with a key");
        let old = engine.get(&key, None, <[u8]>::to_vec).expect("it can be read");
        let new = matches!(write, Write::Put(_)).then(|| {
            let mut new = Vec::new();
            encode_item(item, &mut new);
            new
        });
        let parse = |bytes| StoredItem::parse(bytes).expect("an item");
        let (before, after) = (old.as_deref().map(parse), new.as_deref().map(parse));
        record(table, &key, before.as_ref(), after.as_ref(), cause, at, &mut batch);
        match new {
            Some(new) => batch.put(key, new),
            None => batch.delete(key),
        }
    }
    engine.write(&batch, durability).expect("space");
}

pub(crate) fn on(view_type: StreamViewType) -> StreamSpecification {
    StreamSpecification { stream_enabled: true, stream_view_type: Some(view_type) }
}

pub(crate) const OFF: StreamSpecification =
    StreamSpecification { stream_enabled: false, stream_view_type: None };

/// An item whose sort key is `number`.
pub(crate) fn item(number: u64) -> Item {
    Item::new().with("pk", "p").with("sk", number)
}

/// The sort key of a record's item.
pub(crate) fn number(record: &StreamRecord) -> u64 {
    let number = record.keys.get("sk").expect("a key attribute");
    crate::dynamo::serde::de::from_value(number).expect("a number")
}
