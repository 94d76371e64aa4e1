//! Where the pods of a Service can be reached: its EndpointSlices, and the older Endpoints object.
//!
//! A pod keeps its place in the slice where it once was put, so that a change of one pod rewrites one slice.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::agenda::Name;
use super::{Context, pod, selector};
use crate::object;
use crate::resources;
use crate::status::Status;
use crate::writes::{DeleteOptions, Part};

/// Endpoints that one slice holds.
const SLICE_SIZE: usize = 100;
/// Addresses that an Endpoints object holds.
const ENDPOINTS_SIZE: usize = 1000;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const SLICE_MANAGER: (&str, &str) = ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
const ENDPOINTS_MANAGER: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");
const CHANGE_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// Brings the endpoints of one Service up to date.
pub(super) fn sync(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(service) = context.get(resources::SERVICES, name) else {
        // Slices have an owner reference; the Endpoints object only has the name.
        return remove_endpoints(context, name);
    };
    let selector = service.pointer("/spec/selector").and_then(Value::as_object).cloned().unwrap_or_default();
    if selector.is_empty() || object::text(&service, "/spec/type") == "ExternalName" {
        return Ok(());
    }
    let pods: Vec<Arc<Value>> = context
        .storage
        .list(resources::PODS, Some(&name.namespace))
        .filter(|pod| selector::matches_map(&selector, object::labels(pod)))
        .filter(|pod| !pod::is_finished(pod) && !address(pod).is_empty())
        .cloned()
        .collect();
    sync_slices(context, &service, &pods)?;
    sync_endpoints(context, &service, &pods)
}

fn address(pod: &Value) -> &str {
    object::text(pod, "/status/podIP")
}

fn publishes_unready(service: &Value) -> bool {
    object::boolean(service, "/spec/publishNotReadyAddresses") == Some(true)
}

fn sync_slices(context: &mut Context<'_>, service: &Arc<Value>, pods: &[Arc<Value>]) -> Result<(), Status> {
    let mut wanted: BTreeMap<String, Value> =
        pods.iter().map(|pod| (object::uid(pod).to_owned(), endpoint(context, service, pod))).collect();
    let ports = ports(service, pods, &["name", "protocol", "port", "appProtocol"]);
    let slices: Vec<Arc<Value>> = context
        .storage
        .dependents(object::uid(service))
        .filter(|one| object::kind(one) == resources::ENDPOINTSLICES.kind)
        .cloned()
        .collect();
    let mut filled: Vec<(Option<Arc<Value>>, Vec<Value>)> = slices
        .into_iter()
        .map(|slice| {
            let kept = object::items(&slice, "/endpoints")
                .iter()
                .filter_map(|endpoint| wanted.remove(object::text(endpoint, "/targetRef/uid")))
                .collect();
            (Some(slice), kept)
        })
        .collect();
    for (_, endpoint) in wanted {
        match filled.iter_mut().find(|(_, endpoints)| endpoints.len() < SLICE_SIZE) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => filled.push((None, vec![endpoint])),
        }
    }
    if filled.is_empty() {
        filled.push((None, Vec::new()));
    }
    let mut first = true;
    for (slice, endpoints) in filled {
        // One slice stays even when it is empty: it says that there is nobody.
        let needed = first || !endpoints.is_empty();
        first = false;
        write_slice(context, service, slice, needed.then_some(endpoints), &ports)?;
    }
    Ok(())
}

fn write_slice(
    context: &mut Context<'_>,
    service: &Value,
    slice: Option<Arc<Value>>,
    endpoints: Option<Vec<Value>>,
    ports: &Value,
) -> Result<(), Status> {
    let namespace = object::namespace(service);
    let time = object::format_time(context.now);
    match (slice, endpoints) {
        (Some(slice), Some(endpoints)) => {
            let endpoints = Value::Array(endpoints);
            if slice.get("endpoints") == Some(&endpoints) && slice.get("ports") == Some(ports) {
                return Ok(());
            }
            let name = object::name(&slice);
            let mut writes = context.writes();
            writes.modify(resources::ENDPOINTSLICES, namespace, name, Part::Main, |slice| {
                object::set_annotation(slice, CHANGE_TIME, &time);
                slice["endpoints"] = endpoints;
                slice["ports"] = ports.clone();
            })?;
        }
        (Some(slice), None) => {
            let options = DeleteOptions::default();
            context.writes().delete(resources::ENDPOINTSLICES, namespace, object::name(&slice), &options)?;
        }
        (None, Some(endpoints)) => {
            let mut labels = labels(service, SLICE_MANAGER);
            labels.insert(SERVICE_NAME.into(), json!(object::name(service)));
            let slice = json!({
                "metadata": {
                    "generateName": format!("{}-", object::name(service)),
                    "labels": labels,
                    "annotations": {CHANGE_TIME: time},
                    "ownerReferences": [{
                        "apiVersion": "v1",
                        "kind": "Service",
                        "name": object::name(service),
                        "uid": object::uid(service),
                        "controller": true,
                        "blockOwnerDeletion": true,
                    }],
                },
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": ports,
            });
            context.writes().create(resources::ENDPOINTSLICES, namespace, slice)?;
        }
        (None, None) => {}
    }
    Ok(())
}

