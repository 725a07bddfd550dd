//! Where an archive lies: objects by name, put whole and never changed.

use crate::base::error::{Result, StoreError};
use crate::env::environment::Environment;
use crate::env::file::read_all;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A place for objects.
///
/// Names are made of letters, digits and `-`. An object that was put is there, whole and durable, when `put` returns; one
/// whose `put` failed is there whole or not at all. Calls may take as long as they like: nobody but the archive's own job
/// waits for them. But they should come to an end, because closing the store waits for the one that is under way.
pub trait ArchiveObjects: Send + Sync + fmt::Debug {
    /// Puts an object, in place of one of that name.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// The bytes of an object; none if there is none of that name.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>>;

    /// The names of all objects, sorted.
    fn list(&self) -> Result<Vec<String>>;

    /// Removes an object, if it is there.
    fn delete(&self, name: &str) -> Result<()>;
}

/// An archive in a directory: an object is a file.
#[derive(Clone, Debug)]
pub struct DirectoryArchive {
    environment: Environment,
    directory: PathBuf,
}

const UNFINISHED_SUFFIX: &str = ".tmp";

impl DirectoryArchive {
    /// The archive in a directory, which is created if it is missing; its parent must exist.
    pub fn open(environment: Environment, directory: impl Into<PathBuf>) -> Result<Self> {
        let directory = directory.into();
        let vfs = environment.vfs.as_ref();
        vfs.create_dir(&directory).map_err(|error| StoreError::io("create", &directory, error))?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            vfs.sync_dir(parent).map_err(|error| StoreError::io("sync", parent, error))?;
        }
        Ok(Self { environment, directory })
    }

    /// Where it lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn remove(&self, path: &Path) -> Result<()> {
        match self.environment.vfs.unlink(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("remove", path, error)),
            _ => Ok(()),
        }
    }
}

impl ArchiveObjects for DirectoryArchive {
    /// Writes and syncs a file under another name, renames it, and syncs the directory: a crash before leaves the object
    /// that was there, or none.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let vfs = self.environment.vfs.as_ref();
        let unfinished = self.directory.join(format!("{name}{UNFINISHED_SUFFIX}"));
        let path = self.directory.join(name);
        self.remove(&unfinished)?;
        let file = vfs.create(&unfinished).map_err(|error| StoreError::io("create", &unfinished, error))?;
        file.append(bytes).map_err(|error| StoreError::io("write", &unfinished, error))?;
        file.sync().map_err(|error| StoreError::io("sync", &unfinished, error))?;
        vfs.rename(&unfinished, &path).map_err(|error| StoreError::io("rename", &unfinished, error))?;
        vfs.sync_dir(&self.directory).map_err(|error| StoreError::io("sync", &self.directory, error))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.directory.join(name);
        let file = match self.environment.vfs.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", &path, error)),
        };
        read_all(file.as_ref()).map(Some).map_err(|error| StoreError::io("read", &path, error))
    }

    fn list(&self) -> Result<Vec<String>> {
        let names = self.environment.vfs.read_dir(&self.directory);
        let mut names = names.map_err(|error| StoreError::io("list", &self.directory, error))?;
        names.retain(|name| !name.ends_with(UNFINISHED_SUFFIX));
        Ok(names)
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.remove(&self.directory.join(name))
    }
}
