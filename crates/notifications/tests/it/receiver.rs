//! A receiver that answers as it is told to, and tells what it got.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Longer than anything takes on a busy machine; a test that hangs must end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Answers with this status, these further header lines, and this body.
    Say(u16, &'static str, String),
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Silence,
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Say(status, "", String::new())
}

/// A request that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    script: Arc<Mutex<VecDeque<Answer>>>,
    received: mpsc::UnboundedReceiver<Received>,
    _serving: JoinSet<()>,
}

impl Receiver {
    /// One that answers with 200 to all that the script does not speak of.
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/very-secret?access_token=very-secret", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, received) = mpsc::unbounded_channel();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&script), sender));
        Self { url, script, received, _serving: serving }
    }

    pub(crate) fn then(&self, answer: Answer) -> &Self {
        self.script.lock().unwrap().push_back(answer);
        self
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.expect("nothing was delivered").unwrap()
    }

    /// Whether nothing has come that was not looked at.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

async fn serve(listener: TcpListener, script: Arc<Mutex<VecDeque<Answer>>>, sender: mpsc::UnboundedSender<Received>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(converse(stream, Arc::clone(&script), sender.clone()));
    }
}

async fn converse(
    mut stream: TcpStream,
    script: Arc<Mutex<VecDeque<Answer>>>,
    sender: mpsc::UnboundedSender<Received>,
) {
    let Some(received) = read(&mut stream).await else { return };
    let answer = script.lock().unwrap().pop_front().unwrap_or_else(|| status(200));
    // The test may be over.
    let _ = sender.send(received);
    match answer {
        Answer::Say(status, headers, body) => {
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Answer::Close => {}
        Answer::Silence => std::future::pending().await,
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let target = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Received { target, headers, body: String::from_utf8(body).unwrap() })
}
