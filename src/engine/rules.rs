//! What the layer above has told the engine: what becomes of expired entries, and which keyspaces are dead.
//!
//! Invariant: who judges by the present time and the rules of expiry has both from one moment. Whatever was judged before
//! the rules change was judged by a time no later than the one that the change is given. So a generation that ends at
//! that time has the same dead before and after: nothing that was hidden comes back.
//!
//! Threads: any number read, without a lock; telling replaces the whole. The sequence is odd while the rules of expiry
//! change, which is for a moment: who finds it so waits for the changing thread's lock, and looks again.

use super::epoch_cell::EpochCell;
use crate::base::expiry::{Expiry, ExpiryRules};
use crate::base::ident::{CommitTime, KeyspaceId, SeqNo};
use crate::lsm::reclaim::DroppedKeyspaces;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was told.
#[derive(Debug)]
pub(super) struct Rules {
    expiry: EpochCell<Arc<ExpiryRules>>,
    sequence: AtomicU64,
    changing: Mutex<()>,
    dropped: Mutex<Arc<DroppedKeyspaces>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            expiry: EpochCell::new(Arc::default()),
            sequence: AtomicU64::new(0),
            changing: Mutex::default(),
            dropped: Mutex::default(),
        }
    }
}

impl Rules {
    /// What becomes of expired entries.
    pub(super) fn expiry(&self) -> Arc<ExpiryRules> {
        Arc::clone(self.expiry.load(&crossbeam_epoch::pin()))
    }

    /// Changes what becomes of expired entries. `change` is given the present time, and is called once.
    pub(super) fn change_expiry<R>(
        &self,
        now: impl FnOnce() -> CommitTime,
        change: impl FnOnce(&mut ExpiryRules, CommitTime) -> R,
    ) -> R {
        let _changing = self.changing.lock();
        let mut rules = ExpiryRules::clone(&self.expiry());
        self.sequence.fetch_add(1, Ordering::SeqCst);
        let result = change(&mut rules, now());
        self.expiry.replace(Arc::new(rules));
        self.sequence.fetch_add(1, Ordering::SeqCst);
        result
    }

    /// The present time, and what becomes of expired entries by then.
    pub(super) fn at_present<R>(
        &self,
        now: impl Fn() -> CommitTime,
        judge: impl FnOnce(&Arc<ExpiryRules>, CommitTime) -> R,
    ) -> R {
        let guard = crossbeam_epoch::pin();
        loop {
            let before = self.sequence.load(Ordering::SeqCst);
            if before.is_multiple_of(2) {
                let time = now();
                let rules = self.expiry.load(&guard);
                if self.sequence.load(Ordering::SeqCst) == before {
                    return judge(rules, time);
                }
            }
            drop(self.changing.lock());
        }
    }

    /// Whether readers at a time do not see an entry because it is dead.
    pub(super) fn is_hidden(&self, expiry: Expiry, at: CommitTime) -> bool {
        self.expiry.load(&crossbeam_epoch::pin()).is_hidden(expiry, at)
    }

    /// The dead keyspaces.
    pub(super) fn dropped(&self) -> Arc<DroppedKeyspaces> {
        Arc::clone(&self.dropped.lock())
    }

    /// Adds dead keyspaces.
    pub(super) fn drop_keyspaces(&self, keyspaces: &[(KeyspaceId, SeqNo)]) {
        let mut dropped = self.dropped.lock();
        let mut more = DroppedKeyspaces::clone(&dropped);
        more.extend(keyspaces.iter().copied());
        *dropped = Arc::new(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{DeadEntries, ExpiryGeneration, ExpiryRule};
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_was_hidden_when_its_generation_ended_stays_hidden() {
        const GENERATION: ExpiryGeneration = ExpiryGeneration(1);
        for _ in 0..50 {
            let (rules, clock, is_over) = (Rules::default(), AtomicU64::new(0), AtomicBool::new(false));
            // Every question takes some time, so that each sees another one.
            let now = || CommitTime(clock.fetch_add(1, Ordering::SeqCst));
            std::thread::scope(|scope| {
                let judging = scope.spawn(|| {
                    let mut last_hidden = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        let is_hidden = |rules: &Arc<ExpiryRules>, time: CommitTime| {
                            rules
                                .is_hidden(Expiry { at_millis: time.0, generation: GENERATION }, time)
                                .then_some(time.0)
                        };
                        last_hidden = rules.at_present(now, is_hidden).unwrap_or(last_hidden);
                    }
                    last_hidden
                });
                while clock.load(Ordering::SeqCst) < 100 {
                    std::hint::spin_loop();
                }
                let end = rules.change_expiry(now, |rules, time| {
                    rules.set(GENERATION, ExpiryRule { ended_at: Some(time), dead: DeadEntries::Hidden });
                    time
                });
                while clock.load(Ordering::SeqCst) < end.0 + 100 {
                    std::hint::spin_loop();
                }
                is_over.store(true, Ordering::SeqCst);
                let last_hidden = judging.join().expect("it does not panic");
                assert!(
                    last_hidden > 0 && last_hidden <= end.0,
                    "{last_hidden} was hidden, the end was {end:?}"
                );
            });
        }
    }
}
