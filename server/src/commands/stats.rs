//! `pixii stats`: a look inside a store.

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::store::{self, StoreArguments};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use pixii::Statistics;

/// Print the levels and the files of a store.
///
/// To look, the store is opened, as always: what a crash left in the log is replayed and written into tables first.
#[derive(Args, Debug)]
pub(crate) struct StatsArguments {
    #[command(flatten)]
    store: StoreArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &StatsArguments) -> Result<()> {
    let database = arguments.store.open()?;
    let mut output = Output::new();
    print_statistics(&mut output, &database.statistics())?;
    let directory = &arguments.store.directory;
    let files = store::files(directory);
    let files =
        files.map_err(|error| Failure::told(format!("cannot list {}: {error}", directory.display())))?;
    output.text("")?;
    output.text(&format!("{:<12} {:>12}  file", "kind", "size"))?;
    for file in files {
        let size = BinaryBytes(file.size_bytes).to_string();
        output.text(&format!("{:<12} {size:>12}  {}", store::kind_text(file.kind), file.name))?;
    }
    output.flush()
}

fn print_statistics(output: &mut Output, statistics: &Statistics) -> Result<()> {
    output.text(&format!("{:<8} {:>8} {:>12} {:>14}", "level", "tables", "size", "entries"))?;
    let lowest = statistics.levels.iter().rposition(|level| level.tables > 0).unwrap_or(0);
    for (index, level) in statistics.levels.iter().enumerate().take(lowest + 1) {
        let (size, entries) = (BinaryBytes(level.bytes).to_string(), HumanCount(level.entries).to_string());
        output.text(&format!("{index:<8} {:>8} {size:>12} {entries:>14}", level.tables))?;
    }
    let recovery = statistics.recovery;
    output.text("")?;
    output.text(&format!("last commit       {}", HumanCount(statistics.published.0)))?;
    output.text(&format!(
        "replayed at open  {} batches of {} log segments, {} torn bytes left",
        HumanCount(recovery.batches),
        recovery.segments,
        recovery.torn_bytes
    ))?;
    let memory = u64::try_from(statistics.table_memory_bytes).unwrap_or(u64::MAX);
    output.text(&format!("index and filter  {} in memory", BinaryBytes(memory)))
}
