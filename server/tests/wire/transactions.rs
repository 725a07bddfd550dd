//! Transactions of reads and writes.

use crate::client::{Client, TABLE, modelled};

fn key(sort: &str) -> String {
    format!(r#""TableName":"Table","Key":{{"pk":{{"S":"p"}},"sk":{{"S":"{sort}"}}}}"#)
}

fn put(sort: &str, more: &str) -> String {
    format!(r#"{{"Put":{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"{sort}"}}}}{more}}}}}"#)
}

fn write(actions: &[String], more: &str) -> String {
    format!(r#"{{"TransactItems":[{}]{more}}}"#, actions.join(","))
}

#[test]
fn all_is_written_or_nothing() {
    let client = Client::with_table();
    assert_eq!(client.ok("TransactWriteItems", &write(&[put("a", ""), put("b", "")], "")), "{}");
    let update = format!(
        r#"{{"Update":{{{},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{{":n":{{"N":"1"}}}}}}}}"#,
        key("a")
    );
    let if_absent = r#","ConditionExpression":"attribute_not_exists(pk)""#;
    let with_old = format!(r#"{if_absent},"ReturnValuesOnConditionCheckFailure":"ALL_OLD""#);
    let told =
        client.told("TransactWriteItems", &write(&[update.clone(), put("b", &with_old), put("c", "")], ""));
    assert_eq!(
        told,
        concat!(
            r#"400 {"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":["#,
            r#"{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":{"pk":{"S":"p"},"sk":{"S":"b"}},"#,
            r#""Message":"The conditional request failed"},{"Code":"None"}],"Message":"Transaction cancelled, please refer "#,
            r#"cancellation reasons for specific reasons [None, ConditionalCheckFailed, None]"}"#
        )
    );
    let gets = |sorts: &[&str]| {
        let gets: Vec<String> = sorts.iter().map(|sort| format!(r#"{{"Get":{{{}}}}}"#, key(sort))).collect();
        client.ok("TransactGetItems", &write(&gets, r#","ReturnConsumedCapacity":"TOTAL""#))
    };
    assert_eq!(
        gets(&["a", "c"]),
        concat!(
            r#"{"Responses":[{"Item":{"pk":{"S":"p"},"sk":{"S":"a"}}},{}],"ConsumedCapacity":[{"TableName":"Table","#,
            r#""CapacityUnits":4.0,"ReadCapacityUnits":4.0}]}"#
        )
    );
    let check =
        format!(r#"{{"ConditionCheck":{{{},"ConditionExpression":"attribute_exists(pk)"}}}}"#, key("b"));
    let delete = format!(r#"{{"Delete":{{{}}}}}"#, key("c"));
    assert_eq!(client.ok("TransactWriteItems", &write(&[update, check, delete], "")), "{}");
}

#[test]
fn a_token_makes_a_transaction_happen_once() {
    let client = Client::with_table();
    let add = |number: u8| {
        format!(
            r#"{{"Update":{{{},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{{":n":{{"N":"{number}"}}}}}}}}"#,
            key("a")
        )
    };
    let token = r#","ClientRequestToken":"once""#;
    for _ in 0..2 {
        assert_eq!(client.ok("TransactWriteItems", &write(&[add(1)], token)), "{}");
    }
    let item = client.json("GetItem", &format!("{{{}}}", key("a")));
    assert_eq!(item["Item"]["n"]["N"], "1");
    let told = client.told("TransactWriteItems", &write(&[add(2)], token));
    assert!(
        told.starts_with(
            "400 {\"__type\":\"com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException\",\"Message\":"
        ),
        "{told}"
    );
}

#[test]
fn statements_have_tokens_of_their_own() {
    let client = Client::with_table();
    let token = r#","ClientRequestToken":"once""#;
    assert_eq!(client.ok("TransactWriteItems", &write(&[put("a", "")], token)), "{}");
    let insert = format!(
        r#"{{"TransactStatements":[{{"Statement":"INSERT INTO \"Table\" VALUE {{'pk': 'p', 'sk': 'b'}}"}}]{token}}}"#
    );
    for _ in 0..2 {
        assert_eq!(client.ok("ExecuteTransaction", &insert), r#"{"Responses":[{}]}"#);
    }
}

#[test]
fn the_collections_of_what_is_written_are_told() {
    let client = Client::new();
    let local = r#""LocalSecondaryIndexes":[{"IndexName":"ByX","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
        {"AttributeName":"x","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],"AttributeDefinitions":[
        {"AttributeName":"x","AttributeType":"S"},"#;
    client.ok("CreateTable", &TABLE.replace("\"AttributeDefinitions\":[", local));
    let size = r#","ReturnItemCollectionMetrics":"SIZE""#;
    let told = r#"{"ItemCollectionMetrics":{"Table":[{"ItemCollectionKey":{"pk":{"S":"p"}},"SizeEstimateRangeGB":[0.0,1.0]}]}}"#;
    assert_eq!(client.ok("TransactWriteItems", &write(&[put("a", ""), put("b", "")], size)), told);
    let check =
        format!(r#"{{"ConditionCheck":{{{},"ConditionExpression":"attribute_exists(pk)"}}}}"#, key("a"));
    assert_eq!(client.ok("TransactWriteItems", &write(&[check], size)), "{}");
    assert_eq!(client.ok("TransactWriteItems", &write(&[put("a", "")], "")), "{}");
}

#[test]
fn transactions_are_refused_with_dynamodbs_words() {
    let client = Client::with_table();
    let twofold =
        r#"{"Put":{"TableName":"Table","Item":{}},"Delete":{"TableName":"Table","Key":{}}}"#.to_owned();
    let unchecked = format!(r#"{{"ConditionCheck":{{{}}}}}"#, key("a"));
    let wordless = format!(r#"{{"Update":{{{}}}}}"#, key("a"));
    let not_null = "failed to satisfy constraint: Member must not be null";
    let cases = [
        (write(&[twofold], ""), "TransactItems can only contain one of Check, Put, Update or Delete".to_owned()),
        (
            write(&["{}".to_owned()], ""),
            "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request".to_owned(),
        ),
        (
            write(&[unchecked], ""),
            format!("Value null at 'transactItems.1.member.conditionCheck.conditionExpression' {not_null}"),
        ),
        (
            write(&[put("a", ""), wordless], ""),
            format!("Value null at 'transactItems.2.member.update.updateExpression' {not_null}"),
        ),
        (
            write(&[put("a", ""), put("a", "")], ""),
            "Transaction request cannot include multiple operations on one item".to_owned(),
        ),
        (
            write(&[put("a", r#","ConditionExpression":"size(a)""#)], ""),
            "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: \
             size"
                .to_owned(),
        ),
    ];
    let cases: Vec<_> = cases.iter().map(|(body, message)| (body.as_str(), message.as_str())).collect();
    client.refused("TransactWriteItems", &cases);
    assert_eq!(
        client.told("TransactGetItems", r#"{"TransactItems":[{"Get":{"TableName":"Other","Key":{}}}]}"#),
        modelled("ResourceNotFoundException", "Requested resource not found")
    );
}

#[test]
fn what_does_not_fit_its_table_cancels_with_a_reason() {
    let client = Client::with_table();
    let wrong = r#"{"Delete":{"TableName":"Table","Key":{"pk":{"S":"p"}}}}"#.to_owned();
    let told = client.told("TransactWriteItems", &write(&[put("a", ""), wrong], ""));
    assert_eq!(
        told,
        concat!(
            r#"400 {"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":["#,
            r#"{"Code":"None"},{"Code":"ValidationError","Message":"The provided key element does not match the schema"}],"#,
            r#""Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, "#,
            r#"ValidationError]"}"#
        )
    );
}
