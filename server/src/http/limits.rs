//! What a client may ask of the server. Each queue and each wait has a bound.

use std::time::Duration;

/// Longest body of a request in bytes, as it is sent and as it is decoded: DynamoDB's own limit.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Longest head of a request in bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Most headers of a request.
pub(crate) const HEADERS_MAX: usize = 64;

/// Bytes of bodies that are held at once, of all requests, beside [`BODY_BYTES_FREE`] of each: what is beyond waits.
pub(crate) const BODIES_BYTES_MAX: usize = 192 * 1024 * 1024;

/// So many bytes of each body are not counted: 64 MiB of all connections.
pub(crate) const BODY_BYTES_FREE: usize = 64 * 1024;

/// Most connections at once, if the system allows twice as many files: further ones wait to be accepted.
pub(crate) const CONNECTIONS_MAX: usize = 1024;

/// Most connections at once of those who run the server.
pub(crate) const ADMIN_CONNECTIONS_MAX: usize = 16;

/// Most requests that are worked on at once: each has a thread meanwhile.
pub(crate) const RUNNING_MAX: usize = 256;

/// Stack of each thread in bytes. Memory is taken only of what is used; the deepest that a request may nest takes less than a
/// quarter, also where nothing is optimised much.
pub(crate) const STACK_BYTES: usize = 8 * 1024 * 1024;

/// A connection must begin a request, and send its whole head, within this time.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);

/// A body must arrive within this time.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);

/// A request waits for room and for its turn no longer than this, each, and is told then that the server is busy.
pub(crate) const QUEUE_TIME: Duration = Duration::from_secs(5);

/// Between two requests a connection may be quiet for this time.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(60);

/// A client must take something of an answer within this time.
pub(crate) const WRITE_TIME: Duration = Duration::from_secs(30);

/// The handshake of TLS must be done within this time.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// Requests that run when the server is told to end have this time.
pub(crate) const SHUTDOWN_TIME: Duration = Duration::from_secs(10);

/// After the system refused a connection, the next try waits for this time.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers of more bytes than this are compressed for clients that take it.
pub(crate) const COMPRESSED_FROM_BYTES: usize = 4096;
