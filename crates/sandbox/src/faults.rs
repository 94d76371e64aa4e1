//! Faults that clients switch on: what an API server, the network to it, or a webhook behind it may do wrong.
//!
//! ```text
//!  Request ─► control path? ──yes──► list, replace or clear the rules
//!                 │ no
//!             first rule that fires ─► Verdict: an answer, an answer later, or none at all
//!                 │ none
//!              api::handle
//! ```
//!
//! Deciding is pure: rules, counters, the time and the sandbox's own random numbers. Resets, silence and delays are carried
//! out by the HTTP edge, which alone has connections and time. Faults lie in front of the API and nowhere else: controllers and nodes
//! inside go on undisturbed.

mod control;
mod glob;
mod rule;

use jiff::{SignedDuration, Timestamp};
use rand::Rng as _;
use rand::rngs::StdRng;

pub use self::rule::{Failure, Fault, Match, Rule};
use crate::api::{Request, Response};

/// What is to become of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It is answered.
    Answer(Response),
    /// It is done; the answer goes out only after this time.
    AnswerLater(Response, SignedDuration),
    /// It is done after this time, as far as its client is still there.
    HandleLater(SignedDuration),
    /// The connection is reset.
    Reset,
    /// Nothing is ever answered.
    Silence,
}

/// How often something happened to all open watches. A watch that was opened at another count is hit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Interruptions {
    /// They broke off.
    pub cut: u64,
    /// They ended with the error 410.
    pub expired: u64,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Armed>,
    away_until: Option<Timestamp>,
    interruptions: Interruptions,
}

/// A rule with its counters.
#[derive(Debug, Clone)]
struct Armed {
    rule: Rule,
    /// Requests that matched.
    seen: u64,
    /// Requests that it was applied to.
    hit: u64,
}

impl Armed {
    /// Counts a request that matches; true if the fault is to happen to it.
    fn fires(&mut self, rng: &mut StdRng) -> bool {
        self.seen += 1;
        let rule = &self.rule;
        let due = self.seen > rule.skip && rule.times.is_none_or(|times| self.hit < times);
        let fires = due && (rule.probability >= 1.0 || rng.random::<f64>() < rule.probability);
        self.hit += u64::from(fires);
        fires
    }
}

impl Faults {
    /// Replaces all rules. Counters begin anew, and a server that was away is back.
    pub fn set(&mut self, rules: Vec<Rule>) {
        self.rules = rules.into_iter().map(|rule| Armed { rule, seen: 0, hit: 0 }).collect();
        self.away_until = None;
    }

    /// The requests that each rule has seen and hit, in their order.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        self.rules.iter().map(|armed| (armed.seen, armed.hit)).collect()
    }

    /// What has happened to open watches so far.
    pub fn interruptions(&self) -> Interruptions {
        self.interruptions
    }

    /// The answer, if the request is about the rules themselves.
    pub(crate) fn control(&mut self, request: &Request) -> Option<Response> {
        control::answer(self, request)
    }

    /// The fault that is to happen to a request.
    pub(crate) fn strike(&mut self, request: &Request, now: Timestamp, rng: &mut StdRng) -> Option<Fault> {
        if self.away_until.is_some_and(|until| now < until) {
            return Some(Fault::Reset { applied: false });
        }
        self.away_until = None;
        if self.rules.is_empty() {
            return None;
        }
        let sight = rule::Sight::of(request);
        // Each rule counts what reaches it: a request that an earlier one was applied to does not.
        let mut covering = self.rules.iter_mut().filter(|armed| armed.rule.matching.covers(&sight));
        let fault = covering.find_map(|armed| armed.fires(rng).then(|| armed.rule.fault.clone()))?;
        match &fault {
            Fault::CutWatches => self.interruptions.cut += 1,
            Fault::ExpireWatches => self.interruptions.expired += 1,
            Fault::Away { milliseconds } => {
                self.interruptions.cut += 1;
                self.away_until = Some(now.saturating_add(after(*milliseconds)).unwrap_or(Timestamp::MAX));
            }
            Fault::Status(_)
            | Fault::Denial { .. }
            | Fault::Reset { .. }
            | Fault::Silence { .. }
            | Fault::Delay { .. } => {}
        }
        Some(fault)
    }
}

