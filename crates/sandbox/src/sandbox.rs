//! The sandbox: store, controllers, nodes and API in one value that is driven from outside.
//!
//! ```text
//!   handle(request, now) ─► api ─► store          answers at once; controllers have not run yet
//!   receive(request, now) ─► faults ─► handle, or what goes wrong instead
//!   tick(now) ─► whatever is due: controllers, scheduler, kubelets ─► store      ─► when to tick next
//! ```
//!
//! It has no thread, no clock and no I/O. The HTTP edge calls `tick` when the time comes and after each request; a
//! simulation calls it in virtual time. The same seed and the same calls give the same objects, to the last uid.

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;

use crate::api::{self, Backend, Request, Response};
use crate::controllers::agenda::{Agenda, Task};
use crate::controllers::events::Recorder;
use crate::controllers::{self, Context, Index, observe};
use crate::faults::{Fault, Faults, Verdict, after};
use crate::nodes::Nodes;
use crate::nodes::logs::SimulatedLogs;
use crate::resources;
use crate::storage::{Event, Storage};
use crate::writes::Writes;

/// Tasks that one [`Sandbox::tick`] runs at most, so that requests get their turn in between.
const TASKS_PER_TICK: usize = 1000;
/// The namespaces that a new cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// How a sandbox is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The source of all that is random: uids, generated names.
    pub seed: u64,
    /// How many nodes there are at the start.
    pub nodes: u16,
    /// How many pods a node takes; at most 250, for each has an address of its own in the node's range.
    pub pods_per_node: u32,
    /// From a pod being placed to its containers running.
    pub start_delay: SignedDuration,
    /// From a container running to it being ready.
    pub ready_delay: SignedDuration,
    /// From a container being asked to stop to it having stopped.
    pub stop_delay: SignedDuration,
    /// From a node falling silent to it counting as unreachable.
    pub node_grace: SignedDuration,
    /// Whether the routine of healthy pods (placed, pulled, started, stopped, ...) makes events as in a real cluster.
    /// They are more than half of all writes, which a simulation may want to save.
    pub routine_events: bool,
    /// Whether the Gateway API (GatewayClass, Gateway, HTTPRoute) is installed; a cluster has it only if someone did.
    pub gateway_api: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            nodes: 3,
            pods_per_node: 110,
            start_delay: SignedDuration::from_millis(200),
            ready_delay: SignedDuration::from_secs(1),
            stop_delay: SignedDuration::from_millis(500),
            node_grace: SignedDuration::from_secs(40),
            routine_events: true,
            gateway_api: false,
        }
    }
}

/// See the module documentation.
#[derive(Debug)]
pub struct Sandbox {
    storage: Storage,
    rng: StdRng,
    agenda: Agenda,
    recorder: Recorder,
    index: Index,
    nodes: Nodes,
    options: Options,
    faults: Faults,
    /// The revision up to which controllers have seen the store's log.
    seen: u64,
}

impl Sandbox {
    /// A new cluster with its namespaces and nodes.
    pub fn new(options: Options, now: Timestamp) -> Self {
        let storage = Storage::new();
        let mut sandbox = Self {
            seen: storage.revision(),
            storage,
            rng: StdRng::seed_from_u64(options.seed),
            agenda: Agenda::default(),
            recorder: Recorder::default(),
            index: Index::default(),
            nodes: Nodes::default(),
            options,
            faults: Faults::default(),
        };
        sandbox.bootstrap(now);
        while sandbox.tick(now).is_some_and(|due| due <= now) {}
        sandbox
    }

    /// What becomes of a request that comes from outside, where faults may be switched on.
    pub fn receive(&mut self, request: &Request, now: Timestamp) -> Verdict {
        if let Some(response) = self.faults.control(request) {
            return Verdict::Answer(response);
        }
        let Some(fault) = self.faults.strike(request, now, &mut self.rng) else {
            return Verdict::Answer(self.handle(request, now));
        };
        if let Some(response) = fault.answer(request) {
            return Verdict::Answer(response);
        }
        match fault {
            Fault::Reset { applied } | Fault::Silence { applied } => {
                if applied {
                    self.handle(request, now);
                }
                if matches!(fault, Fault::Reset { .. }) { Verdict::Reset } else { Verdict::Silence }
            }
            Fault::Delay { milliseconds, applied: false } => Verdict::HandleLater(after(milliseconds)),
            Fault::Delay { milliseconds, applied: true } => {
                Verdict::AnswerLater(self.handle(request, now), after(milliseconds))
            }
            Fault::Away { .. } => Verdict::Reset,
            Fault::CutWatches | Fault::ExpireWatches | Fault::Status(_) | Fault::Denial { .. } => {
                Verdict::Answer(self.handle(request, now))
            }
        }
    }

