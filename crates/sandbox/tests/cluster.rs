//! The simulated cluster as its users see it: containers that fail in every way, nodes that go, budgets, quotas,
//! endpoints, and how things are removed.

#![expect(clippy::unwrap_used, reason = "in a test a missing field is a failure, and helpers are part of the test")]

use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_sandbox::{Options, object};

use self::driver::Driver;

#[path = "traces/driver.rs"]
mod driver;

const PODS: &str = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

struct Cluster(Driver);

impl Cluster {
    fn new() -> Self {
        Self(Driver::new(Options::default()))
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        self.0.send(method, path, &[], kind, body)
    }

    fn get(&mut self, path: &str) -> Value {
        self.send("GET", path, &Value::Null).1
    }

    fn create(&mut self, path: &str, body: &Value) {
        let (code, answer) = self.send("POST", path, body);
        assert_eq!(code, 201, "{answer}");
    }

    fn patch(&mut self, path: &str, body: &Value) {
        let (code, answer) = self.send("PATCH", path, body);
        assert_eq!(code, 200, "{answer}");
    }

    fn delete(&mut self, path: &str) {
        let (code, answer) = self.send("DELETE", path, &Value::Null);
        assert_eq!(code, 200, "{answer}");
    }

    fn wait(&mut self, seconds: i64) {
        self.0.run_for(SignedDuration::from_secs(seconds));
    }

    /// Creates a Deployment `web` whose pods are made from `spec`, and waits for its pods to run.
    fn deploy(&mut self, replicas: i64, spec: &Value) {
        self.create(
            DEPLOYMENTS,
            &json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web"},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec},
                },
            }),
        );
        self.wait(5);
    }

    fn deploy_image(&mut self, replicas: i64, image: &str) {
        self.deploy(replicas, &json!({"containers": [{"name": "c", "image": image}]}));
    }

    fn items(&mut self, path: &str) -> Vec<Value> {
        object::items(&self.get(path), "/items").to_vec()
    }

    fn pods(&mut self) -> Vec<Value> {
        self.items(PODS)
    }

    /// The only pod.
    fn pod(&mut self) -> Value {
        let pods = self.pods();
        assert_eq!(pods.len(), 1, "{pods:#?}");
        pods.into_iter().next().unwrap()
    }

    fn available(&mut self) -> i64 {
        object::integer(&self.get(&format!("{DEPLOYMENTS}/web")), "/status/availableReplicas").unwrap_or(0)
    }

    /// Reasons of the events about an object.
    fn reasons(&mut self, name: &str) -> Vec<String> {
        let mut events = self.items("/api/v1/namespaces/default/events");
        events.retain(|event| object::text(event, "/involvedObject/name") == name);
        let mut reasons: Vec<String> = events.iter().map(|event| object::text(event, "/reason").to_owned()).collect();
        reasons.sort();
        reasons.dedup();
        reasons
    }
}

fn waiting(pod: &Value) -> (&str, &str) {
    let waiting = "/status/containerStatuses/0/state/waiting";
    (object::text(pod, &format!("{waiting}/reason")), object::text(pod, &format!("{waiting}/message")))
}

fn condition<'a>(pod: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let conditions = object::items(pod, "/status/conditions");
    let condition = conditions.iter().find(|one| one["type"] == kind).expect("the condition is there");
    (object::text(condition, "/status"), object::text(condition, "/reason"))
}

#[test]
fn a_healthy_pod_looks_as_a_kubelet_would_report_it() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(1, "registry/app:v1");
    let pod = cluster.pod();
    assert_eq!(pod["status"]["phase"], "Running");
    for kind in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"] {
        assert_eq!(condition(&pod, kind), ("True", ""));
    }
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(
        (&status["ready"], &status["started"], &status["restartCount"]),
        (&json!(true), &json!(true), &json!(0))
    );
    assert!(object::text(&pod, "/status/podIP").starts_with("10.244."));
    let name = object::name(&pod).to_owned();
    assert_eq!(cluster.reasons(&name), ["Created", "Pulled", "Pulling", "Scheduled", "Started"]);
    let log = cluster.get(&format!("{PODS}/{name}/log"));
    assert!(log.as_str().unwrap().contains("listening on 0.0.0.0:8080"), "{log}");
}

