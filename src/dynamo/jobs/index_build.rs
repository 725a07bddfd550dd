//! Brings indexes to where they are going: one that is being made gets the entries of the items that were there before
//! it, one that is being dropped is taken out of its table.
//!
//! A step of a backfill: take the keys of the next few items; pay back-pressure; lock the keys; read the items as they are
//! now, published or not; put the entries that they give, and the progress, in one batch; release the locks. When no item
//! follows, the index is active.
//!
//! Invariants:
//! 1. It begins after the index's row is published, so each item that was written without an entry is published too, and
//!    is met. What is written since has its entry already; writing the same again changes nothing.
//! 2. An entry is derived from the newest version of its item, under the item's lock: nothing newer is overwritten.
//! 3. Entries and progress are one batch, and each batch is held to the table's version. So it goes on after a crash
//!    where the log ends, and nothing is written into the keyspace of an index that is being dropped.
//!
//! Steps take the indexes in turn, so that one that cannot go on does not keep the others.

use super::{chunk, failure};
use crate::base::batch::WriteBatch;
use crate::base::error::StoreError;
use crate::base::expiry::Expiry;
use crate::base::ident::KeyspaceId;
use crate::base::planted::{Bug, planted};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::index::fitting_entry;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::system_rows::{BackfillProgress, put_backfill_progress};
use crate::dynamo::table::{CurrentTables, IndexDescriptor, TableDescriptor};
use crate::dynamo::table_fault::TableFault;
use crate::dynamo::tables::record::IndexStatus;
use crate::engine::job::EngineJob;
use crate::engine::options::Durability;
use crate::engine::store::{Engine, LatestVersion};
use crate::engine::ticket::Submitted;
use crate::env::schedule::Step;
use std::sync::Arc;
use std::time::Duration;

/// The job's name.
pub(super) const NAME: &str = "pixii-index";

/// How often one who waits looks whether the job can go on.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The job.
#[derive(Debug)]
pub(super) struct IndexBuild {
    catalog: Arc<Catalog>,
    /// The index that the last step was for.
    last: KeyspaceId,
}

impl IndexBuild {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, last: KeyspaceId::SYSTEM }
    }

    /// The next index that is not where it is going.
    fn next(&self) -> Option<(Arc<TableDescriptor>, KeyspaceId)> {
        let mut unfinished = Vec::new();
        for table in self.catalog.tables() {
            for index in table.indexes().iter().filter(|index| index.status() != IndexStatus::Active) {
                unfinished.push((Arc::clone(&table), index.keyspace()));
            }
        }
        // Those after the last one first.
        unfinished.into_iter().min_by_key(|(_, keyspace)| (*keyspace <= self.last, *keyspace))
    }
}

