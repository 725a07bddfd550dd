//! Backups by name: each is a checkpoint in a directory of the store's own, with a file beside it that says of which table it is.
//!
//! ```text
//! <store>/backups/<id>           the checkpoint
//! <store>/backups/<id>.backup    a metadata record of `BackupRecord`
//! id := milliseconds since 1970, 14 digits, `-`, 8 hex digits
//! ```
//!
//! Invariants:
//! 1. A backup is there if its file is: that appears, by a rename and whole, when the checkpoint is durable, and goes before
//!    the checkpoint does. What an interrupted creation or deletion has left goes when the next backup is made.
//! 2. Nothing of it depends on the table, or on anything that the store does later: the tables' files are linked.

use super::continuous::find;
use super::description::{BackupDescription, BackupDetails, BackupSummary, ListBackupsOutput};
use super::request::{CreateBackupRequest, ListBackupsRequest, RestoreTableFromBackupRequest};
use super::source::{Source, remove_directory};
use super::table_copy::{TableRestoreProgress, copy_table};
use crate::base::error::StoreError;
use crate::base::ident::SeqNo;
use crate::dynamo::backup_fault::BackupFault;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Constraint, Fault, Operation};
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::description::TableDescription;
use crate::dynamo::tables::members::Members;
use crate::dynamo::tables::record::TableRecord;
use crate::env::environment::Environment;
use crate::env::file::read_all;
use crate::format::metadata;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DIRECTORY: &str = "backups";
const SUFFIX: &str = ".backup";
const UNFINISHED_SUFFIX: &str = ".backup.tmp";

/// What is kept of a backup beside its checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct BackupRecord {
    name: String,
    created_at_millis: u64,
    /// The last commit in it.
    seqno: SeqNo,
    size_bytes: u64,
    item_count: u64,
    table: TableRecord,
}

/// Makes a backup of a table, durably.
pub fn create(store: &Store, request: &CreateBackupRequest) -> Result<BackupDetails> {
    const OPERATION: Operation = Operation::CreateBackup;
    let mut members = Members::default();
    members.resource_name(
        "tableName",
        arn::table_name(&request.table_name).map_err(|fault| Error::new(OPERATION, fault))?,
    );
    members.resource_name("backupName", &request.backup_name);
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let table = find(store, OPERATION, &request.table_name)?;
    let place = Place::of(store);
    place.begin()?;
    let created_at_millis = store.engine.now().0;
    #[expect(clippy::cast_possible_truncation, reason = "some of the random bits are enough")]
    let bits = place.environment.random.next_u128() as u32;
    let id = format!("{created_at_millis:014}-{bits:08x}");
    let summary = store.engine.checkpoint(&place.directory.join(&id))?;
    let described = store.catalog.describe_table(table.schema().name())?;
    let record = BackupRecord {
        name: request.backup_name.clone(),
        created_at_millis,
        seqno: summary.last.seqno,
        size_bytes: described.table_size_bytes,
        item_count: described.item_count,
        table: table.record().clone(),
    };
    place.put(&id, &record)?;
    Ok(details(&id, &record))
}

/// Tells what a backup is.
pub fn describe(store: &Store, backup_arn: &str) -> Result<BackupDescription> {
    let (id, record) = Place::of(store).find(Operation::DescribeBackup, backup_arn)?;
    Ok(description(&id, &record))
}

/// A page of the backups of all tables, those included that are gone, the oldest first.
pub fn list(store: &Store, request: &ListBackupsRequest) -> Result<ListBackupsOutput> {
    let limit = request.limit.unwrap_or(limits::LIST_BACKUPS_MAX);
    let most = limits::LIST_BACKUPS_MAX;
    let mut members = Members::default();
    members.check("limit", Constraint::ValueAtLeast(1), limit >= 1, || limit.to_string());
    members.check("limit", Constraint::ValueAtMost(most as u64), limit <= most, || limit.to_string());
    members.finish().map_err(|fault| Error::new(Operation::ListBackups, fault))?;
    let fault = |fault: Fault| Error::new(Operation::ListBackups, fault);
    let table = request.table_name.as_deref().map(arn::table_name).transpose().map_err(fault)?;
    let start = request.exclusive_start_backup_arn.as_deref().and_then(id_of);
    let is_wanted = |id: &str, record: &BackupRecord| {
        table.is_none_or(|table| table == record.table.schema.name())
            && request.time_range_lower_bound_millis.is_none_or(|from| record.created_at_millis >= from)
            && request.time_range_upper_bound_millis.is_none_or(|to| record.created_at_millis < to)
            && start.is_none_or(|start| id > start)
    };
    let mut wanted = Place::of(store).all()?;
    wanted.retain(|(id, record)| is_wanted(id, record));
    let is_more = wanted.len() > limit;
    wanted.truncate(limit);
    let summary = |(id, record): &(String, BackupRecord)| BackupSummary {
        backup_details: details(id, record),
        table_name: record.table.schema.name().to_owned(),
        table_id: record.table.id.to_string(),
    };
    let backup_summaries: Vec<_> = wanted.iter().map(summary).collect();
    let last = backup_summaries.last().filter(|_| is_more);
    let last_evaluated_backup_arn = last.map(|last| last.backup_details.backup_arn.clone());
    Ok(ListBackupsOutput { backup_summaries, last_evaluated_backup_arn })
}

/// Removes a backup, and tells what it was.
pub fn delete(store: &Store, backup_arn: &str) -> Result<BackupDescription> {
    let place = Place::of(store);
    let (id, record) = place.find(Operation::DeleteBackup, backup_arn)?;
    place.remove(&id)?;
    Ok(description(&id, &record))
}

