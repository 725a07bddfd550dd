//! The cursor of a walk: over what is committed, or over that with a transaction's own writes laid upon it.
//!
//! Invariant of the latter: it moves in one direction after it was placed, and what lies behind it, of either side, was
//! given or is hidden.

use crate::base::entry::EntryKind;
use crate::base::expiry::Expiry;
use crate::dynamo::error::Result;
use crate::dynamo::fault::Fault;
use crate::dynamo::table::Source;
use crate::engine::cursor::{KeyRange, RangeCursor};
use crate::engine::snapshot::Snapshot;
use crate::engine::store::Engine;
use crate::engine::transaction::{Transaction, TransactionCursor};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Keys that a transaction has written.
pub(in crate::dynamo) type OwnWrites = BTreeMap<Vec<u8>, OwnWrite>;

/// What a transaction has written under a key.
#[derive(Clone, Debug)]
pub(in crate::dynamo) struct OwnWrite {
    kind: EntryKind,
    value: Vec<u8>,
    /// Whether the transaction sees it: it may have expired by the time of its snapshot.
    is_seen: bool,
}

impl OwnWrite {
    /// What is kept of an entry of a batch. `is_hidden` says whether the transaction does not see what expires so.
    pub(in crate::dynamo) fn new(kind: EntryKind, value: &[u8], is_hidden: impl Fn(Expiry) -> bool) -> Self {
        let is_seen = match kind {
            EntryKind::Put => true,
            EntryKind::Delete => false,
            EntryKind::ExpiringPut(expiry) => !is_hidden(expiry),
        };
        Self { kind, value: value.to_vec(), is_seen }
    }

    /// What it comes to when it is committed: a value with its expiry; none if the key is removed.
    pub(in crate::dynamo) fn stored(&self) -> Option<(&[u8], Option<Expiry>)> {
        (self.kind != EntryKind::Delete).then_some((self.value.as_slice(), self.kind.expiry()))
    }

    /// The value, if the transaction sees one.
    fn seen(&self) -> Option<&[u8]> {
        self.is_seen.then_some(self.value.as_slice())
    }
}

/// A value that a transaction finds, of its own or not.
#[derive(Debug)]
pub(in crate::dynamo) struct Found {
    pub(in crate::dynamo) value: Vec<u8>,
    pub(in crate::dynamo) expiry: Option<Expiry>,
    /// The transaction has written it, and does not see it.
    pub(in crate::dynamo) is_expired: bool,
}

/// A transaction that is open: what it has written so far lies over what it reads.
#[derive(Debug)]
pub(in crate::dynamo) struct OpenTransaction {
    pub(in crate::dynamo) reads: Arc<Transaction>,
    pub(in crate::dynamo) own: OwnWrites,
}

impl OpenTransaction {
    /// Calls `read` with the value of a key.
    pub(in crate::dynamo) fn get<R>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> R) -> Result<Option<R>> {
        match self.own.get(key) {
            Some(write) => Ok(write.seen().map(read)),
            None => Ok(self.reads.get(key, read)?),
        }
    }

    /// What stands under a key, for a write that replaces it.
    pub(in crate::dynamo) fn find(&self, key: &[u8]) -> Result<Option<Found>> {
        if let Some(write) = self.own.get(key) {
            let found = |(value, expiry): (&[u8], _)| {
                let is_expired = !write.is_seen;
                Found { value: value.to_vec(), expiry, is_expired }
            };
            return Ok(write.stored().map(found));
        }
        let found = |value: &[u8], expiry| Found { value: value.to_vec(), expiry, is_expired: false };
        Ok(self.reads.get_expiring(key, found)?)
    }
}

