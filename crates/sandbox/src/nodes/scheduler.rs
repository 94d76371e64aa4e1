//! The scheduler: finds each pod a node that has room for it and lets it in.
//!
//! It looks at readiness, `unschedulable`, taints, the node selector, required node affinity, and requests of CPU,
//! memory and pod slots; among the nodes that pass, the one with the fewest pods wins, and of these the first by name.
//! A pod that fits nowhere stays Pending and is looked at again when a node changes or a pod leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::binding;
use crate::controllers::Context;
use crate::controllers::agenda::{Name, Task};
use crate::controllers::events::Severity;
use crate::controllers::pod;
use crate::object;
use crate::quantity::Quantity;
use crate::resources;
use crate::status::Status;
use crate::writes::Part;

/// The scheduler that pods ask for unless they name another one.
const SCHEDULER: &str = "default-scheduler";

/// Places one pod.
pub(crate) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(pod) = context.get(resources::PODS, name) else {
        return Ok(());
    };
    let placed = !pod::node(&pod).is_empty();
    if placed || object::is_deleting(&pod) || object::text(&pod, "/spec/schedulerName") != SCHEDULER {
        return Ok(());
    }
    if !object::items(&pod, "/spec/schedulingGates").is_empty() {
        return Ok(());
    }
    let nodes: Vec<Arc<Value>> = context.storage.list(resources::NODES, None).cloned().collect();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut best: Option<(usize, &Arc<Value>)> = None;
    for node in &nodes {
        match admits(context, node, &pod) {
            Ok(pods) if best.is_none_or(|(fewest, _)| pods < fewest) => best = Some((pods, node)),
            Ok(_) => {}
            Err(reason) => *reasons.entry(reason).or_default() += 1,
        }
    }
    match best {
        Some((_, node)) => bind(context, &pod, node),
        None => refuse(context, &pod, nodes.len(), &reasons),
    }
}

/// How many pods the node has, or why it takes no more.
fn admits(context: &Context<'_>, node: &Value, pod: &Value) -> Result<usize, String> {
    if object::boolean(node, "/spec/unschedulable") == Some(true) {
        return Err("node(s) were unschedulable".into());
    }
    if let Some(taint) = untolerated_taint(node, pod, &["NoSchedule", "NoExecute"]) {
        let (key, value) = (object::text(taint, "/key"), object::text(taint, "/value"));
        return Err(format!("node(s) had untolerated taint(s) {{{key}: {value}}}"));
    }
    if !selects(node, pod) {
        return Err("node(s) didn't match Pod's node affinity/selector".into());
    }
    let residents = context.index.on_node.get(object::name(node));
    let count = residents.map_or(0, BTreeSet::len);
    if i128::try_from(count).unwrap_or(i128::MAX) >= allocatable(node, "pods").units() {
        return Err("Too many pods".into());
    }
    for resource in ["cpu", "memory"] {
        let wanted = pod::requested(pod, "requests", resource);
        // Most pods ask for nothing, and then nobody needs to be counted.
        if wanted.milli() == 0 {
            continue;
        }
        let used = residents
            .into_iter()
            .flatten()
            .filter_map(|name| context.storage.get(resources::PODS, &name.namespace, &name.name))
            .filter(|one| !pod::is_finished(one))
            .fold(wanted, |sum, one| sum + pod::requested(one, "requests", resource));
        if used > allocatable(node, resource) {
            return Err(format!("Insufficient {resource}"));
        }
    }
    Ok(count)
}

/// A taint with one of these effects that the pod does not tolerate.
pub(super) fn untolerated_taint<'a>(node: &'a Value, pod: &Value, effects: &[&str]) -> Option<&'a Value> {
    object::items(node, "/spec/taints")
        .iter()
        .find(|taint| effects.contains(&object::text(taint, "/effect")) && toleration_of(pod, taint).is_none())
}

