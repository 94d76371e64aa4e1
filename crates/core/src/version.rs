//! Versions: immutable snapshots of what ran, numbered per application.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AppId, OrderId, VersionNumber};
use crate::strategy::Strategy;
use crate::template::PodTemplate;

/// Everything of a workload's spec that a release changes or borrows; going back restores it field for field.
/// `replicas` is not in it: how many pods run belongs to whoever scales.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// `spec.template`.
    pub template: PodTemplate,
    /// `spec.strategy`.
    pub strategy: Strategy,
    /// `spec.minReadySeconds`.
    pub min_ready_seconds: u32,
    /// `spec.progressDeadlineSeconds`.
    pub progress_deadline_seconds: u32,
}

/// `spec.progressDeadlineSeconds` where a server leaves it out.
const DEFAULT_PROGRESS_DEADLINE_SECONDS: u32 = 600;

impl Snapshot {
    /// Reads a Deployment.
    pub fn of_object(deployment: &Value) -> Self {
        let spec = &deployment["spec"];
        let seconds = |name: &str| spec[name].as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        Self {
            template: PodTemplate::new(spec["template"].clone()),
            strategy: Strategy::from_json(&spec["strategy"]),
            min_ready_seconds: seconds("minReadySeconds").unwrap_or(0),
            progress_deadline_seconds: seconds("progressDeadlineSeconds").unwrap_or(DEFAULT_PROGRESS_DEADLINE_SECONDS),
        }
    }
}

/// Where a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Created with the application.
    Created,
    /// Deployed by a change order.
    Deployed,
    /// The configuration (limits, requests, replicas) was changed by a change order.
    Reconfigured,
    /// The same content with a new restart mark.
    Restarted,
    /// Found on the cluster when a release began: someone had changed the workload without Sternway.
    Found,
}

/// One version of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The application.
    pub app: AppId,
    /// Its number.
    pub number: VersionNumber,
    /// What runs. Until the first write was answered, the form that was sent; then the form the cluster stored.
    pub snapshot: Snapshot,
    /// Where it came from.
    pub origin: Origin,
    /// The order that brought it.
    pub order: OrderId,
    /// EDAS's PackageVersion, or the image's tag.
    pub package_version: String,
    /// Free text from the client.
    pub description: String,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// Whether all pods of the application once ran it, healthy, to the end of its order.
    pub good: bool,
}
