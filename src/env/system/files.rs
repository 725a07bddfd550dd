//! The system's files. Directories are created with mode 0700 and files with 0600, whatever the umask allows.
//!
//! A log is written through a map where it was filled with zeros before: a record that is not synced then costs no call of
//! the system. Where it was not filled, or the file system might need space for what is written over (`mounts`), it is
//! written by calls. What a failing medium does to a call is an error; what it does to a map ends the process
//! (docs/format.md).

use super::mounts::{Overwriting, overwriting};
use crate::env::file::{File, LockGuard, LogFile, Vfs};
use crate::env::mapping::{Mapping, Window};
use parking_lot::Mutex;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's file system.
#[derive(Debug)]
pub(in crate::env) struct SystemVfs;

/// How much is filled with zeros by one call: a page. What is filled by larger calls is kept in larger pieces by some
/// systems, each of which is written as a whole at a sync, however little of it was stored to.
const FILL_STEP_BYTES: usize = 4096;

impl Vfs for SystemVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            done => done,
        }
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SystemFile::new(create_new(path)?)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(SystemFile::new(fs::File::open(path)?)?))
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        let file = create_new(path)?;
        let overwriting = overwriting(&file);
        Ok(Arc::new(SystemLogFile { file, overwriting, window: Mutex::new(None) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(SystemLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let file = fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        match file.try_lock_shared() {
            Ok(()) => Ok(Box::new(SystemLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Err(ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

fn create_new(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

#[derive(Debug)]
struct SystemFile {
    file: fs::File,
    end: AtomicU64,
}

impl SystemFile {
    fn new(file: fs::File) -> io::Result<Self> {
        let end = AtomicU64::new(file.metadata()?.len());
        Ok(Self { file, end })
    }
}

impl File for SystemFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        self.file.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn map(&self) -> io::Result<Mapping> {
        Mapping::of_file(&self.file)
    }
}

/// A log segment: by a map where it was filled, else by ordinary writes.
#[derive(Debug)]
struct SystemLogFile {
    file: fs::File,
    overwriting: Overwriting,
    /// Over what was filled last.
    window: Mutex<Option<Window>>,
}

impl LogFile for SystemLogFile {
    fn fill(&self, size_bytes: u64) -> io::Result<()> {
        let mut window = self.window.lock();
        let size = self.file.metadata()?.len();
        let mut offset = size;
        let zeros = [0; FILL_STEP_BYTES];
        let step = FILL_STEP_BYTES as u64;
        while offset < size_bytes {
            // To the end of a page first.
            let count = (size_bytes - offset).min(step - offset % step);
            let zeros = zeros.get(..usize::try_from(count).unwrap_or_default()).unwrap_or_default();
            self.file.write_all_at(zeros, offset)?;
            offset += count;
        }
        if self.overwriting == Overwriting::NeedsNoSpace && size < size_bytes {
            let start = size - size % step;
            let length = usize::try_from(size_bytes - start).map_err(|_| ErrorKind::FileTooLarge)?;
            // Without one, calls do.
            *window = Window::of_file(&self.file, start, length).ok();
        }
        Ok(())
    }

    fn is_faster_filled(&self) -> bool {
        self.overwriting == Overwriting::NeedsNoSpace
    }

    fn publish(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let stored = self.window.lock().as_mut().map_or(0, |window| window.store(offset, bytes));
        let rest = bytes.get(stored..).unwrap_or_default();
        if rest.is_empty() { Ok(()) } else { self.file.write_all_at(rest, offset + stored as u64) }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The system's lock on an open file: it ends when the file is closed or the process dies.
#[derive(Debug)]
struct SystemLock {
    _file: fs::File,
}

impl LockGuard for SystemLock {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_would_block_until_the_first_is_dropped() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("LOCK");
        let first = SystemVfs.lock(&path).expect("nobody holds it");
        let second = SystemVfs.lock(&path).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(second, Err(ErrorKind::WouldBlock));
        drop(first);
        assert!(SystemVfs.lock(&path).is_ok());
    }

    #[test]
    fn files_and_directories_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let inner = directory.path().join("store");
        SystemVfs.create_dir(&inner).expect("a new directory");
        SystemVfs.create(&inner.join("file")).expect("a new file");
        let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("file"))), (0o700, 0o600));
    }

    #[test]
    fn what_is_published_is_read_back_wherever_filling_ended() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("log");
        let log = SystemVfs.create_log(&path).expect("a new file");
        let mut expected = Vec::new();
        let mut filled = 0;
        for step in 0_u8..200 {
            let record = vec![step; 37 * usize::from(step % 23)];
            // At times records go beyond what was filled, and filling begins within a page.
            if step % 40 < 20 && expected.len() + record.len() > filled {
                filled = (expected.len() + record.len()).next_multiple_of(10_000);
                log.fill(filled as u64).expect("space");
            }
            log.publish(expected.len() as u64, &record).expect("space");
            expected.extend_from_slice(&record);
        }
        log.sync().expect("a disk");
        let file = SystemVfs.open(&path).expect("it exists");
        let bytes = crate::env::file::read_all(file.as_ref()).expect("it can be read");
        assert_eq!(&bytes[..expected.len()], expected);
        assert!(bytes[expected.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn filling_keeps_what_is_there() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("log");
        let log = SystemVfs.create_log(&path).expect("a new file");
        log.publish(0, b"record").expect("space");
        log.fill(4096).expect("space");
        let file = SystemVfs.open(&path).expect("it exists");
        let bytes = crate::env::file::read_all(file.as_ref()).expect("it can be read");
        assert_eq!((bytes.len(), &bytes[..6], bytes[6]), (4096, b"record".as_slice(), 0));
    }
}
