//! Swimming lanes: what an operation keeps, and what it puts on the cluster.

use serde_json::{Value, json};
use sternway_core::ids::AppId;
use sternway_core::ports::{ObjectKind, ObjectRef, Objects as _};

use crate::fake_objects::{GATEWAY, HTTP_ROUTE};
use crate::world::{CLUSTER, Reply, World};

const REGION: &str = "cn-hangzhou";
const HEADER_RULE: &str = r#"[{"priority":2,"path":"/traffic","condition":"AND","restItems":
    [{"type":"header","name":"user","value":"gray","cond":"==","operator":"rawvalue"}]}]"#;

/// A cluster with the Gateway API and a Gateway.
pub(crate) async fn world() -> World {
    let world = World::new().await;
    world.objects.install_gateway_api();
    put(&world, GATEWAY, "edge", json!({"spec": {}})).await;
    world
}

pub(crate) async fn put(world: &World, kind: ObjectKind, name: &str, object: Value) {
    let place = ObjectRef::new(kind, "default", name);
    world.objects.create(CLUSTER, &place, &object).await.unwrap();
}

async fn get(world: &World, kind: ObjectKind, name: &str) -> Option<Value> {
    world.objects.get(CLUSTER, &ObjectRef::new(kind, "default", name)).await.unwrap()
}

async fn names(world: &World, kind: ObjectKind, selector: &str) -> Vec<String> {
    let found = world.objects.list(CLUSTER, &kind, None, selector).await.unwrap();
    found.iter().map(|object| object["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// An application with its Deployment, and without a Service.
pub(crate) async fn app(world: &World, name: &str) -> AppId {
    let id = world.app(name, 2).await;
    let labels = json!({"sternway.io/app-id": id.to_string()});
    let spec = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}});
    put(world, ObjectKind::DEPLOYMENT, name, json!({"spec": spec})).await;
    id
}

pub(crate) async fn service(world: &World, name: &str, app: AppId) {
    let spec = json!({
        "selector": {"sternway.io/app-id": app.to_string()},
        "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
    });
    put(world, ObjectKind::SERVICE, name, json!({"spec": spec})).await;
}

async fn group(world: &World, entry: AppId, apps: &str, more: &[(&str, &str)]) -> String {
    let entry = format!("EDAS:{entry}");
    let mut parameters = vec![("LogicalRegionId", REGION), ("Name", "shop"), ("EntryApp", &entry), ("AppIds", apps)];
    parameters.extend(more);
    let made = world.call("InsertSwimmingLaneGroup", &parameters).await.success();
    made["Data"]["Id"].as_i64().unwrap().to_string()
}

async fn lane(world: &World, group: &str, name: &str, rules: &str, more: &[(&str, &str)]) -> Reply {
    let mut parameters =
        vec![("LogicalRegionId", REGION), ("GroupId", group), ("Name", name), ("Tag", name), ("EntryRules", rules)];
    parameters.extend(more);
    world.call("InsertSwimmingLane", &parameters).await
}

fn id(reply: &Reply) -> String {
    reply.success()["Data"]["Id"].as_i64().unwrap().to_string()
}

