//! The error of every operation: structure within, few kinds without.

use super::backup_fault::BackupFault;
use super::expression::fault::ExpressionFault;
use super::fault::{Fault, Operation};
use super::item_fault::WriteFault;
use super::messages;
use super::policy_fault::PolicyFault;
use super::serde::error::SerdeFault;
use super::stream_fault::StreamFault;
use super::table_fault::TableFault;
use crate::base::codec::DecodeError;
use crate::base::error::{Outcome, StoreError, StoreErrorKind};
use std::fmt;
use std::sync::Arc;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. Cheap to clone.
///
/// [`kind`](Self::kind) says what the caller can do, [`outcome`](Self::outcome) whether a write that failed may still
/// be seen, and [`fault`](Self::fault) has the particulars. Its text is DynamoDB's.
///
/// ```
/// use pixii::{Database, ErrorKind};
///
/// let database = Database::in_memory()?;
/// let error = database.table("Music").map(drop).expect_err("nobody made that table");
/// assert_eq!(error.kind(), ErrorKind::ResourceNotFound);
/// assert_eq!(error.to_string(), "Requested resource not found: Table: Music not found");
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    operation: Option<Operation>,
    fault: Fault,
}

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is wrong and will be wrong again: change it.
    Validation,
    /// A Rust value and an item do not fit each other: change the type, or the item.
    Serialization,
    /// No such table: create it, or correct the name.
    ResourceNotFound,
    /// The table exists already, or is being changed.
    ResourceInUse,
    /// Too much of a kind at once: wait for what is under way, or make room.
    LimitExceeded,
    /// The item does not meet the write's condition: read it and decide anew.
    ConditionalCheckFailed,
    /// The transaction did nothing: its reasons say why, action by action.
    TransactionCanceled,
    /// Another transaction has the item: try again.
    TransactionConflict,
    /// The transaction of this token is still under way: try again.
    TransactionInProgress,
    /// The token was used for another transaction: take a new one.
    IdempotentParameterMismatch,
    /// The records of the stream that come next are not kept any more: go on from the oldest ones that are.
    TrimmedDataAccess,
    /// The iterator over a shard is too old: get another one.
    ExpiredIterator,
    /// No such backup: look for it by listing them.
    BackupNotFound,
    /// The table has no policy, or one of another revision: ask which it has.
    PolicyNotFound,
    /// The table cannot be restored to a moment: enable that first.
    PointInTimeRecoveryUnavailable,
    /// The table cannot be restored to that moment: ask for one within its bounds.
    InvalidRestoreTime,
    /// The disk holds other bytes than were written: restore from a copy.
    Corruption,
    /// The operating system failed: look at the disk, then open the database again.
    Io,
    /// The disk is full: make room, and open the database again if the log could not be written.
    NoSpace,
    /// An earlier failure stopped all writing: close and open the database. Reads go on until then.
    Poisoned,
    /// Somebody else has the database open: wait or stop them.
    Locked,
    /// The database was opened to be read only, or the file system does not let us write: open it otherwise, or check
    /// permissions.
    ReadOnly,
    /// Not a database of ours, or not in a format we read: check the path and the version.
    InvalidDatabase,
    /// The moment is not kept any more, or is not past yet: ask for one within the window.
    MomentNotKept,
    /// The database was closed: open it again.
    Closed,
}

impl Error {
    /// The fault that `operation` met: for whoever speaks DynamoDB's protocol, and finds out by himself what is wrong
    /// with a request before there is one.
    ///
    /// ```
    /// use pixii::{Error, Fault, Operation};
    ///
    /// let error = Error::new(Operation::CreateTable, Fault::ParameterMissing { parameter: "TableName" });
    /// assert_eq!(
    ///     error.to_string(),
    ///     "The parameter 'TableName' is required but was not present in the request"
    /// );
    /// ```
    pub fn new(operation: Operation, fault: Fault) -> Self {
        Self { inner: Arc::new(Inner { operation: Some(operation), fault }) }
    }

    /// A stored row that does not parse.
    pub fn damaged(row: &'static str, error: DecodeError) -> Self {
        Self { inner: Arc::new(Inner { operation: None, fault: Fault::DamagedRow { row, error } }) }
    }

