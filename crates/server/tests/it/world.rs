//! A server on a loopback port with everything behind it, and a client that signs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sternway_core::application::{AppChange, Application};
use sternway_core::ids::{AppId, ClusterId, OrderId, VersionNumber};
use sternway_core::observation::{Marks, Pod, PodSet, Workload};
use sternway_core::order::{Order, Status};
use sternway_core::ports::{
    AccessKey, AppFilter, Clock, ClusterAccess, ClusterRecord, Commit, Ids, Secret, Store, StoreWrite,
};
use sternway_engine::{Engine, Ports, Settings};
use sternway_notifications::Notifier;
use sternway_packages::{Fetcher, Limits, Packages, Place, Reach};
use sternway_server::{Config, Listener, PackageSettings, ROOT_USER, ServeError, Server};
use sternway_store::{MasterKey, SqliteStore};
use sternway_wire::catalog::Catalog;
use sternway_wire::signature::client::{self, Call, SignedCall};
use sternway_wire::signature::roa;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::fake_clusters::FakeClusters;
use crate::fake_objects::FakeObjects;

pub(crate) const KEY: client::AccessKey<'_> =
    client::AccessKey { id: "testid", secret: "testsecret", security_token: None };
pub(crate) const CLUSTER: ClusterId = ClusterId::new(Uuid::from_u128(0xC1));

/// The most bytes of a package.
pub(crate) const LARGEST_PACKAGE: u64 = 64 << 10;
/// How long a request waits for a package; a silent repository is given up after twice that.
const PATIENCE: Duration = Duration::from_secs(1);

/// A clock that moves when it is told to, by seconds.
#[derive(Default)]
struct Told(watch::Sender<i64>);

#[async_trait]
impl Clock for Told {
    fn now(&self) -> Timestamp {
        now() + SignedDuration::from_secs(*self.0.borrow())
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let over = |seconds: &i64| now() + SignedDuration::from_secs(*seconds) >= deadline;
        self.0.subscribe().wait_for(over).await.unwrap();
    }
}

/// When every test begins.
pub(crate) fn now() -> Timestamp {
    "2026-11-26T04:00:00Z".parse().unwrap()
}

/// Ids in their order, so that answers can be compared as a whole.
#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn fresh(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 0x1000))
    }
}

