//! Data blocks, layout 2 ("tagged"): whole keys, and beside each entry a byte of its key's hash and an offset, so that a
//! key is found without a look at other keys, any position by binary search, and every entry is read where it lies.
//!
//! ```text
//! payload := entry*, offset * count, tag u8 * count, count and width u32
//! entry   := kind, seqno varint, key length varint, value length varint, key, value
//! kind    := a byte, and an expiring put's expiry: `entry`
//! offset  := u16, or u32 if the highest bit of the last word is set
//! tag     := the lowest byte of the key's `filter::hash`
//! ```
//!
//! Worked example: a put of `k` = `v` as commit 3 alone in a block is `01 03 01 01 6b 76 | 00 00 | 1d | 01 00 00 00`.
//! If it expires at 1,000 ms under generation 2, its first byte becomes `03 e8 07 02`.
//!
//! A point read touches the lines at the block's end and those of the entry, no others.
//!
//! Invariant: entries stand in their order. The builder's caller keeps it; the block's checksum keeps it on disk.
#![warn(clippy::indexing_slicing)]

use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::entry::{EntryKind, EntryRef, Position};
use crate::base::ident::SeqNo;
use std::ops::Range;

/// The bit of the last word that says that offsets have four bytes.
const WIDE: u32 = 1 << 31;

/// Puts a block together.
#[derive(Debug, Default)]
pub struct DataBlockBuilder {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    tags: Vec<u8>,
}

impl DataBlockBuilder {
    /// An empty block.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry, which must stand after those before it. `hash` is its key's `filter::hash`.
    pub fn add(&mut self, entry: &EntryRef<'_>, hash: u64) {
        self.offsets.push(u32::try_from(self.bytes.len()).expect("a block is cut far below 4 GiB"));
        self.tags.push(tag_of(hash));
        entry.kind.encode(&mut self.bytes);
        self.bytes.put_varint(entry.seqno.0);
        self.bytes.put_varint(entry.key.len() as u64);
        self.bytes.put_varint(entry.value.len() as u64);
        self.bytes.put_bytes(entry.key);
        self.bytes.put_bytes(entry.value);
    }

    fn is_wide(&self) -> bool {
        self.offsets.last().is_some_and(|offset| u16::try_from(*offset).is_err())
    }

