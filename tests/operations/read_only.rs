//! A database that is opened only to be read: nothing on its disk changes, and nobody is told otherwise.

use super::support::{item, schema};
use pixii::env::file::read_all;
use pixii::sim::{ImageChoice, Simulation};
use pixii::{
    BatchWrite, BatchWriteRequest, CreateBackupRequest, Database, DatabaseOptions, Environment, ErrorKind,
    KeyType, PutRequest, Table, TableSchema, TransactWrite, TransactWriteRequest,
};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const STORE: &str = "/store";
const CHILD: &str = "PIXII_READ_ONLY_CHILD";

fn options(simulation: &Simulation) -> DatabaseOptions {
    Database::options().environment(simulation.environment())
}

fn to_read(simulation: &Simulation) -> Database {
    options(simulation).read_only().open(STORE).expect("it can be read")
}

/// Items 0 to 29 are in tables; 30 to 59 are in the log, and so is a change of item 3.
fn fill(database: &Database) {
    let table = database.create_table(schema()).expect("a new table");
    let put = |sk: i32| {
        table.put(&item(sk).with("x", sk % 3).with("rank", sk).with("a", "a")).expect("a valid item");
    };
    (0..30).for_each(put);
    database.flush().expect("nothing fails");
    (30..60).for_each(put);
    put_three(&table);
}

fn put_three(table: &Table) {
    table.put(&item(3).with("x", 7)).expect("a valid item");
}

/// What [`fill`] wrote is read by every way.
fn check_content(database: &Database) {
    let table = database.table("Items").expect("it was made");
    assert_eq!(table.scan().count().expect("it can be read"), 60);
    assert_eq!(table.query("p").sort_key_between(25, 34).count().expect("it can be read"), 10);
    assert_eq!(table.query(7).index("ByX").count().expect("it can be read"), 1);
    assert_eq!(table.scan().index("ByX").count().expect("it can be read"), 60);
    assert_eq!(table.scan().index("ByRank").count().expect("it can be read"), 59);
    let three = table.get_item(("p", 3)).expect("it can be read").expect("it was put");
    assert_eq!(three.get("x"), Some(&7.into()));
    for _ in 0..2 {
        let parts = (0..4).map(|part| table.scan().segment(part, 4).count().expect("it can be read"));
        assert_eq!(parts.sum::<usize>(), 60);
    }
    assert_eq!(database.describe_table("Items").expect("it was made").table_name, "Items");
}

/// Every kind of write is refused, and so is what would write elsewhere.
fn check_refusals(database: &Database) {
    let table = database.table("Items").expect("it was made");
    let other = TableSchema::builder("Other").partition_key("id", KeyType::Number);
    let other = other.build().expect("a valid schema");
    let refused = [
        table.put(&item(1)),
        table.put_request(&item(1)).buffered().send().map(drop),
        table.update(("p", 1)).set("y", 1).send().map(drop),
        table.delete(("p", 1)),
        database
            .batch_write(BatchWriteRequest {
                writes: [("Items".into(), vec![BatchWrite::Put(item(1))])].into(),
                ..BatchWriteRequest::default()
            })
            .map(drop)
            .map_err(Into::into),
        database
            .transact_write(&TransactWriteRequest {
                actions: vec![("Items".into(), TransactWrite::Put(PutRequest::new(item(1))))],
                ..TransactWriteRequest::default()
            })
            .map(drop),
        database.transact(|transaction| transaction.put(&table, &item(1))).map(drop),
        database.create_table(other).map(drop),
        database.delete_table("Items").map(drop),
        database.count_items("Items").map(drop),
        database.flush(),
        database.compact(),
        database.checkpoint("/copy").map(drop),
        database
            .create_backup(&CreateBackupRequest { table_name: "Items".into(), backup_name: "one".into() })
            .map(drop),
    ];
    for (place, result) in refused.into_iter().enumerate() {
        let error = result.expect_err("it is only read");
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "number {place}: {error}");
    }
    assert!(database.statistics().poison.is_none(), "nothing has failed");
    assert_eq!(database.tables(), ["Items"]);
}

#[test]
fn a_database_that_is_only_read_changes_nothing_on_its_disk() {
    for choice in [ImageChoice::AllKept, ImageChoice::Random(3)] {
        let simulation = Simulation::new(7);
        let database = options(&simulation).open(STORE).expect("a new database");
        fill(&database);
        // Both images have all that was acknowledged; their log was not closed.
        let image = simulation.vfs().crash_image(choice);
        simulation.vfs().crash_now();
        drop(database);
        let simulation = simulation.restart(image);
        let before = simulation.vfs().files();
        let database = to_read(&simulation);
        check_content(&database);
        check_refusals(&database);
        check_content(&database);
        let replayed = database.statistics().recovery;
        assert!(replayed.batches >= 31, "what was in the log was served: {replayed:?}");
        simulation.scheduler().run_until_idle();
        database.close().expect("there was nothing to do");
        assert_eq!(simulation.vfs().files(), before);
        let changes: Vec<_> = simulation.vfs().op_log();
        let changes: Vec<_> = changes.iter().filter(|operation| operation.kind.changes_the_disk()).collect();
        assert!(changes.is_empty(), "{changes:?}");
        // And what was read is what whoever opens it to write finds.
        let database = options(&simulation).open(STORE).expect("it is free again");
        check_content(&database);
        assert_eq!(database.statistics().recovery.batches, replayed.batches);
    }
}

