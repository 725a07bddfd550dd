//! What a table is: its name, its key, its indexes.
//!
//! Invariants:
//! 1. A schema that exists is valid: it is put together by functions that check how its parts fit, and a stored one is
//!    put together again, by the same functions, when it is read.
//! 2. A key has at least one partition attribute, and no attribute twice. An attribute has one type in all keys.
//! 3. A local index has its table's partition key and one sort attribute; its table has a sort key.
//!
//! The faults come in DynamoDB's order if the parts are put together in the order of the request: the table's key, the
//! local indexes, the global ones, and then `check_whole`.

use super::fault::{IndexScope, KeyRole, SchemaFault};
use super::key::KeyType;
use super::limits;
use serde::{Deserialize, Serialize};

/// An attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub key_type: KeyType,
}

/// The attributes by which items are found: those that choose the partition, then those that order it.
///
/// A table, and a local index, has one of the first and at most one of the second; a global index up to four of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    partition: Vec<KeyAttribute>,
    sort: Vec<KeyAttribute>,
}

impl KeySchema {
    /// The key of a table or of a local index: a partition attribute, and perhaps one to sort by.
    pub(super) fn single(elements: &[(KeyRole, KeyAttribute)]) -> Result<Self, SchemaFault> {
        let key = Self::of(elements)?;
        match elements.get(1) {
            Some((KeyRole::Partition, _)) => Err(SchemaFault::SecondKeyNotSort),
            _ => Ok(key),
        }
    }

    /// The key of the global index `index`.
    pub(super) fn composite(index: &str, elements: &[(KeyRole, KeyAttribute)]) -> Result<Self, SchemaFault> {
        let key = Self::of(elements)?;
        if !elements.is_sorted_by_key(|(role, _)| *role == KeyRole::Sort) {
            return Err(SchemaFault::PartitionBehindSort { index: index.to_owned() });
        }
        for (role, attributes) in [(KeyRole::Partition, &key.partition), (KeyRole::Sort, &key.sort)] {
            if attributes.len() > limits::INDEX_KEY_ATTRIBUTES_MAX {
                return Err(SchemaFault::TooManyKeyAttributes { index: index.to_owned(), role });
            }
        }
        Ok(key)
    }

    fn of(elements: &[(KeyRole, KeyAttribute)]) -> Result<Self, SchemaFault> {
        let mut earlier = Vec::with_capacity(elements.len());
        for (_, attribute) in elements {
            if earlier.contains(&&attribute.name) {
                return Err(SchemaFault::SameKeyAttribute);
            }
            earlier.push(&attribute.name);
        }
        if !elements.first().is_some_and(|(role, _)| *role == KeyRole::Partition) {
            return Err(SchemaFault::FirstKeyNotPartition);
        }
        let with = |wanted| {
            let elements = elements.iter().filter(move |(role, _)| *role == wanted);
            elements.map(|(_, attribute)| attribute.clone()).collect()
        };
        Ok(Self { partition: with(KeyRole::Partition), sort: with(KeyRole::Sort) })
    }

    /// The attributes that choose the partition: at least one.
    pub fn partition(&self) -> &[KeyAttribute] {
        &self.partition
    }

    /// The attributes that order a partition.
    pub fn sort(&self) -> &[KeyAttribute] {
        &self.sort
    }

    /// All attributes, the partition's first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> + Clone {
        self.partition.iter().chain(&self.sort)
    }

    /// All attributes with their roles, the partition's first.
    pub fn with_roles(&self) -> impl Iterator<Item = (KeyRole, &KeyAttribute)> + Clone {
        let partition = self.partition.iter().map(|attribute| (KeyRole::Partition, attribute));
        partition.chain(self.sort.iter().map(|attribute| (KeyRole::Sort, attribute)))
    }

    /// Whether `name` is an attribute of this key.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }

    /// The attributes as they are checked again.
    fn elements(&self) -> Vec<(KeyRole, KeyAttribute)> {
        self.with_roles().map(|(role, attribute)| (role, attribute.clone())).collect()
    }
}

