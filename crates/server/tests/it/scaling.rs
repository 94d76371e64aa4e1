//! Rules of scaling: by metrics an autoscaler on the cluster, by time an order at each time, begun once.

use serde_json::{Value, json};
use sternway_core::ids::AppId;
use sternway_core::order::job::Job;
use sternway_core::order::{Order, OrderKind, Status};
use sternway_core::ports::{ObjectKind, ObjectRef, Objects as _, Record, Records as _, Store as _, StoreWrite};

use crate::fake_clusters::Mood;
use crate::world::{CLUSTER, World};

const METRICS: &str = r#"{"minReplicas":2,"maxReplicas":9,"triggers":[{"type":"app_metric","name":"cpu","metaData":"{\"metricType\":\"CPU\",\"targetAverageUtilization\":60}"}]}"#;
/// Tests begin at 12:00 by this clock.
const DAY: &str = r#"{"minReplicas":1,"maxReplicas":9,"triggers":[{"type":"cron","name":"day","metaData":"{\"timezone\":\"+08:00\",\"start\":\"0 14 * * *\",\"end\":\"0 20 * * *\",\"desiredReplicas\":6}"}]}"#;
const HOUR: i64 = 3600;

fn autoscaler(name: &str) -> ObjectRef {
    ObjectRef::new(ObjectKind::HORIZONTAL_POD_AUTOSCALER, "default", name)
}

async fn on_cluster(world: &World, name: &str) -> Option<Value> {
    world.objects.get(CLUSTER, &autoscaler(name)).await.unwrap()
}

async fn create(world: &World, app: &str, name: &str, trigger: &str) -> Value {
    let parameters =
        [("AppId", app), ("ScalingRuleName", name), ("ScalingRuleType", "trigger"), ("ScalingRuleTrigger", trigger)];
    world.call("CreateApplicationScalingRule", &parameters).await.success()["AppScalingRule"].clone()
}

/// Scale orders of an application, newest first.
async fn scalings(world: &World, app: AppId) -> Vec<Order> {
    let orders = world.store.orders_of(app, 50).await.unwrap();
    orders.into_iter().filter(|order| matches!(order.kind, OrderKind::ScaleIn | OrderKind::ScaleOut)).collect()
}

/// The order has done what it was for.
async fn scaled(world: &World, order: &Order) {
    world.finish(order.id, Status::Succeeded).await;
    let Job::Resize(resize) = &order.job else { panic!() };
    let to = resize.to;
    world.clusters.change(&order.workload, |workload| workload.replicas = to);
}

#[tokio::test]
async fn metrics_are_an_autoscaler_of_the_deployment() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    let behaviour = r#"{"scaleDown":{"stabilizationWindowSeconds":"300","selectPolicy":"Disable","policies":[{"type":"Percent","value":50,"periodSeconds":15}]}}"#;
    let rule = ("ScalingRuleName", "cpu");
    let id = ("AppId", app.as_str());
    let parameters = [id, rule, ("ScalingRuleTrigger", METRICS), ("ScalingBehaviour", behaviour)];
    let shown = world.call("CreateApplicationScalingRule", &parameters).await.success()["AppScalingRule"].clone();
    assert_eq!((&shown["ScaleRuleName"], &shown["ScaleRuleEnabled"]), (&"cpu".into(), &true.into()));
    assert_eq!(shown["Metric"]["Metrics"][0], json!({"MetricType": "CPU", "MetricTargetAverageUtilization": 60}));
    assert_eq!(shown["Behaviour"]["ScaleDown"]["SelectPolicy"], "Disable");
    let object = on_cluster(&world, "web-cpu").await.unwrap();
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    assert_eq!(object["spec"]["scaleTargetRef"], target);
    assert_eq!((&object["spec"]["minReplicas"], &object["spec"]["maxReplicas"]), (&2.into(), &9.into()));
    assert_eq!(object["spec"]["behavior"]["scaleDown"]["selectPolicy"], "Disabled");
    assert_eq!(object["metadata"]["labels"]["sternway.io/app-id"], app);
    assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "uid");

    // Changed, disabled, enabled, deleted.
    let more = METRICS.replace("\"maxReplicas\":9", "\"maxReplicas\":12");
    world.advance(60);
    let update = [id, rule, ("ScalingRuleTrigger", more.as_str())];
    let shown = world.call("UpdateApplicationScalingRule", &update).await.success()["AppScalingRule"].clone();
    assert_eq!(shown["UpdateTime"].as_i64().unwrap() - shown["CreateTime"].as_i64().unwrap(), 60_000);
    assert_eq!(shown["Behaviour"]["ScaleDown"]["StabilizationWindowSeconds"], 300, "what is absent stays");
    assert_eq!(on_cluster(&world, "web-cpu").await.unwrap()["spec"]["maxReplicas"], 12);
    let shown = world.call("DisableApplicationScalingRule", &[id, rule]).await.success()["AppScalingRule"].clone();
    assert!(shown["ScaleRuleEnabled"] == false && shown["LastDisableTime"].as_i64().unwrap() > 0);
    assert_eq!(on_cluster(&world, "web-cpu").await, None);
    world.call("EnableApplicationScalingRule", &[id, rule]).await.success();
    assert!(on_cluster(&world, "web-cpu").await.is_some());
    let all = world.call("DescribeApplicationScalingRules", &[id]).await.success()["AppScalingRules"].clone();
    assert_eq!((&all["TotalSize"], &all["Result"][0]["ScaleRuleName"]), (&1.into(), &"cpu".into()));
    world.call("DeleteApplicationScalingRule", &[id, rule]).await.success();
    world.call("DeleteApplicationScalingRule", &[id, rule]).await.success();
    assert_eq!(on_cluster(&world, "web-cpu").await, None);
    assert_eq!(world.call("DescribeApplicationScalingRules", &[id]).await.success()["AppScalingRules"]["TotalSize"], 0);
    world.call("EnableApplicationScalingRule", &[id, rule]).await.business(404);
}

