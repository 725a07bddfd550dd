//! The system's files. Directories are created with mode 0700 and files with 0600, whatever the umask allows.

use crate::env::file::{File, LockGuard, LogFile, Vfs};
use crate::env::mapping::Mapping;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's file system.
#[derive(Debug)]
pub(in crate::env) struct SystemVfs;

/// How much is filled with zeros by one call.
const FILL_STEP_BYTES: u64 = 1024 * 1024;

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
        Ok(Arc::new(SystemLogFile { file: create_new(path)? }))
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

/// A log segment by ordinary writes.
#[derive(Debug)]
struct SystemLogFile {
    file: fs::File,
}

impl LogFile for SystemLogFile {
    fn fill(&self, size_bytes: u64) -> io::Result<()> {
        let mut offset = self.file.metadata()?.len();
        let zeros = vec![0; usize::try_from(FILL_STEP_BYTES).unwrap_or_default()];
        while offset < size_bytes {
            let count = (size_bytes - offset).min(FILL_STEP_BYTES);
            let zeros = zeros.get(..usize::try_from(count).unwrap_or_default()).unwrap_or_default();
            self.file.write_all_at(zeros, offset)?;
            offset += count;
        }
        Ok(())
    }

    fn publish(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
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
