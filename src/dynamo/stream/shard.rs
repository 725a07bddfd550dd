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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::stream::support::{NOW, OFF, Store, number, on};
    use crate::dynamo::tables::settings::StreamViewType;
    use std::time::Duration;

    fn request(stream: &StreamDescriptor, shard_iterator_type: ShardIteratorType) -> GetShardIteratorRequest {
        GetShardIteratorRequest {
            stream_arn: stream.arn(),
            shard_id: shard_id(stream),
            shard_iterator_type,
            sequence_number: None,
            timestamp_millis: None,
        }
    }

    fn iterator(store: &Store, request: &GetShardIteratorRequest) -> Result<String> {
        get_shard_iterator(&store.engine, &store.catalog, request)
    }

    fn records(store: &Store, iterator: &str, limit: Option<usize>) -> Result<(Vec<u64>, Option<String>)> {
        let request = GetRecordsRequest { shard_iterator: iterator.to_owned(), limit };
        let answer = get_records(&store.engine, &store.catalog, &request)?;
        Ok((answer.records.iter().map(number).collect(), answer.next_shard_iterator))
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T>, exception: &str, message: &str) {
        let error = result.expect_err("the request is wrong");
        assert_eq!((error.exception(), error.to_string().as_str()), (exception, message));
    }

    const INVALID: &str = "ValidationException";
    const PARAMETER: &str = "One or more parameter values were invalid: ";

    #[test]
    fn a_shard_is_read_page_by_page_to_its_end() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        let first =
            iterator(&store, &request(&stream, ShardIteratorType::TrimHorizon)).expect("a valid request");
        assert!(first.len() <= 2048 && first.starts_with(&stream.arn()));
        let (none, next) = records(&store, &first, None).expect("a fresh iterator");
        assert!(none.is_empty() && next.is_some(), "an open shard may have records later");
        (1..=3).for_each(|number| store.put(number));
        let (page, next) = records(&store, &first, Some(2)).expect("a fresh iterator");
        assert_eq!(page, [1, 2]);
        assert_eq!(records(&store, &first, Some(2)).expect("again").0, [1, 2]);
        let store = store.reopen();
        let next = next.expect("there is more");
        assert_eq!(records(&store, &next, None).expect("it survives").0, [3]);
        store.switch(OFF);
        assert_eq!(records(&store, &next, None).expect("it can still be read"), (vec![3], None));
        store.switch(on(StreamViewType::KeysOnly));
        assert_eq!(records(&store, &next, None).expect("it can still be read"), (vec![3], None));
    }

    #[test]
    fn each_type_of_iterator_begins_where_it_says() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.put(1);
        store.simulation.clock().advance(Duration::from_millis(5));
        store.put(2);
        let stream = store.stream();
        let numbers = store.read(&stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        let sequence_number = Some(numbers[0].sequence_number.to_string());
        let timestamp_millis = Some(NOW + 1);
        for (kind, sequence_number, timestamp_millis, expected) in [
            (ShardIteratorType::TrimHorizon, None, None, &[1, 2][..]),
            (ShardIteratorType::Latest, None, None, &[]),
            (ShardIteratorType::AtSequenceNumber, sequence_number.clone(), None, &[1, 2]),
            (ShardIteratorType::AfterSequenceNumber, sequence_number.clone(), None, &[2]),
            (ShardIteratorType::AtTimestamp, None, timestamp_millis, &[2]),
        ] {
            let request =
                GetShardIteratorRequest { sequence_number, timestamp_millis, ..request(&stream, kind) };
            let iterator = iterator(&store, &request).expect("a valid request");
            assert_eq!(records(&store, &iterator, None).expect("a fresh iterator").0, expected, "{kind:?}");
        }
        for (kind, sequence_number, timestamp_millis, message) in [
            (ShardIteratorType::AtSequenceNumber, None, None, "SequenceNumber cannot be null"),
            (
                ShardIteratorType::Latest,
                sequence_number.clone(),
                None,
                "SequenceNumber should not be passed for this iterator type",
            ),
            (ShardIteratorType::AtTimestamp, None, None, "Timestamp cannot be null"),
            (
                ShardIteratorType::AfterSequenceNumber,
                sequence_number,
                timestamp_millis,
                "Timestamp should not be passed for this iterator type",
            ),
        ] {
            let request =
                GetShardIteratorRequest { sequence_number, timestamp_millis, ..request(&stream, kind) };
            refused(iterator(&store, &request), INVALID, &format!("{PARAMETER}{message}"));
        }
        let text = "2".repeat(31);
        let unknown = GetShardIteratorRequest {
            sequence_number: Some(text.clone()),
            ..request(&stream, ShardIteratorType::AtSequenceNumber)
        };
        refused(iterator(&store, &unknown), INVALID, &format!("{PARAMETER}Invalid SequenceNumber: {text}"));
    }

    #[test]
    fn an_iterator_lives_for_fifteen_minutes() {
        let store = Store::new(StreamViewType::KeysOnly);
        let request = request(&store.stream(), ShardIteratorType::TrimHorizon);
        let iterator = iterator(&store, &request).expect("a valid request");
        store.simulation.clock().advance(Duration::from_secs(15 * 60));
        records(&store, &iterator, None).expect("just in time");
        store.simulation.clock().advance(Duration::from_millis(1));
        refused(
            records(&store, &iterator, None),
            "ExpiredIteratorException",
            "The shard iterator has expired and can no longer be used to retrieve stream records",
        );
    }

    #[test]
    fn what_was_not_given_out_is_refused() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        let valid = request(&stream, ShardIteratorType::TrimHorizon);
        let given = iterator(&store, &valid).expect("a valid request");
        let invalid = format!("{PARAMETER}Invalid ShardIterator");
        let last = if given.ends_with('0') { "1" } else { "0" };
        let tampered = given[..given.len() - 1].to_owned() + last;
        let elsewhere = given.replace("Music", "Other");
        for text in ["x", &tampered, &elsewhere, &given[..given.len() - 2], &format!("{given}00"), "a|1|é"] {
            refused(records(&store, text, None), INVALID, &invalid);
        }
        let other = Store::of_seed(8, StreamViewType::KeysOnly);
        assert_eq!(other.stream(), stream, "the same in another history");
        refused(records(&other, &given, None), INVALID, &invalid);
        let shard_id = valid.shard_id.replace("shardId-0", "shardId-1");
        refused(
            iterator(&store, &GetShardIteratorRequest { shard_id: shard_id.clone(), ..valid }),
            "ResourceNotFoundException",
            &format!("Requested resource not found: Shard: {shard_id} not found"),
        );
        let error = records(&store, &given, Some(1001)).expect_err("too many");
        assert!(error.to_string().ends_with("Member must have value less than or equal to 1000"), "{error}");
    }
}
