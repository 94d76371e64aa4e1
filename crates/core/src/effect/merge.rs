//! The JSON merge patch (RFC 7386) that leads from one value to another.

use serde_json::{Map, Value};

/// The patch from `before` to `after`, `None` if they are equal. Lists are replaced whole. A `null` inside `after` cannot be
/// expressed by a merge patch; Kubernetes objects have none that matters.
pub(super) fn diff(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Some(after.clone());
    };
    let removed = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = after.iter().filter_map(|(key, value)| match before.get(key) {
        Some(old) => diff(old, value).map(|patch| (key.clone(), patch)),
        None => Some((key.clone(), value.clone())),
    });
    Some(Value::Object(removed.chain(changed).collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_in_the_patch() {
        let before = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1, 2]});
        let after = json!({"a": 1, "b": {"c": 2}, "e": [1], "f": "new"});
        assert_eq!(diff(&before, &after), Some(json!({"b": {"d": null}, "e": [1], "f": "new"})));
        assert_eq!(diff(&before, &before), None);
    }
}
