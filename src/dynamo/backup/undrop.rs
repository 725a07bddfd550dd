//! A table of a past moment as a new one: also one that was dropped since.

use super::request::RestoredIndexes;
use super::table_copy::{TableRestoreProgress, copy_table};
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::past::PastStore;
use crate::dynamo::store::Store;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::members::Members;
use std::sync::Arc;

/// Makes the table `target` of what the table `name` was at the moment `past`. Waits until it is there.
pub fn restore(
    store: &Store,
    past: &PastStore,
    name: &str,
    target: &str,
    indexes: &RestoredIndexes,
    progress: &mut dyn FnMut(TableRestoreProgress),
) -> Result<Arc<TableDescriptor>> {
    const OPERATION: Operation = Operation::RestoreTableToPointInTime;
    let mut members = Members::default();
    members.resource_name("targetTableName", target);
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let table = past.store().catalog.find(OPERATION, name)?;
    copy_table(store, OPERATION, past, &table, target, indexes, progress)
}
