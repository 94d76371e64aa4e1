//! Every fault of the API server at every write: of a release, of an abort and what follows it, of an abort and rollback, of a creation,
//! a scaling and a deletion.
//!
//! Which writes there are is known from a run without faults; a rule then hits the n-th write of the Deployment. A fault that
//! did not happen fails the test, so none is covered by luck.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use sternway_core::ids::OrderId;
use sternway_core::order::{Order, Status};
use sternway_core::plan::{Gate, ONE_BATCH};
use sternway_core::ports::Store as _;
use sternway_core::step::Illegal;
use sternway_engine::CommandError;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::world::{Patience, V1, V2, World, two_batches};

/// Cases at the same time: most of them wait most of the time.
const AT_ONCE: usize = 8;

/// What happens to a write, and how many times in a row.
fn faults() -> Vec<(&'static str, u64, Value)> {
    vec![
        ("a conflict", 1, json!({"type": "status", "code": 409})),
        ("a row of conflicts", 8, json!({"type": "status", "code": 409})),
        ("429 with Retry-After", 1, json!({"type": "status", "code": 429, "retryAfterSeconds": 1})),
        ("500", 2, json!({"type": "status", "code": 500})),
        ("503", 2, json!({"type": "status", "code": 503})),
        ("a reset", 1, json!({"type": "reset"})),
        ("a reset after the write was applied", 1, json!({"type": "reset", "applied": true})),
        ("a time-out", 1, json!({"type": "silence"})),
        ("a time-out after the write was applied", 1, json!({"type": "silence", "applied": true})),
        ("a slow server", 1, json!({"type": "delay", "milliseconds": 700})),
        ("a slow answer", 1, json!({"type": "delay", "milliseconds": 700, "applied": true})),
        ("a cut watch", 1, json!({"type": "cutWatches"})),
        ("an expired watch", 1, json!({"type": "expireWatches"})),
        ("a server that is away", 1, json!({"type": "away", "milliseconds": 1500})),
        (DENIAL, 1, json!({"type": "denial", "webhook": "policy.example.com", "message": "not today"})),
    ]
}

/// The one fault that trying again is no answer to: the release fails, and goes back by itself.
const DENIAL: &str = "a refusal by a webhook";

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Version 2 in two batches, to the end.
    Release,
    /// Version 2 to the gate after the first batch or to the fault, an abort there, and version 2 once more in one batch.
    AbortAndGoOn,
    /// Version 2 to the gate after the first batch or to the fault, and back.
    AbortAndRollBack,
    /// Version 1, where there was nothing.
    Create,
    /// From four pods to six.
    Scale,
    /// Everything.
    Delete,
}

impl Story {
    /// How it writes to the Deployment.
    const fn verb(self) -> &'static str {
        match self {
            Self::Release | Self::AbortAndGoOn | Self::AbortAndRollBack | Self::Scale => "patch",
            Self::Create => "create",
            Self::Delete => "delete",
        }
    }
}

/// A fault at the n-th write of a story.
#[derive(Debug, Clone)]
struct Case {
    story: Story,
    write: u64,
    name: &'static str,
    times: u64,
    fault: Value,
}

impl Case {
    /// No fault at all; patches are counted.
    fn plain(story: Story) -> Self {
        Self { story, write: u64::MAX, name: "nothing", times: 0, fault: json!({"type": "reset"}) }
    }

    fn is_denial(&self) -> bool {
        self.name == DENIAL
    }

    /// Plays it; answers with the number of writes.
    async fn play(&self) -> u64 {
        let world = self.world().await;
        self.arm(&world);
        self.tell(&world).await;
        let [(seen, hit)] = world.sandbox().faults().counts()[..] else {
            panic!("there is one rule");
        };
        assert_eq!(hit, self.times, "the fault happened");
        world.end().await;
        seen
    }

    async fn world(&self) -> World {
        if self.story != Story::Create {
            return World::new().await;
        }
        let world = World::empty().await;
        world.run(&world.engine);
        world
    }

    async fn tell(&self, world: &World) {
        match self.story {
            Story::Release => self.release(world).await,
            Story::AbortAndGoOn => self.abort_and_go_on(world).await,
            Story::AbortAndRollBack => self.abort_and_roll_back(world).await,
            Story::Create => self.create(world).await,
            Story::Scale => self.scale(world).await,
            Story::Delete => self.delete(world).await,
        }
    }

