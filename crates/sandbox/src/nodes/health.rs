//! Nodes come, fall silent, come back and go.
//!
//! A node falls silent while it carries the annotation `sandbox.sternway.io/lost`: its kubelet does nothing any more.
//! After [`Options::node_grace`](crate::Options) the node counts as unreachable: its Ready condition turns Unknown, it
//! is tainted, and its pods are not ready. Pods that do not tolerate the taint (by default after 300 seconds) are
//! deleted, but stay Terminating, since nobody is there to stop them. Without the annotation all is well again.
//!
//! A node whose object is deleted stops at once; some time later its pods are removed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{kubelet, scheduler};
use crate::controllers::Context;
use crate::controllers::agenda::{Name, Task};
use crate::controllers::events::Severity;
use crate::controllers::pod;
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::{DeleteOptions, Part};

/// Silences a node while it is there.
pub(super) const LOST_ANNOTATION: &str = "sandbox.sternway.io/lost";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const COMPONENT: &str = "node-controller";
/// How long pods of a deleted node are kept, in case the node comes back.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);

/// Whether the kubelet of a node works.
pub(super) fn is_alive(context: &Context<'_>, node: &str) -> bool {
    context
        .storage
        .get(resources::NODES, "", node)
        .is_some_and(|node| object::annotation(node, LOST_ANNOTATION).is_none())
}

/// Looks after one node.
pub(crate) fn sync(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    let key = Name::new("", name);
    let Some(node) = context.get(resources::NODES, &key) else {
        return Ok(());
    };
    context.nodes.gone_since.remove(name);
    if object::items(&node, "/status/conditions").is_empty() {
        return register(context, name);
    }
    if object::annotation(&node, LOST_ANNOTATION).is_some() {
        let now = context.now;
        let since = *context.nodes.lost_since.entry(name.to_owned()).or_insert(now);
        let silent_at = since.checked_add(context.options.node_grace).unwrap_or(Timestamp::MAX);
        if silent_at > now {
            context.agenda.at(silent_at, Task::Node(name.to_owned()));
        } else if is_ready(&node) {
            mark_unreachable(context, &node)?;
        }
    } else if context.nodes.lost_since.remove(name).is_some() {
        mark_ready(context, name)?;
    }
    evict(context, name)
}

/// Removes the pods of a node that is gone for good.
pub(crate) fn collect_pods(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    if context.get(resources::NODES, &Name::new("", name)).is_some() {
        return Ok(());
    }
    let now = context.now;
    let since = *context.nodes.gone_since.entry(name.to_owned()).or_insert(now);
    let end = since.checked_add(QUARANTINE).unwrap_or(Timestamp::MAX);
    if end > now {
        context.agenda.at(end, Task::CollectPods(name.to_owned()));
        return Ok(());
    }
    context.nodes.gone_since.remove(name);
    for pod in pods_on(context, name) {
        delete(context, &pod, Some(0))?;
    }
    Ok(())
}

/// Gives a node that has just been created what its kubelet would report.
fn register(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    let address = context.nodes.host_address(name).to_string();
    let slots = context.options.pods_per_node;
    let time = object::format_time(context.now);
    let status = node_status(name, &address, slots, &time);
    context
        .writes()
        .modify(resources::NODES, "", name, Part::Status, |node| {
            object::set_or_remove(node, "status", Some(status));
        })
        .map(|_| ())
}

/// The status of a healthy node.
fn node_status(name: &str, address: &str, slots: u32, time: &str) -> Value {
    let size = json!({
        "cpu": "8",
        "ephemeral-storage": "100Gi",
        "memory": "32Gi",
        "pods": slots.to_string(),
    });
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": status,
            "lastHeartbeatTime": time,
            "lastTransitionTime": time,
            "reason": reason,
            "message": message,
        })
    };
    json!({
        "capacity": size,
        "allocatable": size,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        "nodeInfo": {
            "machineID": "",
            "systemUUID": "",
            "bootID": "",
            "kernelVersion": "6.12.0-sandbox",
            "osImage": "Sternway sandbox",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": "v1.36.2",
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
    })
}

fn is_ready(node: &Value) -> bool {
    let conditions = object::items(node, "/status/conditions").iter();
    conditions
        .filter(|condition| object::text(condition, "/type") == "Ready")
        .any(|condition| object::text(condition, "/status") == "True")
}

