//! The fixed ends of a table: the header, which names the file, and the footer, from which everything is found.
//!
//! ```text
//! header := magic "PIXIISST", version u32, file id u128, checksum u32                                  32 bytes
//! footer := (offset u64, length u32) * 3, file id u128, version u32, checksum u32, magic "PIXIISST"    68 bytes
//! ```
//!
//! The three handles are those of index, filter and properties. Each checksum covers what stands before it.
#![warn(clippy::indexing_slicing)]

use super::block_frame::BlockHandle;
use crate::base::checksum::crc32;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::ident::FileId;
use crate::format::wal::FORMAT_VERSION;

/// The header's size in bytes.
pub const HEADER_BYTES: usize = 32;
/// The footer's size in bytes.
pub const FOOTER_BYTES: usize = 68;

const MAGIC: &[u8; 8] = b"PIXIISST";

/// The handles of a table's own blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// The index block.
    pub index: BlockHandle,
    /// The filter block.
    pub filter: BlockHandle,
    /// The properties block.
    pub properties: BlockHandle,
}

/// Why a header or footer is not one of this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndFault {
    /// It does not parse.
    Corrupt(DecodeError),
    /// It is of a newer format.
    Version(u32),
}

impl From<DecodeError> for EndFault {
    fn from(error: DecodeError) -> Self {
        Self::Corrupt(error)
    }
}

/// The header of a table.
pub fn encode_header(id: FileId) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.put_bytes(MAGIC);
    bytes.put_u32(FORMAT_VERSION);
    bytes.put_u128(id.0);
    let checksum = crc32(&[&bytes]);
    bytes.put_u32(checksum);
    bytes
}

/// Checks that a header is that of table `id`.
pub fn check_header(bytes: &[u8], id: FileId) -> Result<(), EndFault> {
    let mut decoder = Decoder::new(bytes);
    let magic = decoder.bytes(MAGIC.len(), "the magic of a table")?;
    let version = decoder.u32("the version of a table")?;
    let found = decoder.u128("the id of a table")?;
    let covered = bytes.get(..decoder.offset()).unwrap_or_default();
    let checksum = decoder.u32("the checksum of a table's header")?;
    if magic != MAGIC || crc32(&[covered]) != checksum {
        return Err(DecodeError { expected: "the header of a table", offset: 0 }.into());
    }
    if version != FORMAT_VERSION {
        return Err(EndFault::Version(version));
    }
    if found != id.0 {
        return Err(DecodeError { expected: "the header of the table of this name", offset: 12 }.into());
    }
    Ok(())
}

impl Footer {
    /// The footer of table `id`.
    pub fn encode(&self, id: FileId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        for handle in [self.index, self.filter, self.properties] {
            bytes.put_u64(handle.offset);
            bytes.put_u32(handle.length);
        }
        bytes.put_u128(id.0);
        bytes.put_u32(FORMAT_VERSION);
        let checksum = crc32(&[&bytes]);
        bytes.put_u32(checksum);
        bytes.put_bytes(MAGIC);
        bytes
    }

    /// Reads the footer of table `id`.
    pub fn decode(bytes: &[u8], id: FileId) -> Result<Self, EndFault> {
        let mut decoder = Decoder::new(bytes);
        let index = decode_handle(&mut decoder)?;
        let filter = decode_handle(&mut decoder)?;
        let properties = decode_handle(&mut decoder)?;
        let found = decoder.u128("the id of a table")?;
        let version = decoder.u32("the version of a table")?;
        let covered = bytes.get(..decoder.offset()).unwrap_or_default();
        let checksum = decoder.u32("the checksum of a table's footer")?;
        let magic = decoder.bytes(MAGIC.len(), "the magic of a table")?;
        if magic != MAGIC || crc32(&[covered]) != checksum {
            return Err(DecodeError { expected: "the footer of a table", offset: 0 }.into());
        }
        if version != FORMAT_VERSION {
            return Err(EndFault::Version(version));
        }
        if found != id.0 {
            return Err(DecodeError { expected: "the footer of the table of this name", offset: 36 }.into());
        }
        Ok(Self { index, filter, properties })
    }
}

fn decode_handle(decoder: &mut Decoder<'_>) -> Result<BlockHandle, DecodeError> {
    Ok(BlockHandle { offset: decoder.u64("a block's offset")?, length: decoder.u32("a block's length")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_have_their_sizes_and_refuse_every_flip() {
        let handle = |offset| BlockHandle { offset, length: 9 };
        let footer = Footer { index: handle(1), filter: handle(2), properties: handle(3) };
        let bytes = footer.encode(FileId(7));
        assert_eq!(bytes.len(), FOOTER_BYTES);
        assert_eq!(Footer::decode(&bytes, FileId(7)), Ok(footer));
        assert!(Footer::decode(&bytes, FileId(8)).is_err());
        let header = encode_header(FileId(7));
        assert_eq!(header.len(), HEADER_BYTES);
        assert_eq!(check_header(&header, FileId(7)), Ok(()));
        for index in 0..FOOTER_BYTES {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1;
            assert!(Footer::decode(&flipped, FileId(7)).is_err(), "footer byte {index}");
        }
        for index in 0..HEADER_BYTES {
            let mut flipped = header.clone();
            flipped[index] ^= 1;
            assert!(check_header(&flipped, FileId(7)).is_err(), "header byte {index}");
        }
    }
}
