//! A table is dropped by mistake, and had back as it was a second before.
//!
//! ```sh
//! cargo run --example undrop
//! ```

#![expect(clippy::disallowed_methods, reason = "a program of its own waits and cleans up as it likes")]

use pixii::{AsOf, Database, Environment, ErrorKind, Item, KeyType, Result, TableSchema};
use std::time::Duration;

fn main() -> Result<()> {
    let directory = std::env::temp_dir().join(format!("pixii-undrop-{}", std::process::id()));
    // Every moment of the last hour stays readable.
    let database = Database::options().history(Duration::from_secs(3600)).open(&directory)?;
    let schema = TableSchema::builder("Orders").partition_key("id", KeyType::Number).build()?;
    let orders = database.create_table(schema)?;
    for id in 1..=1000 {
        orders.put_request(&Item::new().with("id", id).with("total", id * 7)).buffered().send()?;
    }
    std::thread::sleep(Duration::from_millis(1200));

    // The mistake. Nobody notices at first, and the space is taken back at once where nothing holds it.
    database.delete_table("Orders")?;
    database.compact()?;
    let gone = database.table("Orders").expect_err("it was dropped");
    assert_eq!(gone.kind(), ErrorKind::ResourceNotFound);

    // The table as it was a second before: to be looked at,
    let now = Environment::system().clock.wall_millis();
    let past = database.as_of(AsOf::time_millis(now - 1000))?;
    println!(
        "a second ago there was {:?}, with {} orders",
        past.tables(),
        past.table("Orders")?.scan().count()?
    );

    // and to be had back, with its indexes, in one step.
    let orders = past.restore_table("Orders", "Orders")?;
    let order = orders.get_item(500)?.expect("it was there");
    println!("order 500 is back: {:?}", order.get("total"));
    assert_eq!(orders.scan().count()?, 1000);

    database.close()?;
    let _ = std::fs::remove_dir_all(&directory);
    Ok(())
}
