//! `pixii scan`: all items.

use crate::failure::Result;
use crate::keys::key_schema;
use crate::output::{ItemFormat, Output};
use crate::store::TableArguments;
use clap::Args;
use std::num::NonZeroUsize;

/// Print all items of a table or an index, one a line.
#[derive(Args, Debug)]
pub(crate) struct ScanArguments {
    #[command(flatten)]
    table: TableArguments,
    /// Reads this index
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// At most so many items
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,
    /// How items are written
    #[arg(long, value_enum, default_value_t)]
    format: ItemFormat,
}

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<()> {
    let table = arguments.table.open()?;
    key_schema(table.schema(), arguments.index.as_deref())?;
    let mut scan = table.scan();
    if let Some(index) = &arguments.index {
        scan = scan.index(index);
    }
    if let Some(limit) = arguments.limit {
        scan = scan.limit(limit.get());
    }
    let mut output = Output::new();
    for item in scan {
        output.item(&item?, arguments.format)?;
    }
    output.flush()
}
