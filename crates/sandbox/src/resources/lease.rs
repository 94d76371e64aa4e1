//! Leases.

use serde_json::Value;

use super::FieldError;

pub(super) fn validate(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::new();
    if let Some(seconds) = spec.get("leaseDurationSeconds").filter(|seconds| seconds.as_i64().unwrap_or(0) <= 0) {
        errors.push(FieldError::invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
    }
    if let Some(count) = spec.get("leaseTransitions").filter(|count| count.as_i64().unwrap_or(0) < 0) {
        errors.push(FieldError::invalid("spec.leaseTransitions", count, "must be greater than or equal to 0"));
    }
    errors
}
