//! `IngressConf`: the rules of an Ingress.

use serde_json::{Map, Value, json};

use super::structure::Node;
use super::{Given, Parameters, names};
use crate::error::GatewayError;

const NAME: &str = "IngressConf";
const PATH_TYPES: [&str; 3] = ["ImplementationSpecific", "Exact", "Prefix"];

/// The rules, as `spec.rules` and `spec.tls` of Kubernetes's Ingress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IngressRules {
    pub rules: Vec<Value>,
    pub tls: Vec<Value>,
}

/// `{"rules":[{"host"?,"secretName"?,"paths":[{"path"?,"pathType"?,"backend":{"serviceName","servicePort"}}]}]}`
pub fn rules(parameters: &Parameters) -> Result<Option<IngressRules>, GatewayError> {
    let value = match parameters.json(NAME)? {
        Given::Absent => return Ok(None),
        Given::Cleared => return Err(GatewayError::invalid_parameter(NAME, "Give at least one rule.")),
        Given::Value(value) => value,
    };
    let root = Node::root(NAME, &value);
    root.object(&["rules"])?;
    let list = root.member("rules").ok_or_else(|| root.error("\"rules\" is missing."))?;
    let mut read = IngressRules::default();
    for rule in list.items()? {
        rule.object(&["host", "secretName", "paths"])?;
        let host = optional_text(&rule, "host")?;
        if !host.is_empty() && !names::is_subdomain(host.strip_prefix("*.").unwrap_or(host)) {
            return Err(rule.error("\"host\" is a domain name in lower case; \"*.\" may stand before it."));
        }
        let paths = rule.member("paths").ok_or_else(|| rule.error("\"paths\" is missing."))?;
        let paths: Vec<Value> = paths.items()?.iter().map(path).collect::<Result<_, _>>()?;
        if paths.is_empty() {
            return Err(rule.error("Give at least one of \"paths\"."));
        }
        let mut made = Map::new();
        if !host.is_empty() {
            made.insert("host".to_owned(), json!(host));
        }
        made.insert("http".to_owned(), json!({ "paths": paths }));
        read.rules.push(made.into());
        let secret = optional_text(&rule, "secretName")?;
        if !secret.is_empty() {
            if !names::is_subdomain(secret) {
                return Err(rule.error("\"secretName\" is the name of a Secret in the namespace."));
            }
            let hosts: Vec<&str> = if host.is_empty() { Vec::new() } else { vec![host] };
            read.tls.push(json!({ "hosts": hosts, "secretName": secret }));
        }
    }
    if read.rules.is_empty() {
        return Err(list.error("Give at least one rule."));
    }
    Ok(Some(read))
}

fn path(item: &Node<'_>) -> Result<Value, GatewayError> {
    item.object(&["path", "pathType", "backend", "collectRate"])?;
    if item.member("collectRate").is_some_and(|rate| rate.value != 0 && rate.value != "") {
        return Err(item.error("\"collectRate\" is for Alibaba Cloud's traces: leave it out."));
    }
    let text = match optional_text(item, "path")? {
        "" => "/",
        text if text.starts_with('/') => text,
        _ => return Err(item.error("\"path\" begins with a slash.")),
    };
    let kind = match optional_text(item, "pathType")? {
        "" => PATH_TYPES[0],
        text => PATH_TYPES
            .into_iter()
            .find(|kind| kind.eq_ignore_ascii_case(text))
            .ok_or_else(|| item.error(&format!("\"pathType\" is one of {}.", PATH_TYPES.join(", "))))?,
    };
    let backend = item.member("backend").ok_or_else(|| item.error("\"backend\" is missing."))?;
    backend.object(&["serviceName", "servicePort"])?;
    let service = backend.required_text("serviceName")?;
    let port = backend.member("servicePort").ok_or_else(|| backend.error("\"servicePort\" is missing."))?;
    let port = match port.value.as_str().filter(|text| text.parse::<i64>().is_err()) {
        Some(name) if names::is_label(name) => json!({ "name": name }),
        _ => json!({ "number": port.integer(1, 65_535)? }),
    };
    Ok(json!({
        "path": text,
        "pathType": kind,
        "backend": {"service": {"name": service, "port": port}},
    }))
}

fn optional_text<'a>(node: &Node<'a>, name: &str) -> Result<&'a str, GatewayError> {
    node.member(name).map_or(Ok(""), |member| member.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<IngressRules>, GatewayError> {
        rules(&Parameters::from_pairs(vec![(NAME.into(), text.into())]).unwrap())
    }

    #[test]
    fn the_published_example_makes_rules() {
        let text = r#"{"rules":[{"host":"abc.com","secretName":"tls-secret","paths":[{"path":"/path","backend":{"servicePort":80,"serviceName":"web"}}]}]}"#;
        let made = read(text).unwrap().unwrap();
        let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
        let path = json!({"path": "/path", "pathType": "ImplementationSpecific", "backend": backend});
        assert_eq!(made.rules, [json!({"host": "abc.com", "http": {"paths": [path]}})]);
        assert_eq!(made.tls, [json!({"hosts": ["abc.com"], "secretName": "tls-secret"})]);
        let named =
            r#"{"rules":[{"paths":[{"pathType":"prefix","backend":{"servicePort":"http","serviceName":"web"}}]}]}"#;
        let made = read(named).unwrap().unwrap();
        let path = &made.rules[0]["http"]["paths"][0];
        assert_eq!((&path["path"], &path["pathType"]), (&json!("/"), &json!("Prefix")));
        assert_eq!(path["backend"]["service"]["port"], json!({"name": "http"}));
    }

    #[test]
    fn what_makes_no_rules_is_refused() {
        for text in [
            "{}",
            "[]",
            r#"{"rules":[]}"#,
            r#"{"rules":[{"host":"A.com","paths":[{"backend":{"servicePort":80,"serviceName":"web"}}]}]}"#,
            r#"{"rules":[{"paths":[]}]}"#,
            r#"{"rules":[{"paths":[{"path":"a","backend":{"servicePort":80,"serviceName":"web"}}]}]}"#,
            r#"{"rules":[{"paths":[{"backend":{"servicePort":0,"serviceName":"web"}}]}]}"#,
            r#"{"rules":[{"paths":[{"backend":{"serviceName":"web"}}]}]}"#,
            r#"{"rules":[{"paths":[{"pathType":"Regex","backend":{"servicePort":80,"serviceName":"web"}}]}]}"#,
            r#"{"albId":"a","rules":[{"paths":[{"backend":{"servicePort":80,"serviceName":"web"}}]}]}"#,
        ] {
            assert_eq!(read(text).unwrap_err().code, "InvalidParameter", "{text}");
        }
    }
}
