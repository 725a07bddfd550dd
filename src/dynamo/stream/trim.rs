//! Keeps streams bounded: records that are old enough are deleted, and streams that ended long ago are forgotten.
//!
//! A step deletes a bounded number of rows, oldest first, in a batch of its own: in one batch a stream's keyspace holds
//! either rows that come or rows that go. The batch says in the stream's horizon up to which record it went, so whoever
//! comes too late is told, and nobody looks for the oldest record among those that are deleted.

use super::horizon::Horizon;
use super::read::{damaged, rows};
use super::row::parse_key;
use crate::base::batch::WriteBatch;
use crate::base::error::{Result as StoreResult, StoreError};
use crate::base::ident::CommitTime;
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Fault;
use crate::dynamo::limits;
use crate::dynamo::system_rows::{ended_stream_row, stream_horizon_row};
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::job::EngineJob;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::env::schedule::Step;
use crate::format::metadata;
use std::sync::Arc;
use std::time::Duration;

/// The settings of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// How long a record is kept, and a stream that has ended can be read.
    pub retention: Duration,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { retention: Duration::from_secs(limits::STREAM_RETENTION_HOURS * 60 * 60) }
    }
}

/// What a step of trimming has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// How many records it deleted.
    pub records: usize,
    /// How many streams it forgot.
    pub streams: usize,
    /// Whether nothing is left to be trimmed at that moment.
    pub is_complete: bool,
}

/// Deletes up to `limit` records that are no longer kept at `now`, and forgets streams that have ended and have none.
pub fn trim(
    engine: &Engine,
    catalog: &Catalog,
    options: StreamOptions,
    now: CommitTime,
    limit: usize,
) -> Result<Trimmed> {
    let retention_millis = u64::try_from(options.retention.as_millis()).unwrap_or(u64::MAX);
    let is_over = |millis: u64| millis.saturating_add(retention_millis) <= now.0;
    let mut done = Trimmed::default();
    for stream in catalog.streams() {
        let trimmed = trim_stream(engine, &stream, limit - done.records, |time| is_over(time.0))?;
        done.records += trimmed.records;
        if done.records >= limit {
            return Ok(done);
        }
        if trimmed.is_empty && stream.ended_at_millis.is_some_and(is_over) {
            catalog.forget_stream(engine, &stream)?;
            done.streams += 1;
        }
    }
    Ok(Trimmed { is_complete: true, ..done })
}

struct TrimmedStream {
    records: usize,
    /// Whether no record is left.
    is_empty: bool,
}

fn trim_stream(
    engine: &Engine,
    stream: &StreamDescriptor,
    limit: usize,
    is_over: impl Fn(CommitTime) -> bool,
) -> Result<TrimmedStream> {
    engine.pay_back_pressure()?;
    let guard = engine.lock_keys(vec![ended_stream_row(stream.keyspace)]);
    let snapshot = engine.snapshot();
    let first = Horizon::load(engine, stream, Some(&snapshot))?.first;
    let mut cursor = rows(engine, stream, &snapshot, first.seqno, snapshot.seqno())?;
    let mut batch = WriteBatch::new();
    let mut last = None;
    while let Some(key) = cursor.key().filter(|_| batch.len() < limit) {
        let (number, time) = parse_key(key).map_err(damaged)?;
        if !is_over(time) {
            break;
        }
        batch.delete(key.to_vec());
        last = Some(number);
        cursor.next()?;
    }
    let (records, is_empty) = (batch.len(), cursor.key().is_none());
    if let Some(last) = last {
        batch.put(stream_horizon_row(stream.keyspace), metadata::encode(&last));
        // What is lost of this with the machine is done again.
        let ticket = engine.submit(&batch, Durability::Buffered)?;
        drop(guard);
        ticket.wait()?;
    }
    Ok(TrimmedStream { records, is_empty })
}

/// Trims all streams of a store, for as long as the store is open.
#[derive(Debug)]
pub struct StreamTrimmer {
    catalog: Arc<Catalog>,
    options: StreamOptions,
}

/// Records deleted in one step.
const STEP_RECORDS: usize = 1_000;

/// How often it is looked for what to trim: as often as records are kept, within these bounds.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_secs(60);

impl StreamTrimmer {
    /// The job that trims the streams of a catalog.
    pub fn new(catalog: Arc<Catalog>, options: StreamOptions) -> Self {
        Self { catalog, options }
    }
}

impl EngineJob for StreamTrimmer {
    fn step(&mut self, engine: &Engine) -> StoreResult<Step> {
        let trimmed = trim(engine, &self.catalog, self.options, engine.now(), STEP_RECORDS);
        let trimmed = trimmed.map_err(|error| into_store_error(engine, &error))?;
        let pause = self.options.retention.clamp(INTERVAL_MIN, INTERVAL_MAX);
        Ok(if trimmed.is_complete { Step::Park(Some(pause)) } else { Step::Again })
    }
}

