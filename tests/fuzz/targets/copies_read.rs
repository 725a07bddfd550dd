//! The marker of a checkpoint and the objects of an archive: damaged, they give what was written or say that they are
//! corrupt; any other bytes give nothing, and a name that is read is written the same.

use crate::targets::damage::damage;
use crate::targets::input::Input;
use pixii::base::error::{Result, StoreErrorKind};
use pixii::base::ident::{CommitTime, FileId, FileNumber, HistoryId, Moment, SeqNo};
use pixii::format::archive::{self, ArchiveBase, ObjectKind, PartHeader, Until};
use pixii::format::checkpoint::CheckpointMarker;
use pixii::format::manifest::VersionEdit;
use std::fmt::Debug;
use std::path::Path;

/// Runs the target.
pub fn run(data: &[u8]) {
    any_bytes(data);
    let mut input = Input::new(data);
    let last = Moment { seqno: SeqNo(input.number()), time: CommitTime(input.number()) };
    let marker = CheckpointMarker {
        history: HistoryId(u128::from(input.number())),
        seqno: last.seqno,
        time: last.time,
        manifest: FileNumber(input.number()),
        segments: (0..input.below(4)).map(|_| (FileNumber(input.number()), input.number())).collect(),
        tables: (0..input.below(4)).map(|_| (FileId(u128::from(input.number())), input.number())).collect(),
    };
    check(&marker, &marker.encode(), &mut input, |bytes| {
        CheckpointMarker::decode(Path::new("marker"), bytes)
    });
    let state = VersionEdit { flushed_seqno: input.flag().then_some(last.seqno), ..VersionEdit::default() };
    let base = ArchiveBase { last, gap_from: input.flag().then_some(last), state };
    check(&base, &base.encode(), &mut input, |bytes| ArchiveBase::decode("base", bytes));
    let until = Until { last };
    check(&until, &until.encode(), &mut input, |bytes| Until::decode("until", bytes));
    let (segment, from) = (FileNumber(input.number()), u64::from(input.byte()));
    let name = archive::name(marker.history, ObjectKind::Part(segment, from));
    let log = input.bytes(300).to_vec();
    let part = PartHeader::encode(segment, from, &log, input.flag().then_some(last));
    let read =
        |bytes: &[u8]| PartHeader::decode(&name, bytes).map(|(header, bytes)| (header, bytes.to_vec()));
    let whole = read(&part).expect("an intact part is read");
    assert_eq!(whole.1, log);
    check(&whole, &part, &mut input, read);
}

fn check<T: PartialEq + Debug>(
    written: &T,
    intact: &[u8],
    input: &mut Input<'_>,
    read: impl Fn(&[u8]) -> Result<T>,
) {
    assert_eq!(&read(intact).expect("what is intact is read"), written);
    let mut damaged = intact.to_vec();
    damage(&mut damaged, input);
    match read(&damaged) {
        Ok(found) => assert_eq!(&found, written, "what is damaged is not taken for something else"),
        Err(error) => {
            assert!(
                matches!(error.kind(), StoreErrorKind::Corruption | StoreErrorKind::InvalidStore),
                "{error}"
            );
        }
    }
}

/// Bytes that are none of it.
fn any_bytes(data: &[u8]) {
    if let Ok(marker) = CheckpointMarker::decode(Path::new("marker"), data) {
        assert_eq!(marker.encode(), data, "a marker has one form");
    }
    if let Ok(base) = ArchiveBase::decode("base", data) {
        assert_eq!(base.encode(), data, "a base has one form");
    }
    if let Ok(until) = Until::decode("until", data) {
        assert_eq!(until.encode(), data, "what tells how far an archive reaches has one form");
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Some((history, kind)) = archive::parse(text)
    {
        assert_eq!(archive::name(history, kind), text, "an object has one name");
    }
}
