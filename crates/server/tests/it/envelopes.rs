//! What each operation that is served answers when all is well.

use serde_json::Value;
use sternway_core::application::AppChange;
use sternway_core::ids::{AppId, VersionNumber};
use sternway_core::order::Status;
use sternway_core::ports::{Store as _, StoreWrite};
use sternway_core::template::edit::{Edit, apply};

use crate::world::World;

async fn order_of(world: &World, operation: &str, parameters: &[(&str, &str)]) -> Value {
    let reply = world.call(operation, parameters).await;
    let order = world.order(reply.order_id()).await;
    world.finish(order.id, Status::Succeeded).await;
    serde_json::json!({
        "kind": order.kind.code(),
        "description": order.description,
        "batches": order.batches.total(),
    })
}

#[tokio::test]
async fn changes_of_an_application_answer_with_their_order() {
    let world = World::new().await;
    let app = world.app("web", 4).await;
    let id_text = app.to_string();
    let id = ("AppId", id_text.as_str());
    let kind = |answer: &Value| answer["kind"].as_str().unwrap().to_owned();

    let deploy = [id, ("Image", "a:2"), ("ChangeOrderDesc", "for Monday")];
    let answer = order_of(&world, "DeployK8sApplication", &deploy).await;
    assert_eq!((kind(&answer).as_str(), &answer["description"]), ("CoDeploy", &"for Monday".into()));
    let back = order_of(&world, "DeployK8sApplication", &[id, ("PackageVersionId", "1")]).await;
    assert_eq!(kind(&back), "CoDeployHistroy");
    let scale = order_of(&world, "ScaleK8sApplication", &[id, ("Replicas", "6")]).await;
    assert_eq!(kind(&scale), "CoScaleOut");
    let restart = order_of(&world, "RestartK8sApplication", &[id, ("Timeout", "60")]).await;
    assert_eq!(kind(&restart), "CoRestartApplication");
    let limits = [id, ("McpuLimit", "500"), ("MemoryLimit", "512")];
    let configure = order_of(&world, "UpdateK8sApplicationConfig", &limits).await;
    assert_eq!(kind(&configure), "CoRescaleApplicationVertically");
    let stop = order_of(&world, "StopK8sApplication", &[id]).await;
    assert_eq!(kind(&stop), "CoStop");
    let delete = order_of(&world, "DeleteK8sApplication", &[id, ("Force", "True")]).await;
    assert_eq!(kind(&delete), "CoDeleteApp");
}

#[tokio::test]
async fn a_stopped_application_is_started() {
    let world = World::new().await;
    let id = world.app("web", 0).await.to_string();
    let start = [("AppId", id.as_str()), ("Replicas", "2")];
    let answer = order_of(&world, "StartK8sApplication", &start).await;
    assert_eq!(answer["kind"], "CoStart");
}

