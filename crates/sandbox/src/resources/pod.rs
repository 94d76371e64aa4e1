//! Pods and pod templates: defaults, and what a server adds to a new pod.

use serde_json::{Value, json};

use super::default::{Fields, each, fill, present, spec, structure};

mod validation;

pub(super) use validation::{port_number, template, validate};

/// Defaults of a Pod: those of a template, and a few that templates leave open.
pub(super) fn default(pod: &mut Value) {
    let Some(spec) = spec(pod) else { return };
    default_spec(spec);
    fill(spec, "enableServiceLinks", true);
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers"] {
        for container in each(spec, list) {
            requests_from_limits(container);
            if host_network {
                for port in each(container, "ports") {
                    let container_port = port.get("containerPort").cloned().unwrap_or_default();
                    fill(port, "hostPort", container_port);
                }
            }
        }
    }
}

/// The first status of a Pod.
pub(super) fn prepare(pod: &mut Value, old: Option<&Value>) {
    match old {
        None => {
            let status = json!({"phase": "Pending", "qosClass": quality_of_service(pod)});
            super::default::set_status(pod, old, status);
        }
        // Decided once: who replaces the status need not send it.
        Some(old) => {
            if let (Some(class), Some(status)) =
                (old.pointer("/status/qosClass"), pod.get_mut("status").and_then(Value::as_object_mut))
            {
                status.insert("qosClass".to_owned(), class.clone());
            }
        }
    }
}

/// What admission plugins of a plain cluster add to a new pod: the service account with its token volume, eviction
/// delays for failing nodes, and the priority. `suffix` is the random end of the volume's name.
pub fn admit(pod: &mut Value, suffix: &str) {
    let Some(spec) = spec(pod) else { return };
    let account = match spec.get("serviceAccountName").and_then(Value::as_str) {
        None | Some("") => "default".to_owned(),
        Some(name) => name.to_owned(),
    };
    spec.insert("serviceAccountName".to_owned(), json!(account));
    spec.insert("serviceAccount".to_owned(), json!(account));
    if spec.get("automountServiceAccountToken") != Some(&Value::Bool(false)) {
        mount_token(spec, suffix);
    }
    for condition in ["not-ready", "unreachable"] {
        tolerate(spec, &format!("node.kubernetes.io/{condition}"));
    }
    fill(spec, "priority", 0);
    fill(spec, "preemptionPolicy", "PreemptLowerPriority");
}

fn mount_token(spec: &mut Fields, suffix: &str) {
    const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let volume = format!("kube-api-access-{suffix}");
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in each(spec, list) {
            fill(container, "volumeMounts", json!([]));
            let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else {
                continue;
            };
            if mounts.iter().all(|mount| mount.get("mountPath") != Some(&json!(MOUNT_PATH))) {
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": MOUNT_PATH}));
                mounted = true;
            }
        }
    }
    if mounted {
        fill(spec, "volumes", json!([]));
        if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
            volumes.push(json!({"name": volume, "projected": {"sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {
                    "apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
            ], "defaultMode": 420}}));
        }
    }
}

fn tolerate(spec: &mut Fields, key: &str) {
    fill(spec, "tolerations", json!([]));
    let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) else {
        return;
    };
    let covered = tolerations.iter().any(|toleration| {
        let text = |name: &str| toleration.get(name).and_then(Value::as_str).unwrap_or_default();
        (text("key") == key || (text("key").is_empty() && text("operator") == "Exists"))
            && matches!(text("effect"), "" | "NoExecute")
    });
    if !covered {
        tolerations.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
fn quality_of_service(pod: &Value) -> &'static str {
    let mut any = false;
    let mut equal = true;
    for list in ["initContainers", "containers"] {
        let containers = pod.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            let amount = |kind: &str, resource: &str| {
                let pointer = format!("/resources/{kind}/{resource}");
                container.pointer(&pointer).and_then(Value::as_str).filter(|text| *text != "0")
            };
            for resource in ["cpu", "memory"] {
                let (request, limit) = (amount("requests", resource), amount("limits", resource));
                any |= request.is_some() || limit.is_some();
                equal &= limit.is_some() && (request.is_none() || request == limit);
            }
        }
    }
    match (any, equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn requests_from_limits(container: &mut Fields) {
    let Some(resources) = present(container, "resources") else {
        return;
    };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
        return;
    };
    let Some(requests) = structure(resources, "requests") else {
        return;
    };
    for (resource, amount) in limits {
        fill(requests, &resource, amount);
    }
    requests.sort_keys();
}

/// Defaults of `spec.template`.
pub(super) fn default_template(template: &mut Fields) {
    if let Some(spec) = structure(template, "spec") {
        default_spec(spec);
    }
}

fn default_spec(spec: &mut Fields) {
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "restartPolicy", "Always");
    fill(spec, "securityContext", json!({}));
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill(spec, "schedulerName", "default-scheduler");
    // Two names of one field; both are always shown.
    let account = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned();
    if let Some(account) = account {
        spec.insert("serviceAccountName".to_owned(), account.clone());
        spec.insert("serviceAccount".to_owned(), account);
    }
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in each(spec, list) {
            default_container(container);
        }
    }
    for volume in each(spec, "volumes") {
        default_volume(volume);
    }
}

fn default_container(container: &mut Fields) {
    let policy = pull_policy(container.get("image").and_then(Value::as_str).unwrap_or_default());
    fill(container, "imagePullPolicy", policy);
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    for port in each(container, "ports") {
        fill(port, "protocol", "TCP");
    }
    for variable in each(container, "env") {
        if let Some(source) = present(variable, "valueFrom") {
            default_field_reference(source);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = present(container, probe) {
            fill(probe, "timeoutSeconds", 1);
            fill(probe, "periodSeconds", 10);
            fill(probe, "successThreshold", 1);
            fill(probe, "failureThreshold", 3);
            default_handler(probe);
        }
    }
    if let Some(lifecycle) = present(container, "lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = present(lifecycle, hook) {
                default_handler(hook);
            }
        }
    }
}

fn default_handler(handler: &mut Fields) {
    if let Some(http) = present(handler, "httpGet") {
        fill(http, "path", "/");
        fill(http, "scheme", "HTTP");
    }
    if let Some(grpc) = present(handler, "grpc") {
        fill(grpc, "service", "");
    }
}

fn default_field_reference(source: &mut Fields) {
    if let Some(reference) = present(source, "fieldRef") {
        fill(reference, "apiVersion", "v1");
    }
}

/// `Always` for `latest` and untagged images, else `IfNotPresent`.
fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        return "IfNotPresent";
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

fn default_volume(volume: &mut Fields) {
    if volume.len() <= 1 {
        fill(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = present(volume, source) {
            // 0644
            fill(source, "defaultMode", 420);
        }
    }
    if let Some(path) = present(volume, "hostPath") {
        fill(path, "type", "");
    }
    if let Some(downward) = present(volume, "downwardAPI") {
        each(downward, "items").for_each(default_field_reference);
    }
    if let Some(projected) = present(volume, "projected") {
        for source in each(projected, "sources") {
            if let Some(token) = present(source, "serviceAccountToken") {
                fill(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = present(source, "downwardAPI") {
                each(downward, "items").for_each(default_field_reference);
            }
        }
    }
}
