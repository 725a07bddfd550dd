//! Which streams there are, and what a stream is: `ListStreams` and `DescribeStream`.
//!
//! A stream is one shard here, from its beginning to its end: all records stand in one order, so there is nothing to
//! divide. So no shard has a parent or children.

use super::horizon::Horizon;
use super::read::last;
use super::sequence_number::SequenceNumber;
use crate::dynamo::catalog::Catalog;
use crate::dynamo::error::{Error, Result};
use crate::dynamo::fault::{Constraint, Fault, Operation};
use crate::dynamo::limits;
use crate::dynamo::stream_fault::StreamFault;
use crate::dynamo::tables::arn;
use crate::dynamo::tables::members::Members;
use crate::dynamo::tables::request::{KeySchemaElement, elements};
use crate::dynamo::tables::settings::StreamViewType;
use crate::dynamo::tables::stream::StreamDescriptor;
use crate::engine::store::Engine;
use std::fmt;

/// Asks for a page of the streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListStreamsRequest {
    /// Only streams of this table.
    pub table_name: Option<String>,
    /// At most so many, from 1 to 100.
    pub limit: Option<usize>,
    /// Only streams behind this one.
    pub exclusive_start_stream_arn: Option<String>,
}

/// A page of the streams, by table and then in the order in which they began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListStreamsOutput {
    /// The streams.
    pub streams: Vec<StreamSummary>,
    /// Where the next page starts; none on the last page.
    pub last_evaluated_stream_arn: Option<String>,
}

/// The names of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its long name.
    pub stream_arn: String,
    /// When it began.
    pub stream_label: String,
    /// Its table.
    pub table_name: String,
}

/// Asks what a stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribeStreamRequest {
    /// The stream's long name.
    pub stream_arn: String,
    /// At most so many shards, from 1 to 100.
    pub limit: Option<usize>,
    /// Only shards behind this one.
    pub exclusive_start_shard_id: Option<String>,
    /// Only some shards.
    pub shard_filter: Option<ShardFilter>,
}

/// Which shards are asked for. Both members must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardFilter {
    /// How they relate to the shard.
    pub filter_type: Option<ShardFilterType>,
    /// The shard.
    pub shard_id: Option<String>,
}

/// How shards relate to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShardFilterType {
    /// They go on where it ends.
    ChildShards,
}

/// How a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamStatus {
    /// It takes records.
    Enabled,
    /// It has ended, and can be read for a while.
    Disabled,
}

/// As DynamoDB writes it.
impl fmt::Display for StreamStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
        })
    }
}

/// What a stream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDescription {
    /// Its long name.
    pub stream_arn: String,
    /// When it began, as DynamoDB writes it.
    pub stream_label: String,
    /// How it is.
    pub stream_status: StreamStatus,
    /// What its records hold.
    pub stream_view_type: StreamViewType,
    /// When it began, in milliseconds since 1970.
    pub creation_request_millis: u64,
    /// Its table.
    pub table_name: String,
    /// The key of its table.
    pub key_schema: Vec<KeySchemaElement>,
    /// Its shards, as far as they are asked for.
    pub shards: Vec<Shard>,
    /// Where the next page of shards starts; none on the last page.
    pub last_evaluated_shard_id: Option<String>,
}

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub shard_id: String,
    /// No record of it has a lesser one.
    pub starting_sequence_number: SequenceNumber,
    /// No record of it has a greater one; none as long as it takes records.
    pub ending_sequence_number: Option<SequenceNumber>,
    /// The shard where it goes on.
    pub parent_shard_id: Option<String>,
}

/// The stream of that long name, for `operation`.
pub fn find(catalog: &Catalog, operation: Operation, stream_arn: &str) -> Result<StreamDescriptor> {
    let fault = |fault: StreamFault| Error::new(operation, fault.into());
    let parts = arn::stream_parts(stream_arn);
    let (table, label) =
        parts.ok_or_else(|| fault(StreamFault::ArnInvalid { arn: stream_arn.to_owned() }))?;
    let missing = || fault(StreamFault::StreamNotFound { stream: stream_arn.to_owned() });
    catalog.stream(table, label).ok_or_else(missing)
}

/// The stream of a table, or the last one that it had. The table's name may be the long one.
pub fn latest(catalog: &Catalog, table: &str) -> Result<StreamDescriptor> {
    let fault = |fault: Fault| Error::new(Operation::DescribeStream, fault);
    let table = arn::table_name(table).map_err(fault)?;
    let streams = catalog.streams();
    let latest = streams.into_iter().rfind(|stream| stream.table == table);
    latest.ok_or_else(|| fault(StreamFault::StreamNotFound { stream: table.to_owned() }.into()))
}

/// The name of a stream's only shard.
pub fn shard_id(stream: &StreamDescriptor) -> String {
    format!("shardId-{:020}-{:08x}", stream.began_at_millis, stream.keyspace.0)
}

/// The long name of a stream as a member of a request.
pub(super) fn arn_member(members: &mut Members, member: &str, stream_arn: &str) {
    members.length(member, stream_arn, 37, 1024);
}

