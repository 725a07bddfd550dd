//! Entries and their order: key ascending, then sequence number descending.
//!
//! ```text
//! kind := 1 (put) | 2 (delete) | 3, expiry in milliseconds varint, generation varint (expiring put)
//! ```
//!
//! Worked example: a put of generation 2 that expires at 1,000 ms begins with `03 e8 07 02`. An entry without expiry
//! spends nothing on it, in the log, in a memtable or in a block.
//!
//! A key is the keyspace id (4 bytes, big-endian) and the user key. Two entries never have both key and sequence
//! number in common, because a batch holds each key at most once.

use super::codec::{DecodeError, Decoder, Encode};
use super::expiry::{Expiry, ExpiryGeneration};
use super::ident::SeqNo;
use std::cmp::Ordering;

/// What an entry says of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The key has a value from this sequence number on.
    Put,
    /// The key has none from this sequence number on: a tombstone.
    Delete,
    /// The key has a value from this sequence number on and before it expires.
    ExpiringPut(Expiry),
}

/// The byte that a stored entry begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntryTag {
    /// Of [`EntryKind::Put`].
    Put = 1,
    /// Of [`EntryKind::Delete`].
    Delete = 2,
    /// Of [`EntryKind::ExpiringPut`].
    ExpiringPut = 3,
}

impl EntryKind {
    /// The kind without its particulars.
    pub fn tag(self) -> EntryTag {
        match self {
            Self::Put => EntryTag::Put,
            Self::Delete => EntryTag::Delete,
            Self::ExpiringPut(_) => EntryTag::ExpiringPut,
        }
    }

    /// When the entry expires, if it does.
    pub fn expiry(self) -> Option<Expiry> {
        match self {
            Self::ExpiringPut(expiry) => Some(expiry),
            Self::Put | Self::Delete => None,
        }
    }

    /// The kind of a put that may have an expiry.
    pub fn put(expiry: Option<Expiry>) -> Self {
        expiry.map_or(Self::Put, Self::ExpiringPut)
    }

    /// Appends the kind as log records and data blocks have it.
    pub fn encode(self, buffer: &mut Vec<u8>) {
        buffer.put_u8(self.tag() as u8);
        if let Self::ExpiringPut(expiry) = self {
            buffer.put_varint(expiry.at_millis);
            buffer.put_varint(u64::from(expiry.generation.0));
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    #[inline]
    pub fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let unknown = decoder.error("a known entry kind");
        match decoder.u8("an entry's kind")? {
            1 => Ok(Self::Put),
            2 => Ok(Self::Delete),
            3 => {
                let at_millis = decoder.varint("an entry's expiry")?;
                let no_generation = decoder.error("a generation of 32 bits");
                let generation = decoder.varint("an entry's expiry generation")?;
                let generation = ExpiryGeneration(u32::try_from(generation).map_err(|_| no_generation)?);
                Ok(Self::ExpiringPut(Expiry { at_millis, generation }))
            }
            _ => Err(unknown),
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
    /// Value, expiring value or tombstone.
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
    /// Value, expiring value or tombstone.
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
    fn a_kind_is_read_as_it_was_written_and_never_cut_short() {
        let expiry = Expiry { at_millis: 1000, generation: ExpiryGeneration(2) };
        let late = Expiry { at_millis: u64::MAX, generation: ExpiryGeneration(u32::MAX) };
        for kind in
            [EntryKind::Put, EntryKind::Delete, EntryKind::put(Some(expiry)), EntryKind::put(Some(late))]
        {
            let mut bytes = Vec::new();
            kind.encode(&mut bytes);
            assert_eq!(EntryKind::decode(&mut Decoder::new(&bytes)), Ok(kind));
            for length in 0..bytes.len() {
                assert!(EntryKind::decode(&mut Decoder::new(&bytes[..length])).is_err());
            }
        }
        let mut bytes = Vec::new();
        EntryKind::ExpiringPut(expiry).encode(&mut bytes);
        assert_eq!(bytes, [3, 0xe8, 7, 2]);
        assert!(EntryKind::decode(&mut Decoder::new(&[3, 1, 0xff, 0xff, 0xff, 0xff, 0x10])).is_err());
        assert!(EntryKind::decode(&mut Decoder::new(&[4])).is_err());
    }

    #[test]
    fn newer_versions_stand_before_older_ones() {
        let newer = Position { key: b"a", seqno: SeqNo(2) };
        let older = Position { key: b"a", seqno: SeqNo(1) };
        let other = Position { key: b"ab", seqno: SeqNo(9) };
        assert!(Position::before(b"a") < newer && newer < older && older < other);
    }
}
