//! Verifies a database: its files, its order, and its indexes against its tables.

use crate::base::error::{StoreError, StoreFault};
use crate::dynamo::error::Result;
use crate::dynamo::verify::{RowFault, RowsProgress, verify_rows};
use crate::engine::verify::{FilesProgress, verify_files};
use crate::env::environment::Environment;
use std::fmt;
use std::path::Path;

/// What verifying a database came to.
#[derive(Clone, Debug, Default)]
#[must_use = "what is wrong is in the report"]
pub struct VerifyReport {
    /// What is wrong: nothing, if the database is whole.
    pub findings: Vec<VerifyFinding>,
    /// What is not wrong and worth knowing, in words.
    pub notes: Vec<String>,
    /// How many files were read.
    pub file_count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many entries of sorted tables were checked, old versions included.
    pub entry_count: u64,
    /// How many batches of the log were checked.
    pub batch_count: u64,
    /// How many items were checked. None, if the files are not whole: then nothing that they say is believed.
    pub item_count: Option<u64>,
    /// How many index entries were checked.
    pub index_entry_count: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub enum VerifyFinding {
    /// With a file: the error says which, where, and what was expected there.
    File(StoreError),
    /// With a row, though the files are whole: one of our bugs, or somebody's who has written the files.
    Row(RowFault),
}

impl fmt::Display for VerifyFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => match error.fault() {
                StoreFault::Corruption { path, offset, expected } => {
                    write!(f, "{} at byte {offset}: expected {expected}", path.display())
                }
                _ => error.fmt(f),
            },
            Self::Row(fault) => {
                write!(f, "table {}", fault.table)?;
                if let Some(index) = &fault.index {
                    write!(f, ", index {index}")?;
                }
                write!(f, ": {}, at key ", fault.what)?;
                fault.key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// How far verifying a database has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyProgress {
    /// Its files are read.
    Files(FilesProgress),
    /// Its items and index entries are compared.
    Rows(RowsProgress),
}

/// Verifies the database in a directory, without writing a byte of it: every checksum of every file; every order, of keys,
/// of levels and of commits; what files say of each other and of themselves; each item under its key; each index entry
/// with its item, and each item with its entries.
///
/// It is read as by [`read_only`](crate::DatabaseOptions::read_only): nobody can have it open to write, and a checkpoint
/// can be verified as well. Each finding says where it is; other files are looked at all the same. An error means that
/// nothing could be looked at.
///
/// What is no finding, because a crash leaves it: files that belong to nothing, which the next opening removes, and the end
/// of a log that is no whole record and was never promised. They are in the notes.
///
/// ```
/// use pixii::{Database, Environment, Item, KeyType, TableSchema};
///
/// let directory = tempfile::tempdir().expect("a directory");
/// let database = Database::open(directory.path())?;
/// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
/// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
/// database.close()?;
///
/// let report = pixii::verify(&Environment::system(), directory.path(), &mut |_| ())?;
/// assert!(report.is_clean(), "{:?}", report.findings);
/// assert_eq!(report.item_count, Some(1));
/// # Ok::<(), pixii::Error>(())
/// ```
pub fn verify(
    environment: &Environment,
    directory: impl AsRef<Path>,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport> {
    let mut tell_files = |files| progress(VerifyProgress::Files(files));
    let (files, engine) = verify_files(environment, directory.as_ref(), &mut tell_files)?;
    let mut report = VerifyReport {
        findings: files.faults.into_iter().map(VerifyFinding::File).collect(),
        notes: files.notes,
        file_count: files.file_count,
        bytes: files.bytes,
        entry_count: files.entry_count,
        batch_count: files.batch_count,
        item_count: None,
        index_entry_count: 0,
    };
    if let Some(engine) = engine {
        let rows = verify_rows(&engine, &mut |rows| progress(VerifyProgress::Rows(rows)))?;
        report.findings.extend(rows.faults.into_iter().map(VerifyFinding::Row));
        report.notes.extend(rows.notes);
        report.item_count = Some(rows.item_count);
        report.index_entry_count = rows.index_entry_count;
    }
    Ok(report)
}
