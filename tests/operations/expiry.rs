//! Expiry: what has expired is gone on every path from its instant on, is told once, and leaves nothing behind.

use crate::support::{item, refused, schema};
use pixii::env::schedule::{Event, Scheduler};
use pixii::env::time::Clock;
use pixii::sim::Simulation;
use pixii::{
    AttributeDefinition, BatchGetRequest, BatchWrite, BatchWriteRequest, Database, DatabaseOptions,
    Durability, EventName, ExpiredItems, GlobalIndexUpdate, IndexRequest, IntoKey, Item, KeyRole,
    KeySchemaElement, KeyType, KeysAndAttributes, ProjectionRequest, ProjectionType, PutRequest,
    ReturnValues, StreamRecord, StreamSpecification, StreamViewType, SubmittedTransaction, Table,
    TimeToLiveDescription, TimeToLiveSpecification, TransactGet, TransactGetRequest, TransactWrite,
    TransactWriteRequest, UpdateTableRequest, UpdateTimeToLiveRequest, UserIdentity, attr,
};
use std::time::Duration;

/// 2026-11-22T10:03:00.
const NOW: u64 = 1_795_341_780;

struct Store {
    simulation: Simulation,
    database: Database,
    table: Table,
}

fn options(simulation: &Simulation) -> DatabaseOptions {
    Database::options().environment(simulation.environment())
}

impl Store {
    /// A table whose items expire by `expires`.
    fn new() -> Self {
        let store = Self::lasting(ExpiredItems::Hidden);
        store.set_time_to_live("expires", true);
        store
    }

    /// A table whose items do not expire.
    fn lasting(expired_items: ExpiredItems) -> Self {
        let simulation = Simulation::new(3);
        simulation.clock().set_wall_millis(NOW * 1000);
        let database =
            options(&simulation).expired_items(expired_items).open("/store").expect("a new database");
        let table = database.create_table(schema()).expect("a new table");
        Self { simulation, database, table }
    }

    fn reopen(self) -> Self {
        let Self { simulation, database, .. } = self;
        database.close().expect("nothing failed");
        let database = options(&simulation).open("/store").expect("it was closed");
        let table = database.table("Items").expect("it is there");
        Self { simulation, database, table }
    }

    fn set_time_to_live(&self, attribute_name: &str, enabled: bool) {
        self.submit_time_to_live(attribute_name, enabled);
        self.database.wait_for_time_to_live("Items").expect("nothing fails");
    }

    fn submit_time_to_live(&self, attribute_name: &str, enabled: bool) {
        let time_to_live_specification =
            TimeToLiveSpecification { attribute_name: attribute_name.to_owned(), enabled };
        let table_name = "Items".to_owned();
        let request = UpdateTimeToLiveRequest { table_name, time_to_live_specification };
        self.database.update_time_to_live(request).expect("a valid request");
    }

    fn set_stream(&self, stream_enabled: bool) {
        let stream_view_type = stream_enabled.then_some(StreamViewType::NewAndOldImages);
        let request = UpdateTableRequest {
            table_name: "Items".to_owned(),
            stream_specification: Some(StreamSpecification { stream_enabled, stream_view_type }),
            ..UpdateTableRequest::default()
        };
        self.database.update_table(request).expect("a valid request");
    }

    /// Time passes, and nobody in the background does anything.
    fn pass(&self, seconds: u64) {
        self.simulation.clock().advance(Duration::from_secs(seconds));
    }

    /// Time passes, and jobs do what they have to do.
    fn live(&self, seconds: u64) {
        let never = Event::new();
        let seen = never.generation();
        self.simulation.scheduler().wait(&never, seen, Some(Duration::from_secs(seconds)));
    }

    fn records(&self) -> Vec<StreamRecord> {
        let records =
            self.database.stream("Items").and_then(|stream| stream.records()).expect("there is one");
        records.map(|record| record.expect("it can be read")).collect()
    }

    fn told(&self) -> Vec<(EventName, Option<Item>, Option<Item>, bool)> {
        let told = |record: StreamRecord| {
            let is_expiry = record.user_identity == Some(UserIdentity::EXPIRY);
            (record.event_name, record.old_image, record.new_image, is_expiry)
        };
        self.records().into_iter().map(told).collect()
    }

    /// How many items readers find: in the table, and in each index.
    fn counts(&self) -> [usize; 3] {
        let table = &self.table;
        [
            table.scan().into_iter().count(),
            table.scan().index("ByX").into_iter().count(),
            table.scan().index("ByRank").into_iter().count(),
        ]
    }
}

