//! PartiQL.

use crate::client::{Client, modelled, validation};

fn client() -> Client {
    let client = Client::with_table();
    for sort in ["a", "b", "c"] {
        let insert = format!(
            r#"{{"Statement":"INSERT INTO \"Table\" VALUE {{'pk': 'p', 'sk': '{sort}', 'n': ?, 'l': [1, {{'x': true}}]}}",
                "Parameters":[{{"N":"1"}}]}}"#
        );
        assert_eq!(client.told("ExecuteStatement", &insert), r#"200 {"Items":[]}"#);
    }
    client
}

fn statement(text: &str) -> String {
    format!("{{\"Statement\":{}}}", serde_json::to_string(text).expect("a string"))
}

#[test]
fn items_are_selected() {
    let client = client();
    let select = |text: &str| client.ok("ExecuteStatement", &statement(text));
    assert_eq!(
        select(r#"SELECT sk, l[1].x FROM "Table" WHERE pk = 'p' AND sk >= 'b' ORDER BY sk DESC"#),
        r#"{"Items":[{"l":{"L":[{"M":{"x":{"BOOL":true}}}]},"sk":{"S":"c"}},{"l":{"L":[{"M":{"x":{"BOOL":true}}}]},"sk":{"S":"b"}}]}"#
    );
    assert_eq!(
        select(r#"select sk from "Table" where n IN [1, 2] and begins_with(sk, 'a') and missing is missing"#),
        r#"{"Items":[{"sk":{"S":"a"}}]}"#
    );
    assert_eq!(
        select(r#"SELECT sk FROM "Table" WHERE pk = 'p' AND (sk = 'a' OR sk = 'c') AND NOT n > 1"#)
            .matches("\"sk\"")
            .count(),
        2
    );
    assert_eq!(select(r#"SELECT * FROM "Table" WHERE pk = 'q'"#), r#"{"Items":[]}"#);
}

#[test]
fn a_failure_of_ours_within_a_batch_is_told_without_particulars() {
    let client = client();
    client.server.database().clone().close().expect("nothing is under way");
    let insert = r#"{"Statements":[{"Statement":"INSERT INTO \"Table\" VALUE {'pk': 'p', 'sk': 'z'}"}]}"#;
    assert_eq!(
        client.told("BatchExecuteStatement", insert),
        r#"200 {"Responses":[{"Error":{"Code":"InternalServerError","Message":"Internal server error"},"TableName":"Table"}]}"#
    );
}

#[test]
fn pages_go_on_by_a_token_of_their_statement() {
    let client = client();
    let text = r#""Statement":"SELECT sk FROM \"Table\" WHERE pk = ?","Parameters":[{"S":"p"}]"#;
    let first = client.json("ExecuteStatement", &format!(r#"{{{text},"Limit":2}}"#));
    assert_eq!(first["Items"].to_string(), r#"[{"sk":{"S":"a"}},{"sk":{"S":"b"}}]"#);
    assert_eq!(first["LastEvaluatedKey"].to_string(), r#"{"pk":{"S":"p"},"sk":{"S":"b"}}"#);
    let token = first["NextToken"].as_str().expect("there is more");
    assert_eq!(
        client.ok("ExecuteStatement", &format!(r#"{{{text},"NextToken":"{token}"}}"#)),
        r#"{"Items":[{"sk":{"S":"c"}}]}"#
    );
    let other = text.replace("\"S\":\"p\"", "\"S\":\"q\"");
    assert_eq!(
        client.told("ExecuteStatement", &format!(r#"{{{other},"NextToken":"{token}"}}"#)),
        validation("NextToken does not match request")
    );
}

#[test]
fn items_are_changed() {
    let client = client();
    let told = |text: &str| client.told("ExecuteStatement", &statement(text));
    assert_eq!(
        told(r#"INSERT INTO "Table" VALUE {'pk': 'p', 'sk': 'a'}"#),
        modelled("DuplicateItemException", "Duplicate primary key exists in table")
    );
    assert_eq!(
        told(
            r#"UPDATE "Table" SET n = n + 1, tags = <<'x', 'y'>> SET l = list_append(l, [2]) REMOVE l[0] WHERE pk = 'p' AND sk = 'a' AND n = 1 RETURNING MODIFIED NEW *"#
        ),
        validation(
            "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these \
             paths; path one: [l], path two: [l, [0]]"
        )
        .replace("\"message\":\"", "\"message\":\"1 validation error detected: ")
    );
    assert_eq!(
        told(
            r#"UPDATE "Table" SET n = n + 1 SET tags = <<'x', 'y'>> REMOVE l WHERE pk = 'p' AND sk = 'a' RETURNING ALL NEW *"#
        ),
        r#"200 {"Items":[{"n":{"N":"2"},"pk":{"S":"p"},"sk":{"S":"a"},"tags":{"SS":["x","y"]}}]}"#
    );
    assert_eq!(
        told(
            r#"UPDATE "Table" SET tags = set_delete(tags, <<'x'>>) WHERE pk = 'p' AND sk = 'a' RETURNING MODIFIED NEW *"#
        ),
        r#"200 {"Items":[{"tags":{"SS":["y"]}}]}"#
    );
    let failed = modelled("ConditionalCheckFailedException", "The conditional request failed");
    assert_eq!(told(r#"UPDATE "Table" SET n = 1 WHERE pk = 'p' AND sk = 'z'"#), failed);
    assert_eq!(told(r#"DELETE FROM "Table" WHERE pk = 'p' AND sk = 'a' AND n = 1"#), failed);
    assert_eq!(
        told(r#"DELETE FROM "Table" WHERE pk = 'p' AND sk = 'a' RETURNING ALL OLD *"#),
        r#"200 {"Items":[{"n":{"N":"2"},"pk":{"S":"p"},"sk":{"S":"a"},"tags":{"SS":["y"]}}]}"#
    );
    assert_eq!(told(r#"DELETE FROM "Table" WHERE pk = 'p' AND sk = 'a'"#), r#"200 {"Items":[]}"#);
    assert_eq!(
        told(r#"DELETE FROM "Table" WHERE pk = 'p'"#),
        validation("Where clause does not contain a mandatory equality on all key attributes")
    );
}

#[test]
fn statements_are_refused() {
    let client = client();
    let told = |body: &str| client.told("ExecuteStatement", body);
    assert_eq!(
        told("{}"),
        validation("Value null at 'statement' failed to satisfy constraint: Member must not be null")
    );
    assert_eq!(
        told(&statement("")),
        validation(
            "Value at 'Statement' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
    );
    assert_eq!(
        told(&statement("SELECT * FORM t")),
        validation("Statement wasn't well formed, can't be processed: Unexpected FORM")
    );
    assert_eq!(
        told(&statement("SELECT * FROM \"Table\" WHERE pk = ?")),
        validation("Number of parameters in request and statement don't match.")
    );
    assert_eq!(
        told(&statement("SELECT * FROM Nothing")),
        modelled("ResourceNotFoundException", "Requested resource not found")
    );
}

#[test]
fn batches_tell_of_each_statement() {
    let client = client();
    let batch = r#"{"Statements":[
        {"Statement":"SELECT sk FROM \"Table\" WHERE pk = 'p' AND sk = 'a'"},
        {"Statement":"SELECT sk FROM \"Table\" WHERE pk = 'p' AND sk = 'z'"},
        {"Statement":"SELECT sk FROM \"Table\" WHERE pk = 'p'"}]}"#;
    assert_eq!(
        client.ok("BatchExecuteStatement", batch),
        concat!(
            r#"{"Responses":[{"Item":{"sk":{"S":"a"}},"TableName":"Table"},{"TableName":"Table"},"#,
            r#"{"Error":{"Code":"ValidationError","Message":"Select statements within BatchExecuteStatement must specify the "#,
            r#"primary key in the where clause."},"TableName":"Table"}]}"#
        )
    );
    let batch = r#"{"Statements":[
        {"Statement":"INSERT INTO \"Table\" VALUE {'pk': 'p', 'sk': 'a'}"},
        {"Statement":"INSERT INTO \"Table\" VALUE {'pk': 'p', 'sk': 'new'}"},
        {"Statement":"UPDATE \"Table\" SET n = 1 WHERE pk = 'p' AND sk = 'none'"}]}"#;
    assert_eq!(
        client.ok("BatchExecuteStatement", batch),
        concat!(
            r#"{"Responses":[{"Error":{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"},"TableName":"Table"},"#,
            r#"{"TableName":"Table"},{"Error":{"Code":"ConditionalCheckFailed","Message":"The conditional request failed"},"#,
            r#""TableName":"Table"}]}"#
        )
    );
    let mixed = r#"{"Statements":[{"Statement":"SELECT * FROM \"Table\" WHERE pk = 'p' AND sk = 'a'"},
        {"Statement":"DELETE FROM \"Table\" WHERE pk = 'p' AND sk = 'a'"}]}"#;
    assert!(client.told("BatchExecuteStatement", mixed).contains("ValidationException"));
}

#[test]
fn transactions_of_statements_are_all_or_nothing() {
    let client = client();
    let transaction = |statements: &[&str]| {
        let statements: Vec<String> = statements.iter().map(|text| statement(text)).collect();
        client.told("ExecuteTransaction", &format!(r#"{{"TransactStatements":[{}]}}"#, statements.join(",")))
    };
    assert_eq!(
        transaction(&[
            r#"INSERT INTO "Table" VALUE {'pk': 'p', 'sk': 'new'}"#,
            r#"INSERT INTO "Table" VALUE {'pk': 'p', 'sk': 'a'}"#,
            r#"EXISTS(SELECT * FROM "Table" WHERE pk = 'p' AND sk = 'b' AND n = 1)"#,
        ]),
        concat!(
            r#"400 {"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":["#,
            r#"{"Code":"None"},{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"},{"Code":"None"}],"#,
            r#""Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, DuplicateItem, None]"}"#
        )
    );
    assert_eq!(
        transaction(&[
            r#"INSERT INTO "Table" VALUE {'pk': 'p', 'sk': 'new'}"#,
            r#"UPDATE "Table" SET n = 7 WHERE pk = 'p' AND sk = 'a'"#,
        ]),
        r#"200 {"Responses":[{},{}]}"#
    );
    assert_eq!(
        transaction(&[
            r#"SELECT n FROM "Table" WHERE pk = 'p' AND sk = 'a'"#,
            r#"SELECT * FROM "Table" WHERE pk = 'p' AND sk = 'new'"#,
            r#"SELECT * FROM "Table" WHERE pk = 'p' AND sk = 'none'"#,
        ]),
        r#"200 {"Responses":[{"Item":{"n":{"N":"7"}}},{"Item":{"pk":{"S":"p"},"sk":{"S":"new"}}},{}]}"#
    );
}
