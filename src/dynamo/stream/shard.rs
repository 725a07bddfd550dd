//! Reading a shard through iterators: `GetShardIterator` and `GetRecords`.
//!
//! An iterator is text that says all that reading needs, so nothing is kept for it:
//!
//! ```text
//! iterator := stream's long name ‖ "|1|" ‖ hexadecimal digits of the body
//! body     := history u128, keyspace id u32, next: seqno u64, position u32, not before u64 (ms), expires at u64 (ms),
//!             checksum u32 (CRC-32 of the name and all before it)
//! ```
//!
//! It is bound to the store's history and to the stream's keyspace: a store that was restored to another moment refuses
//! it, because its sequence numbers may mean other commits there.

use super::describe::{arn_member, find, limit_member, shard_id, shard_member};
use super::read::{StreamPlace, StreamStart, place, read};
use super::record::StreamRecord;
use super::sequence_number::SequenceNumber;
use crate::base::checksum::crc32;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::ident::{CommitTime, HistoryId, KeyspaceId, SeqNo};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::stream_fault::StreamFault;
use crate::dynamo::tables::members::Members;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::store::Engine;
use std::fmt::Write as _;

/// Where an iterator begins, as DynamoDB calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShardIteratorType {
    /// At the oldest record that is kept.
    TrimHorizon,
    /// Behind the newest record.
    Latest,
    /// At the record of the sequence number.
    AtSequenceNumber,
    /// Behind the record of the sequence number.
    AfterSequenceNumber,
    /// At the first record of the moment, or later.
    AtTimestamp,
}

/// Asks for an iterator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetShardIteratorRequest {
    /// The stream's long name.
    pub stream_arn: String,
    /// The shard.
    pub shard_id: String,
    /// Where it begins.
    pub shard_iterator_type: ShardIteratorType,
    /// The sequence number where it begins, if it begins at one.
    pub sequence_number: Option<String>,
    /// The moment where it begins, if it begins at one, in milliseconds since 1970.
    pub timestamp_millis: Option<u64>,
}

/// Asks for records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetRecordsRequest {
    /// Where to begin.
    pub shard_iterator: String,
    /// At most so many, from 1 to 1,000.
    pub limit: Option<usize>,
}

/// Records, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub struct GetRecordsOutput {
    /// The records. None is nothing unusual: there may be some later.
    pub records: Vec<StreamRecord>,
    /// Where the next ones begin; none if no record can follow.
    pub next_shard_iterator: Option<String>,
}

/// Gives an iterator, which can be used for 15 minutes.
pub fn get_shard_iterator(
    engine: &Engine,
    catalog: &Catalog,
    request: &GetShardIteratorRequest,
) -> Result<String> {
    const OPERATION: Operation = Operation::GetShardIterator;
    let fault = |fault: StreamFault| Error::new(OPERATION, fault.into());
    let mut members = Members::default();
    if let Some(number) = &request.sequence_number {
        members.length("sequenceNumber", number, 21, 40);
    }
    shard_member(&mut members, "shardId", &request.shard_id);
    arn_member(&mut members, "streamArn", &request.stream_arn);
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let start = start(request).map_err(fault)?;
    let stream = find(catalog, OPERATION, &request.stream_arn)?;
    if request.shard_id != shard_id(&stream) {
        return Err(fault(StreamFault::ShardNotFound { shard: request.shard_id.clone() }));
    }
    Ok(Token::new(engine, &stream, place(engine, &stream, start)?).encode(&request.stream_arn))
}

/// Where a request says that its iterator begins.
fn start(request: &GetShardIteratorRequest) -> Result<StreamStart, StreamFault> {
    let (number, timestamp) = (request.sequence_number.as_deref(), request.timestamp_millis);
    let kind = request.shard_iterator_type;
    let takes_number =
        matches!(kind, ShardIteratorType::AtSequenceNumber | ShardIteratorType::AfterSequenceNumber);
    let takes_timestamp = kind == ShardIteratorType::AtTimestamp;
    for (member, takes, has) in [
        ("SequenceNumber", takes_number, number.is_some()),
        ("Timestamp", takes_timestamp, timestamp.is_some()),
    ] {
        match (takes, has) {
            (true, false) => return Err(StreamFault::IteratorMemberMissing { member }),
            (false, true) => return Err(StreamFault::IteratorMemberUnexpected { member }),
            _ => {}
        }
    }
    let number = number.unwrap_or_default();
    let parsed = number.parse::<SequenceNumber>();
    let parsed =
        parsed.map_err(|_| StreamFault::SequenceNumberInvalid { sequence_number: number.to_owned() });
    Ok(match kind {
        ShardIteratorType::TrimHorizon => StreamStart::TrimHorizon,
        ShardIteratorType::Latest => StreamStart::Latest,
        ShardIteratorType::AtSequenceNumber => StreamStart::At(parsed?),
        ShardIteratorType::AfterSequenceNumber => StreamStart::After(parsed?),
        ShardIteratorType::AtTimestamp => StreamStart::AtTimestamp(timestamp.unwrap_or_default()),
    })
}

