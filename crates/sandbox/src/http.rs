//! The real-time edge: HTTP in front of a [`Sandbox`], and the driver that lets its time pass. It also carries out what
//! [`crate::faults`] decides and only an edge can do: resets, silence, delays.
//!
//! ```text
//!  connection ─► handle ──lock──► Sandbox ──► answer
//!                  │ revision moved? ─► kick the driver, wake the watches
//!  driver ──lock──► tick ─► sleep until the next due time, or until kicked
//!  watch stream ──lock──► poll ─► one chunk per event; sleeps until the revision moves or its own time comes
//! ```
//!
//! The lock is held for one request, one tick or one poll and never across an await. All state is in the sandbox; this
//! module only brings it the wall clock.

mod connection;

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::{Breakable, Breaker};
use crate::api::{self, Request, Response, Watch};
use crate::faults::{Interruptions, Verdict};
use crate::sandbox::Sandbox;

/// What a real server accepts as a request body.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// How long open connections may take to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Serves a sandbox until `cancel` fires: then open watches end, requests in flight are answered, and the call
/// returns. The sandbox must not be changed behind the back of the server, or watches learn of it late.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, sandbox: Arc<Mutex<Sandbox>>, cancel: CancellationToken) -> io::Result<()> {
    let news = watch::Sender::new(News::of(&lock(&sandbox)));
    let edge = Arc::new(Edge { sandbox, news, kick: Notify::new(), cancel: cancel.clone() });
    let tasks = TaskTracker::new();
    tasks.spawn(drive(Arc::clone(&edge)));
    tasks.close();
    let router = axum::Router::new().fallback(answer).with_state(edge);
    let service = router.into_make_service_with_connect_info::<Breaker>();
    let served = axum::serve(Breakable(listener), service).with_graceful_shutdown(cancel.clone().cancelled_owned());
    let served = tokio::select! {
        served = served.into_future() => served,
        // A client that does not read its watch would hold the server forever.
        () = patience(&cancel) => Ok(()),
    };
    cancel.cancel();
    tasks.wait().await;
    served
}

/// Returns some time after the cancellation.
async fn patience(cancel: &CancellationToken) {
    cancel.cancelled().await;
    tokio::time::sleep(SHUTDOWN_PATIENCE).await;
}

/// A kubeconfig for a sandbox at this address: plain HTTP, no credentials.
pub fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: sandbox\n  \
           cluster:\n    \
             server: http://{address}\n\
         contexts:\n\
         - name: sandbox\n  \
           context:\n    \
             cluster: sandbox\n    \
             user: sandbox\n    \
             namespace: default\n\
         current-context: sandbox\n\
         users:\n\
         - name: sandbox\n  \
           user: {{}}\n"
    )
}

struct Edge {
    sandbox: Arc<Mutex<Sandbox>>,
    /// For watches to wait on.
    news: watch::Sender<News>,
    /// Something was written: the driver has work.
    kick: Notify,
    cancel: CancellationToken,
}

/// What open watches have to know.
#[derive(Clone, Copy, PartialEq, Eq)]
struct News {
    /// The store's revision.
    revision: u64,
    interruptions: Interruptions,
}

impl News {
    fn of(sandbox: &Sandbox) -> Self {
        Self { revision: sandbox.storage().revision(), interruptions: sandbox.faults().interruptions() }
    }
}

impl Edge {
    /// Tells watches when the store moved; the caller still holds the lock, so revisions go out in order.
    fn publish(&self, sandbox: &Sandbox) -> bool {
        let now = News::of(sandbox);
        self.news.send_if_modified(|known| std::mem::replace(known, now) != now)
    }

    /// Asks the sandbox under the lock, and lets everybody know what came of it.
    fn ask<T>(&self, question: impl FnOnce(&mut Sandbox) -> T) -> (T, Interruptions) {
        let mut sandbox = lock(&self.sandbox);
        let answer = question(&mut sandbox);
        if self.publish(&sandbox) {
            self.kick.notify_one();
        }
        (answer, sandbox.faults().interruptions())
    }
}

fn lock(sandbox: &Mutex<Sandbox>) -> MutexGuard<'_, Sandbox> {
    // A panic inside left no half-written object: the store changes in single steps.
    sandbox.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the edge is where wall-clock time enters the sandbox")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

