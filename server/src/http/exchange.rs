//! One request and its answer.
//!
//! The steps, in the order of the code: what is no request of DynamoDB's is answered by itself; the page that asks may do
//! so; the operation is one that is served; the body is read, within its bounds; and on a thread of its own the
//! signature is verified, the body decoded, the operation done and its answer encoded; which gets its headers.
//!
//! A request that makes the code panic is answered as a failure of ours, and the server goes on.

use super::budget::{BodyBudget, Busy, Held};
use super::content::{ContentFault, Encoding};
use super::limits::{BODY_BYTES_FREE, BODY_BYTES_MAX, BODY_TIME, QUEUE_TIME, RUNNING_MAX};
use super::metrics::Metrics;
use super::origin::AllowedOrigins;
use super::page;
use super::request_id::RequestIds;
use super::sign_in::{AccessKeys, NotSignedIn, Signed};
use crate::wire::dispatch::{self, Target};
use crate::wire::refusal::Answer;
use crate::wire::service::Service;
use crate::wire::writer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use pixii::Database;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all requests of a server share.
pub(crate) struct Shared {
    service: Service,
    origins: AllowedOrigins,
    keys: AccessKeys,
    request_ids: RequestIds,
    metrics: Metrics,
    logging: Logging,
    has_page: bool,
    bodies: BodyBudget,
    /// A permit is a request that runs.
    running: Arc<Semaphore>,
}

/// What is written to standard error of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logging {
    /// Failures of ours.
    #[default]
    Failures,
    /// Each request in a line of JSON: what was asked and how it was answered, with no name of a table and no value.
    Requests,
}

impl Logging {
    fn write(self, id: &str, operation: Option<&str>, answer: &Encoded, time: Duration) {
        if self == Self::Failures && answer.failure.is_none() {
            return;
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = writer::body(|line| {
            line.plain("time_millis", since_1970.as_millis());
            line.string("request_id", id);
            line.maybe_string("operation", operation);
            line.plain("status", answer.status);
            line.maybe_string("exception", answer.exception);
            line.plain("micros", time.as_micros());
            line.plain("answer_bytes", answer.decoded_bytes);
            line.maybe_string("failure", answer.failure.as_deref());
        });
        // Where nobody reads what is said, requests are answered all the same.
        let _ = io::stderr().write_all(&[line.as_slice(), b"\n"].concat());
    }
}

/// What a client that does not ask for a page is told at the root, as DynamoDB's endpoints tell it.
const HEALTHY: &str = "healthy: dynamodb.us-east-1.amazonaws.com ";

const NOT_FOUND: &str = "<UnknownOperationException/>\n";

/// The types of bodies that are DynamoDB's protocol.
const JSON: &str = "application/x-amz-json-1.0";

impl Shared {
    /// What requests to `service` share.
    pub(crate) fn new(
        service: Service,
        origins: AllowedOrigins,
        keys: AccessKeys,
        logging: Logging,
        has_page: bool,
    ) -> Self {
        Self {
            service,
            origins,
            keys,
            request_ids: RequestIds::default(),
            metrics: Metrics::new(),
            logging,
            has_page,
            bodies: BodyBudget::new(),
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
        }
    }

