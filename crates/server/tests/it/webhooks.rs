//! Webhooks over the API: made, looked at, tried, changed and deleted, and what is recorded of it.

use serde_json::{Value, json};
use sternway_core::order::{Event, Status};
use sternway_core::ports::{AuditFilter, AuditPage, StoreWrite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::world::{World, now};

/// A receiver that answers with statuses in their turn, the last one for ever, and hands on the bodies of the requests.
struct Receiver {
    url: String,
    bodies: mpsc::UnboundedReceiver<Value>,
    _serving: JoinSet<()>,
}

impl Receiver {
    async fn new(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/token-of-the-url", listener.local_addr().unwrap());
        let (sender, bodies) = mpsc::unbounded_channel();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            for at in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = Vec::new();
                let body = loop {
                    stream.read_buf(&mut bytes).await.unwrap();
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.to_ascii_lowercase().split("content-length: ").nth(1).unwrap().to_owned();
                    let length: usize = length.lines().next().unwrap().parse().unwrap();
                    if body.len() >= length {
                        break serde_json::from_str(body).unwrap();
                    }
                };
                let _ = sender.send(body);
                let status = statuses[at.min(statuses.len() - 1)];
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, bodies, _serving: serving }
    }

    async fn next(&mut self) -> Value {
        self.bodies.recv().await.unwrap()
    }
}

