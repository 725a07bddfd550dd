//! Interactive transactions: reads and writes of any tables and items, in any order, all or none.
//!
//! ```text
//!   begin: one snapshot, no lock
//!   read:  at the snapshot, with the transaction's own writes laid over it; noted by the engine
//!   write: decided at once on what a read would give; kept as entries, of the table and of its indexes
//!   commit: lock what was written; the engine commits unless something that was read was written since, or has expired
//! ```
//!
//! What had expired before the transaction's snapshot it does not see, but it may still be there when the transaction
//! commits, with its index entries, and untold by a stream: that is looked after under the locks.
//!
//! Invariants:
//! 1. A transaction that commits is serializable at its place in the order of commits: every key and range that it has
//!    read, also to decide its writes, is as it was, and so is every table.
//! 2. What it reads of a table is what was there at its moment; a table that was made since is not there, and is no empty
//!    one: whoever asks for it is told, and the transaction comes to nothing.
//! 3. No lock is held while the caller's code runs.

use super::capacity::WriteMode;
use super::error::{Error, Result};
use super::expiry::{Derivation, RawItem, earlier};
use super::fault::{Fault, Operation};
use super::index;
use super::item_fault::WriteFault;
use super::item_key::{self, Key};
use super::read::entry_cursor::{OpenTransaction, OwnWrite, OwnWrites, ReadAt};
use super::read::request::{QueryRequest, ScanRequest};
use super::read::walk::Walk;
use super::store::Store;
use super::stored::StoredItem;
use super::stream::change;
use super::table::TableDescriptor;
use super::value::Item;
use super::write::decide::{Answer, Deciding};
use super::write::prepare::Request;
use super::write::request::{DeleteRequest, PutRequest, UpdateRequest};
use super::write::single::{OldVersion, read_old};
use crate::base::batch::WriteBatch;
use crate::base::expiry::Expiry;
use crate::base::ident::{CommitTime, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::engine::commit::Commit;
use crate::engine::options::Durability;
use crate::engine::ticket::{Submitted, Ticket};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// A transaction that is open.
#[derive(Debug)]
pub struct InteractiveTransaction {
    store: Store,
    open: OpenTransaction,
    /// The items that were written, by their keys.
    items: BTreeMap<Vec<u8>, Written>,
    /// From when on an item that was written would expire otherwise.
    holds_until: Option<CommitTime>,
    /// The tables that were read, as they were then.
    read_tables: Mutex<Vec<Arc<TableDescriptor>>>,
    is_overtaken: AtomicBool,
}

/// An item that was written.
#[derive(Debug)]
struct Written {
    table: Arc<TableDescriptor>,
    /// The item as it was before the transaction.
    before: Option<Vec<u8>>,
    /// When it expires from now on.
    expiry: Option<Expiry>,
}

/// What has become of a transaction.
#[derive(Debug)]
pub enum Committed {
    /// It is done; a transaction that has only read has no commit.
    Done(Option<Commit>),
    /// Something that it has read was written since: it did nothing, and may be run again.
    Conflict,
}

/// What has become of a transaction that nobody has waited for yet.
#[derive(Debug)]
pub enum SubmittedTransaction {
    /// It has its place in the order of commits.
    Accepted(PendingCommit),
    /// It wrote nothing, and stands where it read.
    OnlyRead,
    /// Something that it has read was written since: it did nothing, and may be run again.
    Conflict,
}

/// A transaction that has its place in the order of commits and waits to be acknowledged.
///
/// Dropping it does not take the transaction back.
#[derive(Debug)]
#[must_use = "a transaction is acknowledged only when it has been waited for"]
pub struct PendingCommit {
    ticket: Ticket,
}

impl PendingCommit {
    /// Waits until the transaction is as durable as was asked and everybody sees it.
    pub fn wait(self) -> Result<Commit> {
        Ok(self.ticket.wait()?)
    }

    /// Asks without waiting: `None` while the transaction is not acknowledged. To be asked no more after an answer.
    pub fn step(&mut self) -> Option<Result<Commit>> {
        Some(self.ticket.step()?.map_err(Into::into))
    }

    /// The place of the transaction in the order of commits.
    pub fn seqno(&self) -> SeqNo {
        self.ticket.seqno()
    }
}

impl Future for PendingCommit {
    type Output = Result<Commit>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.ticket).poll(context).map_err(Into::into)
    }
}

