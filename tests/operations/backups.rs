//! Backups of tables, continuous and by name, and what is restored of them.

use crate::support::{item, refused, schema};
use pixii::sim::Simulation;
use pixii::{
    ArchiveOptions, CreateBackupRequest, Database, DirectoryArchive, EngineOptions, Error, Item,
    ListBackupsRequest, RestoreTableFromBackupRequest, RestoreTableToPointInTimeRequest, RestoredIndexes,
    StreamSpecification, StreamViewType, Table, Tag, TimeToLiveSpecification, UpdateContinuousBackupsRequest,
    UpdateTableRequest, UpdateTimeToLiveRequest,
};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn open(simulation: &Simulation, window: Duration, is_archived: bool) -> Database {
    let environment = simulation.environment();
    let engine = EngineOptions { history: window, memtable_bytes: 4000, ..EngineOptions::default() };
    let mut options = Database::options().environment(environment.clone()).engine(engine);
    if is_archived {
        let archive = DirectoryArchive::open(environment, "/archive").expect("space");
        options = options.archive(Arc::new(archive), ArchiveOptions::default());
    }
    options.open("/store").expect("a store")
}

fn enable(database: &Database, days: Option<u32>) -> Result<(), Error> {
    let request = UpdateContinuousBackupsRequest {
        table_name: "Items".to_owned(),
        point_in_time_recovery_enabled: true,
        recovery_period_in_days: days,
    };
    database.update_continuous_backups(&request).map(drop)
}

fn to_moment(target: &str, millis: u64) -> RestoreTableToPointInTimeRequest {
    RestoreTableToPointInTimeRequest {
        source_table_name: "Items".to_owned(),
        target_table_name: target.to_owned(),
        restore_date_time_millis: Some(millis),
        ..RestoreTableToPointInTimeRequest::default()
    }
}

fn restore(database: &Database, request: &RestoreTableToPointInTimeRequest) -> Result<Table, Error> {
    database.restore_table_to_point_in_time(request, &mut |_| ())
}

fn full_item(number: i32) -> Item {
    item(number).with("x", number % 3).with("rank", -number).with("a", "text").with("n", number)
}

/// All that can be read of a table: items, entries of `ByX`, of `ByRank`.
fn contents(table: &Table) -> [Vec<Item>; 3] {
    let read = |index: Option<&str>| -> Vec<Item> {
        let scan = table.scan();
        let scan = match index {
            Some(index) => scan.index(index),
            None => scan,
        };
        scan.into_iter().collect::<Result<_, _>>().expect("it can be read")
    };
    [read(None), read(Some("ByX")), read(Some("ByRank"))]
}

/// Fills the table, notes the moment and what there was, and changes everything afterwards.
fn history(simulation: &Simulation, database: &Database) -> (u64, [Vec<Item>; 3]) {
    let table = database.create_table(schema()).expect("a new table");
    enable(database, None).expect("it is there");
    for number in 0..200 {
        table.put(&full_item(number)).expect("space");
    }
    table.delete(("p", 7)).expect("space");
    let then = contents(&table);
    let moment = database.as_of_now().expect("it is open").time_millis();
    simulation.clock().advance(Duration::from_secs(60));
    for number in 0..150 {
        table.put(&full_item(number + 100).with("a", "later")).expect("space");
        table.delete(("p", number)).expect("space");
    }
    (moment, then)
}

