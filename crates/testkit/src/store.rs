//! The store as one process sees it: behind calls that take time, fail and may be the last.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc;

use async_trait::async_trait;
use futures::FutureExt as _;
use jiff::Timestamp;
use sternway_core::application::Application;
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId, PartId, VersionNumber};
use sternway_core::order::{Event, Order, Status};
use sternway_core::ports::{
    AccessKey, AppFilter, ClusterRecord, Commit, CommitError, LogicalRegion, Store, StoreError, StoreWrite,
};
use sternway_core::version::Version;
use tokio::runtime::Handle;

use crate::breakage::Breakage;
use crate::cluster::SimClusters;
use crate::script::What;
use crate::universe::{ProcessId, Universe};

/// The durable state, which outlives processes.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) store: Arc<dyn Store>,
    /// Where the store's own tasks run; `None` for a store whose calls are done when polled.
    pub(crate) runtime: Option<Handle>,
}

impl Disk {
    /// Does a call now: to the simulation it takes no time.
    pub(crate) fn at_once<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> T {
        match &self.runtime {
            None => call.now_or_never().expect("a store in memory answers at once"),
            Some(runtime) => {
                let (answer, answered) = mpsc::channel();
                runtime.spawn(async move {
                    // Fails only if the simulation was given up in the meantime.
                    let _ = answer.send(call.await);
                });
                answered.recv().expect("the store answers every call")
            }
        }
    }
}

/// See the module.
pub(crate) struct SimStore {
    pub(crate) universe: Arc<Universe>,
    pub(crate) process: ProcessId,
    pub(crate) disk: Disk,
    pub(crate) clusters: Arc<SimClusters>,
}

#[derive(Debug, thiserror::Error)]
#[error("the disk failed, as the script wants it")]
struct DiskFailed;

fn failed(doing: &str) -> StoreError {
    StoreError { doing: doing.to_owned(), source: Box::new(DiskFailed) }
}

impl SimStore {
    /// The way of every call: there, the work, and back.
    async fn call<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        what: What,
        doing: &str,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
        done: impl FnOnce(&Result<T, E>) + Send,
    ) -> Result<T, E> {
        self.universe.travel(self.process).await;
        self.universe.point(self.process, what, false).await;
        let fault = self.fault(what);
        if fault == Some(false) {
            self.universe.lock().tell(|| format!("server {}: the store fails to {doing}, nothing done", self.process));
            return Err(failed(doing).into());
        }
        let result = self.disk.at_once(work);
        done(&result);
        self.universe.point(self.process, what, true).await;
        if fault == Some(true) {
            self.universe.lock().tell(|| format!("server {}: the store fails to answer ({doing})", self.process));
            return Err(failed(doing).into());
        }
        result
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &str,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.call(What::Load, doing, work, |_| {}).await
    }

    fn fault(&self, what: What) -> Option<bool> {
        let mut state = self.universe.lock();
        let faults = &mut state.processes[self.process].store_faults;
        let index = faults.iter().position(|(wanted, _)| wanted.includes(what))?;
        Some(faults.remove(index).1)
    }

    fn breakage(&self) -> Option<Breakage> {
        self.universe.lock().breakage
    }
}

/// Who a commit is about, for the timeline.
fn described(commit: &Commit) -> String {
    let words = commit.writes.iter().filter_map(|write| match write {
        StoreWrite::InsertOrder(order) => Some(format!("new {} {}", order.kind.code(), short(order.id))),
        StoreWrite::UpdateOrder(order) => Some(format!(
            "{} {} r{} status {}{}",
            order.kind.code(),
            short(order.id),
            order.revision,
            order.status.code(),
            order
                .pending
                .as_ref()
                .map_or_else(String::new, |pending| format!(", wants {}", crate::cluster::named(&pending.effect)))
        )),
        StoreWrite::AppendEvents(_, events) if !events.is_empty() => {
            Some(events.iter().map(|event| format!("[{}: {}]", event.kind, event.text)).collect())
        }
        StoreWrite::DeleteApp(_) => Some("application deleted".to_owned()),
        _ => None,
    });
    words.collect::<Vec<_>>().join("; ")
}

pub(crate) fn short(id: OrderId) -> String {
    id.to_string()[..6].to_owned()
}

