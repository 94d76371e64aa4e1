//! Reading structures out of JSON: the path that an error names, and the few shapes that all of them share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Given, Parameters};
use crate::error::GatewayError;

/// A value inside a parameter, with the place it stands at, for errors.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    parameter: &'a str,
    path: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole of a parameter.
    pub fn root(parameter: &'a str, value: &'a Value) -> Self {
        Self { parameter, path: String::new(), value }
    }

    /// An error about this place; `problem` is a sentence.
    pub fn error(&self, problem: &str) -> GatewayError {
        match self.path.as_str() {
            "" => GatewayError::invalid_parameter(self.parameter, problem),
            path => GatewayError::invalid_parameter(self.parameter, &format!("At {path}: {problem}")),
        }
    }

    /// The items of a list.
    pub fn items(&self) -> Result<Vec<Node<'a>>, GatewayError> {
        let items = self.value.as_array().ok_or_else(|| self.error("Give a list."))?;
        Ok(items.iter().enumerate().map(|(at, value)| self.child(format!("{}[{at}]", self.path), value)).collect())
    }

    /// The object, whose keys must be among `known`.
    pub fn object(&self, known: &[&str]) -> Result<&'a Map<String, Value>, GatewayError> {
        let object = self.any_object()?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.error(&format!("\"{key}\" is not known; known are {}.", known.join(", ")))),
            None => Ok(object),
        }
    }

    /// The object, whatever its keys.
    pub fn any_object(&self) -> Result<&'a Map<String, Value>, GatewayError> {
        self.value.as_object().ok_or_else(|| self.error("Give an object."))
    }

    /// A member, unless it is absent or null.
    pub fn member(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(self.child(path, value))
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str, GatewayError> {
        self.value.as_str().ok_or_else(|| self.error("Give a text."))
    }

    /// A text that is a member and not empty.
    pub fn required_text(&self, name: &str) -> Result<&'a str, GatewayError> {
        let text = self.member(name).map(|member| member.text()).transpose()?;
        text.filter(|text| !text.is_empty()).ok_or_else(|| self.error(&format!("\"{name}\" is missing.")))
    }

    /// An integer, as a number or in digits, at least `least` and at most `most`.
    pub fn integer(&self, least: i64, most: i64) -> Result<i64, GatewayError> {
        let number = match self.value {
            Value::Number(number) => number.as_i64(),
            Value::String(digits) => digits.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.error(&format!("Give an integer from {least} to {most}.")))
    }

    /// A truth value, as such or as a word.
    pub fn boolean(&self) -> Result<bool, GatewayError> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            Value::String(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.error("Give true or false.")),
        }
    }

    /// An absolute path that does not lead back out of where it leads.
    pub fn absolute_path(&self) -> Result<&'a str, GatewayError> {
        let path = self.text()?;
        match path.starts_with('/') && !path.contains(':') && path.split('/').all(|name| name != "..") {
            true => Ok(path),
            false => Err(self.error("Give an absolute path without a colon and \"..\".")),
        }
    }

    fn child(&self, path: String, value: &'a Value) -> Node<'a> {
        Node { parameter: self.parameter, path, value }
    }
}

/// An empty structure clears, `null` is absent.
pub fn emptiness(value: Value) -> Given<Value> {
    match &value {
        Value::Null => Given::Absent,
        Value::String(text) if text.is_empty() => Given::Cleared,
        Value::Array(items) if items.is_empty() => Given::Cleared,
        Value::Object(fields) if fields.is_empty() => Given::Cleared,
        _ => Given::Value(value),
    }
}

/// A structure that EDAS documents as base64 of YAML, taken as JSON or plain YAML as well.
pub fn yaml(parameters: &Parameters, name: &str) -> Result<Given<Value>, GatewayError> {
    let text = match parameters.given(name)? {
        Given::Absent => return Ok(Given::Absent),
        Given::Cleared => return Ok(Given::Cleared),
        Given::Value(text) => text,
    };
    let compact: String = text.split_whitespace().collect();
    let decoded = STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let document = decoded.as_deref().unwrap_or(text);
    let value: Value = serde_yaml_ng::from_str(document).map_err(|error| {
        GatewayError::invalid_parameter(name, &format!("Give YAML in base64, or JSON; this is neither ({error})."))
    })?;
    match emptiness(value) {
        Given::Value(Value::Object(fields)) => Ok(Given::Value(Value::Object(fields))),
        Given::Value(Value::Array(items)) => Ok(Given::Value(Value::Array(items))),
        Given::Value(_) => {
            Err(GatewayError::invalid_parameter(name, "Give an object or a list, as YAML in base64 or as JSON."))
        }
        empty => Ok(empty),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Given<Value>, GatewayError> {
        yaml(&Parameters::from_pairs(vec![("S".into(), text.into())]).unwrap(), "S")
    }

    #[test]
    fn yaml_comes_in_base64_plain_or_as_json() {
        let expected = Given::Value(json!([{"name": "a", "image": "b:1"}]));
        let plain = "- name: a\n  image: b:1\n";
        assert_eq!(read(plain).unwrap(), expected);
        assert_eq!(read(&STANDARD.encode(plain)).unwrap(), expected);
        assert_eq!(read(r#"[{"name":"a","image":"b:1"}]"#).unwrap(), expected);
        assert_eq!(read("[]").unwrap(), Given::Cleared);
        assert_eq!(read(&STANDARD.encode("{}")).unwrap(), Given::Cleared);
        for wrong in ["just words", "a: b: c", "12"] {
            assert_eq!(read(wrong).unwrap_err().code, "InvalidParameter", "{wrong}");
        }
    }

    #[test]
    fn errors_say_where() {
        let value = json!([{"a": [{"b": "x"}]}]);
        let root = Node::root("P", &value);
        let inner = root.items().unwrap()[0].member("a").unwrap().items().unwrap()[0].member("b").unwrap();
        let error = inner.integer(0, 9).unwrap_err();
        assert!(error.message.contains("P is invalid. At [0].a[0].b: Give an integer from 0 to 9."), "{error}");
    }
}
