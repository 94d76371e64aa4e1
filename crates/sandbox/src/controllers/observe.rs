//! From a change in the store to the tasks it gives rise to, and the upkeep of the [`Index`].

use std::sync::Arc;

use serde_json::Value;

use super::agenda::{Agenda, Name, Task};
use super::{Index, pod, selector};
use crate::object;
use crate::resources::{self, Resource};
use crate::storage::{Event, EventKind, ObjectKey, Storage};

/// Notes one change.
pub(crate) fn observe(event: &Event, storage: &Storage, index: &mut Index, agenda: &mut Agenda) {
    let before = event.previous.as_deref();
    let after = (event.kind != EventKind::Deleted).then_some(&*event.object);
    let observer = Observer { storage, agenda, before, after, latest: &event.object };
    observer.observe(event.resource, index);
}

/// Looks at everything there is, as if it had just been added; for when the log does not reach back far enough.
pub(crate) fn observe_all(storage: &Storage, index: &mut Index, agenda: &mut Agenda) {
    *index = Index::default();
    for resource in resources::all() {
        let objects: Vec<Arc<Value>> = storage.list(resource, None).cloned().collect();
        for object in objects {
            let observer = Observer { storage, agenda, before: None, after: Some(&object), latest: &object };
            observer.observe(resource, index);
        }
    }
}

struct Observer<'a> {
    storage: &'a Storage,
    agenda: &'a mut Agenda,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    /// The state after, or the last one of a deleted object.
    latest: &'a Value,
}

