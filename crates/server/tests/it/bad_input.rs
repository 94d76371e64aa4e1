//! Bad input: each has its error, and leaves nothing half written.

use sternway_core::application::WorkloadRef;
use sternway_core::order::Status;

use crate::fake_clusters::Mood;
use crate::world::{CLUSTER, World};

/// What an answer must be.
enum Expected {
    Gateway(u16, &'static str),
    Business(i32),
}
use Expected::{Business, Gateway};

/// Operation, parameters, answer, and a part of its message that says what to do.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Expected, &'a str);

async fn refuses(world: &World, cases: &[Case<'_>]) {
    let before = world.everything().await;
    for (operation, parameters, expected, hint) in cases {
        let reply = world.call(operation, parameters).await;
        let message = match expected {
            Gateway(status, code) => reply.gateway(*status, code),
            Business(code) => reply.business(*code),
        };
        assert!(message.contains(hint), "{operation} {parameters:?}: {message}");
        assert_eq!(world.everything().await, before, "{operation} {parameters:?} wrote");
    }
}

const NOBODY: &str = "6b55106c-c7f2-40f7-a1d4-092870000000";

#[tokio::test]
async fn what_does_not_exist() {
    let world = World::new().await;
    let gone = "does not exist";
    refuses(
        &world,
        &[
            ("GetK8sApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("GetK8sApplication", &[("AppId", "no-id")], Business(404), gone),
            ("GetApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("QueryApplicationStatus", &[("AppId", NOBODY)], Business(404), gone),
            ("GetAppDeployment", &[("AppId", NOBODY)], Business(404), gone),
            ("DescribeAppInstanceList", &[("AppId", NOBODY)], Business(404), gone),
            ("ListHistoryDeployVersion", &[("AppId", NOBODY)], Business(404), gone),
            ("ListRecentChangeOrder", &[("AppId", NOBODY)], Business(404), gone),
            ("DeployK8sApplication", &[("AppId", NOBODY), ("Image", "a:1")], Business(404), gone),
            ("ScaleK8sApplication", &[("AppId", NOBODY), ("Replicas", "1")], Business(404), gone),
            ("RestartK8sApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("StartK8sApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("StopK8sApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("DeleteK8sApplication", &[("AppId", NOBODY)], Business(404), gone),
            ("UpdateK8sApplicationConfig", &[("AppId", NOBODY), ("MemoryLimit", "1")], Business(404), gone),
            ("UpdateK8sApplicationBaseInfo", &[("AppId", NOBODY), ("Description", "x")], Business(404), gone),
            ("GetChangeOrderInfo", &[("ChangeOrderId", NOBODY)], Business(404), gone),
            ("AbortChangeOrder", &[("ChangeOrderId", NOBODY)], Business(404), gone),
            ("AbortAndRollbackChangeOrder", &[("ChangeOrderId", "x")], Business(404), gone),
            ("ContinuePipeline", &[("PipelineId", NOBODY)], Business(404), gone),
            ("RetryChangeOrderTask", &[("TaskId", NOBODY)], Business(404), gone),
            ("GetCluster", &[("ClusterId", NOBODY)], Business(601), gone),
            ("DeleteCluster", &[("ClusterId", "cs-nobody")], Business(601), gone),
            ("ListK8sNamespaces", &[("ClusterId", NOBODY)], Business(601), gone),
            ("DeleteUserDefineRegion", &[("Id", "7")], Business(404), gone),
            (
                "InsertOrUpdateRegion",
                &[("Id", "7"), ("RegionTag", "cn-hangzhou:a"), ("RegionName", "a")],
                Business(404),
                gone,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_or_malformed() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    let id = ("AppId", app.as_str());
    let missing = || Gateway(400, "MissingParameter");
    let invalid = || Gateway(400, "InvalidParameter");
    let long = "x".repeat(2000);
    refuses(
        &world,
        &[
            ("DeployK8sApplication", &[], missing(), "AppId"),
            ("ScaleK8sApplication", &[id], missing(), "Replicas"),
            ("ScaleK8sApplication", &[id, ("Replicas", "-1")], invalid(), "integer from 0"),
            ("ScaleK8sApplication", &[id, ("Replicas", "1.5")], invalid(), "integer from 0"),
            ("ScaleK8sApplication", &[id, ("Replicas", "99999999999")], invalid(), "Replicas"),
            ("StartK8sApplication", &[id, ("Replicas", "0")], invalid(), "integer from 1"),
            ("GetChangeOrderInfo", &[], missing(), "ChangeOrderId"),
            ("AbortAndRollbackChangeOrder", &[("ChangeOrderId", "")], missing(), "ChangeOrderId"),
            ("ContinuePipeline", &[], missing(), "PipelineId"),
            ("GetCluster", &[], missing(), "ClusterId"),
            ("InsertOrUpdateRegion", &[("RegionTag", "cn-hangzhou:a")], missing(), "RegionName"),
            ("InsertOrUpdateRegion", &[("RegionTag", "a b"), ("RegionName", "a")], invalid(), "RegionTag"),
            ("DeployK8sApplication", &[id, ("Image", "Not An Image")], invalid(), "reference to an image"),
            ("DeployK8sApplication", &[id, ("ImageTag", "a b")], invalid(), "ImageTag"),
            ("DeployK8sApplication", &[id, ("Envs", "{not json")], invalid(), "Give JSON"),
            ("DeployK8sApplication", &[id, ("Envs", r#"[{"value":"1"}]"#)], invalid(), "\"name\" is missing"),
            ("DeployK8sApplication", &[id, ("Liveness", r#"{"exec":{}}"#)], invalid(), "Liveness"),
            ("DeployK8sApplication", &[id, ("UpdateStrategy", "[]{")], invalid(), "UpdateStrategy"),
            (
                "DeployK8sApplication",
                &[id, ("UpdateStrategy", r#"{"type":"BatchUpdate","batchUpdate":{"batch":0,"releaseType":"auto"}}"#)],
                invalid(),
                "batch",
            ),
            ("DeployK8sApplication", &[id, ("OnFailure", "panic")], invalid(), "rollback, pause or keep"),
            ("DeployK8sApplication", &[id, ("BatchTimeout", "0")], invalid(), "BatchTimeout"),
            ("DeployK8sApplication", &[id, ("ChangeOrderDesc", &long)], invalid(), "at most 1024"),
            (
                "DeployK8sApplication",
                &[id, ("MemoryLimit", "1"), ("MemoryRequest", "2")],
                invalid(),
                "must not exceed MemoryLimit",
            ),
            ("DeployK8sApplication", &[id, ("Image", "a:1"), ("Image", "a:2")], invalid(), "given twice"),
            ("UpdateK8sApplicationConfig", &[id], missing(), "limit or request"),
            ("RetryChangeOrderTask", &[("TaskId", NOBODY), ("RetryStatus", "maybe")], invalid(), "true or false"),
            ("ListApplication", &[("AppIds", "[1]")], invalid(), "list of ids"),
            ("ListApplication", &[("PageSize", "0")], invalid(), "PageSize"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_become_an_application() {
    let world = World::new().await;
    world.app("web", 1).await;
    let (cluster, long) = (CLUSTER.to_string(), "a".repeat(37));
    let invalid = || Gateway(400, "InvalidParameter");
    let on = ("ClusterId", cluster.as_str());
    let image = ("ImageUrl", "a:1");
    let name = ("AppName", "shop");
    let insert = "InsertK8sApplication";
    refuses(
        &world,
        &[
            (insert, &[on, image], Gateway(400, "MissingParameter"), "AppName"),
            (insert, &[on, image, ("AppName", "1st")], invalid(), "begins with a letter"),
            (insert, &[on, image, ("AppName", "under_score")], invalid(), "hyphens"),
            (insert, &[on, image, ("AppName", "ends-")], invalid(), "hyphen"),
            (insert, &[on, image, ("AppName", &long)], invalid(), "36"),
            (insert, &[on, image, name, ("Namespace", "No_Such")], invalid(), "Namespace"),
            (insert, &[on, image, name, ("Namespace", "nowhere")], Business(404), "ListK8sNamespaces"),
            (insert, &[on, name], Gateway(400, "MissingParameter"), "ImageUrl"),
            (insert, &[on, name, ("ImageUrl", "a b")], invalid(), "reference to an image"),
            (insert, &[on, name, ("ImageUrl", "UPPER/case:1")], invalid(), "reference to an image"),
            (insert, &[image, name], Gateway(400, "MissingParameter"), "ClusterId"),
            (insert, &[image, name, ("ClusterId", NOBODY)], Business(601), "does not exist"),
            (insert, &[on, image, name, ("PackageType", "FatJar")], Gateway(400, "MissingParameter"), "PackageUrl"),
            (insert, &[on, image, name, ("PackageType", "Zip")], invalid(), "Image, FatJar or War"),
            (insert, &[on, image, name, ("WorkloadType", "StatefulSet")], Business(400), "Deployment"),
            (insert, &[on, image, name, ("LogicalRegionId", "cn-hangzhou:none")], Business(404), "does not exist"),
            (insert, &[on, image, name, ("RuntimeClassName", "a b")], invalid(), "RuntimeClass"),
            (
                insert,
                &[on, image, name, ("EmptyDirs", r#"[{"mountPath":"/a"},{"mountPath":"/a"}]"#)],
                Business(400),
                "path of its own",
            ),
            // The Deployment's name is the application's in lower case.
            (insert, &[on, image, ("AppName", "WEB")], Business(400), "another name"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_the_state_does_not_allow() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let batches =
        |count: u32| format!(r#"{{"type":"BatchUpdate","batchUpdate":{{"batch":{count},"releaseType":"manual"}}}}"#);
    let three = batches(3);
    let gray = r#"{"type":"GrayBatchUpdate","batchUpdate":{"batch":1,"releaseType":"auto"},"grayUpdate":{"gray":2}}"#;
    let deploy = "DeployK8sApplication";
    refuses(
        &world,
        &[
            (deploy, &[id, ("Image", "a:2"), ("UpdateStrategy", &three)], Business(400), "at most 2"),
            (deploy, &[id, ("Image", "a:2"), ("UpdateStrategy", gray)], Business(400), "ask for fewer"),
            (deploy, &[id, ("PackageVersionId", "7")], Business(404), "ListHistoryDeployVersion"),
            (deploy, &[id, ("PackageVersionId", "first")], Business(404), "ListHistoryDeployVersion"),
            (deploy, &[id, ("PackageUrl", "http://a/b.jar")], Business(400), "runs images"),
            ("ScaleK8sApplication", &[id, ("Replicas", "2")], Business(400), "already"),
            ("StartK8sApplication", &[id], Business(400), "not stopped"),
            ("DeleteCluster", &[("ClusterId", "cs-lab")], Business(400), "Delete them first"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_second_change_while_one_runs() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let running = world.call("DeployK8sApplication", &[id, ("Image", "a:2")]).await.order_id();
    let running = running.to_string();
    refuses(
        &world,
        &[
            ("DeployK8sApplication", &[id, ("Image", "a:3")], Business(400), &running),
            ("ScaleK8sApplication", &[id, ("Replicas", "3")], Business(400), &running),
            ("RestartK8sApplication", &[id], Business(400), &running),
            ("StopK8sApplication", &[id], Business(400), &running),
            ("DeleteK8sApplication", &[id], Business(400), &running),
            ("UpdateK8sApplicationConfig", &[id, ("McpuLimit", "500")], Business(400), "abort it"),
        ],
    )
    .await;
}

#[tokio::test]
async fn orders_that_cannot_obey() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    let ended = world.call("DeployK8sApplication", &[id, ("Image", "a:2")]).await.order_id();
    world.finish(ended, Status::Succeeded).await;
    let scaling = world.call("ScaleK8sApplication", &[id, ("Replicas", "3")]).await.order_id();
    let order = world.order(scaling).await;
    let task = order.task_id(0, sternway_core::order::Stage::Change).to_string();
    let pipeline = order.pipelines[0].id.to_string();
    let (ended, scaling) = (ended.to_string(), scaling.to_string());
    refuses(
        &world,
        &[
            ("AbortChangeOrder", &[("ChangeOrderId", &ended)], Business(400), "successful"),
            ("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &ended)], Business(400), "deploy"),
            ("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &scaling)], Business(400), "AbortChangeOrder"),
            ("ContinuePipeline", &[("PipelineId", &pipeline)], Business(400), "not waiting"),
            ("RetryChangeOrderTask", &[("TaskId", &task)], Business(400), "nothing to retry"),
            ("RetryChangeOrderTask", &[("TaskId", &task), ("RetryStatus", "False")], Business(400), "RetryStatus=true"),
        ],
    )
    .await;
    // The Abort* family says more.
    let reply = world.call("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &scaling)]).await;
    let body = reply.json();
    assert_eq!(body["ErrorCode"], "ChangeOrder.RollbackNotSupported");
    assert!(body["TraceId"].is_string() && body["Data"].is_object());
}

#[tokio::test]
async fn a_cluster_that_is_away_or_forbids() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let cluster = CLUSTER.to_string();
    let id = ("AppId", app.as_str());
    let insert = [("AppName", "shop"), ("ClusterId", cluster.as_str()), ("ImageUrl", "a:1")];
    let import = [("ClusterId", "cs-new"), ("KubeConfig", "kind: Config")];
    for (mood, code, hint) in
        [(Mood::Away, 500, "cannot be reached"), (Mood::Forbidding, 403, "may not patch deployments")]
    {
        world.clusters.set_mood(mood);
        refuses(
            &world,
            &[
                ("DeployK8sApplication", &[id, ("Image", "a:2")], Business(code), hint),
                ("ScaleK8sApplication", &[id, ("Replicas", "3")], Business(code), hint),
                ("GetAppDeployment", &[id], Business(code), hint),
                ("DescribeAppInstanceList", &[id], Business(code), hint),
                ("ListK8sNamespaces", &[("ClusterId", &cluster)], Business(code), hint),
                ("ImportK8sCluster", &import, Business(code), hint),
            ],
        )
        .await;
    }
    world.clusters.set_mood(Mood::Away);
    refuses(&world, &[("InsertK8sApplication", &insert, Business(500), "cannot be reached")]).await;
    // What is only shown is shown all the same.
    world.call("GetApplication", &[id]).await.success();
    let reply = world.call("GetCluster", &[("ClusterId", &cluster)]).await;
    assert_eq!(reply.success()["Cluster"]["ClusterStatus"], 3);
}

#[tokio::test]
async fn a_deployment_of_others_is_no_application_and_none_is_made_in_its_name() {
    let world = World::new().await;
    world.app("web", 2).await;
    let web = world.app_record("web").await.workload;
    let others = WorkloadRef { name: "shop".to_owned(), ..web.clone() };
    world.clusters.put(others.clone(), world.clusters.workload(&web));
    let cluster = CLUSTER.to_string();
    let insert = [("AppName", "Shop"), ("ClusterId", cluster.as_str()), ("ImageUrl", "a:1")];
    refuses(&world, &[("InsertK8sApplication", &insert, Business(400), "belongs to no application")]).await;
    // One that is on its way out makes room.
    world.clusters.change(&others, |workload| workload.deleting = true);
    world.call("InsertK8sApplication", &insert).await.success();
}

#[tokio::test]
async fn a_deployment_that_somebody_deleted_is_told_with_the_way_on() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    let id = ("AppId", app.as_str());
    world.clusters.remove(&world.app_record("web").await.workload);
    let deploy = [id, ("Image", "a:2")];
    let hint = "delete the application and create it again";
    refuses(
        &world,
        &[("GetAppDeployment", &[id], Business(400), hint), ("DeployK8sApplication", &deploy, Business(400), hint)],
    )
    .await;
}
