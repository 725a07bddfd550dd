//! An open database.

use super::entity::Entity;
use super::operations::Operations;
use super::pending::PendingTableChange;
use super::query::read_item;
use super::stream::Stream;
use super::table::Table;
use super::transaction::Transaction;
use super::typed::TypedTable;
use crate::dynamo::catalog::PendingChange;
use crate::dynamo::error::{ErrorKind, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::jobs::{expiry_build, index_build, item_count};
use crate::dynamo::read;
use crate::dynamo::read::request::{BatchGetOutput, BatchGetRequest, TransactGetOutput, TransactGetRequest};
use crate::dynamo::store::Store;
use crate::dynamo::stream::describe::{
    self, DescribeStreamRequest, ListStreamsOutput, ListStreamsRequest, StreamDescription,
};
use crate::dynamo::stream::shard::{self, GetRecordsOutput, GetRecordsRequest, GetShardIteratorRequest};
use crate::dynamo::stream::trim::{StreamOptions, StreamTrimmer};
use crate::dynamo::system_rows::BackfillProgress;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::description::{TableDescription, TimeToLiveDescription};
use crate::dynamo::tables::request::{
    CreateTableRequest, ListTablesOutput, ListTablesRequest, Tag, TimeToLiveSpecification,
    UpdateTableRequest, UpdateTimeToLiveRequest,
};
use crate::dynamo::tables::settings::ExpiredItems;
use crate::dynamo::transaction::{Committed, InteractiveTransaction};
use crate::dynamo::write;
use crate::dynamo::write::batch::{BatchWriteError, BatchWriteOutput, BatchWriteRequest, PendingBatch};
use crate::dynamo::write::transact::{PendingTransaction, TransactWriteOutput, TransactWriteRequest};
use crate::engine::archive::archiver::ArchiveOptions;
use crate::engine::archive::objects::ArchiveObjects;
use crate::engine::options::{Access, Durability, EngineOptions};
use crate::engine::statistics::Statistics;
use crate::env::environment::Environment;
use crate::env::schedule::Event;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An open database: its tables, and what concerns them all. Cheap to clone, and shared freely between threads.
///
/// ```
/// use pixii::{Database, Item, KeyType, TableSchema};
///
/// let directory = tempfile::tempdir().expect("a directory");
/// let database = Database::open(directory.path())?;
/// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
/// database.create_table(schema)?.put(&Item::new().with("id", 1).with("text", "hello"))?;
/// database.close()?;
///
/// let database = Database::open(directory.path())?;
/// let note = database.table("Notes")?.get_item(1)?.expect("it was written durably");
/// assert_eq!(note.get("text"), Some(&"hello".into()));
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone)]
pub struct Database {
    store: Store,
}

