//! Gives items that were there before expiry was enabled for their table the expiry that they would be written with now.
//!
//! A step: take the keys of the next few items; pay back-pressure; lock the keys; read the items as they are now, published
//! or not; write those whose expiry is another one again, as they are, with their index entries, and the progress, in one
//! batch; release the locks. When no item follows, enabling is done.
//!
//! Invariants:
//! 1. It begins after the setting is published, so each item that was written without the expiry is published too, and is
//!    met. What is written since has it already.
//! 2. An item is written as its newest version is, under its lock: nothing newer is overwritten.
//! 3. Items, entries and progress are one batch, which is held to the table's version. So it goes on after a crash where
//!    the log ends, and ends with the setting.
//! 4. Streams are told nothing: no item changes.

use super::{chunk, failure};
use crate::base::batch::WriteBatch;
use crate::base::error::StoreError;
use crate::base::expiry::{Expiry, ExpiryGeneration};
use crate::base::ident::KeyspaceId;
use crate::base::planted::{Bug, planted};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::expiry::{Derivation, ItemExpiry, earlier};
use crate::dynamo::fault::Operation;
use crate::dynamo::index::fitting_entry;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::system_rows::{BackfillProgress, put_backfill_progress};
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::record::IndexStatus;
use crate::dynamo::tables::settings::TimeToLiveStatus;
use crate::engine::job::EngineJob;
use crate::engine::options::Durability;
use crate::engine::store::{Engine, LatestVersion};
use crate::engine::ticket::Submitted;
use crate::env::schedule::Step;
use std::sync::Arc;
use std::time::Duration;

/// The job's name.
pub(super) const NAME: &str = "pixii-expiry";

/// How often one who waits looks whether the job can go on.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The job.
#[derive(Debug)]
pub(super) struct ExpiryBuild {
    catalog: Arc<Catalog>,
    /// The table that the last step was for.
    last: KeyspaceId,
}

impl ExpiryBuild {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, last: KeyspaceId::SYSTEM }
    }

    /// The next table whose items are to get their expiry; tables take turns.
    fn next(&self) -> Option<Arc<TableDescriptor>> {
        let unfinished = self.catalog.tables().into_iter().filter(|table| enabling(table).is_some());
        unfinished.min_by_key(|table| (table.keyspace() <= self.last, table.keyspace()))
    }
}

/// The generation that is being enabled for a table.
fn enabling(table: &TableDescriptor) -> Option<ExpiryGeneration> {
    let active = table.settings().time_to_live.active.as_ref();
    active.filter(|active| active.status == TimeToLiveStatus::Enabling).map(|active| active.generation)
}

impl EngineJob for ExpiryBuild {
    fn step(&mut self, engine: &Engine) -> Result<Step, StoreError> {
        let Some(table) = self.next() else { return Ok(Step::Park(None)) };
        self.last = table.keyspace();
        let advanced = advance(engine, &self.catalog, &table);
        let looked = advanced.and_then(|()| {
            if table.is_current() {
                return Ok(());
            }
            self.catalog.renewed(engine, Operation::UpdateTimeToLive, &table).map(drop)
        });
        match looked {
            Ok(()) => Ok(Step::Again),
            // Somebody removed the table, or ended the generation.
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => Ok(Step::Again),
            Err(error) => Err(failure::of_step(engine, &error)),
        }
    }
}

/// Does the next few items of a table, unless the table has changed.
fn advance(engine: &Engine, catalog: &Catalog, table: &TableDescriptor) -> Result<()> {
    let Some(generation) = enabling(table).filter(|_| table.is_current()) else { return Ok(()) };
    let Some(progress) = catalog.backfill_progress(engine, table.keyspace())? else { return Ok(()) };
    let keys = chunk::next_keys(engine, table, &progress.last_key)?;
    if keys.is_empty() {
        catalog.finish_enabling(engine, table, generation)
    } else {
        fill(engine, catalog, table, keys, progress)
    }
}

