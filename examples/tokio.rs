//! A service on an asynchronous runtime: one thread keeps many durable writes in flight, and loses none of its time to a
//! sync.
//!
//! `submit` gives a write its place in the order and returns; what it returns is a future that any runtime can drive, and
//! that is done when the write is durable. Writes that wait together share a sync. The order is that of the submits,
//! whoever is awaited first.
//!
//! `cargo run --example tokio`

use pixii::{Database, Item, KeyType, Outcome, TableSchema, attr};
use std::error::Error;

async fn serve(database: &Database) -> Result<(), Box<dyn Error>> {
    let schema = TableSchema::builder("Orders").partition_key("id", KeyType::Number).build()?;
    let orders = database.create_table(schema)?;

    // 64 writes in flight from one thread.
    let before = database.statistics().log_syncs;
    let order = |id: u64| Item::new().with("id", id).with("state", "new");
    let pending = (0..64).map(|id| orders.put_request(&order(id)).submit()).collect::<Result<Vec<_>, _>>()?;
    for write in pending {
        write.await?;
    }
    let syncs = database.statistics().log_syncs - before;
    println!("64 durable writes took {syncs} syncs");
    assert!(syncs < 64, "they share them");

    // Two tasks want the same order; the condition lets one of them have it.
    let take = |worker: &'static str| {
        let orders = orders.clone();
        async move {
            let update = orders.update(7).set("state", "taken").set("by", worker);
            update.condition(attr("state").eq("new")).submit()?.await
        }
    };
    let (ada, bob) = (tokio::task::spawn(take("ada")), tokio::task::spawn(take("bob")));
    let answers = [ada.await?, bob.await?];
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for error in answers.into_iter().filter_map(Result::err) {
        // Refused before anything was written; after a failed sync it would be `Unknown`.
        assert_eq!(error.outcome(), Outcome::Rejected);
        println!("one of them was too late: {error}");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let database = Database::open(directory.path().join("store"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(serve(&database))?;
    database.close()?;
    Ok(())
}