    /// The payload's size if it were finished now, in bytes.
    pub fn size_bytes(&self) -> usize {
        let offset_bytes = if self.is_wide() { 4 } else { 2 };
        self.bytes.len() + (offset_bytes + 1) * self.offsets.len() + 4
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Appends the payload to `buffer` and starts an empty block.
    pub fn finish(&mut self, buffer: &mut Vec<u8>) {
        buffer.put_bytes(&self.bytes);
        let wide = if self.is_wide() { WIDE } else { 0 };
        for offset in &self.offsets {
            match u16::try_from(*offset) {
                Ok(narrow) if wide == 0 => buffer.put_u16(narrow),
                _ => buffer.put_u32(*offset),
            }
        }
        buffer.put_bytes(&self.tags);
        let count = u32::try_from(self.offsets.len()).ok().filter(|count| count & WIDE == 0);
        buffer.put_u32(count.expect("a block has fewer entries than bytes") | wide);
        self.bytes.clear();
        self.offsets.clear();
        self.tags.clear();
    }
}

fn tag_of(hash: u64) -> u8 {
    let [tag, ..] = hash.to_le_bytes();
    tag
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
    offsets: Offsets<'a>,
    tags: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Offsets<'a> {
    Narrow(&'a [[u8; 2]]),
    Wide(&'a [[u8; 4]]),
}

impl<'a> DataBlock<'a> {
    /// Looks at the counts of a payload whose checksum was verified.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Self, DecodeError> {
        let error = |expected| DecodeError { expected, offset: payload.len() };
        let (rest, word) = payload.split_last_chunk::<4>().ok_or(error("the entry count of a block"))?;
        let word = u32::from_le_bytes(*word);
        let count = (word & !WIDE) as usize;
        let (rest, tags) = split_end(rest, count).ok_or(error("an entry count within the block"))?;
        let offset_bytes = if word & WIDE == 0 { 2 } else { 4 };
        let table_bytes = count.checked_mul(offset_bytes).ok_or(error("an entry count within the block"))?;
        let (entries, offsets) =
            split_end(rest, table_bytes).ok_or(error("an entry count within the block"))?;
        let offsets = if word & WIDE == 0 {
            Offsets::Narrow(offsets.as_chunks().0)
        } else {
            Offsets::Wide(offsets.as_chunks().0)
        };
        Ok(Self { entries, offsets, tags })
    }

    /// How many entries it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// The part of the payload that holds the entries.
    pub(super) fn entries(&self) -> &'a [u8] {
        self.entries
    }

    /// The first entry of `target.key` at or after `target`. `hash` is the key's `filter::hash`.
    #[inline]
    pub fn find(&self, target: Position<'_>, hash: u64) -> Result<Option<EntryRef<'a>>, DecodeError> {
        let sought = u64::from(tag_of(hash)) * LOWEST_BITS;
        let (words, rest) = self.tags.as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            let mut candidates = zero_bytes(u64::from_le_bytes(*word) ^ sought);
            while candidates != 0 {
                let index = 8 * index + candidates.trailing_zeros() as usize / 8;
                if let Some(entry) = self.entry_of(index, target)? {
                    return Ok(Some(entry));
                }
                candidates &= candidates - 1;
            }
        }
        for (index, tag) in rest.iter().enumerate() {
            if *tag == tag_of(hash)
                && let Some(entry) = self.entry_of(8 * words.len() + index, target)?
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entry at an index, if it is of `target.key` and not newer than `target`.
    #[inline]
    fn entry_of(&self, index: usize, target: Position<'_>) -> Result<Option<EntryRef<'a>>, DecodeError> {
        let entry = self.entry(index)?;
        Ok((entry.key == target.key && entry.seqno <= target.seqno).then_some(entry))
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
        let offset = match self.offsets {
            Offsets::Narrow(offsets) => offsets.get(index).map(|offset| u16::from_le_bytes(*offset) as usize),
            Offsets::Wide(offsets) => offsets.get(index).map(|offset| u32::from_le_bytes(*offset) as usize),
        };
        layout_at(self.entries, offset.ok_or(error("an entry's offset"))?)
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

/// Where in a block's entries the parts of the one lie that begins at `start`: at an entry's offset, or where the value
/// of the one before it ends.
#[inline]
pub(super) fn layout_at(entries: &[u8], start: usize) -> Result<EntryLayout, DecodeError> {
    let error = |expected| DecodeError { expected, offset: entries.len() };
    let bytes = entries.get(start..).ok_or(error("an entry within the block"))?;
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

/// The last `count` bytes apart.
#[inline]
fn split_end(bytes: &[u8], count: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(bytes.len().checked_sub(count)?)
}

const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is zero; now and then that of a byte behind one that is (Anderson, "Bit twiddling
/// hacks").
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOWEST_BITS) & !word & (LOWEST_BITS << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{Expiry, ExpiryGeneration};
    use crate::format::table::filter;
    use proptest::prelude::*;

    fn add(builder: &mut DataBlockBuilder, entry: &EntryRef<'_>) {
        builder.add(entry, filter::hash(entry.key));
    }

    fn entry<'a>(key: &'a [u8], seqno: u64, value: &'a [u8]) -> EntryRef<'a> {
        EntryRef { key, seqno: SeqNo(seqno), kind: EntryKind::Put, value }
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let mut builder = DataBlockBuilder::new();
        add(&mut builder, &entry(b"k", 3, b"v"));
        let size = builder.size_bytes();
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        assert_eq!(payload, [1, 3, 1, 1, 0x6b, 0x76, 0, 0, 0x1d, 1, 0, 0, 0]);
        assert_eq!((payload.len(), builder.is_empty()), (size, true));
    }

    #[test]
    fn the_worked_example_of_an_expiring_put_is_what_is_written() {
        let expiry = Expiry { at_millis: 1000, generation: ExpiryGeneration(2) };
        let expiring = EntryRef { kind: EntryKind::ExpiringPut(expiry), ..entry(b"k", 3, b"v") };
        let mut builder = DataBlockBuilder::new();
        add(&mut builder, &expiring);
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        assert_eq!(payload, [3, 0xe8, 7, 2, 3, 1, 1, 0x6b, 0x76, 0, 0, 0x1d, 1, 0, 0, 0]);
        assert_eq!(DataBlock::parse(&payload).and_then(|block| block.entry(0)), Ok(expiring));
    }

    #[test]
    fn offsets_are_wide_in_a_block_of_large_entries() {
        let value = vec![b'v'; 70_000];
        let mut builder = DataBlockBuilder::new();
        for key in [b"a", b"b"] {
            add(&mut builder, &entry(key, 3, &value));
        }
        let size = builder.size_bytes();
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        assert_eq!(payload.len(), size);
        let block = DataBlock::parse(&payload).expect("it was just built");
        let found = block.find(Position::before(b"b"), filter::hash(b"b"));
        assert_eq!(found, Ok(Some(entry(b"b", 3, &value))));
        assert_eq!(block.entry(0), Ok(entry(b"a", 3, &value)));
    }

    #[test]
    fn versions_are_found_by_sequence_number() {
        let mut builder = DataBlockBuilder::new();
        for (key, seqno) in [(b"a", 9), (b"a", 4), (b"b", 7)] {
            add(&mut builder, &entry(key, seqno, b""));
        }
        let mut payload = Vec::new();
        builder.finish(&mut payload);
        let block = DataBlock::parse(&payload).expect("it was just built");
        let index = |key, seqno| block.lower_bound(Position { key, seqno: SeqNo(seqno) });
        assert_eq!(index(b"a", u64::MAX), Ok(0));
        assert_eq!(index(b"a", 8), Ok(1));
        assert_eq!(index(b"a", 3), Ok(2));
        assert_eq!(index(b"c", 1), Ok(3));
        let find = |key: &[u8], seqno| {
            let found = block.find(Position { key, seqno: SeqNo(seqno) }, filter::hash(key));
            found.map(|entry| entry.map(|entry| entry.seqno.0))
        };
        assert_eq!(find(b"a", u64::MAX), Ok(Some(9)));
        assert_eq!(find(b"a", 8), Ok(Some(4)));
        assert_eq!(find(b"a", 3), Ok(None));
        assert_eq!(find(b"c", 9), Ok(None));
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
