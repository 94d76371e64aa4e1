//! JSON merge patches (RFC 7386): the one that leads from one value to another, and applying one.

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

/// Applies a patch as an API server does.
pub fn apply_merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    let target = super::entries(target);
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            apply_merge(target.entry(key).or_insert(Value::Null), value);
        }
    }
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
        let mut patched = before.clone();
        apply_merge(&mut patched, &diff(&before, &after).unwrap());
        assert_eq!(patched, after);
    }
}
