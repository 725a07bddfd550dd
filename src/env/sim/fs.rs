//! The simulated file system.

use super::directory::{Binding, Node};
use super::fault::{FaultId, FaultRule, SyncFailure};
use super::handle::{Access, SimFile, SimLock};
use super::inode::{Contents, Inode};
use super::machine::{Admission, State, crash_error};
use super::operation::{OpKind, Operation};
use crate::env::file::{File, LockGuard, LogFile, Vfs};
use crate::env::lock_table::Hold;
use parking_lot::{Mutex, MutexGuard};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// A file system in memory that knows what is durable, can stop at any operation, and can show what a power loss leaves.
///
/// A clone is another handle to the same disk. The root directory `/` exists from the start; relative paths begin
/// there. The rules of the disk stand in the [documentation of the module](crate::env::sim).
///
/// ```
/// use pixii::env::file::Vfs;
/// use pixii::sim::{ImageChoice, SimVfs};
/// use std::path::Path;
///
/// let vfs = SimVfs::new();
/// let file = vfs.create(Path::new("/file"))?;
/// vfs.sync_dir(Path::new("/"))?;
/// file.append(b"synced, ")?;
/// file.sync()?;
/// file.append(b"not synced")?;
///
/// assert_eq!(vfs.read("/file").unwrap(), b"synced, not synced");
/// assert_eq!(vfs.process_death_image().read("/file").unwrap(), b"synced, not synced");
/// assert_eq!(vfs.crash_image(ImageChoice::AllLost).read("/file").unwrap(), b"synced, ");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct SimVfs {
    state: Arc<Mutex<State>>,
}

impl SimVfs {
    /// An empty disk.
    pub fn new() -> Self {
        Self::of(State::new())
    }

    pub(super) fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// How many operations there were. The next one has this number.
    pub fn operation_count(&self) -> u64 {
        self.lock_state().log.count()
    }

    /// All operations so far, each at the place of its number.
    pub fn op_log(&self) -> Vec<Operation> {
        self.lock_state().log.operations().to_vec()
    }

    /// A hash over all operations so far and what they wrote. A simulation that is run twice must give the same.
    pub fn op_hash(&self) -> u64 {
        self.lock_state().log.hash()
    }

    /// The numbers of the operations so far that changed the disk, or what of it is durable: the places at which it is
    /// worth while to stop the machine.
    pub fn crash_points(&self) -> Vec<u64> {
        let state = self.lock_state();
        let numbered = (0..).zip(state.log.operations());
        numbered
            .filter(|(_, operation)| operation.kind.changes_the_disk())
            .map(|(number, _)| number)
            .collect()
    }

    /// The machine stops at the operation with this number: it and every later one fails, with an error that
    /// [`is_simulated_crash`](super::is_simulated_crash) knows. The operation itself may or may not have reached the
    /// disk, or in part; nobody has seen it.
    pub fn crash_at(&self, number: u64) {
        self.lock_state().crash_at = Some(number);
    }

    /// The machine stops now.
    pub fn crash_now(&self) {
        self.lock_state().is_crashed = true;
    }

    /// Whether the machine has stopped.
    pub fn is_crashed(&self) -> bool {
        self.lock_state().is_crashed
    }

    /// Orders a fault.
    pub fn fail(&self, rule: FaultRule) -> FaultId {
        self.lock_state().faults.add(rule)
    }

    /// How often a fault has fired.
    pub fn fired(&self, fault: FaultId) -> u64 {
        self.lock_state().faults.fired(fault)
    }

    /// Takes a fault back.
    pub fn lift(&self, fault: FaultId) {
        self.lock_state().faults.lift(fault);
    }

    /// Takes all faults back, and the space budget.
    pub fn lift_all(&self) {
        let mut state = self.lock_state();
        state.faults.lift_all();
        state.space_budget = None;
    }

    /// How many bytes all files together may have; none means any number. A write that needs more is written as far as
    /// there is room and fails with "no space"; a new name is refused when there is no room at all.
    pub fn set_space_budget(&self, bytes: Option<u64>) {
        self.lock_state().space_budget = bytes;
    }

    /// How many bytes all files together have.
    pub fn used_bytes(&self) -> u64 {
        self.lock_state().used_bytes()
    }

