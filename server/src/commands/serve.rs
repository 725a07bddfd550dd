//! `pixii serve`: DynamoDB's protocol over a store, until the process is told to end.

use crate::failure::{Failure, Result};
use crate::http::origin::AllowedOrigins;
use crate::http::server::{Server, ServerOptions};
use clap::Args;
use pixii::Database;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Serve a store to DynamoDB's clients: every AWS SDK, and the AWS command line
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// The store's directory, which is made if it is missing
    #[arg(long = "store", value_name = "DIR", env = "PIXII_STORE", required_unless_present = "in_memory")]
    directory: Option<PathBuf>,
    /// Serve a new store in memory, which is gone when the server ends
    #[arg(long, conflicts_with = "directory")]
    in_memory: bool,
    /// The port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", env = "PIXII_PORT", default_value_t = 8000)]
    port: u16,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", env = "PIXII_HOST", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The web pages that may use the server, with commas, or *
    #[arg(long, value_name = "ORIGINS", env = "PIXII_CORS")]
    cors: Option<String>,
}

/// Serves until the process is told to end.
pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    let database = match &arguments.directory {
        Some(directory) => Database::open(directory)?,
        None => Database::in_memory()?,
    };
    let address = SocketAddr::new(arguments.host, arguments.port);
    let origins = arguments.cors.as_deref().map_or_else(AllowedOrigins::default, AllowedOrigins::parse);
    let options = ServerOptions { address, origins };
    let ended = SignalWait::new()?;
    let server = Server::start(database.clone(), options)
        .map_err(|error| Failure::told(format!("cannot listen on {address}: {error}")))?;
    eprintln!("pixii serves DynamoDB's protocol at http://{}", server.address());
    ended.wait();
    eprintln!("pixii ends: the requests that run are answered");
    server.stop();
    Ok(database.close()?)
}

/// Waits for a signal that ends the process.
struct SignalWait {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl SignalWait {
    fn new() -> Result<Self> {
        let failed = |error: std::io::Error| Failure::told(format!("cannot wait for signals: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        #[cfg(unix)]
        let terminate = {
            use tokio::signal::unix::{SignalKind, signal};
            let _entered = runtime.enter();
            signal(SignalKind::terminate()).map_err(failed)?
        };
        Ok(Self {
            runtime,
            #[cfg(unix)]
            terminate,
        })
    }

    fn wait(mut self) {
        #[cfg(unix)]
        let terminate = &mut self.terminate;
        self.runtime.block_on(async {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            {
                // A console that cannot be listened to ends the process itself.
                let _ = tokio::signal::ctrl_c().await;
            }
        });
    }
}
