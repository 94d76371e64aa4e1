//! TrafficControlStrategy of a deploy: what the order is to do with it, and what is refused before there is an order.

use serde_json::{Value, json};
use sternway_core::order::Status;
use sternway_core::order::job::Job;
use sternway_core::ports::{ObjectKind, ObjectRef, Objects as _};

use crate::fake_objects::HTTP_ROUTE;
use crate::lanes;
use crate::world::{CLUSTER, Reply, World};

const TENTH: &str = r#"{"http":{"rules":[{"conditionType":"percent","percent":10}]}}"#;
const GRAY: &str =
    r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":1,"releaseType":"manual"},"grayUpdate":{"gray":1}}"#;

fn to(service: &str) -> Value {
    json!({"backendRefs": [{"group": "", "kind": "Service", "name": service, "port": 80, "weight": 1}]})
}

async fn route(world: &World, name: &str, rules: Value) {
    lanes::put(world, HTTP_ROUTE, name, json!({"spec": {"parentRefs": [{"name": "edge"}], "rules": rules}})).await;
}

async fn deploy(world: &World, app: &str, strategy: &str, more: &[(&str, &str)]) -> Reply {
    let mut parameters =
        vec![("AppId", app), ("Image", "registry.local/team/web:v2"), ("TrafficControlStrategy", strategy)];
    parameters.extend(more);
    world.call("DeployK8sApplication", &parameters).await
}

#[tokio::test]
async fn an_order_says_what_it_divides() {
    let world = lanes::world().await;
    let app = lanes::app(&world, "web").await;
    lanes::service(&world, "web", app).await;
    route(&world, "edge", json!([to("web")])).await;
    route(&world, "other", json!([to("shop")])).await;
    let app = app.to_string();
    let order = deploy(&world, &app, TENTH, &[("UpdateStrategy", GRAY)]).await.order_id();

    let Job::Release(release) = world.order(order).await.job else { panic!("no release") };
    let steering = release.steering.unwrap();
    let plan = steering.plan();
    assert_eq!((plan.service.as_str(), plan.routes.len(), plan.routes[0].name.as_str()), ("web", 1, "edge"));
    assert_eq!(plan.selector["sternway.io/app-id"], app);
    assert_eq!(plan.ports, json!([{"name": "http", "port": 80, "targetPort": 8080}]));

    let info = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &order.to_string())]).await.success();
    let info = &info["changeOrderInfo"];
    let shown = &info["TrafficControl"];
    assert_eq!(shown["Rules"], TENTH);
    let routes: Value = serde_json::from_str(shown["Routes"].as_str().unwrap()).unwrap();
    let id = order.to_string();
    let names = json!({
        "HTTPRoutes": ["edge"],
        "Service": "web",
        "OldService": format!("web-old-{}", &id[..8]),
        "NewService": format!("web-new-{}", &id[..8]),
    });
    assert_eq!(routes, names);
    assert!(shown["Tips"].as_str().unwrap().contains("when the gray batch is ready"), "{shown}");
    assert!(info["Desc"].as_str().unwrap().contains("HTTPRoute edge leads to Service web"), "{info}");

    world.finish(order, Status::Aborted).await;
    let info = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &id)]).await.success();
    assert_eq!(info["changeOrderInfo"]["TrafficControl"]["Tips"], "requests were never divided");
}

#[tokio::test]
async fn an_order_without_a_strategy_says_nothing_of_it() {
    let world = lanes::world().await;
    let app = lanes::app(&world, "web").await.to_string();
    for strategy in ["{}", "", r#"{"http":{"rules":[]}}"#] {
        let order = deploy(&world, &app, strategy, &[]).await.order_id();
        let info = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &order.to_string())]).await.success();
        let nothing = json!({"Routes": "", "Rules": "", "Tips": ""});
        assert_eq!(info["changeOrderInfo"]["TrafficControl"], nothing, "{strategy}");
        world.finish(order, Status::Aborted).await;
    }
}

#[tokio::test]
async fn what_cannot_be_divided_is_refused_before_there_is_an_order() {
    let world = World::new().await;
    let app = lanes::app(&world, "web").await;
    let id = app.to_string();
    let gray = [("UpdateStrategy", GRAY)];
    let message = deploy(&world, &id, TENTH, &[]).await.business(400);
    assert!(message.contains("give it the type GrayBatchUpdate"), "{message}");
    let message = deploy(&world, &id, TENTH, &gray).await.business(400);
    assert!(message.contains("Install the Gateway API"), "{message}");

    world.objects.install_gateway_api();
    let message = deploy(&world, &id, TENTH, &gray).await.business(400);
    assert!(message.contains("No Service selects"), "{message}");
    lanes::service(&world, "web", app).await;
    let message = deploy(&world, &id, TENTH, &gray).await.business(400);
    assert!(message.contains("No HTTPRoute of the namespace default leads to"), "{message}");

    lanes::service(&world, "inner", app).await;
    route(&world, "edge", json!([to("web"), to("inner")])).await;
    let message = deploy(&world, &id, TENTH, &gray).await.business(400);
    assert!(message.contains("several Services (inner, web)"), "{message}");
    let place = ObjectRef::new(ObjectKind::SERVICE, "default", "inner");
    world.objects.delete(CLUSTER, &place).await.unwrap();

    let rules =
        json!([{"matches": [{"headers": [{"name": "user", "value": "x"}]}], "backendRefs": to("web")["backendRefs"]}]);
    route(&world, "narrow", rules).await;
    let header = json!({"type": "header", "name": "User", "value": "gray"});
    let strategy = json!({"http": {"rules": [{"conditionType": "rule", "conditions": [header]}]}}).to_string();
    let message = deploy(&world, &id, &strategy, &gray).await.business(400);
    assert!(message.contains("HTTPRoute narrow") && message.contains("looks at the header user already"), "{message}");

    for (strategy, expected) in [
        (r#"{"http":{"rules":[{"conditionType":"percent"}]}}"#, "missing"),
        (
            r#"{"http":{"rules":[{"conditionType":"rule","conditions":[{"type":"header","name":"a","value":"5","cond":"mod"}]}]}}"#,
            "equality alone",
        ),
        (r#"{"dubbo":{}}"#, "not known"),
    ] {
        let reply = deploy(&world, &id, strategy, &gray).await;
        assert!(reply.body.to_string().contains(expected), "{:?}", reply.body);
    }
    let recent = world.call("ListRecentChangeOrder", &[("AppId", &id)]).await.success();
    assert_eq!(recent["ChangeOrderList"]["ChangeOrder"].as_array().unwrap().len(), 1, "the creation alone");
}
