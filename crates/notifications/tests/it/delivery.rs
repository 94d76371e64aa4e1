//! What is delivered, in which sequence, how often, and what becomes of what cannot be.

use jiff::SignedDuration;
use sternway_core::order::Status;
use sternway_notifications::{Change, Filter};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::receiver::{Answer, Receiver, status};
use crate::world::{World, creation, globs, start};

#[tokio::test]
async fn events_come_as_they_happened_and_inner_steps_do_not_come() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let mut early = world.order("early").await;
    world.webhook("ci", &receiver.url).await;
    world.happens(&mut early, Status::Running, &["OrderStarted", "WaveAsked", "BatchStarted"]).await;
    world.happens(&mut early, Status::Succeeded, &["Finishing", "OrderEnded"]).await;
    let mut seen = Vec::new();
    for sequence in [2, 4, 6] {
        let received = receiver.next().await;
        let event = received.json();
        assert_eq!(received.id(), format!("{}-{sequence}", early.id));
        assert_eq!((&event["id"], &event["subject"]), (&received.id().into(), &early.id.to_string().into()));
        assert_eq!(event["data"]["Sequence"], sequence);
        seen.push((event["type"].as_str().unwrap().to_owned(), event["data"]["Status"].as_i64().unwrap()));
    }
    // What was before the webhook is none of its business.
    let expected = [("started", 1), ("batch-started", 1), ("succeeded", 2)];
    assert_eq!(seen, expected.map(|(event, status)| (format!("io.sternway.order.{event}"), status)));
}

#[tokio::test]
async fn only_what_fits_is_delivered() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let filter =
        Filter { events: globs(&["succeeded", "fail*"]), applications: globs(&["web-*"]), ..Filter::default() };
    let creation = sternway_notifications::Creation { filter, ..creation("ci", &receiver.url) };
    world.notifier.create(creation).await.unwrap();
    let mut other = world.order("api").await;
    world.happens(&mut other, Status::Succeeded, &["OrderEnded"]).await;
    let mut own = world.order("web-1").await;
    world.happens(&mut own, Status::Failed, &["OrderStarted", "OrderEnded"]).await;
    let received = receiver.next().await;
    assert_eq!(received.id(), format!("{}-3", own.id));
    assert_eq!(received.json()["type"], "io.sternway.order.failed");
}

#[tokio::test]
async fn what_fails_comes_again_with_the_same_id_and_before_what_happened_later() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(status(500)).then(Answer::Close).then(status(503)).then(status(429));
    world.webhook("ci", &receiver.url).await;
    let mut order = world.order("web").await;
    let first = receiver.next().await;
    world.happens(&mut order, Status::Running, &["OrderStarted"]).await;
    for _ in 0..4 {
        world.clock.pass_to_the_next_attempt().await;
        let again = receiver.next().await;
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
        assert_ne!(again.headers["webhook-timestamp"], first.headers["webhook-timestamp"], "each attempt has its time");
        assert_ne!(again.headers["webhook-signature"], first.headers["webhook-signature"]);
    }
    assert_eq!(receiver.next().await.id(), format!("{}-2", order.id));
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    receiver.next().await;
    let shown = world.notifier.get("ci").await.unwrap();
    assert!(shown.trouble.is_none() && shown.delivered_at.is_some() && shown.dead_letters == 0, "{shown:?}");
}

#[tokio::test]
async fn trouble_is_shown_while_it_lasts() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(status(500)).then(status(500));
    world.webhook("ci", &receiver.url).await;
    world.order("web").await;
    for failures in 1..=2 {
        receiver.next().await;
        let until = world.clock.wait_for_waiting().await;
        let trouble = world.notifier.get("ci").await.unwrap().trouble.unwrap();
        assert_eq!((trouble.failures(), trouble.reason.as_str()), (failures, "it answered with HTTP 500"));
        assert_eq!((trouble.since, trouble.until), (start(), until));
        world.clock.pass_to_the_next_attempt().await;
    }
    receiver.next().await;
    receiver.then(status(500));
    // A test that is taken ends the waiting.
    world.order("api").await;
    receiver.next().await;
    world.clock.wait_for_waiting().await;
    assert_eq!(world.notifier.test("ci").await.unwrap().problem, None);
    assert!(receiver.next().await.id().starts_with("test-"));
    assert_eq!(receiver.next().await.json()["data"]["AppName"], "api");
}

