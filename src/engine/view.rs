//! What a reader reads: the memtables and the version, at one moment.

use super::commit::Commit;
use crate::base::entry::{EntryRef, Position};
use crate::base::error::Result;
use crate::base::ident::{FileNumber, KeyspaceId};
use crate::format::table::filter;
use crate::format::table::reader::TableReader;
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
    pub(super) last: Commit,
}

impl View {
    /// Calls `found` with the newest entry of `target.key` at `target.seqno`, tombstones included.
    #[inline]
    pub(super) fn get<R>(
        &self,
        target: Position<'_>,
        found: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Result<Option<R>> {
        let hash = filter::hash(target.key);
        for memtable in self.memtables() {
            if let Some(entry) = memtable.get(target, hash) {
                return Ok(Some(found(entry)));
            }
        }
        self.version.get(target, hash, found)
    }

    /// All memtables, newest first.
    pub(super) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::once(&self.active).chain(self.frozen.iter().map(|frozen| &frozen.memtable))
    }

    /// Whether any entry of a keyspace may be left.
    pub(super) fn holds_keyspace(&self, id: KeyspaceId) -> bool {
        let in_table =
            |(_, table): (u8, Arc<TableReader>)| table.meta().contents.iter().any(|part| part.id == id);
        self.memtables().any(|memtable| memtable.holds_keyspace(id)) || self.version.tables().any(in_table)
    }

    /// This view with its active memtable frozen and an empty one, `next`, in its place.
    pub(super) fn with_frozen(&self, next: Arc<Memtable>, segment: FileNumber, last: Commit) -> Self {
        let mut frozen = Vec::with_capacity(self.frozen.len() + 1);
        frozen.push(Frozen { memtable: Arc::clone(&self.active), segment, last });
        frozen.extend(self.frozen.iter().cloned());
        Self { active: next, frozen, version: Arc::clone(&self.version) }
    }

    /// This view with other tables, and without `flushed` if one was.
    pub(super) fn with_version(&self, version: Arc<Version>, flushed: Option<&Arc<Memtable>>) -> Self {
        let is_flushed =
            |frozen: &&Frozen| flushed.is_some_and(|flushed| Arc::ptr_eq(flushed, &frozen.memtable));
        let frozen = self.frozen.iter().filter(|frozen| !is_flushed(frozen)).cloned().collect();
        Self { active: Arc::clone(&self.active), frozen, version }
    }
}
