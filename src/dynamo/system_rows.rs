//! The rows of the system keyspace: their keys, how they are read, and what is put into a batch for them.
//!
//! ```text
//! system row := keyspace 0 ‖ 01                → the next keyspace id             (metadata records, all of them)
//!             | keyspace 0 ‖ 02 ‖ table's name → the table's record
//!             | keyspace 0 ‖ 03 ‖ keyspace id  → a keyspace that is dead: when it died
//!             | keyspace 0 ‖ 04                → the next generation of expiry dates
//!             | keyspace 0 ‖ 05 ‖ keyspace id  → how far a backfill has come: of the index in that keyspace with entries,
//!                                                or of the table in that keyspace with expiries
//!             | keyspace 0 ‖ 06, 07            → kept by `write::token` and `read::segments`, until they expire
//!             | keyspace 0 ‖ 08 ‖ keyspace id  → the stream in that keyspace, which has ended
//!             | keyspace 0 ‖ 09 ‖ keyspace id  → the last record that was trimmed from the stream in that keyspace
//!             | keyspace 0 ‖ 0a ‖ keyspace id ‖ name → how far a consumer of the stream in that keyspace has come
//!             | keyspace 0 ‖ 0b ‖ keyspace id  → how many items the table in that keyspace had when it was last counted
//!             | keyspace 0 ‖ 0c ‖ table's name → the record of a table that is being restored
//! ```
//!
//! What they mean is the catalog's, and of two of them `write::token`'s and `read::segments`'s.

use super::error::{Error, Result};
use super::key::prefix_end;
use super::tables::record::TableRecord;
use super::tables::stream::StreamDescriptor;
use crate::base::batch::WriteBatch;
use crate::base::codec::DecodeError;
use crate::base::error::{StoreError, StoreFault};
use crate::base::ident::KeyspaceId;
use crate::engine::cursor::KeyRange;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::format::metadata;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(super) const NEXT_KEYSPACE_ROW: u8 = 1;
pub(super) const TABLE_ROW: u8 = 2;
pub(super) const DEAD_KEYSPACE_ROW: u8 = 3;
pub(super) const NEXT_GENERATION_ROW: u8 = 4;
pub(super) const BACKFILL_ROW: u8 = 5;
/// Kept by `write::token`.
pub(super) const TOKEN_ROW: u8 = 6;
/// Kept by `read::segments`.
pub(super) const SEGMENTS_ROW: u8 = 7;
pub(super) const ENDED_STREAM_ROW: u8 = 8;
pub(super) const STREAM_HORIZON_ROW: u8 = 9;
pub(super) const STREAM_CONSUMER_ROW: u8 = 10;
pub(super) const COUNT_ROW: u8 = 11;
pub(super) const RESTORING_ROW: u8 = 12;

/// A dead keyspace as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeadKeyspaceRow {
    pub(super) died_at_millis: u64,
}

/// How far the backfill of an index, or of expiries, has come. Kept in the batches that bring it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillProgress {
    /// The engine's key of the last item that was looked at; empty before the first.
    pub last_key: Vec<u8>,
    /// How many items were looked at.
    pub items: u64,
    /// How many of them could not have an entry; or were gone, when they were to get an expiry.
    pub skipped: u64,
}

/// Where a stream is kept that has ended. Who changes a row that is kept about a stream locks this one.
pub(super) fn ended_stream_row(keyspace: KeyspaceId) -> Vec<u8> {
    row_key(ENDED_STREAM_ROW, &keyspace.prefix())
}

/// Where it is kept up to which record a stream was trimmed.
pub(super) fn stream_horizon_row(keyspace: KeyspaceId) -> Vec<u8> {
    row_key(STREAM_HORIZON_ROW, &keyspace.prefix())
}

/// Where it is kept how far a consumer of a stream has come.
pub(super) fn stream_consumer_row(keyspace: KeyspaceId, name: &str) -> Vec<u8> {
    row_key(STREAM_CONSUMER_ROW, &[&keyspace.prefix(), name.as_bytes()].concat())
}

/// The consumers of a stream whose place is kept: names and rows, in the order of the names.
pub(super) fn stream_consumers(engine: &Engine, keyspace: KeyspaceId) -> Result<Vec<(String, Vec<u8>)>> {
    let prefix = stream_consumer_row(keyspace, "");
    let rows = rows_within(engine, &prefix)?.into_iter().map(|(key, row)| {
        let error = DecodeError { expected: "a name in UTF-8", offset: prefix.len() };
        let name = key.get(prefix.len()..).and_then(|name| String::from_utf8(name.to_vec()).ok());
        Ok((name.ok_or_else(|| Error::damaged("consumer's place", error))?, row))
    });
    rows.collect()
}

