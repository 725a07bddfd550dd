//! Batches of reads and writes.

use crate::client::{Client, modelled, validation};

#[test]
fn what_is_written_in_a_batch_is_read_in_a_batch() {
    let client = Client::with_table();
    let write = r#"{"RequestItems":{"Table":[
        {"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"S":"a"},"n":{"N":"1"}}}},
        {"PutRequest":{"Item":{"pk":{"S":"p"},"sk":{"S":"b"}}}},
        {"DeleteRequest":{"Key":{"pk":{"S":"p"},"sk":{"S":"c"}}}}]},"ReturnConsumedCapacity":"TOTAL"}"#;
    assert_eq!(
        client.ok("BatchWriteItem", write),
        r#"{"UnprocessedItems":{},"ConsumedCapacity":[{"TableName":"Table","CapacityUnits":3.0}]}"#
    );
    let get = r##"{"RequestItems":{"Table":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"a"}},{"pk":{"S":"p"},"sk":{"S":"z"}}],
        "ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"n"}}}}"##;
    assert_eq!(
        client.ok("BatchGetItem", get),
        r#"{"Responses":{"Table":[{"n":{"N":"1"}}]},"UnprocessedKeys":{}}"#
    );
    let missing =
        r#"{"RequestItems":{"Table":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"z"}}],"ConsistentRead":true}}}"#;
    assert_eq!(client.ok("BatchGetItem", missing), r#"{"Responses":{"Table":[]},"UnprocessedKeys":{}}"#);
}

#[test]
fn what_does_not_fit_an_answer_is_left_in_the_words_of_the_request() {
    let client = Client::with_table();
    let large = "x".repeat(400_000);
    let mut keys = Vec::new();
    for sort in 0..45 {
        let key = format!(r#"{{"pk":{{"S":"p"}},"sk":{{"S":"{sort:02}"}}}}"#);
        client.ok(
            "PutItem",
            &format!(r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"{sort:02}"}},"v":{{"S":"{large}"}}}}}}"#),
        );
        keys.push(key);
    }
    let body = format!(
        r##"{{"RequestItems":{{"Table":{{"Keys":[{}],"ConsistentRead":true,"ProjectionExpression":"#s",
            "ExpressionAttributeNames":{{"#s":"sk"}}}}}}}}"##,
        keys.join(",")
    );
    let answer = client.json("BatchGetItem", &body);
    let got = answer["Responses"]["Table"].as_array().expect("a list").len();
    let left = &answer["UnprocessedKeys"]["Table"];
    assert_eq!(got + left["Keys"].as_array().expect("a list").len(), 45);
    assert!((35..45).contains(&got), "{got} items of 400 KB fit into 16 MB");
    assert_eq!(left["ProjectionExpression"], "#s");
    assert_eq!(left["ConsistentRead"], true);
    assert_eq!(left["ExpressionAttributeNames"]["#s"], "sk");
    let again = format!(r#"{{"RequestItems":{}}}"#, answer["UnprocessedKeys"]);
    assert_eq!(client.json("BatchGetItem", &again)["UnprocessedKeys"], serde_json::json!({}));
}

#[test]
fn batches_are_refused_with_dynamodbs_words() {
    let client = Client::with_table();
    let put =
        |sort: usize| format!(r#"{{"PutRequest":{{"Item":{{"pk":{{"S":"p"}},"sk":{{"S":"{sort}"}}}}}}}}"#);
    let puts = |count: usize| (0..count).map(put).collect::<Vec<_>>().join(",");
    client.refused("BatchWriteItem", &[
        (
            "{}",
            "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be \
             null",
        ),
        (
            r#"{"RequestItems":{"Table":[]}}"#,
            "1 validation error detected: Value '{Table=[]}' at 'requestItems' failed to satisfy constraint: Map value \
             must satisfy constraint: [Member must have length less than or equal to 25, Member must have length \
             greater than or equal to 1]",
        ),
        (
            r#"{"RequestItems":{"Table":[{}]}}"#,
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        ),
        (
            r#"{"RequestItems":{"Table":[{"PutRequest":{"Item":{}},"DeleteRequest":{"Key":{}}}]}}"#,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            r#"{"RequestItems":{"Table":[{"DeleteRequest":{"Key":{"pk":{"S":"p"}}}}]}}"#,
            "The provided key element does not match the schema",
        ),
        (&format!(r#"{{"RequestItems":{{"Table":[{0},{0}]}}}}"#, put(1)), "Provided list of item keys contains duplicates"),
        (
            &format!(r#"{{"RequestItems":{{"Table":[{}],"Other":[{}]}}}}"#, puts(20), puts(6)),
            "Too many items requested for the BatchWriteItem call",
        ),
    ]);
    let missing = modelled("ResourceNotFoundException", "Requested resource not found");
    let other = format!(r#"{{"RequestItems":{{"Table":[{}],"Other":[{}]}}}}"#, put(1), put(1));
    assert_eq!(client.told("BatchWriteItem", &other), missing);
    assert_eq!(
        client.ok("Scan", r#"{"TableName":"Table","Select":"COUNT"}"#),
        r#"{"Count":0,"ScannedCount":0}"#
    );

    let keys = vec![r#"{"pk":{"N":"x"}}"#; 101].join(",");
    assert_eq!(
        client.told("BatchGetItem", &format!(r#"{{"RequestItems":{{"Table":{{"Keys":[{keys}]}}}}}}"#)),
        validation("Too many items requested for the BatchGetItem call")
    );
    let key = r#"{"pk":{"S":"p"},"sk":{"S":"s"}}"#;
    let twice = format!(r#"{{"RequestItems":{{"Table":{{"Keys":[{key},{key}]}}}}}}"#);
    assert_eq!(
        client.told("BatchGetItem", &twice),
        validation("Provided list of item keys contains duplicates")
    );
    assert_eq!(
        client.told("BatchGetItem", r#"{"RequestItems":{}}"#),
        validation(
            "Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
    );
}
