//! Writes that are awaited instead of waited for.
#![expect(clippy::disallowed_methods, reason = "a runtime parks its own thread")]

use crate::support::{database, item, refused, schema};
use pixii::sim::{FaultRule, OpKind, Simulation, errno};
use pixii::{
    BatchWrite, BatchWriteRequest, Database, Durability, IntoKey, Item, KeyType, Outcome, PutRequest,
    SubmittedTransaction, TableSchema, TransactWrite, TransactWriteRequest, UpdateTableRequest, attr,
};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime: polls when it was woken, and never otherwise.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

#[test]
fn every_kind_of_write_can_be_awaited_in_any_order() {
    let (database, table) = database();
    block_on(async {
        let writes: Vec<_> =
            (0..50).map(|sk| table.put_request(&item(sk)).submit().expect("space")).collect();
        for (write, sk) in writes.into_iter().rev().zip((0..50).rev()) {
            let output = write.await.expect("nothing fails");
            assert!(table.get_item(("p", sk)).expect("it can be read").is_some());
            assert!(output.commit.seqno <= database.statistics().published);
        }
        let batch = [BatchWrite::Put(item(50)), BatchWrite::Delete(("p", 49).into_key())];
        let batch =
            BatchWriteRequest { writes: [("Items".to_owned(), batch.into())].into(), ..Default::default() };
        database.submit_batch_write(batch).expect("it is valid").await.expect("nothing fails");
        let put = TransactWrite::Put(PutRequest::new(item(51)));
        let request = TransactWriteRequest { actions: vec![("Items".to_owned(), put)], ..Default::default() };
        database.submit_transact_write(&request).expect("it is valid").await.expect("nothing fails");
        let mut transaction = database.begin_transaction().expect("it is open");
        transaction.put(&table, &item(52)).expect("it is valid");
        let SubmittedTransaction::Accepted(pending) = transaction.submit(Durability::Durable).expect("space")
        else {
            panic!("nobody else writes")
        };
        pending.await.expect("nothing fails");
        let update = UpdateTableRequest {
            table_name: "Items".to_owned(),
            deletion_protection_enabled: Some(true),
            ..Default::default()
        };
        database.submit_update_table(update).expect("it is valid").await.expect("nothing fails");
    });
    assert_eq!(table.scan().count().expect("it can be read"), 52);
    assert!(database.describe_table("Items").expect("it is there").deletion_protection_enabled);
}

#[test]
fn a_refusal_that_rests_on_an_unpublished_write_is_awaited_with_it() {
    let (_database, table) = database();
    block_on(async {
        let first = table.put_request(&item(1)).submit().expect("space");
        let second =
            table.put_request(&item(1)).condition(attr("pk").not_exists()).submit().expect("it is valid");
        refused(second.await, "ConditionalCheckFailedException", "The conditional request failed");
        assert!(
            table.get_item(("p", 1)).expect("it can be read").is_some(),
            "the first is published by then"
        );
        first.await.expect("nothing fails");
    });
}

#[test]
fn a_refusal_writes_nothing_whatever_becomes_of_what_it_rests_on() {
    let simulation = Simulation::new(5);
    let database =
        Database::options().environment(simulation.environment()).open("/store").expect("a new store");
    let table = database.create_table(schema()).expect("a new table");
    let first = table.put_request(&item(1)).submit().expect("space");
    let second =
        table.put_request(&item(1)).condition(attr("pk").not_exists()).submit().expect("it is valid");
    simulation.vfs().fail(FaultRule::on(&[OpKind::Sync]).path("*.wal").errno(errno::EIO));
    assert_eq!(first.wait().expect_err("the sync fails").outcome(), Outcome::Unknown);
    assert_eq!(second.wait().expect_err("its ground is gone").outcome(), Outcome::Rejected);
}

#[test]
fn a_table_whose_deletion_nobody_waits_for_is_gone_all_the_same() {
    let (database, _) = database();
    drop(database.submit_delete_table("Items").expect("it is there"));
    let table = database.create_table(schema()).expect("the name is free");
    table.put(&item(1)).expect("space");
    assert_eq!(table.scan().count().expect("it can be read"), 1);
}

#[test]
fn a_transaction_stands_on_a_table_that_refused_its_write() {
    let (database, table) = database();
    let other = TableSchema::builder("Other").partition_key("pk", KeyType::String).build();
    let other = database.create_table(other.expect("valid")).expect("a new table");
    other.put(&Item::new().with("pk", "p")).expect("space");
    let mut transaction = database.begin_transaction().expect("it is open");
    let taken = other.put_request(&Item::new().with("pk", "p")).condition(attr("pk").not_exists());
    transaction.write(taken).expect_err("it is there already");
    transaction.put(&table, &item(1)).expect("it is valid");
    database.delete_table("Other").expect("it is there");
    let submitted = transaction.submit(Durability::Durable).expect("space");
    assert!(matches!(submitted, SubmittedTransaction::Conflict), "what refused the write is no more");
}
