//! A sandbox in virtual time, and an observer that sees every change of it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_sandbox::{Options, object, resources};

use crate::driver::Driver;
use crate::seen::Seen;
use crate::state::{self, condition_time, image, is_ready};

/// Nothing may change for so long before a state counts as settled; what the recorder waited for.
const QUIET: SignedDuration = SignedDuration::from_millis(2500);
/// No step of a recording took longer than half of this to settle.
const PATIENCE: SignedDuration = SignedDuration::from_secs(120);
/// A `minReadySeconds` above this is a hold: nobody waits for it to pass.
const HOLD: i64 = 1_000_000;

pub(crate) struct World {
    pub(crate) driver: Driver,
    pub(crate) namespace: String,
    pub(crate) seen: Seen,
    revision: u64,
    /// Scalings so far in this scenario, recorded and here.
    pub(crate) scalings: (usize, usize),
    /// Whether the step before ended in the middle of a roll-out.
    pub(crate) unsettled: bool,
}

impl World {
    pub(crate) fn new(name: &str) -> Self {
        // The recorded cluster had room for everything.
        let options = Options { seed: 1, nodes: 4, routine_events: false, ..Options::default() };
        let mut world = Self {
            driver: Driver::new(options),
            namespace: format!("tr-{name}"),
            seen: Seen::default(),
            revision: 0,
            scalings: (0, 0),
            unsettled: false,
        };
        world.revision = world.driver.sandbox.storage().revision();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}});
        let (code, answer) = world.request("POST", "/api/v1/namespaces", &namespace);
        assert_eq!(code, 201, "{answer}");
        world.run_for(SignedDuration::from_millis(100));
        world
    }

    pub(crate) fn path(&self, plural: &str, name: &str) -> String {
        let prefix = if plural == "pods" { "/api/v1" } else { "/apis/apps/v1" };
        let slash = if name.is_empty() { "" } else { "/" };
        format!("{prefix}/namespaces/{}/{plural}{slash}{name}", self.namespace)
    }

    /// Sends a request with a JSON body; PATCH is a merge patch.
    pub(crate) fn request(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.request_as(method, path, &[], kind, body)
    }

    pub(crate) fn request_as(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        content_type: &str,
        body: &Value,
    ) -> (u16, Value) {
        let answer = self.driver.send(method, path, query, content_type, body);
        self.observe();
        answer
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.request("GET", path, &Value::Null).1
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, duration: SignedDuration) {
        self.driver.run_for(duration);
        self.observe();
    }

    /// Lets time pass until `condition` holds; panics when it never does.
    pub(crate) fn run_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let end = self.driver.now + PATIENCE;
        loop {
            let due = self.driver.tick();
            self.observe();
            if condition(self) {
                return;
            }
            let due = due.unwrap_or_else(|| panic!("nothing will happen any more, and not: {what}"));
            assert!(due <= end, "did not come in {PATIENCE:?}: {what}");
            self.driver.now = self.driver.now.max(due);
        }
    }

    /// Lets time pass until nothing has changed for a while and nothing is about to.
    pub(crate) fn settle(&mut self, await_slow: bool) {
        let end = self.driver.now + PATIENCE;
        let mut since = self.driver.now;
        let mut print = self.fingerprint();
        loop {
            let due = self.driver.tick();
            self.observe();
            let current = self.fingerprint();
            if current != print {
                print = current;
                since = self.driver.now;
            }
            let quiet = since + QUIET;
            let next = due.map_or(quiet, |due| due.max(self.driver.now));
            if next > quiet && !self.is_waiting(await_slow) {
                self.driver.now = self.driver.now.max(quiet);
                return;
            }
            if due.is_none() {
                return;
            }
            assert!(next <= end, "did not settle in {PATIENCE:?}");
            self.driver.now = next;
        }
    }

    /// Whether pods are known to change by the mere passage of (a short) time.
    fn is_waiting(&self, await_slow: bool) -> bool {
        let storage = self.driver.sandbox.storage();
        storage.list(resources::PODS, Some(&self.namespace)).any(|pod| {
            let ready = is_ready(pod);
            let slow = await_slow && !ready && image(pod, "").contains("slow");
            let owner = object::controller_of(pod).map(|owner| object::text(owner, "/name")).unwrap_or_default();
            let short = storage
                .get(resources::REPLICASETS, &self.namespace, owner)
                .and_then(|set| object::integer(set, "/spec/minReadySeconds"))
                .filter(|seconds| *seconds < HOLD)
                .is_some_and(|seconds| {
                    let since = condition_time(pod, "Ready").unwrap_or(self.driver.now);
                    ready && since + SignedDuration::from_secs(seconds) > self.driver.now
                });
            slow || short
        })
    }

    /// All that a change of would mean that the state has not settled.
    fn fingerprint(&self) -> Value {
        let storage = self.driver.sandbox.storage();
        let pods: Vec<Value> = storage
            .list(resources::PODS, Some(&self.namespace))
            .map(|pod| json!([object::name(pod), is_ready(pod), object::text(pod, "/status/phase")]))
            .collect();
        let rest: Vec<Value> = [resources::DEPLOYMENTS, resources::REPLICASETS]
            .into_iter()
            .flat_map(|resource| storage.list(resource, Some(&self.namespace)))
            .map(|one| json!([object::name(one), one["metadata"]["generation"], one["status"]]))
            .collect();
        json!([pods, rest])
    }

    fn observe(&mut self) {
        let events: Vec<_> =
            self.driver.sandbox.storage().log_after(self.revision).expect("the log is long enough").cloned().collect();
        for event in events {
            self.revision = event.revision;
            if object::namespace(&event.object) == self.namespace {
                self.seen.observe(&event);
            }
        }
    }

    /// The state in the shape of the recording.
    pub(crate) fn state(&self) -> Value {
        state::state(self.driver.sandbox.storage(), &self.namespace)
    }
}
