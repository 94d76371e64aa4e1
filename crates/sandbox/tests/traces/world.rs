//! A sandbox in virtual time, and an observer that sees every change of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sternway_sandbox::api::{Body, Request};
use sternway_sandbox::storage::EventKind;
use sternway_sandbox::{Options, Sandbox, object, resources};

/// Nothing may change for so long before a state counts as settled; what the recorder waited for.
const QUIET: SignedDuration = SignedDuration::from_millis(2500);
/// No step of a recording took longer than half of this to settle.
const PATIENCE: SignedDuration = SignedDuration::from_secs(120);
/// A `minReadySeconds` above this is a hold: nobody waits for it to pass.
const HOLD: i64 = 1_000_000;

pub struct World {
    pub sandbox: Sandbox,
    pub now: Timestamp,
    pub namespace: String,
    pub seen: Seen,
    revision: u64,
    /// Scalings so far in this scenario, recorded and here.
    pub scalings: (usize, usize),
    /// Whether the step before ended in the middle of a roll-out.
    pub unsettled: bool,
}

/// What the observer has seen: the present counts, and what happened since [`Seen::start_step`].
#[derive(Default)]
pub struct Seen {
    pods: BTreeMap<String, Pod>,
    sets: BTreeMap<String, Set>,
    status_available: i64,
    status_unavailable: i64,
    pub extremes: BTreeMap<&'static str, (i64, i64)>,
    /// Changes of `spec.replicas`: image, from, to.
    pub scales: Vec<(String, Option<i64>, i64)>,
    /// Messages of ScalingReplicaSet events, with their counts.
    pub events: Vec<String>,
    /// Kind and image of deleted objects, in order.
    pub deletions: Vec<String>,
    /// Images of ReplicaSets by name, for ever.
    pub images: BTreeMap<String, String>,
    /// Names of pods by image at the start of the step.
    pub pods_before: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone)]
struct Pod {
    image: String,
    ready: bool,
}

struct Set {
    replicas: i64,
}

