//! The items that a backfill takes at once.

use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::Result;
use crate::dynamo::limits;
use crate::dynamo::table::TableDescriptor;
use crate::engine::cursor::KeyRange;
use crate::engine::store::Engine;

/// A batch takes no more than this part of a memtable.
const MEMTABLE_PART: usize = 16;

/// The most bytes of items that may be rewritten in one batch, the last one apart.
pub(super) fn bytes_max(engine: &Engine, limit: usize) -> usize {
    limit.min(engine.options().memtable_bytes / MEMTABLE_PART)
}

/// The keys of the next items of a table behind `last_key`; from the first one on if that is empty.
pub(super) fn next_keys(engine: &Engine, table: &TableDescriptor, last_key: &[u8]) -> Result<Vec<Vec<u8>>> {
    let all = all_with_prefix(table.keyspace().prefix().to_vec());
    let range = if last_key.is_empty() { all } else { KeyRange { start: [last_key, &[0]].concat(), ..all } };
    let bytes_max = bytes_max(engine, limits::BACKFILL_CHUNK_BYTES);
    let mut keys = Vec::new();
    let mut size_bytes = 0;
    let mut cursor = engine.cursor(range, None)?;
    cursor.seek_first()?;
    while let (Some(key), Some(value)) = (cursor.key(), cursor.value()) {
        keys.push(key.to_vec());
        size_bytes += key.len() + value.len();
        if size_bytes >= bytes_max || keys.len() == limits::BACKFILL_CHUNK_ITEMS {
            break;
        }
        cursor.next()?;
    }
    Ok(keys)
}
