//! The words of the faults of requests.
//!
//! The words are those of region eu-west-2 in October 2026. DynamoDB moves its operations from old to new words region
//! by region:
//! - In the *new* words a member that is empty or too small is named in capitals, without its value.
//! - In the *old* words it is a path in camel case, with the value.
//! - Some operations put what they find before they look at the table into an envelope that counts the errors.

use super::backups;
use super::items;
use super::policies;
use super::streams;
use super::tables::{self, PARAMETER};
use crate::dynamo::fault::{
    ConditionFault, Constraint, Fault, KeyRole, MemberFault, Operation, StartKeyFault,
};
use crate::dynamo::item_fault::WriteFault;
use crate::dynamo::key::KeyType;
use crate::dynamo::limits;
use crate::dynamo::value::ValueFault;
use std::fmt::{self, Display as _, Formatter, Write as _};

/// How an operation words what it finds before it looks at the table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    NewEnveloped,
    NewBare,
    /// Members in the old words and in the envelope, the rest bare.
    Old,
}

fn words(operation: Operation) -> Words {
    match operation {
        Operation::PutItem | Operation::UpdateItem | Operation::DeleteItem => Words::NewEnveloped,
        Operation::GetItem
        | Operation::BatchGetItem
        | Operation::TransactGetItems
        | Operation::TransactWriteItems
        | Operation::Query
        | Operation::Scan => Words::NewBare,
        _ => Words::Old,
    }
}

/// Whether an operation reads or writes items, and not tables.
fn is_on_items(operation: Operation) -> bool {
    words(operation) != Words::Old || operation == Operation::BatchWriteItem
}

/// What stands in front of a fault that is found before the table is looked at.
const ENVELOPE: &str = "1 validation error detected: ";

/// Writes what DynamoDB says when `operation` meets `fault`.
pub(in crate::dynamo) fn write(
    f: &mut Formatter<'_>,
    operation: Option<Operation>,
    fault: &Fault,
) -> fmt::Result {
    let words = operation.map_or(Words::NewBare, words);
    match fault {
        Fault::Members(faults) => write_members(f, words, faults),
        Fault::Value(ValueFault::ItemTooLarge { .. }) if operation == Some(Operation::UpdateItem) => {
            f.write_str("Item size to update has exceeded the maximum allowed size")
        }
        // The size is judged last of all, after the table was looked up: bare.
        Fault::Value(fault @ ValueFault::ItemTooLarge { .. }) => fault.fmt(f),
        Fault::Value(fault) => {
            f.write_str(envelope(words))?;
            fault.fmt(f)
        }
        Fault::Expression(fault) => {
            f.write_str(envelope(words))?;
            fault.fmt(f)
        }
        Fault::Legacy(fault) => {
            if !fault.needs_table() {
                f.write_str(envelope(words))?;
            }
            fault.fmt(f)
        }
        Fault::Serde(error) => error.fmt(f),
        Fault::Write(fault) => {
            if matches!(fault, WriteFault::ReturnValues) {
                f.write_str(envelope(words))?;
            }
            items::write_write(f, fault)
        }
        Fault::Read(fault) => items::write_read(f, fault),
        Fault::Request(fault) => items::write_request(f, fault),
        Fault::Schema(fault) => tables::write_schema(f, fault),
        Fault::Table(fault) => tables::write_table(f, fault),
        Fault::Stream(fault) => streams::write_stream(f, fault),
        Fault::Backup(fault) => backups::write_backup(f, fault),
        Fault::Policy(fault) => policies::write_policy(f, fault),
        Fault::ParameterMissing { parameter } => {
            write!(f, "The parameter '{parameter}' is required but was not present in the request")
        }
        Fault::TableNotFound { .. } if operation.is_some_and(is_on_items) => {
            f.write_str("Requested resource not found")
        }
        Fault::TableNotFound { table } => {
            write!(f, "Requested resource not found: Table: {table} not found")
        }
        Fault::TableExists { table } => write!(f, "Table already exists: {table}"),
        Fault::IndexNotFound { index } => {
            write!(f, "The table does not have the specified index: {index}")
        }
        Fault::IndexBackfilling { index } => {
            write!(f, "Cannot read from backfilling global secondary index: {index}")
        }
        Fault::KeyAttributeMissing { attribute } => {
            write!(f, "{PARAMETER}Missing the key {attribute} in the item")
        }
        Fault::KeyTypeMismatch { attribute, expected, actual, index: None } => {
            let expected = expected.value_type();
            write!(f, "{PARAMETER}Type mismatch for key {attribute} expected: {expected} actual: {actual}")
        }
        Fault::KeyTypeMismatch { index: Some(_), .. } if operation == Some(Operation::UpdateItem) => f
            .write_str(
                "The update expression attempted to update the secondary index key to unsupported type",
            ),
        Fault::KeyTypeMismatch { attribute, expected, actual, index: Some(index) } => write!(
            f,
            "{PARAMETER}Type mismatch for Index Key {attribute} Expected: {} Actual: {actual} IndexName: {index}",
            expected.value_type()
        ),
        Fault::KeyValueEmpty { attribute, key_type, index } => {
            let is_updated = operation == Some(Operation::UpdateItem);
            write_empty_key(f, is_updated, attribute, *key_type, index.as_deref())
        }
        Fault::KeyTooLong { index: Some(_), .. } if operation == Some(Operation::UpdateItem) => f.write_str(
            "The update expression attempted to update the secondary index key beyond allowed size limits",
        ),
        Fault::KeyTooLong { role, .. } => write_long_key(f, *role),
        Fault::KeyShape => f.write_str("The provided key element does not match the schema"),
        Fault::Condition(fault) => write_condition(f, fault),
        Fault::StartKey(fault) => write_start_key(f, operation, *fault),
        Fault::StartKeyValue(fault) => write!(f, "The provided starting key is invalid: {fault}"),
        Fault::DamagedRow { row, error } => write!(f, "a stored {row} does not parse: {error}"),
        Fault::Storage(error) => error.fmt(f),
    }
}

