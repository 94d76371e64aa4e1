//! JSON merge patch (RFC 7386).

use serde_json::{Map, Value};

/// Merges `patch` into `target`: objects key by key, null deletes, everything else replaces.
pub fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            apply(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn null_deletes_lists_are_replaced_and_new_objects_lose_their_nulls() {
        let mut target = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        super::apply(&mut target, &json!({"a": {"b": null}, "l": [3], "n": {"x": null, "y": 1}}));
        assert_eq!(target, json!({"a": {"c": 2}, "l": [3], "n": {"y": 1}}));
    }
}
