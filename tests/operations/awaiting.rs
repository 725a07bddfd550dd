//! Writes that are awaited instead of waited for.
#![expect(clippy::disallowed_methods, reason = "a runtime parks its own thread")]

use crate::support::{database, item, refused};
use pixii::{
    BatchWrite, BatchWriteRequest, Durability, IntoKey, PutRequest, SubmittedTransaction, TransactWrite,
    TransactWriteRequest, UpdateTableRequest, attr,
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
