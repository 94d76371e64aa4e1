//! The simulated kubelet: takes up pods that are bound to its node, moves their containers along, reports, and stops
//! them when they are deleted.

use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use rand::Rng;
use serde_json::{Value, json};

use self::container::{Container, Notice, Stage, Surroundings};
use super::behaviour::Behaviour;
use super::{health, scheduler};
use crate::controllers::Context;
use crate::controllers::agenda::{Name, Task};
use crate::controllers::events::{Note, Severity};
use crate::controllers::pod;
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::{DeleteOptions, Part};

pub(crate) mod container;

const COMPONENT: &str = "kubelet";

/// A pod that the kubelet has taken up.
#[derive(Debug)]
pub(crate) struct Run {
    node: String,
    address: Ipv4Addr,
    containers: Vec<Container>,
    /// When the containers will have stopped, once the pod is being deleted.
    stops_at: Option<Timestamp>,
}

/// Brings one pod along.
pub(crate) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let pod = context.get(resources::PODS, name).filter(|pod| !pod::node(pod).is_empty());
    forget_predecessor(context, name, pod.as_deref());
    let Some(pod) = pod else { return Ok(()) };
    if pod::is_finished(&pod) && !object::is_deleting(&pod) {
        return Ok(());
    }
    if !health::is_alive(context, pod::node(&pod)) {
        return Ok(());
    }
    let uid = object::uid(&pod).to_owned();
    let known = context.nodes.running.remove(&uid);
    let is_new = known.is_none();
    let mut run = known.unwrap_or_else(|| take_up(context, &pod));
    context.nodes.uids.insert(name.clone(), uid.clone());

    if object::is_deleting(&pod) {
        let outcome = stop(context, &pod, &mut run);
        context.nodes.running.insert(uid, run);
        return outcome;
    }
    let moved = advance(context, &pod, &mut run);
    if let Some(due) = next_due(context, &pod, &run) {
        context.agenda.at(due, Task::Kubelet(name.clone()));
    }
    let outcome = if moved || is_new { report(context, &pod, &run) } else { Ok(()) };
    context.nodes.running.insert(uid, run);
    outcome
}

/// Writes the status of a pod anew, as after a node came back.
pub(super) fn report_again(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(pod) = context.get(resources::PODS, name) else {
        return Ok(());
    };
    let uid = object::uid(&pod).to_owned();
    let Some(run) = context.nodes.running.remove(&uid) else {
        return Ok(());
    };
    let outcome = report(context, &pod, &run);
    context.nodes.running.insert(uid, run);
    outcome
}

/// Lets go of a pod that is gone or was replaced by another of the same name.
fn forget_predecessor(context: &mut Context<'_>, name: &Name, pod: Option<&Value>) {
    let Some(uid) = context.nodes.uids.get(name) else {
        return;
    };
    if pod.is_some_and(|pod| object::uid(pod) == uid) {
        return;
    }
    let uid = uid.clone();
    context.nodes.uids.remove(name);
    if let Some(run) = context.nodes.running.remove(&uid) {
        context.nodes.free_address(&run.node, run.address);
    }
    scheduler::retry_unplaced(context);
}

fn take_up(context: &mut Context<'_>, pod: &Value) -> Run {
    let node = pod::node(pod).to_owned();
    let address = context.nodes.take_address(&node);
    let containers = object::items(pod, "/spec/containers")
        .iter()
        .map(|spec| {
            let behaviour = Behaviour::of(context.storage, context.options, pod, spec);
            let image = object::text(spec, "/image");
            if !is_present(context, &node, spec) {
                note(context, pod, spec, Severity::Normal, "Pulling", &format!("Pulling image {image:?}"));
            }
            Container::new(spec, context.now + behaviour.start_after, context.rng.random())
        })
        .collect();
    Run { node, address, containers, stops_at: None }
}

