//! The parameters that expressions replaced.

use crate::client::{Client, modelled, validation};

const KEY: &str = r#""TableName":"Table","Key":{"pk":{"S":"p"},"sk":{"S":"s"}}"#;

#[test]
fn an_update_and_what_it_expects() {
    let client = Client::with_table();
    let update = |more: &str| client.told("UpdateItem", &format!("{{{KEY},{more}}}"));
    assert_eq!(
        update(
            r#""AttributeUpdates":{"n":{"Action":"ADD","Value":{"N":"1"}},"size":{"Value":{"S":"a.b"}}},"ReturnValues":"ALL_NEW""#
        ),
        r#"200 {"Attributes":{"n":{"N":"1"},"pk":{"S":"p"},"size":{"S":"a.b"},"sk":{"S":"s"}}}"#
    );
    let failed = modelled("ConditionalCheckFailedException", "The conditional request failed");
    assert_eq!(
        update(
            r#""AttributeUpdates":{"n":{"Action":"DELETE"}},"Expected":{"n":{"ComparisonOperator":"GT","AttributeValueList":[{"N":"1"}]}}"#
        ),
        failed
    );
    assert_eq!(
        update(
            r#""AttributeUpdates":{"n":{"Action":"DELETE"}},"Expected":{"n":{"Value":{"N":"1"}}},"ReturnValues":"UPDATED_OLD""#
        ),
        r#"200 {"Attributes":{"n":{"N":"1"}}}"#
    );
    let put =
        r#"{"TableName":"Table","Item":{"pk":{"S":"p"},"sk":{"S":"s"}},"Expected":{"pk":{"Exists":false}}}"#;
    assert_eq!(client.told("PutItem", put), failed);
    let delete = format!(
        r#"{{{KEY},"Expected":{{"a":{{"Exists":false}},"n":{{"Exists":false}}}},"ConditionalOperator":"OR"}}"#
    );
    assert_eq!(client.told("DeleteItem", &delete), "200 {}");
}

#[test]
fn queries_and_scans() {
    let client = Client::with_table();
    for sort in ["a", "b", "c"] {
        client.ok(
            "PutItem",
            &format!(
                r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"{sort}"}},"n":{{"N":"1"}}}}}}"#
            ),
        );
    }
    let query = r#"{"TableName":"Table","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"p"}]},
        "sk":{"ComparisonOperator":"GE","AttributeValueList":[{"S":"b"}]}},"AttributesToGet":["sk"]}"#;
    assert_eq!(
        client.ok("Query", query),
        r#"{"Count":2,"Items":[{"sk":{"S":"b"}},{"sk":{"S":"c"}}],"ScannedCount":2}"#
    );
    let scan = r#"{"TableName":"Table","ScanFilter":{"n":{"ComparisonOperator":"NE","AttributeValueList":[{"N":"1"}]}}}"#;
    assert_eq!(client.ok("Scan", scan), r#"{"Count":0,"Items":[],"ScannedCount":3}"#);
    let batch =
        r#"{"RequestItems":{"Table":{"Keys":[{"pk":{"S":"p"},"sk":{"S":"a"}}],"AttributesToGet":["n"]}}}"#;
    assert_eq!(
        client.ok("BatchGetItem", batch),
        r#"{"Responses":{"Table":[{"n":{"N":"1"}}]},"UnprocessedKeys":{}}"#
    );
    let get = r#"{"TableName":"Table","Key":{"pk":{"S":"p"},"sk":{"S":"a"}},"AttributesToGet":["n"]}"#;
    assert_eq!(client.ok("GetItem", get), r#"{"Item":{"n":{"N":"1"}}}"#);
}

#[test]
fn they_do_not_mix_with_expressions() {
    let client = Client::new();
    let said = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
                {Expected} Expression parameters: {ConditionExpression}";
    let put = r#"{"TableName":"abc","Item":{"pk":{"N":"x"}},"Expected":{"a":{"Exists":false}},"ConditionExpression":""}"#;
    assert_eq!(client.told("PutItem", put), validation(&format!("1 validation error detected: {said}")));
    assert_eq!(
        client.told(
            "GetItem",
            r#"{"TableName":"abc","Key":{},"AttributesToGet":["a"],"ProjectionExpression":"a"}"#
        ),
        validation(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {AttributesToGet} Expression parameters: {ProjectionExpression}"
        )
    );
    assert_eq!(
        client.told("Query", r#"{"TableName":"abc","KeyConditions":{"pk":{"ComparisonOperator":"LIKE"}}}"#),
        validation(
            "Value 'LIKE' at 'keyConditions.pk.member.comparisonOperator' failed to satisfy constraint: Member must satisfy \
             enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"
        )
    );
}