/// The state that a read sees.
#[derive(Clone, Copy, Debug)]
pub(in crate::dynamo) enum ReadAt<'a> {
    /// What is published.
    Now,
    /// What was published at a past moment.
    Past(&'a Snapshot),
    /// What the transaction sees.
    Transaction(&'a OpenTransaction),
}

impl ReadAt<'_> {
    /// Refuses to read an index as of a moment at which it was still being made.
    pub(super) fn check_index(self, source: Source<'_>) -> Result<(), Fault> {
        match (self, source.index) {
            (Self::Transaction(transaction), Some(index))
                if transaction.reads.snapshot().seqno() < index.active_since() =>
            {
                Err(Fault::IndexBackfilling { index: index.name().to_owned() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn cursor(
        self,
        engine: &Engine,
        range: KeyRange,
        at: Option<&Snapshot>,
    ) -> Result<EntryCursor> {
        match self {
            Self::Now => Ok(EntryCursor::Committed(engine.cursor(range, at)?)),
            Self::Past(snapshot) => Ok(EntryCursor::Committed(engine.cursor(range, Some(snapshot))?)),
            Self::Transaction(transaction) => {
                let end = range.end.clone().map_or(Bound::Unbounded, Bound::Excluded);
                let is_empty = range.end.as_ref().is_some_and(|end| *end <= range.start);
                let own = if is_empty {
                    OwnWrites::new()
                } else {
                    transaction.own.range((Bound::Included(range.start.clone()), end)).map(owned).collect()
                };
                let base = transaction.reads.cursor(range)?;
                Ok(EntryCursor::Overlaid(OverlaidCursor { base, own, place: Place::Nowhere }))
            }
        }
    }
}

fn owned((key, write): (&Vec<u8>, &OwnWrite)) -> (Vec<u8>, OwnWrite) {
    (key.clone(), write.clone())
}

/// A place among the entries of a range.
#[derive(Debug)]
pub(super) enum EntryCursor {
    Committed(RangeCursor),
    Overlaid(OverlaidCursor),
}

/// Committed entries under a transaction's own.
#[derive(Debug)]
pub(super) struct OverlaidCursor {
    base: TransactionCursor,
    /// Within the range of the base.
    own: OwnWrites,
    place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// Where the base stands.
    Base,
    /// At this key of the own writes.
    Own(Vec<u8>),
}

impl EntryCursor {
    pub(super) fn key(&self) -> Option<&[u8]> {
        match self {
            Self::Committed(cursor) => cursor.key(),
            Self::Overlaid(cursor) => cursor.key(),
        }
    }

    pub(super) fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Committed(cursor) => cursor.value(),
            Self::Overlaid(cursor) => cursor.value(),
        }
    }

    pub(super) fn seek_first(&mut self) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.seek_first()?),
            Self::Overlaid(cursor) => {
                cursor.base.seek_first()?;
                cursor.settle_forward(Bound::Unbounded)
            }
        }
    }

    pub(super) fn seek_last(&mut self) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.seek_last()?),
            Self::Overlaid(cursor) => {
                cursor.base.seek_last()?;
                cursor.settle_backward(Bound::Unbounded)
            }
        }
    }

    pub(super) fn seek(&mut self, key: &[u8]) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.seek(key)?),
            Self::Overlaid(cursor) => {
                cursor.base.seek(key)?;
                cursor.settle_forward(Bound::Included(key.to_vec()))
            }
        }
    }

    pub(super) fn seek_before(&mut self, key: &[u8]) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.seek_before(key)?),
            Self::Overlaid(cursor) => {
                cursor.base.seek_before(key)?;
                cursor.settle_backward(Bound::Excluded(key.to_vec()))
            }
        }
    }

    pub(super) fn next(&mut self) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.next()?),
            Self::Overlaid(cursor) => {
                let Some(key) = cursor.key().map(<[u8]>::to_vec) else { return Ok(()) };
                if cursor.place == Place::Base {
                    cursor.base.next()?;
                }
                cursor.settle_forward(Bound::Excluded(key))
            }
        }
    }

    pub(super) fn prev(&mut self) -> Result<()> {
        match self {
            Self::Committed(cursor) => Ok(cursor.prev()?),
            Self::Overlaid(cursor) => {
                let Some(key) = cursor.key().map(<[u8]>::to_vec) else { return Ok(()) };
                if cursor.place == Place::Base {
                    cursor.base.prev()?;
                }
                cursor.settle_backward(Bound::Excluded(key))
            }
        }
    }
}

impl OverlaidCursor {
    fn key(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Nowhere => None,
            Place::Base => self.base.key(),
            Place::Own(key) => Some(key),
        }
    }

    fn value(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Nowhere => None,
            Place::Base => self.base.value(),
            Place::Own(key) => self.own.get(key).and_then(OwnWrite::seen),
        }
    }

    /// Stops at the first entry from `from` on, where the base stands or before it.
    fn settle_forward(&mut self, mut from: Bound<Vec<u8>>) -> Result<()> {
        loop {
            let own = self.own.range((from, Bound::Unbounded)).next();
            let Some((key, write)) =
                own.filter(|(key, _)| self.base.key().is_none_or(|base| key.as_slice() <= base))
            else {
                self.place = if self.base.key().is_some() { Place::Base } else { Place::Nowhere };
                return Ok(());
            };
            let (key, is_there) = (key.clone(), write.is_seen);
            if self.base.key() == Some(&key) {
                self.base.next()?;
            }
            if is_there {
                self.place = Place::Own(key);
                return Ok(());
            }
            from = Bound::Excluded(key);
        }
    }

    /// Stops at the last entry up to `to`, where the base stands or behind it.
    fn settle_backward(&mut self, mut to: Bound<Vec<u8>>) -> Result<()> {
        loop {
            let own = self.own.range((Bound::Unbounded, to)).next_back();
            let Some((key, write)) =
                own.filter(|(key, _)| self.base.key().is_none_or(|base| key.as_slice() >= base))
            else {
                self.place = if self.base.key().is_some() { Place::Base } else { Place::Nowhere };
                return Ok(());
            };
            let (key, is_there) = (key.clone(), write.is_seen);
            if self.base.key() == Some(&key) {
                self.base.prev()?;
            }
            if is_there {
                self.place = Place::Own(key);
                return Ok(());
            }
            to = Bound::Excluded(key);
        }
    }
}
