//! The mapping without a connection, driven by hand: for simulations, which bring a cluster's objects themselves.
//!
//! What a [`Mirror`] shows and when it wakes is decided by the same view, index and signals that serve the watches of a connection;
//! what [`observed`], [`fresh`], [`performed`] and [`failure`] say is what a read and a write through a connection would say.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::Fresh;
use sternway_core::observation::Observation;
use sternway_core::ports::{ClusterError, Performed};
use sternway_core::version::Snapshot;

use crate::failure::{self, Answer};
use crate::index::{Index, Name};
pub use crate::kind::Kind;
use crate::reduce::deployments;
use crate::signals::Signals;
use crate::view::View;

/// What four watches have seen of one cluster.
#[derive(Debug)]
pub struct Mirror {
    view: View,
    signals: Arc<Signals>,
}

impl Default for Mirror {
    fn default() -> Self {
        let signals = Arc::<Signals>::default();
        Self { view: View::new(Arc::clone(&signals)), signals }
    }
}

impl Mirror {
    /// A whole list came.
    pub fn list<'a>(&self, kind: Kind, objects: impl Iterator<Item = &'a Value>) {
        self.view.begin(kind);
        objects.for_each(|object| self.view.change(kind, object));
        self.view.finish(kind);
    }

    /// An object was added or changed.
    pub fn change(&self, kind: Kind, object: &Value) {
        self.view.change(kind, object);
    }

    /// An object was deleted.
    pub fn delete(&self, kind: Kind, object: &Value) {
        self.view.delete(kind, object);
    }

    /// A watch sees nothing any more, until the next list.
    pub fn fail(&self, kind: Kind, message: &str) {
        self.view.fail(kind, failure::unreachable(message.to_owned()));
    }

    /// See [`sternway_core::ports::Clusters::observe`].
    ///
    /// # Errors
    /// As there.
    pub fn observe(&self, workload: &WorkloadRef) -> Result<Observation, ClusterError> {
        self.view.observe(&Name::of(workload), |_| None)
    }

    /// See [`sternway_core::ports::Clusters::changed`].
    pub async fn changed(&self, workload: &WorkloadRef) {
        self.signals.changed(&Name::of(workload)).await;
    }
}

/// What a read past the watches brings, from all the objects that it found.
pub fn observed<'a>(workload: &WorkloadRef, objects: impl Iterator<Item = (Kind, &'a Value)>) -> Observation {
    let mut index = Index::default();
    for (kind, object) in objects {
        index.apply(kind, object);
    }
    index.observe(&Name::of(workload), |_| None)
}

/// What an effect is compiled on; `None` if the Deployment is not there.
pub fn fresh(deployment: Option<&Value>, observation: Observation) -> Option<Fresh> {
    match observation {
        Observation::Present(workload) => Some(Fresh { object: deployment?.clone(), workload: *workload }),
        Observation::Gone { .. } => None,
    }
}

/// What is there after a write that was answered with this object.
pub fn performed(object: &Value) -> Performed {
    Performed {
        object: deployments::identity(object),
        generation: deployments::generation(object),
        replicas: deployments::replicas(object),
        stored: Some(Snapshot::of_object(object)),
    }
}

/// What an answer with an error status means.
pub fn failure(status: u16, body: &[u8]) -> ClusterError {
    match StatusCode::from_u16(status) {
        Ok(status) => Answer::read(status, &HeaderMap::new(), body).into(),
        Err(_) => failure::unreachable(format!("status {status}")),
    }
}
