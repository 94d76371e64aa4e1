//! A store with orders in it, a clock that is told, and a notifier on both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::{AppId, ClusterId, OrderId};
use sternway_core::order::job::{Delete, Job};
use sternway_core::order::{Actor, Event, Order, OrderKind, Pipeline, Status};
use sternway_core::plan::ONE_BATCH;
use sternway_core::ports::{
    Clock, ClusterAccess, ClusterRecord, Commit, Ids, Record, Records, Store as _, StoreError, StoreWrite,
};
use sternway_notifications::{Creation, Filter, Format, Glob, Limits, Notifier, Ports, Reach, Settings};
use sternway_store::{MasterKey, SqliteStore};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::receiver::PATIENCE;

pub(crate) const CLUSTER: ClusterId = ClusterId::new(Uuid::from_u128(0xC1));

/// How long those sleep who have nothing to do; no test waits for an attempt that is so far away.
const IDLE: SignedDuration = SignedDuration::from_secs(300);

/// When every test begins.
pub(crate) fn start() -> Timestamp {
    "2026-11-26T04:00:00Z".parse().unwrap()
}

#[derive(Debug, Clone)]
struct Told {
    now: Timestamp,
    /// Who sleeps, until when, and whether only because nothing is to be done.
    sleepers: Vec<(u64, Timestamp, bool)>,
}

/// A clock that moves when it is told to, and knows who waits for it.
pub(crate) struct ToldClock {
    told: watch::Sender<Told>,
    names: AtomicU64,
}

struct Sleeper<'c>(&'c ToldClock, u64);

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.told.send_modify(|told| told.sleepers.retain(|(name, ..)| *name != self.1));
    }
}

impl ToldClock {
    fn new() -> Self {
        Self { told: watch::Sender::new(Told { now: start(), sleepers: Vec::new() }), names: AtomicU64::new(0) }
    }

    /// Waits until a delivery waits to be repeated: what came of it is stored then. Answers with when that is to be.
    pub(crate) async fn wait_for_waiting(&self) -> Timestamp {
        let soon = |told: &Told| {
            let waiting = told.sleepers.iter().filter(|(_, until, idle)| !idle && *until > told.now);
            waiting.map(|(_, until, _)| *until).min()
        };
        let mut told = self.told.subscribe();
        let waiting = tokio::time::timeout(PATIENCE, told.wait_for(|told| soon(told).is_some())).await;
        soon(&waiting.expect("nothing waits to be repeated").unwrap()).unwrap()
    }

    /// Waits until a delivery waits to be repeated, and lets time pass until then.
    pub(crate) async fn pass_to_the_next_attempt(&self) {
        let until = self.wait_for_waiting().await;
        self.told.send_modify(|told| told.now = told.now.max(until));
    }

    pub(crate) fn pass(&self, by: SignedDuration) {
        self.told.send_modify(|told| told.now += by);
    }
}

#[async_trait]
impl Clock for ToldClock {
    fn now(&self) -> Timestamp {
        self.told.borrow().now
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        let sleeper = Sleeper(self, self.names.fetch_add(1, Ordering::Relaxed));
        self.told.send_modify(|told| {
            let idle = deadline.duration_since(told.now) >= IDLE;
            told.sleepers.push((sleeper.1, deadline, idle));
        });
        self.told.subscribe().wait_for(|told| told.now >= deadline).await.unwrap();
    }
}

struct FreshIds;

impl Ids for FreshIds {
    fn fresh(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Records that stop this server where a delivery is about to be noted as done.
pub(crate) struct Crashing {
    inner: Arc<SqliteStore>,
    armed: AtomicBool,
    pub(crate) reached: Notify,
}

#[async_trait]
impl Records for Crashing {
    async fn put_record(&self, record: Record) -> Result<bool, StoreError> {
        let is_done = record.kind == "webhook-progress" && !record.document["DeliveredAt"].is_null();
        if is_done && self.armed.load(Ordering::SeqCst) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
        self.inner.put_record(record).await
    }

    async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, StoreError> {
        self.inner.record(kind, id).await
    }

    async fn records(&self, kind: &str, owner: Option<&str>) -> Result<Vec<Record>, StoreError> {
        self.inner.records(kind, owner).await
    }

    async fn delete_record(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        self.inner.delete_record(kind, id).await
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<ToldClock>,
    pub(crate) records: Arc<Crashing>,
    pub(crate) notifier: Arc<Notifier>,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::reaching(Reach { loopback: true }).await
    }

    pub(crate) async fn reaching(reach: Reach) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ToldClock::new());
        let store = open(&directory).await;
        let cluster = ClusterRecord {
            id: CLUSTER,
            name: "lab".to_owned(),
            cs_cluster_id: "cs-lab".to_owned(),
            region: "cn-hangzhou".to_owned(),
            description: String::new(),
            access: ClusterAccess::InCluster,
            created_at: start(),
            updated_at: start(),
        };
        store.put_cluster(cluster).await.unwrap();
        let (records, notifier) = notifier(&store, &clock, reach, "one");
        let mut world = Self { store, clock, records, notifier, running: None, directory };
        world.run();
        world
    }

    fn run(&mut self) {
        let cancel = CancellationToken::new();
        let (notifier, stop) = (Arc::clone(&self.notifier), cancel.clone());
        let task = TaskTracker::new().spawn(async move { notifier.run(stop).await });
        self.running = Some((cancel, task));
    }

