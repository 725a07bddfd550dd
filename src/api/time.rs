//! The database in time: past moments, checkpoints and forks.

use super::database::{Database, DatabaseOptions};
use super::past::Past;
use crate::base::ident::{AsOf, HistoryId, Moment};
use crate::dynamo::error::Result;
use crate::dynamo::past::PastStore;
use crate::engine::archive::archiver::{ArchiveHandle, ArchiveOptions};
use crate::engine::archive::objects::ArchiveObjects;
use crate::engine::archive::restore::{RestoreProgress, RestoreSummary, RestoreTo, restore};
use crate::engine::checkpoint::{self, CheckpointSummary};
use crate::format::manifest::Parent;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl Database {
    /// The database as it was at a past moment, of a time or of a commit. Every moment can be read that is within the
    /// [`history`](DatabaseOptions::history) that the database keeps; asking for another is an error of the kind
    /// [`MomentNotKept`](crate::ErrorKind::MomentNotKept).
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema};
    /// use std::time::Duration;
    ///
    /// let database = Database::options().history(Duration::from_secs(3600)).open_in_memory()?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// database.create_table(schema)?.put(&Item::new().with("id", 1))?;
    /// let before = database.as_of_now()?.sequence_number();
    /// database.delete_table("Notes")?;
    ///
    /// let past = database.as_of(pixii::AsOf::sequence(before))?;
    /// assert_eq!(past.tables(), ["Notes"]);
    /// assert!(past.table("Notes")?.get_item(1)?.is_some());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn as_of(&self, at: AsOf) -> Result<Past> {
        Ok(Past::new(PastStore::new(self.store(), at)?, self.store().clone()))
    }

    /// The database as it is, from now on not changing.
    pub fn as_of_now(&self) -> Result<Past> {
        let store = self.store();
        Ok(Past::new(PastStore::of_snapshot(store, store.engine.snapshot())?, store.clone()))
    }

    /// The oldest moment that can be read: all from it on can.
    pub fn oldest_kept(&self) -> Moment {
        self.store().engine.oldest_kept()
    }

    /// Makes a consistent copy of the whole database in a new directory while writes go on: by hard links where the file
    /// system has them, so that it costs as much as there are files. It opens as a database of its own.
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema};
    ///
    /// let directory = tempfile::tempdir().expect("a directory");
    /// let database = Database::open(directory.path().join("live"))?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// notes.put(&Item::new().with("id", 1))?;
    /// database.checkpoint(directory.path().join("copy"))?;
    /// notes.delete(1)?;
    ///
    /// let copy = Database::open(directory.path().join("copy"))?;
    /// assert!(copy.table("Notes")?.get_item(1)?.is_some());
    /// assert_eq!(copy.parent().map(|parent| parent.history), Some(database.history()));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn checkpoint(&self, directory: impl AsRef<Path>) -> Result<CheckpointSummary> {
        Ok(self.store().engine.checkpoint(directory.as_ref())?)
    }

    /// The archive that the database is brought into, if there is one.
    pub fn archive(&self) -> Option<&ArchiveHandle> {
        self.store().archive.as_ref()
    }

    /// The line of commits that the database is on.
    pub fn history(&self) -> HistoryId {
        self.store().engine.history()
    }

    /// Where that line left another one: none, unless the database was restored, or opened from a checkpoint.
    pub fn parent(&self) -> Option<Parent> {
        self.store().engine.parent()
    }
}

impl DatabaseOptions {
    /// Keeps every moment of this last time readable, with what was overwritten and deleted in it: nothing, unless this is
    /// called. See [`Database::as_of`].
    pub fn history(self, window: Duration) -> Self {
        self.change_engine(|engine| engine.history = window)
    }

    /// Opens a copy of a checkpoint, made in `directory` in as many links as the checkpoint has files. Each copy is free to
    /// change: one prepared database, a fresh copy for each test.
    ///
    /// ```
    /// use pixii::{Database, Item, KeyType, TableSchema};
    ///
    /// let directory = tempfile::tempdir().expect("a directory");
    /// let prepared = directory.path().join("prepared");
    /// let database = Database::open(directory.path().join("live"))?;
    /// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
    /// database.checkpoint(&prepared)?;
    /// for test in ["one", "two"] {
    ///     let fork = Database::options().open_fork(&prepared, directory.path().join(test))?;
    ///     fork.table("Notes")?.put(&Item::new().with("id", 1))?;
    ///     assert_eq!(fork.table("Notes")?.scan().count()?, 1);
    /// }
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn open_fork(self, checkpoint: impl AsRef<Path>, directory: impl AsRef<Path>) -> Result<Database> {
        checkpoint::fork(self.world(), checkpoint.as_ref(), directory.as_ref())?;
        self.open(directory)
    }

    /// Brings the database's whole history into an archive, from now on: continuous backup. At its interval, everything that
    /// was committed is there; from it the database can be [restored](Self::restore) as it was at any moment, also when the
    /// machine is gone.
    ///
    /// An archive that fails or lags keeps nobody waiting. What it does not have yet is kept here, up to a gigabyte or
    /// [`EngineOptions::log_kept_bytes`](crate::EngineOptions); beyond that there is a gap, which the archive records.
    ///
    /// ```
    /// use pixii::{
    ///     ArchiveOptions, AsOf, Database, DirectoryArchive, Environment, Item, KeyType, RestoreTo, TableSchema,
    /// };
    /// use std::sync::Arc;
    ///
    /// let directory = tempfile::tempdir().expect("a directory");
    /// let archive = DirectoryArchive::open(Environment::system(), directory.path().join("archive"))?;
    /// let archive = Arc::new(archive);
    /// let options = Database::options().archive(archive.clone(), ArchiveOptions::default());
    /// let database = options.open(directory.path().join("live"))?;
    /// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
    /// let notes = database.create_table(schema)?;
    /// notes.put(&Item::new().with("id", 1))?;
    /// let good = database.as_of_now()?.sequence_number();
    /// notes.delete(1)?;
    /// database.archive().expect("it has one").bring_up_to_date()?;
    ///
    /// let restored = directory.path().join("restored");
    /// let to = RestoreTo::Moment(AsOf::sequence(good));
    /// Database::options().restore(&*archive, database.history(), to, &restored, &mut |_| ())?;
    /// let restored = Database::open(&restored)?;
    /// assert!(restored.table("Notes")?.get_item(1)?.is_some());
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn archive(self, objects: Arc<dyn ArchiveObjects>, options: ArchiveOptions) -> Self {
        self.set_archive(objects, options)
    }

    /// Restores a history of an archive, as it was at a moment, into a new directory. `progress` is told how far it has come.
    ///
    /// To the commit and to the millisecond: every commit at or before the moment is there, and none after it. A moment that
    /// the archive does not reach is an error of the kind [`MomentNotKept`](crate::ErrorKind::MomentNotKept); an object
    /// that is missing or has other bytes is one of the kind [`Corruption`](crate::ErrorKind::Corruption) that names it.
    pub fn restore(
        self,
        objects: &dyn ArchiveObjects,
        history: HistoryId,
        to: RestoreTo,
        directory: impl AsRef<Path>,
        progress: &mut dyn FnMut(RestoreProgress),
    ) -> Result<RestoreSummary> {
        let (world, options) = (self.world(), self.engine_options());
        Ok(restore(world, objects, history, to, directory.as_ref(), options, progress)?)
    }
}