/// The name of a shard as a member of a request.
pub(super) fn shard_member(members: &mut Members, member: &str, shard_id: &str) {
    members.length(member, shard_id, 28, 65);
}

/// How many are asked for, as a member of a request.
pub(super) fn limit_member(members: &mut Members, limit: Option<usize>, most: usize) {
    let limit = limit.unwrap_or(most);
    members.check("limit", Constraint::ValueAtLeast(1), limit >= 1, || limit.to_string());
    members.check("limit", Constraint::ValueAtMost(most as u64), limit <= most, || limit.to_string());
}

/// A page of the streams.
pub fn list_streams(catalog: &Catalog, request: &ListStreamsRequest) -> Result<ListStreamsOutput> {
    let fault = |fault: Fault| Error::new(Operation::ListStreams, fault);
    let start = request.exclusive_start_stream_arn.as_deref();
    let table = request.table_name.as_deref().map(arn::table_name).transpose().map_err(fault)?;
    let mut members = Members::default();
    if let Some(start) = start {
        arn_member(&mut members, "exclusiveStartStreamArn", start);
    }
    limit_member(&mut members, request.limit, limits::LIST_STREAMS_MAX);
    if let Some(table) = table {
        members.resource_name("tableName", table);
    }
    members.finish().map_err(fault)?;
    let invalid = |arn: &str| fault(StreamFault::ArnInvalid { arn: arn.to_owned() }.into());
    let start = start.map(|arn| arn::stream_parts(arn).ok_or_else(|| invalid(arn))).transpose()?;
    let streams = catalog.streams().into_iter().filter(|stream| {
        table.is_none_or(|table| stream.table == table)
            && start.is_none_or(|start| (stream.table.as_str(), stream.label().as_str()) > start)
    });
    let mut summaries = streams.map(|stream| StreamSummary {
        stream_arn: stream.arn(),
        stream_label: stream.label(),
        table_name: stream.table,
    });
    let streams: Vec<_> =
        summaries.by_ref().take(request.limit.unwrap_or(limits::LIST_STREAMS_MAX)).collect();
    let last = summaries.next().and_then(|_| streams.last());
    Ok(ListStreamsOutput { last_evaluated_stream_arn: last.map(|last| last.stream_arn.clone()), streams })
}

/// Tells what a stream is.
pub fn describe_stream(
    engine: &Engine,
    catalog: &Catalog,
    request: &DescribeStreamRequest,
) -> Result<StreamDescription> {
    const OPERATION: Operation = Operation::DescribeStream;
    let start = request.exclusive_start_shard_id.as_deref();
    let mut members = Members::default();
    arn_member(&mut members, "streamArn", &request.stream_arn);
    limit_member(&mut members, request.limit, limits::LIST_STREAMS_MAX);
    if let Some(start) = start {
        shard_member(&mut members, "exclusiveStartShardId", start);
    }
    if let Some(filter) = &request.shard_filter {
        let is_typed = filter.filter_type.is_some();
        members.check("shardFilter.type", Constraint::Present, is_typed, String::new);
        match &filter.shard_id {
            Some(shard_id) => shard_member(&mut members, "shardFilter.shardId", shard_id),
            None => members.check("shardFilter.shardId", Constraint::Present, false, String::new),
        }
    }
    members.finish().map_err(|fault| Error::new(OPERATION, fault))?;
    let stream = find(catalog, OPERATION, &request.stream_arn)?;
    let shard = shard(engine, &stream)?;
    let filter = request.shard_filter.as_ref().and_then(|filter| filter.shard_id.as_ref());
    if let Some(shard_id) = filter.filter(|wanted| **wanted != shard.shard_id) {
        let fault = StreamFault::ShardNotFound { shard: shard_id.clone() };
        return Err(Error::new(OPERATION, fault.into()));
    }
    let is_asked_for = filter.is_none() && start.is_none_or(|start| shard.shard_id.as_str() > start);
    Ok(StreamDescription {
        stream_arn: stream.arn(),
        stream_label: stream.label(),
        stream_status: if stream.is_open() { StreamStatus::Enabled } else { StreamStatus::Disabled },
        stream_view_type: stream.view_type,
        creation_request_millis: stream.began_at_millis,
        key_schema: elements(&stream.key),
        table_name: stream.table,
        shards: is_asked_for.then_some(shard).into_iter().collect(),
        last_evaluated_shard_id: None,
    })
}

fn shard(engine: &Engine, stream: &StreamDescriptor) -> Result<Shard> {
    let starting_sequence_number = Horizon::beginning(stream);
    let ending_sequence_number = if stream.is_open() {
        None
    } else {
        let trimmed = Horizon::load(engine, stream, None)?.trimmed;
        Some(last(engine, stream)?.or(trimmed).unwrap_or(starting_sequence_number))
    };
    Ok(Shard {
        shard_id: shard_id(stream),
        starting_sequence_number,
        ending_sequence_number,
        parent_shard_id: None,
    })
}
