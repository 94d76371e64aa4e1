//! What stands around a workload: quotas, autoscalers, rights. Read when a release is about to begin, and never watched.
//!
//! Quotas and autoscalers are of interest, not of need: credentials that may not read them get none.

use http::StatusCode;
use serde_json::Value;
use sternway_core::ports::ClusterError;
use sternway_core::precheck::{Autoscaler, Quota, Surroundings};

use crate::api::{Api, encoded};
use crate::index::Name;
use crate::nodes::quantity;
use crate::reduce::{count, text};
use crate::rights;

/// Reads them for a workload whose Deployment is `deployment`.
pub(crate) async fn read(api: &Api, name: &Name, deployment: &Value) -> Result<Surroundings, ClusterError> {
    let namespace = encoded(&name.namespace);
    let quotas = format!("/api/v1/namespaces/{namespace}/resourcequotas");
    let scalers = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers");
    let (quotas, scalers, missing_rights) = futures::try_join!(
        readable(api, &quotas),
        readable(api, &scalers),
        rights::missing_for_release(api, &name.namespace)
    )?;
    let pod = &deployment["spec"]["template"]["spec"];
    Ok(Surroundings {
        quotas: quotas.iter().filter_map(|object| quota(object, pod)).collect(),
        autoscalers: scalers.iter().filter_map(|object| autoscaler(object, &name.name)).collect(),
        missing_rights,
    })
}

/// A list, empty where we may not read it or the cluster does not serve it.
async fn readable(api: &Api, path: &str) -> Result<Vec<Value>, ClusterError> {
    match api.list(path).await {
        Err(error) if error.is_status(StatusCode::FORBIDDEN) || error.is_status(StatusCode::NOT_FOUND) => {
            Ok(Vec::new())
        }
        answer => Ok(answer?),
    }
}

/// The resource of a quota that runs out first for pods like this one; `None` if the quota limits nothing that they use. Quotas with scopes
/// are passed over: which pods they count depends on more than the template.
fn quota(object: &Value, pod: &Value) -> Option<Quota> {
    if object["spec"]["scopes"].is_array() || object["spec"]["scopeSelector"].is_object() {
        return None;
    }
    let hard = object["status"]["hard"].as_object()?;
    let rooms = hard.iter().filter_map(|(resource, hard)| {
        let demand = demand(resource, pod).filter(|demand| *demand > 0.0)?;
        let used = object["status"]["used"][resource].as_str().and_then(quantity).unwrap_or(0.0);
        let left = quantity(hard.as_str()?)? - used;
        // A small tolerance: quantities are added up in floating point.
        let room = (left / demand + 1e-9).floor().clamp(0.0, f64::from(u32::MAX));
        Some((room as u32, resource))
    });
    let (room, resource) = rooms.min()?;
    Some(Quota { name: text(&object["metadata"]["name"]), resource: resource.clone(), room })
}

/// What one pod takes of a resource as quotas name it.
fn demand(resource: &str, pod: &Value) -> Option<f64> {
    let (side, resource) = match resource {
        "pods" | "count/pods" => return Some(1.0),
        "cpu" | "memory" | "ephemeral-storage" => ("requests", resource),
        _ => resource.split_once('.')?,
    };
    let containers = pod["containers"].as_array()?;
    let of = |container: &Value| {
        let given = &container["resources"][side][resource];
        // Where only limits are given they are the requests too.
        let given =
            if given.is_null() && side == "requests" { &container["resources"]["limits"][resource] } else { given };
        given.as_str().and_then(quantity).unwrap_or(0.0)
    };
    Some(containers.iter().map(of).sum())
}

fn autoscaler(object: &Value, deployment: &str) -> Option<Autoscaler> {
    let target = &object["spec"]["scaleTargetRef"];
    (target["kind"] == "Deployment" && target["name"] == deployment).then(|| Autoscaler {
        name: text(&object["metadata"]["name"]),
        min: count(&object["spec"]["minReplicas"]).unwrap_or(1),
        max: count(&object["spec"]["maxReplicas"]).unwrap_or(1),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"containers": [
            {"resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi"}}},
            {"resources": {"requests": {"cpu": "250m"}}},
        ]})
    }

    fn quota_of(hard: Value, used: Value) -> Value {
        json!({"metadata": {"name": "team"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
    }

    #[test]
    fn the_resource_that_runs_out_first_counts() {
        let object = quota_of(
            json!({"pods": "10", "requests.cpu": "2", "limits.memory": "8Gi", "services": "1"}),
            json!({"pods": "4", "requests.cpu": "500m", "limits.memory": "2Gi", "services": "1"}),
        );
        let expected = Quota { name: "team".to_owned(), resource: "requests.cpu".to_owned(), room: 3 };
        assert_eq!(quota(&object, &pod()), Some(expected));
    }

    #[test]
    fn limits_stand_in_for_requests() {
        let object = quota_of(json!({"requests.memory": "3Gi"}), json!({"requests.memory": "1Gi"}));
        assert_eq!(quota(&object, &pod()).map(|quota| quota.room), Some(2));
    }

    #[test]
    fn what_the_pods_do_not_use_limits_nothing() {
        assert_eq!(quota(&quota_of(json!({"services": "1"}), json!({})), &pod()), None);
        let mut scoped = quota_of(json!({"pods": "0"}), json!({}));
        scoped["spec"]["scopes"] = json!(["BestEffort"]);
        assert_eq!(quota(&scoped, &pod()), None);
    }

    #[test]
    fn only_its_own_autoscaler_counts() {
        let object = json!({
            "metadata": {"name": "web"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 9},
        });
        assert_eq!(autoscaler(&object, "web"), Some(Autoscaler { name: "web".to_owned(), min: 1, max: 9 }));
        assert_eq!(autoscaler(&object, "other"), None);
    }
}
