//! The words of what is wrong with a request on a stream.
//!
//! Two of them DynamoDB is known to say, and it documents the two exceptions; the rest are our own.

use super::tables::PARAMETER;
use crate::dynamo::limits;
use crate::dynamo::stream_fault::StreamFault;
use std::fmt::{self, Formatter};

/// What DynamoDB says of a request on a stream that is wrong, or too late.
pub(super) fn write_stream(f: &mut Formatter<'_>, fault: &StreamFault) -> fmt::Result {
    match fault {
        StreamFault::ArnInvalid { arn } => write!(f, "{PARAMETER}Invalid StreamArn: {arn}"),
        StreamFault::StreamNotFound { stream } => {
            write!(f, "Requested resource not found: Stream: {stream} not found")
        }
        StreamFault::ShardNotFound { shard } => {
            write!(f, "Requested resource not found: Shard: {shard} not found")
        }
        StreamFault::IteratorMemberMissing { member } => write!(f, "{PARAMETER}{member} cannot be null"),
        StreamFault::IteratorMemberUnexpected { member } => {
            write!(f, "{PARAMETER}{member} should not be passed for this iterator type")
        }
        StreamFault::SequenceNumberInvalid { sequence_number } => {
            write!(f, "{PARAMETER}Invalid SequenceNumber: {sequence_number}")
        }
        StreamFault::IteratorInvalid => write!(f, "{PARAMETER}Invalid ShardIterator"),
        StreamFault::IteratorExpired => {
            f.write_str("The shard iterator has expired and can no longer be used to retrieve stream records")
        }
        StreamFault::Trimmed => {
            f.write_str("The operation attempted to read past the oldest stream record in a shard")
        }
        StreamFault::ConsumerName { name } => {
            write!(f, "the name of a consumer has 1 to {} bytes: '{name}'", limits::CONSUMER_NAME_BYTES_MAX)
        }
    }
}
