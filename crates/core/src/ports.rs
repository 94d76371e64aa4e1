//! The traits that the outside implements: a store, clusters, a clock.
//!
//! They live here so that all arrows point at this crate. Each method says what it must guarantee; nothing else may be
//! assumed.

mod audit;
mod feed;
mod objects;
mod records;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::application::{Application, WorkloadRef};
use crate::effect::{Effect, Refusal, Writer};
use crate::ids::{AppId, ClusterId, Fence, OrderId, PartId, VersionNumber};
use crate::observation::{Identity, Observation};
use crate::order::{Event, Order};
use crate::precheck::Surroundings;
use crate::version::{Snapshot, Version};

pub use self::audit::{Audit, AuditFilter, AuditPage, verify as verify_audit};
pub use self::feed::{Feed, FeedEntry};
pub use self::objects::{ObjectKind, ObjectRef, Objects};
pub use self::records::{Kept, Record, Records, Stored};

/// Tells the time, and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns at `deadline` or later.
    async fn sleep_until(&self, deadline: Timestamp);
}

/// Gives identifiers that were never used before.
pub trait Ids: Send + Sync + 'static {
    /// A new UUID.
    fn fresh(&self) -> uuid::Uuid;
}

/// A text that must not be shown: its `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; the caller takes care where it goes.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

// ---------------------------------------------------------------------------------------------------------------- store

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// EDAS's AccessKeyId.
    pub id: String,
    /// AccessKeySecret; sealed at rest.
    pub secret: Secret,
    /// The user it belongs to.
    pub user: String,
    /// Whether requests signed with it are accepted.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An imported cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRecord {
    /// EDAS's ClusterId.
    pub id: ClusterId,
    /// A name for people.
    pub name: String,
    /// The id by which the cluster is known outside (EDAS's CsClusterId).
    pub cs_cluster_id: String,
    /// The region it belongs to.
    pub region: String,
    /// Free text.
    pub description: String,
    /// How to reach it.
    pub access: ClusterAccess,
    /// When it was imported.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How to reach a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterAccess {
    /// By a kubeconfig (YAML); sealed at rest.
    Kubeconfig(Secret),
    /// By the service account of the pod that Sternway runs in.
    InCluster,
}

/// EDAS's user-defined logical region ("microservice namespace").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicalRegion {
    /// A positive number, unique.
    pub id: i64,
    /// `cn-hangzhou:name`, unique.
    pub region_id: String,
    /// A name for people.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether remote debugging is allowed there.
    pub debug_enable: bool,
    /// `default` or `exclusive_mse`.
    pub registry_type: String,
    /// The MSE instance, where one is used.
    pub mse_instance_id: String,
    /// Who made it.
    pub user: String,
    /// When.
    pub created_at: Timestamp,
}

/// One write within a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreWrite {
    /// A new order. Fails with [`CommitError::OrderActive`] if the application has an order that is not terminal after the other writes of
    /// the same commit.
    InsertOrder(Box<Order>),
    /// The next revision of an order. `order.revision` must be the stored revision plus 1.
    UpdateOrder(Box<Order>),
    /// A new application. Its (cluster, namespace, name) must be free.
    InsertApp(Box<Application>),
    /// The next revision of an application; `app.revision` must be the stored revision plus 1.
    UpdateApp(Box<Application>),
    /// The application is gone, and with it the records that it owns; its orders and versions stay readable. One that is gone already is no
    /// conflict.
    DeleteApp(AppId),
    /// A version, new or changed.
    PutVersion(Box<Version>),
    /// More of the record of an order that is stored, or was inserted earlier in the same commit.
    AppendEvents(OrderId, Vec<Event>),
}

/// All or nothing, durable once answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    /// The lease under which this is written; the commit fails with [`CommitError::LeaseLost`] if it is not the order's present one.
    pub lease: Option<(OrderId, Fence)>,
    /// Performed in this sequence, in one transaction.
    pub writes: Vec<StoreWrite>,
}

/// A commit that did not happen. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// A revision was not the expected one: load again, decide again.
    #[error("{0} was changed in the meantime")]
    Conflict(String),
    /// The application has another order that is not finished.
    #[error("change order {0} of this application is not finished")]
    OrderActive(OrderId),
    /// An application of this name is there already.
    #[error("an application of this name exists already in this namespace of the cluster")]
    NameTaken,
    /// Someone else holds the lease now.
    #[error("the lease of this order was lost")]
    LeaseLost,
    /// The database failed. If it failed to answer (a crash, a disk that did not confirm), the commit may yet be found done: load again before
    /// deciding again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A database that failed.
