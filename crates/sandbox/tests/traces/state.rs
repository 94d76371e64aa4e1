//! The state of the cluster in the shape of the recordings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sternway_sandbox::storage::Storage;
use sternway_sandbox::{object, resources};

/// The state in the shape of the recording.
pub(crate) fn state(storage: &Storage, namespace: &str) -> Value {
    let deployment = storage.get(resources::DEPLOYMENTS, namespace, "web");
    let uid = deployment.map(|one| object::uid(one)).unwrap_or_default();
    let sets: Vec<Value> =
        storage.list(resources::REPLICASETS, Some(namespace)).map(|set| replica_set(set, uid)).collect();
    let mut pods: BTreeMap<String, Value> = BTreeMap::new();
    for pod in storage.list(resources::PODS, Some(namespace)) {
        let group = pods
            .entry(image(pod, "").to_owned())
            .or_insert_with(|| json!({"total": 0, "ready": 0, "phases": {}, "orphans": 0, "terminating": 0}));
        let mut count = |field: &str, counts: bool| {
            let old = group[field].as_i64().unwrap();
            group[field] = json!(old + i64::from(counts));
        };
        count("total", true);
        count("ready", is_ready(pod));
        count("orphans", object::controller_of(pod).is_none());
        count("terminating", object::is_deleting(pod));
        let phase = object::text(pod, "/status/phase").to_owned();
        let old = group["phases"].get(&phase).and_then(Value::as_i64).unwrap_or(0);
        group["phases"][phase] = json!(old + 1);
    }
    json!({"deployment": deployment.map(|one| deployment_state(one)), "replicasets": sets, "pods": pods})
}
/// The image of the first container below `spec` of the object at `prefix`.
pub(crate) fn image<'a>(object: &'a Value, prefix: &str) -> &'a str {
    object::text(object, &format!("{prefix}/spec/containers/0/image"))
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    object::items(pod, "/status/conditions").iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}

pub(crate) fn condition_time(pod: &Value, kind: &str) -> Option<Timestamp> {
    let conditions = object::items(pod, "/status/conditions");
    object::timestamp(conditions.iter().find(|one| one["type"] == kind)?, "/lastTransitionTime")
}

/// Annotations that the recorder kept: all but kubectl's copy of the applied file.
fn annotations(object: &Value) -> Map<String, Value> {
    let mut annotations = object::annotations(object).cloned().unwrap_or_default();
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    annotations
}

fn deployment_state(object: &Value) -> Value {
    let annotations = annotations(object);
    let kept = ["replicas", "strategy", "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "paused"];
    let spec: Map<String, Value> =
        kept.iter().filter_map(|key| Some(((*key).to_owned(), object["spec"].get(key)?.clone()))).collect();
    let mut status = object["status"].clone();
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        for condition in conditions {
            let map = condition.as_object_mut().unwrap();
            map.remove("lastUpdateTime");
            map.remove("lastTransitionTime");
        }
    }
    json!({
        "generation": object["metadata"]["generation"],
        "revision": annotations.get("deployment.kubernetes.io/revision"),
        "annotations": annotations,
        "image": image(object, "/spec/template"),
        "spec": spec,
        "status": status,
    })
}

fn replica_set(object: &Value, deployment: &str) -> Value {
    let name = object::name(object);
    let hash = object::label(object, "pod-template-hash");
    let owner = object::controller_of(object).map(|owner| object::text(owner, "/uid"));
    json!({
        "name": name,
        "image": image(object, "/spec/template"),
        "spec_replicas": object["spec"]["replicas"],
        "generation": object["metadata"]["generation"],
        "status": object["status"],
        "annotations": annotations(object),
        "minReadySeconds": object["spec"].get("minReadySeconds").cloned().unwrap_or(json!(0)),
        "has_hash": hash.is_some(),
        "name_is_dep_dash_hash": hash.is_some_and(|hash| name == format!("web-{hash}")),
        "owner_ok": owner.is_some_and(|owner| owner == deployment),
        "has_owner": owner.is_some(),
        "conditions": object["status"].get("conditions").cloned().unwrap_or(json!([])),
    })
}
