//! Reads and writes of one item.

use crate::client::{Client, modelled, validation};

const KEY: &str = r#""Key":{"pk":{"S":"p"},"sk":{"S":"s"}}"#;

fn table() -> String {
    format!(r#""TableName":"Table",{KEY}"#)
}

fn put(client: &Client, attributes: &str) {
    let comma = if attributes.is_empty() { "" } else { "," };
    let body =
        format!(r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"s"}}{comma}{attributes}}}}}"#);
    assert_eq!(client.told("PutItem", &body), "200 {}");
}

fn item(client: &Client) -> String {
    client.ok("GetItem", &format!("{{{}}}", table()))
}

#[test]
fn an_item_comes_back_as_it_was_put() {
    let client = Client::with_table();
    assert_eq!(item(&client), "{}");
    put(
        &client,
        r#""b":{"B":"AP8="},"bs":{"BS":["AQ==",""]},"l":{"L":[{"N":"1"},{"M":{}}]},"n":{"N":"+01.50e1"},"no":{"BOOL":false},
           "ns":{"NS":["2","1"]},"s":{"S":"é\u0000\"\ud83d\ude00"},"ss":{"SS":["b","a"]},"z":{"NULL":true}"#,
    );
    assert_eq!(
        item(&client),
        concat!(
            r#"{"Item":{"b":{"B":"AP8="},"bs":{"BS":["","AQ=="]},"l":{"L":[{"N":"1"},{"M":{}}]},"n":{"N":"15"},"#,
            r#""no":{"BOOL":false},"ns":{"NS":["1","2"]},"pk":{"S":"p"},"s":{"S":"é\u0000\"😀"},"sk":{"S":"s"},"#,
            r#""ss":{"SS":["a","b"]},"z":{"NULL":true}}}"#
        )
    );
    let projected = format!(
        r##"{{{},"ProjectionExpression":"l[1], #s, absent","ExpressionAttributeNames":{{"#s":"s"}}}}"##,
        table()
    );
    assert_eq!(
        client.ok("GetItem", &projected),
        r#"{"Item":{"l":{"L":[{"M":{}}]},"s":{"S":"é\u0000\"😀"}}}"#
    );
    let nothing = format!(r#"{{{},"ProjectionExpression":"absent"}}"#, table());
    assert_eq!(client.ok("GetItem", &nothing), r#"{"Item":{}}"#);
}

#[test]
fn capacity_is_told_as_it_is_asked_for() {
    let client = Client::with_table();
    put(&client, "");
    let get =
        |more: &str| client.ok("GetItem", &format!(r#"{{{},"ProjectionExpression":"x",{more}}}"#, table()));
    assert_eq!(
        get(r#""ReturnConsumedCapacity":"TOTAL""#),
        r#"{"ConsumedCapacity":{"TableName":"Table","CapacityUnits":0.5},"Item":{}}"#
    );
    assert_eq!(
        get(r#""ReturnConsumedCapacity":"INDEXES","ConsistentRead":true"#),
        r#"{"ConsumedCapacity":{"TableName":"Table","CapacityUnits":1.0,"Table":{"CapacityUnits":1.0}},"Item":{}}"#
    );
    assert_eq!(get(r#""ReturnConsumedCapacity":"NONE""#), r#"{"Item":{}}"#);
    let delete = format!(r#"{{{},"ReturnConsumedCapacity":"TOTAL"}}"#, table());
    assert_eq!(
        client.ok("DeleteItem", &delete),
        r#"{"ConsumedCapacity":{"TableName":"Table","CapacityUnits":1.0}}"#
    );
}

#[test]
fn writes_answer_with_the_attributes_that_are_asked_for() {
    let client = Client::with_table();
    let update = |more: &str| client.ok("UpdateItem", &format!("{{{},{more}}}", table()));
    let set = r#""UpdateExpression":"SET a = :v, m = :m","ExpressionAttributeValues":{":v":{"N":"1"},":m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}}"#;
    assert_eq!(update(&format!(r#"{set},"ReturnValues":"ALL_OLD""#)), "{}");
    assert_eq!(
        update(&format!(r#"{set},"ReturnValues":"ALL_NEW""#)),
        r#"{"Attributes":{"a":{"N":"1"},"m":{"M":{"x":{"N":"1"},"y":{"N":"2"}}},"pk":{"S":"p"},"sk":{"S":"s"}}}"#
    );
    let nested =
        r#""UpdateExpression":"SET m.x = m.x + :v REMOVE a","ExpressionAttributeValues":{":v":{"N":"1"}}"#;
    assert_eq!(
        update(&format!(r#"{nested},"ReturnValues":"UPDATED_OLD""#)),
        r#"{"Attributes":{"a":{"N":"1"},"m":{"M":{"x":{"N":"1"}}}}}"#
    );
    assert_eq!(
        update(&format!(r#"{nested},"ReturnValues":"UPDATED_NEW""#)),
        r#"{"Attributes":{"m":{"M":{"x":{"N":"3"}}}}}"#
    );
    let delete = format!(r#"{{{},"ReturnValues":"ALL_OLD"}}"#, table());
    assert_eq!(
        client.ok("DeleteItem", &delete),
        r#"{"Attributes":{"m":{"M":{"x":{"N":"3"},"y":{"N":"2"}}},"pk":{"S":"p"},"sk":{"S":"s"}}}"#
    );
    assert_eq!(client.ok("DeleteItem", &delete), "{}");
    assert_eq!(client.ok("UpdateItem", &format!("{{{}}}", table())), "{}");
    assert_eq!(item(&client), r#"{"Item":{"pk":{"S":"p"},"sk":{"S":"s"}}}"#);
}

#[test]
fn a_condition_that_fails_may_come_with_the_item() {
    let client = Client::with_table();
    let failed = modelled("ConditionalCheckFailedException", "The conditional request failed");
    let delete = |more: &str| {
        client.told(
            "DeleteItem",
            &format!(r#"{{{},"ConditionExpression":"attribute_exists(a)"{more}}}"#, table()),
        )
    };
    let all_old = r#","ReturnValuesOnConditionCheckFailure":"ALL_OLD""#;
    assert_eq!(delete(""), failed);
    assert_eq!(delete(all_old), failed);
    put(&client, r#""b":{"N":"1"}"#);
    assert_eq!(delete(""), failed);
    assert_eq!(
        delete(all_old),
        concat!(
            r#"400 {"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","#,
            r#""Item":{"b":{"N":"1"},"pk":{"S":"p"},"sk":{"S":"s"}},"message":"The conditional request failed"}"#
        )
    );
}

#[test]
fn members_are_checked_all_at_once() {
    let client = Client::new();
    let wrong = |member: &str| {
        format!(
            r#"{{"TableName":"abc","{member}":{{}},"ReturnValues":"OLD","ReturnConsumedCapacity":"hi","ReturnItemCollectionMetrics":"lo"}}"#
        )
    };
    let capacity = "Value 'hi' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value \
                    set: [INDEXES, TOTAL, NONE]";
    let all = format!(
        "3 validation errors detected: {capacity}; Value 'lo' at 'returnItemCollectionMetrics' failed to satisfy \
         constraint: Member must satisfy enum value set: [SIZE, NONE]; Failed to satisfy constraint: Member must satisfy \
         enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
    );
    client.refused("PutItem", &[(&wrong("Item"), &all)]);
    client.refused("DeleteItem", &[(&wrong("Key"), &all)]);
    let first = format!("1 validation error detected: {capacity}");
    client.refused("UpdateItem", &[(&wrong("Key"), &first)]);
    client.refused("PutItem", &[
        (
            "{}",
            "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be \
             null; Value null at 'item' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"TableName":"a;","Item":{},"ReturnConsumedCapacity":"hi","ReturnItemCollectionMetrics":"lo"}"#,
            "4 validation errors detected: Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z0-9_.-]+; Value at 'TableName' failed to satisfy constraint: Member \
             must have length greater than or equal to 3; Value 'hi' at 'returnConsumedCapacity' failed to satisfy \
             constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value 'lo' at \
             'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, \
             NONE]",
        ),
        (
            r#"{"TableName":"abc","Item":{},"ReturnValues":"OLD"}"#,
            "1 validation error detected: Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, \
             UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]",
        ),
        (
            r#"{"TableName":"abc","Item":{},"ReturnValues":"ALL_NEW"}"#,
            "1 validation error detected: ReturnValues can only be ALL_OLD or NONE",
        ),
    ]);
    client.refused(
        "GetItem",
        &[(
            r#"{"TableName":"abc"}"#,
            "Value null at 'key' failed to satisfy constraint: Member must not be null",
        )],
    );
}

#[test]
fn values_and_expressions_are_checked_without_a_table() {
    let client = Client::new();
    let put = |item: &str, more: &str| format!(r#"{{"TableName":"abc","Item":{{"pk":{item}}}{more}}}"#);
    let enveloped = |message: &str| validation(&format!("1 validation error detected: {message}"));
    for (item, more, message) in [
        ("{}", "", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            r#"{"S":"a","N":"1"}"#,
            "",
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
        (
            r#"{"NULL":false}"#,
            "",
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
        (r#"{"SS":[]}"#, "", "One or more parameter values were invalid: An string set  may not be empty"),
        (r#"{"NS":[]}"#, "", "One or more parameter values were invalid: An number set  may not be empty"),
        (r#"{"BS":[]}"#, "", "One or more parameter values were invalid: Binary sets should not be empty"),
        (
            r#"{"N":"1e126"}"#,
            "",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (r#"{"M":{"":{"N":"1"}}}"#, "", "Empty attribute name"),
        (
            r#"{"S":"a"}"#,
            r#","ConditionExpression":"""#,
            "Invalid ConditionExpression: The expression can not be empty;",
        ),
        (
            r#"{"S":"a"}"#,
            r#","ConditionExpression":"a = :v","ExpressionAttributeValues":{":v":{"N":"x"}}"#,
            "The parameter cannot be converted to a numeric value: x",
        ),
        (
            r#"{"S":"a"}"#,
            r#","ConditionExpression":"a = :v""#,
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v",
        ),
        (
            r#"{"S":"a"}"#,
            r#","ConditionExpression":"timestamp = a""#,
            "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: timestamp",
        ),
        (
            r#"{"S":"a"}"#,
            r##","ExpressionAttributeNames":{"#a":"b"}"##,
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
    ] {
        assert_eq!(client.told("PutItem", &put(item, more)), enveloped(message), "{item}{more}");
    }
    let missing = modelled("ResourceNotFoundException", "Requested resource not found");
    assert_eq!(client.told("PutItem", &put(r#"{"S":"a"}"#, "")), missing);
}

#[test]
fn what_does_not_fit_the_table_is_told_bare() {
    let client = Client::with_table();
    let item = |attributes: &str| {
        client.told("PutItem", &format!(r#"{{"TableName":"Table","Item":{{{attributes}}}}}"#))
    };
    let invalid =
        |message: &str| validation(&format!("One or more parameter values were invalid: {message}"));
    assert_eq!(item(""), invalid("Missing the key pk in the item"));
    assert_eq!(
        item(r#""pk":{"N":"1"},"sk":{"S":"s"}"#),
        invalid("Type mismatch for key pk expected: S actual: N")
    );
    assert_eq!(
        item(r#""pk":{"S":""},"sk":{"S":"s"}"#),
        validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: pk"
        )
    );
    let large = "x".repeat(409_600);
    assert_eq!(
        item(&format!(r#""pk":{{"S":"p"}},"sk":{{"S":"s"}},"a":{{"S":"{large}"}}"#)),
        validation("Item size has exceeded the maximum allowed size")
    );
    let wrong = "The provided key element does not match the schema";
    for key in [
        r#""pk":{"S":"p"}"#,
        r#""pk":{"S":"p"},"sk":{"N":"1"}"#,
        r#""pk":{"S":"p"},"sk":{"S":"s"},"x":{"S":"y"}"#,
    ] {
        for operation in ["GetItem", "DeleteItem", "UpdateItem"] {
            let body = format!(r#"{{"TableName":"Table","Key":{{{key}}}}}"#);
            assert_eq!(client.told(operation, &body), validation(wrong), "{operation} {key}");
        }
    }
    let update = format!(
        r#"{{{},"UpdateExpression":"SET pk = :v","ExpressionAttributeValues":{{":v":{{"S":"p"}}}}}}"#,
        table()
    );
    assert_eq!(
        client.told("UpdateItem", &update),
        invalid("Cannot update attribute pk. This attribute is part of the key")
    );
}

#[test]
fn a_table_may_be_called_by_its_long_name() {
    let client = Client::with_table();
    put(&client, "");
    let get = |table: &str| client.told("GetItem", &format!(r#"{{"TableName":"{table}",{KEY}}}"#));
    let item = r#"200 {"Item":{"pk":{"S":"p"},"sk":{"S":"s"}}}"#;
    assert_eq!(get("arn:aws:dynamodb:us-east-1:000000000000:table/Table"), item);
    assert!(get("arn:aws:dynamodb:eu-west-1:000000000000:table/Table").contains("ValidationException"));
}
