//! From the name of an operation and a body to an answer.

use super::reader::{self, Reader};
use super::refusal::{Answer, Refusal};
use super::service::Service;
use super::{batches, items, pages, streams, tables, transactions};

/// What an operation is asked by: `X-Amz-Target` is the prefix of its service, a dot and its name.
const DYNAMODB: &str = "DynamoDB_20120810.";
const STREAMS: &str = "DynamoDBStreams_20120810.";

/// An operation that is served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The operation's name.
    pub(crate) operation: &'static str,
    serve: Serve,
}

#[derive(Clone, Copy, Debug)]
enum Serve {
    With(fn(&Service, &mut Reader<'_>) -> Result<Vec<u8>, Refusal>),
    Limits,
    Endpoints,
}

/// All operations on tables and items, by name.
const OPERATIONS: [Target; 22] = [
    Target { operation: "BatchGetItem", serve: Serve::With(batches::get) },
    Target { operation: "BatchWriteItem", serve: Serve::With(batches::write) },
    Target { operation: "CreateTable", serve: Serve::With(tables::create) },
    Target { operation: "DeleteItem", serve: Serve::With(items::delete) },
    Target { operation: "DeleteTable", serve: Serve::With(tables::delete) },
    Target { operation: "DescribeEndpoints", serve: Serve::Endpoints },
    Target { operation: "DescribeLimits", serve: Serve::Limits },
    Target { operation: "DescribeTable", serve: Serve::With(tables::describe_table) },
    Target { operation: "DescribeTimeToLive", serve: Serve::With(tables::describe_time_to_live) },
    Target { operation: "GetItem", serve: Serve::With(items::get) },
    Target { operation: "ListTables", serve: Serve::With(tables::list) },
    Target { operation: "ListTagsOfResource", serve: Serve::With(tables::list_tags) },
    Target { operation: "PutItem", serve: Serve::With(items::put) },
    Target { operation: "Query", serve: Serve::With(pages::query) },
    Target { operation: "Scan", serve: Serve::With(pages::scan) },
    Target { operation: "TagResource", serve: Serve::With(tables::tag) },
    Target { operation: "TransactGetItems", serve: Serve::With(transactions::get) },
    Target { operation: "TransactWriteItems", serve: Serve::With(transactions::write) },
    Target { operation: "UntagResource", serve: Serve::With(tables::untag) },
    Target { operation: "UpdateItem", serve: Serve::With(items::update) },
    Target { operation: "UpdateTable", serve: Serve::With(tables::update) },
    Target { operation: "UpdateTimeToLive", serve: Serve::With(tables::update_time_to_live) },
];

/// All operations on streams, by name.
const STREAM_OPERATIONS: [Target; 4] = [
    Target { operation: "DescribeStream", serve: Serve::With(streams::describe) },
    Target { operation: "GetRecords", serve: Serve::With(streams::records) },
    Target { operation: "GetShardIterator", serve: Serve::With(streams::iterator) },
    Target { operation: "ListStreams", serve: Serve::With(streams::list) },
];

impl Target {
    /// What `X-Amz-Target` asks for, if it is served.
    pub(crate) fn find(target: &str) -> Option<Self> {
        let (name, targets): (_, &[Self]) = match target.strip_prefix(DYNAMODB) {
            Some(name) => (name, &OPERATIONS),
            None => (target.strip_prefix(STREAMS)?, &STREAM_OPERATIONS),
        };
        targets.iter().find(|target| target.operation == name).copied()
    }
}

/// Answers a request. `host` is how the client calls this server.
pub(crate) fn answer(service: &Service, target: Target, host: &str, body: &[u8]) -> Answer {
    match serve(service, target, host, body) {
        Ok(body) => Answer::success(body),
        Err(refusal) => refusal.into(),
    }
}

fn serve(service: &Service, target: Target, host: &str, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut reader = Reader::new(reader::text(body)?);
    match target.serve {
        Serve::With(serve) => serve(service, &mut reader),
        Serve::Limits => tables::limits(&mut reader),
        Serve::Endpoints => tables::endpoints(host, &mut reader),
    }
}
