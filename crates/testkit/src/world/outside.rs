//! What others do to the cluster.

use serde_json::{Value, json};
use sternway_sandbox::{object, resources};

use crate::cluster::{NAMESPACE, deployment_path, send};
use crate::judge::{Live, Outside};
use crate::script::{Change, IMAGES};
use crate::universe::State;

const MERGE: &str = "application/merge-patch+json";

pub(crate) fn change(state: &mut State, name: &str, change: &Change) {
    let Some(live) = Live::read(&state.sandbox, name) else { return };
    let path = deployment_path(name);
    let now = state.now;
    let (what, status) = match change {
        Change::Scale(replicas) => {
            (Some(Outside::Scaled), send(state, "PATCH", &path, MERGE, &json!({"spec": {"replicas": replicas}})).0)
        }
        Change::Image(image) => {
            let mut template = live.deployment["spec"]["template"].clone();
            template["spec"]["containers"][0]["image"] = json!(IMAGES[*image]);
            (Some(Outside::Template), send(state, "PATCH", &path, MERGE, &json!({"spec": {"template": template}})).0)
        }
        Change::Undo => match previous_template(state, &live) {
            Some(template) => {
                // As kubectl does it: the whole template replaced.
                let patch = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
                (Some(Outside::Template), send(state, "PATCH", &path, "application/json-patch+json", &patch).0)
            }
            None => return,
        },
        Change::Strategy(surge, unavailable) => {
            let bounds = json!({"maxSurge": surge, "maxUnavailable": unavailable});
            let patch = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": bounds}}});
            (Some(Outside::Strategy), send(state, "PATCH", &path, MERGE, &patch).0)
        }
        Change::Delete => (Some(Outside::Deleted), send(state, "DELETE", &path, "application/json", &Value::Null).0),
        Change::DeletePod => match live.first_pod(&state.sandbox) {
            Some(pod) => {
                let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}");
                (Some(Outside::Pods), send(state, "DELETE", &path, "application/json", &Value::Null).0)
            }
            None => return,
        },
        Change::Budget(pods) => {
            let path = format!("/apis/policy/v1/namespaces/{NAMESPACE}/poddisruptionbudgets");
            let budget = json!({
                "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": format!("{name}-{pods}")},
                "spec": {"minAvailable": pods, "selector": {"matchLabels": {"app.kubernetes.io/name": name}}},
            });
            (Some(Outside::Budget), send(state, "POST", &path, "application/json", &budget).0)
        }
        Change::Label(value) => {
            let patch = json!({"metadata": {"labels": {"team": format!("t{value}")}}});
            (None, send(state, "PATCH", &path, MERGE, &patch).0)
        }
    };
    state.tell(|| format!("  -> {status}"));
    if (200..300).contains(&status) {
        if let Some(what) = what {
            state.judge.outside(name, what, now);
        }
        state.cluster_changed();
    }
}

/// The template of the revision before the present one.
fn previous_template(state: &State, live: &Live) -> Option<Value> {
    let sets = state.sandbox.storage().list(resources::REPLICASETS, Some(NAMESPACE));
    let others = sets.filter(|set| live.sets.iter().any(|(name, _, target)| !target && name == object::name(set)));
    let revision = |set: &&std::sync::Arc<Value>| {
        object::annotation(set, "deployment.kubernetes.io/revision")
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let mut template = others.max_by_key(revision)?["spec"]["template"].clone();
    template["metadata"]["labels"].as_object_mut()?.remove("pod-template-hash");
    Some(template)
}
