//! What every request on a table needs.

use crate::dynamo::store::Store;
use crate::dynamo::table::TableDescriptor;
use crate::engine::snapshot::Snapshot;
use std::sync::Arc;

/// The store, and the table that it is asked for. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) store: Store,
    /// The table as it was when the handle was made.
    pub(super) table: Arc<TableDescriptor>,
    /// The past moment that is read; none if it is the present.
    pub(super) at: Option<Snapshot>,
}
