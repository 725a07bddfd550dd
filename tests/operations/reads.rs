//! Queries, scans and gets with filters, projections and selections.

use crate::support::{database, item, refused, table};
use pixii::{Consistency, GetRequest, IntoKey, Item, ReturnConsumedCapacity, Select, Table, attr};

fn filled() -> Table {
    let table = table();
    for sk in 0..10 {
        let item = item(sk).with("x", sk % 2).with("rank", 10 - sk).with("a", sk).with("b", sk * 10);
        table.put(&item).expect("a valid item");
    }
    table
}

#[test]
fn a_filter_is_judged_after_the_limit() {
    let table = filled();
    let page = table.query("p").filter(attr("a").ge(8)).limit(5).page().expect("a page");
    assert_eq!((page.count, page.scanned_count), (0, 5));
    assert_eq!(page.last_evaluated_key, Some(item(4)));
    let page = table.query("p").filter(attr("a").ge(8)).page().expect("a page");
    assert_eq!((page.count, page.scanned_count, page.last_evaluated_key), (2, 10, None));
    assert_eq!(table.scan().filter(attr("a").lt(3)).count().expect("it can be read"), 3);
}

#[test]
fn a_selection_of_the_count_has_no_items() {
    let page = filled().query("p").select(Select::Count).page().expect("a page");
    assert_eq!((page.items.len(), page.count), (0, 10));
}

#[test]
fn a_projection_has_no_keys_of_its_own() {
    let table = filled();
    let page = table.query("p").limit(1).project(["b", "missing"]).page().expect("a page");
    assert_eq!(page.items, [Item::new().with("b", 0)]);
    let mut request = GetRequest::new(("p", 3).into_key());
    request.projection = Some(["missing"].into());
    assert_eq!(table.get_request(&request).expect("it can be read").item, Some(Item::new()));
    request.key = ("p", 99).into_key();
    assert_eq!(table.get_request(&request).expect("it can be read").item, None);
}

#[test]
fn a_local_index_fetches_what_it_does_not_hold() {
    let table = filled();
    let query = || table.query("p").index("ByRank").limit(1);
    let held = item(9).with("x", 1).with("rank", 1).with("a", 9);
    let mut without_x = held.clone();
    without_x.remove("x");
    assert_eq!(query().page().expect("a page").items, [without_x]);
    let all = query().select(Select::AllAttributes).page().expect("a page");
    assert_eq!(all.items, [held.with("b", 90)]);
    assert_eq!(query().project(["b"]).page().expect("a page").items, [Item::new().with("b", 90)]);
    let filtered = table.query("p").index("ByRank").filter(attr("b").eq(30)).page().expect("a page");
    assert_eq!(filtered.count, 1);
}

