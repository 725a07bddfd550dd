//! A client without an SDK: what it sends and what it gets are bytes.

use pixii_server::TestServer;
use serde_json::Value as Json;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server of its own, and a client for it.
pub(crate) struct Client {
    pub(crate) server: TestServer,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("answers are text")
    }

    /// Status and body, as tests compare them.
    pub(crate) fn told(&self) -> String {
        format!("{} {}", self.status, self.text())
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self { server: TestServer::start().expect("a free port") }
    }

    /// A client whose server has a table `T` with the partition key `pk` and the sort key `sk`, both strings.
    pub(crate) fn with_table() -> Self {
        let client = Self::new();
        client.ok("CreateTable", TABLE);
        client
    }

    /// Sends the body to an operation.
    pub(crate) fn post(&self, operation: &str, body: &str) -> Answer {
        let service = match operation {
            "ListStreams" | "DescribeStream" | "GetShardIterator" | "GetRecords" => {
                "DynamoDBStreams_20120810"
            }
            _ => "DynamoDB_20120810",
        };
        let target = format!("{service}.{operation}");
        let headers = [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", &target)];
        exchange(self.server.address(), "POST", "/", &headers, body.as_bytes())
    }

    /// Status and body, as tests compare them.
    pub(crate) fn told(&self, operation: &str, body: &str) -> String {
        self.post(operation, body).told()
    }

    /// The body of an answer that must be a success.
    pub(crate) fn ok(&self, operation: &str, body: &str) -> String {
        let answer = self.post(operation, body);
        assert_eq!(answer.status, 200, "{operation} {body}: {}", answer.text());
        answer.text().to_owned()
    }

    /// The same, parsed.
    pub(crate) fn json(&self, operation: &str, body: &str) -> Json {
        serde_json::from_str(&self.ok(operation, body)).expect("answers are JSON")
    }

    /// Checks that each request is refused as a `ValidationException` with the message behind it.
    #[track_caller]
    pub(crate) fn refused(&self, operation: &str, cases: &[(&str, &str)]) {
        for (body, message) in cases {
            assert_eq!(self.told(operation, body), validation(message), "{operation} {body}");
        }
    }
}

/// A table with a sort key, on demand.
pub(crate) const TABLE: &str = r#"{"TableName":"Table","BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]}"#;

/// How a `ValidationException` is told.
pub(crate) fn validation(message: &str) -> String {
    let message = serde_json::to_string(message).expect("a string");
    format!("400 {{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":{message}}}")
}

/// How an exception of the model is told.
pub(crate) fn modelled(exception: &str, message: &str) -> String {
    let message = serde_json::to_string(message).expect("a string");
    format!("400 {{\"__type\":\"com.amazonaws.dynamodb.v20120810#{exception}\",\"message\":{message}}}")
}

/// How a `SerializationException` is told.
pub(crate) fn serialization(message: &str) -> String {
    let message = serde_json::to_string(message).expect("a string");
    format!("400 {{\"__type\":\"com.amazon.coral.service#SerializationException\",\"Message\":{message}}}")
}

/// One request over a connection of its own.
pub(crate) fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("memory takes everything");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        write!(head, "Content-Length: {}\r\n", body.len()).expect("memory takes everything");
    }
    head.push_str("\r\n");
    let mut stream = connect(address);
    // A server that refuses by the head may close before the body is sent.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    read_answer(&mut BufReader::new(stream), method == "HEAD")
}

/// A connection that gives up after a time.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
    stream
}

/// Reads an answer whose length its head says.
pub(crate) fn read_answer(stream: &mut BufReader<TcpStream>, is_bodyless: bool) -> Answer {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    let length = if is_bodyless { 0 } else { length.expect("every answer says how long it is") };
    answer.body.resize(length, 0);
    stream.read_exact(&mut answer.body).expect("the whole body");
    answer
}