#[test]
fn a_table_is_restored_to_a_moment_with_its_indexes_and_without_what_is_not_restored() {
    let simulation = Simulation::new(1);
    simulation.clock().set_wall_millis(1_000_000);
    let database = open(&simulation, HOUR, false);
    let (moment, then) = history(&simulation, &database);
    let stream_view_type = Some(StreamViewType::NewImage);
    let update = |request: UpdateTableRequest| database.update_table(request).expect("it is there");
    let table_name = || "Items".to_owned();
    update(UpdateTableRequest {
        table_name: table_name(),
        stream_specification: Some(StreamSpecification { stream_enabled: true, stream_view_type }),
        ..UpdateTableRequest::default()
    });
    update(UpdateTableRequest {
        table_name: table_name(),
        deletion_protection_enabled: Some(true),
        ..UpdateTableRequest::default()
    });
    let arn = database.describe_table("Items").expect("it is there").table_arn;
    database
        .tag_resource(&arn, vec![Tag { key: "k".to_owned(), value: "v".to_owned() }])
        .expect("it is there");
    let attribute_name = "expires".to_owned();
    let time_to_live_specification = TimeToLiveSpecification { attribute_name, enabled: true };
    let ttl = UpdateTimeToLiveRequest { table_name: table_name(), time_to_live_specification };
    database.update_time_to_live(ttl).expect("it is there");
    database.compact().expect("space");

    let mut told = Vec::new();
    let restored =
        database.restore_table_to_point_in_time(&to_moment("Then", moment), &mut |done| told.push(done));
    assert_eq!(contents(&restored.expect("it is kept")), then);
    let last = told.last().expect("it was told");
    assert_eq!((last.items, last.index_entries), (199, 398));
    // What there was just before the next change is there too.
    let just_before = restore(&database, &to_moment("JustBefore", moment + 59_999)).expect("it is kept");
    assert_eq!(contents(&just_before), then);
    let described = database.describe_table("Then").expect("it was restored");
    assert_eq!((described.item_count, described.latest_stream_arn), (0, None));
    assert!(!described.deletion_protection_enabled);
    assert_eq!(database.list_tags_of_resource(&described.table_arn).expect("it is there"), []);
    let backups = database.describe_continuous_backups("Then").expect("it is there");
    assert!(!backups.point_in_time_recovery_enabled);
    let ttl = database.describe_time_to_live("Then").expect("it is there");
    assert_eq!(ttl, pixii::TimeToLiveDescription::Disabled);

    let indexes = RestoredIndexes { global: Some(Vec::new()), local: None };
    let fewer =
        restore(&database, &RestoreTableToPointInTimeRequest { indexes, ..to_moment("Fewer", moment) });
    let fewer = fewer.expect("it is kept");
    assert_eq!(fewer.schema().global_indexes().len(), 0);
    assert_eq!(fewer.scan().index("ByRank").count().expect("it is there"), 199);
    fewer.put(&full_item(5000)).expect("it takes writes");
    assert_eq!(fewer.scan().index("ByRank").count().expect("it is there"), 200);
    database.close().expect("nothing failed");
    drop(database);
    let database = open(&simulation, HOUR, false);
    assert_eq!(contents(&database.table("Then").expect("it was restored")), then);
}

#[test]
fn restores_are_refused_in_the_order_of_dynamodb() {
    let simulation = Simulation::new(2);
    simulation.clock().set_wall_millis(1_000_000);
    let database = open(&simulation, HOUR, false);
    let table = database.create_table(schema()).expect("a new table");
    table.put(&full_item(1)).expect("space");
    let both = "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both";
    let request = |source: &str, target: &str, millis, latest| RestoreTableToPointInTimeRequest {
        source_table_name: source.to_owned(),
        target_table_name: target.to_owned(),
        restore_date_time_millis: millis,
        use_latest_restorable_time: latest,
        ..RestoreTableToPointInTimeRequest::default()
    };
    refused(restore(&database, &request("Items", "Not", None, false)), "ValidationException", both);
    refused(restore(&database, &request("Nowhere", "Not", Some(1), true)), "ValidationException", both);
    refused(
        restore(&database, &request("Nowhere", "Not", Some(1), false)),
        "TableNotFoundException",
        "Table not found: Nowhere",
    );
    refused(
        restore(&database, &request("Items", "Items", Some(1), false)),
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'Items'",
    );
    refused(
        enable(&database, Some(36)),
        "ValidationException",
        "One or more parameter values were invalid: RecoveryPeriodInDays must be between 1 and 35, and is 36",
    );
    simulation.clock().advance(Duration::from_secs(10));
    enable(&database, Some(1)).expect("it is there");
    simulation.clock().advance(Duration::from_secs(10));
    let described = database.describe_continuous_backups("Items").expect("it is there");
    assert_eq!(described.recovery_period_in_days, Some(1));
    let (from, to) = (described.earliest_restorable_millis, described.latest_restorable_millis);
    assert_eq!((from, to), (Some(1_010_000), Some(1_020_000)));
    for millis in [1_009_999, 1_020_001] {
        let error =
            restore(&database, &request("Items", "Items", Some(millis), false)).expect_err("out of bounds");
        assert_eq!(error.exception(), "InvalidRestoreTimeException");
    }
    refused(
        restore(&database, &request("Items", "Items", Some(1_015_000), false)),
        "TableAlreadyExistsException",
        "Table already exists: Items",
    );
    let indexes = RestoredIndexes { global: Some(vec!["ByY".to_owned()]), local: None };
    let unknown = RestoreTableToPointInTimeRequest { indexes, ..request("Items", "New", None, true) };
    refused(
        restore(&database, &unknown),
        "ValidationException",
        "One or more parameter values were invalid: The index to be restored is not one of the source table: ByY",
    );
    let latest = restore(&database, &request("Items", "New", None, true)).expect("it is now");
    assert_eq!(latest.scan().count().expect("it is there"), 1);
    let described = database.describe_continuous_backups("New").expect("it is there");
    assert!(!described.point_in_time_recovery_enabled && described.earliest_restorable_millis.is_none());
}

