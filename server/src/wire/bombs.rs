//! Requests that nest as deep as they may, and deeper, on a stack that is a quarter of what threads have.

use super::dispatch::{Target, answer};
use super::service::{Service, Wording};
use super::transients::Transients;
use pixii::Database;

/// Threads that answer requests have four times as much.
const STACK_BYTES: usize = 2 * 1024 * 1024;

fn service() -> Service {
    let database = Database::in_memory().expect("a new database");
    let service = Service::new(database, Wording::default(), Transients::default());
    let create = r#"{"TableName":"Table","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
    assert_eq!(ask(&service, "CreateTable", create), 200);
    service
}

fn ask(service: &Service, operation: &str, body: &str) -> u16 {
    let target = Target::find(&format!("DynamoDB_20120810.{operation}")).expect("it is served");
    answer(service, target, "localhost", body.as_bytes()).status
}

/// Runs on a small stack. What overflows it ends the process.
fn on_a_small_stack(run: impl FnOnce(&Service) + Send + 'static) {
    let service = service();
    let thread =
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || run(&service)).expect("a thread");
    thread.join().expect("it is answered");
}

#[test]
fn values_as_deep_as_they_may_be_are_kept_and_deeper_ones_refused() {
    on_a_small_stack(|service| {
        let item = |depth: usize, open: &str, close: &str| {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            format!(r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"a":{open}{{"S":"x"}}{close}}}}}"#)
        };
        for (open, close) in [(r#"{"M":{"a":"#, "}}"), (r#"{"L":["#, "]}")] {
            let depths: Vec<u16> =
                (28..36).map(|depth| ask(service, "PutItem", &item(depth, open, close))).collect();
            let deepest = depths.iter().position(|status| *status == 400).expect("there is a limit");
            assert!(deepest > 0 && depths[deepest..].iter().all(|status| *status == 400), "{depths:?}");
            assert_eq!(ask(service, "GetItem", r#"{"TableName":"Table","Key":{"pk":{"S":"p"}}}"#), 200);
            for depth in [100, 10_000, 1_000_000] {
                assert_eq!(ask(service, "PutItem", &item(depth, open, close)), 400);
            }
        }
        for opening in ["[", "{\"a\":", "{\"Unknown\":["] {
            assert_eq!(ask(service, "PutItem", &opening.repeat(1_000_000)), 400);
        }
    });
}

#[test]
fn expressions_as_deep_as_they_may_be_are_answered() {
    on_a_small_stack(|service| {
        let nested = |open: &str, within: &str, close: &str, depth: usize| {
            format!("{}{within}{}", open.repeat(depth), close.repeat(depth))
        };
        for depth in [1, 30, 60, 100, 140, 299, 600, 2000] {
            for (operation, member, expression) in [
                ("Scan", "FilterExpression", nested("(", "a = :v", ")", depth)),
                ("Scan", "FilterExpression", nested("NOT ", "a = :v", "", depth)),
                ("Scan", "FilterExpression", nested("NOT (", "a = :v", ")", depth)),
                ("Scan", "FilterExpression", nested("a = :v AND (", "a = :v", ")", depth)),
                ("Scan", "FilterExpression", nested("a = :v OR ", "a = :v", "", depth)),
                ("Scan", "FilterExpression", nested("size(", "a", ")", depth) + " > :v"),
                ("Scan", "FilterExpression", format!("a{} = :v", ".a".repeat(depth))),
                ("Scan", "FilterExpression", format!("a{} = :v", "[0]".repeat(depth))),
                ("Scan", "ProjectionExpression", format!("a{}", ".a".repeat(depth))),
                (
                    "UpdateItem",
                    "UpdateExpression",
                    "SET a = ".to_owned() + &nested("if_not_exists(a, ", ":v", ")", depth),
                ),
                (
                    "UpdateItem",
                    "UpdateExpression",
                    "SET a = ".to_owned() + &nested("list_append(", "a, a", ")", depth),
                ),
                ("UpdateItem", "UpdateExpression", format!("SET a{} = :v", ".a".repeat(depth))),
            ] {
                let key = if operation == "UpdateItem" { r#""Key":{"pk":{"S":"p"}},"# } else { "" };
                let values = match member {
                    "ProjectionExpression" => "",
                    _ => r#","ExpressionAttributeValues":{":v":{"N":"1"}}"#,
                };
                let body = format!(r#"{{"TableName":"Table",{key}"{member}":"{expression}"{values}}}"#);
                assert!([200, 400].contains(&ask(service, operation, &body)), "{expression}");
            }
            for statement in [
                nested("SELECT * FROM \\\"Table\\\" WHERE (", "a = 1", ")", 1),
                format!("SELECT * FROM \\\"Table\\\" WHERE {}", nested("(", "a = 1", ")", depth)),
                format!("SELECT * FROM \\\"Table\\\" WHERE {}", nested("NOT (", "a = 1", ")", depth)),
                format!(
                    "INSERT INTO \\\"Table\\\" VALUE {{'pk': 'p', 'a': {}}}",
                    nested("[", "1", "]", depth)
                ),
                format!(
                    "INSERT INTO \\\"Table\\\" VALUE {{'pk': 'p', 'a': {}}}",
                    nested("{'a': ", "1", "}", depth)
                ),
                format!("UPDATE \\\"Table\\\" SET a{} = 1 WHERE pk = 'p'", ".a".repeat(depth)),
            ] {
                let body = format!(r#"{{"Statement":"{statement}"}}"#);
                assert!([200, 400].contains(&ask(service, "ExecuteStatement", &body)), "{statement}");
            }
        }
    });
}
