//! A cluster, a data directory, and an application with four ready pods of version 1.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sternway_cluster::KubeClusters;
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::{AppId, ClusterId, OrderId};
use sternway_core::order::birth::CreateRequest;
use sternway_core::order::job::OnFailure;
use sternway_core::order::{Actor, Order, OrderKind, Status};
use sternway_core::plan::{Batches, Gate};
use sternway_core::ports::{Clock, ClusterAccess, Clusters, Ids, Secret, Store};
use sternway_core::step::Command;
use sternway_core::template::edit::Edit;
use sternway_engine::{CommandError, Creation, Deploy, DeployChange, Engine, Ports, Settings};
use sternway_sandbox::resources::{DEPLOYMENTS, PODS};
use sternway_sandbox::storage::EventKind;
use sternway_sandbox::{Options, Sandbox};
use sternway_store::{MasterKey, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub(crate) const V1: &str = "registry.example.com/shop:v1";
pub(crate) const V2: &str = "registry.example.com/shop:v2";
pub(crate) const PODS_WANTED: usize = 4;
/// Four pods with Kubernetes's own strategy, of which a quarter may be missing.
pub(crate) const FLOOR: usize = 3;

/// A test that hangs fails after this; none depends on it.
const HANGS: Duration = Duration::from_secs(120);
/// How often a test looks.
const GLANCE: Duration = Duration::from_millis(10);
/// Revisions of a sandbox begin here.
const FIRST_REVISION: u64 = 1000;

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) app: AppId,
    pub(crate) workload: WorkloadRef,
    /// The Deployment's spec on version 1.
    pub(crate) before: Value,
    clock: Arc<MovableTime>,
    http: reqwest::Client,
    sandbox: Arc<Mutex<Sandbox>>,
    address: SocketAddr,
    /// The revision of the sandbox from which on capacity is looked at.
    since: AtomicU64,
    tasks: TaskTracker,
    stop: CancellationToken,
    _directory: tempfile::TempDir,
}

/// The computer's clock, moved on by as much as a test says: what waits for a deadline need not wait long.
#[derive(Debug)]
struct MovableTime {
    ahead: watch::Sender<SignedDuration>,
}

#[expect(clippy::disallowed_methods, reason = "the sandbox's server lives in wall-clock time")]
fn now() -> Timestamp {
    Timestamp::now()
}

#[async_trait]
impl Clock for MovableTime {
    fn now(&self) -> Timestamp {
        now() + *self.ahead.borrow()
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let mut moves = self.ahead.subscribe();
        loop {
            let left = deadline.duration_since(now() + *moves.borrow_and_update());
            let left = Duration::try_from(left).unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                _ = moves.changed() => {}
            }
        }
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

/// Two batches of two pods, with this between them.
pub(crate) const fn two_batches(gate: Gate) -> Batches {
    Batches { gray: None, count: 2, gate }
}

/// Looks again and again; a test that would do so for ever fails and says for what.
pub(crate) struct Patience {
    what: String,
    end: Instant,
}

impl Patience {
    pub(crate) fn for_(what: impl Into<String>) -> Self {
        Self { what: what.into(), end: Instant::now() + HANGS }
    }

    /// Waits until it is time for the next look.
    pub(crate) async fn glance(&self) {
        assert!(Instant::now() < self.end, "waited in vain for {}", self.what);
        tokio::time::sleep(GLANCE).await;
    }
}

impl World {
    /// A world in which version 1 and an engine run.
    pub(crate) async fn new() -> Self {
        let world = Self::without_engine().await;
        world.run(&world.engine);
        world
    }

    /// A world in which version 1 runs, and no engine does any more.
    pub(crate) async fn without_engine() -> Self {
        let mut world = Self::empty().await;
        let creating = CancellationToken::new();
        let (engine, until) = (Arc::clone(&world.engine), creating.clone());
        let running = world.tasks.spawn(async move { engine.run(until).await });
        let created = world.create().await;
        assert_eq!(world.ended(created).await.status, Status::Succeeded);
        world.settled(V1).await;
        creating.cancel();
        running.await.unwrap();
        world.before = world.deployment().unwrap()["spec"].clone();
        world.watch_capacity_from_now();
        world
    }

