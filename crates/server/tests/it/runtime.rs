//! Hooks and logs: kept in the pod template, changed by change orders.

use serde_json::{Value, json};
use sternway_core::ids::OrderId;
use sternway_core::order::job::Job;
use sternway_core::order::{OrderKind, Status};
use sternway_core::ports::{ObjectKind, ObjectRef, Objects as _, Store as _};

use crate::world::{CLUSTER, World};

/// The template that the application's only unfinished order brings; the order is then finished.
async fn brought(world: &World, name: &str) -> (OrderKind, Value) {
    let app = world.app_record(name).await;
    let order = world.store.active_order_of(app.id).await.unwrap().expect("an order was begun");
    let Job::Release(release) = &order.job else { panic!("{order:?}") };
    let template = release.to.snapshot.template.json().clone();
    succeed(world, order.id).await;
    (order.kind, template)
}

/// Ends an order as a success: what it brings is what runs.
async fn succeed(world: &World, order: OrderId) {
    use sternway_core::application::AppChange;
    use sternway_core::ports::StoreWrite;
    world.finish(order, Status::Succeeded).await;
    let order = world.order(order).await;
    let app = world.store.app(order.app).await.unwrap().unwrap();
    let mut next = app.apply(&[AppChange::Runs(order.brings().unwrap())]).unwrap();
    next.revision += 1;
    world.commit(vec![StoreWrite::UpdateApp(Box::new(next.clone()))]).await;
    let version = world.store.version(app.id, order.brings().unwrap()).await.unwrap().unwrap();
    world.clusters.change(&app.workload, |workload| {
        workload.digest = version.snapshot.template.digest();
        workload.spec = version.snapshot.clone();
    });
}

async fn is_quiet(world: &World, name: &str) -> bool {
    let app = world.app_record(name).await;
    world.store.active_order_of(app.id).await.unwrap().is_none()
}

