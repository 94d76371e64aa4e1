//! The status of a Deployment: counts and conditions.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::model::{Deployment, ReplicaSet};
use crate::object;

/// Reasons of the Progressing condition that the controller acts on.
pub(super) mod reason {
    pub(in super::super) const UPDATED: &str = "ReplicaSetUpdated";
    pub(in super::super) const CREATED: &str = "NewReplicaSetCreated";
    pub(in super::super) const FOUND: &str = "FoundNewReplicaSet";
    pub(in super::super) const CREATE_ERROR: &str = "ReplicaSetCreateError";
    pub(in super::super) const AVAILABLE: &str = "NewReplicaSetAvailable";
    pub(in super::super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";
    pub(in super::super) const PAUSED: &str = "DeploymentPaused";
    pub(in super::super) const RESUMED: &str = "DeploymentResumed";
}

const PROGRESSING: &str = "Progressing";
const REPLICA_FAILURE: &str = "ReplicaFailure";

/// A condition to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: String,
}

/// What a reconciliation learnt about progress, besides the status itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outlook {
    /// When lack of progress will have to be judged; `None` when there is nothing to wait for.
    pub(super) check_at: Option<Timestamp>,
}

/// The Progressing condition of a status.
pub(super) fn progressing(status: &Value) -> Option<&Value> {
    find(status, PROGRESSING)
}

/// The counts of `sets` (the `new` one among them), the Available condition, and the other conditions as they were.
pub(super) fn observe(deployment: &Deployment, new: Option<&ReplicaSet>, sets: &[ReplicaSet], now: Timestamp) -> Value {
    let sum = |field: &str| sets.iter().map(|set| set.status(field)).sum::<i64>();
    let available = sum("availableReplicas");
    let unavailable = (super::model::total(sets) - available).max(0);
    let counts = [
        ("replicas", sum("replicas")),
        ("updatedReplicas", new.map_or(0, |new| new.status("replicas"))),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", unavailable),
    ];
    let mut status = Map::new();
    status.insert("observedGeneration".into(), json!(object::generation(&deployment.object)));
    status.extend(counts.into_iter().filter(|(_, count)| *count != 0).map(|(key, count)| (key.into(), json!(count))));
    // Unknown until every ReplicaSet has reported it.
    if sets.iter().all(|set| set.object.pointer("/status/terminatingReplicas").is_some()) {
        status.insert("terminatingReplicas".into(), json!(sum("terminatingReplicas")));
    }
    status.insert("conditions".into(), json!(object::items(&deployment.object, "/status/conditions")));
    if let Some(collisions) = deployment.object.pointer("/status/collisionCount") {
        status.insert("collisionCount".into(), collisions.clone());
    }
    let mut status = Value::Object(status);
    let enough = available >= deployment.replicas - deployment.unavailable();
    let (value, reason, message) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set(&mut status, Condition { kind: "Available", status: value, reason, message: message.into() }, now);
    status
}

/// Judges the progress of a roll-out and completes `status` (made by [`observe`]) with the conditions that say so.
pub(super) fn judge(
    deployment: &Deployment,
    new: Option<&ReplicaSet>,
    sets: &[ReplicaSet],
    status: &mut Value,
    now: Timestamp,
) {
    let before = deployment.object.get("status").unwrap_or(&Value::Null);
    let current = progressing(before).cloned();
    let count = |status: &Value, field: &str| status.get(field).and_then(Value::as_i64).unwrap_or(0);
    let settled = count(status, "replicas") == count(status, "updatedReplicas")
        && current.as_ref().is_some_and(|current| object::text(current, "/reason") == reason::AVAILABLE);
    if deployment.progress_deadline.is_none() {
        remove(status, PROGRESSING);
    } else if !settled {
        let subject = match new {
            Some(new) => format!("ReplicaSet {:?}", new.name()),
            None => format!("Deployment {:?}", deployment.name()),
        };
        let condition = |status, reason, what: &str| Condition {
            kind: PROGRESSING,
            status,
            reason,
            message: format!("{subject} {what}"),
        };
        if deployment.is_complete(status) {
            set(status, condition("True", reason::AVAILABLE, "has successfully progressed."), now);
        } else if progressed(before, status) {
            renew(status, current.as_ref(), condition("True", reason::UPDATED, "is progressing."), now);
        } else if timed_out(deployment, status, now) {
            set(status, condition("False", reason::TIMED_OUT, "has timed out progressing."), now);
        }
    }
    report_failure(new, sets, status);
}

/// When to look again whether the roll-out has stopped progressing, given the status that stands now.
pub(super) fn outlook(deployment: &Deployment, status: &Value) -> Outlook {
    let check_at = deployment.progress_deadline.and_then(|deadline| {
        let condition = progressing(status)?;
        let over = deployment.is_complete(status) || object::text(condition, "/reason") == reason::TIMED_OUT;
        // One second more than the deadline: condition times are cut to whole seconds.
        let seconds = jiff::SignedDuration::from_secs(deadline.saturating_add(1));
        let since = object::timestamp(condition, "/lastUpdateTime")?;
        if over { None } else { since.checked_add(seconds).ok() }
    });
    Outlook { check_at }
}

/// Sets a condition. The same status and reason leave it as it is; the same status keeps the transition time.
pub(super) fn set(status: &mut Value, condition: Condition<'_>, now: Timestamp) {
    let current = find(status, condition.kind);
    let same_status = current.is_some_and(|current| object::text(current, "/status") == condition.status);
    if same_status && current.is_some_and(|current| object::text(current, "/reason") == condition.reason) {
        return;
    }
    let transition = current.filter(|_| same_status).and_then(|current| current.get("lastTransitionTime")).cloned();
    place(status, condition, transition, now);
}

