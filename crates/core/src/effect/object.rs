//! Writes to objects beside the workload: the Services of an application, and whatever else it is reached by.
//!
//! What belongs to an application carries its id as a label; such objects go with it. A Service that someone else made belongs to it as well, if its
//! selector can select nothing but the application's pods: it may be changed, and stays when the application goes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Refusal, apply_merge, merge};
use crate::ids::AppId;
use crate::order::birth::APP_ID_LABEL;
use crate::ports::ObjectKind;

/// The kinds of which an application may have objects: those with its label are deleted with it, in this sequence, so that no route names a Service
/// that is gone. A cluster need not have them all.
pub const ATTACHED_KINDS: [ObjectKind; 6] = [
    ObjectKind::HTTP_ROUTE,
    ObjectKind::SERVICE,
    ObjectKind::INGRESS,
    ObjectKind::HORIZONTAL_POD_AUTOSCALER,
    ObjectKind::CONFIG_MAP,
    ObjectKind::SECRET,
];

/// An object of the workload's namespace that is to be as said, or not to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ObjectChange {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// What is merged (RFC 7386) into the object that is there, or into nothing; `None` deletes it. Nothing secret: it is part of an order's record.
    pub patch: Option<Value>,
    /// The labels that select the application's pods and no others.
    pub selects: BTreeMap<String, String>,
}

/// What to send.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectWrite {
    /// `POST` the object.
    Create(Value),
    /// `PATCH` with `application/merge-patch+json`; carries `metadata.resourceVersion`.
    Patch(Value),
    /// `DELETE` it, as far as it still is the one that was read.
    Delete,
    /// Nothing until the one that is there has gone: it is being deleted.
    Wait,
    /// It is done already.
    Nothing,
}

/// Whether an object belongs to an application; see the module.
pub fn belongs(object: &Value, app: AppId, selects: &BTreeMap<String, String>) -> bool {
    if let Some(owner) = object["metadata"]["labels"][APP_ID_LABEL].as_str() {
        return owner == app.to_string();
    }
    !selects.is_empty() && selects.iter().all(|(label, value)| object["spec"]["selector"][label] == **value)
}

/// Translates a change into a write, on a fresh read.
///
/// # Errors
/// [`Refusal::NotTheApplications`].
pub fn compile(change: &ObjectChange, fresh: Option<&Value>, app: AppId) -> Result<ObjectWrite, Refusal> {
    let Some(fresh) = fresh else {
        return Ok(match &change.patch {
            Some(patch) => {
                let mut object = json!({"metadata": {"labels": {APP_ID_LABEL: app.to_string()}}});
                apply_merge(&mut object, patch);
                ObjectWrite::Create(object)
            }
            None => ObjectWrite::Nothing,
        });
    };
    if !belongs(fresh, app, &change.selects) {
        let (kind, name) = (change.kind.kind.to_string(), change.name.clone());
        return Err(Refusal::NotTheApplications { kind, name });
    }
    let is_leaving = fresh["metadata"]["deletionTimestamp"].is_string();
    let Some(patch) = &change.patch else {
        return Ok(if is_leaving { ObjectWrite::Nothing } else { ObjectWrite::Delete });
    };
    if is_leaving {
        return Ok(ObjectWrite::Wait);
    }
    let mut wanted = fresh.clone();
    apply_merge(&mut wanted, patch);
    keep_node_ports(fresh, &mut wanted);
    Ok(match merge::diff(fresh, &wanted) {
        None => ObjectWrite::Nothing,
        Some(mut patch) => {
            patch["metadata"]["resourceVersion"] = fresh["metadata"]["resourceVersion"].clone();
            ObjectWrite::Patch(patch)
        }
    })
}

/// A port that stays keeps its node port: firewalls and load balancers know it.
fn keep_node_ports(before: &Value, after: &mut Value) {
    if after["spec"]["type"] == "ClusterIP" {
        return;
    }
    let present = before["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    for port in after["spec"]["ports"].as_array_mut().into_iter().flatten() {
        let same = |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
        let node_port = present.iter().find(same).map(|other| other["nodePort"].clone());
        if let Some(node_port) = node_port.filter(Value::is_number)
            && port.get("nodePort").is_none()
        {
            port["nodePort"] = node_port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> AppId {
        "6b55106c-c7f2-40f7-a1d4-092870000000".parse().unwrap()
    }

    fn change(patch: Option<Value>) -> ObjectChange {
        let selects = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
        ObjectChange { kind: ObjectKind::SERVICE, name: "web".to_owned(), patch, selects }
    }

    fn stored() -> Value {
        json!({
            "metadata": {"name": "web", "resourceVersion": "7", "labels": {APP_ID_LABEL: app().to_string()}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1",
                     "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30001}]},
        })
    }

    #[test]
    fn what_is_not_there_is_made_with_the_label_and_without_nulls() {
        let patch = json!({"metadata": {"annotations": {"a": null}}, "spec": {"type": "ClusterIP"}});
        let expected = json!({
            "metadata": {"labels": {APP_ID_LABEL: app().to_string()}, "annotations": {}},
            "spec": {"type": "ClusterIP"},
        });
        assert_eq!(compile(&change(Some(patch)), None, app()), Ok(ObjectWrite::Create(expected)));
        assert_eq!(compile(&change(None), None, app()), Ok(ObjectWrite::Nothing));
    }

    #[test]
    fn what_is_there_is_patched_on_the_version_read_and_only_if_it_differs() {
        let ports = json!([{"port": 80, "protocol": "TCP", "targetPort": 9090}]);
        let patch = json!({"spec": {"ports": ports}});
        let expected = json!({
            "metadata": {"resourceVersion": "7"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 9090, "nodePort": 30001}]},
        });
        assert_eq!(compile(&change(Some(patch)), Some(&stored()), app()), Ok(ObjectWrite::Patch(expected)));
        let same = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}});
        assert_eq!(compile(&change(Some(same)), Some(&stored()), app()), Ok(ObjectWrite::Nothing));
        assert_eq!(compile(&change(None), Some(&stored()), app()), Ok(ObjectWrite::Delete));
    }

    #[test]
    fn what_is_being_deleted_is_waited_for() {
        let mut leaving = stored();
        leaving["metadata"]["deletionTimestamp"] = json!("2026-11-26T04:00:00Z");
        assert_eq!(compile(&change(None), Some(&leaving), app()), Ok(ObjectWrite::Nothing));
        assert_eq!(compile(&change(Some(json!({}))), Some(&leaving), app()), Ok(ObjectWrite::Wait));
    }

    #[test]
    fn nobody_elses_object_is_touched() {
        let selector = |selector: Value| json!({"metadata": {"resourceVersion": "1"}, "spec": {"selector": selector}});
        let refused = Err(Refusal::NotTheApplications { kind: "Service".to_owned(), name: "web".to_owned() });
        let mut other = stored();
        other["metadata"]["labels"][APP_ID_LABEL] = json!("another");
        other["spec"]["selector"] = json!({"app": "web"});
        for object in [other, selector(json!({"tier": "front"})), selector(json!({})), selector(Value::Null)] {
            assert_eq!(compile(&change(None), Some(&object), app()), refused, "{object}");
        }
        let own = selector(json!({"app": "web", "tier": "front"}));
        assert_eq!(compile(&change(None), Some(&own), app()), Ok(ObjectWrite::Delete));
    }
}
