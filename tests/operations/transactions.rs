//! `TransactWriteItems` and `TransactGetItems`.

use crate::support::{database, item, refused, schema};
use pixii::sim::{SimVfs, Simulation};
use pixii::{
    CancellationCode, Condition, Database, DeleteRequest, Durability, ErrorKind, Fault, GlobalIndex, IntoKey,
    Item, KeyType, PutRequest, Result, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    SubmittedTransaction, TableSchema, TokenScope, TransactGet, TransactGetRequest, TransactWrite,
    TransactWriteOutput, TransactWriteRequest, UpdateExpression, UpdateRequest, Value, WriteFault,
    WriteOptions, attr,
};
use std::thread;
use std::time::Duration;

fn put(item: Item) -> TransactWrite {
    TransactWrite::Put(PutRequest::new(item))
}

fn update(sk: i32, update: UpdateExpression) -> TransactWrite {
    let update = update.into_tree().expect("a valid update");
    TransactWrite::Update(UpdateRequest::new(("p", sk).into_key(), update))
}

fn check(sk: i32, condition: Condition) -> TransactWrite {
    let condition = Some(condition.into_tree().expect("a valid condition"));
    let return_values_on_condition_check_failure = ReturnValuesOnConditionCheckFailure::AllOld;
    let options =
        WriteOptions { condition, return_values_on_condition_check_failure, ..WriteOptions::default() };
    TransactWrite::ConditionCheck { key: ("p", sk).into_key(), options }
}

fn request(actions: Vec<TransactWrite>, token: Option<&str>) -> TransactWriteRequest {
    TransactWriteRequest {
        actions: actions.into_iter().map(|action| ("Items".to_owned(), action)).collect(),
        client_request_token: token.map(str::to_owned),
        ..TransactWriteRequest::default()
    }
}

fn transact(database: &Database, actions: Vec<TransactWrite>) -> Result<TransactWriteOutput> {
    database.transact_write(&request(actions, None))
}

