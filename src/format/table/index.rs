//! The index of a table: for each data block, the position of its last entry and where it lies.
//!
//! ```text
//! payload := count varint, row*
//! row     := last key length varint, last key, last seqno varint, offset varint, length varint
//! ```
//!
//! It is read whole at open and kept in memory, keys end to end. The number of rows is bounded by the payload.
#![warn(clippy::indexing_slicing)]

use super::block_frame::BlockHandle;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::entry::Position;
use crate::base::ident::SeqNo;

/// Puts an index together.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    rows: Vec<u8>,
    count: u64,
}

impl IndexBuilder {
    /// Adds the next block by its last entry.
    pub fn add(&mut self, last: Position<'_>, handle: BlockHandle) {
        self.rows.put_prefixed(last.key);
        self.rows.put_varint(last.seqno.0);
        self.rows.put_varint(handle.offset);
        self.rows.put_varint(u64::from(handle.length));
        self.count += 1;
    }

    /// The payload.
    pub fn finish(self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.rows.len() + 10);
        payload.put_varint(self.count);
        payload.put_bytes(&self.rows);
        payload
    }
}

/// A table's index in memory.
#[derive(Debug, Default)]
pub struct Index {
    keys: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key_start: usize,
    key_end: usize,
    seqno: SeqNo,
    handle: BlockHandle,
}

impl Index {
    /// Reads a payload whose checksum was verified.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(payload);
        let count = decoder.varint("the row count of an index")?;
        let mut index = Self::default();
        for _ in 0..count {
            let key = decoder.prefixed("a last key")?;
            let seqno = SeqNo(decoder.varint("a last sequence number")?);
            let offset = decoder.varint("a block's offset")?;
            let at_length = decoder.error("a block's length");
            let length = u32::try_from(decoder.varint("a block's length")?).map_err(|_| at_length)?;
            let key_start = index.keys.len();
            index.keys.extend_from_slice(key);
            let handle = BlockHandle { offset, length };
            index.rows.push(Row { key_start, key_end: index.keys.len(), seqno, handle });
        }
        decoder.end("the end of the index")?;
        Ok(index)
    }

    /// How many data blocks there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where the block at an index lies.
    pub fn handle(&self, block: usize) -> Option<BlockHandle> {
        self.rows.get(block).map(|row| row.handle)
    }

    /// The last key of the block at an index.
    pub fn last_key(&self, block: usize) -> Option<&[u8]> {
        self.rows.get(block).map(|row| self.last(row).key)
    }

    /// The first block that can hold an entry at or after `target`; the count if there is none.
    #[inline]
    pub fn block_for(&self, target: Position<'_>) -> usize {
        self.rows.partition_point(|row| self.last(row) < target)
    }

    fn last(&self, row: &Row) -> Position<'_> {
        let key = self.keys.get(row.key_start..row.key_end).unwrap_or_default();
        Position { key, seqno: row.seqno }
    }

    /// The memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.keys.len() + self.rows.len() * size_of::<Row>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_the_first_whose_last_entry_is_not_before_the_target() {
        let mut builder = IndexBuilder::default();
        let handle = |offset| BlockHandle { offset, length: 10 };
        builder.add(Position { key: b"f", seqno: SeqNo(5) }, handle(0));
        builder.add(Position { key: b"f", seqno: SeqNo(2) }, handle(100));
        builder.add(Position { key: b"m", seqno: SeqNo(1) }, handle(200));
        let index = Index::parse(&builder.finish()).expect("it was just built");
        let block = |key, seqno| index.block_for(Position { key, seqno: SeqNo(seqno) });
        assert_eq!(block(b"a", 1), 0);
        assert_eq!(block(b"f", 5), 0);
        assert_eq!(block(b"f", 4), 1);
        assert_eq!(block(b"g", 9), 2);
        assert_eq!(block(b"z", 9), 3);
        assert_eq!(index.handle(1), Some(handle(100)));
        assert_eq!((index.last_key(2), index.last_key(3)), (Some(&b"m"[..]), None));
    }

    #[test]
    fn a_count_beyond_the_payload_is_refused() {
        let mut payload = Vec::new();
        payload.put_varint(u64::MAX);
        assert!(Index::parse(&payload).is_err());
    }
}
