//! Backups by name and to the moment, and the tables that are restored from them.

use super::items::fault;
use super::members::Members;
use super::reader::{Reader, Result as ReadResult};
use super::refusal::Refusal;
use super::restores::{RestoreSummary, Restoring};
use super::service::Service;
use super::table_answers::{write_index_of_backup, write_key, write_on_demand, write_restoring, write_sse};
use super::table_requests::{IndexMembers, read_on_demand, read_provisioned};
use super::writer::{self, ObjectWriter};
use pixii::dynamo::limits::{
    GLOBAL_INDEXES_MAX, LIST_BACKUPS_MAX, LOCAL_INDEXES_MAX, RECOVERY_PERIOD_DAYS_MAX,
};
use pixii::dynamo::tables::arn;
use pixii::{
    BackupDescription, BackupDetails, ContinuousBackupsDescription, CreateBackupRequest, ListBackupsRequest,
    Operation, ResourceStatus, RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest,
    RestoredIndexes, TableDescription, UpdateContinuousBackupsRequest,
};

/// The long name of a backup has so many bytes.
const BACKUP_ARN_BYTES: (usize, usize) = (37, 1024);

/// The members that choose which backups are listed.
const BACKUP_TYPES: [&str; 4] = ["USER", "SYSTEM", "AWS_BACKUP", "ALL"];

