//! What receivers of each form get, and whether its signature is the one that they would compute.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sternway_core::order::Status;
use sternway_notifications::{Change, Creation, Format};

use crate::receiver::{Answer, Received, Receiver};
use crate::world::{World, creation, start};

fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    BASE64.encode(mac.finalize().into_bytes())
}

/// What a library of Standard Webhooks computes.
fn standard(received: &Received, secret: &str) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let text =
        format!("{}.{}.{}", received.headers["webhook-id"], received.headers["webhook-timestamp"], received.body);
    format!("v1,{}", hmac(&key, text.as_bytes()))
}

#[tokio::test]
async fn cloudevents_are_signed_by_the_key_that_was_told_once() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let secret = world.webhook("ci", &receiver.url).await;
    world.order("web").await;
    let received = receiver.next().await;
    assert_eq!(received.headers["webhook-signature"], standard(&received, &secret));
    assert_eq!(received.headers["webhook-timestamp"], start().as_second().to_string());
    assert_eq!(received.headers["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(received.target, "/hook/very-secret?access_token=very-secret");
    let event = received.json();
    for (name, value) in
        [("specversion", "1.0"), ("datacontenttype", "application/json"), ("time", "2026-11-26T04:00:00Z")]
    {
        assert_eq!(event[name], value, "{event}");
    }
    let data = &event["data"];
    for (name, value) in [
        ("AppName", "web"),
        ("Namespace", "shop"),
        ("ClusterName", "lab"),
        ("CoTypeCode", "CoDeleteApp"),
        ("UserId", "alice"),
        ("TraceId", "0badc0de"),
        ("Message", "a deletion by alice"),
    ] {
        assert_eq!(data[name], value, "{event}");
    }

    // Another key, of one's own, from the next delivery on.
    let own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let change = Change { secret: Some(Some(own.to_owned())), ..Change::default() };
    assert_eq!(world.notifier.change("ci", change).await.unwrap(), None);
    world.order("api").await;
    let received = receiver.next().await;
    assert_eq!(received.headers["webhook-signature"], standard(&received, own));
    let change = Change { secret: Some(None), ..Change::default() };
    let made = world.notifier.change("ci", change).await.unwrap().unwrap().reveal();
    assert_eq!(world.notifier.test("ci").await.unwrap().problem, None);
    let received = receiver.next().await;
    assert_eq!(received.headers["webhook-signature"], standard(&received, &made));
    assert_eq!(received.json()["type"], "io.sternway.test");
}

async fn robot(world: &World, format: Format, url: &str) {
    let creation = Creation { format, secret: Some("SEC-very-secret".to_owned()), ..creation("robot", url) };
    assert_eq!(world.notifier.create(creation).await.unwrap(), None);
}

fn ok(body: &str) -> Answer {
    Answer::Say(200, "content-type: application/json\r\n", body.to_owned())
}

#[tokio::test]
async fn dingtalk_gets_markdown_signed_in_the_query_and_says_in_a_200_what_is_wrong() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let fine = r#"{"errcode":0,"errmsg":"ok"}"#;
    receiver.then(ok(r#"{"errcode":130101,"errmsg":"send too fast"}"#)).then(ok(fine)).then(ok(fine));
    robot(&world, Format::DingTalk, &receiver.url).await;
    let mut order = world.order("web").await;
    let received = receiver.next().await;
    let (_, query) = received.target.split_once('?').unwrap();
    let query: HashMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let timestamp = start().as_millisecond().to_string();
    let sign = hmac(b"SEC-very-secret", format!("{timestamp}\nSEC-very-secret").as_bytes());
    let sign = sign.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let expected =
        HashMap::from([("access_token", "very-secret"), ("timestamp", timestamp.as_str()), ("sign", sign.as_str())]);
    assert_eq!(query, expected);
    let body = received.json();
    assert_eq!(body["msgtype"], "markdown");
    let text = body["markdown"]["text"].as_str().unwrap();
    assert!(text.contains("web: deletion was accepted") && text.contains("- Namespace: shop"), "{text}");
    world.clock.wait_for_waiting().await;
    let trouble = world.notifier.get("robot").await.unwrap().trouble.unwrap();
    assert_eq!(trouble.reason, "the robot answered with 130101: send too fast");
    world.clock.pass_to_the_next_attempt().await;
    assert_eq!(receiver.next().await.body, received.body);
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    assert!(receiver.next().await.body.contains("web: deletion succeeded"));
}

#[tokio::test]
async fn feishu_gets_a_card_signed_in_the_body() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(ok(r#"{"code":0,"msg":"success"}"#)).then(ok(r#"{"StatusCode":0,"StatusMessage":"success"}"#));
    robot(&world, Format::Feishu, &receiver.url).await;
    let mut order = world.order("web").await;
    let body = receiver.next().await.json();
    let timestamp = start().as_second().to_string();
    assert_eq!(body["timestamp"], timestamp.as_str());
    assert_eq!(body["sign"], hmac(format!("{timestamp}\nSEC-very-secret").as_bytes(), b""));
    assert_eq!(body["msg_type"], "interactive");
    assert_eq!(body["card"]["header"]["title"]["content"], "[Sternway] web: deletion was accepted");
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    assert_eq!(receiver.next().await.json()["card"]["header"]["template"], "green");
}

#[tokio::test]
async fn slack_gets_blocks_and_says_a_word_about_what_is_wrong() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(Answer::Say(403, "", "invalid_token".to_owned()));
    let creation = Creation { format: Format::Slack, ..creation("chat", &receiver.url) };
    world.notifier.create(creation).await.unwrap();
    world.order("web").await;
    let body = receiver.next().await.json();
    assert_eq!(body["text"], ":information_source: [Sternway] web: deletion was accepted");
    assert_eq!(body["blocks"][1]["text"]["text"], "a deletion by alice");
    world.clock.wait_for_waiting().await;
    let trouble = world.notifier.get("chat").await.unwrap().trouble.unwrap();
    assert_eq!(trouble.reason, "it answered with HTTP 403: invalid_token");
}

#[tokio::test]
async fn an_answer_without_end_is_read_to_a_bound() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(ok(&format!("{{\"errcode\":0,\"errmsg\":\"{}\"}}", "x".repeat(4 << 20))));
    robot(&world, Format::DingTalk, &receiver.url).await;
    let problem = world.notifier.test("robot").await.unwrap().problem;
    assert_eq!(problem.as_deref(), Some("its answer is none of a robot"));
    receiver.next().await;
}
