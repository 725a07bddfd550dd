//! `pixii serve`: DynamoDB's protocol over a store, until the process is told to end.

use crate::failure::{Failure, Result};
use crate::http::descriptors::raise_limit;
use crate::http::exchange::Logging;
use crate::http::origin::AllowedOrigins;
use crate::http::page::Page;
use crate::http::server::{Server, ServerOptions};
use crate::http::sign_in::AccessKeys;
use crate::http::tls::Certificate;
use clap::Args;
use pixii::{ArchiveOptions, Database, DirectoryArchive, Environment, ExpiredItems};
use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// How long tables are said to be on their way, where that is asked for.
const TRANSIENT_DELAY: Duration = Duration::from_secs(2);

/// Serve a store to DynamoDB's clients: every AWS SDK, and the AWS command line
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
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
    /// Answer only requests that are signed with this key, or with one of the file
    #[arg(long, value_name = "KEY", env = "PIXII_ACCESS_KEY", requires = "secret_key")]
    access_key: Option<String>,
    /// The secret of that key
    #[arg(
        long,
        value_name = "SECRET",
        env = "PIXII_SECRET_KEY",
        hide_env_values = true,
        requires = "access_key"
    )]
    secret_key: Option<Secret>,
    /// A file of keys: each line has a key, white space, and its secret
    #[arg(long, value_name = "FILE", env = "PIXII_KEYS_FILE")]
    keys_file: Option<PathBuf>,
    /// Serve TLS by the certificates of this file, in PEM
    #[arg(long, value_name = "FILE", env = "PIXII_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", env = "PIXII_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Listen beyond this machine though there are no keys: whoever reaches the address may use the store
    #[arg(long, env = "PIXII_INSECURE_ALLOW_REMOTE")]
    insecure_allow_remote: bool,
    /// Tell health, readiness and metrics at this port of this machine
    #[arg(long, value_name = "PORT", env = "PIXII_ADMIN_PORT")]
    admin_port: Option<u16>,
    /// Whom the page for people is for, at the server's root: those of this machine, if the server listens nowhere else
    #[arg(long, value_name = "WHEN", env = "PIXII_PAGE", default_value = "local")]
    page: Page,
    /// Write a line of JSON to standard error for each request, with no name of a table and no value in it
    #[arg(long, env = "PIXII_LOG_REQUESTS")]
    log_requests: bool,
    /// Show expired items until they are swept, as DynamoDB does, and not hide them from their instant on
    #[arg(long, env = "PIXII_SHOW_EXPIRED")]
    show_expired: bool,
    /// Keep every moment of this last time, as 90s, 30m, 12h or 7d: tables with point-in-time recovery can be restored to it
    #[arg(long, value_name = "TIME", env = "PIXII_HISTORY", value_parser = time_of)]
    history: Option<Duration>,
    /// Archive the store in this directory as it changes, for 35 days: tables can be restored to what is archived, too
    #[arg(long, value_name = "DIR", env = "PIXII_ARCHIVE", conflicts_with = "in_memory")]
    archive: Option<PathBuf>,
    /// Read settings from this file: lines of a flag's name, an equals sign and its value
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say of tables for two seconds that they are being made, changed or removed, as DynamoDB does
    #[arg(long, env = "PIXII_DELAY_TRANSIENT_STATUSES")]
    delay_transient_statuses: bool,
    /// Take reserved words in expressions for names like any others, which DynamoDB does not
    #[arg(long, env = "PIXII_ALLOW_RESERVED_WORDS")]
    allow_reserved_words: bool,
}

/// A secret of the command line. What is printed of it does not tell it.
#[derive(Clone)]
struct Secret(String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A time of the command line: a number and its unit.
fn time_of(text: &str) -> Result<Duration, String> {
    let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err("a time is a number and one of s, m, h and d: 12h".to_owned()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "a time is a whole number and its unit: 12h".to_owned())
}

/// Whether users other than its owner may read a file, where the system has owners.
fn can_be_read_by_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

impl ServeArguments {
    fn database(&self) -> Result<Database> {
        let expired = if self.show_expired { ExpiredItems::ShownUntilSwept } else { ExpiredItems::Hidden };
        let mut options =
            Database::options().expired_items(expired).history(self.history.unwrap_or_default());
        if let Some(directory) = &self.archive {
            let archive = DirectoryArchive::open(Environment::system(), directory);
            let archive = archive.map_err(pixii::Error::from)?;
            options = options.archive(Arc::new(archive), ArchiveOptions::default());
        }
        Ok(match &self.directory {
            Some(directory) => options.open(directory)?,
            None => options.environment(Environment::memory()).open("memory")?,
        })
    }

    fn options(&self) -> Result<ServerOptions> {
        let certificate = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                let read = Certificate::read(certificate, key);
                Some(read.map_err(|error| Failure::told(format!("cannot serve TLS: {error}")))?)
            }
            _ => None,
        };
        Ok(ServerOptions {
            address: SocketAddr::new(self.host, self.port),
            origins: self.cors.as_deref().map_or_else(AllowedOrigins::default, AllowedOrigins::parse),
            keys: self.keys()?,
            certificate,
            allow_remote_without_keys: self.insecure_allow_remote,
            admin_port: self.admin_port,
            page: self.page,
            logging: if self.log_requests { Logging::Requests } else { Logging::Failures },
            allow_reserved_words: self.allow_reserved_words,
            transient_delay: self.delay_transient_statuses.then_some(TRANSIENT_DELAY),
        })
    }

    fn keys(&self) -> Result<AccessKeys> {
        let mut keys = AccessKeys::default();
        if let (Some(key), Some(secret)) = (&self.access_key, &self.secret_key) {
            keys.insert(key, &secret.0);
        }
        if let Some(file) = &self.keys_file {
            let shown = file.display();
            if can_be_read_by_others(file) {
                eprintln!("warning: {shown} can be read by others of this machine: it has secrets");
            }
            let text = fs::read_to_string(file)
                .map_err(|error| Failure::told(format!("cannot read {shown}: {error}")))?;
            for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
                let mut words = line.split_ascii_whitespace();
                let (Some(key), Some(secret), None) = (words.next(), words.next(), words.next()) else {
                    return Err(Failure::told(format!("{shown}:{number} is not a key and its secret")));
                };
                keys.insert(key, secret);
            }
            if keys.is_empty() {
                return Err(Failure::told(format!("{shown} has no keys")));
            }
        }
        Ok(keys)
    }
}

/// Serves until the process is told to end.
pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    raise_limit();
    let options = arguments.options()?;
    let address = options.address;
    let scheme = if options.certificate.is_some() { "https" } else { "http" };
    let database = arguments.database()?;
    let ended = SignalWait::new()?;
    let server = Server::start(database.clone(), options)
        .map_err(|error| Failure::told(format!("cannot listen on {address}: {error}")))?;
    eprintln!("pixii serves DynamoDB's protocol at {scheme}://{}", server.address());
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser, Debug)]
    struct CommandLine {
        #[command(flatten)]
        serve: ServeArguments,
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(time_of(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "7", "d", "-1d", "1.5h", "99999999999999999d", "1w", "1 h"] {
            assert!(time_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let line = ["pixii", "--in-memory", "--access-key", "key", "--secret-key", "canary"];
        let parsed = CommandLine::try_parse_from(line).expect("a command line");
        assert!(parsed.serve.secret_key.as_ref().is_some_and(|secret| secret.0 == "canary"));
        let printed = format!("{parsed:?}");
        assert!(printed.contains("secret_key") && !printed.contains("canary"), "{printed}");
    }
}