    fn create_file(&self, kind: OpKind, path: &Path) -> io::Result<SimFile> {
        let mut created = None;
        self.lock_state().admit_change(Operation::on(kind, path), |state| {
            let place = state.names.place(path)?;
            if state.names.at(&place).is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.check_room_for_a_name()?;
            let inode = Inode::new(state.next_inode_id(), Contents::default());
            created = Some(Arc::clone(&inode));
            Ok(vec![Binding::new(place, Some(Node::File(inode)))])
        })?;
        let inode = created.expect("the change was planned, or there is an error");
        Ok(self.handle(inode, path, Access::Write))
    }

    fn handle(&self, inode: Arc<Inode>, path: &Path, access: Access) -> SimFile {
        SimFile::new(Arc::clone(&self.state), inode, path, access)
    }
}

impl Vfs for SimVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.lock_state().admit_change(Operation::on(OpKind::CreateDir, path), |state| {
            if let Ok(Node::Directory(_)) = state.names.resolve(path) {
                return Ok(Vec::new());
            }
            let place = state.names.place(path)?;
            if state.names.at(&place).is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.check_room_for_a_name()?;
            let directory = state.names.add_directory();
            Ok(vec![Binding::new(place, Some(Node::Directory(directory)))])
        })
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut state = self.lock_state();
        state.admit_look(Operation::on(OpKind::ReadDir, path))?;
        let directory = state.names.resolve_directory(path)?;
        Ok(state.names.names(directory))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(self.create_file(OpKind::Create, path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let inode = {
            let mut state = self.lock_state();
            state.admit_look(Operation::on(OpKind::Open, path))?;
            state.names.resolve(path)?.file()?
        };
        Ok(Arc::new(self.handle(inode, path, Access::Read)))
    }

    fn create_log(&self, path: &Path) -> io::Result<Arc<dyn LogFile>> {
        Ok(Arc::new(self.create_file(OpKind::CreateLog, path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let operation = Operation::with_target(OpKind::Rename, from, to);
        self.lock_state().admit_change(operation, |state| {
            let (from_place, to_place) = (state.names.place(from)?, state.names.place(to)?);
            let node = state.names.at(&from_place).cloned().ok_or(ErrorKind::NotFound)?;
            match (&node, state.names.at(&to_place)) {
                (Node::Directory(moved), _) if state.names.is_within(to_place.0, *moved) => {
                    return Err(ErrorKind::InvalidInput.into());
                }
                (_, Some(Node::Directory(above))) if state.names.is_within(from_place.0, *above) => {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                // Two names of one file: nothing happens.
                (node, Some(replaced)) if node.is(replaced) => return Ok(Vec::new()),
                (Node::File(_), Some(Node::Directory(_))) => return Err(ErrorKind::IsADirectory.into()),
                (Node::Directory(_), Some(Node::File(_))) => return Err(ErrorKind::NotADirectory.into()),
                (Node::Directory(_), Some(Node::Directory(replaced)))
                    if !state.names.names(*replaced).is_empty() =>
                {
                    return Err(ErrorKind::DirectoryNotEmpty.into());
                }
                _ => {}
            }
            Ok(vec![Binding::new(from_place, None), Binding::new(to_place, Some(node))])
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let operation = Operation::with_target(OpKind::Link, from, to);
        self.lock_state().admit_change(operation, |state| {
            let node = state.names.resolve(from)?;
            let place = state.names.place(to)?;
            if state.names.at(&place).is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            if let Node::Directory(_) = node {
                return Err(ErrorKind::PermissionDenied.into());
            }
            state.check_room_for_a_name()?;
            Ok(vec![Binding::new(place, Some(node))])
        })
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.lock_state().admit_change(Operation::on(OpKind::Unlink, path), |state| {
            let place = state.names.place(path)?;
            match state.names.at(&place) {
                None => Err(ErrorKind::NotFound.into()),
                Some(Node::Directory(_)) => Err(ErrorKind::IsADirectory.into()),
                Some(Node::File(_)) => Ok(vec![Binding::new(place, None)]),
            }
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.lock_state().admit_change(Operation::on(OpKind::RemoveDir, path), |state| {
            let place = state.names.place(path)?;
            match state.names.at(&place) {
                None => Err(ErrorKind::NotFound.into()),
                Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
                Some(Node::Directory(directory)) if !state.names.names(*directory).is_empty() => {
                    Err(ErrorKind::DirectoryNotEmpty.into())
                }
                Some(Node::Directory(_)) => Ok(vec![Binding::new(place, None)]),
            }
        })
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        match state.admit(Operation::on(OpKind::SyncDir, path), &[]) {
            Admission::Granted => {
                let directory = state.names.resolve_directory(path)?;
                state.names.sync(directory);
                Ok(())
            }
            Admission::Faulty(fault) => {
                let directory = state.names.resolve_directory(path)?;
                if fault.takes_effect {
                    state.names.sync(directory);
                } else if fault.sync != SyncFailure::StaysPending {
                    state.names.fail_sync(directory);
                }
                Err(fault.error)
            }
            // What was pending when the machine stopped is pending, and an image may keep any of it.
            Admission::InFlight | Admission::Stopped => Err(crash_error()),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.lock_state();
        let mut found = None;
        state.admit_change(Operation::on(OpKind::Lock, path), |state| {
            let place = state.names.place(path)?;
            if let Some(node) = state.names.at(&place) {
                found = Some(node.file()?);
                return Ok(Vec::new());
            }
            state.check_room_for_a_name()?;
            let inode = Inode::new(state.next_inode_id(), Contents::default());
            found = Some(Arc::clone(&inode));
            Ok(vec![Binding::new(place, Some(Node::File(inode)))])
        })?;
        let inode = found.expect("the change was planned, or there is an error");
        Ok(Box::new(SimLock::take(&self.state, &mut state, inode, Hold::Alone)?))
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.lock_state();
        state.admit_look(Operation::on(OpKind::Open, path))?;
        let inode = state.names.resolve(path)?.file()?;
        Ok(Box::new(SimLock::take(&self.state, &mut state, inode, Hold::Shared)?))
    }
}

impl Default for SimVfs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimVfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock_state();
        f.debug_struct("SimVfs")
            .field("operations", &state.log.count())
            .field("is_crashed", &state.is_crashed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::file::read_all;
    use crate::env::sim::fault::errno;
    use crate::env::sim::image::ImageChoice;
    use crate::env::sim::machine::is_simulated_crash;

    fn file_of(vfs: &SimVfs, path: &str) -> Arc<dyn File> {
        vfs.create(Path::new(path)).expect("a new file")
    }

    #[test]
    fn the_machine_stops_at_its_operation_and_for_ever() {
        let vfs = SimVfs::new();
        let file = file_of(&vfs, "/a");
        vfs.crash_at(2);
        file.append(b"x").expect("it has not stopped yet");
        let error = file.append(b"y").expect_err("it stops");
        assert!(is_simulated_crash(&error) && vfs.is_crashed());
        assert!(is_simulated_crash(&file.size_bytes().expect_err("it has stopped")));
        assert!(is_simulated_crash(&vfs.read_dir(Path::new("/")).expect_err("it has stopped")));
        assert_eq!(vfs.read("/a"), Some(b"x".to_vec()), "nobody has seen the write in flight");
        assert_eq!(vfs.crash_image(ImageChoice::AllKept).read("/a"), Some(b"xy".to_vec()));
        assert!(!is_simulated_crash(&io::Error::from_raw_os_error(errno::EIO)));
    }

    #[test]
    fn a_full_disk_takes_part_of_a_write_and_no_new_name() {
        let vfs = SimVfs::new();
        let file = file_of(&vfs, "/a");
        let log = vfs.create_log(Path::new("/log")).expect("a new file");
        log.fill(10).expect("space");
        vfs.set_space_budget(Some(14));
        let error = file.append(b"abcdefg").expect_err("four bytes are left");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(vfs.read("/a"), Some(b"abcd".to_vec()));
        assert!(vfs.create(Path::new("/b")).is_err());
        log.publish(0, b"0123456789").expect("the space was filled before");
        vfs.unlink(Path::new("/a")).expect("it exists");
        assert_eq!(vfs.used_bytes(), 10);
        file_of(&vfs, "/b").append(b"abcd").expect("there is space again");
    }

    #[test]
    fn a_write_that_fails_may_be_written_in_part() {
        let vfs = SimVfs::new();
        let file = file_of(&vfs, "/a");
        vfs.fail(FaultRule::on(&OpKind::WRITES).written_bytes(2));
        let error = file.append(b"abc").expect_err("as ordered");
        assert_eq!(error.raw_os_error(), Some(errno::EIO));
        file.append(b"d").expect("only once");
        assert_eq!(vfs.read("/a"), Some(b"ab\0d".to_vec()), "the handle has gone on, as the system's does");
    }

    #[test]
    fn every_handle_that_was_open_is_told_of_a_failed_sync_once() {
        let vfs = SimVfs::new();
        let writer = file_of(&vfs, "/a");
        let other = vfs.open(Path::new("/a")).expect("it exists");
        writer.append(b"x").expect("space");
        vfs.fail(FaultRule::on(&[OpKind::Sync]).sync(SyncFailure::CleanToldToEveryHandle));
        assert!(writer.sync().is_err());
        assert!(other.sync().is_err());
        let late = vfs.open(Path::new("/a")).expect("it exists");
        assert!(writer.sync().is_ok() && other.sync().is_ok() && late.sync().is_ok());
        vfs.sync_dir(Path::new("/")).expect("no fault left");
        assert_eq!(
            vfs.crash_image(ImageChoice::AllLost).read("/a"),
            Some(b"\0".to_vec()),
            "nothing was written"
        );
    }

    #[test]
    fn a_change_of_names_that_fails_may_have_happened() {
        let vfs = SimVfs::new();
        let (from, to) = (Path::new("/a"), Path::new("/b"));
        file_of(&vfs, "/a");
        vfs.fail(FaultRule::on(&[OpKind::Rename]));
        assert!(vfs.rename(from, to).is_err());
        assert_eq!(vfs.paths(), [from]);
        vfs.fail(FaultRule::on(&[OpKind::Rename]).takes_effect());
        assert!(vfs.rename(from, to).is_err());
        assert_eq!(vfs.paths(), [to]);
        vfs.fail(FaultRule::on(&[OpKind::SyncDir]).takes_effect());
        assert!(vfs.sync_dir(Path::new("/")).is_err());
        assert_eq!(vfs.crash_image(ImageChoice::AllLost).paths(), [to]);
    }

    #[test]
    fn names_that_a_failed_sync_left_are_not_made_durable_by_the_next() {
        for (failure, expected) in [(SyncFailure::CleanKeepsNew, 0), (SyncFailure::StaysPending, 1)] {
            let vfs = SimVfs::new();
            file_of(&vfs, "/a");
            vfs.fail(FaultRule::on(&[OpKind::SyncDir]).sync(failure));
            assert!(vfs.sync_dir(Path::new("/")).is_err());
            assert!(vfs.sync_dir(Path::new("/")).is_ok());
            assert_eq!(vfs.crash_image(ImageChoice::AllLost).paths().len(), expected, "{failure:?}");
        }
    }

    #[test]
    fn a_sync_through_a_reading_handle_counts() {
        let vfs = SimVfs::new();
        file_of(&vfs, "/a").append(b"x").expect("space");
        vfs.open(Path::new("/a")).and_then(|file| file.sync()).expect("it can be synced");
        vfs.sync_dir(Path::new("/")).expect("it exists");
        assert_eq!(vfs.crash_image(ImageChoice::AllLost).read("/a"), Some(b"x".to_vec()));
    }

    #[test]
    fn a_lock_is_held_once_and_dies_with_the_process() {
        let vfs = SimVfs::new();
        let path = Path::new("/LOCK");
        let first = vfs.lock(path).expect("nobody holds it");
        assert_eq!(vfs.lock(path).map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
        let after = vfs.process_death_image();
        let other = after.lock(path).expect("the process that held it is dead");
        drop(first);
        assert!(vfs.lock(path).is_ok());
        assert!(after.lock(path).is_err());
        drop(other);
    }

    #[test]
    fn an_unlinked_file_can_be_read_by_those_who_have_it_open() {
        let vfs = SimVfs::new();
        let file = file_of(&vfs, "/a");
        file.append(b"still here").expect("space");
        vfs.unlink(Path::new("/a")).expect("it exists");
        assert_eq!(read_all(file.as_ref()).expect("it is open"), b"still here");
        assert!(vfs.paths().is_empty());
    }
}