impl InteractiveTransaction {
    /// Begins a transaction.
    pub fn begin(store: &Store) -> Result<Self> {
        // Where nothing can be written, it may read.
        if !store.engine.is_read_only() {
            store.begin_write()?;
        }
        let reads = Arc::new(store.engine.begin_transaction()?);
        let open = OpenTransaction { reads, own: OwnWrites::new() };
        let read_tables = Mutex::new(Vec::new());
        Ok(Self {
            store: store.clone(),
            open,
            items: BTreeMap::new(),
            holds_until: None,
            read_tables,
            is_overtaken: AtomicBool::new(false),
        })
    }

    /// Whether it has asked for a table that was made after the moment that it reads. It comes to nothing, and may be run
    /// again.
    pub fn is_overtaken(&self) -> bool {
        self.is_overtaken.load(Ordering::Relaxed)
    }

    /// What is read of a table stands only as long as the table does.
    fn note_read(&self, operation: Operation, table: &Arc<TableDescriptor>) -> Result<Arc<TableDescriptor>> {
        let table = self.store.catalog.current(operation, table)?.into_owned();
        // At that moment there was no such table, which is not the same as an empty one.
        if table.made_by() > self.seqno() {
            self.is_overtaken.store(true, Ordering::Relaxed);
            let table = table.schema().name().to_owned();
            return Err(Error::new(operation, WriteFault::TableMadeSince { table }.into()));
        }
        let mut tables = self.read_tables.lock();
        if !tables.iter().any(|known| Arc::ptr_eq(known, &table)) {
            tables.push(Arc::clone(&table));
        }
        Ok(table)
    }

    /// Reads the item of `key`, whole, and gives it to `read` where it is.
    pub fn get<R>(
        &self,
        table: &Arc<TableDescriptor>,
        key: &Key,
        read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
    ) -> Result<Option<R>> {
        let fault = |fault| Error::new(Operation::GetItem, fault);
        key.validate().map_err(|error| fault(Fault::Value(error)))?;
        let table = self.note_read(Operation::GetItem, table)?;
        let key = item_key::of_request(&table, key).map_err(fault)?;
        let item =
            |value: &[u8]| read(&StoredItem::parse(value).map_err(|error| Error::damaged("item", error))?);
        self.open.get(&key, item)?.transpose()
    }

    /// Begins a query.
    pub fn query(&self, table: &Arc<TableDescriptor>, request: QueryRequest) -> Result<Walk> {
        let table = self.note_read(Operation::Query, table)?;
        Walk::query_at(&self.store, &table, request, ReadAt::Transaction(&self.open))
    }

    /// Begins a scan.
    pub fn scan(&self, table: &Arc<TableDescriptor>, request: ScanRequest) -> Result<Walk> {
        let table = self.note_read(Operation::Scan, table)?;
        Walk::scan_at(&self.store, &table, request, ReadAt::Transaction(&self.open))
    }

