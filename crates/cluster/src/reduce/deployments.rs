//! Deployments.

use serde_json::Value;
use sternway_core::effect::marks;
use sternway_core::observation::{Identity, Marks};
use sternway_core::template::TemplateDigest;
use sternway_core::version::Snapshot;

use super::problems::condition;
use super::selector::{Labels, labels};
use super::{count, text};
use crate::index::Name;

/// `spec.replicas` where a server leaves it out.
const DEFAULT_REPLICAS: u32 = 1;

/// What is kept of a Deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deployment {
    pub(crate) name: Name,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) generation: u64,
    pub(crate) observed_generation: u64,
    pub(crate) deleting: bool,
    pub(crate) paused: bool,
    pub(crate) replicas: u32,
    pub(crate) spec: Snapshot,
    pub(crate) digest: TemplateDigest,
    pub(crate) updated_replicas: u32,
    pub(crate) available_replicas: u32,
    pub(crate) status_replicas: u32,
    pub(crate) marks: Marks,
    pub(crate) pods_refused: Option<String>,
    /// Labels of its pods.
    pub(crate) labels: Labels,
}

impl Deployment {
    /// Reduces the object.
    pub(crate) fn reduce(object: &Value) -> Self {
        let (metadata, status) = (&object["metadata"], &object["status"]);
        let spec = Snapshot::of_object(object);
        Self {
            name: Name { namespace: text(&metadata["namespace"]), name: text(&metadata["name"]) },
            uid: text(&metadata["uid"]),
            resource_version: text(&metadata["resourceVersion"]),
            generation: generation(object),
            observed_generation: status["observedGeneration"].as_u64().unwrap_or(0),
            deleting: metadata["deletionTimestamp"].is_string(),
            paused: object["spec"]["paused"] == true,
            replicas: replicas(object),
            digest: spec.template.digest(),
            labels: labels(&spec.template.json()["metadata"]["labels"]),
            spec,
            updated_replicas: count(&status["updatedReplicas"]).unwrap_or(0),
            available_replicas: count(&status["availableReplicas"]).unwrap_or(0),
            status_replicas: count(&status["replicas"]).unwrap_or(0),
            marks: marks::read(object),
            pods_refused: pods_refused(status),
        }
    }
}

/// `spec.replicas`.
pub(crate) fn replicas(object: &Value) -> u32 {
    count(&object["spec"]["replicas"]).unwrap_or(DEFAULT_REPLICAS)
}

/// Which object it is.
pub(crate) fn identity(object: &Value) -> Option<Identity> {
    let metadata = &object["metadata"];
    Identity::of(metadata["uid"].as_str()?, metadata["resourceVersion"].as_str()?)
}

/// Why no pod can be made; the condition is taken back by the controller when one can be again.
fn pods_refused(status: &Value) -> Option<String> {
    let failure = condition(status, "ReplicaFailure").filter(|it| it["status"] == "True")?;
    Some(format!("{}: {}", text(&failure["reason"]), text(&failure["message"])))
}

/// `metadata.generation`.
pub(crate) fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sternway_core::strategy::DEFAULT_STRATEGY;

    use super::*;

    #[test]
    fn what_is_left_out_has_the_apis_defaults() {
        let deployment = Deployment::reduce(&json!({"metadata": {"name": "web"}, "spec": {"template": {}}}));
        assert_eq!(deployment.replicas, 1);
        assert_eq!(deployment.spec.min_ready_seconds, 0);
        assert_eq!(deployment.spec.progress_deadline_seconds, 600);
        assert_eq!(deployment.spec.strategy, DEFAULT_STRATEGY);
        assert!(!deployment.deleting && !deployment.paused);
    }

    #[test]
    fn fields_that_nobody_knows_yet_stay_in_the_template() {
        let object = json!({"spec": {"template": {"spec": {"containers": [], "fieldOfTomorrow": {"a": 1}}}}});
        assert_eq!(Snapshot::of_object(&object).template.json()["spec"]["fieldOfTomorrow"], json!({"a": 1}));
        let without = json!({"spec": {"template": {"spec": {"containers": []}}}});
        assert_ne!(Snapshot::of_object(&object).template.digest(), Snapshot::of_object(&without).template.digest());
    }
}