fn endpoint(context: &Context<'_>, service: &Value, pod: &Value) -> Value {
    let ready = pod::is_ready(pod);
    let terminating = object::is_deleting(pod);
    let zone = context
        .storage
        .get(resources::NODES, "", pod::node(pod))
        .and_then(|node| object::label(node, "topology.kubernetes.io/zone"));
    let mut endpoint = json!({
        "addresses": [address(pod)],
        "conditions": {
            "ready": publishes_unready(service) || (ready && !terminating),
            "serving": ready,
            "terminating": terminating,
        },
        "targetRef": target(pod),
        "nodeName": pod::node(pod),
    });
    if let Some(zone) = zone {
        endpoint["zone"] = json!(zone);
    }
    endpoint
}

fn target(pod: &Value) -> Value {
    json!({
        "kind": "Pod",
        "namespace": object::namespace(pod),
        "name": object::name(pod),
        "uid": object::uid(pod),
    })
}

fn sync_endpoints(context: &mut Context<'_>, service: &Value, pods: &[Arc<Value>]) -> Result<(), Status> {
    let name = Name::of(service);
    let mut staying: Vec<&Arc<Value>> = pods.iter().filter(|pod| !object::is_deleting(pod)).collect();
    staying.sort_by_key(|pod| address(pod).to_owned());
    staying.truncate(ENDPOINTS_SIZE);
    let (ready, unready): (Vec<_>, Vec<_>) =
        staying.into_iter().partition(|pod| pod::is_ready(pod) || publishes_unready(service));
    let mut subset = Map::new();
    for (field, pods) in [("addresses", ready), ("notReadyAddresses", unready)] {
        if !pods.is_empty() {
            let addresses = pods
                .iter()
                .map(|pod| json!({"ip": address(pod), "nodeName": pod::node(pod), "targetRef": target(pod)}));
            subset.insert(field.into(), addresses.collect());
        }
    }
    let subsets = if subset.is_empty() {
        None
    } else {
        subset.insert("ports".into(), ports(service, pods, &["name", "port", "protocol", "appProtocol"]));
        Some(json!([subset]))
    };
    let existing = context.get(resources::ENDPOINTS, &name);
    if existing.as_ref().is_some_and(|existing| existing.get("subsets") == subsets.as_ref()) {
        return Ok(());
    }
    let time = object::format_time(context.now);
    let mut writes = context.writes();
    if existing.is_some() {
        writes.modify(resources::ENDPOINTS, &name.namespace, &name.name, Part::Main, |endpoints| {
            object::set_annotation(endpoints, CHANGE_TIME, &time);
            object::set_or_remove(endpoints, "subsets", subsets);
        })?;
        return Ok(());
    }
    let mut endpoints = json!({
        "metadata": {
            "name": name.name,
            "labels": labels(service, ENDPOINTS_MANAGER),
            "annotations": {CHANGE_TIME: time},
        },
    });
    object::set_or_remove(&mut endpoints, "subsets", subsets);
    writes.create(resources::ENDPOINTS, &name.namespace, endpoints).map(|_| ())
}

fn remove_endpoints(context: &mut Context<'_>, name: &Name) -> Result<(), Status> {
    let Some(endpoints) = context.get(resources::ENDPOINTS, name) else { return Ok(()) };
    if object::label(&endpoints, ENDPOINTS_MANAGER.0) != Some(ENDPOINTS_MANAGER.1) {
        return Ok(());
    }
    let options = DeleteOptions::default();
    context.writes().delete(resources::ENDPOINTS, &name.namespace, &name.name, &options).map(|_| ())
}

/// The labels of the Service and who manages the object.
fn labels(service: &Value, manager: (&str, &str)) -> Map<String, Value> {
    let mut labels = object::labels(service).cloned().unwrap_or_default();
    labels.insert(manager.0.into(), json!(manager.1));
    if object::text(service, "/spec/clusterIP") == "None" {
        labels.insert("service.kubernetes.io/headless".into(), json!(""));
    }
    labels
}

/// The ports behind those of the Service, with their fields in the order given. A port that is known by name is looked
/// up in the first pod; one that no container has is left out.
fn ports(service: &Value, pods: &[Arc<Value>], fields: &[&str]) -> Value {
    let ports = object::items(service, "/spec/ports").iter().filter_map(|port| {
        let number = match port.get("targetPort") {
            Some(Value::String(name)) => container_port(pods.first()?, name)?,
            Some(Value::Number(number)) => Value::Number(number.clone()),
            _ => port.get("port")?.clone(),
        };
        let mut entry = Map::new();
        for field in fields {
            let value = match *field {
                "port" => Some(number.clone()),
                "name" => Some(port.get("name").cloned().unwrap_or_else(|| json!(""))),
                other => port.get(other).cloned(),
            };
            if let Some(value) = value {
                entry.insert((*field).to_owned(), value);
            }
        }
        Some(Value::Object(entry))
    });
    Value::Array(ports.collect())
}

fn container_port(pod: &Value, name: &str) -> Option<Value> {
    object::items(pod, "/spec/containers")
        .iter()
        .flat_map(|container| object::items(container, "/ports"))
        .find(|port| object::text(port, "/name") == name)
        .and_then(|port| port.get("containerPort").cloned())
}