    /// A world without an application and without an engine that runs.
    pub(crate) async fn empty() -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let sandbox = Arc::new(Mutex::new(Sandbox::new(
            Options {
                start_delay: SignedDuration::from_millis(5),
                ready_delay: SignedDuration::from_millis(10),
                stop_delay: SignedDuration::from_millis(5),
                routine_events: false,
                ..Options::default()
            },
            now(),
        )));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(sternway_sandbox::http::serve(listener, Arc::clone(&sandbox), stop.clone()));

        let directory = tempfile::tempdir().unwrap();
        let key = MasterKey::load_or_create(directory.path()).unwrap();
        let store = Arc::new(SqliteStore::open(directory.path(), key).await.unwrap());
        let cluster = ClusterId::new(Uuid::new_v4());
        let workload = WorkloadRef { cluster, namespace: "default".to_owned(), name: "shop".to_owned() };
        let clock = Arc::new(MovableTime { ahead: watch::Sender::new(SignedDuration::ZERO) });
        let clusters = Arc::new(connect(address, cluster).await);
        let engine = engine("first", 15, store.clone(), clusters, clock.clone());
        Self {
            clock,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            store,
            engine,
            app: AppId::new(Uuid::new_v4()),
            workload,
            before: Value::Null,
            sandbox,
            address,
            since: AtomicU64::new(0),
            tasks,
            stop,
            _directory: directory,
        }
    }

