//! A workload as it is in the sandbox's storage, read without any of our code.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_sandbox::{Sandbox, object, resources};

use crate::cluster::NAMESPACE;

const HELD: i64 = 2_147_483_646;
const BORROWED: &str = "sternway.io/borrowed";
/// The label by which a pod belongs to a workload of this world.
pub(crate) const NAME_LABEL: &str = "app.kubernetes.io/name";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) deployment: Arc<Value>,
    /// ReplicaSets: name, wanted, whether of the present template.
    pub(crate) sets: Vec<(String, i64, bool)>,
    /// Ready pods: the name of their set.
    ready: Vec<String>,
    budget: i64,
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready =
        conditions.filter(|condition| condition["type"] == "Ready").any(|condition| condition["status"] == "True");
    ready && !is_deleting(pod)
}

pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

fn owner(value: &Value) -> &str {
    object::controller_of(value).map(|owner| object::text(owner, "/name")).unwrap_or_default()
}

/// A template without what the controller and serialisers add.
fn plain(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
    }
    template
}

fn amount(value: &Value, of: i64, up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            if up { (percent * of + 99) / 100 } else { percent * of / 100 }
        }
        value => value.as_i64().unwrap_or(0),
    }
}

/// Pods of `replicas` that a strategy allows to be missing.
pub(crate) fn unavailable(strategy: &Value, replicas: i64) -> i64 {
    if strategy["type"] == "Recreate" {
        return replicas;
    }
    let bounds = &strategy["rollingUpdate"];
    let unavailable = amount(&bounds["maxUnavailable"], replicas, false);
    if unavailable == 0 && amount(&bounds["maxSurge"], replicas, true) == 0 { 1 } else { unavailable.min(replicas) }
}

impl Live {
    pub(crate) fn read(sandbox: &Sandbox, name: &str) -> Option<Self> {
        let storage = sandbox.storage();
        let deployment = Arc::clone(storage.get(resources::DEPLOYMENTS, NAMESPACE, name)?);
        let template = plain(&deployment["spec"]["template"]);
        let sets = storage.list(resources::REPLICASETS, Some(NAMESPACE)).filter(|set| {
            object::controller_of(set).is_some_and(|owner| owner["uid"] == deployment["metadata"]["uid"])
        });
        let sets: Vec<_> = sets
            .map(|set| {
                let wanted = object::integer(set, "/spec/replicas").unwrap_or(0);
                (object::name(set).to_owned(), wanted, plain(&set["spec"]["template"]) == template)
            })
            .collect();
        let is_ours = |pod: &&Arc<Value>| sets.iter().any(|(set, ..)| set == owner(pod));
        let pods = storage.list(resources::PODS, Some(NAMESPACE)).filter(is_ours);
        let ready = pods.filter(|pod| is_ready(pod)).map(|pod| owner(pod).to_owned()).collect();
        let budgets = storage.list(resources::PODDISRUPTIONBUDGETS, Some(NAMESPACE));
        let budgets = budgets.filter(|budget| budget["spec"]["selector"]["matchLabels"][NAME_LABEL] == name);
        let budget = budgets.map(|budget| budget["spec"]["minAvailable"].as_i64().unwrap_or(0)).max().unwrap_or(0);
        Some(Self { deployment, sets, ready, budget })
    }

    pub(crate) fn is_deleting(&self) -> bool {
        is_deleting(&self.deployment)
    }

    /// Our annotation says that fields are borrowed.
    pub(crate) fn is_held(&self) -> bool {
        object::annotation(&self.deployment, BORROWED).is_some()
    }

    /// New pods never become available by themselves.
    pub(crate) fn holds(&self) -> bool {
        object::integer(&self.deployment, "/spec/minReadySeconds") == Some(HELD)
    }

    pub(crate) fn replicas(&self) -> i64 {
        object::integer(&self.deployment, "/spec/replicas").unwrap_or(1)
    }

    pub(crate) fn is_observed(&self) -> bool {
        object::integer(&self.deployment, "/status/observedGeneration").unwrap_or(0)
            >= object::generation(&self.deployment)
    }

    pub(crate) fn ready(&self) -> i64 {
        self.ready.len() as i64
    }

    pub(crate) fn ready_of_target(&self) -> i64 {
        let target = |name: &&String| self.sets.iter().any(|(set, _, target)| *target && set == *name);
        self.ready.iter().filter(target).count() as i64
    }

    /// Some pod of it.
    pub(crate) fn first_pod(&self, sandbox: &Sandbox) -> Option<String> {
        let pods = sandbox.storage().list(resources::PODS, Some(NAMESPACE));
        let mut ours = pods.filter(|pod| self.sets.iter().any(|(set, ..)| set == owner(pod)));
        ours.next().map(|pod| object::name(pod).to_owned())
    }

    /// Pods that sets of other templates are told to keep.
    pub(crate) fn others_wanted(&self) -> i64 {
        self.sets.iter().filter(|(.., target)| !target).map(|(_, wanted, _)| wanted).sum()
    }

    /// The strategy of the application itself, whoever has borrowed it.
    fn own_strategy(&self) -> Value {
        let borrowed = object::annotation(&self.deployment, BORROWED);
        let borrowed = borrowed.and_then(|text| serde_json::from_str::<Value>(text).ok());
        borrowed.map_or_else(|| self.deployment["spec"]["strategy"].clone(), |mut borrowed| borrowed["strategy"].take())
    }

    /// Ready pods that must be left.
    pub(crate) fn floor(&self) -> i64 {
        self.native_floor().max(self.budget).min(self.replicas())
    }

    /// Ready pods that the application's own strategy leaves.
    pub(crate) fn native_floor(&self) -> i64 {
        let replicas = self.replicas();
        replicas - unavailable(&self.own_strategy(), replicas)
    }

    /// The fields that a release borrows or changes.
    pub(crate) fn fields(&self) -> Value {
        let spec = &self.deployment["spec"];
        json!({
            "template": plain(&spec["template"]),
            "strategy": spec["strategy"],
            "minReadySeconds": spec["minReadySeconds"],
            "progressDeadlineSeconds": spec["progressDeadlineSeconds"],
        })
    }

    /// Our annotations.
    pub(crate) fn marks(&self) -> Vec<&str> {
        let annotations = object::annotations(&self.deployment).into_iter().flatten();
        annotations.map(|(key, _)| key.as_str()).filter(|key| key.starts_with("sternway.io/")).collect()
    }
}
