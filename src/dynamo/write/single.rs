//! `PutItem`, `UpdateItem` and `DeleteItem`.

use super::collection;
use super::decide::{Answer, Deciding};
use super::deferred::Deferred;
use super::prepare::{Change, ItemWrite, Request};
use super::request::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnItemCollectionMetrics, ReturnValues,
    UpdateRequest, WriteOutput,
};
use crate::base::batch::WriteBatch;
use crate::base::expiry::Expiry;
use crate::base::ident::{CommitTime, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::dynamo::capacity::{ConsumedCapacity, Direction, ReturnConsumedCapacity, WriteMode};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expiry::{Derivation, RawItem, earlier, time_of_write};
use crate::dynamo::fault::Operation;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::stream::change::is_recorded;
use crate::dynamo::table::TableDescriptor;
use crate::engine::commit::Commit;
use crate::engine::store::Engine;
use crate::engine::ticket::Submitted;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A write that has its place in the order of commits and waits to be acknowledged.
///
/// It is waited for on a thread, or awaited: it is a future that needs no runtime. Dropping it does not take the write back.
#[derive(Debug)]
#[must_use = "a write is acknowledged only when it has been waited for"]
pub struct Pending {
    deferred: Deferred<Told>,
}

/// What is told when the write is acknowledged.
#[derive(Debug)]
struct Told {
    answer: Answer,
    consumed_capacity: Option<ConsumedCapacity>,
    item_collection_metrics: Option<ItemCollectionMetrics>,
}

impl Told {
    fn into_output(self, commit: Commit) -> WriteOutput {
        let Self { answer, consumed_capacity, item_collection_metrics } = self;
        WriteOutput { attributes: answer.attributes, consumed_capacity, item_collection_metrics, commit }
    }
}

impl Pending {
    /// Waits until the write is as durable as was asked and everybody sees it.
    pub fn wait(self) -> Result<WriteOutput> {
        self.deferred.wait().map(|(commit, told)| told.into_output(commit))
    }

    /// Asks without waiting: `None` while the write is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<WriteOutput>> {
        let answer = self.deferred.step()?;
        Some(answer.map(|(commit, told)| told.into_output(commit)))
    }

    /// The place of the write in the order of commits; of one that changes nothing, that of the newest commit that its
    /// answer rests on.
    pub fn seqno(&self) -> SeqNo {
        self.deferred.seqno()
    }
}

impl Future for Pending {
    type Output = Result<WriteOutput>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.get_mut().deferred.poll(context);
        answer.map(|answer| answer.map(|(commit, told)| told.into_output(commit)))
    }
}

/// Begins to write an item.
pub fn put(store: &Store, table: &Arc<TableDescriptor>, request: &PutRequest) -> Result<Pending> {
    begin(store, table, Operation::PutItem, Request::Put(request))
}

/// Begins to change an item.
pub fn update(store: &Store, table: &Arc<TableDescriptor>, request: &UpdateRequest) -> Result<Pending> {
    begin(store, table, Operation::UpdateItem, Request::Update(request))
}

/// Begins to remove an item.
pub fn delete(store: &Store, table: &Arc<TableDescriptor>, request: &DeleteRequest) -> Result<Pending> {
    begin(store, table, Operation::DeleteItem, Request::Delete(request))
}

/// Begins to write an item of the table `name`. What is wrong with the request is said before there is no such table.
pub fn put_in(store: &Store, name: &str, request: &PutRequest) -> Result<Pending> {
    begin_in(store, name, Operation::PutItem, Request::Put(request))
}

/// Begins to change an item of the table `name`, as [`put_in`] does.
pub fn update_in(store: &Store, name: &str, request: &UpdateRequest) -> Result<Pending> {
    begin_in(store, name, Operation::UpdateItem, Request::Update(request))
}

/// Begins to remove an item of the table `name`, as [`put_in`] does.
pub fn delete_in(store: &Store, name: &str, request: &DeleteRequest) -> Result<Pending> {
    begin_in(store, name, Operation::DeleteItem, Request::Delete(request))
}

fn begin_in(store: &Store, name: &str, operation: Operation, request: Request<'_>) -> Result<Pending> {
    Catalog::check_name(operation, name)?;
    match store.catalog.find(operation, name) {
        Ok(table) => begin(store, &table, operation, request),
        Err(missing) => {
            request.check().map_err(|fault| Error::new(operation, fault))?;
            Err(missing)
        }
    }
}

/// Derives the write from the table as it is, again if the table is changed meanwhile, or something expires.
pub(super) fn begin(
    store: &Store,
    table: &Arc<TableDescriptor>,
    operation: Operation,
    request: Request<'_>,
) -> Result<Pending> {
    let checked = request.check().map_err(|fault| Error::new(operation, fault))?;
    let request = checked.as_request();
    store.begin_write()?;
    let mut table = store.catalog.current(operation, table)?;
    loop {
        if let Some(deferred) = attempt(store, &table, operation, request)? {
            return Ok(Pending { deferred });
        }
        if !table.is_current() {
            table = Cow::Owned(store.catalog.renewed(&store.engine, operation, &table)?);
        }
    }
}

