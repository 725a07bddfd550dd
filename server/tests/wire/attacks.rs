//! What strangers may try: each is refused, and the server goes on for everybody else.

use crate::client::{Client, connect, exchange, read_answer, serialization};
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const JSON: (&str, &str) = ("Content-Type", "application/x-amz-json-1.0");
const LIST: (&str, &str) = ("X-Amz-Target", "DynamoDB_20120810.ListTables");

fn goes_on(client: &Client) {
    assert_eq!(client.told("ListTables", "{}"), r#"200 {"TableNames":[]}"#);
}

/// Sends bytes as they are, and reads what comes until the server ends the connection, which it must.
pub(crate) fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    // A server that refuses by the head may close before all is sent.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the server hangs");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(more: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n{}: {}\r\n{more}\r\n",
        JSON.0, JSON.1, LIST.0, LIST.1
    )
}

#[test]
fn a_body_is_bounded_by_what_it_says_and_by_what_it_is() {
    let client = Client::new();
    let address = client.server.address();
    let said = exchange(address, "POST", "/", &[JSON, LIST, ("Content-Length", "17825792")], b"{}");
    assert_eq!(said.status, 413);

    // Without a length, as much is read as is allowed.
    let mut stream = connect(address);
    stream.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).expect("the head");
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x10_0000], b"\r\n"].concat();
    let mut sent = 0;
    while sent < 64 && stream.write_all(&chunk).is_ok() {
        sent += 1;
    }
    assert!(sent < 64, "the server read {sent} MB");

    // A body that ends too early is no request.
    let mut stream = connect(address);
    stream.write_all(head("Content-Length: 100\r\n").as_bytes()).expect("the head");
    stream.write_all(b"{}").expect("the body");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(!answer.contains("200 OK"), "{answer}");
    goes_on(&client);
}