fn envelope(words: Words) -> &'static str {
    if words == Words::NewEnveloped { ENVELOPE } else { "" }
}

fn write_members(f: &mut Formatter<'_>, words: Words, faults: &[MemberFault]) -> fmt::Result {
    if words != Words::NewBare {
        let errors = if faults.len() == 1 { "error" } else { "errors" };
        write!(f, "{} validation {errors} detected: ", faults.len())?;
    }
    for (index, fault) in faults.iter().enumerate() {
        if index > 0 {
            f.write_str("; ")?;
        }
        if fault.constraint == Constraint::ReturnValues {
            f.write_str(RETURN_VALUES)?;
            continue;
        }
        let too_small =
            matches!(fault.constraint, Constraint::LengthAtLeast(_) | Constraint::ValueAtLeast(_));
        if too_small && words != Words::Old {
            write!(f, "Value at '{}'", Capitalised(&fault.member))?;
        } else if fault.constraint == Constraint::Present {
            write!(f, "Value null at '{}'", fault.member)?;
        } else {
            write!(f, "Value '{}' at '{}'", fault.value, fault.member)?;
        }
        f.write_str(" failed to satisfy constraint: Member must ")?;
        match fault.constraint {
            Constraint::LengthAtLeast(least) => {
                write!(f, "have length greater than or equal to {least}")?;
            }
            Constraint::LengthAtMost(most) => write!(f, "have length less than or equal to {most}")?,
            Constraint::ValueAtLeast(least) => write!(f, "have value greater than or equal to {least}")?,
            Constraint::ValueAtMost(most) => write!(f, "have value less than or equal to {most}")?,
            Constraint::OneOf(values) => write!(f, "satisfy enum value set: {values}")?,
            Constraint::Present => f.write_str("not be null")?,
            Constraint::ReturnValues => {}
            Constraint::Pattern(pattern) => {
                write!(f, "satisfy regular expression pattern: {pattern}")?;
            }
        }
    }
    Ok(())
}

