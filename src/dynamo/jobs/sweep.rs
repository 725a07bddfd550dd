//! Deletes items that have expired, of tables whose stream tells of that, or whose expired items are shown until then.
//!
//! The steps of a round: when the next item expires, forget that time; wait until everything that was submitted is
//! published; walk over the expired items of each table that is swept, a few at a time: lock their keys, see that the very
//! version that was found is still there, delete item and entries, with the record of it, in one batch; note when the next
//! one expires. Then rest.
//!
//! Invariants:
//! 1. Each expired item has one record: it is written in the batch that deletes it, under the item's lock, and a write
//!    that meets the item before does the same.
//! 2. No expiry is slept through: see `sweep_timer`. What a round walks over says when the next one is.
//! 3. It rests nine times as long as a round took, so that a steady stream of expiries does not keep it busy.
//! 4. While the wall clock is behind nothing is taken for expired.
//! 5. What a round has swept no later one looks at again: files that hold nothing else are not read.

use super::{chunk, failure};
use crate::base::batch::WriteBatch;
use crate::base::error::StoreError;
use crate::base::ident::{CommitTime, KeyspaceId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::dynamo::catalog::Catalog;
use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::expiry::{Derivation, RawItem, is_swept};
use crate::dynamo::fault::Operation;
use crate::dynamo::index;
use crate::dynamo::limits;
use crate::dynamo::stored::StoredItem;
use crate::dynamo::stream::change;
use crate::dynamo::table::TableDescriptor;
use crate::engine::cursor::KeyRange;
use crate::engine::job::EngineJob;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::engine::ticket::Submitted;
use crate::env::schedule::Step;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The job's name.
pub(super) const NAME: &str = "pixii-sweep";

/// How long it sleeps at most before it looks at the clock again, which may have been set.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// How long it rests between rounds.
const REST: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30);

/// It rests so many times as long as a round took.
const REST_FACTOR: u32 = 9;

/// The job.
#[derive(Debug)]
pub(super) struct Sweep {
    catalog: Arc<Catalog>,
    round: Option<Round>,
    /// Of each table that is swept, by its keyspace, the moment up to which it was.
    swept: BTreeMap<KeyspaceId, Moment>,
    /// By the monotonic clock.
    rests_until: Duration,
}

/// A walk over all tables that are swept.
#[derive(Debug)]
struct Round {
    began: Duration,
    /// What was committed and has expired by then is swept; and perhaps what was committed since.
    at: Moment,
    /// The tables that are left, the next one last.
    tables: Vec<Arc<TableDescriptor>>,
    /// The last key that was swept of the next one; empty before the first.
    last_key: Vec<u8>,
    /// When the next item expires, of what was walked over.
    next_millis: Option<u64>,
}

/// An item that was found expired.
struct Found {
    key: Vec<u8>,
    /// The commit that wrote it.
    seqno: SeqNo,
}

impl Sweep {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self { catalog, round: None, swept: BTreeMap::new(), rests_until: Duration::ZERO }
    }

    fn advance(&mut self, engine: &Engine) -> Result<Step> {
        let Some(round) = &mut self.round else { return self.begin(engine) };
        let Some(table) = round.tables.last() else { return Ok(self.rest(engine)) };
        let table = Arc::clone(table);
        if !table.is_current() {
            return self.renew(engine, &table);
        }
        let seen = self.swept.get(&table.keyspace()).copied().unwrap_or_default();
        let (found, next_millis) = find(engine, &table, &round.last_key, seen, round.at.time)?;
        round.next_millis = [round.next_millis, next_millis].into_iter().flatten().min();
        let Some(last) = found.last() else {
            self.swept.insert(table.keyspace(), round.at);
            round.tables.pop();
            round.last_key.clear();
            return Ok(Step::Again);
        };
        let last_key = last.key.clone();
        if sweep(engine, &table, &found)? {
            round.last_key = last_key;
        }
        Ok(Step::Again)
    }

    /// Begins a round if something has expired.
    fn begin(&mut self, engine: &Engine) -> Result<Step> {
        let began = engine.environment().clock.monotonic();
        if began < self.rests_until {
            return Ok(Step::Park(Some(self.rests_until.saturating_sub(began))));
        }
        let sweeps = self.catalog.sweeps();
        let next = sweeps.next();
        if next.0 == u64::MAX {
            return Ok(Step::Park(None));
        }
        let Some(time) = engine.now_by_the_wall() else { return Ok(Step::Park(Some(LOOK_INTERVAL))) };
        if time < next {
            let left = Duration::from_millis(next.0 - time.0);
            return Ok(Step::Park(Some(left.min(LOOK_INTERVAL))));
        }
        sweeps.take();
        if let Err(error) = engine.barrier().wait() {
            sweeps.note(0);
            return Err(error.into());
        }
        let at = Moment { seqno: engine.published(), time };
        let tables = self.catalog.tables().into_iter();
        let tables: Vec<_> = tables.filter(|table| is_swept(table.settings())).collect();
        self.swept.retain(|keyspace, _| tables.iter().any(|table| table.keyspace() == *keyspace));
        self.round = Some(Round { began, at, tables, last_key: Vec::new(), next_millis: None });
        Ok(Step::Again)
    }

    /// Ends a round.
    fn rest(&mut self, engine: &Engine) -> Step {
        let Some(round) = self.round.take() else { return Step::Again };
        let now = engine.environment().clock.monotonic();
        let rest = (now.saturating_sub(round.began) * REST_FACTOR).clamp(*REST.start(), *REST.end());
        self.rests_until = now + rest;
        if let Some(next_millis) = round.next_millis {
            self.catalog.sweeps().note(next_millis);
        }
        Step::Again
    }

    /// The next table has changed: it is swept as it is now, if it is swept at all.
    fn renew(&mut self, engine: &Engine, table: &Arc<TableDescriptor>) -> Result<Step> {
        let renewed = match self.catalog.renewed(engine, Operation::UpdateTimeToLive, table) {
            Ok(table) => Some(table).filter(|table| is_swept(table.settings())),
            Err(error) if error.kind() == ErrorKind::ResourceNotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(round) = &mut self.round {
            round.tables.pop();
            match renewed {
                Some(table) => round.tables.push(table),
                None => round.last_key.clear(),
            }
        }
        Ok(Step::Again)
    }
}

