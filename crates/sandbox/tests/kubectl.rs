//! A real kubectl against a served sandbox: what people and scripts type has to work.
//!
//! Needs `kubectl` on the PATH (Debian: `apt-get install kubernetes-client`), or another one named by
//! `STERNWAY_KUBECTL`.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail the test")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use sternway_sandbox::{Options, Sandbox, http};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// A served sandbox and a place for kubectl's files.
struct Cluster {
    runtime: Option<Runtime>,
    cancel: CancellationToken,
    home: TempDir,
}

impl Cluster {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let home = TempDir::new().unwrap();
        let cancel = CancellationToken::new();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        std::fs::write(home.path().join("config"), http::kubeconfig(listener.local_addr().unwrap())).unwrap();
        let options = Options {
            start_delay: SignedDuration::from_millis(20),
            ready_delay: SignedDuration::from_millis(50),
            stop_delay: SignedDuration::from_millis(20),
            ..Options::default()
        };
        let sandbox = Arc::new(Mutex::new(Sandbox::new(options, now())));
        runtime.spawn(http::serve(listener, sandbox, cancel.clone()));
        Self { runtime: Some(runtime), cancel, home }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let program = std::env::var_os("STERNWAY_KUBECTL").unwrap_or_else(|| "kubectl".into());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg("--request-timeout=60s")
            .env("KUBECONFIG", self.home.path().join("config"))
            .env("HOME", self.home.path())
            .stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("kubectl runs; install it (Debian: apt-get install kubernetes-client) or set STERNWAY_KUBECTL")
    }

    /// Runs kubectl, which must succeed; returns what it prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl, which must fail; returns its complaint.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "kubectl {arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Writes a manifest to a file, for `-f`.
    fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.home.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn deploy(&self) {
        let file = self.file("web.yaml", &manifest("v1", 2));
        assert_eq!(self.run(&["apply", "-f", &file]), "deployment.apps/web created\n");
        self.run(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a served sandbox lives in real time")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn manifest(version: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {{app: web}}\nspec:\n  \
         replicas: {replicas}\n  selector:\n    matchLabels: {{app: web}}\n  template:\n    metadata:\n      \
         labels: {{app: web}}\n    spec:\n      containers:\n      - name: c\n        image: web:{version}\n        \
         ports: [{{containerPort: 8080}}]\n        resources: {{requests: {{cpu: 100m, memory: 64Mi}}}}\n"
    )
}

