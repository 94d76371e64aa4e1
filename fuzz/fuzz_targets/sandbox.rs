//! The whole sandbox: any requests, one after the other, with time passing in between. It answers each of them with a status of HTTP,
//! and its errors in the form of the API.
//!
//! Input: HTTP messages.

#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sternway_fuzz::{Message, parts};
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::{Options, Sandbox};
use sternway_wire::query;

/// Between two requests.
const PAUSE: SignedDuration = SignedDuration::from_millis(1500);
const REQUESTS: usize = 8;
/// More turns than anything takes that ends: a tick that always leaves work for now would hang a server.
const TURNS: usize = 200;

fuzz_target!(|data: &[u8]| {
    let mut now = Timestamp::UNIX_EPOCH;
    let mut sandbox = Sandbox::new(Options { nodes: 1, ..Options::default() }, now);
    for message in parts(data).into_iter().filter_map(Message::read).take(REQUESTS) {
        let request = request(&message);
        let response = sandbox.handle(&request, now);
        assert!((200..=599).contains(&response.status), "{}", response.status);
        match response.body {
            Body::Full(body) if response.status >= 400 && body.starts_with(b"{") => {
                let status: Value = serde_json::from_slice(&body).expect("an error is JSON");
                assert_eq!(status["code"], response.status, "{status}");
            }
            Body::Full(_) => {}
            Body::Watch(mut watch) => drop(watch.poll(sandbox.storage(), now)),
        }
        now += PAUSE;
        let mut turns = 0;
        while sandbox.tick(now).is_some_and(|due| due <= now) {
            turns += 1;
            assert!(turns < TURNS, "there is always more to do");
        }
    }
});

fn request(message: &Message<'_>) -> Request {
    let (path, raw) = message.target.split_once('?').unwrap_or((message.target, ""));
    let headers = message.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()));
    Request {
        method: message.method.to_owned(),
        path: path.to_owned(),
        query: query::pairs(raw),
        headers: headers.collect(),
        body: message.body.as_bytes().to_vec().into(),
    }
}
