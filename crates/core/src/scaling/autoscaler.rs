//! The HorizontalPodAutoscaler that stands for a rule.

use serde_json::{Value, json};

use super::Rule;
use crate::application::WorkloadRef;
use crate::order::birth::APP_ID_LABEL;

/// The rule that an autoscaler stands for.
pub const RULE_LABEL: &str = "sternway.io/scaling-rule";

/// Its name on the cluster.
pub fn name(rule: &Rule, workload: &WorkloadRef) -> String {
    format!("{}-{}", workload.name, rule.name)
}

/// The whole object. It is owned by the Deployment (`uid`), so that it goes with it whoever deletes it.
pub fn manifest(rule: &Rule, workload: &WorkloadRef, uid: &str) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name});
    let mut owner = target.clone();
    owner["uid"] = json!(uid);
    // An autoscaler that may go to zero is a feature that few clusters have.
    let least = rule.bounds.keep(rule.floor.unwrap_or(rule.bounds.least)).max(1);
    let mut spec = json!({
        "scaleTargetRef": target,
        "minReplicas": least,
        "maxReplicas": rule.bounds.most.max(least),
        "metrics": rule.metrics(),
    });
    if !rule.behaviour.is_null() {
        spec["behavior"] = rule.behaviour.clone();
    }
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": name(rule, workload),
            "namespace": workload.namespace,
            "labels": {APP_ID_LABEL: rule.app.to_string(), RULE_LABEL: rule.name},
            "ownerReferences": [owner],
        },
        "spec": spec,
    })
}

/// Whether an object is the autoscaler of this rule.
pub fn is_of(object: &Value, rule: &Rule) -> bool {
    let labels = &object["metadata"]["labels"];
    labels[APP_ID_LABEL] == rule.app.to_string().as_str() && labels[RULE_LABEL] == rule.name.as_str()
}

/// Whether an autoscaler scales this workload.
pub fn scales(object: &Value, workload: &WorkloadRef) -> bool {
    let target = &object["spec"]["scaleTargetRef"];
    target["kind"] == "Deployment" && target["name"] == workload.name.as_str()
}