#[tokio::test]
async fn what_a_receiver_refuses_is_a_dead_letter_and_holds_nothing_up() {
    let world = World::new().await;
    let (mut receiver, mut elsewhere) = (Receiver::new().await, Receiver::new().await);
    let redirect = Answer::Say(302, "location: http://127.0.0.1:1/\r\n", String::new());
    receiver.then(status(404)).then(redirect).then(status(400));
    world.webhook("ci", &receiver.url).await;
    world.webhook("other", &elsewhere.url).await;
    let mut order = world.order("web").await;
    world.happens(&mut order, Status::Running, &["OrderStarted"]).await;
    assert_eq!(elsewhere.next().await.id(), format!("{}-1", order.id));
    assert_eq!(elsewhere.next().await.id(), format!("{}-2", order.id), "another webhook does not wait");
    let refused = receiver.next().await;
    for _ in 0..2 {
        world.clock.pass_to_the_next_attempt().await;
        assert_eq!(receiver.next().await.id(), refused.id());
    }
    assert_eq!(receiver.next().await.id(), format!("{}-2", order.id));
    let letters = world.notifier.dead_letters("ci").await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.id.as_str(), letter.kind.as_str()), (refused.id(), "io.sternway.order.accepted"));
    assert_eq!((letter.attempts, letter.app_name.as_str()), (3, "web"));
    assert_eq!(letter.reason, "it answered with HTTP 400");

    // Once more, refused again: it stays. And then it is taken: it is gone.
    receiver.then(status(410));
    assert_eq!(world.notifier.redeliver("ci", Some(refused.id())).await.unwrap(), 1);
    assert_eq!(receiver.next().await.id(), refused.id());
    world.happens(&mut order, Status::Running, &["BatchStarted"]).await;
    receiver.next().await;
    let letters = world.notifier.dead_letters("ci").await.unwrap();
    assert_eq!((letters[0].attempts, letters[0].reason.as_str()), (4, "it answered with HTTP 410"));
    assert_eq!(world.notifier.redeliver("ci", None).await.unwrap(), 1);
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.body), (refused.id(), &refused.body));
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    receiver.next().await;
    assert!(world.notifier.dead_letters("ci").await.unwrap().is_empty());
    assert_eq!(world.notifier.redeliver("ci", None).await.unwrap(), 0);
    world.notifier.redeliver("ci", Some("unknown")).await.unwrap_err();
}

#[tokio::test]
async fn who_never_answers_holds_up_nobody_else() {
    let world = World::new().await;
    let (mut silent, mut receiver) = (Receiver::new().await, Receiver::new().await);
    silent.then(Answer::Silence);
    world.webhook("a-silent", &silent.url).await;
    world.webhook("ci", &receiver.url).await;
    let mut order = world.order("web").await;
    silent.next().await;
    receiver.next().await;
    for _ in 0..5 {
        world.happens(&mut order, Status::Running, &["BatchStarted"]).await;
        receiver.next().await;
    }
    assert!(silent.is_quiet(), "one event at a time");
    // Deleting it waits for nobody either.
    world.notifier.delete("a-silent").await.unwrap();
}

