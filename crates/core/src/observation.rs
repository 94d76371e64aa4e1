//! What a cluster shows of one workload at one moment: the only thing that decisions look at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AppId, Fence};
use crate::template::TemplateDigest;
use crate::version::Snapshot;

/// One look at a workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// There is no such workload, or it is being deleted and its pods may still run.
    Gone {
        /// Pods that are still there.
        pods: Vec<Pod>,
    },
    /// The workload as it is.
    Present(Box<Workload>),
}

/// Which of the objects that have had a name, one after the other, is meant.
///
/// A Deployment that is deleted and made anew has the name of the one before, and its generations begin anew. Its uid tells that it is
/// another one; its revision tells which of the two came later, for watches may still show the one before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Identity {
    /// `metadata.uid`.
    uid: Uuid,
    /// A `metadata.resourceVersion` that it had.
    seen_at: u64,
}

impl Identity {
    /// `None` if the texts are not as Kubernetes makes them (a UUID and a number): then nothing can be told apart.
    pub fn of(uid: &str, resource_version: &str) -> Option<Self> {
        Some(Self { uid: Uuid::parse_str(uid).ok()?, seen_at: resource_version.parse().ok()? })
    }
}

/// The same object at any two revisions.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.uid == other.uid
    }
}

impl Eq for Identity {}

/// How an object that is seen relates to the one that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// It is the one, as far as can be told.
    Same,
    /// It is the one before: what is seen is old.
    Before,
    /// It is another one, made after the one that is meant was deleted.
    Replaced,
}

/// A Deployment with its ReplicaSets and pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: u64,
    /// `status.observedGeneration`.
    pub observed_generation: u64,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// `spec.paused`.
    pub paused: bool,
    /// `spec.replicas`.
    pub replicas: u32,
    /// The spec as it is now, borrowed fields and all.
    pub spec: Snapshot,
    /// The digest of the template in `spec`.
    pub digest: TemplateDigest,
    /// `status.updatedReplicas`.
    pub updated_replicas: u32,
    /// `status.availableReplicas`.
    pub available_replicas: u32,
    /// `status.replicas`.
    pub status_replicas: u32,
    /// Our own annotations.
    pub marks: Marks,
    /// Why the cluster refuses to make its pods, in the cluster's words (a quota, an admission webhook): `ReplicaFailure`.
    pub pods_refused: Option<String>,
    /// All ReplicaSets it owns.
    pub sets: Vec<PodSet>,
    /// All pods its ReplicaSets own.
    pub pods: Vec<Pod>,
    /// The most that any PodDisruptionBudget selecting its pods demands to be healthy (`status.desiredHealthy`, or computed from the
    /// spec for the present `replicas`).
    pub disruption_floor: Option<u32>,
}

/// Sternway's annotations on a workload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The application that manages it.
    pub application: Option<String>,
    /// The order that holds it.
    pub order: Option<String>,
    /// The highest fence that ever wrote to it.
    pub fence: Option<Fence>,
    /// Whether the annotation that says what was borrowed is there.
    pub borrowed: bool,
}

/// A ReplicaSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSet {
    /// Its name.
    pub name: String,
    /// The digest of its template, without the controller's label.
    pub digest: TemplateDigest,
    /// `spec.replicas`.
    pub wanted: u32,
    /// `metadata.annotations["deployment.kubernetes.io/revision"]`; 0 if absent.
    pub revision: u64,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its address, once it has one.
    pub ip: Option<String>,
    /// The node it is on, once it is on one.
    pub node: Option<String>,
    /// The name of the ReplicaSet that owns it.
    pub set: Option<String>,
    /// `status.phase`, or `Terminating`.
    pub phase: String,
    /// Its Ready condition is true and it is not being deleted.
    pub ready: bool,
    /// When the Ready condition last became true.
    pub ready_since: Option<Timestamp>,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// Restarts of all containers.
    pub restarts: u32,
    /// What keeps it from running, in the kubelet's or the scheduler's words.
    pub problem: Option<Problem>,
    /// `metadata.creationTimestamp`.
    pub created_at: Timestamp,
}