fn codes(error: &pixii::Error) -> Vec<CancellationCode> {
    match error.fault() {
        Fault::Write(WriteFault::TransactionCanceled { reasons }) => {
            reasons.iter().map(|reason| reason.code).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_is_done_or_nothing_and_the_reasons_stand_in_order() {
    let (database, table) = database();
    table.put(&item(1).with("n", 1)).expect("a valid item");
    let actions = |least: i32| {
        vec![put(item(2)), check(1, attr("n").ge(least)), update(3, UpdateExpression::new().add("n", 1))]
    };
    let error = refused(
        transact(&database, actions(5)),
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, \
         ConditionalCheckFailed, None]",
    );
    let Fault::Write(WriteFault::TransactionCanceled { reasons }) = error.fault() else { panic!("{error}") };
    assert_eq!(reasons[1].item, Some(item(1).with("n", 1)));
    assert_eq!(reasons[1].message.as_deref(), Some("The conditional request failed"));
    assert_eq!(table.scan().count().expect("it can be read"), 1);
    transact(&database, actions(1)).expect("the condition is met");
    assert_eq!(table.scan().count().expect("it can be read"), 3);
}

#[test]
fn what_cannot_be_done_on_an_item_cancels_before_conditions_are_judged() {
    let (database, table) = database();
    table.put(&item(1).with("s", "text")).expect("a valid item");
    let actions = vec![check(2, attr("a").exists()), update(1, UpdateExpression::new().add("s", 1))];
    let error = transact(&database, actions).expect_err("a text is no number");
    assert_eq!(codes(&error), [CancellationCode::None, CancellationCode::ValidationError]);
    let shape = vec![put(item(5)), put(Item::new().with("pk", 1).with("sk", 1))];
    let error = transact(&database, shape).expect_err("the key has the wrong type");
    assert_eq!(codes(&error), [CancellationCode::None, CancellationCode::ValidationError]);
    refused(
        transact(&database, vec![put(item(7)), update(7, UpdateExpression::new().set("a", 1))]),
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    );
    assert_eq!(table.scan().count().expect("it can be read"), 1);
}

/// Why the only action of a transaction cancelled it.
fn reason(error: &pixii::Error) -> String {
    match error.fault() {
        Fault::Write(WriteFault::TransactionCanceled { reasons }) => {
            assert_eq!(reasons[0].code, CancellationCode::ValidationError);
            reasons[0].message.clone().expect("it has words")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_fit_an_index_or_the_size_is_said_as_the_action_would() {
    let (database, _) = database();
    let canceled = |action| reason(&transact(&database, vec![action]).expect_err("it does not fit"));
    let mismatch = "One or more parameter values were invalid: Type mismatch for Index Key x Expected: N Actual: S \
                    IndexName: ByX";
    assert_eq!(canceled(put(item(1).with("x", "text"))), mismatch);
    let set = |value: Value| update(1, UpdateExpression::new().set("x", value));
    assert_eq!(canceled(set("text".into())), mismatch);
    assert_eq!(
        canceled(update(1, UpdateExpression::new().set("b", "b".repeat(410_000)))),
        "Item size to update has exceeded the maximum allowed size"
    );
    assert_eq!(
        canceled(update(1, UpdateExpression::new().set("sk", 2))),
        "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key"
    );
    assert_eq!(
        canceled(put(Item::new().with("pk", "p"))),
        "One or more parameter values were invalid: Missing the key sk in the item"
    );
}

#[test]
fn an_empty_or_long_index_key_is_refused_by_who_writes_it() {
    let by_name = GlobalIndex::builder("ByName").partition_key("name", KeyType::String);
    let schema = TableSchema::builder("Items")
        .partition_key("pk", KeyType::String)
        .sort_key("sk", KeyType::Number)
        .global_index(by_name);
    let database = Database::in_memory().expect("a new database");
    let table = database.create_table(schema.build().expect("a valid schema")).expect("a new table");
    let validation = "ValidationException";
    let put_empty = "One or more parameter values are not valid. A value specified for a secondary index key is not \
                     supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: \
                     ByName, IndexKey: name";
    let set_empty = "One or more parameter values are not valid. The update expression attempted to update a secondary \
                     index key to a value that is not supported. The AttributeValue for a key attribute cannot contain \
                     an empty string value.";
    let set = |name: &str| UpdateExpression::new().set("name", name);
    refused(table.put(&item(1).with("name", "")), validation, put_empty);
    refused(table.update(("p", 1)).apply(set("")).send(), validation, set_empty);
    // No index takes that from anybody: it is not an action that cancels.
    refused(transact(&database, vec![put(item(1).with("name", ""))]), validation, put_empty);
    refused(transact(&database, vec![update(1, set(""))]), validation, set_empty);
    let long = "n".repeat(2_049);
    refused(
        table.put(&item(1).with("name", &long)),
        validation,
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
    );
    let beyond =
        "The update expression attempted to update the secondary index key beyond allowed size limits";
    refused(table.update(("p", 1)).apply(set(&long)).send(), validation, beyond);
    assert_eq!(reason(&transact(&database, vec![update(1, set(&long))]).expect_err("too long")), beyond);
    assert_eq!(table.scan().count().expect("it can be read"), 0);
}

#[test]
fn a_token_makes_a_transaction_idempotent() {
    let (database, table) = database();
    let add = |count| vec![update(1, UpdateExpression::new().add("n", count))];
    database.transact_write(&request(add(1), Some("token"))).expect("a valid request");
    let mut again = request(add(1), Some("token"));
    again.return_consumed_capacity = ReturnConsumedCapacity::Total;
    let output = database.transact_write(&again).expect("it was done before");
    assert_eq!(
        output.consumed_capacity[0].read_capacity_units.map(|units| units.to_string()),
        Some("2".to_owned())
    );
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), Some(item(1).with("n", 1)));
    let error = database.transact_write(&request(add(2), Some("token"))).expect_err("it is another content");
    assert_eq!(error.kind(), ErrorKind::IdempotentParameterMismatch);
    // A transaction that was cancelled may be sent again.
    let canceled = request(vec![check(9, attr("a").exists())], Some("other"));
    assert!(database.transact_write(&canceled).is_err());
    table.put(&item(9).with("a", 1)).expect("a valid item");
    database.transact_write(&canceled).expect("the condition is met now");
}

#[test]
fn a_token_is_another_one_in_another_scope() {
    let (database, table) = database();
    let add = |n: i32, token_scope| TransactWriteRequest {
        token_scope,
        ..request(vec![update(1, UpdateExpression::new().add("n", n))], Some("token"))
    };
    for _ in 0..2 {
        database.transact_write(&add(1, TokenScope::Writes)).expect("a valid request");
        database.transact_write(&add(2, TokenScope::Statements)).expect("it is a token of its own");
    }
    let got: Item = table.get(("p", 1)).expect("a valid key").expect("it was written");
    assert_eq!(got.get("n"), Some(&Value::from(3)));
    let pending = database.submit_transact_write(&add(1, TokenScope::Writes)).expect("a valid request");
    database.transact_write(&add(2, TokenScope::Statements)).expect("the other one does not run");
    pending.wait().expect("it was done before");
}

#[test]
fn a_token_counts_through_a_restart_for_ten_minutes() {
    let simulation = Simulation::new(1);
    let open = || {
        let options = Database::options().environment(simulation.environment());
        options.open("/store").expect("it opens")
    };
    let database = open();
    database.create_table(schema()).expect("a new table");
    let add = || request(vec![update(1, UpdateExpression::new().add("n", 1))], Some("token"));
    database.transact_write(&add()).expect("a valid request");
    drop(database);

    let database = open();
    let table = database.table("Items").expect("it was made");
    let count = || table.get_item(("p", 1)).expect("it can be read").expect("it is there").get("n").cloned();
    simulation.clock().advance(Duration::from_secs(599));
    database.transact_write(&add()).expect("it was done before");
    assert_eq!(count(), Some(1.into()));
    simulation.clock().advance(Duration::from_secs(1));
    database.transact_write(&add()).expect("nobody remembers");
    assert_eq!(count(), Some(2.into()));
}

#[test]
fn a_token_runs_until_its_transaction_is_acknowledged() {
    let (database, table) = database();
    let add = request(vec![update(1, UpdateExpression::new().add("n", 1))], Some("token"));
    let running = database.submit_transact_write(&add).expect("a valid request");
    refused(
        database.transact_write(&add),
        "TransactionInProgressException",
        "The transaction with the given request token is already in progress.",
    );
    running.wait().expect("it is acknowledged");
    database.transact_write(&add).expect("it was done before");
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), Some(item(1).with("n", 1)));
    for token in ["", &"t".repeat(37)] {
        let wrong = request(vec![put(item(2))], Some(token));
        let error = database.transact_write(&wrong).expect_err("a token has 1 to 36 characters");
        assert_eq!(error.kind(), ErrorKind::Validation);
    }
    database
        .transact_write(&request(vec![put(item(2))], Some(&"é".repeat(36))))
        .expect("they are characters");
}

#[test]
fn a_transaction_has_at_most_a_hundred_actions_and_four_megabytes() {
    let (database, table) = database();
    let puts = |count: i32, bytes: usize| {
        transact(&database, (0..count).map(|sk| put(item(sk).with("b", "b".repeat(bytes)))).collect())
    };
    assert_eq!(puts(0, 1).map_err(|error| error.kind()).err(), Some(ErrorKind::Validation));
    assert_eq!(puts(101, 1).map_err(|error| error.kind()).err(), Some(ErrorKind::Validation));
    assert_eq!(puts(12, 380_000).map_err(|error| error.kind()).err(), Some(ErrorKind::Validation));
    assert_eq!(table.scan().count().expect("it can be read"), 0);
    puts(100, 1).expect("a hundred");
    puts(11, 380_000).expect("less than four megabytes");
    let get =
        |sk: i32| TransactGet { table: "Items".to_owned(), key: ("p", sk).into_key(), projection: None };
    let gets = |count: i32| {
        let request =
            TransactGetRequest { gets: (0..count).map(get).collect(), ..TransactGetRequest::default() };
        database.transact_get(&request)
    };
    assert_eq!(gets(100).expect("a hundred").items.len(), 100);
    assert_eq!(gets(101).map(drop).map_err(|error| error.kind()), Err(ErrorKind::Validation));
    table.put(&item(11).with("b", "b".repeat(380_000))).expect("a valid item");
    assert_eq!(gets(12).map(drop).map_err(|error| error.kind()), Err(ErrorKind::Validation));
    // What goes does not count: only what is sent.
    let deletes = (0..12).map(|sk| TransactWrite::Delete(DeleteRequest::new(("p", sk).into_key()))).collect();
    transact(&database, deletes).expect("the keys are small");
}

#[test]
fn a_repeated_transaction_is_as_durable_as_the_repetition_asks() {
    let simulation = Simulation::new(1);
    let database = Database::options().environment(simulation.environment()).open("/store");
    let database = database.expect("a new database");
    let table = database.create_table(schema()).expect("a new table");
    let mut first = request(vec![put(item(1))], Some("token"));
    first.durability = Durability::Buffered;
    let done = database.transact_write(&first).expect("a valid request").commit;
    // Buffered again, it is answered from memory, and may be lost.
    assert_eq!(database.transact_write(&first).expect("it was done").commit.seqno, done.seqno);
    // What a loss of power could leave.
    let images = || simulation.vfs().images(20, 1).map(|(_, image)| image).collect::<Vec<_>>();
    let before = images();
    let again = request(vec![put(item(1))], Some("token"));
    database.transact_write(&again).expect("it was done");
    let after = images();
    table.delete(("p", 1)).expect("a valid key");
    database.transact_write(&again).expect("it was done");
    assert_eq!(table.get_item(("p", 1)).expect("it can be read"), None, "it is not done again");
    drop((table, database));
    let survives = |image: SimVfs| {
        let opened = Database::options().environment(simulation.restart(image).environment()).open("/store");
        let table = opened.and_then(|database| database.table("Items")).expect("it was made durably");
        table.get_item(("p", 1)).expect("it can be read").is_some()
    };
    assert!(!before.into_iter().all(survives), "nobody had asked for more");
    assert!(after.into_iter().all(survives));
}

#[test]
fn money_is_neither_made_nor_lost_by_transfers_that_race() {
    let (database, table) = database();
    for account in 0..4 {
        table.put(&item(account).with("balance", 100)).expect("a valid item");
    }
    thread::scope(|scope| {
        for thread in 0..4 {
            let database = database.clone();
            scope.spawn(move || {
                for round in 0..40 {
                    let (from, to) = ((thread + round) % 4, (thread + round + 1) % 4);
                    let mut debit = UpdateRequest::new(
                        ("p", from).into_key(),
                        UpdateExpression::new().add("balance", -30).into_tree().expect("a valid update"),
                    );
                    debit.options.condition =
                        Some(attr("balance").ge(30).into_tree().expect("a valid condition"));
                    let credit = update(to, UpdateExpression::new().add("balance", 30));
                    match transact(&database, vec![TransactWrite::Update(debit), credit]) {
                        Ok(_) => {}
                        Err(error) => assert_eq!(error.kind(), ErrorKind::TransactionCanceled, "{error}"),
                    }
                    assert_eq!(total(&database), 400);
                }
            });
        }
    });
}

/// The sum of all balances at one moment.
fn total(database: &Database) -> i64 {
    let gets = (0..4).map(|account| TransactGet {
        table: "Items".to_owned(),
        key: ("p", account).into_key(),
        projection: Some(["balance"].into()),
    });
    let request = TransactGetRequest { gets: gets.collect(), ..TransactGetRequest::default() };
    let items = database.transact_get(&request).expect("a valid request").items;
    let balance = |item: Option<Item>| {
        let item = item.expect("it is there");
        item.get("balance").and_then(Value::as_number).expect("it has one").to_string()
    };
    items.into_iter().map(|item| balance(item).parse::<i64>().expect("a whole number")).sum()
}

#[test]
fn a_transaction_of_reads_answers_in_order() {
    let (database, table) = database();
    table.put(&item(2).with("a", 1)).expect("a valid item");
    let get =
        |sk: i32| TransactGet { table: "Items".to_owned(), key: ("p", sk).into_key(), projection: None };
    let request = TransactGetRequest { gets: vec![get(1), get(2)], ..TransactGetRequest::default() };
    let items = database.transact_get(&request).expect("a valid request").items;
    assert_eq!(items, [None, Some(item(2).with("a", 1))]);
}

#[test]
fn interactive_transactions_that_race_are_serializable() {
    let (database, table) = database();
    table.put(&item(0).with("x", 1).with("n", 0)).expect("a valid item");
    thread::scope(|scope| {
        for thread in 1..5 {
            let (database, table) = (database.clone(), table.clone());
            scope.spawn(move || {
                for round in 0..25 {
                    let next = database.transact(|transaction| {
                        // Counts what is there, by the table and by an index, and adds one.
                        let items = transaction.read(table.query("p"))?;
                        let by_index = transaction.read(table.query(1).index("ByX"))?;
                        assert_eq!(items.len(), by_index.len());
                        let next = i32::try_from(items.len()).expect("few items");
                        transaction.put(&table, &item(next).with("x", 1).with("thread", thread))?;
                        let after = transaction.read(table.query(1).index("ByX").reverse())?;
                        assert_eq!(after.len(), items.len() + 1, "its own write is seen");
                        Ok(next)
                    });
                    assert!(next.expect("it commits in the end") > round);
                }
            });
        }
    });
    let all = table.query("p").count().expect("it can be read");
    assert_eq!(all, 101, "nobody has overwritten what another has put");
}

#[test]
fn a_transaction_that_fails_does_nothing() {
    let (database, table) = database();
    let result = database.transact(|transaction| {
        transaction.put(&table, &item(1))?;
        assert_eq!(transaction.get_item(&table, ("p", 1))?, Some(item(1)));
        transaction.delete(&table, ("p", 1))?;
        assert_eq!(transaction.read(table.scan())?, []);
        transaction.put(&table, &item(2))?;
        transaction.write(table.put_request(&item(2)).if_absent()).map(drop)
    });
    assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::ConditionalCheckFailed));
    assert_eq!(table.scan().count().expect("it can be read"), 0);
}

