//! `TransactGetItems`: up to 100 items of several tables, at one moment.

use super::gone;
use super::output::{Shown, damaged};
use super::request::{TransactGetOutput, TransactGetRequest};
use crate::dynamo::capacity::{Direction, Meter, ReadMode, Units};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Fault, Operation};
use crate::dynamo::item_fault::{ReadFault, WriteFault};
use crate::dynamo::item_key;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::check_table_name;
use crate::dynamo::write::transact::{check_count, validation_canceled};
use std::collections::{BTreeMap, HashSet};

const OPERATION: Operation = Operation::TransactGetItems;

/// Reads items, and gives what is asked for of each to `read`.
pub fn get<R>(
    store: &Store,
    request: &TransactGetRequest,
    mut read: impl FnMut(&StoredItem<'_>) -> Result<R>,
) -> Result<TransactGetOutput<R>> {
    let fault = |fault| Error::new(OPERATION, fault);
    check_request(request).map_err(fault)?;
    let (tables, at) = loop {
        let tables = request.gets.iter().map(|get| store.catalog.find(OPERATION, &get.table));
        let tables: Vec<_> = tables.collect::<Result<_>>()?;
        let at = store.engine.snapshot();
        if !gone::forget(store, tables.iter().map(AsRef::as_ref))? {
            break (tables, at);
        }
    };
    let mut keys = Vec::with_capacity(tables.len());
    for (at, (get, table)) in request.gets.iter().zip(&tables).enumerate() {
        match item_key::of_request(table, &get.key) {
            Ok(key) => keys.push(key),
            Err(key_fault @ Fault::KeyShape) => {
                return Err(fault(validation_canceled(tables.len(), at, &fault(key_fault))));
            }
            Err(key_fault) => return Err(fault(key_fault)),
        }
    }
    let mut distinct = HashSet::new();
    if !keys.iter().all(|key| distinct.insert(key)) {
        return Err(fault(WriteFault::TransactionItemTwice.into()));
    }
    let (mut items, mut buffer, mut total_bytes) = (Vec::with_capacity(keys.len()), Vec::new(), 0);
    let mut meters: BTreeMap<&str, Meter> = BTreeMap::new();
    for ((get, table), key) in request.gets.iter().zip(&tables).zip(&keys) {
        let shown = Shown::new(get.projection.as_ref());
        let found = store.engine.get(key, Some(&at), |value| {
            let item = StoredItem::parse(value).map_err(damaged)?;
            Ok::<_, Error>((item.size_bytes().map_err(damaged)?, shown.show(&item, &mut buffer, &mut read)?))
        })?;
        let (size_bytes, item) = found.transpose()?.map_or((0, None), |(size, item)| (size, Some(item)));
        total_bytes += size_bytes;
        items.push(item);
        let meter = meters.entry(table.schema().name()).or_default();
        meter.add_table(Units::of_read(size_bytes, ReadMode::Transactional));
    }
    let limit_bytes = limits::TRANSACTION_BYTES_MAX;
    if total_bytes > limit_bytes {
        return Err(fault(ReadFault::TooLarge { size_bytes: total_bytes, limit_bytes }.into()));
    }
    let wanted = request.return_consumed_capacity;
    let consumed = meters.iter().filter_map(|(name, meter)| meter.told(name, wanted, Direction::Read));
    let consumed_capacity = consumed.collect();
    Ok(TransactGetOutput { items, consumed_capacity })
}

fn check_request(request: &TransactGetRequest) -> Result<(), Fault> {
    check_count(request.gets.len())?;
    for get in &request.gets {
        check_table_name(arn::table_name(&get.table)?)?;
        get.key.validate()?;
        if let Some(projection) = &get.projection {
            projection.check()?;
        }
    }
    Ok(())
}
