//! HorizontalPodAutoscalers, which the sandbox keeps and does not act on.

use serde_json::{Value, json};

use super::FieldError;
use super::default::{Fields, each, fill, present, spec, structure};

pub(super) fn default(autoscaler: &mut Value) {
    let Some(spec) = spec(autoscaler) else { return };
    fill(spec, "minReplicas", 1);
    fill(
        spec,
        "metrics",
        json!([{"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}}]),
    );
    let Some(behavior) = present(spec, "behavior") else {
        return;
    };
    if let Some(up) = structure(behavior, "scaleUp") {
        fill(up, "stabilizationWindowSeconds", 0);
        rules(
            up,
            json!([{"type": "Pods", "value": 4, "periodSeconds": 15},
                {"type": "Percent", "value": 100, "periodSeconds": 15}]),
        );
    }
    if let Some(down) = structure(behavior, "scaleDown") {
        rules(down, json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]));
    }
}

fn rules(rules: &mut Fields, policies: Value) {
    fill(rules, "selectPolicy", "Max");
    if each(rules, "policies").next().is_none() {
        rules.insert("policies".to_owned(), policies);
    }
}

pub(super) fn validate(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let number = |key: &str| spec.get(key).and_then(Value::as_i64).unwrap_or(0);
    let (min, max) = (number("minReplicas"), number("maxReplicas"));
    let mut errors = Vec::new();
    if min < 1 {
        let complaint = "must be greater than or equal to 1";
        errors.push(FieldError::invalid("spec.minReplicas", &json!(min), complaint));
    }
    if max < 1 {
        errors.push(FieldError::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if max < min {
        let complaint = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid("spec.maxReplicas", &json!(max), complaint));
    }
    let target =
        |key: &str| spec.pointer(&format!("/scaleTargetRef/{key}")).and_then(Value::as_str).unwrap_or_default();
    for key in ["kind", "name"] {
        if target(key).is_empty() {
            errors.push(FieldError::required(format!("spec.scaleTargetRef.{key}"), ""));
        }
    }
    let core_kind = matches!(target("kind"), "ReplicationController");
    if !target("apiVersion").contains('/') && !core_kind {
        let complaint = "apiVersion must specify API group";
        let version = json!(target("apiVersion"));
        errors.push(FieldError::invalid("spec.scaleTargetRef.apiVersion", &version, complaint));
    }
    errors
}

/// From autoscaling/v1: the CPU target is one metric among others.
pub(super) fn to_v2(mut autoscaler: Value) -> Value {
    if let Some(spec) = autoscaler.get_mut("spec").and_then(Value::as_object_mut)
        && let Some(percent) = spec.shift_remove("targetCPUUtilizationPercentage")
    {
        let metrics = match percent {
            Value::Null => Value::Null,
            percent => json!([{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": percent}}}]),
        };
        spec.insert("metrics".to_owned(), metrics);
    }
    autoscaler
}

/// To autoscaling/v1; other metrics and the scaling behaviour have no place there.
pub(super) fn from_v2(mut autoscaler: Value) -> Value {
    if let Some(spec) = autoscaler.get_mut("spec").and_then(Value::as_object_mut) {
        spec.shift_remove("behavior");
        let metrics = spec.shift_remove("metrics");
        let metrics = metrics.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let percent = metrics
            .iter()
            .filter(|metric| metric.pointer("/resource/name") == Some(&json!("cpu")))
            .find_map(|metric| metric.pointer("/resource/target/averageUtilization"));
        if let Some(percent) = percent {
            spec.insert("targetCPUUtilizationPercentage".to_owned(), percent.clone());
        }
    }
    if let Some(status) = autoscaler.get_mut("status").and_then(Value::as_object_mut) {
        status.shift_remove("currentMetrics");
        status.shift_remove("conditions");
        fill(status, "currentReplicas", 0);
    }
    autoscaler
}
