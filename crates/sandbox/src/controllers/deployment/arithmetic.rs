//! How large each ReplicaSet of a Deployment should be: the arithmetic of rolling out and of scaling, without effects.
//!
//! Every function answers from what it is given. A plan is a list of (name, new size) in the order in which the sizes
//! are to be written; a set that is not named keeps its size.

use super::model::{Deployment, MAX_REPLICAS, ReplicaSet, Strategy, total};

/// One ReplicaSet to be resized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resize {
    pub(super) name: String,
    pub(super) replicas: i64,
}

impl Resize {
    fn of(set: &ReplicaSet, replicas: i64) -> Self {
        Self { name: set.name().to_owned(), replicas }
    }
}

/// The size of the new ReplicaSet, of which `current` exist among `all` pods: as many as the ceiling has room for.
pub(super) fn grow_new(deployment: &Deployment, current: i64, all: i64) -> i64 {
    match deployment.strategy {
        Strategy::Recreate => deployment.replicas,
        Strategy::RollingUpdate { .. } => {
            let room = deployment.ceiling() - all;
            if room <= 0 { current } else { current + room.min(deployment.replicas - current) }
        }
    }
}

/// One step of scaling the old ReplicaSets down in a rolling update.
///
/// Pods of the new set that are not available yet count as gone, so that a new version that never gets available
/// stops the roll-out. Within that, old pods that are not available go first (they cost no availability), then
/// available ones down to the floor.
pub(super) fn shrink_old(deployment: &Deployment, new: &ReplicaSet, old: &[ReplicaSet]) -> Vec<Resize> {
    let mut old: Vec<ReplicaSet> = old.iter().filter(|set| set.replicas > 0).cloned().collect();
    if old.is_empty() {
        return Vec::new();
    }
    let floor = deployment.replicas - deployment.unavailable();
    let new_unavailable = new.replicas - new.available;
    let allowed = total(&old) + new.replicas - floor - new_unavailable;
    if allowed <= 0 {
        return Vec::new();
    }
    old.sort_by(ReplicaSet::by_age);
    let (mut plan, lagging) = drop_unhealthy(&mut old, allowed);
    if !lagging {
        plan.extend(drop_available(&mut old, new, floor));
    }
    plan
}

/// Removes old pods that are not available, from the oldest set on, `allowed` in all. Also tells whether a set counts
/// more available pods than it should have pods, so that its status lags behind and nothing more may be concluded.
fn drop_unhealthy(old: &mut [ReplicaSet], allowed: i64) -> (Vec<Resize>, bool) {
    let mut left = allowed;
    let mut plan = Vec::new();
    for set in old.iter_mut() {
        let unhealthy = set.replicas - set.available;
        if left <= 0 || set.replicas == 0 || unhealthy == 0 {
            continue;
        }
        if unhealthy < 0 {
            return (plan, true);
        }
        let drop = left.min(unhealthy);
        set.replicas -= drop;
        left -= drop;
        plan.push(Resize::of(set, set.replicas));
    }
    (plan, false)
}

/// Removes old pods while more than `floor` pods of all sets are available.
fn drop_available(old: &mut [ReplicaSet], new: &ReplicaSet, floor: i64) -> Vec<Resize> {
    let available = old.iter().map(|set| set.available).sum::<i64>() + new.available;
    let mut left = available - floor;
    let mut plan = Vec::new();
    for set in old.iter_mut() {
        if left <= 0 || set.replicas == 0 {
            continue;
        }
        let drop = left.min(set.replicas);
        set.replicas -= drop;
        left -= drop;
        plan.push(Resize::of(set, set.replicas));
    }
    plan
}

/// The sizes after `spec.replicas` changed while no roll-out may move (or before it may go on).
///
/// With one active set, or none, that set takes the whole size. Otherwise a saturated new set lets the old ones go,
/// and a roll-out in the middle keeps its proportions: each set changes by its share, larger sets first, and the
/// largest takes what rounding left over. Sets whose size stays are named too, since their annotations change.
pub(super) fn scale(deployment: &Deployment, new: Option<&ReplicaSet>, old: &[ReplicaSet]) -> Vec<Resize> {
    let mut active: Vec<&ReplicaSet> = old.iter().chain(new).filter(|set| set.replicas > 0).collect();
    if active.len() <= 1 {
        let newest_old = old.iter().max_by(|one, other| one.by_age(other));
        let Some(only) = active.first().copied().or(new).or(newest_old) else {
            return Vec::new();
        };
        let unchanged = only.replicas == deployment.replicas;
        return if unchanged { Vec::new() } else { vec![Resize::of(only, deployment.replicas)] };
    }
    if new.is_some_and(|new| is_saturated(deployment, new)) {
        return old.iter().filter(|set| set.replicas > 0).map(|set| Resize::of(set, 0)).collect();
    }
    if deployment.strategy == Strategy::Recreate {
        return Vec::new();
    }

    let allowed = if deployment.replicas > 0 { deployment.ceiling() } else { 0 };
    let missing = allowed - active.iter().map(|set| set.replicas).sum::<i64>();
    active.sort_by(|one, other| {
        let age = if missing > 0 { other.by_age(one) } else { one.by_age(other) };
        other.replicas.cmp(&one.replicas).then(age)
    });
    let mut added = 0;
    let mut plan = Vec::with_capacity(active.len());
    for set in active {
        let share = share(deployment, set, missing - added);
        added += share;
        plan.push(Resize::of(set, set.replicas + share));
    }
    if let Some(largest) = plan.first_mut() {
        largest.replicas = (largest.replicas + missing - added).max(0);
    }
    plan
}

