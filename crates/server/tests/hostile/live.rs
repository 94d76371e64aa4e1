//! What the requests are about: applications and orders that are really there, in states in which much can be done to them.

use jiff::SignedDuration;
use sternway_core::ids::OrderId;
use sternway_core::order::job::{Job, ReleasePhase};
use sternway_core::order::{Failure, Order, Stage, Status};
use sternway_core::ports::{ClusterAccess, ClusterRecord, Secret, Store as _};
use uuid::Uuid;

use crate::judge::KUBECONFIG_SECRET;
use crate::request::Signer;
use crate::world::{CLUSTER, KEY, World, access_key, now};

pub(crate) const ROOT: Signer = Signer { id: KEY.id, secret: KEY.secret };
/// Signs rightly and may do nothing.
pub(crate) const GUEST: Signer = Signer { id: "guest", secret: KEY.secret };
/// Signs rightly with a key that is disabled.
pub(crate) const DISABLED: Signer = Signer { id: "disabled", secret: KEY.secret };

const BATCHES: &str = r#"{"type":"BatchUpdate","batchUpdate":{"batch":3,"releaseType":"manual"}}"#;

/// Ids by the parameter that takes them.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) apps: Vec<String>,
    pub(crate) orders: Vec<String>,
    pub(crate) pipelines: Vec<String>,
    pub(crate) tasks: Vec<String>,
    pub(crate) clusters: Vec<String>,
    /// For names that are not taken yet.
    pub(crate) age: u64,
}

/// The user that applications and roles are granted to. It has no key: the guest may see nothing.
const TARGET: &str = "target";

/// Keys, users and clusters, once per server.
pub(crate) async fn prepare(world: &World) {
    let mut guest = access_key(GUEST.id, true);
    guest.user = "guest".to_owned();
    world.store.insert_key(guest).await.unwrap();
    world.store.insert_key(access_key(DISABLED.id, false)).await.unwrap();
    world.call("CreateUser", &[("UserName", TARGET)]).await.success();
    let spare = ClusterRecord {
        id: sternway_core::ids::ClusterId::new(Uuid::from_u128(0xC2)),
        name: "spare".to_owned(),
        cs_cluster_id: "cs-spare".to_owned(),
        region: "cn-hangzhou".to_owned(),
        description: String::new(),
        access: ClusterAccess::Kubeconfig(Secret::new(KUBECONFIG_SECRET)),
        created_at: now(),
        updated_at: now(),
    };
    world.store.put_cluster(spare).await.unwrap();
}

impl Live {
    /// Four applications: one idle, one stopped, one whose release waits for a person, one whose release failed and is paused.
    pub(crate) async fn begin(world: &World, age: u64) -> Self {
        world.clusters.set_mood(crate::fake_clusters::Mood::Well);
        let mut live = Self {
            clusters: vec![CLUSTER.to_string(), "cs-lab".to_owned(), "cs-spare".to_owned()],
            age,
            ..Self::default()
        };
        for (name, replicas) in [("idle", 4), ("stopped", 0), ("waiting", 10), ("paused", 10)] {
            let app = world.app(&format!("{name}-{age}"), replicas).await.to_string();
            if replicas == 10 {
                let deploy =
                    [("AppId", app.as_str()), ("Image", "a:2"), ("UpdateStrategy", BATCHES), ("OnFailure", "pause")];
                let order = world.call("DeployK8sApplication", &deploy).await.order_id();
                world.change(order, if name == "waiting" { wait } else { pause }).await;
                live.add(world, order).await;
            }
            live.apps.push(app);
        }
        live
    }

    async fn add(&mut self, world: &World, id: OrderId) {
        let order = world.order(id).await;
        self.orders.push(id.to_string());
        for (index, pipeline) in order.pipelines.iter().enumerate() {
            self.pipelines.push(pipeline.id.to_string());
            self.tasks.push(order.task_id(index, Stage::Change).to_string());
        }
    }
}

/// The first batch is complete, the second waits for a person.
fn wait(order: &mut Order) {
    order.status = Status::AwaitingConfirmation;
    order.pipelines[0].status = Status::Succeeded;
    order.pipelines[0].started_at = Some(now());
    order.pipelines[0].updated_at = Some(now() + SignedDuration::from_secs(5));
    order.pipelines[1].status = Status::AwaitingConfirmation;
    let Job::Release(release) = &mut order.job else { panic!() };
    release.phase = ReleasePhase::Waiting { batch: 0, until: None };
}

/// The first batch failed, and a person is to say what now.
fn pause(order: &mut Order) {
    order.status = Status::Running;
    order.pipelines[0].status = Status::Running;
    order.pipelines[0].started_at = Some(now());
    order.pipelines[0].error = Some(Failure {
        code: "CrashLoop".to_owned(),
        message: "back-off <br> \u{1}\u{2028} \"应用\"\\u0041".to_owned(),
    });
    let Job::Release(release) = &mut order.job else { panic!() };
    release.phase = ReleasePhase::Paused { batch: 0 };
}
