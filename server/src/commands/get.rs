//! `pixii get`: one item by its key.

use crate::failure::{Failure, Result};
use crate::keys;
use crate::output::{ItemFormat, Output};
use crate::store::TableArguments;
use clap::Args;

/// Print the item of a key.
///
/// Where there is none, nothing is printed but a message on standard error, and the exit code is 1.
#[derive(Args, Debug)]
pub(crate) struct GetArguments {
    #[command(flatten)]
    table: TableArguments,
    /// The value of the partition key (binary as base64)
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    partition: String,
    /// The value of the sort key, if the table has one
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    sort: Option<String>,
    /// How the item is written
    #[arg(long, value_enum, default_value_t)]
    format: ItemFormat,
}

/// Runs the command.
pub(crate) fn run(arguments: &GetArguments) -> Result<()> {
    let GetArguments { table, partition, sort, format } = arguments;
    let table = table.open()?;
    let key = keys::parse_key(table.schema().key(), partition, sort.as_deref())?;
    let Some(item) = table.get_item(&key)? else {
        let sort = sort.as_ref().map(|sort| format!(", {sort}")).unwrap_or_default();
        return Err(Failure::told(format!("there is no item ({partition}{sort}) in {}", table.name())));
    };
    let mut output = Output::new();
    output.item(&item, *format)?;
    output.flush()
}