#[tokio::test]
async fn a_webhook_is_told_of_a_deploy_and_shows_how_it_is_getting_on() {
    let world = World::new().await;
    let mut receiver = Receiver::new(&[200]).await;
    let app = world.app("web", 4).await.to_string();
    let parameters = [
        ("Name", "ci"),
        ("Url", receiver.url.as_str()),
        ("Events", "accepted, succeeded"),
        ("Applications", "w*"),
        ("Description", "the pipeline"),
    ];
    let made = world.call("CreateWebhook", &parameters).await;
    assert!(made.success()["Secret"].as_str().unwrap().starts_with("whsec_"));
    world.call("CreateWebhook", &parameters).await.business(400);
    let order = world.call("DeployK8sApplication", &[("AppId", &app), ("Image", "a:2")]).await.order_id();
    let event = receiver.next().await;
    assert_eq!((&event["type"], &event["subject"]), (&"io.sternway.order.accepted".into(), &order.to_string().into()));
    let data = &event["data"];
    for (name, value) in [
        ("AppId", json!(app)),
        ("AppName", json!("web")),
        ("CoTypeCode", json!("CoDeploy")),
        ("Status", json!(0)),
        ("Version", json!(2)),
        ("UserId", json!("root")),
        ("ClusterName", json!("lab")),
    ] {
        assert_eq!(data[name], value, "{event}");
    }
    world.finish(order, Status::Succeeded).await;
    let ended = Event { at: now(), kind: "OrderEnded".to_owned(), text: "ended with status 2: well".to_owned() };
    world.commit(vec![StoreWrite::AppendEvents(order, vec![ended])]).await;
    assert_eq!(receiver.next().await["data"]["Status"], 2);

    let shown = world.call("GetWebhook", &[("Name", "ci")]).await.success()["Webhook"].clone();
    for (name, value) in [
        ("Name", json!("ci")),
        ("Format", json!("cloudevents")),
        ("Place", json!(receiver.url.split("/hook").next().unwrap())),
        ("Signed", json!(true)),
        ("Enabled", json!(true)),
        ("Events", json!(["accepted", "succeeded"])),
        ("Applications", json!(["w*"])),
        ("Namespaces", json!([])),
        ("Description", json!("the pipeline")),
        ("CreateTime", json!("2026-11-26 12:00:00")),
        ("LastDelivered", json!("2026-11-26 12:00:00")),
        ("FailingSince", json!("")),
        ("DeadLetters", json!(0)),
    ] {
        assert_eq!(shown[name], value, "{shown}");
    }
    let tested = world.call("TestWebhook", &[("Name", "ci")]).await.success();
    assert_eq!((&tested["Delivered"], &tested["Problem"]), (&json!(true), &json!("")));
    assert_eq!(receiver.next().await["id"], tested["MessageId"]);
    let metrics = world.get("/metrics").await.body;
    assert!(metrics.contains(r#"sternway_webhook_deliveries_total{webhook="ci",outcome="delivered"} 3"#), "{metrics}");

    let update = [("Name", "ci"), ("Events", ""), ("Enabled", "false"), ("Description", "")];
    assert_eq!(world.call("UpdateWebhook", &update).await.success()["Secret"], "");
    let listed = world.call("ListWebhooks", &[]).await.success()["WebhookList"].clone();
    assert_eq!((&listed[0]["Events"], &listed[0]["Enabled"]), (&json!([]), &json!(false)));
    assert_eq!((&listed[0]["Applications"], &listed[0]["Description"]), (&json!(["w*"]), &json!("")));
    world.call("DeleteWebhook", &[("Name", "ci")]).await.success();
    world.call("DeleteWebhook", &[("Name", "ci")]).await.success();
    world.call("GetWebhook", &[("Name", "ci")]).await.business(404);
    assert_eq!(world.call("ListWebhooks", &[]).await.success()["WebhookList"], json!([]));
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_delivered_once_more() {
    let world = World::new().await;
    let mut receiver = Receiver::new(&[404, 404, 404, 200]).await;
    let app = world.app("web", 4).await.to_string();
    world.call("CreateWebhook", &[("Name", "ci"), ("Url", &receiver.url), ("Events", "accepted")]).await.success();
    let order = world.call("RestartK8sApplication", &[("AppId", &app)]).await.order_id();
    let first = receiver.next().await;
    for failures in 1..=2 {
        // It is shown once it is stored, and only then the next attempt waits for time.
        while world.call("GetWebhook", &[("Name", "ci")]).await.success()["Webhook"]["Failures"] != failures {}
        world.advance(30);
        assert_eq!(receiver.next().await["id"], first["id"]);
    }
    world.finish(order, Status::Succeeded).await;
    world.call("RestartK8sApplication", &[("AppId", &app)]).await.success();
    receiver.next().await;
    let listed = world.call("ListWebhookDeadLetters", &[("Name", "ci")]).await.success()["DeadLetterList"].clone();
    for (name, value) in [
        ("MessageId", first["id"].clone()),
        ("Type", json!("io.sternway.order.accepted")),
        ("ChangeOrderId", json!(order.to_string())),
        ("AppName", json!("web")),
        ("Problem", json!("it answered with HTTP 404")),
        ("Attempts", json!(3)),
    ] {
        assert_eq!(listed[0][name], value, "{listed}");
    }
    let metrics = world.get("/metrics").await.body;
    assert!(metrics.contains(r#"sternway_webhook_dead_letters_total{webhook="ci"} 1"#), "{metrics}");
    let one = [("Name", "ci"), ("MessageId", first["id"].as_str().unwrap())];
    assert_eq!(world.call("RedeliverWebhook", &one).await.success()["Count"], 1);
    assert_eq!(receiver.next().await["id"], first["id"]);
    world.call("RedeliverWebhook", &[("Name", "ci"), ("MessageId", "nothing")]).await.business(404);
    world.call("UpdateWebhook", &[("Name", "ci"), ("Enabled", "false")]).await.success();
    world.call("RedeliverWebhook", &[("Name", "ci")]).await.business(400);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_nothing_is_made() {
    let world = World::new().await;
    let url = ("Url", "http://127.0.0.1:1/");
    let long = "a,".repeat(33);
    for (parameters, wrong) in [
        (&[url][..], "Name"),
        (&[("Name", "a b"), url], "Name"),
        (&[("Name", "a")], "Url"),
        (&[("Name", "a"), ("Url", "127.0.0.1")], "Url"),
        (&[("Name", "a"), ("Url", "file:///etc/passwd")], "Url"),
        (&[("Name", "a"), ("Url", "http://169.254.169.254/")], "Url"),
        (&[("Name", "a"), url, ("Format", "teams")], "Format"),
        (&[("Name", "a"), url, ("Secret", "short")], "Secret"),
        (&[("Name", "a"), url, ("Format", "slack"), ("Secret", "any")], "Secret"),
        (&[("Name", "a"), url, ("Format", "feishu"), ("Secret", "a b")], "Secret"),
        (&[("Name", "a"), url, ("Events", "a b")], "Events"),
        (&[("Name", "a"), url, ("Clusters", &long)], "Clusters"),
        (&[("Name", "a"), url, ("Enabled", "maybe")], "Enabled"),
    ] {
        let reply = world.call("CreateWebhook", parameters).await;
        let code = if reply.body.contains("MissingParameter") { "MissingParameter" } else { "InvalidParameter" };
        let message = reply.gateway(400, code);
        assert!(message.contains(wrong), "{wrong}: {message}");
    }
    assert_eq!(world.call("ListWebhooks", &[]).await.success()["WebhookList"], json!([]));
    world.call("UpdateWebhook", &[("Name", "a"), ("Enabled", "true")]).await.business(404);
    world.call("TestWebhook", &[("Name", "a")]).await.business(404);
    world.call("ListWebhookDeadLetters", &[("Name", "a")]).await.business(404);
}

#[tokio::test]
async fn a_url_and_a_secret_are_neither_shown_nor_recorded() {
    let world = World::new().await;
    let create = [
        ("Name", "robot"),
        ("Format", "DingTalk"),
        ("Url", "http://127.0.0.1:1/send?access_token=token-of-the-url"),
        ("Secret", "SEC-of-the-robot"),
    ];
    let made = world.call("CreateWebhook", &create).await;
    assert_eq!(made.success()["Secret"], "", "whoever gave it knows it");
    let mut answers = vec![made.body];
    for operation in ["GetWebhook", "TestWebhook", "ListWebhookDeadLetters"] {
        answers.push(world.call(operation, &[("Name", "robot")]).await.body);
    }
    answers.push(world.call("ListWebhooks", &[]).await.body);
    answers.push(world.get("/metrics").await.body);
    let entries = sternway_core::ports::Audit::entries(
        world.store.as_ref(),
        AuditFilter { operation: Some("CreateWebhook".to_owned()), ..AuditFilter::default() },
        AuditPage::After(0),
        10,
    );
    let entries = entries.await.unwrap();
    assert!(entries.len() == 2 && entries[0].entry().unwrap().withheld == ["Secret", "Url"], "{entries:?}");
    answers.extend(entries.iter().map(|entry| entry.line().unwrap()));
    for secret in ["token-of-the-url", "SEC-of-the-robot", "/send"] {
        for answer in &answers {
            assert!(!answer.contains(secret), "{secret} in {answer}");
        }
    }
}