#[test]
fn a_crash_looping_container_backs_off_and_says_why() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(1, "app:v2-bad");
    let pod = cluster.pod();
    let name = object::name(&pod).to_owned();
    let (reason, message) = waiting(&pod);
    assert_eq!(reason, "CrashLoopBackOff");
    assert!(
        message.starts_with(&format!("back-off 10s restarting failed container=c pod={name}_default(")),
        "{message}"
    );
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["restartCount"], 1);
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(condition(&pod, "Ready"), ("False", "ContainersNotReady"));
    assert!(cluster.reasons(&name).contains(&"BackOff".to_owned()));
    cluster.wait(60);
    assert!(object::integer(&cluster.pod(), "/status/containerStatuses/0/restartCount").unwrap() >= 3);
    let log = cluster.get(&format!("{PODS}/{name}/log"));
    assert!(log.as_str().unwrap().ends_with("exiting with status 1\n"), "{log}");
    assert_eq!(cluster.available(), 0);
}

#[test]
fn an_image_that_cannot_be_pulled_is_waited_for() {
    let mut cluster = Cluster::new();
    let images = "/api/v1/namespaces/kube-system/configmaps";
    cluster.create(images, &json!({"metadata": {"name": "sandbox-images"}, "data": {"missing": "app:v1"}}));
    cluster.deploy_image(1, "app:v1");
    let pod = cluster.pod();
    assert_eq!(waiting(&pod).0, "ImagePullBackOff");
    assert!(waiting(&pod).1.contains("app:v1: not found"), "{pod}");
    assert_eq!(pod["status"]["phase"], "Pending");
    let log = cluster.get(&format!("{PODS}/{}/log", object::name(&pod)));
    assert!(object::text(&log, "/message").ends_with("trying and failing to pull image"), "{log}");

    cluster.patch(&format!("{images}/sandbox-images"), &json!({"data": {"missing": ""}}));
    cluster.wait(30);
    assert_eq!(cluster.available(), 1);
}

#[test]
fn a_vanished_image_leaves_running_containers_alone() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(2, "app:v1");
    let images = "/api/v1/namespaces/kube-system/configmaps";
    cluster.create(images, &json!({"metadata": {"name": "sandbox-images"}, "data": {"missing": "app:*"}}));
    cluster.wait(60);
    assert_eq!(cluster.available(), 2);
    let name = object::name(&cluster.pods()[0]).to_owned();
    cluster.delete(&format!("{PODS}/{name}"));
    cluster.wait(60);
    assert_eq!(cluster.available(), 1);
}

#[test]
fn containers_that_cannot_be_created_say_so() {
    for (image, reason) in [("app:noconfig", "CreateContainerConfigError"), ("app:nocreate", "CreateContainerError")] {
        let mut cluster = Cluster::new();
        cluster.deploy_image(1, image);
        assert_eq!(waiting(&cluster.pod()).0, reason);
    }
}

#[test]
fn readiness_comes_late_or_never_or_goes() {
    let after = |image: &str, seconds| {
        let mut cluster = Cluster::new();
        cluster.deploy_image(1, image);
        cluster.wait(seconds);
        cluster.available()
    };
    assert_eq!((after("app:slow8", 0), after("app:slow8", 4)), (0, 1));
    assert_eq!((after("app:slowstart8", 0), after("app:slowstart8", 5)), (0, 1));
    assert_eq!((after("app:neverready", 0), after("app:neverready", 3600)), (0, 0));
    assert_eq!((after("app:fails20", 0), after("app:fails20", 20)), (1, 0));
    assert_eq!((after("app:dies20", 0), after("app:dies20", 16), after("app:dies20", 18)), (1, 0, 1));
}

