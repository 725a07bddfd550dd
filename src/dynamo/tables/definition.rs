//! From a request to make a table, or an index, to what is valid.
//!
//! The checks, in DynamoDB's order: every member by itself, billing, the table's key, local indexes, global indexes,
//! what all indexes are together, definitions that nobody uses, the stream, tags.

use super::arn;
use super::members::Members;
use super::request::{
    AttributeDefinition, CreateTableRequest, IndexRequest, KeySchemaElement, ProjectionRequest,
    ProjectionType, StreamSpecification,
};
use super::settings::{
    BillingMode, OnDemandThroughput, ProvisionedThroughput, StreamState, StreamViewType, TableSettings,
    ThroughputState, TimeToLiveState,
};
use super::tags;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Fault, IndexScope, KeyRole, MemberFault, Operation, SchemaFault};
use crate::dynamo::limits;
use crate::dynamo::schema::{GlobalIndex, KeyAttribute, KeySchema, LocalIndex, Projection, TableSchema};
use crate::dynamo::table_fault::TableFault;
use std::collections::BTreeSet;

/// A table that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTable {
    pub(in crate::dynamo) schema: TableSchema,
    pub(in crate::dynamo) settings: TableSettings,
    /// What each global index is provisioned for, in the order of the schema.
    pub(in crate::dynamo) index_throughputs: Vec<IndexThroughput>,
    /// What the records of its stream are to hold, if it is to have one.
    pub(in crate::dynamo) stream: Option<StreamViewType>,
}

/// What an index is provisioned for, and the most that it takes on demand.
pub(in crate::dynamo) type IndexThroughput = (Option<ProvisionedThroughput>, Option<OnDemandThroughput>);

impl NewTable {
    /// The table that a request asks for at this moment.
    pub fn of_request(request: CreateTableRequest, now_millis: u64) -> Result<Self> {
        Self::check(request, now_millis).map_err(|fault| Error::new(Operation::CreateTable, fault))
    }

    fn check(request: CreateTableRequest, now_millis: u64) -> Result<Self, Fault> {
        let table_name = arn::table_name(&request.table_name)?.to_owned();
        members(&request, &table_name).finish()?;
        let billing_mode = request.billing_mode.unwrap_or(BillingMode::Provisioned);
        check_billing(billing_mode, request.provisioned_throughput)?;
        let definitions = &request.attribute_definitions;
        let mut schema = table_schema(table_name, &request)?;
        if let Some(indexes) = &request.local_secondary_indexes {
            let scope = IndexScope::Local;
            if indexes.is_empty() {
                return Err(SchemaFault::IndexListEmpty { scope }.into());
            }
            if schema.key().sort().is_empty() {
                return Err(SchemaFault::LocalIndexWithoutTableSortKey.into());
            }
            for index in indexes {
                schema.add_local_index(local_index(index, definitions)?)?;
            }
        }
        let mut index_throughputs = Vec::new();
        if let Some(indexes) = request.global_secondary_indexes {
            let scope = IndexScope::Global;
            if indexes.is_empty() {
                return Err(SchemaFault::IndexListEmpty { scope }.into());
            }
            for index in indexes {
                check_index_billing(billing_mode, &index.index_name, index.provisioned_throughput)?;
                schema.add_global_index(global_index(&index, definitions)?)?;
                index_throughputs.push((index.provisioned_throughput, index.on_demand_throughput));
            }
        }
        schema.check_whole()?;
        check_all_used(definitions, &schema)?;
        let stream = new_stream(request.stream_specification)?;
        let on_demand = billing_mode == BillingMode::PayPerRequest;
        let settings = TableSettings {
            billing_mode,
            last_on_demand_millis: on_demand.then_some(now_millis),
            throughput: ThroughputState::new(request.provisioned_throughput),
            on_demand_throughput: request.on_demand_throughput,
            table_class: request.table_class,
            table_class_changed_at_millis: None,
            deletion_protection: request.deletion_protection_enabled.unwrap_or(false),
            sse: request.sse_specification,
            stream: StreamState::default(),
            time_to_live: TimeToLiveState::default(),
            tags: tags::parse(request.tags)?,
            point_in_time_recovery: None,
            resource_policy: None,
        };
        Ok(Self { schema, settings, index_throughputs, stream })
    }

