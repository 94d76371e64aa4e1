//! Strategic merge patch: a merge patch that knows which lists are maps in disguise.
//!
//! The schema says how each list merges: by a key (containers by name), as a set (finalizers), or not at all (replaced).
//! Directives in the patch refine it: `$patch: delete|replace` in a map or list element, `$retainKeys` in a union,
//! `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`.
//!
//! Order of a merged list: elements named by the patch keep the order of the patch (or of `$setElementOrder`); the
//! others keep theirs; an element of the patch that the server did not have goes before the others.

use serde_json::{Map, Value};

use super::PatchError;
use crate::schema::{Field, Merge, Object, Type};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList/";
const ORDER_PREFIX: &str = "$setElementOrder/";

/// Merges `patch` into `target`. `shape` is the schema of the target, where there is one.
///
/// # Errors
/// [`PatchError::Directive`] for unknown directives and elements without their merge key.
pub fn apply(target: &Value, patch: &Map<String, Value>, shape: Option<&'static Object>) -> Result<Value, PatchError> {
    let original = target.as_object().cloned().unwrap_or_default();
    merge_map(original, patch.clone(), shape).map(Value::Object)
}

fn merge_map(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    shape: Option<&'static Object>,
) -> Result<Map<String, Value>, PatchError> {
    match patch.shift_remove(DIRECTIVE) {
        None => {}
        Some(directive) => match directive.as_str() {
            Some("replace") => return Ok(patch),
            Some("delete") => return Ok(Map::new()),
            Some("merge") => {}
            _ => return Err(unknown_directive(&directive, patch)),
        },
    }
    retain_keys(&mut original, &mut patch);
    apply_element_orders(&mut original, &mut patch, shape)?;
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE_PREFIX) {
            remove_scalars(&mut original, list, &value);
            continue;
        }
        if value.is_null() {
            original.shift_remove(&key);
            continue;
        }
        let field = shape.and_then(|shape| shape.field(&key));
        let merged = match (original.get_mut(&key).map(Value::take), value) {
            (Some(Value::Object(present)), Value::Object(wanted)) => {
                Value::Object(merge_map(present, wanted, field.and_then(nested))?)
            }
            (Some(Value::Array(present)), Value::Array(wanted)) => {
                Value::Array(merge_list(present, wanted, field, None)?)
            }
            (_, wanted) => without_directives(wanted),
        };
        original.insert(key, merged);
    }
    Ok(original)
}

/// The struct that a field (or the elements of its list) holds.
fn nested(field: &'static Field) -> Option<&'static Object> {
    fn of(ty: &'static Type) -> Option<&'static Object> {
        match ty {
            Type::Object(id) => Some(id.get()),
            Type::List(inner) | Type::Map(inner) => of(inner),
            _ => None,
        }
    }
    of(&field.ty)
}

/// Drops the keys of a union that the patch does not want to keep.
fn retain_keys(original: &mut Map<String, Value>, patch: &mut Map<String, Value>) {
    let Some(Value::Array(kept)) = patch.shift_remove(RETAIN_KEYS) else {
        return;
    };
    original.retain(|key, _| kept.iter().any(|one| one == key));
}

/// Merges the lists for which the patch gives an order, and takes them out of the patch.
fn apply_element_orders(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    shape: Option<&'static Object>,
) -> Result<(), PatchError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER_PREFIX)).cloned().collect();
    for directive in directives {
        let Some(Value::Array(order)) = patch.shift_remove(&directive) else {
            continue;
        };
        let key = directive[ORDER_PREFIX.len()..].to_owned();
        let field = shape.and_then(|shape| shape.field(&key));
        let wanted = match patch.shift_remove(&key) {
            None => Vec::new(),
            Some(Value::Array(wanted)) => wanted,
            // null deletes the list: there is nothing to order.
            Some(other) => {
                patch.insert(key, other);
                continue;
            }
        };
        let Some(Value::Array(present)) = original.get_mut(&key).map(Value::take) else {
            if !wanted.is_empty() {
                original.insert(key, without_directives(Value::Array(wanted)));
            }
            continue;
        };
        let merged = merge_list(present, wanted, field, Some(&order))?;
        original.insert(key, Value::Array(merged));
    }
    Ok(())
}

fn merge_list(
    present: Vec<Value>,
    wanted: Vec<Value>,
    field: Option<&'static Field>,
    order: Option<&[Value]>,
) -> Result<Vec<Value>, PatchError> {
    match field.and_then(|field| field.merge) {
        None => Ok(wanted.into_iter().map(without_directives).collect()),
        Some(Merge::Set) => {
            let mut merged = present.clone();
            for value in &wanted {
                if !merged.contains(value) {
                    merged.push(value.clone());
                }
            }
            Ok(arrange(merged, order.unwrap_or(&wanted), &present, |one, other| one == other))
        }
        Some(Merge::Key(key)) => merge_keyed(present, wanted, key, field.and_then(nested), order),
    }
}