/// Gives these items their expiry.
fn fill(
    engine: &Engine,
    catalog: &Catalog,
    table: &TableDescriptor,
    keys: Vec<Vec<u8>>,
    mut progress: BackfillProgress,
) -> Result<()> {
    engine.pay_back_pressure()?;
    let (mut batch, mut holds_until, mut soonest) = (WriteBatch::new(), None, None);
    let stale = stale_values(engine, &keys)?;
    let guard = engine.lock_keys(keys.clone());
    for (key, stale) in keys.into_iter().zip(stale) {
        progress.items += 1;
        let found = engine.latest_version(&key, |found: LatestVersion<'_>| {
            let value = stale.as_deref().or(found.value).filter(|_| !found.is_expired);
            (value.map(<[u8]>::to_vec), found.expiry, found.hidden_from)
        })?;
        if let Some((Some(value), old_expiry, hidden_from)) = found {
            let expiry = rewrite(engine, table, &key, &value, old_expiry, &mut batch)?;
            holds_until = [holds_until, expiry.holds_until, hidden_from].into_iter().fold(None, earlier);
            soonest = [soonest, expiry.expiry].into_iter().flatten().min_by_key(|expiry| expiry.at_millis);
        } else {
            progress.skipped += 1;
        }
        progress.last_key = key;
    }
    put_backfill_progress(&mut batch, table.keyspace(), &progress);
    let derivation = Derivation { tables: &[table], holds_until };
    let submitted = engine.submit_guarded(&batch, Durability::Buffered, &derivation)?;
    drop(guard);
    if let Submitted::Accepted(ticket) = submitted {
        catalog.note_expiry(table, soonest);
        // The next step reads the progress, so it has to be published.
        ticket.wait()?;
    }
    Ok(())
}

/// Adds an item and its entries to the batch with the expiry that it has from now on, unless it has that.
fn rewrite(
    engine: &Engine,
    table: &TableDescriptor,
    key: &[u8],
    value: &[u8],
    old_expiry: Option<Expiry>,
    batch: &mut WriteBatch,
) -> Result<ItemExpiry> {
    let damaged = |error| Error::damaged("item", error);
    let item = StoredItem::parse(value).map_err(damaged)?;
    let derived = ItemExpiry::of_item(table, &item, engine.now()).map_err(damaged)?;
    if derived.expiry == old_expiry {
        return Ok(derived);
    }
    for index in table.indexes().iter().filter(|index| index.status() != IndexStatus::Deleting) {
        if let Some(entry) = fitting_entry(index, key, &item, derived.expiry).map_err(damaged)? {
            batch.put_until(entry.key, entry.value, entry.expiry);
        }
    }
    batch.put_until(key.to_vec(), value.to_vec(), derived.expiry);
    Ok(derived)
}

/// Nothing, unless the planted bug is on: then the items as they are published before they are locked.
fn stale_values(engine: &Engine, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
    if !planted(Bug::ExpiryBackfillOverwritesNewer) {
        return Ok(vec![None; keys.len()]);
    }
    keys.iter().map(|key| Ok(engine.get(key, None, <[u8]>::to_vec)?)).collect()
}

