//! What a table holds, by keyspace and by expiry: enough to decide about a file without reading it.
//!
//! The expiries of a generation are summed up by their quartiles, so that a few entries which live long do not make the
//! many that are dead look alive. A count of the dead that is derived from them is never too high.

use crate::base::entry::{EntryKind, EntryRef};
use crate::base::expiry::ExpiryGeneration;
use crate::base::ident::KeyspaceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a table holds of one keyspace: at least one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyspaceContents {
    /// The keyspace.
    pub id: KeyspaceId,
    /// How many entries it holds.
    pub entry_count: u64,
    /// How many of them are tombstones.
    pub tombstone_count: u64,
    /// The bytes of their keys and values.
    pub size_bytes: u64,
    /// Those that expire, by ascending generation.
    pub expiring: Vec<ExpirySpan>,
}

/// The expiring entries of one generation: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpirySpan {
    /// The generation.
    pub generation: ExpiryGeneration,
    /// How many entries it has.
    pub entry_count: u64,
    /// The earliest expiry, then those at or before which at least a quarter, a half, three quarters, and all expire.
    pub quartiles_millis: [u64; 5],
}

impl ExpirySpan {
    fn new(generation: ExpiryGeneration, mut expiries_millis: Vec<u64>) -> Self {
        expiries_millis.sort_unstable();
        let count = expiries_millis.len();
        let at = |quarter: usize| {
            let index = (quarter * count).div_ceil(4).saturating_sub(1);
            expiries_millis.get(index).copied().unwrap_or_default()
        };
        let quartiles_millis = [at(0), at(1), at(2), at(3), at(4)];
        Self { generation, entry_count: count as u64, quartiles_millis }
    }

    /// The earliest expiry.
    pub fn earliest_millis(&self) -> u64 {
        let [earliest, ..] = self.quartiles_millis;
        earliest
    }

    /// The latest expiry.
    pub fn latest_millis(&self) -> u64 {
        let [.., latest] = self.quartiles_millis;
        latest
    }

    /// How many entries at least expire at or before a time: all, if all do.
    pub fn expired_count(&self, at_millis: u64) -> u64 {
        match self.quartiles_millis.iter().rposition(|quartile| *quartile <= at_millis) {
            None => 0,
            Some(0) => 1,
            Some(quarter) => (self.entry_count * quarter as u64).div_ceil(4),
        }
    }
}

/// Sums up entries that are given in their order.
#[derive(Debug, Default)]
pub struct ContentsBuilder {
    finished: Vec<KeyspaceContents>,
    current: Option<KeyspaceContents>,
    /// Of the current keyspace.
    expiries_millis: BTreeMap<ExpiryGeneration, Vec<u64>>,
}

impl ContentsBuilder {
    /// Takes the next entry.
    pub fn add(&mut self, entry: &EntryRef<'_>) {
        let id = KeyspaceId::of_key(entry.key);
        if self.current.as_ref().is_none_or(|current| current.id != id) {
            self.finish_keyspace();
        }
        let current = self.current.get_or_insert_with(|| KeyspaceContents {
            id,
            entry_count: 0,
            tombstone_count: 0,
            size_bytes: 0,
            expiring: Vec::new(),
        });
        current.entry_count += 1;
        current.size_bytes += (entry.key.len() + entry.value.len()) as u64;
        match entry.kind {
            EntryKind::Put => {}
            EntryKind::Delete => current.tombstone_count += 1,
            EntryKind::ExpiringPut(expiry) => {
                self.expiries_millis.entry(expiry.generation).or_default().push(expiry.at_millis);
            }
        }
    }

    /// The sum.
    pub fn finish(mut self) -> Vec<KeyspaceContents> {
        self.finish_keyspace();
        self.finished
    }

    fn finish_keyspace(&mut self) {
        let expiries = std::mem::take(&mut self.expiries_millis);
        if let Some(mut finished) = self.current.take() {
            finished.expiring = expiries
                .into_iter()
                .map(|(generation, millis)| ExpirySpan::new(generation, millis))
                .collect();
            self.finished.push(finished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::expiry::Expiry;
    use crate::base::ident::SeqNo;
    use proptest::prelude::*;

    #[test]
    fn entries_are_summed_up_by_keyspace_and_generation() {
        let mut builder = ContentsBuilder::default();
        let expiring =
            |at_millis| EntryKind::ExpiringPut(Expiry { at_millis, generation: ExpiryGeneration(1) });
        let entries = [
            (vec![0, 0, 0, 1, 5], EntryKind::Put),
            (vec![0, 0, 0, 2, 1], expiring(50)),
            (vec![0, 0, 0, 2, 2], EntryKind::Delete),
            (vec![0, 0, 0, 2, 3], expiring(20)),
        ];
        for (key, kind) in &entries {
            builder.add(&EntryRef { key, seqno: SeqNo(1), kind: *kind, value: &[] });
        }
        let span = ExpirySpan {
            generation: ExpiryGeneration(1),
            entry_count: 2,
            quartiles_millis: [20, 20, 20, 50, 50],
        };
        let contents = |id, entry_count, tombstone_count, expiring: &[ExpirySpan]| KeyspaceContents {
            id: KeyspaceId(id),
            entry_count,
            tombstone_count,
            size_bytes: 5 * entry_count,
            expiring: expiring.to_vec(),
        };
        assert_eq!(builder.finish(), [contents(1, 1, 0, &[]), contents(2, 3, 1, &[span])]);
    }

    proptest! {
        #[test]
        fn the_count_of_the_expired_is_never_too_high_and_exact_at_each_quartile(
            expiries in prop::collection::vec(0_u64..50, 1..40),
            at in 0_u64..60,
        ) {
            let span = ExpirySpan::new(ExpiryGeneration(0), expiries.clone());
            let expired = |at| expiries.iter().filter(|expiry| **expiry <= at).count() as u64;
            prop_assert!(span.expired_count(at) <= expired(at));
            prop_assert_eq!(span.expired_count(at) == 0, expired(at) == 0);
            prop_assert_eq!(span.expired_count(at) == span.entry_count, expired(at) == span.entry_count);
            prop_assert!(4 * span.expired_count(at) + span.entry_count + 4 > 4 * expired(at));
        }
    }
}
