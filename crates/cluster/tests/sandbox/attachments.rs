//! Objects beside the workload: set, changed and removed by effects, and gone with the application.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use sternway_core::effect::{Effect, ObjectChange, Refusal, RouteChange, Routing};
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::ports::{ClusterError, Clusters as _, ObjectKind, ObjectRef, Objects as _, WriteGuard};
use sternway_core::route::{API_VERSION, Path, Rule, Split};

use crate::harness::{V1, World};

/// The lease is someone else's.
struct Never;

#[async_trait::async_trait]
impl WriteGuard for Never {
    async fn still_ours(&self) -> bool {
        false
    }
}

fn set(name: &str, patch: Option<Value>) -> Effect {
    let selects = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
    Effect::Object(Box::new(ObjectChange { kind: ObjectKind::SERVICE, name: name.to_owned(), patch, selects }))
}

fn balancer(port: u16) -> Value {
    let ports = json!([{"name": format!("tcp-{port}"), "protocol": "TCP", "port": port, "targetPort": 8080}]);
    json!({"spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": ports}})
}

async fn object(world: &World, kind: ObjectKind, name: &str) -> Option<Value> {
    let at = ObjectRef::new(kind, world.workload.namespace.clone(), name);
    world.clusters.get(world.workload.cluster, &at).await.unwrap()
}

#[tokio::test]
async fn a_service_is_made_changed_and_removed_each_once() {
    let world = World::new().await;
    world.perform(&set("web", Some(balancer(80)))).await.unwrap();
    let made = object(&world, ObjectKind::SERVICE, "web").await.unwrap();
    assert_eq!(made["metadata"]["labels"][APP_ID_LABEL], world.writer.app.to_string());
    world.perform(&set("web", Some(balancer(80)))).await.unwrap();
    let same = object(&world, ObjectKind::SERVICE, "web").await.unwrap();
    assert_eq!(same["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"], "nothing was written");
    let two = json!([made["spec"]["ports"][0], {"name": "tcp-81", "protocol": "TCP", "port": 81, "targetPort": 8081}]);
    let change = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"ports": two}});
    world.perform(&set("web", Some(change))).await.unwrap();
    let changed = object(&world, ObjectKind::SERVICE, "web").await.unwrap();
    assert_eq!(changed["spec"]["ports"][0]["nodePort"], made["spec"]["ports"][0]["nodePort"]);
    assert_eq!(
        (&changed["spec"]["ports"][1]["port"], &changed["metadata"]["annotations"]["a"]),
        (&json!(81), &json!("b"))
    );

    let effect = set("web", None);
    let refused = world.clusters.perform(&world.workload, &effect, world.writer, &Never).await;
    assert!(matches!(refused, Err(ClusterError::NotOurs)), "{refused:?}");
    for _ in 0..2 {
        world.perform(&effect).await.unwrap();
        assert_eq!(object(&world, ObjectKind::SERVICE, "web").await, None);
    }
    world.end().await;
}

#[tokio::test]
async fn a_service_of_someone_else_is_not_touched() {
    let world = World::new().await;
    let path = format!("/api/v1/namespaces/{}/services", world.workload.namespace);
    let theirs = json!({"metadata": {"name": "web"}, "spec": {"selector": {"tier": "front"}, "ports": [{"port": 80}]}});
    world.send(Method::POST, &path, &theirs).await;
    let before = object(&world, ObjectKind::SERVICE, "web").await;
    for patch in [Some(balancer(80)), None] {
        let refused = world.perform(&set("web", patch)).await;
        assert!(matches!(refused, Err(ClusterError::Refused(Refusal::NotTheApplications { .. }))), "{refused:?}");
    }
    assert_eq!(object(&world, ObjectKind::SERVICE, "web").await, before);
    world.end().await;
}

#[tokio::test]
async fn what_carries_the_applications_label_goes_with_it() {
    let world = World::new().await;
    world.create(1, V1).await;
    world.perform(&set("web", Some(balancer(80)))).await.unwrap();
    let path = format!("/api/v1/namespaces/{}/configmaps", world.workload.namespace);
    let own = json!({"metadata": {"name": "own", "labels": {APP_ID_LABEL: world.writer.app.to_string()}}});
    world.send(Method::POST, &path, &own).await;
    world.send(Method::POST, &path, &json!({"metadata": {"name": "other"}})).await;
    world.perform_among_controllers(&Effect::Delete).await;
    assert_eq!(object(&world, ObjectKind::SERVICE, "web").await, None);
    assert_eq!(object(&world, ObjectKind::CONFIG_MAP, "own").await, None);
    assert!(object(&world, ObjectKind::CONFIG_MAP, "other").await.is_some());
    world.end().await;
}

