//! Connections: accepted up to a bound, served by HTTP/1.1 with limits, and told to finish when the server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sternway_access::Network;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::origin::Origin;
use crate::tls::Tls;

/// Room for a request line of 64 KiB (all parameters are in it) and the headers.
const HEADER_BUFFER: usize = 256 << 10;
/// Pause after a failed accept, so that running out of file descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket to serve on.
#[derive(Debug)]
pub enum Listener {
    /// Plain HTTP: the default of the Java, Python and Go SDKs.
    Http(TcpListener),
    /// HTTPS, as it is when a connection begins.
    Https(TcpListener, Arc<Tls>),
}

impl Listener {
    /// Where it listens.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn local_address(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Http(socket) | Self::Https(socket, _) => socket.local_addr(),
        }
    }
}

/// Serves connections of one listener until `cancel`; connections go on, on `connections`, until each has finished.
pub(crate) async fn accept(
    listener: Listener,
    router: Router,
    config: Config,
    room: Arc<Semaphore>,
    connections: TaskTracker,
    cancel: CancellationToken,
) {
    let (socket, tls) = match listener {
        Listener::Http(socket) => (socket, None),
        Listener::Https(socket, tls) => (socket, Some(tls)),
    };
    let proxies: Arc<[Network]> = config.trusted_proxies.clone().into();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = next(&socket, &room) => accepted,
        };
        let Some((stream, address, permit)) = accepted else {
            continue;
        };
        let origin = Origin { address: address.ip().to_canonical(), secure: tls.is_some() };
        let connection = Connection {
            router: router.clone(),
            origin,
            proxies: Arc::clone(&proxies),
            header_timeout: config.header_timeout,
            cancel: cancel.clone(),
        };
        let tls = tls.as_ref().map(|tls| TlsAcceptor::from(tls.current()));
        connections.spawn(async move {
            connection.serve(stream, tls).await;
            drop(permit);
        });
    }
}

async fn next(socket: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match socket.accept().await {
        Ok((stream, address)) => {
            // Answers are small: waiting to fill a packet only delays them. A failure here is no reason to hang up.
            let _ = stream.set_nodelay(true);
            Some((stream, address, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

struct Connection {
    router: Router,
    origin: Origin,
    proxies: Arc<[Network]>,
    header_timeout: Duration,
    cancel: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let Some(acceptor) = tls else {
            return self.speak_http(stream).await;
        };
        match tokio::time::timeout(self.header_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.speak_http(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake timed out"),
        }
    }

    async fn speak_http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let router = TowerToHyperService::new(self.router);
        let (origin, proxies) = (self.origin, self.proxies);
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            let origin = origin.behind(&proxies, request.headers());
            request.extensions_mut().insert(origin);
            router.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(HEADER_BUFFER)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let finished = tokio::select! {
            finished = connection.as_mut() => finished,
            () = self.cancel.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = finished {
            tracing::debug!(%error, "connection ended early");
        }
    }
}
