//! The command line of pixii, and a server that speaks DynamoDB's protocol over a store.
//!
//! In Rust, a server over a new store in memory is one line, for tests of code that uses an AWS SDK:
//!
//! ```
//! let server = pixii_server::TestServer::start().expect("a free port");
//! let endpoint = server.endpoint(); // http://127.0.0.1:… for the SDK's `endpoint_url`
//! # assert!(endpoint.starts_with("http://127.0.0.1:"));
//! ```

mod failure;
mod json;
mod keys;
mod store;
mod output;
mod partiql;
mod wire;
mod http;
mod test_server;
mod commands;
mod local_flags;
mod config_file;
mod command_line;

pub use command_line::run;
pub use http::exchange::Logging;
pub use http::origin::AllowedOrigins;
pub use http::page::Page;
pub use http::server::{Server, ServerOptions};
pub use http::sign_in::AccessKeys;
pub use http::tls::Certificate;
pub use test_server::TestServer;
