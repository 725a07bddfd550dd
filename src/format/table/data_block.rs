//! Data blocks, layout 1 ("flat"): whole keys, and an offset for each entry, so that any entry is found by binary search
//! and read where it lies.
//!
//! ```text
//! payload := entry*, offset u32 * count, count u32
//! entry   := kind, seqno varint, key length varint, value length varint, key, value
//! kind    := a byte, and an expiring put's expiry: `entry`
//! ```
//!
//! Worked example: a put of `k` = `v` as commit 3 alone in a block is `01 03 01 01 6b 76 | 00 00 00 00 | 01 00 00 00`.
//! If it expires at 1,000 ms under generation 2, its first byte becomes `03 e8 07 02`.
//!
//! Invariant: entries stand in their order. The builder's caller keeps it; the block's checksum keeps it on disk.
#![warn(clippy::indexing_slicing)]

use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::entry::{EntryKind, EntryRef, Position};
use crate::base::ident::SeqNo;
use std::ops::Range;

/// Puts a block together.
#[derive(Debug, Default)]
pub struct DataBlockBuilder {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl DataBlockBuilder {
    /// An empty block.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry, which must stand after those before it.
    pub fn add(&mut self, entry: &EntryRef<'_>) {
        self.offsets.push(u32::try_from(self.bytes.len()).expect("a block is cut far below 4 GiB"));
        entry.kind.encode(&mut self.bytes);
        self.bytes.put_varint(entry.seqno.0);
        self.bytes.put_varint(entry.key.len() as u64);
        self.bytes.put_varint(entry.value.len() as u64);
        self.bytes.put_bytes(entry.key);
        self.bytes.put_bytes(entry.value);
    }

    /// The payload's size if it were finished now, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + 4 * self.offsets.len() + 4
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Appends the payload to `buffer` and starts an empty block.
    pub fn finish(&mut self, buffer: &mut Vec<u8>) {
        buffer.put_bytes(&self.bytes);
        for offset in &self.offsets {
            buffer.put_u32(*offset);
        }
        buffer.put_u32(u32::try_from(self.offsets.len()).expect("a block has fewer entries than bytes"));
        self.bytes.clear();
        self.offsets.clear();
    }
}

/// Where in a payload the parts of an entry lie.
#[derive(Clone, Debug)]
pub struct EntryLayout {
    /// Value, expiring value or tombstone.
    pub kind: EntryKind,
    /// The commit that wrote it.
    pub seqno: SeqNo,
    /// The key's bytes.
    pub key: Range<usize>,
    /// The value's bytes.
    pub value: Range<usize>,
}

/// A block's payload, to be looked into.
#[derive(Clone, Copy, Debug)]
pub struct DataBlock<'a> {
    entries: &'a [u8],
    offsets: &'a [u8],
}

impl<'a> DataBlock<'a> {
    /// Looks at the counts of a payload whose checksum was verified.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let error = |expected| DecodeError { expected, offset: payload.len() };
        let (rest, count) = payload.split_last_chunk::<4>().ok_or(error("the entry count of a block"))?;
        let count = u32::from_le_bytes(*count) as usize;
        let table_bytes = count.checked_mul(4).ok_or(error("an entry count within the block"))?;
        let split = rest.len().checked_sub(table_bytes).ok_or(error("an entry count within the block"))?;
        let (entries, offsets) = rest.split_at(split);
        Ok(Self { entries, offsets })
    }

    /// How many entries it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len() / 4
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The entry at an index.
    #[inline]
    pub fn entry(&self, index: usize) -> Result<EntryRef<'a>, DecodeError> {
        let layout = self.layout(index)?;
        let slice = |range: Range<usize>| self.entries.get(range).unwrap_or_default();
        Ok(EntryRef {
            key: slice(layout.key),
            seqno: layout.seqno,
            kind: layout.kind,
            value: slice(layout.value),
        })
    }

    /// Where in the payload the parts of the entry at an index lie.
    #[inline]
    pub fn layout(&self, index: usize) -> Result<EntryLayout, DecodeError> {
        let error = |expected| DecodeError { expected, offset: self.entries.len() };
        let offset = self
            .offsets
            .get(4 * index..)
            .and_then(<[u8]>::first_chunk::<4>)
            .ok_or(error("an entry's offset"))?;
        let start = u32::from_le_bytes(*offset) as usize;
        let bytes = self.entries.get(start..).ok_or(error("an entry within the block"))?;
        let mut decoder = Decoder::new(bytes);
        let kind = EntryKind::decode(&mut decoder)
            .map_err(|error| DecodeError { offset: start + error.offset, ..error })?;
        let seqno = SeqNo(decoder.varint("an entry's sequence number")?);
        let key_length = decoder.length("an entry's key length")?;
        let value_length = decoder.length("an entry's value length")?;
        let key_start = start + decoder.offset();
        decoder.bytes(key_length, "an entry's key")?;
        let value_start = start + decoder.offset();
        decoder.bytes(value_length, "an entry's value")?;
        let value_end = start + decoder.offset();
        Ok(EntryLayout { kind, seqno, key: key_start..value_start, value: value_start..value_end })
    }

    /// The index of the first entry at or after `target`, or the count if there is none.
    #[inline]
    pub fn lower_bound(&self, target: Position<'_>) -> Result<usize, DecodeError> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle)?.position() < target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{Expiry, ExpiryGeneration};
    use proptest::prelude::*;

    fn entry<'a>(key: &'a [u8], seqno: u64, value: &'a [u8]) -> EntryRef<'a> {
        EntryRef { key, seqno: SeqNo(seqno), kind: EntryKind::Put, value }
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let mut builder = DataBlockBuilder::new();
        builder.add(&entry(b"k", 3, b"v"));
        let size = builder.size_bytes();
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        assert_eq!(payload, [1, 3, 1, 1, 0x6b, 0x76, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!((payload.len(), builder.is_empty()), (size, true));
    }

    #[test]
    fn the_worked_example_of_an_expiring_put_is_what_is_written() {
        let expiry = Expiry { at_millis: 1000, generation: ExpiryGeneration(2) };
        let expiring = EntryRef { kind: EntryKind::ExpiringPut(expiry), ..entry(b"k", 3, b"v") };
        let mut builder = DataBlockBuilder::new();
        builder.add(&expiring);
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        assert_eq!(payload, [3, 0xe8, 7, 2, 3, 1, 1, 0x6b, 0x76, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(DataBlock::parse(&payload).and_then(|block| block.entry(0)), Ok(expiring));
    }

    #[test]
    fn versions_are_found_by_sequence_number() {
        let mut builder = DataBlockBuilder::new();
        for (key, seqno) in [(b"a", 9), (b"a", 4), (b"b", 7)] {
            builder.add(&entry(key, seqno, b""));
        }
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        let block = DataBlock::parse(&payload).expect("it was just built");
        let index = |key, seqno| block.lower_bound(Position { key, seqno: SeqNo(seqno) });
        assert_eq!(index(b"a", u64::MAX), Ok(0));
        assert_eq!(index(b"a", 8), Ok(1));
        assert_eq!(index(b"a", 3), Ok(2));
        assert_eq!(index(b"c", 1), Ok(3));
    }

    proptest! {
        #[test]
        fn any_payload_is_read_without_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(block) = DataBlock::parse(&payload) {
                for index in 0..block.len().min(100) {
                    let _ = block.entry(index);
                }
                let _ = block.lower_bound(Position::before(b"m"));
            }
        }
    }
}
