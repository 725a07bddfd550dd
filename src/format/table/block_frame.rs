//! The frame of a block: what it is, and a checksum that also says where it belongs.
//!
//! ```text
//! block := payload, kind u8, checksum u32
//! ```
//!
//! The checksum is the CRC-32 of payload and kind, mixed with the file's id and the block's offset, so that a block
//! which lies in the wrong place or file is found out.
#![warn(clippy::indexing_slicing)]

use crate::base::checksum::{crc32, placed};
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::ident::FileId;
use crate::base::planted::{Bug, planted};

/// Bytes of a block beside its payload.
pub const TRAILER_BYTES: usize = 5;

/// What a block holds, and in which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockKind {
    /// Entries, whole keys, a byte of the key's hash and an offset for each: `data_block`.
    TaggedData = 2,
    /// The last position of each data block: `index`.
    Index = 16,
    /// A blocked Bloom filter over whole keys: `filter`.
    KeyFilter = 17,
    /// A metadata record of `TableProperties`.
    Properties = 18,
}

impl BlockKind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::TaggedData, Self::Index, Self::KeyFilter, Self::Properties]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// Where a block's payload lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockHandle {
    /// The payload's offset in the file, in bytes.
    pub offset: u64,
    /// The payload's length in bytes.
    pub length: u32,
}

impl BlockHandle {
    /// The length of payload and trailer together.
    pub fn framed_bytes(&self) -> usize {
        self.length as usize + TRAILER_BYTES
    }
}

/// Appends the trailer of a block whose payload is the end of the file's bytes so far.
pub fn put_trailer(kind: BlockKind, payload: &[u8], id: FileId, offset: u64, buffer: &mut Vec<u8>) {
    let crc = crc32(&[payload, &[kind as u8]]);
    buffer.put_u8(kind as u8);
    buffer.put_u32(placed(crc, id.0, offset));
}

/// The payload of a framed block, after checking its kind and checksum.
pub fn verify(
    framed: &[u8],
    handle: BlockHandle,
    id: FileId,
    expected: BlockKind,
) -> Result<&[u8], DecodeError> {
    let mut decoder = Decoder::new(framed);
    let payload = decoder.bytes(handle.length as usize, "a block within the file")?;
    let at_trailer = |expected| DecodeError { expected, offset: payload.len() };
    let kind = decoder.u8("the kind of a block")?;
    let stored = decoder.u32("the checksum of a block")?;
    let computed = placed(crc32(&[payload, &[kind]]), id.0, handle.offset);
    if stored != computed && !planted(Bug::BlockChecksumIgnored) {
        return Err(at_trailer("a block with a matching checksum"));
    }
    if BlockKind::from_byte(kind) != Some(expected) {
        return Err(at_trailer("a block of the expected kind"));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_in_another_place_or_file_or_of_another_kind_is_refused() {
        let handle = BlockHandle { offset: 100, length: 7 };
        let mut framed = b"payload".to_vec();
        put_trailer(BlockKind::Index, b"payload", FileId(1), 100, &mut framed);
        assert_eq!(verify(&framed, handle, FileId(1), BlockKind::Index), Ok(b"payload".as_slice()));
        assert!(verify(&framed, handle, FileId(2), BlockKind::Index).is_err());
        assert!(verify(&framed, BlockHandle { offset: 101, ..handle }, FileId(1), BlockKind::Index).is_err());
        assert!(verify(&framed, handle, FileId(1), BlockKind::TaggedData).is_err());
    }
}
