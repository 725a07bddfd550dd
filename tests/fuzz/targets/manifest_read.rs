//! Manifests: a damaged one gives its first edits, or says that it is corrupt; records of any bytes behind matching
//! checksums are edits or errors.

use crate::targets::damage::damage;
use crate::targets::input::Input;
use pixii::base::checksum::crc32;
use pixii::base::codec::Encode;
use pixii::base::error::StoreErrorKind;
use pixii::base::expiry::ExpiryGeneration;
use pixii::base::ident::{CommitTime, FileId, FileNumber, HistoryId, KeyspaceId, Moment, SeqNo};
use pixii::format::chunk::{LogIdentity, LogKind};
use pixii::format::contents::{ExpirySpan, KeyspaceContents};
use pixii::format::manifest::{
    ManifestContent, ManifestWriter, Parent, TableMeta, VersionEdit, parse_manifest,
};
use pixii::format::{metadata, names};
use pixii::lsm::version::ManifestState;
use pixii::sim::SimVfs;
use std::path::Path;

const HISTORY: HistoryId = HistoryId(9);
const NUMBER: FileNumber = FileNumber(4);

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let edits: Vec<VersionEdit> = (0..=input.below(6)).map(|_| edit(&mut input)).collect();
    let intact = written(&edits);
    let whole = ManifestContent { history: HISTORY, edits: edits.clone() };
    assert_eq!(read(&intact), Some(whole), "an intact manifest gives all its edits");

    let mut damaged = intact;
    damage(&mut damaged, &mut input);
    if let Some(found) = read(&damaged) {
        assert_eq!(found.history, HISTORY);
        assert!(!found.edits.is_empty(), "the state of the store is there, or the manifest is corrupt");
        assert!(
            edits.starts_with(&found.edits),
            "the edits of a damaged manifest are the first of the intact one"
        );
    }
}

/// Bytes that are no manifest, and no record; and the same bytes as the body of a record that is well framed.
fn any_bytes(data: &[u8]) {
    read(data);
    let mut framed = vec![1];
    framed.put_u32(u32::try_from(data.len()).expect("inputs are short"));
    framed.put_u32(crc32(&[data]));
    framed.put_bytes(data);
    for record in [data, &framed] {
        let Ok(edit) = metadata::decode::<VersionEdit>(record) else { continue };
        assert_eq!(metadata::encode(&edit), record, "an edit has one form");
        // whatever it says, adding it up is an answer or a message
        if let Ok(state) = ManifestState::fold(std::slice::from_ref(&edit)) {
            assert_eq!(state.tables.len() + edit.removed.len(), edit.added.len());
        }
    }
}

fn edit(input: &mut Input<'_>) -> VersionEdit {
    let level = |input: &mut Input<'_>| u8::try_from(input.below(9)).unwrap_or(0);
    let id = |input: &mut Input<'_>| FileId(u128::from(input.byte()));
    VersionEdit {
        removed: (0..input.below(3)).map(|_| (level(input), id(input))).collect(),
        added: (0..input.below(3)).map(|_| (level(input), table(id(input), input))).collect(),
        oldest_segment: input.flag().then(|| FileNumber(input.number())),
        flushed_seqno: input.flag().then(|| SeqNo(input.number())),
        flushed_time: Some(CommitTime(7)),
        floor: input.flag().then(|| Moment { seqno: SeqNo(u64::from(input.byte())), time: CommitTime(8) }),
        parent: input.flag().then_some(Parent { history: HISTORY, seqno: SeqNo(9) }),
    }
}

fn table(id: FileId, input: &mut Input<'_>) -> TableMeta {
    TableMeta {
        id,
        size_bytes: input.number(),
        checksum: 1,
        entry_count: input.number(),
        tombstone_count: input.number(),
        smallest: input.key(),
        largest: vec![input.byte(); input.below(40_000)],
        oldest_seqno: SeqNo(input.number()),
        newest_seqno: SeqNo(input.number()),
        contents: (0..input.below(3)).map(|_| contents(input)).collect(),
    }
}

fn contents(input: &mut Input<'_>) -> KeyspaceContents {
    // a byte a number, so that inputs are left for the damage
    let number = |input: &mut Input<'_>| u64::from(input.byte()) << 40;
    let span = |input: &mut Input<'_>| ExpirySpan {
        generation: ExpiryGeneration(u32::from(input.byte())),
        entry_count: number(input),
        quartiles_millis: [number(input); 5],
    };
    KeyspaceContents {
        id: KeyspaceId(u32::from(input.byte())),
        entry_count: number(input),
        tombstone_count: number(input),
        size_bytes: number(input),
        expiring: (0..input.below(3)).map(|_| span(input)).collect(),
    }
}

fn written(edits: &[VersionEdit]) -> Vec<u8> {
    let vfs = SimVfs::new();
    let directory = Path::new("/");
    let identity = LogIdentity { kind: LogKind::Manifest, history: HISTORY, number: NUMBER };
    let (state, later) = edits.split_first().expect("there is a first edit");
    let mut writer = ManifestWriter::create(&vfs, directory, identity, state).expect("a new file");
    for edit in later {
        writer.append(edit).expect("space");
    }
    vfs.read(names::manifest(directory, NUMBER)).expect("it was written")
}

fn read(bytes: &[u8]) -> Option<ManifestContent> {
    match parse_manifest(Path::new("manifest"), bytes, NUMBER) {
        Ok(content) => Some(content),
        Err(error) => {
            let kind = error.kind();
            assert!(matches!(kind, StoreErrorKind::Corruption | StoreErrorKind::InvalidStore), "{error}");
            None
        }
    }
}
