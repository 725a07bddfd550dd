//! Each planted bug must be caught by a suite: a suite that cannot fail proves nothing.

use crate::clients::run;
use crate::crash::{Figures, enumerate, fail_syncs};
use crate::expiry::walk;
use crate::indexes;
use crate::random_walk::hold_snapshots;
use crate::rot::flip_bits;
use crate::time;
use crate::time_to_live;
use crate::transactions;
use pixii::base::planted::{Bug, plant};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Suite = fn() -> Result<(), String>;

fn crashes() -> Result<(), String> {
    (1..=6).try_for_each(|seed| enumerate(seed, 3, 6, &mut Figures::default()))
}

/// Many operations of several clients, without a crash.
fn operations() -> Result<(), String> {
    (1..=6).try_for_each(|seed| run(seed, 400, |_| false).map(drop))
}

fn failed_syncs() -> Result<(), String> {
    (1..=6).try_for_each(|seed| fail_syncs(seed, 1, &mut Figures::default()))
}

fn snapshots() -> Result<(), String> {
    (0..20).try_for_each(hold_snapshots)
}

fn expiries() -> Result<(), String> {
    (0..30).try_for_each(|seed| walk(seed, false))
}

fn flips() -> Result<(), String> {
    flip_bits(13).map(|_| ())
}

fn serializability() -> Result<(), String> {
    (0..20).try_for_each(|seed| transactions::simulate(seed, &mut transactions::Figures::default()))
}

fn index_changes() -> Result<(), String> {
    (0..20).try_for_each(|seed| indexes::simulate(seed, &mut indexes::Figures::default()))
}

fn deaths() -> Result<(), String> {
    (0..30).try_for_each(|seed| time_to_live::simulate(seed, &mut time_to_live::Figures::default()))
}

fn moments() -> Result<(), String> {
    (0..12).try_for_each(|seed| time::walk(seed, 250, &mut time::Figures::default()))
}

fn checkpoints() -> Result<(), String> {
    (0..2).try_for_each(|seed| time::interrupt_checkpoints(seed, 1, &mut time::Figures::default()))
}

/// Which suite catches which bug.
const PLANTED: [(Bug, Suite); 44] = [
    (Bug::DirectoryNotSynced, crashes),
    (Bug::AcknowledgedBeforeSync, crashes),
    (Bug::TableNotSynced, crashes),
    (Bug::LogChecksumIgnored, flips),
    (Bug::BlockChecksumIgnored, flips),
    (Bug::IndexNotUpdatedOnOverwrite, crashes),
    (Bug::OldVersionSurvivesCompaction, crashes),
    (Bug::SnapshotIgnoredByCompaction, snapshots),
    (Bug::TombstoneDroppedEarly, crashes),
    (Bug::ReplayedTailTrusted, crashes),
    (Bug::SyncRetried, failed_syncs),
    (Bug::SegmentNotSyncedAtRotation, crashes),
    (Bug::LogRemovedBeforeManifest, crashes),
    (Bug::ExpiredDroppedBeforeFloor, expiries),
    (Bug::ExpiredRevealsOlder, expiries),
    (Bug::WholeFileDropIgnoresBelow, expiries),
    (Bug::TransactionReadUnchecked, serializability),
    (Bug::TransactionRangeUnchecked, serializability),
    (Bug::TransactionExpiryUnchecked, serializability),
    (Bug::AnsweredBeforePublished, serializability),
    (Bug::CatalogVersionUnchecked, index_changes),
    (Bug::BackfillOverwritesNewer, index_changes),
    (Bug::WindowIgnoredByCompaction, moments),
    (Bug::TimeNotMovedBeyondRead, moments),
    (Bug::ArchivedBeyondPromise, moments),
    (Bug::RestoredOneTooMany, moments),
    (Bug::UnfinishedCheckpointOpened, checkpoints),
    (Bug::CheckpointMarkedEarly, checkpoints),
    (Bug::CheckpointLinksOpenSegment, checkpoints),
    (Bug::IndexActiveTooEarly, index_changes),
    (Bug::DecidedOnPublished, operations),
    (Bug::TokenNotKept, operations),
    (Bug::TokenContentUnchecked, operations),
    (Bug::TokenCountsForEver, operations),
    (Bug::UnchangedRecorded, operations),
    (Bug::TransactionRecordsOneChange, operations),
    (Bug::ConsumerPlaceBuffered, crashes),
    (Bug::EntryOutlivesItem, deaths),
    (Bug::ConditionSeesExpired, deaths),
    (Bug::ExpiredToldAsModified, deaths),
    (Bug::ExpiryDuringWriteUnchecked, deaths),
    (Bug::SweepDeletesNewer, deaths),
    (Bug::ExpiryBackfillOverwritesNewer, deaths),
    (Bug::EndedGenerationExpires, deaths),
];

#[test]
fn without_a_planted_bug_the_same_suites_find_nothing() {
    let suites: [Suite; 11] = [
        crashes,
        operations,
        failed_syncs,
        snapshots,
        expiries,
        flips,
        serializability,
        index_changes,
        deaths,
        moments,
        checkpoints,
    ];
    for suite in suites {
        assert_eq!(suite(), Ok(()));
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    for (bug, suite) in PLANTED {
        let planted = plant(bug);
        // A panic is a catch too: the engine's own assertions are part of the suites.
        let caught = catch_unwind(AssertUnwindSafe(suite));
        drop(planted);
        match caught {
            Ok(Ok(())) => missed.push(bug),
            Ok(Err(wrong)) => println!("{bug:?} caught: {wrong}"),
            Err(_) => println!("{bug:?} caught by a panic"),
        }
    }
    println!("planted bugs caught: {}/{}", PLANTED.len() - missed.len(), PLANTED.len());
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
