//! What the deployment controller reads of a Deployment and of a ReplicaSet, in typed form.
//!
//! The views are cheap copies of a few numbers plus the shared object they were read from; they are made anew for
//! every reconciliation, so that nothing outlives the state it was read from.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::object;

/// The revision of a roll-out, on Deployments and ReplicaSets.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
/// Revisions that a ReplicaSet had before it was rolled back to.
pub(super) const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// `spec.replicas` of the Deployment when the ReplicaSet was last scaled; tells scaling from rolling out.
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
/// `spec.replicas` + surge at that time; the base of proportional scaling.
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
/// The label that keeps the pods of two ReplicaSets of one Deployment apart.
pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";

/// "No deadline" and "no history limit" in the API's eyes.
const UNLIMITED: i64 = i32::MAX as i64;

/// The strategy with percentages resolved against `spec.replicas`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    Recreate,
    RollingUpdate { surge: i64, unavailable: i64 },
}

/// A Deployment as the controller sees it.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) object: Arc<Value>,
    pub(super) replicas: i64,
    pub(super) strategy: Strategy,
    pub(super) paused: bool,
    pub(super) min_ready_seconds: i64,
    /// `None` when the API's "no deadline" (the greatest int32) is set.
    pub(super) progress_deadline: Option<i64>,
    /// `None` when unlimited.
    pub(super) history_limit: Option<i64>,
}

impl Deployment {
    pub(super) fn read(object: Arc<Value>) -> Self {
        let replicas = object::integer(&object, "/spec/replicas").unwrap_or(1);
        let limit = |pointer| object::integer(&object, pointer).filter(|limit| *limit != UNLIMITED);
        Self {
            replicas,
            strategy: read_strategy(&object, replicas),
            paused: object::boolean(&object, "/spec/paused").unwrap_or(false),
            min_ready_seconds: object::integer(&object, "/spec/minReadySeconds").unwrap_or(0),
            progress_deadline: limit("/spec/progressDeadlineSeconds"),
            history_limit: limit("/spec/revisionHistoryLimit"),
            object,
        }
    }

    pub(super) fn name(&self) -> &str {
        object::name(&self.object)
    }

    pub(super) fn namespace(&self) -> &str {
        object::namespace(&self.object)
    }

    /// Pods allowed above `replicas`.
    pub(super) fn surge(&self) -> i64 {
        match self.strategy {
            Strategy::Recreate => 0,
            Strategy::RollingUpdate { surge, .. } => surge,
        }
    }

    /// Pods that may be missing from `replicas`.
    pub(super) fn unavailable(&self) -> i64 {
        match self.strategy {
            Strategy::Recreate => 0,
            Strategy::RollingUpdate { unavailable, .. } if self.replicas > 0 => unavailable.min(self.replicas),
            Strategy::RollingUpdate { .. } => 0,
        }
    }

    /// The size of all ReplicaSets together that a roll-out may reach.
    pub(super) fn ceiling(&self) -> i64 {
        self.replicas + self.surge()
    }

    pub(super) fn template(&self) -> &Value {
        &self.object["spec"]["template"]
    }

    /// Whether `status` (this Deployment's own, or one about to be written) says that the roll-out is over.
    pub(super) fn is_complete(&self, status: &Value) -> bool {
        let count = |field| status.get(field).and_then(Value::as_i64).unwrap_or(0);
        count("updatedReplicas") == self.replicas
            && count("replicas") == self.replicas
            && count("availableReplicas") == self.replicas
            && count("observedGeneration") >= object::generation(&self.object)
    }
}

/// A ReplicaSet as the deployment controller sees it.
#[derive(Debug, Clone)]
pub(super) struct ReplicaSet {
    pub(super) object: Arc<Value>,
    pub(super) created: Timestamp,
    /// `spec.replicas`.
    pub(super) replicas: i64,
    /// `status.availableReplicas`.
    pub(super) available: i64,
}

