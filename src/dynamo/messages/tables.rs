//! The words of what is wrong with schemas, settings, tags and whatever else is asked of a table.

use crate::dynamo::fault::{IndexScope, KeyRole, SchemaFault};
use crate::dynamo::limits;
use crate::dynamo::table_fault::TableFault;
use std::fmt::{self, Formatter};

/// The prefix of most faults that are found by looking at the schema.
pub(super) const PARAMETER: &str = "One or more parameter values were invalid: ";

/// What DynamoDB says of a definition that does not fit together.
pub(super) fn write_schema(f: &mut Formatter<'_>, fault: &SchemaFault) -> fmt::Result {
    match fault {
        SchemaFault::FirstKeyNotPartition => {
            f.write_str("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        }
        SchemaFault::SecondKeyNotSort => {
            f.write_str("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        }
        SchemaFault::SameKeyAttribute => {
            f.write_str("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        // The words are our own: DynamoDB documents the rule and not the words.
        SchemaFault::PartitionBehindSort { index } => write!(
            f,
            "Invalid KeySchema: HASH key elements must come before RANGE key elements for index: {index}"
        ),
        // The words are our own as well.
        SchemaFault::TooManyKeyAttributes { index, role } => write!(
            f,
            "{PARAMETER}Number of {} key attributes exceeds the per-index limit of {} for index: {index}",
            match role {
                KeyRole::Partition => "HASH",
                KeyRole::Sort => "RANGE",
            },
            limits::INDEX_KEY_ATTRIBUTES_MAX
        ),
        SchemaFault::KeyUndefined => {
            f.write_str("Invalid KeySchema: Some index key attribute have no definition")
        }
        SchemaFault::IndexKeyUndefined { keys, definitions } => write!(
            f,
            "{PARAMETER}Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], \
             AttributeDefinitions: [{}]",
            keys.join(", "),
            definitions.join(", ")
        ),
        SchemaFault::DefinitionCount => write!(
            f,
            "{PARAMETER}Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions"
        ),
        SchemaFault::DefinitionsUnused { definitions, keys } => write!(
            f,
            "{PARAMETER}Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
            definitions.join(", "),
            keys.join(", ")
        ),
        SchemaFault::AttributeDuplicated { attribute } => {
            write!(f, "Attribute Name is duplicated: {attribute}")
        }
        SchemaFault::IndexListEmpty { scope: IndexScope::Local } => {
            write!(f, "{PARAMETER}List of LocalSecondaryIndexes is empty")
        }
        SchemaFault::IndexListEmpty { scope: IndexScope::Global } => {
            write!(f, "{PARAMETER}List of GlobalSecondaryIndexes is empty")
        }
        SchemaFault::LocalIndexWithoutTableSortKey => write!(
            f,
            "{PARAMETER}Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        ),
        SchemaFault::LocalIndexWithoutSortKey { index } => {
            write!(f, "{PARAMETER}Index KeySchema does not have a range key for index: {index}")
        }
        SchemaFault::LocalIndexPartition { index, index_key, table_key } => write!(
            f,
            "{PARAMETER}Index KeySchema does not have the same leading hash key as table KeySchema for index: {index}. index \
             hash key: {index_key}, table hash key: {table_key}"
        ),
        SchemaFault::TooManyLocalIndexes => write!(
            f,
            "{PARAMETER}Number of LocalSecondaryIndexes exceeds per-table limit of {}",
            limits::LOCAL_INDEXES_MAX
        ),
        SchemaFault::IndexDuplicated { index } => write!(f, "{PARAMETER}Duplicate index name: {index}"),
        SchemaFault::TooManyGlobalIndexes => write!(
            f,
            "{PARAMETER}GlobalSecondaryIndex count exceeds the per-table limit of {}",
            limits::GLOBAL_INDEXES_MAX
        ),
        SchemaFault::ProjectionUnknown => write!(f, "{PARAMETER}Unknown ProjectionType: null"),
        SchemaFault::ProjectionWithAttributes { projection } => {
            write!(f, "{PARAMETER}ProjectionType is {projection}, but NonKeyAttributes is specified")
        }
        SchemaFault::IncludeWithoutAttributes => {
            write!(f, "{PARAMETER}ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
        }
        // The words are our own: DynamoDB documents the limit and not the words.
        SchemaFault::TooManyProjectedAttributes => write!(
            f,
            "{PARAMETER}NonKeyAttributes count over all indexes exceeds the per-table limit of {}",
            limits::TABLE_PROJECTED_ATTRIBUTES_MAX
        ),
    }
}

/// What DynamoDB says of a request that does not fit the table, or settings that do not fit together.
#[expect(clippy::too_many_lines, reason = "a table with a row for each fault")]
pub(super) fn write_table(f: &mut Formatter<'_>, fault: &TableFault) -> fmt::Result {
    match fault {
        TableFault::ThroughputMissing => write!(
            f,
            "{PARAMETER}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
             PROVISIONED"
        ),
        TableFault::ThroughputOnDemand => write!(
            f,
            "{PARAMETER}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
             PAY_PER_REQUEST"
        ),
        TableFault::IndexThroughputMissing { index } => {
            write!(f, "{PARAMETER}ProvisionedThroughput must be specified for index: {index}")
        }
        TableFault::IndexThroughputOnDemand { index } => write!(
            f,
            "{PARAMETER}ProvisionedThroughput should not be specified for index: {index} when BillingMode is \
             PAY_PER_REQUEST"
        ),
        TableFault::ThroughputOutOfBounds { units, value } => {
            write!(f, "Given value {value} for {units} is out of bounds")
        }
        TableFault::ThroughputUnchanged { index, read_capacity_units, write_capacity_units } => {
            let (whose, of) = match index {
                None => ("table".to_owned(), "table"),
                Some(index) => (format!("index {index}"), "index"),
            };
            write!(
                f,
                "The provisioned throughput for the {whose} will not change. The requested value equals the current \
                 value. Current ReadCapacityUnits provisioned for the {of}: {read_capacity_units}. Requested \
                 ReadCapacityUnits: {read_capacity_units}. Current WriteCapacityUnits provisioned for the {of}: \
                 {write_capacity_units}. Requested WriteCapacityUnits: {write_capacity_units}. Refer to the Amazon \
                 DynamoDB Developer Guide for current limits and how to request higher limits."
            )
        }
        TableFault::StreamWithoutViewType => {
            write!(f, "{PARAMETER}Table is being created with a stream enabled, UpdateViewType is required")
        }
        TableFault::StreamDisabledWithViewType => write!(
            f,
            "{PARAMETER}Table is being created with a stream disabled, UpdateViewType should not be specified"
        ),
        TableFault::StreamEnabledWithoutViewType => {
            write!(f, "{PARAMETER}If stream is being enabled then UpdateViewType is required")
        }
        TableFault::StreamDisablingWithViewType => {
            write!(f, "{PARAMETER}If stream is being disabled, then UpdateViewType must not be specified")
        }
        TableFault::StreamEnabled { table } => {
            write!(f, "Table already has an enabled stream: TableName: {table}")
        }
        TableFault::StreamMissing { table } => {
            write!(f, "Table has no stream to disable: TableName: {table}")
        }
        TableFault::TableInUse { table } => write!(
            f,
            "Attempt to change a resource which is still in use: Table is being updated: {table}"
        ),
        TableFault::TableBeingCreated { table } => write!(
            f,
            "Attempt to change a resource which is still in use: Table is being created: {table}"
        ),
        TableFault::TableBeingDeleted { table } => write!(
            f,
            "Attempt to change a resource which is still in use: Table is being deleted: {table}"
        ),
        TableFault::DeletionProtected => f.write_str(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first.",
        ),
        TableFault::TimeToLiveEnabled => f.write_str("TimeToLive is already enabled"),
        TableFault::TimeToLiveDisabled => f.write_str("TimeToLive is already disabled"),
        TableFault::TimeToLiveAttribute { current } => write!(
            f,
            "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        ),
        TableFault::UpdateEmpty => f.write_str(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, \
             SSESpecification, ReplicaUpdates, DeletionProtectionEnabled, OnDemandThroughput or TableClass is \
             required",
        ),
        TableFault::UpdateNotAlone { change } => {
            write!(f, "{PARAMETER}{change} modification must be the only operation in the request")
        }
        TableFault::IndexWithThroughput => {
            write!(f, "{PARAMETER}You cannot create or delete index while updating table IOPS")
        }
        TableFault::IndexWithStream => {
            write!(f, "{PARAMETER}You cannot create or delete index while changing stream status")
        }
        TableFault::IndexUpdateEmpty => write!(
            f,
            "{PARAMETER}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
             GlobalSecondaryIndexUpdate.Delete must not be null"
        ),
        TableFault::IndexUpdateTwofold => write!(
            f,
            "{PARAMETER}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
        ),
        TableFault::IndexUpdateRepeated { index } => write!(
            f,
            "{PARAMETER}Only one global secondary index update per index is allowed simultaneously. Index: {index}"
        ),
        TableFault::IndexChangesAtOnce => f.write_str(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ),
        TableFault::TooManyIndexes => write!(
            f,
            "Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of {}",
            limits::GLOBAL_INDEXES_MAX
        ),
        TableFault::IndexExists => f.write_str("Attempting to create an index which already exists"),
        TableFault::IndexMissing { index, table } => {
            write!(f, "Requested resource not found: Index {index} for table {table}")
        }
        TableFault::IndexNotGlobal { index } => {
            write!(f, "Cannot delete an index that is not a GlobalSecondaryIndex: {index}")
        }
        TableFault::IndexWithoutDefinitions { index } => {
            write!(f, "{PARAMETER}AttributeDefinitions is not specified for index: {index}")
        }
        TableFault::TagKey { key } => write!(f, "The Tag Key provided is invalid, Key: {key}"),
        TableFault::TagValue { value } => write!(f, "The Tag Value provided is invalid, Value: {value}"),
        TableFault::TagKeyReserved { key } => write!(f, "Tag Key cannot be prefixed with aws:, Key: {key}"),
        TableFault::TagKeyRepeated { key } => {
            write!(f, "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}")
        }
        TableFault::TooManyTags => {
            f.write_str("Number of Tags exceed the current limit for the provided ResourceArn")
        }
        TableFault::TagsMissing => f.write_str("Atleast one Tag needs to be provided as Input."),
        TableFault::TagKeysMissing => f.write_str("Atleast one Tag Key needs to be provided as Input."),
        TableFault::ArnMalformed { arn } => write!(f, "{PARAMETER}ARNs must start with 'arn:': {arn}"),
        TableFault::ArnNotTaggable { arn } => write!(
            f,
            "{PARAMETER}Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
        ),
        // The words are our own: there is one region and one account here.
        TableFault::ArnForeign { arn } => {
            write!(f, "{PARAMETER}The table is of another region or account: {arn}")
        }
        TableFault::ArnNotFound { arn } => {
            write!(f, "Requested resource not found: ResourceArn: {arn} not found")
        }
    }
}
