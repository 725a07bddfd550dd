//! Planted bugs: faults that the project's own suites switch on, one at a time, to prove that they would be caught.
//!
//! Each engine rule that has a planted bug asks `planted(Bug::…)` at the place where the rule is kept. Without the
//! feature `planted-bugs` the answer is the constant `false` and the branch is gone; with it, the answer is a
//! thread-local switch, so that tests on other threads are not disturbed.

/// A rule that can be broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// A directory is not synced after a file was created or renamed in it.
    DirectoryNotSynced,
    /// A durable write is acknowledged before its log is synced.
    AcknowledgedBeforeSync,
    /// A table is named in the manifest before its bytes are synced.
    TableNotSynced,
    /// The checksum of log records is not compared.
    LogChecksumIgnored,
    /// The checksum of table blocks is not compared.
    BlockChecksumIgnored,
    /// The old index entry stays when an item is overwritten.
    IndexNotUpdatedOnOverwrite,
    /// Compaction writes every version of a key at the newest one's place, so that an old one survives.
    OldVersionSurvivesCompaction,
    /// Compaction drops the versions that a snapshot still reads.
    SnapshotIgnoredByCompaction,
    /// Compaction drops a tombstone above a level that still holds the key.
    TombstoneDroppedEarly,
    /// What recovery replays beyond the last promise is trusted where it lies, without being written anew.
    ReplayedTailTrusted,
    /// After a failed sync the sync is tried again and believed.
    SyncRetried,
    /// A new log segment is written to before the last one is synced.
    SegmentNotSyncedAtRotation,
    /// The log of a memtable is removed before the manifest names its table.
    LogRemovedBeforeManifest,
    /// A segment with the header of another one is taken for one that was never begun.
    ExchangedSegmentTaken,
    /// Compaction takes for expired what a snapshot still sees alive.
    ExpiredDroppedBeforeFloor,
    /// Compaction drops an expired entry above a level that still holds an older version of its key.
    ExpiredRevealsOlder,
    /// A table whose entries are all dead is removed above a table that holds older versions of its keys.
    WholeFileDropIgnoresBelow,
    /// A transaction's commit does not compare the keys that it read with what was committed since.
    TransactionReadUnchecked,
    /// A transaction's commit does not compare the ranges that it walked with what was committed since.
    TransactionRangeUnchecked,
    /// A transaction's commit does not ask whether what it read has expired since.
    TransactionExpiryUnchecked,
    /// An answer is given before the version that it rests on is published.
    AnsweredBeforePublished,
    /// A write is not held to the version of its table that it was derived from.
    CatalogVersionUnchecked,
    /// A backfill writes the entries of items that were changed meanwhile.
    BackfillOverwritesNewer,
    /// A checkpoint that was not finished opens as a store.
    UnfinishedCheckpointOpened,
    /// A checkpoint's marker has its name before the names of the other files are durable.
    CheckpointMarkedEarly,
    /// A checkpoint has the log segment that is being written by a link.
    CheckpointLinksOpenSegment,
    /// Compaction drops versions that the window still shows.
    WindowIgnoredByCompaction,
    /// A commit gets a time that a reader has been told is over.
    TimeNotMovedBeyondRead,
    /// Bytes of the log go into the archive before they are promised.
    ArchivedBeyondPromise,
    /// A restore replays one commit behind the moment.
    RestoredOneTooMany,
    /// An index can be read as soon as its filling has begun.
    IndexActiveTooEarly,
    /// A write is decided on the published version of its item, not on the newest one.
    DecidedOnPublished,
    /// A transaction under a token leaves no row of it.
    TokenNotKept,
    /// What a token stands for is not compared.
    TokenContentUnchecked,
    /// A token counts for ever.
    TokenCountsForEver,
    /// A write that changes nothing is told in the stream.
    UnchangedRecorded,
    /// An interactive transaction tells only its first change in the stream.
    TransactionRecordsOneChange,
    /// A consumer's place is acknowledged before it is durable.
    ConsumerPlaceBuffered,
    /// An index entry is written without the expiry of its item.
    EntryOutlivesItem,
    /// A condition is judged on an item that has expired.
    ConditionSeesExpired,
    /// A write over an expired item is told as its modification.
    ExpiredToldAsModified,
    /// A write is not derived again when the item that it read expires before the commit.
    ExpiryDuringWriteUnchecked,
    /// The sweeper deletes an item that was written anew meanwhile.
    SweepDeletesNewer,
    /// The backfill of expiry writes the item that it read before it had the lock.
    ExpiryBackfillOverwritesNewer,
    /// What had not expired when its generation ended expires all the same.
    EndedGenerationExpires,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use super::Bug;
    use std::cell::Cell;

    thread_local! {
        static ACTIVE: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether `bug` is switched on for this thread.
    pub fn planted(bug: Bug) -> bool {
        ACTIVE.get() == Some(bug)
    }

    /// Keeps a bug switched on for this thread until it is dropped.
    #[derive(Debug)]
    #[must_use = "the bug is switched off when this is dropped"]
    pub struct Planted(());

    /// Switches `bug` on for this thread.
    pub fn plant(bug: Bug) -> Planted {
        ACTIVE.set(Some(bug));
        Planted(())
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            ACTIVE.set(None);
        }
    }
}

#[cfg(feature = "planted-bugs")]
pub use switch::{Planted, plant, planted};

/// Whether `bug` is switched on: never, in a build without the feature.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "the branch must vanish")]
pub const fn planted(_bug: Bug) -> bool {
    false
}
