//! A cluster on which everything goes well and at once.

use jiff::Timestamp;
use serde_json::Value;

use crate::effect::{Fresh, apply_merge};
use crate::observation::{Observation, Pod, PodSet};
use crate::strategy::Strategy;
use crate::version::Snapshot;

pub(super) struct IdealCluster {
    pub(super) fresh: Fresh,
    pods_made: u32,
}

impl IdealCluster {
    pub(super) fn new(fresh: Fresh) -> Self {
        Self { fresh, pods_made: 0 }
    }

    /// All pods are ready, and have been for long enough.
    pub(super) fn observation(&self, now: Timestamp) -> Observation {
        let mut workload = self.fresh.workload.clone();
        for pod in &mut workload.pods {
            pod.ready = true;
            pod.ready_since = Some(Timestamp::MIN.max(now - jiff::SignedDuration::from_hours(24 * 365)));
            pod.problem = None;
        }
        Observation::Present(Box::new(workload))
    }

    /// Applies a patch and goes to the fixed point of the native controllers.
    pub(super) fn patch(&mut self, patch: &Value) {
        let before = self.fresh.workload.digest.clone();
        let (old, new) = (self.fresh.workload.old_wanted(), self.fresh.workload.new_wanted());
        apply_merge(&mut self.fresh.object, patch);
        let object = &self.fresh.object;
        let workload = &mut self.fresh.workload;
        workload.spec = Snapshot::of_object(object);
        workload.digest = workload.spec.template.digest();
        workload.replicas = object["spec"]["replicas"].as_u64().map_or(1, |replicas| replicas as u32);
        workload.generation += 1;
        workload.observed_generation = workload.generation;
        let replicas = workload.replicas;
        // A template that was old becomes the new one when it is put back, and the other way round.
        let returned = workload.sets.iter().find(|set| set.digest == workload.digest).map_or(0, |set| set.wanted);
        let (old, new) = if before == workload.digest { (old, new) } else { (old + new - returned, returned) };
        let (old, new) = match workload.spec.strategy {
            Strategy::RollingUpdate { .. } if workload.is_held() => {
                let bounds = workload
                    .spec
                    .strategy
                    .bounds(replicas)
                    .unwrap_or(crate::strategy::Bounds { surge: 0, unavailable: 0 });
                let old = old.min(replicas.saturating_sub(bounds.unavailable));
                (old, new.max(replicas.min((replicas + bounds.surge).saturating_sub(old))))
            }
            Strategy::RollingUpdate { .. } | Strategy::Recreate => (0, replicas),
        };
        self.make(old, new);
    }

    fn make(&mut self, mut old: u32, new: u32) {
        let workload = &mut self.fresh.workload;
        let digest = workload.digest.clone();
        if !workload.sets.iter().any(|set| set.digest == digest) {
            // As the Deployment controller names its sets, with our digest in the place of its hash.
            let name = format!("{}-{digest}", self.fresh.object["metadata"]["name"].as_str().unwrap_or("preview"));
            workload.sets.push(PodSet { name, digest: digest.clone(), wanted: 0, revision: 0 });
        }
        let new_name = workload.new_set().map(|set| set.name.clone());
        for set in &mut workload.sets {
            if Some(&set.name) == new_name.as_ref() {
                set.wanted = new;
            } else {
                set.wanted = set.wanted.min(old);
                old -= set.wanted;
            }
        }
        let mut pods = Vec::new();
        for set in workload.sets.clone() {
            let present: Vec<Pod> =
                workload.pods.iter().filter(|pod| pod.set.as_ref() == Some(&set.name)).cloned().collect();
            let missing = set.wanted.saturating_sub(present.len() as u32);
            pods.extend(present.into_iter().take(set.wanted as usize));
            for _ in 0..missing {
                self.pods_made += 1;
                pods.push(new_pod(&set.name, self.pods_made));
            }
        }
        workload.pods = pods;
        workload.updated_replicas = new;
        workload.status_replicas = workload.pods.len() as u32;
        workload.available_replicas = workload.status_replicas;
    }
}

fn new_pod(set: &str, number: u32) -> Pod {
    Pod {
        name: format!("{set}-{number}"),
        ip: None,
        node: None,
        set: Some(set.to_owned()),
        phase: "Running".to_owned(),
        ready: true,
        ready_since: None,
        deleting: false,
        restarts: 0,
        problem: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}
