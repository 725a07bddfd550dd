//! A file system over another one that it never changes: what is written stays in memory, what is removed is hidden.
//!
//! So a store can be opened without a byte of its directory being written, by the very steps that write in earnest
//! (`engine/recovery`): the table of what was replayed, the new segment and the new manifest are in memory.
//!
//! Invariants:
//! 1. The file system below is only asked to list, to open for reading, and to lock together with others, which creates
//!    nothing.
//! 2. Once it is sealed nothing changes any more: every change is refused as on a file system that is mounted to be read.
//!
//! Not for more than one opening at a time: each makes its own.

use super::file::{File, LockGuard, LogFile, Vfs};
use super::memory::MemoryVfs;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What lies over a file system.
#[derive(Debug)]
pub(crate) struct OverlayVfs {
    below: Arc<dyn Vfs>,
    above: MemoryVfs,
    /// Names below that are gone as seen from here.
    hidden: Mutex<BTreeSet<PathBuf>>,
    is_sealed: AtomicBool,
    has_lock: AtomicBool,
}

impl OverlayVfs {
    /// Over `below`, with nothing changed yet.
    pub(crate) fn new(below: Arc<dyn Vfs>) -> Self {
        Self {
            below,
            above: MemoryVfs::new(),
            hidden: Mutex::default(),
            is_sealed: AtomicBool::new(false),
            has_lock: AtomicBool::new(false),
        }
    }

    /// From now on nothing changes here either.
    pub(crate) fn seal(&self) {
        self.is_sealed.store(true, Ordering::SeqCst);
    }

    /// Whether there was a file to be locked when that was asked for.
    pub(crate) fn has_lock(&self) -> bool {
        self.has_lock.load(Ordering::SeqCst)
    }

    fn check_change(&self) -> io::Result<()> {
        if self.is_sealed.load(Ordering::SeqCst) {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }

    fn is_below(&self, path: &Path) -> bool {
        !self.hidden.lock().contains(path) && self.below.open(path).is_ok()
    }

    /// Admits a name that must be new.
    fn check_new(&self, path: &Path) -> io::Result<()> {
        self.check_change()?;
        if self.is_below(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(())
    }
}

impl Vfs for OverlayVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.check_change()?;
        // There is none to be made: stores are only read where they are.
        self.below.read_dir(path).map(|_| ())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let hidden = self.hidden.lock();
        let below = self.below.read_dir(path)?.into_iter();
        let mut names: BTreeSet<String> = below.filter(|name| !hidden.contains(&path.join(name))).collect();
        names.extend(self.above.read_dir(path)?);
        Ok(names.into_iter().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.check_new(path)?;
        self.above.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        match self.above.open(path) {
            Err(_) if self.hidden.lock().contains(path) => Err(ErrorKind::NotFound.into()),
            Err(_) => self.below.open(path),
            opened => opened,
        }
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        self.check_new(path)?;
        self.above.create_log(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_change()?;
        // Only what was made here gets another name: nobody renames what another opening has left.
        self.above.rename(from, to)
    }

    fn link(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.check_change()?;
        let was_above = self.above.unlink(path).is_ok();
        let was_below = self.is_below(path) && self.hidden.lock().insert(path.to_owned());
        if was_above || was_below { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }

    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        match self.below.lock_shared(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Box::new(NoLock)),
            asked => {
                self.has_lock.store(true, Ordering::SeqCst);
                asked
            }
        }
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.below.lock_shared(path)
    }
}

/// The lock of a store that nobody has had open to write where it lies: there is no file to lock.
#[derive(Debug)]
struct NoLock;

impl LockGuard for NoLock {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::file::read_all;

    fn content(vfs: &dyn Vfs, name: &str) -> io::Result<Vec<u8>> {
        read_all(vfs.open(Path::new(name))?.as_ref())
    }

    #[test]
    fn changes_are_seen_above_and_not_below() {
        let below: Arc<dyn Vfs> = Arc::new(MemoryVfs::new());
        below.create(Path::new("d/old")).and_then(|file| file.append(b"old")).expect("memory");
        let overlay = OverlayVfs::new(Arc::clone(&below));
        overlay.create(Path::new("d/new.tmp")).and_then(|file| file.append(b"new")).expect("memory");
        overlay.rename(Path::new("d/new.tmp"), Path::new("d/new")).expect("it was made here");
        let again = overlay.create(Path::new("d/old")).expect_err("it is there");
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(overlay.read_dir(Path::new("d")).expect("memory"), ["new", "old"]);
        overlay.unlink(Path::new("d/old")).expect("it is there");
        assert_eq!(overlay.unlink(Path::new("d/old")).expect_err("it is gone").kind(), ErrorKind::NotFound);
        assert_eq!(content(&overlay, "d/old").expect_err("it is gone").kind(), ErrorKind::NotFound);
        assert_eq!(content(&overlay, "d/new").expect("it was made"), b"new");
        assert_eq!(overlay.read_dir(Path::new("d")).expect("memory"), ["new"]);
        assert_eq!(below.read_dir(Path::new("d")).expect("memory"), ["old"]);
        assert_eq!(content(below.as_ref(), "d/old").expect("it is there"), b"old");
    }

    #[test]
    fn what_is_sealed_takes_no_change() {
        let overlay = OverlayVfs::new(Arc::new(MemoryVfs::new()));
        overlay.seal();
        let path = Path::new("d/new");
        let refused = [
            overlay.create(path).map(drop),
            overlay.create_log(path).map(drop),
            overlay.create_dir(path),
            overlay.rename(path, path),
            overlay.link(path, path),
            overlay.unlink(path),
            overlay.remove_dir(path),
        ];
        for result in refused {
            assert_eq!(result.expect_err("it is sealed").kind(), ErrorKind::ReadOnlyFilesystem);
        }
    }
}
