//! `pixii serve` as a process: its settings, its log and its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

fn serve(directory: &Path, settings: &str) -> (Child, BufReader<ChildStderr>, String) {
    let file = directory.join("settings");
    std::fs::write(&file, settings).expect("a file");
    let mut server = Command::new(env!("CARGO_BIN_EXE_pixii"))
        .args(["serve", "--config"])
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut log = BufReader::new(server.stderr.take().expect("it is piped"));
    let mut line = String::new();
    log.read_line(&mut line).expect("a line");
    let address = line.trim().rsplit("//").next().expect("an address").to_owned();
    (server, log, address)
}

fn post(address: &str, operation: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
         X-Amz-Target: DynamoDB_20120810.{operation}\r\nAuthorization: canary-authorization\r\n\
         X-Amz-Security-Token: canary-token\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[cfg(unix)]
#[test]
fn a_server_ends_well_and_its_log_has_no_secrets_and_no_values() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = directory.path().join("store");
    let settings = format!("# settings\nstore = {}\nport = 0\nlog-requests = true\n", store.display());
    let (mut server, mut log, address) = serve(directory.path(), &settings);
    let create = r#"{"TableName":"canary-table","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
    assert!(post(&address, "CreateTable", create).starts_with("HTTP/1.1 200"));
    let put = r#"{"TableName":"canary-table","Item":{"pk":{"S":"canary-value"}}}"#;
    assert!(post(&address, "PutItem", put).starts_with("HTTP/1.1 200"));
    let wrong = r#"{"TableName":"canary-table","Item":{"canary-name":{"N":"canary-number"}}}"#;
    assert!(post(&address, "PutItem", wrong).starts_with("HTTP/1.1 400"));

    let told = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert!(server.wait().expect("it ends").success());
    let mut text = String::new();
    log.read_to_string(&mut text).expect("its log");
    assert_eq!(text.matches("\"operation\":\"PutItem\"").count(), 2, "{text}");
    assert!(text.contains("\"exception\":\"ValidationException\""), "{text}");
    assert!(!text.contains("canary"), "{text}");

    // The store was closed, and has what was put.
    let export = Command::new(env!("CARGO_BIN_EXE_pixii"))
        .args(["scan", "--table", "canary-table", "--store"])
        .arg(&store)
        .output()
        .expect("the program runs");
    assert!(String::from_utf8_lossy(&export.stdout).contains("canary-value"), "{export:?}");
}

#[test]
fn settings_that_are_wrong_are_told() {
    let directory = tempfile::tempdir().expect("a directory");
    for (settings, words) in [
        ("port", "settings:1 is not a setting"),
        ("colour = red", "unexpected argument '--colour'"),
        ("in-memory = true\nhost = 0.0.0.0\nport = 0", "whoever reaches that address could use the store"),
        ("in-memory = true\nkeys-file = nowhere", "cannot read nowhere"),
    ] {
        let file = directory.path().join("settings");
        std::fs::write(&file, settings).expect("a file");
        let ended = Command::new(env!("CARGO_BIN_EXE_pixii"))
            .args(["serve", "--config"])
            .arg(&file)
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(words), "{settings}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_secrets_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let keys = directory.path().join("keys");
    std::fs::write(&keys, "key secret\n").expect("a file");
    for (mode, is_warned_of) in [(0o600, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        let settings = format!("in-memory = true\nport = 0\nkeys-file = {}\n", keys.display());
        let (mut server, _, said) = serve(directory.path(), &settings);
        server.kill().expect("it runs");
        server.wait().expect("it ends");
        assert_eq!(
            said.starts_with("warning: ") && said.contains("can be read by others"),
            is_warned_of,
            "{said}"
        );
    }
}
