//! The port: clusters by id.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::ClusterId;
use sternway_core::observation::Observation;
use sternway_core::ports::{
    ClusterAccess, ClusterError, ClusterInfo, Clusters, NativeObjects, ObjectKind, ObjectRef, Objects, Performed,
    WriteGuard,
};
use sternway_core::precheck::Surroundings;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{self, Options};
use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::failure;
use crate::index::Name;
use crate::objects;
use crate::perform;
use crate::rights;
use crate::signals::Signals;

/// Kubernetes clusters, each with its client and its watches.
///
/// Clones share everything. Tasks run on the runtime that calls [`Clusters::connect`] or [`Clusters::connect_later`], until
/// [`KubeClusters::shutdown`].
#[derive(Clone)]
pub struct KubeClusters {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    clusters: Mutex<HashMap<ClusterId, Slot>>,
    /// By cluster, connected or not: waiters may be there before the cluster is.
    signals: Mutex<HashMap<ClusterId, Arc<Signals>>>,
    tasks: TaskTracker,
    end: CancellationToken,
}

/// A cluster that we know of.
struct Slot {
    state: State,
    /// Ends the tasks of this slot.
    end: CancellationToken,
}

enum State {
    /// It has not answered yet.
    Connecting(ClusterError),
    Connected(Arc<Connection>),
}

impl fmt::Debug for KubeClusters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KubeClusters").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl KubeClusters {
    /// No clusters yet.
    pub fn new(options: Options) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                clusters: Mutex::default(),
                signals: Mutex::default(),
                tasks: TaskTracker::new(),
                end: CancellationToken::new(),
            }),
        }
    }

    /// Ends all watches and waits until they have ended. Afterwards no cluster is known.
    pub async fn shutdown(&self) {
        self.shared.end.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.lock().clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<ClusterId, Slot>> {
        self.clusters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signals(&self, id: ClusterId) -> Arc<Signals> {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(signals.entry(id).or_default())
    }

    fn connection(&self, id: ClusterId) -> Result<Arc<Connection>, ClusterError> {
        match self.lock().get(&id).map(|slot| &slot.state) {
            None => Err(ClusterError::Unknown(id)),
            Some(State::Connecting(error)) => Err(error.clone()),
            Some(State::Connected(connection)) => Ok(Arc::clone(connection)),
        }
    }

    async fn open(
        &self,
        id: ClusterId,
        access: &ClusterAccess,
        end: &CancellationToken,
    ) -> Result<(Arc<Connection>, ClusterInfo), ClusterError> {
        let client = access::client(access, &self.options).await?;
        let signals = self.signals(id);
        Connection::open(client, &self.options, signals, &self.tasks, end).await
    }

    /// Puts a slot in place of what was there; ends the tasks of the one before.
    fn install(&self, id: ClusterId, slot: Slot) {
        let before = self.lock().insert(id, slot);
        if let Some(before) = before {
            before.end.cancel();
        }
        self.signals(id).touch_all();
    }

    /// Notes how connecting goes, unless the slot was replaced or removed in the meantime.
    fn progress(&self, id: ClusterId, end: &CancellationToken, state: State) {
        let mut clusters = self.lock();
        if let Some(slot) = clusters.get_mut(&id)
            && !end.is_cancelled()
        {
            slot.state = state;
        }
        drop(clusters);
        self.signals(id).touch_all();
    }

    async fn connect_for_ever(&self, id: ClusterId, access: &ClusterAccess, end: &CancellationToken) {
        let mut backoff = Backoff::new();
        let mut told = None;
        loop {
            match self.open(id, access, end).await {
                Ok((connection, info)) => {
                    tracing::info!(cluster = %id, version = info.version, "the cluster is connected");
                    return self.progress(id, end, State::Connected(connection));
                }
                Err(error) => {
                    let text = error.to_string();
                    // The same failure is not worth a second line.
                    if told.as_ref() != Some(&text) {
                        tracing::warn!(cluster = %id, error = text, "the cluster is not connected yet");
                        told = Some(text);
                    }
                    self.progress(id, end, State::Connecting(not_yet(&error)));
                }
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }
}

#[async_trait]
impl Clusters for KubeClusters {
    async fn connect(&self, id: ClusterId, access: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        let end = self.shared.end.child_token();
        let (connection, info) = self.shared.open(id, access, &end).await?;
        let state = State::Connected(connection);
        self.shared.install(id, Slot { state, end });
        Ok(info)
    }

    async fn connect_later(&self, id: ClusterId, access: &ClusterAccess) {
        let end = self.shared.end.child_token();
        let state = State::Connecting(failure::unreachable("it is being connected for the first time".to_owned()));
        let slot = Slot { state, end: end.clone() };
        self.shared.install(id, slot);
        let (shared, access) = (Arc::clone(&self.shared), access.clone());
        self.shared.tasks.spawn(async move {
            let connecting = shared.connect_for_ever(id, &access, &end);
            end.run_until_cancelled(connecting).await;
        });
    }

    async fn disconnect(&self, id: ClusterId) {
        let slot = self.shared.lock().remove(&id);
        if let Some(slot) = slot {
            slot.end.cancel();
        }
        self.shared.signals(id).touch_all();
    }

    async fn info(&self, id: ClusterId) -> Result<ClusterInfo, ClusterError> {
        self.shared.connection(id)?.info().await
    }

    async fn namespaces(&self, id: ClusterId) -> Result<Vec<String>, ClusterError> {
        self.shared.connection(id)?.namespaces().await
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        connection.observe(&Name::of(workload))
    }

    async fn changed(&self, workload: &WorkloadRef) {
        let signals = self.shared.signals(workload.cluster);
        signals.changed(&Name::of(workload)).await;
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        connection.read(&Name::of(workload)).await
    }

    async fn native(&self, workload: &WorkloadRef, with_nodes: bool) -> Result<NativeObjects, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        connection.native(&Name::of(workload), with_nodes).await
    }

    async fn surroundings(&self, workload: &WorkloadRef) -> Result<Surroundings, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        connection.surroundings(&Name::of(workload)).await
    }

    async fn missing_steering_rights(&self, workload: &WorkloadRef) -> Result<Vec<String>, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        rights::missing_for_steering(connection.api(), &workload.namespace).await
    }

    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        let connection = self.shared.connection(workload.cluster)?;
        perform::perform(&connection, workload, effect, writer, guard).await
    }
}

