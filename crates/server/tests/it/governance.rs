//! Releases that wait for another user, and times in which none may begin.

use sternway_core::ids::OrderId;
use sternway_core::order::Status;
use sternway_core::plan::Gate;
use sternway_core::ports::Store as _;

use crate::access_keys::{TRUST_ALL, Temporary};
use crate::permissions::user;
use crate::world::World;

async fn deploy(world: &World, app: &str, more: &[(&str, &str)]) -> OrderId {
    let mut parameters = vec![("AppId", app), ("Image", "a:2")];
    parameters.extend(more);
    world.call("DeployK8sApplication", &parameters).await.order_id()
}

/// As if somebody else had started it: in these tests all keys are root's.
async fn started_by(world: &World, order: OrderId, user: &str) {
    world.change(order, |order| order.actor.user = user.to_owned()).await;
}

#[tokio::test]
async fn a_release_waits_for_another_user() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    world.call("PutApprovalRule", &[("Name", "prod"), ("Namespace", "default")]).await.success();
    let order = deploy(&world, &app, &[]).await;
    let id = order.to_string();
    let shown = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &id)]).await.success();
    let shown = &shown["changeOrderInfo"];
    assert_eq!(shown["Status"], 0, "what Terraform waits for");
    assert!(shown["Desc"].as_str().unwrap().contains("approval of another user than root (rule prod)"), "{shown}");
    let waiting = world.call("ListPendingApprovals", &[]).await.success();
    assert_eq!(waiting["PendingApprovalList"][0]["ChangeOrderId"], id.as_str());
    assert_eq!(waiting["PendingApprovalList"][0]["UserId"], "root");

    let message = world.call("ApproveChangeOrder", &[("ChangeOrderId", &id)]).await.business(403);
    assert!(message.contains("another user has to"), "{message}");
    let pipeline = world.order(order).await.pipelines[0].id.to_string();
    world.call("ContinuePipeline", &[("PipelineId", &pipeline)]).await.business(403);
    assert!(world.order(order).await.awaits_approval());

    started_by(&world, order, "alice").await;
    world.call("ContinuePipeline", &[("PipelineId", &pipeline), ("Confirm", "false")]).await.business(400);
    world.call("ContinuePipeline", &[("PipelineId", &pipeline)]).await.success();
    world.call("ApproveChangeOrder", &[("ChangeOrderId", &id)]).await.success();
    let approval = world.order(order).await.approval.unwrap();
    assert_eq!(approval.given_by.as_deref(), Some("root"));
    let events = world.store.events(order, 0).await.unwrap();
    let kinds: Vec<&str> = events.iter().map(|(_, event)| event.kind.as_str()).collect();
    assert_eq!(kinds, ["OrderAccepted", "ApprovalAsked", "Approved"]);
    world.call("ApproveChangeOrder", &[("ChangeOrderId", &id), ("Approve", "false")]).await.business(400);
}

#[tokio::test]
async fn whoever_may_deploy_may_approve_what_others_started() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    world.call("PutApprovalRule", &[("Name", "prod")]).await.success();
    let alice = user(&world, "alice", &["AliyunEDASFullAccess"]).await;
    let reader = user(&world, "reader", &["AliyunEDASReadOnlyAccess"]).await;
    let id = deploy(&world, &app, &[]).await.to_string();
    let order = [("ChangeOrderId", id.as_str())];
    reader.call(&world, "ApproveChangeOrder", &order).await.gateway(403, "Forbidden.RAM");
    alice.call(&world, "ApproveChangeOrder", &order).await.success();
    let approval = world.order(id.parse().unwrap()).await.approval.unwrap();
    assert_eq!(approval.given_by.as_deref(), Some("alice"));
}

#[tokio::test]
async fn rejecting_and_aborting_end_what_waits() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    world.call("PutApprovalRule", &[("Name", "prod"), ("AppId", &app), ("Asks", "both")]).await.success();
    let order = deploy(&world, &app, &[]).await;
    started_by(&world, order, "alice").await;
    let id = order.to_string();
    let reject = [("ChangeOrderId", id.as_str()), ("Approve", "false"), ("Comment", "not on a Friday")];
    world.call("ApproveChangeOrder", &reject).await.success();
    let rejected = world.order(order).await;
    assert_eq!(rejected.status, Status::Aborted);
    assert!(rejected.pipelines[0].message.contains("rejected by root: not on a Friday"));

    let order = deploy(&world, &app, &[]).await.to_string();
    world.call("AbortChangeOrder", &[("ChangeOrderId", &order)]).await.success();
    // Only releases of something new wait.
    let restart = world.call("RestartK8sApplication", &[("AppId", &app)]).await.order_id();
    assert_eq!(world.order(restart).await.approval, None);
    let aborted = restart.to_string();
    world.call("AbortChangeOrder", &[("ChangeOrderId", &aborted)]).await.success();

    world.call("DeleteApprovalRule", &[("Name", "prod")]).await.success();
    world.call("DeleteApprovalRule", &[("Name", "prod")]).await.success();
    let order = deploy(&world, &app, &[]).await;
    assert_eq!(world.order(order).await.approval, None);
}

