//! The marker of a checkpoint: the last file that is made in its directory, which says what belongs to it.
//!
//! ```text
//! marker := magic "PIXIICKP", version u32, a metadata record of `CheckpointMarker`
//! ```
//!
//! Invariants:
//! 1. While a checkpoint is being made its directory has the file `checkpoint.tmp`, from before its first other file on. The
//!    marker is that file, written, synced and renamed when all others and their names are durable. So a directory with
//!    a marker is whole, and one with only the other name is not, whenever the machine stopped.
//! 2. A checkpoint is a store of its own as soon as it is opened: the manifest of that opening has a higher number than the
//!    marker names, which is then only a leftover.
//!
//! Worked example: the marker of a checkpoint of format version 0 begins `50 49 58 49 49 43 4b 50 00 00 00 00 01`, the last
//! byte being the version of the metadata record.
#![warn(clippy::indexing_slicing)]

use super::metadata;
use super::wal::FORMAT_VERSION;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::error::{Result, StoreError, StoreFault};
use crate::base::ident::{CommitTime, FileId, FileNumber, HistoryId, SeqNo};
use serde::{Deserialize, Serialize};
use std::path::Path;

const MAGIC: &[u8; 8] = b"PIXIICKP";

/// What a checkpoint is and which files it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointMarker {
    /// The history of the store that it was made of.
    pub history: HistoryId,
    /// The last commit that it holds.
    pub seqno: SeqNo,
    /// The time of that commit.
    pub time: CommitTime,
    /// Its manifest.
    pub manifest: FileNumber,
    /// Its log segments, the oldest first, each with its size in bytes. All of the last one is log.
    pub segments: Vec<(FileNumber, u64)>,
    /// Its tables, each with its size in bytes.
    pub tables: Vec<(FileId, u64)>,
}

impl CheckpointMarker {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_bytes(MAGIC);
        bytes.put_u32(FORMAT_VERSION);
        bytes.put_bytes(&metadata::encode(self));
        bytes
    }

    /// Reads the bytes of the file at `path`.
    pub fn decode(path: &Path, bytes: &[u8]) -> Result<Self> {
        let corrupt = |error: DecodeError| StoreError::corruption(path, error.offset as u64, error.expected);
        let mut decoder = Decoder::new(bytes);
        let magic = decoder.bytes(MAGIC.len(), "the magic of a checkpoint's marker").map_err(corrupt)?;
        if magic != MAGIC {
            return Err(StoreError::corruption(path, 0, "the magic of a checkpoint's marker"));
        }
        let found = decoder.u32("the version of a checkpoint").map_err(corrupt)?;
        if found != FORMAT_VERSION {
            let path = path.to_owned();
            return Err(StoreError::new(StoreFault::Unsupported { path, found, supported: FORMAT_VERSION }));
        }
        let begins_at = bytes.len() - decoder.rest().len();
        metadata::decode(decoder.rest())
            .map_err(|error| StoreError::corruption(path, (begins_at + error.offset) as u64, error.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> CheckpointMarker {
        CheckpointMarker {
            history: HistoryId(7),
            seqno: SeqNo(1000),
            time: CommitTime(5000),
            manifest: FileNumber(1),
            segments: vec![(FileNumber(3), 4096), (FileNumber(4), 79)],
            tables: vec![(FileId(9), 12345)],
        }
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let bytes = marker().encode();
        assert_eq!(bytes[..13], *b"PIXIICKP\0\0\0\0\x01");
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_found() {
        let (path, bytes) = (Path::new("checkpoint"), marker().encode());
        assert_eq!(CheckpointMarker::decode(path, &bytes).expect("it is whole"), marker());
        for index in 0..bytes.len() {
            assert!(CheckpointMarker::decode(path, &bytes[..index]).is_err(), "{index} bytes");
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[index] ^= 1 << bit;
                assert!(CheckpointMarker::decode(path, &flipped).is_err(), "byte {index} bit {bit}");
            }
        }
    }
}
