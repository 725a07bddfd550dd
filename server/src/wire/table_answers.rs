//! What is told of tables, as JSON.

use super::choices::table_class_name;
use super::restores::Restoring;
use super::writer::ObjectWriter;
use pixii::{
    AttributeDefinition, BillingMode, IndexDescription, KeyRole, KeySchemaElement, KeyType,
    OnDemandThroughput, ProjectionRequest, ProvisionedThroughputDescription, SseSpecification,
    TableDescription, WarmThroughput,
};

/// `TableDescription`.
pub(super) fn write_table(table: &TableDescription, object: &mut ObjectWriter<'_>) {
    if !table.attribute_definitions.is_empty() {
        object.objects("AttributeDefinitions", &table.attribute_definitions, write_definition);
    }
    if let Some(summary) = &table.billing_mode_summary {
        object.object("BillingModeSummary", |object| {
            object.string("BillingMode", billing_mode_name(summary.billing_mode));
            object.maybe_moment("LastUpdateToPayPerRequestDateTime", summary.last_on_demand_millis);
        });
    }
    object.maybe_moment("CreationDateTime", table.created_at_millis);
    object.plain("DeletionProtectionEnabled", table.deletion_protection_enabled);
    write_indexes("GlobalSecondaryIndexes", &table.global_secondary_indexes, object);
    object.plain("ItemCount", table.item_count);
    write_key(&table.key_schema, object);
    object.maybe_string("LatestStreamArn", table.latest_stream_arn.as_deref());
    object.maybe_string("LatestStreamLabel", table.latest_stream_label.as_deref());
    write_indexes("LocalSecondaryIndexes", &table.local_secondary_indexes, object);
    write_on_demand(table.on_demand_throughput, object);
    object.object("ProvisionedThroughput", |object| write_provisioned(&table.provisioned_throughput, object));
    write_sse(table.sse.as_ref(), object);
    if let Some(stream) = &table.stream_specification {
        object.object("StreamSpecification", |object| {
            object.plain("StreamEnabled", stream.stream_enabled);
            object.maybe_string("StreamViewType", stream.stream_view_type.map(pixii::StreamViewType::name));
        });
    }
    object.string("TableArn", &table.table_arn);
    if let Some(summary) = &table.table_class_summary {
        object.object("TableClassSummary", |object| {
            object.string("TableClass", table_class_name(summary.table_class));
            object.maybe_moment("LastUpdateDateTime", summary.changed_at_millis);
        });
    }
    // A table that is being restored gets its identity when it is there.
    object.maybe_string("TableId", Some(table.table_id.as_str()).filter(|id| !id.is_empty()));
    object.string("TableName", &table.table_name);
    object.plain("TableSizeBytes", table.table_size_bytes);
    object.string("TableStatus", table.table_status.name());
    write_warm(table.warm_throughput, object);
}

/// `TableDescription` of a table that is being restored.
pub(super) fn write_restoring(restoring: &Restoring, object: &mut ObjectWriter<'_>) {
    write_table(&restoring.table, object);
    let summary = &restoring.summary;
    object.object("RestoreSummary", |object| {
        object.moment("RestoreDateTime", summary.restored_to_millis);
        object.plain("RestoreInProgress", true);
        object.maybe_string("SourceBackupArn", summary.backup_arn.as_deref());
        object.string("SourceTableArn", &summary.table_arn);
    });
}

/// `SSEDescription`, if a key was asked for.
pub(super) fn write_sse(sse: Option<&SseSpecification>, object: &mut ObjectWriter<'_>) {
    if let Some(sse) = sse {
        object.object("SSEDescription", |object| {
            object.string("Status", "ENABLED");
            object.string("SSEType", "KMS");
            object.maybe_string("KMSMasterKeyArn", sse.kms_master_key_id.as_deref());
        });
    }
}

/// An index of a table that a backup was made of.
pub(super) fn write_index_of_backup(index: &IndexDescription, object: &mut ObjectWriter<'_>) {
    object.string("IndexName", &index.index_name);
    write_key(&index.key_schema, object);
    write_on_demand(index.on_demand_throughput, object);
    object.object("Projection", |object| write_projection(&index.projection, object));
    if let Some(throughput) = &index.provisioned_throughput {
        object.object("ProvisionedThroughput", |object| {
            object.plain("ReadCapacityUnits", throughput.read_capacity_units);
            object.plain("WriteCapacityUnits", throughput.write_capacity_units);
        });
    }
}

