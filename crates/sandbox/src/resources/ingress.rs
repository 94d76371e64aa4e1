//! Ingresses, which the sandbox keeps and does not act on.

use serde_json::{Value, json};

use super::FieldError;
use super::field::one_of;

pub(super) fn validate(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let rules = spec.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut errors = Vec::new();
    if rules.is_empty() && spec.get("defaultBackend").is_none() {
        let complaint = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid("spec", &Value::Null, complaint));
    }
    for (index, rule) in rules.iter().enumerate() {
        let paths = rule.pointer("/http/paths").and_then(Value::as_array);
        for (at, path) in paths.into_iter().flatten().enumerate() {
            errors.extend(http_path(&format!("spec.rules[{index}].http.paths[{at}]"), path));
        }
    }
    errors
}

fn http_path(field: &str, path: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let text = path.get("path").cloned().unwrap_or_else(|| json!(""));
    let kind = path.get("pathType").and_then(Value::as_str);
    match kind {
        None => errors.push(FieldError::required(format!("{field}.pathType"), "pathType must be specified")),
        Some("Exact" | "Prefix") if !text.as_str().is_some_and(|text| text.starts_with('/')) => {
            errors.push(FieldError::invalid(format!("{field}.path"), &text, "must be an absolute path"));
        }
        Some(_) => errors.extend(one_of(
            &format!("{field}.pathType"),
            path.get("pathType"),
            &["Exact", "ImplementationSpecific", "Prefix"],
        )),
    }
    let backend = path.get("backend").unwrap_or(&Value::Null);
    if backend.get("service").is_none() && backend.get("resource").is_none() {
        let complaint = "resource or service backend is required";
        errors.push(FieldError::invalid(format!("{field}.backend"), &json!(""), complaint));
    }
    errors
}