#[test]
fn readers_share_a_database_and_a_writer_has_it_alone() {
    let simulation = Simulation::new(1);
    let writer = options(&simulation).open(STORE).expect("a new database");
    fill(&writer);
    let refused = options(&simulation).read_only().open(STORE).expect_err("somebody writes");
    assert_eq!(refused.kind(), ErrorKind::Locked);
    writer.close().expect("nothing fails");
    let (one, other) = (to_read(&simulation), to_read(&simulation));
    check_content(&one);
    drop(one);
    check_content(&other);
    let refused = options(&simulation).open(STORE).expect_err("somebody reads");
    assert_eq!(refused.kind(), ErrorKind::Locked);
    other.close().expect("there was nothing to do");
    let writer = options(&simulation).open(STORE).expect("nobody reads");
    put_three(&writer.table("Items").expect("it was made"));
}

#[test]
fn a_checkpoint_is_read_without_becoming_a_database_of_its_own() {
    let simulation = Simulation::new(2);
    let source = options(&simulation).open("/source").expect("a new database");
    fill(&source);
    source.checkpoint(STORE).expect("nothing fails");
    let before = simulation.vfs().files();
    let (one, other) = (to_read(&simulation), to_read(&simulation));
    for database in [&one, &other] {
        check_content(database);
        assert_eq!((database.history(), database.parent()), (source.history(), None));
    }
    assert_eq!(simulation.vfs().files(), before);
    // Nothing in it can be locked, so it can be opened to write: whoever reads it goes on as before.
    let opened = options(&simulation).open(STORE).expect("it is a whole checkpoint");
    assert_ne!(opened.history(), source.history());
    opened.delete_table("Items").expect("it is ours");
    opened.compact().expect("nothing fails");
    check_content(&one);
}

#[test]
fn what_is_no_database_is_refused_and_stays_as_it_is() {
    let simulation = Simulation::new(3);
    let refused = options(&simulation).read_only().open(STORE).expect_err("there is nothing");
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert!(simulation.vfs().paths().iter().all(|path| path != Path::new(STORE)), "nothing was made");
    simulation.environment().vfs.create_dir(Path::new(STORE)).expect("a new directory");
    let refused = options(&simulation).read_only().open(STORE).expect_err("it is empty");
    assert_eq!(refused.kind(), ErrorKind::InvalidDatabase);
    assert!(simulation.vfs().files().is_empty());
}

fn content_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let vfs = Environment::system().vfs;
    let names = vfs.read_dir(directory).expect("it can be listed");
    let content = |path: &Path| read_all(vfs.open(path)?.as_ref());
    let paths = names.iter().map(|name| directory.join(name));
    paths.map(|path| (path.clone(), content(&path).expect("it can be read"))).collect()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn set_modes(directory: &Path, directory_mode: u32, file_mode: u32) {
    for path in content_of(directory).keys() {
        set_mode(path, file_mode);
    }
    set_mode(directory, directory_mode);
}

/// Does the work of the test below, as somebody whom the permissions hold.
#[test]
fn child_that_reads_a_directory() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let refused = Database::open(&directory).expect_err("nothing can be written there");
    assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused}");
    let one = Database::options().read_only().open(&directory).expect("it can be read");
    let other = Database::options().read_only().open(&directory).expect("it can be read");
    check_content(&one);
    check_refusals(&other);
    println!("all was read");
}

#[test]
fn a_directory_without_permission_to_write_is_read() {
    let outer = tempfile::tempdir().expect("a temporary directory");
    let directory = outer.path().join("store");
    let database = Database::open(&directory).expect("a new database");
    fill(&database);
    database.close().expect("nothing fails");
    set_modes(&directory, 0o555, 0o444);
    set_mode(outer.path(), 0o755);
    let before = content_of(&directory);
    let child = || {
        let mut child = Command::new(std::env::current_exe().expect("this test has a file"));
        child.args(["read_only::child_that_reads_a_directory", "--exact", "--nocapture"]);
        child.env(CHILD, &directory);
        child
    };
    // No permission holds the superuser, who can become nobody; who cannot is held.
    let output = child().uid(65_534).gid(65_534).output().or_else(|_| child().output());
    let output = output.expect("the child starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("all was read"), "{said}");
    assert_eq!(content_of(&directory), before);
    set_modes(&directory, 0o755, 0o644);
}