#[test]
fn who_sends_nothing_of_a_large_body_holds_nobody_up() {
    let client = Client::with_table();
    let announced = head("Content-Length: 16777216\r\n");
    let mut silent: Vec<TcpStream> = (0..40).map(|_| connect(client.server.address())).collect();
    for stream in &mut silent {
        stream.write_all(announced.as_bytes()).expect("the head");
    }
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let item = format!(
        r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"s"}},"t":{{"S":"{}"}}}}}}"#,
        "t".repeat(300_000)
    );
    client.ok("PutItem", &item);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn a_head_is_bounded() {
    let client = Client::new();
    let address = client.server.address();
    let long = head(&format!("X-Long: {}\r\n", "x".repeat(64 * 1024)));
    let many = head(&(0..100).map(|number| format!("X-{number}: y\r\n")).collect::<Vec<_>>().concat());
    for request in [long, many] {
        let answer = raw(address, request.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    goes_on(&client);
}

#[test]
fn what_two_servers_could_read_differently_is_refused() {
    let client = Client::new();
    let address = client.server.address();
    for request in [
        head("Content-Length: 2\r\nContent-Length: 3\r\n") + "{}",
        head("Content-Length: +2\r\n") + "{}",
        head("Content-Length: 2, 3\r\n") + "{}",
        head("X-Folded: a\r\n b\r\nContent-Length: 2\r\n") + "{}",
        head("Transfer-Encoding: chunked, identity\r\n") + "2\r\n{}\r\n0\r\n\r\n",
        head("Bad Name: x\r\nContent-Length: 2\r\n") + "{}",
        head("Transfer-Encoding: chunked\r\n") + "-1\r\n{}\r\n0\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\0y\n\n".to_owned(),
        "\0\0\0\0".to_owned(),
        "GET /\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".to_owned(),
    ] {
        let answer = raw(address, request.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:?}: {answer}");
    }
    goes_on(&client);
}

#[test]
fn chunks_count_and_no_length_beside_them_and_nothing_is_read_behind_them() {
    let client = Client::new();
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    let second = head("Content-Length: 2\r\n") + "{}";
    for lengths in [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        let answer = raw(client.server.address(), (head(lengths) + chunks + &second).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[test]
fn nesting_ends_in_an_error() {
    let client = Client::new();
    for opening in ["[", "{\"a\":", "{\"M\":{\"a\":", "{\"L\":["] {
        for prefix in ["", "{\"Item\":{\"a\":", "{\"Unknown\":", "{\"ExpressionAttributeValues\":{\":v\":"] {
            for depth in [200, 100_000] {
                let body = format!("{prefix}{}", opening.repeat(depth));
                let told = client.told("PutItem", &body);
                assert!(
                    told.starts_with("400 {\"__type\":\"com.amazon.coral.service#Serial"),
                    "{prefix}{opening}: {told}"
                );
            }
        }
    }
    goes_on(&client);
}

#[test]
fn expressions_that_nest_end_in_an_error() {
    let client = Client::new();
    let begun = Instant::now();
    for expression in [
        "NOT ".repeat(1000) + "a = b",
        "(".repeat(4000),
        "(".repeat(1500) + "a = b" + &")".repeat(1500),
        format!("a{} = b", ".a".repeat(1800)),
        format!("a{} = b", "[0]".repeat(1300)),
        "a = b AND ".repeat(400) + "a = b",
        "size(".repeat(800) + "a",
        "a IN (".to_owned() + &"b,".repeat(1900) + "b)",
        "x".repeat(4097),
        "a BETWEEN ".repeat(400),
    ] {
        for (operation, member) in [
            ("PutItem", "\"Item\":{\"pk\":{\"S\":\"p\"}},\"ConditionExpression\""),
            ("Scan", "\"FilterExpression\""),
            ("UpdateItem", "\"Key\":{\"pk\":{\"S\":\"p\"}},\"UpdateExpression\""),
            ("GetItem", "\"Key\":{\"pk\":{\"S\":\"p\"}},\"ProjectionExpression\""),
        ] {
            let told =
                client.told(operation, &format!("{{\"TableName\":\"abc\",{member}:\"{expression}\"}}"));
            assert!(
                told.starts_with("400 {\"__type\":\"com.amazon.coral.validate#ValidationException"),
                "{told}"
            );
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    goes_on(&client);
}

#[test]
fn names_are_not_paths() {
    let client = Client::new();
    for name in
        ["../../etc/passwd", "..\\\\x", "a/b", "/abc", "abc\\u0000", "ab\u{e9}", "%2e%2e%2f", "..", ".", ""]
    {
        for operation in ["CreateTable", "DescribeTable", "DeleteTable"] {
            let body = format!(
                r#"{{"TableName":"{name}","BillingMode":"PAY_PER_REQUEST","KeySchema":[{{"AttributeName":"a","KeyType":"HASH"}}],
                    "AttributeDefinitions":[{{"AttributeName":"a","AttributeType":"S"}}]}}"#
            );
            let told = client.told(operation, &body);
            assert!(told.contains("validate#ValidationException"), "{operation} {name}: {told}");
        }
    }
    goes_on(&client);
}

#[test]
fn encoded_bodies_are_decoded_within_bounds() {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    let client = Client::new();
    let post = |encoding: &str, body: &[u8]| {
        let headers = [JSON, LIST, ("Content-Encoding", encoding)];
        exchange(client.server.address(), "POST", "/", &headers, body)
    };
    let gzip = |body: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory")
    };
    let deflate = |body: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory")
    };
    assert_eq!(post("gzip", &gzip(b"{}")).status, 200);
    assert_eq!(post("deflate", &deflate(b"{}")).status, 200);
    assert_eq!(post("identity", b"{}").status, 200);
    assert_eq!(post("br", b"{}").status, 415);
    assert_eq!(post("gzip, gzip", &gzip(&gzip(b"{}"))).status, 415);
    assert_eq!(post("gzip", b"{}").status, 400);
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 400_000);
    assert_eq!(post("gzip", &bomb).status, 413);
    goes_on(&client);
}

#[test]
fn long_answers_are_encoded_for_those_who_ask() {
    let client = Client::with_table();
    let text = "text ".repeat(2000);
    let item = format!(
        r#"{{"TableName":"Table","Item":{{"pk":{{"S":"p"}},"sk":{{"S":"s"}},"t":{{"S":"{text}"}}}}}}"#
    );
    client.ok("PutItem", &item);
    let scan = ("X-Amz-Target", "DynamoDB_20120810.Scan");
    let get = |accept: &str| {
        let headers = [JSON, scan, ("Accept-Encoding", accept)];
        exchange(client.server.address(), "POST", "/", &headers, br#"{"TableName":"Table"}"#)
    };
    let plain = get("identity");
    assert_eq!(plain.header("content-encoding"), None);
    let encoded = get("gzip");
    assert_eq!(encoded.header("content-encoding"), Some("gzip"));
    assert_eq!(encoded.header("x-amz-crc32"), Some(crc32fast::hash(&encoded.body).to_string().as_str()));
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(encoded.body.as_slice()).read_to_end(&mut decoded).expect("gzip");
    assert_eq!(decoded, plain.body);
    let list = [JSON, LIST, ("Accept-Encoding", "gzip")];
    let short = exchange(client.server.address(), "POST", "/", &list, b"{}");
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn pages_of_strangers_are_refused() {
    let client = Client::new();
    let address = client.server.address();
    let post = |origin: &str| exchange(address, "POST", "/", &[JSON, LIST, ("Origin", origin)], b"{}");
    let refused = post("http://evil.example");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("access-control-allow-origin"), None);
    let own = format!("http://{address}");
    let allowed = post(&own);
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(own.as_str()));
    let asked = [("Origin", own.as_str()), ("Access-Control-Request-Headers", "x-amz-target,content-type")];
    let preflight = exchange(address, "OPTIONS", "/", &asked, b"");
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-max-age"), Some("172800"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("x-amz-target,content-type"));
    let asked = [("Origin", "http://evil.example"), ("Access-Control-Request-Method", "POST")];
    assert_eq!(exchange(address, "OPTIONS", "/", &asked, b"").status, 403);
    // A page whose name leads here says so in both headers.
    let rebound = format!(
        "POST / HTTP/1.1\r\nHost: evil.example:8000\r\nOrigin: http://evil.example:8000\r\n{}: {}\r\n{}: {}\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        JSON.0, JSON.1, LIST.0, LIST.1
    );
    assert!(raw(address, rebound.as_bytes()).starts_with("HTTP/1.1 403"));
}

#[test]
fn slow_clients_are_left_and_others_do_not_wait() {
    let client = Client::new();
    let address = client.server.address();
    let begun = Instant::now();
    let silent: Vec<TcpStream> = (0..100).map(|_| connect(address)).collect();
    let mut dripping: Vec<TcpStream> = (0..20).map(|_| connect(address)).collect();
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(13) {
        for stream in &mut dripping {
            let _ = stream.write_all(b"P");
        }
        let asked = Instant::now();
        goes_on(&client);
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(200));
    }
    for mut stream in silent.into_iter().chain(dripping) {
        stream.set_nonblocking(true).expect("a socket");
        let mut byte = [0];
        let would_block =
            matches!(stream.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!would_block, "it is still open after {:?}", begun.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "a good client waited for {slowest:?}");
}

#[test]
fn a_connection_is_kept_for_the_next_request() {
    let client = Client::new();
    let mut stream = BufReader::new(connect(client.server.address()));
    for _ in 0..3 {
        let request = head("Content-Length: 2\r\n") + "{}";
        stream.get_mut().write_all(request.as_bytes()).expect("the request");
        assert_eq!(read_answer(&mut stream, false).status, 200);
    }
}

#[test]
fn broken_text_of_every_kind_is_refused() {
    let client = Client::with_table();
    let address = client.server.address();
    let body: &[u8] = br#"{"TableName":"Table","Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"ConsistentRead":true}"#;
    let target = ("X-Amz-Target", "DynamoDB_20120810.GetItem");
    let ask = |body: &[u8]| exchange(address, "POST", "/", &[JSON, target], body);
    assert_eq!(ask(body).told(), "200 {}");
    let name = |value: &str| {
        let at = body.windows(value.len()).position(|window| window == value.as_bytes());
        at.expect("it stands there")..at.expect("it stands there") + value.len()
    };
    for at in 0..body.len() {
        for byte in [0, b'"', b'{', 0xff] {
            let mut broken = body.to_vec();
            broken[at] = byte;
            if broken == body {
                continue;
            }
            let answer = ask(&broken);
            let told = answer.told();
            // A bracket within a text leaves it a text: of another table, member, attribute or key.
            let quotes = String::from_utf8_lossy(&body[..at]).matches('"').count();
            let is_within_text = byte == b'{' && quotes % 2 == 1 && body[at] != b'"';
            if !is_within_text {
                assert!(
                    told.starts_with("400 {\"__type\":\"com.amazon.coral.service#SerializationException\""),
                    "{at} {byte}: {told}"
                );
            } else if name("\"p\"").contains(&at)
                || name("\"s\"").contains(&at)
                || name("ConsistentRead").contains(&at)
            {
                // Another key, or a member that nobody knows.
                assert_eq!(told, "200 {}", "{at}");
            } else {
                assert!(told.starts_with("400 {\"__type\":\"com.amazon."), "{at} {byte}: {told}");
            }
        }
    }
    assert_eq!(ask(&[0xff; 10]).told(), serialization("The body is not text in UTF-8"));
}

#[test]
fn updates_that_nest_or_go_on_end_in_an_error() {
    let client = Client::new();
    let begun = Instant::now();
    let if_not_exists = |depth: usize| format!("{}a{}", "if_not_exists(a,".repeat(depth), ")".repeat(depth));
    let list_append = |depth: usize| format!("{}a{}", "list_append(a,".repeat(depth), ")".repeat(depth));
    for expression in [
        format!("SET a = {}", if_not_exists(240)),
        format!("SET a = {}", list_append(270)),
        format!("SET a = {}", "if_not_exists(a,".repeat(250)),
        format!("SET a = {}a", "a + ".repeat(1000)),
        format!("SET a = a{}", ", a = a".repeat(500)),
        format!("REMOVE a{}", ",a".repeat(2000)),
        format!("REMOVE a{}", ", a".repeat(4000)),
        format!("ADD a :v{}", ", a :v".repeat(4000)),
        format!("ADD a :v{}", ",a :v".repeat(800)),
        "SET ".repeat(1000),
        format!("REMOVE {}", "a.".repeat(2000)),
    ] {
        let body = format!(
            r#"{{"TableName":"abc","Key":{{"pk":{{"S":"p"}}}},"UpdateExpression":"{expression}","ExpressionAttributeValues":{{":v":{{"N":"1"}}}}}}"#
        );
        let told = client.told("UpdateItem", &body);
        assert!(
            told.starts_with("400 {\"__type\":\"com.amazon.coral.validate#ValidationException"),
            "{}: {told}",
            &expression[..40]
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    goes_on(&client);
}
