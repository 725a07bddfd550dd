//! The failure after which nothing is written any more. A store that is opened only to be read has one from the start.
//!
//! Invariant: the first cause stays, whoever else fails after it. Every job asks before it writes, syncs, renames or
//! unlinks anything, and stops at its next step.

use crate::base::error::{Result, StoreError, StoreErrorKind, StoreFault};
use std::sync::OnceLock;

/// The first failure that made the state on disk unknown.
#[derive(Debug, Default)]
pub(super) struct Poison {
    first_cause: OnceLock<StoreError>,
}

impl Poison {
    /// Remembers `cause` if it is the first.
    pub(super) fn set(&self, cause: &StoreError) {
        let _ = self.first_cause.set(cause.clone());
    }

    /// The first failure; none of a store that is only read and has met no failure.
    pub(super) fn failure(&self) -> Option<&StoreError> {
        self.get().filter(|cause| !matches!(cause.fault(), StoreFault::ReadOnly { .. }))
    }

    /// The first cause.
    pub(super) fn get(&self) -> Option<&StoreError> {
        self.first_cause.get()
    }

    /// The refusal, if there is a first cause.
    pub(super) fn check(&self) -> Result<()> {
        self.get().map_or(Ok(()), |cause| Err(StoreError::poisoned(cause)))
    }
}

/// Whether a background job can leave its partial files and try again later: it could not read or create a file, or the
/// disk was full while it wrote files that nothing refers to. A failed sync or another failed write is not of that kind.
pub(super) fn is_passing(error: &StoreError) -> bool {
    match error.fault() {
        StoreFault::Io { operation: "sync", .. } => false,
        StoreFault::Io { operation: "open" | "read" | "map" | "create", .. } => true,
        _ => matches!(error.kind(), StoreErrorKind::NoSpace | StoreErrorKind::Corruption),
    }
}
