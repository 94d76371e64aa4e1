//! Deletion: preconditions, finalizers, grace, propagation.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Writes, update};
use crate::object;
use crate::resources::{Generation, Resource};
use crate::status::{Details, Status};

/// What becomes of dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are collected after the owner is gone.
    Background,
    /// The owner waits for them.
    Foreground,
    /// They stay.
    Orphan,
}

/// The options of a delete request; the default deletes unconditionally with the kind's own grace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    pub grace_period_seconds: Option<i64>,
    pub propagation: Option<Propagation>,
    /// Precondition on `metadata.uid`.
    pub uid: Option<String>,
    /// Precondition on `metadata.resourceVersion`.
    pub resource_version: Option<String>,
}

/// What a delete did.
#[derive(Debug, Clone, PartialEq)]
pub enum Deletion {
    /// The object is gone; this was its last state.
    Gone(Arc<Value>),
    /// Finalizers or a grace period hold the object; this is its state now.
    Held(Arc<Value>),
}

impl Deletion {
    /// The object, gone or held.
    pub fn object(&self) -> &Arc<Value> {
        match self {
            Self::Gone(object) | Self::Held(object) => object,
        }
    }
}

/// See [`Writes::delete`].
pub(super) fn delete(
    writes: &mut Writes<'_>,
    resource: &'static Resource,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deletion, Status> {
    let stored = writes.storage.get(resource, namespace, name).ok_or_else(|| Status::not_found(resource, name))?;
    let stored = Arc::clone(stored);
    check_preconditions(resource, name, &stored, options)?;

    let mut object = Value::clone(&stored);
    request_propagation(&mut object, options.propagation);
    let grace = grace_period(resource, &stored, options);
    mark(writes, resource, &mut object, grace);
    if update::is_released(resource, &object) {
        if writes.dry_run {
            return Ok(Deletion::Gone(Arc::new(object)));
        }
        // A pod that goes at once is still seen to be going: marked first, then removed.
        if has_grace(resource) && object != *stored {
            writes.storage.put(resource, object);
        }
        let last = writes.storage.remove(resource, namespace, name);
        return Ok(Deletion::Gone(last.unwrap_or(stored)));
    }
    if object == *stored {
        return Ok(Deletion::Held(stored));
    }
    if writes.dry_run {
        return Ok(Deletion::Held(Arc::new(object)));
    }
    Ok(Deletion::Held(writes.storage.put(resource, object)))
}

fn check_preconditions(resource: &Resource, name: &str, stored: &Value, options: &DeleteOptions) -> Result<(), Status> {
    // These conflicts speak of the Kind, where all others speak of the plural.
    let conflict = |why: String| {
        let kind = resource.qualified_kind();
        let message = format!("Operation cannot be fulfilled on {kind} \"{name}\": {why}");
        Status::new(409, "Conflict", message).with_details(Details {
            name: name.to_owned(),
            group: resource.group.to_owned(),
            kind: resource.kind.to_owned(),
            ..Details::default()
        })
    };
    let uid = object::uid(stored);
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        return Err(conflict(format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        )));
    }
    let version = object::text(stored, "/metadata/resourceVersion");
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        return Err(conflict(format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        )));
    }
    Ok(())
}

/// Propagation other than Background is a finalizer that the garbage collector takes off when it has done its part.
fn request_propagation(object: &mut Value, propagation: Option<Propagation>) {
    let wanted = match propagation {
        None => return,
        Some(Propagation::Background) => None,
        Some(Propagation::Foreground) => Some("foregroundDeletion"),
        Some(Propagation::Orphan) => Some("orphan"),
    };
    let mut finalizers: Vec<String> = object::finalizers(object)
        .filter(|one| !matches!(*one, "foregroundDeletion" | "orphan"))
        .map(str::to_owned)
        .collect();
    finalizers.extend(wanted.map(str::to_owned));
    object::set_finalizers(object, finalizers.iter().map(String::as_str));
}

/// Only pods are ended rather than just removed.
fn has_grace(resource: &Resource) -> bool {
    resource.storage_key == "pods"
}

/// Only pods have a grace, and only those that a node may be running.
fn grace_period(resource: &Resource, stored: &Value, options: &DeleteOptions) -> i64 {
    if !has_grace(resource) {
        return 0;
    }
    let idle = object::text(stored, "/spec/nodeName").is_empty()
        || matches!(object::text(stored, "/status/phase"), "Succeeded" | "Failed");
    if idle {
        return 0;
    }
    let own = object::integer(stored, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    options.grace_period_seconds.unwrap_or(own).max(0)
}

/// Sets or shortens the deletion marks. The grace counts from the first request, however often it is shortened.
fn mark(writes: &Writes<'_>, resource: &Resource, object: &mut Value, grace: i64) {
    let present = object::integer(object, "/metadata/deletionGracePeriodSeconds");
    if object::is_deleting(object) && present.is_none_or(|present| present <= grace) {
        return;
    }
    if !object::is_deleting(object) && (resource.generation != Generation::None || object::generation(object) > 0) {
        let next = object::generation(object) + 1;
        object::metadata_mut(object).insert("generation".into(), json!(next));
    }
    let requested = match (object::deletion_timestamp(object), present) {
        (Some(end), Some(present)) => end.saturating_sub(SignedDuration::from_secs(present)).unwrap_or(writes.now),
        _ => writes.now,
    };
    let end = requested.saturating_add(SignedDuration::from_secs(grace)).unwrap_or(requested);
    let metadata = object::metadata_mut(object);
    metadata.insert("deletionTimestamp".into(), json!(object::format_time(end)));
    if resource.storage_key == "namespaces" {
        object::child_mut(object::as_map(object), "status").insert("phase".into(), json!("Terminating"));
    } else {
        metadata.insert("deletionGracePeriodSeconds".into(), json!(grace));
    }
}
