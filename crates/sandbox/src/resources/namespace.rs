//! Namespaces and Nodes.

use serde_json::{Value, json};

use super::default::{fill, set_status, spec};
use crate::object;

/// The label with the name that every Namespace carries, whatever a client does to it.
pub(super) fn default(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    if !name.is_empty() {
        object::set_label(namespace, "kubernetes.io/metadata.name", &name);
    }
}

/// A new Namespace is active, and held by the finalizer that empties it.
pub(super) fn prepare(namespace: &mut Value, old: Option<&Value>) {
    set_status(namespace, old, json!({"phase": "Active"}));
    let finalizers = match old {
        None => Some(json!(["kubernetes"])),
        Some(old) => old.pointer("/spec/finalizers").cloned(),
    };
    let Some(spec) = spec(namespace) else { return };
    match finalizers {
        Some(finalizers) => drop(spec.insert("finalizers".to_owned(), finalizers)),
        None => drop(spec.shift_remove("finalizers")),
    }
}

/// A Node allots what it has.
pub(super) fn default_node(node: &mut Value) {
    let Some(status) = node.get_mut("status").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(capacity) = status.get("capacity").cloned() {
        fill(status, "allocatable", capacity);
    }
}
