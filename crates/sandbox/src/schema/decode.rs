//! Typed decoding: from any JSON a client sent to the JSON the server stores.
//!
//! A real server decodes into structs and encodes them again, and clients see the traces: unknown fields vanish, zero
//! values without a pointer vanish, nested structs appear even when empty, quantities come back canonical, a field of
//! the wrong type refuses the whole object. Fields come out in the order of the schema.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Field, Object, Type};
use crate::object;
use crate::quantity::Quantity;

/// An object in the form that is stored, and the paths of the fields that the schema does not know.
#[derive(Debug, PartialEq)]
pub struct Decoded {
    pub value: Value,
    /// Such as `spec.template.spec.nope`, in the order of the input.
    pub unknown_fields: Vec<String>,
}

/// Why an object cannot be decoded, in the words of the server (the text after `cannot be handled as a KIND: `).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {expected}")]
    Field { found: String, owner: &'static str, path: String, expected: String },
    #[error("json: cannot unmarshal {found} into Go value of type {expected}")]
    Root { found: String, expected: String },
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Quantity,
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    #[error("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {wanted:?}")]
    Time { text: String, layout: &'static str, rest: String, wanted: &'static str },
}

/// Decodes an object of the given shape. `apiVersion` and `kind` pass through at the top. What is as in `known`, an object that was decoded
/// before, passes through at every level: most writes change little of an object.
///
/// # Errors
/// When a field has the wrong JSON type, or a quantity, time or base64 text cannot be read.
pub fn decode(shape: &'static Object, value: Value, known: Option<&Value>) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder { owner: shape, path: Vec::new(), unknown_fields: Vec::new() };
    let mut map = match value {
        Value::Null => Map::new(),
        Value::Object(map) => map,
        other => {
            return Err(DecodeError::Root { found: found(&other), expected: go_struct(shape) });
        }
    };
    let mut result = Map::with_capacity(map.len() + 2);
    let mut wrong = None;
    for key in ["kind", "apiVersion"] {
        match map.shift_remove(key) {
            Some(text @ Value::String(_)) => {
                result.insert(key.to_owned(), text);
            }
            None | Some(Value::Null) => {}
            Some(other) => {
                wrong.get_or_insert(decoder.mismatch_at(shape, key, &other, "string".to_owned()));
            }
        }
    }
    let mut fields = decoder.structure(shape, map, known)?;
    // Errors of fields come first.
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    result.append(&mut fields);
    Ok(Decoded { value: Value::Object(result), unknown_fields: decoder.unknown_fields })
}

enum Step {
    Field(&'static str),
    Index(usize),
    Key(String),
}

struct Decoder {
    /// The innermost struct, which type errors name.
    owner: &'static Object,
    path: Vec<Step>,
    unknown_fields: Vec<String>,
}

impl Decoder {
    fn structure(
        &mut self,
        shape: &'static Object,
        map: Map<String, Value>,
        known: Option<&Value>,
    ) -> Result<Map<String, Value>, DecodeError> {
        let outer = std::mem::replace(&mut self.owner, shape);
        let mut decoded: Vec<Option<Value>> = vec![None; shape.fields.len()];
        for (key, value) in map {
            match shape.fields.iter().position(|field| field.name == key) {
                Some(at) => {
                    let field = &shape.fields[at];
                    self.path.push(Step::Field(field.name));
                    decoded[at] = self.value(&field.ty, value, known.and_then(|known| known.get(field.name)))?;
                    self.path.pop();
                }
                None => self.unknown_fields.push(format!("{}{key}", self.prefix())),
            }
        }
        let mut result = Map::new();
        for (field, value) in shape.fields.iter().zip(decoded) {
            if let Some(value) = self.written(field, value)? {
                result.insert(field.name.to_owned(), value);
            }
        }
        self.owner = outer;
        Ok(result)
    }

    /// What is written for a field whose decoded value is given (`None`: absent or null).
    fn written(&mut self, field: &'static Field, value: Option<Value>) -> Result<Option<Value>, DecodeError> {
        if field.pointer {
            return Ok(value.or_else(|| field.always.then_some(Value::Null)));
        }
        Ok(match (&field.ty, value) {
            (Type::Object(shape), None) => Some(Value::Object(self.structure(shape.get(), Map::new(), None)?)),
            (Type::Time | Type::MicroTime, None) => Some(Value::Null),
            (Type::Quantity, None) => Some(json!("0")),
            (Type::IntOrString, None) => Some(json!(0)),
            (Type::Object(_) | Type::Time | Type::MicroTime | Type::Quantity | Type::IntOrString, some) => some,
            (Type::Raw, value) => value,
            (ty, None) => field.always.then(|| zero(ty)),
            (ty, Some(value)) if is_zero(&value) => field.always.then(|| zero(ty)),
            (_, some) => some,
        })
    }

