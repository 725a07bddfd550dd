//! `pixii archive`: what was committed, brought into an archive.

use crate::failure::Result;
use crate::moment::time_text;
use crate::output::Output;
use crate::store::StoreArguments;
use clap::{Args, Subcommand};
use pixii::{ArchiveContents, ArchiveOptions, Database, DirectoryArchive, Environment};
use std::path::PathBuf;
use std::sync::Arc;

/// Bring a store into an archive, or tell what an archive can restore
#[derive(Args, Debug)]
pub(crate) struct ArchiveArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Bring everything that is committed into an archive, and end when it is there
    ///
    /// Where the store was open without its archive since the last time, moments in between cannot be restored: the archive
    /// has a gap there, and begins anew.
    Update {
        #[command(flatten)]
        store: StoreArguments,
        /// The archive's directory, which is made if it is missing
        #[arg(value_name = "ARCHIVE")]
        archive: PathBuf,
    },
    /// Print the histories of an archive and the spans of moments of each that can be restored
    Status {
        /// The archive's directory
        #[arg(value_name = "ARCHIVE")]
        archive: PathBuf,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: &ArchiveArguments) -> Result<()> {
    match &arguments.action {
        Action::Update { store, archive } => update(store, archive),
        Action::Status { archive } => status(&super::restore::existing(archive)?),
    }
}

fn update(store: &StoreArguments, archive: &PathBuf) -> Result<()> {
    store.check()?;
    let objects =
        Arc::new(DirectoryArchive::open(Environment::system(), archive).map_err(pixii::Error::from)?);
    let options = Database::options().archive(objects, ArchiveOptions::default());
    let database = options.open(&store.directory)?;
    if let Some(handle) = database.archive() {
        let until = handle.bring_up_to_date().map_err(pixii::Error::from)?;
        let put = handle.status();
        eprintln!(
            "{} has everything up to commit {} at {}: {} objects were put, {}",
            archive.display(),
            until.seqno,
            time_text(until.time.0),
            put.objects_put,
            indicatif::BinaryBytes(put.bytes_put)
        );
    }
    Ok(database.close()?)
}

fn status(archive: &DirectoryArchive) -> Result<()> {
    let mut output = Output::new();
    for history in ArchiveContents::histories(archive).map_err(pixii::Error::from)? {
        let contents = ArchiveContents::read(archive, history).map_err(pixii::Error::from)?;
        for span in contents.restorable() {
            output.text(&format!(
                "{history}  commit {} at {}  to  commit {} at {}",
                span.from.seqno,
                time_text(span.from.time.0),
                span.to.seqno,
                time_text(span.to.time.0)
            ))?;
        }
    }
    output.flush()
}