impl Observer<'_> {
    fn observe(mut self, resource: &'static Resource, index: &mut Index) {
        self.ownership(resource);
        let name = Name::of(self.latest);
        let counts = self.before.is_none() || self.after.is_none() || self.changed(|one| one.pointer("/status/phase"));
        if counts && self.storage.list(resources::RESOURCEQUOTAS, Some(&name.namespace)).next().is_some() {
            self.agenda.now(Task::Quota(name.namespace.clone()));
        }
        match (resource.group, resource.plural) {
            ("", "pods") => self.pod(name, index),
            ("", "nodes") => self.node(name, index),
            ("", "namespaces") => self.agenda.now(Task::Namespace(name.name)),
            ("", "services") => self.agenda.now(Task::Endpoints(name)),
            ("", "resourcequotas") => self.agenda.now(Task::Quota(name.namespace)),
            ("apps", "deployments") => self.deployment(name),
            ("apps", "replicasets") => self.replica_set(name),
            ("policy", "poddisruptionbudgets") => self.agenda.now(Task::Disruption(name)),
            _ => {}
        }
    }

    /// Owner references, finalizers of the garbage collector, and namespaces that are to be emptied.
    fn ownership(&mut self, resource: &'static Resource) {
        let name = Name::of(self.latest);
        let key = ObjectKey { resource, namespace: name.namespace.clone(), name: name.name };
        if self.after.is_some() {
            let owned = !object::owner_references(self.latest).is_empty();
            if owned && self.changed(|one| one.pointer("/metadata/ownerReferences")) {
                self.agenda.now(Task::Collect(key.clone()));
            }
            if object::is_deleting(self.latest) && super::garbage::awaits_dependents(self.latest) {
                self.agenda.now(Task::Finalize(key.clone()));
            }
        } else {
            for dependent in self.storage.dependent_keys(object::uid(self.latest)) {
                self.agenda.now(Task::Collect(dependent.clone()));
            }
            let terminating = |namespace: &Arc<Value>| object::is_deleting(namespace);
            if self.storage.get(resources::NAMESPACES, "", &key.namespace).is_some_and(terminating) {
                self.agenda.now(Task::Namespace(key.namespace.clone()));
            }
        }
        // An owner may have waited for this object to go, or to leave it.
        let owners = self.before.map(object::owner_references).unwrap_or_default();
        for owner in owners {
            let still_owned = self.after.is_some_and(|after| object::owner_references(after).contains(owner));
            let kind = resources::find_kind(object::text(owner, "/apiVersion"), object::text(owner, "/kind"));
            if let (false, Some(resource)) = (still_owned, kind) {
                let namespace = if resource.namespaced { key.namespace.clone() } else { String::new() };
                let name = object::text(owner, "/name").to_owned();
                self.agenda.now(Task::Finalize(ObjectKey { resource, namespace, name }));
            }
        }
    }

    fn deployment(&mut self, name: Name) {
        // Budgets count what controllers want.
        if self.changed(|one| one.pointer("/spec/replicas")) {
            self.budgets(&name.namespace, None);
        }
        self.agenda.now(Task::Deployment(name));
    }

    fn replica_set(&mut self, name: Name) {
        for owner in self.controllers("Deployment") {
            self.agenda.now(Task::Deployment(Name::new(name.namespace.clone(), owner)));
        }
        if object::controller_of(self.latest).is_none() && self.after.is_some() {
            for deployment in self.storage.list(resources::DEPLOYMENTS, Some(&name.namespace)) {
                if selector::matches(&deployment["spec"]["selector"], object::labels(self.latest)) {
                    self.agenda.now(Task::Deployment(Name::of(deployment)));
                }
            }
        }
        if self.changed(|one| one.pointer("/spec/replicas")) {
            self.budgets(&name.namespace, None);
        }
        self.agenda.now(Task::ReplicaSet(name));
    }

    fn pod(&mut self, name: Name, index: &mut Index) {
        self.index_pod(&name, index);
        let namespace = name.namespace.clone();
        for owner in self.controllers("ReplicaSet") {
            let set = Name::new(namespace.clone(), owner);
            if self.after.is_none() || self.after.is_some_and(pod::is_finished) {
                // A recreation waits for the last old pod.
                let set = self.storage.get(resources::REPLICASETS, &namespace, &set.name);
                if let Some(deployment) = set.and_then(|set| object::controller_of(set)) {
                    let name = Name::new(namespace.clone(), object::text(deployment, "/name"));
                    self.agenda.now(Task::Deployment(name));
                }
            }
            self.agenda.now(Task::ReplicaSet(set));
        }
        if self.after.is_some() && object::controller_of(self.latest).is_none() {
            for set in self.storage.list(resources::REPLICASETS, Some(&namespace)) {
                if selector::matches(&set["spec"]["selector"], object::labels(self.latest)) {
                    self.agenda.now(Task::ReplicaSet(Name::of(set)));
                }
            }
        }
        self.services(&namespace);
        let [before, after] = [self.before, self.after].map(|one| one.and_then(object::labels));
        self.budgets(&namespace, Some([before, after]));
        match self.after {
            Some(pod) if pod::node(pod).is_empty() => self.agenda.now(Task::Schedule(name)),
            // The kubelet also wants to hear of the end, to forget the pod.
            Some(_) | None => self.agenda.now(Task::Kubelet(name)),
        }
    }

    fn index_pod(&self, name: &Name, index: &mut Index) {
        if self.after.is_some_and(|pod| object::controller_of(pod).is_none()) {
            index.orphans.entry(name.namespace.clone()).or_default().insert(name.name.clone());
        } else if let Some(names) = index.orphans.get_mut(&name.namespace) {
            names.remove(&name.name);
        }
        match self.after {
            Some(pod) if pod::node(pod).is_empty() => {
                index.unplaced.insert(name.clone());
            }
            Some(pod) => {
                index.unplaced.remove(name);
                index.on_node.entry(pod::node(pod).to_owned()).or_default().insert(name.clone());
            }
            None => {
                index.unplaced.remove(name);
                let names = index.on_node.get_mut(pod::node(self.latest));
                if let Some(names) = names {
                    names.remove(name);
                }
            }
        }
    }

    fn node(&mut self, name: Name, index: &Index) {
        match self.after {
            Some(_) => {
                self.agenda.now(Task::Node(name.name));
                let relevant = self.changed(|one| one.pointer("/spec"))
                    || self.changed(|one| one.pointer("/metadata/labels"))
                    || self.changed(|one| one.pointer("/status/conditions"))
                    || self.changed(|one| one.pointer("/status/allocatable"));
                if relevant {
                    self.unplaced(index);
                }
            }
            None => self.agenda.now(Task::CollectPods(name.name)),
        }
    }

    fn services(&mut self, namespace: &str) {
        let relevant = self.changed(object::labels)
            || self.changed(|one| one.pointer("/status/podIP"))
            || self.changed(|one| pod::condition(one, "Ready").and_then(|ready| ready.get("status")))
            || self.changed(|one| one.pointer("/metadata/deletionTimestamp"))
            || self.changed(|one| one.pointer("/status/phase"));
        if !relevant {
            return;
        }
        for service in self.storage.list(resources::SERVICES, Some(namespace)) {
            let Some(wanted) = service.pointer("/spec/selector").and_then(Value::as_object) else {
                continue;
            };
            let concerned = [self.before, self.after]
                .into_iter()
                .flatten()
                .any(|pod| selector::matches_map(wanted, object::labels(pod)));
            if concerned {
                self.agenda.now(Task::Endpoints(Name::of(service)));
            }
        }
    }

    /// The budgets of a namespace, or those that select a pod with one of `labels`.
    fn budgets(&mut self, namespace: &str, labels: Option<[Option<&serde_json::Map<String, Value>>; 2]>) {
        for budget in self.storage.list(resources::PODDISRUPTIONBUDGETS, Some(namespace)) {
            let wanted = &budget["spec"]["selector"];
            let concerned = labels.is_none_or(|labels| {
                labels.into_iter().flatten().any(|labels| selector::matches(wanted, Some(labels)))
            });
            if concerned {
                self.agenda.now(Task::Disruption(Name::of(budget)));
            }
        }
    }

    fn unplaced(&mut self, index: &Index) {
        for name in &index.unplaced {
            self.agenda.now(Task::Schedule(name.clone()));
        }
    }

    /// The names of the controllers of this kind that the object has or had.
    fn controllers(&self, kind: &str) -> Vec<String> {
        let mut names: Vec<String> = [self.before, self.after]
            .into_iter()
            .flatten()
            .filter_map(object::controller_of)
            .filter(|owner| object::text(owner, "/kind") == kind)
            .map(|owner| object::text(owner, "/name").to_owned())
            .collect();
        names.dedup();
        names
    }

    fn changed<T: PartialEq + ?Sized>(&self, part: impl Fn(&Value) -> Option<&T>) -> bool {
        self.before.and_then(&part) != self.after.and_then(&part)
    }
}