    /// Makes a write. A condition that is not met is an error, and leaves the transaction as it was.
    fn write(
        &mut self,
        operation: Operation,
        table: &Arc<TableDescriptor>,
        request: Request<'_>,
    ) -> Result<Option<Item>> {
        let checked = request.check().map_err(|fault| Error::new(operation, fault))?;
        let request = checked.as_request();
        // Also a write that is refused is an answer that stands only as long as the table does.
        let table = self.note_read(operation, table)?;
        let engine = &self.store.engine;
        let now = engine.now();
        let write = request.prepare(operation, &table, now)?;
        let key = write.key.clone();
        let found = self.open.find(&key)?;
        let old = match &found {
            Some(found) => Some(RawItem {
                item: parse_item(&found.value)?,
                seqno: SeqNo::ZERO,
                expiry: found.expiry,
                is_expired: found.is_expired,
            }),
            None => None,
        };
        let mut deciding = Deciding { operation, table: &table, write, old, now };
        if !deciding.meets_condition()? {
            return Err(deciding.condition_fault()?);
        }
        let outcome = deciding.outcome()?;
        let mut batch = WriteBatch::new();
        let answer = deciding.finish(outcome, None::<WriteMode>, None, &mut batch)?;
        let Answer { attributes, expiry, holds_until, .. } = answer;
        let at = self.open.reads.snapshot().time();
        for (key, kind, value) in batch.entries() {
            let write = OwnWrite::new(kind, value, |expiry| engine.is_hidden(expiry, at));
            self.open.own.insert(key.to_vec(), write);
        }
        self.holds_until = earlier(self.holds_until, holds_until);
        // Who reads it in this transaction sees it: that stands until it expires.
        let seen_until = expiry.and_then(|expiry| engine.hidden_from(expiry)).filter(|until| *until > at);
        self.holds_until = earlier(self.holds_until, seen_until);
        // What counts is the item before the transaction. The table is as it was at the first write: if it is changed
        // meanwhile, the transaction is not admitted, and run again.
        let before = found.map(|found| found.value);
        self.items.entry(key).or_insert(Written { table, before, expiry: None }).expiry = expiry;
        Ok(attributes)
    }

    /// Commits what was written, and waits until that is as durable as is asked.
    pub fn commit(self, durability: Durability) -> Result<Committed> {
        match self.submit(durability)? {
            SubmittedTransaction::Accepted(pending) => Ok(Committed::Done(Some(pending.wait()?))),
            SubmittedTransaction::OnlyRead => Ok(Committed::Done(None)),
            SubmittedTransaction::Conflict => Ok(Committed::Conflict),
        }
    }

    /// The newest commit that the transaction sees.
    pub fn seqno(&self) -> SeqNo {
        self.open.reads.snapshot().seqno()
    }

    /// Gives what was written its place in the order of commits.
    pub fn submit(self, durability: Durability) -> Result<SubmittedTransaction> {
        let Self { store, open, items, holds_until, read_tables, is_overtaken } = self;
        if is_overtaken.into_inner() {
            return Ok(SubmittedTransaction::Conflict);
        }
        if open.own.is_empty() {
            return Ok(SubmittedTransaction::OnlyRead);
        }
        let guard = store.engine.lock_keys(items.keys().cloned().collect());
        let mut batch = WriteBatch::new();
        let told = if planted(Bug::TransactionRecordsOneChange) { 1 } else { usize::MAX };
        for ((key, written), at) in items.iter().zip(0..).take(told) {
            let latest = read_old(&store.engine, key)?;
            written.finish(key, &latest, &open.own, at, &mut batch)?;
        }
        for (key, write) in &open.own {
            match write.stored() {
                Some((value, expiry)) => batch.put_until(key.clone(), value.to_vec(), expiry),
                None => batch.delete(key.clone()),
            }
        }
        let read_tables = read_tables.into_inner();
        let written_tables = items.values().map(|written| &written.table);
        let tables: Vec<&TableDescriptor> = written_tables.chain(&read_tables).map(AsRef::as_ref).collect();
        let derivation = Derivation { tables: &tables, holds_until };
        let submitted = store.engine.commit_transaction(&open.reads, &batch, durability, &derivation)?;
        drop(guard);
        match submitted {
            Submitted::Accepted(ticket) => {
                for written in items.values() {
                    store.catalog.note_expiry(&written.table, written.expiry);
                }
                Ok(SubmittedTransaction::Accepted(PendingCommit { ticket }))
            }
            // A table was changed, or a date is too old by now: what was derived from it is derived again.
            Submitted::Stale => {
                for table in tables.iter().filter(|table| !table.is_current()) {
                    store.catalog.await_change(&store.engine, table)?;
                }
                Ok(SubmittedTransaction::Conflict)
            }
            Submitted::Conflict => Ok(SubmittedTransaction::Conflict),
        }
    }
}

