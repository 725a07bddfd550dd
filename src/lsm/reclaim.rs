//! What compaction may take away beside versions that nobody sees: the expired, and dropped keyspaces. Pure.
//!
//! Everything is judged at the floor, the oldest moment that a reader can stand at: what is dead there is dead to every
//! reader, because readers' times and sequence numbers only grow from it.

use crate::base::entry::EntryKind;
use crate::base::expiry::ExpiryRules;
use crate::base::ident::{CommitTime, KeyspaceId, Moment, SeqNo};
use crate::format::contents::KeyspaceContents;
use crate::format::manifest::TableMeta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keyspaces that are dead, with the commit since which they are.
pub type DroppedKeyspaces = BTreeMap<KeyspaceId, SeqNo>;

/// What may be taken away.
#[derive(Clone, Debug, Default)]
pub struct Reclaim {
    /// The oldest moment that a reader can stand at. Its time is 0 while nothing may be taken for expired.
    pub floor: Moment,
    /// What becomes of expired entries.
    pub rules: Arc<ExpiryRules>,
    /// The keyspaces that no reader at or after their commit asks for.
    pub dropped: Arc<DroppedKeyspaces>,
}

/// How much of a table may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// All of it, without a look at what it hides: no reader asks for any of it.
    Dropped,
    /// All of it, unless it hides something older.
    Whole,
    /// Some of it, or nothing.
    Part,
}

impl Reclaim {
    /// Whether an entry may be treated like a tombstone because it has expired.
    pub fn is_expired(&self, kind: EntryKind) -> bool {
        kind.expiry().is_some_and(|expiry| {
            let horizon = self.rules.reclaim_horizon(expiry.generation, self.floor.time);
            horizon.is_some_and(|horizon| expiry.at_millis <= horizon)
        })
    }

    /// Whether no reader asks for a keyspace any more.
    pub fn is_dropped(&self, id: KeyspaceId) -> bool {
        self.dropped.get(&id).is_some_and(|dropped_at| *dropped_at <= self.floor.seqno)
    }

    /// Whether a table holds anything of a keyspace that nobody asks for.
    pub fn holds_dropped(&self, table: &TableMeta) -> bool {
        table.contents.iter().any(|contents| self.is_dropped(contents.id))
    }

    /// How much of a table may go.
    pub fn dead(&self, table: &TableMeta) -> Dead {
        if table.contents.iter().all(|contents| self.is_dropped(contents.id)) {
            return Dead::Dropped;
        }
        let is_whole = |contents: &KeyspaceContents| {
            self.dead_count(contents, self.floor.time) + contents.tombstone_count == contents.entry_count
        };
        let is_over = |contents: &KeyspaceContents| {
            contents.id == KeyspaceId::TIMELINE
                && self.floor.time > CommitTime(0)
                && table.newest_seqno <= self.floor.seqno
        };
        let is_dead = |contents: &KeyspaceContents| {
            self.is_dropped(contents.id) || is_over(contents) || is_whole(contents)
        };
        if table.contents.iter().all(is_dead) { Dead::Whole } else { Dead::Part }
    }

    /// From when on a table is worth compacting for its dead entries alone, in milliseconds: when half of its entries
    /// are dead; but a table that dies whole within as long again is waited for, because it then goes without being
    /// read. `None` if that never comes.
    ///
    /// `tombstones` says whether they count as dead.
    pub fn due_millis(&self, table: &TableMeta, tombstones: Tombstones) -> Option<u64> {
        if self.holds_dropped(table) {
            return Some(0);
        }
        let dead_count = |at_millis: u64| -> u64 {
            let count = |contents: &KeyspaceContents| {
                let tombstone_count = match tombstones {
                    Tombstones::Count => contents.tombstone_count,
                    Tombstones::DoNotCount => 0,
                };
                self.dead_count(contents, CommitTime(at_millis)) + tombstone_count
            };
            table.contents.iter().map(count).sum()
        };
        let spans = table.contents.iter().flat_map(|contents| &contents.expiring);
        let mut moments: Vec<u64> =
            std::iter::once(0).chain(spans.flat_map(|span| span.quartiles_millis)).collect();
        moments.sort_unstable();
        moments.dedup();
        let is_half_dead = |at_millis: &u64| 2 * dead_count(*at_millis) >= table.entry_count.max(1);
        let half_index = moments.partition_point(|at_millis| !is_half_dead(at_millis));
        let half_dead_at = *moments.get(half_index)?;
        // Moment 0 stands for what is dead already, if anything is.
        let first_dead_at = moments.iter().copied().find(|at_millis| dead_count(*at_millis) > 0)?;
        let latest = moments.last().copied().unwrap_or_default();
        let dies_whole = dead_count(latest) == table.entry_count;
        let is_worth_waiting = latest - half_dead_at <= half_dead_at - first_dead_at;
        Some(if dies_whole && is_worth_waiting { latest } else { half_dead_at })
    }