impl EngineJob for IndexBuild {
    fn step(&mut self, engine: &Engine) -> Result<Step, StoreError> {
        let Some((table, keyspace)) = self.next() else { return Ok(Step::Park(None)) };
        self.last = keyspace;
        let index = table.indexes().iter().find(|index| index.keyspace() == keyspace);
        let advanced = index.map_or(Ok(Advanced::Yes), |index| advance(engine, &self.catalog, &table, index));
        let looked = match advanced {
            Ok(Advanced::Yes) => Ok(()),
            Ok(Advanced::Stale) => self.catalog.renewed(engine, Operation::UpdateTable, &table).map(drop),
            Err(error) => Err(error),
        };
        match looked {
            Ok(()) => Ok(Step::Again),
            // Somebody removed it.
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => Ok(Step::Again),
            Err(error) => Err(failure::of_step(engine, &error)),
        }
    }
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advanced {
    Yes,
    /// The table has changed.
    Stale,
}

fn advance(
    engine: &Engine,
    catalog: &Catalog,
    table: &Arc<TableDescriptor>,
    index: &IndexDescriptor,
) -> Result<Advanced> {
    if !table.is_current() {
        return Ok(Advanced::Stale);
    }
    match index.status() {
        IndexStatus::Active => Ok(Advanced::Yes),
        IndexStatus::Deleting => {
            catalog.remove_index(engine, table, index.keyspace()).map(|()| Advanced::Yes)
        }
        IndexStatus::Creating => {
            let Some(progress) = catalog.backfill_progress(engine, index.keyspace())? else {
                return Ok(Advanced::Stale);
            };
            let keys = chunk::next_keys(engine, table, &progress.last_key)?;
            if keys.is_empty() || planted(Bug::IndexActiveTooEarly) {
                catalog.activate_index(engine, table, index.keyspace()).map(|()| Advanced::Yes)
            } else {
                fill(engine, table, index, keys, progress)
            }
        }
    }
}

/// Writes the entries of these items.
fn fill(
    engine: &Engine,
    table: &TableDescriptor,
    index: &IndexDescriptor,
    keys: Vec<Vec<u8>>,
    mut progress: BackfillProgress,
) -> Result<Advanced> {
    let damaged = |error| Error::damaged("item", error);
    engine.pay_back_pressure()?;
    let mut batch = WriteBatch::new();
    let guard = engine.lock_keys(keys.clone());
    for key in keys {
        progress.items += 1;
        let entry = match read_item(engine, &key)? {
            Some((item, expiry)) => {
                let item = StoredItem::parse(&item).map_err(damaged)?;
                fitting_entry(index, &key, &item, expiry).map_err(damaged)?
            }
            None => None,
        };
        match entry {
            Some(entry) => batch.put_until(entry.key, entry.value, entry.expiry),
            None => progress.skipped += 1,
        }
        progress.last_key = key;
    }
    put_backfill_progress(&mut batch, index.keyspace(), &progress);
    let submitted = engine.submit_guarded(&batch, Durability::Buffered, &CurrentTables(&[table]))?;
    drop(guard);
    match submitted {
        // The next step reads the progress, so it has to be published.
        Submitted::Accepted(ticket) => Ok(ticket.wait().map(|_| Advanced::Yes)?),
        Submitted::Stale | Submitted::Conflict => Ok(Advanced::Stale),
    }
}

/// An item as it is now, published or not, also if it has expired: its entry expires with it, as if both had been
/// written together.
///
/// REQUIRES: its key is locked.
fn read_item(engine: &Engine, key: &[u8]) -> Result<Option<(Vec<u8>, Option<Expiry>)>> {
    if planted(Bug::BackfillOverwritesNewer) {
        return Ok(engine.get(key, None, <[u8]>::to_vec)?.map(|item| (item, None)));
    }
    let item = |item: LatestVersion<'_>| item.value.map(|value| (value.to_vec(), item.expiry));
    Ok(engine.latest_version(key, item)?.flatten())
}

fn find_index<'a>(table: &'a TableDescriptor, name: &str) -> Result<&'a IndexDescriptor> {
    let missing =
        || TableFault::IndexMissing { index: name.to_owned(), table: table.schema().name().to_owned() };
    let index = table.indexes().iter().find(|index| index.name() == name);
    index.ok_or_else(|| Error::new(Operation::DescribeTable, missing().into()))
}

/// How far an index has come that is being made; none if it is not being made.
pub fn progress(
    engine: &Engine,
    catalog: &Catalog,
    table: &str,
    index: &str,
) -> Result<Option<BackfillProgress>> {
    let table = catalog.find(Operation::DescribeTable, table)?;
    catalog.backfill_progress(engine, find_index(&table, index)?.keyspace())
}

/// Waits until an index can be read. One that is being dropped is waited for too, and is then missing.
pub fn wait_for_index(engine: &Engine, catalog: &Catalog, table: &str, index: &str) -> Result<()> {
    wait(engine, catalog, table, |table| Ok(find_index(table, index)?.status() == IndexStatus::Active))
}

/// Waits until no index of a table is being made or dropped.
pub fn wait_until_active(engine: &Engine, catalog: &Catalog, table: &str) -> Result<()> {
    let is_active = |index: &IndexDescriptor| index.status() == IndexStatus::Active;
    wait(engine, catalog, table, |table| Ok(table.indexes().iter().all(is_active)))
}