impl ReplicaSet {
    pub(super) fn read(object: Arc<Value>) -> Self {
        Self {
            created: object::creation_timestamp(&object).unwrap_or(Timestamp::UNIX_EPOCH),
            replicas: object::integer(&object, "/spec/replicas").unwrap_or(1),
            available: object::integer(&object, "/status/availableReplicas").unwrap_or(0),
            object,
        }
    }

    pub(super) fn name(&self) -> &str {
        object::name(&self.object)
    }

    pub(super) fn uid(&self) -> &str {
        object::uid(&self.object)
    }

    /// A status count; absent is zero.
    pub(super) fn status(&self, field: &str) -> i64 {
        self.object.get("status").and_then(|status| status.get(field)).and_then(Value::as_i64).unwrap_or(0)
    }

    /// The revision annotation; 0 when absent or not a number.
    pub(super) fn revision(&self) -> i64 {
        self.annotated(REVISION).unwrap_or(0)
    }

    /// The number in an annotation.
    pub(super) fn annotated(&self, key: &str) -> Option<i64> {
        object::annotation(&self.object, key)?.parse().ok()
    }

    /// Oldest first; creation times have whole seconds only, so that names decide ties.
    pub(super) fn by_age(&self, other: &Self) -> Ordering {
        self.created.cmp(&other.created).then_with(|| self.name().cmp(other.name()))
    }
}

/// The sum of `spec.replicas`.
pub(super) fn total(sets: &[ReplicaSet]) -> i64 {
    sets.iter().map(|set| set.replicas).sum()
}

fn read_strategy(object: &Value, replicas: i64) -> Strategy {
    if object::text(object, "/spec/strategy/type") == "Recreate" {
        return Strategy::Recreate;
    }
    let budget = |field: &str, round: fn(f64) -> f64| {
        let value = object.pointer("/spec/strategy/rollingUpdate").and_then(|update| update.get(field));
        value.map_or(0, |value| resolve(value, replicas, round))
    };
    let surge = budget("maxSurge", f64::ceil);
    let unavailable = budget("maxUnavailable", f64::floor);
    // Rounding may make both zero, and then nothing could ever move.
    Strategy::RollingUpdate { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
}

/// A number, or a percentage of `replicas` rounded by `round`.
pub(crate) fn resolve(value: &Value, replicas: i64, round: fn(f64) -> f64) -> i64 {
    match value {
        Value::String(text) => {
            let percent: f64 = text.trim_end_matches('%').parse().unwrap_or(0.0);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "replicas are int32")]
            let resolved = round(percent * replicas as f64 / 100.0) as i64;
            resolved
        }
        number => number.as_i64().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn strategy(replicas: i64, surge: Value, unavailable: Value) -> Strategy {
        let object = json!({"spec": {"replicas": replicas, "strategy": {
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}});
        Deployment::read(Arc::new(object)).strategy
    }

    #[test]
    fn percentages_round_surge_up_and_unavailable_down() {
        assert_eq!(strategy(10, json!("25%"), json!("25%")), Strategy::RollingUpdate { surge: 3, unavailable: 2 });
        assert_eq!(strategy(1, json!("25%"), json!("25%")), Strategy::RollingUpdate { surge: 1, unavailable: 0 });
    }

    #[test]
    fn two_zero_budgets_become_one_unavailable() {
        assert_eq!(strategy(10, json!(0), json!("1%")), Strategy::RollingUpdate { surge: 0, unavailable: 1 });
    }

    #[test]
    fn more_unavailable_than_pods_is_all_of_them() {
        let object = json!({"spec": {"replicas": 2, "strategy": {
            "rollingUpdate": {"maxSurge": 5, "maxUnavailable": 9}}}});
        let deployment = Deployment::read(Arc::new(object));
        assert_eq!((deployment.unavailable(), deployment.ceiling()), (2, 7));
    }
}
