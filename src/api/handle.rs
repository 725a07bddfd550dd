//! What every request on a table needs.

use crate::dynamo::table::TableDescriptor;
use crate::engine::store::Engine;
use std::sync::Arc;

/// The engine, and the table that it is asked for. Cheap to clone.
#[derive(Clone)]
pub(super) struct Handle {
    pub(super) engine: Engine,
    pub(super) table: Arc<TableDescriptor>,
}
