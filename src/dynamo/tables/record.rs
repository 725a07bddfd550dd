//! Everything that the catalog keeps of a table.
//!
//! Invariant: each index of the schema has its keyspace, in the order of the schema. `check` holds a
//! stored record to it.

use super::definition::NewTable;
use super::settings::{ActiveStream, OnDemandThroughput, TableSettings, ThroughputState};
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::dynamo::schema::TableSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The random identity of an incarnation of a table: a table that is made anew under the same name is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableId(u128);

impl TableId {
    /// The identity of these random bits.
    pub fn from_random(bits: u128) -> Self {
        // Version 4, variant 1: what makes random bits a UUID.
        Self(bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62))
    }
}

/// As a UUID.
impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| digits.get(group).unwrap_or_default());
        f.write_str(&groups.join("-"))
    }
}

/// How far an index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IndexStatus {
    /// Writes keep it, but it lacks entries of items that are older. Nobody reads it.
    Creating,
    /// It has all its entries.
    Active,
    /// Nobody keeps or reads it any more.
    Deleting,
}

/// A global index, its definition apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalIndexRecord {
    /// Where its entries lie.
    pub keyspace: KeyspaceId,
    /// How far it has come.
    pub status: IndexStatus,
    /// What it is provisioned for.
    pub throughput: ThroughputState,
    /// The most that it takes on demand.
    pub on_demand_throughput: Option<OnDemandThroughput>,
}

/// A table, as the catalog keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Which incarnation it is.
    pub id: TableId,
    /// How often the record has changed, from 1 on.
    pub version: u64,
    /// Where its items lie.
    pub keyspace: KeyspaceId,
    /// When it was made, in milliseconds since 1970.
    pub created_at_millis: u64,
    /// What it is.
    pub schema: TableSchema,
    /// Where the entries of the local indexes lie.
    pub local_keyspaces: Vec<KeyspaceId>,
    /// The global indexes.
    pub global_indexes: Vec<GlobalIndexRecord>,
    /// What can be changed.
    pub settings: TableSettings,
}

impl TableRecord {
    /// The record of a table that is made now, with its keyspaces: its own, those of its indexes, that of its stream.
    /// `after` is a commit before the one that makes it.
    pub(in crate::dynamo) fn new(
        table: NewTable,
        id: TableId,
        keyspaces: &[KeyspaceId],
        after: SeqNo,
        now_millis: u64,
    ) -> Self {
        let NewTable { schema, mut settings, index_throughputs, stream } = table;
        let (own, others) = keyspaces.split_first().expect("a table has a keyspace");
        let (local, others) = others.split_at(schema.local_indexes().len());
        let (global, of_stream) = others.split_at(schema.global_indexes().len());
        for (view_type, keyspace) in stream.into_iter().zip(of_stream) {
            settings
                .stream
                .begin(ActiveStream { view_type, keyspace: *keyspace, began_after: after }, now_millis);
        }
        let global = global.iter().zip(index_throughputs);
        let global_indexes = global.map(|(keyspace, (throughput, on_demand_throughput))| GlobalIndexRecord {
            keyspace: *keyspace,
            status: IndexStatus::Active,
            throughput: ThroughputState::new(throughput),
            on_demand_throughput,
        });
        Self {
            id,
            version: 1,
            keyspace: *own,
            created_at_millis: now_millis,
            local_keyspaces: local.to_vec(),
            global_indexes: global_indexes.collect(),
            schema,
            settings,
        }
    }

    /// Whether each index has its keyspace.
    pub(in crate::dynamo) fn check(&self) -> bool {
        self.local_keyspaces.len() == self.schema.local_indexes().len()
            && self.global_indexes.len() == self.schema.global_indexes().len()
    }

    /// All keyspaces that die with the table. Its stream's lives on for a while.
    pub fn keyspaces(&self) -> impl Iterator<Item = KeyspaceId> {
        let global = self.global_indexes.iter().map(|index| index.keyspace);
        std::iter::once(self.keyspace).chain(self.local_keyspaces.iter().copied()).chain(global)
    }

    /// Which of the global indexes has that name.
    pub fn global_index_position(&self, name: &str) -> Option<usize> {
        self.schema.global_indexes().iter().position(|index| index.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_written_as_a_uuid_of_version_4() {
        assert_eq!(TableId::from_random(0).to_string(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(TableId::from_random(u128::MAX).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