#[test]
fn a_pod_that_fits_nowhere_waits_for_room() {
    let mut cluster = Cluster::new();
    cluster.deploy(
        1,
        &json!({
            "nodeSelector": {"disk": "ssd"},
            "containers": [{"name": "c", "image": "app:v1", "resources": {"requests": {"cpu": "3"}}}],
        }),
    );
    let pod = cluster.pod();
    assert_eq!(condition(&pod, "PodScheduled"), ("False", "Unschedulable"));
    let scheduled = &pod["status"]["conditions"][0];
    assert!(
        object::text(scheduled, "/message")
            .starts_with("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),
        "{scheduled}"
    );
    assert!(cluster.reasons(object::name(&pod)).contains(&"FailedScheduling".to_owned()));
    cluster.patch("/api/v1/nodes/node-2", &json!({"metadata": {"labels": {"disk": "ssd"}}}));
    cluster.wait(5);
    assert_eq!(cluster.available(), 1);
    // Two more of 3 CPUs do not fit beside it on a node of 8.
    cluster.patch(&format!("{DEPLOYMENTS}/web"), &json!({"spec": {"replicas": 4}}));
    cluster.wait(5);
    assert_eq!(cluster.available(), 2);
}

#[test]
fn a_lost_node_takes_its_pods_out_and_brings_them_back() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(3, "app:v1");
    assert_eq!(cluster.available(), 3);
    cluster.patch("/api/v1/nodes/node-1", &json!({"metadata": {"annotations": {"sandbox.sternway.io/lost": "true"}}}));
    cluster.wait(39);
    assert_eq!(cluster.available(), 3);
    cluster.wait(2);
    assert_eq!(cluster.available(), 2);
    cluster.patch("/api/v1/nodes/node-1", &json!({"metadata": {"annotations": {"sandbox.sternway.io/lost": null}}}));
    cluster.wait(1);
    assert_eq!(cluster.available(), 3);
    assert_eq!(cluster.pods().len(), 3);
}

#[test]
fn pods_of_a_node_that_stays_lost_are_replaced() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(3, "app:v1");
    cluster.patch("/api/v1/nodes/node-1", &json!({"metadata": {"annotations": {"sandbox.sternway.io/lost": "true"}}}));
    cluster.wait(40 + 300 + 5);
    assert_eq!(cluster.available(), 3);
    // Nobody is there to stop the old one.
    let pods = cluster.pods();
    assert_eq!(pods.iter().filter(|pod| object::is_deleting(pod)).count(), 1);
    cluster.delete("/api/v1/nodes/node-1");
    cluster.wait(45);
    assert_eq!(cluster.pods().len(), 3);
}

#[test]
fn pods_of_a_deleted_node_are_replaced() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(3, "app:v1");
    cluster.delete("/api/v1/nodes/node-3");
    cluster.wait(45);
    assert_eq!(cluster.available(), 3);
    assert!(cluster.pods().iter().all(|pod| object::text(pod, "/spec/nodeName") != "node-3"));
}

