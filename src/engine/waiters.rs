//! Who awaits commits: tasks that gave a waker instead of a thread.
//!
//! Invariants:
//! 1. A task that found its commit undecided after it had registered is woken when that is decided: who publishes stores
//!    the number first and asks for waiters then, who waits registers first and asks for the number then.
//! 2. A waker is called, and dropped, without the lock, and called once for each time that it was registered. It is code of
//!    others: if it panics, that is the loss of its task alone.

use crate::base::ident::SeqNo;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// The wakers of tasks, by the commits that they await.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// How many there are: asked by every phase of the log's work, without the lock.
    count: AtomicUsize,
    wakers: Mutex<Wakers>,
}

#[derive(Debug, Default)]
struct Wakers {
    of_commits: BTreeMap<WaiterId, Waker>,
    next: u64,
}

/// A place among the waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WaiterId {
    seqno: SeqNo,
    number: u64,
}

impl Waiters {
    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Registers a task for a commit, in the place of its earlier waker if it has one.
    pub(super) fn register(&self, seqno: SeqNo, earlier: Option<WaiterId>, waker: &Waker) -> WaiterId {
        let waker = waker.clone();
        let mut wakers = self.wakers.lock();
        let id = earlier.unwrap_or_else(|| {
            wakers.next += 1;
            WaiterId { seqno, number: wakers.next }
        });
        let replaced = wakers.of_commits.insert(id, waker);
        self.count.store(wakers.of_commits.len(), Ordering::SeqCst);
        drop(wakers);
        drop(replaced);
        id
    }

    /// The task is not interested any more.
    pub(super) fn forget(&self, id: WaiterId) {
        let mut wakers = self.wakers.lock();
        let forgotten = wakers.of_commits.remove(&id);
        self.count.store(wakers.of_commits.len(), Ordering::SeqCst);
        drop(wakers);
        drop(forgotten);
    }

    /// Wakes who awaits a commit up to `seqno`; everyone, without one.
    pub(super) fn wake(&self, up_to: Option<SeqNo>) {
        if self.is_empty() {
            return;
        }
        let woken = {
            let mut wakers = self.wakers.lock();
            let rest = up_to.map_or_else(BTreeMap::new, |seqno| {
                wakers.of_commits.split_off(&WaiterId { seqno: seqno.next(), number: 0 })
            });
            self.count.store(rest.len(), Ordering::SeqCst);
            std::mem::replace(&mut wakers.of_commits, rest)
        };
        for waker in woken.into_values() {
            // The panic was reported by its hook; there is nobody here to tell it to.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}
