//! The four operations on streams.

use crate::client::{Client, TABLE};
use serde_json::Value as Json;

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}"))
}

#[test]
fn changes_are_read_from_a_stream() {
    let client = Client::new();
    let stream =
        r#""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"},"BillingMode""#;
    client.ok("CreateTable", &TABLE.replace("\"BillingMode\"", stream));
    let table = client.json("DescribeTable", r#"{"TableName":"Table"}"#)["Table"].clone();
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    let arn = text(&table, "LatestStreamArn");
    assert!(arn.ends_with(&format!("/stream/{}", text(&table, "LatestStreamLabel"))));

    let streams = client.json("ListStreams", r#"{"TableName":"Table"}"#);
    assert_eq!(text(&streams["Streams"][0], "StreamArn"), arn);
    let described = client.json("DescribeStream", &format!(r#"{{"StreamArn":"{arn}"}}"#));
    let described = &described["StreamDescription"];
    assert_eq!(described["StreamStatus"], "ENABLED");
    assert_eq!(described["KeySchema"][0]["KeyType"], "HASH");
    let shard = text(&described["Shards"][0], "ShardId");
    assert!((28..=65).contains(&shard.len()));

    let key = r#""pk":{"S":"p"},"sk":{"S":"s"}"#;
    client.ok("PutItem", &format!(r#"{{"TableName":"Table","Item":{{{key}}}}}"#));
    client.ok("PutItem", &format!(r#"{{"TableName":"Table","Item":{{{key},"n":{{"N":"1"}}}}}}"#));
    client.ok("DeleteItem", &format!(r#"{{"TableName":"Table","Key":{{{key}}}}}"#));
    let iterator = client.json(
        "GetShardIterator",
        &format!(r#"{{"StreamArn":"{arn}","ShardId":"{shard}","ShardIteratorType":"TRIM_HORIZON"}}"#),
    );
    let iterator = text(&iterator, "ShardIterator").to_owned();
    let answer = client.json("GetRecords", &format!(r#"{{"ShardIterator":"{iterator}"}}"#));
    let records = answer["Records"].as_array().expect("a list");
    let names: Vec<_> = records.iter().map(|record| text(record, "eventName")).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let change = &records[1]["dynamodb"];
    assert_eq!(change["Keys"].to_string(), format!("{{{key}}}"));
    assert_eq!(change["OldImage"].to_string(), format!("{{{key}}}"));
    assert_eq!(change["NewImage"]["n"]["N"], "1");
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert!(records[0]["dynamodb"].get("OldImage").is_none());
    assert!(records[2]["dynamodb"].get("NewImage").is_none());
    for record in records {
        assert_eq!(record["eventSource"], "aws:dynamodb");
        assert_eq!(record["eventVersion"], "1.1");
        assert_eq!(record["awsRegion"], "us-east-1");
        assert!(record["dynamodb"]["ApproximateCreationDateTime"].as_u64().is_some());
        assert!(record.get("userIdentity").is_none());
    }
    let next = text(&answer, "NextShardIterator");
    assert_eq!(
        client.json("GetRecords", &format!(r#"{{"ShardIterator":"{next}"}}"#))["Records"],
        serde_json::json!([])
    );
}

#[test]
fn what_is_wrong_with_a_stream_is_told() {
    let client = Client::new();
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Table/stream/2026-01-01T00:00:00.000";
    let told = client.told("DescribeStream", &format!(r#"{{"StreamArn":"{arn}"}}"#));
    assert!(told.contains("v20120810#ResourceNotFoundException"), "{told}");
    let told = client.told("DescribeStream", "{}");
    assert!(
        told.contains("Value null at 'streamArn' failed to satisfy constraint: Member must not be null"),
        "{told}"
    );
    let told = client.told("GetRecords", r#"{"ShardIterator":"nonsense"}"#);
    assert!(told.contains("validate#ValidationException"), "{told}");
    let told = client.told(
        "GetShardIterator",
        &format!(r#"{{"StreamArn":"{arn}","ShardId":"shardId-00000001414576573621-f55eea83","ShardIteratorType":"OLDEST"}}"#),
    );
    assert!(told.contains("Value 'OLDEST' at 'shardIteratorType'"), "{told}");
}
