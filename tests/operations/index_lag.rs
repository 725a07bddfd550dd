//! Injected lag of global indexes.

use crate::support::{item, schema};
use pixii::sim::Simulation;
use pixii::{
    AttributeDefinition, Database, GlobalIndexUpdate, IndexRequest, KeyRole, KeySchemaElement, KeyType,
    ProjectionRequest, ProjectionType, Query, Table, UpdateTableRequest,
};
use std::time::Duration;

const LAG: Duration = Duration::from_secs(10);

fn lagging(seed: u64) -> (Simulation, Database, Table) {
    let simulation = Simulation::new(seed);
    let options = Database::options().environment(simulation.environment()).global_index_lag(LAG);
    let database = options.open("/store").expect("a new database");
    let table = database.create_table(schema()).expect("a new table");
    (simulation, database, table)
}

fn count(query: Query<'_>) -> usize {
    query.count().expect("it can be read")
}

fn by_x(table: &Table) -> usize {
    count(table.query(1).index("ByX"))
}

#[test]
fn a_global_index_follows_its_table_within_the_lag() {
    let (simulation, _database, table) = lagging(1);
    table.put(&item(1).with("x", 1).with("rank", 1)).expect("a valid item");
    assert_eq!((by_x(&table), count(table.query("p").index("ByRank")), count(table.query("p"))), (0, 1, 1));
    simulation.clock().advance(LAG / 2);
    table.put(&item(2).with("x", 1)).expect("a valid item");
    assert_eq!(by_x(&table), 0);
    simulation.clock().advance(LAG / 2);
    assert_eq!(by_x(&table), 1, "the first write is as old as the lag");
    table.update(("p", 1)).set("x", 2).send().expect("a valid update");
    assert_eq!(by_x(&table), 1, "nor is an entry gone before its time");
    simulation.clock().advance(LAG);
    assert_eq!(by_x(&table), 1, "the second has come, the first is gone");
    assert_eq!(count(table.query(2).index("ByX")), 1);
}

#[test]
fn a_lagging_read_never_goes_back_and_steps_give_the_same_again() {
    let run = |seed| {
        let (simulation, _database, table) = lagging(seed);
        let mut seen = vec![0];
        for sk in 0..200 {
            table.put_request(&item(sk).with("x", 1)).buffered().send().expect("a valid item");
            simulation.clock().advance(Duration::from_millis(u64::from(sk.unsigned_abs() % 5) * 100));
            seen.push(by_x(&table));
        }
        seen
    };
    let seen = run(1);
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.last().is_some_and(|last| (1..200).contains(last)), "{seen:?}");
    assert_eq!(seen, run(1));
}

#[test]
fn a_transaction_sees_its_index_as_it_is() {
    let (_simulation, database, table) = lagging(1);
    table.put(&item(1).with("x", 1)).expect("a valid item");
    let found = database.transact(|transaction| transaction.read(table.query(1).index("ByX")));
    assert_eq!((found.expect("it commits").len(), by_x(&table)), (1, 0));
}

#[test]
fn an_index_that_was_just_made_is_not_read_as_of_before() {
    let (_simulation, database, table) = lagging(1);
    table.put(&item(1).with("y", 1)).expect("a valid item");
    let attribute_name = "y".to_owned();
    let attribute_type = KeyType::Number;
    let index = IndexRequest {
        index_name: "ByY".to_owned(),
        key_schema: vec![KeySchemaElement {
            attribute_name: attribute_name.clone(),
            key_type: KeyRole::Partition,
        }],
        projection: ProjectionRequest {
            projection_type: Some(ProjectionType::All),
            non_key_attributes: None,
        },
        ..IndexRequest::default()
    };
    let request = UpdateTableRequest {
        table_name: "Items".to_owned(),
        attribute_definitions: vec![AttributeDefinition { attribute_name, attribute_type }],
        global_secondary_index_updates: vec![GlobalIndexUpdate {
            create: Some(index),
            ..GlobalIndexUpdate::default()
        }],
        ..UpdateTableRequest::default()
    };
    database.update_table(request).expect("a new index");
    database.wait_for_index("Items", "ByY").expect("it is filled");
    assert_eq!(count(table.query(1).index("ByY")), 1);
}
