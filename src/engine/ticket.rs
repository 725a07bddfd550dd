//! The ticket of a commit: the write has its place in the order; whether it is done is still to come.
//!
//! Whoever has a ticket waits on their thread, or awaits it as a future: then a job does the log's work, and the task that
//! awaits is woken by whoever publishes the commit.
//!
//! A ticket can also be had without a write, by who answers from what others have committed: such an answer may be given
//! when the commit that it rests on is published, and not before.

use super::commit::Commit;
use super::log_job;
use super::shared::Shared;
use super::waiters::WaiterId;
use crate::base::error::Result;
use crate::base::ident::SeqNo;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A commit on its way. Dropping the ticket does not undo the write; it is then written by whoever comes next.
#[derive(Debug)]
#[must_use = "whether the write is done is known only when the ticket was waited for"]
pub struct Ticket {
    shared: Arc<Shared>,
    commit: Commit,
    /// Its place among the waiters, once it was awaited.
    waiter: Option<WaiterId>,
}

/// What has become of a batch that may be refused without an error.
#[derive(Debug)]
#[must_use = "only an accepted batch was committed"]
pub enum Submitted {
    /// It has its place in the order.
    Accepted(Ticket),
    /// Its guard says that what it was derived from has changed. Nothing was committed.
    Stale,
    /// What its transaction has read was written since, or has expired by now. Nothing was committed.
    Conflict,
}

impl Ticket {
    pub(super) fn new(shared: Arc<Shared>, commit: Commit) -> Self {
        Self { shared, commit, waiter: None }
    }

    /// The commit's place in the order.
    pub fn seqno(&self) -> SeqNo {
        self.commit.seqno
    }

    /// Waits until the write is as durable as was asked, and seen by readers. Awaiting the ticket is the same, without a
    /// thread.
    ///
    /// An error's [`outcome`](crate::base::error::StoreError::outcome) says whether the write may still be found when
    /// the store is opened again.
    pub fn wait(self) -> Result<Commit> {
        let shared = &self.shared;
        shared.pipeline.wait(
            self.commit,
            &shared.counters,
            &shared.poison,
            shared.environment.scheduler.as_ref(),
        )
    }

    /// Does one phase of the log's work instead of waiting, and says what has become of the write if that is known.
    /// For clients that are step machines, as in a simulation.
    pub fn step(&self) -> Option<Result<Commit>> {
        let shared = &self.shared;
        let outcome = shared.pipeline.outcome(self.commit, &shared.poison);
        if outcome.is_none() {
            shared.pipeline.advance(&shared.counters, &shared.poison);
        }
        outcome
    }
}

impl Future for Ticket {
    type Output = Result<Commit>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = Arc::clone(&self.shared);
        let outcome = || shared.pipeline.outcome(self.commit, &shared.poison);
        if let Some(outcome) = outcome() {
            return Poll::Ready(outcome);
        }
        let waiter = shared.pipeline.waiters.register(self.commit.seqno, self.waiter, context.waker());
        // Decided before it was registered, it would not be woken.
        if let Some(outcome) = outcome() {
            shared.pipeline.waiters.forget(waiter);
            return Poll::Ready(outcome);
        }
        self.waiter = Some(waiter);
        if log_job::wake(&shared).is_err() {
            // Without a thread for it, this one does the work.
            let scheduler = shared.environment.scheduler.as_ref();
            return Poll::Ready(shared.pipeline.wait(
                self.commit,
                &shared.counters,
                &shared.poison,
                scheduler,
            ));
        }
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter {
            self.shared.pipeline.waiters.forget(waiter);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a runtime parks its own thread")]
mod tests {
    use super::*;
    use crate::base::batch::WriteBatch;
    use crate::base::error::{Outcome, StoreErrorKind};
    use crate::engine::options::{Durability, EngineOptions};
    use crate::engine::store::Engine;
    use crate::env::environment::Environment;
    use crate::env::sim::{FaultRule, OpKind, Simulation, errno};
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    /// Counts how often it was woken, and wakes a thread.
    struct Woken {
        count: AtomicUsize,
        thread: std::thread::Thread,
    }

    impl Woken {
        fn new() -> Arc<Self> {
            Arc::new(Self { count: AtomicUsize::new(0), thread: std::thread::current() })
        }

        fn count(&self) -> usize {
            self.count.load(Ordering::SeqCst)
        }
    }

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.count.fetch_add(1, Ordering::SeqCst);
            self.thread.unpark();
        }
    }

