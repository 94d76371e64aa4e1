//! Server-side apply: `PATCH` with `application/apply-patch+yaml`.

use serde_json::{Value, json};

use super::decode::{self, Expected};
use super::{Backend, Call, Response, read, write};
use crate::object;
use crate::patch::apply;
use crate::status::Status;
use crate::writes::{Manager, Part};

/// The content type of such a patch.
pub(super) const MEDIA_TYPE: &str = "application/apply-patch+yaml";

/// Applies the configuration in the body, creating the object when there is none.
pub(super) fn patch(backend: &mut Backend<'_>, call: &Call<'_>, part: Part) -> Result<Response, Status> {
    let configuration = configuration(call)?;
    let live = backend.storage.get(call.resource, call.namespace, call.name).cloned();
    if live.is_none() && part == Part::Status {
        return Err(Status::not_found(call.resource, call.name));
    }
    let manager =
        Manager { name: call.query.field_manager(call.request), apply: true, subresource: write::subresource(part) };
    let merged = apply::apply(
        call.resource,
        live.as_deref(),
        &configuration,
        &manager,
        call.query.force == Some(true),
        backend.now,
    )?;
    let mut writes = backend.writes(&call.query, call.request, manager.subresource, true);
    let (resource, namespace, name) = (call.resource, call.namespace, call.name);
    let (status, object) = match (live, part) {
        (None, _) => (201, writes.create(resource, namespace, merged)?),
        (Some(_), Part::Main) => (200, writes.update(resource, namespace, name, merged)?),
        (Some(_), Part::Status) => (200, writes.update_status(resource, namespace, name, merged)?),
    };
    read::show(backend, call, status, &object)
}

/// The body, which must be of the right kind and name and may not speak of managedFields.
fn configuration(call: &Call<'_>) -> Result<Value, Status> {
    let mut value: Value = serde_yaml_ng::from_slice(&call.request.body)
        .map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))?;
    if !value.is_object() {
        return Err(Status::bad_request("error decoding YAML: the body is not an object"));
    }
    decode::same_kind(&value, Expected::resource(call.resource)).map_err(|(_, why)| Status::bad_request(why))?;
    if value.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    write::check_name(call, &value)?;
    write::check_namespace(call, &value)?;
    let metadata = object::metadata_mut(&mut value);
    metadata.insert("name".to_owned(), json!(call.name));
    if call.resource.namespaced {
        metadata.insert("namespace".to_owned(), json!(call.namespace));
    }
    Ok(value)
}
