//! Requests that go to the gray batch of a release, and all others that go to the old pods: EDAS's TrafficControlStrategy.
//!
//! ```text
//!  gray pods ready          gray batch confirmed, or any end               the end
//!        │                               │                                    │
//!        ▼                               ▼                                    ▼
//!   Setting ──────────────► on       Returning ─────────► returned         Cleaning ─► nothing is left
//!   Service of the old pods          both Services select all pods         routes once more
//!   Service of the new pods          routes as they were                   both Services deleted
//!   routes divided
//! ```
//!
//! A round is a row of writes, each decided, committed and performed like any other effect of an order, and each harmless when it is repeated. Returning begins
//! by making the two Services select all pods: from there on no request goes to a Service without pods, whatever becomes of the routes, and the pods may
//! go. That is why a cluster that has lost its Gateway API, or a route that someone took away, never holds up a way back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::effect::{Effect, ObjectChange, RouteChange, Routing};
use crate::ids::OrderId;
use crate::ports::ObjectKind;
use crate::route::{Rule, Split};

/// The label of the two Services: the order that made them.
pub const STEERED_BY_LABEL: &str = "sternway.io/steered-by";
/// The Deployment controller's label that tells apart the pods of two templates.
const HASH_LABEL: &str = "pod-template-hash";
/// A Service's name has at most 63 characters; this leaves room for what is put behind.
const LONGEST_STEM: usize = 48;
/// From a Service's first moment until its pods are known wherever requests are led: the cluster finds them out by itself.
const ENDPOINTS_LAG: SignedDuration = SignedDuration::from_secs(3);
/// Services that come before routes.
const SERVICES: usize = 2;
/// Tries of one write of a way back, before it goes on without it.
const MOST_TRIES: u32 = 3;

/// What is steered, and how: found out before the order is born.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SteeringPlan {
    /// The strategy, as the client gave it.
    pub given: String,
    /// Which requests go to the gray batch.
    pub rules: Vec<Rule>,
    /// The Service of all pods.
    pub service: String,
    /// What it selects.
    pub selector: BTreeMap<String, String>,
    /// Its ports, as another Service may have them.
    pub ports: Value,
    /// The kind of the routes, as the cluster serves it.
    pub kind: ObjectKind,
    /// The routes that lead to the Service.
    pub routes: Vec<SteeredRoute>,
}

/// A route that leads to the application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SteeredRoute {
    /// Its name.
    pub name: String,
    /// Its rules when the order was planned, for a preview; what counts is what they are when they are divided.
    pub rules: Vec<Value>,
}

/// A row of writes; see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Round {
    /// Requests are divided.
    Setting,
    /// They go where they went before.
    Returning,
    /// Nothing of it is left.
    Cleaning,
}

/// The two ReplicaSets, by the hashes of their templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// Of the pods that are there from before.
    pub old: String,
    /// Of the pods of the version being released.
    pub new: String,
}

/// A plan, and how far it has got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Steering {
    plan: SteeringPlan,
    order: OrderId,
    hashes: Option<Hashes>,
    /// `None`: nothing was written yet.
    round: Option<Round>,
    /// The write of the round that comes next.
    next: usize,
    /// Tries of that write.
    tries: u32,
    /// When the two Services were there.
    services_since: Option<Timestamp>,
    /// Writes of the round that were given up.
    given_up: Vec<GivenUp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct GivenUp {
    write: usize,
    what: String,
    why: String,
}

impl Steering {
    /// Nothing is written yet.
    pub fn new(plan: SteeringPlan, order: OrderId) -> Self {
        Self { plan, order, hashes: None, round: None, next: 0, tries: 0, services_since: None, given_up: Vec::new() }
    }

    /// What is steered.
    pub fn plan(&self) -> &SteeringPlan {
        &self.plan
    }

    /// The names of the two Services.
    pub fn split(&self) -> Split {
        let service = &self.plan.service;
        let stem = service.get(..LONGEST_STEM).unwrap_or(service);
        let id = self.order.to_string();
        let id = id.get(..8).unwrap_or(&id);
        Split {
            service: service.clone(),
            old: format!("{stem}-old-{id}"),
            new: format!("{stem}-new-{id}"),
            rules: self.plan.rules.clone(),
        }
    }

