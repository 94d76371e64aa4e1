//! What an observer sees who looks at every change: extremes, scalings, events, deletions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sternway_sandbox::object;
use sternway_sandbox::storage::{Event, EventKind};

use crate::state::{image, is_ready};

/// What the observer has seen: the present counts, and what happened since [`Seen::start_step`].
#[derive(Default)]
pub(crate) struct Seen {
    pods: BTreeMap<String, Pod>,
    sets: BTreeMap<String, Set>,
    status_available: i64,
    status_unavailable: i64,
    pub(crate) extremes: BTreeMap<&'static str, (i64, i64)>,
    /// The least and the most ready pods of each image.
    pub(crate) ready_by_image: BTreeMap<String, (i64, i64)>,
    /// Changes of `spec.replicas`: image, from, to.
    pub(crate) scales: Vec<(String, Option<i64>, i64)>,
    /// Messages of ScalingReplicaSet events, with their counts.
    pub(crate) events: Vec<String>,
    /// Kind and image of deleted objects, in order.
    pub(crate) deletions: Vec<String>,
    /// Images of ReplicaSets by name, for ever.
    pub(crate) images: BTreeMap<String, String>,
    /// Names of pods by image at the start of the step.
    pub(crate) pods_before: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone)]
struct Pod {
    image: String,
    ready: bool,
}

struct Set {
    replicas: i64,
}

impl Seen {
    /// Forgets what happened before, and starts from the present counts.
    pub(crate) fn start_step(&mut self) {
        self.extremes.clear();
        self.ready_by_image.clear();
        self.scales.clear();
        self.events.clear();
        self.deletions.clear();
        self.pods_before = self.pods_now();
        self.measure();
    }

    pub(crate) fn pods_now(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut by_image: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, pod) in &self.pods {
            by_image.entry(pod.image.clone()).or_default().insert(name.clone());
        }
        by_image
    }

    pub(crate) fn ready(&self) -> i64 {
        count(self.pods.values().filter(|pod| pod.ready))
    }

    pub(crate) fn spec_total(&self) -> i64 {
        self.sets.values().map(|set| set.replicas).sum()
    }

    pub(crate) fn observe(&mut self, event: &Event) {
        let object = &event.object;
        let gone = event.kind == EventKind::Deleted;
        let name = object::name(object).to_owned();
        match event.resource.plural {
            "pods" => {
                let pod = Pod { image: image(object, "").to_owned(), ready: is_ready(object) };
                if gone {
                    self.pods.remove(&name);
                    self.deletions.push(format!("Pod {}", pod.image));
                } else {
                    self.pods.insert(name, pod);
                }
            }
            "replicasets" => self.observe_set(name, object, gone),
            "deployments" => {
                let count = |field| object::integer(object, field).filter(|_| !gone).unwrap_or(0);
                self.status_available = count("/status/availableReplicas");
                self.status_unavailable = count("/status/unavailableReplicas");
                if gone {
                    self.deletions.push(format!("Deployment {}", image(object, "/spec/template")));
                }
            }
            "events" => {
                if object::text(object, "/reason") == "ScalingReplicaSet" && !gone {
                    self.events.push(object::text(object, "/message").to_owned());
                }
                return;
            }
            _ => return,
        }
        self.measure();
    }

    fn observe_set(&mut self, name: String, object: &Value, gone: bool) {
        let image = image(object, "/spec/template").to_owned();
        self.images.insert(name.clone(), image.clone());
        if gone {
            self.sets.remove(&name);
            self.deletions.push(format!("ReplicaSet {image}"));
            return;
        }
        let replicas = object::integer(object, "/spec/replicas").unwrap();
        let before = self.sets.insert(name, Set { replicas }).map(|set| set.replicas);
        if before != Some(replicas) {
            self.scales.push((image, before, replicas));
        }
    }

    fn measure(&mut self) {
        let images: BTreeSet<&String> =
            self.pods.values().map(|pod| &pod.image).chain(self.ready_by_image.keys()).collect();
        let ready: Vec<(String, i64)> = images
            .into_iter()
            .map(|image| {
                let ready = self.pods.values().filter(|pod| pod.ready && pod.image == *image);
                (image.clone(), count(ready))
            })
            .collect();
        for (image, value) in ready {
            let (least, most) = self.ready_by_image.entry(image).or_insert((value, value));
            *least = value.min(*least);
            *most = value.max(*most);
        }
        let measures = [
            ("ready", self.ready()),
            ("total", count(self.pods.values())),
            ("spec_total", self.spec_total()),
            ("status_available", self.status_available),
            ("status_unavailable", self.status_unavailable),
        ];
        for (what, value) in measures {
            let (least, most) = self.extremes.entry(what).or_insert((value, value));
            *least = value.min(*least);
            *most = value.max(*most);
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap()
}
