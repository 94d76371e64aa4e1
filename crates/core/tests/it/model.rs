//! A small model of the Deployment and ReplicaSet controllers and of a kubelet: enough to see whether our writes keep their promises.
//!
//! The arithmetic follows the recorded behaviour of Kubernetes 1.36: new sets grow within N + maxSurge, old sets shrink by their unhealthy pods first and
//! then by what is available beyond N - maxUnavailable, and a change of N scales all active sets in proportion.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sternway_core::effect::{Fresh, apply_merge, marks};
use sternway_core::observation::{Observation, Pod, PodSet, Problem, ProblemKind, Workload};
use sternway_core::strategy::Strategy;
use sternway_core::template::{PodTemplate, TemplateDigest};
use sternway_core::version::Snapshot;
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) digest: TemplateDigest,
    pub(crate) image: String,
    pub(crate) wanted: u32,
    min_ready_seconds: u32,
    scaled_for: u32,
}

/// One Deployment and everything below it.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) object: Value,
    pub(crate) sets: Vec<Set>,
    pub(crate) pods: Vec<Pod>,
    pub(crate) budget: Option<u32>,
    /// An image that cannot be pulled any more.
    pub(crate) vanished: Option<String>,
    /// An image of which the cluster admits no pods.
    pub(crate) refused: Option<String>,
    pub(crate) now: Timestamp,
    uid: Uuid,
    observed_generation: u64,
    resource_version: u64,
    next_pod: u32,
}

pub(crate) fn template(image: &str) -> PodTemplate {
    PodTemplate::new(json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }))
}

/// The name of a template's set: the Deployment's, and its hash (here our digest), which is a label of its pods too.
fn set_name(digest: &TemplateDigest) -> String {
    format!("web-{digest}")
}

impl Cluster {
    /// `replicas` ready pods of `image`, settled.
    pub(crate) fn settled(replicas: u32, image: &str, strategy: Strategy, now: Timestamp) -> Self {
        let object = json!({
            "metadata": {"name": "web", "generation": 1},
            "spec": {
                "replicas": replicas,
                "strategy": strategy.to_json(),
                "progressDeadlineSeconds": 600,
                "template": template(image).json(),
            },
        });
        let mut cluster = Self {
            object,
            sets: Vec::new(),
            pods: Vec::new(),
            budget: None,
            vanished: None,
            refused: None,
            now,
            uid: Uuid::from_u128(1),
            observed_generation: 0,
            resource_version: 1,
            next_pod: 0,
        };
        cluster.settle();
        cluster
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::of_object(&self.object)
    }

    pub(crate) fn replicas(&self) -> u32 {
        self.object["spec"]["replicas"].as_u64().unwrap() as u32
    }

    pub(crate) fn generation(&self) -> u64 {
        self.object["metadata"]["generation"].as_u64().unwrap()
    }

    pub(crate) fn ready(&self) -> u32 {
        self.pods.iter().filter(|pod| pod.ready).count() as u32
    }

    pub(crate) fn ready_of(&self, image: &str) -> u32 {
        let sets: Vec<_> = self.sets.iter().filter(|set| set.image == image).map(|set| set_name(&set.digest)).collect();
        self.pods.iter().filter(|pod| pod.ready && sets.contains(pod.set.as_ref().unwrap())).count() as u32
    }

    /// Someone deletes the Deployment and makes it anew, with this image: the same name, another object, generations from the beginning.
    pub(crate) fn replace(&mut self, image: &str) {
        let strategy = self.snapshot().strategy;
        *self = Self {
            uid: Uuid::from_u128(self.uid.as_u128() + 1),
            resource_version: self.resource_version + 10,
            ..Self::settled(self.replicas(), image, strategy, self.now)
        };
    }

    /// Applies a JSON merge patch as the API server would.
    pub(crate) fn patch(&mut self, patch: &Value) {
        let before = self.object.clone();
        apply_merge(&mut self.object, patch);
        self.object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
        if self.object != before {
            self.object["metadata"]["generation"] = json!(self.generation() + 1);
            self.resource_version += 1;
        }
    }

