//! Events, which have two shapes: the core one, which is stored, and that of events.k8s.io.

use serde_json::{Map, Value, json};

use super::{FieldError, names};
use crate::object;

/// Fields of events.k8s.io and their names in the core shape. All others are named alike.
const NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// Field labels of events.k8s.io and their names for core events.
pub(super) const FIELD_LABELS: &[(&str, &str)] = &[
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.resourceVersion", "involvedObject.resourceVersion"),
    ("regarding.uid", "involvedObject.uid"),
    ("reportingController", "reportingComponent"),
];

pub(super) fn to_core(event: Value) -> Value {
    rename(event, |name| NAMES.iter().find(|(new, _)| *new == name).map(|(_, core)| *core))
}

pub(super) fn from_core(event: Value) -> Value {
    rename(event, |name| NAMES.iter().find(|(_, core)| *core == name).map(|(new, _)| *new))
}

fn rename(event: Value, other: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Value::Object(fields) = event else { return event };
    let renamed: Map<String, Value> =
        fields.into_iter().map(|(key, value)| (other(&key).map_or(key.clone(), str::to_owned), value)).collect();
    Value::Object(renamed)
}

/// Core events may leave out almost everything.
pub(super) fn validate(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let (own, about) = (object::namespace(new), object::text(new, "/involvedObject/namespace"));
    // Events about cluster-scoped objects are kept in the default namespace.
    if about == own || (about.is_empty() && own == "default") {
        return Vec::new();
    }
    let complaint = "does not match event.namespace";
    vec![FieldError::invalid("involvedObject.namespace", &json!(about), complaint)]
}

/// What events.k8s.io demands of a new event.
pub(super) fn validate_new(event: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if event.get("eventTime").is_none_or(Value::is_null) {
        errors.push(FieldError::required("eventTime", ""));
    }
    let controller = object::text(event, "/reportingController");
    if controller.is_empty() {
        errors.push(FieldError::required("reportingController", ""));
    }
    errors.extend(FieldError::complaints("reportingController", controller, names::qualified(controller)));
    for field in ["reportingInstance", "action", "reason"] {
        if object::text(event, &format!("/{field}")).is_empty() {
            errors.push(FieldError::required(field, ""));
        }
    }
    let kind = object::text(event, "/type");
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(FieldError::invalid("type", &json!(""), &format!("has invalid value: {kind}")));
    }
    errors
}
