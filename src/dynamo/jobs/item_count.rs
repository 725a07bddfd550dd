//! Counts the items of tables, and how large they are: in the background, or at once.
//!
//! Nobody counts while writing. `describe_table` tells what was last counted, which is kept in a row of the catalog; if
//! that is older than [`COUNT_INTERVAL_MILLIS`](limits::COUNT_INTERVAL_MILLIS), it asks for a new count, which it does
//! not wait for. So a table that nobody describes is never walked. The count in the background takes no snapshot: each
//! chunk is read at a moment of its own, and nothing is kept from being reclaimed. [`count_now`] reads at one moment.

use super::failure;
use crate::base::error::StoreError;
use crate::base::ident::KeyspaceId;
use crate::dynamo::catalog::Catalog;
use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::{IndexDescriptor, TableDescriptor};
use crate::dynamo::tables::count::TableCount;
use crate::dynamo::tables::description::TableDescription;
use crate::dynamo::tables::record::IndexStatus;
use crate::engine::cursor::KeyRange;
use crate::engine::job::EngineJob;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::env::schedule::Step;
use std::sync::Arc;

/// The job's name.
pub(super) const NAME: &str = "pixii-count";

/// The job.
#[derive(Debug)]
pub(super) struct ItemCount {
    catalog: Arc<Catalog>,
    walk: Option<CountWalk>,
}

impl ItemCount {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, walk: None }
    }

    fn advance(&mut self, engine: &Engine) -> Result<Step> {
        let Some(walk) = &mut self.walk else {
            let Some(wanted) = self.catalog.counts().next_wanted() else { return Ok(Step::Park(None)) };
            let table = self.catalog.tables().into_iter().find(|table| table.keyspace() == wanted);
            self.walk = table.map(CountWalk::new);
            if self.walk.is_none() {
                self.catalog.counts().done(wanted);
            }
            return Ok(Step::Again);
        };
        if walk.advance(engine, None)? == Progress::More {
            return Ok(Step::Again);
        }
        let count = walk.count(engine);
        self.catalog.note_count(engine, &walk.table, count)?;
        self.catalog.counts().done(walk.table.keyspace());
        self.walk = None;
        Ok(Step::Again)
    }
}

impl EngineJob for ItemCount {
    fn step(&mut self, engine: &Engine) -> Result<Step, StoreError> {
        self.advance(engine).map_err(|error| failure::of_step(engine, &error))
    }
}

/// Counts the items of a table and its indexes as of now, and tells what the table is.
pub fn count_now(engine: &Engine, catalog: &Catalog, name: &str) -> Result<TableDescription> {
    let table = catalog.find(Operation::DescribeTable, name)?;
    let snapshot = engine.snapshot();
    let mut walk = CountWalk::new(Arc::clone(&table));
    while walk.advance(engine, Some(&snapshot))? == Progress::More {}
    catalog.note_count(engine, &table, walk.count(engine))?;
    catalog.describe_table(name)
}

/// A walk over a table and its indexes that is under way.
#[derive(Debug)]
struct CountWalk {
    table: Arc<TableDescriptor>,
    /// What is still to be walked, the next one last, each from a key on.
    left: Vec<(KeyspaceId, KeyRange)>,
    counted: TableCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    More,
    Done,
}

impl CountWalk {
    fn new(table: Arc<TableDescriptor>) -> Self {
        let indexes = table.indexes().iter().filter(|index| index.status() != IndexStatus::Deleting);
        let keyspaces = indexes.map(IndexDescriptor::keyspace).chain([table.keyspace()]);
        let left =
            keyspaces.map(|keyspace| (keyspace, all_with_prefix(keyspace.prefix().to_vec()))).collect();
        Self { table, left, counted: TableCount::default() }
    }

