//! Validation of metadata, the same for every kind.

use serde_json::Value;

use super::{FieldError, Resource, names};
use crate::object;

/// Everything wrong with the metadata of a new or updated object, in the server's order.
pub(super) fn validate(resource: &Resource, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = object::name(new);
    if old.is_none() {
        let generate = object::text(new, "/metadata/generateName");
        // The prefix is judged as if a name ended after it.
        let stem = generate.trim_end_matches('-');
        if !stem.is_empty() {
            let complaints = resource.name_rule.complaints(stem);
            let field = "metadata.generateName";
            errors.extend(FieldError::complaints(field, generate, complaints));
        }
        if name.is_empty() && generate.is_empty() {
            let detail = "name or generateName is required";
            errors.push(FieldError::required("metadata.name", detail));
        } else if !name.is_empty() {
            let complaints = resource.name_rule.complaints(name);
            errors.extend(FieldError::complaints("metadata.name", name, complaints));
        }
    }
    errors.extend(labels("metadata.labels", new.pointer("/metadata/labels")));
    errors.extend(annotations("metadata.annotations", new.pointer("/metadata/annotations")));
    errors.extend(owners(new));
    errors.extend(finalizers(new));
    errors
}

/// The errors of a map of labels (or a plain selector, which is one).
pub(super) fn labels(field: &str, labels: Option<&Value>) -> Vec<FieldError> {
    let Some(labels) = labels.and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    for (key, value) in labels {
        let value = value.as_str().unwrap_or_default();
        errors.extend(FieldError::complaints(field, key, names::qualified(key)));
        errors.extend(FieldError::complaints(field, value, names::label_value(value)));
    }
    errors
}

/// The errors of a map of annotations.
pub(super) fn annotations(field: &str, annotations: Option<&Value>) -> Vec<FieldError> {
    /// Of keys and values together.
    const MOST_BYTES: usize = 256 * 1024;
    let Some(annotations) = annotations.and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut errors = Vec::new();
    let mut bytes = 0;
    for (key, value) in annotations {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        errors.extend(FieldError::complaints(field, key, names::qualified(&key.to_lowercase())));
    }
    if bytes > MOST_BYTES {
        errors.push(FieldError::too_long(field, MOST_BYTES));
    }
    errors
}

fn owners(new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut controllers = 0;
    for owner in object::owner_references(new) {
        for (key, complaint) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            let value = owner.get(key).and_then(Value::as_str).unwrap_or_default();
            if value.is_empty() {
                errors.push(FieldError::invalid(
                    format!("metadata.ownerReferences.{key}"),
                    &Value::from(""),
                    complaint,
                ));
            }
        }
        controllers += usize::from(owner.get("controller") == Some(&Value::Bool(true)));
    }
    if controllers > 1 {
        let references = Value::from(object::owner_references(new));
        let complaint = "Only one reference can have Controller set to true";
        errors.push(FieldError::invalid("metadata.ownerReferences", &references, complaint));
    }
    errors
}

fn finalizers(new: &Value) -> Vec<FieldError> {
    const STANDARD: [&str; 3] = ["kubernetes", "foregroundDeletion", "orphan"];
    let mut errors = Vec::new();
    for (index, finalizer) in object::finalizers(new).enumerate() {
        let field = format!("metadata.finalizers[{index}]");
        let complaints = names::qualified(finalizer);
        if !complaints.is_empty() {
            errors.extend(FieldError::complaints(&field, finalizer, complaints));
        } else if !finalizer.contains('/') && !STANDARD.contains(&finalizer) {
            let complaint = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(field, &Value::from(finalizer), complaint));
        }
    }
    errors
}