    /// Lets time pass for the engines.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.ahead.send_modify(|ahead| *ahead += SignedDuration::from_secs(seconds));
    }

    /// From now on no moment may have fewer ready pods than the floor.
    pub(crate) fn watch_capacity_from_now(&self) {
        let revision = self.sandbox().storage().revision();
        self.since.store(revision, Ordering::Relaxed);
    }

    /// What somebody else does to the cluster.
    pub(crate) async fn kubernetes(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method.clone(), format!("http://{}{path}", self.address));
        let kind = match method {
            reqwest::Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let answer = request.header("content-type", kind).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json().await.unwrap()
    }

    /// Lets an engine run until the end of the test.
    pub(crate) fn run(&self, engine: &Arc<Engine>) {
        let (engine, stop) = (Arc::clone(engine), self.stop.clone());
        self.tasks.spawn(async move { engine.run(stop).await });
    }

    /// Another way to the same cluster.
    pub(crate) async fn another_way(&self) -> KubeClusters {
        connect(self.address, self.workload.cluster).await
    }

    /// Another engine on the same store.
    pub(crate) fn another_engine(&self, holder: &str, lease_seconds: u32, clusters: Arc<dyn Clusters>) -> Arc<Engine> {
        engine(holder, lease_seconds, self.store.clone(), clusters, self.clock.clone())
    }

    /// Begins the creation of the application with version 1.
    pub(crate) async fn create(&self) -> OrderId {
        let app = Application::new(self.app, "shop", self.workload.clone(), "cn-hangzhou", "tester", "Image", now());
        let request = CreateRequest {
            app,
            edits: vec![Edit::Image(V1.to_owned())],
            replicas: PODS_WANTED as u32,
            attachments: Vec::new(),
            package_version: String::new(),
            timeout_seconds: 600,
        };
        self.engine.create(Creation { request, description: String::new() }, actor()).await.unwrap().id
    }

    /// Ends everything.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
    }

    pub(crate) fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap()
    }

    pub(crate) fn deployment(&self) -> Option<Value> {
        self.sandbox().storage().get(DEPLOYMENTS, "default", "shop").map(|object| Value::clone(object))
    }

    pub(crate) fn pods(&self) -> Vec<Value> {
        self.sandbox().storage().list(PODS, Some("default")).map(|pod| Value::clone(pod)).collect()
    }

    /// Version 1 with the image of version 2.
    pub(crate) fn spec_of(&self, image: &str) -> Value {
        let mut spec = self.before.clone();
        spec["template"]["spec"]["containers"][0]["image"] = json!(image);
        spec
    }

    /// Begins the release of version 2, as a client that tries again while the cluster is away.
    pub(crate) async fn deploy(&self, batches: Batches) -> OrderId {
        self.deploy_by(&self.engine, batches).await
    }

    pub(crate) async fn deploy_by(&self, engine: &Engine, batches: Batches) -> OrderId {
        self.deploy_image_by(engine, V2, batches).await
    }

    /// Begins the release of an image.
    pub(crate) async fn deploy_image(&self, image: &str, batches: Batches) -> OrderId {
        self.deploy_image_by(&self.engine, image, batches).await
    }

    async fn deploy_image_by(&self, engine: &Engine, image: &str, batches: Batches) -> OrderId {
        self.begin(async || {
            let deploy = Deploy {
                change: DeployChange::Edits {
                    edits: vec![Edit::Image(image.to_owned())],
                    min_ready_seconds: None,
                    package_version: String::new(),
                },
                batches,
                batch_timeout_seconds: 600,
                on_failure: OnFailure::Rollback,
                replicas: None,
                steering: None,
                attributes: BTreeMap::new(),
                description: String::new(),
            };
            engine.deploy(self.app, deploy, actor()).await
        })
        .await
    }

    /// Begins a scaling.
    pub(crate) async fn scale(&self, replicas: u32) -> OrderId {
        self.begin(async || self.engine.scale(self.app, replicas, 600, actor()).await).await
    }

    /// Begins the deletion.
    pub(crate) async fn delete(&self) -> OrderId {
        self.engine.delete(self.app, 600, actor()).await.unwrap()
    }

    /// Begins an order, as a client that tries again while the cluster is away.
    async fn begin(&self, ask: impl AsyncFn() -> Result<OrderId, CommandError>) -> OrderId {
        let patience = Patience::for_("an order to begin");
        loop {
            match ask().await {
                Ok(order) => return order,
                Err(CommandError::Cluster(error)) if error.is_transient() => patience.glance().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) async fn abort_and_roll_back(&self, order: OrderId) -> Result<OrderId, CommandError> {
        self.abort_and_roll_back_by(&self.engine, order).await
    }

    pub(crate) async fn abort_and_roll_back_by(
        &self,
        engine: &Engine,
        order: OrderId,
    ) -> Result<OrderId, CommandError> {
        engine.command(order, &Command::AbortAndRollback { actor: actor() }).await
    }

    pub(crate) async fn abort(&self, order: OrderId) -> Result<OrderId, CommandError> {
        self.engine.command(order, &Command::Abort { actor: actor() }).await
    }

    pub(crate) async fn order(&self, id: OrderId) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }

    /// Waits for the end of an order.
    pub(crate) async fn ended(&self, id: OrderId) -> Order {
        self.reaches(id, |order| order.status.is_terminal()).await
    }

    /// Waits until a release waits for a person.
    pub(crate) async fn at_gate(&self, id: OrderId) -> Order {
        self.reaches(id, |order| order.status == Status::AwaitingConfirmation).await
    }

    /// Waits until an order is as wanted.
    pub(crate) async fn reaches(&self, id: OrderId, wanted: impl Fn(&Order) -> bool) -> Order {
        let mut patience = Patience::for_(format!("change order {id}"));
        loop {
            let order = self.order(id).await;
            if wanted(&order) {
                return order;
            }
            patience.what = format!("change order {id}: {:?} {:?}", order.status, order.pipelines);
            patience.glance().await;
        }
    }

    /// Waits until the cluster shows nothing but ready pods of this image.
    pub(crate) async fn settled(&self, image: &str) {
        self.settled_at(image, PODS_WANTED).await;
    }

    /// Waits until the cluster shows nothing but this many ready pods of this image.
    pub(crate) async fn settled_at(&self, image: &str, count: usize) {
        let patience = Patience::for_(format!("{count} pods to be {image}"));
        let fits = |pod: &Value| is_ready(pod) && pod["spec"]["containers"][0]["image"] == image;
        while !(self.pods().len() == count && self.pods().iter().all(fits)) {
            patience.glance().await;
        }
    }

    /// The invariants at the end of a story: the version is the right one to the last field, no mark of a hold is left, no moment had fewer ready pods
    /// than the floor, and whatever was rolled back was rolled back by one order.
    pub(crate) async fn check_end(&self, image: &str) {
        self.settled(image).await;
        let deployment = self.deployment().unwrap();
        assert_eq!(deployment["spec"], self.spec_of(image), "the spec is exactly that of {image}");
        let annotations = deployment["metadata"]["annotations"].as_object().unwrap();
        for name in ["order", "fence", "borrowed", "restore"] {
            assert!(!annotations.contains_key(&format!("sternway.io/{name}")), "{name} is left: {annotations:?}");
        }
        assert!(self.lowest() >= FLOOR, "only {} pods were ready at some moment", self.lowest());
        let orders = self.store.orders_of(self.app, 100).await.unwrap();
        assert!(orders.iter().all(|order| order.status.is_terminal()));
        let rolled_back: Vec<OrderId> = orders.iter().filter_map(|order| order.rolled_back_by).collect();
        let rollbacks: Vec<OrderId> =
            orders.iter().filter(|order| order.kind == OrderKind::Rollback).map(|order| order.id).collect();
        assert_eq!(rollbacks, rolled_back, "each rollback belongs to one order");
        assert!(rollbacks.len() <= 1);
    }

    /// The fewest ready pods at any moment since capacity is watched, by the sandbox's own record.
    pub(crate) fn lowest(&self) -> usize {
        let since = self.since.load(Ordering::Relaxed);
        let sandbox = self.sandbox();
        let mut ready: BTreeMap<String, bool> = BTreeMap::new();
        let mut lowest = usize::MAX;
        let count = |ready: &BTreeMap<String, bool>| ready.values().filter(|ready| **ready).count();
        for event in sandbox.storage().log_after(FIRST_REVISION).unwrap().filter(|event| event.resource == PODS) {
            let name = event.object["metadata"]["name"].as_str().unwrap().to_owned();
            ready.insert(name, event.kind != EventKind::Deleted && is_ready(&event.object));
            if event.revision > since {
                lowest = lowest.min(count(&ready));
            }
        }
        lowest.min(count(&ready))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A test that failed goes on with others beside it.
        self.stop.cancel();
    }
}