    fn arm(&self, world: &World) {
        let rules = json!([{
            "name": self.name,
            "match": {"verbs": [self.story.verb()], "resource": "deployments", "userAgent": "sternway/*"},
            "skip": self.write, "times": self.times, "fault": self.fault,
        }]);
        world.sandbox().faults_mut().set(serde_json::from_value(rules).unwrap());
    }

    async fn release(&self, world: &World) {
        let order = world.deploy(two_batches(Gate::Automatic { wait_seconds: 0 })).await;
        let ended = world.ended(order).await;
        if self.is_denial() {
            assert_eq!(ended.status, Status::Failed);
            tells_of_denial(&ended);
            back_by_itself(world, order).await;
        } else {
            assert_eq!(ended.status, Status::Succeeded);
            world.check_end(V2).await;
        }
    }

    async fn abort_and_go_on(&self, world: &World) {
        let order = world.deploy(two_batches(Gate::Manual)).await;
        self.moment(world, order).await;
        match world.abort(order).await {
            Ok(answered) => {
                assert_eq!(answered, order);
                assert_eq!(world.ended(order).await.status, Status::Aborted);
            }
            Err(error) => {
                self.expect_ended(&error);
                back_by_itself(world, order).await;
            }
        }
        let again = world.deploy(ONE_BATCH).await;
        let ended = world.ended(again).await;
        if self.is_denial() && ended.status == Status::Failed {
            back_by_itself(world, again).await;
        } else {
            assert_eq!(ended.status, Status::Succeeded, "{:?}", ended.pipelines);
            world.check_end(V2).await;
        }
    }

    async fn abort_and_roll_back(&self, world: &World) {
        let order = world.deploy(two_batches(Gate::Manual)).await;
        self.moment(world, order).await;
        // Twice at once and once more at the end: a client that is not sure whether it was heard.
        let (first, second) = tokio::join!(world.abort_and_roll_back(order), world.abort_and_roll_back(order));
        match (first, second) {
            (Ok(first), Ok(second)) => {
                assert_eq!(first, second);
                let rollback = world.ended(first).await;
                assert_eq!(rollback.status, Status::Succeeded, "{:?}", rollback.pipelines);
                assert_eq!(world.abort_and_roll_back(order).await.unwrap(), first);
            }
            (Err(first), Err(second)) => {
                self.expect_ended(&first);
                self.expect_ended(&second);
            }
            other => panic!("one question, two answers: {other:?}"),
        }
        world.check_end(V1).await;
    }

    async fn create(&self, world: &World) {
        let order = world.create().await;
        let ended = world.ended(order).await;
        if self.is_denial() {
            assert_eq!(ended.status, Status::Failed);
            tells_of_denial(&ended);
            assert_eq!(world.deployment(), None, "nothing was made");
            // What is left is the application's name: it is deleted, and created once more.
            let deleted = world.delete().await;
            assert_eq!(world.ended(deleted).await.status, Status::Succeeded);
            let again = world.create().await;
            assert_eq!(world.ended(again).await.status, Status::Succeeded);
        } else {
            assert_eq!(ended.status, Status::Succeeded, "{:?}", ended.pipelines);
        }
        world.settled(V1).await;
        let annotations = &world.deployment().unwrap()["metadata"]["annotations"];
        assert_eq!(annotations["sternway.io/application"], json!(world.app.to_string()));
    }

    async fn scale(&self, world: &World) {
        let order = world.scale(6).await;
        let ended = world.ended(order).await;
        if self.is_denial() {
            assert_eq!(ended.status, Status::Failed);
            tells_of_denial(&ended);
            return world.check_end(V1).await;
        }
        assert_eq!(ended.status, Status::Succeeded, "{:?}", ended.pipelines);
        world.settled_at(V1, 6).await;
        let mut spec = world.before.clone();
        spec["replicas"] = json!(6);
        assert_eq!(world.deployment().unwrap()["spec"], spec);
    }

    async fn delete(&self, world: &World) {
        let order = world.delete().await;
        let mut ended = world.ended(order).await;
        if self.is_denial() {
            assert_eq!(ended.status, Status::Failed);
            tells_of_denial(&ended);
            world.check_end(V1).await;
            let again = world.delete().await;
            ended = world.ended(again).await;
        }
        assert_eq!(ended.status, Status::Succeeded, "{:?}", ended.pipelines);
        assert_eq!(world.deployment(), None);
        assert_eq!(world.pods(), [] as [Value; 0]);
        assert!(world.store.app(world.app).await.unwrap().is_none(), "nothing is left here");
    }

