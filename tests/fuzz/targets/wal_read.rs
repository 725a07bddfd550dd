//! Log segments: a damaged segment gives a prefix of its batches, or says that it is corrupt; any other bytes give
//! nothing.

use crate::targets::damage::damage;
use crate::targets::input::Input;
use pixii::base::batch::{self, WriteBatch, encode_commit};
use pixii::base::entry::EntryKind;
use pixii::base::error::StoreErrorKind;
use pixii::base::ident::{CommitTime, FileNumber, HistoryId, SeqNo};
use pixii::format::chunk::{Framer, LogIdentity, LogKind, RecordKind};
use pixii::format::wal::{SegmentHeader, read_segment};
use std::path::Path;

const IDENTITY: LogIdentity =
    LogIdentity { kind: LogKind::Wal, history: HistoryId(7), number: FileNumber(3) };

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let records = records(&mut input);
    let (intact, synced_bytes) = segment(&records, &mut input);
    assert_eq!(read(&intact, synced_bytes), Some(records.clone()), "an intact segment gives all its batches");

    let mut damaged = intact.clone();
    damage(&mut damaged, &mut input);
    // What somebody else knows to be synced, as recovery knows of every segment but the last.
    let known_synced_bytes = if input.flag() { synced_bytes } else { 0 };
    if let Some(found) = read(&damaged, known_synced_bytes) {
        assert!(
            records.starts_with(&found),
            "the batches of a damaged segment are the first of the intact one"
        );
    }
    for record in &records {
        assert_eq!(again(record).as_ref(), Some(record), "a batch has one form");
    }
}

/// Bytes that are no segment, and no batch.
fn any_bytes(data: &[u8]) {
    if let Some(found) = read(data, 0) {
        let total: usize = found.iter().map(Vec::len).sum();
        assert!(total <= data.len(), "what is read was there");
    }
    let mut total = 0;
    if batch::decode(data, |entry| total += entry.key.len() + entry.value.len()).is_ok() {
        assert!(total <= data.len(), "what is read was there");
        if let Some(again) = again(data) {
            assert_eq!(again, data, "a batch has one form");
        }
    }
}

fn records(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let count = input.below(12);
    (1..=count as u64).map(|seqno| record(SeqNo(seqno), input)).collect()
}

fn record(seqno: SeqNo, input: &mut Input<'_>) -> Vec<u8> {
    let mut batch = WriteBatch::new();
    for _ in 0..=input.below(4) {
        let key = input.key();
        match input.below(8) {
            0 => batch.delete(key),
            // long enough for a record to be cut at the end of a block
            1 => batch.put(key, vec![input.byte(); 1000 * input.below(80)]),
            2 | 3 => {
                let expiry = input.expiry();
                batch.put_expiring(key, input.bytes(40).to_vec(), expiry);
            }
            _ => batch.put(key, input.bytes(40).to_vec()),
        }
    }
    let mut record = Vec::new();
    let time = CommitTime(input.number());
    encode_commit(seqno, time, &mut record);
    record.extend_from_slice(batch.encode_body().stamped(seqno, time));
    record
}

/// A segment of these records, and how many of its bytes count as synced.
fn segment(records: &[Vec<u8>], input: &mut Input<'_>) -> (Vec<u8>, u64) {
    let mut framer = Framer::new(IDENTITY);
    let mut bytes = Vec::new();
    let header = SegmentHeader { identity: IDENTITY, predecessor: None };
    framer.record(RecordKind::Header, &header.encode(), 0, &mut bytes);
    let mut synced_bytes = 0;
    for record in records {
        if input.flag() {
            synced_bytes = framer.offset();
        }
        framer.record(RecordKind::Data, record, synced_bytes, &mut bytes);
        if input.below(4) == 1 {
            synced_bytes = framer.offset();
            framer.promise(synced_bytes, &mut bytes);
        }
    }
    (bytes, synced_bytes)
}

/// The batches of a segment, or nothing if it is corrupt.
fn read(bytes: &[u8], known_synced_bytes: u64) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let read = read_segment(Path::new("3.wal"), bytes, IDENTITY, known_synced_bytes, |record, _| {
        found.push(record.to_vec());
        Ok(())
    });
    match read {
        Ok(read) => {
            assert!(read.end.valid_bytes <= bytes.len() as u64);
            assert!(read.end.valid_bytes >= known_synced_bytes, "nothing that was synced is missing");
            Some(found)
        }
        Err(error) => {
            let kind = error.kind();
            assert!(matches!(kind, StoreErrorKind::Corruption | StoreErrorKind::InvalidStore), "{error}");
            None
        }
    }
}

/// The record decoded and encoded; `None` if it is not one that a `WriteBatch` makes, whose keys ascend.
fn again(record: &[u8]) -> Option<Vec<u8>> {
    let mut batch = WriteBatch::new();
    let mut last: Option<Vec<u8>> = None;
    let mut ascends = true;
    let header = batch::decode(record, |entry| {
        ascends &= last.as_deref().is_none_or(|last| last < entry.key);
        last = Some(entry.key.to_vec());
        match entry.kind {
            EntryKind::Put => batch.put(entry.key.to_vec(), entry.value.to_vec()),
            EntryKind::ExpiringPut(expiry) => {
                batch.put_expiring(entry.key.to_vec(), entry.value.to_vec(), expiry);
            }
            EntryKind::Delete => batch.delete(entry.key.to_vec()),
        }
    })
    .expect("it was decoded before");
    let mut again = Vec::new();
    encode_commit(header.seqno, header.time, &mut again);
    again.extend_from_slice(batch.encode_body().stamped(header.seqno, header.time));
    ascends.then_some(again)
}
