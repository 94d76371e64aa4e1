//! The older operations that go back, and the older one that renames.

use serde_json::Value;
use sternway_core::ids::VersionNumber;
use sternway_core::order::{OrderKind, Status};
use sternway_core::plan::Gate;
use sternway_core::step::Illegal;

use crate::world::{World, now};

#[tokio::test]
async fn rollback_change_order_is_abort_and_rollback() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    let id = ("AppId", app.as_str());
    let deploy = world.call("DeployK8sApplication", &[id, ("Image", "a:2")]).await.order_id().to_string();
    let order = [("ChangeOrderId", deploy.as_str())];
    let first = world.call("RollbackChangeOrder", &order).await;
    let body = first.success();
    assert_eq!(body["ErrorCode"], "success");
    assert!(body["TraceId"].is_string());
    let rollback = first.order_id();
    assert_ne!(rollback.to_string(), deploy);
    assert_eq!(world.order(rollback).await.kind, OrderKind::Rollback);
    // Both names mean one thing: the rollback is the same.
    assert_eq!(world.call("AbortAndRollbackChangeOrder", &order).await.order_id(), rollback);
    assert_eq!(world.call("RollbackChangeOrder", &order).await.order_id(), rollback);
}

#[tokio::test]
async fn rollback_change_order_refuses_as_the_abort_family_does() {
    let world = World::new().await;
    let app = world.app("web", 3).await.to_string();
    let scale = world.call("ScaleK8sApplication", &[("AppId", &app), ("Replicas", "5")]).await.order_id();
    let refused = world.call("RollbackChangeOrder", &[("ChangeOrderId", &scale.to_string())]).await;
    let body = refused.json();
    assert_eq!((&body["Code"], &body["ErrorCode"]), (&400.into(), &"ChangeOrder.RollbackNotSupported".into()));
    let expected = Illegal::NotADeploy { order: scale, kind: OrderKind::ScaleOut }.to_string();
    assert_eq!(body["Message"].as_str().unwrap().to_lowercase().trim_end_matches('.'), expected.to_lowercase());
}

#[tokio::test]
async fn an_application_goes_back_to_a_historical_version_in_batches() {
    let world = World::new().await;
    let app = world.app("web", 6).await;
    let text = app.to_string();
    let id = ("AppId", text.as_str());
    let deploy = world.call("DeployK8sApplication", &[id, ("Image", "registry.local/team/web:v2")]).await.order_id();
    world.finish(deploy, Status::Succeeded).await;
    let all = ("GroupId", "all");
    let back = [id, all, ("HistoryVersion", "v1"), ("Batch", "3"), ("BatchWaitTime", "2")];
    let order = world.order(world.call("RollbackApplication", &back).await.order_id()).await;
    assert_eq!(order.kind, OrderKind::DeployHistory);
    assert_eq!((order.batches.count, order.batches.gate), (3, Gate::Automatic { wait_seconds: 120 }));
    world.finish(order.id, Status::Succeeded).await;
    // By the version's Id, in one batch.
    let order = world.call("RollbackApplication", &[id, all, ("HistoryVersion", "2")]).await.order_id();
    let order = world.order(order).await;
    assert_eq!(order.batches.count, 1);
    let version = sternway_core::ports::Store::version(&*world.store, app, VersionNumber(2)).await.unwrap().unwrap();
    assert_eq!(version.package_version, "v2");
    let sternway_core::order::job::Job::Release(release) = order.job else { panic!() };
    assert_eq!(release.to.snapshot, version.snapshot);
    world.finish(order.id, Status::Succeeded).await;

    let message = world.call("RollbackApplication", &[id, all, ("HistoryVersion", "v9")]).await.business(404);
    assert!(message.contains("v9 does not exist"), "{message}");
    let six = [id, all, ("HistoryVersion", "v1"), ("Batch", "6")];
    world.call("RollbackApplication", &six).await.gateway(400, "InvalidParameter");
    world.call("RollbackApplication", &[id, all]).await.gateway(400, "MissingParameter");
}

#[tokio::test]
async fn an_application_is_renamed_and_described() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    world.app("taken", 1).await;
    let id = ("AppId", app.as_str());
    let change = [id, ("AppName", "Shop"), ("Desc", "sells"), ("Owner", "anna")];
    let body = world.call("UpdateApplicationBaseInfo", &change).await.success();
    let shown = &body["Applcation"];
    let expected = [("Name", "Shop"), ("Description", "sells"), ("Owner", "anna"), ("AppId", &app)];
    for (field, value) in expected {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["CreateTime"], Value::from(now().as_millisecond()));
    assert_eq!((&shown["InstanceCount"], &shown["ClusterType"]), (&2.into(), &5.into()));
    // The Deployment's name stays.
    assert_eq!(world.app_record("Shop").await.workload.name, "web");
    let kept = world.call("UpdateApplicationBaseInfo", &[id, ("Desc", "")]).await.success();
    assert_eq!((&kept["Applcation"]["Name"], &kept["Applcation"]["Description"]), (&"Shop".into(), &"".into()));
    let message = world.call("UpdateApplicationBaseInfo", &[id, ("AppName", "taken")]).await.business(400);
    assert!(message.contains("taken exists already"), "{message}");
    world.call("UpdateApplicationBaseInfo", &[id, ("AppName", "1x")]).await.gateway(400, "InvalidParameter");
}