    /// When the client steps in: at the gate, or as soon as the fault has happened.
    async fn moment(&self, world: &World, order: OrderId) {
        let patience = Patience::for_("the gate or the fault");
        loop {
            let hit = world.sandbox().faults().counts().first().map_or(0, |(_, hit)| *hit);
            let status = world.order(order).await.status;
            let at_gate = status == Status::AwaitingConfirmation || status.is_terminal();
            if at_gate || hit > 0 && !self.is_denial() {
                return;
            }
            patience.glance().await;
        }
    }

    /// The only reason not to obey: the refusal has ended the order before anything was written.
    fn expect_ended(&self, error: &CommandError) {
        assert!(self.is_denial(), "{error}");
        assert!(matches!(error, CommandError::Illegal(Illegal::Ended { status: Status::Failed, .. })), "{error}");
    }
}

#[track_caller]
fn tells_of_denial(order: &Order) {
    assert!(format!("{:?}", order.pipelines).contains("policy.example.com"), "the reason is told");
}

/// A release that failed has left nothing behind: by a rollback of its own, or because nothing was written.
async fn back_by_itself(world: &World, order: OrderId) {
    if let Some(rollback) = world.order(order).await.rolled_back_by {
        assert_eq!(world.ended(rollback).await.status, Status::Succeeded);
    }
    world.check_end(V1).await;
}

async fn each_fault_at_each_write(story: Story) {
    let writes = Case::plain(story).play().await;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let (mut playing, mut names) = (JoinSet::new(), HashMap::new());
    for write in 0..writes {
        for (name, times, fault) in faults() {
            let case = Case { story, write, name, times, fault };
            let places = Arc::clone(&places);
            let task = playing.spawn_local(async move {
                let _place = places.acquire_owned().await;
                let began = Instant::now();
                case.play().await;
                began.elapsed()
            });
            names.insert(task.id(), format!("{name} at write {}", write + 1));
        }
    }
    // A case that fails has said why; here it gets its name.
    let (mut failed, mut slowest) = (Vec::new(), None);
    while let Some(ended) = playing.join_next_with_id().await {
        match ended {
            Ok((task, took)) => slowest = slowest.max(Some((took, &names[&task]))),
            Err(error) => failed.push(&names[&error.id()]),
        }
    }
    assert!(failed.is_empty(), "{story:?}: {} of {} cases failed: {failed:#?}", failed.len(), names.len());
    println!("{story:?}: {writes} writes, {} cases, the slowest: {slowest:?}", names.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_ends_right_whatever_happens_to_a_write() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::Release)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_leaves_what_the_next_release_can_go_on_from() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::AbortAndGoOn)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_ends_right_whatever_happens_to_a_write() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::AbortAndRollBack)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_ends_right_whatever_happens_to_its_write() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::Create)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaling_ends_right_whatever_happens_to_its_write() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::Scale)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_ends_right_whatever_happens_to_its_write() {
    LocalSet::new().run_until(each_fault_at_each_write(Story::Delete)).await;
}

/// From the first write on the server is away, until a minute has passed for the engine; then it is back, and all is as if it had never been away.
async fn away_for_a_minute(story: Story) {
    let case =
        Case { fault: json!({"type": "away", "milliseconds": 3_600_000}), write: 0, times: 1, ..Case::plain(story) };
    let world = case.world().await;
    case.arm(&world);
    let minute = async {
        let patience = Patience::for_("the server to go away");
        while world.sandbox().faults().counts()[0].1 == 0 {
            patience.glance().await;
        }
        let active = world.store.active_orders().await.unwrap();
        let in_trouble = |order: &Order| order.pending.as_ref().is_some_and(|pending| pending.trouble.is_some());
        for order in &active {
            world.reaches(*order, |order| in_trouble(order) || order.status.is_terminal()).await;
        }
        world.pass(60);
        world.sandbox().faults_mut().set(Vec::new());
    };
    tokio::join!(case.tell(&world), minute);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_away_for_a_minute_is_waited_for() {
    let stories =
        [Story::Release, Story::AbortAndGoOn, Story::AbortAndRollBack, Story::Create, Story::Scale, Story::Delete];
    futures::future::join_all(stories.map(away_for_a_minute)).await;
}