#[test]
fn a_quota_stops_the_replica_set_and_shows_in_the_deployment() {
    let mut cluster = Cluster::new();
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    cluster.create(quotas, &json!({"metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}}));
    cluster.deploy_image(4, "app:v1");
    assert_eq!(cluster.available(), 2);
    let web = cluster.get(&format!("{DEPLOYMENTS}/web"));
    let failure = object::items(&web, "/status/conditions").iter().find(|one| one["type"] == "ReplicaFailure").cloned();
    let message = object::text(failure.as_ref().unwrap(), "/message").to_owned();
    assert!(
        message.ends_with("is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2"),
        "{message}"
    );
    assert_eq!(cluster.get(&format!("{quotas}/few"))["status"]["used"], json!({"pods": "2"}));
    cluster.patch(&format!("{quotas}/few"), &json!({"spec": {"hard": {"pods": "9"}}}));
    cluster.wait(60);
    assert_eq!(cluster.available(), 4);
    let web = cluster.get(&format!("{DEPLOYMENTS}/web"));
    assert!(object::items(&web, "/status/conditions").iter().all(|one| one["type"] != "ReplicaFailure"));
}

#[test]
fn a_budget_counts_and_guards_evictions() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(4, "app:v1");
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    cluster.create(
        budgets,
        &json!({
            "metadata": {"name": "web"},
            "spec": {"maxUnavailable": "25%", "selector": {"matchLabels": {"app": "web"}}},
        }),
    );
    cluster.wait(1);
    let status = |cluster: &mut Cluster| {
        let status = cluster.get(&format!("{budgets}/web"))["status"].clone();
        ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
            .map(|field| status[field].as_i64().unwrap())
    };
    assert_eq!(status(&mut cluster), [1, 4, 3, 4]);
    let evict = |cluster: &mut Cluster, name: &str| {
        let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
        cluster.send("POST", &format!("{PODS}/{name}/eviction"), &body).0
    };
    let names: Vec<String> = cluster.pods().iter().map(|pod| object::name(pod).to_owned()).collect();
    assert_eq!(evict(&mut cluster, &names[0]), 201);
    assert_eq!(evict(&mut cluster, &names[1]), 429);
    cluster.wait(5);
    assert_eq!(status(&mut cluster), [1, 4, 3, 4]);
    assert_eq!(evict(&mut cluster, &names[1]), 201);
}

#[test]
fn services_know_who_is_ready() {
    let mut cluster = Cluster::new();
    cluster.create(
        "/api/v1/namespaces/default/services",
        &json!({
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        }),
    );
    cluster.deploy_image(3, "app:v1");
    let addresses: Vec<String> =
        cluster.pods().iter().map(|pod| object::text(pod, "/status/podIP").to_owned()).collect();
    let endpoints = cluster.get("/api/v1/namespaces/default/endpoints/web");
    let mut listed: Vec<&str> =
        object::items(&endpoints, "/subsets/0/addresses").iter().map(|one| object::text(one, "/ip")).collect();
    let mut sorted: Vec<&str> = addresses.iter().map(String::as_str).collect();
    listed.sort_unstable();
    sorted.sort_unstable();
    assert_eq!(listed, sorted);

    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    cluster.patch(
        &format!("{DEPLOYMENTS}/web"),
        &json!({"spec": {"template": {"spec": {"containers": [
        {"name": "c", "image": "app:neverready"}]}}}}),
    );
    cluster.wait(10);
    let slice = cluster.items(slices).remove(0);
    let ready = |wanted: bool| {
        object::items(&slice, "/endpoints").iter().filter(|one| one["conditions"]["ready"] == wanted).count()
    };
    assert_eq!((ready(true), ready(false)), (3, 1));
    cluster.delete("/api/v1/namespaces/default/services/web");
    cluster.wait(1);
    assert!(cluster.items(slices).is_empty());
    assert!(cluster.items("/api/v1/namespaces/default/endpoints").is_empty());
}

#[test]
fn a_stubborn_container_uses_up_its_grace_period() {
    let gone_after = |image: &str, seconds| {
        let mut cluster = Cluster::new();
        cluster.create(
            PODS,
            &json!({
                "metadata": {"name": "one"},
                "spec": {"terminationGracePeriodSeconds": 20, "containers": [{"name": "c", "image": image}]},
            }),
        );
        cluster.wait(5);
        cluster.delete(&format!("{PODS}/one"));
        cluster.wait(seconds);
        cluster.pods().is_empty()
    };
    assert!(gone_after("app:v1", 1));
    assert!(!gone_after("app:stubborn", 19));
    assert!(gone_after("app:stubborn", 20));
}

#[test]
fn a_deleted_namespace_goes_with_everything_in_it() {
    let mut cluster = Cluster::new();
    cluster.create("/api/v1/namespaces", &json!({"metadata": {"name": "team"}}));
    cluster.create(
        "/apis/apps/v1/namespaces/team/deployments",
        &json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {
                "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "app:v1"}]}}},
        }),
    );
    cluster.wait(5);
    cluster.delete("/api/v1/namespaces/team");
    assert_eq!(cluster.get("/api/v1/namespaces/team")["status"]["phase"], "Terminating");
    cluster.wait(5);
    assert_eq!(cluster.send("GET", "/api/v1/namespaces/team", &Value::Null).0, 404);
    let left = cluster.items("/api/v1/pods");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_drained_node_gets_no_new_pods() {
    let mut cluster = Cluster::new();
    cluster.patch("/api/v1/nodes/node-1", &json!({"spec": {"unschedulable": true}}));
    cluster.deploy_image(4, "app:v1");
    assert_eq!(cluster.available(), 4);
    assert!(cluster.pods().iter().all(|pod| object::text(pod, "/spec/nodeName") != "node-1"));
}

#[test]
fn a_large_roll_out_costs_a_few_writes_per_pod() {
    let mut cluster = Cluster::new();
    cluster.deploy_image(200, "app:v1");
    assert_eq!(cluster.available(), 200);
    let before = cluster.0.sandbox.storage().revision();
    cluster.patch(
        &format!("{DEPLOYMENTS}/web"),
        &json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "app:v2"}]}}}}),
    );
    cluster.wait(60);
    let pods = cluster.pods();
    assert_eq!(pods.len(), 200);
    assert!(pods.iter().all(|pod| object::text(pod, "/spec/containers/0/image") == "app:v2"));
    // A new pod is created, placed, taken up, started and ready; an old one is stopped and removed. Each of these
    // steps may make an event. What controllers write beside that must not grow with the number of pods.
    let writes = cluster.0.sandbox.storage().revision() - before;
    assert!(writes < 200 * 16, "{writes} writes");
}
