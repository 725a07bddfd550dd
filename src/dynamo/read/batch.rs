//! `BatchGetItem`: up to 100 items of several tables, at one moment.

use super::check;
use super::gone;
use super::output::{Shown, damaged};
use super::paths;
use super::request::{BatchGetOutput, BatchGetRequest, KeysAndAttributes};
use crate::dynamo::capacity::{Direction, Meter, Units};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Constraint, Fault, MemberFault, Operation};
use crate::dynamo::item_fault::ReadFault;
use crate::dynamo::item_key::{self, Key};
use crate::dynamo::legacy::parameters::LegacyGet;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::check_table_name;
use crate::engine::snapshot::Snapshot;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

const OPERATION: Operation = Operation::BatchGetItem;

/// One table's part of a batch, looked up.
struct TablePart<'a> {
    name: &'a str,
    table: Arc<TableDescriptor>,
    asked: &'a KeysAndAttributes,
    keys: Vec<Vec<u8>>,
}

/// Reads items, and gives what is asked for of each to `read`, until the answer has 16 MB.
pub fn get<R>(
    store: &Store,
    request: BatchGetRequest,
    mut read: impl FnMut(&StoredItem<'_>) -> Result<R>,
) -> Result<BatchGetOutput<R>> {
    let fault = |fault| Error::new(OPERATION, fault);
    check_request(&request).map_err(fault)?;
    let BatchGetRequest { tables, return_consumed_capacity } = request;
    let (parts, at) = loop {
        let parts = tables.iter().map(|(name, asked)| look_up(store, name, asked));
        let parts: Vec<TablePart<'_>> = parts.collect::<Result<_>>()?;
        let at = store.engine.snapshot();
        if !gone::forget(store, parts.iter().map(|part| part.table.as_ref()))? {
            break (parts, at);
        }
    };
    let mut output = BatchGetOutput {
        responses: BTreeMap::new(),
        unprocessed_keys: BTreeMap::new(),
        consumed_capacity: Vec::new(),
    };
    let mut answer_bytes = 0;
    for part in parts {
        let (items, meter, rest) = read_table(store, &part, &at, &mut answer_bytes, &mut read)?;
        let name = part.table.schema().name();
        output.consumed_capacity.extend(meter.told(name, return_consumed_capacity, Direction::Untold));
        if !rest.keys.is_empty() {
            output.unprocessed_keys.insert(part.name.to_owned(), rest);
        }
        output.responses.insert(part.name.to_owned(), items);
    }
    Ok(output)
}

fn check_request(request: &BatchGetRequest) -> Result<(), Fault> {
    if request.tables.is_empty() {
        return Err(too_short("requestItems".to_owned()));
    }
    let count: usize = request.tables.values().map(|asked| asked.keys.len()).sum();
    if count > limits::BATCH_GET_KEYS_MAX {
        return Err(ReadFault::BatchTooLong.into());
    }
    for (name, asked) in &request.tables {
        check_table_name(arn::table_name(name)?)?;
        if asked.keys.is_empty() {
            return Err(too_short(format!("requestItems.{name}.member.keys")));
        }
    }
    let asked = || request.tables.values();
    let has_names = |legacy: &LegacyGet| legacy.attributes_to_get.is_some();
    check::check_attributes_mixing(
        asked().any(|asked| asked.legacy.as_ref().is_some_and(has_names)),
        asked().any(|asked| asked.projection.is_some()),
    )?;
    for KeysAndAttributes { keys, projection, legacy, .. } in asked() {
        keys.iter().try_for_each(Key::validate)?;
        // One key in two forms is found when the table says which attributes it has.
        if keys.iter().enumerate().any(|(at, key)| keys[..at].contains(key)) {
            return Err(ReadFault::DuplicateKeys.into());
        }
        check::projection(projection.as_ref(), legacy.as_ref())?;
    }
    Ok(())
}

fn too_short(member: String) -> Fault {
    let constraint = Constraint::LengthAtLeast(1);
    Fault::Members(vec![MemberFault { member, value: "[]".to_owned(), constraint }])
}

fn look_up<'a>(store: &Store, name: &'a str, asked: &'a KeysAndAttributes) -> Result<TablePart<'a>> {
    let fault = |fault| Error::new(OPERATION, fault);
    let table = store.catalog.find(OPERATION, name)?;
    let keys = asked.keys.iter().map(|key| item_key::of_request(&table, key));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(fault)?;
    let paths = asked.projection.iter().flat_map(|projection| &projection.paths);
    paths::check(&table, paths).map_err(fault)?;
    let mut distinct = HashSet::new();
    if !keys.iter().all(|key| distinct.insert(key)) {
        return Err(fault(ReadFault::DuplicateKeys.into()));
    }
    Ok(TablePart { name, table, asked, keys })
}

/// The items of one table, what they cost, and what is left for another request.
fn read_table<R>(
    store: &Store,
    part: &TablePart<'_>,
    at: &Snapshot,
    answer_bytes: &mut usize,
    read: &mut impl FnMut(&StoredItem<'_>) -> Result<R>,
) -> Result<(Vec<R>, Meter, KeysAndAttributes)> {
    let projection = check::projection(part.asked.projection.as_ref(), part.asked.legacy.as_ref());
    let projection = projection.map_err(|fault| Error::new(OPERATION, fault))?;
    let shown = Shown::new(projection.as_deref());
    let (mut items, mut meter, mut buffer) = (Vec::new(), Meter::default(), Vec::new());
    let mut rest = KeysAndAttributes { keys: Vec::new(), ..part.asked.clone() };
    for (key, asked) in part.keys.iter().zip(&part.asked.keys) {
        let room_bytes = limits::BATCH_GET_BYTES_MAX.saturating_sub(*answer_bytes);
        let found = store.engine.get(key, Some(at), |value| {
            let item = StoredItem::parse(value).map_err(damaged)?;
            let size_bytes = item.size_bytes().map_err(damaged)?;
            if size_bytes > room_bytes || !rest.keys.is_empty() {
                return Ok(None);
            }
            Ok::<_, Error>(Some((size_bytes, shown.show(&item, &mut buffer, &mut *read)?)))
        })?;
        let size_bytes = match found.transpose()? {
            Some(Some((size_bytes, item))) => {
                items.push(item);
                size_bytes
            }
            Some(None) => {
                rest.keys.push(asked.clone());
                continue;
            }
            None => 0,
        };
        *answer_bytes += size_bytes;
        meter.add_table(Units::of_read(size_bytes, part.asked.consistency.read_mode()));
    }
    if !rest.keys.is_empty() {
        // What follows in other tables is left, too.
        *answer_bytes = limits::BATCH_GET_BYTES_MAX;
    }
    Ok((items, meter, rest))
}
