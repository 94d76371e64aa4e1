//! Which pods go first when a ReplicaSet shrinks.
//!
//! In this order: without a node before placed; Pending before Unknown before Running; not ready before ready; a
//! lower deletion cost; on a node with more pods of the same owner; ready for a shorter time; more restarts; younger.
//! Times are compared by their order of magnitude only, so that the choice among pods of about the same age is
//! arbitrary (by uid) and not systematically the youngest.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::controllers::pod;
use crate::object;

/// Lets a client say which pods it would rather lose.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// `count` of `pods`, those to be deleted first. `related` are the active pods of the same owner.
pub(super) fn choose(pods: &[Arc<Value>], related: &[Arc<Value>], count: usize, now: Timestamp) -> Vec<Arc<Value>> {
    let mut on_node: BTreeMap<&str, usize> = BTreeMap::new();
    for one in related {
        *on_node.entry(pod::node(one)).or_default() += 1;
    }
    let mut ranked: Vec<(Rank<'_>, &Arc<Value>)> = pods.iter().map(|one| (Rank::of(one, &on_node, now), one)).collect();
    ranked.sort_by(|one, other| one.0.compare(&other.0));
    ranked.into_iter().take(count).map(|(_, pod)| Arc::clone(pod)).collect()
}

struct Rank<'a> {
    placed: bool,
    phase: u8,
    ready: bool,
    cost: i64,
    crowding: Reverse<usize>,
    ready_for: Option<Age>,
    restarts: Reverse<i64>,
    age: Option<Age>,
    uid: &'a str,
}

/// A time and its distance from now as an order of magnitude.
#[derive(Clone, Copy)]
struct Age {
    since: Timestamp,
    magnitude: i64,
}

impl Age {
    fn new(since: Timestamp, now: Timestamp) -> Self {
        let nanoseconds = now.duration_since(since).as_nanos();
        let magnitude = u128::try_from(nanoseconds).ok().and_then(u128::checked_ilog2).map_or(-1, i64::from);
        Self { since, magnitude }
    }
}

impl<'a> Rank<'a> {
    fn of(one: &'a Value, on_node: &BTreeMap<&str, usize>, now: Timestamp) -> Self {
        let ready_since = pod::ready_since(one);
        Self {
            placed: !pod::node(one).is_empty(),
            phase: match object::text(one, "/status/phase") {
                "Pending" => 0,
                "Unknown" => 1,
                _ => 2,
            },
            ready: ready_since.is_some(),
            cost: object::annotation(one, DELETION_COST).and_then(|cost| cost.parse().ok()).unwrap_or(0),
            crowding: Reverse(on_node.get(pod::node(one)).copied().unwrap_or(0)),
            ready_for: ready_since.map(|since| Age::new(since, now)),
            restarts: Reverse(pod::restarts(one)),
            age: object::creation_timestamp(one).map(|since| Age::new(since, now)),
            uid: object::uid(one),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let first = (self.placed, self.phase, self.ready, self.cost, self.crowding);
        let second = (other.placed, other.phase, other.ready, other.cost, other.crowding);
        first
            .cmp(&second)
            .then_with(|| self.compare_ages(self.ready_for, other.ready_for, other))
            .then_with(|| self.restarts.cmp(&other.restarts))
            .then_with(|| self.compare_ages(self.age, other.age, other))
            .then_with(|| self.uid.cmp(other.uid))
    }

    fn compare_ages(&self, mine: Option<Age>, theirs: Option<Age>, other: &Self) -> Ordering {
        match (mine, theirs) {
            (Some(mine), Some(theirs)) if mine.since != theirs.since => {
                mine.magnitude.cmp(&theirs.magnitude).then_with(|| self.uid.cmp(other.uid))
            }
            _ => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, node: &str, ready: Option<&str>, restarts: i64) -> Arc<Value> {
        let conditions = match ready {
            Some(since) => {
                json!([{"type": "Ready", "status": "True", "lastTransitionTime": since}])
            }
            None => json!([]),
        };
        Arc::new(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": node},
            "status": {"phase": "Running", "conditions": conditions, "containerStatuses": [{"restartCount": restarts}]},
        }))
    }

    fn order(pods: &[Arc<Value>]) -> Vec<String> {
        let now = "2026-01-01T01:00:00Z".parse().unwrap();
        let chosen = choose(pods, pods, pods.len(), now);
        chosen.iter().map(|pod| object::name(pod).to_owned()).collect()
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let pods = [
            pod("a-ready", "n1", Some("2026-01-01T00:00:10Z"), 0),
            pod("b-unready", "n1", None, 0),
            pod("c-unplaced", "", None, 0),
            pod("d-young", "n2", Some("2026-01-01T00:59:59Z"), 0),
            pod("e-old", "n2", Some("2026-01-01T00:00:10Z"), 0),
        ];
        assert_eq!(order(&pods), ["c-unplaced", "b-unready", "d-young", "a-ready", "e-old"]);
    }

    #[test]
    fn crowded_nodes_and_restarts_come_before_age() {
        let pods = [
            pod("a", "n1", Some("2026-01-01T00:00:10Z"), 0),
            pod("b", "n2", Some("2026-01-01T00:00:10Z"), 0),
            pod("c", "n2", Some("2026-01-01T00:00:10Z"), 3),
        ];
        assert_eq!(order(&pods), ["c", "b", "a"]);
    }
}
