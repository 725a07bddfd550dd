//! Holds the direction of use and what else of the architecture a compiler does not see.
//!
//! The order of the layers is the order of the `mod` lines in `src/lib.rs`, and within a layer that of its `mod.rs`. The
//! sources are read as text, because the rules are about what is written, not about what it resolves to.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]
#![expect(clippy::disallowed_methods, reason = "the sources are read from the real disk")]

mod lexer;
mod paths;
mod rules;

use rules::Source;
use std::fs;
use std::path::Path;

/// Where `unsafe` may stand: each with its invariants on top and a safe face.
const UNSAFE: [&str; 6] = [
    "env/mapping.rs",
    "lsm/memtable/arena.rs",
    "lsm/memtable/node.rs",
    "lsm/memtable/buckets.rs",
    "lsm/memtable/skiplist.rs",
    "engine/epoch_cell.rs",
];

/// Which tables of contents hand on what stands elsewhere: the crate's face, and that of the simulated world.
const REEXPORTING: [&str; 2] = ["lib.rs", "env/sim/mod.rs"];

/// The files below a folder, by their paths within it, sorted.
fn read(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let name = path.strip_prefix(folder).expect("it was found below").to_string_lossy();
                files.push((name.replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    files
}

/// Gives the files of a package's `src` to a rule and expects no violations.
#[track_caller]
fn check(package: &str, rule: impl Fn(&[Source<'_>]) -> Vec<String>) {
    let files = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join("src"));
    assert!(!files.is_empty(), "there are sources to look at");
    let sources: Vec<Source<'_>> = files.iter().map(|(path, text)| Source { path, text }).collect();
    let violations = rule(&sources);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn use_goes_down_only() {
    check("", rules::direction);
}

#[test]
fn the_layers_stand_in_their_order() {
    let layers = ["base", "env", "format", "lsm", "engine", "dynamo", "api"];
    let lines: String = layers.map(|layer| format!("pub mod {layer};\n")).concat();
    let files = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let library = files.iter().find(|(path, _)| path == "lib.rs").expect("every library has it");
    assert!(library.1.contains(&lines), "the layers in the order of use:\n{lines}");
}

#[test]
fn a_table_of_contents_holds_no_logic() {
    check("", |sources| rules::tables_of_contents(sources, &REEXPORTING));
}

#[test]
fn things_are_named_where_they_live() {
    check("", |sources| rules::reexports(sources, &REEXPORTING));
}

#[test]
fn unsafe_code_stands_in_its_files_only() {
    check("", |sources| rules::word(sources, "unsafe", &UNSAFE));
    check("server", |sources| rules::word(sources, "unsafe", &[]));
    check("derive", |sources| rules::word(sources, "unsafe", &[]));
}

#[test]
fn bincode_is_known_to_one_module_only() {
    check("", |sources| rules::word(sources, "bincode", &["format/metadata.rs"]));
    check("server", |sources| rules::word(sources, "bincode", &[]));
}

#[test]
fn files_stay_short() {
    check("", rules::file_sizes);
    check("server", rules::file_sizes);
    check("derive", rules::file_sizes);
}
