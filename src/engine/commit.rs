//! A place in the order of all commits, and who has a say in whether a batch gets one.

use crate::base::ident::{CommitTime, SeqNo};

/// A commit that has its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place.
    pub seqno: SeqNo,
    /// Its time.
    pub time: CommitTime,
}

/// Asked in the serial step whether a batch still holds, and told when it was committed.
///
/// Both calls come under the lock that all commits take in turn, so nothing is committed between them, and what
/// `committed` changes is in step with the order of commits. So they must be short, must not wait, and must not call
/// the engine.
pub trait CommitGuard {
    /// Whether the batch may be committed as `next`.
    fn admit(&self, next: Commit) -> Verdict;

    /// The batch was committed: it has its place, and is on its way into the log.
    fn committed(&self, _commit: Commit) {}
}

/// What a guard says of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be committed.
    Go,
    /// What it was derived from has changed: it must be derived again.
    Stale,
}

/// Admits every batch.
#[derive(Clone, Copy, Debug)]
pub struct Unguarded;

impl CommitGuard for Unguarded {
    fn admit(&self, _next: Commit) -> Verdict {
        Verdict::Go
    }
}
