//! PodDisruptionBudgets.

use serde_json::{Value, json};

use super::field::{count_or_percentage, one_of, percentage};
use super::{FieldError, selector};

pub(super) fn validate(new: &Value, _: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let mut errors = Vec::new();
    let (min, max) = (spec.get("minAvailable"), spec.get("maxUnavailable"));
    if min.is_some() && max.is_some() {
        // The server prints the struct of its own, with capital names.
        let own = json!({
            "MinAvailable": min,
            "Selector": spec.get("selector"),
            "MaxUnavailable": max,
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        });
        errors.push(FieldError::invalid("spec", &own, "minAvailable and maxUnavailable cannot be both set"));
    }
    for (name, value) in [("minAvailable", min), ("maxUnavailable", max)] {
        let field = format!("spec.{name}");
        errors.extend(count_or_percentage(&field, value));
        if let Some(value) = value.filter(|value| percentage(Some(value)).is_some_and(|percent| percent > 100)) {
            errors.push(FieldError::invalid(field, value, "must not be greater than 100%"));
        }
    }
    if let Some(selector) = spec.get("selector") {
        errors.extend(selector::validate("spec.selector", selector));
    }
    let policy = spec.get("unhealthyPodEvictionPolicy");
    errors.extend(one_of("spec.unhealthyPodEvictionPolicy", policy, &["AlwaysAllow", "IfHealthyBudget"]));
    errors
}
