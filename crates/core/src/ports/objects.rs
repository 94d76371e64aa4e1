//! Objects of a cluster beside the workloads: Services, ConfigMaps, autoscalers, whatever an operation makes or shows.
//!
//! They are Kubernetes's own JSON, whole: what is newer than we are stays as it came.

use std::borrow::Cow;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ClusterError;
use crate::ids::ClusterId;

/// A kind of object, as its paths name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectKind {
    /// The API group; the core group's name is empty.
    pub group: Cow<'static, str>,
    /// The version, such as `v1`.
    pub version: Cow<'static, str>,
    /// The kind, such as `Service`.
    pub kind: Cow<'static, str>,
    /// The resource's name in paths and in rights, such as `services`.
    pub plural: Cow<'static, str>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl ObjectKind {
    /// `v1` ConfigMap
    pub const CONFIG_MAP: Self = Self::namespaced("", "v1", "ConfigMap", "configmaps");
    /// `apps/v1` Deployment
    pub const DEPLOYMENT: Self = Self::namespaced("apps", "v1", "Deployment", "deployments");
    /// `autoscaling/v2` HorizontalPodAutoscaler
    pub const HORIZONTAL_POD_AUTOSCALER: Self =
        Self::namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
    /// `gateway.networking.k8s.io/v1` HTTPRoute, which a cluster has only if somebody installed the Gateway API
    pub const HTTP_ROUTE: Self = Self::namespaced("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes");
    /// `networking.k8s.io/v1` Ingress
    pub const INGRESS: Self = Self::namespaced("networking.k8s.io", "v1", "Ingress", "ingresses");
    /// `v1` PersistentVolumeClaim
    pub const PERSISTENT_VOLUME_CLAIM: Self =
        Self::namespaced("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims");
    /// `v1` Pod
    pub const POD: Self = Self::namespaced("", "v1", "Pod", "pods");
    /// `v1` Secret
    pub const SECRET: Self = Self::namespaced("", "v1", "Secret", "secrets");
    /// `v1` Service
    pub const SERVICE: Self = Self::namespaced("", "v1", "Service", "services");

    /// A kind whose objects live in namespaces.
    pub const fn namespaced(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            plural: Cow::Borrowed(plural),
            namespaced: true,
        }
    }

    /// `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its namespace; not looked at where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// An object of that kind, namespace and name.
    pub fn new(kind: ObjectKind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}

/// Objects, read and written now, past all watches.
#[async_trait]
pub trait Objects: Send + Sync + 'static {
    /// The kind that the cluster serves under these names (`apiVersion`, `kind`); `None` where it serves none.
    async fn kind(&self, cluster: ClusterId, api_version: &str, kind: &str)
    -> Result<Option<ObjectKind>, ClusterError>;
    /// An object; `None` where there is none.
    async fn get(&self, cluster: ClusterId, object: &ObjectRef) -> Result<Option<Value>, ClusterError>;
    /// Objects by name; of one namespace or of all, those with the labels of a selector (empty: every one).
    async fn list(
        &self,
        cluster: ClusterId,
        kind: &ObjectKind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, ClusterError>;
    /// A new object, as stored. Fails with [`ClusterError::Conflict`] where the name is taken.
    async fn create(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError>;
    /// What [`Objects::create`] would answer, with admission and quotas asked, and nothing created.
    async fn try_create(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<(), ClusterError>;
    /// The object in place of the one that is there, as stored. With a `metadata.resourceVersion` it fails with [`ClusterError::Conflict`] if the object
    /// is another one by now; also if there is none.
    async fn replace(&self, cluster: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError>;
    /// Merges a patch (RFC 7386) into the object; as stored. Fails with [`ClusterError::Conflict`] like [`Objects::replace`].
    async fn merge(&self, cluster: ClusterId, object: &ObjectRef, patch: &Value) -> Result<Value, ClusterError>;
    /// Deletes an object and what it owns; false if there was none.
    async fn delete(&self, cluster: ClusterId, object: &ObjectRef) -> Result<bool, ClusterError>;
}
