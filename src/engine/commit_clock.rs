//! The time by which commits are stamped and readers judge: the wall clock, made to never go back.
//!
//! Invariants:
//! 1. No time is given that is before one given earlier, before a commit's, or before the floor that was found at opening.
//! 2. What compaction takes for expired was so to every reader from then on: the time it judges by was given by this clock.
//! 3. While the wall clock is behind, after it was set back or after an opening whose log is ahead of it, nothing may be
//!    taken for expired.

use crate::base::ident::CommitTime;
use crate::env::time::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The clock.
#[derive(Debug)]
pub(super) struct CommitClock {
    wall: Arc<dyn Clock>,
    latest_millis: AtomicU64,
}

impl CommitClock {
    /// A clock that goes on from `latest`.
    pub(super) fn new(wall: Arc<dyn Clock>, latest: CommitTime) -> Self {
        Self { wall, latest_millis: AtomicU64::new(latest.0) }
    }

    /// The present time.
    pub(super) fn now(&self) -> CommitTime {
        let wall_millis = self.wall.wall_millis();
        // A thousand times a second at most: all others only read the shared line.
        if wall_millis <= self.latest_millis.load(Ordering::SeqCst) {
            return CommitTime(self.latest_millis.load(Ordering::SeqCst));
        }
        CommitTime(self.latest_millis.fetch_max(wall_millis, Ordering::SeqCst).max(wall_millis))
    }

    /// From now on no time up to this one is given.
    pub(super) fn move_beyond(&self, time: CommitTime) {
        self.latest_millis.fetch_max(time.0.saturating_add(1), Ordering::SeqCst);
    }

    /// The present time, if the wall clock is not behind it.
    pub(super) fn now_by_the_wall(&self) -> Option<CommitTime> {
        let wall_millis = self.wall.wall_millis();
        (self.latest_millis.fetch_max(wall_millis, Ordering::SeqCst) <= wall_millis)
            .then_some(CommitTime(wall_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::sim::SimClock;

    #[test]
    fn time_never_goes_back_and_nothing_is_reclaimed_by_a_clock_that_is_behind() {
        let wall = SimClock::new();
        wall.set_wall_millis(100);
        let clock = CommitClock::new(Arc::new(wall.clone()), CommitTime(150));
        assert_eq!((clock.now(), clock.now_by_the_wall()), (CommitTime(150), None));
        wall.set_wall_millis(200);
        assert_eq!((clock.now(), clock.now_by_the_wall()), (CommitTime(200), Some(CommitTime(200))));
        wall.set_wall_millis(199);
        assert_eq!((clock.now(), clock.now_by_the_wall()), (CommitTime(200), None));
    }
}