/// Which attributes an index holds beside its own key and the table's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projection {
    /// All of them.
    #[default]
    All,
    /// None of them.
    KeysOnly,
    /// These.
    Include(Vec<String>),
}

impl Projection {
    /// The named attributes beside the keys.
    pub fn include(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Include(names.into_iter().map(Into::into).collect())
    }

    /// The attributes that it names.
    pub fn included(&self) -> &[String] {
        match self {
            Self::All | Self::KeysOnly => &[],
            Self::Include(names) => names,
        }
    }

    fn check(&self) -> Result<(), SchemaFault> {
        if *self == Self::Include(Vec::new()) {
            return Err(SchemaFault::IncludeWithoutAttributes);
        }
        Ok(())
    }
}

/// A local secondary index: another order of the items of a partition.
///
/// It has the table's partition key and a sort key of its own, and is made with its table. An item that lacks the sort
/// key is not in the index. Entries with equal index keys are all kept, in the order of the table's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalIndex {
    name: String,
    key: KeySchema,
    projection: Projection,
}

impl LocalIndex {
    pub(super) fn new(name: String, key: KeySchema, projection: Projection) -> Result<Self, SchemaFault> {
        projection.check()?;
        Ok(Self { name, key, projection })
    }

    /// The index's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes by which it finds items.
    pub fn key(&self) -> &KeySchema {
        &self.key
    }

    /// What it holds beside the keys.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }
}

/// A global secondary index: another key to find a table's items by.
///
/// An item that lacks an attribute of the index's key is not in the index. Entries with equal index keys are all kept,
/// in the order of the table's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalIndex {
    name: String,
    key: KeySchema,
    projection: Projection,
}

impl GlobalIndex {
    pub(super) fn new(name: String, key: KeySchema, projection: Projection) -> Result<Self, SchemaFault> {
        projection.check()?;
        Ok(Self { name, key, projection })
    }

    /// The index's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes by which it finds items.
    pub fn key(&self) -> &KeySchema {
        &self.key
    }

    /// What it holds beside the keys.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }
}

/// What a table is. Made by [`TableSchema::builder`], and valid.
///
/// ```
/// use pixii::{GlobalIndex, KeyType, Projection, TableSchema};
///
/// let schema = TableSchema::builder("Messages")
///     .partition_key("Room", KeyType::String)
///     .sort_key("SentAt", KeyType::Number)
///     .global_index(
///         GlobalIndex::builder("BySender")
///             .partition_key("Sender", KeyType::String)
///             .sort_key("SentAt", KeyType::Number)
///             .projection(Projection::include(["Subject"])),
///     )
///     .build()?;
/// assert_eq!(schema.name(), "Messages");
/// assert_eq!(schema.global_indexes().len(), 1);
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredSchema", into = "StoredSchema")]
pub struct TableSchema {
    name: String,
    key: KeySchema,
    local_indexes: Vec<LocalIndex>,
    global_indexes: Vec<GlobalIndex>,
}

/// A schema as it is stored: its parts, which may or may not fit together.
#[derive(Serialize, Deserialize)]
struct StoredSchema {
    name: String,
    key: KeySchema,
    local_indexes: Vec<LocalIndex>,
    global_indexes: Vec<GlobalIndex>,
}

impl TableSchema {
    /// The schema of a table without indexes.
    pub(super) fn new(name: String, key: KeySchema) -> Self {
        Self { name, key, local_indexes: Vec::new(), global_indexes: Vec::new() }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes by which the table finds items.
    pub fn key(&self) -> &KeySchema {
        &self.key
    }

    /// The local indexes, in the order in which they were defined.
    pub fn local_indexes(&self) -> &[LocalIndex] {
        &self.local_indexes
    }

    /// The global indexes, in the order in which they were defined.
    pub fn global_indexes(&self) -> &[GlobalIndex] {
        &self.global_indexes
    }

    /// The attributes of all keys, each once, in the order of their names.
    pub fn key_attributes(&self) -> Vec<&KeyAttribute> {
        let mut attributes: Vec<_> = self.all_attributes().collect();
        attributes.sort_unstable_by_key(|attribute| &attribute.name);
        attributes.dedup();
        attributes
    }

    fn all_attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        let local = self.local_indexes.iter().flat_map(|index| index.key.attributes());
        let global = self.global_indexes.iter().flat_map(|index| index.key.attributes());
        self.key.attributes().chain(local).chain(global)
    }

