//! The tour, and that its child writes what it says.

use crate::support::{Place, Run, program};
use serde_json::Value as Json;

#[test]
fn the_tour_tells_its_story_and_leaves_its_store() {
    let place = Place::new();
    let run = Run::of(program().arg("tour").arg("--dir").arg(place.store()));
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let acknowledged = run.out.lines().find_map(|line| line.split_once(" while it was writing; "));
    let acknowledged = acknowledged.and_then(|(_, count)| count.split(' ').next()).expect("it says how many");
    let expected =
        format!("{acknowledged} of {acknowledged} acknowledged writes are there, none is lost or changed");
    assert!(run.out.contains(&expected), "{run:?}");
    assert!(run.out.contains("SIGKILL") && run.out.contains("manifest-"), "{run:?}");

    let acknowledged: usize = acknowledged.parse().expect("a number of less than a thousand");
    let in_table = place.items("scan --table UserMessages");
    let written = in_table.iter().filter(|message| user_id(message).starts_with("box-")).count();
    assert!(acknowledged >= 500 && (acknowledged..=acknowledged + 4).contains(&written), "{written}");
    let in_index = place.items("scan --table UserMessages --index SenderIndex");
    assert_eq!(sorted(in_index), sorted(in_table));
}

fn user_id(message: &Json) -> &str {
    message["user_id"].as_str().expect("every message has one")
}

fn sorted(items: Vec<Json>) -> Vec<String> {
    let mut items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    items.sort();
    items
}

#[test]
fn the_tour_does_not_touch_a_directory_that_is_in_use() {
    let place = Place::new();
    place.file("letter.txt", "dear");
    let directory = place.path("");
    let run = Run::of(program().arg("tour").arg("--dir").arg(&directory));
    run.check_refused(&format!("{} is not empty: give a new directory", directory.display()));
    assert_eq!(crate::support::names_in(&directory), ["letter.txt"]);
}

#[test]
fn a_tour_without_a_directory_makes_its_own() {
    let place = Place::new();
    let run = Run::of(program().arg("tour").env("TMPDIR", place.path("")));
    assert_eq!(run.code, Some(0), "{run:?}");
    let names = crate::support::names_in(&place.path(""));
    assert!(matches!(names.as_slice(), [name] if name.starts_with("pixii-tour-")), "{names:?}");
}
