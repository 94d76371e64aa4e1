//! `Liveness`, `Readiness`, `Startup`, `PreStop` and `PostStart`: Kubernetes's probes and hooks, checked so that the cluster
//! will take them.

use serde_json::{Map, Value, json};

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// Timing fields of a probe with the least that Kubernetes takes.
const TIMING: [(&str, i64); 6] = [
    ("failureThreshold", 1),
    ("initialDelaySeconds", 0),
    ("periodSeconds", 1),
    ("successThreshold", 1),
    ("terminationGracePeriodSeconds", 1),
    ("timeoutSeconds", 1),
];
const PROBE_HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "sleep"];

/// A probe: `Liveness`, `Readiness` or `Startup`.
pub fn probe(parameters: &Parameters, name: &str) -> Result<Given<Value>, GatewayError> {
    parameters.json(name)?.try_map(|value| {
        let root = Node::root(name, &value);
        let known: Vec<&str> = TIMING.iter().map(|(field, _)| *field).chain(PROBE_HANDLERS.iter().copied()).collect();
        root.object(&known)?;
        let mut probe = handler(&root, PROBE_HANDLERS)?;
        for (field, least) in TIMING {
            let Some(node) = root.member(field) else {
                continue;
            };
            let only_one = field == "successThreshold" && name != "Readiness";
            let number = node.integer(least, if only_one { 1 } else { i64::from(i32::MAX) })?;
            probe.insert(field.to_owned(), json!(number));
        }
        Ok(Value::Object(probe))
    })
}

/// A hook: `PreStop` or `PostStart`.
pub fn hook(parameters: &Parameters, name: &str) -> Result<Given<Value>, GatewayError> {
    parameters.json(name)?.try_map(|value| {
        let root = Node::root(name, &value);
        root.object(HOOK_HANDLERS)?;
        handler(&root, HOOK_HANDLERS).map(Value::Object)
    })
}

/// Exactly one handler, in Kubernetes's form.
fn handler(root: &Node<'_>, kinds: &[&str]) -> Result<Map<String, Value>, GatewayError> {
    let given: Vec<_> = kinds.iter().filter_map(|kind| Some((*kind, root.member(kind)?))).collect();
    let [(kind, node)] = given.as_slice() else {
        return Err(root.error(&format!("Give exactly one of {}.", kinds.join(", "))));
    };
    let action = match *kind {
        "exec" => exec(node)?,
        "httpGet" => http_get(node)?,
        "tcpSocket" => {
            node.object(&["host", "port"])?;
            with_host(node, Map::from_iter([("port".to_owned(), port(node)?)]))?
        }
        "grpc" => {
            node.object(&["port", "service"])?;
            let number = node.member("port").ok_or_else(|| node.error("\"port\" is missing."))?.integer(1, 65535)?;
            let mut action = Map::from_iter([("port".to_owned(), json!(number))]);
            if let Some(service) = node.member("service") {
                action.insert("service".to_owned(), json!(service.text()?));
            }
            action
        }
        _ => {
            node.object(&["seconds"])?;
            let seconds = node.member("seconds").ok_or_else(|| node.error("\"seconds\" is missing."))?;
            Map::from_iter([("seconds".to_owned(), json!(seconds.integer(0, i64::from(i32::MAX))?))])
        }
    };
    Ok(Map::from_iter([((*kind).to_owned(), Value::Object(action))]))
}

fn exec(node: &Node<'_>) -> Result<Map<String, Value>, GatewayError> {
    node.object(&["command"])?;
    let command = node.member("command").ok_or_else(|| node.error("\"command\" is missing."))?;
    let words: Vec<&str> = command.items()?.iter().map(Node::text).collect::<Result<_, _>>()?;
    if words.is_empty() {
        return Err(command.error("Give at least one word."));
    }
    Ok(Map::from_iter([("command".to_owned(), json!(words))]))
}