type Serving = JoinHandle<Result<(), ServeError>>;

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clusters: Arc<FakeClusters>,
    pub(crate) objects: Arc<FakeObjects>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) packages: Packages,
    pub(crate) host: String,
    pub(crate) cancel: CancellationToken,
    clock: Arc<Told>,
    serving: Mutex<Option<Serving>>,
    nonces: AtomicU64,
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::listening(config, Listener::Http).await
    }

    pub(crate) async fn listening(config: Config, listener: impl FnOnce(TcpListener) -> Listener) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = MasterKey::load_or_create(directory.path()).unwrap();
        let store = Arc::new(SqliteStore::open(directory.path(), key).await.unwrap());
        let clusters = Arc::new(FakeClusters::default());
        let objects = Arc::new(FakeObjects::default());
        store.insert_key(access_key(KEY.id, true)).await.unwrap();
        store.put_cluster(cluster()).await.unwrap();
        let clock = Arc::new(Told::default());
        let ports = Ports {
            store: store.clone(),
            records: store.clone(),
            clusters: clusters.clone(),
            objects: objects.clone(),
            clock: clock.clone(),
            ids: Arc::new(Counted::default()),
        };
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = socket.local_addr().unwrap().to_string();
        let settings = PackageSettings {
            public_url: Some(format!("http://{host}/")),
            fetch_patience: PATIENCE,
            ..PackageSettings::default()
        };
        let place = Place::Directory(directory.path().join("packages"));
        let packages = Packages::open_at(&place, &directory.path().join("incoming"), LARGEST_PACKAGE).unwrap();
        let silence = Limits { silence: 2 * PATIENCE, ..Limits::default() };
        let fetcher = Fetcher::new(Reach { loopback: true }, silence).unwrap();
        let told = sternway_notifications::Ports {
            feed: store.clone(),
            store: store.clone(),
            records: store.clone(),
            clock: clock.clone(),
            ids: Arc::new(Counted(AtomicU64::new(0x1_0000_0000))),
        };
        let reach = Reach { loopback: true };
        let limits = sternway_notifications::Limits::default();
        let notifications = sternway_notifications::Settings { holder: "test".to_owned(), reach, limits };
        let notifier = Notifier::new(told, notifications).unwrap();
        let engine = Engine::new(ports, Settings::new("test"));
        let audit = store.clone();
        let server = Server::with_packages(
            config,
            Arc::clone(&engine),
            audit,
            Arc::clone(&notifier),
            packages.clone(),
            fetcher,
            settings,
        );
        let cancel = CancellationToken::new();
        let notifying = cancel.clone();
        TaskTracker::new().spawn(async move { notifier.run(notifying).await });
        let stop = cancel.clone();
        let listeners = vec![listener(socket)];
        let serving = TaskTracker::new().spawn(async move { server.serve(listeners, stop).await });
        Self {
            store,
            clusters,
            objects,
            engine,
            packages,
            host,
            cancel,
            clock,
            serving: Mutex::new(Some(serving)),
            nonces: AtomicU64::new(0),
            directory,
        }
    }

    /// The bytes of every file of the store.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// Lets seconds pass.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.0.send_modify(|now| *now += seconds);
    }

    pub(crate) fn is_serving(&self) -> bool {
        let serving = self.serving.lock().unwrap();
        serving.as_ref().is_some_and(|serving| !serving.is_finished())
    }

    /// How serving ended, once it has.
    pub(crate) async fn served(&self) -> Result<(), ServeError> {
        let serving = self.serving.lock().unwrap().take().unwrap();
        serving.await.unwrap()
    }

    pub(crate) fn nonce(&self) -> String {
        format!("nonce-{}", self.nonces.fetch_add(1, Ordering::Relaxed))
    }

    /// Calls an operation as the newer SDKs do.
    pub(crate) async fn call(&self, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        self.sign(operation, parameters, |call| call.sign_acs3(KEY, self.clock.now(), &self.nonce())).await
    }

    /// Calls an operation as the Java SDK does.
    pub(crate) async fn call_roa(&self, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        self.sign(operation, parameters, |call| call.sign_roa(KEY, roa::Form::JAVA, now(), &self.nonce())).await
    }

    /// Calls an operation with a signature that is made by `sign`.
    pub(crate) async fn sign(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        sign: impl FnOnce(Call<'_>) -> SignedCall,
    ) -> Reply {
        let (method, signed) = self.signed(operation, parameters, sign);
        self.send(method, &signed).await
    }

    pub(crate) fn signed(
        &self,
        operation: &str,
        parameters: &[(&str, &str)],
        sign: impl FnOnce(Call<'_>) -> SignedCall,
    ) -> (&'static str, SignedCall) {
        let found = Catalog::by_name(operation).unwrap();
        let query = owned(parameters);
        let call =
            Call { operation, method: found.method, host: &self.host, path: found.path, query: &query, form: &[] };
        (found.method, sign(call))
    }

    pub(crate) async fn send(&self, method: &str, call: &SignedCall) -> Reply {
        let mut text = format!("{method} {} HTTP/1.1\r\n", call.target);
        for (name, value) in &call.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !call.body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", call.body.len()));
        }
        text.push_str("connection: close\r\n\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend(&call.body);
        self.send_bytes(&bytes).await
    }

    /// Sends exactly these bytes and reads until the server closes.
    pub(crate) async fn send_bytes(&self, bytes: &[u8]) -> Reply {
        let stream = TcpStream::connect(&self.host).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        // Both at once: a server that refuses early answers and closes before all was sent.
        let (_, answer) = tokio::join!(writer.write_all(bytes), async {
            let mut answer = Vec::new();
            let _ = reader.read_to_end(&mut answer).await;
            answer
        });
        Reply::parse(&answer)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let host = &self.host;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        self.send_bytes(request.as_bytes()).await
    }

    /// An application that was created and runs.
    pub(crate) async fn app(&self, name: &str, replicas: u32) -> AppId {
        self.app_with(name, replicas, &[]).await
    }

    pub(crate) async fn app_with(&self, name: &str, replicas: u32, more: &[(&str, &str)]) -> AppId {
        let (cluster, count) = (CLUSTER.to_string(), replicas.to_string());
        let mut parameters = vec![
            ("AppName", name),
            ("ClusterId", &cluster),
            ("ImageUrl", "registry.local/team/web:v1"),
            ("Replicas", &count),
        ];
        parameters.extend(more);
        let reply = self.call("InsertK8sApplication", &parameters).await;
        let info = &reply.success()["ApplicationInfo"];
        let id: AppId = info["AppId"].as_str().unwrap().parse().unwrap();
        let order: OrderId = info["ChangeOrderId"].as_str().unwrap().parse().unwrap();
        self.finish(order, Status::Succeeded).await;
        let app = self.store.app(id).await.unwrap().unwrap();
        let mut app = app.apply(&[AppChange::Runs(VersionNumber(1))]).unwrap();
        app.revision += 1;
        self.commit(vec![StoreWrite::UpdateApp(Box::new(app.clone()))]).await;
        self.clusters.put(app.workload.clone(), self.workload(&app).await);
        id
    }

    /// Ends an order without anything being done.
    pub(crate) async fn finish(&self, id: OrderId, status: Status) {
        self.change(id, |order| {
            order.status = status;
            order.finished_at = Some(now() + SignedDuration::from_secs(60));
            for pipeline in &mut order.pipelines {
                pipeline.status = status;
            }
        })
        .await;
    }

    /// Changes an order as the engine would.
    pub(crate) async fn change(&self, id: OrderId, change: impl FnOnce(&mut Order)) {
        let mut order = self.order(id).await;
        change(&mut order);
        order.revision += 1;
        self.commit(vec![StoreWrite::UpdateOrder(Box::new(order))]).await;
    }

    pub(crate) async fn order(&self, id: OrderId) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }

    pub(crate) async fn commit(&self, writes: Vec<StoreWrite>) {
        let commit = Commit { lease: None, writes };
        self.store.commit(commit).await.unwrap();
    }

    /// The application of this name.
    pub(crate) async fn app_record(&self, name: &str) -> Application {
        let filter = AppFilter { name: Some(name.to_owned()), ..AppFilter::default() };
        self.store.apps(filter).await.unwrap().pop().unwrap()
    }

    async fn workload(&self, app: &Application) -> Workload {
        let version = self.store.version(app.id, VersionNumber(1)).await.unwrap().unwrap();
        let digest = version.snapshot.template.digest();
        let set = format!("{}-1", app.workload.name);
        let pods = (0..app.replicas).map(|index| Pod {
            name: format!("{set}-{index}"),
            ip: Some(format!("10.0.0.{index}")),
            node: Some("node-1".to_owned()),
            set: Some(set.clone()),
            phase: "Running".to_owned(),
            ready: true,
            ready_since: Some(now()),
            deleting: false,
            restarts: 0,
            problem: None,
            created_at: now(),
        });
        Workload {
            uid: "uid".to_owned(),
            resource_version: "1".to_owned(),
            generation: 1,
            observed_generation: 1,
            deleting: false,
            paused: false,
            replicas: app.replicas,
            spec: version.snapshot,
            digest: digest.clone(),
            updated_replicas: app.replicas,
            available_replicas: app.replicas,
            status_replicas: app.replicas,
            marks: Marks::default(),
            pods_refused: None,
            sets: vec![PodSet { name: set.clone(), digest, wanted: app.replicas, revision: 1 }],
            pods: pods.collect(),
            disruption_floor: None,
        }
    }

    /// All that is stored, as text: equal texts mean that nothing was written.
    pub(crate) async fn everything(&self) -> String {
        let mut text = format!(
            "{:?}\n{:?}\n{:?}\n{:?}\n",
            self.store.keys().await.unwrap(),
            self.store.clusters().await.unwrap(),
            self.store.logical_regions().await.unwrap(),
            self.store.active_orders().await.unwrap(),
        );
        for app in self.store.apps(AppFilter::default()).await.unwrap() {
            let orders = self.store.orders_of(app.id, 100).await.unwrap();
            for order in &orders {
                text.push_str(&format!("{:?}\n", self.store.events(order.id, 0).await.unwrap()));
            }
            let versions = self.store.versions(app.id, 100).await.unwrap();
            text.push_str(&format!("{app:?}\n{orders:?}\n{versions:?}\n"));
        }
        text
    }
}