    /// The store that is served.
    pub(crate) fn database(&self) -> &Database {
        &self.service.database
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers a request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let id = self.request_ids.next();
        let origin = text(request.headers(), header::ORIGIN).map(str::to_owned);
        // Whoever stands between may have read a length beside the chunks: nothing behind them is taken for a request.
        let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let mut response = self.respond(request, origin.as_deref(), &id).await;
        let headers = response.headers_mut();
        if is_chunked {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(HeaderName::from_static("x-amzn-requestid"), value(&id));
        if let Some(origin) = origin.filter(|_| !headers.contains_key("x-refused-origin")) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value(&origin));
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("x-amzn-RequestId,x-amzn-ErrorType,x-amz-crc32,Date"),
            );
        }
        headers.remove("x-refused-origin");
        response
    }

    async fn respond(
        self: &Arc<Self>,
        request: Request<Incoming>,
        origin: Option<&str>,
        id: &str,
    ) -> Response<Full<Bytes>> {
        let host = text(request.headers(), header::HOST).unwrap_or_default().to_owned();
        if origin.is_some_and(|origin| !self.origins.allow(origin, &host)) {
            let mut response = of_answer(Answer::service(
                403,
                "AccessDeniedException",
                "Requests from this web page are not allowed: list its origin when the server is started",
            ));
            response.headers_mut().insert("x-refused-origin", HeaderValue::from_static("1"));
            return response;
        }
        match *request.method() {
            Method::POST if is_json(request.headers()) => {}
            Method::OPTIONS if origin.is_some() => return preflight(request.headers()),
            Method::GET | Method::HEAD => {
                let (path, is_page) = (request.uri().path(), self.has_page && self.origins.is_known(&host));
                let page = is_page.then(|| page::answer(path, request.headers())).flatten();
                return page.unwrap_or_else(|| match path {
                    "/" => plain(200, HEALTHY),
                    _ => plain(404, NOT_FOUND),
                });
            }
            _ => return plain(404, NOT_FOUND),
        }
        let accepted = text(request.headers(), header::ACCEPT_ENCODING).map(str::to_owned);
        let begun = Instant::now();
        let target = text(request.headers(), HeaderName::from_static("x-amz-target"));
        let target = target.and_then(Target::find).filter(|target| self.has_page || !target.is_statistics());
        let answer = self.operate(request, target, &host, accepted).await;
        let operation = target.map(|target| target.operation);
        self.metrics.count(operation, answer.status, begun.elapsed());
        self.logging.write(id, operation, &answer, begun.elapsed());
        answer.into_response()
    }

    async fn operate(
        self: &Arc<Self>,
        request: Request<Incoming>,
        target: Option<Target>,
        host: &str,
        accepted: Option<String>,
    ) -> Encoded {
        let work = match self.admit(request, target).await {
            Ok(work) => work,
            Err(refused) => return Encoded::plain(refused),
        };
        let (shared, host) = (Arc::clone(self), host.to_owned());
        let task =
            tokio::task::spawn_blocking(move || Encoded::new(shared.work(work, &host), accepted.as_deref()));
        task.await
            .unwrap_or_else(|error| Encoded::plain(Answer::failure(format!("a request panicked: {error}"))))
    }

    /// Reads a request, and waits until it may be worked on.
    async fn admit(&self, request: Request<Incoming>, target: Option<Target>) -> Result<Work, Answer> {
        if text(request.headers(), HeaderName::from_static("smithy-protocol")).is_some() {
            return Err(Answer::service(
                400,
                "UnknownOperationException",
                "This server speaks AWS JSON 1.0, and not the protocol that smithy-protocol names",
            ));
        }
        let target = target.ok_or_else(Answer::unknown_operation)?;
        let encoding = Encoding::of_request(text(request.headers(), header::CONTENT_ENCODING));
        let encoding = encoding.map_err(content_fault)?;
        let (parts, body) = request.into_parts();
        if !self.keys.is_empty() && !parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(Answer::service(
                400,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            ));
        }
        let (body, mut held) = self.read_body(body).await?;
        // How long a body gets that is encoded is known when it is decoded.
        if encoding.is_some() {
            self.bodies.extend(&mut held, body.len() + BODY_BYTES_MAX).await.map_err(|Busy| busy())?;
        }
        let turn = tokio::time::timeout(QUEUE_TIME, Arc::clone(&self.running).acquire_owned());
        let Ok(Ok(turn)) = turn.await else { return Err(busy()) };
        Ok(Work { target, parts, encoding, body, held, _turn: turn })
    }

    /// Answers a request. Takes its time: not to be called where others wait.
    fn work(&self, work: Work, host: &str) -> Answer {
        let Work { target, parts, encoding, body, mut held, _turn } = work;
        if let Err(NotSignedIn { exception, message }) = self.sign_in(&parts, &body) {
            return Answer::service(400, exception, &message);
        }
        let body = match encoding.map(|encoding| encoding.decode(&body)) {
            None => body,
            Some(Ok(body)) => body,
            Some(Err(fault)) => return content_fault(fault),
        };
        held.shrink(body.len());
        if target.is_statistics() {
            return Answer::success(self.metrics.json(&self.database().statistics()));
        }
        dispatch::answer(&self.service, target, host, &body)
    }

    /// Lets in everybody if there are no keys, or else those who have signed with one of them.
    fn sign_in(&self, parts: &Parts, body: &[u8]) -> Result<(), NotSignedIn> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
        let request = Signed {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        self.keys.verify(request, "dynamodb", now_seconds)
    }

    /// Reads a body as far as it may go, and holds its part of the budget.
    async fn read_body(&self, mut body: Incoming) -> Result<(Vec<u8>, Held), Answer> {
        let too_long = || Answer::service(413, "RequestEntityTooLargeException", "Request body is too long");
        if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
            return Err(too_long());
        }
        let likely = usize::try_from(body.size_hint().lower()).unwrap_or(BODY_BYTES_FREE);
        let read = async {
            let mut held = Held::default();
            let mut bytes = Vec::with_capacity(likely.min(BODY_BYTES_FREE));
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| incomplete())?;
                if let Some(data) = frame.data_ref() {
                    let length = bytes.len() + data.len();
                    if length > BODY_BYTES_MAX {
                        return Err(too_long());
                    }
                    self.bodies.extend(&mut held, length).await.map_err(|Busy| busy())?;
                    bytes.extend_from_slice(data);
                }
            }
            Ok((bytes, held))
        };
        tokio::time::timeout(BODY_TIME, read).await.unwrap_or_else(|_| {
            Err(Answer::service(408, "RequestTimeoutException", "The body did not arrive in time"))
        })
    }
}