/// As rules write times.
pub(crate) fn after(milliseconds: u32) -> SignedDuration {
    SignedDuration::from_millis(i64::from(milliseconds))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use serde_json::{Value, json};

    use super::*;

    fn faults(rules: Value) -> Faults {
        let mut faults = Faults::default();
        faults.set(serde_json::from_value(rules).unwrap());
        faults
    }

    fn patch(name: &str) -> Request {
        Request {
            method: "PATCH".into(),
            path: format!("/apis/apps/v1/namespaces/shop/deployments/{name}"),
            headers: vec![("user-agent".into(), "sternway/0.1".into())],
            body: "{\"spec\":{}}".into(),
            ..Request::default()
        }
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn struck(faults: &mut Faults, request: &Request, times: usize) -> Vec<bool> {
        let mut rng = StdRng::seed_from_u64(7);
        (0..times).map(|_| faults.strike(request, now(), &mut rng).is_some()).collect()
    }

    #[test]
    fn a_rule_skips_hits_and_is_used_up() {
        let mut faults = faults(json!([{"skip": 1, "times": 2, "fault": {"type": "status", "code": 500}}]));
        assert_eq!(struck(&mut faults, &patch("web"), 5), [false, true, true, false, false]);
        assert_eq!(faults.counts(), [(5, 2)]);
    }

    #[test]
    fn everything_in_a_match_has_to_fit() {
        let table = [
            (json!({}), true),
            (json!({"verbs": ["get", "patch"]}), true),
            (json!({"verbs": ["update"]}), false),
            (json!({"path": "/apis/apps/*"}), true),
            (json!({"path": "/api/*"}), false),
            (json!({"resource": "deployments"}), true),
            (json!({"resource": "pods"}), false),
            (json!({"namespace": "sh*", "name": "w?b"}), true),
            (json!({"namespace": "bank", "name": "web"}), false),
            (json!({"userAgent": "sternway/*"}), true),
            (json!({"userAgent": "kubectl*"}), false),
            (json!({"body": "*\"spec\"*"}), true),
            (json!({"body": "*minReadySeconds*"}), false),
        ];
        for (matching, wanted) in table {
            let mut faults = faults(json!([{"match": matching, "fault": {"type": "reset"}}]));
            assert_eq!(struck(&mut faults, &patch("web"), 1), [wanted], "{matching}");
        }
    }

    #[test]
    fn the_first_rule_that_fires_wins_and_the_later_one_does_not_count() {
        let mut faults = faults(json!([
            {"times": 1, "fault": {"type": "reset"}},
            {"skip": 1, "fault": {"type": "silence"}},
        ]));
        let mut rng = StdRng::seed_from_u64(1);
        let mut next = || faults.strike(&patch("web"), now(), &mut rng);
        assert!(matches!(next(), Some(Fault::Reset { .. })));
        assert!(next().is_none());
        assert!(matches!(next(), Some(Fault::Silence { .. })));
    }

    #[test]
    fn chance_follows_the_seed() {
        let rules = json!([{"probability": 0.5, "fault": {"type": "reset"}}]);
        let first = struck(&mut faults(rules.clone()), &patch("web"), 100);
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((20..80).contains(&hits), "{hits} of 100");
        assert_eq!(struck(&mut faults(rules), &patch("web"), 100), first);
    }

    #[test]
    fn a_server_that_is_away_comes_back() {
        let mut faults = faults(json!([{"times": 1, "fault": {"type": "away", "milliseconds": 1000}}]));
        let mut rng = StdRng::seed_from_u64(1);
        let mut at = |milliseconds| {
            faults.strike(&patch("web"), now() + SignedDuration::from_millis(milliseconds), &mut rng).is_some()
        };
        assert_eq!([at(0), at(999), at(1000)], [true, true, false]);
        assert_eq!(faults.interruptions(), Interruptions { cut: 1, expired: 0 });
    }
}
