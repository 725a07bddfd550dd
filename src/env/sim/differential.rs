//! The simulated file system against the real one: the same operations give the same results.

use super::fs::SimVfs;
use crate::env::environment::Environment;
use crate::env::file::{File, LogFile, Vfs, read_all};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Op {
    CreateDir(String),
    ReadDir(String),
    Create(String),
    CreateLog(String),
    Append(String, Vec<u8>),
    Fill(String, u64),
    Publish(String, u64, Vec<u8>),
    ReadAt(String, u64, usize),
    ReadAll(String),
    Map(String),
    AppendToReader(String),
    Rename(String, String),
    Link(String, String),
    Unlink(String),
    Sync(String),
    SyncDir(String),
    Lock(String),
    LockShared(String),
}

/// A few names in two directories, so that operations meet.
fn path() -> impl Strategy<Value = String> {
    "(d/|d/e/|f/|)[abdf]"
}

fn directory() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just("d".to_owned()), Just("d/e".to_owned()), path()]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => directory().prop_map(Op::CreateDir),
        1 => directory().prop_map(Op::ReadDir),
        3 => path().prop_map(Op::Create),
        2 => path().prop_map(Op::CreateLog),
        3 => (path(), bytes()).prop_map(|(path, bytes)| Op::Append(path, bytes)),
        1 => (path(), 0..100_u64).prop_map(|(path, size)| Op::Fill(path, size)),
        2 => (path(), 0..100_u64, bytes()).prop_map(|(path, offset, bytes)| Op::Publish(path, offset, bytes)),
        2 => (path(), 0..60_u64, 0..60_usize).prop_map(|(path, offset, length)| Op::ReadAt(path, offset, length)),
        1 => path().prop_map(Op::ReadAll),
        1 => path().prop_map(Op::Map),
        1 => path().prop_map(Op::AppendToReader),
        3 => (path(), path()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (path(), path()).prop_map(|(from, to)| Op::Link(from, to)),
        2 => path().prop_map(Op::Unlink),
        1 => path().prop_map(Op::Sync),
        1 => directory().prop_map(Op::SyncDir),
        1 => path().prop_map(Op::Lock),
        1 => path().prop_map(Op::LockShared),
    ]
}

/// A file system and the handles that are open in it, by the names they were created with.
struct World {
    vfs: Arc<dyn Vfs>,
    root: PathBuf,
    files: BTreeMap<String, Arc<dyn File>>,
    logs: BTreeMap<String, Arc<dyn LogFile>>,
}

impl World {
    fn new(vfs: Arc<dyn Vfs>, root: &Path) -> Self {
        Self { vfs, root: root.to_owned(), files: BTreeMap::new(), logs: BTreeMap::new() }
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        // The real system opens a directory too, and refuses to read it.
        if self.vfs.read_dir(&self.root.join(name)).is_ok() {
            return Err(ErrorKind::IsADirectory.into());
        }
        self.vfs.open(&self.root.join(name))
    }

