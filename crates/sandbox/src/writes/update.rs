//! Updates: preconditions, what a writer may not change, generation, no-op detection.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Part, Writes, admission, create};
use crate::object;
use crate::ownership;
use crate::resources::{FieldError, Generation, Resource};
use crate::status::Status;

/// See [`Writes::update`] and [`Writes::update_status`].
pub(super) fn update(
    writes: &mut Writes<'_>,
    resource: &'static Resource,
    namespace: &str,
    name: &str,
    part: Part,
    mut object: Value,
) -> Result<Arc<Value>, Status> {
    let Some(stored) = writes.storage.get(resource, namespace, name).map(Arc::clone) else {
        if resource.create_on_update && part == Part::Main {
            return create::create(writes, resource, namespace, object);
        }
        return Err(Status::not_found(resource, name));
    };
    check_preconditions(resource, name, &stored, &object)?;
    carry_over(resource, &stored, part, &mut object);
    let mut object = admission::complete(resource, object, Some(&stored))?;
    if let Some(manager) = writes.manager.as_ref().filter(|manager| !manager.apply) {
        ownership::track(resource, &stored, &mut object, manager, writes.now);
    }
    if part == Part::Main {
        admission::admit_update(writes, resource, &mut object, &stored)?;
    }
    let mut object = admission::settle(resource, object, Some(&stored))?;
    let mut errors = added_finalizers(&stored, &object);
    match part {
        Part::Main => errors.extend(resource.check(&object, Some(&stored))),
        Part::Status => errors.extend((resource.validate_status)(&object)),
    }
    if !errors.is_empty() {
        return Err(Status::invalid(resource, name, errors));
    }
    // A status write may carry annotations (the revision of a Deployment), and still is no change of intent.
    if part == Part::Main {
        bump_generation(resource, &stored, &mut object);
    }

    if is_released(resource, &object) {
        // The last finalizer went: the answer is the object at its previous revision.
        object::metadata_mut(&mut object)
            .insert("resourceVersion".into(), json!(object::text(&stored, "/metadata/resourceVersion")));
        if !writes.dry_run {
            writes.storage.remove(resource, namespace, name);
        }
        return Ok(Arc::new(object));
    }
    if object == *stored {
        return Ok(stored);
    }
    if writes.dry_run {
        return Ok(Arc::new(object));
    }
    Ok(writes.storage.put(resource, object))
}

fn check_preconditions(resource: &Resource, name: &str, stored: &Value, object: &Value) -> Result<(), Status> {
    let version = object::text(object, "/metadata/resourceVersion");
    if !version.is_empty() {
        let number: u64 = version
            .parse()
            .map_err(|_| Status::unexplained(format!("strconv.ParseUint: parsing {version:?}: invalid syntax")))?;
        if number != 0 && number != object::resource_version(stored) {
            return Err(Status::stale(resource, name));
        }
    }
    let (wanted, present) = (object::uid(object), object::uid(stored));
    if !wanted.is_empty() && wanted != present {
        return Err(uid_mismatch(resource, name, object::namespace(stored), wanted, present));
    }
    Ok(())
}

/// 409 of a write for another incarnation of the object, in the words of the store of a real server.
pub(super) fn uid_mismatch(resource: &Resource, name: &str, namespace: &str, wanted: &str, present: &str) -> Status {
    let path = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}/{path}, ResourceVersion: 0, AdditionalErrorMsg: \
         Precondition failed: UID in precondition: {wanted}, UID in object meta: {present}",
        resource.plural
    );
    Status::conflict(resource, name, &why)
}

/// Restores what this write has no say in: identity, system metadata, and the other part of the object.
fn carry_over(resource: &Resource, stored: &Value, part: Part, object: &mut Value) {
    if part == Part::Status {
        keep_all_but_status(stored, object);
    } else if resource.has_status() {
        keep(object::as_map(object), "status", stored.get("status"));
    }
    let fields = object::as_map(object);
    fields.insert("kind".into(), json!(resource.kind));
    fields.insert("apiVersion".into(), json!(resource.api_version()));
    let metadata = object::metadata_mut(object);
    for key in SYSTEM_METADATA {
        keep(metadata, key, stored.get("metadata").and_then(|old| old.get(key)));
    }
}

/// Makes a field what it is in the stored object.
fn keep(fields: &mut Map<String, Value>, key: &str, stored: Option<&Value>) {
    match (stored, fields.get_mut(key)) {
        (Some(stored), Some(value)) if !object::is_identical(value, stored) => *value = stored.clone(),
        (Some(_), Some(_)) | (None, None) => {}
        (Some(stored), None) => {
            fields.insert(key.to_owned(), stored.clone());
        }
        (None, Some(_)) => {
            fields.shift_remove(key);
        }
    }
}

/// Metadata that only the server sets. `resourceVersion` is here so that an unchanged object compares equal.
const SYSTEM_METADATA: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
    "selfLink",
];

fn keep_all_but_status(stored: &Value, object: &mut Value) {
    let fields = object::as_map(object);
    fields.retain(|key, _| matches!(key.as_str(), "metadata" | "status") || stored.get(key).is_some());
    for (key, value) in stored.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "metadata" | "status") {
            keep(fields, key, Some(value));
        }
    }
    if !fields.contains_key("metadata") {
        keep(fields, "metadata", stored.get("metadata"));
    }
}

/// No finalizer may be added to an object that is being deleted.
fn added_finalizers(stored: &Value, object: &Value) -> Vec<FieldError> {
    if !object::is_deleting(stored) {
        return Vec::new();
    }
    let added: Vec<&str> =
        object::finalizers(object).filter(|one| !object::finalizers(stored).any(|old| old == *one)).collect();
    if added.is_empty() {
        return Vec::new();
    }
    let list = added.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join(", ");
    let error = FieldError::forbidden(
        "metadata.finalizers",
        &format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
        ),
    );
    // A real server checks metadata twice on updates, and both checks find this.
    vec![error.clone(), error]
}

fn bump_generation(resource: &Resource, stored: &Value, object: &mut Value) {
    let annotations_count = match resource.generation {
        Generation::None => return,
        Generation::Spec => false,
        Generation::SpecAndAnnotations => true,
    };
    let changed = differs_outside_metadata(stored, object)
        || (annotations_count && object::annotations(stored) != object::annotations(object));
    if changed {
        let next = object::generation(stored) + 1;
        object::metadata_mut(object).insert("generation".into(), json!(next));
    }
}

fn differs_outside_metadata(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before != after;
    };
    let counts = |key: &&String| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion");
    before.keys().chain(after.keys()).filter(counts).any(|key| before.get(key) != after.get(key))
}

/// A deleted object that nothing holds any more.
pub(super) fn is_released(resource: &Resource, object: &Value) -> bool {
    object::is_deleting(object)
        && object::finalizers(object).next().is_none()
        && object::integer(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) == 0
        && (resource.plural != "namespaces" || object::items(object, "/spec/finalizers").is_empty())
}
