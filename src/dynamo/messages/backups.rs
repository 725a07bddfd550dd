//! The words of what is wrong with a request on backups and restores.
//!
//! DynamoDB documents the exceptions, and is known to say the words of the times and of tables; the rest are our own.

use super::tables::PARAMETER;
use crate::dynamo::backup_fault::BackupFault;
use crate::dynamo::limits;
use std::fmt::{self, Formatter};

/// What DynamoDB says of a backup or a restore that is refused.
pub(super) fn write_backup(f: &mut Formatter<'_>, fault: &BackupFault) -> fmt::Result {
    match fault {
        BackupFault::TableMissing { table } => write!(f, "Table not found: {table}"),
        BackupFault::TableExists { table } => write!(f, "Table already exists: {table}"),
        BackupFault::RestoreTimeFlags => f.write_str(
            "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both",
        ),
        BackupFault::RecoveryUnavailable { table } => {
            write!(f, "Point in time recovery is not enabled for table '{table}'")
        }
        BackupFault::RestoreTime { earliest_millis, latest_millis } => write!(
            f,
            "Invalid RestoreDateTime: it must be between EarliestRestorableDateTime ({earliest_millis} ms) and \
             LatestRestorableDateTime ({latest_millis} ms)"
        ),
        BackupFault::RecoveryPeriod { days } => write!(
            f,
            "{PARAMETER}RecoveryPeriodInDays must be between 1 and {}, and is {days}",
            limits::RECOVERY_PERIOD_DAYS_MAX
        ),
        BackupFault::IndexUnknown { index } => {
            write!(f, "{PARAMETER}The index to be restored is not one of the source table: {index}")
        }
        BackupFault::BackupMissing { arn } => write!(f, "Backup not found: {arn}"),
    }
}
