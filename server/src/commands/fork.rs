//! `pixii fork`: a copy of a checkpoint that is free to change.

use crate::failure::Result;
use clap::Args;
use pixii::Database;
use std::path::PathBuf;

/// Make a store of a checkpoint, in as many hard links as it has files. The checkpoint stays as it is.
#[derive(Args, Debug)]
pub(crate) struct ForkArguments {
    /// The checkpoint's directory
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The directory to be made
    #[arg(value_name = "NEW_DIR")]
    target: PathBuf,
}

/// Runs the command.
pub(crate) fn run(arguments: &ForkArguments) -> Result<()> {
    let fork = Database::options().open_fork(&arguments.checkpoint, &arguments.target)?;
    let history = fork.history();
    fork.close()?;
    eprintln!("{} is a store of its own, with the history {history}", arguments.target.display());
    Ok(())
}