#[tokio::test]
async fn a_rule_about_batches_takes_the_pace_and_clients_do_not_notice() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    let rule = [("Name", "prod"), ("Asks", "batches"), ("Approvers", "alice, bob")];
    world.call("PutApprovalRule", &rule).await.success();
    let listed = world.call("ListApprovalRules", &[]).await.success();
    assert_eq!(listed["ApprovalRuleList"][0]["Approvers"], serde_json::json!(["alice", "bob"]));
    let strategy = r#"{"type":"BatchUpdate","batchUpdate":{"batch":2,"releaseType":"auto","batchWaitTime":1}}"#;
    let order = deploy(&world, &app, &[("UpdateStrategy", strategy)]).await;
    let accepted = world.order(order).await;
    assert_eq!(accepted.batches.gate, Gate::Manual);
    assert!(!accepted.awaits_approval(), "the first batch waits for nobody");
    world
        .change(order, |order| {
            order.status = Status::AwaitingConfirmation;
            order.pipelines[1].status = Status::AwaitingConfirmation;
        })
        .await;
    let id = order.to_string();
    let shown = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &id)]).await.success();
    assert_eq!(shown["changeOrderInfo"]["Status"], 1, "8 is for those who asked for confirmations");
}

#[tokio::test]
async fn no_release_begins_in_a_freeze() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    let before = deploy(&world, &app, &[]).await.to_string();
    // Every test begins on a Thursday at 12:00 in Shanghai.
    let window = [
        ("Name", "noon"),
        ("Cron", "0 12 * * THU"),
        ("Minutes", "90"),
        ("Zone", "Asia/Shanghai"),
        ("Reason", "the yearly sale"),
    ];
    world.call("PutFreezeWindow", &window).await.success();
    let listed = world.call("ListFreezeWindows", &[]).await.success();
    assert_eq!(listed["FreezeWindowList"][0]["OpenUntil"], "2026-11-26T05:30:00Z");

    // What is running goes on, and can always go back.
    let rollback = world.call("AbortAndRollbackChangeOrder", &[("ChangeOrderId", &before)]).await.order_id();
    world.finish(rollback, Status::Succeeded).await;
    let written = world.everything().await;
    let parameters = [("AppId", app.as_str()), ("Image", "a:3")];
    let message = world.call("DeployK8sApplication", &parameters).await.business(400);
    assert!(message.contains("`noon` until 2026-11-26T05:30:00Z (the yearly sale)"), "{message}");
    assert_eq!(world.everything().await, written);
    let restart = world.call("RestartK8sApplication", &[("AppId", &app)]).await.order_id().to_string();
    world.call("AbortChangeOrder", &[("ChangeOrderId", &restart)]).await.success();

    world.call("DeleteFreezeWindow", &[("Name", "noon")]).await.success();
    world.call("PutApprovalRule", &[("Name", "prod")]).await.success();
    let order = deploy(&world, &app, &[]).await;
    started_by(&world, order, "alice").await;
    world.call("PutFreezeWindow", &window).await.success();
    let id = order.to_string();
    let message = world.call("ApproveChangeOrder", &[("ChangeOrderId", &id)]).await.business(400);
    assert!(message.contains("frozen"), "{message}");
    assert!(world.order(order).await.awaits_approval(), "it can be approved later");
    world.call("ApproveChangeOrder", &[("ChangeOrderId", &id), ("Approve", "false")]).await.success();
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let world = World::new().await;
    for (operation, parameters) in [
        ("PutFreezeWindow", &[("Name", "w"), ("Cron", "sometimes"), ("Minutes", "5")][..]),
        ("PutFreezeWindow", &[("Name", "w"), ("Cron", "0 0 * * *"), ("Minutes", "0")]),
        ("PutFreezeWindow", &[("Name", "w"), ("Cron", "0 0 * * *"), ("Minutes", "5"), ("Zone", "Atlantis")]),
        ("PutFreezeWindow", &[("Name", "a b"), ("Cron", "0 0 * * *"), ("Minutes", "5")]),
        ("PutApprovalRule", &[("Name", "r"), ("Asks", "everything")]),
    ] {
        world.call(operation, parameters).await.gateway(400, "InvalidParameter");
    }
    world.call("PutApprovalRule", &[("Name", "r"), ("AppId", "nothing")]).await.business(404);
    world.call("PutApprovalRule", &[]).await.gateway(400, "MissingParameter");
    assert_eq!(world.call("ListFreezeWindows", &[]).await.success()["FreezeWindowList"], serde_json::json!([]));
}

#[tokio::test]
async fn nobody_approves_what_they_started_by_a_role() {
    let world = World::new().await;
    let app = world.app("web", 4).await.to_string();
    world.call("PutApprovalRule", &[("Name", "prod")]).await.success();
    world.call("PutRamRole", &[("RoleName", "deployer"), ("AssumeRolePolicyDocument", TRUST_ALL)]).await.success();
    for policy in ["AliyunEDASFullAccess", "AliyunSTSAssumeRoleAccess"] {
        world.call("AttachPolicy", &[("RoleName", "deployer"), ("PolicyName", policy)]).await.success();
    }
    let [alice, bob] = [
        user(&world, "alice", &["AliyunEDASFullAccess", "AliyunSTSAssumeRoleAccess"]).await,
        user(&world, "bob", &["AliyunEDASFullAccess"]).await,
    ];
    let role = [("RoleArn", "acs:ram::1:role/deployer"), ("RoleSessionName", "job-7")];
    let first = Temporary::of(&alice.call(&world, "AssumeRole", &role).await);
    let chained = Temporary::of(&first.call(&world, "AssumeRole", &role).await);
    let deploy = [("AppId", app.as_str()), ("Image", "a:2")];
    let order = chained.call(&world, "DeployK8sApplication", &deploy).await.order_id();
    let id = order.to_string();
    let pipeline = world.order(order).await.pipelines[0].id.to_string();
    alice.call(&world, "ApproveChangeOrder", &[("ChangeOrderId", &id)]).await.business(403);
    alice.call(&world, "ContinuePipeline", &[("PipelineId", &pipeline)]).await.business(403);
    assert!(world.order(order).await.awaits_approval());
    bob.call(&world, "ApproveChangeOrder", &[("ChangeOrderId", &id)]).await.success();
}