#[async_trait]
impl Store for SimStore {
    async fn commit(&self, mut commit: Commit) -> Result<(), CommitError> {
        let breakage = self.breakage();
        if breakage == Some(Breakage::EffectsBeforeCommit) {
            for write in &commit.writes {
                if let (StoreWrite::UpdateOrder(order), Some((_, fence))) = (write, commit.lease) {
                    self.clusters.perform_unasked(order, fence).await;
                }
            }
        }
        let written = commit.clone();
        if breakage == Some(Breakage::StoreFenceIgnored) {
            commit.lease = None;
        }
        let (store, lost) = (
            Arc::clone(&self.disk.store),
            breakage == Some(Breakage::CommitsLost) && self.universe.lock().judge.commits % 7 == 6,
        );
        let two = breakage == Some(Breakage::TwoActiveOrders);
        let work = async move {
            if lost {
                return Ok(());
            }
            match store.commit(commit.clone()).await {
                Err(CommitError::OrderActive(active)) if two => force(&*store, commit, active).await,
                result => result,
            }
        };
        let (universe, process) = (&self.universe, self.process);
        self.call(What::Commit, "commit", work, |result| {
            let mut state = universe.lock();
            state.tell(|| {
                let outcome = result.as_ref().map_or_else(|error| format!(" REFUSED: {error}"), |()| String::new());
                format!("server {process}: commits {}{outcome}", described(&written))
            });
            state.judge.commits += 1;
            if result.is_ok() && !lost {
                let state = &mut *state;
                state.judge_cluster();
                state.judge.committed(&state.sandbox, process, &written, state.now);
            }
        })
        .await
    }

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        let order = self.read("read an order", async move { store.order(id).await }).await?;
        if self.breakage() == Some(Breakage::RollbackRepeated) {
            return Ok(order.map(|mut order| {
                if order.rolled_back_by.take().is_some() {
                    order.status = Status::Running;
                }
                order
            }));
        }
        Ok(order)
    }

    async fn order_of_part(&self, part: PartId) -> Result<Option<Order>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("read an order of a part", async move { store.order_of_part(part).await }).await
    }

    async fn orders_of(&self, app: AppId, limit: u32) -> Result<Vec<Order>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list orders", async move { store.orders_of(app, limit).await }).await
    }

    async fn active_orders(&self) -> Result<Vec<OrderId>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list active orders", async move { store.active_orders().await }).await
    }

    async fn active_order_of(&self, app: AppId) -> Result<Option<Order>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        let active = self.read("read the active order", async move { store.active_order_of(app).await }).await?;
        Ok(active.filter(|_| self.breakage() != Some(Breakage::TwoActiveOrders)))
    }

    async fn events(&self, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("read events", async move { store.events(order, after).await }).await
    }

    async fn app(&self, id: AppId) -> Result<Option<Application>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("read an application", async move { store.app(id).await }).await
    }

    async fn apps(&self, filter: AppFilter) -> Result<Vec<Application>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list applications", async move { store.apps(filter).await }).await
    }

    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Option<Version>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("read a version", async move { store.version(app, number).await }).await
    }

    async fn versions(&self, app: AppId, limit: u32) -> Result<Vec<Version>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list versions", async move { store.versions(app, limit).await }).await
    }

    async fn lease(
        &self,
        order: OrderId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError> {
        let holder = if self.breakage() == Some(Breakage::LeasesShared) { "all" } else { holder }.to_owned();
        let store = Arc::clone(&self.disk.store);
        let (universe, process) = (&self.universe, self.process);
        let work = async move { store.lease(order, &holder, now, until).await };
        self.call(What::Lease, "take a lease", work, |result| {
            let mut state = universe.lock();
            match result {
                Ok(Some(fence)) => state.judge.leased(process, order, *fence),
                _ => state.tell(|| format!("server {process}: does not get the lease of {}", short(order))),
            }
        })
        .await
    }

    async fn release_lease(&self, order: OrderId, fence: Fence) -> Result<(), StoreError> {
        let store = Arc::clone(&self.disk.store);
        let universe = &self.universe;
        let work = async move { store.release_lease(order, fence).await };
        self.call(What::Lease, "give a lease back", work, |result| {
            if result.is_ok() {
                universe.lock().judge.released(order, fence);
            }
        })
        .await
    }

    async fn insert_key(&self, key: AccessKey) -> Result<(), StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("add a key", async move { store.insert_key(key).await }).await
    }

    async fn key(&self, id: &str) -> Result<Option<AccessKey>, StoreError> {
        let (store, id) = (Arc::clone(&self.disk.store), id.to_owned());
        self.read("read a key", async move { store.key(&id).await }).await
    }

    async fn keys(&self) -> Result<Vec<AccessKey>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list keys", async move { store.keys().await }).await
    }

    async fn set_key_enabled(&self, id: &str, enabled: bool) -> Result<bool, StoreError> {
        let (store, id) = (Arc::clone(&self.disk.store), id.to_owned());
        self.read("change a key", async move { store.set_key_enabled(&id, enabled).await }).await
    }

    async fn delete_key(&self, id: &str) -> Result<bool, StoreError> {
        let (store, id) = (Arc::clone(&self.disk.store), id.to_owned());
        self.read("delete a key", async move { store.delete_key(&id).await }).await
    }

    async fn put_cluster(&self, cluster: ClusterRecord) -> Result<(), StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("put a cluster", async move { store.put_cluster(cluster).await }).await
    }

    async fn cluster(&self, id: ClusterId) -> Result<Option<ClusterRecord>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("read a cluster", async move { store.cluster(id).await }).await
    }

    async fn clusters(&self) -> Result<Vec<ClusterRecord>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list clusters", async move { store.clusters().await }).await
    }

    async fn delete_cluster(&self, id: ClusterId) -> Result<bool, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("delete a cluster", async move { store.delete_cluster(id).await }).await
    }

    async fn put_logical_region(&self, region: LogicalRegion) -> Result<Option<LogicalRegion>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("put a region", async move { store.put_logical_region(region).await }).await
    }

    async fn logical_regions(&self) -> Result<Vec<LogicalRegion>, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("list regions", async move { store.logical_regions().await }).await
    }

    async fn delete_logical_region(&self, id: i64) -> Result<bool, StoreError> {
        let store = Arc::clone(&self.disk.store);
        self.read("delete a region", async move { store.delete_logical_region(id).await }).await
    }
}

/// Stores a second active order all the same, as a store without the rule would: the first one is made to look finished for a moment.
async fn force(store: &dyn Store, commit: Commit, active: OrderId) -> Result<(), CommitError> {
    let Some(order) = store.order(active).await? else {
        return store.commit(commit).await;
    };
    let update = |status, revision| {
        let order = Order { status, revision, ..order.clone() };
        Commit { lease: None, writes: vec![StoreWrite::UpdateOrder(Box::new(order))] }
    };
    store.commit(update(Status::Failed, order.revision + 1)).await?;
    store.commit(commit).await
}
