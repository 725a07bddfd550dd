//! Parallel scans: the parts that a keyspace is cut into.
//!
//! ```text
//! system row := keyspace 0 ‖ 07 ‖ keyspace id u32 ‖ total segments u32 → the boundaries, last use   (metadata record)
//! ```
//!
//! Invariants:
//! 1. The boundaries for a keyspace and a number of segments are chosen once, from what the engine knows without reading
//!    data, and stay for at least a day after their last use: workers anywhere, and after a reopen, get the same parts.
//!    Then the row expires, so that it goes away by itself.
//! 2. Each key is in exactly one part. There are at most 4,096 real parts; segments beyond them are empty.

use super::request::Segment;
use crate::base::batch::WriteBatch;
use crate::base::expiry::Expiry;
use crate::base::ident::KeyspaceId;
use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::expiry::SYSTEM_GENERATION;
use crate::dynamo::fault::{Constraint, Fault, MemberFault};
use crate::dynamo::item_fault::ReadFault;
use crate::dynamo::limits::{SCAN_PARTS_MAX, SCAN_SEGMENTS_MAX, SCAN_SEGMENTS_SECONDS};
use crate::dynamo::system_rows::SEGMENTS_ROW;
use crate::engine::cursor::KeyRange;
use crate::engine::options::Durability;
use crate::engine::store::Engine;
use crate::format::metadata;
use serde::{Deserialize, Serialize};

/// How long a row goes without its last use being noted anew.
const NOTE_INTERVAL_MILLIS: u64 = 60 * 60 * 1000;

/// How long a row is kept after a use was noted: the last one may have come at the end of the interval.
const KEPT_MILLIS: u64 = SCAN_SEGMENTS_SECONDS * 1000 + NOTE_INTERVAL_MILLIS;

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    /// The first key of each part but the first.
    boundaries: Vec<Vec<u8>>,
    last_used_millis: u64,
}

impl Segment {
    /// Refuses a segment that cannot be, which is told before expressions are read: for whoever reads them out of a
    /// request.
    pub fn check(self) -> Result<(), Fault> {
        check(self)
    }
}

/// Refuses impossible segments.
pub(super) fn check(segment: Segment) -> Result<(), Fault> {
    let Segment { segment, total_segments } = segment;
    let mut members = Vec::new();
    let mut member = |name: &str, value: u32, constraint| {
        members.push(MemberFault { member: name.to_owned(), value: value.to_string(), constraint });
    };
    if total_segments == 0 {
        member("totalSegments", total_segments, Constraint::ValueAtLeast(1));
    }
    if total_segments > SCAN_SEGMENTS_MAX {
        member("totalSegments", total_segments, Constraint::ValueAtMost(SCAN_SEGMENTS_MAX.into()));
    }
    if segment >= SCAN_SEGMENTS_MAX {
        member("segment", segment, Constraint::ValueAtMost(u64::from(SCAN_SEGMENTS_MAX) - 1));
    }
    if !members.is_empty() {
        return Err(Fault::Members(members));
    }
    if segment >= total_segments {
        return Err(ReadFault::SegmentOutOfRange { segment, total_segments }.into());
    }
    Ok(())
}

/// The part of `keyspace` that the segment is.
pub(super) fn range(engine: &Engine, keyspace: KeyspaceId, segment: Segment) -> Result<KeyRange> {
    let whole = all_with_prefix(keyspace.prefix().to_vec());
    if segment.total_segments == 1 {
        return Ok(whole);
    }
    let boundaries = boundaries(engine, keyspace, &whole, segment.total_segments)?;
    let at = segment.segment as usize;
    let boundary = |at: usize| boundaries.get(at).cloned();
    Ok(match at {
        0 => KeyRange { start: whole.start, end: boundary(0).or(whole.end) },
        _ => match boundary(at - 1) {
            Some(start) => KeyRange { start, end: boundary(at).or(whole.end) },
            None => KeyRange { start: whole.start.clone(), end: Some(whole.start) },
        },
    })
}

fn boundaries(
    engine: &Engine,
    keyspace: KeyspaceId,
    whole: &KeyRange,
    total_segments: u32,
) -> Result<Vec<Vec<u8>>> {
    let key = row_key(keyspace, total_segments);
    let now_millis = engine.now().0;
    if let Some(row) = engine.get(&key, None, decode)?.transpose()?
        && now_millis < row.last_used_millis + NOTE_INTERVAL_MILLIS
    {
        return Ok(row.boundaries);
    }
    if engine.is_read_only() {
        // Nothing changes: cut anew, the parts are the same.
        let kept = engine.get(&key, None, decode)?.transpose()?;
        let cut = || engine.split_points(whole, (total_segments as usize).min(SCAN_PARTS_MAX));
        return kept.map_or_else(|| Ok(cut()?), |row| Ok(row.boundaries));
    }
    engine.pay_back_pressure()?;
    let guard = engine.lock_keys(vec![key.clone()]);
    let boundaries = match engine.latest(&key, decode)?.transpose()? {
        Some(row) => row.boundaries,
        None => engine.split_points(whole, (total_segments as usize).min(SCAN_PARTS_MAX))?,
    };
    let row = Row { boundaries, last_used_millis: now_millis };
    let expiry = Expiry { at_millis: now_millis + KEPT_MILLIS, generation: SYSTEM_GENERATION };
    let mut batch = WriteBatch::new();
    batch.put_expiring(key, metadata::encode(&row), expiry);
    let ticket = engine.submit(&batch, Durability::Durable)?;
    drop(guard);
    ticket.wait()?;
    Ok(row.boundaries)
}

fn decode(row: &[u8]) -> Result<Row> {
    metadata::decode(row).map_err(|error| Error::damaged("scan segments", error))
}

fn row_key(keyspace: KeyspaceId, total_segments: u32) -> Vec<u8> {
    let mut key = KeyspaceId::SYSTEM.prefix().to_vec();
    key.push(SEGMENTS_ROW);
    key.extend_from_slice(&keyspace.prefix());
    key.extend_from_slice(&total_segments.to_be_bytes());
    key
}
