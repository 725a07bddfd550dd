//! What an archive holds of a history, and which moments can be restored.

use super::objects::ArchiveObjects;
use crate::base::error::{Result, StoreError};
use crate::base::ident::{CommitTime, FileId, FileNumber, HistoryId, Moment};
use crate::format::archive::{self, ArchiveBase, ObjectKind, PartHeader, Until};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The objects of a history.
#[derive(Clone, Debug)]
pub struct ArchiveContents {
    /// The history.
    pub history: HistoryId,
    /// Its bases, the oldest first.
    pub bases: Vec<ArchiveBase>,
    /// The tables that are there.
    pub tables: BTreeSet<FileId>,
    /// Of each segment where its parts begin.
    pub parts: BTreeMap<FileNumber, BTreeSet<u64>>,
    /// How far it reaches.
    pub until: Option<Moment>,
}

/// A span of moments, all of which can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestorableInterval {
    /// The first of them.
    pub from: Moment,
    /// The last: every commit up to it is there, and no other one was made up to its time.
    pub to: Moment,
}

impl ArchiveContents {
    /// The histories of which an archive holds something.
    pub fn histories(objects: &dyn ArchiveObjects) -> Result<Vec<HistoryId>> {
        let mut histories: Vec<HistoryId> = Vec::new();
        for (history, _) in objects.list()?.iter().filter_map(|name| archive::parse(name)) {
            if histories.last() != Some(&history) {
                histories.push(history);
            }
        }
        Ok(histories)
    }

    /// What an archive holds of a history. Bases are read, parts are not.
    pub fn read(objects: &dyn ArchiveObjects, history: HistoryId) -> Result<Self> {
        let mut contents =
            Self { history, bases: Vec::new(), tables: BTreeSet::new(), parts: BTreeMap::new(), until: None };
        for name in objects.list()? {
            match archive::parse(&name) {
                Some((found, kind)) if found == history => match kind {
                    ObjectKind::Base(_) => {
                        contents.bases.push(ArchiveBase::decode(&name, &fetch(objects, &name)?)?);
                    }
                    ObjectKind::Table(id) => drop(contents.tables.insert(id)),
                    ObjectKind::Part(segment, from) => {
                        contents.parts.entry(segment).or_default().insert(from);
                    }
                    ObjectKind::Until => {
                        contents.until = Some(Until::decode(&name, &fetch(objects, &name)?)?.last);
                    }
                },
                _ => {}
            }
        }
        Ok(contents)
    }

    /// The last part, read: where the archive ends.
    pub fn last_part(&self, objects: &dyn ArchiveObjects) -> Result<Option<PartHeader>> {
        let last =
            self.parts.iter().next_back().and_then(|(segment, parts)| Some((*segment, *parts.last()?)));
        let Some((segment, from)) = last else { return Ok(None) };
        let name = archive::name(self.history, ObjectKind::Part(segment, from));
        let bytes = fetch(objects, &name)?;
        Ok(Some(PartHeader::decode(&name, &bytes)?.0))
    }

    /// Which moments can be restored: spans between which there are gaps, the oldest first.
    pub fn restorable(&self) -> Vec<RestorableInterval> {
        let mut intervals: Vec<RestorableInterval> = Vec::new();
        for base in &self.bases {
            // Later commits may have the base's time.
            let to = Moment { seqno: base.last.seqno, time: CommitTime(base.last.time.0.saturating_sub(1)) };
            match (base.gap_from, intervals.last_mut()) {
                (None, Some(interval)) => interval.to = interval.to.max_of_each(to),
                (Some(gap_from), Some(interval)) => {
                    interval.to = interval.to.max_of_each(gap_from);
                    intervals.push(RestorableInterval { from: base.last, to });
                }
                (_, None) => intervals.push(RestorableInterval { from: base.last, to }),
            }
        }
        if let (Some(until), Some(interval)) = (self.until, intervals.last_mut()) {
            interval.to = interval.to.max_of_each(until);
        }
        intervals
    }
}

/// An object that must be there.
pub(super) fn fetch(objects: &dyn ArchiveObjects, name: &str) -> Result<Vec<u8>> {
    let missing = || StoreError::corruption(Path::new(name), 0, "an object that the archive must have");
    objects.get(name)?.ok_or_else(missing)
}
