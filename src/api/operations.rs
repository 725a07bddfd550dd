//! DynamoDB's operations as its protocol has them: on items by the name of their table, and answered from where the items
//! are stored. Whoever serves the protocol needs no more; in Rust, [`Table`](super::table::Table) is easier.
//!
//! What is wrong with a request is said before its table is looked up. The name may be the long one.
//!
//! ```
//! use pixii::{Database, GetRequest, IntoKey, Item, KeyType, PutRequest, TableSchema};
//!
//! let database = Database::in_memory()?;
//! database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
//! let operations = database.operations();
//! operations.put("Notes", &PutRequest::new(Item::new().with("id", 1).with("text", "hello")))?.wait()?;
//!
//! let request = GetRequest::new(1.into_key());
//! let length = operations.get("Notes", &request, |item| Ok(item.len()))?.item;
//! assert_eq!(length, Some(2));
//! # Ok::<(), pixii::Error>(())
//! ```

use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::read::request::{
    BatchGetOutput, BatchGetRequest, GetOutput, GetRequest, Page, QueryRequest, ScanRequest,
    TransactGetOutput, TransactGetRequest,
};
use crate::dynamo::read::walk::Walk;
use crate::dynamo::read::{batch, get, transact};
use crate::dynamo::schema::TableSchema;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::tables::description::TableDescription;
use crate::dynamo::tables::request::CreateTableRequest;
use crate::dynamo::write::request::{DeleteRequest, PutRequest, UpdateRequest};
use crate::dynamo::write::single::{self, Pending};

/// The operations on the items of a database. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    store: Store,
}

impl Operations {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes a table, durably, and tells what it is as DynamoDB does: it is there, and is said to be on its way.
    pub fn create_table(&self, request: CreateTableRequest) -> Result<TableDescription> {
        let table = self.store.catalog.create_table(&self.store.engine, request)?;
        Ok(TableDescription::of_created(table.record(), table.created_at_millis()))
    }

    /// The definition of a table, for `operation`.
    pub fn schema(&self, operation: Operation, table: &str) -> Result<TableSchema> {
        Ok(self.store.catalog.find(operation, table)?.schema().clone())
    }

    /// Begins to write an item whole.
    pub fn put(&self, table: &str, request: &PutRequest) -> Result<Pending> {
        single::put_in(&self.store, table, request)
    }

    /// Begins to change an item.
    pub fn update(&self, table: &str, request: &UpdateRequest) -> Result<Pending> {
        single::update_in(&self.store, table, request)
    }

    /// Begins to remove an item.
    pub fn delete(&self, table: &str, request: &DeleteRequest) -> Result<Pending> {
        single::delete_in(&self.store, table, request)
    }

    /// Reads an item, and gives what is asked for of it to `read`.
    pub fn get<R>(
        &self,
        table: &str,
        request: &GetRequest,
        read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
    ) -> Result<GetOutput<R>> {
        get::get_in(&self.store, table, request, read)
    }

    /// Reads a page of a query, and gives what is asked for of each item to `read`.
    pub fn query<R>(
        &self,
        table: &str,
        request: QueryRequest,
        read: impl FnMut(&StoredItem<'_>) -> Result<R>,
    ) -> Result<Page<R>> {
        Walk::query_in(&self.store, table, request)?.page(read)
    }

    /// Reads a page of a scan, and gives what is asked for of each item to `read`.
    pub fn scan<R>(
        &self,
        table: &str,
        request: ScanRequest,
        read: impl FnMut(&StoredItem<'_>) -> Result<R>,
    ) -> Result<Page<R>> {
        Walk::scan_in(&self.store, table, request)?.page(read)
    }

    /// Reads items of several tables, and gives what is asked for of each to `read`.
    pub fn batch_get<R>(
        &self,
        request: BatchGetRequest,
        read: impl FnMut(&StoredItem<'_>) -> Result<R>,
    ) -> Result<BatchGetOutput<R>> {
        batch::get(&self.store, request, read)
    }

    /// Reads items of several tables at one moment, and gives what is asked for of each to `read`.
    pub fn transact_get<R>(
        &self,
        request: &TransactGetRequest,
        read: impl FnMut(&StoredItem<'_>) -> Result<R>,
    ) -> Result<TransactGetOutput<R>> {
        transact::get(&self.store, request, read)
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::*;
    use crate::dynamo::error::{Error, ErrorKind};
    use crate::dynamo::expression::tree::{ProjectionExpression, Update};
    use crate::dynamo::item_key::Key;
    use crate::dynamo::read::request::{KeyConditions, ReadOptions};
    use crate::dynamo::value::{Item, Value};

    #[test]
    fn what_is_wrong_with_a_request_is_said_before_there_is_no_such_table() {
        let operations = Database::in_memory().expect("a new database").operations();
        let key = || Key::Attributes(Item::new().with("pk", "p"));
        let unnamed = || Item::new().with("", 1);
        let kind = |error: Error| (error.kind(), error.to_string());

        let put = |item| operations.put("Missing", &PutRequest::new(item)).map(drop);
        let update =
            |key| operations.update("Missing", &UpdateRequest::new(key, Update::default())).map(drop);
        let delete = |key| operations.delete("Missing", &DeleteRequest::new(key)).map(drop);
        let get = |projection| {
            let request = GetRequest { projection, ..GetRequest::new(key()) };
            operations.get("Missing", &request, |_| Ok(())).map(drop)
        };
        let query = |limit| {
            let options = ReadOptions { limit, ..ReadOptions::default() };
            let key = KeyConditions::Places { partition: vec![Value::from("p")], sort: Vec::new() };
            let request = QueryRequest { key, options, ..QueryRequest::default() };
            operations.query("Missing", request, |_| Ok(())).map(drop)
        };
        let scan = |limit| {
            let options = ReadOptions { limit, ..ReadOptions::default() };
            operations
                .scan("Missing", ScanRequest { options, ..ScanRequest::default() }, |_| Ok(()))
                .map(drop)
        };
        for (wrong, right) in [
            (put(unnamed()), put(Item::new().with("pk", "p"))),
            (update(Key::Attributes(unnamed())), update(key())),
            (delete(Key::Attributes(unnamed())), delete(key())),
            (get(Some(ProjectionExpression::default())), get(None)),
            (query(Some(0)), query(None)),
            (scan(Some(0)), scan(None)),
        ] {
            assert_eq!(wrong.map_err(kind).map_err(|(kind, _)| kind), Err(ErrorKind::Validation));
            let missing = (ErrorKind::ResourceNotFound, "Requested resource not found".to_owned());
            assert_eq!(right.map_err(kind), Err(missing));
        }
    }
}
