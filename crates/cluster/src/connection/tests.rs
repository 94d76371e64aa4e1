//! Against an API server that answers what a sandbox never would: denials, overload, lost races.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Method, Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{Effect, Refusal, Writer};
use sternway_core::ids::{AppId, ClusterId, Fence, OrderId};
use sternway_core::ports::{ClusterError, WriteGuard};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Connection;
use crate::access::Options;
use crate::index::Name;
use crate::perform::perform;
use crate::signals::Signals;

/// A request, as answers are chosen by.
struct Asked {
    method: Method,
    path: String,
    body: Value,
}

type Answer = (u16, Value);

/// A server that answers by a function; watches stay open and say nothing. What it says to nothing else is an empty object.
fn client(answer: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Client {
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<Body>| {
        let answer = Arc::clone(&answer);
        async move {
            let (head, body) = request.into_parts();
            let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            if path.contains("watch=true") {
                std::future::pending::<()>().await;
            }
            let body = body.collect_bytes().await.unwrap();
            let asked = Asked { method: head.method, path, body: serde_json::from_slice(&body).unwrap_or_default() };
            let (status, body) =
                answer(&asked).unwrap_or((200, json!({"metadata": {"resourceVersion": "1"}, "items": []})));
            let mut answer = Response::new(Body::from(body.to_string().into_bytes()));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok::<_, Infallible>(answer)
        }
    });
    Client::new(service, "shop")
}

fn status(code: u16, message: &str) -> Answer {
    (code, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}))
}

/// Rights are granted by a function of verb, resource and namespace; everything else is answered by `rest`.
fn with_rights(
    granted: impl Fn(&str, &str, Option<&str>) -> bool + Send + Sync + 'static,
    rest: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static,
) -> Client {
    client(move |asked| {
        if !asked.path.contains("selfsubjectaccessreviews") {
            return rest(asked);
        }
        let attributes = &asked.body["spec"]["resourceAttributes"];
        let text = |field: &str| attributes[field].as_str();
        let allowed =
            granted(text("verb").unwrap_or_default(), text("resource").unwrap_or_default(), text("namespace"));
        Some((201, json!({"status": {"allowed": allowed}})))
    })
}

struct World {
    connection: Result<Arc<Connection>, ClusterError>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl World {
    async fn new(client: Client) -> Self {
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let signals = Arc::new(Signals::default());
        let opened = Connection::open(client, &Options::default(), signals, &tasks, &end).await;
        tasks.close();
        Self { connection: opened.map(|(connection, _)| connection), tasks, end }
    }

    async fn perform(&self, effect: &Effect) -> Result<sternway_core::ports::Performed, ClusterError> {
        let connection = self.connection.as_ref().unwrap();
        perform(connection, &workload(), effect, writer(), &Always).await
    }

    async fn end(self) {
        self.end.cancel();
        self.tasks.wait().await;
    }
}

struct Always;

#[async_trait]
impl WriteGuard for Always {
    async fn still_ours(&self) -> bool {
        true
    }
}

fn workload() -> WorkloadRef {
    WorkloadRef { cluster: ClusterId::new(uuid::Uuid::nil()), namespace: "shop".to_owned(), name: "web".to_owned() }
}

fn writer() -> Writer {
    Writer { app: AppId::new(uuid::Uuid::nil()), order: OrderId::new(uuid::Uuid::nil()), fence: Fence(1), object: None }
}

fn deployment(application: Option<&str>) -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "web", "uid": "d", "resourceVersion": "7", "generation": 1,
            "annotations": {"sternway.io/application": application},
        },
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {}},
    })
}

fn everything(_: &str, _: &str, _: Option<&str>) -> bool {
    true
}

#[tokio::test]
async fn missing_rights_are_listed_and_nothing_is_begun() {
    let world =
        World::new(with_rights(|verb, resource, _| verb != "patch" && (resource, verb) != ("pods", "watch"), |_| None))
            .await;
    let error = world.connection.as_ref().err().unwrap();
    assert_eq!(error.to_string(), "the cluster forbids it: needs patch on deployments.apps; watch on pods");
    assert!(world.tasks.is_empty(), "no watch was begun");
    world.end().await;
}

#[tokio::test]
async fn what_is_only_useful_may_be_missing() {
    let world = World::new(with_rights(
        |verb, resource, _| !(["create", "delete"].contains(&verb) || resource == "events"),
        |asked| asked.path.contains("/nodes").then(|| status(403, "no nodes")),
    ))
    .await;
    assert!(world.connection.is_ok());
    world.end().await;
}

