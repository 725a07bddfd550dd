//! A table: the handle that items are written and read through.

use super::handle::Handle;
use super::key::IntoKey;
use super::query::{Query, Scan, read_item, read_typed};
use super::write::{Delete, Put, Update};
use crate::base::codec::DecodeError;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::item_key::Key;
use crate::dynamo::read::get;
use crate::dynamo::read::request::{GetOutput, GetRequest, Page, QueryRequest, ScanRequest};
use crate::dynamo::read::walk::Walk;
use crate::dynamo::schema::TableSchema;
use crate::dynamo::serde::ser::to_item;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::value::{Item, Value};
use crate::dynamo::write::request::{DeleteRequest, PutRequest, UpdateRequest};
use crate::dynamo::write::single::{self, Pending};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// A table of an open database. Cheap to clone, and shared freely between threads.
///
/// Anything that serde can serialise to a map is an item; [`Item`] itself is one, exactly.
///
/// ```
/// use pixii::{Database, KeyType, TableSchema};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Debug, PartialEq)]
/// struct Song {
///     artist: String,
///     title: String,
///     plays: u64,
/// }
///
/// let database = Database::in_memory()?;
/// let songs = database.create_table(
///     TableSchema::builder("Songs")
///         .partition_key("artist", KeyType::String)
///         .sort_key("title", KeyType::String)
///         .build()?,
/// )?;
///
/// let zombie = Song { artist: "Fela".into(), title: "Zombie".into(), plays: 7 };
/// songs.put(&zombie)?;
/// assert_eq!(songs.get(("Fela", "Zombie"))?, Some(zombie));
/// songs.delete(("Fela", "Zombie"))?;
/// assert_eq!(songs.get::<Song>(("Fela", "Zombie"))?, None);
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone)]
pub struct Table {
    handle: Handle,
}

impl Table {
    pub(super) fn new(store: Store, table: Arc<TableDescriptor>) -> Self {
        Self { handle: Handle { store, table, at: None } }
    }

    pub(super) fn descriptor(&self) -> &Arc<TableDescriptor> {
        &self.handle.table
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        self.schema().name()
    }

    /// What the table was when this handle was made.
    pub fn schema(&self) -> &TableSchema {
        self.handle.table.schema()
    }

    /// Writes an item whole, in place of the one that has its key, and waits until that is durable.
    pub fn put<T: Serialize + ?Sized>(&self, item: &T) -> Result<()> {
        self.put_request(item).send().map(drop)
    }

    /// Writes an item whole that is an [`Item`] already, and waits until that is durable.
    pub fn put_item(&self, item: Item) -> Result<()> {
        Put::new(&self.handle, Ok(item)).send().map(drop)
    }

