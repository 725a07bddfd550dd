//! The write batch: entries that become visible together, at one sequence number, or not at all.
//!
//! Invariants:
//! 1. A batch holds each key at most once; a later put or delete of a key replaces the earlier one.
//! 2. Its encoding is that of a log record: commit header, then the entries in key order.
//! 3. Both hold after stamping too: in a keyspace of which a batch has a stamped key, it has stamped keys only, which
//!    differ in what follows the stamp.
//!
//! ```text
//! batch    := seqno varint, commit time varint, count varint, entry*
//! entry    := kind, key length varint, key, [value length varint, value]        (value: puts only)
//! kind     := as `entry` says: a byte, and an expiring put's expiry
//! ```
//!
//! Worked example: a put of key `00 00 00 10 61` with value `2a` as commit 5 at 1,000 ms is
//! `05 e8 07 01 01 05 00 00 00 10 61 01 2a`. If it expires at 2,000 ms under generation 7, `01 05` becomes
//! `03 d0 0f 07 05`.
//!
//! A *stamped* key gets its place in the order when it is committed. The log record holds the final bytes:
//!
//! ```text
//! stamped key := keyspace id u32, seqno u64, commit time u64, suffix          (all big-endian: keys are ordered)
//! ```
#![warn(clippy::indexing_slicing)]

use super::codec::{DecodeError, Decoder, Encode};
use super::entry::{EntryKind, EntryRef};
use super::error::{Result, StoreError, StoreFault};
use super::expiry::Expiry;
use super::ident::{CommitTime, KeyspaceId, SeqNo};
use super::limits;
use std::collections::{BTreeMap, BTreeSet};

/// Where the stamp of a stamped key begins: behind the keyspace id.
const STAMP_START: usize = 4;

/// How many bytes a stamp takes: sequence number and commit time.
const STAMP_BYTES: usize = 16;

/// Changes that are committed together.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    /// Of each key what it becomes; the value of a delete is empty.
    entries: BTreeMap<Vec<u8>, (EntryKind, Vec<u8>)>,
    /// Which keys of `entries` wait for their stamp, which is zero until then.
    stamped: BTreeSet<Vec<u8>>,
}

