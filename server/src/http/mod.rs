//! The server: DynamoDB's protocol over HTTP/1.1, with the limits that a server needs which strangers can reach.
//!
//! ```text
//!   listener ──connection──> exchange: head ──> body ──> wire::dispatch on a blocking thread ──> answer
//! ```
//!
//! Knows HTTP and nothing of what the operations mean. In the order of use:

pub(crate) mod limits;
pub(crate) mod budget;
pub(crate) mod descriptors;
pub(crate) mod content;
pub(crate) mod request_id;
pub(crate) mod origin;
pub(crate) mod sign_in;
pub(crate) mod tls;
pub(crate) mod timed_stream;
pub(crate) mod metrics;
pub(crate) mod page;
pub(crate) mod exchange;
pub(crate) mod admin;
pub(crate) mod server;