/// `None` if the table was changed before the commit, or what was read has expired.
fn attempt(
    store: &Store,
    table: &TableDescriptor,
    operation: Operation,
    request: Request<'_>,
) -> Result<Option<Deferred<Told>>> {
    let engine = &store.engine;
    let now = time_of_write(engine, table);
    let write = request.prepare(operation, table, now)?;
    let options = write.options;
    let _guard = engine.lock_keys(vec![write.key.clone()]);
    let collection = match options.return_item_collection_metrics {
        ReturnItemCollectionMetrics::None => None,
        ReturnItemCollectionMetrics::Size => {
            collection::metrics(engine, table, &write.key, &request.key_attributes(table))?
        }
    };
    let old = if needs_old(table, &write) { read_old(engine, &write.key)? } else { OldVersion::default() };
    let mut batch = WriteBatch::new();
    let decided = decide(table, operation, write, &old, now, &mut batch);
    let (mut expiry, mut holds_until) = (None, old.holds_until());
    let told = match decided {
        Ok(answer) => {
            expiry = answer.expiry;
            holds_until = earlier(holds_until, answer.holds_until);
            let name = table.schema().name();
            let capacity = options.return_consumed_capacity;
            let consumed_capacity = answer.consumed.told(name, capacity, Direction::Untold);
            Ok(Told { answer, consumed_capacity, item_collection_metrics: collection })
        }
        Err(error) => Err(error),
    };
    let derivation = Derivation { tables: &[table], holds_until };
    if told.is_err() || batch.is_empty() {
        // Nothing is submitted that would be held to it.
        return Ok(table.is_current().then(|| Deferred::seen(engine.visible(old.seqno), told)));
    }
    match engine.submit_guarded(&batch, options.durability, &derivation)? {
        Submitted::Accepted(ticket) => {
            store.catalog.note_expiry(table, expiry);
            Ok(Some(Deferred::new(ticket, told)))
        }
        Submitted::Stale | Submitted::Conflict => Ok(None),
    }
}

/// First the condition, then what the item becomes.
fn decide(
    table: &TableDescriptor,
    operation: Operation,
    write: ItemWrite<'_>,
    old: &OldVersion,
    now: CommitTime,
    batch: &mut WriteBatch,
) -> Result<Answer> {
    let options = write.options;
    let mut deciding = Deciding { operation, table, write, old: old.raw()?, now };
    if !deciding.meets_condition()? {
        return Err(deciding.condition_fault()?);
    }
    let outcome = deciding.outcome()?;
    let is_metered = options.return_consumed_capacity != ReturnConsumedCapacity::None;
    deciding.finish(outcome, is_metered.then_some(WriteMode::Standard), Some(0), batch)
}

/// Whether anything asks for the item as it is.
fn needs_old(table: &TableDescriptor, write: &ItemWrite<'_>) -> bool {
    let options = write.options;
    matches!(write.change, Change::Update { .. } | Change::Check)
        || !table.indexes().is_empty()
        || is_recorded(table)
        || options.condition.is_some()
        || options.return_values != ReturnValues::None
        || options.return_consumed_capacity != ReturnConsumedCapacity::None
}

/// The newest version of an item, published or not, also if it has expired.
#[derive(Debug)]
pub(in crate::dynamo) struct OldVersion {
    /// The commit that made it; zero if there never was one.
    pub(in crate::dynamo) seqno: SeqNo,
    value: Option<Vec<u8>>,
    expiry: Option<Expiry>,
    is_expired: bool,
    hidden_from: Option<CommitTime>,
}

impl Default for OldVersion {
    fn default() -> Self {
        Self { seqno: SeqNo::ZERO, value: None, expiry: None, is_expired: false, hidden_from: None }
    }
}

impl OldVersion {
    /// The item as it is stored.
    pub(in crate::dynamo) fn raw(&self) -> Result<Option<RawItem<'_>>> {
        let Self { seqno, value, expiry, is_expired, .. } = self;
        let raw = |item| RawItem { item, seqno: *seqno, expiry: *expiry, is_expired: *is_expired };
        let item = value.as_deref().map(StoredItem::parse).transpose();
        Ok(item.map_err(|error| Error::damaged("item", error))?.map(raw))
    }

    /// The item, unless it has expired.
    pub(super) fn seen(&self) -> Result<Option<StoredItem<'_>>> {
        Ok(self.raw()?.and_then(RawItem::seen))
    }

    /// From when on it will have expired, if it has not.
    pub(super) fn holds_until(&self) -> Option<CommitTime> {
        self.hidden_from.filter(|_| !self.is_expired)
    }
}

/// Reads the newest version of an item.
///
/// REQUIRES: its key is locked.
pub(in crate::dynamo) fn read_old(engine: &Engine, key: &[u8]) -> Result<OldVersion> {
    if planted(Bug::DecidedOnPublished) {
        let value = engine.get(key, None, <[u8]>::to_vec)?;
        return Ok(OldVersion { value, ..OldVersion::default() });
    }
    let found = engine.latest_version(key, |version| OldVersion {
        seqno: version.seqno,
        value: version.value.map(<[u8]>::to_vec),
        expiry: version.expiry,
        is_expired: version.is_expired,
        hidden_from: version.hidden_from,
    })?;
    Ok(found.unwrap_or_default())
}