impl World {
    pub fn new(name: &str) -> Self {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        // The recorded cluster had room for everything, and containers that stop at once.
        let options = Options {
            seed: 1,
            nodes: 4,
            ..Options::default()
        };
        let mut world = Self {
            sandbox: Sandbox::new(options, now),
            now,
            namespace: format!("tr-{name}"),
            seen: Seen::default(),
            revision: 0,
            scalings: (0, 0),
            unsettled: false,
        };
        world.revision = world.sandbox.storage().revision();
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}});
        let (code, answer) = world.request("POST", "/api/v1/namespaces", &namespace);
        assert_eq!(code, 201, "{answer}");
        world.run_for(SignedDuration::from_millis(100));
        world
    }

    pub fn path(&self, plural: &str, name: &str) -> String {
        let prefix = if plural == "pods" {
            "/api/v1"
        } else {
            "/apis/apps/v1"
        };
        let slash = if name.is_empty() { "" } else { "/" };
        format!(
            "{prefix}/namespaces/{}/{plural}{slash}{name}",
            self.namespace
        )
    }

    /// Sends a request with a JSON body; PATCH is a merge patch.
    pub fn request(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let kind = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        self.request_as(method, path, &[], kind, body)
    }

    pub fn request_as(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: &Value,
    ) -> (u16, Value) {
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
            headers: vec![
                ("content-type".into(), content_type.into()),
                ("accept".into(), "application/json".into()),
                ("user-agent".into(), "trace-recorder".into()),
            ],
            body: if body.is_null() {
                Vec::new().into()
            } else {
                body.to_string().into_bytes().into()
            },
        };
        let response = self.sandbox.handle(&request, self.now);
        self.observe();
        let Body::Full(bytes) = response.body else {
            panic!("{method} {path} answered with a watch")
        };
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (response.status, value)
    }

    pub fn get(&mut self, path: &str) -> Value {
        self.request("GET", path, &Value::Null).1
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: SignedDuration) {
        self.run_to(self.now + duration);
    }

    fn run_to(&mut self, end: Timestamp) {
        loop {
            let due = self.sandbox.tick(self.now);
            self.observe();
            match due {
                Some(due) if due <= end => self.now = self.now.max(due),
                Some(_) | None => break,
            }
        }
        self.now = end;
    }

    /// Lets time pass until `condition` holds; panics when it never does.
    pub fn run_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.now + PATIENCE;
        loop {
            let due = self.sandbox.tick(self.now);
            self.observe();
            if condition(self) {
                return;
            }
            let due =
                due.unwrap_or_else(|| panic!("nothing will happen any more, and not: {what}"));
            assert!(due <= end, "did not come in {PATIENCE:?}: {what}");
            self.now = self.now.max(due);
        }
    }

    /// Lets time pass until nothing has changed for a while and nothing is about to.
    pub fn settle(&mut self, await_slow: bool) {
        let end = self.now + PATIENCE;
        let mut since = self.now;
        let mut print = self.fingerprint();
        loop {
            let due = self.sandbox.tick(self.now);
            self.observe();
            let current = self.fingerprint();
            if current != print {
                print = current;
                since = self.now;
            }
            let quiet = since + QUIET;
            let next = due.map_or(quiet, |due| due.max(self.now));
            if next > quiet && !self.is_waiting(await_slow) {
                self.now = self.now.max(quiet);
                return;
            }
            if due.is_none() {
                return;
            }
            assert!(next <= end, "did not settle in {PATIENCE:?}");
            self.now = next;
        }
    }

    /// Whether pods are known to change by the mere passage of (a short) time.
    fn is_waiting(&self, await_slow: bool) -> bool {
        let storage = self.sandbox.storage();
        storage
            .list(resources::PODS, Some(&self.namespace))
            .any(|pod| {
                let ready = is_ready(pod);
                let slow = await_slow && !ready && image(pod, "").contains("slow");
                let owner = object::controller_of(pod)
                    .map(|owner| object::text(owner, "/name"))
                    .unwrap_or_default();
                let short = storage
                    .get(resources::REPLICASETS, &self.namespace, owner)
                    .and_then(|set| object::integer(set, "/spec/minReadySeconds"))
                    .filter(|seconds| *seconds < HOLD)
                    .is_some_and(|seconds| {
                        let since = condition_time(pod, "Ready").unwrap_or(self.now);
                        ready && since + SignedDuration::from_secs(seconds) > self.now
                    });
                slow || short
            })
    }

    /// All that a change of would mean that the state has not settled.
    fn fingerprint(&self) -> Value {
        let storage = self.sandbox.storage();
        let pods: Vec<Value> = storage
            .list(resources::PODS, Some(&self.namespace))
            .map(|pod| {
                json!([
                    object::name(pod),
                    is_ready(pod),
                    object::text(pod, "/status/phase")
                ])
            })
            .collect();
        let rest: Vec<Value> = [resources::DEPLOYMENTS, resources::REPLICASETS]
            .into_iter()
            .flat_map(|resource| storage.list(resource, Some(&self.namespace)))
            .map(|one| {
                json!([
                    object::name(one),
                    one["metadata"]["generation"],
                    one["status"]
                ])
            })
            .collect();
        json!([pods, rest])
    }

    fn observe(&mut self) {
        let events: Vec<_> = self
            .sandbox
            .storage()
            .log_after(self.revision)
            .expect("the log is long enough")
            .cloned()
            .collect();
        for event in events {
            self.revision = event.revision;
            if object::namespace(&event.object) == self.namespace {
                self.seen.observe(&event);
            }
        }
    }

    /// The state in the shape of the recording.
    pub fn state(&self) -> Value {
        let storage = self.sandbox.storage();
        let deployment = storage.get(resources::DEPLOYMENTS, &self.namespace, "web");
        let uid = deployment.map(|one| object::uid(one)).unwrap_or_default();
        let sets: Vec<Value> = storage
            .list(resources::REPLICASETS, Some(&self.namespace))
            .map(|set| replica_set(set, uid))
            .collect();
        let mut pods: BTreeMap<String, Value> = BTreeMap::new();
        for pod in storage.list(resources::PODS, Some(&self.namespace)) {
            let group = pods.entry(image(pod, "").to_owned()).or_insert_with(
                || json!({"total": 0, "ready": 0, "phases": {}, "orphans": 0, "terminating": 0}),
            );
            let mut count = |field: &str, counts: bool| {
                let old = group[field].as_i64().unwrap();
                group[field] = json!(old + i64::from(counts));
            };
            count("total", true);
            count("ready", is_ready(pod));
            count("orphans", object::controller_of(pod).is_none());
            count("terminating", object::is_deleting(pod));
            let phase = object::text(pod, "/status/phase").to_owned();
            let old = group["phases"]
                .get(&phase)
                .and_then(Value::as_i64)
                .unwrap_or(0);
            group["phases"][phase] = json!(old + 1);
        }
        json!({"deployment": deployment.map(|one| deployment_state(one)), "replicasets": sets, "pods": pods})
    }
}

impl Seen {
    /// Forgets what happened before, and starts from the present counts.
    pub fn start_step(&mut self) {
        self.extremes.clear();
        self.scales.clear();
        self.events.clear();
        self.deletions.clear();
        self.pods_before = self.pods_now();
        self.measure();
    }

