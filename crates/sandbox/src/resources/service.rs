//! Services. Cluster IPs and node ports are given out by admission, which sees the other Services.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::default::{each, fill, present, reset_status, spec, structure};
use super::field::one_of;
use super::pod::port_number;
use super::{FieldError, metadata, names};

/// Cluster IPs are of 10.96.0.0/16.
pub(crate) const NETWORK: [u8; 2] = [10, 96];
/// The ports that nodes keep for Services.
pub(crate) const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

pub(super) fn default(service: &mut Value) {
    default_status(service);
    let Some(spec) = spec(service) else { return };
    fill(spec, "sessionAffinity", "None");
    if spec.get("sessionAffinity") == Some(&json!("None")) {
        spec.shift_remove("sessionAffinityConfig");
    } else if let Some(client) = structure(spec, "sessionAffinityConfig").and_then(|c| structure(c, "clientIP")) {
        // Three hours.
        fill(client, "timeoutSeconds", 10_800);
    }
    fill(spec, "type", "ClusterIP");
    for port in each(spec, "ports") {
        fill(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        if matches!(port.get("targetPort").and_then(Value::as_i64), Some(0))
            || port.get("targetPort") == Some(&json!(""))
        {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
    if kind != "ExternalName" {
        fill(spec, "internalTrafficPolicy", "Cluster");
    }
}

/// Initial status, the addresses an update leaves out, and the fields that a change of type takes away.
pub(super) fn prepare(service: &mut Value, old: Option<&Value>) {
    reset_status(service, old);
    let old_spec = old.and_then(|old| old.get("spec"));
    let Some(spec) = spec(service) else { return };
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let old_kind = old_spec.and_then(|spec| spec.get("type")).and_then(Value::as_str).unwrap_or_default();
    if kind == "ExternalName" {
        if old.is_none() || kind != old_kind {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
                spec.shift_remove(field);
            }
        }
    } else if let Some(old_spec) = old_spec {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let Some(value) = old_spec.get(field) {
                fill(spec, field, value.clone());
            }
        }
    }
    if let Some(address) = spec.get("clusterIP").cloned() {
        fill(spec, "clusterIPs", json!([address]));
    }
    if !matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        spec.shift_remove("externalTrafficPolicy");
        if kind != old_kind && old.is_some() {
            each(spec, "ports").for_each(|port| drop(port.shift_remove("nodePort")));
        }
    }
    if kind != "LoadBalancer" {
        spec.shift_remove("allocateLoadBalancerNodePorts");
    }
}

/// Gives a Service the cluster IP it lacks, from `free`, which offers addresses that no other Service has.
pub fn assign_cluster_ip(service: &mut Value, free: impl FnOnce() -> String) {
    let Some(spec) = spec(service) else { return };
    if spec.get("type") == Some(&json!("ExternalName")) {
        return;
    }
    if spec.get("clusterIP").is_none() {
        let address = spec.get("clusterIPs").and_then(|list| list.get(0)).cloned().unwrap_or_else(|| json!(free()));
        spec.insert("clusterIP".to_owned(), address);
    }
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    fill(spec, "clusterIPs", json!([address]));
    fill(spec, "ipFamilies", json!(["IPv4"]));
    fill(spec, "ipFamilyPolicy", "SingleStack");
}

/// Gives each port of a NodePort or LoadBalancer Service the node port it lacks; false when there is none left.
pub fn assign_node_ports(service: &mut Value, mut free: impl FnMut() -> Option<u16>) -> bool {
    let Some(spec) = spec(service) else {
        return true;
    };
    let balanced = spec.get("type") == Some(&json!("LoadBalancer"));
    let wanted = match balanced {
        true => spec.get("allocateLoadBalancerNodePorts") != Some(&json!(false)),
        false => spec.get("type") == Some(&json!("NodePort")),
    };
    if !wanted {
        return true;
    }
    for port in each(spec, "ports").filter(|port| !port.contains_key("nodePort")) {
        let Some(number) = free() else { return false };
        port.insert("nodePort".to_owned(), json!(number));
    }
    let local = spec.get("externalTrafficPolicy") == Some(&json!("Local"));
    if balanced && local && !spec.contains_key("healthCheckNodePort") {
        let Some(number) = free() else { return false };
        spec.insert("healthCheckNodePort".to_owned(), json!(number));
    }
    true
}

/// A load balancer's addresses are virtual IPs unless said otherwise.
fn default_status(service: &mut Value) {
    let Some(status) = service.as_object_mut().and_then(|fields| present(fields, "status")) else {
        return;
    };
    if let Some(balancer) = present(status, "loadBalancer") {
        for ingress in each(balancer, "ingress") {
            if ingress.contains_key("ip") {
                fill(ingress, "ipMode", "VIP");
            }
        }
    }
}

