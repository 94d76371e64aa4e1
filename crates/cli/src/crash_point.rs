//! Ends or stops this process where a test says so: before or after a commit, a lease or a write to a cluster.
//!
//! Only there with the feature `crash-points`, which no normal build has. Store and clusters are wrapped where they meet the engine,
//! so that neither knows of it, and what is between two points is exactly what a crash between them leaves:
//!
//! ```text
//!  engine ──► commit: [before] SQLite's transaction [after] ──► the answer to a client, or an effect
//!  engine ──► write:  read, compile, guard [before] request, answer [after] ──► the commit of the outcome
//! ```
//!
//! `STERNWAY_CRASH_AT=commit:before:7` sends the process SIGKILL before its seventh commit, and `STERNWAY_STOP_AT` SIGSTOP: it goes on
//! there when it gets SIGCONT. `STERNWAY_CRASH_COUNT=FILE` notes each point that is reached as a line of that form, so that a first run
//! says which points there are.
//!
//! `STERNWAY_SHARED_STORE=1` lets two servers work on one data directory, as they would on a database that is made for many: without the
//! directory's lock, each under a name of its own, and each waiting for the other's leases to run out.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::process::Signal;
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::audit::{Broken, Entry, Head, Link};
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId, PartId, VersionNumber};
use sternway_core::observation::Observation;
use sternway_core::order::{Event, Order};
use sternway_core::ports::{
    AccessKey, AppFilter, Audit, AuditFilter, AuditPage, ClusterAccess, ClusterError, ClusterInfo, ClusterRecord,
    Clusters, Commit, CommitError, LogicalRegion, NativeObjects, Performed, Record, Records, Store, StoreError,
    WriteGuard,
};
use sternway_core::precheck::Surroundings;
use sternway_core::version::Version;
use sternway_engine::{Ports, Settings};
use tokio::sync::RwLock;

/// Whether another process may have the store open too.
pub(crate) fn is_store_shared() -> bool {
    std::env::var_os("STERNWAY_SHARED_STORE").is_some()
}

/// A name of its own for a server that is not the only one.
pub(crate) fn among_others(settings: Settings) -> Settings {
    if !is_store_shared() {
        return settings;
    }
    Settings { holder: format!("process {}", std::process::id()), ..settings }
}

/// The same ports with crash points in front of them.
pub(crate) fn in_front_of(ports: Ports) -> Ports {
    let points = Arc::new(Points {
        crash_at: std::env::var("STERNWAY_CRASH_AT").ok(),
        stop_at: std::env::var("STERNWAY_STOP_AT").ok(),
        count: std::env::var_os("STERNWAY_CRASH_COUNT"),
        reached: Mutex::default(),
    });
    Ports {
        records: Arc::new(UnstoppedRecords(ports.records)),
        store: Arc::new(CrashingStore { inner: ports.store, points: Arc::clone(&points) }),
        clusters: Arc::new(CrashingClusters { inner: ports.clusters, points }),
        ..ports
    }
}

struct Points {
    crash_at: Option<String>,
    stop_at: Option<String>,
    count: Option<std::ffi::OsString>,
    /// How often each point was reached.
    reached: Mutex<BTreeMap<&'static str, u64>>,
}

/// Held by whoever has a transaction under way. A process that is stopped at a point while another of its tasks is in the middle of one would lock
/// the database, which is a file here, for the others on it.
static WRITING: RwLock<()> = RwLock::const_new(());

/// A transaction that nobody is stopped in the middle of.
async fn unstopped<T>(transaction: impl Future<Output = T>) -> T {
    let _writing = WRITING.read().await;
    transaction.await
}

/// The same audit log, which nobody is stopped in the middle of.
pub(crate) fn apart_from(inner: Arc<dyn Audit>) -> Arc<dyn Audit> {
    Arc::new(UnstoppedAudit(inner))
}

struct UnstoppedAudit(Arc<dyn Audit>);

#[async_trait]
impl Audit for UnstoppedAudit {
    async fn append(&self, entry: Entry) -> Result<Head, StoreError> {
        unstopped(self.0.append(entry)).await
    }

