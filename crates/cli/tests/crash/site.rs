//! Processes and their place: a sandbox, a data directory, a server that comes and goes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::client::{Client, Reply};

pub(crate) const V1: &str = "registry.example.com/shop:v1";
pub(crate) const V2: &str = "registry.example.com/shop:v2";
/// Crashes, so that its release fails.
#[cfg(feature = "crash-points")]
pub(crate) const BROKEN: &str = "registry.example.com/shop:v2-bad";

/// Longer than anything takes on a busy machine; a test that hangs must end.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a test looks.
const GLANCE: Duration = Duration::from_millis(30);

/// Looks again and again; a test that would do so for ever fails and says for what.
pub(crate) struct Patience {
    what: String,
    end: Instant,
}

impl Patience {
    pub(crate) fn for_(what: impl Into<String>) -> Self {
        Self { what: what.into(), end: Instant::now() + PATIENCE }
    }

    /// Waits until it is time for the next look.
    pub(crate) async fn glance(&self) {
        assert!(Instant::now() < self.end, "waited in vain for {}", self.what);
        tokio::time::sleep(GLANCE).await;
    }
}

/// The binary, without settings from the environment of the tests.
pub(crate) fn sternway() -> Command {
    clean(Command::new(binary()))
}

/// The binary under test: `STERNWAY_BINARY`, or the one that was built with this test.
fn binary() -> OsString {
    std::env::var_os("STERNWAY_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_sternway").into())
}

pub(crate) fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("STERNWAY_") || name.starts_with("ACCESS_KEY_") || name == "KUBERNETES_SERVICE_HOST" {
            command.env_remove(name);
        }
    }
    command
}

/// A process that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it has said on stderr so far; `None` at its end.
    said: watch::Receiver<(String, bool)>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (tell, said) = watch::channel((String::new(), false));
        TaskTracker::new().spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                tell.send_modify(|(text, _)| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
            tell.send_modify(|(_, ended)| *ended = true);
        });
        Self { child, said }
    }

    /// Waits for a line with this text in it; answers with what follows the text, or `None` if the process ends first.
    ///
    /// What a process has said comes through a pipe, some time after it was said: to look only once would be a race.
    pub(crate) async fn after(&self, text: &str) -> Option<String> {
        let found =
            |said: &str| said.lines().find_map(|line| line.split_once(text).map(|(_, rest)| rest.trim().to_owned()));
        let mut said = self.said.clone();
        let waiting = said.wait_for(|(said, ended)| *ended || found(said).is_some());
        let seen =
            tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain for `{text}`"));
        found(&seen.unwrap().0)
    }

    pub(crate) fn said(&self) -> String {
        self.said.borrow().0.clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Whether SIGSTOP has reached it.
    #[cfg(feature = "crash-points")]
    pub(crate) fn is_stopped(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The state follows the name, which is in brackets and may hold anything.
        status.rsplit_once(')').unwrap().1.trim_start().starts_with('T')
    }

    /// Lets it go on after SIGSTOP.
    #[cfg(feature = "crash-points")]
    pub(crate) fn thaw(&self) {
        let id = rustix::process::Pid::from_raw(self.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::CONT).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the process ends").unwrap()
    }

    /// Ends it at once, as a crash does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// A sandbox with nothing in it, and a place for a server's data.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    _sandbox: Process,
    cluster: String,
    http: reqwest::Client,
}

/// A server that listens.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) client: Client,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let mut command = sternway();
        command.args(["sandbox", "--fast", "--listen", "127.0.0.1:0", "--kubeconfig-out"]).arg(kubeconfig);
        let sandbox = Process::start(&mut command);
        let cluster = sandbox.after("sandbox cluster listening on ").await.unwrap();
        // The kubeconfig is written before that line.
        Self { folder, _sandbox: sandbox, cluster, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Lets everything here belong to this user.
    pub(crate) fn give_to(&self, user: u32) {
        for path in tree(self.folder.path()) {
            std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
        }
    }

    /// The command that starts a server here, behind `prefix`.
    pub(crate) fn command(&self, prefix: &[&str]) -> Command {
        let mut command = match prefix.split_first() {
            None => sternway(),
            Some((program, arguments)) => {
                let mut command = clean(Command::new(program));
                command.args(arguments).arg(binary());
                command
            }
        };
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data());
        command.arg("--kubeconfig").arg(self.folder.path().join("kubeconfig"));
        command
    }

    /// Starts a server and waits until it listens; `None` if it ends before.
    pub(crate) async fn try_serve(&self, command: &mut Command) -> Result<Server, Process> {
        let process = Process::start(command);
        match process.after("listening on ").await {
            Some(endpoint) => {
                let client = Client::new(&endpoint, &self.data());
                Ok(Server { process, client })
            }
            None => Err(process),
        }
    }

    pub(crate) async fn serve(&self) -> Server {
        match self.try_serve(&mut self.command(&[])).await {
            Ok(server) => server,
            Err(process) => panic!("the server did not start:\n{}", process.said()),
        }
    }

    /// What the cluster answers.
    pub(crate) async fn kubernetes(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.cluster)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    #[cfg(feature = "crash-points")]
    pub(crate) async fn deployment(&self) -> Value {
        self.kubernetes("/apis/apps/v1/namespaces/default/deployments/shop").await
    }

    pub(crate) async fn pods(&self) -> Value {
        self.kubernetes("/api/v1/namespaces/default/pods").await
    }

    /// Waits until there is nothing but this many ready pods of this image.
    pub(crate) async fn settled(&self, image: &str, count: usize) {
        self.consists_of(&[(image, count)]).await;
    }

    /// Waits until there is nothing but ready pods, as many of each image as is said here. What an order has told the native controllers
    /// to do is done some time later.
    pub(crate) async fn consists_of(&self, wanted: &[(&str, usize)]) {
        let patience = Patience::for_(format!("the pods to be {wanted:?}"));
        let all: usize = wanted.iter().map(|(_, count)| count).sum();
        loop {
            let pods = self.pods().await;
            let pods = pods["items"].as_array().unwrap();
            let of = |image: &str| pods.iter().filter(|pod| pod["spec"]["containers"][0]["image"] == image).count();
            let fits = wanted.iter().all(|(image, count)| of(image) == *count);
            if fits && pods.len() == all && pods.iter().all(is_ready) {
                return;
            }
            patience.glance().await;
        }
    }

    /// The fewest ready pods at any moment since this list of pods, by the cluster's own history.
    pub(crate) async fn lowest_since(&self, list: &Value) -> usize {
        let mut ready: BTreeMap<String, bool> = BTreeMap::new();
        let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap().to_owned();
        for pod in list["items"].as_array().unwrap() {
            ready.insert(name(pod), is_ready(pod));
        }
        let count = |ready: &BTreeMap<String, bool>| ready.values().filter(|ready| **ready).count();
        let mut lowest = count(&ready);
        let version = list["metadata"]["resourceVersion"].as_str().unwrap();
        // The watch ends by itself: it tells the past, nothing is waited for.
        let path = format!("/api/v1/namespaces/default/pods?watch=true&timeoutSeconds=1&resourceVersion={version}");
        let history = self.http.get(format!("{}{path}", self.cluster)).send().await.unwrap().text().await.unwrap();
        for line in history.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_ne!(event["type"], "ERROR", "{event}");
            let pod = &event["object"];
            ready.insert(name(pod), event["type"] != "DELETED" && is_ready(pod));
            lowest = lowest.min(count(&ready));
        }
        lowest
    }
}

