//! A moment that stays readable.

use super::shared::Shared;
use crate::base::ident::SeqNo;
use std::sync::Arc;

/// A moment that stays readable: compaction keeps what it sees. Cheap to clone; released with the last clone.
#[derive(Debug)]
pub struct Snapshot {
    seqno: SeqNo,
    shared: Arc<Shared>,
}

impl Snapshot {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let seqno = shared.snapshots.acquire(|| shared.pipeline.published());
        Self { seqno, shared }
    }

    /// The last commit that it sees.
    pub fn seqno(&self) -> SeqNo {
        self.seqno
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        self.shared.snapshots.acquire_again(self.seqno);
        Self { seqno: self.seqno, shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.shared.snapshots.release(self.seqno);
    }
}