    /// A put with options.
    ///
    /// ```
    /// # use pixii::{Database, Item, KeyType, TableSchema};
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// visits.put(&Item::new().with("page", "/").with("count", 1))?;
    /// let answer = visits.put_request(&Item::new().with("page", "/").with("count", 2)).return_old().buffered().send()?;
    /// assert_eq!(answer.attributes.and_then(|old| old.get("count").cloned()), Some(1.into()));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn put_request<T: Serialize + ?Sized>(&self, item: &T) -> Put<'_> {
        self.put_of(to_item(item).map_err(|error| Error::new(Operation::PutItem, Fault::Serde(error))))
    }

    pub(super) fn put_of(&self, item: Result<Item>) -> Put<'_> {
        Put::new(&self.handle, item)
    }

    /// Reads an item as a `T`, directly from where it is stored.
    pub fn get<T: DeserializeOwned>(&self, key: impl IntoKey) -> Result<Option<T>> {
        let Handle { store, table, .. } = &self.handle;
        get::whole(store, table, &key.into_key(), None, |item| read_typed(item, Operation::GetItem))
    }

    /// Looks into an item where it is stored: only what `read` asks for is decoded, and nothing is copied. The fastest way
    /// to an attribute or two.
    ///
    /// Nothing that `read` is lent outlives it. It should be short: what compaction replaces meanwhile is freed only after
    /// it.
    ///
    /// ```
    /// # use pixii::{Database, Item, KeyType, TableSchema};
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// visits.put(&Item::new().with("page", "/").with("title", "Home").with("body", "long"))?;
    /// let length = visits.view("/", |page| {
    ///     let title = page.get("title")?;
    ///     Ok(title.map(|title| title.as_str()).transpose()?.flatten().map(str::len))
    /// })?;
    /// assert_eq!(length, Some(Some(4)));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn view<R>(
        &self,
        key: impl IntoKey,
        read: impl FnOnce(&StoredItem<'_>) -> Result<R, DecodeError>,
    ) -> Result<Option<R>> {
        let Handle { store, table, .. } = &self.handle;
        let read = |item: &StoredItem<'_>| read(item).map_err(|error| Error::damaged("item", error));
        get::whole(store, table, &key.into_key(), None, read)
    }

    /// Reads an item with all its attributes.
    pub fn get_item(&self, key: impl IntoKey) -> Result<Option<Item>> {
        let Handle { store, table, .. } = &self.handle;
        get::whole(store, table, &key.into_key(), None, |item| read_item(item, Operation::GetItem))
    }

    /// A change of attributes of an item, which is made if it is missing.
    ///
    /// ```
    /// # use pixii::{Database, ErrorKind, Item, KeyType, TableSchema, attr};
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// visits.update("/").add("count", 1).set("seen", true).send()?;
    /// let answer = visits.update("/").add("count", 1).condition(attr("seen").eq(true)).return_new().send()?;
    /// assert_eq!(answer.attributes.and_then(|item| item.get("count").cloned()), Some(2.into()));
    ///
    /// let error = visits.update("/").remove("seen").condition(attr("count").gt(5)).send().expect_err("it is 2");
    /// assert_eq!(error.kind(), ErrorKind::ConditionalCheckFailed);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn update(&self, key: impl IntoKey) -> Update<'_> {
        self.update_of(Ok(key.into_key()))
    }

    pub(super) fn update_of(&self, key: Result<Key>) -> Update<'_> {
        Update::new(&self.handle, key)
    }

    /// Removes an item, and waits until that is durable. Nothing happens to a missing one.
    pub fn delete(&self, key: impl IntoKey) -> Result<()> {
        self.delete_request(key).send().map(drop)
    }

    /// A delete with options.
    ///
    /// ```
    /// # use pixii::{Database, Item, KeyType, TableSchema};
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// # visits.put(&Item::new().with("page", "/"))?;
    /// assert!(visits.delete_request("/").return_old().send()?.attributes.is_some());
    /// assert!(visits.delete_request("/").return_old().send()?.attributes.is_none());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn delete_request(&self, key: impl IntoKey) -> Delete<'_> {
        self.delete_of(Ok(key.into_key()))
    }

    pub(super) fn delete_of(&self, key: Result<Key>) -> Delete<'_> {
        Delete::new(&self.handle, key)
    }

    /// The items of a partition of the table, or of an index, in the order of their sort key.
    ///
    /// ```
    /// # use pixii::{Database, GlobalIndex, Item, KeyType, TableSchema};
    /// # let database = Database::in_memory()?;
    /// let messages = database.create_table(
    ///     TableSchema::builder("Messages")
    ///         .partition_key("Room", KeyType::String)
    ///         .sort_key("SentAt", KeyType::Number)
    ///         .global_index(
    ///             GlobalIndex::builder("BySender")
    ///                 .partition_key("Sender", KeyType::String)
    ///                 .sort_key("SentAt", KeyType::Number),
    ///         )
    ///         .build()?,
    /// )?;
    /// for (room, sent_at, sender) in [("kitchen", 1, "ada"), ("garden", 2, "ada"), ("garden", 3, "bob")] {
    ///     messages.put(&Item::new().with("Room", room).with("SentAt", sent_at).with("Sender", sender))?;
    /// }
    /// let by_ada = messages.query("ada").index("BySender").sort_key_greater(1).page()?;
    /// assert_eq!(by_ada.count, 1);
    /// assert_eq!(by_ada.items[0].get("Room"), Some(&"garden".into()));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn query(&self, partition: impl Into<Value>) -> Query<'_> {
        self.query_of(Ok(vec![partition.into()]))
    }

    pub(super) fn query_of(&self, partition: Result<Vec<Value>>) -> Query<'_> {
        Query::new(&self.handle, partition)
    }

    /// All items of the table, or of an index.
    ///
    /// ```
    /// # use pixii::{Database, Item, KeyType, TableSchema};
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// for page in ["/", "/about", "/news"] {
    ///     visits.put(&Item::new().with("page", page))?;
    /// }
    /// let first = visits.scan().limit(2).page()?;
    /// let next = first.last_evaluated_key.expect("two items are not all");
    /// assert_eq!(first.items.len() + visits.scan().start_after(next).into_iter().count(), 3);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn scan(&self) -> Scan<'_> {
        Scan::new(&self.handle)
    }
}

