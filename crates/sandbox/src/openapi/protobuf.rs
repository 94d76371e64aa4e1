//! The protobuf encoding of an OpenAPI 2 document (the `openapi.v2` messages of gnostic), for the fields that
//! [`super`] prints.

use serde_json::Value;

/// Encodes the document.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut message = Message::default();
    message.text(1, document["swagger"].as_str());
    message.nested(2, |info| {
        info.text(1, document["info"]["title"].as_str());
        info.text(2, document["info"]["version"].as_str());
    });
    message.nested(8, |paths| {
        for (path, item) in fields(&document["paths"]) {
            paths.named(2, path, |entry| entry.nested(8, |patch| operation(patch, &item["patch"])));
        }
    });
    message.nested(9, |definitions| {
        for (name, definition) in fields(&document["definitions"]) {
            definitions.named(1, name, |entry| schema(entry, definition));
        }
    });
    message.0
}

fn operation(message: &mut Message, operation: &Value) {
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        // A parameter is wrapped in three choices: no reference, not the body, but in the query.
        message.nested(8, |item| {
            item.nested(1, |choice| {
                choice.nested(2, |choice| {
                    choice.nested(3, |query| {
                        query.text(2, parameter["in"].as_str());
                        query.text(4, parameter["name"].as_str());
                        query.text(6, parameter["schema"]["type"].as_str());
                    });
                });
            });
        });
    }
    extensions(message, 13, operation);
}

fn schema(message: &mut Message, schema_value: &Value) {
    message.text(1, schema_value["$ref"].as_str());
    message.text(2, schema_value["format"].as_str());
    if let Some(item) = schema_value.get("additionalProperties") {
        message.nested(21, |choice| choice.nested(1, |entry| schema(entry, item)));
    }
    if let Some(name) = schema_value["type"].as_str() {
        message.nested(22, |types| types.text(1, Some(name)));
    }
    if let Some(item) = schema_value.get("items") {
        message.nested(23, |items| items.nested(1, |entry| schema(entry, item)));
    }
    if schema_value.get("properties").is_some() {
        message.nested(25, |properties| {
            for (name, property) in fields(&schema_value["properties"]) {
                properties.named(1, name, |entry| schema(entry, property));
            }
        });
    }
    extensions(message, 31, schema_value);
}

/// `x-` fields, whose values are YAML text, of which JSON is a part.
fn extensions(message: &mut Message, number: u32, value: &Value) {
    for (name, extension) in fields(value).filter(|(name, _)| name.starts_with("x-")) {
        message.named(number, name, |any| any.text(2, Some(&extension.to_string())));
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A protobuf message being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn text(&mut self, number: u32, text: Option<&str>) {
        if let Some(text) = text {
            self.bytes(number, text.as_bytes());
        }
    }

    fn nested(&mut self, number: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(number, &inner.0);
    }

    /// An entry of a map: a message of a name and a value.
    fn named(&mut self, number: u32, name: &str, write: impl FnOnce(&mut Self)) {
        self.nested(number, |entry| {
            entry.text(1, Some(name));
            entry.nested(2, write);
        });
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        const LENGTH_DELIMITED: u64 = 2;
        self.varint(u64::from(number) << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_of_a_small_document() {
        let document = json!({"swagger": "2.0", "info": {"title": "T", "version": "1"}, "paths": {},
            "definitions": {"A": {"type": "object"}}});
        let expected = [
            &[0x0a, 3][..],
            b"2.0",
            &[0x12, 6, 0x0a, 1],
            b"T",
            &[0x12, 1],
            b"1",
            &[0x42, 0],
            &[0x4a, 18, 0x0a, 16, 0x0a, 1],
            b"A",
            &[0x12, 11, 0xb2, 1, 8, 0x0a, 6],
            b"object",
        ]
        .concat();
        assert_eq!(encode(&document), expected);
    }

    #[test]
    fn long_lengths() {
        let mut message = Message::default();
        message.bytes(1, &[7; 300]);
        assert_eq!(message.0[..3], [0x0a, 0xac, 0x02]);
    }
}