    pub(crate) fn workload(&self) -> Workload {
        let spec = self.snapshot();
        let digest = spec.template.digest();
        let new = self.sets.iter().find(|set| set.digest == digest);
        Workload {
            uid: self.uid.to_string(),
            resource_version: self.resource_version.to_string(),
            generation: self.generation(),
            observed_generation: self.observed_generation,
            deleting: false,
            paused: false,
            replicas: self.replicas(),
            updated_replicas: new.map_or(0, |set| self.pods_of(&set.digest).count() as u32),
            available_replicas: self.sets.iter().map(|set| self.available(set)).sum(),
            status_replicas: self.pods.len() as u32,
            marks: marks::read(&self.object),
            pods_refused: self.refusal(),
            sets: self
                .sets
                .iter()
                .map(|set| PodSet {
                    name: set_name(&set.digest),
                    digest: set.digest.clone(),
                    wanted: set.wanted,
                    revision: 0,
                })
                .collect(),
            pods: self.pods.clone(),
            disruption_floor: self.budget,
            spec,
            digest,
        }
    }

    pub(crate) fn fresh(&self) -> Fresh {
        Fresh { object: self.object.clone(), workload: self.workload() }
    }

    pub(crate) fn observe(&self) -> Observation {
        Observation::Present(Box::new(self.workload()))
    }