/// Answers `DescribeContinuousBackups`.
pub(crate) fn describe_continuous(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let mut name = None;
    reader.structure("DescribeContinuousBackupsInput", |reader, member| {
        match member {
            "TableName" => name = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let name = members.table_name("tableName", name);
    members.finish(Operation::DescribeContinuousBackups)?;
    Ok(continuous(&service.database.describe_continuous_backups(&name)?))
}

/// Answers `UpdateContinuousBackups`.
pub(crate) fn update_continuous(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut name, mut specification) = (None, None);
    reader.structure("UpdateContinuousBackupsInput", |reader, member| {
        match member {
            "TableName" => name = reader.owned()?,
            "PointInTimeRecoverySpecification" => {
                let mut recovery = (None, None);
                let is_there = reader.structure("PointInTimeRecoverySpecification", |reader, member| {
                    match member {
                        "PointInTimeRecoveryEnabled" => recovery.0 = reader.boolean()?,
                        "RecoveryPeriodInDays" => recovery.1 = reader.integer()?,
                        _ => reader.skip()?,
                    }
                    Ok(())
                })?;
                specification = is_there.then_some(recovery);
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let table_name = members.table_name("tableName", name);
    let specification = members.present("pointInTimeRecoverySpecification", specification);
    let (enabled, days) = specification.map_or((None, None), |(enabled, days)| {
        (members.present("pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", enabled), days)
    });
    members.range(
        "pointInTimeRecoverySpecification.recoveryPeriodInDays",
        days.map(i64::from),
        1,
        RECOVERY_PERIOD_DAYS_MAX.into(),
    );
    members.finish(Operation::UpdateContinuousBackups)?;
    let described = service.database.update_continuous_backups(&UpdateContinuousBackupsRequest {
        table_name,
        point_in_time_recovery_enabled: enabled.unwrap_or_default(),
        recovery_period_in_days: days.and_then(|days| u32::try_from(days).ok()),
    })?;
    Ok(continuous(&described))
}

fn continuous(description: &ContinuousBackupsDescription) -> Vec<u8> {
    writer::body(|body| {
        body.object("ContinuousBackupsDescription", |object| {
            object.string("ContinuousBackupsStatus", "ENABLED");
            object.object("PointInTimeRecoveryDescription", |object| {
                let is_enabled = description.point_in_time_recovery_enabled;
                object.maybe_moment("EarliestRestorableDateTime", description.earliest_restorable_millis);
                object.maybe_moment("LatestRestorableDateTime", description.latest_restorable_millis);
                object.string("PointInTimeRecoveryStatus", if is_enabled { "ENABLED" } else { "DISABLED" });
                object.maybe_plain("RecoveryPeriodInDays", description.recovery_period_in_days);
            });
        });
    })
}

/// Answers `CreateBackup`.
pub(crate) fn create(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut table, mut backup) = (None, None);
    reader.structure("CreateBackupInput", |reader, member| {
        match member {
            "TableName" => table = reader.owned()?,
            "BackupName" => backup = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let table_name = members.table_name("tableName", table);
    let backup_name = members.present("backupName", backup).unwrap_or_else(|| "missing".to_owned());
    members.resource_name("backupName", Some(&backup_name));
    members.finish(Operation::CreateBackup)?;
    let details = service.database.create_backup(&CreateBackupRequest { table_name, backup_name })?;
    Ok(writer::body(|body| {
        body.object("BackupDetails", |object| write_details(&details, "AVAILABLE", object));
    }))
}

fn write_details(details: &BackupDetails, status: &str, object: &mut ObjectWriter<'_>) {
    object.string("BackupArn", &details.backup_arn);
    object.moment("BackupCreationDateTime", details.backup_creation_millis);
    object.string("BackupName", &details.backup_name);
    object.plain("BackupSizeBytes", details.backup_size_bytes);
    object.string("BackupStatus", status);
    object.string("BackupType", "USER");
}

/// The long name of a backup, which is all that a request has.
fn read_arn(operation: Operation, reader: &mut Reader<'_>) -> Result<String, Refusal> {
    let mut arn = None;
    reader.structure("BackupInput", |reader, member| {
        match member {
            "BackupArn" => arn = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let arn = backup_arn(&mut members, arn);
    members.finish(operation)?;
    Ok(arn)
}

fn backup_arn(members: &mut Members, arn: Option<String>) -> String {
    let (least, most) = BACKUP_ARN_BYTES;
    members.length("backupArn", arn.as_deref(), least, most);
    members.present("backupArn", arn).unwrap_or_default()
}

/// Answers `DescribeBackup`.
pub(crate) fn describe(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let arn = read_arn(Operation::DescribeBackup, reader)?;
    Ok(description(&service.database.describe_backup(&arn)?, "AVAILABLE"))
}

/// Answers `DeleteBackup`.
pub(crate) fn delete(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let arn = read_arn(Operation::DeleteBackup, reader)?;
    Ok(description(&service.database.delete_backup(&arn)?, "DELETED"))
}

fn description(backup: &BackupDescription, status: &str) -> Vec<u8> {
    let table = &backup.source_table;
    writer::body(|body| {
        body.object("BackupDescription", |object| {
            object.object("BackupDetails", |object| write_details(&backup.backup_details, status, object));
            object.object("SourceTableDetails", |object| write_source(table, object));
            object.object("SourceTableFeatureDetails", |object| write_features(backup, object));
        });
    })
}

fn write_source(table: &TableDescription, object: &mut ObjectWriter<'_>) {
    let is_on_demand = table
        .billing_mode_summary
        .as_ref()
        .is_some_and(|summary| summary.billing_mode == pixii::BillingMode::PayPerRequest);
    object.string("BillingMode", if is_on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" });
    object.plain("ItemCount", table.item_count);
    write_key(&table.key_schema, object);
    write_on_demand(table.on_demand_throughput, object);
    object.object("ProvisionedThroughput", |object| {
        object.plain("ReadCapacityUnits", table.provisioned_throughput.read_capacity_units);
        object.plain("WriteCapacityUnits", table.provisioned_throughput.write_capacity_units);
    });
    object.string("TableArn", &table.table_arn);
    object.maybe_moment("TableCreationDateTime", table.created_at_millis);
    object.string("TableId", &table.table_id);
    object.string("TableName", &table.table_name);
    object.plain("TableSizeBytes", table.table_size_bytes);
}

fn write_features(backup: &BackupDescription, object: &mut ObjectWriter<'_>) {
    let table = &backup.source_table;
    for (name, indexes) in [
        ("GlobalSecondaryIndexes", &table.global_secondary_indexes),
        ("LocalSecondaryIndexes", &table.local_secondary_indexes),
    ] {
        if !indexes.is_empty() {
            object.objects(name, indexes, write_index_of_backup);
        }
    }
    write_sse(table.sse.as_ref(), object);
    if let Some(stream) = table.stream_specification.as_ref().filter(|_| backup.had_stream) {
        object.object("StreamDescription", |object| {
            object.plain("StreamEnabled", true);
            object.maybe_string("StreamViewType", stream.stream_view_type.map(pixii::StreamViewType::name));
        });
    }
    if backup.had_time_to_live {
        object.object("TimeToLiveDescription", |object| object.string("TimeToLiveStatus", "ENABLED"));
    }
}

/// Answers `ListBackups`.
pub(crate) fn list(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut limit, mut kind) = (None, None);
    let mut request = ListBackupsRequest::default();
    reader.structure("ListBackupsInput", |reader, member| {
        match member {
            "TableName" => request.table_name = reader.owned()?,
            "Limit" => limit = reader.integer()?,
            "TimeRangeLowerBound" => request.time_range_lower_bound_millis = read_moment(reader)?,
            "TimeRangeUpperBound" => request.time_range_upper_bound_millis = read_moment(reader)?,
            "ExclusiveStartBackupArn" => request.exclusive_start_backup_arn = reader.owned()?,
            "BackupType" => kind = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    members.resource_name("tableName", request.table_name.as_deref());
    members.range("limit", limit.map(i64::from), 1, LIST_BACKUPS_MAX as u64);
    let (least, most) = BACKUP_ARN_BYTES;
    members.length("exclusiveStartBackupArn", request.exclusive_start_backup_arn.as_deref(), least, most);
    let kind = members.choice(
        "backupType",
        kind.as_deref(),
        &BACKUP_TYPES.map(|kind| (kind, kind)),
        "[USER, SYSTEM, AWS_BACKUP, ALL]",
    );
    members.finish(Operation::ListBackups)?;
    request.limit = limit.and_then(|limit| usize::try_from(limit).ok());
    // All that there are were made by users.
    let output = match kind {
        Some("SYSTEM" | "AWS_BACKUP") => pixii::ListBackupsOutput::default(),
        _ => service.database.list_backups(&request)?,
    };
    Ok(writer::body(|body| {
        body.objects("BackupSummaries", &output.backup_summaries, |summary, object| {
            write_details(&summary.backup_details, "AVAILABLE", object);
            object.string("TableArn", &arn::of_table(&summary.table_name));
            object.string("TableId", &summary.table_id);
            object.string("TableName", &summary.table_name);
        });
        body.maybe_string("LastEvaluatedBackupArn", output.last_evaluated_backup_arn.as_deref());
    }))
}

/// A moment in milliseconds since 1970. One before counts as 1970.
fn read_moment(reader: &mut Reader<'_>) -> ReadResult<Option<u64>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    let millis = |seconds: f64| (seconds * 1000.0).round() as u64;
    Ok(reader.seconds()?.map(millis))
}

/// The indexes that a restored table is to have, as they stand in a request.
#[derive(Default)]
struct Overrides {
    global: Option<Vec<Option<IndexMembers>>>,
    local: Option<Vec<Option<IndexMembers>>>,
    billing: Option<String>,
}

impl Overrides {
    /// Reads a member that both kinds of restores have.
    fn read(&mut self, reader: &mut Reader<'_>, member: &str) -> ReadResult<()> {
        match member {
            "GlobalSecondaryIndexOverride" => {
                self.global = reader.list_up_to(GLOBAL_INDEXES_MAX, |reader| {
                    IndexMembers::read(reader, "GlobalSecondaryIndex")
                })?;
            }
            "LocalSecondaryIndexOverride" => {
                self.local = reader.list_up_to(LOCAL_INDEXES_MAX, |reader| {
                    IndexMembers::read(reader, "LocalSecondaryIndex")
                })?;
            }
            "BillingModeOverride" => self.billing = reader.owned()?,
            "ProvisionedThroughputOverride" => {
                read_provisioned(reader)?;
            }
            "OnDemandThroughputOverride" => {
                read_on_demand(reader)?;
            }
            _ => reader.skip()?,
        }
        Ok(())
    }

    /// The names of the indexes. How the table is billed is checked, and stays as it was.
    fn finish(self, members: &mut Members) -> RestoredIndexes {
        let modes = ["PROVISIONED", "PAY_PER_REQUEST"].map(|mode| (mode, ()));
        members.choice(
            "billingModeOverride",
            self.billing.as_deref(),
            &modes,
            "[PROVISIONED, PAY_PER_REQUEST]",
        );
        let mut names = |indexes: Option<Vec<Option<IndexMembers>>>, member: &str| {
            let indexes = indexes?.into_iter().zip(1..);
            let name = |(index, position): (Option<IndexMembers>, usize)| {
                let path = format!("{member}.{position}.member");
                index.unwrap_or_default().finish(members, &path).index_name
            };
            Some(indexes.map(name).collect())
        };
        RestoredIndexes {
            global: names(self.global, "globalSecondaryIndexOverride"),
            local: names(self.local, "localSecondaryIndexOverride"),
        }
    }
}

/// Answers `RestoreTableToPointInTime`.
pub(crate) fn restore_to_point_in_time(
    service: &Service,
    reader: &mut Reader<'_>,
) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::RestoreTableToPointInTime;
    let (mut name, mut arn, mut target) = (None, None, None);
    let mut request = RestoreTableToPointInTimeRequest::default();
    let mut overrides = Overrides::default();
    reader.structure("RestoreTableToPointInTimeInput", |reader, member| {
        match member {
            "SourceTableName" => name = reader.owned()?,
            "SourceTableArn" => arn = reader.owned()?,
            "TargetTableName" => target = reader.owned()?,
            "UseLatestRestorableTime" => {
                request.use_latest_restorable_time = reader.boolean()?.unwrap_or_default();
            }
            "RestoreDateTime" => request.restore_date_time_millis = read_moment(reader)?,
            _ => overrides.read(reader, member)?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    request.source_table_name = members.table_name("sourceTableName", name.or(arn));
    request.target_table_name = target_name(&mut members, target);
    request.indexes = overrides.finish(&mut members);
    members.finish(OPERATION)?;
    let database = service.database.clone();
    // What is wrong with it is told by the restore itself.
    let Ok(source) = database.describe_table(&request.source_table_name) else {
        return Err(database
            .restore_table_to_point_in_time(&request, &mut |_| ())
            .map_or_else(Refusal::from, |_| {
                fault(OPERATION, pixii::Fault::TableExists { table: request.target_table_name }).into()
            }));
    };
    if request.use_latest_restorable_time {
        let described = database.describe_continuous_backups(&request.source_table_name)?;
        if let Some(latest) = described.latest_restorable_millis {
            request.use_latest_restorable_time = request.restore_date_time_millis.is_some();
            request.restore_date_time_millis = request.restore_date_time_millis.or(Some(latest));
        }
    }
    let summary = RestoreSummary {
        backup_arn: None,
        table_arn: source.table_arn.clone(),
        restored_to_millis: request.restore_date_time_millis.unwrap_or_default(),
    };
    let restoring =
        Restoring { table: target_of(source, &request.target_table_name, &request.indexes), summary };
    restore(service, restoring, move || {
        database.restore_table_to_point_in_time(&request, &mut |_| ())?;
        database.describe_table(&request.target_table_name)
    })
}

/// Answers `RestoreTableFromBackup`.
pub(crate) fn restore_from_backup(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut arn, mut target) = (None, None);
    let mut overrides = Overrides::default();
    reader.structure("RestoreTableFromBackupInput", |reader, member| {
        match member {
            "BackupArn" => arn = reader.owned()?,
            "TargetTableName" => target = reader.owned()?,
            _ => overrides.read(reader, member)?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let target_table_name = target_name(&mut members, target);
    let backup_arn = backup_arn(&mut members, arn);
    let indexes = overrides.finish(&mut members);
    members.finish(Operation::RestoreTableFromBackup)?;
    let database = service.database.clone();
    let request = RestoreTableFromBackupRequest { target_table_name, backup_arn, indexes };
    let source = match database.describe_backup(&request.backup_arn) {
        Ok(backup) => backup,
        Err(error) if error.kind() == pixii::ErrorKind::BackupNotFound => {
            let arn = request.backup_arn;
            let missing = pixii::BackupFault::BackupMissing { arn };
            return Err(fault(Operation::RestoreTableFromBackup, missing).into());
        }
        Err(error) => return Err(error.into()),
    };
    let summary = RestoreSummary {
        backup_arn: Some(source.backup_details.backup_arn),
        table_arn: source.source_table.table_arn.clone(),
        restored_to_millis: source.backup_details.backup_creation_millis,
    };
    let table = target_of(source.source_table, &request.target_table_name, &request.indexes);
    restore(service, Restoring { table, summary }, move || {
        database.restore_table_from_backup(&request, &mut |_| ())?;
        database.describe_table(&request.target_table_name)
    })
}

fn target_name(members: &mut Members, name: Option<String>) -> String {
    let name = members.present("targetTableName", name).unwrap_or_else(|| "missing".to_owned());
    members.resource_name("targetTableName", Some(&name));
    name
}

fn restore(
    service: &Service,
    restoring: Restoring,
    work: impl FnOnce() -> pixii::Result<TableDescription> + Send + 'static,
) -> Result<Vec<u8>, Refusal> {
    let summary = restoring.summary.clone();
    let table = service.restores.run(restoring, work)?;
    let table = being_made(table);
    service.transients.changed(&table);
    let restoring = Restoring { table, summary };
    Ok(writer::body(|body| {
        body.object("TableDescription", |object| write_restoring(&restoring, object));
    }))
}

/// As it is told of a table that has just been made.
fn being_made(mut table: TableDescription) -> TableDescription {
    table.table_status = ResourceStatus::Creating;
    table.warm_throughput = None;
    for index in &mut table.global_secondary_indexes {
        index.index_status = Some(ResourceStatus::Creating);
        index.warm_throughput = None;
    }
    table
}

/// A table that is made of another one, before it is there.
fn target_of(source: TableDescription, target: &str, wanted: &RestoredIndexes) -> TableDescription {
    let mut table = being_made(source);
    target.clone_into(&mut table.table_name);
    table.table_id.clear();
    table.table_arn = arn::of_table(target);
    (table.created_at_millis, table.stream_specification) = (None, None);
    (table.latest_stream_arn, table.latest_stream_label) = (None, None);
    table.deletion_protection_enabled = false;
    (table.item_count, table.table_size_bytes) = (0, 0);
    for (indexes, names) in [
        (&mut table.global_secondary_indexes, &wanted.global),
        (&mut table.local_secondary_indexes, &wanted.local),
    ] {
        indexes.retain(|index| names.as_ref().is_none_or(|names| names.contains(&index.index_name)));
        for index in indexes {
            index.index_arn = arn::of_index(target, &index.index_name);
            (index.item_count, index.index_size_bytes) = (0, 0);
        }
    }
    table
}