    fn value(&mut self, ty: &'static Type, value: Value, known: Option<&Value>) -> Result<Option<Value>, DecodeError> {
        if value.is_null() {
            return Ok(None);
        }
        if known.is_some_and(|known| object::is_identical(&value, known)) {
            return Ok(Some(value));
        }
        let decoded = match (ty, value) {
            (Type::Raw, value)
            | (Type::String | Type::IntOrString, value @ Value::String(_))
            | (Type::Boolean, value @ Value::Bool(_)) => value,
            (Type::Int32 | Type::IntOrString, Value::Number(number))
                if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) =>
            {
                Value::Number(number)
            }
            (Type::Int64, Value::Number(number)) if number.is_i64() => Value::Number(number),
            (Type::Bytes, Value::String(text)) => bytes(&text)?,
            (Type::Quantity, Value::String(text)) => quantity(&text)?,
            (Type::Quantity, Value::Number(number)) => quantity(&number.to_string())?,
            (Type::Time, Value::String(text)) => time(&text)?,
            (Type::MicroTime, Value::String(text)) => micro_time(&text)?,
            (Type::Map(item), Value::Object(map)) => self.map(item, map, known)?,
            (Type::List(item), Value::Array(list)) => self.list(item, list, known)?,
            (Type::Object(shape), Value::Object(map)) => Value::Object(self.structure(shape.get(), map, known)?),
            (_, value) => return Err(self.mismatch(&value, go_type(ty))),
        };
        Ok(Some(decoded))
    }

    fn map(
        &mut self,
        item: &'static Type,
        map: Map<String, Value>,
        known: Option<&Value>,
    ) -> Result<Value, DecodeError> {
        let mut result = Map::with_capacity(map.len());
        for (key, value) in map {
            let known = known.and_then(|known| known.get(&key));
            self.path.push(Step::Key(key.clone()));
            let value = self.value(item, value, known)?.unwrap_or_else(|| zero(item));
            self.path.pop();
            result.insert(key, value);
        }
        // Maps have no order of their own; a server writes them sorted.
        result.sort_keys();
        Ok(Value::Object(result))
    }

    fn list(&mut self, item: &'static Type, list: Vec<Value>, known: Option<&Value>) -> Result<Value, DecodeError> {
        let mut result = Vec::with_capacity(list.len());
        for (index, value) in list.into_iter().enumerate() {
            self.path.push(Step::Index(index));
            let known = known.and_then(|known| known.get(index));
            let value = match (item, self.value(item, value, known)?) {
                (_, Some(value)) => value,
                (Type::Object(shape), None) => Value::Object(self.structure(shape.get(), Map::new(), None)?),
                (_, None) => zero(item),
            };
            self.path.pop();
            result.push(value);
        }
        Ok(Value::Array(result))
    }

    /// The path of unknown fields: with indexes, `spec.containers[0].`.
    fn prefix(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Field(name) => text.push_str(name),
                Step::Key(key) => text.push_str(key),
                Step::Index(index) => {
                    text.pop();
                    text.push_str(&format!("[{index}]"));
                }
            }
            text.push('.');
        }
        text
    }

    /// Type errors name the innermost struct and the fields from the root, without indexes and map keys.
    fn mismatch(&self, value: &Value, expected: String) -> DecodeError {
        let fields = self.path.iter().filter_map(|step| match step {
            Step::Field(name) => Some(*name),
            Step::Index(_) | Step::Key(_) => None,
        });
        let path = fields.collect::<Vec<_>>().join(".");
        DecodeError::Field { found: found(value), owner: self.owner.name, path, expected }
    }

    fn mismatch_at(&mut self, shape: &'static Object, field: &str, value: &Value, expected: String) -> DecodeError {
        DecodeError::Field { found: found(value), owner: shape.name, path: field.to_owned(), expected }
    }
}

/// How Go's decoder calls what it found.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::String => "string".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        // Its own decoder reports the half it tried.
        Type::IntOrString => "int32".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::MicroTime => "v1.MicroTime".to_owned(),
        Type::Raw => "interface {}".to_owned(),
        Type::Map(item) => format!("map[string]{}", go_type(item)),
        Type::List(item) => format!("[]{}", go_type(item)),
        Type::Object(shape) => go_struct(shape.get()),
    }
}

