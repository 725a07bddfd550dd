//! Reading a stream from a place on, a page at a time.
//!
//! Invariants:
//! 1. Only what is durable is read. So no place that was given out can be taken back by the death of the machine.
//! 2. Horizon and rows are read as of one moment: a record is read, or its place is refused as trimmed. None is stepped
//!    over in silence.
//! 3. Reading from a place changes nothing: whoever reads there again gets the same records first.

use super::horizon::Horizon;
use super::record::StreamRecord;
use super::row::{lower_bound, parse_key};
use super::sequence_number::SequenceNumber;
use crate::base::codec::DecodeError;
use crate::base::ident::{CommitTime, SeqNo};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::stream_fault::StreamFault;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::cursor::{KeyRange, RangeCursor};
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;

/// Where reading a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStart {
    /// At the oldest record that is kept.
    TrimHorizon,
    /// Behind what is durable now.
    Latest,
    /// At that record.
    At(SequenceNumber),
    /// Behind that record.
    After(SequenceNumber),
    /// At the first record that was committed at that moment or later, in milliseconds since 1970; at the oldest one if
    /// all are later.
    AtTimestamp(u64),
}

/// A place in a stream, between records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPlace {
    /// Records before that one are behind it.
    pub(super) next: SequenceNumber,
    /// So are those that were committed before that moment.
    pub(super) not_before: CommitTime,
}

impl StreamPlace {
    /// The place before that record.
    pub(super) fn before(next: SequenceNumber) -> Self {
        Self { next, not_before: CommitTime(0) }
    }
}

/// Records that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamPage {
    /// The records.
    pub records: Vec<StreamRecord>,
    /// The place behind them; none if no record can follow, because the stream has ended.
    pub next: Option<StreamPlace>,
}

impl StreamPage {
    /// The place behind the last record, or where reading began, `from`.
    pub fn behind(&self, from: StreamPlace) -> StreamPlace {
        self.records.last().map_or(from, |last| StreamPlace::before(last.sequence_number.next()))
    }
}

/// The place where reading begins.
pub fn place(engine: &Engine, stream: &StreamDescriptor, start: StreamStart) -> Result<StreamPlace> {
    let durable = engine.durable();
    let snapshot = engine.snapshot();
    let horizon = Horizon::load(engine, stream, Some(&snapshot))?;
    let next = match start {
        StreamStart::TrimHorizon => horizon.first,
        StreamStart::Latest => SequenceNumber::first_of(durable.next()),
        StreamStart::At(number) => number,
        StreamStart::After(number) => number.next(),
        StreamStart::AtTimestamp(millis) => {
            let not_before = CommitTime(millis);
            let next = seek_time(engine, stream, &snapshot, horizon.first, durable, not_before)?;
            return Ok(StreamPlace { next, not_before });
        }
    };
    if horizon.hides(next) {
        return Err(trimmed(Operation::GetShardIterator));
    }
    Ok(StreamPlace::before(next.max(horizon.first)))
}

/// Up to `limit` records from a place on, and no more bytes than one read gives; at least one, if there is one.
pub fn read(
    engine: &Engine,
    stream: &StreamDescriptor,
    place: StreamPlace,
    limit: usize,
) -> Result<StreamPage> {
    let durable = engine.durable();
    let snapshot = engine.snapshot();
    if Horizon::load(engine, stream, Some(&snapshot))?.hides(place.next) {
        return Err(trimmed(Operation::GetRecords));
    }
    let mut cursor = rows(engine, stream, &snapshot, place.next.seqno, durable)?;
    let (mut records, mut size_bytes, mut next) = (Vec::new(), 0, place);
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        let (number, time) = parse_key(key).map_err(damaged)?;
        if number >= place.next && time >= place.not_before {
            if records.len() >= limit {
                return Ok(StreamPage { records, next: Some(next) });
            }
            let record = StreamRecord::decode(stream, key, value).map_err(damaged)?;
            size_bytes += record.size_bytes;
            if size_bytes > limits::STREAM_READ_BYTES_MAX && !records.is_empty() {
                return Ok(StreamPage { records, next: Some(next) });
            }
            records.push(record);
            next = StreamPlace::before(number.next());
        }
        cursor.next()?;
    }
    // What was committed before a stream ended is durable when that is known.
    Ok(StreamPage { records, next: stream.is_open().then_some(next) })
}

/// The newest record that is kept and durable.
pub(super) fn last(engine: &Engine, stream: &StreamDescriptor) -> Result<Option<SequenceNumber>> {
    let durable = engine.durable();
    let mut cursor = rows(engine, stream, &engine.snapshot(), SeqNo::ZERO, durable)?;
    cursor.seek_last()?;
    let number = cursor.key().map(|key| parse_key(key).map(|(number, _)| number));
    number.transpose().map_err(damaged)
}

/// A place before which no record was committed at `time` or later: times never go back, so it is found by halving.
fn seek_time(
    engine: &Engine,
    stream: &StreamDescriptor,
    snapshot: &Snapshot,
    first: SequenceNumber,
    durable: SeqNo,
    time: CommitTime,
) -> Result<SequenceNumber> {
    let mut cursor = rows(engine, stream, snapshot, first.seqno, durable)?;
    let (mut low, mut high) = (first.seqno, durable.next().max(first.seqno));
    while low < high {
        let middle = SeqNo(low.0 + (high.0 - low.0) / 2);
        cursor.seek(&lower_bound(stream.keyspace, middle))?;
        match cursor.key().map(parse_key).transpose().map_err(damaged)? {
            Some((number, at)) if at < time => low = number.seqno.next(),
            _ => high = middle,
        }
    }
    Ok(SequenceNumber::first_of(low).max(first))
}

/// The rows of the commits from `first` to `last`; the cursor stands at the first one.
pub(super) fn rows(
    engine: &Engine,
    stream: &StreamDescriptor,
    snapshot: &Snapshot,
    first: SeqNo,
    last: SeqNo,
) -> Result<RangeCursor> {
    let bound = |seqno| lower_bound(stream.keyspace, seqno);
    let range = KeyRange { start: bound(first), end: Some(bound(last.next().max(first))) };
    let mut cursor = engine.cursor(range, Some(snapshot))?;
    cursor.seek_first()?;
    Ok(cursor)
}

fn trimmed(operation: Operation) -> Error {
    Error::new(operation, StreamFault::Trimmed.into())
}

pub(super) fn damaged(error: DecodeError) -> Error {
    Error::damaged("stream record", error)
}
