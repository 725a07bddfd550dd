//! What requests are answered from.

use super::restores::Restores;
use super::transients::Transients;
use pixii::{Database, Operations};

/// How requests are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wording {
    /// Reserved words in expressions are names like any others.
    pub(crate) allow_reserved_words: bool,
}

/// An open database, and how requests to it are read.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) database: Database,
    pub(crate) operations: Operations,
    pub(crate) wording: Wording,
    pub(crate) transients: Transients,
    pub(crate) restores: Restores,
}

impl Service {
    /// Answers from this database.
    pub(crate) fn new(database: Database, wording: Wording, transients: Transients) -> Self {
        let (operations, restores) = (database.operations(), Restores::default());
        Self { database, operations, wording, transients, restores }
    }
}
