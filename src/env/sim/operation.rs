//! What was done to the file system: numbered operations, and a hash over all of them.
//!
//! Invariants:
//! 1. The first operation has the number 0, and each call of a `Vfs`, `File` or `LogFile` method is one operation,
//!    whether it succeeds or not. Dropping a handle is none.
//! 2. The hash covers kind, path, place and content of every operation. The same seed twice gives the same hash.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpKind {
    /// `Vfs::create_dir`.
    CreateDir,
    /// `Vfs::read_dir`.
    ReadDir,
    /// `Vfs::create`.
    Create,
    /// `Vfs::open`, and `Vfs::lock_shared`, which opens the file as well and creates none.
    Open,
    /// `Vfs::create_log`.
    CreateLog,
    /// `Vfs::rename`.
    Rename,
    /// `Vfs::link`.
    Link,
    /// `Vfs::unlink`.
    Unlink,
    /// `Vfs::remove_dir`.
    RemoveDir,
    /// `Vfs::sync_dir`.
    SyncDir,
    /// `Vfs::lock`.
    Lock,
    /// `File::append`.
    Append,
    /// `File::read_at`.
    Read,
    /// `File::size_bytes`.
    Size,
    /// `File::map`.
    Map,
    /// `LogFile::fill`.
    Fill,
    /// `LogFile::publish`.
    Publish,
    /// `File::sync` and `LogFile::sync`.
    Sync,
}

impl OpKind {
    /// Every kind.
    pub const ALL: [OpKind; 18] = [
        OpKind::CreateDir,
        OpKind::ReadDir,
        OpKind::Create,
        OpKind::Open,
        OpKind::CreateLog,
        OpKind::Rename,
        OpKind::Link,
        OpKind::Unlink,
        OpKind::RemoveDir,
        OpKind::SyncDir,
        OpKind::Lock,
        OpKind::Append,
        OpKind::Read,
        OpKind::Size,
        OpKind::Map,
        OpKind::Fill,
        OpKind::Publish,
        OpKind::Sync,
    ];

    /// The kinds that write bytes.
    pub const WRITES: [OpKind; 3] = [OpKind::Append, OpKind::Fill, OpKind::Publish];

    /// The kinds that make something durable.
    pub const SYNCS: [OpKind; 2] = [OpKind::Sync, OpKind::SyncDir];

    /// Whether it changes what is on the disk or what of it is durable. A power loss just before an operation that does
    /// not leaves what a power loss before the next one leaves.
    pub fn changes_the_disk(self) -> bool {
        !matches!(self, Self::ReadDir | Self::Open | Self::Read | Self::Size | Self::Map)
    }

    fn verb(self) -> &'static str {
        match self {
            Self::CreateDir => "create_dir",
            Self::ReadDir => "read_dir",
            Self::Create => "create",
            Self::Open => "open",
            Self::CreateLog => "create_log",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Unlink => "unlink",
            Self::RemoveDir => "remove_dir",
            Self::SyncDir => "sync_dir",
            Self::Lock => "lock",
            Self::Append => "append",
            Self::Read => "read",
            Self::Size => "size",
            Self::Map => "map",
            Self::Fill => "fill",
            Self::Publish => "publish",
            Self::Sync => "sync",
        }
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// One operation on the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What was done.
    pub kind: OpKind,
    /// The file or directory, by the name it was opened with.
    pub path: Arc<Path>,
    /// The new name, of a rename or link.
    pub target: Option<Arc<Path>>,
    /// Where in the file, in bytes; 0 where it has no meaning.
    pub offset: u64,
    /// How many bytes; 0 where it has no meaning.
    pub length: u64,
}

impl Operation {
    pub(super) fn on(kind: OpKind, path: &Path) -> Self {
        Self { kind, path: Arc::from(path), target: None, offset: 0, length: 0 }
    }

    pub(super) fn with_target(kind: OpKind, path: &Path, target: &Path) -> Self {
        Self { target: Some(Arc::from(target)), ..Self::on(kind, path) }
    }

    pub(super) fn within(kind: OpKind, path: &Arc<Path>, offset: u64, length: u64) -> Self {
        Self { kind, path: Arc::clone(path), target: None, offset, length }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path.display())?;
        match &self.target {
            Some(target) => write!(f, " -> {}", target.display()),
            None if self.length > 0 => write!(f, " {}+{}", self.offset, self.length),
            None => Ok(()),
        }
    }
}

/// All operations so far.
#[derive(Debug, Default)]
pub(super) struct OpLog {
    operations: Vec<Operation>,
    hash: u64,
}

impl OpLog {
    /// Adds an operation and returns its number.
    pub(super) fn add(&mut self, operation: Operation, content: &[u8]) -> u64 {
        let number = self.count();
        let place = [operation.kind as u64, operation.offset, operation.length];
        for part in place {
            self.hash = xxh3_64_with_seed(&part.to_le_bytes(), self.hash);
        }
        self.hash = xxh3_64_with_seed(operation.path.as_os_str().as_encoded_bytes(), self.hash);
        if let Some(target) = &operation.target {
            self.hash = xxh3_64_with_seed(target.as_os_str().as_encoded_bytes(), self.hash);
        }
        self.hash = xxh3_64_with_seed(content, self.hash);
        self.operations.push(operation);
        number
    }

    pub(super) fn count(&self) -> u64 {
        self.operations.len() as u64
    }

    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(operation: Operation, content: &[u8]) -> u64 {
        let mut log = OpLog::default();
        log.add(operation, content);
        log.hash()
    }

    #[test]
    fn the_hash_tells_kind_path_target_place_and_content_apart() {
        let path: Arc<Path> = Arc::from(Path::new("/a"));
        let hashes = [
            hash_of(Operation::within(OpKind::Append, &path, 0, 1), b"x"),
            hash_of(Operation::within(OpKind::Append, &path, 0, 1), b"y"),
            hash_of(Operation::within(OpKind::Append, &path, 1, 1), b"x"),
            hash_of(Operation::within(OpKind::Publish, &path, 0, 1), b"x"),
            hash_of(Operation::on(OpKind::Append, Path::new("/b")), b"x"),
            hash_of(Operation::with_target(OpKind::Rename, Path::new("/a"), Path::new("/b")), b""),
            hash_of(Operation::with_target(OpKind::Rename, Path::new("/a"), Path::new("/c")), b""),
        ];
        let distinct: std::collections::BTreeSet<u64> = hashes.into_iter().collect();
        assert_eq!(distinct.len(), hashes.len());
    }

    #[test]
    fn an_operation_reads_as_a_line_of_a_script() {
        let path: Arc<Path> = Arc::from(Path::new("/db/1.wal"));
        assert_eq!(
            Operation::within(OpKind::Publish, &path, 4096, 512).to_string(),
            "publish /db/1.wal 4096+512"
        );
        let rename = Operation::with_target(OpKind::Rename, Path::new("/a"), Path::new("/b"));
        assert_eq!(rename.to_string(), "rename /a -> /b");
    }
}