/// An item with an entry in each index.
fn mortal(sk: i32, expires: u64) -> Item {
    item(sk).with("x", 1).with("rank", sk).with("expires", expires)
}

#[test]
fn an_expired_item_is_gone_on_every_path_from_its_instant_on() {
    let store = Store::new();
    let table = &store.table;
    table.put(&mortal(1, NOW + 10)).expect("a valid item");
    table.put(&item(2).with("x", 1).with("rank", 2)).expect("a valid item");
    store.simulation.clock().advance(Duration::from_millis(9_999));
    assert_eq!(store.counts(), [2, 2, 2]);
    store.simulation.clock().advance(Duration::from_millis(1));
    assert_eq!(store.counts(), [1, 1, 1]);
    assert_eq!(table.get_item(("p", 1)).expect("a valid key"), None);
    assert_eq!(table.query("p").into_iter().count(), 1);
    assert_eq!(table.query("p").reverse().into_iter().count(), 1);
    assert_eq!(table.query("p").count().expect("a valid query"), 1);
    assert_eq!(table.query(1).index("ByX").into_iter().count(), 1);
    assert_eq!(table.query("p").index("ByRank").into_iter().count(), 1);
    assert_eq!(store.database.count_items("Items").expect("it is there").item_count, 1);

    let keys = vec![("p", 1).into_key(), ("p", 2).into_key()];
    let request = BatchGetRequest {
        tables: [("Items".to_owned(), KeysAndAttributes { keys, ..KeysAndAttributes::default() })].into(),
        ..BatchGetRequest::default()
    };
    let answer = store.database.batch_get(request).expect("a valid request");
    assert_eq!(answer.responses["Items"].len(), 1);
    let get = |sk| TransactGet { table: "Items".to_owned(), key: ("p", sk).into_key(), projection: None };
    let request = TransactGetRequest { gets: vec![get(1), get(2)], ..TransactGetRequest::default() };
    let answer = store.database.transact_get(&request).expect("a valid request");
    assert!(answer.items[0].is_none() && answer.items[1].is_some());
    let seen = store.database.transact(|transaction| {
        let found = transaction.get_item(table, ("p", 1))?;
        Ok((found, transaction.read(table.scan())?.len()))
    });
    assert_eq!(seen.expect("it commits"), (None, 1));
}

#[test]
fn a_write_finds_nothing_where_an_item_has_expired() {
    let store = Store::new();
    let table = &store.table;
    for sk in 1..=6 {
        table.put(&mortal(sk, NOW + 10).with("a", 1)).expect("a valid item");
    }
    store.pass(10);
    let failed = "The conditional request failed";
    let put = table.put_request(&item(1)).condition(attr("pk").exists());
    refused(put.send(), "ConditionalCheckFailedException", failed);
    let put = table.put_request(&item(1)).condition(attr("pk").not_exists());
    let put = put.return_values(ReturnValues::AllOld).send().expect("nothing is there");
    assert_eq!(put.attributes, None);
    let delete = table.delete_request(("p", 2)).return_values(ReturnValues::AllOld).send();
    assert_eq!(delete.expect("a valid key").attributes, None);
    let update = table.update(("p", 3)).add("a", 5).set("rank", 9).return_values(ReturnValues::AllNew).send();
    assert_eq!(update.expect("a valid update").attributes, Some(item(3).with("a", 5).with("rank", 9)));
    let update =
        table.update(("p", 4)).set("expires", NOW + 100).return_values(ReturnValues::UpdatedOld).send();
    assert_eq!(update.expect("a valid update").attributes, None);
    assert_eq!(table.get_item(("p", 4)).expect("a valid key"), Some(item(4).with("expires", NOW + 100)));
    let transact = |action| {
        let actions = vec![("Items".to_owned(), action)];
        store.database.transact_write(&TransactWriteRequest { actions, ..TransactWriteRequest::default() })
    };
    let mut request = PutRequest::new(item(5));
    request.options.condition = Some(attr("pk").exists().into_tree().expect("it is valid"));
    transact(TransactWrite::Put(request.clone())).expect_err("nothing is there");
    request.options.condition = Some(attr("pk").not_exists().into_tree().expect("it is valid"));
    transact(TransactWrite::Put(request)).expect("nothing is there");
    let decided = store.database.transact(|transaction| {
        let is_there = transaction.get_item(table, ("p", 6))?.is_some();
        transaction.put(table, &item(6).with("x", 2))?;
        Ok(is_there)
    });
    assert!(!decided.expect("it commits"));
    // None of the entries of the items that expired is left to be seen.
    assert_eq!(store.counts(), [5, 1, 1]);
}

