//! Locks on keys: held from before the old version is read until the new one has its place in the order.
//!
//! Invariants:
//! 1. The keys of one request are locked in key order, each once, so that two requests never wait for each other.
//! 2. A lock is never held over a sync.

use crate::env::schedule::{Event, Scheduler};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

const SHARDS: usize = 64;

/// The locks of an engine.
#[derive(Debug)]
pub(super) struct KeyLocks {
    shards: Box<[Shard]>,
}

#[derive(Debug, Default)]
struct Shard {
    locked: Mutex<HashSet<Vec<u8>>>,
    released: Event,
}

impl KeyLocks {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }

    fn shard(&self, key: &[u8]) -> &Shard {
        let index = xxhash_rust::xxh3::xxh3_64(key) % SHARDS as u64;
        &self.shards[usize::try_from(index).unwrap_or_default()]
    }

    /// Locks keys, waiting for those who hold them.
    pub(super) fn lock(self: &Arc<Self>, mut keys: Vec<Vec<u8>>, scheduler: &dyn Scheduler) -> KeyLockGuard {
        keys.sort_unstable();
        keys.dedup();
        let mut guard = KeyLockGuard { locks: Arc::clone(self), keys: Vec::with_capacity(keys.len()) };
        for key in keys {
            let shard = self.shard(&key);
            loop {
                let seen = shard.released.generation();
                if shard.locked.lock().insert(key.clone()) {
                    break;
                }
                scheduler.wait(&shard.released, seen, None);
            }
            guard.keys.push(key);
        }
        guard
    }
}

/// Holds keys locked until it is dropped.
#[derive(Debug)]
#[must_use = "the keys are released when this is dropped"]
pub struct KeyLockGuard {
    locks: Arc<KeyLocks>,
    keys: Vec<Vec<u8>>,
}

impl Drop for KeyLockGuard {
    fn drop(&mut self) {
        for key in &self.keys {
            let shard = self.locks.shard(key);
            shard.locked.lock().remove(key);
            shard.released.notify();
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "real threads are what is tested")]
mod tests {
    use super::*;
    use crate::env::environment::Environment;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn holders_of_overlapping_keys_exclude_each_other_and_all_finish() {
        let locks = Arc::new(KeyLocks::new());
        let inside = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0_u8..4)
            .map(|thread| {
                let (locks, inside) = (Arc::clone(&locks), Arc::clone(&inside));
                std::thread::spawn(move || {
                    let scheduler = Environment::system().scheduler;
                    for round in 0..200_u8 {
                        // Every request has the key "shared", and asks for its keys in another order.
                        let mut keys = vec![b"shared".to_vec(), vec![round % 3], vec![thread], vec![thread]];
                        keys.rotate_left(usize::from(round) % 4);
                        let guard = locks.lock(keys, scheduler.as_ref());
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(guard);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no thread panics");
        }
    }
}