#[test]
fn a_global_index_gives_only_what_it_holds() {
    let table = filled();
    let query = || table.query(1).index("ByX");
    assert_eq!(query().page().expect("a page").count, 5);
    let prefix = "One or more parameter values were invalid: ";
    let validation = "ValidationException";
    refused(
        query().project(["b", "a"]).page(),
        validation,
        &format!("{prefix}Global secondary index ByX does not project [a, b]"),
    );
    refused(
        query().select(Select::AllAttributes).page(),
        validation,
        &format!(
            "{prefix}Select type ALL_ATTRIBUTES is not supported for global secondary index ByX because its \
             projection type is not ALL"
        ),
    );
    refused(
        query().consistent().page(),
        validation,
        "Consistent reads are not supported on global secondary indexes",
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    let table = filled();
    let validation = "ValidationException";
    refused(
        table.query("p").filter(attr("sk").eq(1)).page(),
        validation,
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
    );
    assert!(table.scan().filter(attr("sk").eq(1)).page().is_ok());
    refused(
        table.query("p").select(Select::Count).project(["a"]).page(),
        validation,
        "Cannot specify the ProjectionExpression when choosing to get only the Count",
    );
    for (select, name) in [
        (Select::AllAttributes, "ALL_ATTRIBUTES"),
        // Of two faults the projection is told.
        (Select::AllProjectedAttributes, "ALL_PROJECTED_ATTRIBUTES"),
    ] {
        refused(
            table.query("p").select(select).project(["a"]).page(),
            validation,
            &format!("Cannot specify the ProjectionExpression when choosing to get {name}"),
        );
    }
    refused(
        table.scan().select(Select::SpecificAttributes).page(),
        validation,
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
    );
    let projected = table.query("p").select(Select::SpecificAttributes).project(["a"]).limit(1).page();
    assert_eq!(projected.expect("a page").items, [Item::new().with("a", 0)]);
    refused(
        table.query("p").select(Select::AllProjectedAttributes).page(),
        validation,
        "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
    );
    refused(
        table.scan().segment(5, 5).page(),
        validation,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less \
         than TotalSegments: 5",
    );
}

#[test]
fn the_segments_of_a_scan_have_each_item_once() {
    let (database, table) = database();
    for sk in 0..500 {
        table
            .put_request(&item(sk).with("payload", "p".repeat(200)))
            .buffered()
            .send()
            .expect("a valid item");
        if sk % 100 == 99 {
            database.flush().expect("memory does not fail");
        }
    }
    for total in [1, 2, 3, 7, 700] {
        let mut seen = Vec::new();
        for segment in 0..total {
            for item in table.scan().segment(segment, total) {
                seen.push(item.expect("it can be read"));
            }
            // Writes between the segments do not move the boundaries.
            table.put_request(&item(100_000)).buffered().send().expect("a valid item");
            table.delete_request(("p", 100_000)).buffered().send().expect("a valid key");
        }
        seen.sort_by_key(|item| item.get("sk").and_then(pixii::Value::as_number));
        let all: Vec<_> = table.scan().into_iter().map(|item| item.expect("it can be read")).collect();
        assert_eq!((seen.len(), seen), (500, all), "{total} segments");
    }
}

#[test]
fn of_a_table_that_is_dropped_and_made_anew_a_read_finds_all_or_nothing_of_one() {
    let database = pixii::Database::in_memory().expect("a new database");
    let schema = crate::support::schema();
    let handle = std::sync::Mutex::new(None::<Table>);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let keys = || vec![("p", 1).into_key(), ("p", 2).into_key()];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let Some(table) = handle.lock().expect("no panic").clone() else { continue };
                    let is_gone = |error: &pixii::Error| error.kind() == pixii::ErrorKind::ResourceNotFound;
                    match table.get_item(("p", 1)) {
                        Ok(found) => assert!(found.is_some(), "it is there as long as its table is"),
                        Err(error) => assert!(is_gone(&error), "{error}"),
                    }
                    match table.query(1).index("ByX").count() {
                        Ok(count) => assert_eq!(count, 2),
                        Err(error) => assert!(is_gone(&error), "{error}"),
                    }
                    let asked = pixii::KeysAndAttributes { keys: keys(), ..Default::default() };
                    let request = pixii::BatchGetRequest {
                        tables: [("Items".to_owned(), asked)].into(),
                        ..Default::default()
                    };
                    match database.batch_get(request) {
                        // A new table has both items at once.
                        Ok(answer) => assert!([0, 2].contains(&answer.responses["Items"].len())),
                        Err(error) => assert!(is_gone(&error), "{error}"),
                    }
                }
            });
        }
        for _ in 0..60 {
            let table = database.create_table(schema.clone()).expect("a new table");
            database
                .transact(|transaction| {
                    transaction.put(&table, &item(1).with("x", 1))?;
                    transaction.put(&table, &item(2).with("x", 1))
                })
                .expect("it commits");
            *handle.lock().expect("no panic") = Some(table);
            database.flush().expect("memory does not fail");
            database.delete_table("Items").expect("it is there");
            database.compact().expect("memory does not fail");
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn reads_are_charged_by_dynamodbs_rules() {
    let table = filled();
    let total = ReturnConsumedCapacity::Total;
    let units =
        |page: pixii::Page| page.consumed_capacity.expect("it was asked for").capacity_units.to_string();
    let query = || table.query("p").return_consumed_capacity(total);
    assert_eq!(units(query().page().expect("a page")), "0.5");
    assert_eq!(units(query().consistent().page().expect("a page")), "1");
    let mut request = GetRequest::new(("p", 99).into_key());
    request.consistency = Consistency::Strong;
    request.return_consumed_capacity = total;
    let consumed = table.get_request(&request).expect("it can be read").consumed_capacity;
    assert_eq!(
        consumed.expect("it was asked for").capacity_units.to_string(),
        "1",
        "a missing item is one unit"
    );
}
