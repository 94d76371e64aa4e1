//! Request bodies in protobuf, which kubectl from 1.32 on sends for the kinds it has types for.
//!
//! A body is the magic `k8s\0`, then an envelope that names version and kind, then the object. Objects are decoded along
//! the schema, whose fields carry their numbers, to the same JSON that a JSON client sends. Answers stay JSON, which
//! every client accepts.

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::object;
use crate::schema::{self, Field, Object, Type};

/// The content type of such a body.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix {MAGIC:?}")]
    Magic,
    #[error("unexpected EOF")]
    Truncated,
    #[error("proto: illegal wireType {0}")]
    WireType(u64),
    #[error("proto: wrong wireType for field {0}")]
    Mismatch(&'static str),
    #[error("proto: invalid UTF-8")]
    Utf8,
    #[error("no kind {kind:?} is registered for version {api_version:?}")]
    UnknownKind { api_version: String, kind: String },
}

/// Decodes a body to the object it carries, with `apiVersion` and `kind`.
///
/// # Errors
/// When the body is truncated, of an unknown kind, or no such body.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let mut envelope = Reader(body.strip_prefix(MAGIC).ok_or(ProtobufError::Magic)?);
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), Vec::new());
    while let Some((number, wire)) = envelope.field()? {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                let mut meta = Reader(meta);
                while let Some((number, wire)) = meta.field()? {
                    match (number, wire) {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes.to_vec(),
            _ => {}
        }
    }
    let Some(shape) = schema::of_kind(&api_version, &kind) else {
        return Err(ProtobufError::UnknownKind { api_version, kind });
    };
    let mut result = Map::new();
    result.insert("kind".to_owned(), json!(kind));
    result.insert("apiVersion".to_owned(), json!(api_version));
    message(shape, &mut Vec::new(), &raw, &mut result)?;
    Ok(Value::Object(result))
}

/// Reads the fields of a struct into `result`. `prefix` is where in the struct the bytes are: some levels of the
/// messages have no counterpart in JSON.
fn message(
    shape: &'static Object,
    prefix: &mut Vec<u32>,
    bytes: &[u8],
    result: &mut Map<String, Value>,
) -> Result<(), ProtobufError> {
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        prefix.push(number);
        let mut below = shape.fields.iter().filter(|field| field.numbers.starts_with(prefix));
        match (below.next(), wire) {
            (Some(field), wire) if field.numbers.len() == prefix.len() => read_field(field, wire, result)?,
            (Some(_), Wire::Bytes(inner)) => message(shape, prefix, inner, result)?,
            // Fields that the schema does not know are skipped, as protobuf has it.
            _ => {}
        }
        prefix.pop();
    }
    Ok(())
}

fn read_field(field: &'static Field, wire: Wire<'_>, result: &mut Map<String, Value>) -> Result<(), ProtobufError> {
    match &field.ty {
        Type::List(item) => {
            let value = read_value(field.name, item, wire)?;
            if let Value::Array(list) = result.entry(field.name).or_insert_with(|| json!([])) {
                list.push(value);
            }
        }
        Type::Map(item) => {
            let Wire::Bytes(entry) = wire else { return Err(ProtobufError::Mismatch(field.name)) };
            let (mut key, mut value) = (String::new(), Value::Null);
            let mut reader = Reader(entry);
            while let Some((number, wire)) = reader.field()? {
                match (number, wire) {
                    (1, Wire::Bytes(text)) => key = utf8(text)?,
                    (2, wire) => value = read_value(field.name, item, wire)?,
                    _ => {}
                }
            }
            if let Value::Object(map) = result.entry(field.name).or_insert_with(|| json!({})) {
                map.insert(key, value);
            }
        }
        ty => {
            let value = read_value(field.name, ty, wire)?;
            result.insert(field.name.to_owned(), value);
        }
    }
    Ok(())
}

