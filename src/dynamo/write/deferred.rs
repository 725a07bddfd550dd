//! An answer that is given when what it rests on is acknowledged.

use crate::base::error::StoreError;
use crate::base::ident::SeqNo;
use crate::dynamo::error::{Error, Result};
use crate::engine::commit::Commit;
use crate::engine::ticket::Ticket;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An answer, or a refusal, and the ticket of what it rests on: the write itself, or the newest version that was seen.
#[derive(Debug)]
pub(super) struct Deferred<A> {
    ticket: Ticket,
    rests_on: RestsOn,
    /// Absent once it was given.
    answer: Option<Result<A>>,
}

/// What is waited for before an answer is given.
#[derive(Clone, Copy, Debug)]
enum RestsOn {
    /// The write itself.
    Write,
    /// What was seen: nothing was written.
    Seen,
}

impl RestsOn {
    /// What it means for the caller that it failed.
    fn failed(self, error: StoreError) -> Error {
        match self {
            Self::Write => error.into(),
            Self::Seen => error.into_rejected().into(),
        }
    }
}

impl<A> Deferred<A> {
    /// The answer of a write.
    pub(super) fn new(ticket: Ticket, answer: Result<A>) -> Self {
        Self { ticket, rests_on: RestsOn::Write, answer: Some(answer) }
    }

    /// The answer of what wrote nothing, and rests on what it saw.
    pub(super) fn seen(ticket: Ticket, answer: Result<A>) -> Self {
        Self { ticket, rests_on: RestsOn::Seen, answer: Some(answer) }
    }

    pub(super) fn wait(self) -> Result<(Commit, A)> {
        let commit = self.ticket.wait().map_err(|error| self.rests_on.failed(error))?;
        let answer = self.answer.expect("an answer is given once");
        Ok((commit, answer?))
    }

    /// `None` while the ticket is not done.
    pub(super) fn step(&mut self) -> Option<Result<(Commit, A)>> {
        let commit = self.ticket.step()?;
        let answer = self.answer.take().expect("an answer is given once");
        Some(commit.map_err(|error| self.rests_on.failed(error)).and_then(|commit| Ok((commit, answer?))))
    }

    /// As [`step`](Self::step), and the task is woken when there is more to tell.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(Commit, A)>> {
        Pin::new(&mut self.ticket).poll(context).map(|commit| {
            let answer = self.answer.take().expect("an answer is given once");
            Ok((commit.map_err(|error| self.rests_on.failed(error))?, answer?))
        })
    }

    pub(super) fn seqno(&self) -> SeqNo {
        self.ticket.seqno()
    }
}
