//! A cluster whose controllers are as fast as thought: a write is answered when every pod that it asks for is there and ready.
//!
//! What is left is Sternway's own work: decisions, commits, leases, wake-ups. The writes are compiled by core, on the present object.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Fresh, Write, Writer, apply_merge, compile, marks};
use sternway_core::ids::ClusterId;
use sternway_core::observation::{Observation, Pod, PodSet, Workload};
use sternway_core::ports::{
    ClusterAccess, ClusterError, ClusterInfo, Clusters, NativeObjects, ObjectKind, ObjectRef, Objects, Performed,
    WriteGuard,
};
use sternway_core::version::Snapshot;
use tokio::sync::Notify;
use uuid::Uuid;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct VirtualClusters {
    workloads: Mutex<HashMap<String, Virtual>>,
}

#[derive(Debug, Clone)]
struct Virtual {
    object: Value,
    revision: u64,
    sets: Vec<PodSet>,
    changed: Arc<Notify>,
}

pub(crate) fn deployment(name: &str, image: &str, replicas: u32) -> Value {
    json!({
        "metadata": {"name": name, "uid": Uuid::new_v4().to_string(), "generation": 1},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "progressDeadlineSeconds": 600,
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": image}]},
            },
        },
    })
}

impl Virtual {
    fn new(object: Value) -> Self {
        let mut new = Self { object, revision: 1, sets: Vec::new(), changed: Arc::default() };
        new.settle();
        new
    }

    fn replicas(&self) -> u32 {
        self.object["spec"]["replicas"].as_u64().unwrap_or(0) as u32
    }

    /// What the native controllers come to: under a hold the fixed point of its budgets, else all pods of the present template.
    fn settle(&mut self) {
        let spec = Snapshot::of_object(&self.object);
        let (digest, replicas) = (spec.template.digest(), self.replicas());
        if !self.sets.iter().any(|set| set.digest == digest) {
            let name = format!("{}-{}", self.object["metadata"]["name"].as_str().unwrap_or_default(), self.revision);
            self.sets.push(PodSet { name, digest: digest.clone(), wanted: 0, revision: self.revision });
        }
        let new_so_far = self.sets.iter().find(|set| set.digest == digest).map_or(0, |set| set.wanted);
        let old_so_far: u32 = self.sets.iter().map(|set| set.wanted).sum::<u32>() - new_so_far;
        let is_held = spec.min_ready_seconds == sternway_core::effect::HOLD_MIN_READY_SECONDS;
        let (mut old, new) = match spec.strategy.bounds(replicas) {
            Some(bounds) if is_held => {
                let old = old_so_far.min(replicas.saturating_sub(bounds.unavailable));
                (old, new_so_far.max((replicas + bounds.surge).saturating_sub(old).min(replicas)))
            }
            _ => (0, replicas),
        };
        for set in &mut self.sets {
            if set.digest == digest {
                set.wanted = new;
            } else {
                set.wanted = set.wanted.min(old);
                old -= set.wanted;
            }
        }
        self.sets.retain(|set| set.wanted > 0 || set.digest == digest);
        self.changed.notify_one();
    }

    fn patch(&mut self, patch: &Value) {
        let spec = self.object["spec"].clone();
        apply_merge(&mut self.object, patch);
        self.revision += 1;
        if self.object["spec"] != spec {
            let generation = self.object["metadata"]["generation"].as_u64().unwrap_or(0);
            self.object["metadata"]["generation"] = json!(generation + 1);
        }
        self.settle();
    }

    fn workload(&self) -> Workload {
        let spec = Snapshot::of_object(&self.object);
        let digest = spec.template.digest();
        let generation = self.object["metadata"]["generation"].as_u64().unwrap_or(0);
        let new = self.sets.iter().find(|set| set.digest == digest).map_or(0, |set| set.wanted);
        let all = self.sets.iter().map(|set| set.wanted).sum();
        let pods = self.sets.iter().flat_map(|set| (0..set.wanted).map(|number| pod(&set.name, number)));
        Workload {
            uid: self.object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
            resource_version: self.revision.to_string(),
            generation,
            observed_generation: generation,
            deleting: false,
            paused: false,
            replicas: self.replicas(),
            updated_replicas: new,
            available_replicas: all,
            status_replicas: all,
            marks: marks::read(&self.object),
            pods_refused: None,
            sets: self.sets.clone(),
            pods: pods.collect(),
            disruption_floor: None,
            spec,
            digest,
        }
    }

    fn performed(&self) -> Performed {
        let workload = self.workload();
        Performed {
            object: workload.identity(),
            generation: workload.generation,
            replicas: workload.replicas,
            stored: Some(workload.spec),
        }
    }
}

