//! An answer that is given when what it rests on is acknowledged.

use crate::base::ident::SeqNo;
use crate::dynamo::error::Result;
use crate::engine::commit::Commit;
use crate::engine::ticket::Ticket;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An answer, or a refusal, and the ticket of what it rests on: the write itself, or the newest version that was seen.
#[derive(Debug)]
pub(super) struct Deferred<A> {
    ticket: Ticket,
    /// Absent once it was given.
    answer: Option<Result<A>>,
}

impl<A> Deferred<A> {
    pub(super) fn new(ticket: Ticket, answer: Result<A>) -> Self {
        Self { ticket, answer: Some(answer) }
    }

    pub(super) fn wait(self) -> Result<(Commit, A)> {
        let commit = self.ticket.wait()?;
        let answer = self.answer.expect("an answer is given once");
        Ok((commit, answer?))
    }

    /// `None` while the ticket is not done.
    pub(super) fn step(&mut self) -> Option<Result<(Commit, A)>> {
        let commit = self.ticket.step()?;
        let answer = self.answer.take().expect("an answer is given once");
        Some(commit.map_err(Into::into).and_then(|commit| Ok((commit, answer?))))
    }

    /// As [`step`](Self::step), and the task is woken when there is more to tell.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(Commit, A)>> {
        Pin::new(&mut self.ticket).poll(context).map(|commit| {
            let answer = self.answer.take().expect("an answer is given once");
            Ok((commit?, answer?))
        })
    }

    pub(super) fn seqno(&self) -> SeqNo {
        self.ticket.seqno()
    }
}