#[test]
fn dates_count_however_they_are_written() {
    let store = Store::new();
    let table = &store.table;
    let writes = vec![BatchWrite::Put(mortal(1, NOW + 10)), BatchWrite::Put(mortal(2, NOW + 20))];
    let writes = [("Items".to_owned(), writes)].into();
    store
        .database
        .batch_write(BatchWriteRequest { writes, ..BatchWriteRequest::default() })
        .expect("valid items");
    table.put(&item(3).with("x", 1).with("rank", 3)).expect("a valid item");
    table.update(("p", 3)).set("expires", NOW + 10).send().expect("a valid update");
    let put = ("Items".to_owned(), TransactWrite::Put(PutRequest::new(mortal(4, NOW + 10))));
    let request = TransactWriteRequest { actions: vec![put], ..TransactWriteRequest::default() };
    store.database.transact_write(&request).expect("a valid item");
    store.database.transact(|transaction| transaction.put(table, &mortal(5, NOW + 10))).expect("it commits");
    // An update may take the date away, or put it off.
    for sk in [6, 7] {
        table.put(&mortal(sk, NOW + 10)).expect("a valid item");
    }
    table.update(("p", 6)).remove("expires").send().expect("a valid update");
    table.update(("p", 7)).set("expires", NOW + 30).send().expect("a valid update");
    assert_eq!(store.counts(), [7, 7, 7]);
    store.pass(10);
    assert_eq!(store.counts(), [3, 3, 3]);
    store.pass(20);
    assert_eq!(store.counts(), [1, 1, 1]);
    let store = store.reopen();
    assert_eq!(store.counts(), [1, 1, 1]);
}

#[test]
fn a_transaction_does_not_see_what_it_wrote_with_a_past_date() {
    let store = Store::new();
    let table = &store.table;
    store.set_stream(true);
    let seen = store.database.transact(|transaction| {
        transaction.put(table, &mortal(1, NOW - 10))?;
        transaction.put(table, &mortal(2, NOW + 10))?;
        let scanned = transaction.read(table.scan().index("ByX"))?.len();
        Ok((transaction.get_item(table, ("p", 1))?, scanned))
    });
    assert_eq!(seen.expect("it commits"), (None, 1));
    assert_eq!(store.counts(), [1, 1, 1]);
    store.live(2);
    let expired = mortal(1, NOW - 10);
    let told: Vec<_> = store.told().into_iter().filter(|told| told.1.as_ref() == Some(&expired)).collect();
    assert_eq!(told, [(EventName::Remove, Some(expired), None, true)]);
}

#[test]
fn a_transaction_that_saw_what_it_wrote_is_a_conflict_once_that_has_expired() {
    let store = Store::new();
    let commits = |seconds: u64| {
        let mut transaction = store.database.begin_transaction().expect("it is open");
        let expires = store.simulation.clock().wall_millis() / 1000 + 10;
        transaction.put(&store.table, &mortal(1, expires)).expect("it is valid");
        store.simulation.clock().advance(Duration::from_secs(seconds));
        assert!(transaction.get_item(&store.table, ("p", 1)).expect("it can be read").is_some());
        transaction.put(&store.table, &item(2)).expect("it is valid");
        let submitted = transaction.submit(Durability::Durable).expect("space");
        match submitted {
            SubmittedTransaction::Accepted(pending) => pending.wait().is_ok(),
            _ => false,
        }
    };
    assert!(commits(5));
    assert!(!commits(15), "in the order of commits there was nothing to see");
}

