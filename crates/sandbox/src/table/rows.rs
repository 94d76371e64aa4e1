//! The cells of every kind but Pod.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, since};
use crate::object::{self, boolean, integer, items, text};

const NONE: &str = "<none>";
const UNSET: &str = "<unset>";

fn name(object: &Value) -> Value {
    json!(object::name(object))
}

fn count(object: &Value, pointer: &str) -> i64 {
    integer(object, pointer).unwrap_or(0)
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

fn containers(object: &Value, key: &str) -> Value {
    let containers = items(object, "/spec/template/spec/containers").iter();
    json!(joined(containers.map(|container| { container.get(key).and_then(Value::as_str).unwrap_or_default() })))
}

/// A map as `a=b,c=d`.
fn map_text(map: Option<&Value>, empty: &str) -> String {
    let pairs = map.and_then(Value::as_object).into_iter().flatten();
    let mut pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    pairs.sort();
    if pairs.is_empty() { empty.to_owned() } else { pairs.join(",") }
}

/// A LabelSelector as a selector string.
fn selector_text(selector: Option<&Value>) -> String {
    let Some(selector) = selector.filter(|selector| !selector.is_null()) else {
        return NONE.to_owned();
    };
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for expression in items(selector, "/matchExpressions") {
        let key = text(expression, "/key");
        let mut values: Vec<&str> = items(expression, "/values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let written = match text(expression, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.push((key.to_owned(), written));
    }
    parts.sort();
    let parts: Vec<String> = parts.into_iter().map(|(_, written)| written).collect();
    if parts.is_empty() { NONE.to_owned() } else { parts.join(",") }
}

/// A number or a text as text.
fn plain(value: Option<&Value>, otherwise: &str) -> String {
    match value {
        None | Some(Value::Null) => otherwise.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

pub(crate) fn no_row(_: &Value, _: Timestamp) -> Vec<Value> {
    Vec::new()
}

pub(crate) fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let entries = |key: &str| object.get(key).and_then(Value::as_object).map_or(0, serde_json::Map::len);
    vec![name(object), json!(entries("data") + entries("binaryData")), age(object, now)]
}

pub(crate) fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    let entries = object.get("data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
    vec![name(object), json!(text(object, "/type")), json!(entries), age(object, now)]
}

/// Kinds that have nothing else worth a column.
pub(crate) fn name_and_age(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), age(object, now)]
}

pub(crate) fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "/status/phase")), age(object, now)]
}

pub(crate) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
    vec![
        name(object),
        json!(ready),
        json!(count(object, "/status/updatedReplicas")),
        json!(count(object, "/status/availableReplicas")),
        age(object, now),
        containers(object, "name"),
        containers(object, "image"),
        json!(selector_text(object.pointer("/spec/selector"))),
    ]
}

pub(crate) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        json!(count(object, "/spec/replicas")),
        json!(count(object, "/status/replicas")),
        json!(count(object, "/status/readyReplicas")),
        age(object, now),
        containers(object, "name"),
        containers(object, "image"),
        json!(selector_text(object.pointer("/spec/selector"))),
    ]
}

pub(crate) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
    vec![name(object), json!(ready), age(object, now), containers(object, "name"), containers(object, "image")]
}

pub(crate) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = |key: &str| json!(count(object, &format!("/status/{key}")));
    vec![
        name(object),
        status("desiredNumberScheduled"),
        status("currentNumberScheduled"),
        status("numberReady"),
        status("updatedNumberScheduled"),
        status("numberAvailable"),
        json!(map_text(object.pointer("/spec/template/spec/nodeSelector"), NONE)),
        age(object, now),
        containers(object, "name"),
        containers(object, "image"),
        json!(selector_text(object.pointer("/spec/selector"))),
    ]
}

