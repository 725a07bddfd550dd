//! What is told of backups, in DynamoDB's shapes.

use crate::dynamo::tables::description::TableDescription;

/// Whether and to which moments a table can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContinuousBackupsDescription {
    /// Whether it can be restored at all; `ContinuousBackupsStatus` is always `ENABLED`.
    pub point_in_time_recovery_enabled: bool,
    /// For how many days back; told while it can.
    pub recovery_period_in_days: Option<u32>,
    /// The earliest moment, in milliseconds since 1970; told while it can.
    pub earliest_restorable_millis: Option<u64>,
    /// The latest one.
    pub latest_restorable_millis: Option<u64>,
}

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupDetails {
    /// Its long name.
    pub backup_arn: String,
    /// Its name.
    pub backup_name: String,
    /// How many bytes the table's items had when they were last counted.
    pub backup_size_bytes: u64,
    /// When it was made, in milliseconds since 1970.
    pub backup_creation_millis: u64,
}

/// What a backup is, and of which table.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupDescription {
    /// The backup.
    pub backup_details: BackupDetails,
    /// The table as it was.
    pub source_table: TableDescription,
    /// Whether it had a stream, which is not restored.
    pub had_stream: bool,
    /// Whether its items expired, which they do not in a restored table.
    pub had_time_to_live: bool,
}

/// A backup in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSummary {
    /// The backup.
    pub backup_details: BackupDetails,
    /// The table's name.
    pub table_name: String,
    /// Which incarnation of the table it was.
    pub table_id: String,
}

/// A page of backups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListBackupsOutput {
    /// The backups.
    pub backup_summaries: Vec<BackupSummary>,
    /// Where the next page begins, if there is one.
    pub last_evaluated_backup_arn: Option<String>,
}
