//! How many items a table has, and how large they are, as of the last time that somebody counted.
//!
//! Writers count nothing. Whoever counts walks the table and its indexes: `jobs::item_count`.

use super::record::TableRecord;
use crate::base::ident::KeyspaceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many entries a keyspace holds, and how large they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub items: u64,
    /// How many bytes their names and values have together, by DynamoDB's rule.
    pub size_bytes: u64,
}

impl Tally {
    /// Adds one item.
    pub fn add(&mut self, size_bytes: usize) {
        self.items += 1;
        self.size_bytes += size_bytes as u64;
    }
}

/// What was counted of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    /// When the counting ended, in milliseconds since 1970.
    pub counted_at_millis: u64,
    /// Of each keyspace of the table: its items', and its indexes'.
    pub tallies: BTreeMap<KeyspaceId, Tally>,
}

impl TableCount {
    /// What is known of a table that was just made: it is empty.
    pub fn of_new(record: &TableRecord, now_millis: u64) -> Self {
        let tallies = record.keyspaces().map(|keyspace| (keyspace, Tally::default())).collect();
        Self { counted_at_millis: now_millis, tallies }
    }

    /// What a keyspace held; nothing, if it was made since.
    pub fn of(&self, keyspace: KeyspaceId) -> Tally {
        self.tallies.get(&keyspace).copied().unwrap_or_default()
    }
}
