//! The members of requests on tables, as they stand in JSON: what has a name is still text.

use super::choices;
use super::members::Members;
use super::reader::{Reader, Result};
use pixii::dynamo::limits;
use pixii::{
    AttributeDefinition, GlobalIndexUpdate, IndexRequest, IndexThroughputUpdate, KeyRole, KeySchemaElement,
    KeyType, OnDemandThroughput, ProjectionRequest, ProvisionedThroughput, SseSpecification,
    StreamSpecification, Tag,
};

/// Most attributes that the keys of a table and its indexes can have.
const DEFINITIONS_MAX: usize =
    2 * (1 + limits::LOCAL_INDEXES_MAX + limits::INDEX_KEY_ATTRIBUTES_MAX * limits::GLOBAL_INDEXES_MAX);

/// Most attributes of a key: so many for the partition, and as many for the order in it.
const KEY_MAX: usize = 2 * limits::INDEX_KEY_ATTRIBUTES_MAX;

/// An attribute's name, and a word for what it is.
#[derive(Debug, Default)]
pub(super) struct NamedAttribute {
    name: Option<String>,
    word: Option<String>,
}

fn read_named(reader: &mut Reader<'_>, shape: &str, word: &str) -> Result<NamedAttribute> {
    let mut named = NamedAttribute::default();
    reader.structure(shape, |reader, name| {
        match name {
            "AttributeName" => named.name = reader.owned()?,
            _ if name == word => named.word = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(named)
}

pub(super) fn read_definitions(reader: &mut Reader<'_>) -> Result<Option<Vec<NamedAttribute>>> {
    reader.list_up_to(DEFINITIONS_MAX, |reader| read_named(reader, "AttributeDefinition", "AttributeType"))
}

pub(super) fn read_key(reader: &mut Reader<'_>) -> Result<Option<Vec<NamedAttribute>>> {
    reader.list_up_to(KEY_MAX, |reader| read_named(reader, "KeySchemaElement", "KeyType"))
}

/// The definitions, as far as they are there.
pub(super) fn definitions(
    members: &mut Members,
    definitions: Vec<NamedAttribute>,
) -> Vec<AttributeDefinition> {
    let definition = |(named, position): (NamedAttribute, usize)| {
        let path = format!("attributeDefinitions.{position}.member");
        let name = members.present(&format!("{path}.attributeName"), named.name);
        let attribute_type =
            choices::attribute_type(members, &format!("{path}.attributeType"), named.word.as_deref());
        AttributeDefinition {
            attribute_name: name.unwrap_or_default(),
            attribute_type: attribute_type.unwrap_or(KeyType::String),
        }
    };
    definitions.into_iter().zip(1..).map(definition).collect()
}

/// The elements of a key, as far as they are there.
pub(super) fn key(members: &mut Members, member: &str, key: Vec<NamedAttribute>) -> Vec<KeySchemaElement> {
    let element = |(named, position): (NamedAttribute, usize)| {
        let path = format!("{member}.{position}.member");
        let name = members.present(&format!("{path}.attributeName"), named.name);
        let key_type = choices::key_type(members, &format!("{path}.keyType"), named.word.as_deref());
        KeySchemaElement {
            attribute_name: name.unwrap_or_default(),
            key_type: key_type.unwrap_or(KeyRole::Partition),
        }
    };
    key.into_iter().zip(1..).map(element).collect()
}

/// Two numbers of units, by any names.
#[derive(Debug, Default)]
pub(super) struct UnitPair {
    read: Option<i64>,
    write: Option<i64>,
}

fn read_units(reader: &mut Reader<'_>, shape: &str, (read, write): (&str, &str)) -> Result<Option<UnitPair>> {
    let mut pair = UnitPair::default();
    let is_there = reader.structure(shape, |reader, name| {
        match name {
            _ if name == read => pair.read = reader.long()?,
            _ if name == write => pair.write = reader.long()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(is_there.then_some(pair))
}

pub(super) fn read_provisioned(reader: &mut Reader<'_>) -> Result<Option<UnitPair>> {
    read_units(reader, "ProvisionedThroughput", ("ReadCapacityUnits", "WriteCapacityUnits"))
}

pub(super) fn read_on_demand(reader: &mut Reader<'_>) -> Result<Option<OnDemandThroughput>> {
    let pair = read_units(reader, "OnDemandThroughput", ("MaxReadRequestUnits", "MaxWriteRequestUnits"))?;
    Ok(pair.map(|UnitPair { read, write }| OnDemandThroughput {
        max_read_request_units: read,
        max_write_request_units: write,
    }))
}

pub(super) fn provisioned(
    members: &mut Members,
    member: &str,
    units: Option<UnitPair>,
) -> Option<ProvisionedThroughput> {
    let units = units?;
    let mut present =
        |name: &str, units: Option<i64>| members.present(&format!("{member}.{name}"), units).unwrap_or(1);
    Some(ProvisionedThroughput {
        read_capacity_units: present("readCapacityUnits", units.read),
        write_capacity_units: present("writeCapacityUnits", units.write),
    })
}

/// An index that is to be made.
#[derive(Debug, Default)]
pub(super) struct IndexMembers {
    name: Option<String>,
    key: Option<Vec<NamedAttribute>>,
    projection: Option<(Option<String>, Option<Vec<String>>)>,
    provisioned: Option<UnitPair>,
    on_demand: Option<OnDemandThroughput>,
}

impl IndexMembers {
    pub(super) fn read(reader: &mut Reader<'_>, shape: &str) -> Result<Option<Self>> {
        let mut index = Self::default();
        let is_there = reader.structure(shape, |reader, name| {
            match name {
                "IndexName" => index.name = reader.owned()?,
                "KeySchema" => index.key = read_key(reader)?,
                "Projection" => {
                    let mut projection = (None, None);
                    let is_there = reader.structure("Projection", |reader, name| {
                        match name {
                            "ProjectionType" => projection.0 = reader.owned()?,
                            "NonKeyAttributes" => {
                                let most = limits::TABLE_PROJECTED_ATTRIBUTES_MAX;
                                let names = reader.list_up_to(most, Reader::owned)?;
                                projection.1 = names.map(|names| names.into_iter().flatten().collect());
                            }
                            _ => reader.skip()?,
                        }
                        Ok(())
                    })?;
                    index.projection = is_there.then_some(projection);
                }
                "ProvisionedThroughput" => index.provisioned = read_provisioned(reader)?,
                "OnDemandThroughput" => index.on_demand = read_on_demand(reader)?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(is_there.then_some(index))
    }

    pub(super) fn finish(self, members: &mut Members, member: &str) -> IndexRequest {
        let name = members.present(&format!("{member}.indexName"), self.name).unwrap_or_default();
        let key_member = format!("{member}.keySchema");
        let elements = members.present(&key_member, self.key).unwrap_or_default();
        let elements = key(members, &key_member, elements);
        let projection = members.present(&format!("{member}.projection"), self.projection);
        let (word, non_key_attributes) = projection.unwrap_or_default();
        let projection_type = choices::projection_type(
            members,
            &format!("{member}.projection.projectionType"),
            word.as_deref(),
        );
        let throughput = format!("{member}.provisionedThroughput");
        IndexRequest {
            index_name: name,
            key_schema: elements,
            projection: ProjectionRequest { projection_type, non_key_attributes },
            provisioned_throughput: provisioned(members, &throughput, self.provisioned),
            on_demand_throughput: self.on_demand,
        }
    }
}

/// An index that is there already.
#[derive(Debug, Default)]
struct NamedIndex {
    name: Option<String>,
}

/// What is to become of a global index.
#[derive(Debug, Default)]
pub(super) struct IndexUpdateMembers {
    create: Option<IndexMembers>,
    update: Option<(Option<String>, Option<UnitPair>, Option<OnDemandThroughput>)>,
    delete: Option<NamedIndex>,
}

impl IndexUpdateMembers {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut change = Self::default();
        reader.structure("GlobalSecondaryIndexUpdate", |reader, name| {
            match name {
                "Create" => {
                    change.create = IndexMembers::read(reader, "CreateGlobalSecondaryIndexAction")?;
                }
                "Update" => {
                    let mut update = (None, None, None);
                    let shape = "UpdateGlobalSecondaryIndexAction";
                    let is_there = reader.structure(shape, |reader, name| {
                        match name {
                            "IndexName" => update.0 = reader.owned()?,
                            "ProvisionedThroughput" => update.1 = read_provisioned(reader)?,
                            "OnDemandThroughput" => update.2 = read_on_demand(reader)?,
                            _ => reader.skip()?,
                        }
                        Ok(())
                    })?;
                    change.update = is_there.then_some(update);
                }
                "Delete" => {
                    let mut index = NamedIndex::default();
                    let is_there =
                        reader.structure("DeleteGlobalSecondaryIndexAction", |reader, name| match name {
                            "IndexName" => {
                                index.name = reader.owned()?;
                                Ok(())
                            }
                            _ => reader.skip(),
                        })?;
                    change.delete = is_there.then_some(index);
                }
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(change)
    }

    pub(super) fn finish(self, members: &mut Members, member: &str) -> GlobalIndexUpdate {
        let create = self.create.map(|create| create.finish(members, &format!("{member}.create")));
        let update = self.update.map(|(name, units, on_demand_throughput)| {
            let path = format!("{member}.update");
            let index_name = members.present(&format!("{path}.indexName"), name).unwrap_or_default();
            let units = provisioned(members, &format!("{path}.provisionedThroughput"), units);
            IndexThroughputUpdate { index_name, provisioned_throughput: units, on_demand_throughput }
        });
        let delete = self.delete.map(|index| {
            members.present(&format!("{member}.delete.indexName"), index.name).unwrap_or_default()
        });
        GlobalIndexUpdate { create, update, delete }
    }
}

/// Whether a table has a stream, and of what.
#[derive(Debug, Default)]
pub(super) struct StreamMembers {
    enabled: Option<bool>,
    view_type: Option<String>,
}

impl StreamMembers {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        let mut stream = Self::default();
        let is_there = reader.structure("StreamSpecification", |reader, name| {
            match name {
                "StreamEnabled" => stream.enabled = reader.boolean()?,
                "StreamViewType" => stream.view_type = reader.owned()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(is_there.then_some(stream))
    }

    pub(super) fn finish(self, members: &mut Members) -> StreamSpecification {
        let enabled = members.present("streamSpecification.streamEnabled", self.enabled);
        StreamSpecification {
            stream_enabled: enabled.unwrap_or_default(),
            stream_view_type: choices::stream_view_type(members, self.view_type.as_deref()),
        }
    }
}

pub(super) fn read_sse(reader: &mut Reader<'_>) -> Result<Option<SseSpecification>> {
    let mut sse = SseSpecification::default();
    let is_there = reader.structure("SSESpecification", |reader, name| {
        match name {
            "Enabled" => sse.enabled = reader.boolean()?.unwrap_or_default(),
            "KMSMasterKeyId" => sse.kms_master_key_id = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(is_there.then_some(sse))
}

/// A tag, as far as it is there.
pub(super) type TagMembers = (Option<String>, Option<String>);

pub(super) fn read_tags(reader: &mut Reader<'_>) -> Result<Option<Vec<TagMembers>>> {
    reader.list_up_to(limits::TAGS_MAX, |reader| {
        let mut tag = (None, None);
        reader.structure("Tag", |reader, name| {
            match name {
                "Key" => tag.0 = reader.owned()?,
                "Value" => tag.1 = reader.owned()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(tag)
    })
}

pub(super) fn tags(members: &mut Members, tags: Vec<TagMembers>) -> Vec<Tag> {
    let tag = |((key, value), position): (TagMembers, usize)| {
        let path = format!("tags.{position}.member");
        Tag {
            key: members.present(&format!("{path}.key"), key).unwrap_or_default(),
            value: members.present(&format!("{path}.value"), value).unwrap_or_default(),
        }
    };
    tags.into_iter().zip(1..).map(tag).collect()
}
