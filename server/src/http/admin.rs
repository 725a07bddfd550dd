//! What those who run the server ask it, at a port of its own on this machine: whether it is there, whether it can take
//! writes, and its metrics.

use super::exchange::Shared;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

/// Answers a request.
pub(crate) fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let statistics = || shared.database().statistics();
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => (StatusCode::OK, "healthy\n".to_owned()),
        (&Method::GET, "/ready") => match statistics().poison {
            None => (StatusCode::OK, "ready\n".to_owned()),
            Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "no more writes are taken\n".to_owned()),
        },
        (&Method::GET, "/metrics") => (StatusCode::OK, shared.metrics().text(&statistics())),
        _ => (StatusCode::NOT_FOUND, "there are /health, /ready and /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
