//! A rollback that meets an obstacle: each kind of it appears after the first batch of a release, before the release is aborted and rolled back.
//!
//! The rollback says what stands in its way and goes on trying. If the obstacle goes, it succeeds. If not, it ends at its deadline
//! with the reason, and what serves by then goes on serving; when the obstacle goes later, the version is deployed as any other.

use serde_json::{Value, json};
use sternway_core::ids::OrderId;
use sternway_core::order::{Order, Status};
use sternway_core::plan::{Gate, ONE_BATCH};
use sternway_core::ports::Store as _;

use crate::world::{FLOOR, PODS_WANTED, V1, World, is_ready, two_batches};

const PODS: &str = "/api/v1/namespaces/default";
const IMAGES: &str = "/api/v1/namespaces/kube-system/configmaps";
const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The old version's image is in no registry any more.
    ImageGone,
    /// The namespace may have no more pods than it has.
    QuotaExhausted,
    /// A webhook of somebody else refuses the patch.
    WebhookRefuses,
    /// No node takes another pod.
    NodesFull,
    /// The same, and a PodDisruptionBudget forbids to do without any of those that are there.
    NodesFullAndBudgetForbids,
}

impl Obstacle {
    /// Words of the cluster that a person has to see.
    const fn reason(self) -> &'static str {
        match self {
            Self::ImageGone => "ImagePullBackOff",
            Self::QuotaExhausted => "exceeded quota: no-more",
            Self::WebhookRefuses => "policy.example.com",
            Self::NodesFull | Self::NodesFullAndBudgetForbids => "nodes are available",
        }
    }

    /// Ready pods that there must be at every moment.
    const fn floor(self) -> usize {
        match self {
            Self::NodesFullAndBudgetForbids => PODS_WANTED,
            Self::ImageGone | Self::QuotaExhausted | Self::WebhookRefuses | Self::NodesFull => FLOOR,
        }
    }

    async fn appear(self, world: &World) {
        use reqwest::Method;
        match self {
            Self::ImageGone => {
                let list = json!({"metadata": {"name": "sandbox-images"}, "data": {"missing": V1}});
                world.kubernetes(Method::POST, IMAGES, &list).await;
            }
            Self::QuotaExhausted => {
                let quota = json!({"metadata": {"name": "no-more"}, "spec": {"hard": {"pods": "4"}}});
                world.kubernetes(Method::POST, &format!("{PODS}/resourcequotas"), &quota).await;
            }
            Self::WebhookRefuses => {
                let rules = json!([{
                    "match": {"verbs": ["patch"], "resource": "deployments", "userAgent": "sternway/*"},
                    "fault": {"type": "denial", "webhook": "policy.example.com", "message": "not today"},
                }]);
                world.sandbox().faults_mut().set(serde_json::from_value(rules).unwrap());
            }
            Self::NodesFull => cordon(world, true).await,
            Self::NodesFullAndBudgetForbids => {
                cordon(world, true).await;
                forbid_evictions(world).await;
            }
        }
    }

    async fn go(self, world: &World) {
        use reqwest::Method;
        match self {
            Self::ImageGone => {
                world.kubernetes(Method::DELETE, &format!("{IMAGES}/sandbox-images"), &Value::Null).await;
            }
            Self::QuotaExhausted => {
                world.kubernetes(Method::DELETE, &format!("{PODS}/resourcequotas/no-more"), &Value::Null).await;
            }
            Self::WebhookRefuses => world.sandbox().faults_mut().set(Vec::new()),
            Self::NodesFull | Self::NodesFullAndBudgetForbids => cordon(world, false).await,
        }
    }
}

async fn cordon(world: &World, unschedulable: bool) {
    for node in NODES {
        let patch = json!({"spec": {"unschedulable": unschedulable}});
        world.kubernetes(reqwest::Method::PATCH, &format!("/api/v1/nodes/{node}"), &patch).await;
    }
}

/// A budget that demands every pod of the application.
async fn forbid_evictions(world: &World) {
    let labels = &world.before["selector"];
    let budget =
        json!({"metadata": {"name": "all-of-them"}, "spec": {"minAvailable": PODS_WANTED, "selector": labels}});
    world.kubernetes(reqwest::Method::POST, "/apis/policy/v1/namespaces/default/poddisruptionbudgets", &budget).await;
}

fn message(order: &Order) -> &str {
    &order.pipelines[0].message
}

