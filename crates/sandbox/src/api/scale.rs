//! The scale subresource: replicas of Deployments, ReplicaSets and StatefulSets in one shape.

use serde_json::{Map, Value, json};

use super::decode::{self, Expected};
use super::selector::LabelSelector;
use super::{Backend, Call, Response, apply, read, write};
use crate::object;
use crate::resources::FieldError;
use crate::status::Status;
use crate::writes::Manager;

const SCALE: (&str, &str, &str) = ("autoscaling", "v1", "Scale");

/// `GET .../scale`
pub(super) fn get(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let scale = scale_of(stored(backend, call)?.as_ref());
    read::show(backend, call, 200, &scale)
}

/// `PUT .../scale`
pub(super) fn put(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let body = decode::body(call.request, expected(), call.query.field_validation)?;
    write::check_name(call, &body.object)?;
    write::check_namespace(call, &body.object)?;
    update(backend, call, &body.object)
}

/// `PATCH .../scale`
pub(super) fn patch(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    write::check_patch_options(call)?;
    if decode::content_type(call.request) == apply::MEDIA_TYPE {
        return apply(backend, call);
    }
    let scale = scale_of(stored(backend, call)?.as_ref());
    let body = write::patched(call, expected(), &scale)?;
    write::check_name(call, &body.object)?;
    write::check_namespace(call, &body.object)?;
    update(backend, call, &body.object)
}

/// Server-side apply of a Scale: the parent is applied to, with the replicas as the only opinion.
fn apply(backend: &mut Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let live = stored(backend, call)?;
    let configuration: Value = serde_yaml_ng::from_slice(&call.request.body)
        .map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))?;
    write::check_name(call, &configuration)?;
    write::check_namespace(call, &configuration)?;
    let mut opinion = json!({
        "apiVersion": call.resource.api_version(),
        "kind": call.resource.kind,
        "metadata": {"name": call.name, "namespace": call.namespace},
    });
    if let Some(replicas) = configuration.pointer("/spec/replicas") {
        opinion["spec"] = json!({"replicas": replicas});
    }
    let manager = Manager { name: call.query.field_manager(call.request), apply: true, subresource: "scale" };
    let force = call.query.force == Some(true);
    let merged = crate::patch::apply::apply(call.resource, Some(&live), &opinion, &manager, force, backend.now)?;
    let updated = backend.writes(&call.query, call.request, "scale", true).update(
        call.resource,
        call.namespace,
        call.name,
        merged,
    )?;
    read::show(backend, call, 200, &scale_of(&updated))
}

fn expected() -> Expected {
    Expected::other(SCALE.0, SCALE.1, SCALE.2)
}

fn stored(backend: &Backend<'_>, call: &Call<'_>) -> Result<std::sync::Arc<Value>, Status> {
    backend
        .storage
        .get(call.resource, call.namespace, call.name)
        .cloned()
        .ok_or_else(|| Status::not_found(call.resource, call.name))
}

fn update(backend: &mut Backend<'_>, call: &Call<'_>, scale: &Value) -> Result<Response, Status> {
    let replicas = object::integer(scale, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(Status::invalid_kind(SCALE.0, SCALE.2, call.name, vec![error]));
    }
    let mut object = Value::clone(&*stored(backend, call)?);
    object::child_mut(object::as_map(&mut object), "spec").insert("replicas".into(), json!(replicas));
    let metadata = object::metadata_mut(&mut object);
    for key in ["resourceVersion", "uid"] {
        // What the Scale names is a precondition on its parent.
        let wanted = object::text(scale, &format!("/metadata/{key}"));
        metadata.insert(key.into(), json!(wanted));
    }
    let updated = backend.writes(&call.query, call.request, "scale", false).update(
        call.resource,
        call.namespace,
        call.name,
        object,
    )?;
    read::show(backend, call, 200, &scale_of(&updated))
}

/// The Scale of an object. Zero replicas are left out of its spec, but not of its status.
fn scale_of(object: &Value) -> Value {
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object.get("metadata").and_then(|metadata| metadata.get(key)) {
            metadata.insert(key.into(), value.clone());
        }
    }
    let replicas = object::integer(object, "/spec/replicas").unwrap_or(0);
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    let mut status = json!({"replicas": object::integer(object, "/status/replicas").unwrap_or(0)});
    let selector = object.pointer("/spec/selector").map(LabelSelector::from_object).unwrap_or_default();
    if !selector.is_empty() {
        status["selector"] = json!(selector.to_string());
    }
    json!({
        "kind": SCALE.2,
        "apiVersion": format!("{}/{}", SCALE.0, SCALE.1),
        "metadata": metadata,
        "spec": spec,
        "status": status,
    })
}
