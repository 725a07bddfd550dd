//! Items in and out: both forms, all digits, round trips.

use crate::support::Place;
use serde_json::{Value as Json, json};

const NOTES: &str = "--table Notes --partition-key book:S --sort-key page:N --index ByTag:tag:S,page:N";

fn notes() -> Place {
    let place = Place::new();
    let file = place.file(
        "notes.json",
        r#"[{"book":"b","page":2,"tag":"x","text":"two"}, {"book":"a","page":-1,"tag":"x"},
            {"book":"b","page":10,"text":"ten"}, {"book":"b","page":1.5,"tag":"y"}]"#,
    );
    let run = place.run(&format!("import {file} {NOTES}"));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.is_empty() && run.err.starts_with("4 items imported into Notes in "), "{run:?}");
    place
}

fn pages(place: &Place, words: &str) -> Vec<Json> {
    place
        .items(&format!("query --table Notes {words}"))
        .into_iter()
        .map(|item| item["page"].clone())
        .collect()
}

#[test]
fn queries_answer_by_range_in_order() {
    let place = notes();
    let check =
        |words: &str, expected: Json| assert_eq!(Json::from(pages(&place, words)), expected, "{words}");
    check("--partition b", json!([1.5, 2, 10]));
    check("--partition b --reverse --limit 2", json!([10, 2]));
    check("--partition b --sort-eq 2.0", json!([2]));
    check("--partition b --sort-lt 2", json!([1.5]));
    check("--partition b --sort-le 2", json!([1.5, 2]));
    check("--partition b --sort-gt 2", json!([10]));
    check("--partition b --sort-ge 2", json!([2, 10]));
    check("--partition b --sort-between 1.5 2", json!([1.5, 2]));
    check("--partition a --sort-between -3 -1", json!([-1]));
    check("--partition nobody", json!([]));
    check("--partition x --index ByTag", json!([-1, 2]));
    check("--partition x --index ByTag --sort-ge 0", json!([2]));
}

#[test]
fn strings_are_queried_by_their_beginning() {
    let place = Place::new();
    let input = r#"{"pk":"-p","sk":"ab"} {"pk":"-p","sk":"abc"} {"pk":"-p","sk":"b"}"#;
    let run = place.run_with_input("import - --table Words --partition-key pk:S --sort-key sk:S", input);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(place.items("query --table Words --partition -p --sort-begins-with ab").len(), 2);
}

#[test]
fn get_prints_an_item_or_says_that_there_is_none() {
    let place = notes();
    let words = "get --table Notes --partition b --sort 2";
    assert_eq!(place.printed(words), "{\"book\":\"b\",\"page\":2,\"tag\":\"x\",\"text\":\"two\"}\n");
    let typed = r#"{"book":{"S":"b"},"page":{"N":"2"},"tag":{"S":"x"},"text":{"S":"two"}}"#;
    assert_eq!(place.printed(&format!("{words} --format dynamodb-json")).trim_end(), typed);
    place.run("get --table Notes --partition b --sort 3").check_refused("there is no item (b, 3) in Notes");
    place
        .run("get --table Notes --partition b")
        .check_refused("the key is book:S, page:N: give --sort as well");
}

#[test]
fn scans_print_all_items_or_some() {
    let place = notes();
    assert_eq!(place.items("scan --table Notes").len(), 4);
    assert_eq!(place.items("scan --table Notes --limit 3").len(), 3);
    assert_eq!(place.items("scan --table Notes --index ByTag").len(), 3);
}

#[test]
fn tables_are_printed_with_keys_as_import_takes_them() {
    let place = notes();
    let expected = json!({
        "table": "Notes", "partition_key": "book:S", "sort_key": "page:N",
        "indexes": [{"name": "ByTag", "partition_key": "tag:S", "sort_key": "page:N", "projection": "all"}],
    });
    assert_eq!(place.items("tables"), [expected]);
}

#[test]
fn stats_print_levels_and_files() {
    let place = notes();
    let printed = place.printed("stats");
    for expected in ["level ", "last commit       5", "manifest-", ".sst"] {
        assert!(printed.contains(expected), "{expected} is missing:\n{printed}");
    }
}

