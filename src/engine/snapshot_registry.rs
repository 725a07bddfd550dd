//! Which moments readers stand at, so that compaction keeps what they see.
//!
//! Invariant: a snapshot's moment is registered under the same lock under which a job reads the registry together with
//! the present moment. So a job either sees the snapshot, or the snapshot's moment is at or after the one that the job
//! takes as its last boundary; and of two snapshots the one with the higher number has no earlier time.

use crate::base::ident::Moment;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The moments that are held, with how many hold each.
#[derive(Debug, Default)]
pub(super) struct SnapshotRegistry {
    held: Mutex<BTreeMap<Moment, usize>>,
}

impl SnapshotRegistry {
    /// Registers the moment that `now` gives.
    pub(super) fn acquire(&self, now: impl FnOnce() -> Moment) -> Moment {
        let mut held = self.held.lock();
        let moment = now();
        *held.entry(moment).or_default() += 1;
        moment
    }

    /// Registers a moment that is held already once more.
    pub(super) fn acquire_again(&self, moment: Moment) {
        *self.held.lock().entry(moment).or_default() += 1;
    }

    /// Lets go of a moment.
    pub(super) fn release(&self, moment: Moment) {
        let mut held = self.held.lock();
        if let Some(count) = held.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                held.remove(&moment);
            }
        }
    }

    /// All moments that are held, and the present one.
    pub(super) fn boundaries(&self, now: impl FnOnce() -> Moment) -> (Vec<Moment>, Moment) {
        let held = self.held.lock();
        (held.keys().copied().collect(), now())
    }

    /// How many are held.
    pub(super) fn count(&self) -> usize {
        self.held.lock().values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::{CommitTime, SeqNo};

    #[test]
    fn a_moment_is_held_until_its_last_holder_lets_go() {
        let at = |seqno, time| Moment { seqno: SeqNo(seqno), time: CommitTime(time) };
        let registry = SnapshotRegistry::default();
        let moment = registry.acquire(|| at(5, 100));
        registry.acquire_again(moment);
        let later = registry.acquire(|| at(5, 200));
        registry.release(moment);
        assert_eq!(registry.boundaries(|| at(9, 300)), (vec![at(5, 100), at(5, 200)], at(9, 300)));
        registry.release(moment);
        registry.release(later);
        assert_eq!((registry.boundaries(|| at(9, 300)), registry.count()), ((vec![], at(9, 300)), 0));
    }
}
