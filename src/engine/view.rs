//! What a reader reads: the memtables and the version, at one moment.

use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use crate::base::ident::{FileNumber, SeqNo};
use crate::lsm::memtable::table::Memtable;
use crate::lsm::version::Version;
use std::sync::Arc;

/// The sources of all reads. It never changes; changes make a new one.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Where commits go.
    pub(super) active: Arc<Memtable>,
    /// Memtables that wait to be flushed, newest first.
    pub(super) frozen: Vec<Frozen>,
    /// The tables.
    pub(super) version: Arc<Version>,
}

/// A memtable that takes no more commits.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    pub(super) memtable: Arc<Memtable>,
    /// The log segment that holds the last of its commits.
    pub(super) segment: FileNumber,
    /// The last of its commits.
    pub(super) last_seqno: SeqNo,
}

impl View {
    /// Calls `found` with the newest entry of `target.key` at `target.seqno`, tombstones included.
    #[inline]
    pub(super) fn get<R>(
        &self,
        target: Position<'_>,
        found: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>> {
        let frozen = self.frozen.iter().map(|frozen| &frozen.memtable);
        for memtable in std::iter::once(&self.active).chain(frozen) {
            if let Some(entry) = memtable.get(target) {
                return Ok(Some(found(entry)));
            }
        }
        self.version.get(target, found)
    }

    /// This view with its active memtable frozen and an empty one in its place.
    pub(super) fn with_frozen(&self, segment: FileNumber, last_seqno: SeqNo) -> Self {
        let mut frozen = Vec::with_capacity(self.frozen.len() + 1);
        frozen.push(Frozen { memtable: Arc::clone(&self.active), segment, last_seqno });
        frozen.extend(self.frozen.iter().cloned());
        Self { active: Arc::new(Memtable::new()), frozen, version: Arc::clone(&self.version) }
    }

    /// This view with other tables, and without `flushed` if one was.
    pub(super) fn with_version(&self, version: Arc<Version>, flushed: Option<&Arc<Memtable>>) -> Self {
        let is_flushed =
            |frozen: &&Frozen| flushed.is_some_and(|flushed| Arc::ptr_eq(flushed, &frozen.memtable));
        let frozen = self.frozen.iter().filter(|frozen| !is_flushed(frozen)).cloned().collect();
        Self { active: Arc::clone(&self.active), frozen, version }
    }
}