#[tokio::test]
async fn one_autoscaler_scales_an_application() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    create(&world, &app, "cpu", METRICS).await;
    let rule =
        |name: &'static str| [("AppId", app.as_str()), ("ScalingRuleName", name), ("ScalingRuleTrigger", METRICS)];
    let message = world.call("CreateApplicationScalingRule", &rule("cpu")).await.business(400);
    assert!(message.contains("named cpu already"), "{message}");
    let message = world.call("CreateApplicationScalingRule", &rule("other")).await.business(400);
    assert!(message.contains("disable it"), "{message}");
    let disabled = [&rule("other")[..], &[("ScalingRuleEnable", "False")]].concat();
    world.call("CreateApplicationScalingRule", &disabled).await.success();
    world.call("EnableApplicationScalingRule", &rule("other")[..2]).await.business(400);

    let foreign = json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}}});
    world.objects.create(CLUSTER, &autoscaler("by-hand"), &foreign).await.unwrap();
    let api = world.app("api", 3).await.to_string();
    let parameters = [("AppId", api.as_str()), ("ScalingRuleName", "cpu"), ("ScalingRuleTrigger", METRICS)];
    let message = world.call("CreateApplicationScalingRule", &parameters).await.business(400);
    assert!(message.contains("by-hand"), "{message}");
    let all = world.call("DescribeApplicationScalingRules", &parameters[..1]).await.success();
    assert_eq!(all["AppScalingRules"]["TotalSize"], 0, "nothing is left of what could not be done");
}

#[tokio::test]
async fn a_rule_that_cannot_be_done_leaves_nothing() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    let id = ("AppId", app.as_str());
    world.clusters.set_mood(Mood::Away);
    let parameters = [id, ("ScalingRuleName", "cpu"), ("ScalingRuleTrigger", METRICS)];
    world.call("CreateApplicationScalingRule", &parameters).await.business(500);
    // Times need no cluster.
    create(&world, &app, "day", DAY).await;
    let change = [id, ("ScalingRuleName", "day"), ("ScalingRuleTrigger", METRICS)];
    world.call("UpdateApplicationScalingRule", &change).await.business(500);
    let all = world.call("DescribeApplicationScalingRules", &[id]).await.success()["AppScalingRules"].clone();
    assert_eq!((&all["TotalSize"], &all["Result"][0]["Trigger"]["Triggers"][0]["Name"]), (&1.into(), &"day".into()));
    world.clusters.set_mood(Mood::Well);
    assert_eq!(on_cluster(&world, "web-day").await, None);
}

#[tokio::test]
async fn what_a_crash_left_is_finished() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    create(&world, &app, "cpu", METRICS).await;
    let id = format!("{app}/cpu");
    world.objects.delete(CLUSTER, &autoscaler("web-cpu")).await.unwrap();
    let mut record = world.store.record("scaling-rule", &id).await.unwrap().unwrap();
    record.document["applied"] = false.into();
    record.revision += 1;
    assert!(world.store.put_record(record).await.unwrap());
    world.engine.keep_rules().await.unwrap();
    assert!(on_cluster(&world, "web-cpu").await.is_some());
    let record = world.store.record("scaling-rule", &id).await.unwrap().unwrap();
    assert_eq!(record.document["applied"], true);
}

