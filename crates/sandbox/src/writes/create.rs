//! Creation: names, identity, namespace checks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Writes, admission};
use crate::object;
use crate::ownership;
use crate::resources::{Generation, Resource};
use crate::status::Status;

/// See [`Writes::create`].
pub(super) fn create(
    writes: &mut Writes<'_>,
    resource: &'static Resource,
    namespace: &str,
    mut object: Value,
) -> Result<Arc<Value>, Status> {
    if !object::text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(Status::unexplained("resourceVersion should not be set on objects to be created"));
    }
    admission::namespace_accepts(writes, resource, namespace, object::name(&object))?;
    identify(writes, resource, namespace, &mut object);
    let name = object::name(&object).to_owned();

    let mut object = admission::complete(resource, object, None)?;
    // Fields are the client's before admission completes the object.
    if let Some(manager) = writes.manager.as_ref().filter(|manager| !manager.apply) {
        ownership::track(resource, &admission::empty(resource)?, &mut object, manager, writes.now);
    }
    admission::admit_create(writes, resource, &mut object)?;
    let mut object = admission::settle(resource, object, None)?;
    let errors = resource.check(&object, None);
    if !errors.is_empty() {
        return Err(Status::invalid(resource, &name, errors));
    }
    crate::controllers::quota::admit(writes.storage, resource, &object)?;
    if let Some(existing) = writes.storage.get(resource, namespace, &name) {
        return Err(if object::is_deleting(existing) {
            let mut status = Status::already_exists(resource, &name);
            status.message = format!("object is being deleted: {}", status.message);
            status
        } else {
            Status::already_exists(resource, &name)
        });
    }
    if writes.dry_run {
        object::metadata_mut(&mut object).shift_remove("resourceVersion");
        return Ok(Arc::new(object));
    }
    Ok(writes.storage.put(resource, object))
}

/// Gives the object its kind, names and server-set metadata.
fn identify(writes: &mut Writes<'_>, resource: &Resource, namespace: &str, object: &mut Value) {
    let uid = writes.new_uid();
    let generate = object::text(object, "/metadata/generateName").to_owned();
    let generated = (object::name(object).is_empty() && !generate.is_empty()).then(|| {
        // 63 is the longest label; a real server cuts the prefix to leave room for the suffix.
        let mut prefix = generate;
        prefix.truncate(63 - 5);
        format!("{prefix}{}", writes.random_suffix(5))
    });
    let time = object::format_time(writes.now);
    let fields = object::as_map(object);
    fields.insert("kind".into(), json!(resource.kind));
    fields.insert("apiVersion".into(), json!(resource.api_version()));
    let metadata = object::metadata_mut(object);
    if let Some(name) = generated {
        metadata.insert("name".into(), json!(name));
    }
    if resource.namespaced {
        metadata.insert("namespace".into(), json!(namespace));
    } else {
        metadata.shift_remove("namespace");
    }
    metadata.insert("uid".into(), json!(uid));
    // The store knows the number; this keeps the field in its place.
    metadata.insert("resourceVersion".into(), json!("0"));
    metadata.insert("creationTimestamp".into(), json!(time));
    for transient in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.shift_remove(transient);
    }
    if resource.generation != Generation::None {
        metadata.insert("generation".into(), json!(1));
    }
}