#[test]
fn each_expired_item_is_told_once_by_the_sweeper_or_by_the_write_that_meets_it() {
    let store = Store::new();
    let table = &store.table;
    store.set_stream(true);
    for sk in 1..=5 {
        table.put(&mortal(sk, NOW + 10)).expect("a valid item");
    }
    store.pass(10);
    // No job has had a step since.
    table.put(&item(1)).expect("a valid item");
    table.delete(("p", 2)).expect("a valid key");
    table.update(("p", 3)).remove("a").send().expect("nothing comes of it");
    store.database.transact(|transaction| transaction.put(table, &item(4).with("x", 2))).expect("it commits");
    let removed = |sk| (EventName::Remove, Some(mortal(sk, NOW + 10)), None, true);
    let inserted = |item| (EventName::Insert, None, Some(item), false);
    let expected = vec![
        removed(1),
        inserted(item(1)),
        removed(2),
        removed(3),
        removed(4),
        inserted(item(4).with("x", 2)),
    ];
    assert_eq!(store.told().split_off(5), expected);
    assert_eq!(store.counts(), [2, 1, 0]);
    store.live(1);
    assert_eq!(store.told().split_off(11), [removed(5)]);
    store.live(100);
    let store = store.reopen();
    store.live(100);
    assert_eq!(store.records().len(), 12);
    assert_eq!(store.counts(), [2, 1, 0]);
}

#[test]
fn the_sweeper_sleeps_until_something_expires() {
    let store = Store::new();
    store.set_stream(true);
    store.table.put(&mortal(1, NOW + 43_200)).expect("a valid item");
    store.table.put(&mortal(2, NOW + 21_600)).expect("a valid item");
    let store = store.reopen();
    store.live(60);
    let steps = || store.simulation.scheduler().step_count();
    let before = steps();
    store.live(21_000);
    let idle_steps = steps() - before;
    assert!(idle_steps < 21_000 / 10, "{idle_steps} steps of all jobs in six hours");
    assert_eq!(store.records().len(), 2);
    store.live(600);
    assert_eq!(store.records().len(), 3);
    store.live(21_600);
    assert_eq!(store.records().len(), 4);
}

/// An index over `y`, added to the table as it is.
fn add_index(store: &Store) {
    let attribute_name = "y".to_owned();
    let attribute_type = KeyType::Number;
    let definition = AttributeDefinition { attribute_name: attribute_name.clone(), attribute_type };
    let projection_type = Some(ProjectionType::All);
    let index = IndexRequest {
        index_name: "ByY".to_owned(),
        key_schema: vec![KeySchemaElement { attribute_name, key_type: KeyRole::Partition }],
        projection: ProjectionRequest { projection_type, non_key_attributes: None },
        ..IndexRequest::default()
    };
    let create = GlobalIndexUpdate { create: Some(index), ..GlobalIndexUpdate::default() };
    let request = UpdateTableRequest {
        table_name: "Items".to_owned(),
        attribute_definitions: vec![definition],
        global_secondary_index_updates: vec![create],
        ..UpdateTableRequest::default()
    };
    store.database.update_table(request).expect("a valid request");
}

#[test]
fn an_index_that_is_added_while_items_expire_holds_what_is_alive() {
    for is_streaming in [false, true] {
        let store = Store::lasting(ExpiredItems::Hidden);
        for sk in 0..600 {
            let item = mortal(sk, NOW + 10 * (1 + u64::try_from(sk % 3).expect("it is small"))).with("y", 1);
            store.table.put_request(&item).durability(pixii::Durability::Buffered).send().expect("space");
        }
        if is_streaming {
            store.set_stream(true);
        }
        // Two backfills at once, and a third of the items dies in the midst.
        store.submit_time_to_live("expires", true);
        add_index(&store);
        for _ in 0..20 {
            store.simulation.scheduler().step_one();
        }
        store.pass(10);
        store.database.wait_for_index("Items", "ByY").expect("nothing fails");
        store.database.wait_for_time_to_live("Items").expect("nothing fails");
        let in_index = || store.table.query(1).index("ByY").into_iter().count();
        assert_eq!((in_index(), store.counts()), (400, [400; 3]));
        store.pass(10);
        assert_eq!((in_index(), store.counts()), (200, [200; 3]));
        store.live(60);
        assert_eq!((in_index(), store.counts()), (0, [0; 3]));
        if is_streaming {
            assert_eq!(store.records().len(), 600);
        }
    }
}

#[test]
fn nothing_is_swept_while_the_wall_clock_is_behind() {
    let store = Store::new();
    store.set_stream(true);
    store.table.put(&mortal(1, NOW + 10)).expect("a valid item");
    store.pass(20);
    // Time has gone on for readers, and then somebody sets the clock back.
    assert_eq!(store.counts(), [0, 0, 0]);
    store.simulation.clock().set_wall_millis(NOW * 1000);
    store.live(9);
    assert_eq!((store.counts(), store.records().len()), ([0, 0, 0], 1), "time does not go back");
    store.live(60);
    assert_eq!(store.records().len(), 2);
}

