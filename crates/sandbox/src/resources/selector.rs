//! Label selectors as they stand inside objects (`spec.selector`).

use serde_json::{Map, Value};

use super::{FieldError, metadata, names};

/// Whether a LabelSelector selects these labels. An absent selector selects nothing, an empty one everything.
#[must_use]
pub fn selects(selector: Option<&Value>, labels: Option<&Map<String, Value>>) -> bool {
    let Some(selector) = selector.and_then(Value::as_object) else {
        return false;
    };
    let label = |key: &str| labels.and_then(|labels| labels.get(key));
    let equal = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .is_none_or(|wanted| wanted.iter().all(|(key, value)| label(key) == Some(value)));
    equal && expressions(selector).iter().all(|expression| holds(expression, label))
}

fn holds<'a>(expression: &Value, label: impl Fn(&str) -> Option<&'a Value>) -> bool {
    let value = label(expression.get("key").and_then(Value::as_str).unwrap_or_default());
    let listed = || {
        let values = expression.get("values").and_then(Value::as_array);
        value.is_some_and(|value| values.is_some_and(|values| values.contains(value)))
    };
    match expression.get("operator").and_then(Value::as_str) {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => false,
    }
}

/// Whether a LabelSelector is present and demands nothing.
pub(super) fn is_empty(selector: &Value) -> bool {
    let demands = |key: &str| match selector.get(key) {
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        _ => false,
    };
    !demands("matchLabels") && !demands("matchExpressions")
}

/// Everything wrong with a LabelSelector.
pub(super) fn validate(field: &str, selector: &Value) -> Vec<FieldError> {
    let mut errors = metadata::labels(&format!("{field}.matchLabels"), selector.get("matchLabels"));
    let Some(selector) = selector.as_object() else {
        return errors;
    };
    for (index, expression) in expressions(selector).iter().enumerate() {
        let field = format!("{field}.matchExpressions[{index}]");
        let has_values = expression.get("values").and_then(Value::as_array).is_some_and(|values| !values.is_empty());
        let operator = expression.get("operator").cloned().unwrap_or_default();
        match operator.as_str() {
            Some("In" | "NotIn") if !has_values => errors.push(FieldError::required(
                format!("{field}.values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            Some("Exists" | "DoesNotExist") if has_values => errors.push(FieldError::forbidden(
                format!("{field}.values"),
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            )),
            Some("In" | "NotIn" | "Exists" | "DoesNotExist") => {}
            _ => errors.push(FieldError::invalid(
                format!("{field}.operator"),
                &operator,
                "not a valid selector operator",
            )),
        }
        let key = expression.get("key").and_then(Value::as_str).unwrap_or_default();
        errors.extend(FieldError::complaints(&format!("{field}.key"), key, names::qualified(key)));
    }
    errors
}

fn expressions(selector: &Map<String, Value>) -> &[Value] {
    selector.get("matchExpressions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selection() {
        let labels = json!({"app": "web", "tier": "front"});
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}), true),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}), false),
            (json!({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["front"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false),
        ];
        for (selector, selected) in cases {
            assert_eq!(selects(Some(&selector), labels.as_object()), selected, "{selector}");
        }
        assert!(!selects(None, labels.as_object()));
    }
}
