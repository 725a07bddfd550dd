//! The words of the faults of writes and reads of items.

use super::tables::PARAMETER;
use crate::dynamo::expression::update::UpdateFault;
use crate::dynamo::item_fault::{ReadFault, WriteFault};
use crate::dynamo::limits;
use crate::dynamo::request_fault::RequestFault;
use crate::dynamo::value::ValueFault;
use std::fmt::{self, Display as _, Formatter};

pub(super) fn write_write(f: &mut Formatter<'_>, fault: &WriteFault) -> fmt::Result {
    match fault {
        WriteFault::ConditionFailed { .. } => f.write_str("The conditional request failed"),
        WriteFault::ReturnValues => f.write_str("ReturnValues can only be ALL_OLD or NONE"),
        WriteFault::Update(fault) => write_update(f, fault),
        WriteFault::KeyUpdated { attribute } => {
            write!(f, "{PARAMETER}Cannot update attribute {attribute}. This attribute is part of the key")
        }
        WriteFault::IndexKeyPath { attribute } => write!(
            f,
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: \
             IndexKey: {attribute}"
        ),
        // New words in an envelope, though everything else of this operation is in the old ones.
        WriteFault::BatchEmpty => f.write_str(
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have length \
             greater than or equal to 1",
        ),
        WriteFault::BatchTooLong => f.write_str("Too many items requested for the BatchWriteItem call"),
        WriteFault::BatchTable { table } => write!(
            f,
            "1 validation error detected: Value '{{{table}=[]}}' at 'requestItems' failed to satisfy constraint: \
             Map value must satisfy constraint: [Member must have length less than or equal to {}, Member must \
             have length greater than or equal to 1]",
            limits::BATCH_WRITE_REQUESTS_MAX
        ),
        // Our own words: DynamoDB documents the limit and not the text.
        WriteFault::TooLarge { limit_bytes, .. } => {
            write!(f, "The aggregate size of the items in the request cannot exceed {limit_bytes} bytes")
        }
        WriteFault::TransactionItemTwice => {
            f.write_str("Transaction request cannot include multiple operations on one item")
        }
        WriteFault::TransactionCanceled { reasons } => {
            f.write_str(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [",
            )?;
            for (index, reason) in reasons.iter().enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                f.write_str(reason.code.name())?;
            }
            f.write_str("]")
        }
        WriteFault::TransactionConflict => f.write_str("Transaction is ongoing for the item"),
        // Our own words: DynamoDB has no such transactions.
        WriteFault::TableMadeSince { table } => write!(
            f,
            "The table {table} was made after the moment that the transaction reads; run the transaction again"
        ),
        WriteFault::TransactionInProgress => {
            f.write_str("The transaction with the given request token is already in progress.")
        }
        WriteFault::TokenMismatch => f.write_str(
            "DynamoDB rejected the request because you retried a request with a different payload but with an \
             idempotent token that was already used.",
        ),
    }
}

pub(super) fn write_request(f: &mut Formatter<'_>, fault: &RequestFault) -> fmt::Result {
    f.write_str(match fault {
        RequestFault::KeyConditionMissing => {
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        }
        RequestFault::SegmentMissing => {
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
             present"
        }
        RequestFault::TotalSegmentsMissing => {
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present"
        }
        RequestFault::TransactTwofold => {
            "TransactItems can only contain one of Check, Put, Update or Delete"
        }
        RequestFault::TransactEmpty => {
            "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
        }
        // DynamoDB says of a write what it says of a value.
        RequestFault::BatchWriteTwofold => return ValueFault::ManyTypes.fmt(f),
        RequestFault::BatchWriteEmpty => return ValueFault::Untyped.fmt(f),
    })
}

fn write_update(f: &mut Formatter<'_>, fault: &UpdateFault) -> fmt::Result {
    match fault {
        UpdateFault::AttributeMissing => {
            f.write_str("The provided expression refers to an attribute that does not exist in the item")
        }
        UpdateFault::OperandType => {
            f.write_str("An operand in the update expression has an incorrect data type")
        }
        UpdateFault::InvalidPath => {
            f.write_str("The document path provided in the update expression is invalid for update")
        }
        UpdateFault::Number(error) => error.fmt(f),
        UpdateFault::TooDeep => ValueFault::TooDeep.fmt(f),
        UpdateFault::ItemTooLarge { size_bytes } => {
            ValueFault::ItemTooLarge { size_bytes: *size_bytes }.fmt(f)
        }
        UpdateFault::Damaged(error) => error.fmt(f),
    }
}

pub(super) fn write_read(f: &mut Formatter<'_>, fault: &ReadFault) -> fmt::Result {
    match fault {
        ReadFault::BatchTooLong => f.write_str("Too many items requested for the BatchGetItem call"),
        ReadFault::DuplicateKeys => f.write_str("Provided list of item keys contains duplicates"),
        // Our own words: DynamoDB documents the limit and not the text.
        ReadFault::TooLarge { limit_bytes, .. } => {
            write!(f, "The aggregate size of the items in the request cannot exceed {limit_bytes} bytes")
        }
        ReadFault::SelectWithProjection { select, parameter } => {
            let selected = if *select == "COUNT" { "only the Count" } else { select };
            write!(f, "Cannot specify the {parameter} when choosing to get {selected}")
        }
        ReadFault::SelectNothing => f.write_str(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        ReadFault::SelectWithoutIndex => {
            f.write_str("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        }
        ReadFault::SelectAllOfIndex { index } => write!(
            f,
            "{PARAMETER}Select type ALL_ATTRIBUTES is not supported for global secondary index {index} because its \
             projection type is not ALL"
        ),
        ReadFault::NotProjected { index, attributes } => write!(
            f,
            "{PARAMETER}Global secondary index {index} does not project [{}]",
            attributes.join(", ")
        ),
        ReadFault::FilterOnKey { attribute } => write!(
            f,
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {attribute}"
        ),
        ReadFault::KeyPath { attribute, of_index } => write!(
            f,
            "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: {}: {attribute}",
            if *of_index { "IndexKey" } else { "Key" }
        ),
        ReadFault::ConsistentGlobalIndex => {
            f.write_str("Consistent reads are not supported on global secondary indexes")
        }
        ReadFault::SegmentOutOfRange { segment, total_segments } => write!(
            f,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} \
             is not less than TotalSegments: {total_segments}"
        ),
    }
}
