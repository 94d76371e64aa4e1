//! Small whole aggregates.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sternway_core::application::{AppState, Application, Held, WorkloadRef};
use sternway_core::effect::Effect;
use sternway_core::ids::{AppId, ClusterId, OrderId, PartId, VersionNumber};
use sternway_core::observation::Identity;
use sternway_core::order::job::{Job, Resize};
use sternway_core::order::{Actor, Event, Instance, Order, OrderKind, Pending, Pipeline, Status};
use sternway_core::plan::ONE_BATCH;
use sternway_core::ports::{Commit, CommitError, Store, StoreWrite};
use sternway_core::strategy::DEFAULT_STRATEGY;
use sternway_core::template::PodTemplate;
use sternway_core::version::{Origin, Snapshot, Version};
use uuid::Uuid;

/// `seconds` after a fixed moment that has nanoseconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-26T08:00:00.123456789Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

pub(crate) fn app_id() -> AppId {
    AppId::new(Uuid::new_v4())
}

pub(crate) fn cluster_id() -> ClusterId {
    ClusterId::new(Uuid::new_v4())
}

pub(crate) fn workload(name: &str) -> WorkloadRef {
    WorkloadRef { cluster: ClusterId::new(Uuid::from_u128(1)), namespace: "default".to_owned(), name: name.to_owned() }
}

pub(crate) fn app(name: &str) -> Application {
    Application {
        id: app_id(),
        name: name.to_owned(),
        workload: workload(name),
        logical_region: "cn-hangzhou".to_owned(),
        description: "测试".to_owned(),
        owner: "root".to_owned(),
        package_type: "Image".to_owned(),
        attributes: [("Jdk".to_owned(), "17".to_owned())].into(),
        current: Some(VersionNumber(2)),
        last_good: Some(VersionNumber(1)),
        latest: VersionNumber(3),
        replicas: 10,
        instances_before_stop: None,
        state: AppState::Running,
        held: Some(Held { from: VersionNumber(1), to: VersionNumber(2) }),
        created_at: at(0),
        revision: 0,
    }
}

/// A running order without batches, with everything in it that can be.
pub(crate) fn order(app: AppId, kind: OrderKind, seconds: i64) -> Order {
    let id = OrderId::new(Uuid::new_v4());
    Order {
        id,
        app,
        workload: workload("web"),
        object: Identity::of(&Uuid::from_u128(9).to_string(), "1000"),
        kind,
        actor: Actor { user: "root".to_owned(), behind: None, source: "pop".to_owned(), trace_id: "trace".to_owned() },
        description: "scale".to_owned(),
        created_at: at(seconds),
        finished_at: None,
        status: Status::Running,
        batches: ONE_BATCH,
        pipelines: vec![pipeline(id.part("pipeline/0"))],
        job: Job::Resize(resize()),
        pending: Some(Pending {
            revision: 0,
            effect: Effect::Scale { replicas: 4 },
            trouble: Some("the cluster is away".to_owned()),
        }),
        rolls_back: None,
        rolled_back_by: None,
        approval: None,
        warnings: vec!["no probe".to_owned()],
        revision: 0,
    }
}

fn resize() -> Resize {
    Resize { from: 3, to: 4, timeout_seconds: 600, asked: true, generation: 7 }
}

pub(crate) fn pipeline(id: PartId) -> Pipeline {
    Pipeline {
        id,
        name: "Batch 1 Change".to_owned(),
        status: Status::Running,
        started_at: Some(at(1)),
        updated_at: Some(at(2)),
        message: "1 of 4".to_owned(),
        error: None,
        instances: vec![Instance {
            pod: "web-1".to_owned(),
            ip: Some("10.0.0.1".to_owned()),
            phase: "Running".to_owned(),
            status: Status::Running,
            started_at: at(1),
            ready_at: None,
            problem: None,
        }],
    }
}

/// The next revision, with this status.
pub(crate) fn next(order: &Order, status: Status) -> Order {
    Order { status, revision: order.revision + 1, ..order.clone() }
}

pub(crate) fn version(app: AppId, number: u32) -> Version {
    Version {
        app,
        number: VersionNumber(number),
        snapshot: Snapshot {
            // Keys out of alphabetical order: going back is exact only if they come back as they were.
            template: PodTemplate::new(
                json!({"spec": {"containers": [{"name": "main", "image": "app:v1", "cpu": 0.1}]}, "metadata": {}}),
            ),
            strategy: DEFAULT_STRATEGY,
            min_ready_seconds: 0,
            progress_deadline_seconds: 600,
        },
        origin: Origin::Deployed,
        order: OrderId::new(Uuid::new_v4()),
        package_version: "v1".to_owned(),
        description: String::new(),
        created_at: at(0),
        good: false,
    }
}

pub(crate) fn event(kind: &str) -> Event {
    Event { at: at(5), kind: kind.to_owned(), text: format!("{kind} 发生了") }
}

pub(crate) fn insert(order: &Order) -> StoreWrite {
    StoreWrite::InsertOrder(Box::new(order.clone()))
}

pub(crate) fn update(order: &Order) -> StoreWrite {
    StoreWrite::UpdateOrder(Box::new(order.clone()))
}

pub(crate) fn insert_app(app: &Application) -> StoreWrite {
    StoreWrite::InsertApp(Box::new(app.clone()))
}

pub(crate) fn update_app(app: &Application) -> StoreWrite {
    StoreWrite::UpdateApp(Box::new(app.clone()))
}

pub(crate) fn put_version(version: &Version) -> StoreWrite {
    StoreWrite::PutVersion(Box::new(version.clone()))
}

/// Commits without a lease.
pub(crate) async fn write(store: &dyn Store, writes: impl IntoIterator<Item = StoreWrite>) -> Result<(), CommitError> {
    let writes = writes.into_iter().collect();
    store.commit(Commit { lease: None, writes }).await
}
