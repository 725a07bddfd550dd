//! The objects of an archive: bases, which are all that a checkpoint's manifest says with the tables that it names, and
//! the log in parts.
//!
//! ```text
//! <history>-base-<seqno>              base  := magic "PIXIIBAS", version u32, a metadata record of `ArchiveBase`
//! <history>-table-<file id>           the bytes of an SSTable
//! <history>-log-<segment>-<from>      part  := magic "PIXIILOG", version u32, a metadata record of `PartHeader`, bytes
//! <history>-until                     until := magic "PIXIIUNT", version u32, a metadata record of `Until`
//! ```
//!
//! Histories and file ids are 32 hex digits, numbers 20 decimal ones, so that names stand in the order of what they name.
//!
//! Invariants:
//! 1. A part holds bytes of a segment from `from` on, below what the log had promised when it was taken: they never change.
//!    The parts of a segment follow one another without a gap.
//! 2. A base's object is put after the objects of all its tables.
//! 3. No object but `until` is ever put again with other bytes.
//!
//! Worked example: the first part of segment 3 of history 7 is
//! `00000000000000000000000000000007-log-00000000000000000003-00000000000000000000`.
#![warn(clippy::indexing_slicing)]

use super::manifest::VersionEdit;
use super::metadata;
use super::wal::FORMAT_VERSION;
use crate::base::checksum::crc32;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{FileId, FileNumber, HistoryId, Moment, SeqNo};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

const BASE: &[u8; 8] = b"PIXIIBAS";
const PART: &[u8; 8] = b"PIXIILOG";
const UNTIL: &[u8; 8] = b"PIXIIUNT";

/// What an object is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A base that holds every commit up to this one.
    Base(SeqNo),
    /// A table of bases.
    Table(FileId),
    /// A part of a segment, from this byte on.
    Part(FileNumber, u64),
    /// How far the archive reaches.
    Until,
}

/// A state of the store: its tables, and from where on its log goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveBase {
    /// The last commit in its tables, and the time of that.
    pub last: Moment,
    /// Where the archive had ended, if the log from there on to this base was let go before it was archived.
    pub gap_from: Option<Moment>,
    /// What a manifest would say.
    pub state: VersionEdit,
}

/// What a part of a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHeader {
    /// The segment.
    pub segment: FileNumber,
    /// Where it begins in the segment, in bytes.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// The CRC-32 of its bytes.
    pub checksum: u32,
    /// The last commit up to its end, and the time of that; unknown where the part was cut for its size.
    pub last: Option<Moment>,
}

/// Up to which time the archive has every commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Until {
    /// No commit behind this one is at or before the time.
    pub last: Moment,
}

/// The name of an object.
pub fn name(history: HistoryId, kind: ObjectKind) -> String {
    match kind {
        ObjectKind::Base(seqno) => format!("{history}-base-{:020}", seqno.0),
        ObjectKind::Table(id) => format!("{history}-table-{id}"),
        ObjectKind::Part(segment, from) => format!("{history}-log-{:020}-{from:020}", segment.0),
        ObjectKind::Until => format!("{history}-until"),
    }
}

/// What the object of this name is; `None` if an archive has no such names.
pub fn parse(text: &str) -> Option<(HistoryId, ObjectKind)> {
    let (history, rest) = text.split_once('-')?;
    let history = HistoryId(u128::from_str_radix(history, 16).ok()?);
    let kind = match rest.split_once('-') {
        None => ObjectKind::Until,
        Some(("base", seqno)) => ObjectKind::Base(SeqNo(seqno.parse().ok()?)),
        Some(("table", id)) => ObjectKind::Table(FileId(u128::from_str_radix(id, 16).ok()?)),
        Some((_, part)) => {
            let (segment, from) = part.split_once('-')?;
            ObjectKind::Part(FileNumber(segment.parse().ok()?), from.parse().ok()?)
        }
    };
    // One name for each object: no other spelling of a number is taken.
    (name(history, kind) == text).then_some((history, kind))
}

fn framed<T: Serialize>(magic: &[u8], value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.put_bytes(magic);
    bytes.put_u32(FORMAT_VERSION);
    let record = metadata::encode(value);
    bytes.put_u32(u32::try_from(record.len()).expect("a record is below the limit of metadata"));
    bytes.put_bytes(&record);
    bytes
}

/// The value of an object that begins with `magic`, and what follows it.
fn unframed<'a, T: DeserializeOwned>(magic: &[u8], name: &str, bytes: &'a [u8]) -> Result<(T, &'a [u8])> {
    let path = Path::new(name);
    let corrupt = |error: DecodeError| StoreError::corruption(path, error.offset as u64, error.expected);
    let mut decoder = Decoder::new(bytes);
    if decoder.bytes(magic.len(), "the magic of an archive's object").map_err(corrupt)? != magic {
        return Err(StoreError::corruption(path, 0, "the magic of this object of an archive"));
    }
    let found = decoder.u32("the version of an archive").map_err(corrupt)?;
    if found != FORMAT_VERSION {
        let path = path.to_owned();
        return Err(StoreError::new(StoreFault::Unsupported { path, found, supported: FORMAT_VERSION }));
    }
    let length = decoder.u32("the length of a record").map_err(corrupt)?;
    let begins_at = bytes.len() - decoder.rest().len();
    let record = decoder.bytes(length as usize, "the record of an archive's object").map_err(corrupt)?;
    let value = metadata::decode(record)
        .map_err(|error| StoreError::corruption(path, (begins_at + error.offset) as u64, error.expected))?;
    Ok((value, decoder.rest()))
}

