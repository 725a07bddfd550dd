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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<Moment, usize>,
    /// Jobs keep what a reader at this moment or later sees, and may have taken away what only earlier ones do.
    floor: Moment,
}

impl SnapshotRegistry {
    /// A registry in which no moment before `floor` can be asked for.
    pub(super) fn new(floor: Moment) -> Self {
        Self { state: Mutex::new(State { held: BTreeMap::new(), floor }) }
    }

    /// The moment from which on every moment can be asked for.
    pub(super) fn floor(&self) -> Moment {
        self.state.lock().floor
    }

    /// Registers a past moment; refuses one that jobs may not keep, and tells the floor then.
    pub(super) fn acquire_past(&self, at: Moment) -> Result<Moment, Moment> {
        let mut state = self.state.lock();
        if at.seqno < state.floor.seqno || at.time < state.floor.time {
            return Err(state.floor);
        }
        *state.held.entry(at).or_default() += 1;
        Ok(at)
    }

    /// Registers the moment that `now` gives.
    pub(super) fn acquire(&self, now: impl FnOnce() -> Moment) -> Moment {
        let mut state = self.state.lock();
        let moment = now();
        *state.held.entry(moment).or_default() += 1;
        moment
    }

    /// Registers a moment that is held already once more.
    pub(super) fn acquire_again(&self, moment: Moment) {
        *self.state.lock().held.entry(moment).or_default() += 1;
    }

    /// Lets go of a moment.
    pub(super) fn release(&self, moment: Moment) {
        let mut state = self.state.lock();
        if let Some(count) = state.held.get_mut(&moment) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&moment);
            }
        }
    }

    /// All moments that are held, and the present one, for a job that keeps what they see and every moment from `floor`
    /// on.
    pub(super) fn boundaries(&self, floor: Moment, now: impl FnOnce() -> Moment) -> (Vec<Moment>, Moment) {
        let mut state = self.state.lock();
        state.floor = state.floor.max_of_each(floor);
        (state.held.keys().copied().collect(), now())
    }

    /// How many are held.
    pub(super) fn count(&self) -> usize {
        self.state.lock().held.values().sum()
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
        assert_eq!(
            registry.boundaries(at(5, 100), || at(9, 300)),
            (vec![at(5, 100), at(5, 200)], at(9, 300))
        );
        registry.release(moment);
        registry.release(later);
        assert_eq!(
            (registry.boundaries(at(7, 50), || at(9, 300)), registry.count()),
            ((vec![], at(9, 300)), 0)
        );
        assert_eq!(registry.floor(), at(7, 100));
        assert_eq!(registry.acquire_past(at(6, 200)), Err(at(7, 100)));
        assert_eq!(registry.acquire_past(at(7, 99)), Err(at(7, 100)));
        assert_eq!(registry.acquire_past(at(7, 100)), Ok(at(7, 100)));
        assert_eq!(registry.count(), 1);
    }
}
