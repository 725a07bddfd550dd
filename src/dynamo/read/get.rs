//! `GetItem`.

use super::check;
use super::gone;
use super::output::{Shown, damaged};
use super::paths;
use super::request::{Consistency, GetOutput, GetRequest};
use crate::dynamo::capacity::{Direction, Meter, ReadMode, ReturnConsumedCapacity, Units};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::item_key::{self, Key};
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;
use crate::engine::snapshot::Snapshot;
use std::sync::Arc;

/// Reads the item of `key`, whole, and gives it to `read` where it is stored.
pub fn whole<R>(
    store: &Store,
    table: &Arc<TableDescriptor>,
    key: &Key,
    at: Option<&Snapshot>,
    read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
) -> Result<Option<R>> {
    let fault = |fault| Error::new(Operation::GetItem, fault);
    key.validate().map_err(|error| fault(error.into()))?;
    let table = store.catalog.current(Operation::GetItem, table)?;
    let key = item_key::of_request(&table, key).map_err(fault)?;
    read_key(store, &table, &key, at, |value| read(&StoredItem::parse(value).map_err(damaged)?))?.transpose()
}

/// Reads a key of a table that was there a moment ago.
fn read_key<R>(
    store: &Store,
    table: &TableDescriptor,
    key: &[u8],
    at: Option<&Snapshot>,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<Option<R>> {
    let found = store.engine.get(key, at, read)?;
    if found.is_none() {
        gone::check_table(store, Operation::GetItem, table)?;
    }
    Ok(found)
}

/// Reads an item, and gives what is asked for of it to `read`.
pub fn get<R>(
    store: &Store,
    table: &Arc<TableDescriptor>,
    request: &GetRequest,
    at: Option<&Snapshot>,
    read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
) -> Result<GetOutput<R>> {
    let operation = Operation::GetItem;
    let fault = |fault| Error::new(operation, fault);
    request.key.validate().map_err(|error| fault(error.into()))?;
    let projection = check::projection(request.projection.as_ref(), request.legacy.as_ref());
    let projection = projection.map_err(fault)?;
    let table = store.catalog.current(operation, table)?;
    let key = item_key::of_request(&table, &request.key).map_err(fault)?;
    let paths = projection.iter().flat_map(|projection| &projection.paths);
    paths::check(&table, paths).map_err(fault)?;
    let shown = Shown::new(projection.as_deref());
    let wants_capacity = request.return_consumed_capacity != ReturnConsumedCapacity::None;
    let found = read_key(store, &table, &key, at, |value| {
        let item = StoredItem::parse(value).map_err(damaged)?;
        let size_bytes = if wants_capacity { item.size_bytes().map_err(damaged)? } else { 0 };
        Ok::<_, Error>((size_bytes, shown.show(&item, &mut Vec::new(), read)?))
    })?;
    let (size_bytes, item) = found.transpose()?.map_or((0, None), |(size, item)| (size, Some(item)));
    let mut meter = Meter::default();
    meter.add_table(Units::of_read(size_bytes, request.consistency.read_mode()));
    let name = table.schema().name();
    let consumed_capacity = meter.told(name, request.return_consumed_capacity, Direction::Untold);
    Ok(GetOutput { item, consumed_capacity })
}

/// Reads an item of the table `name`. What is wrong with the request is said before there is no such table.
pub fn get_in<R>(
    store: &Store,
    name: &str,
    request: &GetRequest,
    read: impl FnOnce(&StoredItem<'_>) -> Result<R>,
) -> Result<GetOutput<R>> {
    let operation = Operation::GetItem;
    let fault = |fault| Error::new(operation, fault);
    Catalog::check_name(operation, name)?;
    match store.catalog.find(operation, name) {
        Ok(table) => get(store, &table, request, None, read),
        Err(missing) => {
            request.key.validate().map_err(|error| fault(error.into()))?;
            check::projection(request.projection.as_ref(), request.legacy.as_ref()).map_err(fault)?;
            Err(missing)
        }
    }
}

impl Consistency {
    pub(super) fn read_mode(self) -> ReadMode {
        match self {
            Self::Eventual => ReadMode::Eventual,
            Self::Strong => ReadMode::Consistent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::TableSchema;
    use crate::engine::options::EngineOptions;
    use crate::env::environment::Environment;
    use std::path::Path;

    #[test]
    fn of_a_table_that_is_dropped_under_a_read_nothing_is_said() {
        let store = Store::open(Environment::memory(), Path::new("store"), EngineOptions::default());
        let store = store.expect("a new store");
        let schema = || TableSchema::builder("Items").partition_key("pk", KeyType::Number).build();
        let create = || {
            let schema = schema().expect("a valid schema");
            store.catalog.create_table(&store.engine, schema.into()).expect("a new table")
        };
        let table = create();
        let key = item_key::of_request(&table, &Key::Values { partition: 1.into(), sort: None });
        let key = key.expect("a valid key");
        // The read has its descriptor, and comes to look when the table is another one.
        let look = || read_key(&store, &table, &key, None, <[u8]>::to_vec);
        assert_eq!(look().expect("the table is there"), None);
        store.catalog.delete_table(&store.engine, "Items").expect("it is there");
        assert_eq!(look().expect_err("it is gone").kind(), ErrorKind::ResourceNotFound);
        create();
        assert_eq!(look().expect_err("it is another one").kind(), ErrorKind::ResourceNotFound);
    }
}
