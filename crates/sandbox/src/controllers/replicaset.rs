//! The ReplicaSet controller: as many pods as `spec.replicas` asks for, and a status that counts them.
//!
//! A reconciliation claims pods (adopts matching orphans, releases what no longer matches), creates or deletes the
//! difference, and reports what it saw before it did so; the pods it made or removed bring it back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::agenda::{Name, Task};
use super::deployment::{add_owner, remove_owner};
use super::events::Severity;
use super::{Context, pod, selector};
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::{DeleteOptions, Part};

mod victims;

/// The name under which events are reported.
const COMPONENT: &str = "replicaset-controller";
/// A difference of so many pods, or less, is made up pod by pod, with other controllers in between. In a real cluster
/// the ReplicaSets of a Deployment are synced side by side, and neither gets far ahead of the other.
const SINGLE_STEPS: usize = 48;
/// A larger difference is reduced by this fraction at a time, to look at all pods less often.
const FRACTION: usize = 16;

/// Reconciles one ReplicaSet.
pub(super) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(set) = context.get(resources::REPLICASETS, name) else {
        return Ok(());
    };
    let pods = claim(context, &set)?;
    let (active, inactive): (Vec<_>, Vec<_>) = pods.into_iter().partition(|one| pod::is_active(one));
    let outcome = if object::is_deleting(&set) { Ok(Managed::Done) } else { manage(context, &set, &active) };
    if matches!(outcome, Ok(Managed::Partly)) {
        // The status waits until all is done, as it does where the whole difference is one sync.
        context.agenda.now(Task::ReplicaSet(name.clone()));
        return Ok(());
    }
    let terminating = inactive.iter().filter(|one| object::is_deleting(one) && !pod::is_finished(one)).count();
    report(context, &set, &active, terminating, outcome.as_ref().err())?;
    outcome.map(|_| ())
}

/// How far a reconciliation got.
enum Managed {
    Done,
    Partly,
}

/// The pods of the set. Pods that match and have no controller are adopted, unless the set is going away.
fn claim(context: &mut Context<'_>, set: &Arc<Value>) -> Result<Vec<Arc<Value>>, Status> {
    let uid = object::uid(set);
    let wanted = &set["spec"]["selector"];
    let is_pod = |one: &&Arc<Value>| object::kind(one) == resources::PODS.kind;
    let (owned, strangers): (Vec<_>, Vec<_>) = context
        .storage
        .dependents(uid)
        .filter(is_pod)
        .filter(|one| object::controller_of(one).is_some_and(|owner| object::text(owner, "/uid") == uid))
        .cloned()
        .partition(|one| selector::matches(wanted, object::labels(one)));
    if object::is_deleting(set) {
        return Ok(owned);
    }
    for stranger in strangers.iter().filter(|one| !object::is_deleting(one)) {
        change_pod(context, stranger, |pod| remove_owner(pod, uid))?;
    }
    let mut pods = owned;
    for orphan in context.orphans(object::namespace(set)) {
        if pod::is_active(&orphan) && selector::matches(wanted, object::labels(&orphan)) {
            pods.push(change_pod(context, &orphan, |pod| add_owner(pod, owner_reference(set)))?);
        }
    }
    Ok(pods)
}

/// Creates or deletes some of the pods by which the number is wrong.
fn manage(context: &mut Context<'_>, set: &Arc<Value>, active: &[Arc<Value>]) -> Result<Managed, Status> {
    let wanted = usize::try_from(object::integer(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let difference = wanted.abs_diff(active.len());
    let slice = if difference <= SINGLE_STEPS { difference.min(1) } else { difference.div_ceil(FRACTION) };
    if wanted > active.len() {
        for _ in 0..slice {
            create_pod(context, set)?;
        }
    } else if slice > 0 {
        let related = related_pods(context, set);
        for victim in victims::choose(active, &related, slice, context.now) {
            delete_pod(context, set, &victim)?;
        }
    }
    Ok(if difference > slice { Managed::Partly } else { Managed::Done })
}

fn create_pod(context: &mut Context<'_>, set: &Arc<Value>) -> Result<(), Status> {
    let namespace = object::namespace(set).to_owned();
    match context.writes().create(resources::PODS, &namespace, new_pod(set)) {
        Ok(created) => {
            let message = format!("Created pod: {}", object::name(&created));
            context.event(set, Severity::Normal, "SuccessfulCreate", &message, COMPONENT);
            Ok(())
        }
        Err(refusal) => {
            // A namespace that is going away needs no more pods, and no more attempts.
            let causes = refusal.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
            if causes.iter().any(|cause| cause.reason == "NamespaceTerminating") {
                return Ok(());
            }
            let message = format!("Error creating: {}", refusal.message);
            context.event(set, Severity::Warning, "FailedCreate", &message, COMPONENT);
            Err(refusal)
        }
    }
}

fn delete_pod(context: &mut Context<'_>, set: &Arc<Value>, victim: &Value) -> Result<(), Status> {
    let (namespace, name) = (object::namespace(victim).to_owned(), object::name(victim).to_owned());
    match context.writes().delete(resources::PODS, &namespace, &name, &DeleteOptions::default()) {
        Ok(_) => {
            context.event(set, Severity::Normal, "SuccessfulDelete", &format!("Deleted pod: {name}"), COMPONENT);
            Ok(())
        }
        Err(refusal) if refusal.code == 404 => Ok(()),
        Err(refusal) => {
            let message = format!("Error deleting: {}", refusal.message);
            context.event(set, Severity::Warning, "FailedDelete", &message, COMPONENT);
            Err(refusal)
        }
    }
}

/// The pod that the template of the set describes.
fn new_pod(set: &Value) -> Value {
    let template = &set["spec"]["template"];
    let mut metadata = Map::new();
    metadata.insert("generateName".into(), json!(format!("{}-", object::name(set))));
    for part in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.get("metadata").and_then(|metadata| metadata.get(part)) {
            metadata.insert(part.into(), value.clone());
        }
    }
    metadata.insert("ownerReferences".into(), json!([owner_reference(set)]));
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]})
}

