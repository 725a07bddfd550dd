//! Queries and scans.

use crate::client::{Client, modelled, validation};

fn client() -> Client {
    let client = Client::with_table();
    for (partition, sort) in [("p", "a"), ("p", "b"), ("p", "c"), ("q", "a")] {
        let body = format!(
            r#"{{"TableName":"Table","Item":{{"pk":{{"S":"{partition}"}},"sk":{{"S":"{sort}"}},"n":{{"N":"1"}}}}}}"#
        );
        client.ok("PutItem", &body);
    }
    client
}

const OF_P: &str = r#""TableName":"Table","KeyConditionExpression":"pk = :p""#;
const P: &str = r#""ExpressionAttributeValues":{":p":{"S":"p"}}"#;

#[test]
fn a_query_gives_pages_in_order() {
    let client = client();
    let query =
        |more: &str| client.ok("Query", &format!("{{{OF_P},{P},\"ProjectionExpression\":\"sk\"{more}}}"));
    assert_eq!(
        query(""),
        r#"{"Count":3,"Items":[{"sk":{"S":"a"}},{"sk":{"S":"b"}},{"sk":{"S":"c"}}],"ScannedCount":3}"#
    );
    assert_eq!(
        query(r#","ScanIndexForward":false,"Limit":2"#),
        concat!(
            r#"{"Count":2,"Items":[{"sk":{"S":"c"}},{"sk":{"S":"b"}}],"#,
            r#""LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"b"}},"ScannedCount":2}"#
        )
    );
    assert_eq!(
        query(r#","ScanIndexForward":false,"ExclusiveStartKey":{"pk":{"S":"p"},"sk":{"S":"b"}}"#),
        r#"{"Count":1,"Items":[{"sk":{"S":"a"}}],"ScannedCount":1}"#
    );
    let count = format!(r#"{{{OF_P},{P},"Select":"COUNT","ReturnConsumedCapacity":"TOTAL"}}"#);
    assert_eq!(
        client.ok("Query", &count),
        r#"{"Count":3,"ScannedCount":3,"ConsumedCapacity":{"TableName":"Table","CapacityUnits":0.5}}"#
    );
    let filtered = format!(
        r#"{{{OF_P},"FilterExpression":"n > :n","ExpressionAttributeValues":{{":p":{{"S":"p"}},":n":{{"N":"1"}}}}}}"#
    );
    assert_eq!(client.ok("Query", &filtered), r#"{"Count":0,"Items":[],"ScannedCount":3}"#);
}

#[test]
fn a_scan_sees_every_item_once_in_segments_too() {
    let client = client();
    let scan = client.json("Scan", r#"{"TableName":"Table"}"#);
    assert_eq!(scan["Count"], 4);
    let mut count = 0;
    for segment in 0..3 {
        let body =
            format!(r#"{{"TableName":"Table","Segment":{segment},"TotalSegments":3,"Select":"COUNT"}}"#);
        count += client.json("Scan", &body)["Count"].as_u64().expect("a number");
    }
    assert_eq!(count, 4);
}

#[test]
fn queries_are_refused_with_dynamodbs_words() {
    let client = client();
    let with = |more: &str| format!(r#"{{"TableName":"Table",{more}}}"#);
    for (more, message) in [
        (
            "\"Select\":\"COUNT\"",
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","Limit":0,"ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","Select":"SOME","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Value 'SOME' at 'select' failed to satisfy constraint: Member must satisfy enum value set: \
             [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
        ),
        (
            r#""KeyConditionExpression":"sk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Query condition missed key schema element: pk",
        ),
        (
            r#""KeyConditionExpression":"pk > :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Query key condition not supported",
        ),
        (
            r#""KeyConditionExpression":"pk = :p OR pk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Invalid operator used in KeyConditionExpression: OR",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"N":"1"}}"#,
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","FilterExpression":"sk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","IndexName":"ByX","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "The table does not have the specified index: ByX",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","ExclusiveStartKey":{"pk":{"S":"p"}},"ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "The provided starting key is invalid",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","ExclusiveStartKey":{"pk":{"S":"q"},"sk":{"S":"a"}},"ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            r#""KeyConditionExpression":"pk = :p","Select":"SPECIFIC_ATTRIBUTES","ExpressionAttributeValues":{":p":{"S":"p"}}"#,
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
    ] {
        let told = client.told("Query", &with(more));
        let bare = validation(message);
        // What is wrong with a key condition's operator has a prefix of its own.
        let prefixed = validation(&format!("Invalid KeyConditionExpression: {message}"));
        assert!(told == bare || told == prefixed, "{more}: {told}");
    }
    let missing = r#"{"TableName":"Other","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"p"}}}"#;
    assert_eq!(
        client.told("Query", missing),
        modelled("ResourceNotFoundException", "Requested resource not found")
    );
}

#[test]
fn scans_are_refused_with_dynamodbs_words() {
    let client = client();
    client.refused("Scan", &[
        (
            r#"{"TableName":"Table","Segment":0}"#,
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            r#"{"TableName":"Table","TotalSegments":2}"#,
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        ),
        (
            r#"{"TableName":"Table","Segment":5,"TotalSegments":5}"#,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less \
             than TotalSegments: 5",
        ),
        (
            r#"{"TableName":"Table","Segment":0,"TotalSegments":1000001}"#,
            "Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal \
             to 1000000",
        ),
        (
            r#"{"TableName":"Table","ExclusiveStartKey":{"x":{"S":"p"}}}"#,
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            r#"{"TableName":"Table","Select":"ALL_PROJECTED_ATTRIBUTES"}"#,
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            r#"{"TableName":"Table","Select":"SPECIFIC_ATTRIBUTES","FilterExpression":"="}"#,
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        ),
        (
            r#"{"TableName":"Table","ExclusiveStartKey":{"pk":{"N":"x"}},"FilterExpression":"="}"#,
            "The provided starting key is invalid: The parameter cannot be converted to a numeric value: x",
        ),
        (
            r#"{"TableName":"Table","Select":"COUNT","ProjectionExpression":"a"}"#,
            "Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
    ]);
}

#[test]
fn parameters_that_do_not_go_together_are_told_before_values_and_expressions() {
    let client = Client::with_table();
    let wrong = r#""TableName":"Table","ExclusiveStartKey":{"pk":{"N":"x"}}"#;
    let segment = "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less \
                   than TotalSegments: 5";
    let combined = |body: &str| format!("{{{wrong},{body}}}");
    client
        .refused("Scan", &[(&combined(r#""Segment":5,"TotalSegments":5,"FilterExpression":"=""#), segment)]);
    let operator = combined(r#""ConditionalOperator":"OR""#);
    let told = client.told("Scan", &operator);
    assert!(told.contains("ConditionalOperator cannot be used without Filter or Expected"), "{told}");
    let write = r#"{"TableName":"Table","Item":{"pk":{"N":"x"}},"ConditionalOperator":"OR"}"#;
    let told = client.told("PutItem", write);
    assert!(told.contains("ConditionalOperator cannot be used without Filter or Expected"), "{told}");
}