/// Lets the sandbox act whenever something is due.
async fn drive(edge: Arc<Edge>) {
    loop {
        let next = {
            let mut sandbox = lock(&edge.sandbox);
            let next = sandbox.tick(wall_clock());
            edge.publish(&sandbox);
            next
        };
        tokio::select! {
            () = edge.cancel.cancelled() => return,
            () = edge.kick.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn sleep_until(time: Option<Timestamp>) {
    let Some(time) = time else {
        return std::future::pending().await;
    };
    let left = time.duration_since(wall_clock());
    tokio::time::sleep(Duration::try_from(left).unwrap_or(Duration::ZERO)).await;
}

async fn answer(
    State(edge): State<Arc<Edge>>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!(%error, "cannot read a request body");
            let status = crate::status::Status::new(
                413,
                "RequestEntityTooLarge",
                format!("limit is {BODY_LIMIT} bytes or the body ended early"),
            );
            let response = Response::json(413, &status.to_value());
            return respond(response, |_| Body::empty());
        }
    };
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned(),
        query: parse_query(parts.uri.query().unwrap_or_default()),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body,
    };
    let (verdict, interruptions) = edge.ask(|sandbox| sandbox.receive(&request, wall_clock()));
    let carried_out = async {
        match verdict {
            Verdict::Answer(response) => Some((response, interruptions)),
            Verdict::AnswerLater(response, wait) => {
                tokio::time::sleep(wait.unsigned_abs()).await;
                Some((response, interruptions))
            }
            Verdict::HandleLater(wait) => {
                tokio::time::sleep(wait.unsigned_abs()).await;
                Some(edge.ask(|sandbox| sandbox.handle(&request, wall_clock())))
            }
            Verdict::Reset => None,
            Verdict::Silence => std::future::pending().await,
        }
    };
    // Nobody waits for a silent connection when the server stops.
    let Some(Some((response, interruptions))) = edge.cancel.run_until_cancelled(carried_out).await else {
        tracing::debug!(method = request.method, path = request.path, "the connection is reset");
        // This answer is never sent: writing fails from now on.
        breaker.break_off();
        return axum::response::Response::new(Body::empty());
    };
    tracing::debug!(method = request.method, path = request.path, status = response.status, "answered");
    respond(response, |watch| Body::from_stream(events(Arc::clone(&edge), watch, interruptions, breaker)))
}

/// Decodes a query string; a key without value gets "".
fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

fn respond(response: Response, stream: impl FnOnce(Box<Watch>) -> Body) -> axum::response::Response {
    let mut builder = axum::http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        // The transport decides on its own framing.
        if *name != "Transfer-Encoding" {
            builder = builder.header(*name, value);
        }
    }
    let body = match response.body {
        api::Body::Full(bytes) => Body::from(bytes),
        api::Body::Watch(watch) => stream(watch),
    };
    builder.body(body).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer has an impossible header");
        let mut failed = axum::response::Response::new(Body::empty());
        *failed.status_mut() = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

struct Streaming {
    edge: Arc<Edge>,
    watch: Box<Watch>,
    news: watch::Receiver<News>,
    /// What had happened to watches before this one.
    interruptions: Interruptions,
    breaker: Breaker,
    ready: VecDeque<Bytes>,
    ended: bool,
}

/// The lines of a watch, one item (and so one chunk) each.
fn events(
    edge: Arc<Edge>,
    watch: Box<Watch>,
    interruptions: Interruptions,
    breaker: Breaker,
) -> impl Stream<Item = io::Result<Bytes>> {
    let news = edge.news.subscribe();
    let state = Streaming { edge, watch, news, interruptions, breaker, ready: VecDeque::new(), ended: false };
    stream::unfold(state, |mut state| async move {
        loop {
            if let Some(line) = state.ready.pop_front() {
                return Some((Ok(line), state));
            }
            if state.ended {
                return None;
            }
            // Seen before the poll: a change after it wakes the wait below.
            let now = state.news.borrow_and_update().interruptions;
            if now.cut != state.interruptions.cut {
                state.ended = true;
                return Some((Err(state.breaker.break_off()), state));
            }
            let polled = if now.expired != state.interruptions.expired {
                state.watch.expire()
            } else {
                let sandbox = lock(&state.edge.sandbox);
                state.watch.poll(sandbox.storage(), wall_clock())
            };
            state.ended = polled.ended;
            if !polled.lines.is_empty() || polled.ended {
                state.ready.extend(polled.lines);
                continue;
            }
            tokio::select! {
                () = state.edge.cancel.cancelled() => return None,
                changed = state.news.changed() => if changed.is_err() { return None },
                () = sleep_until(polled.wake) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::parse_query;

    #[test]
    fn queries_decode() {
        let query = parse_query("watch&labelSelector=a%20in+(b%2Cc)&x=");
        let wanted = [("watch", ""), ("labelSelector", "a in (b,c)"), ("x", "")];
        assert_eq!(query, wanted.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