/// From the batch's commit on the stream that the table has takes no more records.
pub(super) fn put_ended_stream(batch: &mut WriteBatch, record: &TableRecord, now_millis: u64) {
    if let Some(stream) = StreamDescriptor::of(record) {
        batch.put(ended_stream_row(stream.keyspace), metadata::encode(&stream.ended(now_millis)));
    }
}

/// Adds to a batch how far the backfill of the index, or the table, in `keyspace` has come.
pub(super) fn put_backfill_progress(
    batch: &mut WriteBatch,
    keyspace: KeyspaceId,
    progress: &BackfillProgress,
) {
    batch.put(row_key(BACKFILL_ROW, &keyspace.prefix()), metadata::encode(progress));
}

pub(super) fn put_dead(batch: &mut WriteBatch, keyspace: KeyspaceId, died_at_millis: u64) {
    let row = metadata::encode(&DeadKeyspaceRow { died_at_millis });
    batch.put(row_key(DEAD_KEYSPACE_ROW, &keyspace.prefix()), row);
}

pub(super) fn decode<T: DeserializeOwned>(what: &'static str, row: &[u8]) -> Result<T> {
    metadata::decode(row).map_err(|error| Error::damaged(what, error))
}

pub(super) fn decode_record(row: &[u8]) -> Result<TableRecord> {
    let record: TableRecord = decode("table descriptor", row)?;
    if !record.check() {
        let error = DecodeError { expected: "a keyspace for each index", offset: 0 };
        return Err(Error::damaged("table descriptor", error));
    }
    Ok(record)
}

/// The newest value of a locked row.
pub(super) fn latest<T: DeserializeOwned>(
    engine: &Engine,
    what: &'static str,
    row: &[u8],
) -> Result<Option<T>> {
    engine.latest(row, |row| decode(what, row))?.transpose()
}

/// REQUIRES: the row of the next keyspace id is locked.
pub(super) fn next_keyspace(engine: &Engine) -> Result<KeyspaceId> {
    let next = latest(engine, "keyspace id", &row_key(NEXT_KEYSPACE_ROW, &[]))?;
    Ok(next.unwrap_or(KeyspaceId::FIRST_USER))
}

/// All rows of a kind.
pub(super) fn rows(engine: &Engine, kind: u8) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    rows_within(engine, &row_key(kind, &[]))
}

/// All rows whose keys begin with `prefix`.
pub(super) fn rows_within(engine: &Engine, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    rows_as_of(engine, prefix, None)
}

/// All rows whose keys begin with `prefix`, now or as of a snapshot.
pub(super) fn rows_as_of(
    engine: &Engine,
    prefix: &[u8],
    at: Option<&Snapshot>,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let range = KeyRange { start: prefix.to_vec(), end: prefix_end(prefix) };
    let mut rows = Vec::new();
    let mut cursor = engine.cursor(range, at)?;
    cursor.seek_first()?;
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        rows.push((key.to_vec(), value.to_vec()));
        cursor.next()?;
    }
    Ok(rows)
}

pub(super) fn row_key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = KeyspaceId::SYSTEM.prefix().to_vec();
    key.push(kind);
    key.extend_from_slice(rest);
    key
}

/// The keyspace that the key of a row names.
pub(super) fn keyspace_of_row(key: &[u8]) -> Result<KeyspaceId> {
    let error = DecodeError { expected: "a keyspace id", offset: 5 };
    let id = key.get(5..).and_then(|id| <[u8; 4]>::try_from(id).ok());
    id.map(|id| KeyspaceId(u32::from_be_bytes(id))).ok_or_else(|| Error::damaged("dead keyspace", error))
}

/// The id `count` places behind `first`.
pub(super) fn after(first: KeyspaceId, count: usize) -> Result<KeyspaceId> {
    let id = u32::try_from(count).ok().and_then(|count| first.0.checked_add(count));
    id.map(KeyspaceId).ok_or_else(used_up)
}

pub(super) fn used_up() -> Error {
    let what = "number of tables, indexes and generations ever made";
    StoreError::new(StoreFault::TooLarge { what, size: usize::MAX, limit: u32::MAX as usize }).into()
}
