//! Deployments, ReplicaSets, StatefulSets and DaemonSets.

use serde_json::{Map, Value, json};

use super::default::{fill, reset_status, spec, structure};
use super::field::{count_or_percentage, non_negative, one_of, percentage};
use super::{FieldError, pod, selector};
use crate::object;

pub(super) fn default_deployment(deployment: &mut Value) {
    let Some(spec) = spec(deployment) else { return };
    fill(spec, "replicas", 1);
    if let Some(template) = structure(spec, "template") {
        pod::default_template(template);
    }
    if let Some(strategy) = structure(spec, "strategy") {
        fill(strategy, "type", "RollingUpdate");
        if strategy.get("type") == Some(&json!("RollingUpdate"))
            && let Some(rolling) = structure(strategy, "rollingUpdate")
        {
            fill(rolling, "maxUnavailable", "25%");
            fill(rolling, "maxSurge", "25%");
        }
    }
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
}

pub(super) fn default_replica_set(replica_set: &mut Value) {
    let Some(spec) = spec(replica_set) else {
        return;
    };
    fill(spec, "replicas", 1);
    if let Some(template) = structure(spec, "template") {
        pod::default_template(template);
    }
}

pub(super) fn default_stateful_set(stateful_set: &mut Value) {
    let Some(spec) = spec(stateful_set) else {
        return;
    };
    fill(spec, "replicas", 1);
    if let Some(template) = structure(spec, "template") {
        pod::default_template(template);
    }
    fill(spec, "podManagementPolicy", "OrderedReady");
    if let Some(strategy) = structure(spec, "updateStrategy") {
        fill(strategy, "type", "RollingUpdate");
        if strategy.get("type") == Some(&json!("RollingUpdate"))
            && let Some(rolling) = structure(strategy, "rollingUpdate")
        {
            fill(rolling, "partition", 0);
        }
    }
    fill(spec, "revisionHistoryLimit", 10);
    if let Some(retention) = structure(spec, "persistentVolumeClaimRetentionPolicy") {
        fill(retention, "whenDeleted", "Retain");
        fill(retention, "whenScaled", "Retain");
    }
}

pub(super) fn default_daemon_set(daemon_set: &mut Value) {
    let Some(spec) = spec(daemon_set) else { return };
    if let Some(template) = structure(spec, "template") {
        pod::default_template(template);
    }
    if let Some(strategy) = structure(spec, "updateStrategy") {
        fill(strategy, "type", "RollingUpdate");
        if strategy.get("type") == Some(&json!("RollingUpdate"))
            && let Some(rolling) = structure(strategy, "rollingUpdate")
        {
            fill(rolling, "maxUnavailable", 1);
            fill(rolling, "maxSurge", 0);
        }
    }
    fill(spec, "revisionHistoryLimit", 10);
}

/// DaemonSets mark the generation of their template in an annotation.
pub(super) fn prepare_daemon_set(daemon_set: &mut Value, old: Option<&Value>) {
    reset_status(daemon_set, old);
    if old.is_none() {
        object::set_annotation(daemon_set, "deprecated.daemonset.template.generation", "1");
    }
}

pub(super) fn validate_deployment(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::from_iter(non_negative("spec.replicas", spec.get("replicas")));
    errors.extend(selector_and_template(spec, "deployment", &["Always"]));
    errors.extend(deployment_strategy(spec.get("strategy").unwrap_or(&Value::Null)));
    for number in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        errors.extend(non_negative(&format!("spec.{number}"), spec.get(number)));
    }
    if let Some(deadline) = spec.get("progressDeadlineSeconds") {
        let min_ready = spec.get("minReadySeconds").and_then(Value::as_i64).unwrap_or(0);
        if deadline.as_i64().is_some_and(|seconds| seconds <= min_ready) {
            let complaint = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid("spec.progressDeadlineSeconds", deadline, complaint));
        }
    }
    errors.extend(fixed_selector(new, old));
    errors
}

pub(super) fn validate_replica_set(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::from_iter(non_negative("spec.replicas", spec.get("replicas")));
    errors.extend(non_negative("spec.minReadySeconds", spec.get("minReadySeconds")));
    errors.extend(selector_and_template(spec, "deployment", &["Always"]));
    errors.extend(fixed_selector(new, old));
    errors
}

pub(super) fn validate_daemon_set(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::from_iter(fixed_selector(new, old));
    errors.extend(selector_and_template(spec, "daemonset", &["Always"]));
    let kind = spec.pointer("/updateStrategy/type");
    errors.extend(one_of("spec.updateStrategy.type", kind, &["OnDelete", "RollingUpdate"]));
    errors.extend(non_negative("spec.minReadySeconds", spec.get("minReadySeconds")));
    errors
}

pub(super) fn validate_stateful_set(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    if let Some(old) = old {
        return Vec::from_iter(changed_stateful_set(spec, old.get("spec").unwrap_or(&Value::Null)));
    }
    let policy = spec.get("podManagementPolicy");
    let mut errors = Vec::from_iter(one_of("spec.podManagementPolicy", policy, &["OrderedReady", "Parallel"]));
    let kind = spec.pointer("/updateStrategy/type");
    errors.extend(one_of("spec.updateStrategy.type", kind, &["OnDelete", "RollingUpdate"]));
    errors.extend(non_negative("spec.replicas", spec.get("replicas")));
    errors.extend(non_negative("spec.minReadySeconds", spec.get("minReadySeconds")));
    errors.extend(selector_and_template(spec, "statefulset", &["Always"]));
    errors
}

