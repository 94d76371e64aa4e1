//! The status of PodDisruptionBudgets: how many pods may be evicted now.
//!
//! The eviction subresource spends from `status.disruptionsAllowed` and notes the pod in `status.disruptedPods`; this
//! controller counts anew when pods change, and forgets noted pods that are gone or were not deleted after all.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::agenda::{Name, Task};
use super::deployment::model::resolve;
use super::{Context, pod, selector};
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::Part;

/// An evicted pod that is still not being deleted after this time will not be.
const EVICTION_PATIENCE: SignedDuration = SignedDuration::from_secs(120);

/// Counts for one budget.
pub(super) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(budget) = context.get(resources::PODDISRUPTIONBUDGETS, name) else { return Ok(()) };
    let pods: Vec<Arc<Value>> = context
        .storage
        .list(resources::PODS, Some(&name.namespace))
        .filter(|pod| selector::matches(&budget["spec"]["selector"], object::labels(pod)))
        .cloned()
        .collect();
    let (disrupted, recheck) = still_disrupted(&budget, &pods, context.now);
    let healthy = pods
        .iter()
        .filter(|pod| pod::is_ready(pod) && !object::is_deleting(pod) && !disrupted.contains_key(object::name(pod)));
    let healthy = i64::try_from(healthy.count()).unwrap_or(i64::MAX);
    let status = match expectation(context, &budget, &pods) {
        Ok((expected, desired)) => {
            let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
            let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
            let mut counts = counts(&budget, allowed, healthy, desired, expected, &disrupted);
            set_condition(&budget, &mut counts, allowed > 0, reason, "", context.now);
            counts
        }
        Err(why) => {
            let count = |field: &str| object::integer(&budget, &format!("/status/{field}")).unwrap_or(0);
            let (current, desired, expected) =
                (count("currentHealthy"), count("desiredHealthy"), count("expectedPods"));
            let mut counts = counts(&budget, 0, current, desired, expected, &disrupted);
            set_condition(&budget, &mut counts, false, "SyncFailed", &why, context.now);
            counts
        }
    };
    let status = Value::Object(status);
    if budget.get("status") != Some(&status) {
        context.writes().modify(
            resources::PODDISRUPTIONBUDGETS,
            &name.namespace,
            &name.name,
            Part::Status,
            |budget| object::set_or_remove(budget, "status", Some(status)),
        )?;
    }
    if let Some(time) = recheck {
        context.agenda.at(time, Task::Disruption(name.clone()));
    }
    Ok(())
}

/// How many pods there should be, and how many of them have to stay healthy.
fn expectation(context: &Context<'_>, budget: &Value, pods: &[Arc<Value>]) -> Result<(i64, i64), String> {
    if let Some(most) = budget.pointer("/spec/maxUnavailable") {
        let expected = wanted_by_controllers(context, pods)?;
        return Ok((expected, (expected - resolve(most, expected, f64::ceil)).max(0)));
    }
    match budget.pointer("/spec/minAvailable") {
        Some(least) if least.is_string() => {
            let expected = wanted_by_controllers(context, pods)?;
            Ok((expected, resolve(least, expected, f64::ceil)))
        }
        Some(least) => Ok((i64::try_from(pods.len()).unwrap_or(i64::MAX), least.as_i64().unwrap_or(0))),
        // A budget without a bound expects nothing and allows nothing.
        None => Ok((0, 0)),
    }
}

/// The sum of what the controllers of the pods are told to have.
fn wanted_by_controllers(context: &Context<'_>, pods: &[Arc<Value>]) -> Result<i64, String> {
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods {
        let namespace = object::namespace(pod);
        let owner = object::controller_of(pod)
            .ok_or_else(|| format!("found no controllers for pod {:?}", object::name(pod)))?;
        let name = Name::new(namespace, object::text(owner, "/name"));
        let set = context.get(resources::REPLICASETS, &name);
        let Some(set) = set.filter(|set| object::uid(set) == object::text(owner, "/uid")) else { continue };
        let deployment = object::controller_of(&set)
            .and_then(|owner| context.get(resources::DEPLOYMENTS, &Name::new(namespace, object::text(owner, "/name"))));
        let controller = deployment.unwrap_or(set);
        let replicas = object::integer(&controller, "/spec/replicas").unwrap_or(1);
        wanted.insert(object::uid(&controller).to_owned(), replicas);
    }
    Ok(wanted.values().sum())
}

/// Evicted pods of which the end is still to be seen, and when to stop waiting for the first of them.
fn still_disrupted(budget: &Value, pods: &[Arc<Value>], now: Timestamp) -> (Map<String, Value>, Option<Timestamp>) {
    let mut kept = Map::new();
    let mut recheck: Option<Timestamp> = None;
    let noted = budget.pointer("/status/disruptedPods").and_then(Value::as_object);
    for (name, time) in noted.into_iter().flatten() {
        let here = pods.iter().any(|pod| object::name(pod) == name && !object::is_deleting(pod));
        let since: Option<Timestamp> = time.as_str().and_then(|time| time.parse().ok());
        let until = since.and_then(|since| since.checked_add(EVICTION_PATIENCE).ok());
        if let Some(until) = until.filter(|until| here && *until > now) {
            kept.insert(name.clone(), time.clone());
            recheck = [recheck, Some(until)].into_iter().flatten().min();
        }
    }
    (kept, recheck)
}

fn counts(
    budget: &Value,
    allowed: i64,
    healthy: i64,
    desired: i64,
    expected: i64,
    disrupted: &Map<String, Value>,
) -> Map<String, Value> {
    let mut status = Map::new();
    status.insert("observedGeneration".into(), json!(object::generation(budget)));
    if !disrupted.is_empty() {
        status.insert("disruptedPods".into(), Value::Object(disrupted.clone()));
    }
    status.insert("disruptionsAllowed".into(), json!(allowed));
    status.insert("currentHealthy".into(), json!(healthy));
    status.insert("desiredHealthy".into(), json!(desired));
    status.insert("expectedPods".into(), json!(expected));
    status
}

fn set_condition(
    budget: &Value,
    status: &mut Map<String, Value>,
    allowed: bool,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let value = if allowed { "True" } else { "False" };
    let before = object::items(budget, "/status/conditions").first();
    let since = before
        .filter(|before| object::text(before, "/status") == value)
        .map_or_else(|| object::format_time(now), |before| object::text(before, "/lastTransitionTime").to_owned());
    let condition = json!({
        "type": "DisruptionAllowed",
        "status": value,
        "observedGeneration": object::generation(budget),
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    });
    status.insert("conditions".into(), json!([condition]));
}