/// Moves all containers as far as time has come; returns whether any moved.
fn advance(context: &mut Context<'_>, pod: &Arc<Value>, run: &mut Run) -> bool {
    let mut moved = false;
    for (spec, container) in object::items(pod, "/spec/containers").iter().zip(&mut run.containers) {
        let around = surroundings(context, pod, spec);
        let mut notices = Vec::new();
        while container.step(context.now, &around, &mut notices) {
            moved = true;
        }
        for notice in notices {
            announce(context, pod, spec, &notice);
        }
    }
    moved
}

fn next_due(context: &Context<'_>, pod: &Value, run: &Run) -> Option<Timestamp> {
    let specs = object::items(pod, "/spec/containers").iter();
    specs
        .zip(&run.containers)
        .filter_map(|(spec, container)| container.due(&surroundings(context, pod, spec).behaviour))
        .min()
}

fn surroundings(context: &Context<'_>, pod: &Value, spec: &Value) -> Surroundings {
    Surroundings {
        behaviour: Behaviour::of(context.storage, context.options, pod, spec),
        restarts: object::text(pod, "/spec/restartPolicy") != "Never",
    }
}

/// Stops the containers of a deleted pod, and removes the pod once they have stopped.
fn stop(context: &mut Context<'_>, pod: &Arc<Value>, run: &mut Run) -> Result<(), Status> {
    let deadline = object::deletion_timestamp(pod).unwrap_or(context.now).max(context.now);
    let name = Name::of(pod);
    let stops_at = match run.stops_at {
        Some(time) => time.min(deadline),
        None => {
            let mut stops_at = context.now;
            for (spec, container) in object::items(pod, "/spec/containers").iter().zip(&run.containers) {
                if !matches!(container.stage, Stage::Running { .. }) {
                    continue;
                }
                let message = format!("Stopping container {}", container.name);
                note(context, pod, spec, Severity::Normal, "Killing", &message);
                let stubborn = surroundings(context, pod, spec).behaviour.stubborn;
                let stopped =
                    if stubborn { deadline } else { (context.now + context.options.stop_delay).min(deadline) };
                stops_at = stops_at.max(stopped);
            }
            stops_at
        }
    };
    run.stops_at = Some(stops_at);
    if stops_at > context.now {
        context.agenda.at(stops_at, Task::Kubelet(name));
        return Ok(());
    }
    let options = DeleteOptions {
        grace_period_seconds: Some(0),
        uid: Some(object::uid(pod).to_owned()),
        ..DeleteOptions::default()
    };
    match context.writes().delete(resources::PODS, &name.namespace, &name.name, &options) {
        Err(refusal) if refusal.code != 404 => Err(refusal),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn report(context: &mut Context<'_>, pod: &Value, run: &Run) -> Result<(), Status> {
    let name = Name::of(pod);
    let called = format!("{}_{}({})", name.name, name.namespace, object::uid(pod));
    let host = context.nodes.host_address(&run.node).to_string();
    let time = object::format_time(context.now);
    let started = run.containers.iter().all(Container::has_started);
    let sandboxed = run.containers.iter().any(|container| !matches!(container.stage, Stage::Creating { .. }));
    let unready: Vec<&str> = run.containers.iter().filter(|one| !one.is_ready()).map(|one| one.name.as_str()).collect();
    let finished = run.containers.iter().all(|one| matches!(one.stage, Stage::Done { .. }));
    let phase = match (finished, started) {
        (true, _) => "Failed",
        (false, true) => "Running",
        (false, false) => "Pending",
    };
    let complaint = format!("containers with unready status: [{}]", unready.join(" "));
    let statuses: Vec<Value> = run.containers.iter().map(|container| container.status(&called)).collect();
    context
        .writes()
        .modify(resources::PODS, &name.namespace, &name.name, Part::Status, |pod| {
            let (ready, why) = match (unready.is_empty(), finished) {
                (true, _) => ("True", None),
                (false, false) => ("False", Some(("ContainersNotReady", complaint.as_str()))),
                (false, true) => ("False", Some(("PodFailed", ""))),
            };
            let reached = if sandboxed { "True" } else { "False" };
            for (kind, status, why) in [
                ("PodReadyToStartContainers", reached, None),
                ("Initialized", "True", None),
                ("Ready", ready, why),
                ("ContainersReady", ready, why),
                ("PodScheduled", "True", None),
            ] {
                scheduler::set_condition(pod, kind, status, why, &time);
            }
            order_conditions(pod);
            let status = object::child_mut(object::as_map(pod), "status");
            status.insert("phase".into(), json!(phase));
            status.insert("hostIP".into(), json!(host));
            status.insert("hostIPs".into(), json!([{"ip": host}]));
            if sandboxed {
                let address = run.address.to_string();
                status.insert("podIP".into(), json!(address));
                status.insert("podIPs".into(), json!([{"ip": address}]));
            }
            status.entry("startTime").or_insert_with(|| json!(time));
            status.insert("containerStatuses".into(), Value::Array(statuses));
        })
        .map(|_| ())
}

/// Puts the conditions in the order in which a kubelet lists them; those of others come last.
fn order_conditions(pod: &mut Value) {
    const ORDER: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let conditions = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    if let Some(conditions) = conditions {
        conditions.sort_by_key(|condition| {
            let kind = object::text(condition, "/type");
            ORDER.iter().position(|one| *one == kind).unwrap_or(ORDER.len())
        });
    }
}

/// Whether the node has the image already and may use it.
fn is_present(context: &Context<'_>, node: &str, spec: &Value) -> bool {
    let image = object::text(spec, "/image");
    object::text(spec, "/imagePullPolicy") != "Always"
        && context.nodes.images.contains(&(node.to_owned(), image.to_owned()))
}

fn announce(context: &mut Context<'_>, pod: &Value, spec: &Value, notice: &Notice) {
    let image = object::text(spec, "/image");
    let name = object::text(spec, "/name");
    match notice {
        Notice::Started => {
            let node = pod::node(pod).to_owned();
            let message = if is_present(context, &node, spec) {
                format!("Container image {image:?} already present on machine")
            } else {
                format!("Successfully pulled image {image:?}")
            };
            context.nodes.images.insert((node, image.to_owned()));
            note(context, pod, spec, Severity::Normal, "Pulled", &message);
            note(context, pod, spec, Severity::Normal, "Created", &format!("Created container: {name}"));
            note(context, pod, spec, Severity::Normal, "Started", &format!("Started container {name}"));
        }
        Notice::PullFailed(why) => {
            context.nodes.images.remove(&(pod::node(pod).to_owned(), image.to_owned()));
            let message = format!("Failed to pull image {image:?}: {why}");
            note(context, pod, spec, Severity::Warning, "Failed", &message);
            note(context, pod, spec, Severity::Warning, "Failed", "Error: ErrImagePull");
        }
        Notice::PullBackOff => {
            note(context, pod, spec, Severity::Normal, "BackOff", &format!("Back-off pulling image {image:?}"));
            note(context, pod, spec, Severity::Warning, "Failed", "Error: ImagePullBackOff");
        }
        Notice::CreateFailed { message, .. } => {
            note(context, pod, spec, Severity::Warning, "Failed", &format!("Error: {message}"));
        }
        Notice::Unhealthy => {
            let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
            note(context, pod, spec, Severity::Warning, "Unhealthy", message);
        }
        Notice::BackOff => {
            let called = format!("{}_{}({})", object::name(pod), object::namespace(pod), object::uid(pod));
            let message = format!("Back-off restarting failed container {name} in pod {called}");
            note(context, pod, spec, Severity::Warning, "BackOff", &message);
        }
    }
}

fn note(context: &mut Context<'_>, pod: &Value, spec: &Value, severity: Severity, reason: &str, message: &str) {
    let field_path = format!("spec.containers{{{}}}", object::text(spec, "/name"));
    context.note(Note {
        object: pod,
        severity,
        reason,
        message,
        component: COMPONENT,
        host: pod::node(pod),
        field_path: &field_path,
    });
}
