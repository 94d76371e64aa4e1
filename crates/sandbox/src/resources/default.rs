//! Small steps that defaulting is made of. Zero values without a pointer are already gone when it runs.

use serde_json::{Map, Value, json};

/// A JSON object's fields.
pub(super) type Fields = Map<String, Value>;

/// Sets a field that is absent or null.
pub(super) fn fill(fields: &mut Fields, key: &str, value: impl Into<Value>) {
    if fields.get(key).is_none_or(Value::is_null) {
        fields.insert(key.to_owned(), value.into());
    }
}

/// The struct at `key`, made when absent or null.
pub(super) fn structure<'a>(fields: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    fill(fields, key, json!({}));
    fields.get_mut(key)?.as_object_mut()
}

/// The struct at `key`, where present.
pub(super) fn present<'a>(fields: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    fields.get_mut(key)?.as_object_mut()
}

/// The structs in the list at `key`.
pub(super) fn each<'a>(fields: &'a mut Fields, key: &str) -> impl Iterator<Item = &'a mut Fields> {
    let list = fields.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// `spec`, made when absent.
pub(super) fn spec(object: &mut Value) -> Option<&mut Fields> {
    structure(object.as_object_mut()?, "spec")
}

/// Gives a created object an empty status; a client has no say in it.
pub(super) fn reset_status(object: &mut Value, old: Option<&Value>) {
    set_status(object, old, json!({}));
}

/// Gives a created object this status.
pub(super) fn set_status(object: &mut Value, old: Option<&Value>, status: Value) {
    if let (None, Some(fields)) = (old, object.as_object_mut()) {
        fields.insert("status".to_owned(), status);
    }
}
