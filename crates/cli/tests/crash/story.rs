//! What a person does, and goes on doing when the server dies under their hands: asks again, looks whether it was heard, and never begins the
//! same thing twice.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::Reply;
use crate::site::{BROKEN, Patience, Server, Site, V1, V2, creation, is_terminal, two_batches};

const SIGKILL: i32 = 9;
/// Of four pods with Kubernetes's own strategy.
const FLOOR: usize = 3;
const HOLD_MIN_READY_SECONDS: i64 = 2_147_483_646;

/// See each one's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    Create,
    Release,
    Abort,
    AbortAndRollBack,
    AutomaticRollback,
    Scale,
    Delete,
}

impl Story {
    /// Plays it from the beginning, with a server that dies at this point, and checks how it ends. Answers whether the server died.
    pub(crate) async fn play(self, crash_at: Option<&str>, count: Option<&Path>) -> bool {
        let site = Site::new().await;
        let mut app = String::new();
        if self != Self::Create {
            let server = site.serve().await;
            app = server.create(&site).await;
            server.process.kill().await;
        }
        let (before, pods) = (site.deployment().await, site.pods().await);
        let mut command = site.command(&[]);
        if let Some(point) = crash_at {
            command.env("STERNWAY_CRASH_AT", point);
        }
        if let Some(path) = count {
            command.env("STERNWAY_CRASH_COUNT", path);
        }
        let server = match site.try_serve(&mut command).await {
            Ok(server) => server,
            Err(process) => panic!("the server did not start:\n{}", process.said()),
        };
        let mut person = Person { site: &site, server, app, before: before["spec"].clone(), crashes: 0 };
        match self {
            Self::Create => person.create().await,
            Self::Release => person.release().await,
            Self::Abort => person.abort().await,
            Self::AbortAndRollBack => person.abort_and_roll_back().await,
            Self::AutomaticRollback => person.is_rolled_back().await,
            Self::Scale => person.scale().await,
            Self::Delete => person.delete().await,
        }
        if !matches!(self, Self::Create | Self::Delete) {
            let lowest = site.lowest_since(&pods).await;
            assert!(lowest >= FLOOR, "only {lowest} pods were ready at some moment");
        }
        assert!(person.crashes <= 1);
        person.crashes == 1
    }
}

struct Person<'a> {
    site: &'a Site,
    server: Server,
    app: String,
    before: Value,
    crashes: u32,
}

