//! The bodies of the fuzz targets, given inputs that a seeded generator makes of the corpus. What coverage leads to is
//! `cargo fuzz`'s; here the number counts, with every assertion on.

use crate::targets::list::TARGETS;
use crate::targets::mutation::mutated;
use pixii::sim::Seed;
use std::panic::catch_unwind;
use std::path::Path;

/// How often a target is run for each seed: more often the less it costs, so that none takes all the time.
fn executions_of(target: &str) -> u64 {
    match target {
        "number" | "key_order" => 24_000,
        "data_block" | "expression_parse" | "stored_item" => 12_000,
        "expression_evaluate" | "wal_read" | "manifest_read" => 3000,
        "table_open_scan" | "copies_read" => 500,
        _ => 40,
    }
}

/// Runs every target with inputs of this seed. Tells how many there were.
pub(crate) fn run(seed: u64) -> Result<u64, String> {
    let mut executions = 0;
    for (name, target) in TARGETS {
        let kept = corpus(name);
        let mut rng = Seed(seed).stream(name);
        for _ in 0..executions_of(name) {
            let input = mutated(&mut rng, &kept);
            executions += 1;
            if catch_unwind(|| target(&input)).is_err() {
                return Err(format!("{name} fails; keep this in fuzz/corpus/{name}: {input:02x?}"));
            }
        }
    }
    Ok(executions)
}

/// What is kept for a target, in the order of its names; and something for where there is no corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut kept: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    if kept.is_empty() {
        let mut bytes = vec![0; 600];
        Seed(0).stream(target).fill(&mut bytes);
        kept.push(bytes);
    }
    kept
}
