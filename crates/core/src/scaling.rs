//! Rules by which an application is scaled without anybody asking for it.
//!
//! A rule has triggers by metrics, by time, or both, within bounds:
//!
//! - Metrics are the cluster's to watch: the rule is a HorizontalPodAutoscaler ([`autoscaler`]).
//! - Times are ours ([`schedule`]): at each of them an ordinary change order scales the application. If the rule has metrics as well, the time's target
//!   is also the least that the autoscaler goes to, until the next time.
//!
//! Of several times that have passed without having been dealt with, only the latest counts: what the earlier ones wanted is superseded. So a server that
//! was away catches up with one order, and an application that was busy with another change is scaled to what is right when it is free.

pub mod autoscaler;
pub mod schedule;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use self::schedule::Schedule;
use crate::ids::{AppId, OrderId};
use crate::ports::Kept;

/// The fewest and the most pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The fewest; 0 is 1 for an autoscaler.
    pub least: u32,
    /// The most.
    pub most: u32,
}

impl Bounds {
    /// The number nearest to this one that is within.
    pub fn keep(self, replicas: u32) -> u32 {
        replicas.max(self.least).min(self.most)
    }
}

/// One trigger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// A name for people.
    pub name: String,
    /// What it is, as it was given: JSON as text.
    pub given: String,
    /// What it means.
    pub meaning: Meaning,
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Meaning {
    /// Scales at times.
    Times(Schedule),
    /// Has metrics watched: `spec.metrics` of an autoscaler.
    Metrics(Vec<Value>),
}

/// A rule of one application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The application.
    pub app: AppId,
    /// Unique among the application's rules.
    pub name: String,
    /// EDAS's type, as it was given.
    pub kind: String,
    /// Whether it does anything.
    pub enabled: bool,
    /// Within what it scales.
    pub bounds: Bounds,
    /// When and by what.
    pub triggers: Vec<Trigger>,
    /// `spec.behavior` of the autoscaler; null for Kubernetes's own.
    pub behaviour: Value,
    /// Who made it: its orders are his.
    pub user: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was last disabled.
    pub disabled_at: Option<Timestamp>,
    /// Whether the cluster has the autoscaler that the rule stands for (or none).
    pub applied: bool,
    /// Whether the cluster may have an autoscaler of the rule: written before it is made.
    pub on_cluster: bool,
    /// Times up to this one have been dealt with.
    pub looked_until: Timestamp,
    /// The target of the last time: the least that the autoscaler goes to.
    pub floor: Option<u32>,
    /// What became of the last time.
    pub last: Option<Fired>,
}

impl Kept for Rule {
    const KIND: &'static str = "scaling-rule";
}

/// A time that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// When.
    pub at: Timestamp,
    /// The pods wanted, within the rule's bounds.
    pub replicas: u32,
}

/// What became of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// When it was.
    pub at: Timestamp,
    /// The pods wanted.
    pub replicas: u32,
    /// The order that was begun, if one was.
    pub order: Option<OrderId>,
    /// What happened, in words.
    pub text: String,
}

impl Rule {
    /// The record's id.
    pub fn id(app: AppId, name: &str) -> String {
        format!("{app}/{name}")
    }

    /// The metrics of all triggers.
    pub fn metrics(&self) -> Vec<Value> {
        let of = |trigger: &Trigger| match &trigger.meaning {
            Meaning::Metrics(metrics) => metrics.clone(),
            Meaning::Times(_) => Vec::new(),
        };
        self.triggers.iter().flat_map(of).collect()
    }

    /// Whether the cluster is to have an autoscaler.
    pub fn wants_autoscaler(&self) -> bool {
        self.enabled && !self.metrics().is_empty()
    }

    /// The latest time that has come and was not dealt with. `zones` knows the time zones by name; where one is not known any more, its times do not
    /// come.
    pub fn due(&self, zones: &dyn Fn(&str) -> Option<TimeZone>, now: Timestamp) -> Option<Firing> {
        let latest = |schedule: &Schedule| schedule.latest(&zones(schedule.time_zone())?, self.looked_until, now);
        let firings = self.schedules().filter_map(latest);
        // Of several targets at the same time the highest counts.
        let (at, replicas) = firings.max_by_key(|(at, replicas)| (*at, replicas.unwrap_or(self.bounds.least)))?;
        Some(Firing { at, replicas: self.bounds.keep(replicas.unwrap_or(self.bounds.least)) })
    }

    /// The next time after `now`.
    pub fn next(&self, zones: &dyn Fn(&str) -> Option<TimeZone>, now: Timestamp) -> Option<Timestamp> {
        self.schedules().filter_map(|schedule| schedule.next(&zones(schedule.time_zone())?, now)).min()
    }

    /// The id of the order for a time: the same time always gives the same order, so that no crash can begin it twice.
    pub fn order(&self, at: Timestamp) -> OrderId {
        OrderId::new(Uuid::new_v5(&self.app.uuid(), format!("scaling-rule/{}/{at}", self.name).as_bytes()))
    }

    /// From now on, with no time of before.
    pub fn start_anew(&mut self, now: Timestamp) {
        self.looked_until = now;
        self.floor = None;
        self.applied = false;
    }

    fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        let triggers = self.triggers.iter().filter(|_| self.enabled);
        triggers.filter_map(|trigger| match &trigger.meaning {
            Meaning::Times(schedule) => Some(schedule),
            Meaning::Metrics(_) => None,
        })
    }
}