fn go_struct(shape: &Object) -> String {
    format!("v1.{}", shape.name.rsplit('.').next().unwrap_or(shape.name))
}

fn zero(ty: &Type) -> Value {
    match ty {
        Type::String | Type::Bytes => json!(""),
        Type::Boolean => json!(false),
        Type::Int32 | Type::Int64 | Type::IntOrString => json!(0),
        Type::Quantity => json!("0"),
        Type::Time | Type::MicroTime | Type::Raw | Type::Map(_) | Type::List(_) | Type::Object(_) => Value::Null,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn bytes(text: &str) -> Result<Value, DecodeError> {
    match base64::engine::general_purpose::STANDARD.decode(text) {
        Ok(_) => Ok(json!(text)),
        Err(base64::DecodeError::InvalidByte(at, _)) => Err(DecodeError::Base64(at)),
        Err(_) => Err(DecodeError::Base64(text.len() / 4 * 4)),
    }
}

fn quantity(text: &str) -> Result<Value, DecodeError> {
    let quantity: Quantity = text.parse().map_err(|_| DecodeError::Quantity)?;
    Ok(json!(quantity.to_string()))
}

fn time(text: &str) -> Result<Value, DecodeError> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    let time: Timestamp = text.parse().map_err(|_| DecodeError::Time {
        text: text.to_owned(),
        layout: LAYOUT,
        rest: text.to_owned(),
        wanted: "2006",
    })?;
    Ok(json!(object::format_time(time)))
}

fn micro_time(text: &str) -> Result<Value, DecodeError> {
    const LAYOUT: &str = "2006-01-02T15:04:05.000000Z07:00";
    let refuse = |rest: &str, wanted: &'static str| DecodeError::Time {
        text: text.to_owned(),
        layout: LAYOUT,
        rest: rest.to_owned(),
        wanted,
    };
    // The fraction is not optional here.
    if text.len() > 19 && !text[19..].starts_with('.') {
        return Err(refuse(&text[19..], ".000000"));
    }
    let time: Timestamp = text.parse().map_err(|_| refuse(text, "2006"))?;
    Ok(json!(object::format_micro_time(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(spec: Value) -> Result<Decoded, DecodeError> {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec});
        decode(crate::schema::find("Deployment").unwrap(), body, None)
    }

    #[test]
    fn structs_appear_and_zero_values_vanish() {
        let decoded = deployment(json!({"paused": false, "minReadySeconds": 0, "replicas": 0})).unwrap();
        assert_eq!(
            decoded.value,
            json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "d"}, "spec": {
                "replicas": 0, "selector": null, "template": {"metadata": {}, "spec": {"containers": null}},
                "strategy": {}
            }, "status": {}})
        );
    }

    #[test]
    fn unknown_fields_are_named_and_dropped() {
        let spec = json!({"template": {"spec": {"containers": [{"name": "c", "odd": 1}], "nope": 1}}, "bogus": 1});
        let decoded = deployment(spec).unwrap();
        assert_eq!(
            decoded.unknown_fields,
            ["spec.template.spec.containers[0].odd", "spec.template.spec.nope", "spec.bogus"]
        );
        assert_eq!(decoded.value["spec"].get("bogus"), None);
    }

    #[test]
    fn type_errors_read_as_the_servers() {
        let error = deployment(json!({"replicas": 1.5})).unwrap_err().to_string();
        assert_eq!(
            error,
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        let config_map = json!({"data": {"a": 1}});
        let error = decode(crate::schema::find("ConfigMap").unwrap(), config_map, None).unwrap_err().to_string();
        assert_eq!(error, "json: cannot unmarshal number into Go struct field ConfigMap.data of type string");
    }

    #[test]
    fn decoding_twice_changes_nothing() {
        let spec = json!({"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": ""}],
            "resources": {"limits": {"memory": "1024Mi", "cpu": 1}}}]}}});
        let once = deployment(spec).unwrap().value;
        for known in [None, Some(&once)] {
            let twice = decode(crate::schema::find("Deployment").unwrap(), once.clone(), known).unwrap().value;
            assert!(object::is_identical(&once, &twice));
        }
        let resources = once.pointer("/spec/template/spec/containers/0/resources").unwrap();
        assert_eq!(*resources, json!({"limits": {"cpu": "1", "memory": "1Gi"}}));
    }
}
