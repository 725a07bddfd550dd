//! Runs the suites of `tests/suites` for as long as it is told, each for its share of the time, and writes down what they
//! did: `docs/RELIABILITY.md` is never written by hand.
//!
//! ```sh
//! cargo run --profile soak -p pixii-soak -- soak --minutes 60
//! cargo run --profile soak -p pixii-soak -- repeat crash 17      # what a failing run says
//! ```
//!
//! The suites are the same files that `cargo test` runs. Seeds begin at `--seed`, so that each night has others. No
//! assertion depends on time. The run is red, and the tool fails, if a suite finds something, a planted bug is not caught,
//! a kind of operation on a kind of file was stopped or failed too seldom, or a run of an hour or more does not reach the
//! figures that are wanted of one.
#![allow(
    dead_code,
    unused_imports,
    reason = "the suites are shared with `cargo test`, which uses the rest of them"
)]

#[path = "../../tests/suites/model.rs"]
mod model;
#[path = "../../tests/suites/deed.rs"]
mod deed;
#[path = "../../tests/suites/world.rs"]
mod world;
#[path = "../../tests/suites/workload.rs"]
mod workload;
#[path = "../../tests/suites/history.rs"]
mod history;
#[path = "../../tests/suites/transacting.rs"]
mod transacting;
#[path = "../../tests/suites/ticket.rs"]
mod ticket;
#[path = "../../tests/suites/clients.rs"]
mod clients;
#[path = "../../tests/suites/random_walk.rs"]
mod random_walk;
#[path = "../../tests/suites/crash.rs"]
mod crash;
#[path = "../../tests/suites/expiry.rs"]
mod expiry;
#[path = "../../tests/suites/faults.rs"]
mod faults;
#[path = "../../tests/suites/rot.rs"]
mod rot;
#[path = "../../tests/suites/options.rs"]
mod options;
#[path = "../../tests/suites/transactions.rs"]
mod transactions;
#[path = "../../tests/suites/serial.rs"]
mod serial;
#[path = "../../tests/suites/indexes.rs"]
mod indexes;
#[path = "../../tests/suites/expiring_write.rs"]
mod expiring_write;
#[path = "../../tests/suites/time_to_live.rs"]
mod time_to_live;
#[path = "../../tests/suites/time.rs"]
mod time;
#[path = "../../tests/suites/process_death.rs"]
mod process_death;
#[path = "../../tests/suites/planted.rs"]
mod planted;
#[path = "../../tests/fuzz/targets/mod.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are the other reader of this module")]
mod targets;
mod fuzzing;
mod killing;
mod plan;
mod soak;
mod report;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the suites of pixii by the hour.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs all suites by their shares of the time, then plants every bug, and writes the report.
    Soak {
        /// How long the suites run.
        #[arg(long, default_value_t = 60)]
        minutes: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many threads run suites.
        #[arg(long, default_value_t = 2)]
        jobs: usize,
        /// Where the report goes.
        #[arg(long, default_value = "docs/RELIABILITY.md")]
        report: PathBuf,
    },
    /// Runs one suite with one seed.
    Repeat {
        /// The suite's name.
        suite: String,
        /// The seed.
        seed: u64,
    },
    /// Writes into a store until it is killed: the child of the suite `kill`.
    #[command(hide = true)]
    WriteUntilKilled {
        /// The store.
        store: PathBuf,
        /// Which child it is.
        round: u64,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Soak { minutes, seed, jobs, report } => {
            let run = soak::run(minutes, seed, jobs);
            let text = report::write(&run);
            if let Err(error) = std::fs::write(&report, text) {
                eprintln!("{}: {error}", report.display());
                return ExitCode::FAILURE;
            }
            for red in run.red() {
                eprintln!("RED: {red}");
            }
            if run.red().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Command::WriteUntilKilled { store, round } => {
            process_death::write_until_killed(&store, round);
            ExitCode::SUCCESS
        }
        Command::Repeat { suite, seed } => match plan::SUITES.iter().find(|known| known.name == suite) {
            None => {
                let names: Vec<&str> = plan::SUITES.iter().map(|suite| suite.name).collect();
                eprintln!("no suite {suite}; there are {}", names.join(", "));
                ExitCode::FAILURE
            }
            Some(suite) => match (suite.run)(seed, &mut plan::Figures::default()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(wrong) => {
                    eprintln!("{wrong}");
                    ExitCode::FAILURE
                }
            },
        },
    }
}
