//! What stands between a request and its validation: namespace life cycle, and the fields that need to see the store.

use std::collections::HashSet;

use rand::Rng;
use serde_json::{Value, json};

use super::Writes;
use crate::object;
use crate::resources::{self, FieldError, Resource, service};
use crate::schema::decode::decode;
use crate::status::{Cause, Status};

/// Creates need a namespace that exists and is not going away.
pub(super) fn namespace_accepts(
    writes: &Writes<'_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    if !resource.namespaced {
        return Ok(());
    }
    let Some(object) = writes.storage.get(resources::NAMESPACES, "", namespace) else {
        return Err(Status::not_found(resources::NAMESPACES, namespace));
    };
    if object::is_deleting(object) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut status = Status::forbidden(resource, name, &why);
        if let Some(details) = &mut status.details {
            details.causes.push(Cause {
                reason: "NamespaceTerminating",
                message: format!("namespace {namespace} is being terminated"),
                field: "metadata.namespace".into(),
            });
        }
        return Err(status);
    }
    Ok(())
}

/// The object in the shape of its kind and with its defaults: what a server's decoding gives.
pub(super) fn complete(resource: &Resource, object: Value, stored: Option<&Value>) -> Result<Value, Status> {
    let mut object = shape(resource, object, stored)?;
    (resource.default)(&mut object);
    Ok(object)
}

/// The object as it will be stored, after everything that completes it.
pub(super) fn settle(resource: &Resource, mut object: Value, stored: Option<&Value>) -> Result<Value, Status> {
    (resource.prepare)(&mut object, stored);
    shape(resource, object, stored)
}

/// What a kind looks like before anybody set a field: where ownership of a new object's fields counts from.
pub(super) fn empty(resource: &Resource) -> Result<Value, Status> {
    shape(resource, Value::Null, None)
}

fn shape(resource: &Resource, object: Value, stored: Option<&Value>) -> Result<Value, Status> {
    let decoded = decode(resource.schema(), object, stored).map_err(|error| {
        let (kind, version) = (resource.kind, resource.version);
        Status::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {error}"))
    })?;
    Ok(decoded.value)
}

/// Completes or refuses a create.
pub(super) fn admit_create(
    writes: &mut Writes<'_>,
    resource: &'static Resource,
    object: &mut Value,
) -> Result<(), Status> {
    if resource == resources::PODS {
        return admit_pod(writes, object);
    }
    if resource == resources::SERVICES {
        return admit_service(writes, object);
    }
    Ok(())
}

/// Completes or refuses an update.
pub(super) fn admit_update(
    writes: &mut Writes<'_>,
    resource: &'static Resource,
    object: &mut Value,
    stored: &Value,
) -> Result<(), Status> {
    if resource == resources::SERVICES {
        (resource.prepare)(object, Some(stored));
        return admit_service(writes, object);
    }
    Ok(())
}

fn admit_pod(writes: &mut Writes<'_>, pod: &mut Value) -> Result<(), Status> {
    let name = object::name(pod).to_owned();
    let refuse = |why: String| Err(Status::forbidden(resources::PODS, &name, &why));
    let namespace = object::namespace(pod);
    let account = object::text(pod, "/spec/serviceAccountName");
    // The default account is always there: a namespace gets it at once.
    let known = matches!(account, "" | "default")
        || writes.storage.get(resources::SERVICEACCOUNTS, namespace, account).is_some();
    if !known {
        return refuse(format!(
            "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
        ));
    }
    let class = object::text(pod, "/spec/priorityClassName");
    if !matches!(class, "" | "system-cluster-critical" | "system-node-critical") {
        return refuse(format!("no PriorityClass with name {class} was found"));
    }
    if let Some(priority) = object::integer(pod, "/spec/priority").filter(|priority| *priority != 0 && class.is_empty())
    {
        return refuse(format!(
            "the integer value of priority ({priority}) must not be provided in pod spec; priority admission \
             controller computed 0 from the given PriorityClass name"
        ));
    }
    let runtime = object::text(pod, "/spec/runtimeClassName");
    if !runtime.is_empty() {
        return refuse(format!("pod rejected: RuntimeClass \"{runtime}\" not found"));
    }
    let suffix = writes.random_suffix(5);
    resources::pod::admit(pod, &suffix);
    Ok(())
}

/// Gives out a cluster IP and node ports that no other Service has, and refuses those that one has already.
fn admit_service(writes: &mut Writes<'_>, service: &mut Value) -> Result<(), Status> {
    let name = object::name(service).to_owned();
    let mut addresses: HashSet<String> = HashSet::new();
    let mut ports: HashSet<i64> = HashSet::new();
    for other in writes.storage.list(resources::SERVICES, None) {
        if object::uid(other) != object::uid(service) {
            addresses.insert(object::text(other, "/spec/clusterIP").to_owned());
            ports.extend(node_ports(other).map(|(_, port)| port));
        }
    }
    let mut errors = Vec::new();
    let address = object::text(service, "/spec/clusterIP");
    if !matches!(address, "" | "None") && addresses.contains(address) {
        let complaint = format!("failed to allocate IP {address}: provided IP is already allocated");
        errors.push(FieldError::invalid("spec.clusterIPs", &json!([address]), &complaint));
    }
    for (index, port) in node_ports(service).filter(|(_, port)| ports.contains(port)) {
        let field = format!("spec.ports[{index}].nodePort");
        errors.push(FieldError::invalid(field, &json!(port), "provided port is already allocated"));
    }
    if !errors.is_empty() {
        return Err(Status::invalid(resources::SERVICES, &name, errors));
    }
    let rng = &mut *writes.rng;
    // Somewhere in the range, and on from there to the first that is free.
    let [a, b] = service::NETWORK;
    let start: u16 = rng.random();
    let free = (0..=u16::MAX)
        .map(|step| start.wrapping_add(step).to_be_bytes())
        .filter(|[_, d]| !matches!(d, 0 | 255))
        .map(|[c, d]| format!("{a}.{b}.{c}.{d}"))
        .find(|address| !addresses.contains(address));
    let Some(free) = free else {
        return Err(Status::unexplained("failed to allocate a serviceIP: range is full"));
    };
    service::assign_cluster_ip(service, || free);
    let range = service::NODE_PORTS;
    let mut port = rng.random_range(range.clone());
    let mut free_ports: Vec<u16> = Vec::new();
    for _ in range.clone() {
        if !ports.contains(&i64::from(port)) {
            free_ports.push(port);
        }
        port = if port == *range.end() { *range.start() } else { port + 1 };
    }
    let mut free_ports = free_ports.into_iter();
    if !service::assign_node_ports(service, || free_ports.next()) {
        return Err(Status::unexplained("failed to allocate a nodePort: range is full"));
    }
    Ok(())
}

/// The node ports of a Service's ports, with their places.
fn node_ports(service: &Value) -> impl Iterator<Item = (usize, i64)> {
    let ports = object::items(service, "/spec/ports").iter().enumerate();
    ports.filter_map(|(index, port)| Some((index, port.get("nodePort")?.as_i64()?)))
}
