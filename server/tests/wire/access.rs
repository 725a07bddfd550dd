//! Who is let in, and over what.

use crate::client::{TABLE, exchange, modelled, read_answer};
use pixii::Database;
use pixii_server::{AccessKeys, Certificate, Server, ServerOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const JSON: (&str, &str) = ("Content-Type", "application/x-amz-json-1.0");
const LIST: (&str, &str) = ("X-Amz-Target", "DynamoDB_20120810.ListTables");

fn options() -> ServerOptions {
    ServerOptions { address: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerOptions::default() }
}

fn start(options: ServerOptions) -> std::io::Result<Server> {
    Server::start(Database::in_memory().expect("a new database"), options)
}

#[test]
fn beyond_this_machine_nobody_is_served_without_keys() {
    let beyond = || ServerOptions { address: SocketAddr::from(([0, 0, 0, 0], 0)), ..options() };
    let refused = start(beyond()).map(drop).expect_err("there are no keys");
    assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
    let mut keys = AccessKeys::default();
    keys.insert("key", "secret");
    start(ServerOptions { keys, ..beyond() }).expect("there is a key").stop();
    start(ServerOptions { allow_remote_without_keys: true, ..beyond() }).expect("it is allowed").stop();
}

#[test]
fn with_keys_only_those_who_sign_are_served() {
    let mut keys = AccessKeys::default();
    keys.insert("key", "secret");
    let server = start(ServerOptions { keys, ..options() }).expect("a free port");
    let told = |headers: &[(&str, &str)]| exchange(server.address(), "POST", "/", headers, b"{}").told();
    assert_eq!(
        told(&[JSON, LIST]),
        r#"400 {"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}"#
    );
    let credential = "AWS4-HMAC-SHA256 Credential=other/20260101/us-east-1/dynamodb/aws4_request, \
                      SignedHeaders=host;x-amz-date;x-amz-target, Signature=0";
    assert_eq!(
        told(&[JSON, LIST, ("X-Amz-Date", "20260101T000000Z"), ("Authorization", credential)]),
        r#"400 {"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
    );
    assert!(told(&[JSON, LIST, ("Authorization", "nonsense")]).contains("#IncompleteSignatureException"));
    // Whether it is healthy is no secret.
    assert_eq!(exchange(server.address(), "GET", "/", &[], b"").status, 200);
}

#[test]
fn tls_is_served_by_a_certificate() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    assert!(Certificate::read(&key, &certificate).is_err());
    let read = Certificate::read(&certificate, &key).expect("a certificate and its key");
    let server = start(ServerOptions { certificate: Some(read), ..options() }).expect("a free port");

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).expect("a certificate")).expect("a root");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let socket = crate::client::connect(server.address());
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n{}: {}\r\nContent-Length: 2\r\n\r\n{{}}",
        JSON.0, JSON.1, LIST.0, LIST.1
    );
    stream.get_mut().write_all(request.as_bytes()).expect("the request");
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");

    // Plain text is no handshake.
    let mut plain = BufReader::new(crate::client::connect(server.address()));
    plain.get_mut().write_all(request.as_bytes()).expect("the request");
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_answer(&mut plain, false)));
    assert!(refused.is_err(), "a server of TLS must not speak HTTP");
}

#[test]
fn those_who_run_the_server_have_a_port_of_their_own() {
    let server = start(ServerOptions { admin_port: Some(0), ..options() }).expect("free ports");
    let admin = server.admin_address().expect("it was asked for");
    assert!(admin.ip().is_loopback());
    assert_eq!(exchange(server.address(), "POST", "/", &[JSON, LIST], b"{}").status, 200);
    assert_eq!(exchange(server.address(), "POST", "/", &[JSON, LIST], b"{\"Limit\":0}").status, 400);
    let _silent: Vec<_> = (0..8).map(|_| crate::client::connect(admin)).collect();
    let begun = std::time::Instant::now();
    let get = |path: &str| exchange(admin, "GET", path, &[], b"").told();
    assert_eq!(get("/health"), "200 healthy\n");
    assert_eq!(get("/ready"), "200 ready\n");
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    let metrics = get("/metrics");
    for (answer, count) in [("success", 1), ("refused", 1), ("failed", 0)] {
        let line = format!("pixii_requests_total{{operation=\"ListTables\",answer=\"{answer}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    assert!(get("/").starts_with("404 "));
    // Strangers do not find them.
    assert_eq!(exchange(server.address(), "GET", "/metrics", &[], b"").status, 404);
}

#[test]
fn a_stopped_server_has_answered_and_listens_no_more() {
    let server = start(options()).expect("a free port");
    let address = server.address();
    assert_eq!(exchange(address, "POST", "/", &[JSON, LIST], b"{}").status, 200);
    server.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn reserved_words_are_names_where_that_is_allowed() {
    let server = start(ServerOptions { allow_reserved_words: true, ..options() }).expect("a free port");
    let body = br#"{"TableName":"Missing","Key":{"a":{"S":"b"}},"ProjectionExpression":"timestamp, size"}"#;
    let target = ("X-Amz-Target", "DynamoDB_20120810.GetItem");
    let told = exchange(server.address(), "POST", "/", &[JSON, target], body).told();
    assert!(told.contains("ResourceNotFoundException"), "{told}");
}

#[test]
fn tables_are_on_their_way_where_that_is_asked_for() {
    let delay = Duration::from_millis(700);
    let server = start(ServerOptions { transient_delay: Some(delay), ..options() }).expect("a free port");
    let told = |operation: &str, body: &str| {
        let target = format!("DynamoDB_20120810.{operation}");
        exchange(server.address(), "POST", "/", &[JSON, ("X-Amz-Target", &target)], body.as_bytes()).told()
    };
    let table = r#"{"TableName":"Table"}"#;
    let status = |status: &str| {
        let told = told("DescribeTable", table);
        assert!(told.contains(&format!("\"TableStatus\":\"{status}\"")), "{status}: {told}");
    };
    let in_use = |what: &str| {
        let message =
            format!("Attempt to change a resource which is still in use: Table is being {what}: Table");
        modelled("ResourceInUseException", &message)
    };
    let protect = r#"{"TableName":"Table","DeletionProtectionEnabled":false}"#;
    let get = r#"{"TableName":"Table","Key":{"pk":{"S":"p"},"sk":{"S":"s"}}}"#;
    let missing = modelled("ResourceNotFoundException", "Requested resource not found");

    assert!(told("CreateTable", TABLE).starts_with("200"));
    status("CREATING");
    assert_eq!(told("GetItem", get), missing);
    assert_eq!(told("Scan", table), missing);
    assert_eq!(told("UpdateTable", protect), in_use("created"));
    assert_eq!(told("DeleteTable", table), in_use("created"));
    std::thread::sleep(delay);
    status("ACTIVE");
    assert_eq!(told("GetItem", get), "200 {}");
    assert!(told("UpdateTable", protect).starts_with("200"));
    status("UPDATING");
    assert_eq!(told("GetItem", get), "200 {}");
    assert_eq!(told("DeleteTable", table), in_use("updated"));
    std::thread::sleep(delay);
    assert!(told("DeleteTable", table).starts_with("200"));
    status("DELETING");
    assert_eq!(told("DeleteTable", table), in_use("deleted"));
    assert_eq!(told("CreateTable", TABLE), modelled("ResourceInUseException", "Table already exists: Table"));
    std::thread::sleep(delay);
    assert!(told("DescribeTable", table).contains("ResourceNotFoundException"));
}
