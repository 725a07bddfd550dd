//! A file system in memory, for stores that need not outlive their process. It keeps no record of syncs: nothing here
//! survives anything.

use super::file::{File, LockGuard, LogFile, Vfs};
use super::lock_table::{Hold, LockTable};
use super::mapping::Mapping;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryVfs {
    files: Mutex<BTreeMap<PathBuf, Arc<MemoryFile>>>,
    locks: Arc<Mutex<LockTable<PathBuf>>>,
}

#[derive(Debug, Default)]
struct MemoryFile {
    bytes: Mutex<Vec<u8>>,
}

impl MemoryVfs {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<MemoryFile>> {
        let mut files = self.files.lock();
        if files.contains_key(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = Arc::new(MemoryFile::default());
        files.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn take_lock(&self, path: &Path, hold: Hold) -> io::Result<Box<dyn LockGuard>> {
        if !self.locks.lock().take(path.to_owned(), hold) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(MemoryLock { path: path.to_owned(), locks: Arc::clone(&self.locks) }))
    }
}

impl Vfs for MemoryVfs {
    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let files = self.files.lock();
        let children = files.keys().filter(|file| file.parent() == Some(path));
        let names = children.filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
        Ok(names.collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.create_new(path)?)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = self.files.lock().get(path).cloned();
        Ok(file.ok_or(ErrorKind::NotFound)?)
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        Ok(self.create_new(path)?)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files.lock();
        if files.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = files.get(from).cloned().ok_or(ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.files.lock().remove(path).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        if self.files.lock().keys().any(|file| file.parent() == Some(path)) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.take_lock(path, Hold::Alone)
    }

    /// There are no lock files here: a name that nobody has locked yet can be locked.
    fn lock_shared(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.take_lock(path, Hold::Shared)
    }
}

impl File for MemoryFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.lock().extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.lock();
        let start = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let rest = bytes.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn map(&self) -> io::Result<Mapping> {
        Ok(Mapping::of_bytes(Arc::from(self.bytes.lock().as_slice())))
    }
}

impl LogFile for MemoryFile {
    fn fill(&self, size_bytes: u64) -> io::Result<()> {
        let size = usize::try_from(size_bytes).map_err(|_| ErrorKind::FileTooLarge)?;
        let mut bytes = self.bytes.lock();
        if bytes.len() < size {
            bytes.resize(size, 0);
        }
        Ok(())
    }

    fn is_faster_filled(&self) -> bool {
        false
    }

    fn publish(&self, offset: u64, published: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
        let mut bytes = self.bytes.lock();
        let end = start + published.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(published);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLock {
    path: PathBuf,
    locks: Arc<Mutex<LockTable<PathBuf>>>,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.locks.lock().release(&self.path);
    }
}
