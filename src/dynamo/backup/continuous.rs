//! Continuous backups: since when, and for how long back, a table can be restored to a moment.
//!
//! Every store keeps a window of its past, and perhaps an archive. A table can be restored to a moment that one of them
//! reaches, from the moment on at which its point-in-time recovery was enabled.

use super::description::ContinuousBackupsDescription;
use super::request::{RestoreTableToPointInTimeRequest, UpdateContinuousBackupsRequest};
use super::source::Source;
use super::table_copy::{TableRestoreProgress, copy_table};
use crate::dynamo::backup_fault::BackupFault;
use crate::dynamo::error::{Error, ErrorKind, Result};
use crate::dynamo::fault::Operation;
use crate::dynamo::limits;
use crate::dynamo::store::Store;
use crate::dynamo::table::TableDescriptor;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::Members;
use crate::dynamo::tables::settings::PointInTimeRecovery;
use std::sync::Arc;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// Tells whether and to which moments a table can be restored.
pub fn describe(store: &Store, table: &str) -> Result<ContinuousBackupsDescription> {
    let table = find(store, Operation::DescribeContinuousBackups, table)?;
    description(store, &table)
}

/// Says whether a table can be restored to a moment, durably.
pub fn update(
    store: &Store,
    request: &UpdateContinuousBackupsRequest,
) -> Result<ContinuousBackupsDescription> {
    const OPERATION: Operation = Operation::UpdateContinuousBackups;
    let days = request.recovery_period_in_days.unwrap_or(limits::RECOVERY_PERIOD_DAYS_MAX);
    if !(1..=limits::RECOVERY_PERIOD_DAYS_MAX).contains(&days) {
        return Err(Error::new(OPERATION, BackupFault::RecoveryPeriod { days }.into()));
    }
    let table = find(store, OPERATION, &request.table_name)?;
    let is_enabled = request.point_in_time_recovery_enabled;
    store.catalog.change_recovery(&store.engine, OPERATION, table.schema().name(), |before| {
        let enabled_at_millis = store.engine.now().0;
        is_enabled.then_some(match before {
            Some(before) => PointInTimeRecovery { period_days: days, ..before },
            None => PointInTimeRecovery { enabled_at_millis, period_days: days },
        })
    })?;
    describe(store, &request.table_name)
}

/// Makes a new table that is what another one was at a moment. Waits until it is there.
pub fn restore(
    store: &Store,
    request: &RestoreTableToPointInTimeRequest,
    progress: &mut dyn FnMut(TableRestoreProgress),
) -> Result<Arc<TableDescriptor>> {
    const OPERATION: Operation = Operation::RestoreTableToPointInTime;
    let fault = |fault: BackupFault| Error::new(OPERATION, fault.into());
    if request.restore_date_time_millis.is_some() == request.use_latest_restorable_time {
        return Err(fault(BackupFault::RestoreTimeFlags));
    }
    check_names(OPERATION, &request.source_table_name, &request.target_table_name)?;
    let table = find(store, OPERATION, &request.source_table_name)?;
    let name = table.schema().name();
    let described = description(store, &table)?;
    let (Some(earliest_millis), Some(latest_millis)) =
        (described.earliest_restorable_millis, described.latest_restorable_millis)
    else {
        return Err(fault(BackupFault::RecoveryUnavailable { table: name.to_owned() }));
    };
    let asked = request.restore_date_time_millis.unwrap_or(latest_millis);
    let refused = || fault(BackupFault::RestoreTime { earliest_millis, latest_millis });
    if !(earliest_millis..=latest_millis).contains(&asked) {
        return Err(refused());
    }
    store.catalog.check_free(OPERATION, &request.target_table_name)?;
    let source = Source::as_of(store, asked, &mut |_| ()).map_err(|error| match error.kind() {
        ErrorKind::MomentNotKept => refused(),
        _ => error,
    })?;
    // The incarnation that there is now, as it was then.
    let then = source.past.store().catalog.find(OPERATION, name);
    let then = then.ok().filter(|then| then.id() == table.id()).ok_or_else(refused)?;
    let (target, indexes) = (&request.target_table_name, &request.indexes);
    copy_table(store, OPERATION, &source.past, &then, target, indexes, progress)
}

/// The table, in the words of these operations.
pub(super) fn find(store: &Store, operation: Operation, name: &str) -> Result<Arc<TableDescriptor>> {
    store.catalog.find(operation, name).map_err(|error| match error.kind() {
        ErrorKind::ResourceNotFound => {
            Error::new(operation, BackupFault::TableMissing { table: name.to_owned() }.into())
        }
        _ => error,
    })
}

fn check_names(operation: Operation, source: &str, target: &str) -> Result<()> {
    let fault = |fault| Error::new(operation, fault);
    let mut members = Members::default();
    members.resource_name("sourceTableName", arn::table_name(source).map_err(fault)?);
    members.resource_name("targetTableName", target);
    members.finish().map_err(fault)
}

fn description(store: &Store, table: &TableDescriptor) -> Result<ContinuousBackupsDescription> {
    let Some(recovery) = table.settings().point_in_time_recovery else {
        return Ok(ContinuousBackupsDescription {
            point_in_time_recovery_enabled: false,
            recovery_period_in_days: None,
            earliest_restorable_millis: None,
            latest_restorable_millis: None,
        });
    };
    let now = store.engine.now().0;
    let mut kept_from = store.engine.oldest_kept().time.0;
    if let Some(archive) = &store.archive {
        // What lies between two gaps counts as reached: whoever asks for a moment within one is told so then.
        let archived = archive.contents()?.restorable();
        kept_from = archived.first().map_or(kept_from, |interval| interval.from.time.0.min(kept_from));
    }
    let period_from = now.saturating_sub(u64::from(recovery.period_days) * DAY_MILLIS);
    let earliest = kept_from.max(period_from).max(recovery.enabled_at_millis);
    Ok(ContinuousBackupsDescription {
        point_in_time_recovery_enabled: true,
        recovery_period_in_days: Some(recovery.period_days),
        earliest_restorable_millis: Some(earliest.min(now)),
        latest_restorable_millis: Some(now),
    })
}
