//! What controllers ask about a pod.

use jiff::Timestamp;
use serde_json::Value;

use crate::object;
use crate::quantity::Quantity;

/// Whether it counts as a replica: neither finished nor being deleted.
pub(crate) fn is_active(pod: &Value) -> bool {
    !is_finished(pod) && !object::is_deleting(pod)
}

/// Whether all its containers have ended for good.
pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(object::text(pod, "/status/phase"), "Failed" | "Succeeded")
}

/// One of its conditions.
pub(crate) fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    object::items(pod, "/status/conditions").iter().find(|condition| object::text(condition, "/type") == kind)
}

/// Since when it is ready, if it is.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| object::text(ready, "/status") == "True")?;
    Some(object::timestamp(ready, "/lastTransitionTime").unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Whether it is ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    ready_since(pod).is_some()
}

/// The node it runs on, or "".
pub(crate) fn node(pod: &Value) -> &str {
    object::text(pod, "/spec/nodeName")
}

/// The greatest restart count of its containers.
pub(crate) fn restarts(pod: &Value) -> i64 {
    let counts = object::items(pod, "/status/containerStatuses").iter();
    counts.filter_map(|status| object::integer(status, "/restartCount")).max().unwrap_or(0)
}

/// What its containers together have in `part` (`requests` or `limits`) of a compute resource.
pub(crate) fn requested(pod: &Value, part: &str, what: &str) -> Quantity {
    let containers = object::items(pod, "/spec/containers").iter();
    containers
        .filter_map(|container| container.get("resources")?.get(part)?.get(what))
        .fold(Quantity::from(0), |sum, value| sum + quantity(value))
}

/// A quantity as objects carry it, text or number; what is none counts as zero.
pub(crate) fn quantity(value: &Value) -> Quantity {
    match value {
        Value::String(text) => text.parse().unwrap_or(Quantity::from(0)),
        other => Quantity::from(other.as_i64().unwrap_or(0)),
    }
}
