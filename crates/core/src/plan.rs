//! Planning: N pods in batches, and each batch in waves.
//!
//! A *wave* is a pair (old, new) that the Deployment controller is asked to reach under the hold. Waves are planned forward from
//! what is observed, one at a time, because the controller's budgets only ratchet: lowering them takes nothing back.

use serde::{Deserialize, Serialize};

use crate::strategy::Bounds;

/// How a release is cut into batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batches {
    /// Pods of the gray batch that goes before all others and always waits for a person.
    pub gray: Option<u32>,
    /// Batches after the gray one; at least 1.
    pub count: u32,
    /// What must pass before the next batch.
    pub gate: Gate,
}

/// What must pass between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// A person confirms.
    Manual,
    /// Time passes.
    Automatic {
        /// Seconds between two batches.
        wait_seconds: u32,
    },
}

/// All pods in one batch.
pub const ONE_BATCH: Batches = Batches { gray: None, count: 1, gate: Gate::Automatic { wait_seconds: 0 } };

impl Batches {
    /// Batches in all, the gray one included.
    pub fn total(self) -> u32 {
        self.count + u32::from(self.gray.is_some())
    }

    /// The gate after batch `batch` (counted from 0): manual after a gray batch, whatever the rest does.
    pub fn gate_after(self, batch: u32) -> Gate {
        if batch == 0 && self.gray.is_some() { Gate::Manual } else { self.gate }
    }

    /// The sizes of all batches for `replicas` pods. The remainder goes to the later ones: 10 in 3 is 3, 3, 4.
    pub fn sizes(self, replicas: u32) -> Vec<u32> {
        let gray = self.gray.map(|gray| gray.min(replicas));
        let rest = replicas - gray.unwrap_or(0);
        let (size, remainder) = (rest / self.count, rest % self.count);
        let evenly = (0..self.count).map(|batch| size + u32::from(batch >= self.count - remainder));
        gray.into_iter().chain(evenly).collect()
    }

    /// How many pods run the new version when batch `batch` (counted from 0) is complete.
    pub fn target(self, batch: u32, replicas: u32) -> u32 {
        self.sizes(replicas).iter().take(batch as usize + 1).sum()
    }
}

/// A pair of pod counts to reach: of all other versions, and of the version being released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Pods of other versions.
    pub old: u32,
    /// Pods of the version being released.
    pub new: u32,
}

impl Wave {
    /// The rolling-update budgets under which the Deployment controller stops at this pair, given N wanted pods. For (N, 0), which
    /// no budgets express because the API refuses both zero, one new pod is allowed.
    pub fn budgets(self, replicas: u32) -> Bounds {
        let surge = (self.old + self.new).saturating_sub(replicas);
        let unavailable = replicas.saturating_sub(self.old);
        Bounds { surge: if unavailable == 0 { surge.max(1) } else { surge }, unavailable }
    }

    /// The budgets that keep this pair where it is, when the hold is put on pods that were not held: for a moment the Deployment
    /// controller still counts the new ones among them as available, and would take as many old ones away as [`Self::budgets`] seems to allow.
    /// So no more may be missing than is missing of the `ready` pods now.
    pub fn pinned(self, replicas: u32, ready: u32, floor: u32) -> Bounds {
        let Bounds { surge, unavailable } = self.budgets(replicas);
        match unavailable.min(replicas.saturating_sub(ready)) {
            // The API refuses both zero: rather one pod less than one more, where the floor spares it.
            0 if surge == 0 && floor < replicas => Bounds { surge, unavailable: 1 },
            0 => Bounds { surge: surge.max(1), unavailable: 0 },
            unavailable => Bounds { surge, unavailable },
        }
    }
}

/// What the next wave is planned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Wanted pods.
    pub replicas: u32,
    /// Pods that the old sets keep at present.
    pub old: u32,
    /// Pods that the new set keeps at present; all of them ready.
    pub new: u32,
    /// Ready pods that must be left at every moment.
    pub floor: u32,
    /// Pods allowed beyond `replicas`.
    pub surge: u32,
    /// New pods wanted at the end of the present batch.
    pub target: u32,
}