/// The words of each line of a printed table.
fn words(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn get_prints_tables_and_documents() {
    let cluster = Cluster::start();
    cluster.deploy();
    let deployments = cluster.run(&["get", "deploy"]);
    let table = words(&deployments);
    assert_eq!(table[0], ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    assert_eq!(table[1][..4], ["web", "2/2", "2", "2"]);
    let wide = cluster.run(&["get", "rs", "-o", "wide"]);
    assert!(wide.contains("CONTAINERS") && wide.contains("web:v1") && wide.contains("app=web,pod-template-hash="));
    let pods = cluster.run(&["get", "pods", "-l", "app=web", "-o", "wide"]);
    assert_eq!(words(&pods).len(), 3);
    assert!(words(&pods)[1..].iter().all(|row| row[1..3] == ["1/1", "Running"]), "{pods}");
    let all = cluster.run(&["get", "all", "-A"]);
    assert!(all.contains("deployment.apps/web") && all.contains("replicaset.apps/web-"), "{all}");
    for kind in [
        "nodes",
        "ns",
        "svc",
        "cm",
        "secrets",
        "sa",
        "ep",
        "endpointslices",
        "events",
        "leases",
        "pdb",
        "hpa",
        "quota",
        "ing",
        "sts",
        "ds",
    ] {
        cluster.run(&["get", kind]);
    }
    assert_eq!(cluster.run(&["get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"]), "2");
    let json: serde_json::Value = serde_json::from_str(&cluster.run(&["get", "pods", "-o", "json"])).unwrap();
    assert_eq!(json["kind"], "List");
    assert_eq!(json["items"].as_array().map(Vec::len), Some(2));
    assert!(cluster.run(&["get", "deploy", "web", "-o", "yaml"]).starts_with("apiVersion: apps/v1\n"));
    assert!(cluster.refused(&["get", "deploy", "none"]).contains("deployments.apps \"none\" not found"));
}

#[test]
fn apply_creates_changes_and_leaves_alone() {
    let cluster = Cluster::start();
    cluster.deploy();
    let file = cluster.file("web.yaml", &manifest("v1", 2));
    assert_eq!(cluster.run(&["apply", "-f", &file]), "deployment.apps/web unchanged\n");
    let file = cluster.file("web.yaml", &manifest("v2", 3));
    assert_eq!(cluster.run(&["apply", "-f", &file]), "deployment.apps/web configured\n");
    cluster.run(&["rollout", "status", "deploy/web", "--timeout=60s"]);
    let images = cluster.run(&["get", "pods", "-o", "jsonpath={.items[*].spec.containers[*].image}"]);
    assert_eq!(images, "web:v2 web:v2 web:v2");
    // Validation is on, and tells the field that nobody knows.
    let file = cluster.file("odd.yaml", &manifest("v2", 3).replace("replicas:", "replicsa:"));
    let complaint = cluster.refused(&["apply", "-f", &file]);
    assert!(complaint.contains("replicsa"), "{complaint}");
}

#[test]
fn apply_on_the_server_knows_its_managers() {
    let cluster = Cluster::start();
    let file = cluster.file("web.yaml", &manifest("v1", 2));
    let apply = ["apply", "--server-side", "-f", &file];
    assert_eq!(cluster.run(&apply), "deployment.apps/web serverside-applied\n");
    assert_eq!(cluster.run(&apply), "deployment.apps/web serverside-applied\n");
    cluster.file("web.yaml", &manifest("v2", 2));
    let other = ["apply", "--server-side", "--field-manager=other", "-f", &file];
    let complaint = cluster.refused(&other);
    assert!(complaint.contains("conflict with \"kubectl\""), "{complaint}");
    cluster.run(&[&other[..], &["--force-conflicts"]].concat());
    let image = ["get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"];
    assert_eq!(cluster.run(&image), "web:v2");
}

#[test]
fn a_rollout_is_followed_undone_and_remembered() {
    let cluster = Cluster::start();
    cluster.deploy();
    cluster.run(&["set", "image", "deployment/web", "c=web:v2"]);
    let status = cluster.run(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert!(status.contains("successfully rolled out"), "{status}");
    let history = cluster.run(&["rollout", "history", "deployment/web"]);
    assert!(history.contains("\n1 ") && history.contains("\n2 "), "{history}");
    let detail = cluster.run(&["rollout", "history", "deployment/web", "--revision=1"]);
    assert!(detail.contains("web:v1"), "{detail}");
    let undone = cluster.run(&["rollout", "undo", "deployment/web"]);
    assert_eq!(undone, "deployment.apps/web rolled back\n");
    cluster.run(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let images = cluster.run(&[
        "get",
        "rs",
        "-o",
        "jsonpath={range .items[?(@.spec.replicas>0)]}{.spec.template.spec.containers[0].image}{end}",
    ]);
    assert_eq!(images, "web:v1");
    cluster.run(&["rollout", "restart", "deployment/web"]);
    cluster.run(&["rollout", "pause", "deployment/web"]);
    cluster.run(&["rollout", "resume", "deployment/web"]);
}

#[test]
fn scale_wait_and_delete() {
    let cluster = Cluster::start();
    cluster.deploy();
    assert_eq!(cluster.run(&["scale", "deployment/web", "--replicas=4"]), "deployment.apps/web scaled\n");
    cluster.run(&["wait", "--for=condition=Available", "deployment/web", "--timeout=30s"]);
    cluster.run(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert_eq!(cluster.run(&["get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}"]), "4");
    let refused = cluster.refused(&["scale", "deployment/web", "--replicas=1", "--current-replicas=2"]);
    assert!(refused.contains("4"), "{refused}");
    let pod = cluster.run(&["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    assert_eq!(cluster.run(&["delete", "pod", &pod, "--wait"]), format!("pod \"{pod}\" deleted\n"));
    cluster.refused(&["get", "pod", &pod]);
    cluster.run(&["delete", "deployment", "web", "--wait", "--cascade=foreground"]);
    assert_eq!(cluster.run(&["get", "deploy,rs,pods", "-o", "name"]), "");
}

#[test]
fn describe_logs_and_rights() {
    let cluster = Cluster::start();
    cluster.deploy();
    let deployment = cluster.run(&["describe", "deployment", "web"]);
    assert!(deployment.contains("2 desired | 2 updated | 2 total | 2 available | 0 unavailable"), "{deployment}");
    assert!(deployment.contains("ScalingReplicaSet"), "{deployment}");
    let pod = cluster.run(&["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    let described = cluster.run(&["describe", "pod", &pod]);
    assert!(described.contains("Status:") && described.contains("Running"), "{described}");
    for kind in ["node", "ns", "sa", "cm"] {
        cluster.run(&["describe", kind]);
    }
    assert!(!cluster.run(&["logs", &pod]).is_empty());
    assert!(!cluster.run(&["logs", "deployment/web", "--tail=1"]).is_empty());
    assert_eq!(cluster.run(&["auth", "can-i", "delete", "pods"]), "yes\n");
    assert!(cluster.run(&["version"]).contains("v1.36"));
    assert!(cluster.run(&["api-resources"]).contains("deployments"));
    assert!(cluster.run(&["explain", "deployment.spec.template.spec.containers"]).contains("livenessProbe"));
}

#[test]
fn create_label_annotate_patch_and_configure() {
    let cluster = Cluster::start();
    assert_eq!(cluster.run(&["create", "namespace", "team"]), "namespace/team created\n");
    cluster.run(&["create", "deployment", "app", "--image=app:v1", "-n", "team"]);
    cluster.run(&["rollout", "status", "deployment/app", "--timeout=60s", "-n", "team"]);
    cluster.run(&["create", "configmap", "settings", "--from-literal=a=b", "-n", "team"]);
    cluster.run(&["create", "secret", "generic", "keys", "--from-literal=k=v", "-n", "team"]);
    cluster.run(&["expose", "deployment", "app", "--port=80", "-n", "team"]);
    cluster.run(&["label", "deployment", "app", "tier=front", "-n", "team"]);
    cluster.run(&["annotate", "deployment", "app", "note=x", "-n", "team"]);
    let patch = r#"{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:v2"}]}}}}"#;
    cluster.run(&["patch", "deployment", "app", "-n", "team", "-p", patch]);
    cluster.run(&["rollout", "status", "deployment/app", "--timeout=60s", "-n", "team"]);
    cluster.run(&["autoscale", "deployment", "app", "--min=1", "--max=3", "-n", "team"]);
    let file = cluster.file("web.yaml", &manifest("v1", 1));
    cluster.run(&["create", "-f", &file, "-n", "team"]);
    assert!(cluster.refused(&["create", "-f", &file, "-n", "team"]).contains("already exists"));
    cluster.run(&["replace", "-f", &file, "-n", "team"]);
    cluster.run(&["delete", "-f", &file, "-n", "team"]);
    cluster.run(&["cordon", "-l", "kubernetes.io/os=linux"]);
    cluster.run(&["delete", "namespace", "team", "--wait"]);
    cluster.refused(&["get", "namespace", "team"]);
}

#[test]
fn a_watch_shows_a_pod_come_to_life() {
    let cluster = Cluster::start();
    let mut child = cluster
        .command(&["get", "pods", "-w"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kubectl runs; install it (Debian: apt-get install kubernetes-client) or set STERNWAY_KUBECTL");
    let file = cluster.file("web.yaml", &manifest("v1", 1));
    cluster.run(&["apply", "-f", &file]);
    let mut seen = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        seen.push(format!("{} {}", cells[1], cells[2]));
        if cells[1..3] == ["1/1", "Running"] {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(seen.first().map(String::as_str), Some("READY STATUS"), "{seen:?}");
    assert_eq!(seen.last().map(String::as_str), Some("1/1 Running"), "{seen:?}");
}