    /// Whether an index has that name, and how far it reaches.
    pub fn index_scope(&self, name: &str) -> Option<IndexScope> {
        let local = self.local_indexes.iter().any(|index| index.name == name);
        let global = self.global_indexes.iter().any(|index| index.name == name);
        local.then_some(IndexScope::Local).or(global.then_some(IndexScope::Global))
    }

    /// Adds a local index.
    pub(super) fn add_local_index(&mut self, index: LocalIndex) -> Result<(), SchemaFault> {
        let (Some(partition), false) = (self.key.partition.first(), self.key.sort.is_empty()) else {
            return Err(SchemaFault::LocalIndexWithoutTableSortKey);
        };
        if index.key.sort.len() != 1 {
            return Err(SchemaFault::LocalIndexWithoutSortKey { index: index.name });
        }
        if index.key.partition != self.key.partition {
            let index_key = index.key.partition.first().map(|attribute| attribute.name.clone());
            return Err(SchemaFault::LocalIndexPartition {
                index: index.name,
                index_key: index_key.unwrap_or_default(),
                table_key: partition.name.clone(),
            });
        }
        self.check_index(&index.name, &index.key)?;
        self.local_indexes.push(index);
        Ok(())
    }

    /// Adds a global index.
    pub(super) fn add_global_index(&mut self, index: GlobalIndex) -> Result<(), SchemaFault> {
        self.check_index(&index.name, &index.key)?;
        self.global_indexes.push(index);
        Ok(())
    }

    /// The same under another name, with those of its indexes that `keeps` says.
    pub(super) fn renamed(&self, name: String, keeps: impl Fn(&str) -> bool) -> Self {
        let mut renamed = Self { name, ..self.clone() };
        renamed.local_indexes.retain(|index| keeps(index.name()));
        renamed.global_indexes.retain(|index| keeps(index.name()));
        renamed
    }

    /// Takes the global index at that position out.
    pub(super) fn remove_global_index(&mut self, position: usize) {
        self.global_indexes.remove(position);
    }

    fn check_index(&self, name: &str, key: &KeySchema) -> Result<(), SchemaFault> {
        if self.index_scope(name).is_some() {
            return Err(SchemaFault::IndexDuplicated { index: name.to_owned() });
        }
        for attribute in key.attributes() {
            let of_two_types =
                |other: &KeyAttribute| other.name == attribute.name && other.key_type != attribute.key_type;
            if self.all_attributes().any(of_two_types) {
                return Err(SchemaFault::AttributeDuplicated { attribute: attribute.name.clone() });
            }
        }
        Ok(())
    }

    /// Refuses more indexes, or more projected attributes, than a table may have.
    pub(super) fn check_whole(&self) -> Result<(), SchemaFault> {
        if self.local_indexes.len() > limits::LOCAL_INDEXES_MAX {
            return Err(SchemaFault::TooManyLocalIndexes);
        }
        if self.global_indexes.len() > limits::GLOBAL_INDEXES_MAX {
            return Err(SchemaFault::TooManyGlobalIndexes);
        }
        let local = self.local_indexes.iter().map(|index| index.projection.included().len());
        let global = self.global_indexes.iter().map(|index| index.projection.included().len());
        if local.chain(global).sum::<usize>() > limits::TABLE_PROJECTED_ATTRIBUTES_MAX {
            return Err(SchemaFault::TooManyProjectedAttributes);
        }
        Ok(())
    }
}

/// A stored schema is put together like a new one.
impl TryFrom<StoredSchema> for TableSchema {
    type Error = &'static str;

