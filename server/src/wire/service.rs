//! What requests are answered from.

use pixii::{Database, Operations};

/// An open database, and how its answers are worded.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) database: Database,
    pub(crate) operations: Operations,
}

impl Service {
    /// Answers from this database.
    pub(crate) fn new(database: Database) -> Self {
        Self { operations: database.operations(), database }
    }
}
