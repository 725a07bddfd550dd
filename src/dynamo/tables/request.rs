//! Requests on tables, as DynamoDB shapes them: plain data, to be checked by whoever takes them.
//!
//! What has a message of its own when it is absent can be absent here. Everything else has its type already.

use super::settings::{
    BillingMode, OnDemandThroughput, ProvisionedThroughput, SseSpecification, StreamViewType, TableClass,
};
use crate::dynamo::fault::KeyRole;
use crate::dynamo::key::KeyType;
use crate::dynamo::schema::{KeyAttribute, KeySchema, Projection, TableSchema};

/// An attribute of a key and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchemaElement {
    /// The attribute's name.
    pub attribute_name: String,
    /// `HASH` or `RANGE`.
    pub key_type: KeyRole,
}

/// The type of an attribute that is in a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeDefinition {
    /// The attribute's name.
    pub attribute_name: String,
    /// `S`, `N` or `B`.
    pub attribute_type: KeyType,
}

/// Which attributes an index holds beside the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectionType {
    /// All of them.
    All,
    /// None of them.
    KeysOnly,
    /// Those that are named.
    Include,
}

impl ProjectionType {
    /// As DynamoDB writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::KeysOnly => "KEYS_ONLY",
            Self::Include => "INCLUDE",
        }
    }
}

/// What an index holds beside the keys, as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectionRequest {
    /// Which kind of projection.
    pub projection_type: Option<ProjectionType>,
    /// The attributes that it includes.
    pub non_key_attributes: Option<Vec<String>>,
}

/// The projection as it would be asked for, its names in order.
impl From<&Projection> for ProjectionRequest {
    fn from(projection: &Projection) -> Self {
        let (projection_type, non_key_attributes) = match projection {
            Projection::All => (ProjectionType::All, None),
            Projection::KeysOnly => (ProjectionType::KeysOnly, None),
            Projection::Include(names) => {
                let mut names = names.clone();
                names.sort_unstable();
                (ProjectionType::Include, Some(names).filter(|names| !names.is_empty()))
            }
        };
        Self { projection_type: Some(projection_type), non_key_attributes }
    }
}

/// An index as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexRequest {
    /// The index's name.
    pub index_name: String,
    /// The attributes of its key.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds beside the keys.
    pub projection: ProjectionRequest,
    /// What it is provisioned for; global indexes only.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most that it takes on demand; global indexes only.
    pub on_demand_throughput: Option<OnDemandThroughput>,
}

/// Whether a table has a stream of its changes, and what the records hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSpecification {
    /// Whether there is a stream.
    pub stream_enabled: bool,
    /// What its records hold.
    pub stream_view_type: Option<StreamViewType>,
}

/// A label on a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What the label is about.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// Makes a table.
///
/// A [`TableSchema`] turns into a request for such a table, billed by request; change what should be different.
///
/// ```
/// use pixii::{CreateTableRequest, Database, KeyType, TableSchema};
///
/// let database = Database::in_memory()?;
/// let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?;
/// let request = CreateTableRequest { deletion_protection_enabled: Some(true), ..schema.into() };
/// database.create_table(request)?;
/// assert!(database.describe_table("Notes")?.deletion_protection_enabled);
/// # Ok::<(), pixii::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTableRequest {
    /// The table's name.
    pub table_name: String,
    /// The attributes of its key.
    pub key_schema: Vec<KeySchemaElement>,
    /// The types of all attributes that are in keys, and of no others.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The local indexes; a list that is there is not empty.
    pub local_secondary_indexes: Option<Vec<IndexRequest>>,
    /// The global indexes; a list that is there is not empty.
    pub global_secondary_indexes: Option<Vec<IndexRequest>>,
    /// How the table is billed: provisioned, if nothing is said.
    pub billing_mode: Option<BillingMode>,
    /// What the table is provisioned for.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most that the table takes on demand.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// Whether the table has a stream.
    pub stream_specification: Option<StreamSpecification>,
    /// How the table is encrypted, as it is told again; nothing here encrypts.
    pub sse_specification: Option<SseSpecification>,
    /// Which class the table is of.
    pub table_class: Option<TableClass>,
    /// Whether the table cannot be deleted.
    pub deletion_protection_enabled: Option<bool>,
    /// The table's tags.
    pub tags: Vec<Tag>,
}