/// Makes a new table of a backup. Waits until it is there.
pub fn restore(
    store: &Store,
    request: &RestoreTableFromBackupRequest,
    progress: &mut dyn FnMut(TableRestoreProgress),
) -> Result<Arc<TableDescriptor>> {
    const OPERATION: Operation = Operation::RestoreTableFromBackup;
    let mut members = Members::default();
    members.resource_name("targetTableName", &request.target_table_name);
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let place = Place::of(store);
    let (id, record) = place.find(OPERATION, &request.backup_arn)?;
    store.catalog.check_free(OPERATION, &request.target_table_name)?;
    let source = Source::checkpoint(store, &place.directory.join(&id), record.seqno.0)?;
    let table = source.past.store().catalog.find(OPERATION, record.table.schema.name())?;
    copy_table(store, OPERATION, &source.past, &table, &request.target_table_name, &request.indexes, progress)
}

fn arn_of(id: &str, record: &BackupRecord) -> String {
    format!("{}/backup/{id}", arn::of_table(record.table.schema.name()))
}

/// The identity that a long name ends with.
fn id_of(arn: &str) -> Option<&str> {
    arn.rsplit_once("/backup/").map(|(_, id)| id)
}

fn details(id: &str, record: &BackupRecord) -> BackupDetails {
    BackupDetails {
        backup_arn: arn_of(id, record),
        backup_name: record.name.clone(),
        backup_size_bytes: record.size_bytes,
        backup_creation_millis: record.created_at_millis,
    }
}

fn description(id: &str, record: &BackupRecord) -> BackupDescription {
    let mut source_table = TableDescription::of(&record.table, record.created_at_millis);
    (source_table.item_count, source_table.table_size_bytes) = (record.item_count, record.size_bytes);
    BackupDescription {
        backup_details: details(id, record),
        source_table,
        had_stream: record.table.settings.stream.active.is_some(),
        had_time_to_live: record.table.settings.time_to_live.active.is_some(),
    }
}

/// Where a store has its backups.
struct Place {
    environment: Environment,
    directory: PathBuf,
}

impl Place {
    fn of(store: &Store) -> Self {
        let environment = store.engine.environment().clone();
        Self { environment, directory: store.engine.directory().join(DIRECTORY) }
    }

    /// Makes the directory, and removes what was begun there and not finished, or not wholly removed.
    fn begin(&self) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        vfs.create_dir(&self.directory).map_err(|error| StoreError::io("create", &self.directory, error))?;
        if let Some(parent) = self.directory.parent() {
            vfs.sync_dir(parent).map_err(|error| StoreError::io("sync", parent, error))?;
        }
        let names = self.names()?;
        for name in &names {
            if name.ends_with(UNFINISHED_SUFFIX) {
                let path = self.directory.join(name);
                vfs.unlink(&path).map_err(|error| StoreError::io("remove", &path, error))?;
            } else if !name.ends_with(SUFFIX) && !names.contains(&format!("{name}{SUFFIX}")) {
                remove_directory(&self.environment, &self.directory.join(name))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        match self.environment.vfs.read_dir(&self.directory) {
            Ok(names) => Ok(names),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StoreError::io("list", &self.directory, error).into()),
        }
    }

    /// Writes the file beside a checkpoint: before its rename is durable there is no backup.
    fn put(&self, id: &str, record: &BackupRecord) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        let unfinished = self.directory.join(format!("{id}{UNFINISHED_SUFFIX}"));
        let io = |operation, path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::io(operation, &path, error)
        };
        let file = vfs.create(&unfinished).map_err(io("create", &unfinished))?;
        file.append(&metadata::encode(record)).map_err(io("write", &unfinished))?;
        file.sync().map_err(io("sync", &unfinished))?;
        let path = self.directory.join(format!("{id}{SUFFIX}"));
        vfs.rename(&unfinished, &path).map_err(io("rename", &unfinished))?;
        vfs.sync_dir(&self.directory).map_err(io("sync", &self.directory))?;
        Ok(())
    }

    fn read(&self, id: &str) -> Result<Option<BackupRecord>> {
        let path = self.directory.join(format!("{id}{SUFFIX}"));
        let file = match self.environment.vfs.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", &path, error).into()),
        };
        let bytes = read_all(file.as_ref()).map_err(|error| StoreError::io("read", &path, error))?;
        let record = metadata::decode(&bytes)
            .map_err(|error| StoreError::corruption(&path, error.offset as u64, error.expected))?;
        Ok(Some(record))
    }

    /// All backups, the oldest first.
    fn all(&self) -> Result<Vec<(String, BackupRecord)>> {
        let mut all = Vec::new();
        for name in self.names()? {
            if let Some(id) = name.strip_suffix(SUFFIX)
                && let Some(record) = self.read(id)?
            {
                all.push((id.to_owned(), record));
            }
        }
        Ok(all)
    }

    fn find(&self, operation: Operation, backup_arn: &str) -> Result<(String, BackupRecord)> {
        let missing =
            || Error::new(operation, BackupFault::BackupMissing { arn: backup_arn.to_owned() }.into());
        let id =
            id_of(backup_arn).filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'));
        let id = id.ok_or_else(missing)?;
        let record = self.read(id)?.filter(|record| arn_of(id, record) == backup_arn).ok_or_else(missing)?;
        Ok((id.to_owned(), record))
    }

    fn remove(&self, id: &str) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        let path = self.directory.join(format!("{id}{SUFFIX}"));
        vfs.unlink(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        vfs.sync_dir(&self.directory).map_err(|error| StoreError::io("sync", &self.directory, error))?;
        remove_directory(&self.environment, &self.directory.join(id))
    }
}
