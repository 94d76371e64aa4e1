//! PodDisruptionBudgets: how many pods they want to see healthy.

use serde_json::Value;
use sternway_core::strategy::Amount;

use super::selector::{Labels, Selector};
use super::text;

/// What is kept of a PodDisruptionBudget.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Budget {
    /// Its namespace.
    pub(crate) namespace: String,
    selector: Option<Selector>,
    demand: Option<Demand>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Demand {
    MinAvailable(Amount),
    MaxUnavailable(Amount),
}

impl Budget {
    /// Reduces the object.
    pub(crate) fn reduce(object: &Value) -> Self {
        let spec = &object["spec"];
        let amount = |field: &str| Amount::from_json(&spec[field]);
        Self {
            namespace: text(&object["metadata"]["namespace"]),
            selector: Selector::from_json(&spec["selector"]),
            demand: amount("minAvailable")
                .map(Demand::MinAvailable)
                .or_else(|| amount("maxUnavailable").map(Demand::MaxUnavailable)),
        }
    }

    /// Whether it guards pods with these labels.
    pub(crate) fn guards(&self, labels: &Labels) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(labels))
    }

    /// How many of `replicas` pods it wants healthy; percentages round up, as the disruption controller rounds both of them.
    pub(crate) fn floor(&self, replicas: u32) -> u32 {
        match self.demand {
            None => 0,
            Some(Demand::MinAvailable(amount)) => rounded_up(amount, replicas),
            Some(Demand::MaxUnavailable(amount)) => replicas.saturating_sub(rounded_up(amount, replicas)),
        }
    }
}

fn rounded_up(amount: Amount, of: u32) -> u32 {
    match amount {
        Amount::Pods(pods) => pods,
        Amount::Percent(percent) => {
            let share = (u64::from(percent) * u64::from(of)).div_ceil(100);
            u32::try_from(share).unwrap_or(u32::MAX)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::selector::labels;
    use super::*;

    #[test]
    fn floors_round_in_favour_of_what_the_budget_says() {
        let table = [
            (json!({"minAvailable": 3}), 10, 3),
            (json!({"minAvailable": "50%"}), 5, 3),
            (json!({"minAvailable": "100%"}), 7, 7),
            (json!({"maxUnavailable": 1}), 10, 9),
            (json!({"maxUnavailable": "30%"}), 5, 3),
            (json!({"maxUnavailable": 20}), 10, 0),
            (json!({"maxUnavailable": 0}), 4, 4),
            (json!({}), 4, 0),
        ];
        for (spec, replicas, floor) in table {
            assert_eq!(Budget::reduce(&json!({"spec": spec})).floor(replicas), floor, "{spec}");
        }
    }

    #[test]
    fn no_selector_guards_nothing_and_an_empty_one_everything() {
        let web = labels(&json!({"app": "web"}));
        assert!(!Budget::reduce(&json!({"spec": {}})).guards(&web));
        assert!(Budget::reduce(&json!({"spec": {"selector": {}}})).guards(&web));
    }
}
