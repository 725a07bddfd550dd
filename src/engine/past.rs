//! Reading as of a past moment: a snapshot of any commit that is kept.
//!
//! Steps for a time: move the clock beyond it, and the pipeline, so that no later commit can have it; find the first commit
//! behind it; wait until the one before that is published; register the moment, unless a job may have begun to take away
//! what it sees.

use super::snapshot::Snapshot;
use super::store::Engine;
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{AsOf, Moment, SeqNo};
use crate::base::planted::{Bug, planted};
use std::sync::Arc;

impl Engine {
    /// The oldest moment that is kept: every one from it on can be read.
    pub fn oldest_kept(&self) -> Moment {
        self.shared.snapshots.floor()
    }

    /// A past moment, kept readable until the snapshot is dropped.
    ///
    /// As of a commit what has expired by that commit's time is dead; as of a time, what has by that time.
    pub fn snapshot_at(&self, asked: AsOf) -> Result<Snapshot> {
        let shared = &self.shared;
        shared.check_open()?;
        let moment = match asked {
            AsOf::Time(time) if time > shared.clock.now() => return Err(self.not_kept(asked)),
            AsOf::Time(time) => {
                let last = if planted(Bug::TimeNotMovedBeyondRead) {
                    shared.pipeline.last()
                } else {
                    shared.clock.move_beyond(time);
                    shared.pipeline.move_beyond(time)
                };
                let next = shared.timeline().first_after(time)?;
                Moment { seqno: next.map_or(last.seqno, |next| SeqNo(next.0.saturating_sub(1))), time }
            }
            AsOf::Sequence(seqno) if seqno > shared.pipeline.last().seqno => return Err(self.not_kept(asked)),
            AsOf::Sequence(seqno) => {
                let time = shared.timeline().time_at(seqno)?.unwrap_or_default();
                // The oldest commit that is kept is the state at the window's start, which may be later than it.
                Moment { seqno, time: time.max(shared.snapshots.floor().time) }
            }
        };
        self.visible(moment.seqno).wait().map_err(StoreError::into_rejected)?;
        match shared.snapshots.acquire_past(moment) {
            Ok(moment) => Ok(Snapshot::of_registered(Arc::clone(shared), moment)),
            Err(_) => Err(self.not_kept(asked)),
        }
    }

    fn not_kept(&self, asked: AsOf) -> StoreError {
        let (oldest, newest) = (self.oldest_kept(), self.shared.now());
        StoreError::new(StoreFault::MomentNotKept { asked, oldest, newest })
    }
}
