//! The bytes of a stream's rows.
//!
//! ```text
//! row key   := stream's keyspace ‖ seqno ‖ commit time ‖ position u32          (big-endian; all but the last stamped)
//! row value := version u8 (1), flags u8, length varint, item's key, images
//! flags     := event (bits 0 and 1: 1 INSERT, 2 MODIFY, 3 REMOVE), view type (bits 2 and 3), expiry (bit 4)
//! images    := [length varint, old item], [length varint, new item]
//! ```
//!
//! The item's key is what follows the keyspace in the engine's key of the item; images are items as they are stored,
//! whole. Which images there are follows from event and view type: an `INSERT` has no old one, a `REMOVE` no new one.
//!
//! Worked example: the insert of the item `01 00` under the key `61 62`, in a stream of new images, is
//! `01 05 02 61 62 02 01 00`.
#![warn(clippy::indexing_slicing)]

use super::sequence_number::SequenceNumber;
use crate::base::batch::stamped_key;
use crate::base::codec::{DecodeError, Decoder, Encode};
use crate::base::ident::{CommitTime, KeyspaceId, SeqNo};
use crate::dynamo::tables::settings::StreamViewType;

const VERSION: u8 = 1;
const VIEW_TYPE_SHIFT: u8 = 2;
const EXPIRY_FLAG: u8 = 1 << 4;
const KEY_BYTES: usize = 24;

/// What happened to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    Insert = 1,
    Modify = 2,
    Remove = 3,
}

/// A row's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) event: Event,
    pub(super) view_type: StreamViewType,
    /// Whether nobody removed the item: it had expired.
    pub(super) is_expiry: bool,
    /// The engine's key of the item, without the keyspace.
    pub(super) key: &'a [u8],
    /// There exactly if [`has_old`] says so.
    pub(super) old: Option<&'a [u8]>,
    /// There exactly if [`has_new`] says so.
    pub(super) new: Option<&'a [u8]>,
}

/// Whether the row of such an event has an old image.
pub(super) fn has_old(view_type: StreamViewType, event: Event) -> bool {
    matches!(view_type, StreamViewType::OldImage | StreamViewType::NewAndOldImages) && event != Event::Insert
}

/// Whether the row of such an event has a new image.
pub(super) fn has_new(view_type: StreamViewType, event: Event) -> bool {
    matches!(view_type, StreamViewType::NewImage | StreamViewType::NewAndOldImages) && event != Event::Remove
}

impl<'a> Row<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let view_type: u8 = match self.view_type {
            StreamViewType::KeysOnly => 0,
            StreamViewType::NewImage => 1,
            StreamViewType::OldImage => 2,
            StreamViewType::NewAndOldImages => 3,
        };
        let expiry = if self.is_expiry { EXPIRY_FLAG } else { 0 };
        let parts = [Some(self.key), self.old, self.new];
        let size: usize = parts.iter().flatten().map(|part| part.len() + 4).sum();
        let mut bytes = Vec::with_capacity(2 + size);
        bytes.put_u8(VERSION);
        bytes.put_u8(self.event as u8 | view_type << VIEW_TYPE_SHIFT | expiry);
        for part in parts.into_iter().flatten() {
            bytes.put_prefixed(part);
        }
        bytes
    }

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let error = decoder.error("a stream record of version 1");
        if decoder.u8("a stream record")? != VERSION {
            return Err(error);
        }
        let error = decoder.error("the flags of a stream record");
        let flags = decoder.u8("the flags of a stream record")?;
        let event = match flags & 3 {
            1 => Event::Insert,
            2 => Event::Modify,
            3 => Event::Remove,
            _ => return Err(error),
        };
        let view_type = match flags >> VIEW_TYPE_SHIFT & 3 {
            0 => StreamViewType::KeysOnly,
            1 => StreamViewType::NewImage,
            2 => StreamViewType::OldImage,
            _ => StreamViewType::NewAndOldImages,
        };
        if flags >= EXPIRY_FLAG << 1 {
            return Err(error);
        }
        let is_expiry = flags & EXPIRY_FLAG != 0;
        let key = decoder.prefixed("an item's key")?;
        let mut image = |is_there: bool, what| is_there.then(|| decoder.prefixed(what)).transpose();
        let old = image(has_old(view_type, event), "an old image")?;
        let new = image(has_new(view_type, event), "a new image")?;
        decoder.end("the end of a stream record")?;
        Ok(Self { event, view_type, is_expiry, key, old, new })
    }
}

