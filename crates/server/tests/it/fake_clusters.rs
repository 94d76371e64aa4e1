//! Clusters that are what a test says they are. Nothing runs on them: no test here lets the engine run.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::ClusterId;
use sternway_core::observation::{Observation, Workload};
use sternway_core::ports::{ClusterAccess, ClusterError, ClusterInfo, Clusters, NativeObjects, Performed, WriteGuard};
use tokio::sync::watch;

/// How all clusters behave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Away,
    Forbidding,
    /// Calls return when the mood changes.
    Hanging,
    /// A fault in the adapter.
    Panicking,
}

#[derive(Debug, Default)]
pub(crate) struct FakeClusters {
    state: Mutex<State>,
    mood: watch::Sender<Mood>,
    hung: watch::Sender<u32>,
}

#[derive(Debug, Default)]
struct State {
    workloads: HashMap<WorkloadRef, Workload>,
    connected: Vec<ClusterId>,
}

impl FakeClusters {
    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Returns when a call hangs.
    pub(crate) async fn hanging(&self) {
        self.hung.subscribe().wait_for(|hung| *hung > 0).await.unwrap();
    }

    pub(crate) fn put(&self, at: WorkloadRef, workload: Workload) {
        self.state.lock().unwrap().workloads.insert(at, workload);
    }

    /// Changes a workload as somebody would.
    pub(crate) fn change(&self, at: &WorkloadRef, change: impl FnOnce(&mut Workload)) {
        change(self.state.lock().unwrap().workloads.get_mut(at).unwrap());
    }

    /// Takes a workload away as somebody would.
    pub(crate) fn remove(&self, at: &WorkloadRef) {
        self.state.lock().unwrap().workloads.remove(at).unwrap();
    }

    /// A workload as it was put.
    pub(crate) fn workload(&self, at: &WorkloadRef) -> Workload {
        self.state.lock().unwrap().workloads[at].clone()
    }

    pub(crate) fn connected(&self) -> Vec<ClusterId> {
        self.state.lock().unwrap().connected.clone()
    }

    async fn mood(&self) -> Result<(), ClusterError> {
        let mut mood = self.mood.subscribe();
        if *mood.borrow() == Mood::Hanging {
            self.hung.send_modify(|hung| *hung += 1);
        }
        let mood = *mood.wait_for(|mood| *mood != Mood::Hanging).await.unwrap();
        match mood {
            Mood::Well | Mood::Hanging => Ok(()),
            Mood::Panicking => panic!("a fault in the adapter"),
            Mood::Away => {
                Err(ClusterError::Unreachable { message: "connection refused".to_owned(), retry_after_seconds: None })
            }
            Mood::Forbidding => Err(ClusterError::Forbidden("sternway may not patch deployments".to_owned())),
        }
    }

    fn look(&self, workload: &WorkloadRef) -> Observation {
        match self.state.lock().unwrap().workloads.get(workload) {
            Some(workload) => Observation::Present(Box::new(workload.clone())),
            None => Observation::Gone { pods: Vec::new() },
        }
    }
}

#[async_trait]
impl Clusters for FakeClusters {
    async fn connect(&self, id: ClusterId, _: &ClusterAccess) -> Result<ClusterInfo, ClusterError> {
        self.mood().await?;
        self.state.lock().unwrap().connected.push(id);
        self.info(id).await
    }

    async fn connect_later(&self, _: ClusterId, _: &ClusterAccess) {}

    async fn disconnect(&self, id: ClusterId) {
        self.state.lock().unwrap().connected.retain(|other| *other != id);
    }

    async fn info(&self, _: ClusterId) -> Result<ClusterInfo, ClusterError> {
        self.mood().await?;
        Ok(ClusterInfo {
            version: "v1.36.0".to_owned(),
            nodes_ready: 3,
            nodes: 3,
            cpu_millis: 24_000,
            memory_mib: 98_304,
        })
    }

    async fn namespaces(&self, _: ClusterId) -> Result<Vec<String>, ClusterError> {
        self.mood().await?;
        Ok(vec!["default".to_owned(), "shop".to_owned()])
    }

    async fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.mood().await?;
        Ok(self.look(workload))
    }

    async fn changed(&self, _: &WorkloadRef) {
        std::future::pending().await
    }

    async fn read(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.observe(workload).await
    }

    async fn native(&self, workload: &WorkloadRef, with_nodes: bool) -> Result<NativeObjects, ClusterError> {
        self.mood().await?;
        let Observation::Present(found) = self.look(workload) else {
            return Ok(NativeObjects::default());
        };
        let pods = found
            .pods
            .iter()
            .map(|pod| json!({"kind": "Pod", "metadata": {"name": pod.name}, "spec": {"nodeName": pod.node}}));
        let labels = [("zone".to_owned(), "a".to_owned())].into();
        let nodes = found.pods.iter().filter_map(|pod| pod.node.clone());
        Ok(NativeObjects {
            deployment: Some(json!({"kind": "Deployment", "metadata": {"name": workload.name}})),
            replica_sets: Vec::new(),
            pods: pods.collect(),
            node_labels: nodes
                .filter(|_| with_nodes)
                .map(|node| (node, std::collections::BTreeMap::clone(&labels)))
                .collect(),
        })
    }

    async fn perform(
        &self,
        _: &WorkloadRef,
        _: &Effect,
        _: Writer,
        _: &dyn WriteGuard,
    ) -> Result<Performed, ClusterError> {
        Err(ClusterError::NotOurs)
    }
}
