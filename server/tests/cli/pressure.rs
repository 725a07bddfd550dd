//! A server under pressure: how much memory it takes for what strangers send, which is the greatest that its process ever
//! had, and what it does when nobody reads what it says.
#![cfg(target_os = "linux")]

use crate::support::program;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

/// A server over a store in memory, killed at the end.
pub(crate) struct Served {
    process: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    pub(crate) fn start(more: &[&str]) -> Self {
        let mut command = program();
        command.args(["serve", "--in-memory", "--port", "0"]).args(more).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the program runs");
        let mut line = String::new();
        let mut log = BufReader::new(process.stderr.take().expect("it is piped"));
        log.read_line(&mut line).expect("a line");
        let address = line.trim().rsplit('/').next().expect("an address").to_owned();
        // Nobody reads on: what the server says of single requests must not stop it.
        drop(log);
        Self { process, address }
    }

    /// The status and the body of an answer.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    pub(crate) fn post(&self, operation: &str, more: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: DynamoDB_20120810.{operation}\r\n{more}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("the request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// The most megabytes that the process had so far.
    pub(crate) fn peak_megabytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kilobytes / 1024
    }
}

#[test]
fn requests_are_answered_where_nobody_reads_the_log() {
    let server = Served::start(&["--log-requests"]);
    for _ in 0..2 {
        let answer = server.post("ListTables", "", b"{}");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[test]
fn lists_beyond_their_limits_are_refused_and_not_kept() {
    let server = Served::start(&[]);
    for (operation, open, element, close) in [
        ("TransactWriteItems", "{\"TransactItems\":[", "{\"Put\":{}}", "]}"),
        ("TransactWriteItems", "{\"TransactItems\":[{", "\"Put\":{}", "}]}"),
        ("TransactGetItems", "{\"TransactItems\":[", "{\"Get\":{}}", "]}"),
        ("BatchWriteItem", "{\"RequestItems\":{\"abc\":[", "{\"PutRequest\":{}}", "]}}"),
        ("BatchWriteItem", "{\"RequestItems\":{\"abc\":[{", "\"PutRequest\":{}", "}]}}"),
        ("BatchGetItem", "{\"RequestItems\":{\"abc\":{\"Keys\":[", "{}", "]}}}"),
        ("BatchExecuteStatement", "{\"Statements\":[", "{}", "]}"),
        ("ExecuteTransaction", "{\"TransactStatements\":[", "{}", "]}"),
        ("CreateTable", "{\"TableName\":\"abc\",\"GlobalSecondaryIndexes\":[", "{}", "]}"),
        ("CreateTable", "{\"TableName\":\"abc\",\"LocalSecondaryIndexes\":[", "{}", "]}"),
        ("CreateTable", "{\"TableName\":\"abc\",\"AttributeDefinitions\":[", "{}", "]}"),
        ("CreateTable", "{\"TableName\":\"abc\",\"KeySchema\":[", "{}", "]}"),
        ("CreateTable", "{\"TableName\":\"abc\",\"Tags\":[", "{}", "]}"),
        ("UpdateTable", "{\"TableName\":\"abc\",\"GlobalSecondaryIndexUpdates\":[", "{}", "]}"),
        ("TagResource", "{\"ResourceArn\":\"abc\",\"Tags\":[", "{}", "]}"),
    ] {
        let count = (8 << 20) / (element.len() + 1);
        let body = format!("{open}{element}{}{close}", format!(",{element}").repeat(count));
        let answer = server.post(operation, "", body.as_bytes());
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("#ValidationException"),
            "{operation} {element}: {answer}"
        );
        // A body, as it came and once more on its way, and what the program takes by itself.
        assert!(server.peak_megabytes() < 100, "{operation} {element}: {} MB", server.peak_megabytes());
    }
}

#[test]
fn bodies_that_grow_when_they_are_decoded_are_decoded_few_at_a_time() {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    let server = Served::start(&[]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let bomb = encoder.write_all(&vec![b' '; 16 << 20]).and_then(|()| encoder.finish()).expect("memory");
    assert!(bomb.len() < 64 * 1024);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let answer = server.post("ListTables", "Content-Encoding: gzip\r\n", &bomb);
                let is_told = answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 503");
                assert!(is_told, "{answer}");
            });
        }
    });
    // All at once would be a gigabyte.
    assert!(server.peak_megabytes() < 400, "{} MB", server.peak_megabytes());
}
