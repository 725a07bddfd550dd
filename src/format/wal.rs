//! WAL segments: a chain of logs of batches.
//!
//! ```text
//! segment := header record, batch record*             framed as `chunk` says; batches as `base::batch` says
//! header  := magic "PIXIIWAL", version u32, history u128, number u64,
//!            predecessor number u64 (0: none), its length u64, its last sequence number u64, its checksum u32
//! ```
//!
//! Invariants:
//! 1. A segment's header is written after its predecessor was synced to the length that it names, so a later segment
//!    with a header promises the earlier one whole: no holes.
//! 2. Segments are numbered one after another and never reused.
//! 3. Batches have the sequence numbers one after another, within a segment and from one to the next.
//!
//! The checksum of the predecessor is the CRC-32 of all its bytes up to the length.
#![warn(clippy::indexing_slicing)]

use super::chunk::{LogEnd, LogIdentity, LogKind, RecordKind, read_log};
use crate::base::checksum::crc32;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{FileNumber, HistoryId, SeqNo};
use std::path::Path;

/// The version of the formats of logs, manifests and tables. 0 until they are promised.
pub const FORMAT_VERSION: u32 = 0;

const MAGIC: &[u8; 8] = b"PIXIIWAL";

/// The length of the chunk that holds a segment's header, in bytes.
pub const HEADER_CHUNK_BYTES: usize = super::chunk::HEADER_BYTES + 64;

/// What a segment says of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its number.
    pub number: FileNumber,
    /// How many bytes of it are log.
    pub length_bytes: u64,
    /// The sequence number of its last batch, or of the last one before it.
    pub last_seqno: SeqNo,
    /// The CRC-32 of those bytes.
    pub checksum: u32,
}

/// The first record of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The segment's history and number.
    pub identity: LogIdentity,
    /// The segment that it goes on from; `None` after a flush that left nothing behind it.
    pub predecessor: Option<Predecessor>,
}

impl SegmentHeader {
    /// The header's record.
    pub fn encode(&self) -> Vec<u8> {
        let none =
            Predecessor { number: FileNumber(0), length_bytes: 0, last_seqno: SeqNo::ZERO, checksum: 0 };
        let predecessor = self.predecessor.unwrap_or(none);
        let mut record = Vec::with_capacity(64);
        record.put_bytes(MAGIC);
        record.put_u32(FORMAT_VERSION);
        record.put_u128(self.identity.history.0);
        record.put_u64(self.identity.number.0);
        record.put_u64(predecessor.number.0);
        record.put_u64(predecessor.length_bytes);
        record.put_u64(predecessor.last_seqno.0);
        record.put_u32(predecessor.checksum);
        record
    }

    fn decode(path: &Path, record: &[u8]) -> Result<Self> {
        let corrupt = |error: DecodeError| StoreError::corruption(path, error.offset as u64, error.expected);
        let mut decoder = Decoder::new(record);
        if decoder.bytes(MAGIC.len(), "the magic of a log segment").map_err(corrupt)? != MAGIC {
            return Err(StoreError::corruption(path, 0, "the magic of a log segment"));
        }
        let found = decoder.u32("the version of a log segment").map_err(corrupt)?;
        if found != FORMAT_VERSION {
            let path = path.to_owned();
            return Err(StoreError::new(StoreFault::Unsupported { path, found, supported: FORMAT_VERSION }));
        }
        let mut fields = || -> std::result::Result<Self, DecodeError> {
            let history = HistoryId(decoder.u128("a history id")?);
            let number = FileNumber(decoder.u64("a segment number")?);
            let predecessor = Predecessor {
                number: FileNumber(decoder.u64("a predecessor's number")?),
                length_bytes: decoder.u64("a predecessor's length")?,
                last_seqno: SeqNo(decoder.u64("a predecessor's last sequence number")?),
                checksum: decoder.u32("a predecessor's checksum")?,
            };
            decoder.end("the end of the segment header")?;
            let predecessor = (predecessor.number != FileNumber(0)).then_some(predecessor);
            Ok(Self { identity: LogIdentity { kind: LogKind::Wal, history, number }, predecessor })
        };
        fields().map_err(corrupt)
    }
}

/// What reading a segment found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentEnd {
    /// The header; `None` if the segment was never begun, as after a crash just when it was created.
    pub header: Option<SegmentHeader>,
    /// How far the log goes.
    pub end: LogEnd,
}

/// Reads a segment's batches in order. `visit` gets each batch's record and its offset.
pub fn read_segment(
    path: &Path,
    bytes: &[u8],
    identity: LogIdentity,
    known_synced_bytes: u64,
    mut visit: impl FnMut(&[u8], u64) -> Result<()>,
) -> Result<SegmentEnd> {
    let mut header = None;
    let end = read_log(path, bytes, identity, known_synced_bytes, |kind, record, offset| match kind {
        RecordKind::Header => {
            let found = SegmentHeader::decode(path, record)?;
            if found.identity != identity {
                return Err(StoreError::corruption(path, 0, "the header of this segment"));
            }
            header = Some(found);
            Ok(())
        }
        RecordKind::Data if header.is_none() => {
            Err(StoreError::corruption(path, 0, "a segment that begins with its header"))
        }
        RecordKind::Data => visit(record, offset),
    })?;
    Ok(SegmentEnd { header, end })
}

