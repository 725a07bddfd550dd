//! Conditions on writes.

use crate::support::{item, refused, table};
use pixii::{ErrorKind, Fault, ReturnValues, WriteFault, attr};
use std::thread;

const FAILED: (&str, &str) = ("ConditionalCheckFailedException", "The conditional request failed");

#[test]
fn a_condition_on_a_missing_item_sees_no_attributes() {
    let table = table();
    refused(table.put_request(&item(1)).condition(attr("pk").eq("p")).send(), FAILED.0, FAILED.1);
    table.put_request(&item(1)).condition(attr("pk").not_exists()).send().expect("nothing is there");
    refused(table.put_request(&item(1)).if_absent().send(), FAILED.0, FAILED.1);
    refused(table.delete_request(("p", 2)).condition(attr("sk").exists()).send(), FAILED.0, FAILED.1);
}

#[test]
fn a_failed_condition_tells_the_item_if_that_was_asked_for() {
    let table = table();
    table.put(&item(1).with("v", 1)).expect("a valid item");
    let update = || table.update(("p", 1)).set("v", 2).condition(attr("v").gt(1));
    let item_of = |error: &pixii::Error| match error.fault() {
        Fault::Write(WriteFault::ConditionFailed { item }) => item.as_deref().cloned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(item_of(&refused(update().send(), FAILED.0, FAILED.1)), None);
    let told = refused(update().return_old_on_failure().send(), FAILED.0, FAILED.1);
    assert_eq!(item_of(&told), Some(item(1).with("v", 1)));
}

#[test]
fn a_version_that_has_moved_on_is_found() {
    let table = table();
    table.put(&item(1).with("version", 1).with("n", 0)).expect("a valid item");
    table.update(("p", 1)).set("n", 1).if_version("version", 1).send().expect("it is version 1");
    let error = table.update(("p", 1)).set("n", 2).if_version("version", 1).send().expect_err("it is 2");
    assert_eq!(error.kind(), ErrorKind::ConditionalCheckFailed);
    let found = table.get_item(("p", 1)).expect("it can be read");
    assert_eq!(found, Some(item(1).with("version", 2).with("n", 1)));
}

#[test]
fn a_conditional_race_has_exactly_one_winner() {
    let table = table();
    for round in 0..50 {
        let winners: usize = thread::scope(|scope| {
            let racers: Vec<_> = (0..4)
                .map(|racer| {
                    let table = table.clone();
                    scope.spawn(move || {
                        let put = table.put_request(&item(round).with("racer", racer)).if_absent().send();
                        match put {
                            Ok(_) => 1,
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::ConditionalCheckFailed);
                                assert!(table.get_item(("p", round)).expect("it can be read").is_some());
                                0
                            }
                        }
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().expect("no panic")).sum()
        });
        assert_eq!(winners, 1);
    }
}

#[test]
fn a_put_can_only_return_the_old_item() {
    let table = table();
    refused(
        table.put_request(&item(1)).return_values(ReturnValues::AllNew).send(),
        "ValidationException",
        "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
    );
}
