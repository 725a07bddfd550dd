//! Verifying: whole databases are clean, and whatever is broken is found where it is.

use super::support::{item, schema};
use pixii::base::batch::WriteBatch;
use pixii::engine::cursor::KeyRange;
use pixii::engine::store::Engine;
use pixii::sim::{ImageChoice, SimVfs, Simulation};
use pixii::{Database, DatabaseOptions, Durability, EngineOptions, ErrorKind, VerifyFinding, VerifyReport};
use std::path::Path;

const STORE: &str = "/store";

fn options(simulation: &Simulation) -> DatabaseOptions {
    let engine = EngineOptions { log_fill_bytes: 0, block_bytes: 256, ..EngineOptions::default() };
    Database::options().environment(simulation.environment()).engine(engine)
}

fn verify(simulation: &Simulation) -> VerifyReport {
    pixii::verify(&simulation.environment(), STORE, &mut |_| ()).expect("there is a store")
}

/// Twelve items with entries in both indexes, of which some were overwritten and some removed again.
fn fill(database: &Database) {
    let table = database.create_table(schema()).expect("a new table");
    for sk in 0..16 {
        table.put(&item(sk).with("x", sk % 3).with("rank", sk).with("a", "a")).expect("a valid item");
        if sk == 8 {
            database.flush().expect("nothing fails");
        }
    }
    table.put(&item(3).with("x", 9)).expect("a valid item");
    (12..16).for_each(|sk| table.delete(("p", sk)).expect("a valid key"));
}

fn closed() -> Simulation {
    let simulation = Simulation::new(5);
    let database = options(&simulation).open(STORE).expect("a new database");
    fill(&database);
    database.close().expect("nothing fails");
    simulation
}

#[test]
fn whole_databases_are_clean() {
    let check = |simulation: &Simulation| {
        let before = simulation.vfs().files();
        let mut told = 0;
        let report = pixii::verify(&simulation.environment(), STORE, &mut |_| told += 1);
        let report = report.expect("there is a store");
        assert!(report.is_clean(), "{:?}", report.findings);
        assert_eq!((report.item_count, report.index_entry_count), (Some(12), 23));
        assert!(told >= 3, "progress was told {told} times");
        assert_eq!(simulation.vfs().files(), before);
        report
    };
    let report = check(&closed());
    assert!(report.entry_count > 36 && report.file_count >= 4, "{report:?}");
    // As a crash leaves it: with a log that is needed, and perhaps files that belong to nothing.
    let simulation = Simulation::new(6);
    let database = options(&simulation).open(STORE).expect("a new database");
    fill(&database);
    let image = simulation.vfs().crash_image(ImageChoice::Random(2));
    simulation.vfs().crash_now();
    drop(database);
    let report = check(&simulation.restart(image));
    assert!(report.batch_count >= 12, "{report:?}");
    // And a checkpoint that nobody has opened.
    let simulation = Simulation::new(7);
    let database = options(&simulation).open("/source").expect("a new database");
    fill(&database);
    database.checkpoint(STORE).expect("nothing fails");
    assert!(check(&simulation).file_count >= 3, "tables, log, manifest and marker");
}

/// Whether a byte's change cannot be told from what a crash leaves: it lies behind all that the log promises. There is one
/// chunk at the end of a manifest and of a log that promises what is before it, and that nothing promises.
fn is_of_a_last_promise(vfs: &SimVfs, path: &Path, offset: usize) -> bool {
    const PROMISE_CHUNK_BYTES: usize = 15;
    let is_log = path.extension().is_some_and(|extension| extension == "wal")
        || path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("manifest-"));
    let size = vfs.read(path).expect("it is there").len();
    is_log && offset >= size - PROMISE_CHUNK_BYTES
}

