//! The state of the simulated machine's disk, and the one door that every operation goes through.
//!
//! Invariants:
//! 1. Each operation gets a number, is logged, and then fails if the machine has stopped, stops here, or is told to fail.
//! 2. After the machine has stopped nothing changes any more. Looking at the disk and damaging it, as tests do, is no
//!    operation.

use super::directory::{Binding, Names};
use super::fault::{Fault, FaultPlan};
use super::inode::{Inode, InodeId, PendingState, SharedBytes};
use super::operation::{OpLog, Operation};
use crate::env::lock_table::LockTable;
use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// How many unlinked files are remembered, for the bytes that an extension may show after a power loss.
const STALE_FILES: usize = 8;

/// A disk, and the process that uses it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) names: Names,
    pub(super) locked: LockTable<InodeId>,
    /// The bytes of files that were unlinked, newest last.
    pub(super) stale: VecDeque<SharedBytes>,
    pub(super) log: OpLog,
    pub(super) faults: FaultPlan,
    pub(super) crash_at: Option<u64>,
    pub(super) is_crashed: bool,
    pub(super) space_budget: Option<u64>,
    next_inode: u64,
}

/// What becomes of an operation.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is done.
    Granted,
    /// The machine stops while it is under way.
    InFlight,
    /// It fails as ordered.
    Faulty(Fault),
    /// The machine has stopped.
    Stopped,
}

impl State {
    pub(super) fn new() -> Self {
        Self::of(Names::new(), VecDeque::new(), 0)
    }

    /// The disk of a machine that was just started.
    fn of(names: Names, stale: VecDeque<SharedBytes>, next_inode: u64) -> Self {
        Self {
            names,
            locked: LockTable::default(),
            stale,
            log: OpLog::default(),
            faults: FaultPlan::default(),
            crash_at: None,
            is_crashed: false,
            space_budget: None,
            next_inode,
        }
    }

    /// The same disk with other names, used by a new process.
    pub(super) fn restarted(&self, names: Names) -> Self {
        Self::of(names, self.stale.clone(), self.next_inode)
    }

    pub(super) fn next_inode_id(&mut self) -> InodeId {
        self.next_inode += 1;
        InodeId(self.next_inode)
    }

    /// Numbers and logs an operation, and says what becomes of it. `content` is what tells it from others like it.
    pub(super) fn admit(&mut self, operation: Operation, content: &[u8]) -> Admission {
        let number = self.log.count();
        let fault = self.faults.due(number, &operation);
        self.log.add(operation, content);
        if self.is_crashed {
            return Admission::Stopped;
        }
        if self.crash_at == Some(number) {
            self.is_crashed = true;
            return Admission::InFlight;
        }
        fault.map_or(Admission::Granted, Admission::Faulty)
    }

    /// As [`admit`](Self::admit), for operations that leave nothing behind when the machine stops or they fail.
    pub(super) fn admit_look(&mut self, operation: Operation) -> io::Result<()> {
        match self.admit(operation, &[]) {
            Admission::Granted => Ok(()),
            Admission::Faulty(fault) => Err(fault.error),
            Admission::InFlight | Admission::Stopped => Err(crash_error()),
        }
    }

    /// As [`admit`](Self::admit), for operations that change names: `plan` says which, or why it cannot be done. If the
    /// machine stops here, the change may reach the disk.
    pub(super) fn admit_change(
        &mut self,
        operation: Operation,
        plan: impl FnOnce(&mut Self) -> io::Result<Vec<Binding>>,
    ) -> io::Result<()> {
        let (state, answer) = match self.admit(operation, &[]) {
            Admission::Granted => (PendingState::Dirty, Ok(())),
            Admission::InFlight => (PendingState::InFlight, Err(crash_error())),
            Admission::Faulty(fault) if fault.takes_effect => (PendingState::Dirty, Err(fault.error)),
            Admission::Faulty(fault) => return Err(fault.error),
            Admission::Stopped => return Err(crash_error()),
        };
        let planned = plan(self);
        if let Ok(bindings) = &planned
            && !bindings.is_empty()
        {
            for inode in self.names.change(bindings.clone(), state) {
                self.remember(&inode);
            }
        }
        answer.and(planned.map(|_| ()))
    }

    /// How many bytes the files take that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        let mut counted = BTreeSet::new();
        let mut used = 0;
        for inode in self.names.files().values() {
            if counted.insert(inode.id) {
                used += inode.contents.lock().visible.len() as u64;
            }
        }
        used
    }

    /// How many more bytes fit.
    pub(super) fn room_bytes(&self) -> u64 {
        self.space_budget.map_or(u64::MAX, |budget| budget.saturating_sub(self.used_bytes()))
    }

    /// A name needs room as well.
    pub(super) fn check_room_for_a_name(&self) -> io::Result<()> {
        if self.room_bytes() == 0 {
            return Err(io::Error::from_raw_os_error(super::fault::errno::ENOSPC));
        }
        Ok(())
    }

    fn remember(&mut self, inode: &Inode) {
        if self.stale.len() == STALE_FILES {
            self.stale.pop_front();
        }
        self.stale.push_back(Arc::clone(&inode.contents.lock().visible));
    }
}

/// The machine has stopped: what every operation answers from then on.
#[derive(Debug)]
struct SimulatedCrash;

impl fmt::Display for SimulatedCrash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated machine has stopped")
    }
}

impl Error for SimulatedCrash {}

pub(super) fn crash_error() -> io::Error {
    io::Error::other(SimulatedCrash)
}

/// Whether an error says, or was caused by one that says, that the simulated machine has stopped.
///
/// ```
/// use pixii::base::error::StoreError;
/// use pixii::env::file::Vfs;
/// use pixii::sim::{SimVfs, is_simulated_crash};
/// use std::path::Path;
///
/// let vfs = SimVfs::new();
/// vfs.crash_at(0);
/// let path = Path::new("/file");
/// let error = vfs.create(path).unwrap_err();
/// assert!(is_simulated_crash(&error));
/// assert!(is_simulated_crash(&StoreError::io("create", path, error)));
/// ```
pub fn is_simulated_crash(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<SimulatedCrash>() {
            return true;
        }
        // An io::Error names as its source not what it holds but the source of that.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if held.is_some_and(|held| is_simulated_crash(held)) {
            return true;
        }
        next = error.source();
    }
    false
}