fn write_definition(definition: &AttributeDefinition, object: &mut ObjectWriter<'_>) {
    object.string("AttributeName", &definition.attribute_name);
    object.string(
        "AttributeType",
        match definition.attribute_type {
            KeyType::String => "S",
            KeyType::Number => "N",
            KeyType::Binary => "B",
        },
    );
}

/// `KeySchema`, unless there is none.
pub(super) fn write_key(key: &[KeySchemaElement], object: &mut ObjectWriter<'_>) {
    if !key.is_empty() {
        object.objects("KeySchema", key, |element, object| {
            object.string("AttributeName", &element.attribute_name);
            object.string(
                "KeyType",
                match element.key_type {
                    KeyRole::Partition => "HASH",
                    KeyRole::Sort => "RANGE",
                },
            );
        });
    }
}

fn write_indexes(name: &str, indexes: &[IndexDescription], object: &mut ObjectWriter<'_>) {
    if !indexes.is_empty() {
        object.objects(name, indexes, write_index);
    }
}

fn write_index(index: &IndexDescription, object: &mut ObjectWriter<'_>) {
    object.maybe_plain("Backfilling", index.backfilling);
    object.string("IndexArn", &index.index_arn);
    object.string("IndexName", &index.index_name);
    object.plain("IndexSizeBytes", index.index_size_bytes);
    object.maybe_string("IndexStatus", index.index_status.map(pixii::ResourceStatus::name));
    object.plain("ItemCount", index.item_count);
    write_key(&index.key_schema, object);
    write_on_demand(index.on_demand_throughput, object);
    object.object("Projection", |object| write_projection(&index.projection, object));
    if let Some(throughput) = &index.provisioned_throughput {
        object.object("ProvisionedThroughput", |object| write_provisioned(throughput, object));
    }
    write_warm(index.warm_throughput, object);
}

fn write_projection(projection: &ProjectionRequest, object: &mut ObjectWriter<'_>) {
    if let Some(names) = &projection.non_key_attributes {
        object.array("NonKeyAttributes", names, |name, buffer| crate::json::text::write_string(name, buffer));
    }
    object.maybe_string("ProjectionType", projection.projection_type.map(pixii::ProjectionType::name));
}

fn write_provisioned(throughput: &ProvisionedThroughputDescription, object: &mut ObjectWriter<'_>) {
    object.maybe_moment("LastDecreaseDateTime", throughput.last_decrease_millis);
    object.maybe_moment("LastIncreaseDateTime", throughput.last_increase_millis);
    object.plain("NumberOfDecreasesToday", throughput.number_of_decreases_today);
    object.plain("ReadCapacityUnits", throughput.read_capacity_units);
    object.plain("WriteCapacityUnits", throughput.write_capacity_units);
}

pub(super) fn write_on_demand(throughput: Option<OnDemandThroughput>, object: &mut ObjectWriter<'_>) {
    if let Some(throughput) = throughput {
        object.object("OnDemandThroughput", |object| {
            object.maybe_plain("MaxReadRequestUnits", throughput.max_read_request_units);
            object.maybe_plain("MaxWriteRequestUnits", throughput.max_write_request_units);
        });
    }
}

fn write_warm(throughput: Option<WarmThroughput>, object: &mut ObjectWriter<'_>) {
    if let Some(throughput) = throughput {
        object.object("WarmThroughput", |object| {
            object.plain("ReadUnitsPerSecond", throughput.read_units);
            object.string("Status", "ACTIVE");
            object.plain("WriteUnitsPerSecond", throughput.write_units);
        });
    }
}

/// As DynamoDB writes it.
fn billing_mode_name(mode: BillingMode) -> &'static str {
    match mode {
        BillingMode::Provisioned => "PROVISIONED",
        BillingMode::PayPerRequest => "PAY_PER_REQUEST",
    }
}
