//! `InitContainers`, `Sidecars` and `SecurityContext`: Kubernetes's own structures, documented as YAML in base64.
//!
//! Only what tells one container from another is checked; the rest is for the cluster to judge, which knows its version.

use std::collections::HashSet;

use serde_json::Value;

use super::names::is_label;
use super::structure::{self, Node};
use super::{Given, Parameters};
use crate::error::GatewayError;

/// `InitContainers` or `Sidecars`: one container or a list of them.
pub fn containers(parameters: &Parameters, name: &str) -> Result<Given<Vec<Value>>, GatewayError> {
    structure::yaml(parameters, name)?.try_map(|value| {
        let list = match value {
            Value::Array(_) => value,
            one => Value::Array(vec![one]),
        };
        let root = Node::root(name, &list);
        let mut seen = HashSet::new();
        for container in root.items()? {
            container.any_object()?;
            let own_name = container.required_text("name")?;
            if !is_label(own_name) {
                return Err(container.error("The name of a container has lower-case letters, digits and \"-\"."));
            }
            if !seen.insert(own_name) {
                return Err(container.error(&format!("\"{own_name}\" is given twice.")));
            }
            container.required_text("image")?;
        }
        Ok(root.value.as_array().cloned().unwrap_or_default())
    })
}

/// `SecurityContext` of the main container.
pub fn security_context(parameters: &Parameters) -> Result<Given<Value>, GatewayError> {
    const NAME: &str = "SecurityContext";
    structure::yaml(parameters, NAME)?.try_map(|value| {
        Node::root(NAME, &value).any_object()?;
        Ok(value)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), STANDARD.encode(value))]).unwrap()
    }

    #[test]
    fn one_container_or_several() {
        let one = containers(&parse("Sidecars", "name: a\nimage: b:1\n"), "Sidecars").unwrap();
        assert_eq!(one, Given::Value(vec![json!({"name": "a", "image": "b:1"})]));
        let two = "- name: a\n  image: b:1\n- name: c\n  image: d\n  command: [sh]\n";
        let two = containers(&parse("InitContainers", two), "InitContainers").unwrap().value().unwrap();
        assert_eq!(two[1]["command"][0], "sh");
    }

    #[test]
    fn containers_have_a_name_of_their_own_and_an_image() {
        for text in
            ["image: b", "name: a", "name: A_b\nimage: b", "- name: a\n  image: b\n- name: a\n  image: c", "- 1"]
        {
            let error = containers(&parse("Sidecars", text), "Sidecars").unwrap_err();
            assert_eq!(error.code, "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn a_security_context_is_an_object() {
        let context = security_context(&parse("SecurityContext", "runAsUser: 1000\n")).unwrap();
        assert_eq!(context, Given::Value(json!({"runAsUser": 1000})));
        security_context(&parse("SecurityContext", "- a\n")).unwrap_err();
    }
}