#[test]
fn entities_expire_by_the_field_that_says_so() {
    let store = Store::new();
    let visits = store.database.create_entity::<Visit>().expect("a new table");
    visits.put(&Visit { id: 1, until: NOW + 10 }).expect("a valid item");
    store.pass(9);
    assert!(visits.get(1).expect("a valid key").is_some());
    store.pass(1);
    assert!(visits.get(1).expect("a valid key").is_none());
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, pixii::Entity)]
#[pixii(table = "Visits")]
struct Visit {
    #[pixii(partition_key)]
    id: u64,
    #[pixii(ttl)]
    until: u64,
}

#[test]
fn an_entity_s_table_that_was_made_without_its_expiry_gets_it_unless_somebody_has_disabled_it() {
    use pixii::Entity;
    let database = Database::in_memory().expect("a new database");
    let state = || database.describe_time_to_live(Visit::TABLE).expect("it is there");
    database.create_table(Visit::schema().build().expect("valid")).expect("whoever made it got no further");
    assert_eq!(state(), TimeToLiveDescription::Disabled);
    database.entity_or_create::<Visit>().expect("it is there");
    assert_ne!(state(), TimeToLiveDescription::Disabled);
    database.wait_for_time_to_live(Visit::TABLE).expect("nothing fails");
    let specification = TimeToLiveSpecification { attribute_name: "until".to_owned(), enabled: false };
    let request = UpdateTimeToLiveRequest {
        table_name: Visit::TABLE.to_owned(),
        time_to_live_specification: specification,
    };
    database.update_time_to_live(request).expect("it is enabled");
    database.entity_or_create::<Visit>().expect("it is there");
    assert_eq!(state(), TimeToLiveDescription::Disabled, "somebody wanted it so");
}

#[test]
fn a_stream_tells_of_what_expires_after_it_began() {
    let store = Store::new();
    store.table.put(&mortal(1, NOW + 10)).expect("a valid item");
    store.table.put(&mortal(2, NOW + 20)).expect("a valid item");
    store.pass(10);
    store.set_stream(true);
    store.live(30);
    assert_eq!(store.told(), [(EventName::Remove, Some(mortal(2, NOW + 20)), None, true)]);
    assert_eq!(store.counts(), [0, 0, 0]);
}

#[test]
fn items_that_were_there_before_expire_once_the_setting_has_come_to_them() {
    let store = Store::lasting(ExpiredItems::Hidden);
    for sk in 0..1000 {
        let expires = if sk % 2 == 0 { NOW - 1 } else { NOW + 10 };
        store
            .table
            .put_request(&mortal(sk, expires))
            .durability(pixii::Durability::Buffered)
            .send()
            .expect("space");
    }
    store.set_stream(true);
    store.submit_time_to_live("expires", true);
    let describe = || store.database.describe_time_to_live("Items").expect("it is there");
    let attribute_name = || "expires".to_owned();
    assert_eq!(describe(), TimeToLiveDescription::Enabling { attribute_name: attribute_name() });
    store.database.wait_for_time_to_live("Items").expect("nothing fails");
    assert_eq!(describe(), TimeToLiveDescription::Enabled { attribute_name: attribute_name() });
    assert_eq!(store.counts(), [500, 500, 500]);
    store.live(1);
    assert_eq!(store.records().len(), 500, "the stream hears of the expired and of nothing else");
    store.pass(10);
    assert_eq!(store.counts(), [0, 0, 0]);
    store.live(1);
    let told = store.records();
    assert!(told.iter().all(|record| record.user_identity == Some(UserIdentity::EXPIRY)));
    assert_eq!(told.len(), 1000);
}

#[test]
fn what_had_not_expired_when_expiry_was_disabled_never_does() {
    let store = Store::new();
    store.table.put(&mortal(1, NOW + 10)).expect("a valid item");
    store.table.put(&mortal(2, NOW + 11)).expect("a valid item");
    store.pass(10);
    store.set_time_to_live("expires", false);
    let describe = |store: &Store| store.database.describe_time_to_live("Items").expect("it is there");
    assert_eq!(describe(&store), TimeToLiveDescription::Disabled);
    store.live(1000);
    store.table.put(&mortal(3, NOW + 1)).expect("a valid item");
    assert_eq!(store.counts(), [2, 2, 2]);
    store.database.compact().expect("nothing fails");
    let store = store.reopen();
    assert_eq!(store.counts(), [2, 2, 2]);
    // By another attribute, under another generation.
    store.table.update(("p", 2)).set("until", NOW + 2000).send().expect("a valid update");
    store.set_time_to_live("until", true);
    assert_eq!(store.counts(), [2, 2, 2]);
    store.live(1000);
    assert_eq!(store.counts(), [1, 1, 1]);
    store.set_time_to_live("until", false);
    store.set_time_to_live("expires", true);
    assert_eq!(store.counts(), [0, 0, 0]);
    store.table.put(&mortal(2, NOW + 5000)).expect("a valid item");
    assert_eq!(store.counts(), [1, 1, 1]);
}

