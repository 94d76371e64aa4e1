//! Applications: what Sternway manages, and what it remembers of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, ClusterId, VersionNumber};
use crate::observation::Workload;

/// Where an application's workload lives: a Deployment of one namespace of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadRef {
    /// The imported cluster.
    pub cluster: ClusterId,
    /// The Kubernetes namespace.
    pub namespace: String,
    /// The name of the Deployment.
    pub name: String,
}

/// What an application is up to when no order runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppState {
    /// Its creation has not succeeded (yet).
    Creating,
    /// It serves.
    Running,
    /// It was stopped (scaled to zero) by a stop order.
    Stopped,
}

/// A hold that an aborted or failed release left in place: the application serves a mix of two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The version to go back to.
    pub from: VersionNumber,
    /// The version that was being released.
    pub to: VersionNumber,
}

/// One application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// EDAS's AppId.
    pub id: AppId,
    /// EDAS's AppName, as given.
    pub name: String,
    /// The workload.
    pub workload: WorkloadRef,
    /// EDAS's logical region ("microservice namespace"), `cn-hangzhou` or `cn-hangzhou:name`.
    pub logical_region: String,
    /// Free text.
    pub description: String,
    /// Who created it.
    pub owner: String,
    /// `Image`, `FatJar` or `War`.
    pub package_type: String,
    /// EDAS parameters that mean nothing on a cluster but are given back when asked for.
    pub attributes: BTreeMap<String, String>,
    /// The version that the last finished order left running.
    pub current: Option<VersionNumber>,
    /// The newest version that was released to the end, healthy: where an automatic rollback goes.
    pub last_good: Option<VersionNumber>,
    /// The highest number given so far; 0 before the first.
    pub latest: VersionNumber,
    /// Pods wanted when last seen or set.
    pub replicas: u32,
    /// EDAS's InstancesBeforeScaling: what a start after a stop goes back to.
    pub instances_before_stop: Option<u32>,
    /// State between orders.
    pub state: AppState,
    /// A hold left in place, if any.
    pub held: Option<Held>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Grows with each change; the expectation of a commit.
    pub revision: u64,
}

/// A change of an application that follows from a step of one of its orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppChange {
    /// This version runs on all pods, healthy.
    Runs(VersionNumber),
    /// A release stopped half way and its hold stays.
    Held(Held),
    /// No hold is in place any more.
    Released,
    /// The number of wanted pods.
    Replicas(u32),
    /// Stopped, having run this many pods.
    Stopped {
        /// Pods before the stop.
        before: u32,
    },
    /// It serves.
    Started,
    /// The application and its workload are gone.
    Deleted,
}

impl Application {
    /// One that nothing has been deployed of yet: without a description, attributes or pods.
    pub fn new(
        id: AppId,
        name: impl Into<String>,
        workload: WorkloadRef,
        logical_region: impl Into<String>,
        owner: impl Into<String>,
        package_type: impl Into<String>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            workload,
            logical_region: logical_region.into(),
            description: String::new(),
            owner: owner.into(),
            package_type: package_type.into(),
            attributes: BTreeMap::new(),
            current: None,
            last_good: None,
            latest: VersionNumber(0),
            replicas: 0,
            instances_before_stop: None,
            state: AppState::Creating,
            held: None,
            created_at,
            revision: 0,
        }
    }

    /// Whether the Deployment of its name is someone else's: its own was never made, because the name was taken.
    pub fn is_of_others(&self, live: &Workload) -> bool {
        self.state == AppState::Creating && !live.is_marked_for(self.id)
    }

    /// The application after `changes`, or `None` if it is gone.
    pub fn apply(&self, changes: &[AppChange]) -> Option<Self> {
        let mut next = self.clone();
        for change in changes {
            match change {
                AppChange::Runs(version) => {
                    next.current = Some(*version);
                    next.last_good = Some(*version);
                    next.state = AppState::Running;
                    next.held = None;
                }
                AppChange::Held(held) => next.held = Some(*held),
                AppChange::Released => next.held = None,
                AppChange::Replicas(replicas) => next.replicas = *replicas,
                AppChange::Stopped { before } => {
                    next.state = AppState::Stopped;
                    next.instances_before_stop = Some(*before);
                    next.replicas = 0;
                }
                AppChange::Started => {
                    next.state = AppState::Running;
                    next.instances_before_stop = None;
                }
                AppChange::Deleted => return None,
            }
        }
        Some(next)
    }
}