/// While connecting goes on, whatever stands in its way may pass.
fn not_yet(error: &ClusterError) -> ClusterError {
    failure::unreachable(format!("it is not connected yet: {error}"))
}

#[async_trait]
impl Objects for KubeClusters {
    async fn kind(
        &self,
        cluster: ClusterId,
        api_version: &str,
        kind: &str,
    ) -> Result<Option<ObjectKind>, ClusterError> {
        objects::kind(self.shared.connection(cluster)?.api(), api_version, kind).await
    }

    async fn get(&self, cluster: ClusterId, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        objects::get(self.shared.connection(cluster)?.api(), object).await
    }

    async fn list(
        &self,
        cluster: ClusterId,
        kind: &ObjectKind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        objects::list(self.shared.connection(cluster)?.api(), kind, namespace, selector).await
    }

    async fn create(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
        objects::create(self.shared.connection(cluster)?.api(), object, value).await
    }

    async fn try_create(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<(), ClusterError> {
        objects::try_create(self.shared.connection(cluster)?.api(), object, value).await
    }

    async fn replace(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
        objects::replace(self.shared.connection(cluster)?.api(), object, value).await
    }

    async fn merge(&self, cluster: ClusterId, object: &ObjectRef, patch: &Value) -> Result<Value, ClusterError> {
        objects::merge(self.shared.connection(cluster)?.api(), object, patch).await
    }

    async fn delete(&self, cluster: ClusterId, object: &ObjectRef) -> Result<bool, ClusterError> {
        objects::delete(self.shared.connection(cluster)?.api(), object).await
    }
}