/// Waits until all items of a table expire by its setting, or expiry is not enabled for it.
pub fn wait_until_enabled(engine: &Engine, catalog: &Catalog, table: &str) -> Result<()> {
    loop {
        let seen = catalog.changed().generation();
        if enabling(&*catalog.find(Operation::DescribeTimeToLive, table)?).is_none() {
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
    use crate::dynamo::item_key::Key;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::read::get;
    use crate::dynamo::schema::TableSchema;
    use crate::dynamo::store::Store;
    use crate::dynamo::tables::request::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
    use crate::dynamo::value::Item;
    use crate::dynamo::write::request::{PutRequest, WriteOptions};
    use crate::dynamo::write::single;
    use crate::engine::options::EngineOptions;
    use crate::env::sim::Simulation;
    use std::path::Path;

    const ITEMS: u64 = 1000;

    fn open(simulation: &Simulation) -> Store {
        let options = EngineOptions { memtable_bytes: 20_000, ..EngineOptions::default() };
        Store::open(simulation.environment(), Path::new("/store"), options).expect("a whole store")
    }

    fn table(store: &Store) -> Arc<TableDescriptor> {
        store.catalog.find(Operation::PutItem, "Items").expect("it was made")
    }

    fn put(store: &Store, number: u64, expires: u64) {
        let item = Item::new().with("pk", number).with("expires", expires).with("payload", "p".repeat(100));
        let options = WriteOptions { durability: Durability::Buffered, ..WriteOptions::default() };
        let request = PutRequest { options, ..PutRequest::new(item) };
        single::put(store, &table(store), &request).and_then(single::Pending::wait).expect("space");
    }

    fn switch(store: &Store, enabled: bool) {
        let attribute_name = "expires".to_owned();
        let time_to_live_specification = TimeToLiveSpecification { attribute_name, enabled };
        let request = UpdateTimeToLiveRequest { table_name: "Items".to_owned(), time_to_live_specification };
        store.catalog.update_time_to_live(&store.engine, request).expect("a valid request");
    }

    fn progress(store: &Store, table: &TableDescriptor) -> Option<BackfillProgress> {
        store.catalog.backfill_progress(&store.engine, table.keyspace()).expect("it can be read")
    }

    fn is_there(store: &Store, number: u64) -> bool {
        let key = Key::Values { partition: number.into(), sort: None };
        let found = get::whole(store, &table(store), &key, None, |_| Ok(()));
        found.expect("it can be read").is_some()
    }

    /// A table of items that have expired or will in a minute, whose expiry is being enabled: some have theirs.
    fn half_enabled(simulation: &Simulation) -> Store {
        let store = open(simulation);
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::Number).build();
        let schema = schema.expect("a valid schema");
        store.catalog.create_table(&store.engine, schema.into()).expect("a new table");
        let now = store.engine.now().0 / 1000;
        for number in 0..ITEMS {
            put(&store, number, if number % 2 == 0 { now - 1 } else { now + 60 });
        }
        switch(&store, true);
        while progress(&store, &table(&store)).is_some_and(|progress| progress.items < ITEMS / 4) {
            simulation.scheduler().step_one();
        }
        let progress = progress(&store, &table(&store)).expect("it is not done");
        assert!(progress.items < ITEMS, "{progress:?}");
        store
    }

    fn wait(store: &Store) {
        wait_until_enabled(&store.engine, &store.catalog, "Items").expect("nothing fails");
    }

    #[test]
    fn it_goes_on_where_it_was_after_a_reopen_and_keeps_what_was_written_meanwhile() {
        let simulation = Simulation::new(7);
        let store = half_enabled(&simulation);
        let before = progress(&store, &table(&store));
        let last = before.as_ref().map(|progress| progress.items).expect("it is not done");
        assert!(!is_there(&store, 0) && is_there(&store, ITEMS - 2), "{last} were done");
        store.engine.close().expect("nothing failed");
        drop(store);
        let store = open(&simulation);
        assert_eq!(progress(&store, &table(&store)).map(|progress| progress.items >= last), Some(true));
        let now = store.engine.now().0 / 1000;
        put(&store, ITEMS - 2, now + 60);
        wait(&store);
        let alive = (0..ITEMS).filter(|number| is_there(&store, *number)).collect::<Vec<_>>();
        let expected: Vec<_> = (0..ITEMS).filter(|number| number % 2 == 1 || *number == ITEMS - 2).collect();
        assert_eq!(alive, expected);
        assert_eq!(progress(&store, &table(&store)), None);
    }

    #[test]
    fn it_ends_with_the_setting_and_with_the_table() {
        for is_deleted in [false, true] {
            let simulation = Simulation::new(7);
            let store = half_enabled(&simulation);
            let old = table(&store);
            if is_deleted {
                store.catalog.delete_table(&store.engine, "Items").expect("it is there");
            } else {
                switch(&store, false);
                wait(&store);
                assert!(!is_there(&store, 0), "what has expired stays so");
                assert!(is_there(&store, ITEMS - 2), "nothing else ever does");
            }
            simulation.scheduler().run_until_idle();
            assert_eq!(progress(&store, &old), None);
            assert!(store.engine.job_failure(NAME).is_none());
        }
    }
}
