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
use crate::dynamo::catalog::{Catalog, ended_stream_row, stream_horizon_row};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Fault;
use crate::dynamo::limits;
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
        let trimmed = trimmed.map_err(|error| into_store_error(engine, error))?;
        let pause = self.options.retention.clamp(INTERVAL_MIN, INTERVAL_MAX);
        Ok(if trimmed.is_complete { Step::Park(Some(pause)) } else { Step::Again })
    }
}

fn into_store_error(engine: &Engine, error: Error) -> StoreError {
    match error.fault() {
        Fault::Storage(error) => error.clone(),
        Fault::DamagedRow { error, .. } => {
            StoreError::corruption(engine.directory(), error.offset as u64, error.expected)
        }
        _ => StoreError::corruption(engine.directory(), 0, error.to_string()),
    }
}