    fn open(environment: Environment) -> Engine {
        Engine::open(environment, Path::new("/store"), EngineOptions::default()).expect("a new store")
    }

    fn submit(engine: &Engine, key: u32, durability: Durability) -> Ticket {
        let mut batch = WriteBatch::new();
        batch.put([&[0, 0, 0, 16][..], &key.to_be_bytes()].concat(), Vec::new());
        engine.submit(&batch, durability).expect("space")
    }

    fn poll(ticket: &mut Ticket, woken: &Arc<Woken>) -> Poll<Result<Commit>> {
        let waker = Waker::from(Arc::clone(woken));
        Pin::new(ticket).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn awaited_commits_share_a_sync_and_each_task_is_woken_once() {
        let simulation = Simulation::new(3);
        let engine = open(simulation.environment());
        let mut tickets: Vec<_> = (0..64).map(|key| submit(&engine, key, Durability::Durable)).collect();
        let woken: Vec<_> = tickets.iter().map(|_| Woken::new()).collect();
        let syncs = engine.statistics().log_syncs;
        for (ticket, woken) in tickets.iter_mut().zip(&woken) {
            assert!(poll(ticket, woken).is_pending());
            assert!(poll(ticket, woken).is_pending(), "a second poll takes no second place");
        }
        simulation.scheduler().run_until_idle();
        assert!(
            engine.statistics().log_syncs - syncs <= 2,
            "one for those that were queued, one by the interval"
        );
        for (mut ticket, woken) in tickets.into_iter().zip(woken) {
            assert_eq!(woken.count(), 1);
            let commit = poll(&mut ticket, &woken);
            assert!(matches!(commit, Poll::Ready(Ok(commit)) if commit.seqno == ticket.seqno()));
        }
    }

    #[test]
    fn a_failed_sync_wakes_who_awaits_and_tells_that_the_outcome_is_unknown() {
        let simulation = Simulation::new(3);
        let engine = open(simulation.environment());
        let mut ticket = submit(&engine, 1, Durability::Durable);
        let woken = Woken::new();
        assert!(poll(&mut ticket, &woken).is_pending());
        simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
        simulation.scheduler().run_until_idle();
        assert_eq!(woken.count(), 1);
        let Poll::Ready(Err(error)) = poll(&mut ticket, &woken) else { panic!("the sync has failed") };
        assert_eq!((error.kind(), error.outcome()), (StoreErrorKind::Poisoned, Outcome::Unknown));
    }

    #[test]
    fn a_waker_that_panics_harms_nobody_else() {
        struct Panics;
        impl Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a bug of the runtime");
            }
        }
        let simulation = Simulation::new(3);
        let engine = open(simulation.environment());
        let mut tickets: Vec<_> = (0..3).map(|key| submit(&engine, key, Durability::Durable)).collect();
        let woken = Woken::new();
        for (ticket, panics) in tickets.iter_mut().zip([false, true, false]) {
            let waker = if panics { Arc::new(Panics).into() } else { Waker::from(Arc::clone(&woken)) };
            assert!(Pin::new(ticket).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        simulation.scheduler().run_until_idle();
        assert_eq!(woken.count(), 2);
        assert!(engine.statistics().poison.is_none());
    }

    #[test]
    fn a_task_that_goes_away_is_forgotten_and_its_write_is_done() {
        let simulation = Simulation::new(3);
        let engine = open(simulation.environment());
        let woken = Woken::new();
        let mut ticket = submit(&engine, 1, Durability::Durable);
        let seqno = ticket.seqno();
        assert!(poll(&mut ticket, &woken).is_pending());
        drop(ticket);
        engine.close().expect("nothing failed");
        assert_eq!((woken.count(), engine.published()), (0, seqno));
    }

    #[test]
    fn one_thread_awaits_many_writes_while_others_wait() {
        let engine = open(Environment::memory());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for key in 0..500 {
                    submit(&engine, key, Durability::Durable).wait().expect("nothing fails");
                }
            });
            let woken = Woken::new();
            for round in 0..100 {
                let keys = 1000 + round * 8..1008 + round * 8;
                for mut ticket in
                    keys.map(|key| submit(&engine, key, Durability::Durable)).collect::<Vec<_>>()
                {
                    while poll(&mut ticket, &woken).is_pending() {
                        std::thread::park();
                    }
                }
            }
        });
        engine.close().expect("nothing failed");
    }
}
