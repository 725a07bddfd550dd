//! Schemas in Rust: each key attribute is named with its type, and definitions follow by themselves.

use super::definition::NewTable;
use super::request::{AttributeDefinition, CreateTableRequest, IndexRequest, KeySchemaElement};
use super::settings::BillingMode;
use crate::dynamo::error::Result;
use crate::dynamo::fault::KeyRole;
use crate::dynamo::key::KeyType;
use crate::dynamo::schema::{GlobalIndex, KeyAttribute, LocalIndex, Projection, TableSchema};

impl TableSchema {
    /// Begins the definition of the table `name`.
    pub fn builder(name: impl Into<String>) -> TableSchemaBuilder {
        let (local_indexes, global_indexes) = (Vec::new(), Vec::new());
        TableSchemaBuilder { name: name.into(), key: Vec::new(), local_indexes, global_indexes }
    }
}

impl LocalIndex {
    /// Begins the definition of the index `name`, to be given to its table. It has the table's partition key.
    pub fn builder(name: impl Into<String>) -> LocalIndexBuilder {
        LocalIndexBuilder { name: name.into(), sort: None, projection: Projection::All }
    }
}

impl GlobalIndex {
    /// Begins the definition of the index `name`. It is checked with its table.
    pub fn builder(name: impl Into<String>) -> GlobalIndexBuilder {
        GlobalIndexBuilder { name: name.into(), key: Vec::new(), projection: Projection::All }
    }
}

fn attribute(name: impl Into<String>, key_type: KeyType) -> KeyAttribute {
    KeyAttribute { name: name.into(), key_type }
}

/// The definition of a global index, to be checked with its table.
#[derive(Clone, Debug)]
pub struct GlobalIndexBuilder {
    name: String,
    key: Vec<(KeyRole, KeyAttribute)>,
    projection: Projection,
}

impl GlobalIndexBuilder {
    /// Items of equal `name` are found together. Called again, items must be equal in all these attributes: up to four.
    pub fn partition_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push((KeyRole::Partition, attribute(name, key_type)));
        self
    }

    /// Items found together are ordered by `name`. Called again, by this next: up to four attributes.
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push((KeyRole::Sort, attribute(name, key_type)));
        self
    }

    /// What the index holds beside the keys: everything, unless this is called.
    pub fn projection(mut self, projection: Projection) -> Self {
        self.projection = projection;
        self
    }
}

/// The definition of a local index, to be checked with its table.
#[derive(Clone, Debug)]
pub struct LocalIndexBuilder {
    name: String,
    sort: Option<KeyAttribute>,
    projection: Projection,
}

impl LocalIndexBuilder {
    /// The items of a partition are ordered by `name`.
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.sort = Some(attribute(name, key_type));
        self
    }

    /// What the index holds beside the keys: everything, unless this is called.
    pub fn projection(mut self, projection: Projection) -> Self {
        self.projection = projection;
        self
    }
}

/// The definition of a table, to be checked.
#[derive(Clone, Debug)]
pub struct TableSchemaBuilder {
    name: String,
    key: Vec<(KeyRole, KeyAttribute)>,
    local_indexes: Vec<LocalIndexBuilder>,
    global_indexes: Vec<GlobalIndexBuilder>,
}

impl TableSchemaBuilder {
    /// Items are spread over partitions by `name`.
    pub fn partition_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push((KeyRole::Partition, attribute(name, key_type)));
        self
    }

    /// The items of a partition are ordered by `name`.
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.key.push((KeyRole::Sort, attribute(name, key_type)));
        self
    }

    /// Adds a local secondary index.
    ///
    /// ```
    /// use pixii::{KeyType, LocalIndex, TableSchema};
    ///
    /// let schema = TableSchema::builder("Messages")
    ///     .partition_key("Room", KeyType::String)
    ///     .sort_key("SentAt", KeyType::Number)
    ///     .local_index(LocalIndex::builder("ByLength").sort_key("Length", KeyType::Number))
    ///     .build()?;
    /// assert_eq!(schema.local_indexes()[0].key().partition()[0].name, "Room");
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn local_index(mut self, index: LocalIndexBuilder) -> Self {
        self.local_indexes.push(index);
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
        // No setting of such a request depends on the moment.
        NewTable::of_request(self.into_request(), 0).map(|table| table.schema)
    }

    fn into_request(self) -> CreateTableRequest {
        let partition = self.key.iter().find(|(role, _)| *role == KeyRole::Partition).cloned();
        let local_keys = self.local_indexes.iter().map(|index| {
            let sort = index.sort.iter().map(|sort| (KeyRole::Sort, sort.clone()));
            partition.iter().cloned().chain(sort).collect()
        });
        let local_keys: Vec<Vec<_>> = local_keys.collect();
        let mut definitions = Vec::new();
        let global_keys = self.global_indexes.iter().flat_map(|index| &index.key);
        for (_, attribute) in self.key.iter().chain(local_keys.iter().flatten()).chain(global_keys) {
            let definition = AttributeDefinition {
                attribute_name: attribute.name.clone(),
                attribute_type: attribute.key_type,
            };
            // An attribute of two types is defined twice, and refused for that.
            if !definitions.contains(&definition) {
                definitions.push(definition);
            }
        }
        let local = self.local_indexes.into_iter().zip(local_keys);
        let local = local.map(|(index, key)| index_request(index.name, key, &index.projection)).collect();
        let global = self.global_indexes.into_iter();
        let global = global.map(|index| index_request(index.name, index.key, &index.projection)).collect();
        let unless_empty = |indexes: Vec<_>| Some(indexes).filter(|indexes| !indexes.is_empty());
        CreateTableRequest {
            table_name: self.name,
            key_schema: elements(self.key),
            attribute_definitions: definitions,
            local_secondary_indexes: unless_empty(local),
            global_secondary_indexes: unless_empty(global),
            billing_mode: Some(BillingMode::PayPerRequest),
            ..CreateTableRequest::default()
        }
    }
}

fn index_request(
    index_name: String,
    key: Vec<(KeyRole, KeyAttribute)>,
    projection: &Projection,
) -> IndexRequest {
    IndexRequest {
        index_name,
        key_schema: elements(key),
        projection: projection.into(),
        ..IndexRequest::default()
    }
}

fn elements(key: Vec<(KeyRole, KeyAttribute)>) -> Vec<KeySchemaElement> {
    let element = |(key_type, attribute): (_, KeyAttribute)| KeySchemaElement {
        attribute_name: attribute.name,
        key_type,
    };
    key.into_iter().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let fault = |member: &str| {
            format!(
                "Value '{name}' at '{member}' failed to satisfy constraint: Member must have length less than or \
                 equal to 255"
            )
        };
        check_refused(
            builder,
            &format!(
                "2 validation errors detected: {}; {}",
                fault("attributeDefinitions.1.member.attributeName"),
                fault("keySchema.1.member.attributeName")
            ),
        );
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