impl Written {
    /// Adds to the batch the record of the item's change, and what is left to do about the item that stood there, `latest`,
    /// if that has expired: its record, and the entries that nothing has taken the place of.
    ///
    /// If the transaction saw it before it expired, or not as it is, its commit is a conflict.
    fn finish(
        &self,
        key: &[u8],
        latest: &OldVersion,
        own: &OwnWrites,
        at: usize,
        batch: &mut WriteBatch,
    ) -> Result<()> {
        let expired = latest.raw()?.filter(|latest| latest.is_expired);
        let before = match (&expired, &self.before) {
            (Some(expired), _) => Some(*expired),
            (None, Some(before)) => Some(RawItem::lasting(parse_item(before)?)),
            (None, None) => None,
        };
        let after = own.get(key).and_then(OwnWrite::stored);
        let after = after.map(|(value, _)| parse_item(value)).transpose()?;
        change::record_write(&self.table, key, before.as_ref(), after.as_ref(), at, batch);
        if expired.is_some() {
            // What the transaction writes of these comes into the batch later, over this.
            let removed = index::change(&self.table, key, expired.as_ref(), None, batch, None);
            removed.map_err(|error| Error::damaged("item", error))?;
        }
        Ok(())
    }
}

fn parse_item(value: &[u8]) -> Result<StoredItem<'_>> {
    StoredItem::parse(value).map_err(|error| Error::damaged("item", error))
}

/// The writes, each as its operation.
impl InteractiveTransaction {
    /// Writes an item whole.
    pub fn put(&mut self, table: &Arc<TableDescriptor>, request: &PutRequest) -> Result<Option<Item>> {
        self.write(Operation::PutItem, table, Request::Put(request))
    }

    /// Changes attributes of an item.
    pub fn update(&mut self, table: &Arc<TableDescriptor>, request: &UpdateRequest) -> Result<Option<Item>> {
        self.write(Operation::UpdateItem, table, Request::Update(request))
    }

