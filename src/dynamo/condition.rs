//! What a query asks of keys, and the range of bytes that answers it. All of this is pure.
//!
//! Invariant: an entry lies in the range of a query if and only if its key attributes meet all conditions. Nothing that
//! is read has to be thrown away for its key.
//!
//! What can be said of a condition without a table has been said by then (`expression::check`).

use super::expression::tree::KeyCondition;
use super::fault::{ConditionFault, Fault, KeyRole};
use super::item_key::{KeyEncoder, key_value};
use super::key::{self, KeyRef};
use super::schema::{KeyAttribute, KeySchema};
use super::value::Value;
use crate::base::ident::KeyspaceId;
use crate::engine::cursor::KeyRange;

impl KeyCondition {
    fn operands(&self) -> impl Iterator<Item = &Value> {
        let (first, second) = match self {
            Self::Equal(operand)
            | Self::Less(operand)
            | Self::LessOrEqual(operand)
            | Self::Greater(operand)
            | Self::GreaterOrEqual(operand)
            | Self::BeginsWith(operand) => (operand, None),
            Self::Between(lower, upper) => (lower, Some(upper)),
        };
        std::iter::once(first).chain(second)
    }
}

/// The part of the keyspace that a query reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryRange {
    /// The entries that meet all conditions.
    pub(super) range: KeyRange,
    /// What the keys of the partition begin with.
    pub(super) partition: Vec<u8>,
}

/// The range of the entries whose partition key attributes are `partition`, in the order of the schema, and whose sort
/// key attributes meet `sort`, from the left.
pub(super) fn query_range(
    keyspace: KeyspaceId,
    schema: &KeySchema,
    partition: &[Value],
    sort: &[KeyCondition],
) -> Result<QueryRange, Fault> {
    check_shape(schema, partition, sort)?;
    let mut prefix = keyspace.prefix().to_vec();
    for (attribute, value) in schema.partition().iter().zip(partition) {
        append_operand(&mut prefix, attribute, value, KeyRole::Partition)?;
    }
    let partition = prefix.clone();
    let mut range = all_with_prefix(prefix.clone());
    for (attribute, condition) in schema.sort().iter().zip(sort) {
        range = sort_range(&prefix, attribute, condition)?;
        if matches!(condition, KeyCondition::Equal(_)) {
            prefix.clone_from(&range.start);
        }
    }
    Ok(QueryRange { range, partition })
}

fn check_shape(schema: &KeySchema, partition: &[Value], sort: &[KeyCondition]) -> Result<(), Fault> {
    if let Some(attribute) = schema.partition().get(partition.len()) {
        let attribute = attribute.name.clone();
        return Err(ConditionFault::PartitionKeyMissing { attribute }.into());
    }
    let conditions = partition.len() + sort.len();
    let attributes = schema.partition().len() + schema.sort().len();
    if partition.len() > schema.partition().len() || sort.len() > schema.sort().len() {
        return Err(ConditionFault::TooManyConditions { conditions, attributes }.into());
    }
    let of_schema =
        |attribute: &KeyAttribute, value: &Value| attribute.key_type.value_type() == value.value_type();
    let partitions = schema.partition().iter().zip(partition);
    let mut sorts = schema.sort().iter().zip(sort);
    if !partitions.into_iter().all(|(attribute, value)| of_schema(attribute, value))
        || !sorts.all(|(attribute, condition)| condition.operands().all(|value| of_schema(attribute, value)))
    {
        return Err(ConditionFault::TypeMismatch.into());
    }
    let mut sorts = schema.sort().iter().zip(sort).peekable();
    while let Some((attribute, condition)) = sorts.next() {
        if let (Some((next, _)), false) = (sorts.peek(), matches!(condition, KeyCondition::Equal(_))) {
            let (attribute, conditioned) = (attribute.name.clone(), next.name.clone());
            return Err(ConditionFault::SortKeyGap { attribute, conditioned }.into());
        }
    }
    Ok(())
}

/// The entries that begin with `prefix` and whose next attribute meets `condition`.
fn sort_range(prefix: &[u8], attribute: &KeyAttribute, condition: &KeyCondition) -> Result<KeyRange, Fault> {
    let at = |value: &Value| {
        let mut bytes = prefix.to_vec();
        append_operand(&mut bytes, attribute, value, KeyRole::Sort)?;
        Ok::<_, Fault>(bytes)
    };
    // A component ends itself, so what follows all keys with this value is the end of its bytes as a prefix.
    let behind = |value: &Value| Ok::<_, Fault>(end_of(&at(value)?));
    let (first, end) = (prefix.to_vec(), end_of(prefix));
    let (start, end) = match condition {
        KeyCondition::Equal(value) => (at(value)?, behind(value)?),
        KeyCondition::Less(value) => (first, at(value)?),
        KeyCondition::LessOrEqual(value) => (first, behind(value)?),
        KeyCondition::Greater(value) => (behind(value)?, end),
        KeyCondition::GreaterOrEqual(value) => (at(value)?, end),
        KeyCondition::Between(lower, upper) => (at(lower)?, behind(upper)?),
        KeyCondition::BeginsWith(value) => {
            let mut bytes = prefix.to_vec();
            let value = typed(attribute, value)?;
            KeyEncoder::new(&mut bytes, None).append_beginning(KeyRole::Sort, attribute, value)?;
            let end = end_of(&bytes);
            (bytes, end)
        }
    };
    Ok(KeyRange { start, end: Some(end) })
}

fn append_operand(
    buffer: &mut Vec<u8>,
    attribute: &KeyAttribute,
    value: &Value,
    role: KeyRole,
) -> Result<(), Fault> {
    KeyEncoder::new(buffer, None).append(role, attribute, typed(attribute, value)?)
}

fn typed<'a>(attribute: &KeyAttribute, value: &'a Value) -> Result<KeyRef<'a>, Fault> {
    key_value(value, attribute.key_type).ok_or(ConditionFault::TypeMismatch.into())
}

/// All keys that begin with `prefix`.
pub(super) fn all_with_prefix(prefix: Vec<u8>) -> KeyRange {
    KeyRange { end: Some(end_of(&prefix)), start: prefix }
}

/// What follows all keys that begin with `prefix`.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    key::prefix_end(prefix).expect("a prefix begins with a keyspace id, and the highest is never given")
}
