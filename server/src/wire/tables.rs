//! The operations on tables, their expiry and their tags, and what is told of the account.

use super::choices;
use super::items::fault;
use super::members::Members;
use super::reader::Reader;
use super::refusal::Refusal;
use super::service::Service;
use super::table_answers::{write_restoring, write_table};
use super::table_requests::{
    self, IndexMembers, IndexUpdateMembers, StreamMembers, read_definitions, read_key, read_on_demand,
    read_provisioned, read_sse, read_tags,
};
use super::writer;
use crate::json::text::write_string;
use pixii::dynamo::limits::{GLOBAL_INDEXES_MAX, LOCAL_INDEXES_MAX};
use pixii::{
    CreateTableRequest, Fault, LimitsDescription, ListTablesRequest, Operation, TableDescription,
    TimeToLiveDescription, TimeToLiveSpecification, UpdateTableRequest, UpdateTimeToLiveRequest,
};

/// A request that changes more indexes is refused: a table has at most so many, and one more can be made.
const INDEX_UPDATES_MAX: usize = GLOBAL_INDEXES_MAX + 1;

fn describe(name: &str, table: &TableDescription) -> Vec<u8> {
    writer::body(|body| body.object(name, |object| write_table(table, object)))
}

/// Answers `CreateTable`.
pub(crate) fn create(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::CreateTable;
    let (mut name, mut billing, mut class) = (None, None, None);
    let (mut definitions, mut key, mut tags, mut stream) = (None, None, None, None);
    let (mut local, mut global, mut units) = (None, None, None);
    let mut request = CreateTableRequest::default();
    reader.structure("CreateTableInput", |reader, member| {
        match member {
            "TableName" => name = reader.owned()?,
            "AttributeDefinitions" => definitions = read_definitions(reader)?,
            "KeySchema" => key = read_key(reader)?,
            "LocalSecondaryIndexes" => {
                local = reader.list_up_to(LOCAL_INDEXES_MAX, |reader| {
                    IndexMembers::read(reader, "LocalSecondaryIndex")
                })?;
            }
            "GlobalSecondaryIndexes" => {
                global = reader.list_up_to(GLOBAL_INDEXES_MAX, |reader| {
                    IndexMembers::read(reader, "GlobalSecondaryIndex")
                })?;
            }
            "BillingMode" => billing = reader.owned()?,
            "ProvisionedThroughput" => units = read_provisioned(reader)?,
            "OnDemandThroughput" => request.on_demand_throughput = read_on_demand(reader)?,
            "StreamSpecification" => stream = StreamMembers::read(reader)?,
            "SSESpecification" => request.sse_specification = read_sse(reader)?,
            "TableClass" => class = reader.owned()?,
            "DeletionProtectionEnabled" => request.deletion_protection_enabled = reader.boolean()?,
            "Tags" => tags = read_tags(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let Some(name) = name else {
        return Err(fault(OPERATION, Fault::ParameterMissing { parameter: "TableName" }).into());
    };
    let mut members = Members::default();
    let definitions = members.present("attributeDefinitions", definitions).unwrap_or_default();
    request.attribute_definitions = table_requests::definitions(&mut members, definitions);
    request.table_name = name;
    let key = members.present("keySchema", key).unwrap_or_default();
    request.key_schema = table_requests::key(&mut members, "keySchema", key);
    let mut indexes = |indexes: Option<Vec<Option<IndexMembers>>>, member: &str| {
        let indexes = indexes?.into_iter().zip(1..);
        let finish = |(index, position): (Option<IndexMembers>, usize)| {
            index.unwrap_or_default().finish(&mut members, &format!("{member}.{position}.member"))
        };
        Some(indexes.map(finish).collect())
    };
    request.local_secondary_indexes = indexes(local, "localSecondaryIndexes");
    request.global_secondary_indexes = indexes(global, "globalSecondaryIndexes");
    request.billing_mode = choices::billing_mode(&mut members, billing.as_deref());
    request.provisioned_throughput =
        table_requests::provisioned(&mut members, "provisionedThroughput", units);
    request.stream_specification = stream.map(|stream| stream.finish(&mut members));
    request.table_class = choices::table_class(&mut members, class.as_deref());
    request.tags = table_requests::tags(&mut members, tags.unwrap_or_default());
    members.extend(request.member_faults());
    members.finish(OPERATION)?;
    service.transients.check_new(&request.table_name)?;
    let table = service.operations.create_table(request)?;
    service.transients.changed(&table);
    Ok(describe("TableDescription", &table))
}

/// The request of an operation that names a table, and no more.
fn read_table_name(operation: Operation, reader: &mut Reader<'_>) -> Result<String, Refusal> {
    let mut name = None;
    reader.structure("TableInput", |reader, member| match member {
        "TableName" => {
            name = reader.owned()?;
            Ok(())
        }
        _ => reader.skip(),
    })?;
    let mut members = Members::default();
    let name = members.table_name("tableName", name);
    members.finish(operation)?;
    Ok(name)
}

/// Answers `DescribeTable`.
pub(crate) fn describe_table(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let name = read_table_name(Operation::DescribeTable, reader)?;
    match service.transients.describe(&name, || service.database.describe_table(&name)) {
        Ok(table) => Ok(describe("Table", &table)),
        Err(error) => {
            let restoring = service.restores.find(&name, &error).ok_or(error)?;
            Ok(writer::body(|body| body.object("Table", |object| write_restoring(&restoring, object))))
        }
    }
}

/// Answers `DeleteTable`.
pub(crate) fn delete(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let name = read_table_name(Operation::DeleteTable, reader)?;
    service.transients.check_change(Operation::DeleteTable, &name)?;
    let table = service.database.delete_table(&name)?;
    service.transients.changed(&table);
    Ok(describe("TableDescription", &table))
}

/// Answers `UpdateTable`.
pub(crate) fn update(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    const OPERATION: Operation = Operation::UpdateTable;
    let (mut name, mut billing, mut class) = (None, None, None);
    let (mut definitions, mut changes, mut units, mut stream) = (None, None, None, None);
    let mut request = UpdateTableRequest::default();
    reader.structure("UpdateTableInput", |reader, member| {
        match member {
            "TableName" => name = reader.owned()?,
            "AttributeDefinitions" => definitions = read_definitions(reader)?,
            "BillingMode" => billing = reader.owned()?,
            "ProvisionedThroughput" => units = read_provisioned(reader)?,
            "OnDemandThroughput" => request.on_demand_throughput = read_on_demand(reader)?,
            "GlobalSecondaryIndexUpdates" => {
                changes = reader.list_up_to(INDEX_UPDATES_MAX, IndexUpdateMembers::read)?;
            }
            "StreamSpecification" => stream = StreamMembers::read(reader)?,
            "SSESpecification" => request.sse_specification = read_sse(reader)?,
            "TableClass" => class = reader.owned()?,
            "DeletionProtectionEnabled" => request.deletion_protection_enabled = reader.boolean()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    request.attribute_definitions =
        table_requests::definitions(&mut members, definitions.unwrap_or_default());
    request.table_name = members.table_name("tableName", name);
    request.billing_mode = choices::billing_mode(&mut members, billing.as_deref());
    request.provisioned_throughput =
        table_requests::provisioned(&mut members, "provisionedThroughput", units);
    let changes = changes.unwrap_or_default().into_iter().zip(1..);
    let finish = |(change, position): (IndexUpdateMembers, usize)| {
        change.finish(&mut members, &format!("globalSecondaryIndexUpdates.{position}.member"))
    };
    request.global_secondary_index_updates = changes.map(finish).collect();
    request.stream_specification = stream.map(|stream| stream.finish(&mut members));
    request.table_class = choices::table_class(&mut members, class.as_deref());
    if !request.table_name.starts_with("arn:") {
        members.extend(request.member_faults());
    }
    members.finish(OPERATION)?;
    service.transients.check_change(OPERATION, &request.table_name)?;
    let table = service.database.update_table(request)?;
    service.transients.changed(&table);
    Ok(describe("TableDescription", &table))
}

/// Answers `ListTables`.
pub(crate) fn list(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut start, mut limit) = (None, None);
    reader.structure("ListTablesInput", |reader, member| {
        match member {
            "ExclusiveStartTableName" => start = reader.owned()?,
            "Limit" => limit = reader.integer()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    members.resource_name("exclusiveStartTableName", start.as_deref());
    members.range("limit", limit.map(i64::from), 1, 100);
    members.finish(Operation::ListTables)?;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let request = ListTablesRequest { exclusive_start_table_name: start, limit };
    let output = service.database.list_tables(&request)?;
    Ok(writer::body(|body| {
        body.maybe_string("LastEvaluatedTableName", output.last_evaluated_table_name.as_deref());
        body.array("TableNames", &output.table_names, |name, buffer| write_string(name, buffer));
    }))
}

/// Answers `UpdateTimeToLive`.
pub(crate) fn update_time_to_live(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut name, mut specification) = (None, None);
    reader.structure("UpdateTimeToLiveInput", |reader, member| {
        match member {
            "TableName" => name = reader.owned()?,
            "TimeToLiveSpecification" => {
                let mut members = (None, None);
                let is_there = reader.structure("TimeToLiveSpecification", |reader, member| {
                    match member {
                        "AttributeName" => members.0 = reader.owned()?,
                        "Enabled" => members.1 = reader.boolean()?,
                        _ => reader.skip()?,
                    }
                    Ok(())
                })?;
                specification = is_there.then_some(members);
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let table_name = members.table_name("tableName", name);
    let specification = members.present("timeToLiveSpecification", specification);
    let (attribute, enabled) = specification.map_or((None, None), |(attribute, enabled)| {
        (
            members.present("timeToLiveSpecification.attributeName", attribute),
            members.present("timeToLiveSpecification.enabled", enabled),
        )
    });
    members.length("timeToLiveSpecification.attributeName", attribute.as_deref(), 1, 255);
    members.finish(Operation::UpdateTimeToLive)?;
    let specification = TimeToLiveSpecification {
        attribute_name: attribute.unwrap_or_default(),
        enabled: enabled.unwrap_or_default(),
    };
    let request = UpdateTimeToLiveRequest { table_name, time_to_live_specification: specification };
    let specification = service.database.update_time_to_live(request)?;
    Ok(writer::body(|body| {
        body.object("TimeToLiveSpecification", |object| {
            object.string("AttributeName", &specification.attribute_name);
            object.plain("Enabled", specification.enabled);
        });
    }))
}

/// Answers `DescribeTimeToLive`.
pub(crate) fn describe_time_to_live(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let name = read_table_name(Operation::DescribeTimeToLive, reader)?;
    let description = service.database.describe_time_to_live(&name)?;
    Ok(writer::body(|body| {
        body.object("TimeToLiveDescription", |object| match &description {
            TimeToLiveDescription::Disabled => object.string("TimeToLiveStatus", "DISABLED"),
            TimeToLiveDescription::Enabling { attribute_name } => {
                object.string("AttributeName", attribute_name);
                object.string("TimeToLiveStatus", "ENABLING");
            }
            TimeToLiveDescription::Enabled { attribute_name } => {
                object.string("AttributeName", attribute_name);
                object.string("TimeToLiveStatus", "ENABLED");
            }
        });
    }))
}

/// Answers `TagResource`.
pub(crate) fn tag(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut arn, mut tags) = (None, None);
    reader.structure("TagResourceInput", |reader, member| {
        match member {
            "ResourceArn" => arn = reader.owned()?,
            "Tags" => tags = read_tags(reader)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let arn = members.present("resourceArn", arn).unwrap_or_default();
    let tags = members.present("tags", tags).unwrap_or_default();
    let tags = table_requests::tags(&mut members, tags);
    members.finish(Operation::TagResource)?;
    service.database.tag_resource(&arn, tags)?;
    Ok(Vec::new())
}

/// Answers `UntagResource`.
pub(crate) fn untag(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut arn, mut keys) = (None, None);
    reader.structure("UntagResourceInput", |reader, member| {
        match member {
            "ResourceArn" => arn = reader.owned()?,
            "TagKeys" => keys = reader.list(Reader::owned)?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let arn = members.present("resourceArn", arn).unwrap_or_default();
    let keys: Vec<Option<String>> = members.present("tagKeys", keys).unwrap_or_default();
    members.finish(Operation::UntagResource)?;
    let keys: Vec<String> = keys.into_iter().flatten().collect();
    service.database.untag_resource(&arn, &keys)?;
    Ok(Vec::new())
}

/// Answers `ListTagsOfResource`. All tags are in the first page: there are at most 50.
pub(crate) fn list_tags(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let mut arn = None;
    reader.structure("ListTagsOfResourceInput", |reader, member| match member {
        "ResourceArn" => {
            arn = reader.owned()?;
            Ok(())
        }
        _ => reader.skip(),
    })?;
    let mut members = Members::default();
    let arn = members.present("resourceArn", arn).unwrap_or_default();
    members.finish(Operation::ListTagsOfResource)?;
    let tags = service.database.list_tags_of_resource(&arn)?;
    Ok(writer::body(|body| {
        body.objects("Tags", &tags, |tag, object| {
            object.string("Key", &tag.key);
            object.string("Value", &tag.value);
        });
    }))
}

/// Answers `DescribeLimits`.
pub(crate) fn limits(reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    reader.structure("DescribeLimitsInput", |reader, _| reader.skip())?;
    let limits = LimitsDescription::HERE;
    Ok(writer::body(|body| {
        body.plain("AccountMaxReadCapacityUnits", limits.account_max_read_capacity_units);
        body.plain("AccountMaxWriteCapacityUnits", limits.account_max_write_capacity_units);
        body.plain("TableMaxReadCapacityUnits", limits.table_max_read_capacity_units);
        body.plain("TableMaxWriteCapacityUnits", limits.table_max_write_capacity_units);
    }))
}

/// Answers `DescribeEndpoints`: the one that the client has come by.
pub(crate) fn endpoints(host: &str, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    reader.structure("DescribeEndpointsRequest", |reader, _| reader.skip())?;
    Ok(writer::body(|body| {
        body.objects("Endpoints", [host], |host, object| {
            object.string("Address", host);
            object.plain("CachePeriodInMinutes", 1440);
        });
    }))
}
