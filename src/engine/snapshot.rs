//! A moment that stays readable.

use super::shared::Shared;
use crate::base::ident::{CommitTime, Moment, SeqNo};
use std::sync::Arc;

/// A moment that stays readable: compaction keeps what it sees. Cheap to clone; released with the last clone.
#[derive(Debug)]
pub struct Snapshot {
    moment: Moment,
    shared: Arc<Shared>,
}

impl Snapshot {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let moment = shared.snapshots.acquire(|| shared.now());
        Self { moment, shared }
    }

    /// A past moment that was registered.
    pub(super) fn of_registered(shared: Arc<Shared>, moment: Moment) -> Self {
        Self { moment, shared }
    }

    /// The last commit that it sees.
    pub fn seqno(&self) -> SeqNo {
        self.moment.seqno
    }

    /// The time at which it was taken and by which it judges what has expired: never behind the last published commit,
    /// so no less than that of any commit that it sees.
    pub fn time(&self) -> CommitTime {
        self.moment.time
    }

    pub(super) fn moment(&self) -> Moment {
        self.moment
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        self.shared.snapshots.acquire_again(self.moment);
        Self { moment: self.moment, shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.shared.snapshots.release(self.moment);
    }
}
