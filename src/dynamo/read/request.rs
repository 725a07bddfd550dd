//! What a read can ask for, and what it is answered.

use crate::dynamo::capacity::{ConsumedCapacity, ReturnConsumedCapacity};
use crate::dynamo::expression::tree::{Condition, KeyClause, KeyCondition, ProjectionExpression};
use crate::dynamo::item_key::Key;
use crate::dynamo::legacy::parameters::{LegacyGet, LegacyQuery, LegacyScan};
use crate::dynamo::value::{Item, Value};
use std::collections::BTreeMap;

/// Whether a read sees every write that was acknowledged before it began.
///
/// Here every read does, of indexes as well: the difference is what DynamoDB would charge, and that it refuses a
/// consistent read of a global index, so that is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Consistency {
    /// As much as DynamoDB promises by default.
    #[default]
    Eventual,
    /// Every acknowledged write is seen.
    Strong,
}

/// Reads one item.
#[derive(Clone, Debug, PartialEq)]
pub struct GetRequest {
    /// The item's key.
    pub key: Key,
    /// The parts of the item to answer with; all of it if there is none.
    pub projection: Option<ProjectionExpression>,
    /// What DynamoDB would charge by.
    pub consistency: Consistency,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
    /// The parameters that the projection has replaced, for requests that still speak them.
    pub legacy: Option<LegacyGet>,
}

impl GetRequest {
    /// Reads the whole item of `key`.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            projection: None,
            consistency: Consistency::default(),
            return_consumed_capacity: ReturnConsumedCapacity::default(),
            legacy: None,
        }
    }
}

/// The answer to a get.
#[derive(Clone, Debug, PartialEq)]
pub struct GetOutput<T = Item> {
    /// The item; empty if a projection found nothing of it.
    pub item: Option<T>,
    /// What DynamoDB would charge, if that was asked for.
    pub consumed_capacity: Option<ConsumedCapacity>,
}

/// In which order a query gives the items of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By ascending sort key.
    #[default]
    Ascending,
    /// By descending sort key.
    Descending,
}

/// Which attributes a query or scan answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Select {
    /// All of the item. A local index fetches what it does not hold from the table; a global one must hold it.
    AllAttributes,
    /// What the index holds.
    AllProjectedAttributes,
    /// None: only how many there are.
    Count,
    /// What the projection names.
    SpecificAttributes,
}

impl Select {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllAttributes => "ALL_ATTRIBUTES",
            Self::AllProjectedAttributes => "ALL_PROJECTED_ATTRIBUTES",
            Self::Count => "COUNT",
            Self::SpecificAttributes => "SPECIFIC_ATTRIBUTES",
        }
    }
}

/// What queries and scans have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadOptions {
    /// The index to read; the table itself if there is none.
    pub index: Option<String>,
    /// What an item must meet to be answered with. It is evaluated, and counted, all the same.
    pub filter: Option<Condition>,
    /// The parts of the items to answer with.
    pub projection: Option<ProjectionExpression>,
    /// Which attributes to answer with. By default the projection, or else all that the table or index holds.
    pub select: Option<Select>,
    /// Evaluates at most so many items.
    pub limit: Option<usize>,
    /// Begins behind the item of this key: a last evaluated key, or one like it.
    pub exclusive_start_key: Option<Item>,
    /// What DynamoDB would charge by.
    pub consistency: Consistency,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

/// What the key attributes of a query must meet.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyConditions {
    /// By their places in the schema.
    Places {
        /// The values of the partition key's attributes.
        partition: Vec<Value>,
        /// What the sort key's attributes must meet, from the left; all but the last must be equalities.
        sort: Vec<KeyCondition>,
    },
    /// By their names, in any order.
    Clauses(Vec<KeyClause>),
}

impl Default for KeyConditions {
    fn default() -> Self {
        Self::Places { partition: Vec::new(), sort: Vec::new() }
    }
}

/// Reads the items of a partition in the order of their sort key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryRequest {
    /// Which items.
    pub key: KeyConditions,
    /// The direction.
    pub order: Order,
    /// What else is asked for.
    pub options: ReadOptions,
    /// The parameters that expressions have replaced, for requests that still speak them.
    pub legacy: Option<Box<LegacyQuery>>,
}

/// A part of a parallel scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Which part, from 0.
    pub segment: u32,
    /// Of how many: 1 to 1,000,000.
    pub total_segments: u32,
}

/// Reads all items, in an order that stays the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanRequest {
    /// The part to read; all if there is none.
    pub segment: Option<Segment>,
    /// What else is asked for.
    pub options: ReadOptions,
    /// The parameters that expressions have replaced, for requests that still speak them.
    pub legacy: Option<Box<LegacyScan>>,
}

/// What one call of a query or a scan gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T = Item> {
    /// The items; none if only their number was asked for.
    pub items: Vec<T>,
    /// How many items met the filter.
    pub count: usize,
    /// How many items were evaluated.
    pub scanned_count: usize,
    /// Where to go on: absent when the end was reached. It can be there though nothing follows.
    pub last_evaluated_key: Option<Item>,
    /// What DynamoDB would charge, if that was asked for.
    pub consumed_capacity: Option<ConsumedCapacity>,
}

/// Keys of one table to read together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeysAndAttributes {
    /// The keys: at least one, none twice.
    ///
    /// DynamoDB compares them as they are written, and takes the numbers `1` and `1.0` for two keys of one item. A
    /// [`Number`](crate::dynamo::number::Number) has no other form than its value, so here that is the same key twice.
    pub keys: Vec<Key>,
    /// The parts of the items to answer with; all if there is none.
    pub projection: Option<ProjectionExpression>,
    /// What DynamoDB would charge by.
    pub consistency: Consistency,
    /// The parameters that the projection has replaced, for requests that still speak them.
    pub legacy: Option<LegacyGet>,
}

/// Reads up to 100 items of several tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchGetRequest {
    /// What to read, by the name of the table.
    pub tables: BTreeMap<String, KeysAndAttributes>,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

/// The answer to a batch of gets.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchGetOutput<T = Item> {
    /// The items that were found; every table that was asked has an entry.
    pub responses: BTreeMap<String, Vec<T>>,
    /// What was left out because the answer reached 16 MB: to be asked for again.
    pub unprocessed_keys: BTreeMap<String, KeysAndAttributes>,
    /// What DynamoDB would charge, for each table, if that was asked for.
    pub consumed_capacity: Vec<ConsumedCapacity>,
}

/// Reads up to 100 items of several tables at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactGetRequest {
    /// What to read, with the name of the table.
    pub gets: Vec<TransactGet>,
    /// Whether to tell what DynamoDB would charge.
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

/// One item of a transaction of reads.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactGet {
    /// The table.
    pub table: String,
    /// The item's key.
    pub key: Key,
    /// The parts of the item to answer with; all if there is none.
    pub projection: Option<ProjectionExpression>,
}

/// The answer to a transaction of reads.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactGetOutput<T = Item> {
    /// The items in the order of the request: `None` for a missing one.
    pub items: Vec<Option<T>>,
    /// What DynamoDB would charge, for each table, if that was asked for.
    pub consumed_capacity: Vec<ConsumedCapacity>,
}
