//! What is known of the workloads of one cluster.
//!
//! A plain structure without a client, a clock or a lock: watches feed it through [`Index::apply`] and its siblings, and
//! [`Index::observe`] puts a workload together by following uids, so that its cost depends on the workload and not on the
//! cluster. A fresh read fills an index of its own and is observed in the same way.
//!
//! ```text
//! Deployment ◄─ owner ─ ReplicaSet ◄─ owner ─ Pod          PodDisruptionBudget ─ selector ─► labels of the pod templates
//! ```
//!
//! The watches of the four kinds know nothing of each other: a pod may come before its ReplicaSet, and a ReplicaSet may
//! go before its pods. The first is invisible until the ReplicaSet comes; the second is kept, marked as gone, until the
//! last of its pods is.

mod table;

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::observation::{Observation, Pod, PodSet, ProblemKind, Workload};

use self::table::Table;
use crate::kind::Kind;
use crate::reduce;
use crate::reduce::budgets::Budget;
use crate::reduce::deployments::Deployment;
use crate::reduce::pods::Member;
use crate::reduce::sets::Set;

/// `metadata.uid`.
pub(crate) type Uid = String;

/// A Deployment within its cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Name {
    /// The name of a workload.
    pub(crate) fn of(workload: &WorkloadRef) -> Self {
        Self { namespace: workload.namespace.clone(), name: workload.name.clone() }
    }
}

/// Workloads that look different after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// These.
    Workloads(Vec<Name>),
    /// All of a namespace, perhaps.
    Namespace(String),
}

impl Touched {
    const NOTHING: Self = Self::Workloads(Vec::new());
}

/// A container whose last log tells why it keeps ending.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Crashed {
    pub(crate) workload: Name,
    pub(crate) pod: String,
    pub(crate) pod_uid: Uid,
    pub(crate) container: String,
    pub(crate) restarts: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    deployments: Table<Deployment>,
    sets: Table<SetRow>,
    pods: Table<Member>,
    budgets: Table<Budget>,
    by_name: HashMap<Name, Uid>,
    sets_of: HashMap<Name, BTreeSet<Uid>>,
    pods_of: HashMap<Uid, BTreeSet<Uid>>,
    budgets_in: HashMap<String, BTreeSet<Uid>>,
}

#[derive(Debug)]
struct SetRow {
    set: Set,
    /// It was deleted; its pods were not, yet.
    gone: bool,
}

impl Index {
    /// An object was added or changed.
    pub(crate) fn apply(&mut self, kind: Kind, object: &Value) -> Touched {
        let Some(uid) = reduce::uid(object) else {
            return Touched::NOTHING;
        };
        match kind {
            Kind::Deployment => self.put_deployment(uid, Deployment::reduce(object)),
            Kind::ReplicaSet => match Set::reduce(object) {
                Some(set) => self.put_set(uid, set),
                None => self.remove(kind, &uid),
            },
            Kind::Pod => match Member::reduce(object) {
                Some(member) => self.put_pod(uid, member),
                None => self.remove(kind, &uid),
            },
            Kind::Budget => self.put_budget(uid, Budget::reduce(object)),
        }
    }

    /// An object was deleted.
    pub(crate) fn delete(&mut self, kind: Kind, object: &Value) -> Touched {
        match reduce::uid(object) {
            Some(uid) => self.remove(kind, &uid),
            None => Touched::NOTHING,
        }
    }

    /// A list of this kind begins: what is [applied](Self::apply) until [`Self::finish`] is all there is.
    pub(crate) fn begin(&mut self, kind: Kind) {
        match kind {
            Kind::Deployment => self.deployments.begin(),
            Kind::ReplicaSet => self.sets.begin(),
            Kind::Pod => self.pods.begin(),
            Kind::Budget => self.budgets.begin(),
        }
    }

