//! Open files.

use super::fault::errno;
use super::inode::{Inode, WrittenBytes};
use super::machine::{Admission, State, crash_error};
use super::operation::{OpKind, Operation};
use crate::env::file::{File, LockGuard, LogFile};
use crate::env::lock_table::Hold;
use crate::env::mapping::Mapping;
use parking_lot::Mutex;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An open file: a plain one or a log.
pub(super) struct SimFile {
    state: Arc<Mutex<State>>,
    inode: Arc<Inode>,
    path: Arc<Path>,
    access: Access,
    /// Where the next append goes. As with the system's files it is the handle's own, and a failed append moves it.
    end: AtomicU64,
    /// How many failures of a sync this handle was told of.
    reported: AtomicU64,
}

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl SimFile {
    pub(super) fn new(state: Arc<Mutex<State>>, inode: Arc<Inode>, path: &Path, access: Access) -> Self {
        let (end, failures) = {
            let contents = inode.contents.lock();
            (contents.visible.len() as u64, contents.failures)
        };
        let (end, reported) = (AtomicU64::new(end), AtomicU64::new(failures));
        Self { state, inode, path: Arc::from(path), access, end, reported }
    }

    fn write(&self, kind: OpKind, offset: u64, bytes: &WrittenBytes) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::Error::from_raw_os_error(errno::EBADF));
        }
        let start = usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
        let operation = Operation::within(kind, &self.path, offset, bytes.len() as u64);
        let mut state = self.state.lock();
        let admission = state.admit(operation, bytes.content());
        let room = state.room_bytes();
        let mut contents = self.inode.contents.lock();
        match admission {
            Admission::Granted => {
                let end = (start + bytes.len()) as u64;
                let growth = end.saturating_sub(contents.visible.len() as u64);
                let missing = usize::try_from(growth.saturating_sub(room)).unwrap_or(usize::MAX);
                contents.write(start, bytes.part(0, bytes.len().saturating_sub(missing)));
                if missing > 0 {
                    return Err(io::Error::from_raw_os_error(errno::ENOSPC));
                }
                Ok(())
            }
            Admission::InFlight => {
                contents.write_in_flight(start, bytes.clone());
                Err(crash_error())
            }
            Admission::Faulty(fault) => {
                let written = usize::try_from(fault.written_bytes).unwrap_or(usize::MAX);
                contents.write(start, bytes.part(0, written));
                Err(fault.error)
            }
            Admission::Stopped => Err(crash_error()),
        }
    }

    fn sync_contents(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let admission = state.admit(Operation::within(OpKind::Sync, &self.path, 0, 0), &[]);
        let mut contents = self.inode.contents.lock();
        match admission {
            Admission::Granted => {
                let failures = contents.failures;
                if self.reported.swap(failures, Ordering::SeqCst) < failures {
                    return Err(io::Error::from_raw_os_error(errno::EIO));
                }
                contents.sync();
                Ok(())
            }
            Admission::Faulty(fault) => {
                if fault.takes_effect {
                    contents.sync();
                } else {
                    contents.fail_sync(fault.sync);
                }
                self.reported.store(contents.failures, Ordering::SeqCst);
                Err(fault.error)
            }
            // What was pending when the machine stopped is pending, and an image may keep any of it.
            Admission::InFlight | Admission::Stopped => Err(crash_error()),
        }
    }

    fn admit_look(&self, kind: OpKind, offset: u64, length: u64) -> io::Result<()> {
        self.state.lock().admit_look(Operation::within(kind, &self.path, offset, length))
    }
}

impl File for SimFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        self.write(OpKind::Append, offset, &WrittenBytes::Data(Arc::from(bytes)))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.admit_look(OpKind::Read, offset, buffer.len() as u64)?;
        let contents = self.inode.contents.lock();
        let start = usize::try_from(offset).map_err(|_| ErrorKind::InvalidInput)?;
        let rest = contents.visible.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        let (target, bytes) = (buffer.get_mut(..count), rest.get(..count));
        target.unwrap_or_default().copy_from_slice(bytes.unwrap_or_default());
        Ok(count)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.admit_look(OpKind::Size, 0, 0)?;
        Ok(self.inode.contents.lock().visible.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_contents()
    }

    fn map(&self) -> io::Result<Mapping> {
        self.admit_look(OpKind::Map, 0, 0)?;
        Ok(Mapping::of_bytes(self.inode.contents.lock().map()))
    }
}

impl LogFile for SimFile {
    fn fill(&self, size_bytes: u64) -> io::Result<()> {
        let size = self.inode.contents.lock().visible.len() as u64;
        let missing =
            usize::try_from(size_bytes.saturating_sub(size)).map_err(|_| ErrorKind::FileTooLarge)?;
        self.write(OpKind::Fill, size, &WrittenBytes::Zeros(missing))
    }

    fn is_faster_filled(&self) -> bool {
        true
    }

    fn publish(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(OpKind::Publish, offset, &WrittenBytes::Data(Arc::from(bytes)))
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_contents()
    }
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimFile")
            .field("path", &self.path)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// A lock that is held.
pub(super) struct SimLock {
    state: Arc<Mutex<State>>,
    inode: Arc<Inode>,
}

impl SimLock {
    /// Takes the lock of a file, if nobody is in the way. The machine's state is locked by the caller.
    pub(super) fn take(
        shared: &Arc<Mutex<State>>,
        state: &mut State,
        inode: Arc<Inode>,
        hold: Hold,
    ) -> io::Result<Self> {
        if !state.locked.take(inode.id, hold) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Self { state: Arc::clone(shared), inode })
    }
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.state.lock().locked.release(&self.inode.id);
    }
}

impl fmt::Debug for SimLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimLock").field("inode", &self.inode.id).finish_non_exhaustive()
    }
}
