//! What can be known before a release begins: whether it can go forward, and whether and how it can come back.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::floor;
use crate::observation::Workload;
use crate::order::steering::SteeringPlan;
use crate::strategy::Bounds;
use crate::version::Snapshot;

/// What is around a workload and may stand in the way of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Quotas of the namespace that limit pods, or what pods ask for.
    pub quotas: Vec<Quota>,
    /// Autoscalers that scale the workload.
    pub autoscalers: Vec<Autoscaler>,
    /// Rights that a release needs and that the cluster does not give us, in words: `patch on deployments.apps`.
    pub missing_rights: Vec<String>,
}

/// How many more pods like those of the workload a ResourceQuota has room for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Its name.
    pub name: String,
    /// The resource that runs out first: `pods`, `requests.cpu`, ...
    pub resource: String,
    /// Room for so many more pods.
    pub room: u32,
}

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Autoscaler {
    /// Its name.
    pub name: String,
    /// The fewest pods it goes to.
    pub min: u32,
    /// The most pods it goes to.
    pub max: u32,
}

/// One result of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// Whether the release must not begin.
    pub blocking: bool,
    /// A name for programs.
    pub code: String,
    /// What it is, and what to do.
    pub text: String,
}

/// Checks a release of a workload from one version to another.
pub fn check(live: &Workload, around: &Surroundings, from: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rights = &around.missing_rights;
    if !rights.is_empty() {
        findings.push(blocking(
            "MissingRights",
            format!(
                "the cluster's credentials lack {}: grant them, or neither the release nor the way back can be written",
                rights.join(", ")
            ),
        ));
    }
    if let Some(bounds) = from.strategy.bounds(live.replicas)
        && live.replicas > 0
    {
        let floor = floor::floor(from.strategy, live.replicas, live.disruption_floor);
        findings.extend(around.quotas.iter().filter_map(|quota| room(quota, bounds, live.replicas - floor)));
        findings.push(way_back(live, bounds, live.replicas - floor));
    }
    for scaler in &around.autoscalers {
        findings.push(warning(
            "Autoscaler",
            format!(
                "HorizontalPodAutoscaler {} scales between {} and {} pods: its changes are followed in mid-release, and batches are planned anew",
                scaler.name, scaler.min, scaler.max
            ),
        ));
    }
    if live.old_wanted() > 0 && !live.is_held() {
        findings.push(warning(
            "RolloutInProgress",
            "a rollout made without Sternway is still in progress; its pods count as pods of the old version"
                .to_owned(),
        ));
    }
    let unready = live.replicas.saturating_sub(live.old_ready() + live.new_ready());
    if unready > 0 {
        findings.push(warning(
            "NotAllReady",
            format!("{unready} of {} pods are not ready before the release begins", live.replicas),
        ));
    }
    findings
}

/// What is to be known of requests that a release leads to its gray batch: `missing` are rights that this needs and that the cluster does not give us.
pub fn steering(plan: &SteeringPlan, missing: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let text = format!(
            "the cluster's credentials lack {}: grant them, or leave TrafficControlStrategy out",
            missing.join(", ")
        );
        findings.push(blocking("MissingRights", text));
    }
    let routes: Vec<&str> = plan.routes.iter().map(|route| route.name.as_str()).collect();
    let text = format!(
        "while the gray batch waits for its confirmation, the requests that HTTPRoute {} leads to Service {} are divided by {}; then they go to all pods, as before",
        routes.join(", "),
        plan.service,
        plan.given
    );
    findings.push(warning("TrafficControl", text));
    findings
}

/// A release that goes back at once has no gray batch.
pub fn steering_without_batches() -> Finding {
    let text = "TrafficControlStrategy has no effect here: the version before an aborted release is restored at once, without a gray batch";
    warning("TrafficControlUnused", text.to_owned())
}

/// With neither room for a surge pod nor a pod to spare nothing can move, forward or back.
fn room(quota: &Quota, bounds: Bounds, spare: u32) -> Option<Finding> {
    let Quota { name, resource, room } = quota;
    if bounds.surge == 0 || *room >= bounds.surge {
        return None;
    }
    if spare == 0 && *room == 0 {
        return Some(blocking(
            "QuotaExhausted",
            format!(
                "ResourceQuota {name} has no room for one more pod ({resource}), and no pod may be missing: raise the quota, or allow \
                 maxUnavailable 1"
            ),
        ));
    }
    Some(warning(
        "QuotaTight",
        format!(
            "ResourceQuota {name} has room for {room} more pods ({resource}), and the surge is {}: waves take longer",
            bounds.surge
        ),
    ))
}

/// How the way back would go: what is there for it, in how many waves, and about how long.
fn way_back(live: &Workload, bounds: Bounds, spare: u32) -> Finding {
    let at_once = if bounds.surge > 0 { bounds.surge } else { spare.max(1) };
    let waves = live.replicas.div_ceil(at_once);
    let text = format!(
        "going back from the very end takes {waves} waves of up to {at_once} pods{}; from the middle, as many pods fewer as are still of the old \
         version",
        typical_start(live)
            .map_or_else(String::new, |start| format!(", about {} seconds", start.as_secs().max(1) * i64::from(waves)))
    );
    warning("WayBack", text)
}

/// How long the pods that run now took to become ready: the median.
fn typical_start(live: &Workload) -> Option<SignedDuration> {
    let mut starts: Vec<SignedDuration> =
        live.pods.iter().filter_map(|pod| pod.ready_since.map(|ready| ready.duration_since(pod.created_at))).collect();
    starts.sort();
    starts.get(starts.len() / 2).copied()
}

fn blocking(code: &str, text: String) -> Finding {
    Finding { blocking: true, code: code.to_owned(), text }
}

fn warning(code: &str, text: String) -> Finding {
    Finding { blocking: false, code: code.to_owned(), text }
}