    fn try_from(stored: StoredSchema) -> Result<Self, &'static str> {
        let assemble = || {
            let StoredSchema { name, key, local_indexes, global_indexes } = stored;
            let mut schema = Self::new(name, KeySchema::single(&key.elements())?);
            for LocalIndex { name, key, projection } in local_indexes {
                let key = KeySchema::single(&key.elements())?;
                schema.add_local_index(LocalIndex::new(name, key, projection)?)?;
            }
            for GlobalIndex { name, key, projection } in global_indexes {
                let key = KeySchema::composite(&name, &key.elements())?;
                schema.add_global_index(GlobalIndex::new(name, key, projection)?)?;
            }
            schema.check_whole()?;
            Ok::<_, SchemaFault>(schema)
        };
        assemble().map_err(|_| "a schema whose parts fit together")
    }
}

impl From<TableSchema> for StoredSchema {
    fn from(schema: TableSchema) -> Self {
        let TableSchema { name, key, local_indexes, global_indexes } = schema;
        Self { name, key, local_indexes, global_indexes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::metadata;

    fn attribute(role: KeyRole, name: &str) -> (KeyRole, KeyAttribute) {
        (role, KeyAttribute { name: name.to_owned(), key_type: KeyType::String })
    }

    fn stored(table: &[&str], local: &[&str], global: &[&str]) -> StoredSchema {
        let key = |names: &[&str]| {
            let attributes = names.iter().map(|name| attribute(KeyRole::Partition, name).1);
            let mut partition: Vec<_> = attributes.collect();
            let sort = partition.split_off(1);
            KeySchema { partition, sort }
        };
        let (name, projection) = ("ByLocal".to_owned(), Projection::All);
        let local = LocalIndex { name, key: key(local), projection: projection.clone() };
        let global = GlobalIndex { name: "ByGlobal".to_owned(), key: key(global), projection };
        let (local_indexes, global_indexes) = (vec![local], vec![global]);
        StoredSchema { name: "Music".to_owned(), key: key(table), local_indexes, global_indexes }
    }

    #[test]
    fn a_stored_schema_comes_back_and_is_checked_like_a_new_one() {
        let row = metadata::encode(&stored(&["pk", "sk"], &["pk", "x"], &["a", "b", "c"]));
        let schema: TableSchema = metadata::decode(&row).expect("a valid schema");
        assert_eq!(metadata::encode(&schema), row);
        for invalid in [
            stored(&["pk"], &["pk", "x"], &["a"]),
            stored(&["pk", "sk"], &["pk"], &["a"]),
            stored(&["pk", "sk"], &["sk", "x"], &["a"]),
            stored(&["pk", "pk"], &["pk", "x"], &["a"]),
            stored(&["pk", "sk"], &["pk", "x"], &["a", "b", "c", "d", "e", "f"]),
        ] {
            assert!(metadata::decode::<TableSchema>(&metadata::encode(&invalid)).is_err());
        }
    }

    #[test]
    fn a_global_index_has_up_to_four_attributes_of_each_role_in_order() {
        use KeyRole::{Partition, Sort};
        let check = |roles: &[KeyRole]| {
            let elements = roles.iter().zip('a'..).map(|(role, name)| attribute(*role, &name.to_string()));
            KeySchema::composite("ByX", &elements.collect::<Vec<_>>()).map(drop)
        };
        assert_eq!(check(&[Partition]), Ok(()));
        assert_eq!(check(&[Partition, Partition, Partition, Partition, Sort, Sort, Sort, Sort]), Ok(()));
        assert_eq!(check(&[Sort]), Err(SchemaFault::FirstKeyNotPartition));
        let index = || "ByX".to_owned();
        assert_eq!(
            check(&[Partition, Sort, Partition]),
            Err(SchemaFault::PartitionBehindSort { index: index() })
        );
        let too_many = |role| Err(SchemaFault::TooManyKeyAttributes { index: index(), role });
        assert_eq!(check(&[Partition; 5]), too_many(Partition));
        assert_eq!(check(&[Partition, Sort, Sort, Sort, Sort, Sort]), too_many(Sort));
        let twice = [Partition, Partition, Sort].map(|role| attribute(role, "a"));
        assert_eq!(KeySchema::composite("ByX", &twice), Err(SchemaFault::SameKeyAttribute));
    }
}
