//! A server for tests.

use crate::http::server::{Server, ServerOptions};
use pixii::Database;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Tables of tests can be restored to moments of this last time.
const HISTORY: Duration = Duration::from_secs(60 * 60);

/// A server over a new store in memory, on a free port of this machine. It ends when it is dropped.
#[derive(Debug)]
pub struct TestServer {
    server: Server,
    database: Database,
}

impl TestServer {
    /// Starts one.
    pub fn start() -> io::Result<Self> {
        let database = Database::options().history(HISTORY).open_in_memory().map_err(io::Error::other)?;
        let options =
            ServerOptions { address: SocketAddr::from(([127, 0, 0, 1], 0)), ..ServerOptions::default() };
        Ok(Self { server: Server::start(database.clone(), options)?, database })
    }

    /// What an SDK is given as its endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The store that it serves, to be looked into from the test itself.
    pub fn database(&self) -> &Database {
        &self.database
    }
}
