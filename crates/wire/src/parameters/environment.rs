//! `Envs` and `EnvFroms`, as Kubernetes's `env` and `envFrom`.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// `Envs`: `[{"name","value"}]` or `[{"name","valueFrom":{"configMapKeyRef"|"secretKeyRef"|"fieldRef"|"resourceFieldRef"}}]`.
pub fn variables(parameters: &Parameters) -> Result<Given<Vec<Value>>, GatewayError> {
    const NAME: &str = "Envs";
    parameters.json(NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        let mut seen = HashSet::new();
        root.items()?
            .iter()
            .map(|item| {
                let variable = variable(item)?;
                match seen.insert(variable["name"].to_string()) {
                    true => Ok(variable),
                    false => Err(item.error(&format!("{} is given twice.", variable["name"]))),
                }
            })
            .collect()
    })
}

fn variable(item: &Node<'_>) -> Result<Value, GatewayError> {
    item.object(&["name", "value", "valueFrom"])?;
    let name = item.required_text("name")?;
    if name.contains('=') || !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Err(item.error("The name of a variable is printable ASCII without \"=\"."));
    }
    match (item.member("value"), item.member("valueFrom")) {
        (Some(value), None) => Ok(json!({ "name": name, "value": scalar(&value)? })),
        (None, Some(source)) => Ok(json!({ "name": name, "valueFrom": value_source(&source)? })),
        (None, None) => Ok(json!({ "name": name, "value": "" })),
        (Some(_), Some(_)) => Err(item.error("Give \"value\" or \"valueFrom\", not both.")),
    }
}

fn scalar(value: &Node<'_>) -> Result<String, GatewayError> {
    match value.value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(value.error("Give a text.")),
    }
}

fn value_source(source: &Node<'_>) -> Result<Value, GatewayError> {
    const KINDS: [(&str, &[&str], &[&str]); 4] = [
        ("configMapKeyRef", &["name", "key"], &["name", "key", "optional"]),
        ("secretKeyRef", &["name", "key"], &["name", "key", "optional"]),
        ("fieldRef", &["fieldPath"], &["fieldPath", "apiVersion"]),
        ("resourceFieldRef", &["resource"], &["resource", "containerName", "divisor"]),
    ];
    source.object(&KINDS.map(|(kind, ..)| kind))?;
    let given: Vec<_> = KINDS.iter().filter_map(|kind| Some((kind, source.member(kind.0)?))).collect();
    let [((kind, required, known), reference)] = given.as_slice() else {
        return Err(source.error("Give one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef."));
    };
    reference.object(known)?;
    for field in *required {
        reference.required_text(field)?;
    }
    Ok(json!({ *kind: reference.value }))
}

/// `EnvFroms`: `[{"configMapRef":{"name"}} | {"secretRef":{"name"}}]`, with an optional `prefix`.
pub fn sources(parameters: &Parameters) -> Result<Given<Vec<Value>>, GatewayError> {
    const NAME: &str = "EnvFroms";
    parameters.json(NAME)?.try_map(|value| Node::root(NAME, &value).items()?.iter().map(source).collect())
}

fn source(item: &Node<'_>) -> Result<Value, GatewayError> {
    item.object(&["configMapRef", "secretRef", "prefix"])?;
    let mut source = Map::new();
    for kind in ["configMapRef", "secretRef"] {
        if let Some(reference) = item.member(kind) {
            reference.object(&["name", "optional"])?;
            reference.required_text("name")?;
            source.insert(kind.to_owned(), reference.value.clone());
        }
    }
    if source.len() != 1 {
        return Err(item.error("Give one of configMapRef and secretRef."));
    }
    if let Some(prefix) = item.member("prefix") {
        source.insert("prefix".to_owned(), json!(prefix.text()?));
    }
    Ok(Value::Object(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn the_three_documented_kinds_of_variable_are_kubernetes_own() {
        let text = r#"[{"name":"x1","value":"y1"},
            {"name":"x2","valueFrom":{"configMapKeyRef":{"name":"my-config","key":"y2"}}},
            {"name":"x3","valueFrom":{"secretKeyRef":{"name":"my-secret","key":"y3"}}}]"#;
        let expected: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(variables(&parse("Envs", text)).unwrap(), Given::Value(expected));
        assert_eq!(variables(&parse("Envs", "[]")).unwrap(), Given::Cleared);
        assert_eq!(variables(&Parameters::default()).unwrap(), Given::Absent);
    }

    #[test]
    fn scalars_become_text_and_nothing_is_empty() {
        let read = variables(&parse("Envs", r#"[{"name":"a","value":1},{"name":"b","value":true},{"name":"c"}]"#));
        let expected = json!([{"name":"a","value":"1"},{"name":"b","value":"true"},{"name":"c","value":""}]);
        assert_eq!(Value::Array(read.unwrap().value().unwrap()), expected);
    }

    #[test]
    fn wrong_variables_are_named() {
        for text in [
            r#"{"a":"b"}"#,
            r#"[{"value":"x"}]"#,
            r#"[{"name":"a=b","value":"x"}]"#,
            r#"[{"name":"a","value":"x","extra":1}]"#,
            r#"[{"name":"a","value":"x","valueFrom":{}}]"#,
            r#"[{"name":"a","valueFrom":{"configMapKeyRef":{"name":"c"}}}]"#,
            r#"[{"name":"a","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"},"fieldRef":{"fieldPath":"x"}}}]"#,
            r#"[{"name":"a"},{"name":"a"}]"#,
            r#"[{"name":"a","value":{}}]"#,
        ] {
            let error = variables(&parse("Envs", text)).unwrap_err();
            assert_eq!(error.code, "InvalidParameter", "{text}");
            assert!(error.message.contains("Envs"));
        }
    }

    #[test]
    fn sources_name_a_config_map_or_a_secret() {
        let text = r#"[{"configMapRef":{"name":"c"}},{"secretRef":{"name":"s"},"prefix":"P_"}]"#;
        let expected: Vec<Value> = serde_json::from_str(text).unwrap();
        assert_eq!(sources(&parse("EnvFroms", text)).unwrap(), Given::Value(expected));
        for text in
            [r#"[{}]"#, r#"[{"configMapRef":{}}]"#, r#"[{"configMapRef":{"name":"c"},"secretRef":{"name":"s"}}]"#]
        {
            assert_eq!(sources(&parse("EnvFroms", text)).unwrap_err().code, "InvalidParameter", "{text}");
        }
    }
}
