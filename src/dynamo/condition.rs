//! What a query asks of keys, and the range of bytes that answers it. All of this is pure.
//!
//! Invariant: an entry lies in the range of a query if and only if its key attributes meet all conditions. Nothing that
//! is read has to be thrown away for its key.
//!
//! What can be said of a condition without a table has been said by then (`expression::check`).

use super::expression::tree::{KeyClause, KeyCondition};
use super::fault::{ConditionFault, Fault, KeyRole};
use super::item_key::{KeyEncoder, key_value};
use super::key::{self, KeyRef};
use super::schema::{KeyAttribute, KeySchema};
use super::value::Value;
use crate::base::ident::KeyspaceId;
use crate::engine::cursor::KeyRange;
use std::collections::BTreeSet;

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

/// Refuses what is wrong with named conditions whatever the table.
pub fn check_clauses(clauses: &[KeyClause]) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    for KeyClause { attribute, condition } in clauses {
        condition.check()?;
        if !names.insert(attribute) {
            return Err(ConditionFault::AttributeRepeated.into());
        }
    }
    Ok(())
}

/// Brings named conditions, which may come in any order, into that of the schema: the values of the partition's
/// attributes, and the conditions of the sort key's, from the left.
pub fn resolve_clauses(
    schema: &KeySchema,
    clauses: &[KeyClause],
) -> Result<(Vec<Value>, Vec<KeyCondition>), Fault> {
    let attributes = schema.attributes().count();
    if clauses.len() > attributes {
        let conditions = clauses.len();
        return Err(ConditionFault::TooManyConditions { conditions, attributes }.into());
    }
    let find = |attribute: &KeyAttribute| {
        let clause = clauses.iter().find(|clause| clause.attribute == attribute.name);
        clause.map(|clause| &clause.condition)
    };
    let missing =
        |attribute: &KeyAttribute| ConditionFault::KeyAttributeMissing { attribute: attribute.name.clone() };
    let mut partition = Vec::with_capacity(schema.partition().len());
    for attribute in schema.partition() {
        match find(attribute).ok_or_else(|| missing(attribute))? {
            KeyCondition::Equal(value) => partition.push(value.clone()),
            _ => return Err(ConditionFault::PartitionKeyNotEqual.into()),
        }
    }
    let sort: Vec<_> = schema.sort().iter().map(find).collect();
    let conditioned = sort.iter().flatten().count();
    if partition.len() + conditioned < clauses.len() {
        // Some clause names no attribute of the key: one that it could have named has no condition.
        let free = schema.sort().iter().find(|attribute| find(attribute).is_none());
        let free = free.or(schema.partition().first());
        return Err(free.map_or(ConditionFault::PartitionKeyNotEqual, missing).into());
    }
    if let Some(last) = sort.iter().rposition(Option::is_some) {
        let gaps = schema.sort().iter().zip(&sort).take(last).filter(|(_, condition)| condition.is_none());
        let attributes: Vec<_> = gaps.map(|(attribute, _)| attribute.name.clone()).collect();
        if let (Some(conditioned), false) = (schema.sort().get(last), attributes.is_empty()) {
            let conditioned = conditioned.name.clone();
            return Err(ConditionFault::SortKeyGap { attributes, conditioned }.into());
        }
    }
    Ok((partition, sort.into_iter().flatten().cloned().collect()))
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
    let mut encoder = KeyEncoder::new(&mut prefix, None);
    for (attribute, value) in schema.partition().iter().zip(partition) {
        encoder.append(KeyRole::Partition, attribute, typed(attribute, value)?)?;
    }
    let partition = prefix.clone();
    let mut range = all_with_prefix(prefix.clone());
    let mut bound = Bound { prefix, sort_size_bytes: 0 };
    for (attribute, condition) in schema.sort().iter().zip(sort) {
        range = bound.range(attribute, condition)?;
        if let KeyCondition::Equal(value) = condition {
            bound = bound.with(attribute, value)?;
        }
    }
    Ok(QueryRange { range, partition })
}