    /// The faults that are switched on.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The faults, to switch them on and off from within this process.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Answers a request, without faults. What follows from it happens in [`Sandbox::tick`].
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        let mut backend = Backend {
            storage: &mut self.storage,
            rng: &mut self.rng,
            now,
            logs: &SimulatedLogs { now },
            gateway_api: self.options.gateway_api,
        };
        api::handle(&mut backend, request)
    }

    /// Runs what is due at `now`, and says when to come back: not after `now` if there is more to do already, and
    /// `None` if nothing will happen by itself any more.
    pub fn tick(&mut self, now: Timestamp) -> Option<Timestamp> {
        for _ in 0..TASKS_PER_TICK {
            self.observe();
            let Some(task) = self.agenda.next(now) else {
                break;
            };
            let mut context = Context {
                storage: &mut self.storage,
                rng: &mut self.rng,
                now,
                agenda: &mut self.agenda,
                recorder: &mut self.recorder,
                index: &self.index,
                nodes: &mut self.nodes,
                options: &self.options,
            };
            match controllers::run(&mut context, &task) {
                Ok(()) => self.agenda.done(&task),
                Err(refusal) => {
                    tracing::debug!(?task, %refusal, "will be tried again");
                    self.agenda.retry(now, task);
                }
            }
        }
        self.observe();
        self.agenda.due(now)
    }

    /// The objects.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// How the sandbox was set up.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Turns what changed in the store into tasks.
    fn observe(&mut self) {
        let events: Option<Vec<Event>> = self.storage.log_after(self.seen).ok().map(|events| events.cloned().collect());
        match events {
            Some(events) => {
                for event in events {
                    observe::observe(&event, &self.storage, &mut self.index, &mut self.agenda);
                }
            }
            None => {
                observe::observe_all(&self.storage, &mut self.index, &mut self.agenda);
                // Pods whose end went unseen.
                for name in self.nodes.uids.keys() {
                    self.agenda.now(Task::Kubelet(name.clone()));
                }
            }
        }
        self.seen = self.storage.revision();
    }

    fn bootstrap(&mut self, now: Timestamp) {
        let mut writes = Writes::new(&mut self.storage, &mut self.rng, now);
        let namespaces = NAMESPACES.iter().map(|name| (resources::NAMESPACES, json!({"metadata": {"name": name}})));
        let nodes = (1..=self.options.nodes).map(|number| {
            let name = format!("node-{number}");
            let labels = json!({
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": format!("zone-{}", char::from(b'a' + u8::try_from((number - 1) % 3).unwrap_or(0))),
            });
            (resources::NODES, json!({"metadata": {"name": name, "labels": labels}}))
        });
        for (resource, object) in namespaces.chain(nodes) {
            if let Err(refusal) = writes.create(resource, "", object) {
                tracing::error!(%refusal, "cannot create what every cluster has");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::object;

    fn request(method: &str, path: &str, body: &Value) -> Request {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        Request {
            method: method.into(),
            path: path.into(),
            headers: vec![("content-type".into(), kind.into()), ("accept".into(), "application/json".into())],
            body: body.to_string().into_bytes().into(),
            ..Request::default()
        }
    }

    fn run(sandbox: &mut Sandbox, mut now: Timestamp, seconds: i64) -> Timestamp {
        let end = now + SignedDuration::from_secs(seconds);
        while let Some(due) = sandbox.tick(now).filter(|due| *due <= end) {
            now = now.max(due);
        }
        end
    }

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

    fn deployment(image: &str, replicas: i64) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}}})
    }

    #[test]
    fn a_deployment_rolls_out_and_settles() {
        let mut sandbox = Sandbox::new(Options::default(), start());
        let created = sandbox.handle(&request("POST", DEPLOYMENTS, &deployment("app:v1", 10)), start());
        assert_eq!(created.status, 201);
        let now = run(&mut sandbox, start(), 10);
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "app:v2"}]}}}});
        let patched = sandbox.handle(&request("PATCH", &format!("{DEPLOYMENTS}/web"), &patch), now);
        assert_eq!(patched.status, 200);
        run(&mut sandbox, now, 60);
        let web = sandbox.storage().get(resources::DEPLOYMENTS, "default", "web").unwrap();
        assert_eq!(object::integer(web, "/status/availableReplicas"), Some(10));
        assert_eq!(object::integer(web, "/status/updatedReplicas"), Some(10));
        assert_eq!(object::annotation(web, "deployment.kubernetes.io/revision"), Some("2"));
        let images: Vec<&str> = sandbox
            .storage()
            .list(resources::PODS, Some("default"))
            .map(|pod| object::text(pod, "/spec/containers/0/image"))
            .collect();
        assert_eq!(images, ["app:v2"; 10]);
    }

    #[test]
    fn the_same_seed_gives_the_same_cluster() {
        let history = |seed| {
            let mut sandbox = Sandbox::new(Options { seed, ..Options::default() }, start());
            sandbox.handle(&request("POST", DEPLOYMENTS, &deployment("app:v1-bad", 3)), start());
            run(&mut sandbox, start(), 120);
            let objects = |resource| sandbox.storage().list(resource, None).cloned().collect::<Vec<_>>();
            (objects(resources::PODS), objects(resources::EVENTS))
        };
        assert_eq!(history(1), history(1));
        assert_ne!(history(1), history(2));
    }
}
