//! The garbage collector: dependents follow their owners.
//!
//! - *Background*: the owner is gone at once; each dependent whose owners are all gone is deleted.
//! - *Foreground*: the owner waits, marked by a finalizer, until the dependents that block it are gone.
//! - *Orphan*: the owner waits until its dependents have lost their reference to it.

use std::sync::Arc;

use serde_json::Value;

use super::Context;
use super::agenda::{Name, Task};
use super::deployment::remove_owner;
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::storage::ObjectKey;
use crate::writes::{DeleteOptions, Part, Propagation};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Whether an object that is being deleted waits for the garbage collector.
pub(super) fn awaits_dependents(object: &Value) -> bool {
    object::finalizers(object).any(|finalizer| finalizer == FOREGROUND || finalizer == ORPHAN)
}

/// Deals with the dependents of an object that is deleted in the foreground or by orphaning.
pub(super) fn finalize(context: &mut Context<'_>, key: &ObjectKey) -> Result<(), Status> {
    let Some(owner) = get(context, key) else {
        return Ok(());
    };
    if !object::is_deleting(&owner) {
        return Ok(());
    }
    let has = |wanted: &str| object::finalizers(&owner).any(|finalizer| finalizer == wanted);
    if has(ORPHAN) {
        orphan_dependents(context, &owner)?;
        return drop_finalizer(context, key, ORPHAN);
    }
    if !has(FOREGROUND) {
        return Ok(());
    }
    let uid = object::uid(&owner).to_owned();
    let dependents = dependents(context, &uid);
    if !dependents.iter().any(|(_, dependent)| blocks(dependent, &uid)) {
        return drop_finalizer(context, key, FOREGROUND);
    }
    for (key, dependent) in dependents {
        if !object::is_deleting(&dependent) {
            context.agenda.now(Task::Collect(key));
        }
    }
    Ok(())
}

/// Deletes an object whose owners are all gone, or all going and waiting for it.
pub(super) fn collect(context: &mut Context<'_>, key: &ObjectKey) -> Result<(), Status> {
    let Some(dependent) = get(context, key) else {
        return Ok(());
    };
    let owners = object::owner_references(&dependent);
    if owners.is_empty() || object::is_deleting(&dependent) {
        return Ok(());
    }
    let mut solid = false;
    let mut waiting = false;
    let mut dangling = Vec::new();
    for owner in owners {
        match find_owner(context, owner, &key.namespace) {
            None => dangling.push(object::text(owner, "/uid").to_owned()),
            Some(owner) if is_waiting(&owner) => waiting = true,
            Some(_) => solid = true,
        }
    }
    if solid {
        if dangling.is_empty() {
            return Ok(());
        }
        return context
            .writes()
            .modify(key.resource, &key.namespace, &key.name, Part::Main, |object| {
                dangling.iter().for_each(|uid| remove_owner(object, uid));
            })
            .map(|_| ());
    }
    // Dependents of the dependent that block it make the deletion cascade in the foreground.
    let has_dependents = context.storage.dependent_keys(object::uid(&dependent)).next().is_some();
    let propagation = match (waiting, has_dependents) {
        (true, true) => Propagation::Foreground,
        (true | false, _) => kept_propagation(&dependent),
    };
    let options = DeleteOptions {
        propagation: Some(propagation),
        uid: Some(object::uid(&dependent).to_owned()),
        ..DeleteOptions::default()
    };
    match context.writes().delete(key.resource, &key.namespace, &key.name, &options) {
        Err(refusal) if refusal.code != 404 => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A dependent may itself already say how its own dependents are to be treated.
fn kept_propagation(dependent: &Value) -> Propagation {
    let has = |wanted: &str| object::finalizers(dependent).any(|finalizer| finalizer == wanted);
    if has(ORPHAN) {
        Propagation::Orphan
    } else if has(FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    }
}

fn get(context: &Context<'_>, key: &ObjectKey) -> Option<Arc<Value>> {
    context.storage.get(key.resource, &key.namespace, &key.name).map(Arc::clone)
}

/// The owner with the uid that the reference names; owners are in the namespace of the dependent or have none.
fn find_owner(context: &Context<'_>, reference: &Value, namespace: &str) -> Option<Arc<Value>> {
    let resource = resources::find_kind(object::text(reference, "/apiVersion"), object::text(reference, "/kind"))?;
    let namespace = if resource.namespaced { namespace } else { "" };
    let owner = context.get(resource, &Name::new(namespace, object::text(reference, "/name")))?;
    (object::uid(&owner) == object::text(reference, "/uid")).then_some(owner)
}

fn is_waiting(owner: &Value) -> bool {
    object::is_deleting(owner) && object::finalizers(owner).any(|finalizer| finalizer == FOREGROUND)
}

fn blocks(dependent: &Value, uid: &str) -> bool {
    object::owner_references(dependent)
        .iter()
        .any(|owner| object::text(owner, "/uid") == uid && object::boolean(owner, "/blockOwnerDeletion") == Some(true))
}

fn dependents(context: &Context<'_>, uid: &str) -> Vec<(ObjectKey, Arc<Value>)> {
    let keys = context.storage.dependent_keys(uid);
    keys.filter_map(|key| Some((key.clone(), get(context, key)?))).collect()
}

fn orphan_dependents(context: &mut Context<'_>, owner: &Value) -> Result<(), Status> {
    let uid = object::uid(owner);
    for (key, _) in dependents(context, uid) {
        let mut writes = context.writes();
        writes.modify(key.resource, &key.namespace, &key.name, Part::Main, |object| remove_owner(object, uid))?;
    }
    Ok(())
}

fn drop_finalizer(context: &mut Context<'_>, key: &ObjectKey, finalizer: &str) -> Result<(), Status> {
    context
        .writes()
        .modify(key.resource, &key.namespace, &key.name, Part::Main, |object| {
            let kept: Vec<String> =
                object::finalizers(object).filter(|one| *one != finalizer).map(str::to_owned).collect();
            object::set_finalizers(object, kept.iter().map(String::as_str));
        })
        .map(|_| ())
}
