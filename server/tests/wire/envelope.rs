//! What stands around every request and answer: HTTP, the names of operations, JSON that is none.

use crate::client::{Client, exchange, modelled, serialization, validation};

const JSON: (&str, &str) = ("Content-Type", "application/x-amz-json-1.0");

#[test]
fn an_answer_has_its_headers() {
    let client = Client::new();
    let answer = client.post("ListTables", "{}");
    assert_eq!(answer.told(), r#"200 {"TableNames":[]}"#);
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.0"));
    assert_eq!(answer.header("x-amz-crc32"), Some(crc32fast::hash(&answer.body).to_string().as_str()));
    let id = answer.header("x-amzn-requestid").expect("every answer has one");
    assert!(
        id.len() == 52 && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        "{id}"
    );
    assert_ne!(client.post("ListTables", "{}").header("x-amzn-requestid"), Some(id));
    assert!(answer.header("date").is_some());
}

#[test]
fn an_operation_is_found_by_its_whole_name() {
    let client = Client::new();
    let unknown = r#"400 {"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
    for target in [
        "DynamoDB_20120810.ListTable",
        "DynamoDB_20120810.listTables",
        "DynamoDB_20120810.ListTables.",
        "DynamoDB_20111205.ListTables",
        "DynamoDB_20120810.ListStreams",
        "DynamoDBStreams_20120810.ListTables",
        "ListTables",
        "",
    ] {
        let answer = exchange(client.server.address(), "POST", "/", &[JSON, ("X-Amz-Target", target)], b"{}");
        assert_eq!(answer.told(), unknown, "{target}");
    }
    assert_eq!(exchange(client.server.address(), "POST", "/", &[JSON], b"{}").told(), unknown);
}

#[test]
fn what_is_not_the_protocol_is_not_found() {
    let client = Client::new();
    let target = ("X-Amz-Target", "DynamoDB_20120810.ListTables");
    let address = client.server.address();
    for (method, headers) in [
        ("PUT", vec![JSON, target]),
        ("DELETE", vec![JSON, target]),
        ("POST", vec![target]),
        ("POST", vec![("Content-Type", "text/plain"), target]),
        ("POST", vec![("Content-Type", "application/x-www-form-urlencoded"), target]),
    ] {
        let answer = exchange(address, method, "/", &headers, b"{}");
        assert_eq!(answer.told(), "404 <UnknownOperationException/>\n", "{method} {headers:?}");
    }
    assert_eq!(exchange(address, "GET", "/nothing", &[], b"").status, 404);
    let charset = ("Content-Type", "application/x-amz-json-1.0; charset=utf-8");
    assert_eq!(exchange(address, "POST", "/", &[charset, target], b"{}").status, 200);
    let cbor = ("smithy-protocol", "rpc-v2-cbor");
    let refused = exchange(address, "POST", "/", &[JSON, target, cbor], b"{}");
    assert!(
        refused.told().starts_with("400 {\"__type\":\"com.amazon.coral.service#UnknownOperationException\"")
    );
    assert!(refused.text().contains("speaks AWS JSON 1.0"));
}

#[test]
fn the_root_says_that_it_is_healthy() {
    let client = Client::new();
    let answer = exchange(client.server.address(), "GET", "/", &[], b"");
    assert_eq!(answer.told(), "200 healthy: dynamodb.us-east-1.amazonaws.com ");
    assert_eq!(exchange(client.server.address(), "HEAD", "/", &[], b"").status, 200);
}

#[test]
fn a_body_that_is_no_json_object_is_unreadable() {
    let client = Client::new();
    for body in ["", " ", "{", "[", "nonsense", "{\"TableName\":}", "{} {}", "{\"a\":1", "null"] {
        let told = client.told("ListTables", body);
        assert!(
            told.starts_with(
                "400 {\"__type\":\"com.amazon.coral.service#SerializationException\",\"Message\":"
            ),
            "{body}: {told}"
        );
    }
    let target = ("X-Amz-Target", "DynamoDB_20120810.ListTables");
    let latin = exchange(client.server.address(), "POST", "/", &[JSON, target], b"{\"a\":\"\xe9\"}");
    assert_eq!(latin.told(), serialization("The body is not text in UTF-8"));
    for (body, message) in [
        (r#"{"TableName":1}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"TableName":true}"#, "TRUE_VALUE cannot be converted to String"),
        (r#"{"TableName":["a"]}"#, "Unrecognized collection type class java.lang.String"),
        (r#"{"TableName":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"Key":"a"}"#, "Unexpected value type in payload"),
        (r#"{"Key":{"a":"a"}}"#, "Unexpected value type in payload"),
        (r#"{"Key":{"a":{"S":7}}}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"ConsistentRead":"true"}"#, "STRING_VALUE cannot be converted to Boolean"),
    ] {
        assert_eq!(client.told("GetItem", body), serialization(message), "{body}");
    }
    assert_eq!(
        client.told("Query", r#"{"Limit":"1"}"#),
        serialization("STRING_VALUE cannot be converted to Integer")
    );
}

#[test]
fn unknown_members_are_ignored_and_null_is_absent() {
    let client = Client::with_table();
    let body = r#"{"TableName":"Table","Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"Unknown":{"a":[1,{"b":null}]},
        "ConsistentRead":null,"ProjectionExpression":null,"ExpressionAttributeNames":null}"#;
    assert_eq!(client.told("GetItem", body), "200 {}");
}

#[test]
fn checks_stand_in_their_order() {
    let client = Client::new();
    let missing = modelled("ResourceNotFoundException", "Requested resource not found");
    // Each request has one fault less than the one before it.
    for (body, told) in [
        (
            r#"{"TableName":"ab","Key":{"pk":{"S":7}},"ProjectionExpression":"size","ReturnConsumedCapacity":"x"}"#,
            serialization("NUMBER_VALUE cannot be converted to String"),
        ),
        (
            r#"{"TableName":"a","Key":{"pk":{"N":"x"}},"ProjectionExpression":"size"}"#,
            validation(
                "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
            ),
        ),
        (
            r#"{"TableName":"abc","Key":{"pk":{"N":"x"}},"ProjectionExpression":"size","ExpressionAttributeNames":{}}"#,
            validation("The parameter cannot be converted to a numeric value: x"),
        ),
        (
            r#"{"TableName":"abc","Key":{"pk":{"N":"1"}},"ProjectionExpression":"size","ExpressionAttributeNames":{}}"#,
            validation("ExpressionAttributeNames must not be empty"),
        ),
        (
            r##"{"TableName":"abc","Key":{"pk":{"N":"1"}},"ProjectionExpression":"size","ExpressionAttributeNames":{"#a":"b"}}"##,
            validation(
                "Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: size",
            ),
        ),
        (
            r##"{"TableName":"abc","Key":{"pk":{"N":"1"}},"ProjectionExpression":"x","ExpressionAttributeNames":{"#a":"b"}}"##,
            validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"),
        ),
        (r#"{"TableName":"abc","Key":{"pk":{"N":"1"}},"ProjectionExpression":"x"}"#, missing),
    ] {
        assert_eq!(client.told("GetItem", body), told, "{body}");
    }
}
