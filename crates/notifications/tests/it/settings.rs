//! Webhooks as they are made, changed and deleted.

use sternway_core::ports::Records as _;
use sternway_notifications::{Change, Creation, Filter, Format, MOST_WEBHOOKS, Reach, WebhookError};

use crate::receiver::{Receiver, status};
use crate::world::{World, creation, globs};

#[tokio::test]
async fn what_only_this_machine_reaches_is_not_delivered_to() {
    let world = World::reaching(Reach::default()).await;
    for url in ["http://127.0.0.1/a", "http://[::1]/", "http://169.254.169.254/latest", "http://100.100.100.200/"] {
        let refused = world.notifier.create(creation("ci", url)).await;
        assert!(matches!(refused, Err(WebhookError::Refused(_))), "{url}: {refused:?}");
    }
    for url in ["", "ci.example", "ftp://ci.example/", "file:///etc/passwd"] {
        world.notifier.create(creation("ci", url)).await.unwrap_err();
    }
    // A name is looked at when it is resolved.
    world.notifier.create(creation("ci", "http://localhost:1/very-secret")).await.unwrap();
    let problem = world.notifier.test("ci").await.unwrap().problem.unwrap();
    assert!(problem.contains("this machine's own") && !problem.contains("very-secret"), "{problem}");
    let change = Change { url: Some("http://127.0.0.1/".to_owned()), ..Change::default() };
    world.notifier.change("ci", change).await.unwrap_err();
}

#[tokio::test]
async fn names_are_taken_once_and_there_are_only_so_many() {
    let world = World::new().await;
    let off = |name: &str| Creation { enabled: false, ..creation(name, "http://127.0.0.1:1/") };
    for index in 0..MOST_WEBHOOKS {
        world.notifier.create(off(&format!("w{index}"))).await.unwrap();
    }
    assert!(matches!(world.notifier.create(off("w0")).await, Err(WebhookError::Exists(_))));
    assert!(matches!(world.notifier.create(off("more")).await, Err(WebhookError::TooMany(_))));
    world.notifier.delete("w0").await.unwrap();
    world.notifier.delete("w0").await.unwrap();
    world.notifier.create(off("more")).await.unwrap();
    for refused in [world.notifier.get("w0").await.map(drop), world.notifier.test("w0").await.map(drop)] {
        assert!(matches!(refused, Err(WebhookError::Missing(_))));
    }
}

#[tokio::test]
async fn a_change_changes_what_it_names() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let filter = Filter { events: globs(&["failed"]), namespaces: globs(&["prod"]), ..Filter::default() };
    let made = Creation { filter, description: "first".to_owned(), ..creation("ci", "http://127.0.0.1:1/") };
    world.notifier.create(made).await.unwrap();
    let before = world.notifier.get("ci").await.unwrap().webhook;
    let change = Change { url: Some(receiver.url.clone()), namespaces: Some(Vec::new()), ..Change::default() };
    assert_eq!(world.notifier.change("ci", change).await.unwrap(), None);
    let after = world.notifier.get("ci").await.unwrap().webhook;
    let mut expected = before.clone();
    expected.place = receiver.url.split("/hook").next().unwrap().to_owned();
    expected.filter.namespaces = Vec::new();
    assert_eq!(after, expected);
    let change = Change { events: Some(Vec::new()), ..Change::default() };
    world.notifier.change("ci", change).await.unwrap();
    let order = world.order("web").await;
    assert_eq!(receiver.next().await.id(), format!("{}-1", order.id));
    let slack = Creation { format: Format::Slack, ..creation("chat", &receiver.url) };
    world.notifier.create(slack).await.unwrap();
    let change = Change { secret: Some(Some("SEC".to_owned())), ..Change::default() };
    world.notifier.change("chat", change).await.unwrap_err();
    assert!(!world.notifier.get("chat").await.unwrap().webhook.signed);
}

#[tokio::test]
async fn what_a_webhook_leaves_goes_with_it() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(status(404)).then(status(404)).then(status(404));
    world.webhook("ci", &receiver.url).await;
    world.order("web").await;
    receiver.next().await;
    for _ in 0..2 {
        world.clock.pass_to_the_next_attempt().await;
        receiver.next().await;
    }
    let order = world.order("api").await;
    assert_eq!(receiver.next().await.id(), format!("{}-1", order.id));
    assert_eq!(world.notifier.get("ci").await.unwrap().dead_letters, 1);
    world.notifier.delete("ci").await.unwrap();
    assert_eq!(world.records.records("webhook-dead-letter", None).await.unwrap(), []);
    world.webhook("ci", &receiver.url).await;
    let shown = world.notifier.get("ci").await.unwrap();
    assert_eq!((shown.dead_letters, shown.trouble), (0, None));
    let order = world.order("new").await;
    assert_eq!(receiver.next().await.id(), format!("{}-1", order.id), "nothing of what was before");
}
