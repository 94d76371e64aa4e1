//! Validation of pods and pod templates.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::quantity::Quantity;
use crate::resources::field::{non_negative, one_of};
use crate::resources::{FieldError, metadata, names};

/// Everything wrong with a Pod's spec; on updates also with what changed.
pub(in crate::resources) fn validate(pod: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let none = Value::Null;
    let spec = pod.get("spec").unwrap_or(&none);
    let mut errors = pod_spec("spec", spec);
    if let Some(old) = old {
        errors.extend(changes(spec, old.get("spec").unwrap_or(&none)));
    }
    errors
}

/// Everything wrong with a pod template.
pub(in crate::resources) fn template(field: &str, template: &Value) -> Vec<FieldError> {
    let mut errors = metadata::labels(&format!("{field}.metadata.labels"), template.pointer("/metadata/labels"));
    let annotations = template.pointer("/metadata/annotations");
    errors.extend(metadata::annotations(&format!("{field}.metadata.annotations"), annotations));
    errors.extend(pod_spec(&format!("{field}.spec"), template.get("spec").unwrap_or(&Value::Null)));
    errors
}

/// Images, deadlines and more tolerations may change; the node is set once, by the binding.
fn changes(spec: &Value, old: &Value) -> Option<FieldError> {
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        for list in ["initContainers", "containers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
                container.insert("image".to_owned(), Value::Null);
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            for free in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
                spec.shift_remove(free);
            }
            if old.get("nodeName").is_none() {
                spec.shift_remove("nodeName");
            }
        }
        spec
    };
    (fixed(spec) != fixed(old)).then(|| {
        FieldError::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
             `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
             `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        )
    })
}

fn pod_spec(field: &str, spec: &Value) -> Vec<FieldError> {
    let mut errors = volumes(&format!("{field}.volumes"), spec);
    let mounted: Mounted<'_> = Mounted {
        volumes: items(spec, "volumes").iter().filter_map(|volume| volume.get("name")?.as_str()).collect(),
        host_network: spec.get("hostNetwork") == Some(&json!(true)),
    };
    let mut taken = HashSet::new();
    if items(spec, "containers").is_empty() {
        errors.push(FieldError::required(format!("{field}.containers"), ""));
    }
    for list in ["containers", "initContainers"] {
        for (index, one) in items(spec, list).iter().enumerate() {
            let field = format!("{field}.{list}[{index}]");
            errors.extend(container(&field, one, &mounted));
            let name = text(one, "name");
            if !name.is_empty() && !taken.insert(name) {
                errors.push(FieldError::duplicate(format!("{field}.name"), &json!(name)));
            }
            errors.extend(probes(&field, one));
        }
    }
    errors.extend(one_of(
        &format!("{field}.restartPolicy"),
        spec.get("restartPolicy"),
        &["Always", "OnFailure", "Never"],
    ));
    errors.extend(one_of(
        &format!("{field}.dnsPolicy"),
        spec.get("dnsPolicy"),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    ));
    errors.extend(metadata::labels(&format!("{field}.nodeSelector"), spec.get("nodeSelector")));
    let account = text(spec, "serviceAccountName");
    if !account.is_empty() {
        errors.extend(FieldError::complaints(
            &format!("{field}.serviceAccountName"),
            account,
            names::subdomain(account),
        ));
    }
    let fine = |seconds: &Value| {
        let number = seconds.as_i64();
        number.is_some_and(|number| (1..=i64::from(i32::MAX)).contains(&number))
    };
    if let Some(seconds) = spec.get("activeDeadlineSeconds").filter(|seconds| !fine(seconds)) {
        errors.push(FieldError::invalid(
            format!("{field}.activeDeadlineSeconds"),
            seconds,
            "must be between 1 and 2147483647, inclusive",
        ));
    }
    errors
}

/// What containers refer to in their pod.
struct Mounted<'a> {
    volumes: HashSet<&'a str>,
    host_network: bool,
}

fn volumes(field: &str, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut taken = HashSet::new();
    for (index, volume) in items(spec, "volumes").iter().enumerate() {
        let field = format!("{field}[{index}]");
        let mut sources: Vec<&str> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .filter(|key| *key != "name")
            .collect();
        // The server looks at this one first.
        sources.sort_by_key(|source| *source != "emptyDir");
        for extra in sources.iter().skip(1) {
            let complaint = "may not specify more than 1 volume type";
            errors.push(FieldError::forbidden(format!("{field}.{extra}"), complaint));
        }
        let name = text(volume, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
            continue;
        }
        errors.extend(FieldError::complaints(&format!("{field}.name"), name, names::label(name)));
        if !taken.insert(name) {
            errors.push(FieldError::duplicate(format!("{field}.name"), &json!(name)));
        }
    }
    errors
}

fn container(field: &str, container: &Value, pod: &Mounted<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(container, "name");
    if name.is_empty() {
        errors.push(FieldError::required(format!("{field}.name"), ""));
    } else {
        errors.extend(FieldError::complaints(&format!("{field}.name"), name, names::label(name)));
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{field}.image"), ""));
    } else if image.trim() != image {
        let complaint = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{field}.image"), &json!(image), complaint));
    }
    errors.extend(one_of(
        &format!("{field}.terminationMessagePolicy"),
        container.get("terminationMessagePolicy"),
        &["FallbackToLogsOnError", "File"],
    ));
    errors.extend(ports(&format!("{field}.ports"), container, pod));
    errors.extend(environment(&format!("{field}.env"), container));
    errors.extend(mounts(&format!("{field}.volumeMounts"), container, pod));
    errors.extend(one_of(
        &format!("{field}.imagePullPolicy"),
        container.get("imagePullPolicy"),
        &["Always", "IfNotPresent", "Never"],
    ));
    errors.extend(resources(&format!("{field}.resources"), container.get("resources")));
    errors
}

