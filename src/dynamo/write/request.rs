//! What a write can ask for, and what it is answered.

use crate::dynamo::capacity::{ConsumedCapacity, ReturnConsumedCapacity};
use crate::dynamo::expression::tree::{Condition, Update};
use crate::dynamo::item_key::Key;
use crate::dynamo::legacy::parameters::{LegacyUpdate, LegacyWrite};
use crate::dynamo::value::Item;
use crate::engine::commit::Commit;
use crate::engine::options::Durability;

/// Which attributes a write answers with. A put and a delete know only [`None`](Self::None) and
/// [`AllOld`](Self::AllOld).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReturnValues {
    /// None.
    #[default]
    None,
    /// The item as it was before the write, if there was one.
    AllOld,
    /// Of the item as it was, the paths that the update names.
    UpdatedOld,
    /// The item as it is now.
    AllNew,
    /// Of the item as it is now, the paths that the update names.
    UpdatedNew,
}

/// What comes with the error when a condition is not met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReturnValuesOnConditionCheckFailure {
    /// Nothing.
    #[default]
    None,
    /// The item as it is, if there is one.
    AllOld,
}

/// Whether the size of the collection that the item belongs to is told: all items of its partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReturnItemCollectionMetrics {
    /// No.
    #[default]
    None,
    /// Yes, if the table has local indexes.
    Size,
}

/// What any write of one item can ask for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteOptions {
    /// What the item must meet as it is before the write; a missing item has no attributes.
    pub condition: Option<Condition>,
    /// What to answer with.
    pub return_values: ReturnValues,
    /// What to answer with when the condition is not met.
    pub return_values_on_condition_check_failure: ReturnValuesOnConditionCheckFailure,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
    /// Whether to tell the size of the item's collection.
    pub return_item_collection_metrics: ReturnItemCollectionMetrics,
    /// What the write must survive before it is acknowledged.
    pub durability: Durability,
}

/// Writes an item whole, in place of the one that has its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PutRequest {
    /// The item.
    pub item: Item,
    /// What else is asked for.
    pub options: WriteOptions,
    /// The parameters that the condition has replaced, for requests that still speak them.
    pub legacy: Option<Box<LegacyWrite>>,
}

impl PutRequest {
    /// A put of `item` that asks for nothing else.
    pub fn new(item: Item) -> Self {
        Self { item, ..Self::default() }
    }
}

/// Changes attributes of an item. A missing one is made, unless the update only removes.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRequest {
    /// The item's key.
    pub key: Key,
    /// The changes. None at all makes sure that the item is there.
    pub update: Update,
    /// What else is asked for.
    pub options: WriteOptions,
    /// The parameters that the update and the condition have replaced, for requests that still speak them.
    pub legacy: Option<Box<LegacyUpdate>>,
}

impl UpdateRequest {
    /// An update that asks for nothing else.
    pub fn new(key: Key, update: Update) -> Self {
        Self { key, update, options: WriteOptions::default(), legacy: None }
    }
}

/// Removes an item; nothing happens to a missing one.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteRequest {
    /// The item's key.
    pub key: Key,
    /// What else is asked for.
    pub options: WriteOptions,
    /// The parameters that the condition has replaced, for requests that still speak them.
    pub legacy: Option<Box<LegacyWrite>>,
}

impl DeleteRequest {
    /// A delete that asks for nothing else.
    pub fn new(key: Key) -> Self {
        Self { key, options: WriteOptions::default(), legacy: None }
    }
}

/// The answer to a write of one item.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteOutput {
    /// The attributes that were asked for, if there are any.
    pub attributes: Option<Item>,
    /// What DynamoDB would charge, if that was asked for.
    pub consumed_capacity: Option<ConsumedCapacity>,
    /// The size of the item's collection, if that was asked for and the table has local indexes.
    pub item_collection_metrics: Option<ItemCollectionMetrics>,
    /// The commit that made the change; if there was nothing to change, the last one that the answer rests on.
    pub commit: Commit,
}

/// About how large the items of one partition and their local index entries are together.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemCollectionMetrics {
    /// The attributes of the partition key.
    pub item_collection_key: Item,
    /// The size in gigabytes lies between these.
    pub size_estimate_range_gb: [f64; 2],
}
