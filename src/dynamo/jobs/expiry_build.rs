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