pub(crate) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let kind = text(object, "/spec/type");
    let balanced = || {
        let ingress = items(object, "/status/loadBalancer/ingress").iter();
        ingress.map(|one| or(text(one, "/ip"), text(one, "/hostname"))).collect::<Vec<_>>()
    };
    let mut external: Vec<&str> = items(object, "/spec/externalIPs").iter().filter_map(Value::as_str).collect();
    let external = match kind {
        "ExternalName" => text(object, "/spec/externalName").to_owned(),
        "LoadBalancer" => {
            let mut all = balanced();
            all.append(&mut external);
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ClusterIP" | "NodePort" if external.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => external.join(","),
        _ => "<unknown>".to_owned(),
    };
    let ports: Vec<String> = items(object, "/spec/ports")
        .iter()
        .map(|port| match count(port, "/nodePort") {
            0 => format!("{}/{}", count(port, "/port"), text(port, "/protocol")),
            node => format!("{}:{node}/{}", count(port, "/port"), text(port, "/protocol")),
        })
        .collect();
    vec![
        name(object),
        json!(kind),
        json!(or(text(object, "/spec/clusterIP"), NONE)),
        json!(external),
        json!(or(&ports.join(","), NONE)),
        age(object, now),
        json!(map_text(object.pointer("/spec/selector"), NONE)),
    ]
}

pub(crate) fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    const MOST: usize = 3;
    let mut all = Vec::new();
    for subset in items(object, "/subsets") {
        for address in items(subset, "/addresses") {
            let ports = items(subset, "/ports");
            if ports.is_empty() {
                all.push(text(address, "/ip").to_owned());
            }
            all.extend(ports.iter().map(|port| format!("{}:{}", text(address, "/ip"), count(port, "/port"))));
        }
    }
    vec![name(object), json!(some_and_more(&all, MOST)), age(object, now)]
}

pub(crate) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    const MOST: usize = 3;
    let ports: Vec<String> =
        items(object, "/ports").iter().map(|port| plain(port.get("port"), or(text(port, "/name"), "*"))).collect();
    let ports =
        if object.get("ports").is_none_or(Value::is_null) { UNSET.to_owned() } else { some_and_more(&ports, MOST) };
    let addresses: Vec<String> = items(object, "/endpoints")
        .iter()
        .flat_map(|endpoint| items(endpoint, "/addresses"))
        .filter_map(|address| address.as_str().map(str::to_owned))
        .collect();
    let addresses = if addresses.is_empty() { UNSET.to_owned() } else { some_and_more(&addresses, MOST) };
    vec![name(object), json!(text(object, "/addressType")), json!(ports), json!(addresses), age(object, now)]
}

fn some_and_more(all: &[String], most: usize) -> String {
    match all.len() {
        0 => NONE.to_owned(),
        count if count > most => format!("{} + {} more...", all[..most].join(","), count - most),
        _ => all.join(","),
    }
}

pub(crate) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = items(object, "/status/conditions").iter().find(|one| text(one, "/type") == "Ready");
    let mut status = match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if boolean(object, "/spec/unschedulable") == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<&str> = object::labels(object)
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    roles.sort_unstable();
    let address = |kind: &str| {
        let found = items(object, "/status/addresses").iter().find(|one| text(one, "/type") == kind);
        json!(found.map_or(NONE, |one| text(one, "/address")))
    };
    let info = |key: &str| text(object, &format!("/status/nodeInfo/{key}"));
    let kernel = match (info("kernelVersion"), info("architecture")) {
        ("", _) => "<unknown>".to_owned(),
        (version, "") => version.to_owned(),
        (version, architecture) => format!("{version} ({architecture})"),
    };
    vec![
        name(object),
        json!(status),
        json!(or(&roles.join(","), NONE)),
        age(object, now),
        json!(info("kubeletVersion")),
        address("InternalIP"),
        address("ExternalIP"),
        json!(or(info("osImage"), "<unknown>")),
        json!(kernel),
        json!(or(info("containerRuntimeVersion"), "<unknown>")),
    ]
}

