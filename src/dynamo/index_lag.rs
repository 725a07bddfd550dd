//! Injected lag of global indexes: what a service has to bear with that moves on to DynamoDB, where they follow their
//! table a moment later.
//!
//! ```text
//!   write ──note──> ▪        ▪           ▪      ▪   snapshots, oldest first
//!                   │← older than the lag: let go │
//!   read of a global index ──> the oldest one that is younger than the lag; if there is none, the present
//! ```
//!
//! Invariants:
//! 1. A read sees every commit whose publishing is as long ago as the lag or longer. Of the younger ones it may see none, and those that
//!    it sees are the older ones: it sees one moment.
//! 2. No read sees an earlier moment than one before it did.
//! 3. At most [`SNAPSHOTS_MAX`] snapshots are held; what they see is kept on disk until they are let go of, which happens
//!    at a later read or write.
//!
//! Threads: one lock, held while snapshots are taken and let go of.

use crate::base::ident::CommitTime;
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

/// Most snapshots that are held at once.
const SNAPSHOTS_MAX: u64 = 64;

/// The moments that reads of global indexes may lag behind to.
#[derive(Debug)]
pub(super) struct IndexLag {
    lag_millis: u64,
    snapshots: Mutex<VecDeque<Snapshot>>,
}

impl IndexLag {
    /// Reads lag behind by up to `lag`, in whole milliseconds.
    pub(super) fn new(lag: Duration) -> Self {
        let lag_millis = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
        Self { lag_millis, snapshots: Mutex::default() }
    }

    /// To be called before each write: reads may go on without it for a while.
    pub(super) fn note_write(&self, engine: &Engine) {
        self.turn(engine);
    }

    /// The moment that a read stands at which begins now.
    pub(super) fn moment(&self, engine: &Engine) -> Snapshot {
        self.turn(engine)
    }

    /// Lets go of what is too old, takes the present moment if the last one was taken long enough ago, and gives the
    /// oldest.
    fn turn(&self, engine: &Engine) -> Snapshot {
        let mut snapshots = self.snapshots.lock();
        let present = engine.snapshot();
        let age_millis = |time: CommitTime| present.time().0.saturating_sub(time.0);
        while snapshots.front().is_some_and(|oldest| age_millis(oldest.time()) >= self.lag_millis) {
            snapshots.pop_front();
        }
        let interval_millis = self.lag_millis / SNAPSHOTS_MAX;
        if snapshots.back().is_none_or(|newest| age_millis(newest.time()) > interval_millis) {
            snapshots.push_back(present.clone());
        }
        snapshots.front().cloned().unwrap_or(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::engine::options::{Durability, EngineOptions};
    use crate::env::sim::Simulation;
    use std::path::Path;

    const LAG: u64 = 1000;

    #[test]
    fn a_moment_is_never_older_than_the_lag_and_never_goes_back() {
        let simulation = Simulation::new(1);
        let engine = Engine::open(simulation.environment(), Path::new("/store"), EngineOptions::default());
        let engine = engine.expect("a new store");
        let lag = IndexLag::new(Duration::from_millis(LAG));
        let mut last = None;
        let mut is_behind = 0;
        for step in 0..2_000_u64 {
            simulation.clock().advance(Duration::from_millis(step % 7 * 3));
            if step % 3 == 0 {
                let mut batch = WriteBatch::new();
                batch.put(b"\0\0\0\x20key".to_vec(), step.to_be_bytes().to_vec());
                lag.note_write(&engine);
                engine.write(&batch, Durability::Buffered).expect("nothing fails");
            }
            let moment = lag.moment(&engine);
            let now = engine.now();
            assert!(now.0 - moment.time().0 < LAG);
            assert!(last.is_none_or(|last| last <= moment.seqno()));
            is_behind += u64::from(moment.seqno() < engine.published());
            last = Some(moment.seqno());
            assert!(lag.snapshots.lock().len() as u64 <= SNAPSHOTS_MAX + 1);
        }
        assert!(is_behind > 1_500, "{is_behind}");
    }
}
