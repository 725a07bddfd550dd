//! Which suites there are, what one seed of each does, and what is counted of it.

use crate::{
    clients, crash, expiry, faults, fuzzing, indexes, killing, options, process_death, random_walk, rot,
    serial, time, time_to_live, transactions,
};
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
    /// Which faults came about.
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Figures {
    fn add(&mut self, name: &'static str, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(fault.clone()).or_default() += count;
        }
        for (pair, count) in &other.hits {
            *self.hits.entry(pair.clone()).or_default() += count;
        }
    }

    fn take(&mut self, figures: &crash::Figures) {
        self.add(CRASH_POINTS, figures.crash_points);
        self.add(POWER_LOSSES, figures.images - figures.process_deaths);
        self.add(SECOND_LOSSES, figures.second_crashes);
        self.add("deaths of the process", figures.process_deaths);
        self.add(RECOVERIES, figures.recoveries);
        self.add(SYNC_FAILURES, figures.sync_failures);
        self.add(ERRORS, figures.errors_injected);
        self.add(ACKNOWLEDGED, figures.acknowledged);
        self.add("tokens sent again", figures.tokens_sent_again);
        self.add("stream records compared", figures.records_checked);
        for (fault, count) in &figures.faults {
            *self.faults.entry(fault.clone()).or_default() += count;
        }
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

const CRASH_POINTS: &str = "crash points";
pub(crate) const POWER_LOSSES: &str = "power losses";
const SECOND_LOSSES: &str = "power losses in recovery from one";
const RECOVERIES: &str = "recoveries";
const ACKNOWLEDGED: &str = "acknowledged commits looked for";
const SYNC_FAILURES: &str = "failed syncs";
const ERRORS: &str = "injected errors";
const DAMAGES: &str = "damaged stores";
const KILLS: &str = "killed processes";
const HISTORIES: &str = "histories of few requests on threads";
const REQUESTS: &str = "requests in the order of commits";
const EXECUTIONS: &str = "executions of fuzz targets";

/// What is wanted of a run of an hour on two processors.
pub(crate) const WANTED: [(&str, u64); 10] = [
    (CRASH_POINTS, 100_000),
    (POWER_LOSSES, 500_000),
    (SECOND_LOSSES, 250_000),
    (ERRORS, 50_000),
    (SYNC_FAILURES, 5000),
    (DAMAGES, 200_000),
    (KILLS, 2000),
    (HISTORIES, 10_000),
    (REQUESTS, 10_000_000),
    (EXECUTIONS, 20_000_000),
];

/// How many planted bugs are wanted.
pub(crate) const WANTED_BUGS: usize = 30;

pub(crate) const SUITES: [Suite; 17] = [
    Suite {
        name: "crash",
        about: "power loss at every operation on files, half of the images again in recovery",
        share: 38,
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
        share: 3,
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
        share: 8,
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
        share: 5,
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
        share: 5,
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
        share: 2,
        run: |seed, figures| {
            figures.add("steps", 1000);
            transactions::simulate(seed, &mut transactions::Figures::default())
        },
    },
    Suite {
        name: "serial",
        about: "four threads on few items, replayed in the order of commits, against real time",
        share: 9,
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
        share: 4,
        run: |seed, figures| {
            figures.add("power losses", 40);
            indexes::crash(seed, 40, &mut indexes::Figures::default())
        },
    },
    Suite {
        name: "time-to-live",
        about: "items expire while clients write, the setting changes, and the power goes",
        share: 4,
        run: |seed, figures| {
            figures.add("power losses", 40);
            time_to_live::crash(seed, 40, &mut time_to_live::Figures::default())
        },
    },
    Suite {
        name: "expiry",
        about: "readers at every moment of a store whose entries expire, with power losses",
        share: 2,
        run: |seed, figures| {
            figures.add("walks", 1);
            expiry::walk(seed, true)
        },
    },
    Suite {
        name: "snapshots",
        about: "snapshots held over writes, flushes and compactions",
        share: 1,
        run: |seed, figures| {
            figures.add("walks", 1);
            random_walk::hold_snapshots(seed)
        },
    },
    Suite {
        name: "moments",
        about: "past moments, checkpoints, archives and restores against what the model was then",
        share: 2,
        run: |seed, figures| {
            figures.add("walks", 1);
            time::walk(seed, 250, &mut time::Figures::default())
        },
    },
    Suite {
        name: "checkpoints",
        about: "power loss at every operation on files of making a checkpoint",
        share: 2,
        run: |seed, figures| {
            figures.add("walks", 1);
            time::interrupt_checkpoints(seed, 1, &mut time::Figures::default())
        },
    },
    Suite {
        name: "options",
        about: "the same operations under sixteen sets of options, every answer compared",
        share: 4,
        run: |seed, figures| {
            figures.add("operations", options::compare(seed, 150)?);
            figures.add("walks", 1);
            Ok(())
        },
    },
    Suite {
        name: "histories",
        about: "twenty short histories of four threads on few items, each replayed in the order of commits",
        share: 3,
        run: |seed, figures| {
            for number in 0..20 {
                let done = serial::race(seed.wrapping_mul(1000).wrapping_add(number), 200)?;
                figures.add(HISTORIES, 1);
                figures.add(REQUESTS, done.requests);
            }
            Ok(())
        },
    },
    Suite {
        name: "kill",
        about: "real processes killed with SIGKILL while they write or open, twelve over a store",
        share: 5,
        run: |seed, figures| {
            let mut deaths = process_death::Deaths::default();
            let result = killing::run(seed, 12, &mut deaths);
            figures.add(KILLS, deaths.cycles);
            figures.add("of them while they opened the store", deaths.in_opening);
            figures.add("acknowledged writes", deaths.acknowledged);
            figures.add(ACKNOWLEDGED, deaths.looked_for);
            result
        },
    },
    Suite {
        name: "fuzz",
        about: "the bodies of all fuzz targets with inputs that a seed makes of their corpus",
        share: 14,
        run: |seed, figures| {
            figures.add(EXECUTIONS, fuzzing::run(seed)?);
            Ok(())
        },
    },
];
