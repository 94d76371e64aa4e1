//! The four kinds that a workload consists of.

use kube::core::{ApiResource, GroupVersionKind};

/// What is watched, and read before every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` ReplicaSet.
    ReplicaSet,
    /// `v1` Pod.
    Pod,
    /// `policy/v1` PodDisruptionBudget.
    Budget,
}

impl Kind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Deployment, Self::ReplicaSet, Self::Pod, Self::Budget];

    /// The API group; the core group's name is empty.
    pub(crate) const fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::ReplicaSet => "apps",
            Self::Pod => "",
            Self::Budget => "policy",
        }
    }

    /// The resource's name in paths and in rights.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::ReplicaSet => "replicasets",
            Self::Pod => "pods",
            Self::Budget => "poddisruptionbudgets",
        }
    }

    /// The kind as kube's watcher wants it; all four are served as `v1`.
    pub(crate) fn resource(self) -> ApiResource {
        let kind = match self {
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::Budget => "PodDisruptionBudget",
        };
        let kind = GroupVersionKind::gvk(self.group(), "v1", kind);
        ApiResource::from_gvk_with_plural(&kind, self.plural())
    }
}