#[tokio::test]
async fn rights_in_one_namespace_are_enough_for_it() {
    let lists = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lists);
    let world = World::new(with_rights(
        |_, _, namespace| namespace == Some("shop"),
        move |asked| {
            seen.lock().unwrap().push(asked.path.clone());
            asked.path.ends_with("/namespaces").then(|| status(403, "no namespaces"))
        },
    ))
    .await;
    let connection = Arc::clone(world.connection.as_ref().unwrap());
    assert_eq!(connection.namespaces().await.unwrap(), ["shop"]);
    let elsewhere = Name { namespace: "bank".to_owned(), name: "web".to_owned() };
    let error = connection.observe(&elsewhere).unwrap_err();
    assert!(matches!(&error, ClusterError::Forbidden(text) if text.contains("bank")), "{error}");
    connection.read(&Name { namespace: "shop".to_owned(), name: "web".to_owned() }).await.unwrap();
    world.end().await;
    let lists = lists.lock().unwrap();
    let outside = lists.iter().find(|path| path.contains("/pods") && !path.contains("/namespaces/shop/"));
    assert_eq!(outside, None);
}

type Expected = fn(&ClusterError) -> bool;

#[tokio::test]
async fn what_a_write_runs_into_is_told_apart() {
    let denied = r#"deployments.apps "web" is forbidden: User "sternway" cannot patch resource "deployments" in API group "apps" in the namespace "shop""#;
    let quota = r#"deployments.apps "web" is forbidden: exceeded quota: small"#;
    let table: [(u16, &str, Expected); 7] = [
        (403, denied, |error| matches!(error, ClusterError::Forbidden(_))),
        (403, quota, |error| matches!(error, ClusterError::Rejected(_))),
        (404, "gone", |error| matches!(error, ClusterError::Refused(Refusal::Gone))),
        (409, "modified", |error| matches!(error, ClusterError::Conflict)),
        (422, "invalid", |error| matches!(error, ClusterError::Rejected(_))),
        (429, "later", |error| matches!(error, ClusterError::Unreachable { .. })),
        (503, "away", |error| matches!(error, ClusterError::Unreachable { .. })),
    ];
    for (code, message, expected) in table {
        let world = World::new(with_rights(everything, move |asked| {
            match (asked.method.as_str(), asked.path.contains("/deployments/web")) {
                ("PATCH", true) => Some(status(code, message)),
                ("GET", true) => Some((200, deployment(None))),
                _ => None,
            }
        }))
        .await;
        let error = world.perform(&Effect::Scale { replicas: 3 }).await.unwrap_err();
        assert!(expected(&error), "{code} {message}: {error:?}");
        world.end().await;
    }
}

/// A server on which the name is taken between the read and the write, by the application of this id.
fn taken_by(application: &'static str) -> Client {
    let taken = Mutex::new(false);
    with_rights(everything, move |asked| {
        let mut taken = taken.lock().unwrap();
        match (asked.method.as_str(), asked.path.contains("/deployments/web"), *taken) {
            ("POST", _, _) => {
                *taken = true;
                Some(status(409, "deployments.apps \"web\" already exists"))
            }
            ("GET", true, false) => Some(status(404, "deployments.apps \"web\" not found")),
            ("GET", true, true) => Some((200, deployment(Some(application)))),
            _ => None,
        }
    })
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_looked_at_again() {
    let create = Effect::Create { manifest: json!({"metadata": {"name": "web", "annotations": {}}}) };
    let ours = World::new(taken_by("00000000-0000-0000-0000-000000000000")).await;
    let performed = ours.perform(&create).await.unwrap();
    assert_eq!((performed.generation, performed.replicas), (1, 2));
    ours.end().await;

    let theirs = World::new(taken_by("6b55106c-c7f2-40f7-a1d4-092870000000")).await;
    let refused = theirs.perform(&create).await;
    assert!(matches!(refused, Err(ClusterError::Refused(Refusal::Foreign))), "{refused:?}");
    theirs.end().await;
}

#[tokio::test]
async fn a_deletion_names_what_was_read() {
    let options = Arc::new(Mutex::new(Value::Null));
    let sent = Arc::clone(&options);
    let world = World::new(with_rights(everything, move |asked| {
        match (asked.method.as_str(), asked.path.contains("/deployments/web")) {
            ("DELETE", true) => {
                *sent.lock().unwrap() = asked.body.clone();
                None
            }
            ("GET", true) => Some((200, deployment(None))),
            _ => None,
        }
    }))
    .await;
    world.perform(&Effect::Delete).await.unwrap();
    world.end().await;
    let options = options.lock().unwrap();
    assert_eq!(options["propagationPolicy"], "Foreground");
    assert_eq!(options["preconditions"], json!({"uid": "d", "resourceVersion": "7"}));
}
