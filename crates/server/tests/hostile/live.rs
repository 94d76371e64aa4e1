//! What the requests are about: applications and orders that are really there, in states in which much can be done to them.

use axum::Router;
use axum::routing::get;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sternway_core::application::WorkloadRef;
use sternway_core::ids::{AppId, OrderId};
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::order::job::{Job, ReleasePhase};
use sternway_core::order::{Failure, Order, Stage, Status};
use sternway_core::ports::{ClusterAccess, ClusterRecord, ObjectKind, ObjectRef, Objects as _, Secret, Store as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::fake_clusters::Mood;
use crate::fake_objects::GATEWAY;
use crate::judge::KUBECONFIG_SECRET;
use crate::request::Signer;
use crate::webhooks;
use crate::world::{CLUSTER, KEY, World, access_key, now};

pub(crate) const ROOT: Signer = Signer { id: KEY.id, secret: KEY.secret };
/// Signs rightly and may do nothing.
pub(crate) const GUEST: Signer = Signer { id: "guest", secret: KEY.secret };
/// Signs rightly with a key that is disabled.
pub(crate) const DISABLED: Signer = Signer { id: "disabled", secret: KEY.secret };

const BATCHES: &str = r#"{"type":"BatchUpdate","batchUpdate":{"batch":3,"releaseType":"manual"}}"#;

/// Ids by the parameter that takes them.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) apps: Vec<String>,
    pub(crate) orders: Vec<String>,
    pub(crate) pipelines: Vec<String>,
    pub(crate) tasks: Vec<String>,
    pub(crate) clusters: Vec<String>,
    /// Swimming lane groups.
    pub(crate) groups: Vec<String>,
    pub(crate) lanes: Vec<String>,
    /// Ids of logical regions.
    pub(crate) regions: Vec<String>,
    /// Ids of templates of configuration.
    pub(crate) templates: Vec<String>,
    /// The application without pods.
    pub(crate) stopped: String,
    /// The application that runs a package.
    pub(crate) war: String,
    /// The task that failed.
    pub(crate) failed: String,
    /// Names of applications that might be made, as far as it was checked.
    pub(crate) checked: Vec<String>,
    /// Names of Services of the applications.
    pub(crate) services: Vec<String>,
    /// Names of Deployments that nobody has taken under management.
    pub(crate) strangers: Vec<String>,
    /// Names of webhooks.
    pub(crate) webhooks: Vec<String>,
    /// Where webhooks deliver to.
    pub(crate) receivers: String,
    /// Applications whose orders are nobody's but the hostile requests'.
    free: Vec<AppId>,
    /// For names that are not taken yet.
    pub(crate) age: u64,
}

/// The user that applications and roles are granted to. It has no key: the guest may see nothing.
const TARGET: &str = "target";

/// A rule of scaling.
const TRIGGER: &str = r#"{"minReplicas":1,"maxReplicas":6,"triggers":[{"type":"app_metric","name":"cpu","metaData":"{\"metricType\":\"CPU\",\"targetAverageUtilization\":60}"}]}"#;

/// Keys, users, clusters, a repository of packages and receivers of webhooks, once per server. Answers with the URL of the last two.
pub(crate) async fn prepare(world: &World) -> String {
    let mut guest = access_key(GUEST.id, true);
    guest.user = "guest".to_owned();
    world.store.insert_key(guest).await.unwrap();
    world.store.insert_key(access_key(DISABLED.id, false)).await.unwrap();
    world.call("CreateUser", &[("UserName", TARGET)]).await.success();
    let spare = ClusterRecord {
        id: sternway_core::ids::ClusterId::new(Uuid::from_u128(0xC2)),
        name: "spare".to_owned(),
        cs_cluster_id: "cs-spare".to_owned(),
        region: "cn-hangzhou".to_owned(),
        description: String::new(),
        access: ClusterAccess::Kubeconfig(Secret::new(KUBECONFIG_SECRET)),
        created_at: now(),
        updated_at: now(),
    };
    world.store.put_cluster(spare).await.unwrap();
    world.objects.install_gateway_api();
    put(world, GATEWAY, "edge", json!({"spec": {}})).await;
    // A ZIP archive, as far as anybody here looks.
    let router = Router::new().route("/shop.war", get(|| async { format!("PK\u{5}\u{6}{}", "\0".repeat(18)) }));
    let router = webhooks::receivers().fold(router, |router, (path, answer)| router.route(&path, answer));
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(socket, router).await });
    url
}