fn check_shape(schema: &KeySchema, partition: &[Value], sort: &[KeyCondition]) -> Result<(), Fault> {
    if let Some(attribute) = schema.partition().get(partition.len()) {
        let attribute = attribute.name.clone();
        return Err(ConditionFault::KeyAttributeMissing { attribute }.into());
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
    if let Some(((last, _), before)) = schema.sort().iter().zip(sort).collect::<Vec<_>>().split_last() {
        let open = before.iter().filter(|(_, condition)| !matches!(condition, KeyCondition::Equal(_)));
        let attributes: Vec<_> = open.map(|(attribute, _)| attribute.name.clone()).collect();
        if !attributes.is_empty() {
            let conditioned = last.name.clone();
            return Err(ConditionFault::SortKeyGap { attributes, conditioned }.into());
        }
    }
    Ok(())
}

/// What is bound to one value: the partition, and the sort key's attributes so far.
struct Bound {
    prefix: Vec<u8>,
    sort_size_bytes: usize,
}

impl Bound {
    /// This, and the next attribute.
    fn with(&self, attribute: &KeyAttribute, value: &Value) -> Result<Self, Fault> {
        let mut prefix = self.prefix.clone();
        let mut encoder = KeyEncoder::behind(&mut prefix, self.sort_size_bytes);
        encoder.append(KeyRole::Sort, attribute, typed(attribute, value)?)?;
        let sort_size_bytes = encoder.sort_size_bytes();
        Ok(Self { prefix, sort_size_bytes })
    }

    /// The entries whose next attribute meets `condition`.
    fn range(&self, attribute: &KeyAttribute, condition: &KeyCondition) -> Result<KeyRange, Fault> {
        let at = |value: &Value| Ok::<_, Fault>(self.with(attribute, value)?.prefix);
        // A component ends itself, so what follows all keys with this value is the end of its bytes as a prefix.
        let behind = |value: &Value| Ok::<_, Fault>(end_of(&at(value)?));
        let (first, end) = (self.prefix.clone(), end_of(&self.prefix));
        let (start, end) = match condition {
            KeyCondition::Equal(value) => (at(value)?, behind(value)?),
            KeyCondition::Less(value) => (first, at(value)?),
            KeyCondition::LessOrEqual(value) => (first, behind(value)?),
            KeyCondition::Greater(value) => (behind(value)?, end),
            KeyCondition::GreaterOrEqual(value) => (at(value)?, end),
            KeyCondition::Between(lower, upper) => (at(lower)?, behind(upper)?),
            KeyCondition::BeginsWith(value) => {
                let mut bytes = self.prefix.clone();
                let value = typed(attribute, value)?;
                let mut encoder = KeyEncoder::behind(&mut bytes, self.sort_size_bytes);
                encoder.append_beginning(KeyRole::Sort, attribute, value)?;
                let end = end_of(&bytes);
                (bytes, end)
            }
        };
        Ok(KeyRange { start, end: Some(end) })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::Error;
    use crate::dynamo::fault::Operation;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::{GlobalIndex, TableSchema};
    use proptest::prelude::*;
    use std::cmp::Ordering;

    const KEYSPACE: KeyspaceId = KeyspaceId(17);

    /// Partition `p` (S) and `q` (N), sorted by `a` (N), `b` (S) and `c` (B).
    fn key() -> KeySchema {
        let index = GlobalIndex::builder("ByAll")
            .partition_key("p", KeyType::String)
            .partition_key("q", KeyType::Number)
            .sort_key("a", KeyType::Number)
            .sort_key("b", KeyType::String)
            .sort_key("c", KeyType::Binary);
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::String).global_index(index);
        schema.build().expect("a valid schema").global_indexes()[0].key().clone()
    }

    fn clause(attribute: &str, condition: KeyCondition) -> KeyClause {
        KeyClause { attribute: attribute.to_owned(), condition }
    }

    fn equal(attribute: &str, value: impl Into<Value>) -> KeyClause {
        clause(attribute, KeyCondition::Equal(value.into()))
    }

    /// What is said of named conditions, from the first check to the range.
    fn check(clauses: &[KeyClause], message: Result<(), &str>) {
        let schema = key();
        let range = check_clauses(clauses).and_then(|()| {
            let (partition, sort) = resolve_clauses(&schema, clauses)?;
            query_range(KEYSPACE, &schema, &partition, &sort)
        });
        let told = range.map(drop).map_err(|fault| Error::new(Operation::Query, fault).to_string());
        assert_eq!(told.as_ref().map_err(String::as_str).copied(), message);
    }

    #[test]
    fn named_conditions_come_in_any_order() {
        let less = clause("b", KeyCondition::Less("x".into()));
        check(&[equal("p", "x"), equal("q", 1)], Ok(()));
        check(&[less.clone(), equal("q", 1), equal("a", 2), equal("p", "x")], Ok(()));
        let (partition, sort) =
            resolve_clauses(&key(), &[less.clone(), equal("q", 1), equal("a", 2), equal("p", "x")])
                .expect("they fit the key");
        assert_eq!(partition, ["x".into(), 1.into()]);
        assert_eq!(sort, [KeyCondition::Equal(2.into()), less.condition]);
    }

    #[test]
    fn conditions_that_do_not_fit_the_key_are_refused_in_dynamodbs_words() {
        let (p, q) = (equal("p", "x"), equal("q", 1));
        check(std::slice::from_ref(&p), Err("Query condition missed key schema element: q"));
        check(&[], Err("Query condition missed key schema element: p"));
        check(
            &[p.clone(), q.clone(), equal("other", 1)],
            Err("Query condition missed key schema element: a"),
        );
        check(
            &[clause("p", KeyCondition::Less("x".into())), q.clone()],
            Err("Query key condition not supported"),
        );
        check(
            &[p.clone(), p.clone(), q.clone()],
            Err(
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
            ),
        );
        let many = ["p", "q", "a", "b", "c", "d"].map(|name| equal(name, 1));
        check(
            &many,
            Err(
                "The number of query conditions (6) exceeds the number of key attributes defined in the schema (5)",
            ),
        );
        check(
            &[p.clone(), equal("q", "1")],
            Err(
                "One or more parameter values were invalid: Condition parameter type does not match schema type",
            ),
        );
        check(
            &[p.clone(), q.clone(), equal("b", "x")],
            Err(
                "RANGE key attributes a must have equality conditions specified in the query because a condition \
                 is present on key attribute b",
            ),
        );
        check(
            &[p.clone(), q.clone(), equal("c", vec![1_u8])],
            Err("RANGE key attributes a, b must have equality conditions specified in the query because a \
                 condition is present on key attribute c"),
        );
        check(
            &[p.clone(), q.clone(), clause("a", KeyCondition::Less(1.into())), equal("b", "x")],
            Err(
                "RANGE key attributes a must have equality conditions specified in the query because a condition \
                 is present on key attribute b",
            ),
        );
        check(
            &[p, q, clause("a", KeyCondition::BeginsWith(1.into()))],
            Err(
                "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or \
                 function: begins_with, operand type: N",
            ),
        );
    }

    #[test]
    fn sort_attributes_are_limited_together() {
        let sort = |a: &str| vec![KeyCondition::Equal(a.into()), KeyCondition::Equal("b".repeat(24).into())];
        let index = GlobalIndex::builder("ByTwo")
            .partition_key("p", KeyType::String)
            .sort_key("a", KeyType::String)
            .sort_key("b", KeyType::String);
        let schema = TableSchema::builder("Items").partition_key("pk", KeyType::String).global_index(index);
        let schema = schema.build().expect("a valid schema");
        let key = schema.global_indexes()[0].key();
        let range = |a: usize| query_range(KEYSPACE, key, &["p".into()], &sort(&"a".repeat(a)));
        assert!(range(1000).is_ok());
        assert!(matches!(range(1001), Err(Fault::KeyTooLong { role: KeyRole::Sort, index: None })));
    }

    /// Few values, so that conditions often hold.
    fn any_value(key_type: KeyType) -> BoxedStrategy<Value> {
        match key_type {
            KeyType::String => "[\0ab]{1,2}".prop_map(Value::from).boxed(),
            KeyType::Number => (-2_i32..3).prop_map(Value::from).boxed(),
            KeyType::Binary => {
                prop::collection::vec(prop_oneof![Just(0_u8), Just(255)], 1..3).prop_map(Value::from).boxed()
            }
        }
    }

    fn any_condition(key_type: KeyType) -> BoxedStrategy<KeyCondition> {
        let two = (any_value(key_type), any_value(key_type), 0..7);
        two.prop_map(move |(one, two, choice)| match choice {
            0 => KeyCondition::Less(one),
            1 => KeyCondition::LessOrEqual(one),
            2 => KeyCondition::Greater(one),
            3 => KeyCondition::GreaterOrEqual(one),
            4 if key_type != KeyType::Number => KeyCondition::BeginsWith(one),
            5 if compare(&one, &two).is_le() => KeyCondition::Between(one, two),
            _ => KeyCondition::Equal(one),
        })
        .boxed()
    }

    fn compare(left: &Value, right: &Value) -> Ordering {
        let key = |value| KeyRef::from_value(value).expect("a value that can be in a key").to_owned();
        key(left).cmp(&key(right))
    }

    /// Whether a value meets a condition, said plainly.
    fn holds(value: &Value, condition: &KeyCondition) -> bool {
        match condition {
            KeyCondition::Equal(other) => value == other,
            KeyCondition::Less(other) => compare(value, other).is_lt(),
            KeyCondition::LessOrEqual(other) => compare(value, other).is_le(),
            KeyCondition::Greater(other) => compare(value, other).is_gt(),
            KeyCondition::GreaterOrEqual(other) => compare(value, other).is_ge(),
            KeyCondition::Between(lower, upper) => {
                compare(lower, value).is_le() && compare(value, upper).is_le()
            }
            KeyCondition::BeginsWith(prefix) => match (value, prefix) {
                (Value::String(value), Value::String(prefix)) => value.starts_with(prefix.as_str()),
                (Value::Binary(value), Value::Binary(prefix)) => value.starts_with(prefix),
                _ => false,
            },
        }
    }

    fn any_entry() -> impl Strategy<Value = Vec<Value>> {
        let types: Vec<_> = key().attributes().map(|attribute| any_value(attribute.key_type)).collect();
        types
    }

    /// Equalities on the partition and on some sort attributes, then perhaps another condition.
    fn any_query() -> impl Strategy<Value = (Vec<Value>, Vec<KeyCondition>)> {
        let last: Vec<_> = key().sort().iter().map(|attribute| any_condition(attribute.key_type)).collect();
        (any_entry(), last, 0..4_usize).prop_map(|(values, last, count)| {
            let (partition, sort) = values.split_at(2);
            let mut sort: Vec<_> = sort.iter().cloned().map(KeyCondition::Equal).take(count).collect();
            if let Some(end) = sort.last_mut() {
                *end = last[count - 1].clone();
            }
            (partition.to_vec(), sort)
        })
    }

    proptest! {
        #[test]
        fn a_range_holds_exactly_what_meets_the_conditions(
            (partition, sort) in any_query(),
            entries in prop::collection::vec(any_entry(), 1..20),
            near in any_entry(),
        ) {
            let schema = key();
            let range = query_range(KEYSPACE, &schema, &partition, &sort).expect("the conditions fit the key");
            // Most entries are far away: half of them are brought into the partition.
            let moved = entries.iter().map(|entry| [&partition[..], &entry[2..]].concat());
            let moved: Vec<_> = moved.chain(entries.clone()).chain([near]).collect();
            for entry in moved {
                let mut bytes = KEYSPACE.prefix().to_vec();
                for value in &entry {
                    KeyRef::from_value(value).expect("a value that can be in a key").encode(&mut bytes);
                }
                KeyRef::String("the table's key").encode(&mut bytes);
                let met = entry[..2] == partition[..]
                    && entry[2..].iter().zip(&sort).all(|(value, condition)| holds(value, condition));
                let end = range.range.end.as_ref().expect("a query has an end");
                prop_assert_eq!(range.range.start <= bytes && bytes < *end, met, "{:?}", entry);
                prop_assert_eq!(bytes.starts_with(&range.partition), entry[..2] == partition[..]);
            }
        }
    }
}