/// The header of a segment, if it has one that can be read.
pub fn peek_header(path: &Path, bytes: &[u8], identity: LogIdentity) -> Result<Option<SegmentHeader>> {
    // Only the header's own chunk is looked at: what follows is judged when the segment is read.
    let first_chunk = bytes.get(..bytes.len().min(HEADER_CHUNK_BYTES)).unwrap_or_default();
    let mut header = None;
    read_log(path, first_chunk, identity, 0, |kind, record, _| {
        if kind == RecordKind::Header {
            header = Some(SegmentHeader::decode(path, record)?);
        }
        Ok(())
    })?;
    Ok(header)
}

/// The header that bytes begin with, of whichever segment it is: the checksum is that of the segment that it names.
pub fn header_of_any(path: &Path, bytes: &[u8]) -> Option<SegmentHeader> {
    let record = bytes.get(super::chunk::HEADER_BYTES..HEADER_CHUNK_BYTES)?;
    let named = SegmentHeader::decode(path, record).ok()?.identity;
    peek_header(path, bytes, named).ok()?
}

/// Checks that a segment is all that its successor's header says of it.
pub fn check_chain(
    path: &Path,
    bytes: &[u8],
    end: &LogEnd,
    last_seqno: SeqNo,
    said: &Predecessor,
) -> Result<()> {
    let gap = |reason: String| Err(StoreError::new(StoreFault::LogGap { path: path.to_owned(), reason }));
    if end.valid_bytes < said.length_bytes {
        return gap(format!(
            "segment {} ends at byte {}, and the next one goes on from byte {}",
            said.number, end.valid_bytes, said.length_bytes
        ));
    }
    let length = usize::try_from(said.length_bytes).unwrap_or(usize::MAX);
    if bytes.get(..length).is_none_or(|bytes| crc32(&[bytes]) != said.checksum) {
        return Err(StoreError::corruption(path, 0, "the bytes that the next segment goes on from"));
    }
    if last_seqno != said.last_seqno {
        return gap(format!(
            "segment {} ends at sequence number {last_seqno}, and the next one goes on from {}",
            said.number, said.last_seqno
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::chunk::Framer;

    const IDENTITY: LogIdentity =
        LogIdentity { kind: LogKind::Wal, history: HistoryId(3), number: FileNumber(2) };

    fn segment(predecessor: Option<Predecessor>) -> Vec<u8> {
        let mut framer = Framer::new(IDENTITY);
        let mut bytes = Vec::new();
        let header = SegmentHeader { identity: IDENTITY, predecessor };
        framer.record(RecordKind::Header, &header.encode(), 0, &mut bytes);
        framer.record(RecordKind::Data, b"batch", framer.offset(), &mut bytes);
        bytes
    }

    #[test]
    fn a_header_comes_back() {
        let predecessor =
            Predecessor { number: FileNumber(1), length_bytes: 100, last_seqno: SeqNo(7), checksum: 0xabcd };
        for predecessor in [None, Some(predecessor)] {
            let bytes = segment(predecessor);
            let mut batches = Vec::new();
            let path = Path::new("2.wal");
            let read = read_segment(path, &bytes, IDENTITY, 0, |record, _| {
                batches.push(record.to_vec());
                Ok(())
            })
            .expect("the segment is whole");
            assert_eq!(read.header.map(|header| header.predecessor), Some(predecessor));
            assert_eq!(batches, [b"batch".to_vec()]);
            let peeked = peek_header(path, &bytes, IDENTITY).expect("the header is whole");
            assert_eq!(peeked, read.header);
        }
    }

    #[test]
    fn a_segment_that_was_never_begun_has_no_header() {
        for bytes in [Vec::new(), vec![0; 4096], segment(None)[..20].to_vec()] {
            let read = read_segment(Path::new("2.wal"), &bytes, IDENTITY, 0, |_, _| Ok(()));
            assert_eq!(read.expect("nothing is promised").header, None);
        }
    }

    #[test]
    fn a_header_of_another_segment_is_known_for_one_and_a_torn_one_is_not() {
        let (path, bytes) = (Path::new("7.wal"), segment(None));
        let header = SegmentHeader { identity: IDENTITY, predecessor: None };
        let other = LogIdentity { number: FileNumber(7), ..IDENTITY };
        assert_eq!(peek_header(path, &bytes, other).expect("nothing is promised"), None);
        assert_eq!(header_of_any(path, &bytes), Some(header));
        for at in 0..HEADER_CHUNK_BYTES {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert_eq!(header_of_any(path, &torn), None, "byte {at}");
            assert_eq!(header_of_any(path, &bytes[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_predecessor_that_is_shorter_or_other_is_a_gap() {
        let bytes = segment(None);
        let end = LogEnd { valid_bytes: bytes.len() as u64, promised_bytes: 0 };
        let said = Predecessor {
            number: FileNumber(2),
            length_bytes: bytes.len() as u64,
            last_seqno: SeqNo(1),
            checksum: crc32(&[&bytes]),
        };
        let path = Path::new("2.wal");
        assert!(check_chain(path, &bytes, &end, SeqNo(1), &said).is_ok());
        assert!(check_chain(path, &bytes, &end, SeqNo(2), &said).is_err());
        let shorter = LogEnd { valid_bytes: end.valid_bytes - 1, ..end };
        assert!(check_chain(path, &bytes, &shorter, SeqNo(1), &said).is_err());
        let other = Predecessor { checksum: said.checksum ^ 1, ..said };
        assert!(check_chain(path, &bytes, &end, SeqNo(1), &other).is_err());
    }
}
