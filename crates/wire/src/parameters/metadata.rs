//! `Labels` and `Annotations` of the pods: `{"name":"value"}`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// The bound of all annotations of an object together, in Kubernetes.
const LONGEST_ANNOTATIONS: usize = 256 * 1024;

/// `Labels`: names and values as Kubernetes takes them.
pub fn labels(parameters: &Parameters) -> Result<Given<BTreeMap<String, String>>, GatewayError> {
    read(parameters, "Labels", |node, text| {
        match text.is_empty() || is_label_word(text) {
        true => Ok(()),
        false => Err(node.error(
            "A label's value has up to 63 letters, digits, \"-\", \"_\" and \".\", the first and last a letter or digit.",
        )),
    }
    })
}

/// `Annotations`: names as Kubernetes takes them, any values.
pub fn annotations(parameters: &Parameters) -> Result<Given<BTreeMap<String, String>>, GatewayError> {
    let annotations = read(parameters, "Annotations", |_, _| Ok(()))?;
    if let Given::Value(annotations) = &annotations {
        let length: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        if length > LONGEST_ANNOTATIONS {
            let problem = format!("Together they have {length} bytes; give at most {LONGEST_ANNOTATIONS}.");
            return Err(GatewayError::invalid_parameter("Annotations", &problem));
        }
    }
    Ok(annotations)
}

fn read(
    parameters: &Parameters,
    parameter: &str,
    check: impl Fn(&Node<'_>, &str) -> Result<(), GatewayError>,
) -> Result<Given<BTreeMap<String, String>>, GatewayError> {
    parameters.json(parameter)?.try_map(|value| {
        let root = Node::root(parameter, &value);
        let mut entries = BTreeMap::new();
        for (name, value) in root.any_object()? {
            if !is_qualified_name(name) {
                return Err(root.error(&format!(
                    "\"{name}\" is no name: give \"name\" or \"domain/name\", with up to 63 letters, digits, \"-\", \"_\" and \".\" in the name."
                )));
            }
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(value) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(root.error(&format!("The value of \"{name}\" is no text.")));
                }
            };
            check(&root, &text)?;
            entries.insert(name.clone(), text);
        }
        Ok(entries)
    })
}

/// Up to 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit.
fn is_label_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn is_qualified_name(name: &str) -> bool {
    match name.split_once('/') {
        Some((domain, name)) => super::names::is_subdomain(domain) && is_label_word(name),
        None => is_label_word(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn names_and_values_are_read_in_a_stable_order() {
        let read = labels(&parse("Labels", r#"{"b":1,"example.com/a":"x","c":true,"d":""}"#)).unwrap().value().unwrap();
        let read: Vec<_> = read.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(read, ["b=1", "c=true", "d=", "example.com/a=x"]);
        assert_eq!(labels(&parse("Labels", "{}")).unwrap(), Given::Cleared);
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused() {
        for text in [
            r#"{"a b":"c"}"#,
            r#"{"a":"b c"}"#,
            r#"{"/a":"b"}"#,
            r#"{"A_/a":"b"}"#,
            r#"{"-a":"b"}"#,
            r#"{"a":{}}"#,
            r#"["a"]"#,
        ] {
            assert_eq!(labels(&parse("Labels", text)).unwrap_err().code, "InvalidParameter", "{text}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(64));
        labels(&parse("Labels", &long)).unwrap_err();
        annotations(&parse("Annotations", &long)).unwrap();
    }

    #[test]
    fn annotations_hold_any_text_up_to_a_size() {
        let read = annotations(&parse("Annotations", r#"{"a":"any text: [1]"}"#)).unwrap().value().unwrap();
        assert_eq!(read["a"], "any text: [1]");
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(LONGEST_ANNOTATIONS));
        assert_eq!(annotations(&parse("Annotations", &long)).unwrap_err().code, "InvalidParameter");
    }
}