    /// What the caller can do.
    pub fn kind(&self) -> ErrorKind {
        match &self.inner.fault {
            Fault::TableNotFound { .. } => ErrorKind::ResourceNotFound,
            Fault::TableExists { .. } => ErrorKind::ResourceInUse,
            Fault::Table(fault) => match fault {
                TableFault::IndexMissing { .. } | TableFault::ArnNotFound { .. } => {
                    ErrorKind::ResourceNotFound
                }
                TableFault::TableInUse { .. }
                | TableFault::TableBeingCreated { .. }
                | TableFault::TableBeingDeleted { .. } => ErrorKind::ResourceInUse,
                TableFault::IndexChangesAtOnce | TableFault::TooManyIndexes => ErrorKind::LimitExceeded,
                _ => ErrorKind::Validation,
            },
            Fault::Write(fault) => match fault {
                WriteFault::ConditionFailed { .. } => ErrorKind::ConditionalCheckFailed,
                WriteFault::TransactionCanceled { .. } => ErrorKind::TransactionCanceled,
                WriteFault::TransactionConflict | WriteFault::TableMadeSince { .. } => {
                    ErrorKind::TransactionConflict
                }
                WriteFault::TransactionInProgress => ErrorKind::TransactionInProgress,
                WriteFault::TokenMismatch => ErrorKind::IdempotentParameterMismatch,
                _ => ErrorKind::Validation,
            },
            Fault::Stream(fault) => match fault {
                StreamFault::StreamNotFound { .. } | StreamFault::ShardNotFound { .. } => {
                    ErrorKind::ResourceNotFound
                }
                StreamFault::Trimmed => ErrorKind::TrimmedDataAccess,
                StreamFault::IteratorExpired => ErrorKind::ExpiredIterator,
                _ => ErrorKind::Validation,
            },
            Fault::Backup(fault) => match fault {
                BackupFault::TableMissing { .. } => ErrorKind::ResourceNotFound,
                BackupFault::TableExists { .. } => ErrorKind::ResourceInUse,
                BackupFault::BackupMissing { .. } => ErrorKind::BackupNotFound,
                BackupFault::RecoveryUnavailable { .. } => ErrorKind::PointInTimeRecoveryUnavailable,
                BackupFault::RestoreTime { .. } => ErrorKind::InvalidRestoreTime,
                _ => ErrorKind::Validation,
            },
            Fault::Policy(PolicyFault::Missing { .. } | PolicyFault::OtherRevision { .. }) => {
                ErrorKind::PolicyNotFound
            }
            Fault::Serde(error) => match error.fault() {
                SerdeFault::Number(_) | SerdeFault::Invalid(_) => ErrorKind::Validation,
                SerdeFault::Unreadable(_) => ErrorKind::Corruption,
                _ => ErrorKind::Serialization,
            },
            Fault::DamagedRow { .. } => ErrorKind::Corruption,
            Fault::Storage(error) => match error.kind() {
                StoreErrorKind::Corruption => ErrorKind::Corruption,
                StoreErrorKind::Io => ErrorKind::Io,
                StoreErrorKind::NoSpace => ErrorKind::NoSpace,
                StoreErrorKind::Poisoned => ErrorKind::Poisoned,
                StoreErrorKind::Locked => ErrorKind::Locked,
                StoreErrorKind::ReadOnly => ErrorKind::ReadOnly,
                StoreErrorKind::InvalidStore => ErrorKind::InvalidDatabase,
                StoreErrorKind::TooLarge => ErrorKind::Validation,
                StoreErrorKind::MomentNotKept => ErrorKind::MomentNotKept,
                StoreErrorKind::Closed => ErrorKind::Closed,
            },
            _ => ErrorKind::Validation,
        }
    }

    /// The name of DynamoDB's exception.
    pub fn exception(&self) -> &'static str {
        match self.fault() {
            Fault::Backup(BackupFault::TableMissing { .. }) => return "TableNotFoundException",
            Fault::Backup(BackupFault::TableExists { .. }) => return "TableAlreadyExistsException",
            _ => {}
        }
        match self.kind() {
            ErrorKind::Validation | ErrorKind::MomentNotKept => "ValidationException",
            ErrorKind::Serialization => "SerializationException",
            ErrorKind::ResourceNotFound => "ResourceNotFoundException",
            ErrorKind::ResourceInUse => "ResourceInUseException",
            ErrorKind::LimitExceeded => "LimitExceededException",
            ErrorKind::ConditionalCheckFailed => "ConditionalCheckFailedException",
            ErrorKind::TransactionCanceled => "TransactionCanceledException",
            ErrorKind::TransactionConflict => "TransactionConflictException",
            ErrorKind::TransactionInProgress => "TransactionInProgressException",
            ErrorKind::IdempotentParameterMismatch => "IdempotentParameterMismatchException",
            ErrorKind::TrimmedDataAccess => "TrimmedDataAccessException",
            ErrorKind::ExpiredIterator => "ExpiredIteratorException",
            ErrorKind::BackupNotFound => "BackupNotFoundException",
            ErrorKind::PolicyNotFound => "PolicyNotFoundException",
            ErrorKind::PointInTimeRecoveryUnavailable => "PointInTimeRecoveryUnavailableException",
            ErrorKind::InvalidRestoreTime => "InvalidRestoreTimeException",
            ErrorKind::Corruption
            | ErrorKind::Io
            | ErrorKind::NoSpace
            | ErrorKind::Poisoned
            | ErrorKind::Locked
            | ErrorKind::ReadOnly
            | ErrorKind::InvalidDatabase
            | ErrorKind::Closed => "InternalServerError",
        }
    }

    /// The operation whose request was refused; none for failures of the storage below and damaged rows.
    pub fn operation(&self) -> Option<Operation> {
        self.inner.operation
    }

    /// The particulars.
    pub fn fault(&self) -> &Fault {
        &self.inner.fault
    }

    /// Whether a write that failed with this may still be found when the database is opened again.
    pub fn outcome(&self) -> Outcome {
        match &self.inner.fault {
            Fault::Storage(error) => error.outcome(),
            _ => Outcome::Rejected,
        }
    }
}

/// An expression that is wrong whatever the operation.
impl From<ExpressionFault> for Error {
    fn from(fault: ExpressionFault) -> Self {
        Self { inner: Arc::new(Inner { operation: None, fault: Fault::Expression(fault) }) }
    }
}

/// A failure of the storage below, whatever the operation.
impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self { inner: Arc::new(Inner { operation: None, fault: Fault::Storage(error) }) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        messages::request::write(f, self.inner.operation, &self.inner.fault)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("operation", &self.inner.operation)
            .field("fault", &self.inner.fault)
            .field("message", &self.to_string())
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.inner.fault {
            Fault::Storage(error) => std::error::Error::source(error),
            Fault::DamagedRow { error, .. } => Some(error),
            Fault::Serde(error) => Some(error),
            Fault::Value(error) => Some(error),
            Fault::Expression(error) => Some(error),
            Fault::Legacy(error) => Some(error),
            _ => None,
        }
    }
}