#[test]
fn what_the_window_does_not_keep_is_restored_from_the_archive() {
    let simulation = Simulation::new(3);
    simulation.clock().set_wall_millis(1_000_000);
    let database = open(&simulation, Duration::ZERO, true);
    let (moment, then) = history(&simulation, &database);
    database.compact().expect("space");
    database.archive().expect("it has one").bring_up_to_date().expect("space");
    assert!(database.as_of(pixii::AsOf::time_millis(moment)).is_err(), "nothing is kept here");
    let restored = restore(&database, &to_moment("Then", moment)).expect("it is archived");
    assert_eq!(contents(&restored), then);
    let left =
        simulation.vfs().paths().into_iter().filter(|path| path.to_string_lossy().contains("restoring-"));
    assert_eq!(left.count(), 0, "what was put together for it is gone");
}

#[test]
fn backups_by_name_outlive_their_table() {
    let simulation = Simulation::new(4);
    simulation.clock().set_wall_millis(1_000_000);
    let database = open(&simulation, Duration::ZERO, false);
    let (_, then) = history(&simulation, &database);
    let then = [then[0].len(), contents(&database.table("Items").expect("it is there"))[0].len()];
    let create = |name: &str| {
        simulation.clock().advance(Duration::from_secs(1));
        let (table_name, backup_name) = ("Items".to_owned(), name.to_owned());
        database.create_backup(&CreateBackupRequest { table_name, backup_name }).expect("space")
    };
    let kept = contents(&database.table("Items").expect("it is there"));
    let monday = create("monday");
    database.table("Items").expect("it is there").put(&full_item(9000)).expect("space");
    let tuesday = create("monday");
    database.delete_table("Items").expect("it is there");
    database.compact().expect("space");
    simulation.clock().advance(HOUR);
    let list = |request: ListBackupsRequest| database.list_backups(&request).expect("they are there");
    let all = list(ListBackupsRequest::default());
    let arns: Vec<_> =
        all.backup_summaries.iter().map(|backup| backup.backup_details.backup_arn.clone()).collect();
    assert_eq!(arns, [monday.backup_arn.clone(), tuesday.backup_arn.clone()]);
    let first = list(ListBackupsRequest { limit: Some(1), ..ListBackupsRequest::default() });
    assert_eq!(first.last_evaluated_backup_arn, Some(monday.backup_arn.clone()));
    let second = list(ListBackupsRequest {
        exclusive_start_backup_arn: first.last_evaluated_backup_arn,
        ..ListBackupsRequest::default()
    });
    assert_eq!(second.backup_summaries[0].backup_details, tuesday);
    let none =
        list(ListBackupsRequest { table_name: Some("Others".to_owned()), ..ListBackupsRequest::default() });
    assert_eq!(none.backup_summaries, []);
    let described = database.describe_backup(&monday.backup_arn).expect("it is there");
    assert_eq!((described.source_table.table_name.as_str(), described.had_stream), ("Items", false));

    let request = RestoreTableFromBackupRequest {
        target_table_name: "Items".to_owned(),
        backup_arn: monday.backup_arn.clone(),
        ..RestoreTableFromBackupRequest::default()
    };
    let restored = database.restore_table_from_backup(&request, &mut |_| ()).expect("it is there");
    assert_eq!(contents(&restored), kept);
    assert_eq!(then[1], kept[0].len());
    refused(
        database.restore_table_from_backup(&request, &mut |_| ()),
        "TableAlreadyExistsException",
        "Table already exists: Items",
    );
    database.delete_backup(&monday.backup_arn).expect("it is there");
    let missing = format!("Backup not found: {}", monday.backup_arn);
    refused(database.describe_backup(&monday.backup_arn), "BackupNotFoundException", &missing);
    refused(database.delete_backup(&monday.backup_arn), "BackupNotFoundException", &missing);
    let left = simulation.vfs().paths().into_iter().filter(|path| path.starts_with("/store/backups"));
    let is_of_tuesday = |path: &std::path::Path| {
        path.to_string_lossy().contains(&tuesday.backup_arn[tuesday.backup_arn.len() - 23..])
    };
    assert!(left.into_iter().all(|path| is_of_tuesday(&path)));
    let request = RestoreTableFromBackupRequest {
        target_table_name: "Again".to_owned(),
        backup_arn: tuesday.backup_arn.clone(),
        ..RestoreTableFromBackupRequest::default()
    };
    let again = database.restore_table_from_backup(&request, &mut |_| ()).expect("it is there");
    assert_eq!(again.scan().count().expect("it is there"), kept[0].len() + 1);
    let nowhere = CreateBackupRequest { table_name: "Nowhere".to_owned(), backup_name: "friday".to_owned() };
    refused(database.create_backup(&nowhere), "TableNotFoundException", "Table not found: Nowhere");
}
