//! When the next item expires that has to be swept: writers say so, and the sweeper sleeps until then.
//!
//! Invariant: no expiry that was noted is forgotten before the sweeper has looked at everything that was submitted by
//! then. It takes the timer first, then waits for what was submitted, then looks.
//!
//! Threading: a write costs one load, unless it expires sooner than all before it.

use crate::base::ident::CommitTime;
use crate::env::schedule::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The timer.
#[derive(Debug, Default)]
pub(super) struct SweepTimer {
    /// The earliest expiry that was noted; zero to begin with, so that the sweeper looks once.
    next_millis: AtomicU64,
    /// Something expires sooner than all before it.
    pub(super) wake: Arc<Event>,
}

impl SweepTimer {
    /// Something that has to be swept expires then.
    pub(super) fn note(&self, at_millis: u64) {
        if at_millis < self.next_millis.load(Ordering::SeqCst)
            && at_millis < self.next_millis.fetch_min(at_millis, Ordering::SeqCst)
        {
            self.wake.notify();
        }
    }

    /// When the next item expires, as far as is known.
    pub(super) fn next(&self) -> CommitTime {
        CommitTime(self.next_millis.load(Ordering::SeqCst))
    }

    /// The sweeper is about to look at everything: what is noted from now on counts.
    pub(super) fn take(&self) {
        self.next_millis.store(u64::MAX, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweeper_is_woken_by_what_expires_sooner_than_all_before() {
        let timer = SweepTimer::default();
        assert_eq!(timer.next(), CommitTime(0), "it looks once");
        timer.take();
        let woken = |at_millis| {
            let seen = timer.wake.generation();
            timer.note(at_millis);
            timer.wake.generation() != seen
        };
        assert_eq!([woken(50), woken(60), woken(50), woken(40)], [true, false, false, true]);
        assert_eq!(timer.next(), CommitTime(40));
    }
}