    fn dead_count(&self, contents: &KeyspaceContents, at: CommitTime) -> u64 {
        let spans = contents.expiring.iter();
        let counts = spans.filter_map(|span| {
            self.rules.reclaim_horizon(span.generation, at).map(|horizon| span.expired_count(horizon))
        });
        counts.sum()
    }
}

/// Whether tombstones count as dead entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tombstones {
    /// They do: compacting takes them away, or takes them down to what they hide.
    Count,
    /// They do not: a snapshot holds them.
    DoNotCount,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entry::EntryRef;
    use crate::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule};
    use crate::base::ident::FileId;
    use crate::format::contents::ContentsBuilder;

    /// A table of keyspace 1 with these entries.
    pub(super) fn table(kinds: &[EntryKind]) -> TableMeta {
        let mut builder = ContentsBuilder::default();
        for (number, kind) in (0_u8..).zip(kinds) {
            let key = [0, 0, 0, 1, number];
            builder.add(&EntryRef { key: &key, seqno: SeqNo(1), kind: *kind, value: &[] });
        }
        TableMeta {
            id: FileId(1),
            size_bytes: 1,
            checksum: 0,
            entry_count: kinds.len() as u64,
            tombstone_count: kinds.iter().filter(|kind| **kind == EntryKind::Delete).count() as u64,
            smallest: vec![0, 0, 0, 1, 0],
            largest: vec![0, 0, 0, 1, 255],
            oldest_seqno: SeqNo(1),
            newest_seqno: SeqNo(1),
            contents: builder.finish(),
        }
    }

    fn until(at_millis: u64) -> EntryKind {
        EntryKind::ExpiringPut(Expiry { at_millis, generation: ExpiryGeneration(0) })
    }

    fn reclaim(time: u64, ended_at: Option<u64>) -> Reclaim {
        let rule = ExpiryRule { ended_at: ended_at.map(CommitTime), dead: DeadEntries::Reclaimed };
        Reclaim {
            floor: Moment { seqno: SeqNo(9), time: CommitTime(time) },
            rules: Arc::new([(ExpiryGeneration(0), rule)].into_iter().collect()),
            dropped: Arc::default(),
        }
    }

    #[test]
    fn a_table_is_dead_when_its_last_entry_is() {
        let expiring = table(&[until(10), EntryKind::Delete, until(20)]);
        assert_eq!(reclaim(19, None).dead(&expiring), Dead::Part);
        assert_eq!(reclaim(20, None).dead(&expiring), Dead::Whole);
        assert_eq!(reclaim(99, Some(19)).dead(&expiring), Dead::Part, "what outlives its generation stays");
        assert_eq!(reclaim(99, None).dead(&table(&[until(10), EntryKind::Put])), Dead::Part);
    }

    #[test]
    fn a_dropped_keyspace_is_dead_once_no_reader_is_before_its_end() {
        let mut reclaim = reclaim(0, None);
        let table = table(&[EntryKind::Put]);
        reclaim.dropped = Arc::new([(KeyspaceId(1), SeqNo(10))].into());
        assert_eq!((reclaim.dead(&table), reclaim.holds_dropped(&table)), (Dead::Part, false));
        reclaim.floor.seqno = SeqNo(10);
        assert_eq!((reclaim.dead(&table), reclaim.holds_dropped(&table)), (Dead::Dropped, true));
        assert_eq!(reclaim.due_millis(&table, Tombstones::DoNotCount), Some(0));
    }

    #[test]
    fn a_table_is_due_when_half_of_it_is_dead_unless_the_rest_dies_as_soon() {
        let due = |kinds: &[EntryKind]| reclaim(0, None).due_millis(&table(kinds), Tombstones::Count);
        assert_eq!(due(&[until(10), until(20), until(30), until(40)]), Some(20), "the rest takes longer");
        assert_eq!(due(&[until(10), until(20), until(30)]), Some(30), "the rest dies as soon");
        assert_eq!(due(&[until(10), until(20), EntryKind::Put, EntryKind::Put]), Some(20));
        assert_eq!(due(&[until(10), EntryKind::Put, EntryKind::Put]), None);
        assert_eq!(
            due(&[until(10), until(20), until(u64::MAX)]),
            Some(20),
            "one that lives long holds nothing"
        );
        assert_eq!(due(&[EntryKind::Delete, EntryKind::Put]), Some(0));
        assert_eq!(due(&[EntryKind::Put]), None);
        let mixed = [EntryKind::Delete, EntryKind::Put];
        assert_eq!(reclaim(0, None).due_millis(&table(&mixed), Tombstones::DoNotCount), None);
    }
}
