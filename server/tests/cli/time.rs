//! Copies of a store, restores and the past, by the command line.

use crate::support::Place;
use pixii::{Database, Item, KeyType, TableSchema};
use serde_json::json;
use std::time::Duration;

/// A store with three items; the numbers of the commits behind the first and behind the second.
fn store(place: &Place) -> [u64; 2] {
    let options = Database::options().history(Duration::from_secs(3600));
    let database = options.open(place.store()).expect("a new store");
    let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build();
    let notes = database.create_table(schema.expect("a schema")).expect("a new table");
    let commits = [1, 2].map(|id| {
        notes.put(&Item::new().with("id", id).with("n", id)).expect("space");
        database.as_of_now().expect("it is open").sequence_number()
    });
    notes.put(&Item::new().with("id", 3)).expect("space");
    notes.put(&Item::new().with("id", 1).with("n", 10)).expect("space");
    notes.delete(2).expect("space");
    database.close().expect("it is synced");
    commits
}

fn scanned(place: &Place, store: &str) -> Vec<serde_json::Value> {
    place.items(&format!("scan --table Notes --store {}", place.path(store).display()))
}

#[test]
fn a_checkpoint_is_a_store_and_its_forks_change_by_themselves() {
    let place = Place::new();
    store(&place);
    let (copy, fork) = (place.path("copy"), place.path("fork"));
    place.printed(&format!("checkpoint {}", copy.display()));
    place.printed(&format!("fork {} {}", copy.display(), fork.display()));
    let words = format!("import - --table Notes --store {}", fork.display());
    assert_eq!(place.run_with_input(&words, r#"{"id":4}"#).code, Some(0));
    assert_eq!(scanned(&place, "fork").len(), 3);
    assert_eq!(scanned(&place, "copy").len(), 2);
    let again = place.run(&format!("checkpoint {}", copy.display()));
    assert_eq!(again.code, Some(1), "{again:?}");
}

#[test]
fn an_archive_restores_a_store_to_a_commit_and_to_its_last() {
    let place = Place::new();
    store(&place);
    let archive = place.path("archive");
    let updated = place.run(&format!("archive update {}", archive.display()));
    let commit = updated.err.split("commit ").nth(1).and_then(|rest| rest.split(' ').next());
    let commit: u64 = commit.and_then(|number| number.parse().ok()).expect("the number of a commit");
    assert_eq!(place.run_with_input("import - --table Notes", r#"{"id":4}"#).code, Some(0));
    place.printed(&format!("archive update {}", archive.display()));
    let status = place.printed(&format!("archive status {}", archive.display()));
    // The import had no archive: what lies between the two updates is a gap.
    assert_eq!(status.lines().count(), 2, "{status}");
    assert!(status.contains("  to  commit "), "{status}");
    place.printed(&format!("restore {} {}", archive.display(), place.path("last").display()));
    assert_eq!(scanned(&place, "last").len(), 3);
    let then = place.path("then");
    place.printed(&format!("restore {} {} --to {commit}", archive.display(), then.display()));
    assert_eq!(scanned(&place, "then"), [json!({"id": 1, "n": 10}), json!({"id": 3})]);

    let early = place.path("early");
    let refused = place.run(&format!("restore {} {} --to 0", archive.display(), early.display()));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let absent = place.path("absent");
    place
        .run(&format!("restore {} {}", absent.display(), early.display()))
        .check_refused(&format!("there is no archive at {}", absent.display()));
    let wrong = place.run(&format!("restore {} {} --to noon", archive.display(), early.display()));
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
}

#[test]
fn a_diff_prints_what_was_and_what_became_and_leaves_the_store_alone() {
    let place = Place::new();
    let [first, second] = store(&place);
    let diff = |words: &str| place.items(&format!("diff --table Notes {words}"));
    let one = |n: &str| json!({"id": {"N": "1"}, "n": {"N": n}});
    let two = json!({"id": {"N": "2"}, "n": {"N": "2"}});
    for _ in 0..2 {
        assert_eq!(diff(&format!("--from {first} --to {second}")), [json!({"New": two})]);
        let expected = [
            json!({"Old": one("1"), "New": one("10")}),
            json!({"Old": two}),
            json!({"New": {"id": {"N": "3"}}}),
        ];
        assert_eq!(diff(&format!("--from {second}")), expected);
    }
    let ahead = place.run("diff --table Notes --from 1000000");
    assert!(ahead.code == Some(1) && ahead.err.contains("the oldest moment that is kept"), "{ahead:?}");
}

#[test]
fn a_backup_outlives_its_table_by_name() {
    let place = Place::new();
    store(&place);
    let made = place.items("backup create --table Notes monday").remove(0);
    assert_eq!(place.items("backup list"), std::slice::from_ref(&made));
    assert!(place.items("backup list --table Other").is_empty());
    let arn = made["arn"].as_str().expect("a name").to_owned();
    let described = place.items(&format!("backup describe {arn}")).remove(0);
    assert_eq!((&described["backup"], &described["table"]), (&json!("monday"), &json!("Notes")));
    let restored = place.run(&format!("backup restore {arn} --table Saved"));
    assert!(restored.code == Some(0) && restored.err.contains("2 items restored into Saved"), "{restored:?}");
    assert_eq!(place.items("scan --table Saved"), place.items("scan --table Notes"));
    place.printed(&format!("backup delete {arn}"));
    assert!(place.printed("backup list").is_empty());
}
