//! The listener, its connections, and how all of it ends.

use super::admin;
use super::descriptors::connections_max;
use super::exchange::{Logging, Shared};
use super::limits::{
    ACCEPT_PAUSE, ADMIN_CONNECTIONS_MAX, HANDSHAKE_TIME, HEAD_BYTES_MAX, HEADERS_MAX, RUNNING_MAX,
    SHUTDOWN_TIME, STACK_BYTES,
};
use super::origin::AllowedOrigins;
use super::page::Page;
use super::sign_in::AccessKeys;
use super::timed_stream::{Phase, TimedStream};
use super::tls::Certificate;
use crate::wire::service::{Service, Wording};
use crate::wire::transients::Transients;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pixii::Database;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

/// What a server does and for whom.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens. Port 0 takes a free one.
    pub address: SocketAddr,
    /// Which web pages may use it.
    pub origins: AllowedOrigins,
    /// Whose requests it answers: everybody's, if there is no key.
    pub keys: AccessKeys,
    /// Serves TLS by this certificate.
    pub certificate: Option<Certificate>,
    /// Listens beyond this machine although everybody may use it.
    pub allow_remote_without_keys: bool,
    /// Tells health, readiness and metrics at this port of this machine. Port 0 takes a free one.
    pub admin_port: Option<u16>,
    /// Who gets the page for people.
    pub page: Page,
    /// What is written to standard error of the requests.
    pub logging: Logging,
    /// Takes reserved words in expressions for names like any others, which DynamoDB does not.
    pub allow_reserved_words: bool,
    /// Says of tables that are made, changed or removed for so long that they are on their way, as they are in DynamoDB.
    pub transient_delay: Option<Duration>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            origins: AllowedOrigins::default(),
            keys: AccessKeys::default(),
            certificate: None,
            allow_remote_without_keys: false,
            admin_port: None,
            page: Page::default(),
            logging: Logging::default(),
            allow_reserved_words: false,
            transient_delay: None,
        }
    }
}

/// A server that runs on threads of its own. It ends when it is told to, or dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves what is in `database`.
    pub fn start(database: Database, options: ServerOptions) -> io::Result<Self> {
        if !options.address.ip().is_loopback()
            && options.keys.is_empty()
            && !options.allow_remote_without_keys
        {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "whoever reaches that address could use the store: give access keys, or allow it",
            ));
        }
        let runtime = runtime()?;
        let listener = runtime.block_on(TcpListener::bind(options.address))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let admin = options.admin_port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let admin = admin.map(|address| runtime.block_on(TcpListener::bind(address))).transpose()?;
        let admin_address = admin.as_ref().map(TcpListener::local_addr).transpose()?;
        let ServerOptions {
            origins,
            keys,
            certificate,
            page,
            logging,
            allow_reserved_words,
            transient_delay,
            ..
        } = options;
        let transients = Transients::new(transient_delay);
        let service = Service::new(database, Wording { allow_reserved_words }, transients);
        let shared = Arc::new(Shared::new(service, origins, keys, logging, page.is_served_at(address.ip())));
        let serve = move || {
            if let Some(admin) = admin {
                runtime.spawn(administer(admin, Arc::clone(&shared)));
            }
            runtime.block_on(accept(listener, certificate, shared, stopped));
            runtime.shutdown_timeout(SHUTDOWN_TIME);
        };
        let thread = std::thread::Builder::new().name("pixii-server".to_owned()).spawn(serve)?;
        Ok(Self { address, admin_address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells health, readiness and metrics.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Takes no more requests, answers those that run, and returns when that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Nobody listens only if the thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed by itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("pixii-http")
        .max_blocking_threads(RUNNING_MAX)
        .thread_stack_size(STACK_BYTES)
        .enable_io()
        .enable_time()
        .build()
}

/// Takes connections until it is told to stop, and waits for those that are open to end.
async fn accept(
    listener: TcpListener,
    certificate: Option<Certificate>,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let most = connections_max();
    let connections = Arc::new(Semaphore::new(most));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told_to_stop(&mut stopped) => break,
        };
        let Ok((stream, _)) = accepted else {
            // The system has no room for a connection, or the client has gone: neither ends the server.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
        let acceptor = certificate.as_ref().map(Certificate::acceptor);
        tokio::spawn(async move {
            // Without this, small answers wait for the acknowledgement of earlier ones.
            let _ = stream.set_nodelay(true);
            match acceptor {
                None => converse(stream, shared, stopped).await,
                Some(acceptor) => {
                    let shaken = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        converse(stream, shared, stopped).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop(listener);
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(SHUTDOWN_TIME, connections.acquire_many(all)).await;
}

/// Answers those who run the server until the runtime ends: a few at a time, so that one who is silent holds up nobody.
async fn administer(listener: TcpListener, shared: Arc<Shared>) {
    let connections = Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let answer = admin::answer(&shared, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let stream = TimedStream::new(stream, Arc::default());
            let connection = http1::Builder::new()
                .keep_alive(false)
                .max_headers(HEADERS_MAX)
                .serve_connection(TokioIo::new(stream), answer);
            // How a connection fails is the client's affair.
            let _ = connection.await;
            drop(permit);
        });
    }
}

/// Waits until the server is told to stop, or is gone.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Answers the requests of one connection.
async fn converse<S>(stream: S, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let phase = Arc::<Phase>::default();
    let stream = TimedStream::new(stream, Arc::clone(&phase));
    let answer = service_fn(move |request| {
        let (shared, phase) = (Arc::clone(&shared), Arc::clone(&phase));
        async move {
            phase.begin();
            let answer = shared.answer(request).await;
            phase.end();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a connection fails is the client's affair.
        _ = connection.as_mut() => {}
        () = told_to_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
