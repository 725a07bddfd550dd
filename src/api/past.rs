//! The database as it was: tables and indexes as of a past moment, to be read.

use super::handle::Handle;
use super::key::IntoKey;
use super::query::{Query, Scan, read_item, read_typed};
use super::table::Table;
use crate::dynamo::backup::request::RestoredIndexes;
use crate::dynamo::backup::undrop;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::past::{Changes, PastStore};
use crate::dynamo::read::get;
use crate::dynamo::read::request::{GetOutput, GetRequest, Page, QueryRequest, ScanRequest};
use crate::dynamo::read::walk::Walk;
use crate::dynamo::schema::TableSchema;
use crate::dynamo::store::Store;
use crate::dynamo::value::{Item, Value};
use serde::de::DeserializeOwned;
use std::fmt;

/// The database at a past moment, given by [`Database::as_of`](super::database::Database::as_of): its tables and their indexes are
/// as they were then, all at one moment, those included that were deleted since. Cheap to clone; what it sees is kept until
/// the last clone is dropped.
#[derive(Clone)]
pub struct Past {
    inner: PastStore,
    /// The database as it is.
    present: Store,
}

/// A table as it was at a past moment.
#[derive(Clone)]
pub struct PastTable {
    handle: Handle,
}

impl Past {
    pub(super) fn new(inner: PastStore, present: Store) -> Self {
        Self { inner, present }
    }

    /// Makes a table of the database, `target`, that is what the table `name` was at this moment, with its indexes, and
    /// waits until it is there: also if that was dropped since. What does not come along is what
    /// [`restore_table_to_point_in_time`](super::database::Database::restore_table_to_point_in_time) says.
    ///
    /// ```
    /// use pixii::{AsOf, Database, Item, KeyType, TableSchema};
    /// use std::time::Duration;
    ///
    /// let database = Database::options().history(Duration::from_secs(3600)).open_in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// let before = database.as_of_now()?.sequence_number();
    /// database.delete_table("Notes")?;
    /// let notes = database.as_of(AsOf::sequence(before))?.restore_table("Notes", "Notes")?;
    /// assert!(notes.get_item(1)?.is_some());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn restore_table(&self, name: &str, target: &str) -> Result<Table> {
        let indexes = RestoredIndexes::default();
        let table = undrop::restore(&self.present, &self.inner, name, target, &indexes, &mut |_| ())?;
        Ok(Table::new(self.present.clone(), table))
    }

    /// The last commit that is seen.
    pub fn sequence_number(&self) -> u64 {
        self.inner.snapshot().seqno().0
    }

    /// The time by which it is judged what has expired, in milliseconds since 1970.
    pub fn time_millis(&self) -> u64 {
        self.inner.snapshot().time().0
    }

    /// The names of the tables that there were.
    pub fn tables(&self) -> Vec<String> {
        self.inner.store().catalog.names()
    }

    /// The table that had the name `name`.
    pub fn table(&self, name: &str) -> Result<PastTable> {
        let store = self.inner.store().clone();
        let table = store.catalog.find(Operation::DescribeTable, name)?;
        Ok(PastTable { handle: Handle { store, table, at: Some(self.inner.snapshot().clone()) } })
    }

    /// What changed of the table `name` from this moment to a later one: each item that was added, removed or is another
    /// one, in the order of their keys.
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema};
    /// use std::time::Duration;
    ///
    /// let database = Database::options().history(Duration::from_secs(60)).open_in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// notes.put(&Item::new().with("id", 1))?;
    /// let before = database.as_of_now()?;
    /// notes.put(&Item::new().with("id", 2))?;
    /// notes.delete(1)?;
    /// let changes = before.changes_until(&database.as_of_now()?, "Notes")?;
    /// let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
    /// assert_eq!(changes[0].old, Some(Item::new().with("id", 1)));
    /// assert_eq!(changes[1].new, Some(Item::new().with("id", 2)));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn changes_until(&self, later: &Past, table: &str) -> Result<Changes> {
        self.inner.changes_until(&later.inner, table)
    }
}

impl PastTable {
    /// The table's name.
    pub fn name(&self) -> &str {
        self.schema().name()
    }

    /// What the table was.
    pub fn schema(&self) -> &TableSchema {
        self.handle.table.schema()
    }

    /// Reads an item as a `T`, directly from where it is stored.
    pub fn get<T: DeserializeOwned>(&self, key: impl IntoKey) -> Result<Option<T>> {
        let Handle { store, table, at } = &self.handle;
        get::whole(store, table, &key.into_key(), at.as_ref(), |item| read_typed(item, Operation::GetItem))
    }

    /// Reads an item with all its attributes.
    pub fn get_item(&self, key: impl IntoKey) -> Result<Option<Item>> {
        let Handle { store, table, at } = &self.handle;
        get::whole(store, table, &key.into_key(), at.as_ref(), |item| read_item(item, Operation::GetItem))
    }

    /// Reads an item, or a part of it.
    pub fn get_request(&self, request: &GetRequest) -> Result<GetOutput> {
        let Handle { store, table, at } = &self.handle;
        get::get(store, table, request, at.as_ref(), |item| read_item(item, Operation::GetItem))
    }

    /// The items of one partition, in the order of their sort keys.
    pub fn query(&self, partition: impl Into<Value>) -> Query<'_> {
        Query::new(&self.handle, Ok(vec![partition.into()]))
    }

    /// All items.
    pub fn scan(&self) -> Scan<'_> {
        Scan::new(&self.handle)
    }

    /// Reads a page of a query, as DynamoDB cuts it.
    pub fn query_page(&self, request: QueryRequest) -> Result<Page<Item>> {
        let Handle { store, table, at } = &self.handle;
        let walk = Walk::query_as_of(store, table, request, at.as_ref())?;
        walk.page(|item| read_item(item, Operation::Query))
    }

    /// Reads a page of a scan, as DynamoDB cuts it.
    pub fn scan_page(&self, request: ScanRequest) -> Result<Page<Item>> {
        let Handle { store, table, at } = &self.handle;
        let walk = Walk::scan_as_of(store, table, request, at.as_ref())?;
        walk.page(|item| read_item(item, Operation::Scan))
    }
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Past")
            .field("sequence_number", &self.sequence_number())
            .field("tables", &self.tables())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PastTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PastTable").field("name", &self.name()).finish_non_exhaustive()
    }
}
