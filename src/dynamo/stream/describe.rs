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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::stream::read::StreamStart;
    use crate::dynamo::stream::support::{DAY, NOW, OFF, Store, on};

    fn describe(store: &Store, stream_arn: String) -> Result<StreamDescription> {
        let request = DescribeStreamRequest { stream_arn, ..DescribeStreamRequest::default() };
        describe_stream(&store.engine, &store.catalog, &request)
    }

    #[test]
    fn a_stream_is_described_as_one_shard_from_its_beginning_to_its_end() {
        let store = Store::new(StreamViewType::OldImage);
        store.put(1);
        store.put(2);
        let arn = store.stream().arn();
        assert_eq!(arn, "arn:aws:dynamodb:us-east-1:000000000000:table/Music/stream/2026-11-22T10:03:00.123");
        let open = describe(&store, arn.clone()).expect("it is there");
        assert_eq!(
            (open.stream_status.to_string(), open.creation_request_millis),
            ("ENABLED".to_owned(), NOW)
        );
        assert_eq!((open.table_name.as_str(), open.stream_view_type), ("Music", StreamViewType::OldImage));
        let key: Vec<_> = open.key_schema.iter().map(|element| element.attribute_name.as_str()).collect();
        assert_eq!(key, ["pk", "sk"]);
        let records = store.read(&store.stream(), StreamStart::TrimHorizon).expect("nothing was trimmed");
        let [shard] = &open.shards[..] else { panic!("one shard: {:?}", open.shards) };
        assert!(shard.starting_sequence_number <= records[0].sequence_number);
        assert_eq!((shard.ending_sequence_number, &shard.parent_shard_id), (None, &None));
        assert!((28..=65).contains(&shard.shard_id.len()) && shard.shard_id.starts_with("shardId-"));

        store.switch(OFF);
        let store = store.reopen();
        let ended = describe(&store, arn.clone()).expect("it can still be read");
        assert_eq!(ended.stream_status, StreamStatus::Disabled);
        let last = Shard { ending_sequence_number: Some(records[1].sequence_number), ..shard.clone() };
        assert_eq!(ended.shards, std::slice::from_ref(&last));
        store.simulation.clock().advance(DAY / 2);
        store.trim(100);
        assert_eq!(describe(&store, arn.clone()).expect("it can still be read").shards, [last]);

        let others = |request: DescribeStreamRequest| {
            describe_stream(&store.engine, &store.catalog, &request).map(|stream| stream.shards)
        };
        let request =
            || DescribeStreamRequest { stream_arn: arn.clone(), ..DescribeStreamRequest::default() };
        let exclusive_start_shard_id = Some(shard.shard_id.clone());
        assert_eq!(
            others(DescribeStreamRequest { exclusive_start_shard_id, ..request() }).expect("valid"),
            []
        );
        let filtered = |filter_type, shard_id| {
            let shard_filter = Some(ShardFilter { filter_type, shard_id });
            others(DescribeStreamRequest { shard_filter, ..request() })
        };
        let children = Some(ShardFilterType::ChildShards);
        assert_eq!(filtered(children, Some(shard.shard_id.clone())).expect("valid"), []);
        let unknown = filtered(children, Some(shard.shard_id.replace("shardId-0", "shardId-1")));
        assert_eq!(unknown.expect_err("no such shard").kind(), ErrorKind::ResourceNotFound);
        assert_eq!(
            filtered(None, None).expect_err("both are needed").to_string(),
            "2 validation errors detected: Value null at 'shardFilter.type' failed to satisfy constraint: Member must \
             not be null; Value null at 'shardFilter.shardId' failed to satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn an_ended_stream_of_which_all_was_trimmed_ends_where_it_ended() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.put(1);
        let stream = store.stream();
        let records = store.read(&stream, StreamStart::TrimHorizon).expect("nothing was trimmed");
        store.simulation.clock().advance(DAY);
        store.switch(OFF);
        store.trim(100);
        let shards = describe(&store, stream.arn()).expect("it can still be read").shards;
        assert_eq!(shards[0].ending_sequence_number, Some(records[0].sequence_number));
    }

    #[test]
    fn streams_are_listed_by_page_and_by_table_also_after_they_have_ended() {
        let store = Store::new(StreamViewType::KeysOnly);
        store.switch(OFF);
        store.switch(on(StreamViewType::NewImage));
        store.create("Albums", StreamViewType::KeysOnly);
        store.delete_table();
        store.create("Music", StreamViewType::KeysOnly);
        let store = store.reopen();
        let listed = |request: ListStreamsRequest| {
            let answer = list_streams(&store.catalog, &request).expect("a valid request");
            let names = answer.streams.into_iter().map(|stream| (stream.table_name, stream.stream_label));
            (names.collect::<Vec<_>>(), answer.last_evaluated_stream_arn)
        };
        let (all, end) = listed(ListStreamsRequest::default());
        let label = |millis: u32| format!("2026-11-22T10:03:00.{millis}");
        let music = |millis| ("Music".to_owned(), label(millis));
        let albums = ("Albums".to_owned(), label(123));
        assert_eq!((&all, end), (&vec![albums, music(123), music(124), music(125)], None), "no label twice");
        let table_name = Some("Music".to_owned());
        assert_eq!(listed(ListStreamsRequest { table_name, ..ListStreamsRequest::default() }).0, all[1..]);
        let (mut paged, mut exclusive_start_stream_arn) = (Vec::new(), None);
        for _ in 0..3 {
            let limit = Some(2);
            let request = ListStreamsRequest { limit, exclusive_start_stream_arn, ..Default::default() };
            let (page, end) = listed(request);
            paged.extend(page);
            exclusive_start_stream_arn = end;
            if exclusive_start_stream_arn.is_none() {
                break;
            }
        }
        assert_eq!(paged, all);
        assert_eq!(latest(&store.catalog, "Music").expect("it has one").label(), label(125));
    }

    #[test]
    fn a_malformed_name_is_told_from_an_unknown_one() {
        let store = Store::new(StreamViewType::KeysOnly);
        let error = describe(&store, "arn:aws:dynamodb:us-east-1:000000000000:table/Music".to_owned());
        assert_eq!(error.expect_err("of a table").exception(), "ValidationException");
        let arn = arn::of_stream("Music", "2026-11-22T10:03:00.124");
        let error = describe(&store, arn.clone()).expect_err("another moment");
        assert_eq!(error.exception(), "ResourceNotFoundException");
        assert_eq!(error.to_string(), format!("Requested resource not found: Stream: {arn} not found"));
        let error = describe(&store, "arn".to_owned()).expect_err("too short");
        assert!(
            error.to_string().ends_with("Member must have length greater than or equal to 37"),
            "{error}"
        );
    }
}