impl WriteBatch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The key has this value from the commit on.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.entries.insert(key, (EntryKind::Put, value));
    }

    /// The key has this value from the commit on, until it expires.
    pub fn put_expiring(&mut self, key: Vec<u8>, value: Vec<u8>, expiry: Expiry) {
        self.entries.insert(key, (EntryKind::ExpiringPut(expiry), value));
    }

    /// The key has this value from the commit on, until it expires, if it does.
    pub fn put_until(&mut self, key: Vec<u8>, value: Vec<u8>, expiry: Option<Expiry>) {
        self.entries.insert(key, (EntryKind::put(expiry), value));
    }

    /// The key has no value from the commit on.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.entries.insert(key, (EntryKind::Delete, Vec::new()));
    }

    /// A new key has this value from the commit on: keyspace, the commit's sequence number and time, `suffix`. So the
    /// keys of a keyspace stand in the order of their commits, and within a commit in that of their suffixes.
    ///
    /// REQUIRES: all keys that a batch has in this keyspace are stamped.
    pub fn put_stamped(&mut self, keyspace: KeyspaceId, suffix: &[u8], value: Vec<u8>) {
        let key = stamped_key(keyspace, SeqNo::ZERO, CommitTime(0), suffix);
        self.stamped.insert(key.clone());
        self.entries.insert(key, (EntryKind::Put, value));
    }

    /// How many keys are changed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The changes in key order: key, kind and value, which is empty for a delete. The stamps of stamped keys are zero.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], EntryKind, &[u8])> {
        self.entries.iter().map(|(key, (kind, value))| (key.as_slice(), *kind, value.as_slice()))
    }

    /// Calls `visit` with each entry as a commit writes it, in key order.
    pub fn visit_committed(&self, seqno: SeqNo, time: CommitTime, mut visit: impl FnMut(EntryRef<'_>)) {
        let mut final_key = Vec::new();
        for (key, kind, value) in self.entries() {
            let key = if self.is_stamped(key) {
                final_key.clear();
                final_key.extend_from_slice(key);
                stamp(&mut final_key, seqno, time);
                final_key.as_slice()
            } else {
                key
            };
            visit(EntryRef { key, seqno, kind, value });
        }
    }

    fn is_stamped(&self, key: &[u8]) -> bool {
        !self.stamped.is_empty() && self.stamped.contains(key)
    }

    /// Bytes of keys and values together.
    pub fn size_bytes(&self) -> usize {
        self.entries.iter().map(|(key, (_, value))| key.len() + value.len()).sum()
    }

    /// Refuses a batch that the storage layers cannot take.
    pub fn check_limits(&self) -> Result<()> {
        self.check_stamped_keyspaces();
        let check = |what, size, limit| {
            if size > limit {
                Err(StoreError::new(StoreFault::TooLarge { what, size, limit }))
            } else {
                Ok(())
            }
        };
        check("number of entries in the batch", self.len(), limits::BATCH_ENTRIES_MAX)?;
        for (key, _, value) in self.entries() {
            check("key", key.len(), limits::KEY_BYTES_MAX)?;
            check("value", value.len(), limits::VALUE_BYTES_MAX)?;
        }
        check("batch", self.size_bytes(), limits::BATCH_BYTES_MAX)
    }

    /// A record with keys out of order would be refused by every later opening: better to stop before it is written.
    fn check_stamped_keyspaces(&self) {
        if self.stamped.is_empty() {
            return;
        }
        let mut before: Option<(&[u8], bool)> = None;
        for key in self.entries.keys() {
            let here = (key.get(..STAMP_START).unwrap_or(key), self.is_stamped(key));
            let is_mixed = before.is_some_and(|before| before.0 == here.0 && before.1 != here.1);
            assert!(!is_mixed, "a batch has stamped keys only in a keyspace of which it has one");
            before = Some(here);
        }
    }

    /// What of the log record follows the header's first two fields.
    pub fn encode_body(&self) -> BatchBody {
        let mut bytes = Vec::with_capacity(self.size_bytes() + 8 * self.len() + 8);
        let mut stamped_ends = Vec::new();
        bytes.put_varint(self.entries.len() as u64);
        for (key, kind, value) in self.entries() {
            kind.encode(&mut bytes);
            bytes.put_prefixed(key);
            if self.is_stamped(key) {
                stamped_ends.push((bytes.len(), key.len()));
            }
            if kind != EntryKind::Delete {
                bytes.put_prefixed(value);
            }
        }
        BatchBody { bytes, stamped_ends }
    }
}

/// The part of a batch's log record that is made before its commit, whose stamps are still to come.
#[derive(Debug)]
pub struct BatchBody {
    bytes: Vec<u8>,
    /// Where each stamped key ends, and its length.
    stamped_ends: Vec<(usize, usize)>,
}

impl BatchBody {
    /// The final bytes, which follow those of [`encode_commit`].
    pub fn stamped(&mut self, seqno: SeqNo, time: CommitTime) -> &[u8] {
        for (end, length) in &self.stamped_ends {
            if let Some(key) = self.bytes.get_mut(end - length..*end) {
                stamp(key, seqno, time);
            }
        }
        &self.bytes
    }
}

/// The key that [`WriteBatch::put_stamped`] comes to.
pub fn stamped_key(keyspace: KeyspaceId, seqno: SeqNo, time: CommitTime, suffix: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(STAMP_START + STAMP_BYTES + suffix.len());
    key.extend_from_slice(&keyspace.prefix());
    key.extend_from_slice(&stamp_of(seqno, time));
    key.extend_from_slice(suffix);
    key
}