/// Events, in the core shape.
pub(crate) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let time = |pointer: &str| object::timestamp(object, pointer);
    let first = time("/firstTimestamp").or_else(|| time("/eventTime"));
    let last = time("/series/lastObservedTime").or_else(|| time("/lastTimestamp")).or(first);
    let about = |key: &str| text(object, &format!("/involvedObject/{key}"));
    let target = match about("name") {
        "" => about("kind").to_lowercase(),
        name => format!("{}/{name}", about("kind").to_lowercase()),
    };
    let component = or(text(object, "/source/component"), text(object, "/reportingComponent"));
    let source = match or(text(object, "/source/host"), text(object, "/reportingInstance")) {
        "" => component.to_owned(),
        host => format!("{component}, {host}"),
    };
    let times = match integer(object, "/series/count").or_else(|| integer(object, "/count")) {
        None | Some(0) => 1,
        Some(times) => times,
    };
    vec![
        since(last, now),
        json!(text(object, "/type")),
        json!(text(object, "/reason")),
        json!(target),
        json!(about("fieldPath")),
        json!(source),
        json!(text(object, "/message").trim()),
        since(first, now),
        json!(times),
        name(object),
    ]
}

pub(crate) fn disruption_budget(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        json!(plain(object.pointer("/spec/minAvailable"), "N/A")),
        json!(plain(object.pointer("/spec/maxUnavailable"), "N/A")),
        json!(count(object, "/status/disruptionsAllowed")),
        age(object, now),
    ]
}

pub(crate) fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let reference =
        format!("{}/{}", text(object, "/spec/scaleTargetRef/kind"), text(object, "/spec/scaleTargetRef/name"));
    let targets: Vec<String> = items(object, "/spec/metrics").iter().map(metric).collect();
    vec![
        name(object),
        json!(reference),
        json!(or(&targets.join(", "), NONE)),
        json!(plain(object.pointer("/spec/minReplicas"), UNSET)),
        json!(count(object, "/spec/maxReplicas")),
        json!(count(object, "/status/currentReplicas")),
        age(object, now),
    ]
}

/// A target of an autoscaler. The sandbox has no metrics, so the present value is never known.
fn metric(metric: &Value) -> String {
    let kind = text(metric, "/type");
    let key = match kind {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        _ => "external",
    };
    let target = |name: &str| metric.pointer(&format!("/{key}/target/{name}"));
    let wanted = match integer(metric, &format!("/{key}/target/averageUtilization")) {
        Some(percent) => format!("{percent}%"),
        None => plain(target("averageValue").or_else(|| target("value")), "<auto>"),
    };
    match kind {
        "Resource" | "ContainerResource" => {
            format!("{}: <unknown>/{wanted}", text(metric, &format!("/{key}/name")))
        }
        _ => format!("<unknown>/{wanted}"),
    }
}

pub(crate) fn resource_quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut requests = Vec::new();
    let mut limits = Vec::new();
    let hard = object.pointer("/status/hard").and_then(Value::as_object);
    for (key, most) in hard.into_iter().flatten() {
        let used = object.pointer("/status/used").and_then(|used| used.get(key));
        let entry = format!("{key}: {}/{}", plain(used, "0"), plain(Some(most), "0"));
        if key.starts_with("limits.") { limits.push(entry) } else { requests.push(entry) }
    }
    requests.sort();
    limits.sort();
    vec![name(object), json!(requests.join(", ")), json!(limits.join(", ")), age(object, now)]
}

pub(crate) fn lease(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), json!(text(object, "/spec/holderIdentity")), age(object, now)]
}

pub(crate) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut hosts: Vec<&str> =
        items(object, "/spec/rules").iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() {
        hosts.push("*");
    }
    let addresses = items(object, "/status/loadBalancer/ingress").iter();
    let addresses = joined(addresses.map(|one| or(text(one, "/ip"), text(one, "/hostname"))));
    let ports = if items(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![
        name(object),
        json!(plain(object.pointer("/spec/ingressClassName"), NONE)),
        json!(hosts.join(",")),
        json!(addresses),
        json!(ports),
        age(object, now),
    ]
}