/// Puts an object into the default namespace, unless it is there already.
async fn put(world: &World, kind: ObjectKind, name: &str, object: Value) {
    let place = ObjectRef::new(kind, "default", name);
    if world.objects.get(CLUSTER, &place).await.unwrap().is_none() {
        world.objects.create(CLUSTER, &place, &object).await.unwrap();
    }
}

impl Live {
    /// Applications: two idle, one stopped, one that runs a package, one whose release waits for a person, one whose release failed and is paused. What
    /// goes with some of them: Services, load balancers, rules of scaling, a swimming lane. And webhooks, and objects and Deployments of nobody.
    pub(crate) async fn begin(world: &World, repository: &str, age: u64) -> Self {
        world.clusters.set_mood(Mood::Well);
        let mut live = Self {
            clusters: vec![CLUSTER.to_string(), "cs-lab".to_owned(), "cs-spare".to_owned()],
            age,
            ..Self::default()
        };
        let url = format!("{repository}/shop.war");
        let war = [
            ("PackageType", "War"),
            ("PackageUrl", url.as_str()),
            ("JDK", "Open JDK 11"),
            ("WebContainer", "apache-tomcat-9.0"),
        ];
        let none: &[(&str, &str)] = &[];
        for (name, replicas, more) in [
            ("idle", 4, none),
            ("second", 3, none),
            ("stopped", 0, none),
            ("war", 1, &war),
            ("waiting", 10, none),
            ("paused", 10, none),
        ] {
            let name = format!("{name}-{age}");
            let id = world.app_with(&name, replicas, more).await;
            let app = id.to_string();
            if replicas == 10 {
                let deploy =
                    [("AppId", app.as_str()), ("Image", "a:2"), ("UpdateStrategy", BATCHES), ("OnFailure", "pause")];
                let order = world.call("DeployK8sApplication", &deploy).await.order_id();
                world.change(order, if name.starts_with("waiting") { wait } else { pause }).await;
                live.add(world, order).await;
            } else {
                match replicas {
                    0 => live.stopped.clone_from(&app),
                    1 => live.war.clone_from(&app),
                    _ => {}
                }
                live.free.push(id);
                live.surround(world, &name, id).await;
            }
            live.apps.push(app);
        }
        live.lane(world).await;
        live.webhooks = webhooks::begin(world, repository, age).await;
        repository.clone_into(&mut live.receivers);
        let checked = format!("checked-{age}");
        let precheck = [("ClusterId", "cs-lab"), ("Namespace", "default"), ("AppName", &*checked), ("ImageUrl", "a:1")];
        world.call("StartK8sAppPrecheck", &precheck).await.success();
        let tag = format!("cn-hangzhou:live-{age}");
        let region =
            world.call("InsertOrUpdateRegion", &[("RegionTag", &*tag), ("RegionName", "live")]).await.success();
        live.regions.push(region["UserDefineRegionEntity"]["Id"].to_string());
        let template = [("Name", &*checked), ("Content", "a: 1")];
        let template = world.call("CreateConfigTemplate", &template).await.success();
        live.templates.push(template["Data"]["Id"].to_string());
        live.checked.push(checked);
        for kind in [ObjectKind::CONFIG_MAP, ObjectKind::SECRET, ObjectKind::INGRESS] {
            put(world, kind, "thing", json!({})).await;
        }
        live
    }

