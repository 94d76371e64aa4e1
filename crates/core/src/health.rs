//! Which pods have failed for good, and the words for it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::observation::ProblemKind;
use crate::order::{Failure, Instance};

/// How long a problem may last, or how often it may come, before the pod counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Seconds of crash looping: the kubelet says so only from the second restart on.
    pub crash_loop_seconds: u32,
    /// Seconds without the image: a registry may have a bad moment.
    pub image_pull_seconds: u32,
    /// Seconds without a container: a ConfigMap may come a moment after the pod.
    pub container_seconds: u32,
    /// Seconds without a node: a cluster may be adding one.
    pub unschedulable_seconds: u32,
}

/// What an operator would wait by hand before calling it failed.
pub const DEFAULT_PATIENCE: Patience =
    Patience { crash_loop_seconds: 5, image_pull_seconds: 20, container_seconds: 20, unschedulable_seconds: 120 };

impl Patience {
    fn for_kind(self, kind: ProblemKind) -> SignedDuration {
        let seconds = match kind {
            ProblemKind::CrashLoop => self.crash_loop_seconds,
            ProblemKind::ImagePull => self.image_pull_seconds,
            ProblemKind::Container => self.container_seconds,
            ProblemKind::Unschedulable => self.unschedulable_seconds,
            // A pod that has failed is replaced by its ReplicaSet: the next one tells.
            ProblemKind::PodFailed => self.unschedulable_seconds,
        };
        SignedDuration::from_secs(i64::from(seconds))
    }
}

/// The first instance whose patience has run out, as a failure in words.
pub fn first_failure(instances: &[Instance], patience: Patience, now: Timestamp) -> Option<Failure> {
    instances.iter().find(|instance| gives_up_at(instance, patience).is_some_and(|at| at <= now)).map(describe)
}

/// When the next patience runs out, to be woken then.
pub fn next_deadline(instances: &[Instance], patience: Patience) -> Option<Timestamp> {
    instances.iter().filter_map(|instance| gives_up_at(instance, patience)).min()
}

fn gives_up_at(instance: &Instance, patience: Patience) -> Option<Timestamp> {
    let (problem, since) = instance.problem.as_ref()?;
    since.checked_add(patience.for_kind(problem.kind)).ok()
}

/// What is wrong with an instance, for a person: pod, container, reason, message, the last lines of the log.
pub fn describe(instance: &Instance) -> Failure {
    let Some((problem, _)) = &instance.problem else {
        return Failure {
            code: "NotReady".to_owned(),
            message: format!("pod {} is not ready (phase {})", instance.pod, instance.phase),
        };
    };
    let container = match problem.container.as_str() {
        "" => String::new(),
        name => format!(", container {name}"),
    };
    let log = match &problem.last_log {
        Some(log) if !log.is_empty() => format!("; last log lines: {log}"),
        _ => String::new(),
    };
    Failure {
        code: problem.reason.clone(),
        message: format!("pod {}{container}: {}: {}{log}", instance.pod, problem.reason, problem.message),
    }
}