    /// Removes an item.
    pub fn delete(&mut self, table: &Arc<TableDescriptor>, request: &DeleteRequest) -> Result<Option<Item>> {
        self.write(Operation::DeleteItem, table, Request::Delete(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::fault::KeyRole;
    use crate::dynamo::jobs::index_build;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::read::request::ReadOptions;
    use crate::dynamo::schema::TableSchema;
    use crate::dynamo::tables::request::{
        AttributeDefinition, GlobalIndexUpdate, IndexRequest, KeySchemaElement, ProjectionRequest,
        ProjectionType, UpdateTableRequest,
    };
    use crate::engine::options::EngineOptions;
    use crate::env::sim::Simulation;
    use std::path::Path;

    fn store() -> (Store, Arc<TableDescriptor>) {
        let environment = Simulation::new(1).environment();
        let store = Store::open(environment, Path::new("/store"), EngineOptions::default());
        let store = store.expect("a new store");
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::Number).build();
        let schema = schema.expect("a valid schema");
        let table = store.catalog.create_table(&store.engine, schema.into()).expect("a new table");
        (store, table)
    }

    /// Makes an index over `x`, and waits for it.
    fn create_index(store: &Store) {
        let attribute_name = "x".to_owned();
        let definition =
            AttributeDefinition { attribute_name: attribute_name.clone(), attribute_type: KeyType::Number };
        let projection_type = Some(ProjectionType::All);
        let index = IndexRequest {
            index_name: "ByX".to_owned(),
            key_schema: vec![KeySchemaElement { attribute_name, key_type: KeyRole::Partition }],
            projection: ProjectionRequest { projection_type, non_key_attributes: None },
            ..IndexRequest::default()
        };
        let request = UpdateTableRequest {
            table_name: "Items".to_owned(),
            attribute_definitions: vec![definition],
            global_secondary_index_updates: vec![GlobalIndexUpdate {
                create: Some(index),
                ..GlobalIndexUpdate::default()
            }],
            ..UpdateTableRequest::default()
        };
        store.catalog.update_table(&store.engine, request).expect("a new index");
        index_build::wait_for_index(&store.engine, &store.catalog, "Items", "ByX").expect("nothing fails");
    }

    fn put(number: i32) -> PutRequest {
        PutRequest::new(Item::new().with("pk", number).with("x", number))
    }

    fn commit(transaction: InteractiveTransaction) -> Committed {
        transaction.commit(Durability::Durable).expect("nothing fails")
    }

    fn scan_index(transaction: &InteractiveTransaction, table: &Arc<TableDescriptor>) -> Result<usize> {
        let options = ReadOptions { index: Some("ByX".to_owned()), ..ReadOptions::default() };
        let mut walk = transaction.scan(table, ScanRequest { options, ..ScanRequest::default() })?;
        let mut count = 0;
        while walk.next(|_| Ok(()))?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn an_index_is_not_read_as_of_a_moment_at_which_it_was_being_made() {
        let (store, table) = store();
        let begin = || InteractiveTransaction::begin(&store).expect("it is open");
        let mut transaction = begin();
        transaction.put(&table, &put(1)).expect("it is valid");
        assert!(matches!(commit(transaction), Committed::Done(Some(_))));
        let before = begin();
        create_index(&store);
        let refused = scan_index(&before, &table).expect_err("its entries came later");
        assert_eq!(refused.to_string(), "Cannot read from backfilling global secondary index: ByX");
        assert_eq!(scan_index(&begin(), &table).expect("it is active"), 1);
    }

    #[test]
    fn what_was_read_of_a_table_that_was_dropped_since_is_a_conflict() {
        let (store, table) = store();
        let schema = TableSchema::builder("Other").partition_key("pk", KeyType::Number).build();
        let schema = schema.expect("a valid schema");
        let other = store.catalog.create_table(&store.engine, schema.into()).expect("a new table");
        let mut transaction = InteractiveTransaction::begin(&store).expect("it is open");
        transaction.put(&table, &put(1)).expect("it is valid");
        assert!(matches!(commit(transaction), Committed::Done(Some(_))));
        let mut transaction = InteractiveTransaction::begin(&store).expect("it is open");
        let key = Key::Values { partition: 1.into(), sort: None };
        assert_eq!(transaction.get(&table, &key, |_| Ok(())).expect("it can be read"), Some(()));
        transaction.put(&other, &put(2)).expect("it is valid");
        store.catalog.delete_table(&store.engine, "Items").expect("it is there");
        assert!(matches!(commit(transaction), Committed::Conflict), "there is no such item any more");
    }

    #[test]
    fn writes_before_and_after_a_change_of_their_table_are_not_committed_together() {
        let (store, table) = store();
        let mut transaction = InteractiveTransaction::begin(&store).expect("it is open");
        transaction.put(&table, &put(1)).expect("it is valid");
        create_index(&store);
        transaction.put(&table, &put(2)).expect("it is valid");
        assert!(matches!(commit(transaction), Committed::Conflict), "the first write knows no index");
        let mut again = InteractiveTransaction::begin(&store).expect("it is open");
        again.put(&table, &put(1)).expect("it is valid");
        again.put(&table, &put(2)).expect("it is valid");
        assert_eq!(scan_index(&again, &table).expect("it is active"), 2);
        assert!(matches!(commit(again), Committed::Done(Some(_))));
    }
}
