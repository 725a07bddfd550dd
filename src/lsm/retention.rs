//! Which versions of a key a flush or a compaction keeps. Pure.
//!
//! Readers stand at boundaries: each snapshot's moment, and the newest one when the job began (every later reader stands
//! at or after it). A version is needed when some boundary sees it: when it is the newest one not newer than a boundary.
//! A tombstone that is needed can still go when no older version of its key can be left anywhere: nothing of the key
//! below, and no boundary before it that could have kept an older version here. A version that has expired to every
//! boundary is treated like a tombstone: where it cannot go it must go on hiding, for which a tombstone is enough. All of
//! a dropped keyspace goes, once every boundary is at or after its end.

use super::reclaim::Reclaim;
use crate::base::entry::EntryKind;
use crate::base::ident::{KeyspaceId, Moment, SeqNo};
use crate::base::planted::{Bug, planted};

/// What to do with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Write it.
    Keep,
    /// It has expired: write a tombstone in its place.
    KeepHiding,
    /// Leave it out.
    Drop,
}

/// A version of a key, as far as it matters whether it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its keyspace.
    pub keyspace: KeyspaceId,
    /// The next newer version of its key, kept or not.
    pub newer: Option<SeqNo>,
    /// The commit that wrote it.
    pub seqno: SeqNo,
    /// Value, expiring value or tombstone.
    pub kind: EntryKind,
}

/// The boundaries that readers stand at, and what else may go.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Ascending, none twice; the last is the newest published when the job began.
    boundaries: Vec<SeqNo>,
    /// A reader may stand at every commit behind this one too, which is itself a boundary.
    window: Option<SeqNo>,
    reclaim: Reclaim,
}

impl Retention {
    /// What must be kept for readers at these snapshots and at `published` or later.
    ///
    /// With a window also for readers at every commit from its start on. `reclaim` is judged at the oldest of all: see
    /// [`floor`].
    pub fn new(snapshots: &[Moment], published: SeqNo, window: Option<Moment>, reclaim: Reclaim) -> Self {
        let window = window.map(|start| start.seqno).filter(|_| !planted(Bug::WindowIgnoredByCompaction));
        let mut boundaries: Vec<SeqNo> = snapshots.iter().map(|snapshot| snapshot.seqno).collect();
        if planted(Bug::SnapshotIgnoredByCompaction) {
            boundaries.clear();
        }
        boundaries.extend(window);
        boundaries.push(published);
        boundaries.sort_unstable();
        boundaries.dedup();
        Self { boundaries, window, reclaim }
    }

    /// The moment before which readers may miss something, as far as `has_expired` something was left out.
    pub fn floor_used(&self, has_expired: bool) -> Moment {
        let seqno = self.oldest_boundary();
        Moment { seqno, time: if has_expired { self.reclaim.floor.time } else { Moment::default().time } }
    }

    fn oldest_boundary(&self) -> SeqNo {
        self.boundaries.first().copied().unwrap_or_default()
    }

