//! What a table is: its name, its key, its indexes.
//!
//! Invariants:
//! 1. A schema that exists is valid: it is made by a builder that checks everything, in DynamoDB's order, and a stored
//!    one is checked again when it is read.
//! 2. A key has at least one partition attribute, and no attribute twice. An attribute has one type in all keys.

use super::error::{Error, Result};
use super::fault::{Constraint, Fault, KeyRole, MemberFault, Operation, SchemaFault};
use super::key::KeyType;
use super::limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An attribute of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub key_type: KeyType,
}

/// The attributes by which items are found: those that choose the partition, then those that order it.
///
/// A table has one of the first and at most one of the second. So has an index today; the lists are there because
/// DynamoDB lets an index have up to four of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    partition: Vec<KeyAttribute>,
    sort: Vec<KeyAttribute>,
}

impl KeySchema {
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

    /// Whether `name` is an attribute of this key.
    pub fn contains(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
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
}

/// A global secondary index: another key to find a table's items by.
///
/// An item that lacks an attribute of the index's key is not in the index. Entries with equal index keys are all kept,
/// in the order of the table's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalIndex {
    name: String,
    key: KeySchema,
    projection: Projection,
}

impl GlobalIndex {
    /// Begins the definition of the index `name`. It is checked with its table.
    pub fn builder(name: impl Into<String>) -> GlobalIndexBuilder {
        GlobalIndexBuilder { name: name.into(), key: Vec::new(), projection: Projection::All }
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
#[serde(try_from = "TableSchemaBuilder", into = "TableSchemaBuilder")]
pub struct TableSchema {
    name: String,
    key: KeySchema,
    global_indexes: Vec<GlobalIndex>,
}

impl TableSchema {
    /// Begins the definition of the table `name`.
    pub fn builder(name: impl Into<String>) -> TableSchemaBuilder {
        TableSchemaBuilder { name: name.into(), key: Vec::new(), global_indexes: Vec::new() }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes by which the table finds items.
    pub fn key(&self) -> &KeySchema {
        &self.key
    }

    /// The global indexes, in the order in which they were defined.
    pub fn global_indexes(&self) -> &[GlobalIndex] {
        &self.global_indexes
    }
}

/// A part of a key as it was defined, to be checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeyElement {
    role: KeyRole,
    name: String,
    key_type: KeyType,
}

/// The definition of a global index, to be checked with its table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GlobalIndexBuilder {
    name: String,
    key: Vec<KeyElement>,
    projection: Projection,
}

impl GlobalIndexBuilder {
    /// Items of equal `name` are found together.
    pub fn partition_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push(KeyElement { role: KeyRole::Partition, name: name.into(), key_type });
        self
    }

    /// Items found together are ordered by `name`.
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push(KeyElement { role: KeyRole::Sort, name: name.into(), key_type });
        self
    }

    /// What the index holds beside the keys: everything, unless this is called.
    pub fn projection(mut self, projection: Projection) -> Self {
        self.projection = projection;
        self
    }
}

/// The definition of a table, to be checked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableSchemaBuilder {
    name: String,
    key: Vec<KeyElement>,
    global_indexes: Vec<GlobalIndexBuilder>,
}

