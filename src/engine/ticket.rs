//! The ticket of a commit: the write has its place in the order; whether it is done is still to come.
//!
//! A ticket can also be had without a write, by who answers from what others have committed: such an answer may be given
//! when the commit that it rests on is published, and not before.

use super::commit::Commit;
use super::shared::Shared;
use crate::base::error::Result;
use crate::base::ident::SeqNo;
use std::sync::Arc;

/// A commit on its way. Dropping the ticket does not undo the write; it is then written by whoever comes next.
#[derive(Debug)]
#[must_use = "whether the write is done is known only when the ticket was waited for"]
pub struct Ticket {
    shared: Arc<Shared>,
    commit: Commit,
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
        Self { shared, commit }
    }

    /// The commit's place in the order.
    pub fn seqno(&self) -> SeqNo {
        self.commit.seqno
    }

    /// Waits until the write is as durable as was asked, and seen by readers.
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
