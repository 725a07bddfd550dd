//! What answers tell of capacity and of the sizes of collections.

use super::writer::{ObjectWriter, write_members};
use pixii::dynamo::write::request::ItemCollectionMetrics;
use pixii::{CapacityDetail, ConsumedCapacity};
use std::collections::BTreeMap;

/// `ConsumedCapacity` of one table.
pub(crate) fn write_consumed(consumed: &ConsumedCapacity, object: &mut ObjectWriter<'_>) {
    object.string("TableName", &consumed.table_name);
    object.fraction("CapacityUnits", consumed.capacity_units);
    if let Some(units) = consumed.read_capacity_units {
        object.fraction("ReadCapacityUnits", units);
    }
    if let Some(units) = consumed.write_capacity_units {
        object.fraction("WriteCapacityUnits", units);
    }
    if let Some(detail) = &consumed.detail {
        let direction = Direction::of(consumed);
        write_detail(detail, direction, object);
    }
}

/// Of which kind the units of a transaction are: in its detail they are told twice.
#[derive(Clone, Copy)]
enum Direction {
    Untold,
    Read,
    Write,
}

impl Direction {
    fn of(consumed: &ConsumedCapacity) -> Self {
        match (consumed.read_capacity_units, consumed.write_capacity_units) {
            (Some(_), _) => Self::Read,
            (None, Some(_)) => Self::Write,
            (None, None) => Self::Untold,
        }
    }
}

fn write_units(units: f64, direction: Direction, object: &mut ObjectWriter<'_>) {
    match direction {
        Direction::Untold => {}
        Direction::Read => object.fraction("ReadCapacityUnits", units),
        Direction::Write => object.fraction("WriteCapacityUnits", units),
    }
    object.fraction("CapacityUnits", units);
}

fn write_detail(detail: &CapacityDetail, direction: Direction, object: &mut ObjectWriter<'_>) {
    object.object("Table", |table| write_units(detail.table, direction, table));
    for (name, indexes) in [
        ("GlobalSecondaryIndexes", &detail.global_secondary_indexes),
        ("LocalSecondaryIndexes", &detail.local_secondary_indexes),
    ] {
        if !indexes.is_empty() {
            object.object(name, |object| {
                for (index, units) in indexes {
                    object.object(index, |index| write_units(*units, direction, index));
                }
            });
        }
    }
}

/// The member `ConsumedCapacity` of an answer for one table.
pub(crate) fn write_one(consumed: Option<&ConsumedCapacity>, answer: &mut ObjectWriter<'_>) {
    if let Some(consumed) = consumed {
        answer.object("ConsumedCapacity", |object| write_consumed(consumed, object));
    }
}

/// The member `ConsumedCapacity` of an answer for several tables.
pub(crate) fn write_all(consumed: &[ConsumedCapacity], answer: &mut ObjectWriter<'_>) {
    if !consumed.is_empty() {
        answer.objects("ConsumedCapacity", consumed, write_consumed);
    }
}

/// `ItemCollectionMetrics` of one collection.
pub(crate) fn write_metrics(metrics: &ItemCollectionMetrics, object: &mut ObjectWriter<'_>) {
    object.item("ItemCollectionKey", &metrics.item_collection_key);
    object.array("SizeEstimateRangeGB", metrics.size_estimate_range_gb, |bound, buffer| {
        buffer.extend_from_slice(format!("{bound:?}").as_bytes());
    });
}

/// The member `ItemCollectionMetrics` of an answer for several tables.
pub(crate) fn write_all_metrics(
    metrics: &BTreeMap<String, Vec<ItemCollectionMetrics>>,
    answer: &mut ObjectWriter<'_>,
) {
    if !metrics.is_empty() {
        answer.object("ItemCollectionMetrics", |object| {
            for (table, metrics) in metrics {
                object.array(table, metrics, |metrics, buffer| {
                    write_members(buffer, |object| write_metrics(metrics, object));
                });
            }
        });
    }
}
