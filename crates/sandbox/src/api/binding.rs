//! Bindings: a scheduler's word on where a pod runs.

use serde_json::{Value, json};

use super::decode::{self, Expected};
use super::eviction::success;
use super::{Backend, Call, Response, write};
use crate::object;
use crate::resources::{FieldError, NODES, PODS};
use crate::status::{Details, Status};
use crate::storage::Storage;
use crate::writes::Writes;

/// `POST .../pods/NAME/binding`
pub(super) fn create(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let body = decode::body(call.request, Expected::other("", "v1", "Binding"), write::LENIENT)?.object;
    if !matches!(object::text(&body, "/target/kind"), "" | "Node") {
        let kind = object::text(&body, "/target/kind");
        let error = FieldError::not_supported("target.kind", &json!(kind), &["Node", "<empty>"]);
        return Err(Status::unexplained(error.to_string()));
    }
    let node = object::text(&body, "/target/name");
    if node.is_empty() {
        return Err(Status::unexplained(FieldError::required("target.name", "").to_string()));
    }
    let annotations: Vec<(String, String)> = object::annotations(&body)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let mut writes = backend.writes(&call.query, call.request, "binding", false);
    bind(&mut writes, call.namespace, call.name, node, &annotations)?;
    Ok(call.format.encode(201, &success()))
}

/// Assigns a pod to a node; the node need not exist.
///
/// # Errors
/// 404 without the pod, 409 when it is assigned, being deleted or gated.
pub(crate) fn bind(
    writes: &mut Writes<'_>,
    namespace: &str,
    name: &str,
    node: &str,
    annotations: &[(String, String)],
) -> Result<(), Status> {
    let pod = writes.storage.get(PODS, namespace, name).ok_or_else(|| Status::not_found(PODS, name))?;
    let assigned = object::text(pod, "/spec/nodeName");
    if !assigned.is_empty() {
        return Err(conflict(name, &format!("pod {name} is already assigned to node \"{assigned}\"")));
    }
    if object::is_deleting(pod) {
        return Err(conflict(name, &format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    if !object::items(pod, "/spec/schedulingGates").is_empty() {
        return Err(conflict(name, &format!("pod {name} has non-empty .spec.schedulingGates")));
    }
    let zone = zone_of(writes.storage, node);
    let time = object::format_time(writes.now);
    writes.modify_unchecked(PODS, namespace, name, |pod| {
        object::child_mut(object::as_map(pod), "spec").insert("nodeName".into(), json!(node));
        for (key, value) in annotations {
            object::set_annotation(pod, key, value);
        }
        if let Some((label, zone)) = zone {
            object::set_label(pod, label, &zone);
        }
        set_scheduled(pod, &time);
    })?;
    Ok(())
}

/// Pods carry the zone of their node.
fn zone_of(storage: &Storage, node: &str) -> Option<(&'static str, String)> {
    const ZONE: &str = "topology.kubernetes.io/zone";
    let node = storage.get(NODES, "", node)?;
    object::label(node, ZONE).map(|zone| (ZONE, zone.to_owned()))
}

fn set_scheduled(pod: &mut Value, time: &str) {
    let status = object::child_mut(object::as_map(pod), "status");
    let generation_free = json!({
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": time,
    });
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Value::Array(conditions) = conditions {
        conditions.retain(|condition| object::text(condition, "/type") != "PodScheduled");
        conditions.push(generation_free);
    }
}

fn conflict(name: &str, why: &str) -> Status {
    let message = format!("Operation cannot be fulfilled on pods/binding \"{name}\": {why}");
    Status::new(409, "Conflict", message).with_details(Details {
        name: name.to_owned(),
        kind: "pods/binding".to_owned(),
        ..Details::default()
    })
}
