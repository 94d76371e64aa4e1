//! `sternway webhook` against a server, and a receiver that is told what to answer.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::process::{PATIENCE, Service, Verbs, word};

/// What came in: the head of a request, and its body.
type Received = (String, Value);

/// Answers with these statuses in their turn, and with 200 from then on.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/token-of-the-url", listener.local_addr().unwrap());
    let (sender, received) = channel();
    thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            let (mut stream, status) = (stream.unwrap(), statuses.get(at).copied().unwrap_or(200));
            let request = read(&mut stream);
            // Whoever tests may be done.
            if sender.send(request).is_err() {
                return;
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, received)
}

fn read(stream: &mut TcpStream) -> Received {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).unwrap();
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.unwrap().parse().unwrap() {
            return (head.to_owned(), serde_json::from_str(body).unwrap());
        }
    }
}

#[test]
fn the_verbs_set_up_a_webhook_that_is_told_of_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data_text = data.to_str().unwrap();
    let mut server = Service::start(&[
        "serve",
        "--sandbox",
        "--fast",
        "--webhook-loopback",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data_text,
        "--log",
        "info,sternway_notifications=trace",
    ]);
    server.after("cluster sandbox is connected");
    let verbs = Verbs { endpoint: server.after("listening on "), data: &data };
    let next = |received: &Receiver<Received>| received.recv_timeout(PATIENCE).unwrap();

    let (url, received) = receiver(&[403]);
    let url_file = folder.path().join("url");
    std::fs::write(&url_file, format!("{url}\n")).unwrap();
    let url_file = url_file.to_str().unwrap();
    assert!(verbs.run("webhook list").ended(0).contains("no webhooks"));
    let line = format!("webhook create ci --url-file {url_file} --events accepted,succeeded --applications sh*");
    let secret = word(&verbs.run(&line).ended(0));
    assert!(secret.starts_with("whsec_"), "{secret}");
    let again = verbs.run(&line);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    again.ended(1);
    let refused = verbs.run("webhook test ci");
    assert!(refused.stderr.contains("it answered with HTTP 403"), "{}", refused.stderr);
    refused.ended(1);
    assert_eq!(next(&received).1["type"], "io.sternway.test");
    verbs.run("webhook test ci").ended(0);
    next(&received);

    let order = word(&verbs.run("app create shop --image shop:v1 --replicas 2 --wait").ended(0));
    for kind in ["accepted", "succeeded"] {
        let (head, event) = next(&received);
        assert!(head.contains("webhook-signature: v1,"), "{head}");
        assert_eq!(event["type"], format!("io.sternway.order.{kind}"));
        assert_eq!((&event["subject"], &event["data"]["AppName"]), (&order.as_str().into(), &"shop".into()));
    }
    verbs.run("app create other --image other:v1 --replicas 1 --wait").ended(0);
    verbs.run("webhook update ci --events started --applications").ended(2);
    verbs.run("webhook update ci --events started --description pipeline").ended(0);
    verbs.run("app restart shop --wait").ended(0);
    assert_eq!(next(&received).1["type"], "io.sternway.order.started", "the other application is not its business");

    let listed = verbs.run("webhook list").ended(0);
    assert!(listed.contains("cloudevents") && listed.contains("started") && listed.contains("ok"), "{listed}");
    let shown = verbs.run("webhook get ci").ended(0);
    assert!(shown.contains("pipeline") && !shown.contains("token-of-the-url"), "{shown}");
    let shown = verbs.run("webhook get ci -o json").json();
    assert_eq!(shown["Webhook"]["Applications"], serde_json::json!(["sh*"]));
    assert!(verbs.run("webhook dead-letters ci").ended(0).contains("no dead letters"));
    assert_eq!(verbs.run("webhook redeliver ci -o json").json()["Count"], 0);
    verbs.run("webhook redeliver ci nothing").ended(1);
    verbs.run("webhook update ci --disable").ended(0);
    assert!(verbs.run("webhook list").ended(0).contains("disabled"));
    verbs.run("webhook delete ci").ended(0);
    verbs.run("webhook delete ci").ended(0);
    verbs.run("webhook get ci").ended(1);
    let said = server.terminate_and_read().join("\n");
    for hidden in ["token-of-the-url", secret.trim_start_matches("whsec_")] {
        assert!(!said.contains(hidden), "{hidden} in {said}");
    }
}