impl TableSchemaBuilder {
    /// Items are spread over partitions by `name`.
    pub fn partition_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push(KeyElement { role: KeyRole::Partition, name: name.into(), key_type });
        self
    }

    /// The items of a partition are ordered by `name`.
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push(KeyElement { role: KeyRole::Sort, name: name.into(), key_type });
        self
    }

    /// Adds a global secondary index.
    pub fn global_index(mut self, index: GlobalIndexBuilder) -> Self {
        self.global_indexes.push(index);
        self
    }

    /// Checks the definition.
    ///
    /// First every name and length by itself, then how they fit together, as DynamoDB does.
    ///
    /// ```
    /// use pixii::{KeyType, TableSchema};
    ///
    /// let error = TableSchema::builder("Music").sort_key("Title", KeyType::String).build().expect_err("no partition");
    /// assert_eq!(error.to_string(), "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    /// ```
    pub fn build(self) -> Result<TableSchema> {
        self.check().map_err(|fault| Error::new(Operation::CreateTable, fault))
    }

    fn check(self) -> Result<TableSchema, Fault> {
        let members = self.member_faults();
        if !members.is_empty() {
            return Err(Fault::Members(members));
        }
        let key = check_key(self.key)?;
        let mut indexes: Vec<GlobalIndex> = Vec::with_capacity(self.global_indexes.len());
        for index in self.global_indexes {
            let GlobalIndexBuilder { name, key, projection } = index;
            let key = check_key(key)?;
            if projection == Projection::Include(Vec::new()) {
                return Err(SchemaFault::IncludeWithoutAttributes.into());
            }
            if indexes.iter().any(|earlier| earlier.name == name) {
                return Err(SchemaFault::IndexDuplicated { index: name }.into());
            }
            indexes.push(GlobalIndex { name, key, projection });
        }
        if indexes.len() > limits::GLOBAL_INDEXES_MAX {
            return Err(SchemaFault::TooManyGlobalIndexes.into());
        }
        let projected = indexes.iter().map(|index| match &index.projection {
            Projection::Include(names) => names.len(),
            Projection::All | Projection::KeysOnly => 0,
        });
        if projected.sum::<usize>() > limits::TABLE_PROJECTED_ATTRIBUTES_MAX {
            return Err(SchemaFault::TooManyProjectedAttributes.into());
        }
        let schema = TableSchema { name: self.name, key, global_indexes: indexes };
        check_types(&schema)?;
        Ok(schema)
    }

    fn member_faults(&self) -> Vec<MemberFault> {
        let mut members = Members::default();
        members.resource_name("tableName", &self.name);
        members.key("keySchema", &self.key);
        for (index, position) in self.global_indexes.iter().zip(1..) {
            let path = format!("globalSecondaryIndexes.{position}.member");
            members.resource_name(&format!("{path}.indexName"), &index.name);
            members.key(&format!("{path}.keySchema"), &index.key);
            if let Projection::Include(names) = &index.projection {
                let path = format!("{path}.projection.nonKeyAttributes");
                let most = limits::INDEX_PROJECTED_ATTRIBUTES_MAX;
                members.check(&path, Constraint::LengthAtMost(most), names.len() <= most, || {
                    format!("[{}]", names.join(", "))
                });
                for (name, position) in names.iter().zip(1..) {
                    members.attribute_name(&format!("{path}.{position}.member"), name);
                }
            }
        }
        members.faults
    }
}

/// A stored schema is checked like a new one.
impl TryFrom<TableSchemaBuilder> for TableSchema {
    type Error = Error;

    fn try_from(builder: TableSchemaBuilder) -> Result<Self> {
        builder.build()
    }
}

impl From<TableSchema> for TableSchemaBuilder {
    fn from(schema: TableSchema) -> Self {
        let index = |index: GlobalIndex| GlobalIndexBuilder {
            name: index.name,
            key: elements(index.key),
            projection: index.projection,
        };
        Self {
            name: schema.name,
            key: elements(schema.key),
            global_indexes: schema.global_indexes.into_iter().map(index).collect(),
        }
    }
}

fn elements(key: KeySchema) -> Vec<KeyElement> {
    let element = |role, attribute: KeyAttribute| KeyElement {
        role,
        name: attribute.name,
        key_type: attribute.key_type,
    };
    let partition = key.partition.into_iter().map(|attribute| element(KeyRole::Partition, attribute));
    partition.chain(key.sort.into_iter().map(|attribute| element(KeyRole::Sort, attribute))).collect()
}

/// Refuses the name of a table that no table can have.
pub(super) fn check_table_name(name: &str) -> Result<(), Fault> {
    let mut members = Members::default();
    members.resource_name("tableName", name);
    if members.faults.is_empty() { Ok(()) } else { Err(Fault::Members(members.faults)) }
}

/// The faults of single members, in the order of the request.
#[derive(Default)]
struct Members {
    faults: Vec<MemberFault>,
}

impl Members {
    /// DynamoDB tells no more than this many at once.
    const TOLD_MAX: usize = 10;

