//! `pixii restore`: a store of its archive, as it was at a moment.

use crate::failure::{Failure, Result};
use crate::moment::{GivenMoment, time_text};
use clap::Args;
use indicatif::{BinaryBytes, HumanCount, ProgressBar};
use pixii::{ArchiveContents, Database, DirectoryArchive, Environment, HistoryId, RestoreTo};
use std::path::{Path, PathBuf};

/// Restore a store from its archive into a new directory, as it was at a moment.
///
/// Every commit at or before the moment is there, and none after it.
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// The archive's directory
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// The directory to be made
    #[arg(value_name = "NEW_DIR")]
    target: PathBuf,
    /// A time such as 2026-11-22T10:03:00.123Z, or the number of a commit; the last that there is, if it is not given
    #[arg(long, value_name = "MOMENT")]
    to: Option<GivenMoment>,
    /// Which history, where the archive has several, as `pixii archive status` prints it
    #[arg(long, value_name = "ID")]
    history: Option<String>,
}

/// Runs the command.
pub(crate) fn run(arguments: &RestoreArguments) -> Result<()> {
    let archive = existing(&arguments.archive)?;
    let history = history(&archive, arguments)?;
    let to = arguments.to.map_or(RestoreTo::Latest, |moment| RestoreTo::Moment(moment.0));
    let bar = ProgressBar::new_spinner();
    let restored = Database::options().restore(&archive, history, to, &arguments.target, &mut |progress| {
        bar.set_message(format!(
            "{} of {} tables, {} of {} segments, {} commits",
            progress.tables,
            progress.tables_total,
            progress.segments,
            progress.segments_total,
            HumanCount(progress.commits)
        ));
        bar.tick();
    });
    bar.finish_and_clear();
    let restored = restored?;
    eprintln!(
        "{} is the store as of commit {} at {}: {} tables and {} commits of the log, {} read",
        arguments.target.display(),
        restored.last.seqno,
        time_text(restored.last.time.0),
        restored.took.tables,
        HumanCount(restored.took.commits),
        BinaryBytes(restored.took.bytes)
    );
    Ok(())
}

/// An archive that is there: nothing is created where none is.
pub(super) fn existing(directory: &Path) -> Result<DirectoryArchive> {
    if !directory.is_dir() {
        return Err(Failure::told(format!("there is no archive at {}", directory.display())));
    }
    Ok(DirectoryArchive::open(Environment::system(), directory).map_err(pixii::Error::from)?)
}

fn history(archive: &DirectoryArchive, arguments: &RestoreArguments) -> Result<HistoryId> {
    let all = ArchiveContents::histories(archive).map_err(pixii::Error::from)?;
    let shown = arguments.archive.display();
    if let Some(wanted) = &arguments.history {
        let found = all.iter().find(|history| history.to_string() == *wanted);
        return found.copied().ok_or_else(|| Failure::told(format!("{shown} has no history {wanted}")));
    }
    match all.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::told(format!("{shown} has nothing of a store"))),
        several => {
            let names: Vec<_> = several.iter().map(HistoryId::to_string).collect();
            let names = names.join(", ");
            Err(Failure::told(format!("{shown} has several histories: say --history, one of {names}")))
        }
    }
}
