//! The index of a table: for each data block, the position of its last entry and where it lies.
//!
//! ```text
//! payload := count varint, row*
//! row     := last key length varint, last key, last seqno varint, offset varint, length varint
//! ```
//!
//! It is read whole at open and kept in memory, keys end to end. The number of rows is bounded by the payload.
//!
//! In memory the rows are cut into sections, one for each keyspace. The keys of a section begin with the same bytes, as
//! many as they have in common, and are searched by the eight bytes behind those (`heads`); only rows whose eight bytes
//! are the target's are compared as a whole.
#![warn(clippy::indexing_slicing)]

use super::block_frame::BlockHandle;
use super::heads::{Heads, head_of};
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::entry::Position;
use crate::base::ident::SeqNo;
use std::ops::Range;

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
    sections: Vec<Section>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key_start: usize,
    key_end: usize,
    seqno: SeqNo,
    handle: BlockHandle,
}

/// Rows whose keys are of one keyspace.
#[derive(Debug)]
struct Section {
    first_row: usize,
    /// What all their keys begin with: this part of `keys`.
    common: Range<usize>,
    /// What comes behind that.
    heads: Heads,
}

/// Bytes of a key that tell its section: the keyspace's id.
const SECTION_BYTES: usize = 4;

impl Index {
    /// Reads a payload whose checksum was verified.
    pub fn parse(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(payload);
        let count = decoder.varint("the row count of an index")?;
        let mut index = Self::default();
        for _ in 0..count {
            let at_order = decoder.error("rows in their order");
            let key = decoder.prefixed("a last key")?;
            let seqno = SeqNo(decoder.varint("a last sequence number")?);
            if index.rows.last().is_some_and(|before| index.last(before) >= Position { key, seqno }) {
                return Err(at_order);
            }
            let offset = decoder.varint("a block's offset")?;
            let at_length = decoder.error("a block's length");
            let length = u32::try_from(decoder.varint("a block's length")?).map_err(|_| at_length)?;
            let key_start = index.keys.len();
            index.keys.extend_from_slice(key);
            let handle = BlockHandle { offset, length };
            index.rows.push(Row { key_start, key_end: index.keys.len(), seqno, handle });
        }
        decoder.end("the end of the index")?;
        index.cut_into_sections();
        Ok(index)
    }

    fn cut_into_sections(&mut self) {
        let mut first_row = 0;
        let mut sections = Vec::new();
        let section_of = |row: &Row| self.last(row).key.chunks(SECTION_BYTES).next();
        for rows in self.rows.chunk_by(|left, right| section_of(left) == section_of(right)) {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
            // What the first and the last of sorted keys have in common, all between them have.
            let pairs = self.last(first).key.iter().zip(self.last(last).key);
            let common_bytes = pairs.take_while(|(left, right)| left == right).count();
            let head = |row: &Row| head_of(self.last(row).key.get(common_bytes..).unwrap_or_default());
            let heads = Heads::new(rows.iter().map(head).collect());
            let common = first.key_start..first.key_start + common_bytes;
            sections.push(Section { first_row, common, heads });
            first_row += rows.len();
        }
        self.sections = sections;
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

    /// The position of the last entry of the block at an index.
    pub fn last_position(&self, block: usize) -> Option<Position<'_>> {
        self.rows.get(block).map(|row| self.last(row))
    }

    /// The first block that can hold an entry at or after `target`; the count if there is none.
    #[inline]
    pub fn block_for(&self, target: Position<'_>) -> usize {
        let Some(section) = self.section_for(target) else { return self.rows.len() };
        let common = self.keys.get(section.common.clone()).unwrap_or_default();
        let Some(rest) = target.key.strip_prefix(common) else {
            let is_behind = target.key > common;
            return section.first_row + if is_behind { section.heads.len() } else { 0 };
        };
        let head = head_of(rest);
        let first = section.heads.lower_bound(head);
        if section.heads.get(first) != Some(head) {
            return section.first_row + first;
        }
        let end = head.checked_add(1).map_or(section.heads.len(), |next| section.heads.lower_bound(next));
        let alike = self.rows.get(section.first_row + first..section.first_row + end).unwrap_or_default();
        section.first_row + first + alike.partition_point(|row| self.last(row) < target)
    }

    /// The first section whose last row is not before `target`.
    #[inline]
    fn section_for(&self, target: Position<'_>) -> Option<&Section> {
        let is_before = |section: &&Section| {
            let last = self.rows.get(section.first_row + section.heads.len() - 1);
            last.is_some_and(|row| self.last(row) < target)
        };
        match self.sections.as_slice() {
            // The search in it tells as well whether the target is behind its last row.
            [only] => Some(only),
            sections => sections.get(sections.partition_point(|section| is_before(&section))),
        }
    }

    fn last(&self, row: &Row) -> Position<'_> {
        let key = self.keys.get(row.key_start..row.key_end).unwrap_or_default();
        Position { key, seqno: row.seqno }
    }

    /// The memory that it takes, in bytes.
    pub fn memory_bytes(&self) -> usize {
        let sections =
            self.sections.iter().map(|section| size_of::<Section>() + section.heads.memory_bytes());
        self.keys.len() + self.rows.len() * size_of::<Row>() + sections.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn rows_out_of_order_are_refused() {
        for last in [Position { key: b"b", seqno: SeqNo(3) }, Position { key: b"c", seqno: SeqNo(3) }] {
            let mut builder = IndexBuilder::default();
            builder.add(Position { key: b"c", seqno: SeqNo(3) }, BlockHandle::default());
            builder.add(last, BlockHandle::default());
            assert!(Index::parse(&builder.finish()).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_block_is_found_as_by_comparing_whole_keys(
            // Few letters, so that keys have much in common, and lengths on both sides of a section and of a head.
            keys in prop::collection::btree_set(prop::collection::vec(0_u8..3, 0..16), 1..120),
            sought in prop::collection::vec((prop::collection::vec(0_u8..4, 0..17), 0_u64..4), 50),
        ) {
            let lasts: Vec<_> = keys.iter().map(|key| Position { key, seqno: SeqNo(2) }).collect();
            let mut builder = IndexBuilder::default();
            for last in &lasts {
                builder.add(*last, BlockHandle::default());
            }
            let index = Index::parse(&builder.finish()).expect("it was just built");
            for (key, seqno) in &sought {
                let target = Position { key, seqno: SeqNo(*seqno) };
                prop_assert_eq!(index.block_for(target), lasts.partition_point(|last| *last < target));
            }
        }
    }

    #[test]
    fn a_count_beyond_the_payload_is_refused() {
        let mut payload = Vec::new();
        payload.put_varint(u64::MAX);
        assert!(Index::parse(&payload).is_err());
    }
}
