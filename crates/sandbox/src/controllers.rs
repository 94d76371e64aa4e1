//! The controllers: level-triggered functions over the store, run one at a time from one [`agenda`].
//!
//! ```text
//!   store's log ─► observe: which objects does this change concern? ─► agenda ─► sync(object) ─► writes ─► store's log
//!                                                                        ▲               │
//!                                                                        └── timers ◄────┘
//! ```
//!
//! A controller reads the store as it is, never what triggered it, so it does not matter how often or in which order
//! it runs; the order is fixed all the same, to make runs repeatable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::StdRng;
use serde_json::Value;

use self::agenda::{Agenda, Name, Task};
use self::events::{Note, Recorder, Severity};
use crate::nodes::Nodes;
use crate::resources::{self, Resource};
use crate::sandbox::Options;
use crate::status::Status;
use crate::storage::Storage;
use crate::writes::Writes;

pub(crate) mod agenda;
mod deployment;
mod disruption;
mod endpoints;
pub(crate) mod events;
mod garbage;
mod namespace;
pub(crate) mod observe;
pub(crate) mod pod;
pub(crate) mod quota;
mod replicaset;
pub(crate) mod selector;

/// What a controller may touch while it runs.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) storage: &'a mut Storage,
    pub(crate) rng: &'a mut StdRng,
    pub(crate) now: Timestamp,
    pub(crate) agenda: &'a mut Agenda,
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) index: &'a Index,
    pub(crate) nodes: &'a mut Nodes,
    pub(crate) options: &'a Options,
}

/// What is kept beside the store so that no controller has to look through everything.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Names of pods without a controller, by namespace.
    pub(crate) orphans: BTreeMap<String, BTreeSet<String>>,
    /// Pods that wait for a node.
    pub(crate) unplaced: BTreeSet<Name>,
    /// Names of the pods on each node.
    pub(crate) on_node: BTreeMap<String, BTreeSet<Name>>,
}

impl Context<'_> {
    pub(crate) fn get(&self, resource: &Resource, name: &Name) -> Option<Arc<Value>> {
        self.storage.get(resource, &name.namespace, &name.name).map(Arc::clone)
    }

    pub(crate) fn writes(&mut self) -> Writes<'_> {
        Writes::new(self.storage, self.rng, self.now)
    }

    pub(crate) fn event(
        &mut self,
        object: &Value,
        severity: Severity,
        reason: &str,
        message: &str,
        component: &'static str,
    ) {
        self.note(Note { object, severity, reason, message, component, host: "", field_path: "" });
    }

    pub(crate) fn note(&mut self, note: Note<'_>) {
        if !self.options.routine_events && note.is_routine() {
            return;
        }
        self.recorder.record(self.storage, self.rng, self.now, note);
        if let Ok(time) = self.now.checked_add(events::KEPT_FOR) {
            // One timer for the oldest event is enough; it renews itself.
            if !self.recorder.is_watched() {
                self.recorder.watched(true);
                self.agenda.at(time, Task::ExpireEvents);
            }
        }
    }

    /// The pods of a namespace that have no controller.
    pub(crate) fn orphans(&self, namespace: &str) -> Vec<Arc<Value>> {
        let names = self.index.orphans.get(namespace).into_iter().flatten();
        names.filter_map(|name| self.storage.get(resources::PODS, namespace, name).cloned()).collect()
    }
}

/// Runs one task.
pub(crate) fn run(context: &mut Context<'_>, task: &Task) -> Result<(), Status> {
    match task {
        Task::Deployment(name) => deployment::sync(context, name),
        Task::ReplicaSet(name) => replicaset::sync(context, name),
        Task::Finalize(key) => garbage::finalize(context, key),
        Task::Collect(key) => garbage::collect(context, key),
        Task::Namespace(name) => namespace::sync(context, name),
        Task::Endpoints(name) => endpoints::sync(context, name),
        Task::Disruption(name) => disruption::sync(context, name),
        Task::Quota(namespace) => quota::sync(context, namespace),
        Task::Schedule(name) => crate::nodes::scheduler::sync(context, name),
        Task::Kubelet(name) => crate::nodes::kubelet::sync(context, name),
        Task::Node(name) => crate::nodes::health::sync(context, name),
        Task::CollectPods(name) => crate::nodes::health::collect_pods(context, name),
        Task::ExpireEvents => {
            match context.recorder.expire(context.storage, context.rng, context.now) {
                Some(time) => context.agenda.at(time, Task::ExpireEvents),
                None => context.recorder.watched(false),
            }
            Ok(())
        }
    }
}