#[test]
fn verify_tells_a_whole_store_from_one_with_a_flipped_byte() {
    let place = notes();
    let printed = place.printed("verify");
    assert!(printed.ends_with("\nrows   4 items, 3 index entries\n"), "{printed}");
    assert!(!printed.contains("wrong"), "{printed}");
    let table = std::fs::read_dir(place.store()).expect("there is a store");
    let mut table = table.map(|entry| entry.expect("it can be listed").path());
    let table =
        table.find(|path| path.extension().is_some_and(|kind| kind == "sst")).expect("it was flushed");
    let mut bytes = std::fs::read(&table).expect("it can be read");
    bytes[40] ^= 1;
    std::fs::write(&table, bytes).expect("it is ours");
    let run = place.run("verify");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.starts_with(&format!("wrong  {} at byte ", table.display())), "{run:?}");
    assert!(run.out.ends_with("rows   not looked at, because the files are not whole\n"), "{run:?}");
    assert_eq!(run.err, "error: the store is not whole: there is 1 finding\n");
}

#[test]
fn a_second_import_goes_into_the_same_table() {
    let place = notes();
    let run = place.run_with_input("import - --table Notes", r#"{"book":"b","page":2}{"book":"c","page":1}"#);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(place.items("scan --table Notes").len(), 5);
    assert_eq!(place.printed("get --table Notes --partition b --sort 2"), "{\"book\":\"b\",\"page\":2}\n");
}

#[test]
fn all_digits_are_kept_through_import_and_export() {
    let place = Place::new();
    let digits = "12345678901234567890123456789012345678";
    let tiny = format!("0.{}1", "0".repeat(129));
    let large = format!("99{}", "0".repeat(124));
    let input = format!(r#"{{"id":1,"a":{digits},"b":-0.{digits},"c":1e-130,"d":100E+124,"e":[0.10]}}"#);
    let run = place.run_with_input("import - --table Items --partition-key id:N", &input);
    assert!(run.err.starts_with("error: standard input:1:1: attribute d: Number overflow."), "{run:?}");
    let run = place.run_with_input("import - --table Items", &input.replace("100E+124", "9.9E+125"));
    assert_eq!(run.code, Some(0), "{run:?}");
    let expected =
        format!("{{\"a\":{digits},\"b\":-0.{digits},\"c\":{tiny},\"d\":{large},\"e\":[0.1],\"id\":1}}\n");
    assert_eq!(place.printed("export --table Items"), expected);
}

/// One value of every type.
const TYPED: &str = concat!(
    r#"{"Item":{"b":{"B":"AP8="},"bs":{"BS":["","AQ=="]},"id":{"B":"gA=="},"l":{"L":[{"N":"1"},{"L":[]}]},"#,
    r#""m":{"M":{"S":{"S":"S"}}},"n":{"N":"-0.5"},"ns":{"NS":["1","2"]},"s":{"S":"é\n"},"ss":{"SS":["","a"]},"#,
    r#""yes":{"BOOL":true},"z":{"NULL":true}}}"#,
    "\n"
);

#[test]
fn dynamodb_json_keeps_every_type() {
    let place = Place::new();
    let run = place.run_with_input("import - --table Items --partition-key id:B", TYPED);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.starts_with("1 items imported from DynamoDB JSON into Items in "), "{run:?}");
    assert_eq!(place.printed("export --table Items --format dynamodb-json"), TYPED);
    let item = place.items("get --table Items --partition gA==").remove(0);
    assert_eq!(item["bs"], json!(["", "AQ=="]));
    assert_eq!((item["b"].clone(), item["z"].clone()), (json!("AP8="), Json::Null));
}

#[test]
fn typed_items_need_no_wrapper_and_the_form_can_be_said() {
    let place = Place::new();
    let typed = r#"[{"id":{"S":"a"}},{"Item":{"id":{"S":"b"}}}]"#;
    let run =
        place.run_with_input("import - --table Items --partition-key id:S --format dynamodb-json", typed);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(place.items("scan --table Items").len(), 2);
    let run = place.run_with_input("import - --table Items --format json", r#"{"id":{"S":"a"}}"#);
    assert!(run.err.contains("Type mismatch for key id expected: S actual: M"), "{run:?}");
    let run = place.run_with_input("import - --table Items --format dynamodb-json", r#"{"id":"a"}"#);
    assert!(run.err.contains("attribute id: expected a value with its type"), "{run:?}");
}

#[test]
fn what_is_exported_can_be_imported_and_exported_the_same() {
    let place = notes();
    for format in ["json", "dynamodb-json"] {
        let other = Place::new();
        let exported = place.printed(&format!("export --table Notes --format {format}"));
        let file = other.file("export", &exported);
        other.printed(&format!("import {file} {NOTES}"));
        assert_eq!(other.printed(&format!("export --table Notes --format {format}")), exported);
        assert_eq!(pages(&other, "--partition x --index ByTag"), [json!(-1), json!(2)]);
    }
}
