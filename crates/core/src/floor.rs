//! The capacity floor: how many ready pods every write has to leave standing.

use crate::observation::Workload;
use crate::strategy::Strategy;

/// How many ready pods a workload of `replicas` pods must keep: what its own strategy leaves, raised by what a
/// PodDisruptionBudget demands. A Recreate strategy itself says that all may go; a budget still counts.
pub fn floor(strategy: Strategy, replicas: u32, disruption_floor: Option<u32>) -> u32 {
    let own = strategy.bounds(replicas).map_or(0, |bounds| replicas.saturating_sub(bounds.unavailable));
    own.max(disruption_floor.unwrap_or(0)).min(replicas)
}

/// A write that would take ready pods below the floor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("only {standing} ready pods would be left of {ready}, and the floor is {floor}")]
pub struct BelowFloor {
    /// Ready pods now.
    pub ready: u32,
    /// Ready pods that the write would leave.
    pub standing: u32,
    /// The floor.
    pub floor: u32,
}

/// Checks that a write leaving `standing` of the present ready pods keeps the floor. Where the floor is already broken (a node was
/// lost), a write that takes nothing more away is allowed: it is how the floor is reached again.
///
/// # Errors
/// [`BelowFloor`] with the three numbers.
pub fn check(workload: &Workload, standing: u32, floor: u32) -> Result<(), BelowFloor> {
    let ready = workload.old_ready() + workload.new_ready();
    if standing >= floor.min(ready) { Ok(()) } else { Err(BelowFloor { ready, standing, floor }) }
}

/// How many ready pods are lost at worst when sets of `(wanted, ready)` pods have to give `leaving` of them.
///
/// A set gives its pods that are not ready first. Which set has to give is the Deployment controller's choice, and a bad one: to it, every
/// pod that was made under a hold is unhealthy, however ready, and may go before one of another set that really is.
pub fn lost_at_worst(sets: impl IntoIterator<Item = (u32, u32)>, leaving: u32) -> u32 {
    let not_ready = sets.into_iter().map(|(wanted, ready)| wanted.saturating_sub(ready)).min();
    leaving.saturating_sub(not_ready.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::{Amount, DEFAULT_STRATEGY};

    #[test]
    fn a_budget_raises_the_floor_and_never_lowers_it() {
        assert_eq!(floor(DEFAULT_STRATEGY, 10, None), 8);
        assert_eq!(floor(DEFAULT_STRATEGY, 10, Some(9)), 9);
        assert_eq!(floor(DEFAULT_STRATEGY, 10, Some(5)), 8);
        assert_eq!(floor(DEFAULT_STRATEGY, 10, Some(12)), 10);
        assert_eq!(floor(Strategy::Recreate, 10, None), 0);
        let all = Strategy::RollingUpdate { max_surge: Amount::Pods(0), max_unavailable: Amount::Percent(100) };
        assert_eq!(floor(all, 4, None), 0);
    }

    #[test]
    fn pods_that_are_not_ready_are_spared_by_another_set() {
        assert_eq!(lost_at_worst([(5, 3)], 2), 0);
        assert_eq!(lost_at_worst([(5, 3)], 3), 1);
        assert_eq!(lost_at_worst([(3, 2), (1, 1)], 1), 1);
        assert_eq!(lost_at_worst([(3, 1), (2, 1)], 2), 1);
        assert_eq!(lost_at_worst([], 0), 0);
    }
}