#[tokio::test]
async fn what_waited_for_a_day_is_given_up_and_what_is_younger_comes() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(Answer::Close).then(Answer::Close);
    world.webhook("ci", &receiver.url).await;
    let mut order = world.order("web").await;
    world.happens(&mut order, Status::Running, &["OrderStarted"]).await;
    assert_eq!(receiver.next().await.id(), format!("{}-1", order.id));
    world.clock.wait_for_waiting().await;
    world.clock.pass(SignedDuration::from_hours(24));
    // The last attempt at the first; the second was never tried, and is too old by now; the third is young.
    assert_eq!(receiver.next().await.id(), format!("{}-1", order.id));
    world.happens(&mut order, Status::Running, &["BatchStarted"]).await;
    world.clock.pass_to_the_next_attempt().await;
    assert_eq!(receiver.next().await.id(), format!("{}-3", order.id));
    let letters = world.notifier.dead_letters("ci").await.unwrap();
    let tried: Vec<_> = letters.iter().map(|letter| (letter.id.clone(), letter.attempts)).collect();
    assert_eq!(tried, [(format!("{}-1", order.id), 2), (format!("{}-2", order.id), 0)]);
    // The receiver is there again: all that it missed, in the sequence in which it happened.
    assert_eq!(world.notifier.redeliver("ci", None).await.unwrap(), 2);
    for sequence in [1, 2] {
        assert_eq!(receiver.next().await.id(), format!("{}-{sequence}", order.id));
    }
}

#[tokio::test]
async fn a_crash_between_delivery_and_note_delivers_again_with_the_same_id() {
    let mut world = World::new().await;
    let mut receiver = Receiver::new().await;
    world.webhook("ci", &receiver.url).await;
    world.crash_before_noting();
    let mut order = world.order("web").await;
    let first = receiver.next().await;
    world.records.reached.notified().await;
    world.restart(false).await;
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.body), (first.id(), &first.body));
    // What was noted is not delivered again.
    world.happens(&mut order, Status::Running, &["OrderStarted"]).await;
    assert_eq!(receiver.next().await.id(), format!("{}-2", order.id));
    world.happens(&mut order, Status::Running, &["BatchStarted"]).await;
    assert_eq!(receiver.next().await.id(), format!("{}-3", order.id));
    world.restart(true).await;
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    let mut next = receiver.next().await;
    if next.id() == format!("{}-3", order.id) {
        // The server may have been stopped before it noted that.
        next = receiver.next().await;
    }
    assert_eq!(next.id(), format!("{}-4", order.id));
}

#[tokio::test]
async fn what_happened_while_no_server_ran_is_delivered_by_the_next() {
    let mut world = World::new().await;
    let mut receiver = Receiver::new().await;
    receiver.then(status(500));
    world.webhook("ci", &receiver.url).await;
    let mut order = world.order("web").await;
    receiver.next().await;
    world.happens(&mut order, Status::Succeeded, &["OrderEnded"]).await;
    world.restart(true).await;
    // The trouble is remembered, or the attempt is made once more: it may not have been noted. In both cases nothing is lost.
    world.clock.pass(SignedDuration::from_secs(60));
    let mut ids = vec![receiver.next().await.id().to_owned(), receiver.next().await.id().to_owned()];
    ids.dedup();
    let expected: Vec<String> = (1..=2).map(|sequence| format!("{}-{sequence}", order.id)).collect();
    assert_eq!(ids, expected);
}

#[tokio::test]
async fn of_two_servers_on_one_store_one_delivers() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    let (other, stop) = (world.another(), CancellationToken::new());
    let stopping = stop.clone();
    let running = TaskTracker::new().spawn(async move { other.run(stopping).await });
    world.webhook("ci", &receiver.url).await;
    // The other server learns of the webhook by its own look.
    world.clock.pass(SignedDuration::from_secs(300));
    let mut order = world.order("web").await;
    receiver.next().await;
    for sequence in 2..20 {
        world.happens(&mut order, Status::Running, &["BatchStarted"]).await;
        assert_eq!(receiver.next().await.id(), format!("{}-{sequence}", order.id));
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_disabled_webhook_gets_nothing_then_or_later() {
    let world = World::new().await;
    let mut receiver = Receiver::new().await;
    world.webhook("ci", &receiver.url).await;
    let enable = |enabled| Change { enabled: Some(enabled), ..Change::default() };
    world.notifier.change("ci", enable(false)).await.unwrap();
    let mut order = world.order("web").await;
    world.notifier.redeliver("ci", None).await.unwrap_err();
    world.notifier.change("ci", enable(true)).await.unwrap();
    world.happens(&mut order, Status::Running, &["OrderStarted"]).await;
    assert_eq!(receiver.next().await.id(), format!("{}-2", order.id));
}
