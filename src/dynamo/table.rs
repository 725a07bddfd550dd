//! A table that exists: its schema, and where its items and index entries lie in the ordered keyspace.
//!
//! ```text
//! key of an item               := table's keyspace ‖ partition key ‖ sort key
//! key of a global index entry  := index's keyspace ‖ index's partition key ‖ index's sort key ‖ partition key ‖ sort key
//! key of a local index entry   := index's keyspace ‖ partition key ‖ index's sort key ‖ sort key
//! ```
//!
//! Each attribute is an order-preserving component (`key`) that ends itself, so that a prefix of attributes is a prefix
//! of bytes, and entries with equal index keys are kept apart, and in order, by the table's key.
//!
//! A descriptor never changes: a change of the table makes a new one, of the next version. All descriptors of one
//! incarnation share a [`TableState`], which knows the version that holds.

use super::fault::{IndexScope, KeyRole};
use super::schema::{KeyAttribute, KeySchema, Projection, TableSchema};
use super::tables::record::{GlobalIndexRecord, IndexStatus, TableId, TableRecord};
use super::tables::settings::TableSettings;
use crate::base::ident::{KeyspaceId, SeqNo};
use crate::base::planted::{Bug, planted};
use crate::engine::commit::{Commit, CommitGuard, Verdict};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What all descriptors of one incarnation of a table share: which of them holds for writers.
///
/// It is changed in the serial step of the commit that changes the table, and asked in that of every write, so each
/// write was derived from the table as it is at that place in the order. Readers hear of the change later, when it is
/// published.
#[derive(Debug)]
pub struct TableState {
    version: AtomicU64,
    /// The commit that made that version hold.
    changed_at: AtomicU64,
}

impl TableState {
    /// No descriptor has it.
    const DROPPED: u64 = u64::MAX;

    fn new(version: u64) -> Self {
        Self { version: AtomicU64::new(version), changed_at: AtomicU64::new(SeqNo::ZERO.0) }
    }

    /// The version that holds; none if the table is dropped.
    pub fn version(&self) -> Option<u64> {
        Some(self.version.load(Ordering::Acquire)).filter(|version| *version != Self::DROPPED)
    }

    /// The commit that made that version hold; zero if that was before the store was opened, or made the table.
    pub fn changed_at(&self) -> SeqNo {
        SeqNo(self.changed_at.load(Ordering::Acquire))
    }

    /// From this commit on the version holds; without one, the table is no more.
    ///
    /// REQUIRES: called in the serial step of that commit.
    pub(super) fn change(&self, version: Option<u64>, at: SeqNo) {
        self.changed_at.store(at.0, Ordering::Release);
        self.version.store(version.unwrap_or(Self::DROPPED), Ordering::Release);
    }
}

/// Admits a batch only as long as these descriptors are what their tables are. One that is stale is to be
/// [renewed](super::catalog::Catalog::renewed), and the batch to be derived again.
#[derive(Clone, Copy, Debug)]
pub struct CurrentTables<'a>(pub &'a [&'a TableDescriptor]);

impl CommitGuard for CurrentTables<'_> {
    fn admit(&self, _next: Commit) -> Verdict {
        if self.0.iter().all(|table| table.is_current()) || planted(Bug::CatalogVersionUnchecked) {
            Verdict::Go
        } else {
            Verdict::Stale
        }
    }
}

/// A table that exists, or existed.
#[derive(Debug)]
pub struct TableDescriptor {
    record: TableRecord,
    indexes: Vec<IndexDescriptor>,
    current: Arc<TableState>,
    /// The commit that made the table, or one after it; zero if it was there when the store was opened.
    made_by: SeqNo,
}

/// An index that exists.
#[derive(Debug)]
pub struct IndexDescriptor {
    name: String,
    scope: IndexScope,
    key: KeySchema,
    projection: Projection,
    keyspace: KeyspaceId,
    status: IndexStatus,
    active_since: SeqNo,
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
    /// The first descriptor of a table that was made, or read.
    pub(super) fn new(record: TableRecord) -> Self {
        Self::made(record, SeqNo::ZERO)
    }

    /// The first descriptor of a table that was made by the commit `made_by`, or one shortly before it.
    pub(super) fn made(record: TableRecord, made_by: SeqNo) -> Self {
        let current = Arc::new(TableState::new(record.version));
        Self::of(record, current, made_by)
    }

    /// The descriptor of the same table that follows this one. It holds when the state says so. `published` is the commit
    /// that changed the table, or one after it.
    pub(super) fn successor(&self, record: TableRecord, published: SeqNo) -> Self {
        let mut next = Self::of(record, Arc::clone(&self.current), self.made_by);
        for index in &mut next.indexes {
            let is_active =
                |old: &&IndexDescriptor| old.keyspace == index.keyspace && old.status == IndexStatus::Active;
            index.active_since =
                self.indexes.iter().find(is_active).map_or(published, |old| old.active_since);
        }
        next
    }