#[derive(Debug, thiserror::Error)]
#[error("the store failed to {doing}")]
pub struct StoreError {
    /// What was being done, in the infinitive.
    pub doing: String,
    /// The cause.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Which applications to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppFilter {
    /// Only of this cluster.
    pub cluster: Option<ClusterId>,
    /// Only of this namespace.
    pub namespace: Option<String>,
    /// Only of this logical region.
    pub logical_region: Option<String>,
    /// Only with exactly this name.
    pub name: Option<String>,
}

/// Durable state. Every method that writes is durable when it returns.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes all or nothing; see [`StoreWrite`] for what is checked.
    async fn commit(&self, commit: Commit) -> Result<(), CommitError>;

    /// An order.
    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError>;
    /// The order that a pipeline or a task belongs to.
    async fn order_of_part(&self, part: PartId) -> Result<Option<Order>, StoreError>;
    /// The orders of an application, newest first.
    async fn orders_of(&self, app: AppId, limit: u32) -> Result<Vec<Order>, StoreError>;
    /// All orders that are not terminal, rollbacks first, then by age.
    async fn active_orders(&self) -> Result<Vec<OrderId>, StoreError>;
    /// The order of an application that is not terminal.
    async fn active_order_of(&self, app: AppId) -> Result<Option<Order>, StoreError>;
    /// The record of an order, oldest first, with sequence numbers greater than `after` (they start at 1).
    async fn events(&self, order: OrderId, after: u64) -> Result<Vec<(u64, Event)>, StoreError>;

    /// An application.
    async fn app(&self, id: AppId) -> Result<Option<Application>, StoreError>;
    /// Applications, by name.
    async fn apps(&self, filter: AppFilter) -> Result<Vec<Application>, StoreError>;
    /// A version.
    async fn version(&self, app: AppId, number: VersionNumber) -> Result<Option<Version>, StoreError>;
    /// The versions of an application, newest first.
    async fn versions(&self, app: AppId, limit: u32) -> Result<Vec<Version>, StoreError>;

    /// Takes or renews the lease of a stored order until `until`. `None` if someone else holds it. A token given is greater than any given before,
    /// in this or any other process, and at least `now` in milliseconds, so that a new store begins above one that was lost. Renewing by the
    /// same holder before it ran out keeps the token.
    async fn lease(
        &self,
        order: OrderId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError>;
    /// Gives a lease back, if it is still this one.
    async fn release_lease(&self, order: OrderId, fence: Fence) -> Result<(), StoreError>;

    /// Adds a key. Its id must be new.
    async fn insert_key(&self, key: AccessKey) -> Result<(), StoreError>;
    /// A key.
    async fn key(&self, id: &str) -> Result<Option<AccessKey>, StoreError>;
    /// All keys, oldest first.
    async fn keys(&self) -> Result<Vec<AccessKey>, StoreError>;
    /// Enables or disables a key; false if there is none of this id.
    async fn set_key_enabled(&self, id: &str, enabled: bool) -> Result<bool, StoreError>;
    /// Removes a key; false if there is none.
    async fn delete_key(&self, id: &str) -> Result<bool, StoreError>;

    /// Adds or replaces a cluster.
    async fn put_cluster(&self, cluster: ClusterRecord) -> Result<(), StoreError>;
    /// A cluster.
    async fn cluster(&self, id: ClusterId) -> Result<Option<ClusterRecord>, StoreError>;
    /// All clusters, oldest first.
    async fn clusters(&self) -> Result<Vec<ClusterRecord>, StoreError>;
    /// Removes a cluster; false if there is none.
    async fn delete_cluster(&self, id: ClusterId) -> Result<bool, StoreError>;

    /// Adds a logical region (id 0: a new id is given) or replaces the one with its id; answers with it as stored, `None` if the id does not
    /// exist or the region id belongs to another.
    async fn put_logical_region(&self, region: LogicalRegion) -> Result<Option<LogicalRegion>, StoreError>;
    /// All logical regions, by id.
    async fn logical_regions(&self) -> Result<Vec<LogicalRegion>, StoreError>;
    /// Removes a logical region; false if there is none.
    async fn delete_logical_region(&self, id: i64) -> Result<bool, StoreError>;
}

// -------------------------------------------------------------------------------------------------------------- cluster

/// An effect that was performed (now or before).
#[derive(Debug, Clone, PartialEq)]
pub struct Performed {
    /// The Deployment that is there after it, or that was deleted; `None` where there was none.
    pub object: Option<Identity>,
    /// `metadata.generation` after it; 0 where the object is gone.
    pub generation: u64,
    /// `spec.replicas` after it; 0 where the object is gone.
    pub replicas: u32,
    /// The spec as stored after it; `None` where the object is gone.
    pub stored: Option<Snapshot>,
}

