//! Log framing: records in chunks, chunks in fixed blocks. WAL segments and manifests are both framed so.
//!
//! ```text
//! log    := block*                                   blocks of 32 KiB; the last one may be shorter
//! block  := chunk* padding                           padding: zeros, where fewer than 15 bytes are left
//! chunk  := checksum u32, length u16, type u8, promise u64, payload
//! ```
//!
//! Invariants:
//! 1. The checksum covers length, type, promise and payload, and also the log's identity and the chunk's offset: a
//!    chunk that lies elsewhere, or in another log, does not parse.
//! 2. Type 0 is invalid, so that zeros never parse: space filled ahead of time reads as the end of the log.
//! 3. `promise` is an offset: everything before it was synced when the chunk was framed.
//! 4. A record that does not parse is the torn tail of the log unless a promise reaches beyond it; then it was synced
//!    once, and the log is corrupt. (Records synced last of all, with no later promise, cannot be told from a torn
//!    tail; a log that goes idle therefore ends with a bare promise.)
//!
//! Worked example: the record `hi` framed first in log 1 of history 0, nothing promised, is
//! `<crc> 02 00 01 00 00 00 00 00 00 00 00 68 69`, with the CRC over
//! `02 00 01 | 00×8 | 68 69 | kind 01 | history 00×16 | number 01 00×7 | offset 00×8`.
//!
//! Reading, in the order of the code: take chunks and put records together as long as they parse; at the first that
//! does not, look at every later offset for a chunk that parses and promises more than was read.
#![warn(clippy::indexing_slicing)]

use crate::base::checksum::crc32;
use crate::base::codec::{Decoder, Encode};
use crate::base::error::{Result, StoreError};
use crate::base::ident::{FileNumber, HistoryId};
use crate::base::planted::{Bug, planted};
use std::path::Path;

/// The size of a block in bytes.
pub const BLOCK_BYTES: usize = 32 * 1024;

/// The size of a chunk's header in bytes.
pub const HEADER_BYTES: usize = 15;

/// Which log a chunk belongs to. It is part of every checksum and stands nowhere in the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogIdentity {
    /// What the log is for: a segment and a manifest may have the same number, and a disk may give back blocks of one
    /// within the other.
    pub kind: LogKind,
    /// The store's history.
    pub history: HistoryId,
    /// The segment's or manifest's number.
    pub number: FileNumber,
}

/// What a log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LogKind {
    /// A segment of the write-ahead log.
    Wal = 1,
    /// A manifest.
    Manifest = 2,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// The first record of a log.
    Header,
    /// What the log is for.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum ChunkType {
    Full = 1,
    First = 2,
    Middle = 3,
    Last = 4,
    Header = 5,
    Promise = 6,
}

impl ChunkType {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Full, Self::First, Self::Middle, Self::Last, Self::Header, Self::Promise]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Frames records for the end of a log.
#[derive(Clone, Debug)]
pub struct Framer {
    identity: LogIdentity,
    offset: u64,
}

impl Framer {
    /// A framer for an empty log.
    pub fn new(identity: LogIdentity) -> Self {
        Self { identity, offset: 0 }
    }

