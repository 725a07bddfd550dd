//! Data blocks: what was built is found; any bytes are read within their bounds, or an error.

use crate::targets::input::Input;
use pixii::base::entry::{OwnedEntry, Position};
use pixii::base::ident::SeqNo;
use pixii::format::table::data_block::{DataBlock, DataBlockBuilder};
use pixii::format::table::filter;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let mut sorted = BTreeMap::new();
    for _ in 0..input.below(30) {
        let (key, seqno) = (input.key(), SeqNo(input.number()));
        let kind = input.kind();
        let value = input.bytes(20).to_vec();
        sorted.insert((key.clone(), Reverse(seqno)), OwnedEntry { key, seqno, kind, value });
    }
    let entries: Vec<OwnedEntry> = sorted.into_values().collect();
    let mut builder = DataBlockBuilder::new();
    for entry in &entries {
        builder.add(&entry.as_ref(), filter::hash(&entry.key));
    }
    let size_bytes = builder.size_bytes();
    let mut payload = Vec::new();
    builder.finish(&mut payload);
    assert_eq!(payload.len(), size_bytes, "the size is known before");

    let block = DataBlock::parse(&payload).expect("it was just built");
    assert_eq!(block.len(), entries.len());
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(block.entry(index), Ok(entry.as_ref()));
    }
    let key = input.key();
    let mut targets: Vec<Position<'_>> = entries.iter().map(|entry| entry.as_ref().position()).collect();
    targets.push(Position { key: &key, seqno: SeqNo(input.number()) });
    for target in targets {
        let expected = entries.iter().take_while(|entry| entry.as_ref().position() < target).count();
        assert_eq!(block.lower_bound(target), Ok(expected));
        let entry = entries.get(expected).filter(|entry| entry.key == target.key);
        let found = block.find(target, filter::hash(target.key));
        assert_eq!(found, Ok(entry.map(OwnedEntry::as_ref)));
    }
}

fn any_bytes(data: &[u8]) {
    let Ok(block) = DataBlock::parse(data) else { return };
    assert!(block.len() * 3 <= data.len());
    for index in 0..block.len() {
        if let (Ok(layout), Ok(entry)) = (block.layout(index), block.entry(index)) {
            assert_eq!(data.get(layout.key), Some(entry.key));
            assert_eq!(data.get(layout.value), Some(entry.value));
        }
    }
    assert!(block.entry(block.len()).is_err(), "there is no entry behind the last");
    if let Ok(Some(entry)) = block.find(Position { key: b"ab", seqno: SeqNo(3) }, filter::hash(b"ab")) {
        assert!(entry.key == b"ab" && entry.seqno <= SeqNo(3));
    }
    if let Ok(index) = block.lower_bound(Position { key: b"ab", seqno: SeqNo(3) }) {
        assert!(index <= block.len());
    }
}