#[tokio::test]
async fn each_time_is_one_order() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    create(&world, &app.to_string(), "day", DAY).await;
    let wake = world.engine.keep_rules().await.unwrap();
    assert!(wake <= crate::world::now() + jiff::SignedDuration::from_hours(2));
    assert!(scalings(&world, app).await.is_empty());
    world.advance(2 * HOUR);
    let before = world.store.record("scaling-rule", &format!("{app}/day")).await.unwrap().unwrap();
    world.engine.keep_rules().await.unwrap();
    let orders = scalings(&world, app).await;
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    let Job::Resize(resize) = &order.job else { panic!() };
    assert_eq!((order.kind, resize.to, order.actor.source.as_str()), (OrderKind::ScaleOut, 6, "scaling-rule"));
    assert_eq!(order.actor.user, "root");
    world.engine.keep_rules().await.unwrap();
    assert_eq!(scalings(&world, app).await.len(), 1);

    // A crash between the order and the mark: the time is seen to be dealt with, while the order runs and after it.
    let crash = async || {
        let present = world.store.record("scaling-rule", &before.id).await.unwrap().unwrap();
        let back = Record { revision: present.revision + 1, ..before.clone() };
        assert!(world.store.put_record(back).await.unwrap());
        world.engine.keep_rules().await.unwrap();
    };
    crash().await;
    scaled(&world, order).await;
    crash().await;
    assert_eq!(scalings(&world, app).await.len(), 1);

    world.advance(6 * HOUR);
    world.engine.keep_rules().await.unwrap();
    let orders = scalings(&world, app).await;
    let Job::Resize(resize) = &orders[0].job else { panic!() };
    assert_eq!((orders.len(), orders[0].kind, resize.to), (2, OrderKind::ScaleIn, 1));
}

#[tokio::test]
async fn what_was_missed_is_caught_up_once_with_the_latest() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    create(&world, &app.to_string(), "day", DAY).await;
    // Three days and three hours: the last time was 14:00.
    world.advance(75 * HOUR);
    world.engine.keep_rules().await.unwrap();
    let orders = scalings(&world, app).await;
    let [order] = orders.as_slice() else { panic!("{orders:?}") };
    let Job::Resize(resize) = &order.job else { panic!() };
    assert_eq!(resize.to, 6);
    scaled(&world, order).await;
    world.engine.keep_rules().await.unwrap();
    assert_eq!(scalings(&world, app).await.len(), 1);
}

#[tokio::test]
async fn a_time_waits_for_the_change_that_runs() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    let text = app.to_string();
    create(&world, &text, "day", DAY).await;
    let deploy = world.call("DeployK8sApplication", &[("AppId", &text), ("Image", "a:2")]).await.order_id();
    world.advance(2 * HOUR);
    let wake = world.engine.keep_rules().await.unwrap();
    assert!(scalings(&world, app).await.is_empty());
    let now = crate::world::now() + jiff::SignedDuration::from_hours(2);
    assert!(wake > now && wake < now + jiff::SignedDuration::from_mins(1), "it is tried again soon: {wake}");
    let record = world.store.record("scaling-rule", &format!("{app}/day")).await.unwrap().unwrap();
    assert!(record.document["last"]["text"].as_str().unwrap().contains(&deploy.to_string()));
    world.finish(deploy, Status::Succeeded).await;
    world.engine.keep_rules().await.unwrap();
    assert_eq!(scalings(&world, app).await.len(), 1);
}

#[tokio::test]
async fn a_cluster_that_is_away_is_waited_for() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    create(&world, &app.to_string(), "day", DAY).await;
    world.advance(2 * HOUR);
    world.clusters.set_mood(Mood::Away);
    world.engine.keep_rules().await.unwrap();
    world.clusters.set_mood(Mood::Well);
    world.engine.keep_rules().await.unwrap();
    assert_eq!(scalings(&world, app).await.len(), 1);
}

