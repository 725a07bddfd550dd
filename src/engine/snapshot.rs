//! A moment that stays readable.

use super::shared::Shared;
use crate::base::ident::{CommitTime, SeqNo};
use std::sync::Arc;

/// A moment that stays readable: compaction keeps what it sees. Cheap to clone; released with the last clone.
#[derive(Debug)]
pub struct Snapshot {
    seqno: SeqNo,
    time: CommitTime,
    shared: Arc<Shared>,
}

impl Snapshot {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let seqno = shared.snapshots.acquire(|| shared.pipeline.published());
        let time = shared.now();
        Self { seqno, time, shared }
    }

    /// The last commit that it sees.
    pub fn seqno(&self) -> SeqNo {
        self.seqno
    }

    /// The time at which it was taken: no less than that of any commit that it sees.
    pub fn time(&self) -> CommitTime {
        self.time
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        self.shared.snapshots.acquire_again(self.seqno);
        Self { seqno: self.seqno, time: self.time, shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.shared.snapshots.release(self.seqno);
    }
}