fn ports(field: &str, container: &Value, pod: &Mounted<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut taken = HashSet::new();
    for (index, port) in items(container, "ports").iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let complaints = names::port_name(name);
            if complaints.is_empty() && !taken.insert(name) {
                errors.push(FieldError::duplicate(format!("{field}.name"), &json!(name)));
            }
            errors.extend(FieldError::complaints(&format!("{field}.name"), name, complaints));
        }
        match port.get("containerPort") {
            None => errors.push(FieldError::required(format!("{field}.containerPort"), "")),
            Some(number) if number.as_i64() == Some(0) => {
                errors.push(FieldError::required(format!("{field}.containerPort"), ""));
            }
            Some(number) => errors.extend(port_number(&format!("{field}.containerPort"), number)),
        }
        if let Some(host) = port.get("hostPort") {
            errors.extend(port_number(&format!("{field}.hostPort"), host));
            if pod.host_network && port.get("containerPort") != Some(host) {
                let complaint = "must match `containerPort` when `hostNetwork` is true";
                errors.push(FieldError::invalid(format!("{field}.hostPort"), host, complaint));
            }
        }
        errors.extend(one_of(&format!("{field}.protocol"), port.get("protocol"), &["SCTP", "TCP", "UDP"]));
    }
    errors
}

/// The error of a number outside of the port range.
pub(in crate::resources) fn port_number(field: &str, number: &Value) -> Option<FieldError> {
    let fine = number.as_i64().is_some_and(|number| (1..=65535).contains(&number));
    (!fine).then(|| FieldError::invalid(field, number, "must be between 1 and 65535, inclusive"))
}

fn environment(field: &str, container: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, variable) in items(container, "env").iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = text(variable, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else {
            errors.extend(FieldError::complaints(&format!("{field}.name"), name, names::environment(name)));
        }
        let Some(source) = variable.get("valueFrom") else {
            continue;
        };
        let field = format!("{field}.valueFrom");
        if variable.get("value").is_some() {
            let complaint = "may not be specified when `value` is not empty";
            errors.push(FieldError::invalid(&field, &json!(""), complaint));
        }
        match source.as_object().map_or(0, serde_json::Map::len) {
            0 => errors.push(FieldError::invalid(
                field,
                &json!(""),
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
            )),
            1 => {}
            _ => errors.push(FieldError::invalid(
                field,
                &json!(""),
                "may not have more than one field specified at a time",
            )),
        }
    }
    errors
}

fn mounts(field: &str, container: &Value, pod: &Mounted<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut taken = HashSet::new();
    for (index, mount) in items(container, "volumeMounts").iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = text(mount, "name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if !pod.volumes.contains(name) {
            errors.push(FieldError::not_found(format!("{field}.name"), &json!(name)));
        }
        let path = text(mount, "mountPath");
        if path.is_empty() {
            errors.push(FieldError::required(format!("{field}.mountPath"), ""));
        } else if !taken.insert(path) {
            errors.push(FieldError::invalid(format!("{field}.mountPath"), &json!(path), "must be unique"));
        }
    }
    errors
}

fn resources(field: &str, resources: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let amounts = |kind: &str| resources.and_then(|r| r.get(kind)).and_then(Value::as_object);
    for kind in ["limits", "requests"] {
        for (name, amount) in amounts(kind).into_iter().flatten() {
            if amount.as_str().is_some_and(|text| text.starts_with('-')) {
                let complaint = "must be greater than or equal to 0";
                errors.push(FieldError::invalid(format!("{field}.{kind}[{name}]"), amount, complaint));
            }
        }
    }
    for (name, request) in amounts("requests").into_iter().flatten() {
        let Some(limit) = amounts("limits").and_then(|limits| limits.get(name)) else {
            continue;
        };
        let parse = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
        if let (Some(wanted), Some(most)) = (parse(request), parse(limit))
            && wanted > most
        {
            let complaint = format!("must be less than or equal to {name} limit of {most}");
            errors.push(FieldError::invalid(format!("{field}.requests"), request, &complaint));
        }
    }
    errors
}

fn probes(field: &str, container: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(kind).filter(|probe| !probe.is_null()) else {
            continue;
        };
        let field = format!("{field}.{kind}");
        errors.extend(handler(&field, probe));
        for number in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            errors.extend(non_negative(&format!("{field}.{number}"), probe.get(number)));
        }
        if kind != "readinessProbe" && probe.get("successThreshold").is_some_and(|count| *count != json!(1)) {
            let count = &probe["successThreshold"];
            errors.push(FieldError::invalid(format!("{field}.successThreshold"), count, "must be 1"));
        }
    }
    errors
}

fn handler(field: &str, handler: &Value) -> Vec<FieldError> {
    const KINDS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| handler.get(*kind).is_some()).collect();
    if given.is_empty() {
        return vec![FieldError::required(field, "must specify a handler type")];
    }
    let mut errors: Vec<FieldError> = given[1..]
        .iter()
        .map(|extra| FieldError::forbidden(format!("{field}.{extra}"), "may not specify more than 1 handler type"))
        .collect();
    for kind in ["httpGet", "tcpSocket"] {
        if let Some(port @ Value::Number(_)) = handler.get(kind).and_then(|one| one.get("port")) {
            errors.extend(port_number(&format!("{field}.{kind}.port"), port));
        }
    }
    if handler.get("exec").is_some_and(|exec| items(exec, "command").is_empty()) {
        errors.push(FieldError::required(format!("{field}.exec.command"), ""));
    }
    errors
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
