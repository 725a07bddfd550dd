//! `pixii export`: a table as a file that `pixii import` reads, and DynamoDB too.

use crate::failure::Result;
use crate::output::{ItemFormat, Output};
use crate::store::TableArguments;
use clap::Args;
use indicatif::HumanCount;

/// Print all items of a table as of one moment, to be imported elsewhere.
///
/// Plain JSON does not tell a set from a list, nor binary from a string: where a table has such values, use
/// `--format dynamodb-json`, which keeps every type and is written as DynamoDB's own exports are, {"Item": {…}} a line.
#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    table: TableArguments,
    /// How items are written
    #[arg(long, value_enum, default_value_t)]
    format: ItemFormat,
}

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments) -> Result<()> {
    let table = arguments.table.open()?;
    let mut output = Output::new();
    let mut items = 0;
    for item in table.scan() {
        output.exported_item(&item?, arguments.format)?;
        items += 1;
    }
    output.flush()?;
    eprintln!("{} items of {} exported", HumanCount(items), table.name());
    Ok(())
}