fn read_value(name: &'static str, ty: &'static Type, wire: Wire<'_>) -> Result<Value, ProtobufError> {
    Ok(match (ty, wire) {
        (Type::Boolean, Wire::Varint(number)) => json!(number != 0),
        // Negative numbers are sign-extended to 64 bits.
        (Type::Int32 | Type::Int64, Wire::Varint(number)) => json!(number.cast_signed()),
        (Type::String, Wire::Bytes(text)) => json!(utf8(text)?),
        (Type::Bytes, Wire::Bytes(bytes)) => json!(base64::engine::general_purpose::STANDARD.encode(bytes)),
        (Type::Quantity, Wire::Bytes(bytes)) => match inner(bytes, 1)? {
            Some(Wire::Bytes(text)) => json!(utf8(text)?),
            _ => json!("0"),
        },
        (Type::IntOrString, Wire::Bytes(bytes)) => match (inner(bytes, 1)?, inner(bytes, 2)?, inner(bytes, 3)?) {
            (Some(Wire::Varint(1)), _, Some(Wire::Bytes(text))) => json!(utf8(text)?),
            (_, Some(Wire::Varint(number)), _) => json!(number.cast_signed()),
            _ => json!(0),
        },
        (Type::Time | Type::MicroTime, Wire::Bytes(bytes)) => time(ty, bytes)?,
        (Type::Raw, Wire::Bytes(bytes)) => match inner(bytes, 1)? {
            Some(Wire::Bytes(text)) => serde_json::from_slice(text).unwrap_or_default(),
            _ => Value::Null,
        },
        (Type::Object(shape), Wire::Bytes(bytes)) => {
            let mut fields = Map::new();
            message(shape.get(), &mut Vec::new(), bytes, &mut fields)?;
            Value::Object(fields)
        }
        _ => return Err(ProtobufError::Mismatch(name)),
    })
}

/// Seconds and nanoseconds; the zero time is null.
fn time(ty: &Type, bytes: &[u8]) -> Result<Value, ProtobufError> {
    let number = |wire: Option<Wire<'_>>| match wire {
        Some(Wire::Varint(number)) => number.cast_signed(),
        _ => 0,
    };
    let (seconds, nanoseconds) = (number(inner(bytes, 1)?), number(inner(bytes, 2)?));
    if (seconds, nanoseconds) == (0, 0) {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0)).unwrap_or_default();
    Ok(json!(if *ty == Type::Time { object::format_time(time) } else { object::format_micro_time(time) }))
}

/// One field of a small message.
fn inner(bytes: &[u8], wanted: u32) -> Result<Option<Wire<'_>>, ProtobufError> {
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        if number == wanted {
            return Ok(Some(wire));
        }
    }
    Ok(None)
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Utf8)
}

/// A field's content as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wire<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-size numbers, which no field of the schema uses.
    Fixed,
}

/// What of a message is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn field(&mut self) -> Result<Option<(u32, Wire<'a>)>, ProtobufError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| ProtobufError::Truncated)?;
        let wire = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtobufError::Truncated)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            other => return Err(ProtobufError::WireType(other)),
        };
        Ok(Some((number, wire)))
    }

    fn varint(&mut self) -> Result<u64, ProtobufError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ProtobufError::Truncated)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ProtobufError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(ProtobufError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes, short enough for one byte of length.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x80 && number < 16);
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, raw)].concat()
    }

    #[test]
    fn a_config_map() {
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let raw = [field(1, &field(1, b"name")), field(2, &entry), vec![4 << 3, 1]].concat();
        assert_eq!(
            decode(&body("v1", "ConfigMap", &raw)).unwrap(),
            json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "name"}, "data": {"k": "v"},
                "immutable": true})
        );
    }

    #[test]
    fn levels_that_json_does_not_have() {
        // volumes[0] = {name, volumeSource: {configMap: {localObjectReference: {name}}}}
        let source = field(2, &[0x9a, 1, 6, 0x0a, 4, 0x0a, 2, b'c', b'm']);
        let raw = field(2, &field(1, &[field(1, b"v"), source].concat()));
        let pod = decode(&body("v1", "Pod", &raw)).unwrap();
        assert_eq!(pod["spec"]["volumes"], json!([{"name": "v", "configMap": {"name": "cm"}}]));
    }

    #[test]
    fn what_is_no_body() {
        assert_eq!(decode(b"{}"), Err(ProtobufError::Magic));
        assert_eq!(decode(b"k8s\0\x0a\x7f"), Err(ProtobufError::Truncated));
        let unknown = decode(&body("v1", "Nope", &[]));
        assert!(matches!(unknown, Err(ProtobufError::UnknownKind { .. })));
        let wrong = [vec![2 << 3, 1]].concat();
        assert_eq!(decode(&body("v1", "ConfigMap", &wrong)), Err(ProtobufError::Mismatch("data")));
    }
}
