//! Checks before a change.

use serde_json::{Value, json};
use sternway_core::ports::{ObjectKind, ObjectRef, Objects as _};

use crate::fake_clusters::Mood;
use crate::world::{CLUSTER, World};

async fn check(world: &World, name: &str, more: &[(&str, &str)]) -> (Vec<String>, Value) {
    let cluster = CLUSTER.to_string();
    let place = [("ClusterId", cluster.as_str()), ("Namespace", "default")];
    let started = world.call("StartK8sAppPrecheck", &[&place, more].concat()).await.success();
    let jobs = started["Data"]["Jobs"].as_array().unwrap().iter().map(|job| job.as_str().unwrap().to_owned());
    let result = world.call("GetK8sAppPrecheckResult", &[&place[..], &[("AppName", name)]].concat()).await.success();
    (jobs.collect(), result["Data"].clone())
}

fn job<'a>(result: &'a Value, name: &str) -> &'a Value {
    let jobs = result["JobResults"].as_array().unwrap();
    jobs.iter().find(|job| job["Name"] == name).unwrap_or_else(|| panic!("{name}: {result}"))
}

#[tokio::test]
async fn a_new_application_passes_or_says_what_is_missing() {
    let world = World::new().await;
    let envs = r#"[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"settings","key":"a"}}}]"#;
    let new = [("AppName", "Shop"), ("ImageUrl", "shop:v1"), ("EmptyDirs", "[]"), ("Envs", envs), ("LimitMem", "64")];
    let (jobs, result) = check(&world, "shop", &new).await;
    assert_eq!(result["Status"], "failed");
    assert_eq!(result["JobResults"].as_array().unwrap().len(), jobs.len());
    let reason = job(&result, "Reference Check")["Reason"].as_str().unwrap();
    assert!(reason.contains("no ConfigMap settings") && result["Reason"] == reason, "{result}");
    let map = ObjectRef::new(ObjectKind::CONFIG_MAP, "default", "settings");
    world.objects.create(CLUSTER, &map, &json!({"data": {"a": "1"}})).await.unwrap();
    let (_, result) = check(&world, "SHOP", &new).await;
    assert_eq!((&result["Status"], &result["Reason"]), (&"pass".into(), &"".into()), "{result}");

    world.objects.refuse("Pod", "exceeded quota: team, requested: pods=1");
    let (_, result) = check(&world, "shop", &new).await;
    let admission = job(&result, "Pod Admission Check");
    assert!(admission["Reason"].as_str().unwrap().contains("exceeded quota"), "{result}");
    assert_eq!((&admission["Pass"], &admission["Interrupted"]), (&false.into(), &false.into()));
    // Not to be allowed to ask is no fault of the application's.
    world.objects.refuse("Pod", "pods is forbidden: User \"x\" cannot create resource \"pods\"");
    let (_, result) = check(&world, "shop", &new).await;
    assert_eq!(result["Status"], "pass");
    assert_eq!(job(&result, "Pod Admission Check")["Interrupted"], true);
}

#[tokio::test]
async fn an_application_that_is_there_is_checked_for_its_next_change() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    let id = ("AppId", app.as_str());
    let (jobs, result) = check(&world, "web", &[id, ("Replicas", "5")]).await;
    assert_eq!(result["Status"], "pass", "{result}");
    assert!(jobs.contains(&"Release Check".to_owned()) && !jobs.contains(&"Application Name Check".to_owned()));
    let cluster = CLUSTER.to_string();
    let other = [("ClusterId", cluster.as_str()), ("Namespace", "default"), id, ("AppName", "shop")];
    let refused = world.call("StartK8sAppPrecheck", &other).await.business(400);
    assert!(refused.contains("The application in AppId is web."), "{refused}");
    let order = world.call("ScaleK8sApplication", &[id, ("Replicas", "5")]).await.order_id();
    let (_, result) = check(&world, "web", &[id]).await;
    let reason = job(&result, "Change Order Check")["Reason"].as_str().unwrap();
    assert!(reason.contains(&order.to_string()), "{reason}");
    // Its name is not free for another one.
    let (_, result) = check(&world, "web", &[("AppName", "web")]).await;
    assert_eq!(job(&result, "Application Name Check")["Pass"], false);
}

#[tokio::test]
async fn a_cluster_that_is_away_fails_the_check() {
    let world = World::new().await;
    world.clusters.set_mood(Mood::Away);
    let (_, result) = check(&world, "shop", &[("AppName", "shop")]).await;
    assert_eq!(result["Status"], "failed");
    assert!(result["Reason"].as_str().unwrap().contains("connection refused"), "{result}");
}

#[tokio::test]
async fn what_cannot_be_checked() {
    let world = World::new().await;
    let cluster = CLUSTER.to_string();
    let place = [("ClusterId", cluster.as_str()), ("Namespace", "default")];
    let app = world.app("web", 1).await.to_string();
    world.call("StartK8sAppPrecheck", &place).await.gateway(400, "MissingParameter");
    let unknown = [place[0], place[1], ("AppName", "none")];
    let message = world.call("GetK8sAppPrecheckResult", &unknown).await.business(404);
    assert!(message.contains("StartK8sAppPrecheck"), "{message}");
    let elsewhere = [place[0], ("Namespace", "shop"), ("AppId", app.as_str())];
    world.call("StartK8sAppPrecheck", &elsewhere).await.business(400);
    let away = [("ClusterId", "none"), place[1], ("AppName", "x")];
    world.call("StartK8sAppPrecheck", &away).await.business(601);
    // A result goes with its application.
    check(&world, "web", &[("AppId", &app)]).await;
    world.commit(vec![sternway_core::ports::StoreWrite::DeleteApp(app.parse().unwrap())]).await;
    world.call("GetK8sAppPrecheckResult", &[place[0], place[1], ("AppName", "web")]).await.business(404);
}
