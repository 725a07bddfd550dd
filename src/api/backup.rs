//! Backups of single tables: made by name, restored to a moment or from one.

use super::database::Database;
use super::table::Table;
use crate::dynamo::backup::continuous;
use crate::dynamo::backup::description::{
    BackupDescription, BackupDetails, ContinuousBackupsDescription, ListBackupsOutput,
};
use crate::dynamo::backup::on_demand;
use crate::dynamo::backup::request::{
    CreateBackupRequest, ListBackupsRequest, RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest,
    UpdateContinuousBackupsRequest,
};
use crate::dynamo::backup::table_copy::TableRestoreProgress;
use crate::dynamo::error::Result;

impl Database {
    /// Tells whether and to which moments the table `name` can be restored.
    pub fn describe_continuous_backups(&self, name: &str) -> Result<ContinuousBackupsDescription> {
        continuous::describe(self.store(), name)
    }

    /// Says whether a table can be restored to a moment, durably. It can be to those that the database keeps
    /// ([`DatabaseOptions::history`](super::database::DatabaseOptions::history)) or that are in its
    /// [archive](super::database::DatabaseOptions::archive), from now on.
    pub fn update_continuous_backups(
        &self,
        request: &UpdateContinuousBackupsRequest,
    ) -> Result<ContinuousBackupsDescription> {
        continuous::update(self.store(), request)
    }

    /// Makes a new table that is what another one was at a moment, with its indexes, and waits until it is there. Stream,
    /// time to live, continuous backups, tags and deletion protection do not come along.
    ///
    /// ```
    /// use pixii::{
    ///     Database, Item, KeyType, RestoreTableToPointInTimeRequest, TableSchema, UpdateContinuousBackupsRequest,
    /// };
    /// use std::time::Duration;
    ///
    /// let database = Database::options().history(Duration::from_secs(3600)).open_in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// notes.put(&Item::new().with("id", 1))?;
    /// database.update_continuous_backups(&UpdateContinuousBackupsRequest {
    ///     table_name: "Notes".to_owned(),
    ///     point_in_time_recovery_enabled: true,
    ///     recovery_period_in_days: None,
    /// })?;
    /// let good = database.as_of_now()?.time_millis();
    /// # std::thread::sleep(Duration::from_millis(5));
    /// notes.delete(1)?;
    /// let request = RestoreTableToPointInTimeRequest {
    ///     source_table_name: "Notes".to_owned(),
    ///     target_table_name: "Saved".to_owned(),
    ///     restore_date_time_millis: Some(good),
    ///     ..RestoreTableToPointInTimeRequest::default()
    /// };
    /// let saved = database.restore_table_to_point_in_time(&request, &mut |_| ())?;
    /// assert!(saved.get_item(1)?.is_some());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn restore_table_to_point_in_time(
        &self,
        request: &RestoreTableToPointInTimeRequest,
        progress: &mut dyn FnMut(TableRestoreProgress),
    ) -> Result<Table> {
        Ok(Table::new(self.store().clone(), continuous::restore(self.store(), request, progress)?))
    }

    /// Makes a backup of a table, durably. It lives on when the table is gone.
    ///
    /// ```
    /// use pixii::{CreateBackupRequest, Database, Item, KeyType, RestoreTableFromBackupRequest, TableSchema};
    ///
    /// let directory = tempfile::tempdir().expect("a directory");
    /// let database = Database::open(directory.path())?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// let (table_name, backup_name) = ("Notes".to_owned(), "monday".to_owned());
    /// let backup = database.create_backup(&CreateBackupRequest { table_name, backup_name })?;
    /// database.delete_table("Notes")?;
    /// let request = RestoreTableFromBackupRequest {
    ///     target_table_name: "Notes".to_owned(),
    ///     backup_arn: backup.backup_arn,
    ///     ..RestoreTableFromBackupRequest::default()
    /// };
    /// let notes = database.restore_table_from_backup(&request, &mut |_| ())?;
    /// assert!(notes.get_item(1)?.is_some());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn create_backup(&self, request: &CreateBackupRequest) -> Result<BackupDetails> {
        on_demand::create(self.store(), request)
    }

    /// Tells what a backup is.
    pub fn describe_backup(&self, backup_arn: &str) -> Result<BackupDescription> {
        on_demand::describe(self.store(), backup_arn)
    }

    /// A page of the backups of all tables, those included that are gone.
    pub fn list_backups(&self, request: &ListBackupsRequest) -> Result<ListBackupsOutput> {
        on_demand::list(self.store(), request)
    }

    /// Removes a backup, durably, and tells what it was.
    pub fn delete_backup(&self, backup_arn: &str) -> Result<BackupDescription> {
        on_demand::delete(self.store(), backup_arn)
    }

    /// Makes a new table of a backup, with its indexes, and waits until it is there.
    pub fn restore_table_from_backup(
        &self,
        request: &RestoreTableFromBackupRequest,
        progress: &mut dyn FnMut(TableRestoreProgress),
    ) -> Result<Table> {
        Ok(Table::new(self.store().clone(), on_demand::restore(self.store(), request, progress)?))
    }
}