    /// How many keyspaces it needs: for itself, for each index, and for its stream.
    pub(in crate::dynamo) fn keyspace_count(&self) -> usize {
        let indexes = self.schema.local_indexes().len() + self.schema.global_indexes().len();
        1 + indexes + usize::from(self.stream.is_some())
    }
}

impl CreateTableRequest {
    /// The members that break their constraints, each by itself: for whoever finds by himself what is wrong with others,
    /// and tells all together. None if the table's long name is none, which is told alone.
    pub fn member_faults(&self) -> Vec<MemberFault> {
        let name = arn::table_name(&self.table_name);
        name.map_or_else(|_| Vec::new(), |name| members(self, name).into_faults())
    }
}

fn members(request: &CreateTableRequest, table_name: &str) -> Members {
    let mut members = Members::default();
    definitions_members(&mut members, &request.attribute_definitions);
    members.resource_name("tableName", table_name);
    members.key("keySchema", &request.key_schema, 2);
    for (index, position) in request.local_secondary_indexes.iter().flatten().zip(1..) {
        members.index(&format!("localSecondaryIndexes.{position}.member"), index, 2);
    }
    for (index, position) in request.global_secondary_indexes.iter().flatten().zip(1..) {
        let member = format!("globalSecondaryIndexes.{position}.member");
        members.index(&member, index, GLOBAL_KEY_ELEMENTS_MAX);
    }
    members.throughput("provisionedThroughput", request.provisioned_throughput);
    members
}

/// Most elements of a global index's key: as many of each role as are allowed.
pub(super) const GLOBAL_KEY_ELEMENTS_MAX: usize = 2 * limits::INDEX_KEY_ATTRIBUTES_MAX;

/// The names of attributes that are defined.
pub(super) fn definitions_members(members: &mut Members, definitions: &[AttributeDefinition]) {
    for (definition, position) in definitions.iter().zip(1..) {
        let member = format!("attributeDefinitions.{position}.member.attributeName");
        members.attribute_name(&member, &definition.attribute_name);
    }
}

/// Refuses a throughput that does not fit how the table is billed.
pub(super) fn check_billing(
    mode: BillingMode,
    throughput: Option<ProvisionedThroughput>,
) -> Result<(), Fault> {
    match (mode, throughput) {
        (BillingMode::Provisioned, None) => Err(TableFault::ThroughputMissing.into()),
        (BillingMode::PayPerRequest, Some(_)) => Err(TableFault::ThroughputOnDemand.into()),
        (_, throughput) => check_bounds(throughput),
    }
}

/// Refuses an index's throughput that does not fit how the table is billed.
pub(super) fn check_index_billing(
    mode: BillingMode,
    index: &str,
    throughput: Option<ProvisionedThroughput>,
) -> Result<(), Fault> {
    let index = || index.to_owned();
    match (mode, throughput) {
        (BillingMode::Provisioned, None) => Err(TableFault::IndexThroughputMissing { index: index() }.into()),
        (BillingMode::PayPerRequest, Some(_)) => {
            Err(TableFault::IndexThroughputOnDemand { index: index() }.into())
        }
        (_, throughput) => check_bounds(throughput),
    }
}

fn check_bounds(throughput: Option<ProvisionedThroughput>) -> Result<(), Fault> {
    let Some(throughput) = throughput else { return Ok(()) };
    for (units, value) in [
        ("ReadCapacityUnits", throughput.read_capacity_units),
        ("WriteCapacityUnits", throughput.write_capacity_units),
    ] {
        if value > limits::CAPACITY_UNITS_MAX {
            return Err(TableFault::ThroughputOutOfBounds { units, value }.into());
        }
    }
    Ok(())
}

fn table_schema(name: String, request: &CreateTableRequest) -> Result<TableSchema, Fault> {
    let definitions = &request.attribute_definitions;
    let mut seen = BTreeSet::new();
    for AttributeDefinition { attribute_name, .. } in definitions {
        if !seen.insert(attribute_name) {
            return Err(SchemaFault::AttributeDuplicated { attribute: attribute_name.clone() }.into());
        }
    }
    let has_sort_key = request.key_schema.len() > 1;
    let elements = typed(&request.key_schema, definitions).map_err(|fault| match fault {
        SchemaFault::IndexKeyUndefined { .. } if has_sort_key => SchemaFault::KeyUndefined,
        other => other,
    })?;
    let key = KeySchema::single(&elements)?;
    let has_indexes = request.local_secondary_indexes.is_some() || request.global_secondary_indexes.is_some();
    if !has_indexes && definitions.len() != request.key_schema.len() {
        return Err(SchemaFault::DefinitionCount.into());
    }
    Ok(TableSchema::new(name, key))
}

