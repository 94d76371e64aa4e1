//! What is to be reconciled, and when: one queue for all controllers, with timers and back-off.
//!
//! A task names an object and carries no data: whoever runs it looks at the world afresh. Tasks run in the order in
//! which they were asked for, each at most once at a time, so a run is the same for the same input. Tasks that only sum
//! up (endpoints, budgets, quotas) wait for all others, or they would run once for every pod.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::storage::ObjectKey;

/// A namespaced name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Name {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(object: &serde_json::Value) -> Self {
        Self::new(crate::object::namespace(object), crate::object::name(object))
    }
}

/// One thing to reconcile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// Roll out, scale and report on a Deployment.
    Deployment(Name),
    /// Create and delete the pods of a ReplicaSet.
    ReplicaSet(Name),
    /// The object was deleted in the foreground or by orphaning: deal with its dependents.
    Finalize(ObjectKey),
    /// The object may have lost its last owner.
    Collect(ObjectKey),
    /// Give a namespace what every namespace has, or empty one that is going away.
    Namespace(String),
    /// Endpoints and EndpointSlice of a Service.
    Endpoints(Name),
    /// Status of a PodDisruptionBudget.
    Disruption(Name),
    /// Status of the ResourceQuotas of a namespace.
    Quota(String),
    /// Find a node for a pod.
    Schedule(Name),
    /// Run, stop or restart the containers of a pod.
    Kubelet(Name),
    /// Heartbeat and health of a node.
    Node(String),
    /// A node is gone: so are its pods.
    CollectPods(String),
    /// Forget old events.
    ExpireEvents,
}

impl Task {
    /// Whether the task sums up what other tasks do, so that it is done once, after them.
    fn can_wait(&self) -> bool {
        matches!(self, Self::Endpoints(_) | Self::Disruption(_) | Self::Quota(_))
    }
}

/// The first delay after a failure; it doubles with every further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_millis(50);
/// The longest delay between two attempts.
const LAST_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: VecDeque<Task>,
    /// Tasks that wait until nothing else is left to do.
    idle: VecDeque<Task>,
    queued: BTreeSet<Task>,
    timers: BTreeSet<(Timestamp, Task)>,
    failures: BTreeMap<Task, u32>,
}

impl Agenda {
    /// Asks for `task` to run as soon as possible.
    pub(crate) fn now(&mut self, task: Task) {
        if self.queued.insert(task.clone()) {
            let queue = if task.can_wait() { &mut self.idle } else { &mut self.queue };
            queue.push_back(task);
        }
    }

    /// Asks for `task` to run at `time` (too).
    pub(crate) fn at(&mut self, time: Timestamp, task: Task) {
        self.timers.insert((time, task));
    }

    /// The next task that is due at `now`.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Task> {
        while self.timers.first().is_some_and(|(time, _)| *time <= now) {
            if let Some((_, task)) = self.timers.pop_first() {
                self.now(task);
            }
        }
        let task = self.queue.pop_front().or_else(|| self.idle.pop_front())?;
        self.queued.remove(&task);
        Some(task)
    }

    /// When the next task is due; `now` if one is already.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.queue.is_empty() && self.idle.is_empty() {
            self.timers.first().map(|(time, _)| *time)
        } else {
            Some(now)
        }
    }

    /// `task` failed at `now` and is to be tried again after a while.
    pub(crate) fn retry(&mut self, now: Timestamp, task: Task) {
        let failures = self.failures.entry(task.clone()).or_insert(0);
        let delay = FIRST_RETRY.saturating_mul(1 << (*failures).min(20)).min(LAST_RETRY);
        *failures += 1;
        self.at(now + delay, task);
    }

    /// `task` succeeded.
    pub(crate) fn done(&mut self, task: &Task) {
        self.failures.remove(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str) -> Task {
        Task::Node(name.to_owned())
    }

    #[test]
    fn tasks_run_once_and_in_order() {
        let mut agenda = Agenda::default();
        for name in ["a", "b", "a"] {
            agenda.now(task(name));
        }
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(agenda.next(now), Some(task("a")));
        agenda.now(task("a"));
        assert_eq!(agenda.next(now), Some(task("b")));
        assert_eq!(agenda.next(now), Some(task("a")));
        assert_eq!(agenda.next(now), None);
    }

    #[test]
    fn failures_back_off_up_to_a_limit() {
        let mut agenda = Agenda::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut waits = Vec::new();
        for _ in 0..12 {
            agenda.retry(now, task("a"));
            let due = agenda.due(now).unwrap();
            waits.push(due.duration_since(now).as_millis());
            now = due;
            assert_eq!(agenda.next(now), Some(task("a")));
        }
        assert_eq!(&waits[..3], &[50, 100, 200]);
        assert_eq!(waits[11], 30_000);
    }
}
