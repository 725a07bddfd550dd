//! Which versions of a key a flush or a compaction keeps. Pure.
//!
//! Readers stand at boundaries: each snapshot's sequence number, and the newest one published when the job began (every
//! later reader stands at or after it). A version is needed when some boundary sees it: when it is the newest one not
//! newer than a boundary. A tombstone that is needed can still go when no older version of its key can be left
//! anywhere: nothing of the key below, and no boundary before it that could have kept an older version here.

use crate::base::entry::EntryKind;
use crate::base::ident::SeqNo;
use crate::base::planted::{Bug, planted};

/// What to do with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Write it.
    Keep,
    /// Leave it out.
    Drop,
}

/// The boundaries that readers stand at.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Ascending, none twice; the last is the newest published when the job began.
    boundaries: Vec<SeqNo>,
}

impl Retention {
    /// What must be kept for readers at these snapshots and at `published` or later.
    pub fn new(mut snapshots: Vec<SeqNo>, published: SeqNo) -> Self {
        if planted(Bug::SnapshotIgnoredByCompaction) {
            snapshots.clear();
        }
        snapshots.push(published);
        snapshots.sort_unstable();
        snapshots.dedup();
        Self { boundaries: snapshots }
    }

    /// Decides about a version whose next newer version (kept or not) is `newer`.
    ///
    /// `is_below` says whether an older version of the key may lie on a deeper level.
    pub fn choose(
        &self,
        newer: Option<SeqNo>,
        seqno: SeqNo,
        kind: EntryKind,
        is_below: impl FnOnce() -> bool,
    ) -> Choice {
        let first_at_or_after = self.boundaries.partition_point(|boundary| *boundary < seqno);
        let seen_by = self.boundaries.get(first_at_or_after);
        let is_needed = match (newer, seen_by) {
            (None, _) => true,
            (Some(newer), Some(boundary)) => *boundary < newer,
            (Some(_), None) => false,
        };
        let is_tombstone = kind == EntryKind::Delete;
        if planted(Bug::OldVersionSurvivesCompaction) {
            return if is_tombstone { Choice::Drop } else { Choice::Keep };
        }
        if !is_needed {
            return Choice::Drop;
        }
        let nothing_older_is_kept = first_at_or_after == 0;
        if is_tombstone && nothing_older_is_kept && (planted(Bug::TombstoneDroppedEarly) || !is_below()) {
            return Choice::Drop;
        }
        Choice::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn visible(versions: &[(SeqNo, EntryKind)], at: SeqNo) -> Option<SeqNo> {
        let newest = versions.iter().find(|(seqno, _)| *seqno <= at);
        newest.filter(|(_, kind)| *kind == EntryKind::Put).map(|(seqno, _)| *seqno)
    }

    proptest! {
        /// Every boundary sees the same before and after, and versions that nobody can see are gone.
        #[test]
        fn every_boundary_sees_the_same_and_nothing_else_is_kept(
            numbers in prop::collection::btree_set(1_u64..30, 0..10),
            tombstones in prop::collection::vec(any::<bool>(), 10),
            snapshots in prop::collection::vec(0_u64..30, 0..4),
            is_below: bool,
        ) {
            let published = SeqNo(30);
            let retention = Retention::new(snapshots.iter().map(|seqno| SeqNo(*seqno)).collect(), published);
            let versions: Vec<_> = numbers.iter().rev().zip(&tombstones)
                .map(|(seqno, is_delete)| {
                    (SeqNo(*seqno), if *is_delete { EntryKind::Delete } else { EntryKind::Put })
                })
                .collect();
            let mut kept = Vec::new();
            let mut newer = None;
            for (seqno, kind) in &versions {
                if retention.choose(newer, *seqno, *kind, || is_below) == Choice::Keep {
                    kept.push((*seqno, *kind));
                }
                newer = Some(*seqno);
            }
            let mut seen = Vec::new();
            for boundary in snapshots.iter().map(|seqno| SeqNo(*seqno)).chain([published]) {
                prop_assert_eq!(visible(&kept, boundary), visible(&versions, boundary));
                seen.extend(versions.iter().find(|(seqno, _)| *seqno <= boundary));
            }
            prop_assert!(kept.iter().all(|version| seen.contains(version)));
            if is_below {
                // A tombstone that a boundary sees hides what is below.
                prop_assert!(seen.iter().all(|version| kept.contains(version)));
            } else {
                prop_assert!(kept.last().is_none_or(|(_, kind)| *kind == EntryKind::Put
                    || snapshots.iter().any(|snapshot| SeqNo(*snapshot) < kept[kept.len() - 1].0)));
            }
        }
    }
}
