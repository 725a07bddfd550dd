//! `pixii diff`: what changed of a table between two moments.

use crate::failure::Result;
use crate::json::{text, typed};
use crate::moment::{GivenMoment, as_of};
use crate::output::Output;
use crate::store::TableArguments;
use clap::Args;

/// Print the items of a table that differ between two moments, in the order of their keys, one a line.
///
/// A line has the item as it was, as it became, or both: {"Old": {…}, "New": {…}}, every value with its type.
#[derive(Args, Debug)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    table: TableArguments,
    /// The first moment: a time such as 2026-11-22T10:03:00.123Z, or the number of a commit
    #[arg(long, value_name = "MOMENT")]
    from: GivenMoment,
    /// The second one; the present, if it is not given
    #[arg(long, value_name = "MOMENT")]
    to: Option<GivenMoment>,
}

/// Runs the command.
pub(crate) fn run(arguments: &DiffArguments) -> Result<()> {
    let database = arguments.table.store.open_to_look_back()?;
    let old = as_of(&database, arguments.from)?;
    let new = match arguments.to {
        Some(moment) => as_of(&database, moment)?,
        None => database.as_of_now()?,
    };
    let mut output = Output::new();
    for change in old.changes_until(&new, &arguments.table.table)? {
        let change = change?;
        let sides = [("Old", change.old.as_ref()), ("New", change.new.as_ref())];
        let sides = sides.into_iter().filter_map(|(name, item)| Some((name, item?)));
        output.json(|line| text::write_object(sides, line, typed::write_item))?;
    }
    output.flush()
}
