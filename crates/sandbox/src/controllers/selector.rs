//! Label selectors as objects carry them (`matchLabels` and `matchExpressions`).

use serde_json::{Map, Value};

use crate::object;

/// Whether `labels` satisfy a LabelSelector. An empty selector matches everything, an absent (null) one nothing.
pub(crate) fn matches(selector: &Value, labels: Option<&Map<String, Value>>) -> bool {
    if !selector.is_object() {
        return false;
    }
    let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
    let equal = selector
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(key, wanted)| wanted.as_str().is_some_and(|wanted| value(key) == Some(wanted)));
    equal
        && object::items(selector, "/matchExpressions").iter().all(|requirement| {
            let value = value(object::text(requirement, "/key"));
            let listed =
                |value: &str| object::items(requirement, "/values").iter().any(|one| one.as_str() == Some(value));
            match object::text(requirement, "/operator") {
                "In" => value.is_some_and(listed),
                "NotIn" => !value.is_some_and(listed),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

/// Whether `labels` have all pairs of a plain map (the selector of a Service). An empty map matches nothing.
pub(crate) fn matches_map(selector: &Map<String, Value>, labels: Option<&Map<String, Value>>) -> bool {
    !selector.is_empty()
        && selector.iter().all(|(key, wanted)| labels.and_then(|labels| labels.get(key)) == Some(wanted))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_expressions_must_all_hold() {
        let labels = json!({"app": "web", "tier": "front"});
        let labels = labels.as_object();
        let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["front", "back"]},
            {"key": "gone", "operator": "DoesNotExist"},
            {"key": "gone", "operator": "NotIn", "values": ["x"]}]});
        assert!(matches(&selector, labels));
        assert!(!matches(&json!({"matchLabels": {"app": "api"}}), labels));
        assert!(!matches(&json!({"matchExpressions": [{"key": "gone", "operator": "Exists"}]}), labels));
        assert!(matches(&json!({}), labels));
        assert!(!matches(&Value::Null, labels));
    }
}