/// The elements of a key with their types.
fn typed(
    key: &[KeySchemaElement],
    definitions: &[AttributeDefinition],
) -> Result<Vec<(KeyRole, KeyAttribute)>, SchemaFault> {
    let typed = key.iter().map(|element| {
        let name = &element.attribute_name;
        let definition = definitions.iter().find(|definition| definition.attribute_name == *name)?;
        Some((element.key_type, KeyAttribute { name: name.clone(), key_type: definition.attribute_type }))
    });
    typed.collect::<Option<_>>().ok_or_else(|| SchemaFault::IndexKeyUndefined {
        keys: key.iter().map(|element| element.attribute_name.clone()).collect(),
        definitions: names(definitions),
    })
}

fn names(definitions: &[AttributeDefinition]) -> Vec<String> {
    definitions.iter().map(|definition| definition.attribute_name.clone()).collect()
}

fn local_index(index: &IndexRequest, definitions: &[AttributeDefinition]) -> Result<LocalIndex, SchemaFault> {
    let key = KeySchema::single(&typed(&index.key_schema, definitions)?)?;
    LocalIndex::new(index.index_name.clone(), key, projection(&index.projection)?)
}

/// The global index that is asked for.
pub(super) fn global_index(
    index: &IndexRequest,
    definitions: &[AttributeDefinition],
) -> Result<GlobalIndex, SchemaFault> {
    let elements = typed(&index.key_schema, definitions)?;
    let key = KeySchema::composite(&index.index_name, &elements)?;
    GlobalIndex::new(index.index_name.clone(), key, projection(&index.projection)?)
}

fn projection(request: &ProjectionRequest) -> Result<Projection, SchemaFault> {
    let names = &request.non_key_attributes;
    match request.projection_type.ok_or(SchemaFault::ProjectionUnknown)? {
        ProjectionType::Include => Ok(Projection::Include(names.clone().unwrap_or_default())),
        other if names.is_some() => Err(SchemaFault::ProjectionWithAttributes { projection: other.name() }),
        ProjectionType::All => Ok(Projection::All),
        ProjectionType::KeysOnly => Ok(Projection::KeysOnly),
    }
}

fn check_all_used(definitions: &[AttributeDefinition], schema: &TableSchema) -> Result<(), Fault> {
    let used = schema.key_attributes();
    if definitions.len() == used.len() {
        return Ok(());
    }
    let keys = used.into_iter().map(|attribute| attribute.name.clone()).collect();
    Err(SchemaFault::DefinitionsUnused { definitions: names(definitions), keys }.into())
}

