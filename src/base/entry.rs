//! Entries and their order: key ascending, then sequence number descending.
//!
//! A key is the keyspace id (4 bytes, big-endian) and the user key. Two entries never have both key and sequence
//! number in common, because a batch holds each key at most once.

use super::ident::SeqNo;
use std::cmp::Ordering;

/// What an entry says of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// The key has a value from this sequence number on.
    Put = 1,
    /// The key has none from this sequence number on: a tombstone.
    Delete = 2,
}

impl EntryKind {
    /// The kind that a stored byte names.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Put),
            2 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A version of a key, borrowed from where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// Keyspace id and user key.
    pub key: &'a [u8],
    /// The commit that wrote it.
    pub seqno: SeqNo,
    /// Value or tombstone.
    pub kind: EntryKind,
    /// Empty for a tombstone.
    pub value: &'a [u8],
}

impl<'a> EntryRef<'a> {
    /// Where the entry stands in the order.
    pub fn position(&self) -> Position<'a> {
        Position { key: self.key, seqno: self.seqno }
    }
}

/// A place in the order of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// Keyspace id and user key.
    pub key: &'a [u8],
    /// Newer versions of the key stand before it, this and older ones at or after it.
    pub seqno: SeqNo,
}

impl<'a> Position<'a> {
    /// Before every version of `key`.
    pub fn before(key: &'a [u8]) -> Self {
        Self { key, seqno: SeqNo::MAX }
    }
}

impl Ord for Position<'_> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(other.key).then_with(|| other.seqno.cmp(&self.seqno))
    }
}

impl PartialOrd for Position<'_> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A version of a key that is owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedEntry {
    /// Keyspace id and user key.
    pub key: Vec<u8>,
    /// The commit that wrote it.
    pub seqno: SeqNo,
    /// Value or tombstone.
    pub kind: EntryKind,
    /// Empty for a tombstone.
    pub value: Vec<u8>,
}

impl OwnedEntry {
    /// The entry, borrowed.
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef { key: &self.key, seqno: self.seqno, kind: self.kind, value: &self.value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_stand_before_older_ones() {
        let newer = Position { key: b"a", seqno: SeqNo(2) };
        let older = Position { key: b"a", seqno: SeqNo(1) };
        let other = Position { key: b"ab", seqno: SeqNo(9) };
        assert!(Position::before(b"a") < newer && newer < older && older < other);
    }
}
