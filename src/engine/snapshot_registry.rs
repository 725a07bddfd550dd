//! Which sequence numbers readers stand at, so that compaction keeps what they see.
//!
//! Invariant: a snapshot's number is registered under the same lock under which a job reads the registry together with
//! the published number. So a job either sees the snapshot, or the snapshot's number is at or after the published one
//! that the job takes as its last boundary.

use crate::base::ident::SeqNo;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The numbers that are held, with how many hold each.
#[derive(Debug, Default)]
pub(super) struct SnapshotRegistry {
    held: Mutex<BTreeMap<SeqNo, usize>>,
}

impl SnapshotRegistry {
    /// Registers the number that `published` gives.
    pub(super) fn acquire(&self, published: impl FnOnce() -> SeqNo) -> SeqNo {
        let mut held = self.held.lock();
        let seqno = published();
        *held.entry(seqno).or_default() += 1;
        seqno
    }

    /// Registers a number that is held already once more.
    pub(super) fn acquire_again(&self, seqno: SeqNo) {
        *self.held.lock().entry(seqno).or_default() += 1;
    }

    /// Lets go of a number.
    pub(super) fn release(&self, seqno: SeqNo) {
        let mut held = self.held.lock();
        if let Some(count) = held.get_mut(&seqno) {
            *count -= 1;
            if *count == 0 {
                held.remove(&seqno);
            }
        }
    }

    /// All numbers that are held, and the published one, at one moment.
    pub(super) fn boundaries(&self, published: impl FnOnce() -> SeqNo) -> (Vec<SeqNo>, SeqNo) {
        let held = self.held.lock();
        (held.keys().copied().collect(), published())
    }

    /// How many are held.
    pub(super) fn count(&self) -> usize {
        self.held.lock().values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_held_until_its_last_holder_lets_go() {
        let registry = SnapshotRegistry::default();
        let seqno = registry.acquire(|| SeqNo(5));
        registry.acquire_again(seqno);
        registry.release(seqno);
        assert_eq!(registry.boundaries(|| SeqNo(9)), (vec![SeqNo(5)], SeqNo(9)));
        registry.release(seqno);
        assert_eq!((registry.boundaries(|| SeqNo(9)), registry.count()), ((vec![], SeqNo(9)), 0));
    }
}
