//! A crash test of a small service built on pixii: a counter that must never go back.
//!
//! The service runs on a simulated machine. The power is cut at every operation on files, and the machine is started
//! again on what the disk may have kept. A seed gives the same run every time.
//!
//! `cargo run --example crash_test --features sim`

use pixii::sim::Simulation;
use pixii::{Database, Item, KeyType, Number, TableSchema, Value};

/// The service under test.
struct Counter {
    database: Database,
}

impl Counter {
    fn open(simulation: &Simulation) -> Result<Self, pixii::Error> {
        let database = Database::options().environment(simulation.environment()).open("/counter")?;
        if database.tables().is_empty() {
            let schema = TableSchema::builder("Counters").partition_key("name", KeyType::String).build()?;
            database.create_table(schema)?;
        }
        Ok(Self { database })
    }

    fn value(&self) -> Result<u64, pixii::Error> {
        let item = self.database.table("Counters")?.get_item("visits")?;
        let value = item.and_then(|item| item.get("value").and_then(Value::as_number));
        Ok(value.and_then(|number: Number| u64::try_from(number).ok()).unwrap_or(0))
    }

    /// Counts one visit, durably.
    fn count(&self) -> Result<u64, pixii::Error> {
        let value = self.value()? + 1;
        self.database.table("Counters")?.put(&Item::new().with("name", "visits").with("value", value))?;
        Ok(value)
    }
}

/// Counts until the machine stops; returns the last value that a caller was told.
fn run(simulation: &Simulation) -> u64 {
    let mut told = 0;
    if let Ok(counter) = Counter::open(simulation) {
        for _ in 0..20 {
            match counter.count() {
                Ok(value) => told = value,
                Err(_) => break,
            }
        }
        simulation.vfs().crash_now();
    }
    told
}

pub(crate) fn main() -> Result<(), pixii::Error> {
    let rehearsal = Simulation::new(1);
    run(&rehearsal);
    let mut images = 0;
    for point in rehearsal.vfs().crash_points() {
        let simulation = Simulation::new(1);
        simulation.vfs().crash_at(point);
        let told = run(&simulation);
        for (choice, image) in simulation.vfs().images(5, point) {
            let found = Counter::open(&simulation.restart(image))?.value()?;
            assert!(found >= told, "crash at {point}, image {choice:?}: told {told}, found {found}");
            images += 1;
        }
    }
    println!("{images} power losses: every visit that was counted is still counted");
    Ok(())
}
