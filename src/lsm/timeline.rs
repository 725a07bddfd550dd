//! The timeline: which commit was the first at each time, so that a time can be turned into a place in the order of
//! commits, exactly.
//!
//! ```text
//! entry := keyspace ffffffff ‖ time u64 big-endian        its sequence number is the first commit's at that time
//! ```
//!
//! Invariants:
//! 1. A commit whose time is later than that of the commit before it has an entry; others have none. So there is at most
//!    one a millisecond, and times and sequence numbers of the entries grow together.
//! 2. Entries are made from commits and are in no log record: whoever replays a commit makes its entry again.
//! 3. The entry of a commit that is after the floor is kept. Those before it may be gone; then the floor's time is no
//!    less than theirs, so that nobody asks for what they would have said.
//!
//! The last commit at or before a time is the one before the first entry behind that time. The time of a commit is that
//! of the last entry which is not behind the commit.

use crate::base::cursor::Cursor;
use crate::base::entry::{EntryKind, EntryRef, Position};
use crate::base::error::Result;
use crate::base::ident::{CommitTime, KeyspaceId, Moment, SeqNo};
use crate::lsm::memtable::table::{Memtable, MemtableCursor, Versions};
use crate::lsm::merge_cursor::MergeCursor;
use crate::lsm::version::Version;
use std::sync::Arc;

/// The key of the entry of a time.
fn key(time: CommitTime) -> [u8; 12] {
    let mut key = [0; 12];
    // Ordered keys are the one big-endian place.
    key[..4].copy_from_slice(&KeyspaceId::TIMELINE.prefix());
    key[4..].copy_from_slice(&time.0.to_be_bytes());
    key
}

/// The time of an entry's key.
pub fn time_of(key: &[u8]) -> CommitTime {
    let time = key.get(4..).and_then(|time| <[u8; 8]>::try_from(time).ok());
    CommitTime(time.map_or(0, u64::from_be_bytes))
}

/// Makes the entry of a commit, if it has one. `before` is the time of the commit before it.
pub fn note(memtable: &Memtable, before: CommitTime, commit: Moment) {
    if commit.time > before {
        let key = key(commit.time);
        memtable.insert(&EntryRef { key: &key, seqno: commit.seqno, kind: EntryKind::Put, value: &[] });
    }
}

/// The timeline of these memtables and tables.
pub struct Timeline {
    entries: MergeCursor,
}

impl Timeline {
    /// The timeline as these sources have it.
    pub fn new<'a>(memtables: impl Iterator<Item = &'a Arc<Memtable>>, version: &Version) -> Self {
        let mut sources: Vec<Box<dyn Cursor>> = Vec::new();
        for memtable in memtables {
            sources.push(Box::new(MemtableCursor::new(Arc::clone(memtable), Versions::All)));
        }
        sources.extend(version.cursors(&key(CommitTime(0)), None));
        Self { entries: MergeCursor::new(sources) }
    }

    /// The first commit whose time is behind `time`.
    pub fn first_after(&mut self, time: CommitTime) -> Result<Option<SeqNo>> {
        let Some(next) = time.0.checked_add(1) else { return Ok(None) };
        Ok(self.first_from(CommitTime(next))?.map(|commit| commit.seqno))
    }

    /// The time of a commit; none if its entry is gone.
    pub fn time_at(&mut self, seqno: SeqNo) -> Result<Option<CommitTime>> {
        // Times and numbers grow together: what is looked for is the last entry that is not behind the commit.
        let (mut from, mut to, mut found) = (0, u64::MAX, None);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.first_from(CommitTime(middle))? {
                Some(commit) if commit.seqno <= seqno => {
                    found = Some(commit.time);
                    from = commit.time.0.saturating_add(1);
                }
                _ => to = middle,
            }
        }
        Ok(found)
    }

    fn first_from(&mut self, time: CommitTime) -> Result<Option<Moment>> {
        let key = key(time);
        self.entries.seek(Position::before(&key))?;
        let entry = self.entries.entry();
        Ok(entry.map(|entry| Moment { seqno: entry.seqno, time: time_of(entry.key) }))
    }
}

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Commits in one or two memtables, at times that often stand still.
        #[test]
        fn times_become_numbers_and_numbers_times(
            steps in prop::collection::vec(0_u64..3, 0..60),
            cut in 0_usize..60,
            asked in 0_u64..130,
        ) {
            let memtables = [Arc::new(Memtable::new(4096)), Arc::new(Memtable::new(4096))];
            let mut commits = Vec::new();
            let mut time = 5;
            for (index, step) in steps.iter().enumerate() {
                let before = CommitTime(if commits.is_empty() { 0 } else { time });
                time += step;
                let commit = Moment { seqno: SeqNo(index as u64 + 1), time: CommitTime(time) };
                note(&memtables[usize::from(index >= cut)], before, commit);
                commits.push(commit);
            }
            let mut timeline = Timeline::new(memtables.iter(), &Version::default());
            let after = commits.iter().find(|commit| commit.time.0 > asked).map(|commit| commit.seqno);
            prop_assert_eq!(timeline.first_after(CommitTime(asked))?, after);
            for commit in &commits {
                prop_assert_eq!(timeline.time_at(commit.seqno)?, Some(commit.time));
            }
            prop_assert_eq!(timeline.time_at(SeqNo::ZERO)?, None);
        }
    }
}