#[tokio::test]
async fn a_lane_is_made_changed_and_deleted() {
    let world = world().await;
    let (web, stock) = (app(&world, "web").await, app(&world, "stock").await);
    service(&world, "web", web).await;
    service(&world, "stock", stock).await;
    let group = group(&world, web, &stock.to_string(), &[]).await;
    let listed = world.call("ListSwimmingLaneGroup", &[("LogicalRegionId", REGION), ("GroupId", "0")]).await.success();
    assert_eq!(
        listed["Data"][0]["EntryApplication"],
        json!({"AppId": web.to_string(), "AppName": "web", "Source": "EDAS"})
    );
    assert_eq!(listed["Data"][0]["ApplicationList"][1]["AppName"], "stock");

    let made = lane(&world, &group, "gray", HEADER_RULE, &[]).await;
    let lane_id = id(&made);
    let data = made.success()["Data"].clone();
    assert_eq!(data["SwimmingLaneAppRelationShipList"].as_array().unwrap().len(), 2);
    let rule: Value = serde_json::from_str(data["EntryRule"].as_str().unwrap()).unwrap();
    assert_eq!((&rule[0]["enable"], &rule[0]["restItems"][0]["datum"]), (&json!(true), &json!("gray")));

    let route = get(&world, HTTP_ROUTE, "web-lanes-1").await.unwrap();
    assert_eq!(route["metadata"]["labels"]["sternway.io/app-id"], web.to_string());
    let expected = json!({
        "parentRefs": [{"name": "edge"}],
        "rules": [{
            "matches": [{
                "headers": [{"type": "Exact", "name": "user", "value": "gray"}],
                "path": {"type": "Exact", "value": "/traffic"},
            }],
            "backendRefs": [{"group": "", "kind": "Service", "name": "web-lane-1", "port": 80, "weight": 100}],
        }],
    });
    assert_eq!(route["spec"], expected);
    for (name, app) in [("web-lane-1", web), ("stock-lane-1", stock)] {
        let service = get(&world, ObjectKind::SERVICE, name).await.unwrap();
        let selector = json!({"sternway.io/app-id": app.to_string(), "alicloud.service.tag": "gray"});
        assert_eq!(service["spec"]["selector"], selector);
        assert_eq!(service["spec"]["ports"], json!([{"name": "http", "port": 80, "targetPort": 8080}]));
    }

    // A tenth of everything, and of one application alone.
    let infos = json!([{"appId": web.to_string()}]).to_string();
    let change = [
        ("LaneId", lane_id.as_str()),
        ("EnableRules", "true"),
        ("EntryRules", r#"[{"percent":10}]"#),
        ("AppInfos", &infos),
    ];
    let changed = world.call("UpdateSwimmingLane", &change).await.success();
    assert_eq!(changed["Data"]["SwimmingLaneAppRelationShipList"].as_array().unwrap().len(), 1);
    let route = get(&world, HTTP_ROUTE, "web-lanes-1").await.unwrap();
    let backends = &route["spec"]["rules"][0]["backendRefs"];
    assert_eq!((&backends[0]["name"], &backends[0]["weight"]), (&json!("web-lane-1"), &json!(10)));
    assert_eq!((&backends[1]["name"], &backends[1]["weight"]), (&json!("web"), &json!(90)));
    assert_eq!(names(&world, ObjectKind::SERVICE, "sternway.io/lane=1").await, ["web-lane-1"]);

    let off = [("LaneId", lane_id.as_str()), ("EnableRules", "False")];
    world.call("UpdateSwimmingLane", &off).await.success();
    assert_eq!(get(&world, HTTP_ROUTE, "web-lanes-1").await, None);
    assert_eq!(names(&world, ObjectKind::SERVICE, "sternway.io/lane=1").await, ["web-lane-1"]);

    for _ in 0..2 {
        let gone = world.call("DeleteSwimmingLane", &[("LaneId", &lane_id)]).await.success();
        assert_eq!(gone["Data"].to_string(), lane_id);
    }
    assert_eq!(names(&world, ObjectKind::SERVICE, "").await, ["stock", "web"]);
    assert_eq!(world.call("ListSwimmingLane", &[("GroupId", &group)]).await.success()["Data"], json!([]));
    let message = world.call("DeleteSwimmingLane", &[("LaneId", "99")]).await.business(404);
    assert!(message.contains("does not exist"), "{message}");
}

#[tokio::test]
async fn lanes_of_a_group_share_a_route_in_the_order_of_their_priorities() {
    let world = world().await;
    let (web, copy) = (app(&world, "web").await, app(&world, "web-copy").await);
    service(&world, "web", web).await;
    let spec = json!({
        "parentRefs": [{"name": "outer", "namespace": "infra"}],
        "hostnames": ["shop.example.com"],
        "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
    });
    put(&world, HTTP_ROUTE, "public", json!({"spec": spec})).await;
    let group = group(&world, web, &web.to_string(), &[]).await;
    lane(&world, &group, "gray", HEADER_RULE, &[]).await.success();
    // An application of its own needs neither the tag nor a Service.
    let infos = json!([{"appId": copy.to_string()}]).to_string();
    let rules = r#"[{"priority":1,"restItems":[{"type":"cookie","name":"lane","value":"copy"}]}]"#;
    lane(&world, &group, "copy", rules, &[("AppInfos", &infos)]).await.success();

    let route = get(&world, HTTP_ROUTE, "web-lanes-1").await.unwrap();
    assert_eq!(route["spec"]["parentRefs"], json!([{"name": "outer", "namespace": "infra"}]));
    assert_eq!(route["spec"]["hostnames"], json!(["shop.example.com"]));
    let rules = route["spec"]["rules"].as_array().unwrap();
    let backends: Vec<&Value> = rules.iter().map(|rule| &rule["backendRefs"][0]["name"]).collect();
    assert_eq!(backends, ["web-copy-lane-2", "web-lane-1"]);
    let cookie = &rules[0]["matches"][0]["headers"][0];
    assert_eq!((&cookie["type"], &cookie["name"]), (&json!("RegularExpression"), &json!("Cookie")));
    let service = get(&world, ObjectKind::SERVICE, "web-copy-lane-2").await.unwrap();
    assert_eq!(service["spec"]["selector"], json!({"sternway.io/app-id": copy.to_string()}));

    // The group moves: its lanes go with it.
    let change = [("GroupId", group.as_str()), ("Name", "renamed"), ("Gateway", "infra/inner")];
    world.call("UpdateSwimmingLaneGroup", &change).await.success();
    let route = get(&world, HTTP_ROUTE, "web-lanes-1").await.unwrap();
    assert_eq!(route["spec"]["parentRefs"], json!([{"name": "inner", "namespace": "infra"}]));
    assert_eq!(get(&world, HTTP_ROUTE, "public").await.unwrap()["spec"], spec);
}

#[tokio::test]
async fn without_the_gateway_api_a_lane_is_refused_and_nothing_is_kept() {
    let world = World::new().await;
    let web = app(&world, "web").await;
    service(&world, "web", web).await;
    let group = group(&world, web, &web.to_string(), &[]).await;
    let message = lane(&world, &group, "gray", HEADER_RULE, &[]).await.business(400);
    assert!(message.contains("does not serve HTTPRoute"), "{message}");
    assert_eq!(names(&world, ObjectKind::SERVICE, "").await, ["web"]);
    assert_eq!(world.call("ListSwimmingLane", &[("GroupId", &group)]).await.success()["Data"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_with_a_lane_is_told_and_nothing_is_kept() {
    let world = world().await;
    let (web, bare) = (app(&world, "web").await, app(&world, "bare").await);
    service(&world, "web", web).await;
    let good = group(&world, web, &web.to_string(), &[]).await;
    let no_service = group(&world, bare, &bare.to_string(), &[]).await;
    lane(&world, &good, "gray", HEADER_RULE, &[]).await.success();
    let unknown = json!([{"appId": "00000000-0000-4000-8000-000000000000"}]).to_string();
    let twice =
        r#"[{"restItems":[{"type":"header","name":"a","value":"1"},{"type":"header","name":"A","value":"2"}]}]"#;
    for (group, name, rules, more, code, expected) in [
        (&no_service, "a", HEADER_RULE, None, 400, "No Service selects"),
        (&good, "gray", HEADER_RULE, None, 400, "has this name or tag already"),
        (&good, "a", HEADER_RULE, Some(("AppInfos", unknown.as_str())), 404, "does not exist"),
        (&good, "a", twice, None, 400, "demand two things"),
    ] {
        let more: Vec<_> = more.into_iter().collect();
        let message = lane(&world, group, name, rules, &more).await.business(code);
        assert!(message.contains(expected), "{message}");
    }
    let message =
        lane(&world, &good, "a", r#"[{"restItems":[{"type":"header","name":"a","value":"1","cond":"<"}]}]"#, &[])
            .await
            .gateway(400, "InvalidParameter");
    assert!(message.contains("equality alone"), "{message}");
    put(&world, GATEWAY, "second", json!({"spec": {}})).await;
    let message = lane(&world, &good, "a", HEADER_RULE, &[]).await.business(400);
    assert!(message.contains("not exactly one Gateway"), "{message}");
    assert_eq!(names(&world, HTTP_ROUTE, "").await, ["web-lanes-1"]);
    assert_eq!(names(&world, ObjectKind::SERVICE, "").await, ["web", "web-lane-1"]);
    let lanes = world.call("ListSwimmingLane", &[("GroupId", &good)]).await.success();
    assert_eq!(lanes["Data"].as_array().unwrap().len(), 1);

    let elsewhere = [("LogicalRegionId", "cn-beijing"), ("Name", "x"), ("AppIds", "-")];
    let entry = format!("EDAS:{web}");
    let mut parameters = elsewhere.to_vec();
    parameters.push(("EntryApp", &entry));
    let message = world.call("InsertSwimmingLaneGroup", &parameters).await.business(400);
    assert!(message.contains("is in the microservice namespace cn-hangzhou"), "{message}");
}

#[tokio::test]
async fn an_object_of_somebody_else_is_never_replaced() {
    let world = world().await;
    let web = app(&world, "web").await;
    service(&world, "web", web).await;
    put(&world, HTTP_ROUTE, "web-lanes-1", json!({"spec": {"rules": []}})).await;
    let group = group(&world, web, &web.to_string(), &[]).await;
    let message = lane(&world, &group, "gray", HEADER_RULE, &[]).await.business(400);
    assert!(message.contains("is not of this group"), "{message}");
    assert_eq!(get(&world, HTTP_ROUTE, "web-lanes-1").await.unwrap()["spec"], json!({"rules": []}));
    assert_eq!(names(&world, ObjectKind::SERVICE, "").await, ["web"], "what had been begun is taken back");
    assert_eq!(world.call("ListSwimmingLane", &[("GroupId", &group)]).await.success()["Data"], json!([]));
}