#[tokio::test]
async fn who_is_not_to_be_scaled_is_left_alone() {
    let world = World::new().await;
    let app = world.app("web", 6).await;
    let text = app.to_string();
    let rule = [("AppId", text.as_str()), ("ScalingRuleName", "day")];
    create(&world, &text, "day", DAY).await;
    // As many as are wanted already.
    world.advance(2 * HOUR);
    world.engine.keep_rules().await.unwrap();
    // Disabled at 20:00, and not caught up with when enabled again.
    world.call("DisableApplicationScalingRule", &rule).await.success();
    world.advance(6 * HOUR);
    world.engine.keep_rules().await.unwrap();
    world.call("EnableApplicationScalingRule", &rule).await.success();
    world.engine.keep_rules().await.unwrap();
    assert!(scalings(&world, app).await.is_empty());
    // Stopped.
    let present = world.store.app(app).await.unwrap().unwrap();
    let mut stopped = present.apply(&[sternway_core::application::AppChange::Stopped { before: 6 }]).unwrap();
    stopped.revision += 1;
    world.commit(vec![StoreWrite::UpdateApp(Box::new(stopped.clone()))]).await;
    world.clusters.change(&stopped.workload, |workload| workload.replicas = 0);
    world.advance(18 * HOUR);
    world.engine.keep_rules().await.unwrap();
    assert!(scalings(&world, app).await.is_empty());
    // Gone.
    world.commit(vec![StoreWrite::DeleteApp(app)]).await;
    world.engine.keep_rules().await.unwrap();
    assert_eq!(world.store.records("scaling-rule", None).await.unwrap(), []);
}

#[tokio::test]
async fn with_metrics_a_time_sets_the_least() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    let both = DAY.replace(
        r#""triggers":["#,
        r#""triggers":[{"type":"app_metric","metaData":{"metricType":"MEMORY","targetAverageUtilization":70}},"#,
    );
    create(&world, &app.to_string(), "mix", &both).await;
    let least = async || on_cluster(&world, "web-mix").await.unwrap()["spec"]["minReplicas"].clone();
    assert_eq!(least().await, 1);
    world.advance(2 * HOUR);
    world.engine.keep_rules().await.unwrap();
    assert_eq!(least().await, 6);
    let orders = scalings(&world, app).await;
    assert_eq!(orders.len(), 1, "and there are as many at once");
    scaled(&world, &orders[0]).await;
    world.advance(6 * HOUR);
    world.engine.keep_rules().await.unwrap();
    assert_eq!(least().await, 1);
    assert_eq!(scalings(&world, app).await.len(), 1, "how many fewer is the autoscaler's to say");
}

#[tokio::test]
async fn the_older_timer_and_metric_are_taken() {
    let world = World::new().await;
    let app = world.app("web", 3).await;
    let text = app.to_string();
    let id = ("AppId", text.as_str());
    let timer = r#"{"beginDate":null,"endDate":null,"period":"* * *","schedules":[{"atTime":"14:00","targetReplicas":5},{"atTime":"20:00","targetReplicas":2}]}"#;
    let rule = [id, ("ScalingRuleName", "timer"), ("ScalingRuleType", "timing"), ("ScalingRuleTimer", timer)];
    let shown = world.call("CreateApplicationScalingRule", &rule).await.success()["AppScalingRule"].clone();
    assert_eq!((&shown["MinReplicas"], &shown["MaxReplicas"]), (&2.into(), &5.into()));
    assert_eq!(shown["ScaleRuleType"], "timing");
    world.advance(2 * HOUR);
    world.engine.keep_rules().await.unwrap();
    assert_eq!(scalings(&world, app).await.len(), 1);
    let metric =
        r#"{"maxReplicas":3,"minReplicas":1,"metrics":[{"metricType":"CPU","metricTargetAverageUtilization":20}]}"#;
    let rule = [id, ("ScalingRuleName", "metric"), ("ScalingRuleMetric", metric)];
    world.call("CreateApplicationScalingRule", &rule).await.success();
    assert_eq!(on_cluster(&world, "web-metric").await.unwrap()["spec"]["maxReplicas"], 3);

    let nothing = [id, ("ScalingRuleName", "none")];
    world.call("CreateApplicationScalingRule", &nothing).await.gateway(400, "MissingParameter");
    for (trigger, hint) in [
        (DAY.replace("+08:00", "Mars/Base"), "no time zone here"),
        (DAY.replace("0 14 * * *", "0 0 30 2 *"), "never comes"),
        (DAY.replace("0 14 * * *", "noon"), "no cron expression"),
    ] {
        let rule = [id, ("ScalingRuleName", "wrong"), ("ScalingRuleTrigger", trigger.as_str())];
        let message = world.call("CreateApplicationScalingRule", &rule).await.gateway(400, "InvalidParameter");
        assert!(message.contains(hint), "{message}");
    }
}
