//! What is known of the sizes of tables, and which of them somebody wants counted.
//!
//! Threading: each lock is held for one lookup.

use super::tables::count::TableCount;
use crate::base::ident::KeyspaceId;
use crate::env::schedule::Event;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The counts of all tables, each by the keyspace of its items.
#[derive(Debug, Default)]
pub(super) struct Counts {
    known: Mutex<BTreeMap<KeyspaceId, TableCount>>,
    wanted: Mutex<BTreeSet<KeyspaceId>>,
    /// Somebody wants one.
    pub(super) wake: Arc<Event>,
}

impl Counts {
    /// The counts that were kept.
    pub(super) fn new(known: BTreeMap<KeyspaceId, TableCount>) -> Self {
        Self { known: Mutex::new(known), ..Self::default() }
    }

    /// What was last counted.
    pub(super) fn get(&self, table: KeyspaceId) -> Option<TableCount> {
        self.known.lock().get(&table).cloned()
    }

    /// This was counted.
    pub(super) fn set(&self, table: KeyspaceId, count: TableCount) {
        self.known.lock().insert(table, count);
    }

    /// The table is no more.
    pub(super) fn forget(&self, table: KeyspaceId) {
        self.known.lock().remove(&table);
        self.wanted.lock().remove(&table);
    }

    /// Has a table counted in the background.
    pub(super) fn want(&self, table: KeyspaceId) {
        if self.wanted.lock().insert(table) {
            self.wake.notify();
        }
    }

    /// A table that somebody wants counted.
    pub(super) fn next_wanted(&self) -> Option<KeyspaceId> {
        self.wanted.lock().first().copied()
    }

    /// It was counted, or cannot be.
    pub(super) fn done(&self, table: KeyspaceId) {
        self.wanted.lock().remove(&table);
    }
}