#[test]
fn shown_items_are_read_and_rescued_until_they_are_swept() {
    let store = Store::lasting(ExpiredItems::ShownUntilSwept);
    store.set_time_to_live("expires", true);
    store.live(10);
    for sk in [1, 2, 3] {
        store.table.put(&mortal(sk, NOW + 20)).expect("a valid item");
    }
    store.pass(10);
    assert_eq!(store.counts(), [3, 3, 3], "expired, and not swept");
    let update = store.table.update(("p", 1)).set("expires", NOW + 100);
    update.condition(attr("expires").eq(NOW + 20)).send().expect("it is there");
    store.live(1);
    assert_eq!(store.counts(), [1, 1, 1]);
    assert!(store.table.get_item(("p", 1)).expect("a valid key").is_some());
    // The table keeps what was chosen for it.
    let store = store.reopen();
    store.live(75);
    store.pass(5);
    assert_eq!(store.counts(), [1, 1, 1]);
    store.set_time_to_live("expires", false);
    store.live(1000);
    assert_eq!(store.counts(), [1, 1, 1], "what was not swept stays");
}

#[test]
fn a_store_whose_items_have_all_expired_shrinks_by_itself() {
    let simulation = Simulation::new(3);
    simulation.clock().set_wall_millis(NOW * 1000);
    let open = options(&simulation).memtable_bytes(100_000).open("/store").expect("a new database");
    let table = open.create_table(schema()).expect("a new table");
    let store = Store { simulation, database: open, table };
    store.set_time_to_live("expires", true);
    for sk in 0..2000 {
        let item = mortal(sk, NOW + 3600).with("payload", "p".repeat(200));
        store.table.put_request(&item).durability(pixii::Durability::Buffered).send().expect("space");
    }
    store.database.compact().expect("nothing fails");
    let table_bytes = || -> usize {
        let files = store.simulation.vfs().files().into_iter();
        let tables = files.filter(|(path, _)| path.extension().is_some_and(|end| end == "sst"));
        tables.map(|(_, bytes)| bytes.len()).sum()
    };
    let full = table_bytes();
    assert!(full > 400_000, "{full} bytes");
    store.live(3500);
    assert_eq!(table_bytes(), full);
    let written = store.database.statistics().table_bytes_written;
    store.live(3600);
    assert!(table_bytes() < full / 50, "{} bytes of {full} are left", table_bytes());
    let rewritten = store.database.statistics().table_bytes_written - written;
    assert!(rewritten < full as u64 / 50, "whole files go: {rewritten} bytes were written");
}

#[test]
fn rows_about_transactions_and_parallel_scans_go_away_by_themselves() {
    let store = Store::new();
    let put = |token: u32| {
        let put = ("Items".to_owned(), TransactWrite::Put(PutRequest::new(item(1))));
        let client_request_token = Some(format!("token {token}"));
        let request = TransactWriteRequest {
            actions: vec![put],
            client_request_token,
            ..TransactWriteRequest::default()
        };
        store.database.transact_write(&request).expect("a valid request").commit
    };
    let first = put(0);
    store.pass(599);
    assert_eq!(put(0).seqno, first.seqno, "it was done");
    store.pass(1);
    assert!(put(0).seqno > first.seqno, "it was forgotten");
    for token in 1..2000 {
        put(token);
    }
    let segment = |total| store.table.scan().segment(0, total).into_iter().count();
    for total in 2..100 {
        segment(total);
    }
    store.database.compact().expect("nothing fails");
    let entries = || store.database.statistics().levels.iter().map(|level| level.entries).sum::<u64>();
    let full = entries();
    assert!(full > 2000, "{full} entries");
    store.live(2 * 3600);
    assert!(entries() < full - 1900, "{} of {full} entries are left: no tokens", entries());
    store.live(26 * 3600);
    assert!(entries() < 20, "{} of {full} entries are left", entries());
}