    /// The sets whose pods are told apart, while they are.
    pub fn hashes(&self) -> Option<&Hashes> {
        self.hashes.as_ref()
    }

    /// Something of it is on the cluster, or may be.
    pub fn is_there(&self) -> bool {
        match self.round {
            None => false,
            Some(Round::Setting | Round::Returning) => true,
            Some(Round::Cleaning) => !self.is_done(),
        }
    }

    /// Requests are not divided: not yet, or not any more.
    pub fn is_put_back(&self) -> bool {
        match self.round {
            None | Some(Round::Cleaning) => true,
            Some(Round::Setting) => false,
            Some(Round::Returning) => self.is_done(),
        }
    }

    /// The round that is under way or done.
    pub fn round(&self) -> Option<Round> {
        self.round
    }

    /// All writes of the round are done, or given up.
    pub fn is_done(&self) -> bool {
        self.next >= self.count()
    }

    /// Requests are divided between these pods.
    pub fn is_on(&self, hashes: &Hashes) -> bool {
        self.round == Some(Round::Setting) && self.is_done() && self.hashes.as_ref() == Some(hashes)
    }

    /// No request goes to a Service that will have no pods: either both select all pods, or no route leads to them.
    pub fn is_safe(&self) -> bool {
        let given_up = |which: fn(usize) -> bool| self.given_up.iter().any(|one| which(one.write));
        self.round != Some(Round::Returning)
            || !given_up(|write| write < SERVICES)
            || !given_up(|write| write >= SERVICES)
    }

    /// Begins a round, unless it is under way or done.
    pub(crate) fn begin(&mut self, round: Round) -> bool {
        let begins = self.round != Some(round);
        if begins {
            self.begin_anew(round);
        }
        begins
    }

    fn begin_anew(&mut self, round: Round) {
        self.round = Some(round);
        self.next = 0;
        self.tries = 0;
        self.given_up.clear();
    }

    /// Begins to divide the requests between these pods, unless that is under way or done.
    pub(crate) fn begin_setting(&mut self, hashes: Hashes) -> bool {
        let begins = self.round != Some(Round::Setting) || self.hashes.as_ref() != Some(&hashes);
        if begins {
            self.hashes = Some(hashes);
            self.begin_anew(Round::Setting);
        }
        begins
    }

    /// For the order that rolls back: what is left to be put back, tried from the beginning.
    pub(crate) fn carried(&self) -> Option<Self> {
        self.is_there().then(|| {
            let mut carried = self.clone();
            carried.begin_anew(self.round.unwrap_or(Round::Returning));
            carried
        })
    }

    /// The write that comes next; `None` if the round is done.
    pub(crate) fn effect(&self) -> Option<Effect> {
        let at = self.next;
        let routes = self.plan.routes.len();
        Some(match self.round? {
            _ if self.is_done() => return None,
            Round::Setting | Round::Returning if at < SERVICES => {
                self.service(at == 1, self.round == Some(Round::Setting))
            }
            Round::Setting => self.route(at - SERVICES, Routing::Divided),
            Round::Returning => self.route(at - SERVICES, Routing::PutBack),
            Round::Cleaning if at < routes => self.route(at, Routing::Clean),
            Round::Cleaning => self.object(at == routes, None),
        })
    }

    fn count(&self) -> usize {
        let routes = self.plan.routes.len();
        match self.round {
            None => 0,
            // While a route may still lead to them, the Services stay.
            Some(Round::Cleaning) if self.given_up.iter().any(|one| one.write < routes) => routes,
            Some(Round::Setting | Round::Returning | Round::Cleaning) => routes + SERVICES,
        }
    }

    /// When the next write may be made: requests are led to a Service only when it is known which pods it has.
    pub(crate) fn not_before(&self) -> Option<Timestamp> {
        let is_first_route = self.round == Some(Round::Setting) && self.next == SERVICES;
        self.services_since.filter(|_| is_first_route).and_then(|since| since.checked_add(ENDPOINTS_LAG).ok())
    }

    /// For a way back that is under way: what was given up of it is tried once more.
    pub(crate) fn try_again(&mut self) {
        if self.round == Some(Round::Returning) && !self.given_up.is_empty() {
            self.begin_anew(Round::Returning);
        }
    }

