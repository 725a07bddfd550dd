//! What was found once is looked for ever after: `tests/regressions` keeps the seeds.

use crate::clients::run;
use crate::rot::exchange;

/// Seed and number of operations of each line.
fn seeds(text: &str) -> Vec<(u64, u64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let numbers = lines.map(|line| {
        let mut words = line.split(' ').map_while(|word| word.parse().ok());
        words.next().zip(words.next()).unwrap_or_else(|| panic!("not a seed and a count: {line}"))
    });
    numbers.collect()
}

#[test]
fn what_clients_found_once_is_found_no_more() {
    let seeds = seeds(include_str!("../regressions/clients.txt"));
    assert!(!seeds.is_empty());
    for (seed, operations) in seeds {
        if let Err(wrong) = run(seed, operations, |_| false) {
            panic!("seed {seed}, {operations} operations: {wrong}");
        }
    }
}

#[test]
fn what_exchanged_files_found_once_is_found_no_more() {
    for (seed, _) in seeds(include_str!("../regressions/rot.txt")) {
        if let Err(wrong) = exchange(seed) {
            panic!("{wrong}");
        }
    }
}