/// A cluster that did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClusterError {
    /// No cluster of this id is connected.
    #[error("cluster {0} does not exist")]
    Unknown(ClusterId),
    /// The effect must not be performed as things are.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The object changed between the read and the write: try again.
    #[error("the object changed between the read and the write")]
    Conflict,
    /// The API server asked to come back later, is away, or answered with a fault of its own: try again.
    #[error("the cluster cannot be reached or is overloaded: {message}")]
    Unreachable {
        /// What the client saw.
        message: String,
        /// When the server wants to be asked again.
        retry_after_seconds: Option<u32>,
    },
    /// The guard said that the write is not ours to do any more. Nothing was written.
    #[error("the order was changed or taken over by another server")]
    NotOurs,
    /// 401 or 403.
    #[error("the cluster forbids it: {0}")]
    Forbidden(String),
    /// The API server, or an admission webhook, refuses the object.
    #[error("the cluster refuses it: {0}")]
    Rejected(String),
}

impl ClusterError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Conflict | Self::Unreachable { .. } => true,
            Self::Unknown(_) | Self::Refused(_) | Self::NotOurs | Self::Forbidden(_) | Self::Rejected(_) => false,
        }
    }
}

/// A cluster, seen by an administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterInfo {
    /// The server's version, such as `v1.36.2`.
    pub version: String,
    /// Nodes that are ready.
    pub nodes_ready: u32,
    /// All nodes.
    pub nodes: u32,
    /// Allocatable CPU of all nodes, in millicores.
    pub cpu_millis: u64,
    /// Allocatable memory of all nodes, in MiB.
    pub memory_mib: u64,
}

/// Native objects of a workload, as the API gives them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NativeObjects {
    /// The Deployment.
    pub deployment: Option<Value>,
    /// Its ReplicaSets.
    pub replica_sets: Vec<Value>,
    /// Its pods.
    pub pods: Vec<Value>,
    /// The labels of the nodes that its pods are on, by node name; only if asked for.
    pub node_labels: BTreeMap<String, BTreeMap<String, String>>,
}

/// Asked between the read and the write of every effect.
#[async_trait]
pub trait WriteGuard: Send + Sync {
    /// Whether the effect is still wanted and the lease is still held. `false` makes [`Clusters::perform`] fail with [`ClusterError::NotOurs`].
    async fn still_ours(&self) -> bool;
}

/// The clusters that Sternway works on.
#[async_trait]
pub trait Clusters: Send + Sync + 'static {
    /// Connects a cluster, or connects it anew with other credentials. Checks that it answers and what we may do there.
    async fn connect(&self, id: ClusterId, access: &ClusterAccess) -> Result<ClusterInfo, ClusterError>;
    /// Connects without waiting for the cluster: it may be away now, and is tried again for ever.
    async fn connect_later(&self, id: ClusterId, access: &ClusterAccess);
    /// Forgets a cluster.
    async fn disconnect(&self, id: ClusterId);
    /// Its version and nodes, read now.
    async fn info(&self, id: ClusterId) -> Result<ClusterInfo, ClusterError>;
    /// Names of its namespaces that are not being deleted, read now.
    async fn namespaces(&self, id: ClusterId) -> Result<Vec<String>, ClusterError>;

    /// The workload as the watches last saw it. Fails with a transient error until they have seen everything once.
    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError>;
    /// Returns when anything about the workload may have changed since the last [`Clusters::observe`] of it, at once if it has already. A wake-up carries
    /// no information; a spurious one is allowed, a missed one is not. Also returns when the watches fail or recover.
    async fn changed(&self, workload: &WorkloadRef);
    /// The workload read now, past the watches.
    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError>;
    /// The native objects, read now.
    async fn native(&self, workload: &WorkloadRef, with_nodes: bool) -> Result<NativeObjects, ClusterError>;
    /// What is around the workload and may stand in the way of a release, read now. An adapter that cannot tell answers with nothing.
    async fn surroundings(&self, _workload: &WorkloadRef) -> Result<Surroundings, ClusterError> {
        Ok(Surroundings::default())
    }
    /// Rights that dividing the requests of routes needs, beside those of a release, and that the cluster does not give us, in words. An adapter that
    /// cannot tell answers with none.
    async fn missing_steering_rights(&self, _workload: &WorkloadRef) -> Result<Vec<String>, ClusterError> {
        Ok(Vec::new())
    }
    /// Reads the workload fresh, compiles the effect on it ([`crate::effect::compile`]), asks the guard, and only then writes, with the read's
    /// resourceVersion as the precondition. In this sequence a writer that lost its lease can change nothing: whoever took over before the
    /// question is seen by the guard, and whoever writes after the read makes the precondition fail. Performing an effect that is done already succeeds and
    /// writes nothing.
    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError>;
}