    /// Decides about a version.
    ///
    /// `is_below` says whether an older version of the key may lie on a deeper level.
    pub fn choose(&self, candidate: Candidate, is_below: impl FnOnce() -> bool) -> Choice {
        let Candidate { keyspace, newer, seqno, kind } = candidate;
        if self.reclaim.is_dropped(keyspace) {
            return Choice::Drop;
        }
        if keyspace == KeyspaceId::TIMELINE {
            return if seqno <= self.oldest_boundary() { Choice::Drop } else { Choice::Keep };
        }
        let first_at_or_after = self.boundaries.partition_point(|boundary| *boundary < seqno);
        let seen_by = self.boundaries.get(first_at_or_after);
        let is_needed = match (newer, seen_by) {
            (None, _) => true,
            _ if self.window.is_some_and(|start| seqno > start) => true,
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
        let is_expired = self.reclaim.is_expired(kind);
        if !is_tombstone && !is_expired {
            return Choice::Keep;
        }
        let nothing_older_is_kept = first_at_or_after == 0;
        let forgets_below =
            planted(if is_tombstone { Bug::TombstoneDroppedEarly } else { Bug::ExpiredRevealsOlder });
        if nothing_older_is_kept && (forgets_below || !is_below()) {
            return Choice::Drop;
        }
        if is_expired { Choice::KeepHiding } else { Choice::Keep }
    }
}

/// The oldest moment that a reader can stand at: at one of these snapshots, in the window, or at `newest` or later.
pub fn floor(snapshots: &[Moment], window: Option<Moment>, newest: Moment) -> Moment {
    let oldest = snapshots.iter().copied().chain(window).fold(newest, |oldest, moment| Moment {
        seqno: oldest.seqno.min(moment.seqno),
        time: oldest.time.min(moment.time),
    });
    let time =
        if planted(Bug::ExpiredDroppedBeforeFloor) { newest.time } else { oldest.time.min(newest.time) };
    Moment { seqno: oldest.seqno.min(newest.seqno), time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::{DeadEntries, Expiry, ExpiryGeneration, ExpiryRule, ExpiryRules};
    use crate::base::ident::CommitTime;
    use crate::lsm::sight::Sight;
    use proptest::prelude::*;
    use std::sync::Arc;

    type Version = (SeqNo, EntryKind);

    /// Two generations: one that goes on and is reclaimed, one that ended at 15 and is reclaimed; a third is only hidden.
    fn rules() -> Arc<ExpiryRules> {
        let rule = |ended_at: Option<u64>, dead| ExpiryRule { ended_at: ended_at.map(CommitTime), dead };
        let rules = [
            (ExpiryGeneration(0), rule(None, DeadEntries::Reclaimed)),
            (ExpiryGeneration(1), rule(Some(15), DeadEntries::Reclaimed)),
            (ExpiryGeneration(2), rule(None, DeadEntries::Hidden)),
        ];
        Arc::new(rules.into_iter().collect())
    }

    fn newest_at(versions: &[Version], at: SeqNo) -> Option<&Version> {
        versions.iter().find(|(seqno, _)| *seqno <= at)
    }

    fn visible(versions: &[Version], at: Moment) -> Option<SeqNo> {
        let sight = Sight { at, rules: rules() };
        newest_at(versions, at.seqno).filter(|(_, kind)| sight.shows(*kind)).map(|(seqno, _)| *seqno)
    }

    fn kind() -> impl Strategy<Value = EntryKind> {
        let expiring = (0_u64..40, 0_u32..3).prop_map(|(at_millis, generation)| {
            EntryKind::ExpiringPut(Expiry { at_millis, generation: ExpiryGeneration(generation) })
        });
        prop_oneof![Just(EntryKind::Put), Just(EntryKind::Delete), expiring]
    }

    proptest! {
        /// Every boundary sees the same before and after, over whatever lies below, and what nobody needs is gone.
        #[test]
        fn every_boundary_sees_the_same_and_nothing_else_is_kept(
            numbers in prop::collection::btree_set(2_u64..30, 0..10),
            kinds in prop::collection::vec(kind(), 10),
            snapshots in prop::collection::vec((0_u64..30, 0_u64..30), 0..4),
            newest_time in 25_u64..35,
            is_below: bool,
            window in prop::option::of(0_usize..4),
        ) {
            // Times grow with sequence numbers, as they do under the registry's lock.
            let (mut seqnos, mut times): (Vec<u64>, Vec<u64>) = snapshots.into_iter().unzip();
            seqnos.sort_unstable();
            times.sort_unstable();
            let moment = |(seqno, time): (u64, u64)| Moment { seqno: SeqNo(seqno), time: CommitTime(time) };
            let mut snapshots: Vec<Moment> = seqnos.into_iter().zip(times).map(moment).collect();
            // One of them is where a window begins that stays readable.
            let window = window.filter(|index| *index < snapshots.len()).map(|index| snapshots.remove(index));
            let newest = moment((30, newest_time));
            let reclaim = Reclaim { floor: floor(&snapshots, window, newest), rules: rules(), ..Reclaim::default() };
            let retention = Retention::new(&snapshots, newest.seqno, window, reclaim.clone());
            let versions: Vec<Version> = numbers.iter().rev().zip(kinds)
                .map(|(seqno, kind)| (SeqNo(*seqno), kind))
                .collect();
            let mut kept = Vec::new();
            let mut newer = None;
            for (seqno, kind) in &versions {
                let candidate = Candidate { keyspace: KeyspaceId(1), newer, seqno: *seqno, kind: *kind };
                match retention.choose(candidate, || is_below) {
                    Choice::Keep => kept.push((*seqno, *kind)),
                    Choice::KeepHiding => kept.push((*seqno, EntryKind::Delete)),
                    Choice::Drop => {}
                }
                newer = Some(*seqno);
            }
            let mut seen = Vec::new();
            let below = is_below.then_some((SeqNo(1), EntryKind::Put));
            let over = |versions: &[Version]| versions.iter().copied().chain(below).collect::<Vec<_>>();
            let later = Moment { time: CommitTime(newest.time.0 + 20), ..newest };
            let in_window = window.into_iter().flat_map(|start| {
                let time = CommitTime(start.time.0.max(newest.time.0) - 1).max(start.time);
                (start.seqno.0..=30).map(move |seqno| Moment { seqno: SeqNo(seqno), time })
            });
            let boundaries = snapshots.iter().copied().chain(window).chain(in_window);
            for boundary in boundaries.chain([newest, later]) {
                prop_assert_eq!(visible(&over(&kept), boundary), visible(&over(&versions), boundary));
                seen.extend(newest_at(&versions, boundary.seqno).map(|(seqno, _)| *seqno));
            }
            prop_assert!(kept.iter().all(|(seqno, _)| seen.contains(seqno)));
            prop_assert!(kept.iter().all(|(_, kind)| !reclaim.is_expired(*kind)), "no expired value is kept");
            if is_below {
                // What a boundary sees hides what is below.
                prop_assert!(seen.iter().all(|seqno| kept.iter().any(|(kept, _)| kept == seqno)));
            } else {
                prop_assert!(kept.last().is_none_or(|(seqno, kind)| *kind != EntryKind::Delete
                    || snapshots.iter().chain(&window).any(|boundary| boundary.seqno < *seqno)));
            }
        }
    }

    #[test]
    fn a_dropped_keyspace_goes_once_every_boundary_is_after_its_end() {
        let snapshot = |seqno| Moment { seqno: SeqNo(seqno), time: CommitTime(1) };
        let choose = |snapshots: &[Moment], keyspace| {
            let newest = snapshot(9);
            let dropped = Arc::new([(KeyspaceId(20), SeqNo(5))].into());
            let reclaim = Reclaim { floor: floor(snapshots, None, newest), dropped, ..Reclaim::default() };
            let kind = EntryKind::Put;
            let candidate = Candidate { keyspace, newer: None, seqno: SeqNo(3), kind };
            Retention::new(snapshots, newest.seqno, None, reclaim).choose(candidate, || true)
        };
        assert_eq!(choose(&[], KeyspaceId(20)), Choice::Drop);
        assert_eq!(choose(&[snapshot(5)], KeyspaceId(20)), Choice::Drop);
        assert_eq!(choose(&[snapshot(4)], KeyspaceId(20)), Choice::Keep);
        assert_eq!(choose(&[], KeyspaceId(21)), Choice::Keep);
    }
}
