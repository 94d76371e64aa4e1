//! A namespace of its own for each test, and a workload in it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::{Method, Request};
use jiff::{SignedDuration, Timestamp};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use sternway_cluster::{KubeClusters, Options};
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Writer};
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId};
use sternway_core::observation::{Observation, Workload};
use sternway_core::ports::{ClusterAccess, ClusterError, Clusters, Performed, Secret, WriteGuard};
use sternway_core::template::PodTemplate;
use sternway_sandbox::Sandbox;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// An image that runs everywhere, in two versions.
pub(crate) const V1: &str = "registry.k8s.io/pause:3.9";
pub(crate) const V2: &str = "registry.k8s.io/pause:3.10";

/// A test that hangs fails after this; none depends on it.
const HANGS: Duration = Duration::from_secs(120);

/// A sandbox with its server.
pub(crate) struct Server {
    sandbox: Arc<Mutex<Sandbox>>,
    pub(crate) address: SocketAddr,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// A server on a socket that may have clients waiting already.
    pub(crate) fn serve(listener: TcpListener) -> Self {
        Self::serve_with(listener, false)
    }

    fn serve_with(listener: TcpListener, gateway_api: bool) -> Self {
        let options = sternway_sandbox::Options {
            start_delay: SignedDuration::from_millis(5),
            ready_delay: SignedDuration::from_millis(10),
            stop_delay: SignedDuration::from_millis(5),
            gateway_api,
            ..sternway_sandbox::Options::default()
        };
        let sandbox = Arc::new(Mutex::new(Sandbox::new(options, wall_clock())));
        Self::run(sandbox, listener)
    }

    fn run(sandbox: Arc<Mutex<Sandbox>>, listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(sternway_sandbox::http::serve(listener, Arc::clone(&sandbox), cancel.clone()));
        tasks.close();
        Self { sandbox, address, tasks, cancel }
    }

    /// The server goes away; what it stored stays.
    pub(crate) async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }

    /// The same server again, at the same address.
    pub(crate) async fn restart(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self = Self::run(Arc::clone(&self.sandbox), listener);
    }

    pub(crate) fn access(&self) -> ClusterAccess {
        ClusterAccess::Kubeconfig(Secret::new(sternway_sandbox::http::kubeconfig(self.address)))
    }
}

/// A connected cluster and a workload's name in it.
pub(crate) struct World {
    pub(crate) clusters: KubeClusters,
    pub(crate) workload: WorkloadRef,
    pub(crate) server: Option<Server>,
    pub(crate) writer: Writer,
    outsider: kube::Client,
}

impl World {
    /// On a real cluster if there is one, else in a sandbox.
    pub(crate) async fn new() -> Self {
        match std::env::var("STERNWAY_TEST_KUBECONFIG") {
            Ok(path) => {
                let text = std::fs::read_to_string(path).unwrap();
                Self::connect(None, ClusterAccess::Kubeconfig(Secret::new(text))).await
            }
            Err(_) => Self::sandbox().await,
        }
    }

    pub(crate) async fn sandbox() -> Self {
        let server = Server::start().await;
        let access = server.access();
        Self::connect(Some(server), access).await
    }

    /// In a sandbox with the Gateway API.
    pub(crate) async fn with_gateway_api() -> Self {
        let server = Server::serve_with(TcpListener::bind("127.0.0.1:0").await.unwrap(), true);
        let access = server.access();
        Self::connect(Some(server), access).await
    }

    async fn connect(server: Option<Server>, access: ClusterAccess) -> Self {
        let clusters = KubeClusters::new(Options { trusted_kubeconfigs: true, ..Options::default() });
        let cluster = ClusterId::new(Uuid::new_v4());
        clusters.connect(cluster, &access).await.unwrap();
        let world = Self {
            clusters,
            workload: WorkloadRef {
                cluster,
                namespace: format!("sternway-test-{}", Uuid::new_v4().simple()),
                name: "web".to_owned(),
            },
            server,
            writer: writer(1),
            outsider: outsider(&access).await,
        };
        let namespace = json!({"metadata": {"name": world.workload.namespace}});
        world.send(Method::POST, "/api/v1/namespaces", &namespace).await;
        world
    }