fn stamp(key: &mut [u8], seqno: SeqNo, time: CommitTime) {
    if let Some(place) = key.get_mut(STAMP_START..STAMP_START + STAMP_BYTES) {
        place.copy_from_slice(&stamp_of(seqno, time));
    }
}

fn stamp_of(seqno: SeqNo, time: CommitTime) -> [u8; STAMP_BYTES] {
    ((u128::from(seqno.0) << 64) | u128::from(time.0)).to_be_bytes()
}

/// Appends what of a log record depends on the commit; the batch's body follows.
pub fn encode_commit(seqno: SeqNo, time: CommitTime, buffer: &mut Vec<u8>) {
    buffer.put_varint(seqno.0);
    buffer.put_varint(time.0);
}

/// The header of a batch's log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The commit's place in the order.
    pub seqno: SeqNo,
    /// The commit's time.
    pub time: CommitTime,
    /// How many entries follow.
    pub entry_count: u64,
}

/// Reads the log record of a batch: its header, and each entry in turn.
///
/// Nothing is allocated for the entries: they are borrowed from `record`.
pub fn decode<'a>(
    record: &'a [u8],
    mut visit: impl FnMut(EntryRef<'a>),
) -> std::result::Result<BatchHeader, DecodeError> {
    let mut decoder = Decoder::new(record);
    let header = BatchHeader {
        seqno: SeqNo(decoder.varint("the batch's sequence number")?),
        time: CommitTime(decoder.varint("the batch's commit time")?),
        entry_count: decoder.varint("the batch's entry count")?,
    };
    if header.seqno == SeqNo::ZERO || header.seqno == SeqNo::MAX {
        return Err(decoder.error("a sequence number of a commit"));
    }
    let mut key_before: Option<&[u8]> = None;
    for _ in 0..header.entry_count {
        let kind = EntryKind::decode(&mut decoder)?;
        let key = decoder.prefixed("an entry's key")?;
        let value = match kind {
            EntryKind::Put | EntryKind::ExpiringPut(_) => decoder.prefixed("an entry's value")?,
            EntryKind::Delete => &[],
        };
        if key.len() > limits::KEY_BYTES_MAX {
            return Err(decoder.error("a key within the limit"));
        }
        if key_before.is_some_and(|before| before >= key) {
            return Err(decoder.error("keys in their order, each once"));
        }
        key_before = Some(key);
        visit(EntryRef { key, seqno: header.seqno, kind, value });
    }
    decoder.end("the end of the batch")?;
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::ExpiryGeneration;

    fn encode(batch: &WriteBatch, seqno: SeqNo, time: CommitTime) -> Vec<u8> {
        let mut record = Vec::new();
        encode_commit(seqno, time, &mut record);
        record.extend_from_slice(batch.encode_body().stamped(seqno, time));
        record
    }

    #[test]
    fn the_worked_example_is_what_is_written() {
        let mut batch = WriteBatch::new();
        batch.put(vec![0, 0, 0, 0x10, 0x61], vec![0x2a]);
        let record = encode(&batch, SeqNo(5), CommitTime(1000));
        assert_eq!(record, [0x05, 0xe8, 0x07, 0x01, 0x01, 0x05, 0, 0, 0, 0x10, 0x61, 0x01, 0x2a]);
        let mut seen = Vec::new();
        let header = decode(&record, |entry| seen.push((entry.key.to_vec(), entry.value.to_vec())))
            .expect("a batch decodes what it encoded");
        assert_eq!(header, BatchHeader { seqno: SeqNo(5), time: CommitTime(1000), entry_count: 1 });
        assert_eq!(seen, [(vec![0, 0, 0, 0x10, 0x61], vec![0x2a])]);
    }

    #[test]
    fn the_worked_example_of_an_expiring_put_is_what_is_written() {
        let expiry = Expiry { at_millis: 2000, generation: ExpiryGeneration(7) };
        let mut batch = WriteBatch::new();
        batch.put_expiring(vec![0, 0, 0, 0x10, 0x61], vec![0x2a], expiry);
        let record = encode(&batch, SeqNo(5), CommitTime(1000));
        assert_eq!(record, [5, 0xe8, 7, 1, 3, 0xd0, 0x0f, 7, 5, 0, 0, 0, 0x10, 0x61, 1, 0x2a]);
        let mut kinds = Vec::new();
        decode(&record, |entry| kinds.push(entry.kind)).expect("a batch decodes what it encoded");
        assert_eq!(kinds, [EntryKind::ExpiringPut(expiry)]);
    }

    #[test]
    fn every_truncation_is_refused() {
        let mut batch = WriteBatch::new();
        batch.put(b"key one".to_vec(), b"value".to_vec());
        batch.delete(b"key two".to_vec());
        let expiry = Expiry { at_millis: 1 << 41, generation: ExpiryGeneration(300) };
        batch.put_expiring(b"key zero".to_vec(), b"value".to_vec(), expiry);
        let record = encode(&batch, SeqNo(300), CommitTime(1 << 40));
        for length in 0..record.len() {
            assert!(decode(&record[..length], |_| ()).is_err(), "{length} bytes were taken");
        }
    }

    #[test]
    fn the_last_change_of_a_key_counts() {
        let mut batch = WriteBatch::new();
        batch.put(b"a".to_vec(), b"1".to_vec());
        batch.delete(b"a".to_vec());
        assert_eq!(
            batch.entries().collect::<Vec<_>>(),
            [(b"a".as_slice(), EntryKind::Delete, [].as_slice())]
        );
    }

    #[test]
    fn stamped_keys_are_the_same_in_the_record_and_among_the_entries() {
        let (stream, seqno, time) = (KeyspaceId(17), SeqNo(0x0102), CommitTime(0x0304));
        let mut batch = WriteBatch::new();
        batch.put_stamped(stream, b"second", b"2".to_vec());
        batch.put_stamped(stream, b"first", b"1".to_vec());
        batch.put([&KeyspaceId(16).prefix()[..], b"item"].concat(), b"0".to_vec());
        let expiry = Expiry { at_millis: 1000, generation: ExpiryGeneration(2) };
        batch.put_expiring([&KeyspaceId(16).prefix()[..], b"mortal"].concat(), b"3".to_vec(), expiry);
        batch.delete([&KeyspaceId(18).prefix()[..], b"item"].concat());
        assert!(batch.check_limits().is_ok());
        let mut visited = Vec::new();
        batch.visit_committed(seqno, time, |entry| {
            visited.push((entry.key.to_vec(), entry.kind, entry.value.to_vec()));
        });
        let keys: Vec<_> = visited.iter().map(|(key, ..)| key.as_slice()).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys[2], b"\0\0\0\x11\0\0\0\0\0\0\x01\x02\0\0\0\0\0\0\x03\x04first");
        assert_eq!(keys[3], stamped_key(stream, seqno, time, b"second"));
        let mut decoded = Vec::new();
        decode(&encode(&batch, seqno, time), |entry| {
            decoded.push((entry.key.to_vec(), entry.kind, entry.value.to_vec()));
        })
        .expect("a batch decodes what it encoded");
        assert_eq!(decoded, visited);
    }

    #[test]
    #[should_panic(expected = "stamped keys only")]
    fn a_stamped_key_beside_another_one_of_its_keyspace_is_a_bug() {
        let mut batch = WriteBatch::new();
        batch.put_stamped(KeyspaceId(17), b"", Vec::new());
        batch.delete(stamped_key(KeyspaceId(17), SeqNo(1), CommitTime(1), b""));
        let _ = batch.check_limits();
    }

    #[test]
    fn an_oversized_key_is_refused() {
        let mut batch = WriteBatch::new();
        batch.put(vec![0; limits::KEY_BYTES_MAX + 1], Vec::new());
        assert!(matches!(
            batch.check_limits().map_err(|error| error.kind()),
            Err(crate::base::error::StoreErrorKind::TooLarge)
        ));
    }
}