/// A world in which a rollback has met the obstacle and said so.
async fn before_the_obstacle(obstacle: Obstacle) -> (World, OrderId) {
    let world = World::new().await;
    let release = world.deploy(two_batches(Gate::Manual)).await;
    world.at_gate(release).await;
    // The last old pods of the batch may still be on their way out: a quota counts them too.
    while world.pods().len() != PODS_WANTED {
        tokio::task::yield_now().await;
    }
    obstacle.appear(&world).await;
    world.watch_capacity_from_now();
    let rollback = world.abort_and_roll_back(release).await.unwrap();
    let told = world.reaches(rollback, |order| message(order).contains(obstacle.reason())).await;
    assert_eq!(told.status, Status::Running, "it goes on trying: {}", message(&told));
    if obstacle == Obstacle::WebhookRefuses {
        world.reaches(rollback, |_| world.sandbox().faults().counts()[0].1 >= 3).await;
    }
    (world, rollback)
}

async fn goes_in_time(obstacle: Obstacle) {
    let (world, rollback) = before_the_obstacle(obstacle).await;
    obstacle.go(&world).await;
    let ended = world.ended(rollback).await;
    assert_eq!(ended.status, Status::Succeeded, "{obstacle:?}: {}", message(&ended));
    world.check_end(V1).await;
    assert!(world.lowest() >= obstacle.floor(), "{obstacle:?}: {}", world.lowest());
    world.end().await;
}

async fn stays(obstacle: Obstacle) {
    let (world, rollback) = before_the_obstacle(obstacle).await;
    // As long as the deploy has said that a batch may take.
    world.pass(600);
    let ended = world.ended(rollback).await;
    assert_eq!(ended.status, Status::Failed);
    let failure = ended.pipelines[0].error.as_ref().unwrap();
    assert_eq!(failure.code, "RollbackFailed");
    assert!(failure.message.contains(obstacle.reason()), "{obstacle:?}: {}", failure.message);
    assert!(failure.message.contains("within 600 seconds"), "{}", failure.message);
    assert_eq!(world.store.active_orders().await.unwrap(), [], "nothing loops silently");
    assert!(world.lowest() >= obstacle.floor(), "{obstacle:?}: {} ready", world.lowest());
    assert!(world.pods().iter().filter(|pod| is_ready(pod)).count() >= obstacle.floor(), "it goes on serving");
    let marks = &world.deployment().unwrap()["metadata"]["annotations"];
    assert!(marks["sternway.io/restore"].is_string(), "a person still has the line that goes back: {marks}");
    assert!(world.store.app(world.app).await.unwrap().unwrap().held.is_some(), "it is known that it is held");

    obstacle.go(&world).await;
    let again = world.deploy_image(V1, ONE_BATCH).await;
    let ended = world.ended(again).await;
    assert_eq!(ended.status, Status::Succeeded, "{obstacle:?}: {}", message(&ended));
    world.check_end(V1).await;
    assert!(world.lowest() >= obstacle.floor(), "{obstacle:?}: {}", world.lowest());
    world.end().await;
}

macro_rules! rungs {
    ($($obstacle:ident: $goes:ident, $stays:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $goes() {
            goes_in_time(Obstacle::$obstacle).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $stays() {
            stays(Obstacle::$obstacle).await;
        }
    )+};
}

rungs! {
    ImageGone: an_image_that_comes_back_in_time, an_image_that_is_gone;
    QuotaExhausted: a_quota_that_is_raised_in_time, a_quota_that_is_exhausted;
    WebhookRefuses: a_webhook_that_gives_in_in_time, a_webhook_that_refuses;
    NodesFull: nodes_that_get_room_in_time, nodes_that_are_full;
    NodesFullAndBudgetForbids: a_budget_and_nodes_that_get_room_in_time, a_budget_that_forbids_and_nodes_that_are_full;
}

/// A budget alone is no obstacle, not even where the application's own strategy has no surge: the way back goes by one pod more for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_forbids_everything_is_kept_and_gone_around() {
    let mut world = World::new().await;
    let strategy = json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}});
    let path = "/apis/apps/v1/namespaces/default/deployments/shop";
    let changed = world.kubernetes(reqwest::Method::PATCH, path, &strategy).await;
    world.before = changed["spec"].clone();
    let release = world.deploy(two_batches(Gate::Manual)).await;
    world.at_gate(release).await;
    forbid_evictions(&world).await;
    world.watch_capacity_from_now();
    let rollback = world.abort_and_roll_back(release).await.unwrap();
    let ended = world.ended(rollback).await;
    assert_eq!(ended.status, Status::Succeeded, "{}", message(&ended));
    world.check_end(V1).await;
    assert_eq!(world.lowest(), PODS_WANTED, "the budget was kept at every moment");
    world.end().await;
}
