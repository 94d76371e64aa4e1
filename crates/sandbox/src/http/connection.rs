//! Connections that can be broken off: the fault that no answer can express.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Accepts connections that can be broken off.
pub(super) struct Breakable(pub(super) TcpListener);

/// A connection; once broken it fails to read and write, and its end is a reset.
pub(super) struct Connection {
    stream: TcpStream,
    breaker: Breaker,
}

/// Breaks its connection off.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker(Arc<AtomicBool>);

impl Breaker {
    /// Whatever is written from now on fails, and the peer sees a reset.
    pub(super) fn break_off(&self) -> io::Error {
        self.0.store(true, Ordering::Release);
        io::ErrorKind::ConnectionReset.into()
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Listener for Breakable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Watch events are small and wanted at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot disable Nagle's algorithm");
        }
        (Connection { stream, breaker: Breaker::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Breakable>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.io().breaker.clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.breaker.check().is_err()
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection ends in order instead of being reset");
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.breaker.check()?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.breaker.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.breaker.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.breaker.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