fn merge_keyed(
    present: Vec<Value>,
    wanted: Vec<Value>,
    key: &'static str,
    shape: Option<&'static Object>,
    order: Option<&[Value]>,
) -> Result<Vec<Value>, PatchError> {
    let same = |one: &Value, other: &Value| one.get(key).is_some() && one.get(key) == other.get(key);
    let mut merged = present.clone();
    let mut elements = Vec::with_capacity(wanted.len());
    let mut replace = false;
    for element in wanted {
        let directive = element.get(DIRECTIVE).cloned();
        match directive.as_ref().map(|directive| directive.as_str().unwrap_or_default()) {
            None => elements.push(element),
            Some("replace") => replace = true,
            Some("delete") => {
                require_key(&element, key)?;
                merged.retain(|one| !same(one, &element));
            }
            Some("merge") => {
                return Err(PatchError::Directive("merging lists cannot yet be specified in the patch".into()));
            }
            Some(_) => {
                let map = element.as_object().cloned().unwrap_or_default();
                let text = directive.unwrap_or_default();
                return Err(unknown_directive(&text, without(map, DIRECTIVE)));
            }
        }
    }
    if replace {
        return Ok(elements);
    }
    for element in &elements {
        require_key(element, key)?;
        match merged.iter_mut().find(|one| same(one, element)) {
            Some(Value::Object(present)) => {
                let patch = element.as_object().cloned().unwrap_or_default();
                *present = merge_map(std::mem::take(present), patch, shape)?;
            }
            _ => merged.push(without_directives(element.clone())),
        }
    }
    Ok(arrange(merged, order.unwrap_or(&elements), &present, same))
}

/// Puts a merged list in order: see the module documentation.
fn arrange(merged: Vec<Value>, order: &[Value], before: &[Value], same: impl Fn(&Value, &Value) -> bool) -> Vec<Value> {
    let position = |list: &[Value], value: &Value| list.iter().position(|one| same(one, value));
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|value| position(order, value).is_some());
    named.sort_by_key(|value| position(order, value));
    others.sort_by_key(|value| position(before, value));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut result = Vec::new();
    loop {
        let next = match (others.peek(), named.peek()) {
            (Some(other), Some(name)) => match (position(before, other), position(before, name)) {
                (Some(one), Some(two)) if one < two => others.next(),
                _ => named.next(),
            },
            (Some(_), None) => others.next(),
            (None, _) => named.next(),
        };
        match next {
            Some(value) => result.push(value),
            None => return result,
        }
    }
}

fn remove_scalars(original: &mut Map<String, Value>, list: &str, gone: &Value) {
    let Some(Value::Array(present)) = original.get_mut(list) else {
        return;
    };
    let gone = gone.as_array().map(Vec::as_slice).unwrap_or_default();
    present.retain(|value| !gone.contains(value));
}

fn require_key(element: &Value, key: &str) -> Result<(), PatchError> {
    if element.get(key).is_some() {
        return Ok(());
    }
    Err(PatchError::Directive(format!("map: {} does not contain declared merge key: {key}", go_text(element))))
}

fn unknown_directive(directive: &Value, mut map: Map<String, Value>) -> PatchError {
    map.insert(DIRECTIVE.into(), directive.clone());
    PatchError::Directive(format!(
        "unknown patch type: {} in map: {}",
        go_text(directive),
        go_text(&Value::Object(map))
    ))
}

fn without(mut map: Map<String, Value>, key: &str) -> Map<String, Value> {
    map.shift_remove(key);
    map
}

/// A value of the patch that has nothing to merge with: directives (and what they delete) are dropped.
fn without_directives(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .map(|(key, value)| (key, without_directives(value)))
            .collect(),
        Value::Array(items) => {
            items.into_iter().filter(|item| item.get(DIRECTIVE).is_none()).map(without_directives).collect()
        }
        other => other,
    }
}

/// A value as Go prints it with `%v`, which is how messages show patches.
pub fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}:{}", go_text(value))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::apply;
    use crate::schema;

    fn patched(target: &Value, patch: &Value) -> Result<Value, String> {
        let shape = schema::find("PodSpec");
        apply(target, patch.as_object().unwrap(), shape).map_err(|error| error.to_string())
    }

    #[test]
    fn keyed_lists_merge_and_keep_a_predictable_order() {
        let target = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]});
        let cases = [
            (
                json!({"containers": [{"name": "b", "image": "2"}]}),
                json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]),
            ),
            (
                json!({"containers": [{"name": "n"}]}),
                json!([{"name": "n"}, {"name": "a", "image": "1"}, {"name": "b", "image": "1"}]),
            ),
            (
                json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}),
                json!([{"name": "b", "image": "1"}, {"name": "a", "image": "1"}]),
            ),
            (
                json!({"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}, {"name": "n"}],
                       "containers": [{"name": "n"}]}),
                json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}, {"name": "n"}]),
            ),
            (json!({"containers": [{"name": "a", "$patch": "delete"}]}), json!([{"name": "b", "image": "1"}])),
            (json!({"containers": [{"$patch": "replace"}, {"name": "only"}]}), json!([{"name": "only"}])),
        ];
        for (patch, wanted) in cases {
            assert_eq!(patched(&target, &patch), Ok(json!({"containers": wanted})), "{patch}");
        }
    }

    #[test]
    fn lists_without_a_merge_key_are_replaced() {
        let target = json!({"tolerations": [{"key": "a"}]});
        assert_eq!(
            patched(&target, &json!({"tolerations": [{"key": "b"}]})),
            Ok(json!({"tolerations": [{"key": "b"}]}))
        );
    }

    #[test]
    fn misused_directives_are_refused() {
        let target = json!({"containers": [{"name": "a"}]});
        assert_eq!(
            patched(&target, &json!({"containers": [{"image": "x"}]})),
            Err("map: map[image:x] does not contain declared merge key: name".into())
        );
        assert_eq!(
            patched(&target, &json!({"containers": [{"name": "a", "$patch": "nope"}]})),
            Err("unknown patch type: nope in map: map[$patch:nope name:a]".into())
        );
    }
}
