//! The page for people: who gets it, and that it gives other pages nothing.

use crate::client::{Answer, Client, exchange};
use pixii::Database;
use pixii_server::{AccessKeys, AllowedOrigins, Page, Server, ServerOptions};
use std::net::SocketAddr;

const HTML: (&str, &str) = ("Accept", "text/html,*/*;q=0.8");
const JSON: (&str, &str) = ("Content-Type", "application/x-amz-json-1.0");
const STATISTICS: (&str, &str) = ("X-Amz-Target", "Pixii_20261125.Statistics");
const HEALTHY: &str = "200 healthy: dynamodb.us-east-1.amazonaws.com ";
const NOT_FOUND: &str = "404 <UnknownOperationException/>\n";

fn start(options: ServerOptions) -> Server {
    Server::start(Database::in_memory().expect("a new database"), options).expect("a free port")
}

fn options() -> ServerOptions {
    ServerOptions { address: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerOptions::default() }
}

fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    exchange(address, "GET", path, headers, b"")
}

fn is_page(answer: &Answer) -> bool {
    answer.status == 200 && answer.text().starts_with("<!doctype html>")
}

#[test]
fn the_page_runs_nothing_but_its_own_files() {
    let client = Client::new();
    let address = client.server.address();
    let page = get(address, "/", &[HTML]);
    assert!(is_page(&page));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for answer in [&page, &get(address, "/page/page.js", &[])] {
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(get(address, "/", &[]).told(), HEALTHY);
    assert_eq!(get(address, "/", &[("Accept", "*/*")]).told(), HEALTHY);
    for path in [
        "/page/missing.js",
        "/page/../Cargo.toml",
        "/page/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/page/",
    ] {
        assert_eq!(get(address, path, &[HTML]).told(), NOT_FOUND, "{path}");
    }
}

#[test]
fn a_name_that_was_made_to_lead_here_gets_no_page_and_no_statistics() {
    let client = Client::new();
    let address = client.server.address();
    let ask = |headers: &str, method: &str| {
        let request = format!(
            "{method} / HTTP/1.1\r\n{headers}Accept: text/html\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: Pixii_20261125.Statistics\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        crate::attacks::raw(address, request.as_bytes())
    };
    assert!(ask("Host: localhost:8000\r\n", "GET").contains("<!doctype html>"));
    assert!(ask("Host: evil.example:8000\r\n", "GET").contains("healthy: dynamodb"));
    let rebound = ask("Host: evil.example:8000\r\nOrigin: http://evil.example:8000\r\n", "POST");
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
    let crossed = ask("Host: localhost:8000\r\nOrigin: http://evil.example\r\n", "POST");
    assert!(crossed.starts_with("HTTP/1.1 403"), "{crossed}");
    let own = ask("Host: localhost:8000\r\nOrigin: http://localhost:8000\r\n", "POST");
    assert!(own.starts_with("HTTP/1.1 200") && own.contains("\"Engine\":{\"Commits\":"), "{own}");
}

#[test]
fn what_a_form_of_another_page_can_send_does_nothing() {
    let client = Client::with_table();
    let address = client.server.address();
    let body = br#"{"TableName":"Table"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    {
        let headers = [("Content-Type", content_type), ("X-Amz-Target", "DynamoDB_20120810.DeleteTable")];
        assert_eq!(exchange(address, "POST", "/", &headers, body).status, 404, "{content_type}");
    }
    client.ok("DescribeTable", r#"{"TableName":"Table"}"#);
}

#[test]
fn statistics_tell_of_the_engine_and_of_requests_and_no_names() {
    let client = Client::with_table();
    client.ok("PutItem", r#"{"TableName":"Table","Item":{"pk":{"S":"canary"},"sk":{"S":"s"}}}"#);
    client.post("PutItem", r#"{"TableName":"Table","Item":{}}"#);
    let told = exchange(client.server.address(), "POST", "/", &[JSON, STATISTICS], b"{}");
    let json: serde_json::Value = serde_json::from_slice(&told.body).expect("it is JSON");
    assert!(json["Engine"]["Commits"].as_u64() >= Some(2), "{json}");
    assert_eq!(json["Engine"]["IsPoisoned"], false);
    let operations = json["Operations"].as_array().expect("a list");
    let put = operations.iter().find(|counts| counts["Operation"] == "PutItem").expect("it was asked");
    assert_eq!((&put["Succeeded"], &put["Refused"], &put["Failed"]), (&1.into(), &1.into(), &0.into()));
    let buckets = put["Buckets"].as_array().expect("a list").iter().filter_map(serde_json::Value::as_u64);
    assert_eq!(buckets.sum::<u64>(), 2);
    assert!(!told.text().contains("canary") && !told.text().contains("\"Table\""), "{}", told.text());
}

#[test]
fn the_page_is_off_beyond_this_machine_and_where_it_is_not_wanted() {
    let told = |options: ServerOptions| {
        let server = start(options);
        let address = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
        let statistics = exchange(address, "POST", "/", &[JSON, STATISTICS], b"{}").status;
        (is_page(&get(address, "/", &[HTML])), get(address, "/page/page.js", &[]).status, statistics)
    };
    let beyond = || ServerOptions {
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
        allow_remote_without_keys: true,
        ..options()
    };
    assert_eq!(told(options()), (true, 200, 200));
    assert_eq!(told(beyond()), (false, 404, 400));
    assert_eq!(told(ServerOptions { page: Page::Always, ..beyond() }), (true, 200, 200));
    assert_eq!(told(ServerOptions { page: Page::Never, ..options() }), (false, 404, 400));
    let mut keys = AccessKeys::default();
    keys.insert("key", "secret");
    assert_eq!(told(ServerOptions { keys, origins: AllowedOrigins::Any, ..options() }), (true, 200, 400));
}
