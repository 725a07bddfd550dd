//! The file system as the store sees it.
//!
//! What an implementation promises, and what the store relies on:
//! - What was appended or published is visible at once and survives the death of the process.
//! - It survives the death of the machine only after `sync` of that file, which also makes the file's size durable.
//! - A name that was created, renamed, linked or unlinked survives it only after `sync_dir` of its directory.
//! - `rename` is atomic: after a crash the name is the old file's or the new one's.
//! - Bytes outside a range that is being written do not change ("powersafe overwrite", as `SQLite` assumes).
//!
//! A lost promise (a disk that lies about a sync) is outside the fault model.

use super::mapping::Mapping;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A file system.
///
/// Errors are the system's own; [`io::ErrorKind::WouldBlock`] from `lock` means that somebody else holds it.
pub trait Vfs: Send + Sync + fmt::Debug {
    /// Creates a directory, which may exist already; its parent must exist.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory, sorted by their bytes.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Creates a file that must not exist, to be appended to.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file to be read.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Creates a log file that must not exist.
    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn LogFile>>;

    /// Gives a file another name, in place of the file that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must not exist.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory, which must be empty.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes the lock that the file at `path` stands for, creating the file if it is missing. The lock ends when the
    /// guard is dropped or the process dies; the file stays.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>>;

    /// As [`lock`](Self::lock), together with others who take it so, and creating nothing: the file must exist.
    fn lock_shared(&self, path: &Path) -> io::Result<Box<dyn LockGuard>>;
}

/// A file that is appended to, finished by a sync, and then only read.
pub trait File: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at the end.
    fn append(&self, bytes: &[u8]) -> io::Result<()>;

    /// Reads at most `buffer.len()` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The size in bytes.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Makes everything appended so far durable, the size included.
    fn sync(&self) -> io::Result<()>;

    /// The whole file as memory. The file must be finished.
    fn map(&self) -> io::Result<Mapping>;
}

/// A log segment: space that is filled ahead of time, ranges that are published one after another, and syncs.
///
/// It is an object of its own so that it can be written by ordinary writes, directly, or through a map. Within a range
/// that was published and not synced, a crash may keep any bytes.
pub trait LogFile: Send + Sync + fmt::Debug {
    /// Makes the file at least `size_bytes` long by zeros. Nothing below the present size changes.
    fn fill(&self, size_bytes: u64) -> io::Result<()>;

    /// Whether it is written faster where it was filled, also by who does not sync.
    fn is_faster_filled(&self) -> bool;

    /// Writes `bytes` at `offset`: they survive the death of the process from now on.
    fn publish(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything published so far durable.
    fn sync(&self) -> io::Result<()>;
}

/// Holds a lock until it is dropped.
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// Reads exactly `buffer.len()` bytes; a file that ends earlier is [`io::ErrorKind::UnexpectedEof`].
pub fn read_exact_at(file: &dyn File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = file.read_at(offset, buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        offset += count as u64;
        buffer = buffer.get_mut(count..).unwrap_or_default();
    }
    Ok(())
}

/// Reads a whole file into memory.
pub fn read_all(file: &dyn File) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.size_bytes()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; size];
    read_exact_at(file, 0, &mut bytes)?;
    Ok(bytes)
}