impl EngineJob for Sweep {
    fn step(&mut self, engine: &Engine) -> Result<Step, StoreError> {
        self.advance(engine).map_err(|error| failure::of_step(engine, &error))
    }
}

/// The next few items of a table behind `last_key` that are dead at a time and were not swept up to the moment `seen`, and
/// when the next one dies of those that were walked over.
fn find(
    engine: &Engine,
    table: &TableDescriptor,
    last_key: &[u8],
    seen: Moment,
    at: CommitTime,
) -> Result<(Vec<Found>, Option<u64>)> {
    let all = all_with_prefix(table.keyspace().prefix().to_vec());
    let range = if last_key.is_empty() { all } else { KeyRange { start: [last_key, &[0]].concat(), ..all } };
    let bytes_max = chunk::bytes_max(engine, limits::SWEEP_CHUNK_BYTES);
    let (mut found, mut size_bytes) = (Vec::new(), 0);
    let mut cursor = engine.expired_cursor_since(range, seen, at)?;
    while let Some(entry) = cursor.next()? {
        found.push(Found { key: entry.key.to_vec(), seqno: entry.seqno });
        size_bytes += entry.key.len() + entry.value.len();
        if size_bytes >= bytes_max || found.len() == limits::SWEEP_CHUNK_ITEMS {
            break;
        }
    }
    Ok((found, cursor.next_millis()))
}

/// Deletes these items, as far as they are still what was found; false if the table has changed.
fn sweep(engine: &Engine, table: &TableDescriptor, found: &[Found]) -> Result<bool> {
    let damaged = |error| Error::damaged("item", error);
    engine.pay_back_pressure()?;
    let mut batch = WriteBatch::new();
    let guard = engine.lock_keys(found.iter().map(|found| found.key.clone()).collect());
    for (at, Found { key, seqno }) in found.iter().enumerate() {
        let latest = engine.latest_version(key, |latest| {
            let is_found = latest.seqno == *seqno || planted(Bug::SweepDeletesNewer);
            let value = latest.value.filter(|_| is_found).map(<[u8]>::to_vec);
            value.map(|value| (value, latest.seqno, latest.expiry))
        })?;
        let Some(Some((value, seqno, expiry))) = latest else { continue };
        let item = StoredItem::parse(&value).map_err(damaged)?;
        let expired = RawItem { item, seqno, expiry, is_expired: true };
        change::record_expiry(table, key, &expired, at, &mut batch);
        index::change(table, key, Some(&expired), None, &mut batch, None).map_err(damaged)?;
        batch.delete(key.clone());
    }
    if batch.is_empty() {
        return Ok(true);
    }
    let derivation = Derivation { tables: &[table], holds_until: None };
    let submitted = engine.submit_guarded(&batch, Durability::Buffered, &derivation)?;
    drop(guard);
    match submitted {
        // Who walks on sees only what is published.
        Submitted::Accepted(ticket) => Ok(ticket.wait().map(|_| true)?),
        Submitted::Stale | Submitted::Conflict => Ok(false),
    }
}
