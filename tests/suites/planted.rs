//! Each planted bug must be caught by a suite: a suite that cannot fail proves nothing.

use crate::clients::run;
use crate::crash::{Figures, enumerate, fail_syncs};
use crate::expiring_write;
use crate::expiry::walk;
use crate::indexes;
use crate::random_walk::hold_snapshots;
use crate::rot::{exchange, flip_bits};
use crate::time;
use crate::time_to_live;
use crate::transactions;
use pixii::base::planted::{Bug, plant};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A suite in its short form, and its name.
type Suite = (&'static str, fn() -> Result<(), String>);

const CRASHES: Suite = ("crash", crashes);
const OPERATIONS: Suite = ("clients", operations);
const FAILED_SYNCS: Suite = ("syncs", failed_syncs);
const SNAPSHOTS: Suite = ("snapshots", snapshots);
const EXPIRIES: Suite = ("expiry", expiries);
const FLIPS: Suite = ("rot", flips);
const EXCHANGES: Suite = ("exchanges", exchanges);
const SERIALIZABILITY: Suite = ("transactions", serializability);
const INDEX_CHANGES: Suite = ("indexes", index_changes);
const MOMENTS: Suite = ("moments", moments);
const CHECKPOINTS: Suite = ("checkpoints", checkpoints);
const DEATHS: Suite = ("time-to-live", deaths);

/// What a suite made of a planted bug.
#[derive(Debug)]
pub(crate) struct Catch {
    pub(crate) bug: Bug,
    pub(crate) suite: &'static str,
    /// What it said, if it noticed.
    pub(crate) caught: Option<String>,
}

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
    flip_bits(1, 61).map(|_| ())
}

fn exchanges() -> Result<(), String> {
    exchange(2).map(|_| ())
}

fn serializability() -> Result<(), String> {
    (0..20).try_for_each(|seed| transactions::simulate(seed, &mut transactions::Figures::default()))
}

fn index_changes() -> Result<(), String> {
    (0..20).try_for_each(|seed| indexes::simulate(seed, &mut indexes::Figures::default()))
}

fn deaths() -> Result<(), String> {
    expiring_write::at_every_question()?;
    (0..30).try_for_each(|seed| time_to_live::simulate(seed, &mut time_to_live::Figures::default()))
}

fn moments() -> Result<(), String> {
    (0..12).try_for_each(|seed| time::walk(seed, 250, &mut time::Figures::default()))
}

fn checkpoints() -> Result<(), String> {
    (0..2).try_for_each(|seed| time::interrupt_checkpoints(seed, 1, &mut time::Figures::default()))
}

/// Which suite catches which bug.
const PLANTED: [(Bug, Suite); 45] = [
    (Bug::DirectoryNotSynced, CRASHES),
    (Bug::AcknowledgedBeforeSync, CRASHES),
    (Bug::TableNotSynced, CRASHES),
    (Bug::LogChecksumIgnored, FLIPS),
    (Bug::BlockChecksumIgnored, FLIPS),
    (Bug::IndexNotUpdatedOnOverwrite, CRASHES),
    (Bug::OldVersionSurvivesCompaction, CRASHES),
    (Bug::SnapshotIgnoredByCompaction, SNAPSHOTS),
    (Bug::TombstoneDroppedEarly, CRASHES),
    (Bug::ReplayedTailTrusted, CRASHES),
    (Bug::SyncRetried, FAILED_SYNCS),
    (Bug::SegmentNotSyncedAtRotation, CRASHES),
    (Bug::LogRemovedBeforeManifest, CRASHES),
    (Bug::ExchangedSegmentTaken, EXCHANGES),
    (Bug::ExpiredDroppedBeforeFloor, EXPIRIES),
    (Bug::ExpiredRevealsOlder, EXPIRIES),
    (Bug::WholeFileDropIgnoresBelow, EXPIRIES),
    (Bug::TransactionReadUnchecked, SERIALIZABILITY),
    (Bug::TransactionRangeUnchecked, SERIALIZABILITY),
    (Bug::TransactionExpiryUnchecked, SERIALIZABILITY),
    (Bug::AnsweredBeforePublished, SERIALIZABILITY),
    (Bug::CatalogVersionUnchecked, INDEX_CHANGES),
    (Bug::BackfillOverwritesNewer, INDEX_CHANGES),
    (Bug::WindowIgnoredByCompaction, MOMENTS),
    (Bug::TimeNotMovedBeyondRead, MOMENTS),
    (Bug::ArchivedBeyondPromise, MOMENTS),
    (Bug::RestoredOneTooMany, MOMENTS),
    (Bug::UnfinishedCheckpointOpened, CHECKPOINTS),
    (Bug::CheckpointMarkedEarly, CHECKPOINTS),
    (Bug::CheckpointLinksOpenSegment, CHECKPOINTS),
    (Bug::IndexActiveTooEarly, INDEX_CHANGES),
    (Bug::DecidedOnPublished, OPERATIONS),
    (Bug::TokenNotKept, OPERATIONS),
    (Bug::TokenContentUnchecked, OPERATIONS),
    (Bug::TokenCountsForEver, OPERATIONS),
    (Bug::UnchangedRecorded, OPERATIONS),
    (Bug::TransactionRecordsOneChange, OPERATIONS),
    (Bug::ConsumerPlaceBuffered, CRASHES),
    (Bug::EntryOutlivesItem, DEATHS),
    (Bug::ConditionSeesExpired, DEATHS),
    (Bug::ExpiredToldAsModified, DEATHS),
    (Bug::ExpiryDuringWriteUnchecked, DEATHS),
    (Bug::SweepDeletesNewer, DEATHS),
    (Bug::ExpiryBackfillOverwritesNewer, DEATHS),
    (Bug::EndedGenerationExpires, DEATHS),
];

/// Plants every bug in turn.
pub(crate) fn plant_all() -> Vec<Catch> {
    let plant_one = |(bug, (suite, run)): (Bug, Suite)| {
        let planted = plant(bug);
        // A panic is a catch too: the engine's own assertions are part of the suites.
        let result = catch_unwind(AssertUnwindSafe(run));
        drop(planted);
        let caught = match result {
            Ok(Ok(())) => None,
            Ok(Err(wrong)) => Some(wrong),
            Err(_) => Some("a panic".to_owned()),
        };
        Catch { bug, suite, caught }
    };
    PLANTED.map(plant_one).into()
}

#[test]
fn without_a_planted_bug_the_same_suites_find_nothing() {
    let mut suites: Vec<Suite> = PLANTED.map(|(_, suite)| suite).into();
    suites.sort_unstable_by_key(|(name, _)| *name);
    suites.dedup_by_key(|(name, _)| *name);
    for (name, run) in suites {
        assert_eq!(run(), Ok(()), "{name}");
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let catches = plant_all();
    for Catch { bug, suite, caught } in &catches {
        println!("{bug:?}, by {suite}: {}", caught.as_deref().unwrap_or("not caught"));
    }
    let missed: Vec<Bug> =
        catches.iter().filter(|catch| catch.caught.is_none()).map(|catch| catch.bug).collect();
    println!("planted bugs caught: {}/{}", catches.len() - missed.len(), catches.len());
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
