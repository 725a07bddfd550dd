//! What the layer above has told the engine: what becomes of expired entries, and which keyspaces are dead.
//!
//! Threads: any number read, without a lock; telling replaces the whole.

use super::epoch_cell::EpochCell;
use crate::base::expiry::{Expiry, ExpiryRules};
use crate::base::ident::{CommitTime, KeyspaceId, SeqNo};
use crate::lsm::reclaim::DroppedKeyspaces;
use parking_lot::Mutex;
use std::sync::Arc;

/// What was told.
#[derive(Debug)]
pub(super) struct Rules {
    expiry: EpochCell<Arc<ExpiryRules>>,
    dropped: Mutex<Arc<DroppedKeyspaces>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { expiry: EpochCell::new(Arc::default()), dropped: Mutex::default() }
    }
}

impl Rules {
    /// What becomes of expired entries.
    pub(super) fn expiry(&self) -> Arc<ExpiryRules> {
        Arc::clone(self.expiry.load(&crossbeam_epoch::pin()))
    }

    /// Replaces what becomes of expired entries.
    pub(super) fn set_expiry(&self, rules: ExpiryRules) {
        self.expiry.replace(Arc::new(rules));
    }

    /// Whether readers at a time do not see an entry because it is dead.
    pub(super) fn is_hidden(&self, expiry: Expiry, at: CommitTime) -> bool {
        self.expiry.load(&crossbeam_epoch::pin()).is_hidden(expiry, at)
    }

    /// The dead keyspaces.
    pub(super) fn dropped(&self) -> Arc<DroppedKeyspaces> {
        Arc::clone(&self.dropped.lock())
    }

    /// Adds dead keyspaces.
    pub(super) fn drop_keyspaces(&self, keyspaces: &[(KeyspaceId, SeqNo)]) {
        let mut dropped = self.dropped.lock();
        let mut more = DroppedKeyspaces::clone(&dropped);
        more.extend(keyspaces.iter().copied());
        *dropped = Arc::new(more);
    }
}
