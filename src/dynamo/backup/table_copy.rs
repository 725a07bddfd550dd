//! A new table that is what another one was at a moment: its items and index entries are copied as they are stored.
//!
//! Steps: take the name and the keyspaces, durably; copy, in batches; commit the row of the table, which makes it appear
//! with everything in it. Whoever fails gives the keyspaces up, which frees their space; after a crash the next opening
//! does.
//!
//! Stream, expiry, continuous backup, tags and deletion protection do not come along. What had expired at the moment is not
//! copied, and what had not never expires.

use super::request::RestoredIndexes;
use crate::base::batch::WriteBatch;
use crate::base::ident::KeyspaceId;
use crate::dynamo::backup_fault::BackupFault;
use crate::dynamo::condition::all_with_prefix;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{IndexScope, Operation};
use crate::dynamo::limits;
use crate::dynamo::past::PastStore;
use crate::dynamo::store::Store;
use crate::dynamo::table::{IndexDescriptor, TableDescriptor};
use crate::dynamo::tables::definition::NewTable;
use crate::dynamo::tables::record::{IndexStatus, TableRecord};
use crate::engine::options::Durability;
use std::sync::Arc;

/// How far a restore of a table has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableRestoreProgress {
    /// Items that were copied.
    pub items: u64,
    /// Index entries that were copied.
    pub index_entries: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// Copies `table`, as `past` has it, into a new table of the store.
pub(super) fn copy_table(
    store: &Store,
    operation: Operation,
    past: &PastStore,
    table: &TableDescriptor,
    target: &str,
    indexes: &RestoredIndexes,
    progress: &mut dyn FnMut(TableRestoreProgress),
) -> Result<Arc<TableDescriptor>> {
    let kept = kept_indexes(table, indexes).map_err(|fault| Error::new(operation, fault.into()))?;
    let keeps = |name: &str| kept.iter().any(|index| index.name() == name);
    let global = table.schema().global_indexes().iter().zip(&table.record().global_indexes);
    let throughputs = global.filter(|(index, _)| keeps(index.name()));
    let new = NewTable {
        schema: table.schema().renamed(target.to_owned(), keeps),
        settings: table.settings().restored(),
        index_throughputs: throughputs
            .map(|(_, record)| (Some(record.throughput.units), record.on_demand_throughput))
            .collect(),
        stream: None,
    };
    let record = store.catalog.begin_restore(&store.engine, operation, new)?;
    let copied = copy_entries(store, past, table, &kept, &record, progress);
    match copied.and_then(|()| store.catalog.finish_restore(&store.engine, operation, &record)) {
        Ok(table) => Ok(table),
        Err(error) => {
            // If this fails too, the next opening does it.
            let _ = store.catalog.give_up_restore(&store.engine, &record);
            Err(error)
        }
    }
}

/// The indexes that are wanted of those that could be read.
fn kept_indexes<'a>(
    table: &'a TableDescriptor,
    wanted: &RestoredIndexes,
) -> Result<Vec<&'a IndexDescriptor>, BackupFault> {
    let readable = || table.indexes().iter().filter(|index| index.status() == IndexStatus::Active);
    for name in wanted.global.iter().chain(&wanted.local).flatten() {
        if !readable().any(|index| index.name() == name) {
            return Err(BackupFault::IndexUnknown { index: name.clone() });
        }
    }
    let is_wanted = |index: &&IndexDescriptor| {
        let names = match index.scope() {
            IndexScope::Global => &wanted.global,
            IndexScope::Local => &wanted.local,
        };
        names.as_ref().is_none_or(|names| names.iter().any(|name| name == index.name()))
    };
    Ok(readable().filter(is_wanted).collect())
}

fn copy_entries(
    store: &Store,
    past: &PastStore,
    table: &TableDescriptor,
    kept: &[&IndexDescriptor],
    record: &TableRecord,
    progress: &mut dyn FnMut(TableRestoreProgress),
) -> Result<()> {
    let mut done = TableRestoreProgress::default();
    // Both have the table first, then the local indexes, then the global ones.
    let from = std::iter::once(table.keyspace()).chain(kept.iter().map(|index| index.keyspace()));
    for (place, (from, to)) in from.zip(record.keyspaces()).enumerate() {
        let mut cursor =
            past.store().engine.cursor(all_with_prefix(from.prefix().to_vec()), Some(past.snapshot()))?;
        cursor.seek_first()?;
        loop {
            let mut batch = WriteBatch::new();
            while let (Some(key), Some(value)) = (cursor.key(), cursor.value())
                && batch.len() < limits::RESTORE_BATCH_ENTRIES_MAX
                && done_bytes(&batch) < limits::RESTORE_BATCH_BYTES_MAX
            {
                batch.put(moved(key, to), value.to_vec());
                cursor.next()?;
            }
            if batch.is_empty() {
                break;
            }
            store.engine.write(&batch, Durability::Buffered)?;
            done.bytes += batch.size_bytes() as u64;
            match place {
                0 => done.items += batch.len() as u64,
                _ => done.index_entries += batch.len() as u64,
            }
            progress(done);
        }
    }
    Ok(())
}

/// Items are few in a batch that is near its bound, so that its size need not be kept.
fn done_bytes(batch: &WriteBatch) -> usize {
    if batch.len().is_multiple_of(16) { batch.size_bytes() } else { 0 }
}

fn moved(key: &[u8], to: KeyspaceId) -> Vec<u8> {
    let prefix = to.prefix();
    [&prefix, key.get(prefix.len()..).unwrap_or_default()].concat()
}
