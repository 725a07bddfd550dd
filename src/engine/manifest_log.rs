//! The manifest of an open store, and what its edits say beside the tables.
//!
//! Threads: one at a time, behind the manifest's lock. Who holds it sees the view's version and this at one moment.

use super::commit::Commit;
use crate::base::error::Result;
use crate::base::ident::{CommitTime, FileNumber, SeqNo};
use crate::format::manifest::{ManifestWriter, VersionEdit};

/// How far the log has gone into tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flushed {
    /// The first segment that is still needed.
    pub(super) oldest_segment: FileNumber,
    /// Every commit up to this one is in tables.
    pub(super) last: Commit,
}

/// The manifest.
#[derive(Debug)]
pub(super) struct ManifestLog {
    writer: ManifestWriter,
    flushed: Flushed,
}

impl ManifestLog {
    /// The log that `writer` has begun with `state`.
    pub(super) fn new(writer: ManifestWriter, state: &VersionEdit) -> Self {
        let last = Commit { seqno: SeqNo::ZERO, time: CommitTime(0) };
        let mut log = Self { writer, flushed: Flushed { oldest_segment: FileNumber(0), last } };
        log.note(state);
        log
    }

    /// Logs an edit: when this returns it is durable.
    pub(super) fn append(&mut self, edit: &VersionEdit) -> Result<()> {
        self.writer.append(edit)?;
        self.note(edit);
        Ok(())
    }

    /// How far the log has gone into tables.
    pub(super) fn flushed(&self) -> Flushed {
        self.flushed
    }

    fn note(&mut self, edit: &VersionEdit) {
        let Flushed { oldest_segment, last } = &mut self.flushed;
        *oldest_segment = edit.oldest_segment.unwrap_or(*oldest_segment);
        last.seqno = edit.flushed_seqno.unwrap_or(last.seqno);
        last.time = edit.flushed_time.unwrap_or(last.time);
    }
}
