//! What can go wrong below the data model, and what a write that failed has done.
//!
//! An error is cheap to clone, because one cause answers many waiting writers and stays the store's first cause.

use super::ident::{AsOf, Moment};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of everything below the data model.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// An error of the storage layers: a short description, its kind, and the cause.
///
/// [`kind`](Self::kind) says what the caller can do; [`outcome`](Self::outcome) says whether a write that failed may
/// still be seen.
#[derive(Clone)]
pub struct StoreError {
    inner: Arc<Inner>,
}

struct Inner {
    fault: StoreFault,
    outcome: Outcome,
}

/// What a failed write has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing was written and nothing ever will be: it is safe to try again.
    Rejected,
    /// The write was handed to the log before the failure. It will be found, whole, or it will be gone, whole, when
    /// the store is opened again; from then on it is decided.
    Unknown,
}

/// What went wrong, with the particulars.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreFault {
    /// Bytes that were read are not the bytes that were written. Nothing was lost by reading them; restore the file
    /// from a copy, or look at it with the inspection tools.
    Corruption {
        /// The file.
        path: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What was expected there, in words.
        expected: String,
    },
    /// The operating system refused an operation.
    Io {
        /// What was tried, as a verb: `open`, `sync`.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so the state of the log on disk is not known. Reads go on; to write again,
    /// close the store and open it.
    Poisoned {
        /// The failure that came first.
        first_cause: StoreError,
    },
    /// Another handle, in this process or another, has the store open.
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The directory is not a store, or holds files that are not a store's.
    InvalidDirectory {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store was written in a format that this version does not read.
    Unsupported {
        /// The file that says so.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// A log segment that later ones build on is missing or shorter than they say.
    LogGap {
        /// The store's directory.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A key, a value or a batch is larger than the storage layers take.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes or entries.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A moment that is asked for is not kept any more, or is not past yet.
    MomentNotKept {
        /// What was asked for.
        asked: AsOf,
        /// The oldest moment that is kept.
        oldest: Moment,
        /// The newest one.
        newest: Moment,
    },
    /// The store was opened to be read only.
    ReadOnly {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store was closed.
    Closed,
    /// A thread of the store panicked; it is poisoned from then on.
    Panicked {
        /// The job that panicked.
        job: String,
    },
}

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The disk holds other bytes than were written: restore from a copy.
    Corruption,
    /// The operating system failed: look at the disk, then open the store again.
    Io,
    /// The disk is full: make room. Background work resumes by itself; a log that could not be written needs the
    /// store to be opened again.
    NoSpace,
    /// An earlier failure stopped all writing: close and open the store.
    Poisoned,
    /// Somebody else has the store open: wait or stop them.
    Locked,
    /// The store was opened to be read only, or the file system does not let us write: open it otherwise, or check
    /// permissions.
    ReadOnly,
    /// Not a store of ours, or not in a format we read: check the path and the version.
    InvalidStore,
    /// The request is larger than the limits: make it smaller.
    TooLarge,
    /// The moment is not kept: ask for one within the window.
    MomentNotKept,
    /// The store was closed: open it again.
    Closed,
}

impl StoreError {
    /// An error with which nothing was written.
    pub fn new(fault: StoreFault) -> Self {
        Self { inner: Arc::new(Inner { fault, outcome: Outcome::Rejected }) }
    }

    /// An operating system error, with what was tried on which path.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::new(StoreFault::Io { operation, path: path.to_owned(), source })
    }

    /// Bytes that are not what was expected at `offset` of `path`.
    pub fn corruption(path: &Path, offset: u64, expected: impl Into<String>) -> Self {
        Self::new(StoreFault::Corruption { path: path.to_owned(), offset, expected: expected.into() })
    }

    /// The refusal of a write because of an earlier failure, or because the store is only read.
    pub fn poisoned(first_cause: &Self) -> Self {
        if matches!(first_cause.inner.fault, StoreFault::ReadOnly { .. }) {
            return first_cause.clone();
        }
        Self::new(StoreFault::Poisoned { first_cause: first_cause.clone() })
    }

    /// The same failure for a write that had been handed to the log.
    pub fn into_unknown(self) -> Self {
        match self.inner.outcome {
            Outcome::Unknown => self,
            Outcome::Rejected => Self {
                inner: Arc::new(Inner {
                    fault: StoreFault::Poisoned { first_cause: self },
                    outcome: Outcome::Unknown,
                }),
            },
        }
    }

    /// The same failure for a write that waited for another one's outcome and was never made.
    pub fn into_rejected(self) -> Self {
        match (self.inner.outcome, &self.inner.fault) {
            (Outcome::Rejected, _) => self,
            (Outcome::Unknown, StoreFault::Poisoned { first_cause }) => Self::poisoned(first_cause),
            (Outcome::Unknown, _) => Self::poisoned(&self),
        }
    }

    /// The particulars.
    pub fn fault(&self) -> &StoreFault {
        &self.inner.fault
    }

    /// Whether the write that failed may still be found when the store is opened again.
    pub fn outcome(&self) -> Outcome {
        self.inner.outcome
    }

    /// What the caller can do.
    pub fn kind(&self) -> StoreErrorKind {
        match &self.inner.fault {
            StoreFault::Corruption { .. } | StoreFault::LogGap { .. } => StoreErrorKind::Corruption,
            StoreFault::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::NoSpace,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    StoreErrorKind::ReadOnly
                }
                _ => StoreErrorKind::Io,
            },
            StoreFault::Poisoned { .. } | StoreFault::Panicked { .. } => StoreErrorKind::Poisoned,
            StoreFault::Locked { .. } => StoreErrorKind::Locked,
            StoreFault::InvalidDirectory { .. } | StoreFault::Unsupported { .. } => {
                StoreErrorKind::InvalidStore
            }
            StoreFault::TooLarge { .. } => StoreErrorKind::TooLarge,
            StoreFault::MomentNotKept { .. } => StoreErrorKind::MomentNotKept,
            StoreFault::ReadOnly { .. } => StoreErrorKind::ReadOnly,
            StoreFault::Closed => StoreErrorKind::Closed,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.inner.outcome == Outcome::Unknown
            && let StoreFault::Poisoned { first_cause } = &self.inner.fault
        {
            return write!(
                f,
                "the outcome of the write is unknown until the store is opened again: {first_cause}"
            );
        }
        self.inner.fault.fmt(f)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("fault", &self.inner.fault)
            .field("outcome", &self.inner.outcome)
            .finish()
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.fault {
            StoreFault::Io { source, .. } => Some(source),
            StoreFault::Poisoned { first_cause } => Some(first_cause),
            _ => None,
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corruption { path, offset, expected } => {
                write!(f, "corrupt data in {} at byte {offset}: expected {expected}", path.display())
            }
            Self::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Self::Poisoned { first_cause } => {
                write!(f, "the store takes no writes until it is opened again, because of: {first_cause}")
            }
            Self::Locked { path } => {
                write!(f, "the store in {} is open elsewhere", path.display())
            }
            Self::InvalidDirectory { path, reason } => {
                write!(f, "{} is not a store: {reason}", path.display())
            }
            Self::Unsupported { path, found, supported } => write!(
                f,
                "{} has format version {found}, and this build reads up to {supported}",
                path.display()
            ),
            Self::LogGap { path, reason } => {
                write!(f, "the log in {} has a gap: {reason}", path.display())
            }
            Self::TooLarge { what, size, limit } => {
                write!(f, "the {what} has a size of {size}, more than the limit of {limit}")
            }
            Self::MomentNotKept { asked, oldest, newest } => write!(
                f,
                "{asked} is not kept: what is kept reaches from commit {} at {} ms to commit {} at {} ms",
                oldest.seqno, oldest.time.0, newest.seqno, newest.time.0
            ),
            Self::ReadOnly { path } => {
                write!(f, "the store in {} was opened to be read only", path.display())
            }
            Self::Closed => f.write_str("the store is closed"),
            Self::Panicked { job } => write!(f, "the background job {job} panicked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keeps_the_cause_and_says_so() {
        let cause = StoreError::io("sync", Path::new("a.wal"), io::Error::from_raw_os_error(5));
        let unknown = cause.clone().into_unknown();
        assert_eq!(cause.outcome(), Outcome::Rejected);
        assert_eq!(unknown.outcome(), Outcome::Unknown);
        assert_eq!(unknown.kind(), StoreErrorKind::Poisoned);
        assert!(unknown.to_string().contains("a.wal"), "{unknown}");
    }

    #[test]
    fn a_full_disk_has_a_kind_of_its_own() {
        let error = StoreError::io("write", Path::new("x"), io::Error::from_raw_os_error(28));
        assert_eq!(error.kind(), StoreErrorKind::NoSpace);
    }
}