fn whole<T: DeserializeOwned>(magic: &[u8], name: &str, bytes: &[u8]) -> Result<T> {
    match unframed(magic, name, bytes)? {
        (value, []) => Ok(value),
        (_, rest) => {
            let end = (bytes.len() - rest.len()) as u64;
            Err(StoreError::corruption(Path::new(name), end, "the end of the object"))
        }
    }
}

impl ArchiveBase {
    /// The bytes of the object.
    pub fn encode(&self) -> Vec<u8> {
        framed(BASE, self)
    }

    /// Reads the object `name`.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        whole(BASE, name, bytes)
    }
}

impl Until {
    /// The bytes of the object.
    pub fn encode(&self) -> Vec<u8> {
        framed(UNTIL, self)
    }

    /// Reads the object `name`.
    pub fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        whole(UNTIL, name, bytes)
    }
}

impl PartHeader {
    /// The bytes of the part of `segment` that begins at `from`.
    pub fn encode(segment: FileNumber, from: u64, bytes: &[u8], last: Option<Moment>) -> Vec<u8> {
        let to = from + bytes.len() as u64;
        let header = Self { segment, from, to, checksum: crc32(&[bytes]), last };
        let mut object = framed(PART, &header);
        object.put_bytes(bytes);
        object
    }

    /// Reads the object `name`: what it is, and the bytes of the segment.
    pub fn decode<'a>(name: &str, object: &'a [u8]) -> Result<(Self, &'a [u8])> {
        let (header, bytes): (Self, _) = unframed(PART, name, object)?;
        let is_whole = header.to.checked_sub(header.from) == Some(bytes.len() as u64);
        let is_it =
            parse(name).is_some_and(|(_, kind)| kind == ObjectKind::Part(header.segment, header.from));
        if !is_it || !is_whole {
            return Err(StoreError::corruption(Path::new(name), 0, "the part of the log that its name says"));
        }
        if crc32(&[bytes]) != header.checksum {
            return Err(StoreError::corruption(Path::new(name), 0, "bytes with the checksum of the part"));
        }
        Ok((header, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ident::CommitTime;

    const HISTORY: HistoryId = HistoryId(7);

    type Decodes<'a> = &'a dyn Fn(&[u8]) -> bool;

    #[test]
    fn names_parse_to_what_they_were_made_of_and_nothing_else_does() {
        let kinds = [
            ObjectKind::Base(SeqNo(12)),
            ObjectKind::Table(FileId(13)),
            ObjectKind::Part(FileNumber(3), 0),
            ObjectKind::Until,
        ];
        for kind in kinds {
            assert_eq!(parse(&name(HISTORY, kind)), Some((HISTORY, kind)));
        }
        let part = name(HISTORY, ObjectKind::Part(FileNumber(3), 0));
        assert_eq!(part, "00000000000000000000000000000007-log-00000000000000000003-00000000000000000000");
        for foreign in ["readme.txt", "7-until", "00000000000000000000000000000007-log-3-0", &part[1..]] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let last = Moment { seqno: SeqNo(5), time: CommitTime(100) };
        let until = Until { last };
        let base = ArchiveBase {
            last,
            gap_from: None,
            state: VersionEdit { flushed_seqno: Some(last.seqno), ..VersionEdit::default() },
        };
        let part_name = name(HISTORY, ObjectKind::Part(FileNumber(3), 40));
        let part = PartHeader::encode(FileNumber(3), 40, b"bytes of the log", Some(last));
        let (header, bytes) = PartHeader::decode(&part_name, &part).expect("it is whole");
        assert_eq!((header.to, bytes), (56, b"bytes of the log".as_slice()));
        assert_eq!(ArchiveBase::decode("base", &base.encode()).expect("it is whole"), base);
        assert_eq!(Until::decode("until", &until.encode()).expect("it is whole"), until);
        let decodes: [(Vec<u8>, Decodes<'_>); 3] = [
            (base.encode(), &|bytes| ArchiveBase::decode("base", bytes).is_ok()),
            (until.encode(), &|bytes| Until::decode("until", bytes).is_ok()),
            (part.clone(), &|bytes| PartHeader::decode(&part_name, bytes).is_ok()),
        ];
        for (whole, decodes) in decodes {
            for index in 0..whole.len() {
                assert!(!decodes(&whole[..index]), "{index} bytes");
                for bit in 0..8 {
                    let mut flipped = whole.clone();
                    flipped[index] ^= 1 << bit;
                    assert!(!decodes(&flipped), "byte {index} bit {bit}");
                }
            }
        }
        let other = name(HISTORY, ObjectKind::Part(FileNumber(4), 40));
        assert!(PartHeader::decode(&other, &part).is_err(), "it is not what its name says");
    }
}