    /// Where the next chunk goes, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends the chunks of `record` to `buffer`, promising that everything before `promise` is synced.
    ///
    /// REQUIRES: a header is shorter than a block, and only the first record is one.
    pub fn record(&mut self, kind: RecordKind, record: &[u8], promise: u64, buffer: &mut Vec<u8>) {
        if kind == RecordKind::Header {
            self.chunk(ChunkType::Header, record, promise, buffer);
            return;
        }
        let mut rest = record;
        let mut is_first = true;
        loop {
            let space = self.space_in_block(buffer);
            let (payload, after) = rest.split_at(rest.len().min(space));
            let kind = match (is_first, after.is_empty()) {
                (true, true) => ChunkType::Full,
                (true, false) => ChunkType::First,
                (false, true) => ChunkType::Last,
                (false, false) => ChunkType::Middle,
            };
            self.chunk(kind, payload, promise, buffer);
            is_first = false;
            rest = after;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Appends a chunk that only promises.
    pub fn promise(&mut self, promise: u64, buffer: &mut Vec<u8>) {
        self.space_in_block(buffer);
        self.chunk(ChunkType::Promise, &[], promise, buffer);
    }

    /// Goes to the next block if this one has no room for a header; returns the room for a payload.
    fn space_in_block(&mut self, buffer: &mut Vec<u8>) -> usize {
        let left = BLOCK_BYTES - offset_in_block(self.offset);
        if left < HEADER_BYTES {
            buffer.resize(buffer.len() + left, 0);
            self.offset += left as u64;
            return BLOCK_BYTES - HEADER_BYTES;
        }
        left - HEADER_BYTES
    }

    fn chunk(&mut self, kind: ChunkType, payload: &[u8], promise: u64, buffer: &mut Vec<u8>) {
        let length = u16::try_from(payload.len()).expect("a payload fits its block");
        let mut covered = Vec::with_capacity(HEADER_BYTES);
        covered.put_u16(length);
        covered.put_u8(kind as u8);
        covered.put_u64(promise);
        buffer.put_u32(checksum(self.identity, self.offset, &covered, payload));
        buffer.put_bytes(&covered);
        buffer.put_bytes(payload);
        self.offset += (HEADER_BYTES + payload.len()) as u64;
    }
}

fn offset_in_block(offset: u64) -> usize {
    usize::try_from(offset % BLOCK_BYTES as u64).expect("a remainder is below its divisor")
}

fn checksum(identity: LogIdentity, offset: u64, covered: &[u8], payload: &[u8]) -> u32 {
    crc32(&[
        covered,
        payload,
        &[identity.kind as u8],
        &identity.history.0.to_le_bytes(),
        &identity.number.0.to_le_bytes(),
        &offset.to_le_bytes(),
    ])
}

struct Chunk<'a> {
    kind: ChunkType,
    promise: u64,
    payload: &'a [u8],
    end: usize,
}

/// The chunk at `offset`, if what stands there is one of this log.
fn parse_chunk(bytes: &[u8], offset: usize, identity: LogIdentity) -> Option<Chunk<'_>> {
    let left_in_block = BLOCK_BYTES - offset_in_block(offset as u64);
    let block_end = bytes.len().min(offset + left_in_block);
    let mut decoder = Decoder::new(bytes.get(offset..block_end)?);
    let stored_checksum = decoder.u32("a checksum").ok()?;
    let covered = decoder.rest().get(..HEADER_BYTES - 4)?;
    let length = usize::from(decoder.u16("a length").ok()?);
    let kind = ChunkType::from_byte(decoder.u8("a type").ok()?)?;
    let promise = decoder.u64("a promise").ok()?;
    if promise > offset as u64 {
        return None;
    }
    let payload = decoder.bytes(length, "a payload").ok()?;
    let computed = checksum(identity, offset as u64, covered, payload);
    if computed != stored_checksum && !planted(Bug::LogChecksumIgnored) {
        return None;
    }
    Some(Chunk { kind, promise, payload, end: offset + HEADER_BYTES + length })
}

/// How far a log could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The end of the last whole record or promise, in bytes.
    pub valid_bytes: u64,
    /// Everything before this offset was synced.
    pub promised_bytes: u64,
}

/// Reads the records of a log in order.
///
/// `path` is for messages. `known_synced_bytes` is a promise from elsewhere (0 if there is none): the log must be
/// readable at least so far. A torn tail ends the reading; a bad place before a promise is an error.
pub fn read_log(
    path: &Path,
    bytes: &[u8],
    identity: LogIdentity,
    known_synced_bytes: u64,
    mut visit: impl FnMut(RecordKind, &[u8], u64) -> Result<()>,
) -> Result<LogEnd> {
    let mut offset = 0_usize;
    let mut end = LogEnd { valid_bytes: 0, promised_bytes: known_synced_bytes };
    let mut record: Option<Vec<u8>> = None;
    let mut record_offset = 0;
    loop {
        if BLOCK_BYTES - offset_in_block(offset as u64) < HEADER_BYTES {
            offset = offset.next_multiple_of(BLOCK_BYTES);
        }
        let Some(chunk) = parse_chunk(bytes, offset, identity) else { break };
        end.promised_bytes = end.promised_bytes.max(chunk.promise);
        match (chunk.kind, &mut record) {
            (ChunkType::Header, None) if offset == 0 => visit(RecordKind::Header, chunk.payload, 0)?,
            (ChunkType::Full, None) if offset > 0 => {
                visit(RecordKind::Data, chunk.payload, offset as u64)?;
            }
            (ChunkType::Promise, None) => {}
            (ChunkType::First, None) => {
                record_offset = offset;
                record = Some(chunk.payload.to_vec());
            }
            (ChunkType::Middle, Some(record)) => record.extend_from_slice(chunk.payload),
            (ChunkType::Last, Some(whole)) => {
                whole.extend_from_slice(chunk.payload);
                visit(RecordKind::Data, whole, record_offset as u64)?;
                record = None;
            }
            _ => return Err(StoreError::corruption(path, offset as u64, "the chunks of a record in order")),
        }
        offset = chunk.end;
        if record.is_none() {
            end.valid_bytes = offset as u64;
        }
    }
    let promised = promise_beyond(bytes, offset, end.promised_bytes, identity);
    if promised > end.valid_bytes {
        return Err(StoreError::corruption(
            path,
            offset as u64,
            format!("a log record, because the log was synced up to byte {promised}"),
        ));
    }
    Ok(end)
}