/// Ready, and not told to stop.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    ready && pod["metadata"].get("deletionTimestamp").is_none()
}

async fn connect(address: SocketAddr, cluster: ClusterId) -> KubeClusters {
    // Some faults are silent: short enough to see many of them, long enough for a busy machine.
    let options =
        sternway_cluster::Options { request_timeout: Duration::from_secs(3), ..sternway_cluster::Options::default() };
    let clusters = KubeClusters::new(options);
    let access = ClusterAccess::Kubeconfig(Secret::new(sternway_sandbox::http::kubeconfig(address)));
    let patience = Patience::for_("a connection");
    while let Err(error) = clusters.connect(cluster, &access).await {
        assert!(error.is_transient(), "{error}");
        patience.glance().await;
    }
    clusters
}

fn engine(
    holder: &str,
    lease_seconds: u32,
    store: Arc<SqliteStore>,
    clusters: Arc<dyn Clusters>,
    clock: Arc<MovableTime>,
) -> Arc<Engine> {
    let ports = Ports {
        records: store.clone(),
        store,
        clusters,
        // Nobody asks for other objects here.
        objects: Arc::new(KubeClusters::new(sternway_cluster::Options::default())),
        clock,
        ids: Arc::new(RandomIds),
    };
    Engine::new(ports, Settings { lease_seconds, ..Settings::new(holder) })
}
