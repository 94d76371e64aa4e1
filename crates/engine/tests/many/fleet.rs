//! Many applications on the real engine and the real store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use jiff::Timestamp;
use sternway_core::application::{AppState, Application, WorkloadRef};
use sternway_core::ids::{AppId, ClusterId, OrderId, VersionNumber};
use sternway_core::order::job::OnFailure;
use sternway_core::order::{Actor, Order};
use sternway_core::plan::{Batches, ONE_BATCH};
use sternway_core::ports::{Clock, Commit, Ids, Store as _, StoreWrite};
use sternway_core::template::edit::Edit;
use sternway_core::version::{Origin, Snapshot, Version};
use sternway_engine::{Deploy, DeployChange, Engine, Ports, Settings};
use sternway_store::{MasterKey, SqliteStore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::virtual_clusters::{VirtualClusters, deployment};

pub(crate) const V1: &str = "registry.example.com/shop:v1";
pub(crate) const V2: &str = "registry.example.com/shop:v2";
const REPLICAS: u32 = 4;
/// Clients that ask at the same time: the store commits what waits as one.
const CLIENTS: usize = 256;
/// How often somebody looks.
const GLANCE: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct RealTime;

#[expect(clippy::disallowed_methods, reason = "what is looked at is how the engine does in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[async_trait]
impl Clock for RealTime {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.duration_since(now());
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
    }
}

#[derive(Debug)]
struct RandomIds;

impl Ids for RandomIds {
    fn fresh(&self) -> Uuid {
        Uuid::new_v4()
    }
}

pub(crate) fn actor() -> Actor {
    Actor { user: "tester".to_owned(), behind: None, source: "test".to_owned(), trace_id: String::new() }
}

pub(crate) struct Fleet {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clusters: Arc<VirtualClusters>,
    pub(crate) apps: Vec<AppId>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

impl Fleet {
    /// Applications that run version 1, and an engine that does not run yet and works on `places` orders at the same time.
    pub(crate) async fn new(apps: usize, places: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = MasterKey::load_or_create(directory.path()).unwrap();
        let store = Arc::new(SqliteStore::open(directory.path(), key).await.unwrap());
        let clusters = Arc::new(VirtualClusters::default());
        let ports = Ports {
            store: store.clone(),
            records: store.clone(),
            clusters: clusters.clone(),
            objects: clusters.clone(),
            clock: Arc::new(RealTime),
            ids: Arc::new(RandomIds),
        };
        let engine = Engine::new(ports, Settings { concurrency: places, ..Settings::new("fleet") });
        let mut fleet = Self {
            engine,
            store,
            clusters,
            apps: Vec::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            _directory: directory,
        };
        fleet.create(apps).await;
        fleet
    }

    async fn create(&mut self, count: usize) {
        let cluster = ClusterId::new(Uuid::new_v4());
        let mut writes = Vec::new();
        for number in 0..count {
            let object = deployment(&name_of(number), V1, REPLICAS);
            let app = application(cluster, number);
            writes.push(StoreWrite::PutVersion(Box::new(first_version(&app, Snapshot::of_object(&object)))));
            self.apps.push(app.id);
            writes.push(StoreWrite::InsertApp(Box::new(app)));
            self.clusters.put(object);
        }
        self.store.commit(Commit { lease: None, writes }).await.unwrap();
    }

    /// Lets the engine run.
    pub(crate) fn run(&self) {
        let (engine, stop) = (Arc::clone(&self.engine), self.stop.clone());
        self.tasks.spawn(async move { engine.run(stop).await });
    }

    pub(crate) async fn deploy(&self, app: AppId, image: &str, batches: Batches) -> OrderId {
        let deploy = Deploy {
            change: DeployChange::Edits {
                edits: vec![Edit::Image(image.to_owned())],
                min_ready_seconds: None,
                package_version: String::new(),
            },
            batches,
            batch_timeout_seconds: 3600,
            on_failure: OnFailure::Rollback,
            replicas: None,
            steering: None,
            attributes: BTreeMap::new(),
            description: String::new(),
        };
        self.engine.deploy(app, deploy, actor()).await.unwrap()
    }

    /// A release of version 2 of every application; the orders in the sequence of the applications.
    pub(crate) async fn deploy_all(&self) -> Vec<OrderId> {
        let deploys = self.apps.iter().map(|app| self.deploy(*app, V2, ONE_BATCH));
        futures::stream::iter(deploys).buffered(CLIENTS).collect().await
    }

    pub(crate) async fn order(&self, id: OrderId) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }

    /// Waits for the end of an order.
    pub(crate) async fn ended(&self, id: OrderId) -> Order {
        loop {
            let order = self.order(id).await;
            if order.status.is_terminal() {
                return order;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until no order is active and nobody works on any.
    pub(crate) async fn idle(&self) {
        while !self.store.active_orders().await.unwrap().is_empty() || self.engine.running() > 0 {
            tokio::time::sleep(GLANCE).await;
        }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
    }
}

pub(crate) fn name_of(number: usize) -> String {
    format!("shop-{number}")
}

fn application(cluster: ClusterId, number: usize) -> Application {
    let first = VersionNumber(1);
    Application {
        id: AppId::new(Uuid::new_v4()),
        name: name_of(number),
        workload: WorkloadRef { cluster, namespace: "default".to_owned(), name: name_of(number) },
        logical_region: "cn-hangzhou".to_owned(),
        description: String::new(),
        owner: "tester".to_owned(),
        package_type: "Image".to_owned(),
        attributes: BTreeMap::new(),
        current: Some(first),
        last_good: Some(first),
        latest: first,
        replicas: REPLICAS,
        instances_before_stop: None,
        state: AppState::Running,
        held: None,
        created_at: now(),
        revision: 0,
    }
}

fn first_version(app: &Application, snapshot: Snapshot) -> Version {
    Version {
        app: app.id,
        number: VersionNumber(1),
        snapshot,
        origin: Origin::Created,
        order: OrderId::new(Uuid::new_v4()),
        package_version: "v1".to_owned(),
        description: String::new(),
        created_at: now(),
        good: true,
    }
}
