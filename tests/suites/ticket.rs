//! What a simulated client has submitted and waits for, and what it should be answered.

use pixii::{
    Error, ErrorKind, Item, Pending, PendingBatch, PendingCommit, PendingTableChange, PendingTransaction,
};

/// Something that was submitted.
pub(crate) struct Waiting {
    pub(crate) ticket: Ticket,
    pub(crate) events: Vec<usize>,
    pub(crate) expected: Expected,
    pub(crate) token: Option<String>,
    /// The table that it changes.
    pub(crate) changes: Option<&'static str>,
}

/// What it waits for.
pub(crate) enum Ticket {
    Write(Box<Pending>),
    Batch(PendingBatch),
    Transact(Box<PendingTransaction>),
    Commit(PendingCommit),
    Change(Box<PendingTableChange>),
}

/// What it should answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expected {
    Done,
    /// Done, with these attributes.
    Attributes(Option<Item>),
    Refused(ErrorKind),
    /// Its table is being dropped: either way.
    Any,
}

impl Ticket {
    /// Waits for the answer, and gives the attributes of a single write.
    pub(crate) fn wait(self) -> Result<Option<Item>, Error> {
        match self {
            Self::Write(pending) => pending.wait().map(|output| output.attributes),
            Self::Batch(pending) => pending.wait().map(|_| None).map_err(Error::from),
            Self::Transact(pending) => pending.wait().map(|_| None),
            Self::Commit(pending) => pending.wait().map(|_| None),
            Self::Change(pending) => pending.wait().map(|_| None),
        }
    }

    /// Does one phase of the work instead of waiting.
    pub(crate) fn step(&mut self) -> Option<Result<Option<Item>, Error>> {
        match self {
            Self::Write(pending) => pending.step().map(|done| done.map(|output| output.attributes)),
            Self::Batch(pending) => pending.step().map(|done| done.map(|_| None).map_err(Error::from)),
            Self::Transact(pending) => pending.step().map(|done| done.map(|_| None)),
            Self::Commit(pending) => pending.step().map(|done| done.map(|_| None)),
            Self::Change(pending) => pending.step().map(|done| done.map(|_| None)),
        }
    }
}
