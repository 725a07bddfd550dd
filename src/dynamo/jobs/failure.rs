//! A failure of the data model in the engine's words, for jobs.

use crate::base::error::StoreError;
use crate::dynamo::error::Error;
use crate::dynamo::fault::Fault;
use crate::engine::store::Engine;

/// What stopped a step. What is not a failure of the storage is a row that cannot be read.
pub(super) fn of_step(engine: &Engine, error: &Error) -> StoreError {
    match error.fault() {
        Fault::Storage(error) => error.clone(),
        _ => StoreError::corruption(engine.directory(), 0, error.to_string()),
    }
}
