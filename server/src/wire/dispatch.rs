//! From the name of an operation and a body to an answer.

use super::reader::{self, Reader};
use super::refusal::{Answer, Refusal};
use super::service::Service;
use super::{backups, batches, items, pages, policies, statements, streams, tables, transactions};

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
    /// Succeeds also where a part of it failed, which is said to those who run the server.
    InParts(fn(&Service, &mut Reader<'_>) -> Result<Answer, Refusal>),
    Limits,
    Endpoints,
    /// Answered by whoever counts.
    Statistics,
}

/// What the page for people asks for the engine's statistics. It is no operation of DynamoDB's.
const STATISTICS: &str = "Pixii_20261125.Statistics";

/// All operations on tables and items, by name.
const OPERATIONS: [Target; 36] = [
    Target { operation: "BatchExecuteStatement", serve: Serve::InParts(statements::batch) },
    Target { operation: "BatchGetItem", serve: Serve::With(batches::get) },
    Target { operation: "BatchWriteItem", serve: Serve::With(batches::write) },
    Target { operation: "CreateBackup", serve: Serve::With(backups::create) },
    Target { operation: "CreateTable", serve: Serve::With(tables::create) },
    Target { operation: "DeleteBackup", serve: Serve::With(backups::delete) },
    Target { operation: "DeleteItem", serve: Serve::With(items::delete) },
    Target { operation: "DeleteResourcePolicy", serve: Serve::With(policies::delete) },
    Target { operation: "DeleteTable", serve: Serve::With(tables::delete) },
    Target { operation: "DescribeBackup", serve: Serve::With(backups::describe) },
    Target { operation: "DescribeContinuousBackups", serve: Serve::With(backups::describe_continuous) },
    Target { operation: "DescribeEndpoints", serve: Serve::Endpoints },
    Target { operation: "DescribeLimits", serve: Serve::Limits },
    Target { operation: "DescribeTable", serve: Serve::With(tables::describe_table) },
    Target { operation: "DescribeTimeToLive", serve: Serve::With(tables::describe_time_to_live) },
    Target { operation: "ExecuteStatement", serve: Serve::With(statements::one) },
    Target { operation: "ExecuteTransaction", serve: Serve::With(statements::transaction) },
    Target { operation: "GetItem", serve: Serve::With(items::get) },
    Target { operation: "GetResourcePolicy", serve: Serve::With(policies::get) },
    Target { operation: "ListBackups", serve: Serve::With(backups::list) },
    Target { operation: "ListTables", serve: Serve::With(tables::list) },
    Target { operation: "ListTagsOfResource", serve: Serve::With(tables::list_tags) },
    Target { operation: "PutItem", serve: Serve::With(items::put) },
    Target { operation: "PutResourcePolicy", serve: Serve::With(policies::put) },
    Target { operation: "Query", serve: Serve::With(pages::query) },
    Target { operation: "RestoreTableFromBackup", serve: Serve::With(backups::restore_from_backup) },
    Target { operation: "RestoreTableToPointInTime", serve: Serve::With(backups::restore_to_point_in_time) },
    Target { operation: "Scan", serve: Serve::With(pages::scan) },
    Target { operation: "TagResource", serve: Serve::With(tables::tag) },
    Target { operation: "TransactGetItems", serve: Serve::With(transactions::get) },
    Target { operation: "TransactWriteItems", serve: Serve::With(transactions::write) },
    Target { operation: "UntagResource", serve: Serve::With(tables::untag) },
    Target { operation: "UpdateContinuousBackups", serve: Serve::With(backups::update_continuous) },
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
        if target == STATISTICS {
            return Some(Self { operation: "Statistics", serve: Serve::Statistics });
        }
        let (name, targets): (_, &[Self]) = match target.strip_prefix(DYNAMODB) {
            Some(name) => (name, &OPERATIONS),
            None => (target.strip_prefix(STREAMS)?, &STREAM_OPERATIONS),
        };
        targets.iter().find(|target| target.operation == name).copied()
    }

    /// Whether it asks for the engine's statistics.
    pub(crate) fn is_statistics(self) -> bool {
        matches!(self.serve, Serve::Statistics)
    }
}