fn http_get(node: &Node<'_>) -> Result<Map<String, Value>, GatewayError> {
    node.object(&["host", "httpHeaders", "path", "port", "scheme"])?;
    let mut action = Map::new();
    if let Some(path) = node.member("path") {
        action.insert("path".to_owned(), json!(path.text()?));
    }
    action.insert("port".to_owned(), port(node)?);
    if let Some(scheme) = node.member("scheme").filter(|scheme| scheme.value != "") {
        let text = scheme.text()?.to_ascii_uppercase();
        if text != "HTTP" && text != "HTTPS" {
            return Err(scheme.error("Give HTTP or HTTPS."));
        }
        action.insert("scheme".to_owned(), json!(text));
    }
    let headers = node.member("httpHeaders").map(|headers| headers.items()).transpose()?.unwrap_or_default();
    if !headers.is_empty() {
        let header = |item: &Node<'_>| {
            item.object(&["name", "value"])?;
            let value = item.member("value").map(|value| value.text()).transpose()?.unwrap_or("");
            Ok::<_, GatewayError>(json!({ "name": item.required_text("name")?, "value": value }))
        };
        let headers: Vec<Value> = headers.iter().map(header).collect::<Result<_, _>>()?;
        action.insert("httpHeaders".to_owned(), Value::Array(headers));
    }
    with_host(node, action)
}

/// The console sends `"host": ""`, which means the pod itself: as good as absent.
fn with_host(node: &Node<'_>, mut action: Map<String, Value>) -> Result<Map<String, Value>, GatewayError> {
    if let Some(host) = node.member("host").filter(|host| host.value != "") {
        action.insert("host".to_owned(), json!(host.text()?));
    }
    Ok(action)
}

/// A number, a number in digits, or the name of a port.
fn port(node: &Node<'_>) -> Result<Value, GatewayError> {
    let port = node.member("port").ok_or_else(|| node.error("\"port\" is missing."))?;
    match port.value {
        Value::String(name) if name.bytes().any(|byte| byte.is_ascii_alphabetic()) => Ok(json!(name)),
        _ => Ok(json!(port.integer(1, 65535)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parameters {
        Parameters::from_pairs(vec![(name.into(), value.into())]).unwrap()
    }

    #[test]
    fn the_documented_probes_are_taken() {
        let text = r#"{"failureThreshold": 3,"initialDelaySeconds": 5,"successThreshold": 1,"timeoutSeconds": 1,
            "tcpSocket":{"host":"", "port":8080}}"#;
        let expected = json!({"tcpSocket": {"port": 8080}, "failureThreshold": 3, "initialDelaySeconds": 5,
            "successThreshold": 1, "timeoutSeconds": 1});
        assert_eq!(probe(&parse("Liveness", text), "Liveness").unwrap(), Given::Value(expected));
        let text = r#"{"periodSeconds":"10","httpGet":{"path":"/consumer","port":"8080","scheme":"http",
            "httpHeaders":[{"name":"test","value":"testvalue"}]}}"#;
        let expected = json!({"httpGet": {"path": "/consumer", "port": 8080, "scheme": "HTTP",
            "httpHeaders": [{"name": "test", "value": "testvalue"}]}, "periodSeconds": 10});
        assert_eq!(probe(&parse("Readiness", text), "Readiness").unwrap(), Given::Value(expected));
        for empty in ["", "{}"] {
            assert_eq!(probe(&parse("Startup", empty), "Startup").unwrap(), Given::Cleared);
        }
    }

    #[test]
    fn hooks_are_taken() {
        let text = r#"{"exec":{"command":["ls","/"]}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(hook(&parse("PreStop", text), "PreStop").unwrap(), Given::Value(expected));
        let text = "{'sleep': {'seconds': 5}}";
        assert_eq!(hook(&parse("PreStop", text), "PreStop").unwrap(), Given::Value(json!({"sleep": {"seconds": 5}})));
        assert_eq!(hook(&parse("PostStart", "{}"), "PostStart").unwrap(), Given::Cleared);
    }

    #[test]
    fn what_kubernetes_would_refuse_is_refused() {
        for text in [
            r#"{"failureThreshold":3}"#,
            r#"{"exec":{"command":["a"]},"tcpSocket":{"port":1}}"#,
            r#"{"exec":{"command":[]}}"#,
            r#"{"exec":{"command":"ls"}}"#,
            r#"{"tcpSocket":{"port":0}}"#,
            r#"{"tcpSocket":{}}"#,
            r#"{"httpGet":{"port":80,"scheme":"ftp"}}"#,
            r#"{"tcpSocket":{"port":80},"periodSeconds":0}"#,
            r#"{"tcpSocket":{"port":80},"successThreshold":2}"#,
            r#"{"tcpSocket":{"port":80},"delay":2}"#,
            r#"[1]"#,
        ] {
            let error = probe(&parse("Liveness", text), "Liveness").unwrap_err();
            assert_eq!(error.code, "InvalidParameter", "{text}");
        }
        let several = r#"{"tcpSocket":{"port":80},"successThreshold":2}"#;
        probe(&parse("Readiness", several), "Readiness").unwrap();
    }
}