    pub fn pods_now(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut by_image: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, pod) in &self.pods {
            by_image
                .entry(pod.image.clone())
                .or_default()
                .insert(name.clone());
        }
        by_image
    }

    pub fn ready(&self) -> i64 {
        count(self.pods.values().filter(|pod| pod.ready))
    }

    pub fn spec_total(&self) -> i64 {
        self.sets.values().map(|set| set.replicas).sum()
    }

    fn observe(&mut self, event: &sternway_sandbox::storage::Event) {
        let object = &event.object;
        let gone = event.kind == EventKind::Deleted;
        let name = object::name(object).to_owned();
        match event.resource.plural {
            "pods" => {
                let pod = Pod {
                    image: image(object, "").to_owned(),
                    ready: is_ready(object),
                };
                if gone {
                    self.pods.remove(&name);
                    self.deletions.push(format!("Pod {}", pod.image));
                } else {
                    self.pods.insert(name, pod);
                }
            }
            "replicasets" => self.observe_set(name, object, gone),
            "deployments" => {
                let count = |field| {
                    object::integer(object, field)
                        .filter(|_| !gone)
                        .unwrap_or(0)
                };
                self.status_available = count("/status/availableReplicas");
                self.status_unavailable = count("/status/unavailableReplicas");
                if gone {
                    self.deletions
                        .push(format!("Deployment {}", image(object, "/spec/template")));
                }
            }
            "events" => {
                if object::text(object, "/reason") == "ScalingReplicaSet" && !gone {
                    self.events
                        .push(object::text(object, "/message").to_owned());
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
        let before = self
            .sets
            .insert(name, Set { replicas })
            .map(|set| set.replicas);
        if before != Some(replicas) {
            self.scales.push((image, before, replicas));
        }
    }

    fn measure(&mut self) {
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

/// The image of the first container below `spec` of the object at `prefix`.
pub fn image<'a>(object: &'a Value, prefix: &str) -> &'a str {
    object::text(object, &format!("{prefix}/spec/containers/0/image"))
}

pub fn is_ready(pod: &Value) -> bool {
    object::items(pod, "/status/conditions")
        .iter()
        .any(|one| one["type"] == "Ready" && one["status"] == "True")
}

fn condition_time(pod: &Value, kind: &str) -> Option<Timestamp> {
    let conditions = object::items(pod, "/status/conditions");
    object::timestamp(
        conditions.iter().find(|one| one["type"] == kind)?,
        "/lastTransitionTime",
    )
}

/// Annotations that the recorder kept: all but kubectl's copy of the applied file.
fn annotations(object: &Value) -> Map<String, Value> {
    let mut annotations = object::annotations(object).cloned().unwrap_or_default();
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    annotations
}

fn deployment_state(object: &Value) -> Value {
    let annotations = annotations(object);
    let kept = [
        "replicas",
        "strategy",
        "minReadySeconds",
        "progressDeadlineSeconds",
        "revisionHistoryLimit",
        "paused",
    ];
    let spec: Map<String, Value> = kept
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), object["spec"].get(key)?.clone())))
        .collect();
    let mut status = object["status"].clone();
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        for condition in conditions {
            let map = condition.as_object_mut().unwrap();
            map.remove("lastUpdateTime");
            map.remove("lastTransitionTime");
        }
    }
    json!({
        "generation": object["metadata"]["generation"],
        "revision": annotations.get("deployment.kubernetes.io/revision"),
        "annotations": annotations,
        "image": image(object, "/spec/template"),
        "spec": spec,
        "status": status,
    })
}

fn replica_set(object: &Value, deployment: &str) -> Value {
    let name = object::name(object);
    let hash = object::label(object, "pod-template-hash");
    let owner = object::controller_of(object).map(|owner| object::text(owner, "/uid"));
    json!({
        "name": name,
        "image": image(object, "/spec/template"),
        "spec_replicas": object["spec"]["replicas"],
        "generation": object["metadata"]["generation"],
        "status": object["status"],
        "annotations": annotations(object),
        "minReadySeconds": object["spec"].get("minReadySeconds").cloned().unwrap_or(json!(0)),
        "has_hash": hash.is_some(),
        "name_is_dep_dash_hash": hash.is_some_and(|hash| name == format!("web-{hash}")),
        "owner_ok": owner.is_some_and(|owner| owner == deployment),
        "has_owner": owner.is_some(),
        "conditions": object["status"].get("conditions").cloned().unwrap_or(json!([])),
    })
}
