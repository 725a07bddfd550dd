//! Replays the corpus of the fuzz targets, and gives each target some inputs that nobody has kept.
//!
//! So what fuzzing has found stays found on the stable toolchain. `fuzz/README.md` says how to fuzz. The number of inputs
//! made on the spot comes from `PIXII_FUZZ_INPUTS` (200). With `PIXII_WRITE_CORPUS=1` the seeds are written anew.
#![allow(missing_docs, reason = "a test binary has no readers of its documents")]
#![expect(clippy::disallowed_methods, reason = "the corpus is on the real disk")]

#[expect(unreachable_pub, reason = "the fuzz targets are the other reader of this module")]
mod targets;

use pixii::base::planted::{Bug, plant};
use pixii::sim::Seed;
use proptest::prelude::*;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use targets::list::{TARGETS, Target};
use targets::mutation::mutated;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs that are kept for a target, with their names, sorted.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz_folder().join("corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .expect("every target has a corpus")
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            (path.display().to_string(), fs::read(&path).expect("the file can be read"))
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs a target; a panic says which input it was.
#[track_caller]
fn run(name: &str, target: Target, input: &[u8], origin: &str) {
    assert!(catch_unwind(|| target(input)).is_ok(), "{name} fails on {origin}: {input:02x?}");
}

#[test]
fn the_corpus_holds() {
    if std::env::var_os("PIXII_WRITE_CORPUS").is_some() {
        write_seeds();
    }
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 10, "{name} has seeds");
        for (path, input) in inputs {
            run(name, target, &input, &path);
        }
    }
}

#[test]
fn inputs_that_nobody_has_kept_hold() {
    let count = std::env::var("PIXII_FUZZ_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    for (name, target) in TARGETS {
        let mut rng = Seed(1).stream(name);
        let kept: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
        for number in 0..count {
            let input = mutated(&mut rng, &kept);
            run(name, target, &input, &format!("input {number}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    /// Inputs for expressions alone: each is several trees, and there are many ways to be wrong.
    #[test]
    fn expressions_do_what_the_specification_says(input in prop::collection::vec(any::<u8>(), 0..600)) {
        targets::expression_evaluate::run(&input);
    }
}

/// A target that cannot fail proves nothing.
#[test]
fn the_targets_catch_planted_bugs() {
    const PLANTED: [(Bug, usize); 7] = [
        (Bug::LogChecksumIgnored, 0),
        (Bug::LogChecksumIgnored, 1),
        (Bug::BlockChecksumIgnored, 2),
        (Bug::AcknowledgedBeforeSync, 8),
        (Bug::OldVersionSurvivesCompaction, 8),
        (Bug::SnapshotIgnoredByCompaction, 8),
        (Bug::TombstoneDroppedEarly, 8),
    ];
    for (bug, index) in PLANTED {
        let (name, target) = TARGETS[index];
        let mut rng = Seed(2).stream(name);
        let kept: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
        let planted = plant(bug);
        let is_caught = (0..5000).any(|_| {
            let input = mutated(&mut rng, &kept);
            catch_unwind(|| target(&input)).is_err()
        });
        drop(planted);
        assert!(is_caught, "{name} does not see {bug:?}");
    }
}

#[test]
fn every_target_is_there_once() {
    let mut expected: Vec<String> = TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    expected.sort();
    let entries = fs::read_dir(fuzz_folder().join("fuzz_targets")).expect("the folder is there");
    let mut found: Vec<String> = entries
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, expected, "fuzz_targets");
    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).expect("the file is there");
    for name in expected {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}\"")), "{name} in fuzz/Cargo.toml");
    }
}

/// Writes the seeds: random choices of several lengths, and what is telling for the targets that read text.
fn write_seeds() {
    const NUMBERS: [&str; 16] = [
        "1 2",
        "-0.5 0.5",
        "99999999999999999999999999999999999999 1",
        "9.9999999999999999999999999999999999999E+125 -1E-130",
        "1e126 0",
        "1E-130 -1E-130",
        "1e-131 0",
        "0e125 0e-130",
        "0e126 1",
        "+007.5000 -.25",
        "1. .",
        "1e 1",
        "123456789012345678901234567890123456789 1",
        "100000000000000000000000000000000000000000 1",
        "1e9999999999999999999999 1",
        "0x10 1_000",
    ];
    const EXPRESSIONS: [&str; 16] = [
        "a = :v AND NOT (b < :n OR attribute_exists(#n.#m[3]))",
        "#n BETWEEN :n AND :n or c in (:v, b, size(a))",
        "begins_with(a, :v) AND contains(#n, :l) AND attribute_type(b, :t)",
        "((a = :v))",
        "NOT NOT NOT a <> :v",
        "a = = b",
        "(a.b).c[0] >= (size(b))",
        "#n = :v AND :n <= sk",
        "SET a = if_not_exists(b, :n) + :n, #n[1].#m = :v REMOVE c ADD d :n DELETE e :s",
        "set a = list_append(if_not_exists(a, :l), :l)",
        "SET a = :v, a.b = :v",
        "REMOVE a[1], a.b",
        "a, b.c[0], #n.#m, d[12].e",
        "a, name, _x",
        "a[01] = :zz",
        "((((((((((((((((((((((((((((((((((((((((",
    ];
    for (name, _) in TARGETS {
        let folder = fuzz_folder().join("corpus").join(name);
        fs::create_dir_all(&folder).expect("the folder can be made");
        let mut rng = Seed(0).stream(name);
        for (number, length) in
            [0, 8, 24, 60, 100, 150, 220, 300, 500, 800, 1200, 2000].into_iter().enumerate()
        {
            let mut seed = vec![0; length];
            rng.fill(&mut seed);
            fs::write(folder.join(format!("random-{number:02}")), seed).expect("the seed can be written");
        }
        let texts: &[&str] = match name {
            "number" => &NUMBERS,
            "expression_parse" => &EXPRESSIONS,
            _ => &[],
        };
        for (number, text) in texts.iter().enumerate() {
            // the first byte says that text follows
            let seed = [&[1], text.as_bytes()].concat();
            fs::write(folder.join(format!("text-{number:02}")), seed).expect("the seed can be written");
        }
    }
}