#[test]
fn a_table_that_was_made_since_is_no_empty_one() {
    let database = Database::in_memory().expect("a new database");
    let mut transaction = database.begin_transaction().expect("the database is open");
    let table = database.create_table(schema()).expect("a new table");
    table.put(&item(1).with("x", 1)).expect("a valid item");
    let reads = [
        transaction.get_item(&table, ("p", 1)).map(drop),
        transaction.read(table.query("p")).map(drop),
        transaction.read(table.scan().index("ByX")).map(drop),
        transaction.put(&table, &item(2)),
    ];
    for (place, read) in reads.into_iter().enumerate() {
        let error = read.expect_err("it was not there yet");
        assert_eq!(error.kind(), ErrorKind::TransactionConflict, "number {place}");
        assert!(error.to_string().starts_with("The table Items was made after the moment"), "{error}");
    }
    let submitted = transaction.submit(Durability::Durable).expect("nothing fails");
    assert!(matches!(submitted, SubmittedTransaction::Conflict), "it comes to nothing: {submitted:?}");

    // Whoever has the closure run again finds what is there.
    let mut made = None;
    let items = database.transact(|transaction| {
        let table = made.get_or_insert_with(|| {
            let by_id = TableSchema::builder("Since").partition_key("id", KeyType::Number);
            let table = database.create_table(by_id.build().expect("a valid schema")).expect("a new table");
            table.put(&Item::new().with("id", 1)).expect("a valid item");
            table
        });
        transaction.read(table.scan())
    });
    assert_eq!(items.expect("it commits in the end").len(), 1);
}
