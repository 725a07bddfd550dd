//! A place in the order of all commits.

use crate::base::ident::{CommitTime, SeqNo};

/// A commit that has its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its place.
    pub seqno: SeqNo,
    /// Its time.
    pub time: CommitTime,
}