/// The next wave towards the end of the batch, `None` when the batch is where it should be.
///
/// Old pods leave only as far as the floor allows with the new pods that are already ready; new pods come as far as
/// the surge allows. Neither moves backwards.
pub fn next_wave(at: Position) -> Option<Wave> {
    let rest = at.replicas.saturating_sub(at.target);
    let old = rest.max(at.floor.saturating_sub(at.new)).min(at.old);
    let room = (at.replicas + at.surge).saturating_sub(old);
    // The controller always fills up to N: fewer than N - old new pods cannot be asked for.
    let new = at.target.min(room).max(at.new).max(at.replicas.saturating_sub(old));
    (old != at.old || new != at.new).then_some(Wave { old, new })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MANUAL: Batches = Batches { gray: None, count: 3, gate: Gate::Manual };

    #[test]
    fn the_remainder_goes_to_the_later_batches() {
        assert_eq!(MANUAL.sizes(10), [3, 3, 4]);
        assert_eq!(MANUAL.sizes(11), [3, 4, 4]);
        assert_eq!(MANUAL.sizes(2), [0, 1, 1]);
        assert_eq!(Batches { gray: Some(2), ..MANUAL }.sizes(10), [2, 2, 3, 3]);
        assert_eq!(Batches { gray: Some(20), count: 1, gate: Gate::Manual }.sizes(10), [10, 0]);
        assert_eq!(MANUAL.target(1, 10), 6);
    }

    #[test]
    fn a_gray_batch_always_waits_for_a_person() {
        let gray = Batches { gray: Some(1), count: 2, gate: Gate::Automatic { wait_seconds: 60 } };
        assert_eq!(gray.gate_after(0), Gate::Manual);
        assert_eq!(gray.gate_after(1), Gate::Automatic { wait_seconds: 60 });
        assert_eq!(gray.total(), 3);
    }

    #[test]
    fn a_pin_lets_no_ready_pod_go_that_is_missed() {
        let pair = Wave { old: 1, new: 3 };
        assert_eq!(pair.pinned(4, 3, 3), Bounds { surge: 0, unavailable: 1 });
        assert_eq!(pair.pinned(4, 1, 3), Bounds { surge: 0, unavailable: 3 });
        assert_eq!(pair.pinned(4, 4, 3), Bounds { surge: 0, unavailable: 1 });
        assert_eq!(pair.pinned(4, 4, 4), Bounds { surge: 1, unavailable: 0 });
        assert_eq!(Wave { old: 2, new: 3 }.pinned(4, 5, 3), Bounds { surge: 1, unavailable: 0 });
    }

    fn waves(replicas: u32, bounds: Bounds, floor: u32, target: u32) -> Vec<Wave> {
        let mut at = Position { replicas, old: replicas, new: 0, floor, surge: bounds.surge, target };
        let mut waves = Vec::new();
        while let Some(wave) = next_wave(at) {
            waves.push(wave);
            (at.old, at.new) = (wave.old, wave.new);
            assert!(waves.len() < 1000, "planning never ends: {at:?}");
        }
        waves
    }

    #[test]
    fn with_surge_alone_capacity_is_kept() {
        let waves = waves(10, Bounds { surge: 2, unavailable: 0 }, 10, 3);
        assert_eq!(waves, [(10, 2), (8, 3), (7, 3)].map(|(old, new)| Wave { old, new }));
    }

    #[test]
    fn without_surge_pods_are_exchanged_within_the_floor() {
        let waves = waves(10, Bounds { surge: 0, unavailable: 2 }, 8, 3);
        assert_eq!(waves, [(8, 2), (7, 3)].map(|(old, new)| Wave { old, new }));
    }

    proptest! {
        #[test]
        fn every_plan_ends_at_its_target_within_its_bounds(
            replicas in 1u32..40, surge in 0u32..12, unavailable in 0u32..12, count in 1u32..6, budget in 0u32..40,
        ) {
            let bounds = Bounds { surge, unavailable: unavailable.min(replicas) };
            let floor = (replicas - bounds.unavailable).max(budget.min(replicas));
            prop_assume!(surge > 0 || floor < replicas);
            let batches = Batches { gray: None, count, gate: Gate::Manual };
            let mut at = Position { replicas, old: replicas, new: 0, floor, surge, target: 0 };
            for batch in 0..count {
                at.target = batches.target(batch, replicas);
                let mut steps = 0;
                while let Some(wave) = next_wave(at) {
                    prop_assert!(wave.old <= at.old && wave.new >= at.new, "moved backwards");
                    prop_assert!(wave.old + wave.new >= replicas && wave.old + wave.new <= replicas + surge);
                    // New pods of this wave are not ready yet: what is ready is the old pods left and the new ones before.
                    prop_assert!(wave.old + at.new >= floor, "{wave:?} from {at:?} breaks the floor");
                    let budgets = wave.budgets(replicas);
                    prop_assert_eq!(
                        (replicas - budgets.unavailable, budgets.unavailable + budgets.surge),
                        (wave.old, wave.new),
                        "the controller's fixed point is the wave"
                    );
                    (at.old, at.new) = (wave.old, wave.new);
                    steps += 1;
                    prop_assert!(steps <= 2 * replicas + 2, "too many waves");
                }
                prop_assert_eq!((at.old, at.new), (replicas - at.target, at.target));
            }
        }
    }
}
