//! A table that exists: its schema, and where its items and index entries lie in the ordered keyspace.
//!
//! ```text
//! key of an item         := table's keyspace ‖ partition key ‖ sort key
//! key of an index entry  := index's keyspace ‖ index's partition key ‖ index's sort key ‖ partition key ‖ sort key
//! ```
//!
//! Each attribute is an order-preserving component (`key`) that ends itself, so that a prefix of attributes is a prefix
//! of bytes, and entries with equal index keys are kept apart, and in order, by the table's key.

use super::schema::{GlobalIndex, KeyAttribute, KeySchema, Projection, TableSchema};
use crate::base::ident::KeyspaceId;
use std::collections::BTreeSet;

/// A table that exists.
#[derive(Debug)]
pub struct TableDescriptor {
    schema: TableSchema,
    keyspace: KeyspaceId,
    created_at_millis: u64,
    indexes: Vec<IndexDescriptor>,
}

/// An index that exists.
#[derive(Debug)]
pub struct IndexDescriptor {
    definition: GlobalIndex,
    keyspace: KeyspaceId,
    projected: Projected,
}

/// The attributes of an item that an index entry holds.
#[derive(Debug)]
pub enum Projected {
    /// All of them.
    All,
    /// Those of these names, which are in order and distinct.
    Names(Vec<String>),
}

impl TableDescriptor {
    /// The table of `schema` in `keyspace`, its indexes in `index_keyspaces` in the order of the schema.
    pub(super) fn new(
        schema: TableSchema,
        keyspace: KeyspaceId,
        index_keyspaces: &[KeyspaceId],
        created_at_millis: u64,
    ) -> Self {
        let indexes = schema.global_indexes().iter().zip(index_keyspaces);
        let indexes = indexes
            .map(|(definition, keyspace)| IndexDescriptor {
                definition: definition.clone(),
                keyspace: *keyspace,
                projected: Projected::new(&schema, definition),
            })
            .collect();
        Self { schema, keyspace, created_at_millis, indexes }
    }

    /// What the table is.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// Where its items lie.
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// When it was made, in milliseconds since 1970.
    pub fn created_at_millis(&self) -> u64 {
        self.created_at_millis
    }

    /// Its indexes, in the order of the schema.
    pub fn indexes(&self) -> &[IndexDescriptor] {
        &self.indexes
    }

    /// Which of the indexes has that name.
    pub(super) fn index_position(&self, name: &str) -> Option<usize> {
        self.indexes.iter().position(|index| index.definition.name() == name)
    }
}

impl IndexDescriptor {
    /// What the index is.
    pub fn definition(&self) -> &GlobalIndex {
        &self.definition
    }

    /// Where its entries lie.
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// Which attributes an entry holds.
    pub fn projected(&self) -> &Projected {
        &self.projected
    }
}

impl Projected {
    fn new(schema: &TableSchema, index: &GlobalIndex) -> Self {
        let included = match index.projection() {
            Projection::All => return Self::All,
            Projection::KeysOnly => [].as_slice(),
            Projection::Include(names) => names,
        };
        let keys = schema.key().attributes().chain(index.key().attributes());
        let names: BTreeSet<_> = keys.map(|attribute| &attribute.name).chain(included).collect();
        Self::Names(names.into_iter().cloned().collect())
    }
}

/// What a read goes through: the table itself, or one of its indexes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) table: &'a TableDescriptor,
    pub(super) index: Option<&'a IndexDescriptor>,
}

impl<'a> Source<'a> {
    /// The table, or the index at that position.
    pub(super) fn new(table: &'a TableDescriptor, index: Option<usize>) -> Self {
        Self { table, index: index.and_then(|index| table.indexes.get(index)) }
    }

    /// Where its entries lie.
    pub(super) fn keyspace(self) -> KeyspaceId {
        self.index.map_or(self.table.keyspace, |index| index.keyspace)
    }

    /// The attributes that it is asked by.
    pub(super) fn key(self) -> &'a KeySchema {
        self.index.map_or(self.table.schema.key(), |index| index.definition.key())
    }

    /// The attributes whose components make up an entry's key, in that order. One may stand there twice.
    pub(super) fn entry_attributes(self) -> impl Iterator<Item = &'a KeyAttribute> + Clone {
        let of_index = self.index.into_iter().flat_map(|index| index.definition.key().attributes());
        of_index.chain(self.table.schema.key().attributes())
    }
}
