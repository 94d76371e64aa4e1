//! The real HTTP edge over a TCP socket: a list, a watch that delivers while it is open, and a clean stop.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use sternway_sandbox::http;
use sternway_sandbox::{Options, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// One request on its own connection; the reader is left at the beginning of the body.
async fn send(address: std::net::SocketAddr, head: &str, body: &str) -> (String, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: \
         {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut headers).await.unwrap(), 0, "the connection ended within {headers:?}");
    }
    (headers, reader)
}

/// Reads one chunk of a chunked body; `None` is the end.
async fn chunk(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut size = String::new();
    reader.read_line(&mut size).await.unwrap();
    let size = usize::from_str_radix(size.trim(), 16).unwrap();
    let mut data = vec![0; size + 2];
    reader.read_exact(&mut data).await.unwrap();
    (size > 0).then(|| String::from_utf8(data[..size].to_vec()).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the edge lives in wall-clock time")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[tokio::test]
async fn lists_watches_and_stops() {
    let sandbox = Arc::new(Mutex::new(Sandbox::new(Options::default(), now())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    let tasks = tokio_util::task::TaskTracker::new();
    let server = tasks.spawn(http::serve(listener, sandbox, cancel.clone()));

    let collection = "/api/v1/namespaces/default/secrets";
    let (head, mut reader) = send(address, &format!("GET {collection}"), "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let mut list = String::new();
    reader.read_to_string(&mut list).await.unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["kind"], "SecretList");
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();

    // The headers of the watch arrive although it has nothing to tell yet.
    let path = format!("GET {collection}?watch=true&resourceVersion={version}");
    let (head, mut watch) = send(address, &path, "").await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");

    let (head, _) = send(address, &format!("POST {collection}"), r#"{"metadata":{"name":"a"}}"#).await;
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    let line = chunk(&mut watch).await.unwrap();
    assert!(line.ends_with('\n'), "one line per chunk: {line:?}");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&"ADDED".into(), &"a".into()));

    cancel.cancel();
    assert_eq!(chunk(&mut watch).await, None, "an open watch ends cleanly");
    server.await.unwrap().unwrap();
}
