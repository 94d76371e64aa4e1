//! ReplicaSets.

use serde_json::Value;
use sternway_core::observation::PodSet;
use sternway_core::template::PodTemplate;

use super::selector::{Labels, labels};
use super::{controller, count, text};
use crate::index::{Name, Uid};

/// What is kept of a ReplicaSet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    /// The Deployment that owns it.
    pub(crate) workload: Name,
    /// The uid of that Deployment.
    pub(crate) owner: Uid,
    /// Labels of its pods.
    pub(crate) labels: Labels,
    /// The rest.
    pub(crate) set: PodSet,
}

impl Set {
    /// Reduces the object; `None` if no Deployment owns it.
    pub(crate) fn reduce(object: &Value) -> Option<Self> {
        let (owner, name) = controller(object, "Deployment")?;
        let metadata = &object["metadata"];
        let template = &object["spec"]["template"];
        let revision = &metadata["annotations"]["deployment.kubernetes.io/revision"];
        Some(Self {
            workload: Name { namespace: text(&metadata["namespace"]), name },
            owner,
            labels: labels(&template["metadata"]["labels"]),
            set: PodSet {
                name: text(&metadata["name"]),
                digest: PodTemplate::new(template.clone()).digest(),
                // The API's default, should a server leave it out.
                wanted: count(&object["spec"]["replicas"]).unwrap_or(1),
                revision: revision.as_str().and_then(|it| it.parse().ok()).unwrap_or(0),
            },
        })
    }
}