    /// From now on this server ends where a delivery is about to be noted as done.
    pub(crate) fn crash_before_noting(&self) {
        self.records.armed.store(true, Ordering::SeqCst);
    }

    /// Ends the server, at once or in order, and starts another one on the same files.
    pub(crate) async fn restart(&mut self, in_order: bool) {
        let (cancel, task) = self.running.take().unwrap();
        if in_order {
            cancel.cancel();
            task.await.unwrap();
        } else {
            // What it was doing ends where it is; its couriers belong to its task.
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        self.store.close().await;
        let old = std::mem::replace(&mut self.store, open(&self.directory).await);
        drop(old);
        (self.records, self.notifier) = notifier(&self.store, &self.clock, Reach { loopback: true }, "one");
        self.run();
    }

    /// Another server on the same store.
    pub(crate) fn another(&self) -> Arc<Notifier> {
        notifier(&self.store, &self.clock, Reach { loopback: true }, "another").1
    }

    /// The bytes of every file of the store.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| std::fs::read(path).unwrap()).collect()
    }

    /// A webhook for CloudEvents. Answers with its key.
    pub(crate) async fn webhook(&self, name: &str, url: &str) -> String {
        let key = self.notifier.create(creation(name, url)).await.unwrap();
        key.unwrap().reveal()
    }

    /// An application, and an order of it that was accepted.
    pub(crate) async fn order(&self, app: &str) -> Order {
        let app = application(app);
        let order = order(&app);
        let writes = vec![
            StoreWrite::InsertApp(Box::new(app)),
            StoreWrite::InsertOrder(Box::new(order.clone())),
            StoreWrite::AppendEvents(order.id, vec![self.event("OrderAccepted", "a deletion by alice")]),
        ];
        self.commit(writes).await;
        order
    }

    /// Things that happen to an order.
    pub(crate) async fn happens(&self, order: &mut Order, status: Status, kinds: &[&str]) {
        order.revision += 1;
        order.status = status;
        let events = kinds.iter().map(|kind| self.event(kind, &format!("{kind} happened"))).collect();
        let update = StoreWrite::UpdateOrder(Box::new(order.clone()));
        self.commit(vec![update, StoreWrite::AppendEvents(order.id, events)]).await;
    }

    fn event(&self, kind: &str, text: &str) -> Event {
        Event { at: self.clock.now(), kind: kind.to_owned(), text: text.to_owned() }
    }

    async fn commit(&self, writes: Vec<StoreWrite>) {
        self.store.commit(Commit { lease: None, writes }).await.unwrap();
    }
}

async fn open(directory: &tempfile::TempDir) -> Arc<SqliteStore> {
    let key = MasterKey::load_or_create(directory.path()).unwrap();
    Arc::new(SqliteStore::open(directory.path(), key).await.unwrap())
}

fn notifier(
    store: &Arc<SqliteStore>,
    clock: &Arc<ToldClock>,
    reach: Reach,
    holder: &str,
) -> (Arc<Crashing>, Arc<Notifier>) {
    let records =
        Arc::new(Crashing { inner: Arc::clone(store), armed: AtomicBool::new(false), reached: Notify::new() });
    let ports = Ports {
        feed: store.clone(),
        store: store.clone(),
        records: records.clone(),
        clock: clock.clone(),
        ids: Arc::new(FreshIds),
    };
    let settings = Settings { holder: holder.to_owned(), reach, limits: Limits::default() };
    (records, Notifier::new(ports, settings).unwrap())
}

pub(crate) fn creation(name: &str, url: &str) -> Creation {
    Creation {
        name: name.to_owned(),
        format: Format::CloudEvents,
        url: url.to_owned(),
        secret: None,
        filter: Filter::default(),
        enabled: true,
        description: String::new(),
    }
}

pub(crate) fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::parse(text).unwrap()).collect()
}

fn application(name: &str) -> Application {
    let workload = WorkloadRef { cluster: CLUSTER, namespace: "shop".to_owned(), name: name.to_owned() };
    Application::new(AppId::new(Uuid::new_v4()), name, workload, "cn-hangzhou", "root", "Image", start())
}

fn order(app: &Application) -> Order {
    let id = OrderId::new(Uuid::new_v4());
    let pipeline = Pipeline {
        id: id.part("pipeline/0"),
        name: "Batch 1 Change".to_owned(),
        status: Status::Ready,
        started_at: None,
        updated_at: None,
        message: String::new(),
        error: None,
        instances: Vec::new(),
    };
    Order {
        id,
        app: app.id,
        workload: app.workload.clone(),
        object: None,
        kind: OrderKind::DeleteApp,
        actor: Actor {
            user: "alice".to_owned(),
            behind: None,
            source: "pop".to_owned(),
            trace_id: "0badc0de".to_owned(),
        },
        description: "away with it".to_owned(),
        created_at: start(),
        finished_at: None,
        status: Status::Ready,
        batches: ONE_BATCH,
        pipelines: vec![pipeline],
        job: Job::Delete(Delete { timeout_seconds: 600, asked: false, only_own: false }),
        pending: None,
        rolls_back: None,
        rolled_back_by: None,
        approval: None,
        warnings: Vec::new(),
        revision: 0,
    }
}