fn mark_unreachable(context: &mut Context<'_>, node: &Value) -> Result<(), Status> {
    let name = object::name(node).to_owned();
    let time = object::format_time(context.now);
    set_conditions(context, &name, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")?;
    context.writes().modify(resources::NODES, "", &name, Part::Main, |node| {
        let spec = object::child_mut(object::as_map(node), "spec");
        let taints = spec.entry("taints").or_insert_with(|| json!([]));
        if let Some(taints) = taints.as_array_mut() {
            taints.push(json!({"key": UNREACHABLE, "effect": "NoSchedule", "timeAdded": time}));
            taints.push(json!({"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": time}));
        }
    })?;
    context.event(
        node,
        Severity::Normal,
        "NodeNotReady",
        &format!("Node {name} status is now: NodeNotReady"),
        COMPONENT,
    );
    for pod in pods_on(context, &name) {
        if !pod::is_ready(&pod) {
            continue;
        }
        let key = Name::of(&pod);
        context.writes().modify(resources::PODS, &key.namespace, &key.name, Part::Status, |pod| {
            scheduler::set_condition(pod, "Ready", "False", None, &time);
        })?;
        context.event(&pod, Severity::Warning, "NodeNotReady", "Node is not ready", COMPONENT);
    }
    Ok(())
}

fn mark_ready(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    set_conditions(context, name, "True", "KubeletReady", "kubelet is posting ready status")?;
    context.writes().modify(resources::NODES, "", name, Part::Main, |node| {
        let spec = object::child_mut(object::as_map(node), "spec");
        let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) else {
            return;
        };
        taints.retain(|taint| object::text(taint, "/key") != UNREACHABLE);
        if taints.is_empty() {
            spec.shift_remove("taints");
        }
    })?;
    for pod in pods_on(context, name) {
        let key = Name::of(&pod);
        kubelet::report_again(context, &key)?;
        context.agenda.now(Task::Kubelet(key));
    }
    Ok(())
}

/// Sets Ready, and with it the conditions that only a working kubelet can tell.
fn set_conditions(
    context: &mut Context<'_>,
    name: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Result<(), Status> {
    let time = object::format_time(context.now);
    let lost = status == "Unknown";
    let healthy = {
        let address = context.nodes.host_address(name).to_string();
        node_status(name, &address, context.options.pods_per_node, &time)
    };
    context
        .writes()
        .modify(resources::NODES, "", name, Part::Status, |node| {
            let Some(conditions) = node.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else {
                return;
            };
            if !lost {
                *conditions = object::items(&healthy, "/conditions").to_vec();
                return;
            }
            for condition in conditions {
                condition["status"] = json!(status);
                condition["reason"] = json!(reason);
                condition["message"] = json!(message);
                condition["lastTransitionTime"] = json!(time);
            }
        })
        .map(|_| ())
}

/// Deletes pods that do not tolerate the NoExecute taints of their node, or not any longer.
fn evict(context: &mut Context<'_>, name: &str) -> Result<(), Status> {
    let Some(node) = context.get(resources::NODES, &Name::new("", name)) else {
        return Ok(());
    };
    let taints: Vec<&Value> = object::items(&node, "/spec/taints")
        .iter()
        .filter(|taint| object::text(taint, "/effect") == "NoExecute")
        .collect();
    if taints.is_empty() {
        return Ok(());
    }
    for pod in pods_on(context, name) {
        let mut end: Option<Timestamp> = None;
        for taint in &taints {
            let added = object::timestamp(taint, "/timeAdded").unwrap_or(context.now);
            let until = match scheduler::toleration_of(&pod, taint) {
                None => Some(context.now),
                Some(toleration) => object::integer(toleration, "/tolerationSeconds")
                    .and_then(|seconds| added.checked_add(SignedDuration::from_secs(seconds.max(0))).ok()),
            };
            end = [end, until].into_iter().flatten().min();
        }
        match end {
            Some(end) if end > context.now => context.agenda.at(end, Task::Node(name.to_owned())),
            Some(_) if !object::is_deleting(&pod) => {
                let message = format!("Deleting pod {}/{}", object::namespace(&pod), object::name(&pod));
                context.event(&pod, Severity::Normal, "TaintManagerEviction", &message, "taint-eviction-controller");
                delete(context, &pod, None)?;
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn pods_on(context: &Context<'_>, node: &str) -> Vec<std::sync::Arc<Value>> {
    let names = context.index.on_node.get(node).into_iter().flatten();
    names.filter_map(|name| context.get(resources::PODS, name)).collect()
}

fn delete(context: &mut Context<'_>, pod: &Value, grace: Option<i64>) -> Result<(), Status> {
    let name = Name::of(pod);
    let options = DeleteOptions {
        grace_period_seconds: grace,
        uid: Some(object::uid(pod).to_owned()),
        ..DeleteOptions::default()
    };
    match context.writes().delete(resources::PODS, &name.namespace, &name.name, &options) {
        Err(refusal) if refusal.code != 404 => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}
