//! Every fault, as a client without any comfort sees it: bytes on a socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use sternway_sandbox::{Options, Sandbox, http};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// A test that hangs fails after this; none depends on it.
const HANGS: Duration = Duration::from_secs(60);

struct Server {
    address: SocketAddr,
    cancel: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

/// What came back: status line with headers, and body.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn retry_after(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("retry-after: "))
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge lives in wall-clock time")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Server {
    async fn start() -> Self {
        let sandbox = Arc::new(Mutex::new(Sandbox::new(Options::default(), now())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cancel = CancellationToken::new();
        let serving = TaskTracker::new().spawn(http::serve(listener, sandbox, cancel.clone()));
        Self { address, cancel, serving }
    }

    /// A server with these rules, and one config map `a` in it.
    async fn with(rules: Value) -> Self {
        let server = Self::start().await;
        assert_eq!(server.create("a").await.unwrap().status(), 201);
        server.set(rules).await;
        server
    }

    async fn set(&self, rules: Value) {
        let answer = self.send("PUT", "/sandbox/faults", &rules.to_string()).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:?}");
    }

    async fn hits(&self) -> Vec<u64> {
        let rules = self.send("GET", "/sandbox/faults", "").await.unwrap().json();
        rules["rules"].as_array().unwrap().iter().map(|rule| rule["hit"].as_u64().unwrap()).collect()
    }

    /// One request on its own connection.
    async fn open(&self, method: &str, path: &str, body: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await?;
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nUser-Agent: raw/1\r\nContent-Type: \
             {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(stream)
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
        let mut stream = self.open(method, path, body).await?;
        let mut text = String::new();
        tokio::time::timeout(HANGS, stream.read_to_string(&mut text)).await.unwrap()?;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Ok(Answer { head: head.to_lowercase(), body: body.to_owned() })
    }

    async fn create(&self, name: &str) -> std::io::Result<Answer> {
        self.send("POST", CONFIG_MAPS, &json!({"metadata": {"name": name}}).to_string()).await
    }

    async fn exists(&self, name: &str) -> bool {
        self.send("GET", &format!("{CONFIG_MAPS}/{name}"), "").await.unwrap().status() == 200
    }

    async fn patch(&self) -> std::io::Result<Answer> {
        self.send("PATCH", &format!("{CONFIG_MAPS}/a"), r#"{"data":{"b":"c"}}"#).await
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(HANGS, self.serving).await.unwrap().unwrap().unwrap();
    }
}

fn once(fault: Value) -> Value {
    json!([{"times": 1, "match": {"verbs": ["create", "patch"]}, "fault": fault}])
}

#[tokio::test]
async fn errors_look_as_a_real_server_says_them() {
    let conflict = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your \
                    changes to the latest version and try again";
    let denied = "admission webhook \"images.example.com\" denied the request: only images of our registry";
    let denial = json!({"type": "denial", "webhook": "images.example.com", "message": "only images of our registry"});
    let mut denial_by_400 = denial.clone();
    denial_by_400["code"] = 400.into();
    let table = [
        (json!({"type": "status", "code": 409}), 409, "Conflict", conflict),
        (json!({"type": "status", "code": 500}), 500, "InternalError", "etcdserver: request timed out"),
        (json!({"type": "status", "code": 503}), 503, "ServiceUnavailable", "currently unable to handle the request"),
        (json!({"type": "status", "code": 422, "message": "no"}), 422, "", "no"),
        (denial, 403, "Forbidden", denied),
        (denial_by_400, 400, "", denied),
    ];
    let server = Server::with(json!([])).await;
    for (fault, status, reason, message) in table {
        server.set(once(fault.clone())).await;
        let answer = server.patch().await.unwrap();
        let body = answer.json();
        assert_eq!((answer.status(), body["code"].as_u64().unwrap()), (status, u64::from(status)), "{fault}");
        assert_eq!(body["reason"].as_str().unwrap_or_default(), reason, "{fault}");
        assert!(body["message"].as_str().unwrap().contains(message), "{fault}: {body}");
        assert_eq!(server.hits().await, [1]);
    }
    let object = server.send("GET", &format!("{CONFIG_MAPS}/a"), "").await.unwrap().json();
    assert_eq!(object["data"], Value::Null, "nothing was written");
    assert_eq!(server.patch().await.unwrap().status(), 200, "the rule is used up");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_overloaded_says_when_to_come_back() {
    let server = Server::with(once(json!({"type": "status", "code": 429}))).await;
    let answer = server.patch().await.unwrap();
    assert_eq!((answer.status(), answer.retry_after()), (429, Some("1")));
    server.set(once(json!({"type": "status", "code": 503, "retryAfterSeconds": 7}))).await;
    let answer = server.patch().await.unwrap();
    assert_eq!((answer.status(), answer.retry_after()), (503, Some("7")));
    assert_eq!(answer.json()["details"]["retryAfterSeconds"], 7);
    server.stop().await;
}

#[tokio::test]
async fn a_reset_tells_nothing_of_what_became_of_the_write() {
    for applied in [false, true] {
        let server = Server::with(once(json!({"type": "reset", "applied": applied}))).await;
        let error = server.create("b").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
        assert_eq!(server.exists("b").await, applied);
        server.stop().await;
    }
}

#[tokio::test]
async fn silence_lasts_until_the_client_or_the_server_goes() {
    for applied in [false, true] {
        let server = Server::with(once(json!({"type": "silence", "applied": applied}))).await;
        let mut stream = server.open("POST", CONFIG_MAPS, r#"{"metadata":{"name":"b"}}"#).await.unwrap();
        // Later requests are answered while this one is not.
        while server.hits().await != [1] {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.exists("b").await, applied);
        let nothing = stream.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        server.stop().await;
        let error = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_slow_answer_comes_all_the_same() {
    for applied in [false, true] {
        let fault = json!({"type": "delay", "milliseconds": 200, "applied": applied});
        let server = Server::with(once(fault)).await;
        let (slow, seen_meanwhile) = tokio::join!(server.create("b"), async {
            while server.hits().await != [1] {
                tokio::task::yield_now().await;
            }
            server.exists("b").await
        });
        assert_eq!(slow.unwrap().status(), 201);
        // Without `applied` the write may come while we look; with it, it was there at once.
        assert!(seen_meanwhile || !applied);
        assert!(server.exists("b").await);
        server.stop().await;
    }
}

/// Reads until the text is there, or the connection ends.
async fn read_until(stream: &mut TcpStream, text: &str) -> std::io::Result<String> {
    let mut read = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&read).contains(text) {
            match stream.read(&mut buffer).await? {
                0 => break,
                length => read.extend_from_slice(&buffer[..length]),
            }
        }
        Ok(String::from_utf8_lossy(&read).into_owned())
    };
    tokio::time::timeout(HANGS, reading).await.unwrap()
}

#[tokio::test]
async fn watches_break_off_or_expire() {
    let watch = format!("{CONFIG_MAPS}?watch=true");
    for (fault, line) in [("cutWatches", None), ("expireWatches", Some(r#""type":"ERROR""#))] {
        let server = Server::with(once(json!({"type": fault}))).await;
        let mut stream = server.open("GET", &watch, "").await.unwrap();
        read_until(&mut stream, r#""name":"a""#).await.unwrap();
        assert_eq!(server.patch().await.unwrap().status(), 200, "the request itself is answered");
        // The event of the patch may have come before.
        match (line, read_until(&mut stream, line.unwrap_or("never")).await) {
            (None, Err(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            (Some(line), Ok(text)) => {
                assert!(text.contains(line) && text.contains(r#""code":410"#), "{text}");
                assert!(text.contains(r#""reason":"Expired""#), "{text}");
            }
            other => panic!("{fault}: {other:?}"),
        }
        let mut again = server.open("GET", &watch, "").await.unwrap();
        read_until(&mut again, r#""name":"a""#).await.unwrap();
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_is_away_answers_nobody_and_comes_back() {
    let watch = format!("{CONFIG_MAPS}?watch=true");
    let server = Server::with(once(json!({"type": "away", "milliseconds": 3_600_000}))).await;
    let mut stream = server.open("GET", &watch, "").await.unwrap();
    read_until(&mut stream, r#""name":"a""#).await.unwrap();
    for path in ["/version", CONFIG_MAPS] {
        assert_eq!(server.send("GET", path, "").await.unwrap().status(), 200);
    }
    assert_eq!(server.create("b").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(read_until(&mut stream, "never").await.is_err(), "open watches break off");
    for path in ["/version", CONFIG_MAPS, &watch] {
        assert_eq!(server.send("GET", path, "").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    let cleared = server.send("DELETE", "/sandbox/faults", "").await.unwrap().json();
    assert_eq!(cleared, json!({"rules": [], "awayUntil": null}));
    assert!(!server.exists("b").await);
    server.stop().await;
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused_and_change_nothing() {
    let server = Server::with(json!([{"name": "mine", "skip": 9, "fault": {"type": "reset"}}])).await;
    for wrong in [
        json!({}),
        json!([{}]),
        json!([{"fault": {"type": "explode"}}]),
        json!([{"fault": {"type": "reset", "aplied": true}}]),
        json!([{"when": 1, "fault": {"type": "reset"}}]),
        json!([{"match": {"verb": "get"}, "fault": {"type": "reset"}}]),
    ] {
        let answer = server.send("PUT", "/sandbox/faults", &wrong.to_string()).await.unwrap();
        assert_eq!(answer.status(), 400, "{wrong}: {answer:?}");
    }
    assert_eq!(server.send("POST", "/sandbox/faults", "[]").await.unwrap().status(), 405);
    let rules = server.send("GET", "/sandbox/faults", "").await.unwrap().json();
    assert_eq!(rules["rules"][0]["rule"]["name"], "mine");
    server.stop().await;
}