impl Person<'_> {
    /// Asks once. `None`: the server died before it answered, and runs again.
    async fn ask(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        match self.server.client.call(operation, parameters).await {
            Reply::Done(body) => Some(body),
            Reply::Lost => {
                let status = self.server.process.ended().await;
                assert_eq!(status.signal(), Some(SIGKILL), "{status}:\n{}", self.server.process.said());
                self.crashes += 1;
                self.server = self.site.serve().await;
                None
            }
            Reply::Refused { status, body } => panic!("{operation}: {status} {body}"),
        }
    }

    /// Asks until there is an answer: for what may be asked twice.
    async fn insist(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Value {
        loop {
            if let Some(body) = self.ask(operation, parameters).await {
                return body;
            }
        }
    }

    /// Begins an order: once, even if the answer is lost.
    async fn begin(&mut self, operation: &str, parameters: &[(&str, &str)]) -> String {
        let known = self.orders().await;
        loop {
            if let Some(body) = self.ask(operation, parameters).await {
                return text(&body["ChangeOrderId"]);
            }
            let now = self.orders().await;
            // The oldest one: a release may have been rolled back since.
            if let Some(new) = now.iter().rev().find(|order| !known.iter().any(|known| id(known) == id(order))) {
                return id(new);
            }
        }
    }

    async fn applications(&mut self) -> Vec<Value> {
        let listed = self.insist("ListApplication", &[]).await;
        listed["ApplicationList"]["Application"].as_array().unwrap().clone()
    }

    /// The application's orders, newest first.
    async fn orders(&mut self) -> Vec<Value> {
        let app = self.app.clone();
        let listed = self.insist("ListRecentChangeOrder", &[("AppId", &app)]).await;
        listed["ChangeOrderList"]["ChangeOrder"].as_array().unwrap().clone()
    }

    async fn order(&mut self, order: &str) -> Value {
        self.insist("GetChangeOrderInfo", &[("ChangeOrderId", order)]).await["changeOrderInfo"].clone()
    }

    async fn ended(&mut self, order: &str) -> i64 {
        self.reaches(order, is_terminal).await
    }

    async fn reaches(&mut self, order: &str, wanted: fn(i64) -> bool) -> i64 {
        let patience = Patience::for_(format!("change order {order}"));
        loop {
            let status = self.order(order).await["Status"].as_i64().unwrap();
            if wanted(status) {
                return status;
            }
            patience.glance().await;
        }
    }

    async fn deploy(&mut self, image: &str, kind: &str) -> String {
        let (app, strategy) = (self.app.clone(), two_batches(kind));
        self.begin("DeployK8sApplication", &[("AppId", &app), ("Image", image), ("UpdateStrategy", &strategy)]).await
    }

    async fn stop(&mut self, operation: &str, order: &str) -> String {
        text(&self.insist(operation, &[("ChangeOrderId", order)]).await["Data"]["ChangeOrderId"])
    }

    /// A new application: one, and it serves.
    async fn create(&mut self) {
        let cluster = self.insist("ListCluster", &[]).await;
        let cluster = text(&cluster["ClusterList"]["Cluster"][0]["ClusterId"]);
        loop {
            let answer = self.ask("InsertK8sApplication", &creation(&cluster)).await;
            let apps = self.applications().await;
            assert!(apps.len() <= 1, "{apps:?}");
            if answer.is_some() || !apps.is_empty() {
                self.app = text(&apps[0]["AppId"]);
                break;
            }
        }
        let orders = self.orders().await;
        assert_eq!(orders.len(), 1);
        assert_eq!(self.ended(&id(&orders[0])).await, 2);
        self.site.settled(V1, 4).await;
    }

    /// Two batches, to the end.
    async fn release(&mut self) {
        let order = self.deploy(V2, "auto").await;
        assert_eq!(self.ended(&order).await, 2);
        let mut spec = self.before.clone();
        spec["template"]["spec"]["containers"][0]["image"] = json!(V2);
        self.check_end(V2, 4, &spec).await;
        assert_eq!(self.orders().await.len(), 2, "one creation, one release");
    }

    /// After the first batch: the hold stays, and so does the way back.
    async fn abort(&mut self) {
        let order = self.deploy(V2, "manual").await;
        self.reaches(&order, |status| status == 8).await;
        assert_eq!(self.stop("AbortChangeOrder", &order).await, order);
        assert_eq!(self.ended(&order).await, 6);
        let deployment = self.site.deployment().await;
        assert_eq!(deployment["spec"]["minReadySeconds"], HOLD_MIN_READY_SECONDS);
        let restore = text(&deployment["metadata"]["annotations"]["sternway.io/restore"]);
        assert!(restore.starts_with("kubectl -n default patch deployment shop"), "{restore}");
        // The last old pods of the batch may still be on their way out.
        self.site.consists_of(&[(V1, 2), (V2, 2)]).await;
        assert_eq!(self.orders().await.len(), 2);
    }

    /// After the first batch, and back: by one order, whose id is always the same.
    async fn abort_and_roll_back(&mut self) {
        let order = self.deploy(V2, "manual").await;
        self.reaches(&order, |status| status == 8).await;
        let rollback = self.stop("AbortAndRollbackChangeOrder", &order).await;
        assert_eq!(self.stop("AbortAndRollbackChangeOrder", &order).await, rollback);
        assert_eq!(self.ended(&rollback).await, 2);
        assert_eq!(self.ended(&order).await, 6);
        assert_eq!(self.stop("AbortAndRollbackChangeOrder", &order).await, rollback);
        self.check_rolled_back(&rollback).await;
    }

    /// A version that crashes goes back by itself.
    async fn is_rolled_back(&mut self) {
        let order = self.deploy(BROKEN, "auto").await;
        assert_eq!(self.ended(&order).await, 3);
        let orders = self.orders().await;
        let rollback = id(orders.iter().find(|order| order["CoTypeCode"] == "CoRollback").expect("a rollback"));
        assert_eq!(self.ended(&rollback).await, 2);
        self.check_rolled_back(&rollback).await;
    }

    async fn check_rolled_back(&mut self, rollback: &str) {
        let orders = self.orders().await;
        let rollbacks: Vec<&Value> = orders.iter().filter(|order| order["CoTypeCode"] == "CoRollback").collect();
        assert_eq!((rollbacks.len(), id(rollbacks[0])), (1, rollback.to_owned()));
        assert_eq!(orders.len(), 3, "one creation, one release, one rollback");
        let before = self.before.clone();
        self.check_end(V1, 4, &before).await;
    }

    /// From four to six.
    async fn scale(&mut self) {
        let app = self.app.clone();
        let order = self.begin("ScaleK8sApplication", &[("AppId", &app), ("Replicas", "6")]).await;
        assert_eq!(self.ended(&order).await, 2);
        let mut spec = self.before.clone();
        spec["replicas"] = json!(6);
        self.check_end(V1, 6, &spec).await;
        assert_eq!(self.orders().await.len(), 2);
    }

    /// Nothing is left, here and there.
    async fn delete(&mut self) {
        let app = self.app.clone();
        let order = self.begin("DeleteK8sApplication", &[("AppId", &app)]).await;
        assert_eq!(self.ended(&order).await, 2);
        let gone = self.site.deployment().await;
        assert_eq!(gone["code"], 404, "{gone}");
        assert_eq!(self.site.pods().await["items"], json!([]));
        assert_eq!(self.applications().await, [] as [Value; 0]);
    }

    /// The version is the right one to the last field, and no mark of a hold is left.
    async fn check_end(&self, image: &str, count: usize, spec: &Value) {
        self.site.settled(image, count).await;
        let deployment = self.site.deployment().await;
        assert_eq!(deployment["spec"], *spec);
        for name in ["order", "fence", "borrowed", "restore"] {
            let mark = &deployment["metadata"]["annotations"][format!("sternway.io/{name}")];
            assert_eq!(*mark, Value::Null, "{name} is left");
        }
    }
}

fn id(order: &Value) -> String {
    text(&order["ChangeOrderId"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}
