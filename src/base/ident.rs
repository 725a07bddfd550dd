//! Numbers with a meaning: sequence numbers, segments, files, keyspaces, moments.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of a batch in the order of all commits. All entries of a batch have the batch's number.
///
/// 0 is before every commit. The highest number that is given is `SeqNo::MAX - 1`, so that `MAX` means "the newest".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeqNo(pub u64);

impl SeqNo {
    /// Before every commit.
    pub const ZERO: Self = Self(0);
    /// After every commit: reads at it see what was appended last, published or not.
    pub const MAX: Self = Self(u64::MAX);

    /// The number after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a log segment or a manifest: files that follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileNumber(pub u64);

impl FileNumber {
    /// The number after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for FileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The random identity of an `SSTable`, never used for another file: it stands in the file's name, in its header and
/// footer, in every block's checksum and in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u128);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The random identity of a store's line of history. Logs and manifests carry it, so that files of another store are
/// never taken for this one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HistoryId(pub u128);

impl fmt::Display for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A part of the ordered keyspace: the system rows, a table, or an index. Its four bytes, big-endian, begin every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyspaceId(pub u32);

impl KeyspaceId {
    /// The rows that the store keeps about itself: the catalog.
    pub const SYSTEM: Self = Self(0);
    /// The last of all: which commit was the first at each time. The engine keeps it; no reader's cursor goes there.
    pub const TIMELINE: Self = Self(u32::MAX);
    /// The lowest id of a table or an index.
    pub const FIRST_USER: Self = Self(16);

    /// The keyspace that a key belongs to. A key that is shorter than an id is taken as if zeros followed.
    pub fn of_key(key: &[u8]) -> Self {
        let mut prefix = [0; 4];
        for (byte, key_byte) in prefix.iter_mut().zip(key) {
            *byte = *key_byte;
        }
        Self(u32::from_be_bytes(prefix))
    }

    /// The four bytes that begin every key of this keyspace, in key order.
    pub fn prefix(self) -> [u8; 4] {
        // Ordered keys are the one big-endian place.
        self.0.to_be_bytes()
    }
}

/// A commit's time in milliseconds since 1970, never less than that of the commit before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommitTime(pub u64);

/// A place in the order of commits together with a time: all that decides what a reader sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// The last commit that is seen.
    pub seqno: SeqNo,
    /// What expires at or before it is dead. Never before the time of a commit that is seen.
    pub time: CommitTime,
}

/// A moment to read as of, said in one of two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AsOf {
    /// Every commit whose time is at or before this one, and none after it.
    Time(CommitTime),
    /// Every commit up to this one.
    Sequence(SeqNo),
}

impl AsOf {
    /// As of a time in milliseconds since 1970.
    pub fn time_millis(millis: u64) -> Self {
        Self::Time(CommitTime(millis))
    }

    /// As of the commit of this number.
    pub fn sequence(number: u64) -> Self {
        Self::Sequence(SeqNo(number))
    }
}

impl From<std::time::SystemTime> for AsOf {
    fn from(time: std::time::SystemTime) -> Self {
        let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self::time_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "the time {} ms", time.0),
            Self::Sequence(seqno) => write!(f, "commit {seqno}"),
        }
    }
}

impl Moment {
    /// The later place and the later time of both.
    pub fn max_of_each(self, other: Self) -> Self {
        Self { seqno: self.seqno.max(other.seqno), time: self.time.max(other.time) }
    }
}