/// The change of one set in proportional scaling, when `left` pods (negative: too many) are still to be placed.
fn share(deployment: &Deployment, set: &ReplicaSet, left: i64) -> i64 {
    if left == 0 {
        return 0;
    }
    let fraction = if deployment.replicas == 0 {
        -set.replicas
    } else {
        let before = set.annotated(MAX_REPLICAS).filter(|before| *before != 0).or_else(|| {
            crate::object::integer(&deployment.object, "/status/replicas").filter(|replicas| *replicas != 0)
        });
        let Some(before) = before else { return 0 };
        rounded_quotient(set.replicas * deployment.ceiling(), before) - set.replicas
    };
    if left > 0 { fraction.min(left) } else { fraction.max(left) }
}

/// The quotient rounded to the nearest integer, halves up. Both numbers are at least zero, the second above it.
fn rounded_quotient(dividend: i64, divisor: i64) -> i64 {
    (2 * dividend + divisor) / (2 * divisor)
}

/// Whether the new set alone already is the whole Deployment, available.
fn is_saturated(deployment: &Deployment, new: &ReplicaSet) -> bool {
    new.replicas == deployment.replicas
        && new.annotated(super::model::DESIRED_REPLICAS) == Some(deployment.replicas)
        && new.available == deployment.replicas
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn deployment(replicas: i64, surge: i64, unavailable: i64) -> Deployment {
        Deployment::read(Arc::new(json!({"spec": {"replicas": replicas, "strategy": {
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}})))
    }

    fn set(name: &str, replicas: i64, available: i64, max_before: i64) -> ReplicaSet {
        ReplicaSet::read(Arc::new(json!({
            "metadata": {"name": name, "annotations": {MAX_REPLICAS: max_before.to_string()}},
            "spec": {"replicas": replicas}, "status": {"availableReplicas": available}})))
    }

    fn sizes(plan: &[Resize]) -> Vec<(&str, i64)> {
        plan.iter().map(|resize| (resize.name.as_str(), resize.replicas)).collect()
    }

    #[test]
    fn the_new_set_grows_into_the_room_under_the_ceiling() {
        assert_eq!(grow_new(&deployment(10, 3, 2), 0, 10), 3);
        assert_eq!(grow_new(&deployment(10, 3, 2), 3, 11), 5);
        assert_eq!(grow_new(&deployment(10, 0, 2), 0, 10), 0);
        assert_eq!(grow_new(&deployment(2, 5, 0), 0, 2), 2);
    }

    #[test]
    fn a_new_version_that_is_never_available_holds_the_roll_out() {
        let hold = deployment(10, 3, 2);
        let old = [set("old", 10, 10, 13)];
        assert_eq!(sizes(&shrink_old(&hold, &set("new", 3, 0, 13), &old)), [("old", 8)]);
        let old = [set("old", 8, 8, 13)];
        assert_eq!(sizes(&shrink_old(&hold, &set("new", 5, 0, 13), &old)), []);
    }

    #[test]
    fn unhealthy_old_pods_go_first_within_the_budget() {
        let plan = shrink_old(&deployment(10, 1, 2), &set("new", 0, 0, 11), &[set("old", 10, 7, 11)]);
        assert_eq!(sizes(&plan), [("old", 8)]);
    }

    #[test]
    fn scaling_a_hold_keeps_its_proportions() {
        let old = [set("old", 8, 8, 13)];
        let new = set("new", 5, 0, 13);
        assert_eq!(sizes(&scale(&deployment(20, 3, 2), Some(&new), &old)), [("old", 14), ("new", 9)]);
        let old = [set("old", 10, 10, 15)];
        assert_eq!(sizes(&scale(&deployment(20, 5, 0), Some(&new), &old)), [("old", 17), ("new", 8)]);
        assert_eq!(sizes(&scale(&deployment(0, 5, 0), Some(&new), &old)), [("old", 0), ("new", 0)]);
    }

    #[test]
    fn a_single_active_set_takes_the_whole_size() {
        let old = [set("old", 0, 0, 3)];
        assert_eq!(sizes(&scale(&deployment(4, 1, 0), Some(&set("new", 3, 3, 4)), &old)), [("new", 4)]);
        assert_eq!(sizes(&scale(&deployment(3, 1, 0), Some(&set("new", 3, 3, 4)), &old)), []);
    }
}