#[test]
fn every_flipped_byte_is_found_where_it_is() {
    let simulation = closed();
    let whole = verify(&simulation);
    let (mut found, mut noted) = (0, 0);
    for (path, bytes) in simulation.vfs().files() {
        for offset in 0..bytes.len() {
            assert!(simulation.vfs().flip(&path, offset as u64, 5));
            let report = pixii::verify(&simulation.environment(), STORE, &mut |_| ());
            assert!(simulation.vfs().flip(&path, offset as u64, 5));
            let report = report.expect("there is a store");
            if is_of_a_last_promise(simulation.vfs(), &path, offset) {
                assert!(report.notes.len() > whole.notes.len() || !report.is_clean(), "byte {offset}");
                noted += 1;
                continue;
            }
            let name = path.to_string_lossy();
            let names_it = |finding: &VerifyFinding| finding.to_string().contains(name.as_ref());
            assert!(report.findings.iter().any(names_it), "byte {offset} of {name}: {report:?}");
            found += 1;
        }
    }
    assert!(found > 2000 && noted <= 30, "{found} were found, {noted} cannot be told");
}

#[test]
fn every_file_that_is_missing_or_cut_is_found() {
    let simulation = closed();
    for (path, bytes) in simulation.vfs().files() {
        if path.ends_with("LOCK") {
            continue;
        }
        simulation.vfs().write_raw(&path, &bytes[..bytes.len() / 2]);
        let is_found = !verify(&simulation).is_clean();
        assert!(is_found, "{} was cut", path.display());
        assert!(simulation.vfs().remove(&path));
        let report = pixii::verify(&simulation.environment(), STORE, &mut |_| ());
        let is_found = report
            .map_or_else(|error| error.kind() == ErrorKind::InvalidDatabase, |report| !report.is_clean());
        assert!(is_found, "{} is missing", path.display());
        simulation.vfs().write_raw(&path, &bytes);
    }
    assert!(verify(&simulation).is_clean(), "all is back");
}

#[test]
fn indexes_that_do_not_agree_with_their_table_are_found() {
    /// What to do to the first entry of a keyspace, and what is said of it then.
    type Plant = fn(&mut WriteBatch, &[u8], &[u8]);
    let plants: [(Plant, &str); 3] = [
        (|batch, key, _| batch.delete(key.to_vec()), "an item without its entry"),
        (|batch, key, value| batch.put([key, b"more"].concat(), value.to_vec()), "an entry without its item"),
        (
            |batch, key, value| batch.put(key.to_vec(), [value, b"more"].concat()),
            "an item whose entry holds something else",
        ),
    ];
    let simulation = closed();
    let before = simulation.vfs().files();
    // The table is in keyspace 16, its indexes in the next two.
    for keyspace in [17_u32, 18] {
        for (plant, said) in plants {
            for (path, bytes) in &before {
                simulation.vfs().write_raw(path, bytes);
            }
            let engine = Engine::open(simulation.environment(), Path::new(STORE), EngineOptions::default());
            let engine = engine.expect("it is whole");
            let range = KeyRange { start: keyspace.to_be_bytes().to_vec(), end: None };
            let mut cursor = engine.cursor(range, None).expect("it is open");
            cursor.seek_first().expect("it can be read");
            let mut batch = WriteBatch::new();
            plant(&mut batch, cursor.key().expect("it has entries"), cursor.value().expect("it has entries"));
            drop(cursor);
            engine.write(&batch, Durability::Durable).expect("nothing fails");
            engine.close().expect("nothing fails");
            let report = verify(&simulation);
            let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
            assert_eq!(findings.len(), 1, "{said}: {findings:?}");
            assert!(findings[0].contains("table Items, index By"), "{findings:?}");
            assert!(findings[0].contains(said), "{said}: {findings:?}");
            for (path, _) in simulation.vfs().files() {
                simulation.vfs().remove(path);
            }
        }
    }
}

#[test]
fn a_database_that_somebody_writes_is_not_looked_at() {
    let simulation = Simulation::new(8);
    let database = options(&simulation).open(STORE).expect("a new database");
    let refused = pixii::verify(&simulation.environment(), STORE, &mut |_| ()).expect_err("it is open");
    assert_eq!(refused.kind(), ErrorKind::Locked);
    drop(database);
    let refused = pixii::verify(&simulation.environment(), "/none", &mut |_| ());
    assert_eq!(refused.expect_err("there is nothing").kind(), ErrorKind::Io);
}
