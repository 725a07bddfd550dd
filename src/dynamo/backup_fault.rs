//! What can be wrong with a request on backups and restores.

/// A request on a backup, or to restore a table, that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackupFault {
    /// No such table, in the words of these operations.
    TableMissing {
        /// The table.
        table: String,
    },
    /// A table of the name that is to be made exists.
    TableExists {
        /// The table.
        table: String,
    },
    /// Neither or both of a moment and the latest one are asked for.
    RestoreTimeFlags,
    /// A table is to be restored that has no point-in-time recovery.
    RecoveryUnavailable {
        /// The table.
        table: String,
    },
    /// The moment is not one that the table can be restored to.
    RestoreTime {
        /// The earliest moment that it can be restored to, in milliseconds since 1970.
        earliest_millis: u64,
        /// The latest one.
        latest_millis: u64,
    },
    /// For how many days a table can be restored is beyond its bounds.
    RecoveryPeriod {
        /// The days asked for.
        days: u32,
    },
    /// An index is to be restored that the table did not have.
    IndexUnknown {
        /// The index.
        index: String,
    },
    /// No such backup.
    BackupMissing {
        /// Its long name.
        arn: String,
    },
}
