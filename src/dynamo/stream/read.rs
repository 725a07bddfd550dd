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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::stream::change::Cause;
    use crate::dynamo::stream::support::{DAY, NOW, OFF, Store, Write, item, number, on};
    use crate::dynamo::tables::settings::StreamViewType;
    use crate::engine::options::Durability;
    use std::time::Duration;

    #[test]
    fn reading_begins_at_records_and_moments() {
        let store = Store::new(StreamViewType::KeysOnly);
        for (number, millis) in [(1, 0), (2, 10), (3, 0), (4, 5)] {
            store.simulation.clock().advance(Duration::from_millis(millis));
            store.put(number);
        }
        let stream = store.stream();
        let records = store.read(&stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        let check = |start, expected: &[u64]| {
            assert_eq!(store.numbers(&stream, start).expect("nothing was trimmed"), expected, "{start:?}");
        };
        check(StreamStart::TrimHorizon, &[1, 2, 3, 4]);
        check(StreamStart::Latest, &[]);
        check(StreamStart::At(records[1].sequence_number), &[2, 3, 4]);
        check(StreamStart::After(records[1].sequence_number), &[3, 4]);
        check(StreamStart::At(SequenceNumber::first_of(SeqNo::ZERO)), &[1, 2, 3, 4]);
        for (millis, expected) in [
            (0, &[1, 2, 3, 4][..]),
            (NOW, &[1, 2, 3, 4]),
            (NOW + 1, &[2, 3, 4]),
            (NOW + 10, &[2, 3, 4]),
            (NOW + 11, &[4]),
            (NOW + 15, &[4]),
            (NOW + 16, &[]),
        ] {
            check(StreamStart::AtTimestamp(millis), expected);
        }
        let times: Vec<_> = records.iter().map(|record| record.approximate_creation_millis - NOW).collect();
        assert_eq!(times, [0, 10, 10, 15]);
    }

    #[test]
    fn a_moment_to_come_leaves_out_what_is_written_until_then() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        let start = StreamStart::AtTimestamp(NOW + 20);
        let place = place(&store.engine, &stream, start).expect("nothing was trimmed");
        store.put(1);
        store.simulation.clock().advance(Duration::from_millis(20));
        store.put(2);
        let page = read(&store.engine, &stream, place, 10).expect("nothing was trimmed");
        assert_eq!(page.records.iter().map(number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn pages_are_cut_by_count_and_by_size_also_within_a_commit() {
        let store = Store::new(StreamViewType::NewImage);
        let large = |number| Write::Put(item(number).with("text", "x".repeat(300_000)));
        store.write((0..5).map(large).collect(), Cause::User, Durability::Durable);
        let stream = store.stream();
        let mut place = place(&store.engine, &stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        let mut counts = Vec::new();
        for limit in [1, 10, 10, 10] {
            let page = read(&store.engine, &stream, place, limit).expect("nothing was trimmed");
            assert_eq!(read(&store.engine, &stream, place, limit).expect("the same again"), page);
            counts.push(page.records.len());
            place = page.next.expect("the stream is open");
        }
        assert_eq!(counts, [1, 3, 1, 0]);
    }

    #[test]
    fn what_is_not_durable_is_not_read() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        store.write(vec![Write::Put(item(1))], Cause::User, Durability::Buffered);
        assert_eq!(store.numbers(&stream, StreamStart::TrimHorizon).expect("nothing was trimmed"), [0; 0]);
        let latest = place(&store.engine, &stream, StreamStart::Latest).expect("nothing was trimmed");
        let seen = store.engine.durable();
        let durable = store.engine.wait_durable(seen, Duration::from_secs(60)).expect("it is open");
        assert!(durable > seen, "it is synced after an interval");
        let page = read(&store.engine, &stream, latest, 10).expect("nothing was trimmed");
        assert_eq!(page.records.iter().map(number).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn waiting_for_something_durable_ends_with_the_time() {
        let store = Store::new(StreamViewType::KeysOnly);
        let seen = store.engine.durable();
        let before = store.engine.environment().clock.monotonic();
        assert_eq!(store.engine.wait_durable(seen, Duration::from_secs(9)).expect("it is open"), seen);
        assert!(store.engine.environment().clock.monotonic() >= before + Duration::from_secs(9));
    }

    #[test]
    fn a_stream_that_has_ended_is_read_to_its_end() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.put(1);
        store.put(2);
        store.switch(OFF);
        store.switch(on(StreamViewType::KeysOnly));
        store.put(3);
        let store = store.reopen();
        let streams = store.catalog.streams();
        let start = place(&store.engine, &streams[0], StreamStart::TrimHorizon).expect("nothing was trimmed");
        let first = read(&store.engine, &streams[0], start, 1).expect("nothing was trimmed");
        let second = read(&store.engine, &streams[0], first.next.expect("one is left"), 1);
        let second = second.expect("nothing was trimmed");
        assert_eq!((number(&second.records[0]), second.next), (2, None));
        assert_eq!(store.numbers(&streams[1], StreamStart::TrimHorizon).expect("nothing was trimmed"), [3]);
    }

    #[test]
    fn a_place_that_was_trimmed_is_refused_and_not_stepped_over() {
        let store = Store::new(StreamViewType::KeysOnly);
        let stream = store.stream();
        let oldest = place(&store.engine, &stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        store.put(1);
        store.put(2);
        let records = store.read(&stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        store.simulation.clock().advance(DAY);
        store.put(3);
        assert_eq!(store.trim(100).records, 2);
        let store = store.reopen();
        let refused = |start| {
            let error = store.read(&stream, start).expect_err("it was trimmed");
            assert_eq!(
                (error.kind(), error.exception()),
                (ErrorKind::TrimmedDataAccess, "TrimmedDataAccessException")
            );
        };
        refused(StreamStart::At(records[1].sequence_number));
        refused(StreamStart::After(records[0].sequence_number));
        let error = read(&store.engine, &stream, oldest, 10).expect_err("it was trimmed");
        assert_eq!(
            error.to_string(),
            "The operation attempted to read past the oldest stream record in a shard"
        );
        for start in [
            StreamStart::TrimHorizon,
            StreamStart::After(records[1].sequence_number),
            StreamStart::AtTimestamp(NOW),
        ] {
            assert_eq!(store.numbers(&stream, start).expect("3 is kept"), [3], "{start:?}");
        }
    }
}
