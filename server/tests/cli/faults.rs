//! What goes wrong, how it is said, and what is kept.

use crate::support::{Place, Run, names_in, program};
use pixii::Database;
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::Stdio;

const KEY: &str = "--table Items --partition-key id:N";

/// Imports a file that has a fault behind three good items, and checks what is said and kept.
#[track_caller]
fn check_kept(content: &str, place_and_reason: &str) {
    let place = Place::new();
    let file = place.file("items.json", content);
    let run = place.run(&format!("import {file} {KEY}"));
    run.check_refused(&format!(
        "{file}:{place_and_reason}\n3 items before it were imported, and are kept in Items"
    ));
    assert_eq!(place.printed("scan --table Items").lines().count(), 3);
}

#[test]
fn a_malformed_file_is_told_with_its_place_and_what_came_before_is_kept() {
    let array = |fault: &str| format!("[\n  {{\"id\": 1}},\n  {{\"id\": 2}},\n  {{\"id\": 3}}{fault}");
    check_kept(&array(",\n  {\"id\" 4},\n  {\"id\": 5}\n]"), "5:9: expected `:`");
    check_kept(&array(",\n  {\"id\": 4\n  {\"id\": 5}\n]"), "6:3: expected `,` or `}`");
    check_kept(&array("\n  {\"id\": 4}]"), "5:3: expected `,` and a further object, or `]`, found `{`");
    check_kept(&array(",\n"), "5:1: expected an object behind the comma, found the end of the text");
    check_kept("{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":", "4:6: EOF while parsing a value");
}

#[test]
fn an_item_that_is_refused_is_told_with_the_place_where_it_begins() {
    let lines = |item: &str| format!("{{\"id\":1}}\n{{\"id\":2}}\n{{\"id\":3}}\n  {item}\n{{\"id\":5}}\n");
    check_kept(
        &lines("{\n\"name\": 4}"),
        "4:3: One or more parameter values were invalid: Missing the key id in the item",
    );
    check_kept(
        &lines("{\"id\": 4, \"digits\": [123456789012345678901234567890123456789]}"),
        "4:3: attribute digits[0]: Attempting to store more than 38 significant digits in a Number",
    );
    let nested = format!("{{\"id\":4,\"x\":{}1{}}}", "[".repeat(32), "]".repeat(32));
    let path = format!("x{}", "[0]".repeat(32));
    check_kept(
        &lines(&nested),
        &format!(
            "4:3: attribute {path}: Nesting Levels have exceeded supported limits: \
             Attributes in the item have nested levels beyond supported limit"
        ),
    );
    check_kept(
        &lines(&format!("{{\"id\":4,\"x\":{}", "[".repeat(100_000))),
        &format!("4:{}: recursion limit exceeded", 2 + 12 + 127),
    );
}

#[test]
fn an_import_that_cannot_succeed_creates_nothing() {
    let place = Place::new();
    let file = place.file("items.json", "{\"id\":1}");
    let store = place.store().display().to_string();
    place
        .run(&format!("import {file} --table Items"))
        .check_refused(&format!("there is no store at {store}: no such directory"));
    let missing = place.path("missing.json").display().to_string();
    place
        .run(&format!("import {missing} {KEY}"))
        .check_refused(&format!("cannot read {missing}: No such file or directory (os error 2)"));
    let run = place.run(&format!("import {file} --table Items --partition-key id:N --sort-key id:N"));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(names_in(&place.path("")), ["items.json"]);
}

#[test]
fn an_import_into_a_table_of_another_shape_is_refused() {
    let place = Place::new();
    let file = place.file("items.json", "{\"id\":1}");
    place.printed(&format!("import {file} {KEY}"));
    place
        .run(&format!("import {file} --table Items --partition-key id:S"))
        .check_refused("the table Items exists with the key id:N, not id:S");
    place
        .run(&format!("import {file} {KEY} --index ByX:x:S"))
        .check_refused("the index ByX was asked for with the key x:S, and the table Items exists without it");
    let store = place.store().display().to_string();
    place.run(&format!("import {file} --table Others")).check_refused(&format!(
        "there is no table Others in {store}; to create it, give --partition-key and, if it has one, --sort-key"
    ));
}

#[test]
fn looking_at_what_is_no_store_creates_none() {
    let place = Place::new();
    let missing = place.store().display().to_string();
    let foreign = place.path("foreign");
    std::fs::create_dir(&foreign).expect("a new directory");
    std::fs::write(foreign.join("letter.txt"), "dear").expect("space for a small file");
    for words in [
        "get --table Items --partition 1",
        "query --table Items --partition 1",
        "scan --table Items",
        "export --table Items",
        "tables",
        "stats",
    ] {
        place.run(words).check_refused(&format!("there is no store at {missing}: no such directory"));
        let run = Run::of(place.command(words).env("PIXII_STORE", &foreign));
        run.check_refused(&format!("{} is not a store: it has no manifest", foreign.display()));
    }
    assert_eq!(names_in(&place.path("")), ["foreign"]);
    assert_eq!(names_in(&foreign), ["letter.txt"]);
}

#[test]
fn a_store_that_is_open_elsewhere_says_so() {
    let place = Place::new();
    let file = place.file("items.json", "{\"id\":1}");
    place.printed(&format!("import {file} {KEY}"));
    let open = Database::open(place.store()).expect("nobody has it open");
    let locked = format!("the store in {} is open elsewhere", place.store().display());
    place.run("scan --table Items").check_refused(&locked);
    place.run(&format!("import {file} {KEY}")).check_refused(&locked);
    drop(open);
    assert_eq!(place.items("scan --table Items").len(), 1);
}

#[test]
fn unknown_names_are_told_with_what_there_is() {
    let place = Place::new();
    let file = place.file("items.json", "{\"id\":1}");
    place.printed(&format!("import {file} {KEY} --index ByX:x:S"));
    let store = place.store().display().to_string();
    place
        .run("scan --table Others")
        .check_refused(&format!("there is no table Others in {store}; it has Items"));
    place
        .run("query --table Items --partition 1 --index ByY")
        .check_refused("the table Items has no index ByY; it has ByX");
    place
        .run("query --table Items --partition 1 --sort-eq 1")
        .check_refused("there is no sort key; the key is id:N");
    place
        .run("get --table Items --partition one")
        .check_refused("one is no value of id:N: The parameter cannot be converted to a numeric value: one");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for words in [
        "",
        "dance",
        "scan --table Items",
        "import x --store s --table Items --partition-key year",
        "import x --store s --table Items --sort-key year:N",
        "query --store s --table Items --partition 1 --sort-eq 1 --sort-lt 2",
        "scan --store s --table Items --limit 0",
    ] {
        let run = Run::of(program().args(words.split_whitespace()));
        assert_eq!(run.code, Some(2), "{words}: {run:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let place = Place::new();
    let mut items = String::new();
    for id in 0..2_000 {
        writeln!(items, "{{\"id\":{id},\"text\":\"{}\"}}", "x".repeat(500)).expect("memory");
    }
    let file = place.file("items.json", &items);
    place.printed(&format!("import {file} {KEY}"));
    for words in ["scan --table Items", "export --table Items --format dynamodb-json"] {
        let mut command = place.command(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut first = [0; 10];
        child.stdout.take().expect("it was asked for").read_exact(&mut first).expect("a first item");
        let run = Run::from(child.wait_with_output().expect("it ends"));
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{words}");
    }
}
