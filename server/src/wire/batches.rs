//! `BatchGetItem` and `BatchWriteItem`.

use super::attributes::{FirstFault, read_item};
use super::capacity;
use super::choices;
use super::expressions::Placeholders;
use super::items::{consistency, fault, read_expressions, stored_json};
use super::legacy::{self, LegacyMembers};
use super::members::Members;
use super::reader::{Reader, Result as ReadResult};
use super::refusal::Refusal;
use super::service::Service;
use super::writer::{self, ObjectWriter};
use crate::json::text::write_string;
use crate::json::typed::write_item;
use pixii::dynamo::limits::{BATCH_GET_KEYS_MAX, BATCH_WRITE_REQUESTS_MAX};
use pixii::{
    BatchGetRequest, BatchWrite, BatchWriteRequest, Item, Key, KeysAndAttributes, Operation, ReadFault,
    RequestFault, WriteFault,
};
use std::collections::BTreeMap;

/// What a batch asks of one table, and how it was said: what is left over is asked for in the same words.
#[derive(Debug, Default)]
struct TablePart {
    keys: Option<Vec<Item>>,
    projection: Option<String>,
    is_consistent: Option<bool>,
    placeholders: Placeholders,
    legacy: LegacyMembers,
}

impl TablePart {
    fn read(reader: &mut Reader<'_>, values: &mut FirstFault) -> ReadResult<Self> {
        let mut part = Self::default();
        reader.structure("KeysAndAttributes", |reader, name| {
            match name {
                "Keys" => {
                    let most = BATCH_GET_KEYS_MAX;
                    let keys = reader.list_up_to(most, |reader| read_item(reader, values))?;
                    part.keys = keys.map(|keys| keys.into_iter().map(Option::unwrap_or_default).collect());
                }
                "ProjectionExpression" => part.projection = reader.owned()?,
                "ConsistentRead" => part.is_consistent = reader.boolean()?,
                _ if part.placeholders.read(reader, name)? => {}
                _ if part.legacy.read(legacy::OF_GETS, reader, values, name)? => {}
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(part)
    }
}

/// Answers `BatchGetItem`.
pub(crate) fn get(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::BatchGetItem;
    let (mut parts, mut capacity, mut values) = (None, None, FirstFault::default());
    reader.structure("BatchGetItemInput", |reader, name| {
        match name {
            "RequestItems" => {
                let mut tables = BTreeMap::new();
                let is_there = reader.map(|reader, table| {
                    // One table more is enough to be refused: each has a key at least.
                    if tables.len() > BATCH_GET_KEYS_MAX {
                        return reader.skip();
                    }
                    tables.insert(table.to_owned(), TablePart::read(reader, &mut values)?);
                    Ok(())
                })?;
                parts = is_there.then_some(tables);
            }
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let return_consumed_capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    let mut parts = members.present("requestItems", parts).unwrap_or_default();
    for (table, part) in &mut parts {
        members.resource_name("tableName", Some(table));
        let member = format!("requestItems.{table}.member.keys");
        members.present(&member, part.keys.as_ref());
    }
    members.finish(OPERATION)?;
    let count: usize = parts.values().map(|part| part.keys.as_ref().map_or(0, Vec::len)).sum();
    if count > BATCH_GET_KEYS_MAX {
        return Err(fault(OPERATION, ReadFault::BatchTooLong).into());
    }
    values.check().map_err(|found| fault(OPERATION, found))?;
    let mut request = BatchGetRequest { tables: BTreeMap::new(), return_consumed_capacity };
    let mut words = BTreeMap::new();
    for (table, part) in parts {
        let TablePart { keys, projection, is_consistent, placeholders, legacy } = part;
        let legacy = legacy.finish("", &mut Members::default()).of_get();
        let attributes = legacy.as_ref().and_then(|legacy| legacy.attributes_to_get.clone());
        let names = placeholders.names().cloned();
        let tree =
            read_expressions(service.wording, OPERATION, placeholders, projection.is_some(), |context| {
                projection.as_deref().map(|text| context.projection(text)).transpose()
            })?;
        let asked = KeysAndAttributes {
            keys: keys.unwrap_or_default().into_iter().map(Key::Attributes).collect(),
            projection: tree,
            consistency: consistency(is_consistent),
            legacy,
        };
        request.tables.insert(table.clone(), asked);
        words.insert(table, Words { projection, names, is_consistent, attributes });
    }
    for table in request.tables.keys() {
        service.transients.check_items(OPERATION, table)?;
    }
    let output = service.operations.batch_get(request, stored_json)?;
    Ok(writer::body(|body| {
        body.object("Responses", |responses| {
            for (table, items) in &output.responses {
                responses.array(table, items, |item, buffer| buffer.extend_from_slice(item));
            }
        });
        body.object("UnprocessedKeys", |unprocessed| {
            for (table, left) in &output.unprocessed_keys {
                unprocessed.object(table, |object| write_left(left, words.get(table), object));
            }
        });
        capacity::write_all(&output.consumed_capacity, body);
    }))
}

/// How a table's part of a batch was said.
struct Words {
    projection: Option<String>,
    names: Option<BTreeMap<String, String>>,
    is_consistent: Option<bool>,
    attributes: Option<Vec<String>>,
}

fn write_left(left: &KeysAndAttributes, words: Option<&Words>, object: &mut ObjectWriter<'_>) {
    object.array("Keys", &left.keys, |key, buffer| {
        if let Key::Attributes(key) = key {
            write_item(key, buffer);
        }
    });
    let Some(words) = words else { return };
    if let Some(attributes) = &words.attributes {
        object.array("AttributesToGet", attributes, |name, buffer| write_string(name, buffer));
    }
    object.maybe_string("ProjectionExpression", words.projection.as_deref());
    object.maybe_plain("ConsistentRead", words.is_consistent);
    if let Some(names) = &words.names {
        object.object("ExpressionAttributeNames", |object| {
            for (placeholder, name) in names {
                write_string(name, object.member(placeholder));
            }
        });
    }
}

/// The forms of a write of a batch.
#[derive(Clone, Copy, Debug)]
enum Form {
    Put,
    Delete,
}

impl Form {
    fn member(self) -> &'static str {
        match self {
            Self::Put => "putRequest.item",
            Self::Delete => "deleteRequest.key",
        }
    }
}

/// A write of a batch: exactly one of its forms, with an item or its key.
type OneWrite = Vec<(Form, Option<Item>)>;

fn read_write(reader: &mut Reader<'_>, values: &mut FirstFault) -> ReadResult<OneWrite> {
    let mut forms = Vec::new();
    reader.structure("WriteRequest", |reader, name| {
        let (form, wanted) = match name {
            // Two forms are enough to be refused.
            _ if forms.len() == 2 => return reader.skip(),
            "PutRequest" => (Form::Put, "Item"),
            "DeleteRequest" => (Form::Delete, "Key"),
            _ => return reader.skip(),
        };
        let mut item = None;
        let is_there = reader.structure(name, |reader, name| {
            if name == wanted {
                item = read_item(reader, values)?;
                Ok(())
            } else {
                reader.skip()
            }
        })?;
        if is_there {
            forms.push((form, item));
        }
        Ok(())
    })?;
    Ok(forms)
}

/// What a write of a batch is, if it is of one form.
fn one_write(mut forms: OneWrite) -> Result<BatchWrite, RequestFault> {
    match (forms.pop(), forms.is_empty()) {
        (Some((Form::Put, item)), true) => Ok(BatchWrite::Put(item.unwrap_or_default())),
        (Some((Form::Delete, key)), true) => Ok(BatchWrite::Delete(Key::Attributes(key.unwrap_or_default()))),
        (Some(_), false) => Err(RequestFault::BatchWriteTwofold),
        (None, _) => Err(RequestFault::BatchWriteEmpty),
    }
}

/// Answers `BatchWriteItem`.
pub(crate) fn write(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::BatchWriteItem;
    let (mut tables, mut capacity, mut metrics) = (None, None, None);
    let mut values = FirstFault::default();
    reader.structure("BatchWriteItemInput", |reader, name| {
        match name {
            "RequestItems" => {
                let mut writes = BTreeMap::new();
                let is_there = reader.map(|reader, table| {
                    // One table more is enough to be refused: each has a write at least.
                    if writes.len() > BATCH_WRITE_REQUESTS_MAX {
                        return reader.skip();
                    }
                    let of_table = reader
                        .list_up_to(BATCH_WRITE_REQUESTS_MAX, |reader| read_write(reader, &mut values))?;
                    writes.insert(table.to_owned(), of_table.unwrap_or_default());
                    Ok(())
                })?;
                tables = is_there.then_some(writes);
            }
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            "ReturnItemCollectionMetrics" => metrics = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let tables: BTreeMap<String, Vec<OneWrite>> = members.present("requestItems", tables).unwrap_or_default();
    for (table, writes) in &tables {
        for (forms, position) in writes.iter().zip(1..) {
            for (form, item) in forms {
                let path = format!("requestItems.{table}.member.{position}.member.{}", form.member());
                members.present(&path, item.as_ref());
            }
        }
    }
    let return_consumed_capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    let return_item_collection_metrics =
        choices::return_item_collection_metrics(&mut members, metrics.as_deref());
    members.finish(OPERATION)?;
    let is_out_of_bounds =
        |writes: &Vec<OneWrite>| writes.is_empty() || writes.len() > BATCH_WRITE_REQUESTS_MAX;
    if let Some((table, _)) = tables.iter().find(|(_, writes)| is_out_of_bounds(writes)) {
        return Err(fault(OPERATION, WriteFault::BatchTable { table: table.clone() }).into());
    }
    if tables.values().map(Vec::len).sum::<usize>() > BATCH_WRITE_REQUESTS_MAX {
        return Err(fault(OPERATION, WriteFault::BatchTooLong).into());
    }
    let mut request = BatchWriteRequest {
        return_consumed_capacity,
        return_item_collection_metrics,
        ..BatchWriteRequest::default()
    };
    for (table, writes) in tables {
        let writes =
            writes.into_iter().map(|forms| one_write(forms).map_err(|found| fault(OPERATION, found)));
        request.writes.insert(table, writes.collect::<Result<_, _>>()?);
    }
    values.check().map_err(|found| fault(OPERATION, found))?;
    for table in request.writes.keys() {
        service.transients.check_items(OPERATION, table)?;
    }
    let output = service.database.batch_write(request).map_err(pixii::Error::from)?;
    Ok(writer::body(|body| {
        body.object("UnprocessedItems", |_| {});
        capacity::write_all_metrics(&output.item_collection_metrics, body);
        capacity::write_all(&output.consumed_capacity, body);
    }))
}