    /// Gives everything back.
    pub(crate) async fn end(self) {
        let path = format!("/api/v1/namespaces/{}", self.workload.namespace);
        self.send(Method::DELETE, &path, &json!({})).await;
        self.clusters.shutdown().await;
        if let Some(server) = &self.server {
            server.stop().await;
        }
    }

    /// What somebody else does to the cluster.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let kind = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(body.to_string().into_bytes())
            .unwrap();
        self.outsider.request(request).await.unwrap()
    }

    pub(crate) fn path(&self, collection: &str) -> String {
        format!("/apis/{}", collection.replace("NS", &self.workload.namespace))
    }

    /// The Deployment's path.
    pub(crate) fn deployment_path(&self) -> String {
        self.path("apps/v1/namespaces/NS/deployments/web")
    }

    pub(crate) async fn perform(&self, effect: &Effect) -> Result<Performed, ClusterError> {
        self.clusters.perform(&self.workload, effect, self.writer, &Always).await
    }

    /// The same while controllers write, too: a conflict says that one came in between, and to try again, which is what the engine does.
    pub(crate) async fn perform_among_controllers(&self, effect: &Effect) -> Performed {
        let trying = async {
            loop {
                match self.perform(effect).await {
                    Err(ClusterError::Conflict) => tokio::task::yield_now().await,
                    outcome => return outcome.unwrap(),
                }
            }
        };
        tokio::time::timeout(HANGS, trying).await.unwrap()
    }

    pub(crate) async fn create(&self, replicas: u32, image: &str) -> Performed {
        let manifest = self.manifest(replicas, image);
        self.perform(&Effect::Create { manifest }).await.unwrap()
    }

    pub(crate) fn manifest(&self, replicas: u32, image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": self.workload.name, "namespace": self.workload.namespace, "annotations": {},
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
                "template": template(image),
            },
        })
    }

    /// Waits until the watches show what is wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Observation) -> bool) -> Observation {
        let mut last = None;
        let waiting = async {
            loop {
                match self.clusters.observe(&self.workload).await {
                    Ok(observation) if wanted(&observation) => return observation,
                    other => last = Some(other),
                }
                self.clusters.changed(&self.workload).await;
            }
        };
        match tokio::time::timeout(HANGS, waiting).await {
            Ok(observation) => observation,
            Err(_) => panic!("what was waited for did not come; last seen: {last:#?}"),
        }
    }

    /// Waits until the workload is there as wanted.
    pub(crate) async fn until_present(&self, wanted: impl Fn(&Workload) -> bool) -> Workload {
        let observation = self.until(|observation| matches!(observation, Observation::Present(it) if wanted(it))).await;
        match observation {
            Observation::Present(workload) => *workload,
            Observation::Gone { .. } => unreachable!("only a present one was waited for"),
        }
    }

    /// Waits until observing fails as wanted.
    pub(crate) async fn until_failed(&self, wanted: impl Fn(&ClusterError) -> bool) {
        let waiting = async {
            while !self.clusters.observe(&self.workload).await.is_err_and(|error| wanted(&error)) {
                self.clusters.changed(&self.workload).await;
            }
        };
        tokio::time::timeout(HANGS, waiting).await.unwrap();
    }
}

/// A pod template that runs an image.
pub(crate) fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": image}], "terminationGracePeriodSeconds": 1},
    })
}

/// The same template with another image, in the server's own form.
pub(crate) fn with_image(template: &PodTemplate, image: &str) -> PodTemplate {
    let mut json = template.json().clone();
    json["spec"]["containers"][0]["image"] = json!(image);
    PodTemplate::new(json)
}

pub(crate) fn writer(fence: u64) -> Writer {
    Writer { app: AppId::new(Uuid::new_v4()), order: OrderId::new(Uuid::new_v4()), fence: Fence(fence), object: None }
}

/// Every write is still wanted.
pub(crate) struct Always;

#[async_trait]
impl WriteGuard for Always {
    async fn still_ours(&self) -> bool {
        true
    }
}

async fn outsider(access: &ClusterAccess) -> kube::Client {
    let ClusterAccess::Kubeconfig(text) = access else {
        panic!("tests have a kubeconfig");
    };
    let kubeconfig = Kubeconfig::from_yaml(text.reveal()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.proxy_url = None;
    kube::Client::try_from(config).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the sandbox's server lives in wall-clock time")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}