fn wait(
    engine: &Engine,
    catalog: &Catalog,
    table: &str,
    is_done: impl Fn(&TableDescriptor) -> Result<bool>,
) -> Result<()> {
    loop {
        let seen = catalog.changed().generation();
        if is_done(&*catalog.find(Operation::DescribeTable, table)?)? {
            return Ok(());
        }
        // The job writes: where writing is refused it comes to nothing.
        engine.pay_back_pressure()?;
        if let Some(failure) = engine.job_failure(NAME) {
            return Err(failure.into());
        }
        engine.environment().scheduler.wait(catalog.changed(), seen, Some(LOOK_INTERVAL));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::ExpiryGeneration;
    use crate::dynamo::condition::all_with_prefix;
    use crate::dynamo::encoding::encode_item;
    use crate::dynamo::fault::KeyRole;
    use crate::dynamo::item_key;
    use crate::dynamo::jobs::background;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::TableSchema;
    use crate::dynamo::tables::request::{
        AttributeDefinition, GlobalIndexUpdate, IndexRequest, KeySchemaElement, ProjectionRequest,
        ProjectionType, UpdateTableRequest,
    };
    use crate::dynamo::value::Item;
    use crate::engine::options::EngineOptions;
    use crate::env::schedule::{Event, Scheduler};
    use crate::env::sim::{FaultRule, OpKind, Simulation, errno};
    use std::path::Path;

    struct Store {
        simulation: Simulation,
        engine: Engine,
        catalog: Arc<Catalog>,
    }

    impl Store {
        fn open(simulation: Simulation) -> Self {
            let options = EngineOptions { memtable_bytes: 20_000, ..EngineOptions::default() };
            let engine = Engine::open(simulation.environment(), Path::new("/store"), options);
            let engine = engine.expect("a whole store");
            let catalog = Arc::new(Catalog::open(&engine).expect("a whole catalog"));
            background::begin(&engine, &catalog).expect("it is open");
            Self { simulation, engine, catalog }
        }

        fn new() -> Self {
            Self::open(Simulation::new(7))
        }

        fn reopen(self) -> Self {
            let Self { simulation, engine, catalog } = self;
            engine.close().expect("nothing failed");
            drop((engine, catalog));
            Self::open(simulation)
        }

        fn create(&self, name: &str) -> Arc<TableDescriptor> {
            let schema = TableSchema::builder(name).partition_key("pk", KeyType::Number).build();
            let schema = schema.expect("a valid schema");
            self.catalog.create_table(&self.engine, schema.into()).expect("a new table")
        }

        /// Writes an item as a write path would that knows no index.
        fn put(&self, table: &TableDescriptor, item: &Item, expiry: Option<Expiry>) {
            let mut value = Vec::new();
            encode_item(item, &mut value);
            let key = item_key::of_item(table, item).expect("it has its key");
            let mut batch = WriteBatch::new();
            match expiry {
                Some(expiry) => batch.put_expiring(key, value, expiry),
                None => batch.put(key, value),
            }
            self.engine.write(&batch, Durability::Buffered).expect("space");
        }

        fn create_index(&self, table: &str) {
            let attribute_name = "x".to_owned();
            let projection_type = Some(ProjectionType::All);
            let index = IndexRequest {
                index_name: "ByX".to_owned(),
                key_schema: vec![KeySchemaElement {
                    attribute_name: attribute_name.clone(),
                    key_type: KeyRole::Partition,
                }],
                projection: ProjectionRequest { projection_type, non_key_attributes: None },
                ..IndexRequest::default()
            };
            let request = UpdateTableRequest {
                table_name: table.to_owned(),
                attribute_definitions: vec![AttributeDefinition {
                    attribute_name,
                    attribute_type: KeyType::Number,
                }],
                global_secondary_index_updates: vec![GlobalIndexUpdate {
                    create: Some(index),
                    ..GlobalIndexUpdate::default()
                }],
                ..UpdateTableRequest::default()
            };
            self.catalog.update_table(&self.engine, request).expect("a new index");
        }

        fn table(&self, name: &str) -> Arc<TableDescriptor> {
            self.catalog.find(Operation::DescribeTable, name).expect("it was made")
        }

        fn progress(&self, table: &str) -> Option<BackfillProgress> {
            progress(&self.engine, &self.catalog, table, "ByX").expect("it can be read")
        }

        /// Enough for a job that has failed to try again.
        fn pass_time(&self) {
            let never = Event::new();
            self.simulation.scheduler().wait(&never, never.generation(), Some(10 * LOOK_INTERVAL));
        }

        /// The keys of the index's entries.
        fn entries(&self, table: &str) -> Vec<Vec<u8>> {
            let table = self.table(table);
            let range = all_with_prefix(table.indexes()[0].keyspace().prefix().to_vec());
            let mut cursor = self.engine.cursor(range, None).expect("it is open");
            cursor.seek_first().expect("it can be read");
            let mut keys = Vec::new();
            while let Some(key) = cursor.key() {
                keys.push(key.to_vec());
                cursor.next().expect("it can be read");
            }
            keys
        }
    }

    fn item(number: usize) -> Item {
        Item::new().with("pk", number).with("x", number % 7).with("text", "t".repeat(100))
    }

    #[test]
    fn a_backfill_goes_on_chunk_by_chunk_and_after_reopening_where_it_was() {
        let mut store = Store::new();
        let table = store.create("Items");
        for number in 0..100 {
            store.put(&table, &item(number), None);
        }
        store.put(&table, &Item::new().with("pk", 100).with("x", "a string"), None);
        store.create_index("Items");
        let mut last = store.progress("Items").expect("it is being made").items;
        assert_eq!(last, 0);
        let (mut chunks, mut openings) = (0, 0);
        while let Some(progress) = store.progress("Items") {
            let chunk = progress.items - last;
            // A chunk is ended by 1,250 bytes, a 16th of a memtable: ten items of about 130.
            assert!(chunk <= 10, "{chunk} items at once");
            chunks += usize::from(chunk > 0);
            last = progress.items;
            if chunks / 4 > openings {
                openings += 1;
                store = store.reopen();
                let again = store.progress("Items").map_or(progress.items, |progress| progress.items);
                assert!(again >= progress.items, "{again} of {}", progress.items);
            }
            store.simulation.scheduler().step_one();
        }
        assert!(chunks >= 8 && openings >= 2, "{chunks} chunks, {openings} openings");
        wait_for_index(&store.engine, &store.catalog, "Items", "ByX").expect("nothing fails");
        assert_eq!((last, store.entries("Items").len()), (101, 100), "one item does not fit");
        assert_eq!(store.progress("Items"), None);
    }

    #[test]
    fn an_entry_expires_with_its_item() {
        let store = Store::new();
        let table = store.create("Items");
        let expiry = Expiry { at_millis: u64::MAX / 2, generation: ExpiryGeneration(1) };
        store.put(&table, &item(1), Some(expiry));
        store.put(&table, &item(2), None);
        store.create_index("Items");
        wait_until_active(&store.engine, &store.catalog, "Items").expect("nothing fails");
        let entries = store.entries("Items");
        let guard = store.engine.lock_keys(entries.clone());
        let expiries: Vec<_> = entries
            .iter()
            .map(|key| store.engine.latest_version(key, |entry| entry.expiry).expect("it can be read"))
            .collect();
        drop(guard);
        assert_eq!(expiries, [Some(Some(expiry)), Some(None)]);
    }

    #[test]
    fn an_index_that_cannot_be_filled_says_why_and_does_not_keep_others() {
        let store = Store::new();
        let (broken, whole) = (store.create("Broken"), store.create("Whole"));
        store.put(&whole, &item(1), None);
        let mut batch = WriteBatch::new();
        batch.put(item_key::of_item(&broken, &item(1)).expect("it has its key"), vec![0xff; 9]);
        store.engine.write(&batch, Durability::Buffered).expect("space");
        store.create_index("Broken");
        store.create_index("Whole");
        let wait = |table| wait_for_index(&store.engine, &store.catalog, table, "ByX");
        assert_eq!(wait("Broken").expect_err("its item is damaged").kind(), ErrorKind::Corruption);
        store.pass_time();
        assert_eq!(store.table("Whole").indexes()[0].status(), IndexStatus::Active);
        store.put(&broken, &item(1), None);
        store.pass_time();
        wait("Broken").expect("its item was overwritten");
        assert_eq!(store.entries("Broken").len(), 1);
    }

    #[test]
    fn one_who_waits_for_what_cannot_come_is_told() {
        let store = Store::new();
        let table = store.create("Items");
        store.put(&table, &item(1), None);
        let wait = |index| wait_for_index(&store.engine, &store.catalog, "Items", index);
        assert_eq!(wait("ByX").expect_err("nobody made it").kind(), ErrorKind::ResourceNotFound);
        store.create_index("Items");
        store.simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
        assert_eq!(wait("ByX").expect_err("nothing can be written").kind(), ErrorKind::Poisoned);
    }
}