pub(crate) fn access_key(id: &str, enabled: bool) -> AccessKey {
    AccessKey {
        id: id.to_owned(),
        secret: Secret::new(KEY.secret),
        user: ROOT_USER.to_owned(),
        enabled,
        description: String::new(),
        created_at: now(),
    }
}

fn cluster() -> ClusterRecord {
    ClusterRecord {
        id: CLUSTER,
        name: "lab".to_owned(),
        cs_cluster_id: "cs-lab".to_owned(),
        region: "cn-hangzhou".to_owned(),
        description: String::new(),
        access: ClusterAccess::Kubeconfig(Secret::new("kind: Config")),
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        Self { status: status.parse().unwrap_or_default(), head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of a success.
    pub(crate) fn success(&self) -> Value {
        let body = self.json();
        assert_eq!((self.status, &body["Code"]), (200, &Value::from(200)), "{self:?}");
        assert_eq!(body["Message"], "success");
        body
    }

    /// The Message of a gateway error of this HTTP status and Code.
    pub(crate) fn gateway(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!(self.status, status, "{self:?}");
        for field in ["Code", "Message", "RequestId", "HostId", "Recommend"] {
            assert!(body[field].is_string(), "{field}: {self:?}");
        }
        assert_eq!(body["Code"], code, "{self:?}");
        body["Message"].as_str().unwrap().to_owned()
    }

    /// The Message of a business error of this Code.
    pub(crate) fn business(&self, code: i32) -> String {
        let body = self.json();
        assert_eq!((self.status, &body["Code"]), (200, &Value::from(code)), "{self:?}");
        assert!(body["RequestId"].is_string());
        body["Message"].as_str().unwrap().to_owned()
    }

    pub(crate) fn order_id(&self) -> OrderId {
        let body = self.success();
        let id = body["ChangeOrderId"].as_str().or(body["Data"]["ChangeOrderId"].as_str());
        id.unwrap().parse().unwrap()
    }
}