    /// The list is complete.
    pub(crate) fn finish(&mut self, kind: Kind) {
        let missing = match kind {
            Kind::Deployment => self.deployments.finish(),
            Kind::ReplicaSet => self.sets.finish(),
            Kind::Pod => self.pods.finish(),
            Kind::Budget => self.budgets.finish(),
        };
        for uid in missing {
            self.remove(kind, &uid);
        }
    }

    /// A workload as it is known. `log` gives the last log of a container that crashes, where it is known.
    pub(crate) fn observe(&self, name: &Name, mut log: impl FnMut(&Crashed) -> Option<String>) -> Observation {
        let sets = self.sets_of.get(name).into_iter().flatten();
        let sets = sets.filter_map(|uid| Some((uid, self.sets.get(uid)?)));
        let Some(deployment) = self.deployment(name) else {
            let pods = sets.flat_map(|(uid, _)| self.members(name, uid, &mut log));
            return Observation::Gone { pods: by_name(pods.collect()) };
        };
        let owned: Vec<_> = sets.filter(|(_, row)| row.set.owner == deployment.uid).collect();
        let pods = owned.iter().flat_map(|(uid, _)| self.members(name, uid, &mut log)).collect();
        let mut present: Vec<PodSet> =
            owned.iter().filter(|(_, row)| !row.gone).map(|(_, row)| row.set.set.clone()).collect();
        present.sort_by(|one, other| one.name.cmp(&other.name));
        Observation::Present(Box::new(Workload {
            uid: deployment.uid.clone(),
            resource_version: deployment.resource_version.clone(),
            generation: deployment.generation,
            observed_generation: deployment.observed_generation,
            deleting: deployment.deleting,
            paused: deployment.paused,
            replicas: deployment.replicas,
            spec: deployment.spec.clone(),
            digest: deployment.digest.clone(),
            updated_replicas: deployment.updated_replicas,
            available_replicas: deployment.available_replicas,
            status_replicas: deployment.status_replicas,
            marks: deployment.marks.clone(),
            pods_refused: deployment.pods_refused.clone(),
            sets: present,
            pods: by_name(pods),
            disruption_floor: self.disruption_floor(deployment, &owned),
        }))
    }

    fn deployment(&self, name: &Name) -> Option<&Deployment> {
        self.deployments.get(self.by_name.get(name)?)
    }

    /// The pods of a ReplicaSet, logs filled in.
    fn members(&self, workload: &Name, set: &Uid, log: &mut impl FnMut(&Crashed) -> Option<String>) -> Vec<Pod> {
        let uids = self.pods_of.get(set).into_iter().flatten();
        let members = uids.filter_map(|uid| Some((uid, self.pods.get(uid)?)));
        members
            .map(|(uid, member)| {
                let mut pod = member.pod.clone();
                if let Some(problem) = &mut pod.problem
                    && problem.kind == ProblemKind::CrashLoop
                {
                    problem.last_log = log(&Crashed {
                        workload: workload.clone(),
                        pod: pod.name.clone(),
                        pod_uid: uid.clone(),
                        container: problem.container.clone(),
                        restarts: member.problem_restarts,
                    });
                }
                pod
            })
            .collect()
    }

    /// The most that a budget demands which guards the pods of the present template or of a set that still has some.
    fn disruption_floor(&self, deployment: &Deployment, sets: &[(&Uid, &SetRow)]) -> Option<u32> {
        let budgets = self.budgets_in.get(&deployment.name.namespace)?.iter();
        let budgets = budgets.filter_map(|uid| self.budgets.get(uid));
        let guarding = budgets.filter(|budget| {
            budget.guards(&deployment.labels)
                || sets.iter().any(|(uid, row)| {
                    let used = row.set.set.wanted > 0 || self.pods_of.contains_key(*uid);
                    used && budget.guards(&row.set.labels)
                })
        });
        guarding.map(|budget| budget.floor(deployment.replicas)).max()
    }