/// A directory and all that is in it, each directory before what it holds.
pub(crate) fn tree(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_owned()];
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(tree(&path)) } else { all.push(path) }
    }
    all
}

/// Ready, and not told to stop.
fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    ready && pod["metadata"].get("deletionTimestamp").is_none()
}

impl Server {
    /// Creates the application with four pods of version 1, and waits until they serve. Answers with its id.
    pub(crate) async fn create(&self, site: &Site) -> String {
        let created = self.client.call("InsertK8sApplication", &creation(&self.cluster().await)).await.done();
        let info = &created["ApplicationInfo"];
        assert_eq!(self.end_of(info["ChangeOrderId"].as_str().unwrap()).await, 2);
        site.settled(V1, 4).await;
        info["AppId"].as_str().unwrap().to_owned()
    }

    /// The id of the only cluster.
    pub(crate) async fn cluster(&self) -> String {
        let clusters = self.client.call("ListCluster", &[]).await.done();
        clusters["ClusterList"]["Cluster"][0]["ClusterId"].as_str().unwrap().to_owned()
    }

    /// How an order ends, as long as this server lives.
    pub(crate) async fn end_of(&self, order: &str) -> i64 {
        let patience = Patience::for_(format!("the end of {order}"));
        loop {
            let status = self.status(order).await;
            if is_terminal(status) {
                return status;
            }
            patience.glance().await;
        }
    }

    /// Waits until an order waits for a person.
    pub(crate) async fn at_gate(&self, order: &str) {
        let patience = Patience::for_(format!("{order} to wait for a person"));
        while self.status(order).await != 8 {
            patience.glance().await;
        }
    }

    pub(crate) async fn status(&self, order: &str) -> i64 {
        let order = self.client.call("GetChangeOrderInfo", &[("ChangeOrderId", order)]).await.done();
        order["changeOrderInfo"]["Status"].as_i64().unwrap()
    }

    /// Begins the release of version 2 in two batches that a person confirms.
    pub(crate) async fn deploy_by_hand(&self, app: &str) -> String {
        let strategy = two_batches("manual");
        let parameters = [("AppId", app), ("Image", V2), ("UpdateStrategy", strategy.as_str())];
        let started = self.client.call("DeployK8sApplication", &parameters).await.done();
        started["ChangeOrderId"].as_str().unwrap().to_owned()
    }

    /// Confirms the next batch.
    pub(crate) async fn confirm(&self, order: &str) -> Reply {
        let info = self.client.call("GetChangeOrderInfo", &[("ChangeOrderId", order)]).await.done();
        let pipelines = &info["changeOrderInfo"]["PipelineInfoList"]["PipelineInfo"];
        let pipeline = pipelines[0]["PipelineId"].as_str().unwrap().to_owned();
        self.client.call("ContinuePipeline", &[("PipelineId", &pipeline), ("Confirm", "true")]).await
    }
}

pub(crate) const fn is_terminal(status: i64) -> bool {
    matches!(status, 2 | 3 | 6 | 7 | 10)
}

pub(crate) fn creation(cluster: &str) -> [(&str, &str); 6] {
    [
        ("AppName", "shop"),
        ("ClusterId", cluster),
        ("LogicalRegionId", "cn-hangzhou"),
        ("PackageType", "Image"),
        ("ImageUrl", V1),
        ("Replicas", "4"),
    ]
}

/// EDAS's UpdateStrategy.
pub(crate) fn two_batches(kind: &str) -> String {
    json!({"type": "BatchUpdate", "batchUpdate": {"batch": 2, "releaseType": kind, "batchWaitTime": 0}}).to_string()
}