    fn pods_of<'s>(&'s self, digest: &TemplateDigest) -> impl Iterator<Item = &'s Pod> + use<'s> {
        let name = set_name(digest);
        self.pods.iter().filter(move |pod| pod.set.as_ref() == Some(&name))
    }

    fn available(&self, set: &Set) -> u32 {
        let long_enough = SignedDuration::from_secs(i64::from(set.min_ready_seconds));
        let is_available = |pod: &&Pod| pod.ready && pod.ready_since.unwrap() + long_enough <= self.now;
        self.pods_of(&set.digest).filter(is_available).count() as u32
    }

    /// One sync of the Deployment controller; false if it changed nothing.
    pub(crate) fn sync_deployment(&mut self) -> bool {
        let spec = self.snapshot();
        let digest = spec.template.digest();
        let replicas = self.replicas();
        self.observed_generation = self.generation();
        let Strategy::RollingUpdate { max_surge, max_unavailable } = spec.strategy else {
            return self.recreate(&spec, replicas);
        };
        let bounds = Strategy::RollingUpdate { max_surge, max_unavailable }.bounds(replicas).unwrap();
        let new = self.new_set(&spec);
        self.sets[new].min_ready_seconds = spec.min_ready_seconds;
        if self.scale_in_proportion(replicas, bounds.surge) {
            return true;
        }
        let total: u32 = self.sets.iter().map(|set| set.wanted).sum();
        let limit = replicas + bounds.surge;
        let grown = if self.sets[new].wanted > replicas {
            replicas
        } else {
            self.sets[new].wanted + limit.saturating_sub(total).min(replicas - self.sets[new].wanted)
        };
        if grown != self.sets[new].wanted {
            self.sets[new].wanted = grown;
            return true;
        }
        let floor = replicas.saturating_sub(bounds.unavailable);
        let new_unavailable = grown - self.available(&self.sets[new].clone()).min(grown);
        let mut spare = total.saturating_sub(floor).saturating_sub(new_unavailable);
        let mut changed = false;
        for index in 0..self.sets.len() {
            let set = self.sets[index].clone();
            if set.digest == digest || set.wanted == 0 {
                continue;
            }
            let unhealthy = set.wanted - self.available(&set).min(set.wanted);
            let cut = unhealthy.min(spare);
            spare -= cut;
            self.sets[index].wanted -= cut;
            changed |= cut > 0;
        }
        let available: u32 = self.sets.iter().map(|set| self.available(set).min(set.wanted)).sum();
        let mut cuttable = available.saturating_sub(floor);
        for set in self.sets.iter_mut().filter(|set| set.digest != digest) {
            let cut = set.wanted.min(cuttable);
            cuttable -= cut;
            set.wanted -= cut;
            changed |= cut > 0;
        }
        changed
    }

    fn recreate(&mut self, spec: &Snapshot, replicas: u32) -> bool {
        let digest = spec.template.digest();
        let mut changed = false;
        for set in self.sets.iter_mut().filter(|set| set.digest != digest && set.wanted > 0) {
            set.wanted = 0;
            changed = true;
        }
        if changed || self.pods.iter().any(|pod| pod.set.as_deref() != Some(&set_name(&digest))) {
            return changed;
        }
        let new = self.new_set(spec);
        self.sets[new].min_ready_seconds = spec.min_ready_seconds;
        self.sets[new].scaled_for = replicas;
        std::mem::replace(&mut self.sets[new].wanted, replicas) != replicas
    }

    fn new_set(&mut self, spec: &Snapshot) -> usize {
        let digest = spec.template.digest();
        self.sets.iter().position(|set| set.digest == digest).unwrap_or_else(|| {
            self.sets.push(Set {
                digest,
                image: spec.template.image().to_owned(),
                wanted: 0,
                min_ready_seconds: spec.min_ready_seconds,
                scaled_for: self.replicas(),
            });
            self.sets.len() - 1
        })
    }

    fn scale_in_proportion(&mut self, replicas: u32, surge: u32) -> bool {
        let total: u32 = self.sets.iter().map(|set| set.wanted).sum();
        let stale = self.sets.iter().any(|set| set.wanted > 0 && set.scaled_for != replicas);
        if !stale || total == 0 {
            self.sets.iter_mut().for_each(|set| set.scaled_for = replicas);
            return false;
        }
        let active = self.sets.iter().filter(|set| set.wanted > 0).count();
        let limit = if replicas == 0 {
            0
        } else if active > 1 {
            replicas + surge
        } else {
            replicas
        };
        let mut left = limit;
        let count = self.sets.len();
        for (index, set) in self.sets.iter_mut().enumerate() {
            set.scaled_for = replicas;
            let share = ((u64::from(set.wanted) * u64::from(limit) + u64::from(total) / 2) / u64::from(total)) as u32;
            set.wanted = if index + 1 == count && set.wanted > 0 { left } else { share.min(left) };
            left -= set.wanted;
        }
        true
    }

    /// What `ReplicaFailure` says while a ReplicaSet wants pods that are not admitted.
    fn refusal(&self) -> Option<String> {
        let lacks = |set: &&Set| self.pods_of(&set.digest).count() < set.wanted as usize;
        let refused = self.sets.iter().filter(|set| self.refused.as_ref() == Some(&set.image));
        refused.filter(lacks).map(|set| format!("FailedCreate: pods of {} are forbidden", set.image)).next()
    }

    /// One sync of all ReplicaSets.
    pub(crate) fn sync_sets(&mut self) {
        for set in self.sets.clone() {
            let name = set_name(&set.digest);
            let have = self.pods_of(&set.digest).count() as u32;
            let admitted = if self.refused.as_ref() == Some(&set.image) { have } else { set.wanted };
            for _ in have..admitted {
                self.next_pod += 1;
                self.pods.push(Pod {
                    name: format!("web-{}", self.next_pod),
                    ip: None,
                    node: None,
                    set: Some(name.clone()),
                    phase: "Pending".to_owned(),
                    ready: false,
                    ready_since: None,
                    deleting: false,
                    restarts: 0,
                    problem: None,
                    created_at: self.now,
                });
            }
            for _ in set.wanted..have {
                let mine = |pod: &Pod| pod.set.as_ref() == Some(&name);
                let victim = self.pods.iter().position(|pod| mine(pod) && !pod.ready);
                let victim = victim.or_else(|| self.pods.iter().rposition(mine)).unwrap();
                self.pods.remove(victim);
            }
        }
    }

    /// The kubelet gets on with one pod that is not ready: it becomes ready, or it shows its problem if its image is bad.
    pub(crate) fn start_one(&mut self, pick: usize) {
        let waiting: Vec<usize> = (0..self.pods.len()).filter(|index| !self.pods[*index].ready).collect();
        let Some(index) = waiting.get(pick % waiting.len().max(1)) else {
            return;
        };
        let image = self
            .sets
            .iter()
            .find(|set| Some(set_name(&set.digest)) == self.pods[*index].set)
            .map(|set| set.image.clone());
        let pod = &mut self.pods[*index];
        "Running".clone_into(&mut pod.phase);
        if image.is_some() && image == self.vanished {
            pod.problem = Some(Problem {
                kind: ProblemKind::ImagePull,
                container: "web".to_owned(),
                reason: "ImagePullBackOff".to_owned(),
                message: "not found".to_owned(),
                last_log: None,
            });
        } else if image.is_some_and(|image| image.contains("bad")) {
            pod.restarts += 1;
            pod.problem = Some(Problem {
                kind: ProblemKind::CrashLoop,
                container: "web".to_owned(),
                reason: "CrashLoopBackOff".to_owned(),
                message: "back-off restarting failed container".to_owned(),
                last_log: Some("panic: no configuration".to_owned()),
            });
        } else {
            pod.ready = true;
            pod.ready_since = Some(self.now);
        }
    }

    /// Until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            let before = (self.sets.iter().map(|set| set.wanted).collect::<Vec<_>>(), self.pods.len(), self.ready());
            self.sync_deployment();
            self.sync_sets();
            for pick in 0..self.pods.len() {
                self.start_one(pick);
            }
            let after = (self.sets.iter().map(|set| set.wanted).collect::<Vec<_>>(), self.pods.len(), self.ready());
            if before == after {
                return;
            }
        }
        panic!("the model never settles: {self:#?}");
    }
}
