//! One request and its answer.
//!
//! The steps, in the order of the code: what is no request of DynamoDB's is answered by itself; the page that asks may do
//! so; the operation is one that is served; the body is read and decoded, within its bounds; the operation runs on a
//! thread of its own; the answer is encoded and gets its headers.
//!
//! A request that makes the code panic is answered as a failure of ours, and the server goes on.

use super::content::{ContentFault, Encoding};
use super::limits::{BODIES_BYTES_MAX, BODY_BYTES_MAX, BODY_TIME, RUNNING_MAX};
use super::metrics::Metrics;
use super::origin::AllowedOrigins;
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
    /// A permit is a byte of a body.
    body_bytes: Arc<Semaphore>,
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
    fn write(self, id: &str, operation: Option<&str>, answer: &Answer, time: Duration) {
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
            line.plain("answer_bytes", answer.body.len());
            line.maybe_string("failure", answer.failure.as_deref());
        });
        eprintln!("{}", String::from_utf8_lossy(&line));
    }
}

/// What a client that does not ask for a page is told at the root, as DynamoDB's endpoints tell it.
const HEALTHY: &str = "healthy: dynamodb.us-east-1.amazonaws.com ";

/// The types of bodies that are DynamoDB's protocol.
const JSON: &str = "application/x-amz-json-1.0";

/// Bodies are counted against the budget in pieces of so many bytes.
const BUDGET_UNIT_BYTES: usize = 1024;

impl Shared {
    /// What requests to `service` share.
    pub(crate) fn new(service: Service, origins: AllowedOrigins, keys: AccessKeys, logging: Logging) -> Self {
        Self {
            service,
            origins,
            keys,
            request_ids: RequestIds::default(),
            metrics: Metrics::new(),
            logging,
            body_bytes: Arc::new(Semaphore::new(BODIES_BYTES_MAX / BUDGET_UNIT_BYTES)),
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
        let mut response = self.respond(request, origin.as_deref(), &id).await;
        let headers = response.headers_mut();
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
        &self,
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
            Method::GET | Method::HEAD if request.uri().path() == "/" => return plain(200, HEALTHY),
            _ => return plain(404, "<UnknownOperationException/>\n"),
        }
        let accepted = text(request.headers(), header::ACCEPT_ENCODING).map(str::to_owned);
        let begun = Instant::now();
        let target = text(request.headers(), HeaderName::from_static("x-amz-target"));
        let target = target.and_then(Target::find);
        let answer = self.operate(request, target, &host).await;
        let operation = target.map(|target| target.operation);
        self.metrics.count(operation, answer.status, begun.elapsed());
        self.logging.write(id, operation, &answer, begun.elapsed());
        encoded(answer, accepted.as_deref())
    }

    async fn operate(&self, request: Request<Incoming>, target: Option<Target>, host: &str) -> Answer {
        if text(request.headers(), HeaderName::from_static("smithy-protocol")).is_some() {
            return Answer::service(
                400,
                "UnknownOperationException",
                "This server speaks AWS JSON 1.0, and not the protocol that smithy-protocol names",
            );
        }
        let Some(target) = target else { return Answer::unknown_operation() };
        let encoding = match Encoding::of_request(text(request.headers(), header::CONTENT_ENCODING)) {
            Ok(encoding) => encoding,
            Err(fault) => return content_fault(fault),
        };
        let (parts, body) = request.into_parts();
        if !self.keys.is_empty() && !parts.headers.contains_key(header::AUTHORIZATION) {
            return Answer::service(
                400,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            );
        }
        let (body, budget) = match self.read_body(body).await {
            Ok(read) => read,
            Err(answer) => return answer,
        };
        if let Err(NotSignedIn { exception, message }) = self.sign_in(&parts, &body) {
            return Answer::service(400, exception, &message);
        }
        let Ok(running) = Arc::clone(&self.running).acquire_owned().await else {
            return Answer::failure("the server is closed".to_owned());
        };
        let (service, host) = (self.service.clone(), host.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let _held = (running, budget);
            match encoding.map(|encoding| encoding.decode(&body)) {
                None => dispatch::answer(&service, target, &host, &body),
                Some(Ok(body)) => dispatch::answer(&service, target, &host, &body),
                Some(Err(fault)) => content_fault(fault),
            }
        });
        task.await.unwrap_or_else(|error| Answer::failure(format!("a request panicked: {error}")))
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
    async fn read_body(&self, mut body: Incoming) -> Result<(Vec<u8>, OwnedSemaphorePermit), Answer> {
        let too_long = || Answer::service(413, "RequestEntityTooLargeException", "Request body is too long");
        let size = body.size_hint();
        // A client that does not say how long its body is has the whole of it taken from the budget.
        let most = size.upper().map_or(BODY_BYTES_MAX, |upper| usize::try_from(upper).unwrap_or(usize::MAX));
        if most > BODY_BYTES_MAX {
            return Err(too_long());
        }
        let units = u32::try_from(most.div_ceil(BUDGET_UNIT_BYTES)).unwrap_or(u32::MAX);
        let read = async {
            let Ok(budget) = Arc::clone(&self.body_bytes).acquire_many_owned(units).await else {
                return Err(Answer::failure("the server is closed".to_owned()));
            };
            let mut bytes = Vec::with_capacity(most.min(64 * 1024));
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_| incomplete())?;
                if let Some(data) = frame.data_ref() {
                    if bytes.len() + data.len() > BODY_BYTES_MAX {
                        return Err(too_long());
                    }
                    bytes.extend_from_slice(data);
                }
            }
            Ok((bytes, budget))
        };
        tokio::time::timeout(BODY_TIME, read).await.unwrap_or_else(|_| {
            Err(Answer::service(408, "RequestTimeoutException", "The body did not arrive in time"))
        })
    }
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
    encoded(answer, None)
}

fn encoded(answer: Answer, accepted: Option<&str>) -> Response<Full<Bytes>> {
    let encoding = Encoding::of_answer(accepted, answer.body.len());
    let body = match encoding {
        None => answer.body,
        Some(encoding) => encoding.encode(&answer.body),
    };
    let checksum = crc32fast::hash(&body);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(HeaderName::from_static("x-amz-crc32"), HeaderValue::from(checksum));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    response
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