    /// The next write is done. True if it was the last one of its round.
    pub(crate) fn done(&mut self, now: Timestamp) -> bool {
        self.next += 1;
        if self.next == SERVICES {
            self.services_since = Some(now);
        }
        self.tries = 0;
        self.is_done()
    }

    /// The next write was tried in vain. True if it is to be tried again.
    pub(crate) fn tried(&mut self) -> bool {
        self.tries += 1;
        self.tries < MOST_TRIES
    }

    /// The round goes on without the next write.
    pub(crate) fn give_up(&mut self, why: &str) {
        let what = match self.effect() {
            Some(Effect::Route(change)) => format!("the HTTPRoute {}", change.name),
            Some(Effect::Object(change)) => format!("the Service {}", change.name),
            _ => return,
        };
        self.given_up.push(GivenUp { write: self.next, what, why: why.to_owned() });
        self.next += 1;
        self.tries = 0;
    }

    /// The round ends here: the cluster cannot be reached.
    pub(crate) fn give_up_round(&mut self, why: &str) {
        while !self.is_done() {
            self.give_up(why);
        }
    }

    /// What was given up, in words.
    pub fn troubles(&self) -> Option<String> {
        let troubles: Vec<String> = self.given_up.iter().map(|one| format!("{}: {}", one.what, one.why)).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    /// Where it stands, for a person.
    pub fn state(&self) -> String {
        let troubles = self.troubles().map_or_else(String::new, |troubles| format!(" ({troubles})"));
        match self.round {
            None => "requests are divided when the gray batch is ready".to_owned(),
            Some(Round::Setting) if self.is_done() => {
                "requests that match go to the new pods, all others to the old ones".to_owned()
            }
            Some(Round::Setting) => "the gray batch is ready: requests are being divided".to_owned(),
            Some(Round::Returning) if self.is_done() => format!("requests go to all pods, as before{troubles}"),
            Some(Round::Returning) => "requests are being led to all pods, as before".to_owned(),
            Some(Round::Cleaning) if self.is_done() && self.given_up.is_empty() => {
                "requests go to all pods, as before; nothing is left of the division".to_owned()
            }
            Some(Round::Cleaning) => format!("what divided the requests is being removed{troubles}"),
        }
    }

    /// What is left on the cluster when an order ends without having removed it, and how to remove it by hand; `None` if nothing is.
    pub fn left(&self, namespace: &str) -> Option<String> {
        if self.round.is_none() || (!self.is_there() && self.given_up.is_empty()) {
            return None;
        }
        let troubles = self.troubles().map_or_else(String::new, |troubles| format!(" ({troubles})"));
        let routes: Vec<&str> = self.plan.routes.iter().map(|route| route.name.as_str()).collect();
        Some(format!(
            "what divided the requests for the gray batch may not be removed whole{troubles}: where an HTTPRoute ({}) still has an annotation \
             sternway.io/unsteer-…, run the line in it; then `kubectl -n {namespace} delete service -l {STEERED_BY_LABEL}={}`",
            routes.join(", "),
            self.order
        ))
    }

    fn route(&self, index: usize, routing: Routing) -> Effect {
        let name = self.plan.routes.get(index).map(|route| route.name.clone()).unwrap_or_default();
        let change = RouteChange { kind: self.plan.kind.clone(), name, split: self.split(), routing };
        Effect::Route(Box::new(change))
    }

    /// One of the two Services: of its own pods, or of all.
    fn service(&self, is_new: bool, own_pods: bool) -> Effect {
        let hash =
            self.hashes.as_ref().filter(|_| own_pods).map(|hashes| if is_new { &hashes.new } else { &hashes.old });
        let mut selector: Map<String, Value> =
            self.plan.selector.iter().map(|(label, value)| (label.clone(), json!(value))).collect();
        selector.insert(HASH_LABEL.to_owned(), json!(hash));
        let patch = json!({
            "metadata": {"labels": {STEERED_BY_LABEL: self.order.to_string()}},
            "spec": {"type": "ClusterIP", "selector": selector, "ports": self.plan.ports},
        });
        self.object(is_new, Some(patch))
    }

    fn object(&self, is_new: bool, patch: Option<Value>) -> Effect {
        let split = self.split();
        let name = if is_new { split.new } else { split.old };
        let change = ObjectChange { kind: ObjectKind::SERVICE, name, patch, selects: BTreeMap::new() };
        Effect::Object(Box::new(change))
    }
}