    /// Does an operation and says what came of it, in words.
    fn apply(&mut self, op: &Op) -> Result<String, ErrorKind> {
        let done = match op {
            Op::CreateDir(name) => self.vfs.create_dir(&self.root.join(name)).map(|()| String::new()),
            Op::ReadDir(name) => self.vfs.read_dir(&self.root.join(name)).map(|names| names.join(" ")),
            Op::Create(name) => self.vfs.create(&self.root.join(name)).map(|file| {
                self.files.insert(name.clone(), file);
                String::new()
            }),
            Op::CreateLog(name) => self.vfs.create_log(&self.root.join(name)).map(|log| {
                self.logs.insert(name.clone(), log);
                String::new()
            }),
            Op::Append(name, bytes) => self.on_file(name, |file| file.append(bytes)),
            Op::Fill(name, size) => self.on_log(name, |log| log.fill(*size)),
            Op::Publish(name, offset, bytes) => self.on_log(name, |log| log.publish(*offset, bytes)),
            Op::ReadAt(name, offset, length) => self.open(name).and_then(|file| {
                let mut buffer = vec![0; *length];
                let count = file.read_at(*offset, &mut buffer)?;
                Ok(format!("{count} {buffer:?} {}", file.size_bytes()?))
            }),
            Op::ReadAll(name) => {
                self.open(name).and_then(|file| Ok(format!("{:?}", read_all(file.as_ref())?)))
            }
            Op::Map(name) => self.open(name).and_then(|file| Ok(format!("{:?}", &*file.map()?))),
            Op::AppendToReader(name) => {
                self.open(name).map(|file| format!("{:?}", file.append(b"x").map_err(|error| code(&error))))
            }
            Op::Rename(from, to) => {
                self.vfs.rename(&self.root.join(from), &self.root.join(to)).map(|()| String::new())
            }
            Op::Link(from, to) => {
                self.vfs.link(&self.root.join(from), &self.root.join(to)).map(|()| String::new())
            }
            Op::Unlink(name) => self.vfs.unlink(&self.root.join(name)).map(|()| String::new()),
            Op::Sync(name) => self.on_file(name, |file| file.sync()),
            Op::SyncDir(name) => self.vfs.read_dir(&self.root.join(name)).and_then(|_| {
                self.vfs.sync_dir(&self.root.join(name))?;
                Ok(String::new())
            }),
            Op::Lock(name) => self.lock_twice(name),
            Op::LockShared(name) => self.lock_together(name),
        };
        done.map_err(|error| error.kind())
    }

    fn on_file(&self, name: &str, act: impl FnOnce(&dyn File) -> io::Result<()>) -> io::Result<String> {
        let done = self.files.get(name).map_or(Ok(()), |file| act(file.as_ref()));
        done.map(|()| String::new())
    }

    fn on_log(&self, name: &str, act: impl FnOnce(&dyn LogFile) -> io::Result<()>) -> io::Result<String> {
        let done = self.logs.get(name).map_or(Ok(()), |log| act(log.as_ref()));
        done.map(|()| String::new())
    }

    fn lock_twice(&self, name: &str) -> io::Result<String> {
        let path = self.root.join(name);
        let _first = self.vfs.lock(&path)?;
        let second = self.vfs.lock(&path).map(|_| ());
        Ok(format!("{:?}", second.map_err(|error| error.kind())))
    }

    fn lock_together(&self, name: &str) -> io::Result<String> {
        let path = self.root.join(name);
        let first = self.vfs.lock_shared(&path)?;
        let _second = self.vfs.lock_shared(&path)?;
        drop(first);
        let alone = self.vfs.lock(&path).map(|_| ());
        Ok(format!("{:?}", alone.map_err(|error| error.kind())))
    }
}

fn code(error: &io::Error) -> Option<i32> {
    error.raw_os_error()
}

proptest! {
    #[test]
    fn the_simulated_file_system_does_what_the_real_one_does(ops in prop::collection::vec(op(), 1..60)) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut real = World::new(Environment::system().vfs, directory.path());
        let simulated = SimVfs::new();
        let mut sim = World::new(Arc::new(simulated.clone()), Path::new("/"));
        for op in &ops {
            prop_assert_eq!(sim.apply(op), real.apply(op), "{:?}", op);
        }
        for (path, bytes) in simulated.files() {
            let name = path.strip_prefix("/").expect("it is absolute").to_string_lossy().into_owned();
            let file = real.open(&name).expect("it exists in both");
            prop_assert_eq!(bytes, read_all(file.as_ref()).expect("it can be read"));
        }
    }

    #[test]
    fn the_same_operations_give_the_same_hash_and_others_another(
        ops in prop::collection::vec(op(), 1..30),
        extra in op(),
    ) {
        let hash = |ops: &[Op]| {
            let vfs = SimVfs::new();
            let mut world = World::new(Arc::new(vfs.clone()), Path::new("/"));
            for op in ops {
                let _ = world.apply(op);
            }
            (vfs.op_hash(), vfs.operation_count())
        };
        prop_assert_eq!(hash(&ops), hash(&ops));
        let longer: Vec<Op> = ops.iter().cloned().chain([extra]).collect();
        let (one, other) = (hash(&ops), hash(&longer));
        prop_assert_eq!(one.0 == other.0, one.1 == other.1);
    }
}