/// No row from that place on, or behind it, has a lesser key.
pub(super) fn lower_bound(keyspace: KeyspaceId, seqno: SeqNo) -> Vec<u8> {
    stamped_key(keyspace, seqno, CommitTime(0), &[])
}

/// What a row's key says: its place, and when it was committed.
pub(super) fn parse_key(key: &[u8]) -> Result<(SequenceNumber, CommitTime), DecodeError> {
    let error = DecodeError { expected: "the key of a stream record", offset: 0 };
    let (key, rest) = key.split_first_chunk::<KEY_BYTES>().ok_or(error)?;
    if !rest.is_empty() {
        return Err(error);
    }
    let mut decoder = Decoder::new(key);
    decoder.bytes(4, "a keyspace id")?;
    let seqno = SeqNo(u64::from_be_bytes(decoder.array("a sequence number")?));
    let time = CommitTime(u64::from_be_bytes(decoder.array("a commit time")?));
    let position = u32::from_be_bytes(decoder.array("a place in a commit")?);
    Ok((SequenceNumber { seqno, position }, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_is_what_is_written() {
        let row = Row {
            event: Event::Insert,
            view_type: StreamViewType::NewImage,
            is_expiry: false,
            key: b"ab",
            old: None,
            new: Some(&[1, 0]),
        };
        assert_eq!(row.encode(), [0x01, 0x05, 0x02, 0x61, 0x62, 0x02, 0x01, 0x00]);
    }

    #[test]
    fn every_kind_of_row_is_read_back_and_no_truncation_is() {
        let view_types = [
            StreamViewType::KeysOnly,
            StreamViewType::NewImage,
            StreamViewType::OldImage,
            StreamViewType::NewAndOldImages,
        ];
        for view_type in view_types {
            for (event, is_expiry) in [
                (Event::Insert, false),
                (Event::Modify, false),
                (Event::Remove, false),
                (Event::Remove, true),
            ] {
                let old = has_old(view_type, event).then_some(b"old".as_slice());
                let new = has_new(view_type, event).then_some(b"newer".as_slice());
                let row = Row { event, view_type, is_expiry, key: b"key", old, new };
                let bytes = row.encode();
                assert_eq!(Row::decode(&bytes), Ok(row));
                for length in 0..bytes.len() {
                    assert!(Row::decode(&bytes[..length]).is_err(), "{length} bytes of {row:?}");
                }
                assert!(Row::decode(&[&bytes[..], &[0]].concat()).is_err());
            }
        }
        for flags in [0, 4, 0x21, 0xff] {
            assert!(Row::decode(&[VERSION, flags, 0]).is_err(), "{flags}");
        }
        assert!(Row::decode(&[2, 1, 0]).is_err());
    }

    #[test]
    fn a_key_says_its_place_and_its_time() {
        let key = stamped_key(KeyspaceId(17), SeqNo(5), CommitTime(1000), &7_u32.to_be_bytes());
        let place = SequenceNumber { seqno: SeqNo(5), position: 7 };
        assert_eq!(parse_key(&key), Ok((place, CommitTime(1000))));
        assert!(lower_bound(KeyspaceId(17), SeqNo(5)) < key && key < lower_bound(KeyspaceId(17), SeqNo(6)));
        assert!(parse_key(&key[..key.len() - 1]).is_err());
        assert!(parse_key(&[&key[..], &[0]].concat()).is_err());
    }
}