fn into_store_error(engine: &Engine, error: &Error) -> StoreError {
    match error.fault() {
        Fault::Storage(error) => error.clone(),
        Fault::DamagedRow { error, .. } => {
            StoreError::corruption(engine.directory(), error.offset as u64, error.expected)
        }
        _ => StoreError::corruption(engine.directory(), 0, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::stream::consumer;
    use crate::dynamo::stream::read::{StreamStart, place};
    use crate::dynamo::stream::support::{DAY, OFF, Store};
    use crate::dynamo::tables::settings::StreamViewType;
    use crate::engine::cursor::KeyRange;
    use crate::env::schedule::Event;

    #[test]
    fn records_go_when_they_are_old_enough_a_bounded_number_a_step() {
        let store = Store::new(StreamViewType::KeysOnly);
        (1..=5).for_each(|number| store.put(number));
        let at_once = store.trim(100);
        assert_eq!(at_once, Trimmed { records: 0, streams: 0, is_complete: true });
        store.simulation.clock().advance(DAY.saturating_sub(Duration::from_millis(1)));
        store.put(6);
        assert_eq!(store.trim(100).records, 0, "a millisecond is left");
        store.simulation.clock().advance(Duration::from_millis(1));
        let steps = [(); 3].map(|()| store.trim(2));
        assert_eq!(steps.map(|step| step.records), [2, 2, 1]);
        assert_eq!(steps.map(|step| step.is_complete), [false, false, true]);
        let stream = store.stream();
        assert_eq!(store.numbers(&stream, StreamStart::TrimHorizon).expect("6 is kept"), [6]);
    }

    #[test]
    fn what_is_trimmed_takes_no_space_after_compaction() {
        let store = Store::new(StreamViewType::KeysOnly);
        (1..=50).for_each(|number| store.put(number));
        store.simulation.clock().advance(DAY);
        store.trim(100);
        let prefix = store.stream().keyspace.prefix().to_vec();
        let range = KeyRange { end: crate::dynamo::key::prefix_end(&prefix), start: prefix };
        let mut cursor = store.engine.cursor(range, None).expect("it is open");
        cursor.seek_first().expect("it can be read");
        assert_eq!(cursor.key(), None);
        drop(cursor);
        let entries = || store.engine.statistics().levels.iter().map(|level| level.entries).sum::<u64>();
        store.engine.flush().expect("space");
        let before = entries();
        store.engine.compact().expect("space");
        assert!(entries() + 50 <= before, "neither records nor tombstones: {before}, then {}", entries());
    }

    #[test]
    fn a_stream_that_has_ended_is_kept_as_long_as_its_records_and_then_forgotten() {
        for deletes_table in [false, true] {
            let store = Store::new(StreamViewType::KeysOnly);
            store.put(1);
            let stream = store.stream();
            let place = place(&store.engine, &stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
            consumer::store(&store.engine, &store.catalog, &stream, "one", place).expect("space");
            store.simulation.clock().advance(DAY / 2);
            if deletes_table {
                store.delete_table();
            } else {
                store.switch(OFF);
            }
            assert!(!store.catalog.dead_keyspaces().iter().any(|dead| dead.keyspace == stream.keyspace));
            assert_eq!(store.numbers(&stream, StreamStart::TrimHorizon).expect("it is kept"), [1]);
            store.simulation.clock().advance(DAY / 2);
            assert_eq!(store.trim(100), Trimmed { records: 1, streams: 0, is_complete: true });
            assert_eq!(store.catalog.streams().len(), 1);
            store.simulation.clock().advance(DAY / 2);
            assert_eq!(store.trim(100), Trimmed { records: 0, streams: 1, is_complete: true });
            assert_eq!(store.catalog.streams(), []);
            assert_eq!(consumer::names(&store.engine, &stream).expect("it can be read"), [""; 0]);
            let error = consumer::store(&store.engine, &store.catalog, &stream, "late", place);
            assert_eq!(error.expect_err("it is forgotten").exception(), "ResourceNotFoundException");
            let store = store.reopen();
            assert_eq!(store.catalog.streams(), []);
            assert!(store.catalog.dead_keyspaces().iter().any(|dead| dead.keyspace == stream.keyspace));
        }
    }

    #[test]
    fn the_job_trims_as_time_goes_by() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.put(1);
        let stream = store.stream();
        let catalog = Arc::new(Catalog::open(&store.engine).expect("a whole catalog"));
        let trimmer = StreamTrimmer::new(catalog, StreamOptions { retention: Duration::from_secs(300) });
        let job = store.engine.spawn("trim", Arc::new(Event::new()), Box::new(trimmer)).expect("it is open");
        let numbers = || store.numbers(&stream, StreamStart::TrimHorizon).expect("it is there");
        let wait = |time| {
            let seen = crate::base::ident::SeqNo::MAX;
            store.engine.wait_durable(seen, time).expect("it is open")
        };
        wait(Duration::from_secs(200));
        assert_eq!(numbers(), [1]);
        wait(Duration::from_secs(200));
        assert_eq!(numbers(), [0; 0]);
        store.engine.close().expect("nothing failed");
        assert!(job.is_finished());
    }
}
