//! What every request on a table needs.

use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Operation;
use crate::dynamo::table::TableDescriptor;
use crate::engine::store::Engine;
use std::borrow::Cow;
use std::sync::Arc;

/// The engine, and the table that it is asked for. Cheap to clone.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) engine: Engine,
    pub(super) catalog: Arc<Catalog>,
    /// The table as it was when the handle was made.
    pub(super) table: Arc<TableDescriptor>,
}

impl Handle {
    /// The table as it is now. Counts no reference while the table is as it was.
    pub(super) fn current(&self, operation: Operation) -> Result<Cow<'_, Arc<TableDescriptor>>> {
        self.catalog.current(operation, &self.table)
    }
}
