//! Who holds which lock, where the system does not keep that: in memory and in the simulation.
//!
//! Invariant: a lock is held by one for himself, or by any number together, or by nobody; then it is not in the table.

use std::collections::BTreeMap;

/// The locks that are held, by what they are of.
#[derive(Debug)]
pub(super) struct LockTable<K> {
    held: BTreeMap<K, Holders>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holders {
    One,
    Together(usize),
}

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// By one for himself.
    Alone,
    /// Together with others who take it so.
    Shared,
}

impl<K> Default for LockTable<K> {
    fn default() -> Self {
        Self { held: BTreeMap::new() }
    }
}

impl<K: Ord> LockTable<K> {
    /// Takes a lock, and tells whether that was possible.
    pub(super) fn take(&mut self, key: K, hold: Hold) -> bool {
        let holders = match (self.held.get(&key), hold) {
            (None, Hold::Alone) => Holders::One,
            (None, Hold::Shared) => Holders::Together(1),
            (Some(Holders::Together(count)), Hold::Shared) => Holders::Together(count + 1),
            (Some(_), _) => return false,
        };
        self.held.insert(key, holders);
        true
    }

    /// Lets go of a lock that was taken once.
    pub(super) fn release(&mut self, key: &K) {
        match self.held.get_mut(key) {
            Some(Holders::Together(count)) if *count > 1 => *count -= 1,
            _ => {
                self.held.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_a_lock_or_many_together() {
        let mut locks = LockTable::default();
        assert!(locks.take("a", Hold::Shared) && locks.take("a", Hold::Shared));
        assert!(!locks.take("a", Hold::Alone));
        locks.release(&"a");
        assert!(!locks.take("a", Hold::Alone), "one of both still has it");
        locks.release(&"a");
        assert!(
            locks.take("a", Hold::Alone) && !locks.take("a", Hold::Shared) && locks.take("b", Hold::Alone)
        );
        locks.release(&"a");
        assert!(locks.take("a", Hold::Shared));
    }
}
