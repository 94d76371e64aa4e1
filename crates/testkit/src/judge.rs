//! The invariants, judged from what was stored and what is in the cluster, never from what the engine says of itself.
//!
//! ```text
//!  commits, leases, answers ─► orders ─┐
//!                                      ├─► the first broken promise ends the run
//!  the sandbox's log, writes ─► cluster ┘
//! ```
//!
//! What others do to the cluster excuses what follows from it; each excuse is explicit, and ends when things have settled.

mod cluster;
mod orders;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sternway_core::application::Application;
use sternway_core::ids::{AppId, Fence, OrderId, VersionNumber};
use sternway_core::order::Order;
use sternway_core::version::Version;

pub(crate) use self::cluster::{Outside, READ_AGE, Watch};
pub(crate) use self::view::{Live, is_ready};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: &'static str,
    /// How.
    pub text: String,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) violation: Option<Violation>,
    /// What happened in the cluster, in words, if somebody wants to know.
    pub(crate) notes: Option<Vec<String>>,
    pub(crate) calm: bool,
    /// Sternway is gone: a PodDisruptionBudget binds evictions, not the native controller.
    pub(crate) alone: bool,
    pub(crate) commits: u64,
    /// As last stored.
    pub(crate) orders: BTreeMap<OrderId, Order>,
    /// In the sequence of their birth.
    pub(crate) births: Vec<OrderId>,
    pub(crate) apps: BTreeMap<AppId, Application>,
    pub(crate) versions: BTreeMap<(AppId, VersionNumber), Version>,
    leases: BTreeMap<OrderId, Fence>,
    /// Which process holds a fence, whatever life it is in: one that comes back in time under its name goes on with its lease.
    owners: BTreeMap<Fence, usize>,
    abort_asked: BTreeSet<OrderId>,
    rollbacks: BTreeMap<OrderId, OrderId>,
    /// By the name of the Deployment.
    pub(crate) watches: BTreeMap<String, Watch>,
    /// The revision of the cluster up to which its log was read.
    seen: u64,
}

impl Judge {
    /// `record` keeps notes of what happens in the cluster.
    pub(crate) fn new(record: bool) -> Self {
        Self { notes: record.then(Vec::new), ..Self::default() }
    }

    /// Notes a broken promise; the first one counts.
    pub(crate) fn broken(&mut self, promise: &'static str, text: impl Into<String>) {
        if self.violation.is_none() {
            self.violation = Some(Violation { promise, text: text.into() });
        }
    }

    pub(crate) fn watch(&mut self, name: &str) -> &mut Watch {
        self.watches.entry(name.to_owned()).or_default()
    }

    /// The orders of the workload of this name, newest last.
    pub(crate) fn orders_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &Order> {
        let orders = self.births.iter().filter_map(|id| self.orders.get(id));
        orders.filter(move |order| order.workload.name == name)
    }

    pub(crate) fn active_of(&self, name: &str) -> Option<&Order> {
        self.orders_of(name).find(|order| !order.status.is_terminal())
    }

    /// The application that now has this workload.
    pub(crate) fn app_of(&self, name: &str) -> Option<&Application> {
        self.apps.values().find(|app| app.workload.name == name)
    }

    pub(crate) fn resized_from(&self, order: OrderId) -> Option<u32> {
        match &self.orders.get(&order)?.job {
            sternway_core::order::Job::Resize(resize) => Some(resize.from),
            _ => None,
        }
    }

    /// Someone changed the cluster without us.
    pub(crate) fn outside(&mut self, name: &str, what: Outside, now: Timestamp) {
        let watch = self.watch(name);
        watch.disturb(now);
        watch.outside.insert(what, now);
    }
}