/// More is asked for than there is room for: SDKs try again later.
fn busy() -> Answer {
    Answer::service(503, "ServiceUnavailableException", "The server is busy: try again later")
}

fn incomplete() -> Answer {
    Answer::service(400, "RequestTimeoutException", "The body ended before it was complete")
}

fn content_fault(fault: ContentFault) -> Answer {
    match fault {
        ContentFault::UnknownEncoding => {
            Answer::service(415, "UnsupportedMediaTypeException", "Content-Encoding must be gzip or deflate")
        }
        ContentFault::Corrupt => {
            Answer::service(400, "SerializationException", "The body is not in the encoding that it says")
        }
        ContentFault::TooLong => {
            Answer::service(413, "RequestEntityTooLargeException", "Request body is too long")
        }
    }
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Whether a body is DynamoDB's protocol, by its type. No form and no plain request of a browser has this type.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(JSON) || media_type.eq_ignore_ascii_case("application/json")
}

fn of_answer(answer: Answer) -> Response<Full<Bytes>> {
    Encoded::plain(answer).into_response()
}

/// A request that may be worked on, with its place among those that are.
struct Work {
    target: Target,
    parts: Parts,
    encoding: Option<Encoding>,
    /// As it was sent.
    body: Vec<u8>,
    held: Held,
    _turn: OwnedSemaphorePermit,
}

/// An answer as it is sent.
struct Encoded {
    status: u16,
    exception: Option<&'static str>,
    failure: Option<String>,
    decoded_bytes: usize,
    body: Vec<u8>,
    encoding: Option<Encoding>,
    checksum: u32,
}

impl Encoded {
    /// In the encoding that is accepted, if the answer is long.
    fn new(answer: Answer, accepted: Option<&str>) -> Self {
        let Answer { status, body, exception, failure } = answer;
        let decoded_bytes = body.len();
        let encoding = Encoding::of_answer(accepted, decoded_bytes);
        let body = match encoding {
            None => body,
            Some(encoding) => encoding.encode(&body),
        };
        let checksum = crc32fast::hash(&body);
        Self { status, exception, failure, decoded_bytes, body, encoding, checksum }
    }

    /// As it is.
    fn plain(answer: Answer) -> Self {
        Self::new(answer, None)
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(HeaderName::from_static("x-amz-crc32"), HeaderValue::from(self.checksum));
        if let Some(encoding) = self.encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        response
    }
}

fn plain(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// What a browser asks before it lets a page make a request.
fn preflight(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let mut response = plain(200, "");
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let allowed = response.headers_mut();
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, OPTIONS"));
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
    if let Some(asked) = asked {
        allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
    response
}
