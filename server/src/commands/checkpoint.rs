//! `pixii checkpoint`: a consistent copy of a whole store.

use crate::failure::Result;
use crate::moment::time_text;
use crate::store::StoreArguments;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use std::path::PathBuf;

/// Make a consistent copy of a whole store in a new directory, by hard links where the file system has them.
///
/// It opens as a store of its own. `pixii fork` makes copies of it.
#[derive(Args, Debug)]
pub(crate) struct CheckpointArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The directory to be made
    #[arg(value_name = "NEW_DIR")]
    target: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &CheckpointArguments) -> Result<()> {
    let database = arguments.store.open()?;
    let made = database.checkpoint(&arguments.target)?;
    database.close()?;
    eprintln!(
        "{} has everything up to commit {} at {}: {} files linked, {} copied with {}",
        arguments.target.display(),
        made.last.seqno,
        time_text(made.last.time.0),
        HumanCount(made.files_linked as u64),
        HumanCount(made.files_copied as u64),
        BinaryBytes(made.bytes_copied)
    );
    Ok(())
}
