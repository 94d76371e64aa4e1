//! Evictions: deletes that ask the disruption budgets first.

use std::sync::Arc;

use serde_json::{Value, json};

use super::decode::{self, Expected};
use super::selector::LabelSelector;
use super::{Backend, Call, Response, write};
use crate::object;
use crate::resources::PODDISRUPTIONBUDGETS;
use crate::status::{Cause, Details, Status};
use crate::writes::Part;

/// `POST .../pods/NAME/eviction`
pub(super) fn create(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let old = serde_json::from_slice::<Value>(&call.request.body)
        .is_ok_and(|body| object::text(&body, "/apiVersion") == "policy/v1beta1");
    let expected = Expected::other("policy", if old { "v1beta1" } else { "v1" }, "Eviction");
    let body = decode::body(call.request, expected, write::LENIENT)?.object;
    if object::name(&body) != call.name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let (options, dry_run) = write::read_delete_options(body.get("deleteOptions").unwrap_or(&Value::Null))?;
    let dry_run = dry_run || call.query.dry_run;
    let pod = backend
        .storage
        .get(call.resource, call.namespace, call.name)
        .cloned()
        .ok_or_else(|| Status::not_found(call.resource, call.name))?;

    if !is_free(&pod) {
        spend_budget(backend, call, &pod, dry_run)?;
    }
    let mut writes = backend.writes(&call.query, call.request, "eviction", false);
    writes.dry_run = dry_run;
    writes.delete(call.resource, call.namespace, call.name, &options)?;
    Ok(call.format.encode(201, &success()))
}

/// The answer of subresources that only confirm.
pub(super) fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}

/// Pods that are over, not yet running or already going cost no budget.
fn is_free(pod: &Value) -> bool {
    matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending") || object::is_deleting(pod)
}

fn is_ready(pod: &Value) -> bool {
    object::items(pod, "/status/conditions")
        .iter()
        .any(|condition| object::text(condition, "/type") == "Ready" && object::text(condition, "/status") == "True")
}

/// Takes one disruption from the budget of the pod, if it has one.
fn spend_budget(backend: &mut Backend<'_>, call: &Call<'_>, pod: &Value, dry_run: bool) -> Result<(), Status> {
    let budgets: Vec<Arc<Value>> = backend
        .storage
        .list(PODDISRUPTIONBUDGETS, Some(call.namespace))
        .filter(|budget| {
            budget.pointer("/spec/selector").is_some_and(|selector| LabelSelector::from_object(selector).matches(pod))
        })
        .cloned()
        .collect();
    let budget = match budgets.as_slice() {
        [] => return Ok(()),
        [one] => one,
        _ => {
            return Err(Status::unexplained(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    if !is_ready(pod) && evicts_unhealthy(budget) {
        return Ok(());
    }
    check_budget(budget)?;
    if dry_run {
        return Ok(());
    }
    let allowed = object::integer(budget, "/status/disruptionsAllowed").unwrap_or(0) - 1;
    let time = object::format_time(backend.now);
    let (pod, budget) = (call.name.to_owned(), object::name(budget).to_owned());
    backend.writes(&call.query, call.request, "status", false).modify(
        PODDISRUPTIONBUDGETS,
        call.namespace,
        &budget,
        Part::Status,
        |budget| {
            let status = object::child_mut(object::as_map(budget), "status");
            status.insert("disruptionsAllowed".into(), json!(allowed));
            object::child_mut(status, "disruptedPods").insert(pod, json!(time));
        },
    )?;
    Ok(())
}

/// Whether the budget lets pods go that serve nobody anyway.
fn evicts_unhealthy(budget: &Value) -> bool {
    let status = |key: &str| object::integer(budget, &format!("/status/{key}")).unwrap_or(0);
    match object::text(budget, "/spec/unhealthyPodEvictionPolicy") {
        "AlwaysAllow" => true,
        _ => status("currentHealthy") >= status("desiredHealthy") && status("desiredHealthy") > 0,
    }
}

fn check_budget(budget: &Value) -> Result<(), Status> {
    let name = object::name(budget);
    let status = |key: &str| object::integer(budget, &format!("/status/{key}")).unwrap_or(0);
    if status("observedGeneration") < object::generation(budget) {
        let message = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(Cause { reason: "DisruptionBudget", message, field: String::new() }, Some(10)));
    }
    if status("disruptionsAllowed") > 0 {
        return Ok(());
    }
    let message = format!(
        "The disruption budget {name} needs {} healthy pods and has {} currently",
        status("desiredHealthy"),
        status("currentHealthy")
    );
    Err(refused(Cause { reason: "DisruptionBudget", message, field: String::new() }, None))
}

fn refused(cause: Cause, retry_after_seconds: Option<u32>) -> Status {
    Status::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
        .with_details(Details { causes: vec![cause], retry_after_seconds, ..Details::default() })
}
