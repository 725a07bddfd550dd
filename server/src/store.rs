//! Which store and table a command works on.

use crate::failure::{Failure, Result};
use clap::Args;
use pixii::format::names::{self, FileKind};
use pixii::{Database, Table};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store that a command works on.
#[derive(Args, Debug)]
pub(crate) struct StoreArguments {
    /// The store's directory
    #[arg(long = "store", value_name = "DIR", env = "PIXII_STORE")]
    pub(crate) directory: PathBuf,
}

/// The table that a command works on.
#[derive(Args, Debug)]
pub(crate) struct TableArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// The table's name
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
}

/// A file of a store.
#[derive(Debug)]
pub(crate) struct StoreFile {
    pub(crate) name: String,
    pub(crate) kind: FileKind,
    pub(crate) size_bytes: u64,
}

impl StoreArguments {
    /// Opens a store that is there. Nothing is created where none is.
    pub(crate) fn open(&self) -> Result<Database> {
        self.check()?;
        Ok(Database::open(&self.directory)?)
    }

    /// Opens a store that is there to read of its past: nothing in it is written, and nothing that it keeps is taken away.
    pub(crate) fn open_to_look_back(&self) -> Result<Database> {
        self.check()?;
        Ok(Database::options().history(Duration::MAX).read_only().open(&self.directory)?)
    }

    /// There must be a store.
    pub(crate) fn check(&self) -> Result<()> {
        let directory = self.directory.display();
        let is_store = holds_store(&self.directory).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Failure::told(format!("there is no store at {directory}: no such directory"))
            }
            ErrorKind::NotADirectory => {
                Failure::told(format!("{directory} is not a store: it is not a directory"))
            }
            _ => Failure::told(format!("cannot list {directory}: {error}")),
        })?;
        if is_store {
            Ok(())
        } else {
            Err(Failure::told(format!("{directory} is not a store: it has no manifest")))
        }
    }

    /// Whether there is a store; also not where the directory cannot be listed.
    pub(crate) fn exists(&self) -> bool {
        holds_store(&self.directory).unwrap_or(false)
    }
}

impl TableArguments {
    /// Opens the table of a store that is there. The store is closed with the table.
    pub(crate) fn open(&self) -> Result<Table> {
        let database = self.store.open()?;
        let tables = database.tables();
        if tables.contains(&self.table) {
            return Ok(database.table(&self.table)?);
        }
        let others = if tables.is_empty() { "none".to_owned() } else { tables.join(", ") };
        let directory = self.store.directory.display();
        Err(Failure::told(format!("there is no table {} in {directory}; it has {others}", self.table)))
    }
}

/// The files of a store by name, without what else may lie in its directory.
pub(crate) fn files(directory: &Path) -> std::io::Result<Vec<StoreFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(kind) = names::parse(&name) {
            files.push(StoreFile { name, kind, size_bytes: entry.metadata()?.len() });
        }
    }
    files.sort_by(|first, second| first.name.cmp(&second.name));
    Ok(files)
}

/// What a kind of file is called.
pub(crate) fn kind_text(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Lock => "lock",
        FileKind::Wal(_) => "log segment",
        FileKind::Manifest(_) => "manifest",
        FileKind::Table(_) => "table",
        FileKind::Checkpoint => "checkpoint",
        FileKind::Temporary | FileKind::UnfinishedCheckpoint => "unfinished",
    }
}

fn holds_store(directory: &Path) -> std::io::Result<bool> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if matches!(name.to_str().and_then(names::parse), Some(FileKind::Manifest(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}