    fn of(record: TableRecord, current: Arc<TableState>, made_by: SeqNo) -> Self {
        let schema = &record.schema;
        let local = schema.local_indexes().iter().zip(&record.local_keyspaces);
        let local = local.map(|(index, keyspace)| IndexDescriptor {
            name: index.name().to_owned(),
            scope: IndexScope::Local,
            key: index.key().clone(),
            projection: index.projection().clone(),
            keyspace: *keyspace,
            status: IndexStatus::Active,
            active_since: SeqNo::ZERO,
            projected: Projected::new(schema, index.key(), index.projection()),
        });
        let global = schema.global_indexes().iter().zip(&record.global_indexes);
        let global = global.map(|(index, GlobalIndexRecord { keyspace, status, .. })| IndexDescriptor {
            name: index.name().to_owned(),
            scope: IndexScope::Global,
            key: index.key().clone(),
            projection: index.projection().clone(),
            keyspace: *keyspace,
            status: *status,
            active_since: SeqNo::ZERO,
            projected: Projected::new(schema, index.key(), index.projection()),
        });
        let indexes = local.chain(global).collect();
        Self { record, indexes, current, made_by }
    }

    /// Who reads as of an earlier commit than this one may find nothing in the table because it was not there.
    pub fn made_by(&self) -> SeqNo {
        self.made_by
    }

    /// What the table is.
    pub fn schema(&self) -> &TableSchema {
        &self.record.schema
    }

    /// Which incarnation of the table this is.
    pub fn id(&self) -> TableId {
        self.record.id
    }

    /// How often the table has changed, from 1 on.
    pub fn version(&self) -> u64 {
        self.record.version
    }

    /// What all descriptors of the table share.
    pub fn state(&self) -> &Arc<TableState> {
        &self.current
    }

    /// Whether this descriptor holds for writers: the table has not been changed since, nor dropped.
    pub fn is_current(&self) -> bool {
        self.current.version() == Some(self.record.version)
    }

    /// Where its items lie.
    pub fn keyspace(&self) -> KeyspaceId {
        self.record.keyspace
    }

    /// When it was made, in milliseconds since 1970.
    pub fn created_at_millis(&self) -> u64 {
        self.record.created_at_millis
    }

    /// What can be changed of it.
    pub fn settings(&self) -> &TableSettings {
        &self.record.settings
    }

    /// All that the catalog keeps of it.
    pub fn record(&self) -> &TableRecord {
        &self.record
    }

    /// Its indexes: the local ones, then the global ones, each in the order of the schema.
    pub fn indexes(&self) -> &[IndexDescriptor] {
        &self.indexes
    }

    /// Which of the indexes has that name.
    pub(super) fn index_position(&self, name: &str) -> Option<usize> {
        self.indexes.iter().position(|index| index.name == name)
    }
}

#[cfg(test)]
impl TableDescriptor {
    /// A table as it is asked for, in keyspace 16, with its indexes and its stream in those behind it.
    pub(crate) fn for_test(request: impl Into<super::tables::request::CreateTableRequest>) -> Self {
        use super::tables::definition::NewTable;
        use crate::base::ident::SeqNo;
        let table = NewTable::of_request(request.into(), 0).expect("a valid schema makes a valid request");
        let keyspaces: Vec<_> = (16..64).map(KeyspaceId).collect();
        let count = table.keyspace_count();
        Self::new(TableRecord::new(table, TableId::from_random(7), &keyspaces[..count], SeqNo::ZERO, 0))
    }
}

impl IndexDescriptor {
    /// The index's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it reaches.
    pub fn scope(&self) -> IndexScope {
        self.scope
    }

    /// The attributes by which it finds items.
    pub fn key(&self) -> &KeySchema {
        &self.key
    }

    /// What it holds beside the keys.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Where its entries lie.
    pub fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// How far it has come.
    pub fn status(&self) -> IndexStatus {
        self.status
    }

    /// From when on it can be read, if it is active: as of an earlier commit it may lack entries. Zero if it always had
    /// them, or had them when the store was opened.
    pub fn active_since(&self) -> SeqNo {
        self.active_since
    }

    /// Which attributes an entry holds.
    pub fn projected(&self) -> &Projected {
        &self.projected
    }
}

impl Projected {
    fn new(schema: &TableSchema, key: &KeySchema, projection: &Projection) -> Self {
        if *projection == Projection::All {
            return Self::All;
        }
        let keys = schema.key().attributes().chain(key.attributes());
        let names: BTreeSet<_> = keys.map(|attribute| &attribute.name).chain(projection.included()).collect();
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
        self.index.map_or(self.table.keyspace(), |index| index.keyspace)
    }

    /// The attributes that it is asked by.
    pub(super) fn key(self) -> &'a KeySchema {
        self.index.map_or(self.table.schema().key(), |index| &index.key)
    }

    /// The attributes behind those it is asked by that tell its entries apart, with their roles in the table's key.
    pub(super) fn rest(self) -> impl Iterator<Item = (KeyRole, &'a KeyAttribute)> + Clone {
        let scope = self.index.map(|index| index.scope);
        // The local index's key has the table's partition key already.
        let wanted = move |role| match scope {
            None => false,
            Some(IndexScope::Local) => role == KeyRole::Sort,
            Some(IndexScope::Global) => true,
        };
        self.table.schema().key().with_roles().filter(move |(role, _)| wanted(*role))
    }

    /// The attributes whose components make up an entry's key, in that order. One may stand there twice.
    pub(super) fn entry_attributes(self) -> impl Iterator<Item = &'a KeyAttribute> + Clone {
        self.key().attributes().chain(self.rest().map(|(_, attribute)| attribute))
    }
}