    /// Counts some more. After an error it can be tried again.
    fn advance(&mut self, engine: &Engine, at: Option<&Snapshot>) -> Result<Progress> {
        let Some((keyspace, range)) = self.left.last_mut() else { return Ok(Progress::Done) };
        let mut tally = self.counted.of(*keyspace);
        let mut cursor = engine.cursor(range.clone(), at)?;
        cursor.seek_first()?;
        let mut counted = 0;
        let mut last_key = None;
        while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
            let size_bytes = StoredItem::parse(value).and_then(|item| item.size_bytes());
            tally.add(size_bytes.map_err(|error| Error::damaged("item", error))?);
            counted += 1;
            if counted == limits::COUNT_CHUNK_ITEMS {
                last_key = Some(key.to_vec());
                break;
            }
            cursor.next()?;
        }
        self.counted.tallies.insert(*keyspace, tally);
        match last_key {
            Some(last_key) => range.start = [last_key.as_slice(), &[0]].concat(),
            None => drop(self.left.pop()),
        }
        Ok(if self.left.is_empty() { Progress::Done } else { Progress::More })
    }

    fn count(&self, engine: &Engine) -> TableCount {
        let counted_at_millis = engine.environment().clock.wall_millis();
        TableCount { counted_at_millis, ..self.counted.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::jobs::background;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, TableSchema};
    use crate::dynamo::value::Item;
    use crate::engine::options::{Durability, EngineOptions};
    use crate::env::sim::Simulation;
    use std::path::Path;
    use std::time::Duration;

    fn open(simulation: &Simulation) -> (Engine, Arc<Catalog>) {
        let engine = Engine::open(simulation.environment(), Path::new("/store"), EngineOptions::default());
        let engine = engine.expect("a whole store");
        let catalog = Arc::new(Catalog::open(&engine).expect("a whole catalog"));
        background::begin(&engine, &catalog).expect("it is open");
        (engine, catalog)
    }

    /// The number and size of the items, then of the index's entries.
    fn counts(description: &TableDescription) -> [u64; 4] {
        let index = &description.global_secondary_indexes[0];
        [description.item_count, description.table_size_bytes, index.item_count, index.index_size_bytes]
    }

    #[test]
    fn items_are_counted_when_asked_and_about_every_six_hours_where_somebody_looks() {
        const ITEMS: u64 = 5000;
        let simulation = Simulation::new(1);
        let (engine, catalog) = open(&simulation);
        let schema = TableSchema::builder("Items")
            .partition_key("pk", KeyType::Number)
            .global_index(GlobalIndex::builder("ByX").partition_key("x", KeyType::Number));
        let schema = schema.build().expect("a valid schema");
        let table = catalog.create_table(&engine, schema.into()).expect("a new table");
        let item = Item::new().with("pk", 1).with("x", 1).with("text", "hello");
        let size = item.size_bytes() as u64;
        let mut value = Vec::new();
        encode_item(&item, &mut value);
        // More than a chunk of items, and half as many entries: nobody looks at their keys.
        for (keyspace, count) in [(table.keyspace(), ITEMS), (table.indexes()[0].keyspace(), ITEMS / 2)] {
            let mut batch = WriteBatch::new();
            for number in 0..count {
                batch.put([&keyspace.prefix()[..], &number.to_be_bytes()].concat(), value.clone());
            }
            engine.write(&batch, Durability::Buffered).expect("space");
        }
        let describe = |catalog: &Catalog| counts(&catalog.describe_table("Items").expect("it is there"));
        let all = [ITEMS, ITEMS * size, ITEMS / 2, ITEMS / 2 * size];
        simulation.scheduler().run_until_idle();
        assert_eq!(describe(&catalog), [0; 4], "it was made just now");
        let pass = |hours: u64| simulation.clock().advance(Duration::from_secs(hours * 3600));
        pass(6);
        assert_eq!(describe(&catalog), [0; 4], "nobody waits for the count");
        simulation.scheduler().run_until_idle();
        assert_eq!(describe(&catalog), all);

        let mut batch = WriteBatch::new();
        batch.delete([&table.keyspace().prefix()[..], &7_u64.to_be_bytes()].concat());
        engine.write(&batch, Durability::Buffered).expect("space");
        pass(5);
        describe(&catalog);
        simulation.scheduler().run_until_idle();
        assert_eq!(describe(&catalog), all, "the count is recent");
        engine.close().expect("nothing failed");
        drop((engine, catalog));
        let (engine, catalog) = open(&simulation);
        assert_eq!(describe(&catalog), all, "it was kept");
        let less = [ITEMS - 1, (ITEMS - 1) * size, ITEMS / 2, ITEMS / 2 * size];
        assert_eq!(counts(&count_now(&engine, &catalog, "Items").expect("it is there")), less);
        catalog.delete_table(&engine, "Items").expect("it is there");
        let missing = count_now(&engine, &catalog, "Items").expect_err("it was dropped");
        assert_eq!(missing.exception(), "ResourceNotFoundException");
    }
}