    async fn entries(&self, filter: AuditFilter, page: AuditPage, limit: u32) -> Result<Vec<Link>, StoreError> {
        self.0.entries(filter, page, limit).await
    }

    async fn head(&self) -> Result<Result<Head, Broken>, StoreError> {
        self.0.head().await
    }
}

struct UnstoppedRecords(Arc<dyn Records>);

#[async_trait]
impl Records for UnstoppedRecords {
    async fn put_record(&self, record: Record) -> Result<bool, StoreError> {
        unstopped(self.0.put_record(record)).await
    }

    async fn delete_record(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        unstopped(self.0.delete_record(kind, id)).await
    }

    async fn record(&self, kind: &str, id: &str) -> Result<Option<Record>, StoreError> {
        self.0.record(kind, id).await
    }

    async fn records(&self, kind: &str, owner: Option<&str>) -> Result<Vec<Record>, StoreError> {
        self.0.records(kind, owner).await
    }
}

impl Points {
    async fn come_to(&self, point: &'static str) {
        let _nobody_writes = match &self.stop_at {
            Some(_) => Some(WRITING.write().await),
            None => None,
        };
        self.reached(point);
    }

    #[expect(clippy::disallowed_methods, reason = "nothing tells when all threads stand still")]
    fn reached(&self, point: &'static str) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.entry(point).or_default();
        *times += 1;
        let name = format!("{point}:{times}");
        if let Some(path) = &self.count {
            let noted = OpenOptions::new().create(true).append(true).open(path);
            if let Err(error) = noted.and_then(|mut file| writeln!(file, "{name}")) {
                tracing::error!(%error, "cannot note a crash point");
            }
        }
        // No other thread reaches a point meanwhile: we hold the lock.
        if self.stop_at.as_ref() == Some(&name) {
            signal(Signal::STOP);
            // The signal goes to the process: another thread may take it, and this one would begin the next transaction before all stand still.
            std::thread::sleep(STANDSTILL);
        }
        if self.crash_at.as_ref() == Some(&name) {
            // Nothing is flushed, told or dropped.
            signal(Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}

/// Far longer than it takes until all threads of a stopped process stand still.
const STANDSTILL: std::time::Duration = std::time::Duration::from_millis(200);

fn signal(signal: Signal) {
    if let Err(error) = rustix::process::kill_process(rustix::process::getpid(), signal) {
        tracing::error!(%error, "cannot send a signal to this process");
    }
}

struct CrashingClusters {
    inner: Arc<dyn Clusters>,
    points: Arc<Points>,
}

/// Asked right before a write: its yes is the point.
struct LastQuestion<'a> {
    guard: &'a dyn WriteGuard,
    points: &'a Points,
    answered_yes: AtomicBool,
}

#[async_trait]
impl WriteGuard for LastQuestion<'_> {
    async fn still_ours(&self) -> bool {
        let answer = self.guard.still_ours().await;
        if answer {
            self.answered_yes.store(true, Ordering::Relaxed);
            self.points.come_to("write:before").await;
        }
        answer
    }
}

#[async_trait]
impl Clusters for CrashingClusters {
    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        let question = LastQuestion { guard, points: &self.points, answered_yes: AtomicBool::new(false) };
        let outcome = self.inner.perform(workload, effect, writer, &question).await;
        if question.answered_yes.load(Ordering::Relaxed) {
            self.points.come_to("write:after").await;
        }
        outcome
    }

    async fn connect(&self, id: ClusterId, access: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        self.inner.connect(id, access).await
    }

    async fn connect_later(&self, id: ClusterId, access: &ClusterAccess) {
        self.inner.connect_later(id, access).await;
    }

    async fn disconnect(&self, id: ClusterId) {
        self.inner.disconnect(id).await;
    }

    async fn info(&self, id: ClusterId) -> Result<ClusterInfo, ClusterError> {
        self.inner.info(id).await
    }

    async fn namespaces(&self, id: ClusterId) -> Result<Vec<String>, ClusterError> {
        self.inner.namespaces(id).await
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.inner.observe(workload).await
    }

    async fn changed(&self, workload: &WorkloadRef) {
        self.inner.changed(workload).await;
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.inner.read(workload).await
    }

