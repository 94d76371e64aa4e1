//! JSON patch (RFC 6902), with the one liberty a real server takes: replacing an absent map key adds it.

use serde_json::Value;

use super::PatchError;

/// Operations that a real server takes in one patch.
const MOST_OPERATIONS: usize = 10_000;
/// What the `copy` operations of one patch may add, as JSON, on a real server. Without it, thirty copies of a document into itself
/// fill any memory.
const MOST_COPIED_BYTES: usize = 3 << 20;
/// Deeper than any object of the API. What reads the result is recursive, and operations could build on each other without end.
const DEEPEST: usize = 512;

/// Applies a list of operations; `target` is only changed when all of them succeed.
///
/// # Errors
/// [`PatchError::Malformed`] when the body is not a list of objects, [`PatchError::TooManyOperations`] when there are more than a real
/// server takes, [`PatchError::DoesNotApply`] for everything else.
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
    if operations.len() > MOST_OPERATIONS {
        return Err(PatchError::TooManyOperations { most: MOST_OPERATIONS, given: operations.len() });
    }
    let mut result = target.clone();
    let mut room = MOST_COPIED_BYTES;
    for operation in operations {
        step(&mut result, operation, &mut room).ok_or(PatchError::DoesNotApply)?;
    }
    Ok(result)
}

fn step(document: &mut Value, operation: &Value, room: &mut usize) -> Option<()> {
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
            *room = room.checked_sub(copied.to_string().len())?;
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

    /// Whether the value may stand here.
    fn fits(&self, value: &Value) -> Option<()> {
        let above = self.parents.len() + usize::from(self.last.is_some());
        (above + depth(value) <= DEEPEST).then_some(())
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
        self.fits(&value)?;
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
        self.fits(&value)?;
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

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
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
    use serde_json::{Value, json};

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

    #[test]
    fn a_patch_cannot_build_deeper_than_the_stack() {
        let deeper = |count: usize| Value::from(vec![json!({"op": "copy", "from": "", "path": "/a"}); count]);
        assert!(apply(&json!({}), &deeper(500)).is_ok());
        assert_eq!(apply(&json!({}), &deeper(600)), Err(PatchError::DoesNotApply));
        let step: String = "/a".repeat(100);
        let nested = (0..100).fold(json!({}), |inner, _| json!({ "a": inner }));
        let build: Value = (0..100).map(|at| json!({"op": "add", "path": step.repeat(at), "value": nested})).collect();
        assert_eq!(apply(&json!({}), &build), Err(PatchError::DoesNotApply));
    }

    #[test]
    fn a_patch_cannot_fill_the_memory() {
        let target = json!({"a": "0123456789"});
        let copies = |count: usize| -> Value {
            (0..count).map(|at| json!({"op": "copy", "from": "", "path": format!("/{at}")})).collect()
        };
        assert!(apply(&target, &copies(10)).is_ok());
        assert_eq!(apply(&target, &copies(40)), Err(PatchError::DoesNotApply));
        let tests = Value::from(vec![json!({"op": "test", "path": "/a", "value": "0123456789"}); 10_001]);
        assert_eq!(apply(&target, &tests), Err(PatchError::TooManyOperations { most: 10_000, given: 10_001 }));
    }
}