pub(super) fn validate(new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = new.get("spec").unwrap_or(&Value::Null);
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default();
    let ports = spec.get("ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut errors = Vec::new();
    if let Some(old) = old {
        errors.extend(changed_address(spec, old.get("spec").unwrap_or(&Value::Null), kind));
    }
    if ports.is_empty() && spec.get("clusterIP") != Some(&json!("None")) && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if kind == "ExternalName" {
        let target = spec.get("externalName").and_then(Value::as_str).unwrap_or_default();
        if target.is_empty() {
            errors.push(FieldError::required("spec.externalName", ""));
        } else {
            errors.extend(FieldError::complaints("spec.externalName", target, names::subdomain(target)));
        }
    }
    let mut taken = HashSet::new();
    for (index, port) in ports.iter().enumerate() {
        errors.extend(service_port(&format!("spec.ports[{index}]"), port, ports.len() > 1, kind, &mut taken));
    }
    errors.extend(metadata::labels("spec.selector", spec.get("selector")));
    errors.extend(one_of("spec.sessionAffinity", spec.get("sessionAffinity"), &["ClientIP", "None"]));
    errors.extend(one_of("spec.type", spec.get("type"), &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]));
    // On updates they are either unchanged or refused already.
    if old.is_none() {
        errors.extend(addresses(spec));
    }
    errors.extend(duplicate_ports(ports));
    errors
}

fn addresses(spec: &Value) -> Vec<FieldError> {
    let list = spec.get("clusterIPs").and_then(Value::as_array);
    let mut errors = Vec::new();
    for (index, address) in list.into_iter().flatten().enumerate() {
        match address.as_str().unwrap_or_default().parse::<Ipv4Addr>() {
            _ if *address == json!("None") => {}
            Err(_) => errors.push(FieldError::invalid(
                format!("spec.clusterIPs[{index}]"),
                address,
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            )),
            Ok(parsed) if parsed.octets()[..2] != NETWORK => errors.push(FieldError::invalid(
                "spec.clusterIPs",
                &json!([address]),
                &format!("failed to allocate IP {parsed}: the provided network does not match the current range"),
            )),
            Ok(_) => {}
        }
    }
    errors
}

fn changed_address(spec: &Value, old: &Value, kind: &str) -> Option<FieldError> {
    let old_kind = old.get("type").and_then(Value::as_str).unwrap_or_default();
    let (new_list, old_list) = (spec.get("clusterIPs"), old.get("clusterIPs")?);
    let changed = kind != "ExternalName" && old_kind != "ExternalName" && new_list != Some(old_list);
    changed.then(|| {
        let value = new_list.unwrap_or(&Value::Null);
        FieldError::invalid("spec.clusterIPs[0]", value, "may not change once set")
    })
}

fn service_port<'a>(
    field: &str,
    port: &'a Value,
    name_needed: bool,
    kind: &str,
    taken: &mut HashSet<&'a str>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = port.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() && name_needed {
        errors.push(FieldError::required(format!("{field}.name"), ""));
    } else if !name.is_empty() {
        errors.extend(FieldError::complaints(&format!("{field}.name"), name, names::label(name)));
        if !taken.insert(name) {
            errors.push(FieldError::duplicate(format!("{field}.name"), &json!(name)));
        }
    }
    errors.extend(port_number(&format!("{field}.port"), port.get("port").unwrap_or(&json!(0))));
    errors.extend(one_of(&format!("{field}.protocol"), port.get("protocol"), &["SCTP", "TCP", "UDP"]));
    match port.get("targetPort") {
        Some(number @ Value::Number(_)) => errors.extend(port_number(&format!("{field}.targetPort"), number)),
        Some(Value::String(text)) => {
            errors.extend(FieldError::complaints(&format!("{field}.targetPort"), text, names::port_name(text)));
        }
        _ => {}
    }
    if let Some(number) = port.get("nodePort") {
        let fine = number.as_u64().and_then(|n| u16::try_from(n).ok()).is_some_and(|n| NODE_PORTS.contains(&n));
        if !fine && kind != "ClusterIP" {
            let complaint = "provided port is not in the valid range. The range of valid ports is 30000-32767";
            errors.push(FieldError::invalid(format!("{field}.nodePort"), number, complaint));
        }
    }
    if kind == "ClusterIP" && port.get("nodePort").is_some() {
        errors.push(FieldError::forbidden(format!("{field}.nodePort"), "may not be used when `type` is 'ClusterIP'"));
    }
    errors
}

fn duplicate_ports(ports: &[Value]) -> Vec<FieldError> {
    let mut seen = HashSet::new();
    let mut errors = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let (number, protocol) = (port.get("port"), port.get("protocol"));
        if !seen.insert(format!("{number:?}{protocol:?}")) {
            // The server prints the key it compared, as a struct of its own.
            let key = json!({"Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number, "TargetPort": 0,
                "NodePort": 0});
            errors.push(FieldError::duplicate(format!("spec.ports[{index}]"), &key));
        }
    }
    errors
}