fn changed_stateful_set(spec: &Value, old: &Value) -> Option<FieldError> {
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |spec: &Value| -> Map<String, Value> {
        let fields = spec.as_object().into_iter().flatten();
        fields
            .filter(|(key, _)| !FREE.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    (fixed(spec) != fixed(old)).then(|| {
        FieldError::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        )
    })
}

fn selector_and_template(spec: &Value, kind: &str, restart_policies: &[&str]) -> Vec<FieldError> {
    const LABELS: &str = "spec.template.metadata.labels";
    let mut errors = Vec::new();
    let selector = spec.get("selector").filter(|selector| !selector.is_null());
    let template = spec.get("template").unwrap_or(&Value::Null);
    let labels = template.pointer("/metadata/labels");
    match selector {
        None => errors.push(FieldError::required("spec.selector", "")),
        Some(selector) => {
            let complaints = selector::validate("spec.selector", selector);
            let invalid = !complaints.is_empty();
            errors.extend(complaints);
            if selector::is_empty(selector) {
                let complaint = format!("empty selector is invalid for {kind}");
                errors.push(FieldError::invalid("spec.selector", selector, &complaint));
            }
            if invalid {
                errors.push(FieldError::invalid("spec.selector", selector, "invalid label selector"));
                return errors;
            }
        }
    }
    if !selector::selects(selector, labels.and_then(Value::as_object)) {
        let complaint = "`selector` does not match template `labels`";
        errors.push(FieldError::invalid(LABELS, labels.unwrap_or(&Value::Null), complaint));
    }
    errors.extend(pod::template("spec.template", template));
    let restart_policy = template.pointer("/spec/restartPolicy");
    errors.extend(one_of("spec.template.spec.restartPolicy", restart_policy, restart_policies));
    if template.pointer("/spec/activeDeadlineSeconds").is_some() {
        let complaint = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.push(FieldError::forbidden("spec.template.spec.activeDeadlineSeconds", complaint));
    }
    errors
}

fn deployment_strategy(strategy: &Value) -> Vec<FieldError> {
    let rolling = strategy.get("rollingUpdate");
    match strategy.get("type").and_then(Value::as_str) {
        Some("Recreate") if rolling.is_some() => vec![FieldError::forbidden(
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        )],
        Some("Recreate") => Vec::new(),
        Some("RollingUpdate") => rolling_update(rolling.unwrap_or(&Value::Null)),
        _ => {
            // The server prints the struct of its own, with capital names.
            let own = json!({
                "Type": strategy.get("type"),
                "RollingUpdate": rolling.map(|rolling| json!({
                    "MaxUnavailable": rolling.get("maxUnavailable"),
                    "MaxSurge": rolling.get("maxSurge"),
                })),
            });
            vec![FieldError::not_supported("spec.strategy", &own, &["Recreate", "RollingUpdate"])]
        }
    }
}

fn rolling_update(rolling: &Value) -> Vec<FieldError> {
    const UNAVAILABLE: &str = "spec.strategy.rollingUpdate.maxUnavailable";
    let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
    let mut errors = Vec::from_iter(count_or_percentage(UNAVAILABLE, unavailable));
    errors.extend(count_or_percentage("spec.strategy.rollingUpdate.maxSurge", surge));
    let none =
        |value: Option<&Value>| value.is_some_and(|value| value.as_i64() == Some(0) || value.as_str() == Some("0%"));
    if none(unavailable) && none(surge) {
        let complaint = "may not be 0 when `maxSurge` is 0";
        errors.push(FieldError::invalid(UNAVAILABLE, &json!(0), complaint));
    }
    if let Some(value) = unavailable.filter(|value| percentage(Some(value)).is_some_and(|percent| percent > 100)) {
        errors.push(FieldError::invalid(UNAVAILABLE, value, "must not be greater than 100%"));
    }
    errors
}

fn fixed_selector(new: &Value, old: Option<&Value>) -> Option<FieldError> {
    let (new, old) = (new.pointer("/spec/selector"), old?.pointer("/spec/selector"));
    (new != old).then(|| FieldError::immutable("spec.selector", new.unwrap_or(&Value::Null)))
}

/// The counters of a written status: none negative, none above the number of replicas.
pub(super) fn validate_replicas_status(object: &Value) -> Vec<FieldError> {
    let status = object.get("status").unwrap_or(&Value::Null);
    let count = |key: &str| status.get(key).and_then(Value::as_i64).unwrap_or(0);
    let mut errors = Vec::from_iter(non_negative("status.observedGeneration", status.get("observedGeneration")));
    let subset = ["updatedReplicas", "readyReplicas", "availableReplicas"];
    for key in ["replicas"].into_iter().chain(subset).chain(["unavailableReplicas", "fullyLabeledReplicas"]) {
        errors.extend(non_negative(&format!("status.{key}"), status.get(key)));
    }
    for key in subset.into_iter().chain(["fullyLabeledReplicas"]) {
        let relevant = key != "fullyLabeledReplicas" || status.get(key).is_some();
        if relevant && count(key) > count("replicas") {
            let field = format!("status.{key}");
            errors.push(FieldError::invalid(field, &json!(count(key)), "cannot be greater than status.replicas"));
        }
    }
    if count("availableReplicas") > count("readyReplicas") {
        let complaint = "cannot be greater than readyReplicas";
        let available = json!(count("availableReplicas"));
        errors.push(FieldError::invalid("status.availableReplicas", &available, complaint));
    }
    errors
}