/// The toleration of the pod for a taint.
pub(super) fn toleration_of<'a>(pod: &'a Value, taint: &Value) -> Option<&'a Value> {
    object::items(pod, "/spec/tolerations").iter().find(|toleration| {
        let [key, effect, operator] = ["/key", "/effect", "/operator"].map(|field| object::text(toleration, field));
        let exists = operator == "Exists";
        (effect.is_empty() || effect == object::text(taint, "/effect"))
            && ((key.is_empty() && exists) || key == object::text(taint, "/key"))
            && (exists || object::text(toleration, "/value") == object::text(taint, "/value"))
    })
}

fn selects(node: &Value, pod: &Value) -> bool {
    let labels = object::labels(node);
    let selector = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let selected = selector.is_none_or(|selector| {
        selector.iter().all(|(key, wanted)| labels.and_then(|labels| labels.get(key)) == Some(wanted))
    });
    let required = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = object::items(pod, required);
    selected
        && (terms.is_empty()
            || terms.iter().any(|term| {
                let requirements = json!({"matchExpressions": term.get("matchExpressions")});
                crate::controllers::selector::matches(&requirements, labels)
            }))
}

fn allocatable(node: &Value, resource: &str) -> Quantity {
    node.pointer("/status/allocatable").and_then(|all| all.get(resource)).map_or(Quantity::from(0), pod::quantity)
}

fn bind(context: &mut Context<'_>, pod: &Arc<Value>, node: &Arc<Value>) -> Result<(), Status> {
    let name = Name::of(pod);
    let node = object::name(node);
    binding::bind(&mut context.writes(), &name.namespace, &name.name, node, &[])?;
    let message = format!("Successfully assigned {}/{} to {node}", name.namespace, name.name);
    context.event(pod, Severity::Normal, "Scheduled", &message, SCHEDULER);
    Ok(())
}

fn refuse(
    context: &mut Context<'_>,
    pod: &Arc<Value>,
    nodes: usize,
    reasons: &BTreeMap<String, usize>,
) -> Result<(), Status> {
    let why = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ");
    let message = if nodes == 0 {
        "no nodes available to schedule pods".to_owned()
    } else {
        format!(
            "0/{nodes} nodes are available: {why}. no new claims to deallocate, preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
        )
    };
    let current = pod::condition(pod, "PodScheduled");
    if current.is_some_and(|current| object::text(current, "/message") == message) {
        return Ok(());
    }
    let name = Name::of(pod);
    let time = object::format_time(context.now);
    context.writes().modify(resources::PODS, &name.namespace, &name.name, Part::Status, |pod| {
        set_condition(pod, "PodScheduled", "False", Some(("Unschedulable", &message)), &time);
    })?;
    context.event(pod, Severity::Warning, "FailedScheduling", &message, SCHEDULER);
    Ok(())
}

/// Sets a pod condition; the same status keeps the transition time.
pub(crate) fn set_condition(pod: &mut Value, kind: &str, status: &str, why: Option<(&str, &str)>, time: &str) {
    let status_map = object::child_mut(object::as_map(pod), "status");
    let conditions = status_map.entry("conditions").or_insert_with(|| json!([]));
    let Some(conditions) = conditions.as_array_mut() else {
        return;
    };
    let position = conditions.iter().position(|one| object::text(one, "/type") == kind);
    let kept = position
        .map(|position| &conditions[position])
        .filter(|one| object::text(one, "/status") == status)
        .map(|one| object::text(one, "/lastTransitionTime").to_owned());
    let mut condition = json!({
        "type": kind,
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": kept.unwrap_or_else(|| time.to_owned()),
    });
    if let Some((reason, message)) = why {
        condition["reason"] = json!(reason);
        if !message.is_empty() {
            condition["message"] = json!(message);
        }
    }
    match position {
        Some(position) => conditions[position] = condition,
        None => conditions.push(condition),
    }
}

/// A pod has left: those that wait may fit now.
pub(crate) fn retry_unplaced(context: &mut Context<'_>) {
    for name in &context.index.unplaced {
        context.agenda.now(Task::Schedule(name.clone()));
    }
}
