//! Real data: the films of DynamoDB's developer guide, against a filter of the same JSON.

use crate::support::Place;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// The films, which lie beside the repository where it is developed.
fn films() -> Option<(PathBuf, Vec<Json>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let path =
        root.ancestors().map(|folder| folder.join("shared/data/movies.json")).find(|path| path.is_file());
    let Some(path) = path else {
        eprintln!("passed over: there is no shared/data/movies.json beside the repository");
        return None;
    };
    let text = std::fs::read(&path).expect("it can be read");
    Some((path, serde_json::from_slice(&text).expect("it is JSON")))
}

fn title(film: &Json) -> &str {
    film["title"].as_str().expect("every film has a title")
}

/// The films that meet a condition, in the order of title and year.
fn expected(films: &[Json], meets: impl Fn(&Json) -> bool) -> Vec<&Json> {
    let mut found: Vec<_> = films.iter().filter(|film| meets(film)).collect();
    found.sort_by_key(|film| (title(film), film["year"].as_i64()));
    found
}

#[test]
fn films_are_imported_and_found() {
    let Some((path, films)) = films() else { return };
    let place = Place::new();
    let store = place.store().display().to_string();
    let words = "--table Movies --partition-key year:N --sort-key title:S --index ByTitle:title:S,year:N";
    let run = place.run(&format!("import {} {words} --store {store}", path.display()));
    assert_eq!((run.code, run.err), (Some(0), format!("4,609 items imported into Movies in {store}\n")));

    let query = |words: &str| place.items(&format!("query --table Movies {words}"));
    let of_2013 = |film: &Json| film["year"] == 2013;
    let check = |words: &str, meets: &dyn Fn(&Json) -> bool| {
        let (found, expected) = (query(words), expected(&films, meets));
        assert!(!expected.is_empty(), "{words} is meant to find something");
        assert!(found.iter().eq(expected), "{words}");
    };
    check("--partition 2013", &of_2013);
    check("--partition 2013 --sort-eq Rush", &|film| of_2013(film) && title(film) == "Rush");
    check("--partition 2013 --sort-lt C", &|film| of_2013(film) && title(film) < "C");
    check("--partition 2013 --sort-ge T", &|film| of_2013(film) && title(film) >= "T");
    check("--partition 2013 --sort-between G J", &|film| of_2013(film) && ("G"..="J").contains(&title(film)));
    check("--partition 2013 --sort-begins-with The", &|film| of_2013(film) && title(film).starts_with("The"));
    check("--partition Carrie --index ByTitle", &|film| title(film) == "Carrie");

    let newest: Vec<_> = query("--partition Carrie --index ByTitle --reverse --limit 1");
    let years = films.iter().filter(|film| title(film) == "Carrie").map(|film| film["year"].as_i64());
    assert_eq!(newest[0]["year"].as_i64(), years.max().flatten());
    let rush = place.items("get --table Movies --partition 2013 --sort Rush");
    assert_eq!(rush, [films.iter().find(|film| title(film) == "Rush").expect("it is there").clone()]);
}

#[test]
fn films_are_exported_as_they_were() {
    let Some((path, films)) = films() else { return };
    let words = "--table Movies --partition-key year:N --sort-key title:S";
    let place = Place::new();
    place.printed(&format!("import {} {words}", path.display()));
    for format in ["json", "dynamodb-json"] {
        let other = Place::new();
        let exported = place.printed(&format!("export --table Movies --format {format}"));
        let file = other.file("export", &exported);
        other.printed(&format!("import {file} {words}"));
        assert!(exported == other.printed(&format!("export --table Movies --format {format}")), "{format}");
    }
    let exported = place.items("export --table Movies");
    assert_eq!(exported.len(), films.len());
    let key = |film: &Json| (film["year"].as_i64(), title(film).to_owned());
    let mut films = films;
    films.sort_by_cached_key(key);
    assert!(exported == films, "an exported film is not as it was");
}