/// Reads records where an iterator says. The same iterator can be used again, and gives the same records first.
pub fn get_records(
    engine: &Engine,
    catalog: &Catalog,
    request: &GetRecordsRequest,
) -> Result<GetRecordsOutput> {
    const OPERATION: Operation = Operation::GetRecords;
    let fault = |fault: StreamFault| Error::new(OPERATION, fault.into());
    let mut members = Members::default();
    limit_member(&mut members, request.limit, limits::STREAM_RECORDS_MAX);
    members.length("shardIterator", &request.shard_iterator, 1, 2048);
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let invalid = || fault(StreamFault::IteratorInvalid);
    let (arn, token) = Token::decode(&request.shard_iterator).ok_or_else(invalid)?;
    if token.history != engine.history() {
        return Err(invalid());
    }
    let stream = find(catalog, OPERATION, arn)?;
    if token.keyspace != stream.keyspace {
        return Err(invalid());
    }
    if token.expires_at < engine.now() {
        return Err(fault(StreamFault::IteratorExpired));
    }
    let limit = request.limit.unwrap_or(limits::STREAM_RECORDS_MAX);
    let page = read(engine, &stream, token.place, limit)?;
    let next = page.next.map(|place| Token::new(engine, &stream, place).encode(arn));
    Ok(GetRecordsOutput { records: page.records, next_shard_iterator: next })
}

/// What an iterator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    history: HistoryId,
    keyspace: KeyspaceId,
    place: StreamPlace,
    expires_at: CommitTime,
}

const SEPARATOR: &str = "|1|";

impl Token {
    fn new(engine: &Engine, stream: &StreamDescriptor, place: StreamPlace) -> Self {
        let expires_at = CommitTime(engine.now().0.saturating_add(limits::SHARD_ITERATOR_MILLIS));
        Self { history: engine.history(), keyspace: stream.keyspace, place, expires_at }
    }

    fn encode(&self, arn: &str) -> String {
        let mut body = Vec::new();
        body.put_u128(self.history.0);
        body.put_u32(self.keyspace.0);
        body.put_u64(self.place.next.seqno.0);
        body.put_u32(self.place.next.position);
        body.put_u64(self.place.not_before.0);
        body.put_u64(self.expires_at.0);
        let checksum = crc32(&[arn.as_bytes(), &body]);
        body.put_u32(checksum);
        let mut text = format!("{arn}{SEPARATOR}");
        for byte in body {
            write!(text, "{byte:02x}").expect("text takes everything");
        }
        text
    }

    /// The stream's long name and what an iterator says of it, if it is one that was given out.
    fn decode(text: &str) -> Option<(&str, Self)> {
        let (arn, digits) = text.rsplit_once(SEPARATOR)?;
        let is_whole = digits.bytes().all(|digit| digit.is_ascii_hexdigit()) && digits.len() % 2 == 0;
        let pairs = (0..digits.len()).step_by(2).filter(|_| is_whole);
        let bytes = pairs.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
        let token = Self::decode_body(arn, &bytes.collect::<Option<Vec<_>>>()?).ok()?;
        Some((arn, token))
    }

    fn decode_body(arn: &str, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let history = HistoryId(u128::from_le_bytes(decoder.array("a history")?));
        let keyspace = KeyspaceId(decoder.u32("a keyspace")?);
        let seqno = SeqNo(decoder.u64("a sequence number")?);
        let next = SequenceNumber { seqno, position: decoder.u32("a place in a commit")? };
        let not_before = CommitTime(decoder.u64("a moment")?);
        let expires_at = CommitTime(decoder.u64("a moment")?);
        let body = bytes.get(..decoder.offset()).unwrap_or_default();
        let error = decoder.error("the checksum of an iterator");
        if decoder.u32("a checksum")? != crc32(&[arn.as_bytes(), body]) {
            return Err(error);
        }
        decoder.end("the end of an iterator")?;
        Ok(Self { history, keyspace, place: StreamPlace { next, not_before }, expires_at })
    }
}
