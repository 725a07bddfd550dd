//! Which suites there are, what one seed of each does, and what is counted of it.

use crate::{clients, crash, expiry, faults, indexes, random_walk, rot, serial, time_to_live, transactions};
use std::collections::BTreeMap;

/// A suite, as the soak runs it.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// What it does, for the report.
    pub(crate) about: &'static str,
    /// Its part of the time, of all parts together.
    pub(crate) share: u32,
    /// Runs one seed. What is wrong is an error.
    pub(crate) run: fn(u64, &mut Figures) -> Result<(), String>,
}

/// What a suite has done, by name; and how often an operation was stopped or failed on a kind of file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) hits: BTreeMap<(String, &'static str), u64>,
}

impl Figures {
    fn add(&mut self, name: &'static str, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
        for (pair, count) in &other.hits {
            *self.hits.entry(pair.clone()).or_default() += count;
        }
    }

    fn take(&mut self, figures: &crash::Figures) {
        self.add(CRASH_POINTS, figures.crash_points);
        self.add(POWER_LOSSES, figures.images);
        self.add("of them, lost power again in recovery", figures.second_crashes);
        self.add("failed syncs", figures.sync_failures);
        self.add(ERRORS, figures.errors_injected);
        self.add("acknowledged commits looked for", figures.acknowledged);
        self.add("tokens sent again", figures.tokens_sent_again);
        self.add("stream records compared", figures.records_checked);
        for ((kind, file), count) in &figures.hits {
            *self.hits.entry((kind.to_string(), file)).or_default() += count;
        }
    }

    fn take_verdicts(&mut self, verdicts: rot::Verdicts) {
        self.add(DAMAGES, verdicts.found_out + verdicts.harmless + verdicts.older);
        self.add("found out", verdicts.found_out);
        self.add("harmless", verdicts.harmless);
        self.add("took the end of the log", verdicts.older);
    }
}

pub(crate) const CRASH_POINTS: &str = "crash points";
pub(crate) const POWER_LOSSES: &str = "images after a power loss or the process's death";
pub(crate) const ERRORS: &str = "injected errors";
pub(crate) const DAMAGES: &str = "damaged stores";
pub(crate) const REQUESTS: &str = "requests in the order of commits";

pub(crate) const SUITES: [Suite; 11] = [
    Suite {
        name: "crash",
        about: "power loss at every operation on files, half of the images again in recovery",
        share: 30,
        run: |seed, figures| {
            let mut done = crash::Figures::default();
            let result = crash::enumerate(seed, 1, 6, &mut done);
            figures.take(&done);
            result
        },
    },
    Suite {
        name: "syncs",
        about: "every sync fails, and leaves the page cache in each of four states",
        share: 8,
        run: |seed, figures| {
            let mut done = crash::Figures::default();
            let result = crash::fail_syncs(seed, 1, &mut done);
            figures.take(&done);
            result
        },
    },
    Suite {
        name: "faults",
        about: "every third operation on files fails, in seven ways",
        share: 16,
        run: |seed, figures| {
            let mut done = crash::Figures::default();
            let result = faults::inject(seed, 3, &mut done);
            figures.take(&done);
            result
        },
    },
    Suite {
        name: "rot",
        about: "a bit of every 13th byte flipped, files cut at every 31st, exchanged, doubled, missing, of yesterday",
        share: 12,
        run: |seed, figures| {
            figures.take_verdicts(rot::flip_bits(seed, 13)?);
            figures.take_verdicts(rot::truncate(seed, 31)?);
            figures.take_verdicts(rot::exchange(seed)?);
            Ok(())
        },
    },
    Suite {
        name: "clients",
        about: "2,000 operations of three clients, every answer compared with the model; each seed twice, same trace",
        share: 8,
        run: |seed, figures| {
            let run = || clients::run(seed, 2000, |_| false);
            let (first, second) = (run()?, run()?);
            if first.simulation.vfs().op_hash() != second.simulation.vfs().op_hash() {
                return Err("the second run of the seed did something else".to_owned());
            }
            figures.add("operations", 2 * 2000);
            figures.add("commits", 2 * first.counts.commits);
            figures.add("seeds run twice with the same trace", 1);
            Ok(())
        },
    },
    Suite {
        name: "transactions",
        about: "optimistic transactions step by step, replayed in the order of commits",
        share: 4,
        run: |seed, figures| {
            figures.add("steps", 1000);
            transactions::simulate(seed, &mut transactions::Figures::default())
        },
    },
    Suite {
        name: "serial",
        about: "four threads on few items, replayed in the order of commits, against real time",
        share: 10,
        run: |seed, figures| {
            let done = serial::race(seed, 200_000)?;
            figures.add(REQUESTS, done.requests);
            figures.add("commits", done.commits);
            figures.add("conflicts", done.conflicts);
            figures.add("refused conditions looked for", done.refused);
            Ok(())
        },
    },
    Suite {
        name: "indexes",
        about: "indexes made and dropped while clients write, through power losses",
        share: 6,
        run: |seed, figures| {
            figures.add("power losses", 40);
            indexes::crash(seed, 40, &mut indexes::Figures::default())
        },
    },
    Suite {
        name: "time-to-live",
        about: "items expire while clients write, the setting changes, and the power goes",
        share: 6,
        run: |seed, figures| {
            figures.add("power losses", 40);
            time_to_live::crash(seed, 40, &mut time_to_live::Figures::default())
        },
    },
    Suite {
        name: "expiry",
        about: "readers at every moment of a store whose entries expire, with power losses",
        share: 4,
        run: |seed, figures| {
            figures.add("walks", 1);
            expiry::walk(seed, true)
        },
    },
    Suite {
        name: "snapshots",
        about: "snapshots held over writes, flushes and compactions",
        share: 2,
        run: |seed, figures| {
            figures.add("walks", 1);
            random_walk::hold_snapshots(seed)
        },
    },
];