/// The names of all operations that are served.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().chain(&STREAM_OPERATIONS).map(|target| target.operation)
}

/// Answers a request. `host` is how the client calls this server.
pub(crate) fn answer(service: &Service, target: Target, host: &str, body: &[u8]) -> Answer {
    serve(service, target, host, body).unwrap_or_else(Answer::from)
}

fn serve(service: &Service, target: Target, host: &str, body: &[u8]) -> Result<Answer, Refusal> {
    let mut reader = Reader::new(reader::text(body)?);
    let body = match target.serve {
        Serve::With(serve) => serve(service, &mut reader),
        Serve::InParts(serve) => return serve(service, &mut reader),
        Serve::Limits => tables::limits(&mut reader),
        Serve::Endpoints => tables::endpoints(host, &mut reader),
        Serve::Statistics => Err(Refusal::UnknownOperation),
    };
    body.map(Answer::success)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::service::Wording;
    use crate::wire::transients::Transients;
    use pixii::Database;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use proptest::test_runner::{Config, TestRunner};

    /// The names of members that requests have, and a few that none has.
    const NAMES: [&str; 64] = [
        "TableName",
        "Key",
        "Item",
        "Keys",
        "S",
        "N",
        "B",
        "BOOL",
        "NULL",
        "L",
        "M",
        "SS",
        "NS",
        "BS",
        "pk",
        "sk",
        "a",
        ":v",
        "#n",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "ConditionExpression",
        "UpdateExpression",
        "FilterExpression",
        "KeyConditionExpression",
        "ProjectionExpression",
        "ReturnValues",
        "RequestItems",
        "Table",
        "PutRequest",
        "DeleteRequest",
        "TransactItems",
        "Put",
        "Update",
        "Delete",
        "ConditionCheck",
        "Get",
        "Limit",
        "ExclusiveStartKey",
        "Segment",
        "TotalSegments",
        "Select",
        "IndexName",
        "KeySchema",
        "AttributeDefinitions",
        "AttributeName",
        "KeyType",
        "AttributeType",
        "BillingMode",
        "ProvisionedThroughput",
        "ReadCapacityUnits",
        "GlobalSecondaryIndexes",
        "GlobalSecondaryIndexUpdates",
        "Create",
        "Projection",
        "Tags",
        "ResourceArn",
        "Statement",
        "Statements",
        "Parameters",
        "Expected",
        "ComparisonOperator",
        "AttributeValueList",
        "KeyConditions",
    ];

    /// What stands in requests.
    const VALUES: [&str; 26] = [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1e400",
        "0.5",
        "\"\"",
        "\"Table\"",
        "\"p\"",
        "\"1\"",
        "\"x\\u0000\"",
        "\"AA==\"",
        "\"a = :v\"",
        "\"SET a = :v\"",
        "\"pk = :v\"",
        "\"#n\"",
        "\"HASH\"",
        "\"S\"",
        "\"PAY_PER_REQUEST\"",
        "\"ALL_OLD\"",
        "\"COUNT\"",
        "\"EQ\"",
        "\"TOTAL\"",
        "\"SELECT * FROM \\\"Table\\\" WHERE pk = ?\"",
        "{\"S\":\"p\"}",
    ];

    fn any_json() -> impl Strategy<Value = String> {
        let leaf = select(&VALUES[..]).prop_map(str::to_owned);
        leaf.prop_recursive(6, 48, 6, |inner| {
            let member = (select(&NAMES[..]), inner.clone());
            let object = vec(member, 0..6).prop_map(|members| {
                let members = members.iter().map(|(name, value)| format!("\"{name}\":{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            });
            let array = vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(",")));
            prop_oneof![4 => object, 1 => array]
        })
    }

    /// Requests that are right, to be broken.
    const RIGHT: [(&str, &str); 9] = [
        (
            "PutItem",
            r##"{"TableName":"Table","Item":{"pk":{"S":"p"},"a":{"L":[{"N":"1"},{"M":{"b":{"SS":["x"]}}}]}},"ConditionExpression":"#n <> :v","ExpressionAttributeNames":{"#n":"a"},"ExpressionAttributeValues":{":v":{"B":"AA=="}},"ReturnValues":"ALL_OLD"}"##,
        ),
        (
            "UpdateItem",
            r#"{"TableName":"Table","Key":{"pk":{"S":"p"}},"UpdateExpression":"SET a[0] = if_not_exists(b.c, :v) + :v REMOVE d ADD e :v","ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"UPDATED_NEW"}"#,
        ),
        (
            "Query",
            r#"{"TableName":"Table","KeyConditionExpression":"pk = :v","FilterExpression":"size(a) > :n OR contains(a, :v)","ExpressionAttributeValues":{":v":{"S":"p"},":n":{"N":"0"}},"Limit":1}"#,
        ),
        (
            "Scan",
            r#"{"TableName":"Table","ScanFilter":{"a":{"ComparisonOperator":"NOT_NULL"}},"Segment":0,"TotalSegments":3}"#,
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"Table":[{"PutRequest":{"Item":{"pk":{"S":"q"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"r"}}}}]}}"#,
        ),
        (
            "TransactWriteItems",
            r#"{"TransactItems":[{"ConditionCheck":{"TableName":"Table","Key":{"pk":{"S":"s"}},"ConditionExpression":"attribute_exists(pk)"}},{"Delete":{"TableName":"Table","Key":{"pk":{"S":"t"}}}}],"ClientRequestToken":"token"}"#,
        ),
        (
            "CreateTable",
            r#"{"TableName":"Other","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"a","AttributeType":"N"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"GlobalSecondaryIndexes":[{"IndexName":"ByA","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}]}"#,
        ),
        (
            "ExecuteStatement",
            r#"{"Statement":"UPDATE \"Table\" SET a = list_append(a, [1, {'b': <<2>>}]) WHERE pk = ? AND a[0] IS NOT MISSING RETURNING ALL NEW *","Parameters":[{"S":"p"}]}"#,
        ),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"Table":{"Keys":[{"pk":{"S":"p"}}],"ProjectionExpression":"a[1].b","ConsistentRead":true}}}"#,
        ),
    ];

    fn service() -> Service {
        let service = Service::new(
            Database::in_memory().expect("a new database"),
            Wording::default(),
            Transients::default(),
        );
        let create = r#"{"TableName":"Table","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
        check(&service, "CreateTable", create.as_bytes());
        service
    }

    /// Whatever is asked is answered or refused: it is never a failure of ours, and the answer is JSON.
    fn check(service: &Service, operation: &str, body: &[u8]) {
        let prefix = if STREAM_OPERATIONS.iter().any(|target| target.operation == operation) {
            STREAMS
        } else {
            DYNAMODB
        };
        let target = Target::find(&format!("{prefix}{operation}")).expect("it is served");
        let answer = answer(service, target, "localhost", body);
        let shown = String::from_utf8_lossy(body);
        assert!([200, 400].contains(&answer.status), "{operation} {shown}: {answer:?}");
        let is_json =
            answer.body.is_empty() || serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok();
        assert!(is_json, "{operation} {shown}: {answer:?}");
    }

    fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(strategy, |value| {
            test(value);
            Ok(())
        });
        outcome.expect("every request is answered");
    }

    #[test]
    fn any_json_is_answered_by_every_operation() {
        let service = service();
        let operations: Vec<&str> = names().collect();
        run(4000, &(select(operations), any_json()), |(operation, body)| {
            check(&service, operation, body.as_bytes());
        });
    }

    #[test]
    fn requests_that_are_nearly_right_are_answered() {
        let service = service();
        for (operation, body) in RIGHT {
            check(&service, operation, body.as_bytes());
        }
        let change = (any::<prop::sample::Index>(), select(&b"\"{}[]:,#:.()=<> 0aSNLM\\\0\xff"[..]), 0..3_u8);
        run(4000, &(select(&RIGHT[..]), vec(change, 1..4)), |((operation, body), changes)| {
            let mut body = body.as_bytes().to_vec();
            for (at, byte, kind) in changes {
                let at = at.index(body.len());
                match kind {
                    0 => body[at] = byte,
                    1 => body.insert(at, byte),
                    _ => drop(body.remove(at)),
                }
            }
            check(&service, operation, &body);
        });
    }
}
