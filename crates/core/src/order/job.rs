//! What an order still has to do: the state from which decisions continue.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;
use super::steering::Steering;
use crate::effect::ObjectChange;
use crate::ids::{PartId, VersionNumber};
use crate::plan::Wave;
use crate::template::TemplateDigest;
use crate::version::Snapshot;

/// A version by number, with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedSnapshot {
    /// The number.
    pub number: VersionNumber,
    /// The content.
    pub snapshot: Snapshot,
}

/// The work of an order, by what it does to the workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// Makes the workload.
    Create(Create),
    /// Brings a version to all pods, batch by batch.
    Release(Box<Release>),
    /// Goes back to a version.
    Restore(Box<Restore>),
    /// Sets the number of pods.
    Resize(Resize),
    /// Deletes the workload.
    Delete(Delete),
    /// Sets or removes an object beside the workload.
    Attach(Box<Attach>),
}

/// See [`Job::Create`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Create {
    /// The Deployment.
    pub manifest: Value,
    /// The version it runs.
    pub version: VersionNumber,
    /// Pods wanted.
    pub replicas: u32,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
    /// Objects to be made before it, in their order; one that is made is taken off.
    #[serde(default)]
    pub attachments: Vec<ObjectChange>,
    /// The Deployment was made.
    pub made: bool,
}

/// What to do when a release fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OnFailure {
    /// End the order as failed and roll back by an order of its own: what EDAS does.
    #[default]
    Rollback,
    /// Hold where it stands and wait for a person: retry, abort, or abort and roll back.
    Pause,
    /// End the order as failed and leave the workload as it is, held.
    Keep,
}

/// See [`Job::Release`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The version to go back to.
    pub from: NumberedSnapshot,
    /// The version to bring; once the first write is answered, in the form the cluster stored.
    pub to: NumberedSnapshot,
    /// The template that has to be on the workload before the first write.
    pub start: TemplateDigest,
    /// The digest of the stored form, once it is known: any other template on the workload is someone else's.
    pub stored: Option<TemplateDigest>,
    /// Seconds that a batch may take until it has failed; waiting at a gate does not count.
    pub batch_timeout_seconds: u32,
    /// What to do when it fails.
    pub on_failure: OnFailure,
    /// What has to be done before the first wave.
    pub first: Vec<Prelude>,
    /// Wanted pods, as last observed.
    pub replicas: u32,
    /// The pair last asked for.
    pub asked: Option<Wave>,
    /// The generation that the last write made: older observations say nothing about it.
    pub generation: u64,
    /// The generation that the release was planned on: what watches saw before it (they may lag behind) is not what it starts from.
    #[serde(default)]
    pub planned_on: u64,
    /// Which requests go to the gray batch, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steering: Option<Box<Steering>>,
    /// The pipeline that the last confirmation named: named again, it is the same confirmation and no further one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<PartId>,
    /// Where it stands.
    pub phase: ReleasePhase,
}

/// Work before the first wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Prelude {
    /// A hold of an earlier, aborted release is in place: go back to `from` first.
    GoBack,
    /// The deploy asked for another number of pods.
    Scale(u32),
}

/// Where a release stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReleasePhase {
    /// A batch is being brought.
    Rolling {
        /// Which, counted from 0.
        batch: u32,
        /// Since when.
        since: Timestamp,
    },
    /// Batch `batch` is complete; the gate before the next is closed.
    Waiting {
        /// The batch that is complete, counted from 0.
        batch: u32,
        /// When the gate opens by itself; `None`: when a person confirms.
        until: Option<Timestamp>,
    },
    /// It failed and waits for a person ([`OnFailure::Pause`]).
    Paused {
        /// The batch that failed.
        batch: u32,
    },
    /// All pods run the new version; what was borrowed is being given back.
    Finishing {
        /// Since when: it has as long as a batch, whatever time the batches took and how often they were tried.
        since: Timestamp,
    },
    /// It is over; requests are put back where they went before.
    Stopping {
        /// How it ends.
        end: Ending,
    },
}

/// How a release ends, other than well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// Someone stopped it, for this reason.
    Aborted(String),
    /// It failed.
    Failed(Failure),
}

/// See [`Job::Restore`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// The version that is left.
    pub from: VersionNumber,
    /// The version to go back to.
    pub to: NumberedSnapshot,
    /// Templates that may be on the workload before the first write; any if empty.
    pub expects: Vec<TemplateDigest>,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
    /// When it began.
    pub since: Timestamp,
    /// What the release left of requests that go to its gray batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steering: Option<Box<Steering>>,
    /// Where it stands.
    pub phase: RestorePhase,
    /// The generation that the last write made.
    pub generation: u64,
}

/// Where a rollback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestorePhase {
    /// The template is not restored yet.
    Asking,
    /// Pods are coming back.
    Returning,
    /// All pods are back; the last patch restores the strategy.
    Finishing,
    /// It was aborted; what is there is being pinned.
    Stopping,
}

/// See [`Job::Resize`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// Pods before.
    pub from: u32,
    /// Pods wanted.
    pub to: u32,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
    /// The number was written.
    pub asked: bool,
    /// The generation that the write made.
    pub generation: u64,
}

/// See [`Job::Delete`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
    /// The deletion was accepted.
    pub asked: bool,
    /// The application was never known to run: a Deployment of its name that it did not make is someone else's, and stays.
    #[serde(default)]
    pub only_own: bool,
}

/// See [`Job::Attach`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attach {
    /// The object and what is to become of it.
    pub change: ObjectChange,
    /// Seconds until it has failed.
    pub timeout_seconds: u32,
}