    fn put_deployment(&mut self, uid: Uid, deployment: Deployment) -> Touched {
        let name = deployment.name.clone();
        self.by_name.insert(name.clone(), uid.clone());
        self.deployments.put(uid, deployment);
        Touched::Workloads(vec![name])
    }

    fn put_set(&mut self, uid: Uid, set: Set) -> Touched {
        let name = set.workload.clone();
        let mut touched = vec![name.clone()];
        let before = self.sets.put(uid.clone(), SetRow { set, gone: false });
        if let Some(before) = before.map(|row| row.set.workload)
            && before != name
        {
            take_out(&mut self.sets_of, &before, &uid);
            touched.push(before);
        }
        self.sets_of.entry(name).or_default().insert(uid);
        Touched::Workloads(touched)
    }

    fn put_pod(&mut self, uid: Uid, member: Member) -> Touched {
        let owner = member.owner.clone();
        let before = self.pods.put(uid.clone(), member).map(|it| it.owner);
        let left = match before {
            Some(before) if before != owner => self.leave(&before, &uid),
            Some(_) | None => None,
        };
        let joined = self.workload_of(&owner);
        self.pods_of.entry(owner).or_default().insert(uid);
        Touched::Workloads(left.into_iter().chain(joined).collect())
    }

    fn put_budget(&mut self, uid: Uid, budget: Budget) -> Touched {
        let namespace = budget.namespace.clone();
        self.budgets.put(uid.clone(), budget);
        let budgets = self.budgets_in.entry(namespace.clone()).or_default();
        budgets.insert(uid);
        Touched::Namespace(namespace)
    }

    fn remove(&mut self, kind: Kind, uid: &str) -> Touched {
        let touched = match kind {
            Kind::Deployment => self.deployments.remove(uid).map(|deployment| {
                // A new one of the same name may have come before the old one went.
                if self.by_name.get(&deployment.name).is_some_and(|it| it == uid) {
                    self.by_name.remove(&deployment.name);
                }
                deployment.name
            }),
            Kind::ReplicaSet => self.remove_set(uid),
            Kind::Pod => {
                let owner = self.pods.remove(uid).map(|member| member.owner);
                owner.and_then(|owner| self.leave(&owner, uid))
            }
            Kind::Budget => {
                let Some(budget) = self.budgets.remove(uid) else {
                    return Touched::NOTHING;
                };
                take_out(&mut self.budgets_in, &budget.namespace, uid);
                return Touched::Namespace(budget.namespace);
            }
        };
        Touched::Workloads(touched.into_iter().collect())
    }

    fn remove_set(&mut self, uid: &str) -> Option<Name> {
        if self.pods_of.contains_key(uid) {
            let row = self.sets.get_mut(uid)?;
            row.gone = true;
            return Some(row.set.workload.clone());
        }
        let name = self.sets.remove(uid)?.set.workload;
        take_out(&mut self.sets_of, &name, uid);
        Some(name)
    }

    /// A pod is no longer one of this ReplicaSet's.
    fn leave(&mut self, set: &Uid, pod: &str) -> Option<Name> {
        take_out(&mut self.pods_of, set, pod);
        let name = self.workload_of(set);
        if self.sets.get(set).is_some_and(|row| row.gone) {
            self.remove_set(set);
        }
        name
    }

    fn workload_of(&self, set: &Uid) -> Option<Name> {
        self.sets.get(set).map(|row| row.set.workload.clone())
    }
}

fn by_name(mut pods: Vec<Pod>) -> Vec<Pod> {
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    pods
}

/// Takes a uid out of a group, and the group with its last uid.
fn take_out<Key: std::hash::Hash + Eq>(groups: &mut HashMap<Key, BTreeSet<Uid>>, key: &Key, uid: &str) {
    if let Some(group) = groups.get_mut(key) {
        group.remove(uid);
        if group.is_empty() {
            groups.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