/// The highest promise of any chunk that parses at or after `start`, or `at_least`.
fn promise_beyond(bytes: &[u8], start: usize, at_least: u64, identity: LogIdentity) -> u64 {
    let mut highest = at_least;
    let mut offset = start;
    while offset + HEADER_BYTES <= bytes.len() {
        // The type byte stands after checksum and length; in zeros it is 0 and nothing more is looked at.
        let is_candidate = bytes.get(offset + 6).is_some_and(|byte| *byte != 0);
        match is_candidate.then(|| parse_chunk(bytes, offset, identity)).flatten() {
            Some(chunk) => {
                highest = highest.max(chunk.promise);
                offset = chunk.end;
            }
            None => offset += 1,
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IDENTITY: LogIdentity =
        LogIdentity { kind: LogKind::Wal, history: HistoryId(0), number: FileNumber(1) };

    fn read(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, LogEnd)> {
        let mut records = Vec::new();
        let end = read_log(Path::new("log"), bytes, IDENTITY, 0, |_, record, _| {
            records.push(record.to_vec());
            Ok(())
        })?;
        Ok((records, end))
    }

    /// A log of a header and `records`; each record promises what came before it when `promising`.
    fn write(records: &[Vec<u8>], promising: bool) -> Vec<u8> {
        let mut framer = Framer::new(IDENTITY);
        let mut bytes = Vec::new();
        framer.record(RecordKind::Header, b"header", 0, &mut bytes);
        for record in records {
            let promise = if promising { framer.offset() } else { 0 };
            framer.record(RecordKind::Data, record, promise, &mut bytes);
        }
        assert_eq!(framer.offset(), bytes.len() as u64);
        bytes
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let mut bytes = Vec::new();
        Framer::new(IDENTITY).record(RecordKind::Data, b"hi", 0, &mut bytes);
        assert_eq!(&bytes[4..], [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x68, 0x69]);
        let mut covered = vec![2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x68, 0x69];
        covered.push(1);
        covered.extend([0; 16]);
        covered.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        covered.extend([0; 8]);
        assert_eq!(bytes[..4], crc32(&[&covered]).to_le_bytes());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn records_of_any_length_come_back(
            records in prop::collection::vec((0_usize..100_000, any::<u8>()), 0..6),
            zeros in 0_usize..70_000,
        ) {
            let records: Vec<_> = records.into_iter().map(|(length, byte)| vec![byte; length]).collect();
            let mut bytes = write(&records, true);
            let written = bytes.len() as u64;
            bytes.resize(bytes.len() + zeros, 0);
            let (read, end) = read(&bytes)?;
            prop_assert_eq!(&read[1..], &records[..]);
            prop_assert_eq!(end.valid_bytes, written);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn torn_tail_is_ignored() {
        let records = [vec![1; 100], vec![2; 40_000]];
        let bytes = write(&records, false);
        for length in (0..bytes.len()).step_by(97) {
            let (read, end) = read(&bytes[..length]).expect("nothing was promised");
            assert!(end.valid_bytes <= length as u64);
            assert!(read.len() <= 2, "the last record is torn");
        }
    }

    #[test]
    fn a_bad_byte_before_a_promise_is_corruption() {
        let bytes = write(&[vec![1; 100], vec![2; 100], vec![3; 100]], true);
        let last_promised = bytes.len() - HEADER_BYTES - 100;
        for index in 0..last_promised {
            let mut flipped = bytes.clone();
            flipped[index] ^= 0x10;
            assert!(read(&flipped).is_err(), "byte {index} was not missed");
        }
    }

    #[test]
    fn a_bad_last_record_that_nobody_promised_is_a_torn_tail() {
        let bytes = write(&[vec![1; 100], vec![2; 100]], true);
        let mut flipped = bytes.clone();
        *flipped.last_mut().expect("the log has bytes") ^= 1;
        let (records, end) = read(&flipped).expect("no promise covers the last record");
        assert_eq!((records.len(), end.valid_bytes), (2, (bytes.len() - HEADER_BYTES - 100) as u64));
    }

    #[test]
    fn a_promise_from_elsewhere_holds_for_the_whole_log() {
        let bytes = write(&[vec![1; 100]], false);
        let short = &bytes[..bytes.len() - 1];
        let result = read_log(Path::new("log"), short, IDENTITY, bytes.len() as u64, |_, _, _| Ok(()));
        assert!(result.is_err());
    }

    #[test]
    fn a_chunk_of_another_log_does_not_parse() {
        let bytes = write(&[vec![1; 10]], false);
        let number = LogIdentity { number: FileNumber(2), ..IDENTITY };
        let kind = LogIdentity { kind: LogKind::Manifest, ..IDENTITY };
        for other in [number, kind] {
            let end = read_log(Path::new("log"), &bytes, other, 0, |_, _, _| Ok(()));
            assert_eq!(end.expect("nothing is promised").valid_bytes, 0);
        }
    }
}
