//! A connection that ends when its client keeps it waiting: with the head of a request, with taking an answer, or with
//! asking anything at all.
//!
//! A body has its time where it is read. Between requests a client may be quiet for longer than within a head.

use super::limits::{HEAD_TIME, IDLE_TIME, WRITE_TIME};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// What a connection does, as whoever answers its requests knows.
#[derive(Debug, Default)]
pub(crate) struct Phase(AtomicU8);

const NEW: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const IDLE: u8 = 3;

impl Phase {
    /// A request has come, and is being answered.
    pub(crate) fn begin(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The request is answered.
    pub(crate) fn end(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// The first bytes of a head have come.
    fn head_begins(&self) {
        self.0.store(HEAD, Ordering::Relaxed);
    }
}

/// A connection with a clock.
#[derive(Debug)]
pub(crate) struct TimedStream<S> {
    stream: S,
    phase: Arc<Phase>,
    /// The phase that the time of reading was set in, and that time.
    reading: Option<(u8, Pin<Box<Sleep>>)>,
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> TimedStream<S> {
    /// Watches over a new connection.
    pub(crate) fn new(stream: S, phase: Arc<Phase>) -> Self {
        Self { stream, phase, reading: None, writing: None }
    }

    /// Fails when the time of the present phase is over.
    fn poll_reading_time(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.phase.get();
        let time = match phase {
            NEW | HEAD => HEAD_TIME,
            IDLE => IDLE_TIME,
            _ => {
                self.reading = None;
                return Poll::Pending;
            }
        };
        let (_, timer) = match self.reading.take().filter(|(begun, _)| *begun == phase) {
            Some(reading) => self.reading.insert(reading),
            None => self.reading.insert((phase, Box::pin(sleep_until(Instant::now() + time)))),
        };
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn after_write<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let timer = self.writing.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + WRITE_TIME)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before && matches!(self.phase.get(), NEW | IDLE) {
                    self.phase.head_begins();
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_reading_time(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after_write(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.after_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.after_write(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.after_write(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(test);
    }

    async fn time_until_refused(stream: &mut TimedStream<tokio::io::DuplexStream>) -> Duration {
        let begun = Instant::now();
        let mut byte = [0];
        let refused = stream.read_exact(&mut byte).await.expect_err("nobody sends");
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        begun.elapsed()
    }

    #[test]
    fn a_silent_client_is_left_and_a_quiet_one_later() {
        run(async {
            let (_client, server) = tokio::io::duplex(16);
            let phase = Arc::<Phase>::default();
            let mut stream = TimedStream::new(server, Arc::clone(&phase));
            assert_eq!(time_until_refused(&mut stream).await.as_secs(), HEAD_TIME.as_secs());
            phase.end();
            assert_eq!(time_until_refused(&mut stream).await.as_secs(), IDLE_TIME.as_secs());
        });
    }

    #[test]
    fn a_head_has_one_time_however_it_drips() {
        run(async {
            let (mut client, server) = tokio::io::duplex(16);
            let mut stream = TimedStream::new(server, Arc::default());
            let begun = Instant::now();
            let drip = tokio::spawn(async move {
                while client.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {}
            assert_eq!(begun.elapsed().as_secs(), HEAD_TIME.as_secs());
            drop(stream);
            drip.await.expect("it ends with the connection");
        });
    }

    #[test]
    fn a_client_that_takes_nothing_is_left() {
        run(async {
            let (_client, server) = tokio::io::duplex(16);
            let mut stream = TimedStream::new(server, Arc::default());
            let begun = Instant::now();
            let refused = stream.write_all(&[0; 100]).await.expect_err("nobody takes it");
            assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
            assert_eq!(begun.elapsed().as_secs(), WRITE_TIME.as_secs());
        });
    }
}
