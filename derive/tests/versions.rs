//! Entities that count their versions: nobody overwrites what they have not seen.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]

use pixii::{Database, Entity, EntityVersion, ErrorKind, Item, TypedTable, attr};
use serde::{Deserialize, Serialize};
use std::thread;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Pages")]
struct Page {
    #[pixii(partition_key)]
    path: String,
    edits: u32,
    #[pixii(version)]
    #[serde(rename = "v")]
    version: u32,
}

fn page(version: u32) -> Page {
    Page { path: "/".into(), edits: 0, version }
}

fn pages() -> TypedTable<Page> {
    Database::in_memory().and_then(|database| database.create_entity()).expect("a new table")
}

fn stored(pages: &TypedTable<Page>) -> Option<(u32, u32)> {
    pages.get("/").expect("it can be read").map(|page| (page.edits, page.version))
}

fn kind<T>(result: pixii::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

const LOST: Option<ErrorKind> = Some(ErrorKind::ConditionalCheckFailed);

#[test]
fn a_put_is_the_next_version_and_only_over_the_one_that_was_read() {
    let pages = pages();
    pages.put(&page(0)).expect("nothing is there");
    assert_eq!(stored(&pages), Some((0, 1)));
    assert_eq!(kind(pages.put(&page(0))), LOST);
    assert_eq!(kind(pages.put(&page(2))), LOST);
    pages.put(&Page { edits: 7, ..page(1) }).expect("it was read");
    assert_eq!(stored(&pages), Some((7, 2)));
}

#[test]
fn a_saved_entity_can_be_saved_again_and_one_that_was_not_is_as_it_was() {
    let pages = pages();
    let mut mine = page(0);
    for edits in 1..4 {
        mine.edits = edits;
        pages.save(&mut mine).expect("nobody else writes");
    }
    assert_eq!((mine.version, stored(&pages)), (3, Some((3, 3))));
    let mut stale = page(2);
    assert_eq!(kind(pages.save(&mut stale)), LOST);
    assert_eq!(stale, page(2));
}

#[test]
fn what_was_never_counted_is_version_zero() {
    let pages = pages();
    pages.table().put(&Item::new().with("path", "/").with("edits", 5)).expect("a valid item");
    pages.put(&page(0)).expect("no version was there to be seen");
    pages.table().put(&Item::new().with("path", "/").with("edits", 5).with("v", 0)).expect("a valid item");
    pages.update_entity(&page(0)).add(Page::EDITS, 1).send().expect("zero is what was read");
    assert_eq!(stored(&pages), Some((6, 1)));
}

#[test]
fn updates_and_deletes_of_an_entity_are_of_the_version_that_was_read() {
    let pages = pages();
    pages.put(&page(0)).expect("nothing is there");
    let answer = pages.update_entity(&page(1)).add(Page::EDITS, 1).return_new().send().expect("it was read");
    assert_eq!(answer.attributes.and_then(|item| item.get("v").cloned()), Some(2.into()));
    assert_eq!(kind(pages.update_entity(&page(1)).add(Page::EDITS, 1).send()), LOST);
    assert_eq!(kind(pages.delete_entity(&page(1)).send()), LOST);
    let refused = pages.update_entity(&page(2)).set(Page::EDITS, 9).condition(attr("edits").gt(5)).send();
    assert_eq!(kind(refused), LOST, "a condition of one's own counts as well");
    assert_eq!(stored(&pages), Some((1, 2)));
    pages.delete_entity(&page(2)).send().expect("it was read");
    assert_eq!(stored(&pages), None);
}

#[test]
fn an_update_by_key_is_noticed_by_who_has_read_before() {
    let pages = pages();
    pages.put(&page(0)).expect("nothing is there");
    pages.update("/").set(Page::EDITS, 4).send().expect("a valid update");
    assert_eq!(stored(&pages), Some((4, 2)));
    assert_eq!(kind(pages.put(&page(1))), LOST);
}

#[test]
fn the_last_version_has_no_next() {
    let pages = pages();
    assert_eq!(page(7).version(), Some(EntityVersion { seen: 7.into(), next: Some(8.into()) }));
    let error = pages.put(&page(u32::MAX)).expect_err("the type has no greater number");
    assert_eq!(error.kind(), ErrorKind::Serialization);
    assert_eq!(error.to_string(), "v: no version of this type comes after 4294967295");
    assert_eq!(kind(pages.update_entity(&page(u32::MAX)).send()), Some(ErrorKind::Serialization));
}

#[test]
fn of_those_who_save_the_same_version_one_wins() {
    let pages = pages();
    pages.put(&page(0)).expect("nothing is there");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    loop {
                        let mut mine = pages.get("/").expect("it can be read").expect("it is there");
                        mine.edits += 1;
                        match pages.save(&mut mine) {
                            Ok(()) => break,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::ConditionalCheckFailed),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(stored(&pages), Some((100, 101)), "no edit is lost");
}

#[test]
fn a_transaction_writes_the_version_that_it_has_read() {
    let database = Database::in_memory().expect("a new database");
    let pages = database.create_entity::<Page>().expect("a new table");
    pages.put(&page(0)).expect("nothing is there");
    let stale = database.transact(|transaction| transaction.write(pages.put_request(&page(0))));
    assert_eq!(kind(stale), LOST);
    database.transact(|transaction| transaction.write(pages.put_request(&page(1)))).expect("it was read");
    assert_eq!(stored(&pages), Some((0, 2)));
}