fn new_stream(request: Option<StreamSpecification>) -> Result<Option<StreamViewType>, Fault> {
    match request {
        None | Some(StreamSpecification { stream_enabled: false, stream_view_type: None }) => Ok(None),
        Some(StreamSpecification { stream_enabled: true, stream_view_type: Some(view_type) }) => {
            Ok(Some(view_type))
        }
        Some(StreamSpecification { stream_enabled: true, stream_view_type: None }) => {
            Err(TableFault::StreamWithoutViewType.into())
        }
        Some(StreamSpecification { stream_enabled: false, stream_view_type: Some(_) }) => {
            Err(TableFault::StreamDisabledWithViewType.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::tables::request::Tag;
    use crate::dynamo::tables::settings::StreamViewType;

    fn element(name: &str, key_type: KeyRole) -> KeySchemaElement {
        KeySchemaElement { attribute_name: name.to_owned(), key_type }
    }

    fn key(names: &[&str]) -> Vec<KeySchemaElement> {
        let roles = [KeyRole::Partition, KeyRole::Sort, KeyRole::Sort];
        names.iter().zip(roles).map(|(name, role)| element(name, role)).collect()
    }

    fn define(names: &[&str]) -> Vec<AttributeDefinition> {
        let define = |name: &&str| AttributeDefinition {
            attribute_name: (*name).to_owned(),
            attribute_type: KeyType::String,
        };
        names.iter().map(define).collect()
    }

    fn index(name: &str, names: &[&str]) -> IndexRequest {
        let projection_type = Some(ProjectionType::All);
        let projection = ProjectionRequest { projection_type, non_key_attributes: None };
        IndexRequest { index_name: name.to_owned(), key_schema: key(names), projection, ..Default::default() }
    }

    /// A table with a sort key, on demand, whose definitions are those of `names`.
    fn table(names: &[&str]) -> CreateTableRequest {
        CreateTableRequest {
            table_name: "Music".to_owned(),
            key_schema: key(&["pk", "sk"]),
            attribute_definitions: define(names),
            billing_mode: Some(BillingMode::PayPerRequest),
            ..CreateTableRequest::default()
        }
    }

    fn with_local(names: &[&str], index: IndexRequest) -> CreateTableRequest {
        CreateTableRequest { local_secondary_indexes: Some(vec![index]), ..table(names) }
    }

    fn with_global(names: &[&str], index: IndexRequest) -> CreateTableRequest {
        CreateTableRequest { global_secondary_indexes: Some(vec![index]), ..table(names) }
    }

    fn units(read_capacity_units: i64, write_capacity_units: i64) -> ProvisionedThroughput {
        ProvisionedThroughput { read_capacity_units, write_capacity_units }
    }

    #[track_caller]
    fn check(request: CreateTableRequest, message: &str) {
        let error = NewTable::of_request(request, 7).expect_err("the request is wrong");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.exception(), "ValidationException");
    }

    #[track_caller]
    fn check_parameter(request: CreateTableRequest, message: &str) {
        check(request, &format!("One or more parameter values were invalid: {message}"));
    }

    #[test]
    fn billing_and_throughput_go_together() {
        let provisioned = |throughput| CreateTableRequest {
            billing_mode: None,
            provisioned_throughput: throughput,
            ..table(&["pk", "sk"])
        };
        check_parameter(
            provisioned(None),
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        );
        check_parameter(
            CreateTableRequest { provisioned_throughput: Some(units(1, 1)), ..table(&["pk", "sk"]) },
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
             PAY_PER_REQUEST",
        );
        check(
            provisioned(Some(units(0, 1))),
            "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to \
             satisfy constraint: Member must have value greater than or equal to 1",
        );
        check(
            provisioned(Some(units(1, 1_000_000_000_001))),
            "Given value 1000000000001 for WriteCapacityUnits is out of bounds",
        );
        let mut of_index = with_global(&["pk", "sk"], index("ByX", &["sk"]));
        of_index.global_secondary_indexes.as_mut().expect("it has one")[0].provisioned_throughput =
            Some(units(1, 1));
        check_parameter(
            of_index.clone(),
            "ProvisionedThroughput should not be specified for index: ByX when BillingMode is PAY_PER_REQUEST",
        );
        let provisioned =
            CreateTableRequest { billing_mode: None, provisioned_throughput: Some(units(1, 1)), ..of_index };
        let table = NewTable::of_request(provisioned.clone(), 7).expect("all is provisioned");
        assert_eq!(table.index_throughputs, [(Some(units(1, 1)), None)]);
        assert_eq!(table.settings.last_on_demand_millis, None);
        let without = Some(vec![index("ByX", &["sk"])]);
        check_parameter(
            CreateTableRequest { global_secondary_indexes: without, ..provisioned },
            "ProvisionedThroughput must be specified for index: ByX",
        );
    }

    #[test]
    fn what_is_defined_is_what_keys_use() {
        check_parameter(
            table(&["pk", "sk", "x"]),
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        );
        check(table(&["pk"]), "Invalid KeySchema: Some index key attribute have no definition");
        check_parameter(
            CreateTableRequest { key_schema: key(&["pk"]), ..table(&["x"]) },
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [pk], \
             AttributeDefinitions: [x]",
        );
        check(table(&["pk", "sk", "sk"]), "Attribute Name is duplicated: sk");
        check_parameter(
            with_global(&["pk", "sk", "x"], index("ByY", &["y"])),
            "Some index key attributes are not defined in AttributeDefinitions. Keys: [y], \
             AttributeDefinitions: [pk, sk, x]",
        );
        check_parameter(
            with_global(&["sk", "pk", "x", "y"], index("ByY", &["y"])),
            "Some AttributeDefinitions are not used. AttributeDefinitions: [sk, pk, x, y], keys used: [pk, sk, y]",
        );
        assert!(NewTable::of_request(with_global(&["x", "sk", "pk"], index("ByX", &["x"])), 7).is_ok());
    }

    #[test]
    fn local_indexes_fit_the_table() {
        let local = |names: &[&str]| with_local(&["pk", "sk", "x"], index("ByX", names));
        assert!(NewTable::of_request(local(&["pk", "x"]), 7).is_ok());
        check_parameter(local(&["pk"]), "Index KeySchema does not have a range key for index: ByX");
        check_parameter(
            local(&["x", "pk"]),
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: ByX. index \
             hash key: x, table hash key: pk",
        );
        check_parameter(
            CreateTableRequest { key_schema: key(&["pk"]), ..local(&["pk", "x"]) },
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        );
        check(
            local(&["pk", "pk"]),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        );
        let twice = CreateTableRequest {
            global_secondary_indexes: Some(vec![index("ByX", &["x"])]),
            ..local(&["pk", "x"])
        };
        check_parameter(twice, "Duplicate index name: ByX");
        let many = (0..6).map(|number| index(&format!("By{number}"), &["pk", "x"])).collect();
        check_parameter(
            CreateTableRequest { local_secondary_indexes: Some(many), ..local(&["pk", "x"]) },
            "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
        );
    }

    #[test]
    fn a_list_of_indexes_is_absent_or_has_some() {
        check_parameter(
            CreateTableRequest { local_secondary_indexes: Some(Vec::new()), ..table(&["pk", "sk"]) },
            "List of LocalSecondaryIndexes is empty",
        );
        check_parameter(
            CreateTableRequest { global_secondary_indexes: Some(Vec::new()), ..table(&["pk", "sk"]) },
            "List of GlobalSecondaryIndexes is empty",
        );
    }

    #[test]
    fn a_projection_says_its_type_and_names_attributes_if_it_includes_them() {
        let projected = |projection_type, names: Option<&[&str]>| {
            let names = names.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let projection = ProjectionRequest { projection_type, non_key_attributes: names };
            with_global(&["pk", "sk"], IndexRequest { projection, ..index("ByX", &["sk"]) })
        };
        check_parameter(projected(None, None), "Unknown ProjectionType: null");
        check_parameter(
            projected(Some(ProjectionType::All), Some(&["a"])),
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        );
        check_parameter(
            projected(Some(ProjectionType::KeysOnly), Some(&["a"])),
            "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
        );
        check_parameter(
            projected(Some(ProjectionType::Include), None),
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        );
        check(
            projected(Some(ProjectionType::Include), Some(&[])),
            "1 validation error detected: Value '[]' at \
             'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed to satisfy constraint: Member \
             must have length greater than or equal to 1",
        );
    }

    #[test]
    fn a_stream_says_what_its_records_hold() {
        let with = |stream_enabled, stream_view_type| CreateTableRequest {
            stream_specification: Some(StreamSpecification { stream_enabled, stream_view_type }),
            ..table(&["pk", "sk"])
        };
        check_parameter(
            with(true, None),
            "Table is being created with a stream enabled, UpdateViewType is required",
        );
        let view_type = Some(StreamViewType::OldImage);
        check_parameter(
            with(false, view_type),
            "Table is being created with a stream disabled, UpdateViewType should not be specified",
        );
        let stream = |request| NewTable::of_request(request, 7).expect("a valid request").stream;
        assert_eq!(stream(with(true, view_type)), view_type);
        assert_eq!(stream(with(false, None)), None);
    }

    #[test]
    fn an_invalid_tag_is_an_invalid_table() {
        let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
        check(
            CreateTableRequest { tags: vec![tag("good"), tag("b*d")], ..table(&["pk", "sk"]) },
            "The Tag Key provided is invalid, Key: b*d",
        );
    }

    #[test]
    fn a_schema_as_a_request_makes_the_same_schema() {
        let request = with_local(&["pk", "sk", "x"], index("ByX", &["pk", "x"]));
        let request = CreateTableRequest {
            global_secondary_indexes: Some(vec![index("ByAll", &["x", "sk", "pk"])]),
            ..request
        };
        let table = NewTable::of_request(request, 7).expect("a valid request");
        assert_eq!(table.schema.global_indexes()[0].key().sort().len(), 2);
        let again = NewTable::of_request(table.schema.clone().into(), 7).expect("it was valid");
        assert_eq!(again, table);
    }
}
