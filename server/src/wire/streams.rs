//! The four operations on streams.

use super::choices;
use super::members::Members;
use super::reader::Reader;
use super::refusal::Refusal;
use super::service::Service;
use super::table_answers::write_key;
use super::writer::{self, ObjectWriter};
use pixii::dynamo::tables::arn::REGION;
use pixii::{
    DescribeStreamRequest, GetRecordsRequest, GetShardIteratorRequest, ListStreamsRequest, Operation, Shard,
    ShardFilter, ShardFilterType, ShardIteratorType, StreamRecord,
};

fn length(limit: Option<i32>) -> Option<usize> {
    limit.and_then(|limit| usize::try_from(limit).ok())
}

/// Answers `ListStreams`.
pub(crate) fn list(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut table_name, mut limit, mut start) = (None, None, None);
    reader.structure("ListStreamsInput", |reader, member| {
        match member {
            "TableName" => table_name = reader.owned()?,
            "Limit" => limit = reader.integer()?,
            "ExclusiveStartStreamArn" => start = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    members.resource_name("tableName", table_name.as_deref());
    members.range("limit", limit.map(i64::from), 1, 100);
    members.finish(Operation::ListStreams)?;
    let request = ListStreamsRequest { table_name, limit: length(limit), exclusive_start_stream_arn: start };
    let output = service.database.list_streams(&request)?;
    Ok(writer::body(|body| {
        body.maybe_string("LastEvaluatedStreamArn", output.last_evaluated_stream_arn.as_deref());
        body.objects("Streams", &output.streams, |stream, object| {
            object.string("StreamArn", &stream.stream_arn);
            object.string("StreamLabel", &stream.stream_label);
            object.string("TableName", &stream.table_name);
        });
    }))
}

/// Answers `DescribeStream`.
pub(crate) fn describe(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut arn, mut limit, mut start, mut filter) = (None, None, None, None);
    reader.structure("DescribeStreamInput", |reader, member| {
        match member {
            "StreamArn" => arn = reader.owned()?,
            "Limit" => limit = reader.integer()?,
            "ExclusiveStartShardId" => start = reader.owned()?,
            "ShardFilter" => {
                let mut members = (None, None);
                let is_there = reader.structure("ShardFilter", |reader, member| {
                    match member {
                        "Type" => members.0 = reader.owned()?,
                        "ShardId" => members.1 = reader.owned()?,
                        _ => reader.skip()?,
                    }
                    Ok(())
                })?;
                filter = is_there.then_some(members);
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let stream_arn = members.present("streamArn", arn).unwrap_or_default();
    members.range("limit", limit.map(i64::from), 1, 100);
    let shard_filter = filter.map(|(filter_type, shard_id): (Option<String>, _)| {
        let choices = [("CHILD_SHARDS", ShardFilterType::ChildShards)];
        let text = filter_type.as_deref();
        let filter_type = members.choice("shardFilter.type", text, &choices, "[CHILD_SHARDS]");
        ShardFilter { filter_type, shard_id }
    });
    members.finish(Operation::DescribeStream)?;
    let request = DescribeStreamRequest {
        stream_arn,
        limit: length(limit),
        exclusive_start_shard_id: start,
        shard_filter,
    };
    let stream = service.database.describe_stream(&request)?;
    Ok(writer::body(|body| {
        body.object("StreamDescription", |object| {
            object.moment("CreationRequestDateTime", stream.creation_request_millis);
            write_key(&stream.key_schema, object);
            object.maybe_string("LastEvaluatedShardId", stream.last_evaluated_shard_id.as_deref());
            object.objects("Shards", &stream.shards, write_shard);
            object.string("StreamArn", &stream.stream_arn);
            object.string("StreamLabel", &stream.stream_label);
            object.string("StreamStatus", &stream.stream_status.to_string());
            object.string("StreamViewType", stream.stream_view_type.name());
            object.string("TableName", &stream.table_name);
        });
    }))
}

fn write_shard(shard: &Shard, object: &mut ObjectWriter<'_>) {
    object.maybe_string("ParentShardId", shard.parent_shard_id.as_deref());
    object.object("SequenceNumberRange", |object| {
        let ending = shard.ending_sequence_number.map(|number| number.to_string());
        object.maybe_string("EndingSequenceNumber", ending.as_deref());
        object.string("StartingSequenceNumber", &shard.starting_sequence_number.to_string());
    });
    object.string("ShardId", &shard.shard_id);
}

/// Answers `GetShardIterator`.
pub(crate) fn iterator(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut arn, mut shard, mut iterator_type) = (None, None, None);
    let (mut sequence_number, mut timestamp) = (None, None);
    reader.structure("GetShardIteratorInput", |reader, member| {
        match member {
            "StreamArn" => arn = reader.owned()?,
            "ShardId" => shard = reader.owned()?,
            "ShardIteratorType" => iterator_type = reader.owned()?,
            "SequenceNumber" => sequence_number = reader.owned()?,
            "Timestamp" => timestamp = reader.seconds()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let stream_arn = members.present("streamArn", arn).unwrap_or_default();
    let shard_id = members.present("shardId", shard).unwrap_or_default();
    let shard_iterator_type = choices::shard_iterator_type(&mut members, iterator_type.as_deref())
        .unwrap_or(ShardIteratorType::TrimHorizon);
    members.finish(Operation::GetShardIterator)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates: a moment before 1970 is the first one, one in the far future the last one"
    )]
    let timestamp_millis = timestamp.map(|seconds| (seconds * 1000.0) as u64);
    let request = GetShardIteratorRequest {
        stream_arn,
        shard_id,
        shard_iterator_type,
        sequence_number,
        timestamp_millis,
    };
    let iterator = service.database.get_shard_iterator(&request)?;
    Ok(writer::body(|body| body.string("ShardIterator", &iterator)))
}

/// Answers `GetRecords`.
pub(crate) fn records(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut iterator, mut limit) = (None, None);
    reader.structure("GetRecordsInput", |reader, member| {
        match member {
            "ShardIterator" => iterator = reader.owned()?,
            "Limit" => limit = reader.integer()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let shard_iterator = members.present("shardIterator", iterator).unwrap_or_default();
    members.range("limit", limit.map(i64::from), 1, 1000);
    members.finish(Operation::GetRecords)?;
    let output = service.database.get_records(&GetRecordsRequest { shard_iterator, limit: length(limit) })?;
    Ok(writer::body(|body| {
        body.maybe_string("NextShardIterator", output.next_shard_iterator.as_deref());
        body.objects("Records", &output.records, write_record);
    }))
}

fn write_record(record: &StreamRecord, object: &mut ObjectWriter<'_>) {
    object.string("awsRegion", REGION);
    object.object("dynamodb", |object| {
        object.plain("ApproximateCreationDateTime", record.approximate_creation_millis / 1000);
        object.item("Keys", &record.keys);
        object.maybe_item("NewImage", record.new_image.as_ref());
        object.maybe_item("OldImage", record.old_image.as_ref());
        object.string("SequenceNumber", &record.sequence_number.to_string());
        object.plain("SizeBytes", record.size_bytes);
        object.string("StreamViewType", record.view_type.name());
    });
    object.string("eventID", &record.event_id);
    object.string("eventName", &record.event_name.to_string());
    object.string("eventSource", "aws:dynamodb");
    object.string("eventVersion", "1.1");
    if let Some(identity) = &record.user_identity {
        object.object("userIdentity", |object| {
            object.string("PrincipalId", identity.principal_id);
            object.string("Type", identity.identity_type);
        });
    }
}