    /// What is on the cluster with an application, and a Deployment like its own that is nobody's.
    async fn surround(&mut self, world: &World, name: &str, app: AppId) {
        let labels = json!({ APP_ID_LABEL: app.to_string() });
        let spec = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}});
        put(world, ObjectKind::DEPLOYMENT, name, json!({ "spec": spec })).await;
        let ports = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
        let service = json!({"metadata": {"labels": labels}, "spec": {"selector": labels, "ports": ports}});
        put(world, ObjectKind::SERVICE, name, service).await;
        let metadata = json!({"labels": labels, "annotations": {"sternway.io/slb": r#"{"addressType":"internet"}"#}});
        let spec = json!({"type": "LoadBalancer", "selector": labels, "ports": ports});
        let balancer = json!({"metadata": metadata, "spec": spec});
        put(world, ObjectKind::SERVICE, &format!("{name}-internet"), balancer).await;
        self.services.push(name.to_owned());
        let id = app.to_string();
        let rule = [("AppId", id.as_str()), ("ScalingRuleName", "rule"), ("ScalingRuleTrigger", TRIGGER)];
        world.call("CreateApplicationScalingRule", &rule).await.success();

        let at = world.store.app(app).await.unwrap().unwrap().workload;
        let found = world.clusters.workload(&at);
        let stranger = format!("found-{name}");
        world.clusters.put(WorkloadRef { name: stranger.clone(), ..at }, found);
        self.strangers.push(stranger);
    }

    /// A swimming lane of the two idle applications.
    async fn lane(&mut self, world: &World) {
        let entry = format!("EDAS:{}", self.apps[0]);
        let region = ("LogicalRegionId", "cn-hangzhou");
        let group = [region, ("Name", "shop"), ("EntryApp", entry.as_str()), ("AppIds", self.apps[1].as_str())];
        let number = |made: Value| made["Data"]["Id"].to_string();
        let group = number(world.call("InsertSwimmingLaneGroup", &group).await.success());
        let lane = [region, ("GroupId", group.as_str()), ("Name", "gray"), ("Tag", "gray"), ("EntryRules", "[]")];
        self.lanes.push(number(world.call("InsertSwimmingLane", &lane).await.success()));
        self.groups.push(group);
    }

    /// What hostile requests began is over, so that more can be begun.
    pub(crate) async fn settle(&self, world: &World) {
        for app in &self.free {
            if let Some(order) = world.store.active_order_of(*app).await.unwrap() {
                world.finish(order.id, Status::Succeeded).await;
            }
        }
    }

    async fn add(&mut self, world: &World, id: OrderId) {
        let order = world.order(id).await;
        // Of the one that is added last.
        self.failed = order.task_id(0, Stage::Change).to_string();
        self.orders.push(id.to_string());
        for (index, pipeline) in order.pipelines.iter().enumerate() {
            self.pipelines.push(pipeline.id.to_string());
            self.tasks.push(order.task_id(index, Stage::Change).to_string());
        }
    }
}

/// The first batch is complete, the second waits for a person.
fn wait(order: &mut Order) {
    order.status = Status::AwaitingConfirmation;
    order.pipelines[0].status = Status::Succeeded;
    order.pipelines[0].started_at = Some(now());
    order.pipelines[0].updated_at = Some(now() + SignedDuration::from_secs(5));
    order.pipelines[1].status = Status::AwaitingConfirmation;
    let Job::Release(release) = &mut order.job else { panic!() };
    release.phase = ReleasePhase::Waiting { batch: 0, until: None };
}

/// The first batch failed, and a person is to say what now.
fn pause(order: &mut Order) {
    order.status = Status::Running;
    order.pipelines[0].status = Status::Running;
    order.pipelines[0].started_at = Some(now());
    order.pipelines[0].error = Some(Failure {
        code: "CrashLoop".to_owned(),
        message: "back-off <br> \u{1}\u{2028} \"应用\"\\u0041".to_owned(),
    });
    let Job::Release(release) = &mut order.job else { panic!() };
    release.phase = ReleasePhase::Paused { batch: 0 };
}
