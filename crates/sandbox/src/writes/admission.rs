//! What stands between a request and its validation: namespace life cycle, and the fields that need to see the store.

use serde_json::Value;

use super::Writes;
use crate::object;
use crate::resources::{self, FieldError, Resource};
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
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
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

/// Completes or refuses a create.
pub(super) fn admit_create(
    _writes: &mut Writes<'_>,
    _resource: &'static Resource,
    _object: &mut Value,
) -> Result<(), Status> {
    Ok(())
}

/// Completes or refuses an update.
pub(super) fn admit_update(
    _writes: &mut Writes<'_>,
    _resource: &'static Resource,
    _object: &mut Value,
    _stored: &Value,
) -> Result<(), Status> {
    Ok(())
}

/// Everything wrong with the object: metadata first, then the kind's own rules.
pub(super) fn validate(
    resource: &Resource,
    object: &Value,
    stored: Option<&Value>,
) -> Vec<FieldError> {
    (resource.validate)(object, stored)
}