#[tokio::test]
async fn the_routes_of_an_application_go_with_it_where_there_are_any() {
    let world = World::with_gateway_api().await;
    world.create(1, V1).await;
    let path = format!("/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes", world.workload.namespace);
    let own = json!({
        "metadata": {"name": "web-lanes-1", "labels": {APP_ID_LABEL: world.writer.app.to_string()}},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": []},
    });
    world.send(Method::POST, &path, &own).await;
    world.send(Method::POST, &path, &json!({"metadata": {"name": "other"}, "spec": {"rules": []}})).await;
    assert!(object(&world, ObjectKind::HTTP_ROUTE, "web-lanes-1").await.is_some());
    world.perform_among_controllers(&Effect::Delete).await;
    assert_eq!(object(&world, ObjectKind::HTTP_ROUTE, "web-lanes-1").await, None);
    assert!(object(&world, ObjectKind::HTTP_ROUTE, "other").await.is_some());
    world.end().await;
}

/// A route in the cluster that leads to the Service `web`, and how its requests are changed.
async fn led(world: &World) -> (ObjectKind, impl Fn(Routing) -> Effect + use<>) {
    let kind = world.clusters.kind(world.workload.cluster, API_VERSION, "HTTPRoute").await.unwrap().unwrap();
    let path = format!("/apis/{API_VERSION}/namespaces/{}/httproutes", world.workload.namespace);
    let rules = json!([{"backendRefs": [{"group": "", "kind": "Service", "name": "web", "port": 80, "weight": 1}]}]);
    world.send(Method::POST, &path, &json!({"metadata": {"name": "edge"}, "spec": {"rules": rules}})).await;
    let tenth = Rule { path: Path::Below("/".to_owned()), any: false, conditions: Vec::new(), percent: 10 };
    let split =
        Split { service: "web".to_owned(), old: "web-old".to_owned(), new: "web-new".to_owned(), rules: vec![tenth] };
    let served = kind.clone();
    let change = move |routing| {
        let change = RouteChange { kind: served.clone(), name: "edge".to_owned(), split: split.clone(), routing };
        Effect::Route(Box::new(change))
    };
    (kind, change)
}

#[tokio::test]
async fn the_requests_of_a_route_are_divided_and_put_back() {
    let world = World::with_gateway_api().await;
    let (kind, change) = led(&world).await;
    let refused = world.clusters.perform(&world.workload, &change(Routing::Divided), world.writer, &Never).await;
    assert!(matches!(refused, Err(ClusterError::NotOurs)), "{refused:?}");
    let before = object(&world, kind.clone(), "edge").await.unwrap();
    for (routing, backends) in [(Routing::Divided, 2), (Routing::PutBack, 1), (Routing::Clean, 1)] {
        world.perform(&change(routing)).await.unwrap();
        let there = object(&world, kind.clone(), "edge").await.unwrap();
        assert_eq!(there["spec"]["rules"][0]["backendRefs"].as_array().unwrap().len(), backends);
        world.perform(&change(routing)).await.unwrap();
        assert_eq!(object(&world, kind.clone(), "edge").await.unwrap(), there, "nothing was written");
    }
    let after = object(&world, kind.clone(), "edge").await.unwrap();
    assert_eq!(after["spec"], before["spec"]);
    assert!(!after["metadata"].to_string().contains("sternway.io"), "{after}");
    let path = format!("/apis/{API_VERSION}/namespaces/{}/httproutes/edge", world.workload.namespace);
    world.send(Method::DELETE, &path, &Value::Null).await;
    world.perform(&change(Routing::PutBack)).await.unwrap();
    let gone = world.perform(&change(Routing::Divided)).await;
    assert!(matches!(gone, Err(ClusterError::Refused(Refusal::Route(_)))), "{gone:?}");
    world.end().await;
}

/// Says yes, and then the server is overtaken: the next one puts the route back before the write arrives.
struct Overtaken<'w> {
    world: &'w World,
    next: Effect,
}

#[async_trait::async_trait]
impl WriteGuard for Overtaken<'_> {
    async fn still_ours(&self) -> bool {
        self.world.perform(&self.next).await.unwrap();
        true
    }
}

#[tokio::test]
async fn a_division_that_arrives_after_its_way_back_is_refused() {
    let world = World::with_gateway_api().await;
    let (kind, change) = led(&world).await;
    let before = object(&world, kind.clone(), "edge").await.unwrap();
    let guard = Overtaken { world: &world, next: change(Routing::PutBack) };
    let late = world.clusters.perform(&world.workload, &change(Routing::Divided), world.writer, &guard).await;
    assert!(matches!(late, Err(ClusterError::Conflict)), "{late:?}");
    let there = object(&world, kind, "edge").await.unwrap();
    assert_eq!(there["spec"], before["spec"]);
    world.end().await;
}