/// A request for a table of that schema, billed by request.
impl From<TableSchema> for CreateTableRequest {
    fn from(schema: TableSchema) -> Self {
        let index = |name: &str, key: &KeySchema, projection: &Projection| IndexRequest {
            index_name: name.to_owned(),
            key_schema: elements(key),
            projection: projection.into(),
            ..IndexRequest::default()
        };
        let local = schema.local_indexes().iter();
        let local: Vec<_> = local.map(|local| index(local.name(), local.key(), local.projection())).collect();
        let global = schema.global_indexes().iter();
        let global: Vec<_> =
            global.map(|global| index(global.name(), global.key(), global.projection())).collect();
        Self {
            table_name: schema.name().to_owned(),
            key_schema: elements(schema.key()),
            attribute_definitions: definitions(&schema),
            local_secondary_indexes: Some(local).filter(|indexes| !indexes.is_empty()),
            global_secondary_indexes: Some(global).filter(|indexes| !indexes.is_empty()),
            billing_mode: Some(BillingMode::PayPerRequest),
            ..Self::default()
        }
    }
}

/// A key as it is asked for.
pub(in crate::dynamo) fn elements(key: &KeySchema) -> Vec<KeySchemaElement> {
    let element = |(key_type, attribute): (KeyRole, &KeyAttribute)| KeySchemaElement {
        attribute_name: attribute.name.clone(),
        key_type,
    };
    key.with_roles().map(element).collect()
}

/// The types of all key attributes of a table, in the order of their names.
pub(in crate::dynamo) fn definitions(schema: &TableSchema) -> Vec<AttributeDefinition> {
    let attributes = schema.key_attributes().into_iter();
    let definition = attributes.map(|attribute| AttributeDefinition {
        attribute_name: attribute.name.clone(),
        attribute_type: attribute.key_type,
    });
    definition.collect()
}

/// Changes a table: one thing at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateTableRequest {
    /// The table's name.
    pub table_name: String,
    /// The types of the key attributes of the index that is to be made.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// How the table is billed from now on.
    pub billing_mode: Option<BillingMode>,
    /// What the table is provisioned for from now on.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most that the table takes on demand from now on.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What is to become of global indexes.
    pub global_secondary_index_updates: Vec<GlobalIndexUpdate>,
    /// Whether the table has a stream from now on.
    pub stream_specification: Option<StreamSpecification>,
    /// How the table is encrypted, as it is told again.
    pub sse_specification: Option<SseSpecification>,
    /// Which class the table is of from now on.
    pub table_class: Option<TableClass>,
    /// Whether the table cannot be deleted from now on.
    pub deletion_protection_enabled: Option<bool>,
}

/// What is to become of a global index: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlobalIndexUpdate {
    /// Make this index.
    pub create: Option<IndexRequest>,
    /// Give this index another throughput.
    pub update: Option<IndexThroughputUpdate>,
    /// Drop the index of this name.
    pub delete: Option<String>,
}

/// Another throughput for an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexThroughputUpdate {
    /// The index's name.
    pub index_name: String,
    /// What it is provisioned for from now on.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// The most that it takes on demand from now on.
    pub on_demand_throughput: Option<OnDemandThroughput>,
}

/// Names tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListTablesRequest {
    /// Begins behind this name, which need not be that of a table.
    pub exclusive_start_table_name: Option<String>,
    /// At most so many: 1 to 100, and 100 if nothing is said.
    pub limit: Option<usize>,
}

/// Names of tables, in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTablesOutput {
    /// The names.
    pub table_names: Vec<String>,
    /// Where to go on, if there are more.
    pub last_evaluated_table_name: Option<String>,
}

/// By which attribute items expire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeToLiveSpecification {
    /// The attribute: a number of seconds since 1970.
    pub attribute_name: String,
    /// Whether items expire by it.
    pub enabled: bool,
}

/// Says by which attribute items expire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateTimeToLiveRequest {
    /// The table's name.
    pub table_name: String,
    /// By which attribute items expire, or do not any more.
    pub time_to_live_specification: TimeToLiveSpecification,
}