/// Why a pod does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The class of the problem, on which decisions rest.
    pub kind: ProblemKind,
    /// The container it is about; empty if it is about the whole pod.
    pub container: String,
    /// The reason as Kubernetes names it: `CrashLoopBackOff`, `ImagePullBackOff`, `Unschedulable`, ...
    pub reason: String,
    /// The message that goes with it.
    pub message: String,
    /// The last lines that the container wrote, oldest first, where there are any.
    pub last_log: Option<String>,
}

/// Classes of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProblemKind {
    /// The container ends again and again.
    CrashLoop,
    /// The image cannot be had.
    ImagePull,
    /// The container cannot be made (missing ConfigMap, bad command, ...).
    Container,
    /// No node takes the pod.
    Unschedulable,
    /// The pod itself has failed (evicted, node lost, admission by the kubelet).
    PodFailed,
}

impl Workload {
    /// Which object it is.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of(&self.uid, &self.resource_version)
    }

    /// Whether it is the object that is meant.
    pub fn sameness(&self, meant: Option<Identity>) -> Sameness {
        match (self.identity(), meant) {
            (Some(seen), Some(meant)) if seen != meant && seen.seen_at > meant.seen_at => Sameness::Replaced,
            (Some(seen), Some(meant)) if seen != meant => Sameness::Before,
            _ => Sameness::Same,
        }
    }

    /// Whether it carries the mark of this application, which made it or has written to it.
    pub fn is_marked_for(&self, app: AppId) -> bool {
        self.marks.application == Some(app.to_string())
    }

    /// The set of the present template, if it was made already.
    pub fn new_set(&self) -> Option<&PodSet> {
        self.sets.iter().filter(|set| set.digest == self.digest).min_by_key(|set| &set.name)
    }

    /// Pods that the sets of other templates are told to keep.
    pub fn old_wanted(&self) -> u32 {
        let new = self.new_set().map(|set| &set.name);
        self.sets.iter().filter(|set| Some(&set.name) != new).map(|set| set.wanted).sum()
    }

    /// Pods that the set of the present template is told to keep.
    pub fn new_wanted(&self) -> u32 {
        self.new_set().map_or(0, |set| set.wanted)
    }

    /// Pods of the present template.
    pub fn new_pods(&self) -> impl Iterator<Item = &Pod> {
        let new = self.new_set().map(|set| set.name.as_str());
        self.pods.iter().filter(move |pod| new.is_some() && pod.set.as_deref() == new)
    }

    /// Pods of other templates.
    pub fn old_pods(&self) -> impl Iterator<Item = &Pod> {
        let new = self.new_set().map(|set| set.name.as_str());
        self.pods.iter().filter(move |pod| new.is_none() || pod.set.as_deref() != new)
    }

    /// Ready pods of other templates.
    pub fn old_ready(&self) -> u32 {
        self.old_pods().filter(|pod| pod.ready).count() as u32
    }

    /// Ready pods of the present template.
    pub fn new_ready(&self) -> u32 {
        self.new_pods().filter(|pod| pod.ready).count() as u32
    }

    /// Ready pods of a set.
    pub fn ready_of(&self, set: &PodSet) -> u32 {
        self.pods.iter().filter(|pod| pod.ready && pod.set.as_ref() == Some(&set.name)).count() as u32
    }

    /// The Deployment controller has seen the present spec.
    pub fn is_current(&self) -> bool {
        self.observed_generation >= self.generation
    }

    /// All wanted pods are of the present template and available, and no others are left.
    pub fn is_complete(&self) -> bool {
        self.is_current()
            && self.old_wanted() == 0
            && self.updated_replicas == self.replicas
            && self.status_replicas == self.replicas
            && self.available_replicas == self.replicas
    }

    /// The spec carries the hold: new pods never become available by themselves.
    pub fn is_held(&self) -> bool {
        self.spec.min_ready_seconds == crate::effect::HOLD_MIN_READY_SECONDS
    }
}
