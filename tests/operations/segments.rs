//! Parallel scans: whoever reads a part, and whenever, reads the same part.

use crate::support::{item, schema};
use pixii::sim::Simulation;
use pixii::{Database, Item, Table, Value};
use std::collections::BTreeSet;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn open(simulation: &Simulation) -> (Database, Table) {
    let database =
        Database::options().environment(simulation.environment()).open("/store").expect("it opens");
    let table =
        if database.tables().is_empty() { database.create_table(schema()) } else { database.table("Items") };
    (database, table.expect("the table"))
}

fn fill(database: &Database, table: &Table, keys: std::ops::Range<i32>) {
    for sk in keys {
        let put = table.put_request(&item(sk).with("pad", "p".repeat(500))).buffered();
        put.send().expect("a valid item");
    }
    database.flush().expect("the disk does not fail");
}

fn number(item: &Item) -> i32 {
    let number = item.get("sk").and_then(Value::as_number).expect("it has its key");
    number.to_string().parse().expect("a small number")
}

/// The keys below `limit` of a segment.
fn segment(table: &Table, segment: u32, total: u32, limit: i32) -> Vec<i32> {
    let items = table.scan().segment(segment, total).into_iter();
    items.map(|item| number(&item.expect("it can be read"))).filter(|sk| *sk < limit).collect()
}

fn segments(table: &Table, limit: i32) -> Vec<Vec<i32>> {
    (0..4).map(|at| segment(table, at, 4, limit)).collect()
}

#[test]
fn parts_are_the_same_after_reopening_and_until_a_day_after_their_last_use() {
    let simulation = Simulation::new(1);
    let (database, table) = open(&simulation);
    fill(&database, &table, 0..400);
    let first = segments(&table, 400);
    assert_eq!(first.concat(), (0..400).collect::<Vec<_>>());
    assert!(first.iter().all(|part| !part.is_empty()), "{first:?}");
    // What is written meanwhile falls into the parts, and does not move them.
    fill(&database, &table, 400..3_000);
    assert_eq!(segments(&table, 400), first);
    database.close().expect("it closes");
    drop((database, table));

    let (database, table) = open(&simulation);
    for _ in 0..3 {
        simulation.clock().advance(22 * HOUR);
        assert_eq!(segments(&table, 400), first, "each use counts");
    }
    simulation.clock().advance(26 * HOUR);
    let later = segments(&table, 3_000);
    assert_eq!(later.concat(), (0..3_000).collect::<Vec<_>>());
    assert_ne!(segments(&table, 400), first, "nobody has used them for a day");
    let sizes: Vec<_> = later.iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size > 300), "the parts are about equal: {sizes:?}");
    drop((database, table));
}

#[test]
fn a_part_goes_on_behind_an_item_that_is_gone() {
    let simulation = Simulation::new(2);
    let (database, table) = open(&simulation);
    fill(&database, &table, 0..100);
    let mut seen = BTreeSet::new();
    for at in 0..3 {
        let mut start = None::<Item>;
        loop {
            let scan = table.scan().segment(at, 3).limit(7);
            let scan = if let Some(start) = start { scan.start_after(start) } else { scan };
            let page = scan.page().expect("the place is in the segment, whatever is there");
            assert!(page.items.iter().all(|item| seen.insert(number(item))), "each item once");
            let Some(last) = page.last_evaluated_key else { break };
            table.delete(last.clone()).expect("a valid key");
            start = Some(last);
        }
    }
    assert_eq!(seen.len(), 100);
    assert!(table.scan().count().expect("it can be read") < 100);
}

#[test]
fn of_more_parts_than_are_real_the_rest_is_empty() {
    let simulation = Simulation::new(3);
    let (database, table) = open(&simulation);
    fill(&database, &table, 0..50);
    let all: Vec<_> = (0..100).flat_map(|at| segment(&table, at, 1_000_000, 50)).collect();
    assert_eq!(all, (0..50).collect::<Vec<_>>());
    assert_eq!(segment(&table, 4_096, 1_000_000, 50), []);
    assert_eq!(segment(&table, 999_999, 1_000_000, 50), []);
}