#[tokio::test]
async fn hooks_are_lifecycle_hooks_of_the_container() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let hooks = r#"[{"name":"prestopInstance","script":"sleep 5","ignoreFail":false},
        {"name":"poststartInstance","script":"warm up","ignoreFail":true},
        {"name":"prestartInstance","script":"","ignoreFail":true}]"#;
    let body = world.call("UpdateHookConfiguration", &[id, ("GroupId", "all"), ("Hooks", hooks)]).await.success();
    let shown = body["HooksConfiguration"].as_array().unwrap().clone();
    assert_eq!(shown.len(), 6);
    let hook = |name: &str| shown.iter().find(|hook| hook["Name"] == name).unwrap();
    assert_eq!(hook("prestopInstance"), &json!({"IgnoreFail": false, "Name": "prestopInstance", "Script": "sleep 5"}));
    assert_eq!(hook("poststartInstance")["IgnoreFail"], true);
    assert_eq!(hook("poststopInstance")["Script"], "");
    let (kind, template) = brought(&world, "web").await;
    assert_eq!(kind, OrderKind::Configure);
    let lifecycle = &template["spec"]["containers"][0]["lifecycle"];
    assert_eq!(lifecycle["preStop"], json!({"exec": {"command": ["/bin/sh", "-c", "sleep 5"]}}));
    assert_eq!(lifecycle["postStart"]["exec"]["command"][2], "(\nwarm up\n) || true");

    // The same again begins nothing; what is not named stays; an empty script takes back.
    world.call("UpdateHookConfiguration", &[id, ("Hooks", hooks)]).await.success();
    assert!(is_quiet(&world, "web").await);
    let less = ("Hooks", r#"[{"name":"postStart","script":""}]"#);
    let body = world.call("UpdateHookConfiguration", &[id, less]).await.success();
    assert_eq!(body["HooksConfiguration"][3]["Script"], "sleep 5");
    let (_, template) = brought(&world, "web").await;
    let lifecycle = &template["spec"]["containers"][0]["lifecycle"];
    assert!(lifecycle["postStart"].is_null() && !lifecycle["preStop"].is_null());
    let refused = ("Hooks", r#"[{"name":"prestartInstance","script":"ls"}]"#);
    let message = world.call("UpdateHookConfiguration", &[id, refused]).await.gateway(400, "InvalidParameter");
    assert!(message.contains("InitContainers"), "{message}");
    assert!(is_quiet(&world, "web").await);
}

#[tokio::test]
async fn log_stores_are_what_a_collector_reads() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let configs = r#"[{"type":"stdout","logstore":"web-out","logDir":"stdout.log"},
        {"type":"file","logstore":"","logDir":"/var/log/web/*.log"}]"#;
    world.call("UpdateSlsLogStore", &[id, ("Configs", configs)]).await.success();
    let (kind, template) = brought(&world, "web").await;
    assert_eq!(kind, OrderKind::Configure);
    let container = &template["spec"]["containers"][0];
    assert_eq!(container["env"][0], json!({"name": "aliyun_logs_web-out", "value": "stdout"}));
    assert_eq!(container["volumeMounts"], json!([{"name": "log-dir-0", "mountPath": "/var/log/web"}]));

    let list = async |kind: &str| world.call("QuerySlsLogStoreList", &[id, ("Type", kind)]).await.success();
    let stdout = list("stdout").await;
    assert_eq!((&stdout["TotalSize"], &stdout["Result"][0]["Logstore"]), (&1.into(), &"web-out".into()));
    assert_eq!(stdout["Result"][0]["Source"], "stdout.log");
    assert_eq!(stdout["Result"][0]["CreateTime"], "2026-11-26 12:00:00");
    let file = list("file").await;
    assert_eq!((&file["TotalSize"], &file["Result"][0]["Source"]), (&1.into(), &"/var/log/web/*.log".into()));
    world.call("QuerySlsLogStoreList", &[id]).await.gateway(400, "MissingParameter");

    // They are no part of the environment that people set and see, and survive a change of it.
    let shown = world.call("GetK8sApplication", &[id]).await.success();
    assert_eq!(shown["Applcation"]["App"]["EnvList"]["Env"], json!([]));
    world.call("DeployK8sApplication", &[id, ("Envs", r#"[{"name":"A","value":"b"}]"#)]).await.success();
    let (_, template) = brought(&world, "web").await;
    assert_eq!(template["spec"]["containers"][0]["env"].as_array().unwrap().len(), 3);
    world.call("DeployK8sApplication", &[id, ("SlsConfigs", "[]")]).await.success();
    let (_, template) = brought(&world, "web").await;
    assert_eq!(template["spec"]["containers"][0]["env"], json!([{"name": "A", "value": "b"}]));
    world.call("UpdateSlsLogStore", &[id, ("Configs", "[]")]).await.success();
    assert!(is_quiet(&world, "web").await);
    assert_eq!(list("stdout").await["Result"], json!([]));
}

#[tokio::test]
async fn an_application_is_created_with_log_stores() {
    let world = World::new().await;
    let configs = ("SlsConfigs", r#"[{"type":"stdout","logstore":"shop-out"}]"#);
    let app = world.app_with("shop", 1, &[configs]).await.to_string();
    let list = world.call("QuerySlsLogStoreList", &[("AppId", &app), ("Type", "stdout")]).await.success();
    assert_eq!(list["Result"][0]["Logstore"], "shop-out");
}

#[tokio::test]
async fn log_paths_are_noted_on_the_deployment() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let path = ("Path", "/home/admin/web/logs/");
    let message = world.call("AddLogPath", &[id, path]).await.business(400);
    assert!(message.contains("does not exist on its cluster"), "{message}");
    let deployment = ObjectRef::new(ObjectKind::DEPLOYMENT, "default", "web");
    world.objects.create(CLUSTER, &deployment, &json!({"spec": {"replicas": 2}})).await.unwrap();
    let noted = async || {
        let object = world.objects.get(CLUSTER, &deployment).await.unwrap().unwrap();
        assert_eq!(object["spec"], json!({"replicas": 2}));
        object["metadata"]["annotations"]["sternway.io/log-paths"].clone()
    };
    world.call("AddLogPath", &[id, path]).await.success();
    world.call("AddLogPath", &[id, ("Path", "/var/log/")]).await.success();
    world.call("AddLogPath", &[id, path]).await.success();
    assert_eq!(noted().await, "/home/admin/web/logs/,/var/log/");
    world.call("DeleteLogPath", &[id, path]).await.success();
    world.call("DeleteLogPath", &[id, path]).await.success();
    assert_eq!(noted().await, "/var/log/");
    world.call("DeleteLogPath", &[id, ("Path", "/var/log/")]).await.success();
    assert_eq!(noted().await, Value::Null);
    world.call("AddLogPath", &[id, ("Path", "/var/data/")]).await.gateway(400, "InvalidParameter");
    world.call("DeleteLogPath", &[id]).await.gateway(400, "MissingParameter");
    assert!(is_quiet(&world, "web").await);
}