/// What is said of an answer that a write cannot give. The misspelt name is DynamoDB's.
const RETURN_VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, \
                             ALL_NEW, UPDATE_NEW, NONE]";

/// A member's name as the new words write it.
struct Capitalised<'a>(&'a str);

impl fmt::Display for Capitalised<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        if let Some(first) = letters.next() {
            f.write_char(first.to_ascii_uppercase())?;
        }
        f.write_str(letters.as_str())
    }
}

fn write_empty_key(
    f: &mut Formatter<'_>,
    is_updated: bool,
    attribute: &str,
    key_type: KeyType,
    index: Option<&str>,
) -> fmt::Result {
    let what = if key_type == KeyType::Binary { "binary" } else { "string" };
    f.write_str("One or more parameter values are not valid. ")?;
    f.write_str(match (index, is_updated) {
        (None, _) => "",
        (Some(_), false) => "A value specified for a secondary index key is not supported. ",
        (Some(_), true) => {
            "The update expression attempted to update a secondary index key to a value that is not supported. "
        }
    })?;
    write!(f, "The AttributeValue for a key attribute cannot contain an empty {what} value.")?;
    match index {
        None => write!(f, " Key: {attribute}"),
        Some(_) if is_updated => Ok(()),
        Some(index) => write!(f, " IndexName: {index}, IndexKey: {attribute}"),
    }
}

fn write_long_key(f: &mut Formatter<'_>, role: KeyRole) -> fmt::Result {
    match role {
        KeyRole::Partition => write!(
            f,
            "{PARAMETER}Size of hashkey has exceeded the maximum size limit of{} bytes",
            limits::PARTITION_KEY_BYTES_MAX
        ),
        KeyRole::Sort => write!(
            f,
            "{PARAMETER}Aggregated size of all range keys has exceeded the size limit of {} bytes",
            limits::SORT_KEY_BYTES_MAX
        ),
    }
}

fn write_condition(f: &mut Formatter<'_>, fault: &ConditionFault) -> fmt::Result {
    match fault {
        ConditionFault::NoConditions => f.write_str(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        ConditionFault::KeyAttributeMissing { attribute } => {
            write!(f, "Query condition missed key schema element: {attribute}")
        }
        ConditionFault::TooManyConditions { conditions, attributes } => write!(
            f,
            "The number of query conditions ({conditions}) exceeds the number of key attributes defined in the \
             schema ({attributes})"
        ),
        ConditionFault::PartitionKeyNotEqual => f.write_str("Query key condition not supported"),
        ConditionFault::AttributeRepeated => {
            write!(
                f,
                "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
            )
        }
        ConditionFault::SortKeyGap { attributes, conditioned } => write!(
            f,
            "RANGE key attributes {} must have equality conditions specified in the query because a \
             condition is present on key attribute {conditioned}",
            attributes.join(", ")
        ),
        ConditionFault::TypeMismatch => {
            write!(f, "{PARAMETER}Condition parameter type does not match schema type")
        }
    }
}

fn write_start_key(f: &mut Formatter<'_>, operation: Option<Operation>, fault: StartKeyFault) -> fmt::Result {
    f.write_str(match (operation, fault) {
        (Some(Operation::Scan), StartKeyFault::Shape) => {
            "The provided starting key is invalid: The provided key element does not match the schema"
        }
        (_, StartKeyFault::Shape) => "The provided starting key is invalid",
        (_, StartKeyFault::OutsidePartition) => {
            "The provided starting key is outside query boundaries based on provided conditions"
        }
        (_, StartKeyFault::OutsideRange) => {
            "The provided starting key does not match the range key predicate"
        }
        (_, StartKeyFault::OutsideSegment { segment, total_segments }) => {
            return write!(
                f,
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with \
                 correct Segment. TotalSegments: {total_segments} Segment: {segment}"
            );
        }
    })
}