/// Sets a condition even when only time has passed, so that its update time tells of the latest progress.
fn renew(status: &mut Value, current: Option<&Value>, condition: Condition<'_>, now: Timestamp) {
    let transition = current
        .filter(|current| object::text(current, "/status") == "True")
        .and_then(|current| current.get("lastTransitionTime"))
        .cloned();
    place(status, condition, transition, now);
}

fn place(status: &mut Value, condition: Condition<'_>, transition: Option<Value>, now: Timestamp) {
    let time = json!(object::format_time(now));
    let value = json!({
        "type": condition.kind,
        "status": condition.status,
        "lastUpdateTime": time,
        "lastTransitionTime": transition.unwrap_or_else(|| time.clone()),
        "reason": condition.reason,
        "message": condition.message,
    });
    remove(status, condition.kind);
    if let Some(conditions) = conditions_mut(status) {
        conditions.push(value);
    }
}

fn progressed(before: &Value, after: &Value) -> bool {
    let count = |status: &Value, field: &str| status.get(field).and_then(Value::as_i64).unwrap_or(0);
    let grew = |field| count(after, field) > count(before, field);
    let old = |status| count(status, "replicas") - count(status, "updatedReplicas");
    grew("updatedReplicas") || old(after) < old(before) || grew("readyReplicas") || grew("availableReplicas")
}

fn timed_out(deployment: &Deployment, status: &Value, now: Timestamp) -> bool {
    let Some(condition) = progressing(status) else {
        return false;
    };
    match object::text(condition, "/reason") {
        reason::AVAILABLE => false,
        reason::TIMED_OUT => true,
        _ => deployment.progress_deadline.is_some_and(|deadline| {
            object::timestamp(condition, "/lastUpdateTime")
                .is_some_and(|since| now.duration_since(since) > jiff::SignedDuration::from_secs(deadline))
        }),
    }
}

/// Shows the failure of a ReplicaSet to create pods, that of the new one first.
fn report_failure(new: Option<&ReplicaSet>, sets: &[ReplicaSet], status: &mut Value) {
    let failure = new.into_iter().chain(sets).find_map(|set| {
        let set_status = set.object.get("status")?;
        find(set_status, REPLICA_FAILURE)
    });
    let Some(failure) = failure.cloned() else {
        remove(status, REPLICA_FAILURE);
        return;
    };
    let same = find(status, REPLICA_FAILURE).is_some_and(|current| {
        ["/status", "/reason"].iter().all(|field| object::text(current, field) == object::text(&failure, field))
    });
    if same {
        return;
    }
    let value = json!({
        "type": REPLICA_FAILURE,
        "status": failure["status"],
        "lastUpdateTime": failure["lastTransitionTime"],
        "lastTransitionTime": failure["lastTransitionTime"],
        "reason": failure["reason"],
        "message": failure["message"],
    });
    remove(status, REPLICA_FAILURE);
    if let Some(conditions) = conditions_mut(status) {
        conditions.push(value);
    }
}

fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    object::items(status, "/conditions").iter().find(|condition| object::text(condition, "/type") == kind)
}

fn remove(status: &mut Value, kind: &str) {
    if let Some(conditions) = conditions_mut(status) {
        conditions.retain(|condition| object::text(condition, "/type") != kind);
    }
}

fn conditions_mut(status: &mut Value) -> Option<&mut Vec<Value>> {
    object::as_map(status).entry("conditions").or_insert_with(|| json!([])).as_array_mut()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn deployment(deadline: i64, reason: &str) -> Deployment {
        Deployment::read(Arc::new(json!({
            "metadata": {"name": "web", "generation": 2},
            "spec": {"replicas": 3, "progressDeadlineSeconds": deadline},
            "status": {"replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3, "conditions": [
                {"type": "Progressing", "status": "True", "reason": reason, "lastUpdateTime": "2026-01-01T00:00:00Z"}]}
        })))
    }

    fn set_of(name: &str, ready: i64, all: i64) -> ReplicaSet {
        ReplicaSet::read(Arc::new(json!({"metadata": {"name": name}, "spec": {"replicas": all}, "status": {
            "replicas": all, "readyReplicas": ready, "availableReplicas": ready, "terminatingReplicas": 0}})))
    }

    fn judged(deployment: &Deployment, new_ready: i64, seconds: i64) -> Value {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let now = now + jiff::SignedDuration::from_secs(seconds);
        let sets = [set_of("old", 3, 3), set_of("new", new_ready, 1)];
        let mut status = observe(deployment, Some(&sets[1]), &sets, now);
        judge(deployment, Some(&sets[1]), &sets, &mut status, now);
        progressing(&status).cloned().unwrap_or(Value::Null)
    }

    #[test]
    fn standing_still_beyond_the_deadline_is_a_timeout() {
        let stuck = deployment(6, reason::UPDATED);
        assert_eq!(judged(&stuck, 0, 6)["reason"], reason::UPDATED);
        let late = judged(&stuck, 0, 7);
        assert_eq!((&late["status"], &late["reason"]), (&json!("False"), &json!(reason::TIMED_OUT)));
        assert_eq!(late["message"], "ReplicaSet \"new\" has timed out progressing.");
    }

    #[test]
    fn progress_renews_the_update_time() {
        let moved = judged(&deployment(6, reason::UPDATED), 1, 30);
        assert_eq!(
            (&moved["reason"], &moved["lastUpdateTime"]),
            (&json!(reason::UPDATED), &json!("2026-01-01T00:00:30Z"))
        );
    }

    #[test]
    fn without_a_deadline_there_is_no_progressing_condition() {
        assert_eq!(judged(&deployment(i64::from(i32::MAX), reason::UPDATED), 0, 100), Value::Null);
    }
}