#[tokio::test]
async fn a_deploy_carries_its_strategy_and_its_edits() {
    let world = World::new().await;
    let app = world.app("web", 10).await;
    let id = app.to_string();
    let strategy = r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":3,"releaseType":"auto","batchWaitTime":2},"grayUpdate":{"gray":1}}"#;
    let parameters = [
        ("AppId", id.as_str()),
        ("ImageTag", "v2"),
        ("Envs", r#"[{"name":"MODE","value":"fast"}]"#),
        ("Args", r#"["--all"]"#),
        ("CpuRequest", "1"),
        ("McpuLimit", "1500"),
        ("MemoryLimit", "512"),
        ("Readiness", r#"{"tcpSocket":{"port":8080},"periodSeconds":5}"#),
        ("EmptyDirs", r#"[{"mountPath":"/tmp"}]"#),
        ("Labels", r#"{"tier":"front"}"#),
        ("TerminateGracePeriod", "20"),
        ("BatchWaitTime", "7"),
        ("BatchTimeout", "120"),
        ("PackageVersion", "2026-11"),
        ("UpdateStrategy", strategy),
        ("OnFailure", "Pause"),
        ("SlsConfigs", "[]"),
    ];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let order = world.order(order).await;
    let version = world.store.version(app, order.brings().unwrap()).await.unwrap().unwrap();
    assert_eq!(version.package_version, "2026-11");
    insta::assert_json_snapshot!("deployed_template", version.snapshot);
    insta::assert_json_snapshot!("deploy_batches", order.batches);
    let sternway_core::order::Job::Release(release) = &order.job else {
        panic!("{:?}", order.job);
    };
    assert_eq!(release.batch_timeout_seconds, 120);
    assert_eq!(release.on_failure, sternway_core::order::job::OnFailure::Pause);
}

/// An application with every structure that is shown.
async fn rich(world: &World) -> AppId {
    let more = [
        ("ApplicationDescription", "the front door"),
        ("Command", "/bin/web"),
        ("CommandArgs", r#"[{"argument":"--all"}]"#),
        ("Envs", r#"[{"name":"MODE","value":"fast"}]"#),
        ("LimitmCpu", "1500"),
        ("LimitMem", "512"),
        ("RequestsCpu", "1"),
        ("Liveness", r#"{"exec":{"command":["true"]}}"#),
        ("DeployAcrossNodes", "true"),
        ("LocalVolume", r#"[{"type":"","nodePath":"/data","mountPath":"/data"}]"#),
        ("EdasContainerVersion", "3.5.8"),
    ];
    world.app_with("Web-Shop", 2, &more).await
}

#[tokio::test]
async fn an_application_is_shown() {
    let world = World::new().await;
    let app = rich(&world).await;
    let id = ("AppId", app.to_string());
    let id = [("AppId", id.1.as_str())];

    let reply = world.call("GetK8sApplication", &id).await;
    insta::assert_json_snapshot!("GetK8sApplication", reply.success());
    let reply = world.call("GetApplication", &id).await.success();
    insta::assert_json_snapshot!("GetApplication", reply["Application"]);
    assert_eq!(reply["Applcation"]["Name"], "Web-Shop");
    let reply = world.call("QueryApplicationStatus", &id).await;
    insta::assert_json_snapshot!("QueryApplicationStatus", reply.success());

    let reply = world.call("GetAppDeployment", &id).await.success();
    let deployment: Value = serde_json::from_str(reply["Data"].as_str().unwrap()).unwrap();
    assert_eq!(deployment["metadata"]["name"], "web-shop");
    let with_nodes = [id[0], ("WithNodeInfo", "True")];
    let reply = world.call("DescribeAppInstanceList", &with_nodes).await;
    insta::assert_json_snapshot!("DescribeAppInstanceList", reply.success());
    let reply = world.call("ListHistoryDeployVersion", &id).await;
    insta::assert_json_snapshot!("ListHistoryDeployVersion", reply.success());
}

#[tokio::test]
async fn applications_are_listed_by_what_is_asked_for() {
    let world = World::new().await;
    let web = world.app("web", 2).await.to_string();
    let shop = world.app("shop", 1).await.to_string();
    let list = |parameters: Vec<(&'static str, String)>| {
        let world = &world;
        async move {
            let parameters: Vec<(&str, &str)> =
                parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = world.call("ListApplication", &parameters).await.success();
            let list = body["ApplicationList"]["Application"].as_array().unwrap().clone();
            list.iter().map(|app| app["Name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(list(vec![]).await, ["shop", "web"]);
    assert_eq!(list(vec![("AppName", "web".into())]).await, ["web"]);
    assert_eq!(list(vec![("AppIds", format!("[\"{web}\"]"))]).await, ["web"]);
    assert_eq!(list(vec![("AppIds", format!("{web}, {shop}"))]).await, ["shop", "web"]);
    assert_eq!(list(vec![("ClusterId", "cs-lab".into())]).await, ["shop", "web"]);
    assert!(list(vec![("ClusterId", "cs-other".into())]).await.is_empty());
    assert!(list(vec![("LogicalRegionId", "cn-beijing".into())]).await.is_empty());
    assert_eq!(list(vec![("PageSize", "1".into()), ("CurrentPage", "2".into())]).await, ["web"]);

    world.call("DeleteK8sApplication", &[("AppId", &web)]).await.success();
    let body = world.call("ListApplication", &[]).await.success();
    let states: Vec<&Value> = (0..2).map(|at| &body["ApplicationList"]["Application"][at]["State"]).collect();
    assert_eq!(states, ["RUNNING", "DELETING"]);
}

#[tokio::test]
async fn a_description_is_changed_without_an_order() {
    let world = World::new().await;
    let app = world.app("web", 2).await;
    let id = app.to_string();
    let parameters = [("AppId", id.as_str()), ("Description", "new words")];
    let reply = world.call("UpdateK8sApplicationBaseInfo", &parameters).await.success();
    assert_eq!(reply["Result"], "success");
    let app = world.store.app(app).await.unwrap().unwrap();
    assert_eq!(app.description, "new words");
    assert!(world.store.active_order_of(app.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_application_is_gone_and_its_orders_stay() {
    let world = World::new().await;
    let app = world.app("web", 2).await;
    let id = app.to_string();
    let order = world.call("DeleteK8sApplication", &[("AppId", &id)]).await.order_id();
    world.finish(order, Status::Succeeded).await;
    world.commit(vec![StoreWrite::DeleteApp(app)]).await;
    let message = world.call("GetK8sApplication", &[("AppId", &id)]).await.business(404);
    assert!(message.contains("does not exist"));
    let order = order.to_string();
    let info = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &order)]).await.success();
    let pipeline = &info["changeOrderInfo"]["PipelineInfoList"]["PipelineInfo"][0];
    let task = &pipeline["StageDetailList"]["StageDetailDTO"][1]["TaskList"]["TaskInfoDTO"][0];
    assert_eq!(task["TaskMessage"], "Delete success. <br>application is gone");
    world.call("ListRecentChangeOrder", &[("AppId", &id)]).await.success();
}

#[tokio::test]
async fn spreading_is_taken_back_by_its_flag() {
    let world = World::new().await;
    let app = rich(&world).await;
    let id = app.to_string();
    let parameters = [("AppId", id.as_str()), ("DeployAcrossNodes", "false")];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let number = world.order(order).await.brings().unwrap();
    let before = world.store.version(app, VersionNumber(1)).await.unwrap().unwrap();
    let after = world.store.version(app, number).await.unwrap().unwrap();
    let expected = apply(&before.snapshot.template, &[Edit::Affinity(None)]).unwrap();
    assert_eq!(after.snapshot.template, expected);
}

#[tokio::test]
async fn what_runs_is_what_is_shown_after_a_deploy() {
    let world = World::new().await;
    let app = world.app("web", 2).await;
    let id = app.to_string();
    let parameters = [("AppId", id.as_str()), ("Image", "a:2")];
    let order = world.call("DeployK8sApplication", &parameters).await.order_id();
    let image = |body: &Value| body["Applcation"]["ImageInfo"]["ImageUrl"].clone();
    let during = world.call("GetK8sApplication", &[("AppId", &id)]).await.success();
    assert_eq!(image(&during), "registry.local/team/web:v1");
    world.finish(order, Status::Succeeded).await;
    let stored = world.store.app(app).await.unwrap().unwrap();
    let mut next = stored.apply(&[AppChange::Runs(VersionNumber(2))]).unwrap();
    next.revision += 1;
    world.commit(vec![StoreWrite::UpdateApp(Box::new(next))]).await;
    let after = world.call("GetK8sApplication", &[("AppId", &id)]).await.success();
    assert_eq!(image(&after), "a:2");
}