    fn check(&mut self, member: &str, constraint: Constraint, holds: bool, value: impl FnOnce() -> String) {
        if !holds && self.faults.len() < Self::TOLD_MAX {
            self.faults.push(MemberFault { member: member.to_owned(), value: value(), constraint });
        }
    }

    fn length(&mut self, member: &str, value: &str, least: usize, most: usize) {
        let own = || value.to_owned();
        self.check(member, Constraint::LengthAtLeast(least), value.len() >= least, own);
        self.check(member, Constraint::LengthAtMost(most), value.len() <= most, own);
    }

    fn resource_name(&mut self, member: &str, name: &str) {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(allowed);
        self.check(member, Constraint::Pattern("[a-zA-Z0-9_.-]+"), fits, || name.to_owned());
        self.length(member, name, limits::TABLE_NAME_BYTES_MIN, limits::TABLE_NAME_BYTES_MAX);
    }

    fn attribute_name(&mut self, member: &str, name: &str) {
        self.length(member, name, 1, limits::SCHEMA_ATTRIBUTE_NAME_BYTES_MAX);
    }

    fn key(&mut self, member: &str, key: &[KeyElement]) {
        let printed = || {
            let element = |element: &KeyElement| {
                let role = match element.role {
                    KeyRole::Partition => "HASH",
                    KeyRole::Sort => "RANGE",
                };
                format!("KeySchemaElement(attributeName={}, keyType={role})", element.name)
            };
            format!("[{}]", key.iter().map(element).collect::<Vec<_>>().join(", "))
        };
        self.check(member, Constraint::LengthAtLeast(1), !key.is_empty(), printed);
        self.check(member, Constraint::LengthAtMost(2), key.len() <= 2, printed);
        for (element, position) in key.iter().zip(1..) {
            self.attribute_name(&format!("{member}.{position}.member.attributeName"), &element.name);
        }
    }
}

/// Makes a key of its parts: one for the partition, then at most one to sort by.
fn check_key(elements: Vec<KeyElement>) -> Result<KeySchema, Fault> {
    let mut key = KeySchema { partition: Vec::new(), sort: Vec::new() };
    for (position, KeyElement { role, name, key_type }) in elements.into_iter().enumerate() {
        let attribute = KeyAttribute { name, key_type };
        match (position, role) {
            (0, KeyRole::Partition) => key.partition.push(attribute),
            (0, KeyRole::Sort) => return Err(SchemaFault::FirstKeyNotPartition.into()),
            (_, KeyRole::Partition) => return Err(SchemaFault::SecondKeyNotSort.into()),
            (_, KeyRole::Sort) if key.contains(&attribute.name) => {
                return Err(SchemaFault::SameKeyAttribute.into());
            }
            (_, KeyRole::Sort) => key.sort.push(attribute),
        }
    }
    Ok(key)
}