fn pod(set: &str, number: u32) -> Pod {
    Pod {
        name: format!("{set}-{number}"),
        ip: Some("10.0.0.1".to_owned()),
        node: Some("node-1".to_owned()),
        set: Some(set.to_owned()),
        phase: "Running".to_owned(),
        ready: true,
        ready_since: Some(Timestamp::UNIX_EPOCH),
        deleting: false,
        restarts: 0,
        problem: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

impl VirtualClusters {
    pub(crate) fn put(&self, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.lock().insert(name, Virtual::new(object));
    }

    pub(crate) fn image(&self, name: &str) -> String {
        let workload = self.find(&name.to_owned()).expect("it is there");
        workload.object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
    }

    fn find(&self, name: &String) -> Option<Virtual> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Virtual>> {
        self.workloads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, workload: &WorkloadRef) -> Observation {
        match self.find(&workload.name) {
            Some(found) => Observation::Present(Box::new(found.workload())),
            None => Observation::Gone { pods: Vec::new() },
        }
    }
}

#[async_trait]
impl Clusters for VirtualClusters {
    async fn perform(
        &self,
        workload: &WorkloadRef,
        effect: &Effect,
        writer: Writer,
        guard: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        let fresh = self.find(&workload.name).map(|it| Fresh { object: it.object.clone(), workload: it.workload() });
        let read = fresh.as_ref().map(|fresh| fresh.workload.resource_version.clone());
        let write = compile(effect, workload, fresh.as_ref(), writer)?;
        if write != Write::Nothing && !guard.still_ours().await {
            return Err(ClusterError::NotOurs);
        }
        let mut workloads = self.lock();
        let present = workloads.get_mut(&workload.name).ok_or(ClusterError::Conflict)?;
        if read != Some(present.revision.to_string()) {
            return Err(ClusterError::Conflict);
        }
        match write {
            Write::Nothing => {}
            Write::Patch(mut patch) => {
                // The precondition was looked at; the object does not keep it.
                if let Some(metadata) = patch["metadata"].as_object_mut() {
                    metadata.remove("resourceVersion");
                }
                present.patch(&patch);
            }
            Write::Create(_) | Write::Delete { .. } | Write::Object(_) | Write::Route(_) => {
                panic!("no order here creates or deletes")
            }
        }
        Ok(present.performed())
    }

    async fn changed(&self, workload: &WorkloadRef) {
        let changed = self.find(&workload.name).map(|it| it.changed);
        match changed {
            Some(changed) => changed.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        Ok(self.look(workload))
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        Ok(self.look(workload))
    }

    async fn native(&self, workload: &WorkloadRef, _: bool) -> Result<NativeObjects, ClusterError> {
        let deployment = self.find(&workload.name).map(|it| it.object);
        Ok(NativeObjects { deployment, ..NativeObjects::default() })
    }

    async fn connect(&self, _: ClusterId, _: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        Ok(ClusterInfo::default())
    }

    async fn connect_later(&self, _: ClusterId, _: &ClusterAccess) {}

    async fn disconnect(&self, _: ClusterId) {}

    async fn info(&self, _: ClusterId) -> Result<ClusterInfo, ClusterError> {
        Ok(ClusterInfo::default())
    }

    async fn namespaces(&self, _: ClusterId) -> Result<Vec<String>, ClusterError> {
        Ok(Vec::new())
    }
}

/// Nobody asks for other objects here.
#[async_trait]
impl Objects for VirtualClusters {
    async fn kind(&self, _: ClusterId, _: &str, _: &str) -> Result<Option<ObjectKind>, ClusterError> {
        Ok(None)
    }

    async fn get(&self, _: ClusterId, _: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        Ok(None)
    }

    async fn list(&self, _: ClusterId, _: &ObjectKind, _: Option<&str>, _: &str) -> Result<Vec<Value>, ClusterError> {
        Ok(Vec::new())
    }

    async fn create(&self, id: ClusterId, _: &ObjectRef, _: &Value) -> Result<Value, ClusterError> {
        Err(ClusterError::Unknown(id))
    }

    async fn try_create(&self, id: ClusterId, _: &ObjectRef, _: &Value) -> Result<(), ClusterError> {
        Err(ClusterError::Unknown(id))
    }

    async fn replace(&self, id: ClusterId, _: &ObjectRef, _: &Value) -> Result<Value, ClusterError> {
        Err(ClusterError::Unknown(id))
    }

    async fn merge(&self, id: ClusterId, _: &ObjectRef, _: &Value) -> Result<Value, ClusterError> {
        Err(ClusterError::Unknown(id))
    }

    async fn delete(&self, _: ClusterId, _: &ObjectRef) -> Result<bool, ClusterError> {
        Ok(false)
    }
}
