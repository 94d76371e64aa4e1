//! A Deployment's own update strategy, and its bounds resolved for a number of pods.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A Kubernetes int-or-percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    /// An absolute number of pods.
    Pods(u32),
    /// A percentage of the wanted pods.
    Percent(u32),
}

impl Amount {
    /// Reads `3` or `"25%"`; anything else is `None`.
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self::Pods(u32::try_from(number.as_u64()?).ok()?)),
            Value::String(text) => match text.strip_suffix('%') {
                Some(percent) => Some(Self::Percent(percent.parse().ok()?)),
                None => Some(Self::Pods(text.parse().ok()?)),
            },
            _ => None,
        }
    }

    /// The form the Kubernetes API uses.
    pub fn to_json(self) -> Value {
        match self {
            Self::Pods(pods) => json!(pods),
            Self::Percent(percent) => json!(format!("{percent}%")),
        }
    }

    fn rounded_up(self, of: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => share(percent, of).div_ceil(100) as u32,
        }
    }

    fn rounded_down(self, of: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => (share(percent, of) / 100) as u32,
        }
    }
}

fn share(percent: u32, of: u32) -> u64 {
    u64::from(percent) * u64::from(of)
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pods(pods) => write!(formatter, "{pods}"),
            Self::Percent(percent) => write!(formatter, "{percent}%"),
        }
    }
}

/// A Deployment's `spec.strategy`, as it was before anything was borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// Pods are replaced a few at a time.
    RollingUpdate {
        /// How many pods may exist beyond the wanted number.
        max_surge: Amount,
        /// How many of the wanted pods may be missing.
        max_unavailable: Amount,
    },
    /// All old pods go before the first new one comes.
    Recreate,
}

/// What Kubernetes fills in where a Deployment names no strategy.
pub const DEFAULT_STRATEGY: Strategy =
    Strategy::RollingUpdate { max_surge: Amount::Percent(25), max_unavailable: Amount::Percent(25) };

/// Absolute bounds of a rolling update. Never both zero: such an update could not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Pods beyond the wanted number.
    pub surge: u32,
    /// Wanted pods that may be missing.
    pub unavailable: u32,
}

impl Strategy {
    /// Reads a `spec.strategy` object; missing parts get Kubernetes's defaults.
    pub fn from_json(value: &Value) -> Self {
        if value["type"] == "Recreate" {
            return Self::Recreate;
        }
        let amount = |name: &str| Amount::from_json(&value["rollingUpdate"][name]).unwrap_or(Amount::Percent(25));
        Self::RollingUpdate { max_surge: amount("maxSurge"), max_unavailable: amount("maxUnavailable") }
    }

    /// The form the Kubernetes API stores.
    pub fn to_json(self) -> Value {
        match self {
            Self::Recreate => json!({"type": "Recreate"}),
            Self::RollingUpdate { max_surge, max_unavailable } => json!({
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": max_surge.to_json(), "maxUnavailable": max_unavailable.to_json()},
            }),
        }
    }

    /// The bounds for `replicas` wanted pods, rounded as Kubernetes rounds: surge up, unavailable down, and
    /// unavailable 1 where both would be 0. `None` for Recreate.
    pub fn bounds(self, replicas: u32) -> Option<Bounds> {
        match self {
            Self::Recreate => None,
            Self::RollingUpdate { max_surge, max_unavailable } => {
                let surge = max_surge.rounded_up(replicas);
                let unavailable = max_unavailable.rounded_down(replicas).min(replicas);
                let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
                Some(Bounds { surge, unavailable })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_as_kubernetes_rounds() {
        let table = [(1, 1, 0), (3, 1, 0), (4, 1, 1), (5, 2, 1), (7, 2, 1), (10, 3, 2), (23, 6, 5)];
        for (replicas, surge, unavailable) in table {
            assert_eq!(DEFAULT_STRATEGY.bounds(replicas), Some(Bounds { surge, unavailable }), "{replicas} pods");
        }
    }

    #[test]
    fn both_zero_becomes_one_unavailable() {
        let strategy = Strategy::RollingUpdate { max_surge: Amount::Pods(0), max_unavailable: Amount::Percent(1) };
        assert_eq!(strategy.bounds(10), Some(Bounds { surge: 0, unavailable: 1 }));
    }

    #[test]
    fn json_round_trips() {
        for strategy in [
            Strategy::Recreate,
            DEFAULT_STRATEGY,
            Strategy::RollingUpdate { max_surge: Amount::Pods(2), max_unavailable: Amount::Pods(0) },
        ] {
            assert_eq!(Strategy::from_json(&strategy.to_json()), strategy);
        }
        assert_eq!(Strategy::from_json(&Value::Null), DEFAULT_STRATEGY);
    }
}