impl Database {
    /// Opens the database in `directory`, which is created if it is missing. One handle at a time has it open.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(directory)
    }

    /// Opens a new database that is gone when its last handle is.
    pub fn in_memory() -> Result<Self> {
        Self::options().environment(Environment::memory()).open("memory")
    }

    /// How to open a database, to be changed before it is opened.
    pub fn options() -> DatabaseOptions {
        DatabaseOptions::default()
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a table, durably: of a [`TableSchema`](crate::dynamo::schema::TableSchema), or of a [`CreateTableRequest`]
    /// that says more.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, KeyType, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema.clone())?;
    /// let error = database.create_table(schema).expect_err("it exists");
    /// assert_eq!(error.kind(), ErrorKind::ResourceInUse);
    /// assert_eq!(error.to_string(), "Table already exists: Notes");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn create_table(&self, request: impl Into<CreateTableRequest>) -> Result<Table> {
        Ok(self.handle(self.store.catalog.create_table(&self.store.engine, request.into())?))
    }

    /// The table `name`. The name may be the long one.
    pub fn table(&self, name: &str) -> Result<Table> {
        Ok(self.handle(self.store.catalog.find(Operation::DescribeTable, name)?))
    }

    /// DynamoDB's operations on items as its protocol has them: by the name of their table.
    pub fn operations(&self) -> Operations {
        Operations::new(self.store.clone())
    }

    fn handle(&self, table: Arc<TableDescriptor>) -> Table {
        Table::new(self.store.clone(), table)
    }

    /// The table of the entities `E`, by the name that they give it.
    pub fn entity<E: Entity>(&self) -> Result<TypedTable<E>> {
        self.table(E::TABLE).map(Into::into)
    }

    /// Makes the table of the entities `E`, durably. If one of their fields says when they expire, they do.
    pub fn create_entity<E: Entity>(&self) -> Result<TypedTable<E>> {
        let table = self.create_table(E::schema().build()?)?;
        self.let_expire::<E>(&table)?;
        Ok(table.into())
    }

    /// The table of the entities `E`, which is made, durably, if there is none. If one of their fields says when they expire
    /// and nobody has ever enabled or disabled that, they do from now on.
    pub fn entity_or_create<E: Entity>(&self) -> Result<TypedTable<E>> {
        let found = match self.table(E::TABLE) {
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => match self.create_entity() {
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::ResourceInUse => self.table(E::TABLE)?,
                made => return made,
            },
            found => found?,
        };
        // Whoever made it may have been stopped before they came to this.
        if found.descriptor().settings().time_to_live.was_never_enabled() {
            let enabled = self.let_expire::<E>(&found);
            let is_still_off = || {
                let now = self.describe_time_to_live(E::TABLE);
                now.is_ok_and(|now| now == TimeToLiveDescription::Disabled)
            };
            if enabled.is_err() && is_still_off() {
                enabled?;
            }
        }
        Ok(found.into())
    }

    fn let_expire<E: Entity>(&self, table: &Table) -> Result<()> {
        let Some(attribute) = E::TTL_ATTRIBUTE else { return Ok(()) };
        let attribute_name = attribute.to_owned();
        let time_to_live_specification = TimeToLiveSpecification { attribute_name, enabled: true };
        let table_name = table.name().to_owned();
        self.update_time_to_live(UpdateTimeToLiveRequest { table_name, time_to_live_specification }).map(drop)
    }

    /// The names of all tables in the order of their bytes.
    pub fn tables(&self) -> Vec<String> {
        self.store.catalog.names()
    }

    /// A page of the names of all tables.
    pub fn list_tables(&self, request: &ListTablesRequest) -> Result<ListTablesOutput> {
        self.store.catalog.list_tables(request)
    }

    /// Tells what the table `name` is.
    ///
    /// ```
    /// use pixii::{Database, KeyType, ResourceStatus, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
    /// let description = database.describe_table("Notes")?;
    /// assert_eq!(description.table_status, ResourceStatus::Active);
    /// assert_eq!(description.table_arn, "arn:aws:dynamodb:us-east-1:000000000000:table/Notes");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn describe_table(&self, name: &str) -> Result<TableDescription> {
        self.store.catalog.describe_table(name)
    }

    /// Changes a table, durably: one thing at a time. Answers with what the table was.
    ///
    /// ```
    /// use pixii::{Database, KeyType, TableSchema, UpdateTableRequest};
    ///
    /// let database = Database::in_memory()?;
    /// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
    /// database.update_table(UpdateTableRequest {
    ///     table_name: "Notes".to_owned(),
    ///     deletion_protection_enabled: Some(true),
    ///     ..UpdateTableRequest::default()
    /// })?;
    /// let error = database.delete_table("Notes").expect_err("it is protected");
    /// assert!(error.to_string().starts_with("Resource cannot be deleted"));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn update_table(&self, request: UpdateTableRequest) -> Result<TableDescription> {
        self.store.catalog.update_table(&self.store.engine, request)
    }

    /// As [`update_table`](Self::update_table), without waiting for the change to be acknowledged. Writes are held to it
    /// from now on.
    pub fn submit_update_table(&self, request: UpdateTableRequest) -> Result<PendingTableChange> {
        Ok(self.pending(self.store.catalog.begin_update_table(&self.store.engine, request)?))
    }

    fn pending(&self, change: PendingChange) -> PendingTableChange {
        PendingTableChange::new(self.store.clone(), change)
    }

    /// Waits until an index that was added to a table is filled and can be read. An index that is being removed is
    /// waited for as well; then the answer is that there is none.
    ///
    /// ```
    /// use pixii::{
    ///     AttributeDefinition, Database, GlobalIndexUpdate, IndexRequest, Item, KeyRole, KeySchemaElement, KeyType,
    ///     ProjectionRequest, ProjectionType, TableSchema, UpdateTableRequest,
    /// };
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// notes.put(&Item::new().with("id", 1).with("tag", "green"))?;
    ///
    /// let attribute_name = "tag".to_owned();
    /// database.update_table(UpdateTableRequest {
    ///     table_name: "Notes".to_owned(),
    ///     attribute_definitions: vec![AttributeDefinition {
    ///         attribute_name: attribute_name.clone(),
    ///         attribute_type: KeyType::String,
    ///     }],
    ///     global_secondary_index_updates: vec![GlobalIndexUpdate {
    ///         create: Some(IndexRequest {
    ///             index_name: "ByTag".to_owned(),
    ///             key_schema: vec![KeySchemaElement { attribute_name, key_type: KeyRole::Partition }],
    ///             projection: ProjectionRequest {
    ///                 projection_type: Some(ProjectionType::All),
    ///                 non_key_attributes: None,
    ///             },
    ///             ..IndexRequest::default()
    ///         }),
    ///         ..GlobalIndexUpdate::default()
    ///     }],
    ///     ..UpdateTableRequest::default()
    /// })?;
    /// database.wait_for_index("Notes", "ByTag")?;
    /// assert_eq!(notes.query("green").index("ByTag").into_iter().count(), 1);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn wait_for_index(&self, table: &str, index: &str) -> Result<()> {
        index_build::wait_for_index(&self.store.engine, &self.store.catalog, table, index)
    }

    /// Waits until no index of a table is being filled or removed.
    pub fn wait_until_active(&self, table: &str) -> Result<()> {
        index_build::wait_until_active(&self.store.engine, &self.store.catalog, table)
    }

    /// How far the filling of an index has come that was added to a table; none when it is filled.
    pub fn index_build_progress(&self, table: &str, index: &str) -> Result<Option<BackfillProgress>> {
        index_build::progress(&self.store.engine, &self.store.catalog, table, index)
    }

    /// Counts the items of a table and of its indexes as of now, by reading them all, and tells what the table is.
    /// [`describe_table`](Self::describe_table) tells what was last counted.
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// assert_eq!(database.describe_table("Notes")?.item_count, 0);
    /// assert_eq!(database.count_items("Notes")?.item_count, 1);
    /// assert_eq!(database.describe_table("Notes")?.item_count, 1);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn count_items(&self, table: &str) -> Result<TableDescription> {
        item_count::count_now(&self.store.engine, &self.store.catalog, table)
    }

    /// Removes a table with all its items, durably. Every later request through its handles is refused.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, Item, KeyType, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let old = database.create_table(schema.clone())?;
    /// old.put(&Item::new().with("id", 1))?;
    /// database.delete_table("Notes")?;
    /// let new = database.create_table(schema)?;
    /// assert_eq!(new.get_item(1)?, None);
    /// assert_eq!(old.get_item(1).expect_err("another table").kind(), ErrorKind::ResourceNotFound);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn delete_table(&self, name: &str) -> Result<TableDescription> {
        self.store.catalog.delete_table(&self.store.engine, name)
    }

    /// As [`delete_table`](Self::delete_table), without waiting for the change to be acknowledged. Writes are refused from
    /// now on.
    pub fn submit_delete_table(&self, name: &str) -> Result<PendingTableChange> {
        Ok(self.pending(self.store.catalog.begin_delete_table(&self.store.engine, name)?))
    }

    /// Says by which attribute the items of a table expire, durably: a top-level number of seconds since 1970. From that
    /// instant on nobody sees the item any more, and its space comes back by itself. What is not a number, or lies more than
    /// five years back when the item is written, is no date: such an item never expires.
    ///
    /// What is written from now on expires. Items that were there before get their expiry in the background: until the
    /// description says that expiry is enabled, some of them may not have it;
    /// [`wait_for_time_to_live`](Self::wait_for_time_to_live) waits for that. When expiry is disabled, what had expired
    /// stays so, and nothing else ever does.
    ///
    /// ```
    /// use pixii::{
    ///     Database, Item, KeyType, TableSchema, TimeToLiveDescription, TimeToLiveSpecification,
    ///     UpdateTimeToLiveRequest,
    /// };
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Sessions").partition_key("id", KeyType::Number).build()?;
    /// let sessions = database.create_table(schema)?;
    /// let attribute_name = "expires".to_owned();
    /// database.update_time_to_live(UpdateTimeToLiveRequest {
    ///     table_name: "Sessions".to_owned(),
    ///     time_to_live_specification: TimeToLiveSpecification {
    ///         attribute_name: attribute_name.clone(),
    ///         enabled: true,
    ///     },
    /// })?;
    /// database.wait_for_time_to_live("Sessions")?;
    /// let enabled = TimeToLiveDescription::Enabled { attribute_name };
    /// assert_eq!(database.describe_time_to_live("Sessions")?, enabled);
    ///
    /// let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later").as_secs();
    /// sessions.put(&Item::new().with("id", 1).with("expires", now + 3600))?;
    /// sessions.put(&Item::new().with("id", 2).with("expires", now - 1))?;
    /// assert!(sessions.get_item(1)?.is_some());
    /// assert!(sessions.get_item(2)?.is_none());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn update_time_to_live(&self, request: UpdateTimeToLiveRequest) -> Result<TimeToLiveSpecification> {
        self.store.catalog.update_time_to_live(&self.store.engine, request)
    }

    /// Tells by which attribute the items of the table `name` expire.
    pub fn describe_time_to_live(&self, name: &str) -> Result<TimeToLiveDescription> {
        self.store.catalog.describe_time_to_live(name)
    }

    /// Waits until all items of a table expire by its setting: also those that were there before it was made.
    pub fn wait_for_time_to_live(&self, table: &str) -> Result<()> {
        expiry_build::wait_until_enabled(&self.store.engine, &self.store.catalog, table)
    }

    /// Puts tags on a table, durably: all, or none. The table is named by its long name.
    ///
    /// ```
    /// use pixii::{Database, KeyType, TableSchema, Tag};
    ///
    /// let database = Database::in_memory()?;
    /// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
    /// let arn = database.describe_table("Notes")?.table_arn;
    /// let tag = Tag { key: "team".to_owned(), value: "green".to_owned() };
    /// database.tag_resource(&arn, vec![tag.clone()])?;
    /// assert_eq!(database.list_tags_of_resource(&arn)?, [tag]);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn tag_resource(&self, resource_arn: &str, tags: Vec<Tag>) -> Result<()> {
        self.store.catalog.tag_resource(&self.store.engine, resource_arn, tags)
    }

    /// Takes tags off a table, durably.
    pub fn untag_resource(&self, resource_arn: &str, tag_keys: &[String]) -> Result<()> {
        self.store.catalog.untag_resource(&self.store.engine, resource_arn, tag_keys)
    }

    /// A table's tags, in the order of their keys.
    pub fn list_tags_of_resource(&self, resource_arn: &str) -> Result<Vec<Tag>> {
        self.store.catalog.list_tags_of_resource(resource_arn)
    }

    /// Writes and removes up to 25 items of several tables, each by itself: some may be done when another fails, and
    /// the error says which.
    ///
    /// ```
    /// use pixii::{BatchWrite, BatchWriteRequest, Database, Item, KeyType, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// let writes = (0..20).map(|id| BatchWrite::Put(Item::new().with("id", id))).collect();
    /// database.batch_write(BatchWriteRequest {
    ///     writes: [("Notes".to_owned(), writes)].into(),
    ///     ..BatchWriteRequest::default()
    /// })?;
    /// assert_eq!(notes.scan().count()?, 20);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn batch_write(&self, request: BatchWriteRequest) -> Result<BatchWriteOutput, BatchWriteError> {
        self.submit_batch_write(request)?.wait()
    }

    /// Gives the writes of a batch their places in the order of commits without waiting for them to be acknowledged.
    pub fn submit_batch_write(&self, request: BatchWriteRequest) -> Result<PendingBatch> {
        write::batch::write(&self.store, request)
    }

    /// Reads up to 100 items of several tables at one moment.
    ///
    /// ```
    /// use pixii::{BatchGetRequest, Database, IntoKey, Item, KeyType, KeysAndAttributes, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// let keys = vec![1.into_key(), 2.into_key()];
    /// let asked = KeysAndAttributes { keys, ..KeysAndAttributes::default() };
    /// let answer = database.batch_get(BatchGetRequest {
    ///     tables: [("Notes".to_owned(), asked)].into(),
    ///     ..BatchGetRequest::default()
    /// })?;
    /// assert_eq!(answer.responses["Notes"].len(), 1);
    /// assert!(answer.unprocessed_keys.is_empty());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn batch_get(&self, request: BatchGetRequest) -> Result<BatchGetOutput> {
        read::batch::get(&self.store, request, |item| read_item(item, Operation::BatchGetItem))
    }

    /// Makes up to 100 writes of several tables, all or none.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, Item, KeyType, PutRequest, TableSchema, TransactWrite, TransactWriteRequest, attr};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Users").partition_key("email", KeyType::String).build()?;
    /// database.create_table(schema)?;
    /// let mut put = PutRequest::new(Item::new().with("email", "ada@example.com"));
    /// put.options.condition = Some(attr("email").not_exists().into_tree().expect("a name"));
    /// let request = TransactWriteRequest {
    ///     actions: vec![("Users".to_owned(), TransactWrite::Put(put))],
    ///     ..TransactWriteRequest::default()
    /// };
    /// database.transact_write(&request)?;
    /// let error = database.transact_write(&request).expect_err("the user exists");
    /// assert_eq!(error.kind(), ErrorKind::TransactionCanceled);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn transact_write(&self, request: &TransactWriteRequest) -> Result<TransactWriteOutput> {
        self.submit_transact_write(request)?.wait()
    }

    /// Gives a transaction its place in the order of commits without waiting for it to be acknowledged.
    pub fn submit_transact_write(&self, request: &TransactWriteRequest) -> Result<PendingTransaction> {
        write::transact::write(&self.store, request)
    }

    /// Runs a transaction over any tables and items, without DynamoDB's limits, and commits it durably.
    ///
    /// `body` reads one moment and sees its own writes. When it is done, everything is committed at once, unless somebody
    /// else has meanwhile written something that it has read, or put something where it has looked: then `body` is run
    /// again on the newer state. So it may run several times, and should do nothing beside the transaction. It is also run
    /// again, whatever it answers, if it has asked for a table that was made after that moment. Transactions
    /// are serializable, in the order of their commits. An error of `body` ends the transaction, which then does nothing;
    /// a commit whose [`outcome`](crate::dynamo::error::Error::outcome) is unknown is not run again.
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema, UpdateExpression};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Accounts").partition_key("id", KeyType::String).build()?;
    /// let accounts = database.create_table(schema)?;
    /// accounts.put(&Item::new().with("id", "ada").with("balance", 100))?;
    /// accounts.put(&Item::new().with("id", "bob").with("balance", 0))?;
    ///
    /// let moved = database.transact(|transaction| {
    ///     let ada = transaction.get_item(&accounts, "ada")?;
    ///     if ada.is_none_or(|ada| ada.get("balance") != Some(&100.into())) {
    ///         return Ok(false);
    ///     }
    ///     transaction.update(&accounts, "ada", UpdateExpression::new().add("balance", -30))?;
    ///     transaction.update(&accounts, "bob", UpdateExpression::new().add("balance", 30))?;
    ///     Ok(true)
    /// })?;
    /// assert!(moved);
    /// let bob = accounts.get_item("bob")?.expect("he is there");
    /// assert_eq!(bob.get("balance"), Some(&30.into()));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn transact<T>(&self, mut body: impl FnMut(&mut Transaction) -> Result<T>) -> Result<T> {
        loop {
            let mut transaction = self.begin_transaction()?;
            let answer = match body(&mut transaction) {
                Err(_) if transaction.is_overtaken() => continue,
                answer => answer?,
            };
            match transaction.into_inner().commit(Durability::Durable)? {
                Committed::Done(_) => return Ok(answer),
                Committed::Conflict => {}
            }
        }
    }

    /// Begins a transaction that the caller [submits](Transaction::submit), and runs again on a conflict:
    /// [`transact`](Self::transact) does both. A table that was made after the transaction began is refused with the kind
    /// [`TransactionConflict`](ErrorKind::TransactionConflict).
    ///
    /// ```
    /// use pixii::{Database, Durability, Item, KeyType, SubmittedTransaction, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// let mut transaction = database.begin_transaction()?;
    /// assert_eq!(transaction.get_item(&notes, 1)?, None);
    /// transaction.put(&notes, &Item::new().with("id", 1))?;
    /// notes.put(&Item::new().with("id", 1).with("text", "I was faster"))?;
    /// assert!(matches!(transaction.submit(Durability::Durable)?, SubmittedTransaction::Conflict));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn begin_transaction(&self) -> Result<Transaction> {
        InteractiveTransaction::begin(&self.store).map(Transaction::new)
    }

    /// Reads up to 100 items of several tables at one moment, in the order of the request.
    pub fn transact_get(&self, request: &TransactGetRequest) -> Result<TransactGetOutput> {
        read::transact::get(&self.store, request, |item| read_item(item, Operation::TransactGetItems))
    }

    /// The stream of the table `name`, or the last one that it had, if that can still be read. The name may be the long
    /// one.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, KeyType, StreamSpecification, StreamViewType, TableSchema, UpdateTableRequest};
    ///
    /// let database = Database::in_memory()?;
    /// database.create_table(TableSchema::builder("Orders").partition_key("id", KeyType::Number).build()?)?;
    /// assert_eq!(database.stream("Orders").expect_err("it has none").kind(), ErrorKind::ResourceNotFound);
    /// let stream_view_type = Some(StreamViewType::NewImage);
    /// database.update_table(UpdateTableRequest {
    ///     table_name: "Orders".to_owned(),
    ///     stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
    ///     ..UpdateTableRequest::default()
    /// })?;
    /// let stream = database.stream("Orders")?;
    /// assert_eq!(Some(stream.arn()), database.describe_table("Orders")?.latest_stream_arn);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn stream(&self, name: &str) -> Result<Stream> {
        let stream = describe::latest(&self.store.catalog, name)?;
        Ok(Stream::new(self.store.engine.clone(), Arc::clone(&self.store.catalog), stream))
    }

    /// A page of the streams that take records or can still be read.
    pub fn list_streams(&self, request: &ListStreamsRequest) -> Result<ListStreamsOutput> {
        describe::list_streams(&self.store.catalog, request)
    }

    /// Tells what a stream is, and its only shard.
    pub fn describe_stream(&self, request: &DescribeStreamRequest) -> Result<StreamDescription> {
        describe::describe_stream(&self.store.engine, &self.store.catalog, request)
    }

    /// Gives an iterator over a shard of a stream, which can be used for 15 minutes.
    pub fn get_shard_iterator(&self, request: &GetShardIteratorRequest) -> Result<String> {
        shard::get_shard_iterator(&self.store.engine, &self.store.catalog, request)
    }

    /// Reads records where an iterator says. In Rust, [`stream`](Self::stream) is easier.
    pub fn get_records(&self, request: &GetRecordsRequest) -> Result<GetRecordsOutput> {
        shard::get_records(&self.store.engine, &self.store.catalog, request)
    }

    /// Writes what is in memory to tables on disk. Nothing needs this to be durable.
    pub fn flush(&self) -> Result<()> {
        Ok(self.store.engine.flush()?)
    }

    /// Rewrites all tables on disk without what is overwritten or removed.
    pub fn compact(&self) -> Result<()> {
        Ok(self.store.engine.compact()?)
    }

    /// Syncs what is buffered and ends all work. Every later read and write of items, through any handle, is refused; iterators that had begun go on.
    pub fn close(&self) -> Result<()> {
        Ok(self.store.engine.close()?)
    }

    /// What the storage below counts.
    pub fn statistics(&self) -> Statistics {
        self.store.engine.statistics()
    }
}