/// An attribute that is in several keys must have one type in all.
fn check_types(schema: &TableSchema) -> Result<(), Fault> {
    let mut types = BTreeMap::new();
    let indexes = schema.global_indexes.iter().flat_map(|index| index.key.attributes());
    for attribute in schema.key.attributes().chain(indexes) {
        if *types.entry(&attribute.name).or_insert(attribute.key_type) != attribute.key_type {
            let attribute = attribute.name.clone();
            return Err(SchemaFault::AttributeDuplicated { attribute }.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::metadata;

    fn table() -> TableSchemaBuilder {
        TableSchema::builder("Music").partition_key("pk", KeyType::String).sort_key("sk", KeyType::Number)
    }

    fn index(name: &str) -> GlobalIndexBuilder {
        GlobalIndex::builder(name).partition_key("x", KeyType::String)
    }

    fn check_refused(builder: TableSchemaBuilder, message: &str) {
        let error = builder.build().expect_err("the schema is not valid");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.exception(), "ValidationException");
    }

    #[test]
    fn a_name_is_three_to_255_of_the_allowed_characters() {
        const AT: &str = "at 'tableName' failed to satisfy constraint: Member must";
        let key = |name: &str| TableSchema::builder(name).partition_key("pk", KeyType::String);
        check_refused(
            key("ab"),
            &format!("1 validation error detected: Value 'ab' {AT} have length greater than or equal to 3"),
        );
        check_refused(
            key("a b"),
            &format!(
                "1 validation error detected: Value 'a b' {AT} satisfy regular expression pattern: \
                 [a-zA-Z0-9_.-]+"
            ),
        );
        check_refused(
            key("é"),
            &format!(
                "2 validation errors detected: Value 'é' {AT} satisfy regular expression pattern: \
                 [a-zA-Z0-9_.-]+; Value 'é' {AT} have length greater than or equal to 3"
            ),
        );
        let long = "a".repeat(256);
        check_refused(
            key(&long),
            &format!(
                "1 validation error detected: Value '{long}' {AT} have length less than or equal to 255"
            ),
        );
        assert!(key(&long[1..]).build().is_ok());
        assert!(key("a.b").build().is_ok());
    }

    #[test]
    fn lengths_come_before_coherence() {
        let name = "n".repeat(256);
        let builder = TableSchema::builder("Music").sort_key(name.clone(), KeyType::String);
        check_refused(
            builder,
            &format!(
                "1 validation error detected: Value '{name}' at 'keySchema.1.member.attributeName' failed to \
                 satisfy constraint: Member must have length less than or equal to 255"
            ),
        );
    }

    #[test]
    fn a_stored_schema_comes_back_and_is_checked_like_a_new_one() {
        let index = index("ByX").sort_key("sk", KeyType::Number).projection(Projection::include(["a"]));
        let schema = table().global_index(index).build().expect("a valid schema");
        let row = metadata::encode(&schema);
        assert_eq!(metadata::decode(&row), Ok(schema));
        let invalid = metadata::encode(&TableSchema::builder("Music"));
        assert!(metadata::decode::<TableSchema>(&invalid).is_err());
    }

    #[test]
    fn at_most_ten_members_are_told() {
        let indexes = (0..12).fold(table(), |table, _| table.global_index(index("x!!")));
        let error = indexes.build().expect_err("twelve bad names").to_string();
        assert!(error.starts_with("10 validation errors detected: "), "{error}");
        assert_eq!(error.matches("; ").count(), 9);
    }

    #[test]
    fn a_key_is_a_partition_key_and_perhaps_a_sort_key() {
        check_refused(
            TableSchema::builder("Music"),
            "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must \
             have length greater than or equal to 1",
        );
        check_refused(
            TableSchema::builder("Music").sort_key("sk", KeyType::String),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        );
        check_refused(
            TableSchema::builder("Music")
                .partition_key("a", KeyType::String)
                .partition_key("b", KeyType::String),
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        );
        check_refused(
            TableSchema::builder("Music").partition_key("a", KeyType::String).sort_key("a", KeyType::String),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        );
    }

    #[test]
    fn indexes_fit_the_table_and_each_other() {
        check_refused(
            table().global_index(index("ByX")).global_index(index("ByX")),
            "One or more parameter values were invalid: Duplicate index name: ByX",
        );
        check_refused(
            table().global_index(index("ByX").sort_key("pk", KeyType::Binary)),
            "Attribute Name is duplicated: pk",
        );
        check_refused(
            table().global_index(index("ByX").projection(Projection::Include(Vec::new()))),
            "One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes is not \
             specified",
        );
        let many =
            |count: usize| (0..count).fold(table(), |table, n| table.global_index(index(&format!("By{n}"))));
        assert!(many(20).build().is_ok());
        check_refused(
            many(21),
            "One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of \
             20",
        );
    }

    #[test]
    fn projections_name_at_most_20_attributes_and_100_over_all() {
        let names = |count: usize| Projection::include((0..count).map(|n| format!("a{n}")));
        let error = table().global_index(index("ByX").projection(names(21))).build().expect_err("21 names");
        let error = error.to_string();
        assert!(
            error.contains("at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes'"),
            "{error}"
        );
        assert!(error.ends_with("Member must have length less than or equal to 20"), "{error}");
        let many = |count: usize| {
            (0..count)
                .fold(table(), |table, n| table.global_index(index(&format!("By{n}")).projection(names(20))))
        };
        assert!(many(5).build().is_ok());
        assert!(many(6).build().is_err());
    }
}