    async fn native(&self, workload: &WorkloadRef, with_nodes: bool) -> Result<NativeObjects, ClusterError> {
        self.inner.native(workload, with_nodes).await
    }

    async fn surroundings(&self, workload: &WorkloadRef) -> Result<Surroundings, ClusterError> {
        self.inner.surroundings(workload).await
    }
}

struct CrashingStore {
    inner: Arc<dyn Store>,
    points: Arc<Points>,
}

#[async_trait]
impl Store for CrashingStore {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.points.come_to("commit:before").await;
        let outcome = unstopped(self.inner.commit(commit)).await;
        self.points.come_to("commit:after").await;
        outcome
    }

    async fn lease(
        &self,
        order: OrderId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError> {
        self.points.come_to("lease:before").await;
        let outcome = unstopped(self.inner.lease(order, holder, now, until)).await;
        self.points.come_to("lease:after").await;
        outcome
    }

    async fn release_lease(&self, order: OrderId, fence: Fence) -> Result<(), StoreError> {
        self.points.come_to("lease:before").await;
        let outcome = unstopped(self.inner.release_lease(order, fence)).await;
        self.points.come_to("lease:after").await;
        outcome
    }

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        self.inner.order(id).await
    }

    async fn order_of_part(&self, part: PartId) -> Result<Option<Order>, StoreError> {
        self.inner.order_of_part(part).await
    }

    async fn orders_of(&self, app: AppId, limit: u32) -> Result<Vec<Order>, StoreError> {
        self.inner.orders_of(app, limit).await
    }

    async fn active_orders(&self) -> Result<Vec<OrderId>, StoreError> {
        self.inner.active_orders().await
    }

    async fn active_order_of(&self, app: AppId) -> Result<Option<Order>, StoreError> {
        self.inner.active_order_of(app).await
    }

    async fn events(&self, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, StoreError> {
        self.inner.events(order, after).await
    }

    async fn app(&self, id: AppId) -> Result<Option<Application>, StoreError> {
        self.inner.app(id).await
    }

    async fn apps(&self, filter: AppFilter) -> Result<Vec<Application>, StoreError> {
        self.inner.apps(filter).await
    }

    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Option<Version>, StoreError> {
        self.inner.version(app, number).await
    }

    async fn versions(&self, app: AppId, limit: u32) -> Result<Vec<Version>, StoreError> {
        self.inner.versions(app, limit).await
    }

    async fn insert_key(&self, key: AccessKey) -> Result<(), StoreError> {
        unstopped(self.inner.insert_key(key)).await
    }

    async fn key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        self.inner.key(id).await
    }

    async fn keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        self.inner.keys().await
    }

    async fn set_key_enabled(&self, id: &str, enabled: bool) -> Result<bool, StoreError> {
        unstopped(self.inner.set_key_enabled(id, enabled)).await
    }

    async fn delete_key(&self, id: &str) -> Result<bool, StoreError> {
        unstopped(self.inner.delete_key(id)).await
    }

    async fn put_cluster(&self, cluster: ClusterRecord) -> Result<(), StoreError> {
        unstopped(self.inner.put_cluster(cluster)).await
    }

    async fn cluster(&self, id: ClusterId) -> Result<Option<ClusterRecord>, StoreError> {
        self.inner.cluster(id).await
    }

    async fn clusters(&self) -> Result<Vec<ClusterRecord>, StoreError> {
        self.inner.clusters().await
    }

    async fn delete_cluster(&self, id: ClusterId) -> Result<bool, StoreError> {
        unstopped(self.inner.delete_cluster(id)).await
    }

    async fn put_logical_region(&self, region: LogicalRegion) -> Result<Option<LogicalRegion>, StoreError> {
        unstopped(self.inner.put_logical_region(region)).await
    }

    async fn logical_regions(&self) -> Result<Vec<LogicalRegion>, StoreError> {
        self.inner.logical_regions().await
    }

    async fn delete_logical_region(&self, id: i64) -> Result<bool, StoreError> {
        unstopped(self.inner.delete_logical_region(id)).await
    }
}