/// As much of the log waits for an archive, in bytes, unless it is said otherwise.
const LOG_KEPT_BYTES: u64 = 1024 * 1024 * 1024;

/// How to open a database.
///
/// ```
/// use pixii::{Database, Environment};
/// use std::time::Duration;
///
/// let database = Database::options()
///     .environment(Environment::memory())
///     .sync_interval(Duration::from_millis(50))
///     .memtable_bytes(8 * 1024 * 1024)
///     .open("anywhere")?;
/// assert!(database.tables().is_empty());
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    environment: Environment,
    engine: EngineOptions,
    streams: StreamOptions,
    archive: Option<(Arc<dyn ArchiveObjects>, ArchiveOptions)>,
    expired_items: ExpiredItems,
    index_lag: Option<Duration>,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            environment: Environment::system(),
            engine: EngineOptions::default(),
            streams: StreamOptions::default(),
            archive: None,
            expired_items: ExpiredItems::default(),
            index_lag: None,
        }
    }
}

impl DatabaseOptions {
    /// The world that the database lives in: the operating system's, unless this is called.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// All settings of the storage below.
    pub fn engine(mut self, options: EngineOptions) -> Self {
        self.engine = options;
        self
    }

    /// Opens it only to be read: not a byte of its directory is written, which may be on a disk that cannot be written,
    /// and every write is refused with the kind [`ReadOnly`](ErrorKind::ReadOnly). What the log holds beyond the tables
    /// is read into memory.
    ///
    /// Any number of handles may read a database together, and nobody can have it open to write meanwhile: it is
    /// [`Locked`](ErrorKind::Locked) to whoever comes later. Nothing goes on in the background: expired items are
    /// hidden and stay, an index that is being filled stays as it is, no archive is made. A checkpoint can be read so
    /// without becoming a database of its own.
    ///
    /// ```
    /// use pixii::{Database, ErrorKind, Item, KeyType, TableSchema};
    ///
    /// let directory = tempfile::tempdir().expect("a directory");
    /// let database = Database::open(directory.path())?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// database.close()?;
    ///
    /// let one = Database::options().read_only().open(directory.path())?;
    /// let other = Database::options().read_only().open(directory.path())?;
    /// assert_eq!(other.table("Notes")?.scan().count()?, 1);
    /// let refused = one.table("Notes")?.put(&Item::new().with("id", 2)).expect_err("it is only read");
    /// assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn read_only(self) -> Self {
        self.change_engine(|engine| engine.access = Access::ReadOnly)
    }

    /// Buffered writes are synced at this interval: what the death of the machine can take.
    pub fn sync_interval(mut self, interval: Duration) -> Self {
        self.engine.sync_interval = interval;
        self
    }

    /// Memory that writes fill before they are flushed to a table on disk, in bytes.
    pub fn memtable_bytes(mut self, bytes: usize) -> Self {
        self.engine.memtable_bytes = bytes;
        self
    }

    /// The records of streams are kept for this long, and streams that have ended can be read for as long: 24 hours,
    /// unless this is called.
    pub fn stream_retention(mut self, retention: Duration) -> Self {
        self.streams.retention = retention;
        self
    }

    /// What becomes of expired items of tables for which expiry is enabled from now on. Unless this is called nobody sees
    /// them from their instant on; DynamoDB's letter is that they are seen, and can be rescued by a new date, until a
    /// sweeper has deleted them, which here comes soon. A table keeps what was chosen when its expiry was enabled.
    ///
    /// ```
    /// use pixii::{Database, ExpiredItems};
    ///
    /// let options = Database::options().expired_items(ExpiredItems::ShownUntilSwept);
    /// options.environment(pixii::Environment::memory()).open("memory")?;
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn expired_items(mut self, expired_items: ExpiredItems) -> Self {
        self.expired_items = expired_items;
        self
    }

    /// Opens a new database that is gone when its last handle is.
    pub fn open_in_memory(self) -> Result<Database> {
        self.environment(Environment::memory()).open("memory")
    }

    pub(super) fn change_engine(mut self, change: impl FnOnce(&mut EngineOptions)) -> Self {
        change(&mut self.engine);
        self
    }

    pub(super) fn set_archive(mut self, objects: Arc<dyn ArchiveObjects>, options: ArchiveOptions) -> Self {
        self.archive = Some((objects, options));
        self
    }

    pub(super) fn engine_options(&self) -> &EngineOptions {
        &self.engine
    }

    pub(super) fn world(&self) -> &Environment {
        &self.environment
    }

    /// For tests of code that is to run on DynamoDB as well: queries and scans of global indexes lag behind by up to
    /// `lag`, as they do there. Everything else, local indexes and transactions among it, sees every write at once.
    ///
    /// A read of a global index stands at one moment of the last `lag`, and never before the one of an earlier read. A
    /// write that is at least as old as `lag` is always seen. Under the simulated clock the same steps see the same.
    ///
    /// ```
    /// use pixii::{Database, GlobalIndex, Item, KeyType, TableSchema};
    /// use std::time::Duration;
    ///
    /// let database = Database::options()
    ///     .environment(pixii::Environment::memory())
    ///     .global_index_lag(Duration::from_secs(3600))
    ///     .open("anywhere")?;
    /// let by_owner = GlobalIndex::builder("ByOwner").partition_key("owner", KeyType::String);
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).global_index(by_owner);
    /// let notes = database.create_table(schema.build()?)?;
    /// notes.put(&Item::new().with("id", 1).with("owner", "ada"))?;
    /// assert!(notes.get_item(1)?.is_some());
    /// assert_eq!(notes.query("ada").index("ByOwner").count()?, 0, "within the hour, perhaps");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn global_index_lag(mut self, lag: Duration) -> Self {
        self.index_lag = Some(lag);
        self
    }

    /// Opens the database in `directory`, which is created if it is missing.
    pub fn open(self, directory: impl AsRef<Path>) -> Result<Database> {
        let Self { environment, mut engine, streams, archive, expired_items, index_lag } = self;
        if archive.is_some() && engine.log_kept_bytes == 0 {
            engine.log_kept_bytes = LOG_KEPT_BYTES;
        }
        let mut store = Store::open_with(environment, directory.as_ref(), engine, expired_items)?;
        let is_read_only = store.engine.is_read_only();
        if let Some((objects, options)) = archive.filter(|_| !is_read_only) {
            store.begin_archive(objects, options)?;
        }
        if let Some(lag) = index_lag {
            store = store.with_index_lag(lag);
        }
        if is_read_only {
            return Ok(Database { store });
        }
        let trimmer = StreamTrimmer::new(Arc::clone(&store.catalog), streams);
        store.engine.spawn("pixii-streams", Arc::new(Event::new()), Box::new(trimmer))?;
        Ok(Database { store })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("tables", &self.tables()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, Projection, TableSchema};
    use crate::dynamo::value::Item;

    fn schema(name: &str) -> TableSchema {
        let by_x = GlobalIndex::builder("ByX").partition_key("x", KeyType::Number);
        let schema = TableSchema::builder(name)
            .partition_key("pk", KeyType::String)
            .sort_key("sk", KeyType::Binary)
            .global_index(by_x.projection(Projection::include(["a"])));
        schema.build().expect("a valid schema")
    }

    fn item() -> Item {
        Item::new().with("pk", "p").with("sk", [7_u8]).with("x", 1)
    }

    fn counts(table: &Table) -> (usize, usize) {
        (table.scan().into_iter().count(), table.scan().index("ByX").into_iter().count())
    }

    #[test]
    fn tables_are_there_when_the_database_is_opened_again() {
        let environment = Environment::memory();
        let open = || Database::options().environment(environment.clone()).open("db").expect("it opens");
        let database = open();
        database.create_table(schema("Two")).expect("a new table");
        let one = database.create_table(schema("One")).expect("a new table");
        one.put(&item()).expect("the item is valid");
        database.close().expect("it closes");
        drop((one, database));

        let database = open();
        assert_eq!(database.tables(), ["One", "Two"]);
        let one = database.table("One").expect("it was made");
        assert_eq!(one.schema(), &schema("One"));
        assert_eq!(counts(&one), (1, 1));
        let three = database.create_table(schema("Three")).expect("a new table");
        assert_eq!(counts(&three), (0, 0));
        three.put(&item().with("sk", [8_u8])).expect("the item is valid");
        assert_eq!((counts(&one), counts(&three)), ((1, 1), (1, 1)));
        assert_eq!(counts(&database.table("Two").expect("it was made")), (0, 0));
    }

    #[test]
    fn of_many_who_make_a_table_one_does_and_all_find_it() {
        let database = Database::in_memory().expect("a new database");
        let made = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let made = database.create_table(schema("Items"));
                        database.table("Items").expect("whoever hears of it finds it");
                        made.map_err(|error| (error.kind(), error.to_string()))
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().expect("no panic")).collect::<Vec<_>>()
        });
        let refused = made.iter().filter_map(|made| made.as_ref().err());
        let refused: Vec<_> = refused.cloned().collect();
        let exists = (ErrorKind::ResourceInUse, "Table already exists: Items".to_owned());
        assert_eq!(refused, vec![exists; 3]);
    }

    #[test]
    fn a_missing_table_is_told_from_an_impossible_name() {
        let database = Database::in_memory().expect("a new database");
        let missing = database.table("Music").expect_err("nobody made it");
        assert_eq!(missing.exception(), "ResourceNotFoundException");
        let impossible = database.table("a b").expect_err("no table has that name");
        assert_eq!(
            impossible.to_string(),
            "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        );
    }

    #[test]
    fn a_closed_database_takes_no_writes() {
        let database = Database::in_memory().expect("a new database");
        let table = database.create_table(schema("Items")).expect("a new table");
        database.close().expect("it closes");
        let error = table.put(&item()).expect_err("it is closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
}
