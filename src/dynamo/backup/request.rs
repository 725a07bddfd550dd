//! What is asked of backups, in DynamoDB's shapes.

/// Says whether a table can be restored to a moment of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateContinuousBackupsRequest {
    /// The table's name.
    pub table_name: String,
    /// Whether it can.
    pub point_in_time_recovery_enabled: bool,
    /// For how many days back, 1 to 35; 35 if it is not said.
    pub recovery_period_in_days: Option<u32>,
}

/// Which of the indexes a restored table has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoredIndexes {
    /// The names of the global ones; all if it is not said.
    pub global: Option<Vec<String>>,
    /// The names of the local ones; all if it is not said.
    pub local: Option<Vec<String>>,
}

/// Makes a new table that is what another one was at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreTableToPointInTimeRequest {
    /// The other table's name.
    pub source_table_name: String,
    /// The new table's name.
    pub target_table_name: String,
    /// The moment, in milliseconds since 1970.
    pub restore_date_time_millis: Option<u64>,
    /// Or the latest moment that there is.
    pub use_latest_restorable_time: bool,
    /// Which of its indexes the new table has.
    pub indexes: RestoredIndexes,
}

/// Makes a backup of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateBackupRequest {
    /// The table's name.
    pub table_name: String,
    /// The backup's name, which others may have too.
    pub backup_name: String,
}

/// Asks for backups, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListBackupsRequest {
    /// Only those of this table.
    pub table_name: Option<String>,
    /// No more than so many, 1 to 100.
    pub limit: Option<usize>,
    /// Only those that were made at or behind this moment, in milliseconds since 1970.
    pub time_range_lower_bound_millis: Option<u64>,
    /// Only those that were made before this moment, in milliseconds since 1970.
    pub time_range_upper_bound_millis: Option<u64>,
    /// Only those behind this one.
    pub exclusive_start_backup_arn: Option<String>,
}

/// Makes a new table of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreTableFromBackupRequest {
    /// The new table's name.
    pub target_table_name: String,
    /// The backup's long name.
    pub backup_arn: String,
    /// Which of its indexes the new table has.
    pub indexes: RestoredIndexes,
}
