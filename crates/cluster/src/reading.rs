//! A workload read now, past the watches: before every write, and for whoever must not see the past.

use std::collections::BTreeMap;

use serde_json::Value;
use sternway_core::effect::Fresh;
use sternway_core::observation::Observation;
use sternway_core::ports::NativeObjects;

use crate::api::{self, Api, collection};
use crate::failure::RequestError;
use crate::index::{Index, Name};
use crate::kind::Kind;
use crate::reduce::selector::Selector;

/// What a fresh read brought.
pub(crate) struct Reading {
    name: Name,
    object: Option<Value>,
    sets: Vec<Value>,
    pods: Vec<Value>,
    index: Index,
}

/// Reads the Deployment, then all that goes with it. The write that follows is guarded by the Deployment's resourceVersion; the rest may
/// be newer than the Deployment, never older.
pub(crate) async fn read(api: &Api, name: &Name) -> Result<Reading, RequestError> {
    let namespace = name.namespace.as_str();
    let object = api.find(&api::object(Kind::Deployment, namespace, &name.name)).await?;
    // Where the Deployment is gone nothing says any more which labels its pods have: look through the namespace.
    let query = object
        .as_ref()
        .and_then(|object| Selector::from_json(&object["spec"]["selector"]))
        .map(|selector| format!("?labelSelector={}", api::encoded(&selector.to_query())))
        .unwrap_or_default();
    let selected = |kind| format!("{}{query}", collection(kind, namespace));
    let (set_path, pod_path) = (selected(Kind::ReplicaSet), selected(Kind::Pod));
    let budget_path = collection(Kind::Budget, namespace);
    let (sets, pods, budgets) = futures::try_join!(api.list(&set_path), api.list(&pod_path), api.list(&budget_path))?;
    let mut index = Index::default();
    let all = [
        (Kind::Deployment, object.as_slice()),
        (Kind::ReplicaSet, sets.as_slice()),
        (Kind::Pod, pods.as_slice()),
        (Kind::Budget, budgets.as_slice()),
    ];
    for (kind, objects) in all {
        for object in objects {
            index.apply(kind, object);
        }
    }
    Ok(Reading { name: name.clone(), object, sets, pods, index })
}

impl Reading {
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// What an effect is compiled on; `None` if the Deployment is not there.
    pub(crate) fn fresh(&self) -> Option<Fresh> {
        let object = self.object.clone()?;
        match self.index.observe(&self.name, |_| None) {
            Observation::Present(workload) => Some(Fresh { object, workload: *workload }),
            Observation::Gone { .. } => None,
        }
    }

    /// The Deployment, its ReplicaSets and its pods, as the API gave them.
    pub(crate) fn into_native(self) -> NativeObjects {
        let (sets, members) = match self.index.observe(&self.name, |_| None) {
            Observation::Present(workload) => (workload.sets, workload.pods),
            Observation::Gone { pods } => (Vec::new(), pods),
        };
        let is_set = |object: &Value| sets.iter().any(|set| object["metadata"]["name"] == set.name.as_str());
        let is_member = |pod: &Value| members.iter().any(|member| pod["metadata"]["name"] == member.name.as_str());
        NativeObjects {
            deployment: self.object,
            replica_sets: self.sets.into_iter().filter(is_set).collect(),
            pods: self.pods.into_iter().filter(is_member).collect(),
            node_labels: BTreeMap::new(),
        }
    }
}