/// Active pods of all ReplicaSets with the same controller: where they run decides which pods are doubled up.
fn related_pods(context: &Context<'_>, set: &Arc<Value>) -> Vec<Arc<Value>> {
    let sets: Vec<&Arc<Value>> = match object::controller_of(set) {
        Some(owner) => context.storage.dependents(object::text(owner, "/uid")).collect(),
        None => vec![set],
    };
    sets.into_iter()
        .flat_map(|set| context.storage.dependents(object::uid(set)))
        .filter(|one| object::kind(one) == resources::PODS.kind && pod::is_active(one))
        .cloned()
        .collect()
}

/// Writes the status if it changed, and asks to come back when the next pod gets available by the mere passage of time.
fn report(
    context: &mut Context<'_>,
    set: &Arc<Value>,
    active: &[Arc<Value>],
    terminating: usize,
    failure: Option<&Status>,
) -> Result<(), Status> {
    let min_ready = SignedDuration::from_secs(object::integer(set, "/spec/minReadySeconds").unwrap_or(0));
    let labels = object::labels(&set["spec"]["template"]).cloned().unwrap_or_default();
    let labelled =
        active.iter().filter(|one| labels.iter().all(|(key, value)| object::label(one, key) == value.as_str()));
    let labelled = labelled.count();
    let ready: Vec<Timestamp> = active.iter().filter_map(|one| pod::ready_since(one)).collect();
    let available_at = |since: &Timestamp| since.checked_add(min_ready).unwrap_or(Timestamp::MAX);
    let available = ready.iter().filter(|since| available_at(since) <= context.now).count();
    let next = ready.iter().map(available_at).filter(|time| *time > context.now).min();

    let mut status = Map::new();
    status.insert("replicas".into(), json!(active.len()));
    for (field, count) in
        [("fullyLabeledReplicas", labelled), ("readyReplicas", ready.len()), ("availableReplicas", available)]
    {
        if count > 0 {
            status.insert(field.into(), json!(count));
        }
    }
    status.insert("terminatingReplicas".into(), json!(terminating));
    status.insert("observedGeneration".into(), json!(object::generation(set)));
    let conditions = conditions(set, active.len(), failure, context.now);
    if !conditions.is_empty() {
        status.insert("conditions".into(), Value::Array(conditions));
    }
    let status = Value::Object(status);
    let name = Name::of(set);
    if set.get("status") != Some(&status) {
        context.writes().modify(resources::REPLICASETS, &name.namespace, &name.name, Part::Status, |set| {
            object::set_or_remove(set, "status", Some(status));
        })?;
    }
    if let Some(time) = next {
        context.agenda.at(time, Task::ReplicaSet(name));
    }
    Ok(())
}

/// The conditions with ReplicaFailure set or removed.
fn conditions(set: &Value, active: usize, failure: Option<&Status>, now: Timestamp) -> Vec<Value> {
    const FAILURE: &str = "ReplicaFailure";
    let mut conditions = object::items(set, "/status/conditions").to_vec();
    let failed_before = conditions.iter().any(|one| object::text(one, "/type") == FAILURE);
    match failure {
        Some(failure) if !failed_before => {
            let wanted = usize::try_from(object::integer(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
            conditions.push(json!({
                "type": FAILURE,
                "status": "True",
                "lastTransitionTime": object::format_time(now),
                "reason": if active < wanted { "FailedCreate" } else { "FailedDelete" },
                "message": failure.message,
            }));
        }
        None => conditions.retain(|one| object::text(one, "/type") != FAILURE),
        Some(_) => {}
    }
    conditions
}

fn change_pod(context: &mut Context<'_>, pod: &Value, edit: impl FnOnce(&mut Value)) -> Result<Arc<Value>, Status> {
    let name = Name::of(pod);
    context.writes().modify(resources::PODS, &name.namespace, &name.name, Part::Main, edit)
}

fn owner_reference(set: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": object::name(set),
        "uid": object::uid(set),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}