/// Requests as plain data, for those who translate them from elsewhere.
impl Table {
    /// Begins to write an item.
    ///
    /// ```
    /// # use pixii::{Database, Item, KeyType, TableSchema};
    /// use pixii::{PutRequest, ReturnValues};
    ///
    /// # let database = Database::in_memory()?;
    /// # let schema = TableSchema::builder("Visits").partition_key("page", KeyType::String).build()?;
    /// # let visits = database.create_table(schema)?;
    /// let mut request = PutRequest::new(Item::new().with("page", "/"));
    /// request.options.return_values = ReturnValues::AllOld;
    /// let pending = visits.submit_put(&request)?;
    /// assert_eq!(pending.wait()?.attributes, None);
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn submit_put(&self, request: &PutRequest) -> Result<Pending> {
        single::put(&self.handle.store, &self.handle.table, request)
    }

    /// Begins to change an item.
    pub fn submit_update(&self, request: &UpdateRequest) -> Result<Pending> {
        single::update(&self.handle.store, &self.handle.table, request)
    }

    /// Begins to remove an item.
    pub fn submit_delete(&self, request: &DeleteRequest) -> Result<Pending> {
        single::delete(&self.handle.store, &self.handle.table, request)
    }

    /// Reads an item, or what a projection names of it.
    pub fn get_request(&self, request: &GetRequest) -> Result<GetOutput> {
        let Handle { store, table, .. } = &self.handle;
        get::get(store, table, request, None, |item| read_item(item, Operation::GetItem))
    }

    /// Reads a page of a query.
    pub fn query_page(&self, request: QueryRequest) -> Result<Page> {
        let walk = Walk::query(&self.handle.store, &self.handle.table, request)?;
        walk.page(|item| read_item(item, Operation::Query))
    }

    /// Reads a page of a scan.
    pub fn scan_page(&self, request: ScanRequest) -> Result<Page> {
        let walk = Walk::scan(&self.handle.store, &self.handle.table, request)?;
        walk.page(|item| read_item(item, Operation::Scan))
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("schema", self.schema()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Database;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::value::tests::any_item;
    use proptest::prelude::*;

    fn table() -> Table {
        let schema = TableSchema::builder("Items").partition_key("the key", KeyType::Number).build();
        let database = Database::in_memory().expect("a new database");
        database.create_table(schema.expect("a valid schema")).expect("a new table")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn items_come_back_exactly_as_they_were_written(items in prop::collection::vec(any_item(), 1..8)) {
            let table = table();
            let items = items.into_iter().zip(0..).map(|(item, key)| item.with("the key", key));
            for (key, item) in items.enumerate() {
                table.put(&item).expect("the item is valid");
                prop_assert_eq!(table.get_item(key).expect("it can be read"), Some(item.clone()));
                table.delete(key).expect("the key is valid");
                prop_assert_eq!(table.get_item(key).expect("it can be read"), None);
                table.put_item(item.clone()).expect("the item is valid");
                prop_assert_eq!(table.get::<Item>(key).expect("it can be read"), Some(item));
            }
        }
    }

    #[test]
    fn a_stored_item_that_does_not_fit_the_type_says_where() {
        let table = table();
        table.put(&Item::new().with("the key", 1).with("count", 300)).expect("the item is valid");
        let error = table.get::<std::collections::BTreeMap<String, u8>>(1).expect_err("300 is no u8");
        assert_eq!(error.kind(), crate::ErrorKind::Serialization);
        assert!(error.to_string().starts_with("count: "), "{error}");
    }
}
