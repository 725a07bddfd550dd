//! `GetItem`.

use super::check;
use super::output::{Shown, damaged};
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
    store.engine.get(&key, at, |value| read(&StoredItem::parse(value).map_err(damaged)?))?.transpose()
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
    let shown = Shown::new(projection.as_deref());
    let wants_capacity = request.return_consumed_capacity != ReturnConsumedCapacity::None;
    let found = store.engine.get(&key, at, |value| {
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
