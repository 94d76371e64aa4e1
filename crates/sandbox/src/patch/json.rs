//! JSON patch (RFC 6902), with the one liberty a real server takes: replacing an absent map key adds it.

use serde_json::Value;

use super::PatchError;

/// Applies a list of operations; `target` is only changed when all of them succeed.
///
/// # Errors
/// [`PatchError::Malformed`] when the body is not a list of objects, [`PatchError::DoesNotApply`] for everything else.
pub fn apply(target: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = match patch {
        Value::Array(operations) => operations,
        other => {
            return Err(PatchError::Malformed(format!(
                "json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                type_name(other)
            )));
        }
    };
    let mut result = target.clone();
    for operation in operations {
        step(&mut result, operation).ok_or(PatchError::DoesNotApply)?;
    }
    Ok(result)
}

fn step(document: &mut Value, operation: &Value) -> Option<()> {
    let text = |key: &str| operation.get(key).and_then(Value::as_str);
    let path = Pointer::parse(text("path")?)?;
    let value = || operation.get("value").cloned();
    match text("op")? {
        "add" => path.add(document, value()?),
        "remove" => path.remove(document).map(drop),
        "replace" => path.replace(document, value()?),
        "test" => {
            let present = path.read(document).unwrap_or(&Value::Null);
            (*present == operation.get("value").cloned().unwrap_or_default()).then_some(())
        }
        "copy" => {
            let copied = Pointer::parse(text("from")?)?.read(document)?.clone();
            path.add(document, copied)
        }
        "move" => {
            let moved = Pointer::parse(text("from")?)?.remove(document)?;
            path.add(document, moved)
        }
        _ => None,
    }
}

/// A JSON pointer, split and unescaped.
struct Pointer {
    parents: Vec<String>,
    /// `None` is the whole document.
    last: Option<String>,
}

impl Pointer {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { parents: Vec::new(), last: None });
        }
        let mut parents: Vec<String> =
            text.strip_prefix('/')?.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        let last = parents.pop();
        Some(Self { parents, last })
    }

    fn read<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.parents.iter().chain(&self.last).try_fold(document, |value, token| match value {
            Value::Object(map) => map.get(token),
            Value::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    fn parent<'a>(&self, document: &'a mut Value) -> Option<&'a mut Value> {
        self.parents.iter().try_fold(document, |value, token| match value {
            Value::Object(map) => map.get_mut(token),
            Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    fn add(&self, document: &mut Value, value: Value) -> Option<()> {
        let Some(last) = &self.last else {
            *document = value;
            return Some(());
        };
        match self.parent(document)? {
            Value::Object(map) => {
                map.insert(last.clone(), value);
            }
            Value::Array(items) if last == "-" => items.push(value),
            Value::Array(items) => {
                let index: usize = last.parse().ok()?;
                if index > items.len() {
                    return None;
                }
                items.insert(index, value);
            }
            _ => return None,
        }
        Some(())
    }

    fn replace(&self, document: &mut Value, value: Value) -> Option<()> {
        let Some(last) = &self.last else {
            *document = value;
            return Some(());
        };
        match self.parent(document)? {
            Value::Object(map) => {
                map.insert(last.clone(), value);
            }
            Value::Array(items) => *items.get_mut(last.parse::<usize>().ok()?)? = value,
            _ => return None,
        }
        Some(())
    }

    fn remove(&self, document: &mut Value) -> Option<Value> {
        let last = self.last.as_ref()?;
        match self.parent(document)? {
            Value::Object(map) => map.shift_remove(last),
            Value::Array(items) => {
                let index: usize = last.parse().ok()?;
                (index < items.len()).then(|| items.remove(index))
            }
            _ => None,
        }
    }
}

/// The JSON type of a value, in the words of the server's decoder.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PatchError, apply};

    #[test]
    fn operations_apply_in_order_or_not_at_all() {
        let target = json!({"a": {"x~/y": 1}, "l": [1, 3]});
        let patch = json!([
            {"op": "add", "path": "/l/1", "value": 2},
            {"op": "add", "path": "/l/-", "value": 4},
            {"op": "move", "from": "/a/x~0~1y", "path": "/a/z"},
            {"op": "replace", "path": "/absent", "value": true},
        ]);
        assert_eq!(apply(&target, &patch), Ok(json!({"a": {"z": 1}, "l": [1, 2, 3, 4], "absent": true})));
        for refused in [
            json!([{"op": "test", "path": "/l/0", "value": 9}]),
            json!([{"op": "remove", "path": "/none"}]),
            json!([{"op": "add", "path": "/none/deep", "value": 1}]),
            json!([{"op": "add", "path": "/l/9", "value": 1}]),
            json!([{"op": "frob", "path": "/l"}]),
        ] {
            assert_eq!(apply(&target, &refused), Err(PatchError::DoesNotApply), "{refused}");
        }
    }
}
