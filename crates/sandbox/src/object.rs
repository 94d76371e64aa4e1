//! Small accessors on stored objects, which are plain [`serde_json::Value`]s.
//!
//! Readers never fail: an absent or mistyped field reads as empty, because validation has the word about shapes.
//! Writers create the maps they need.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// `metadata.name`, or "".
pub fn name(object: &Value) -> &str {
    metadata_text(object, "name")
}

/// `metadata.namespace`, or "" (cluster scope).
pub fn namespace(object: &Value) -> &str {
    metadata_text(object, "namespace")
}

/// `metadata.uid`, or "".
pub fn uid(object: &Value) -> &str {
    metadata_text(object, "uid")
}

/// `kind`, or "".
pub fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// `metadata.resourceVersion` as a number; 0 when absent or not a number.
pub fn resource_version(object: &Value) -> u64 {
    metadata_text(object, "resourceVersion").parse().unwrap_or(0)
}

/// `metadata.generation`, or 0.
pub fn generation(object: &Value) -> i64 {
    integer(object, "/metadata/generation").unwrap_or(0)
}

/// `metadata.labels`, where present.
pub fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("labels")?.as_object()
}

/// One label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    labels(object)?.get(key)?.as_str()
}

/// `metadata.annotations`, where present.
pub fn annotations(object: &Value) -> Option<&Map<String, Value>> {
    object.get("metadata")?.get("annotations")?.as_object()
}

/// One annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    annotations(object)?.get(key)?.as_str()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    items(object, "/metadata/finalizers").iter().filter_map(Value::as_str)
}

/// `metadata.ownerReferences`.
pub fn owner_references(object: &Value) -> &[Value] {
    items(object, "/metadata/ownerReferences")
}

/// The owner reference with `controller: true`.
pub fn controller_of(object: &Value) -> Option<&Value> {
    owner_references(object).iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
}

/// Whether `metadata.deletionTimestamp` is set.
pub fn is_deleting(object: &Value) -> bool {
    !metadata_text(object, "deletionTimestamp").is_empty()
}

/// `metadata.deletionTimestamp`: when the grace period ends.
pub fn deletion_timestamp(object: &Value) -> Option<Timestamp> {
    timestamp(object, "/metadata/deletionTimestamp")
}

/// `metadata.creationTimestamp`.
pub fn creation_timestamp(object: &Value) -> Option<Timestamp> {
    timestamp(object, "/metadata/creationTimestamp")
}

/// The value at a JSON pointer. Controllers read thousands of objects at a time, and unlike [`Value::pointer`] this does
/// not allocate for tokens that need no unescaping, which is nearly all of them.
pub fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return object.pointer(pointer);
    }
    if pointer.is_empty() {
        return Some(object);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(object, |value, token| match value {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The text at a JSON pointer, or "".
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    at(object, pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a JSON pointer.
pub fn integer(object: &Value, pointer: &str) -> Option<i64> {
    at(object, pointer).and_then(Value::as_i64)
}

/// The boolean at a JSON pointer.
pub fn boolean(object: &Value, pointer: &str) -> Option<bool> {
    at(object, pointer).and_then(Value::as_bool)
}

/// The elements of the list at a JSON pointer; empty when absent.
pub fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    at(object, pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The time at a JSON pointer.
pub fn timestamp(object: &Value, pointer: &str) -> Option<Timestamp> {
    at(object, pointer)?.as_str()?.parse().ok()
}

/// A time as the API writes it: UTC, whole seconds.
pub fn format_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time with microseconds, as Lease and Event write it.
pub fn format_micro_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// `metadata`, created when absent or not a map.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    child_mut(as_map(object), "metadata")
}

/// The map under `key`, created when absent or not a map.
pub fn child_mut<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    as_map(map.entry(key).or_insert_with(|| json!({})))
}

/// The value as a map; anything else is replaced by an empty one.
pub fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("the value was made a map above"),
    }
}

/// Sets one label.
pub fn set_label(object: &mut Value, key: &str, value: &str) {
    child_mut(metadata_mut(object), "labels").insert(key.to_owned(), json!(value));
}

/// Sets one annotation.
pub fn set_annotation(object: &mut Value, key: &str, value: &str) {
    child_mut(metadata_mut(object), "annotations").insert(key.to_owned(), json!(value));
}

/// Removes one annotation, and the map with its last entry.
pub fn remove_annotation(object: &mut Value, key: &str) {
    let metadata = metadata_mut(object);
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else {
        return;
    };
    annotations.shift_remove(key);
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
}

/// Replaces the finalizers; an empty list removes the field.
pub fn set_finalizers<'a>(object: &mut Value, finalizers: impl IntoIterator<Item = &'a str>) {
    let list: Vec<Value> = finalizers.into_iter().map(|one| json!(one)).collect();
    let metadata = metadata_mut(object);
    if list.is_empty() {
        metadata.shift_remove("finalizers");
    } else {
        metadata.insert("finalizers".into(), Value::Array(list));
    }
}

/// Whether two values are equal, down to the order of their fields.
pub fn is_identical(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, value), (name, other))| key == name && is_identical(value, other))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_identical(one, other))
        }
        _ => one == other,
    }
}

/// Sets `key` in the map at the top level of `object` to `value`, or removes it for `None`.
pub fn set_or_remove(object: &mut Value, key: &str, value: Option<Value>) {
    let map = as_map(object);
    match value {
        Some(value) => {
            map.insert(key.to_owned(), value);
        }
        None => {
            map.shift_remove(key);
        }
    }
}

fn metadata_text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}
