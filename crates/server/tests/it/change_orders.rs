//! Change orders as clients see them, in every state that they can be in.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sternway_core::ids::OrderId;
use sternway_core::observation::{Problem, ProblemKind};
use sternway_core::order::job::{Job, ReleasePhase};
use sternway_core::order::{Failure, Instance, Order, OrderKind, Status};
use sternway_core::ports::Store as _;
use tokio::task::JoinSet;

use crate::world::{World, now};

const THREE: &str = r#"{"type":"BatchUpdate","batchUpdate":{"batch":3,"releaseType":"manual"}}"#;

async fn release(world: &World, more: &[(&str, &str)]) -> OrderId {
    let app = world.app("web", 10).await.to_string();
    world.advance(60);
    let mut parameters = vec![("AppId", app.as_str()), ("Image", "a:2")];
    parameters.extend(more);
    world.call("DeployK8sApplication", &parameters).await.order_id()
}

async fn info(world: &World, order: OrderId) -> Value {
    let order = order.to_string();
    let reply = world.call("GetChangeOrderInfo", &[("ChangeOrderId", &order)]).await;
    reply.success()["changeOrderInfo"].clone()
}

fn at(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn pod(name: &str, ready: bool) -> Instance {
    Instance {
        pod: name.to_owned(),
        ip: ready.then(|| "10.1.0.1".to_owned()),
        phase: if ready { "Running" } else { "Pending" }.to_owned(),
        status: if ready { Status::Succeeded } else { Status::Running },
        started_at: at(1),
        ready_at: ready.then(|| at(5)),
        problem: None,
    }
}

/// The first batch is complete, the second waits for a person.
fn wait_for_confirmation(order: &mut Order) {
    order.status = Status::AwaitingConfirmation;
    let first = &mut order.pipelines[0];
    first.status = Status::Succeeded;
    first.started_at = Some(at(1));
    first.updated_at = Some(at(5));
    first.instances = vec![pod("web-2-a", true), pod("web-2-b", true), pod("web-2-c", true)];
    order.pipelines[1].status = Status::AwaitingConfirmation;
    let Job::Release(release) = &mut order.job else { panic!() };
    release.phase = ReleasePhase::Waiting { batch: 0, until: None };
}

#[tokio::test]
async fn the_whole_tree_of_a_release_that_waits() {
    let world = World::new().await;
    let order = release(&world, &[("UpdateStrategy", THREE)]).await;
    world.change(order, wait_for_confirmation).await;
    insta::assert_json_snapshot!("waiting", info(&world, order).await);
}

#[tokio::test]
async fn the_whole_tree_of_a_release_that_failed() {
    let world = World::new().await;
    let order = release(&world, &[]).await;
    world
        .change(order, |order| {
            let problem = Problem {
                kind: ProblemKind::CrashLoop,
                container: "web".to_owned(),
                reason: "CrashLoopBackOff".to_owned(),
                message: "back-off 10s restarting failed container".to_owned(),
                last_log: Some("panic: no database".to_owned()),
            };
            let mut instance = pod("web-2-a", false);
            instance.status = Status::Failed;
            instance.problem = Some((problem, at(3)));
            let failure = sternway_core::health::describe(&instance);
            order.status = Status::Failed;
            order.finished_at = Some(at(8));
            let pipeline = &mut order.pipelines[0];
            pipeline.status = Status::Failed;
            pipeline.started_at = Some(at(1));
            pipeline.updated_at = Some(at(8));
            pipeline.instances = vec![instance];
            pipeline.error = Some(failure);
        })
        .await;
    insta::assert_json_snapshot!("failed", info(&world, order).await);
}

#[tokio::test]
async fn success_is_what_clients_wait_for() {
    let world = World::new().await;
    let order = release(&world, &[]).await;
    world
        .change(order, |order| {
            order.status = Status::Succeeded;
            order.pipelines[0].status = Status::Succeeded;
            order.pipelines[0].started_at = Some(at(1));
        })
        .await;
    let info = info(&world, order).await;
    let pipeline = &info["PipelineInfoList"]["PipelineInfo"][0];
    let stages = pipeline["StageList"]["StageInfoDTO"].as_array().unwrap();
    let details = pipeline["StageDetailList"]["StageDetailDTO"].as_array().unwrap();
    let names: Vec<&Value> = stages.iter().map(|stage| &stage["StageName"]).collect();
    assert_eq!(names, ["Process Start", "Application Update", "Process Complete"]);
    for (stage, detail) in stages.iter().zip(details) {
        assert_eq!(stage["StageId"], detail["StageId"]);
        assert_eq!(stage["StageName"], detail["StageName"]);
        assert_eq!(stage["StageResultDTO"]["ServiceStage"]["Message"], "Success");
        assert_eq!((&stage["Status"], &detail["StageStatus"]), (&2.into(), &2.into()));
        assert_eq!(detail["TaskList"]["TaskInfoDTO"][0]["TaskStatus"], "2");
    }
    assert_eq!(
        details[1]["TaskList"]["TaskInfoDTO"][0]["TaskMessage"],
        "Apply success. <br>application is ready at desired state, version: 2"
    );
    assert_eq!(info["SupportRollback"], false);
}

#[tokio::test]
async fn an_order_of_one_batch_never_shows_that_it_waits() {
    let world = World::new().await;
    let order = release(&world, &[]).await;
    for status in [Status::AwaitingConfirmation, Status::AwaitingInterval] {
        world
            .change(order, |order| {
                order.status = status;
                order.pipelines[0].status = status;
            })
            .await;
        let info = info(&world, order).await;
        assert_eq!(info["Status"], 1);
        assert_eq!(info["PipelineInfoList"]["PipelineInfo"][0]["PipelineStatus"], 1);
    }
}

#[tokio::test]
async fn a_confirmation_lets_the_next_batch_begin() {
    let world = World::new().await;
    let order = release(&world, &[("UpdateStrategy", THREE)]).await;
    world.change(order, wait_for_confirmation).await;
    let pipeline = world.order(order).await.pipelines[1].id.to_string();
    let id = ("PipelineId", pipeline.as_str());
    world.call("ContinuePipeline", &[id, ("Confirm", "False")]).await.success();
    assert_eq!(info(&world, order).await["Status"], 8);
    let reply = world.call("ContinuePipeline", &[id, ("Confirm", "True")]).await.success();
    let keys: Vec<&String> = reply.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["Code", "Message", "RequestId"]);
    assert_eq!(info(&world, order).await["Status"], 1);
}

#[tokio::test]
async fn an_abort_answers_with_the_order_itself() {
    let world = World::new().await;
    let order = release(&world, &[("UpdateStrategy", THREE)]).await;
    let id = order.to_string();
    let reply = world.call("AbortChangeOrder", &[("ChangeOrderId", &id)]).await;
    let body = reply.success();
    assert_eq!((&body["ErrorCode"], &body["Data"]["ChangeOrderId"]), (&"success".into(), &id.into()));
    assert!(reply.head.contains(body["TraceId"].as_str().unwrap()));
    let info = info(&world, order).await;
    assert_eq!((&info["Status"], &info["SupportRollback"]), (&6.into(), &false.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_aborts_with_rollback_by_fifty_clients_at_once_are_one_rollback() {
    let world = Arc::new(World::new().await);
    let order = release(&world, &[("UpdateStrategy", THREE)]).await;
    world.change(order, wait_for_confirmation).await;
    let mut clients = JoinSet::new();
    for client in 0..50 {
        let world = Arc::clone(&world);
        clients.spawn(async move {
            let id = order.to_string();
            let parameters = [("ChangeOrderId", id.as_str())];
            let mut answers = BTreeSet::new();
            for _ in 0..20 {
                // Every second one signs as the older SDKs do.
                let answer = match client % 2 {
                    0 => world.call("AbortAndRollbackChangeOrder", &parameters).await,
                    _ => world.call_roa("AbortAndRollbackChangeOrder", &parameters).await,
                };
                answers.insert(answer.order_id());
            }
            answers
        });
    }
    let answers: BTreeSet<OrderId> = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(answers.len(), 1, "one id for all: {answers:?}");
    let aborted = world.order(order).await;
    assert_eq!((aborted.status, aborted.rolled_back_by), (Status::Aborted, answers.first().copied()));
    let orders = world.store.orders_of(aborted.app, 100).await.unwrap();
    let kinds: Vec<OrderKind> = orders.iter().map(|order| order.kind).collect();
    assert_eq!(kinds, [OrderKind::Rollback, OrderKind::Deploy, OrderKind::CreateApp]);
    let events = world.store.events(order, 0).await.unwrap();
    assert_eq!(events.iter().filter(|(_, event)| event.kind == "AbortAndRollbackAsked").count(), 1);
}

#[tokio::test]
async fn an_abort_with_rollback_answers_with_one_new_order_however_often_it_is_asked() {
    let world = World::new().await;
    let order = release(&world, &[("UpdateStrategy", THREE)]).await;
    world.change(order, wait_for_confirmation).await;
    assert_eq!(info(&world, order).await["SupportRollback"], true);
    let id = order.to_string();
    let parameters = [("ChangeOrderId", id.as_str())];
    world.advance(60);
    let rollback = world.call("AbortAndRollbackChangeOrder", &parameters).await.order_id();
    assert_ne!(rollback, order);
    for _ in 0..3 {
        let again = world.call_roa("AbortAndRollbackChangeOrder", &parameters).await;
        assert_eq!(again.order_id(), rollback);
    }
    let old = info(&world, order).await;
    assert_eq!(old["Status"], 6);
    assert!(old["Desc"].as_str().unwrap().contains(&rollback.to_string()));
    let new = info(&world, rollback).await;
    assert_eq!((&new["BatchCount"], &new["CoType"]), (&1.into(), &"Application Rollback".into()));
    assert!(new["Desc"].as_str().unwrap().contains(&id));

    let app = world.order(order).await.app;
    assert_eq!(world.store.orders_of(app, 10).await.unwrap().len(), 3);
    let app = app.to_string();
    let list = world.call("ListRecentChangeOrder", &[("AppId", &app)]).await.success();
    let codes: Vec<&str> = list["ChangeOrderList"]["ChangeOrder"]
        .as_array()
        .unwrap()
        .iter()
        .map(|order| order["CoTypeCode"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["CoRollback", "CoDeploy", "CoCreateApp"]);
}

#[tokio::test]
async fn a_paused_batch_is_retried_by_its_task() {
    let world = World::new().await;
    let order = release(&world, &[("OnFailure", "pause")]).await;
    world
        .change(order, |order| {
            order.status = Status::Running;
            let Job::Release(release) = &mut order.job else { panic!() };
            release.phase = ReleasePhase::Paused { batch: 0 };
            let pipeline = &mut order.pipelines[0];
            pipeline.status = Status::Running;
            pipeline.started_at = Some(at(1));
            pipeline.message = "paused: the image cannot be pulled".to_owned();
            pipeline.error =
                Some(Failure { code: "ImagePullBackOff".to_owned(), message: "the image cannot be pulled".to_owned() });
        })
        .await;
    let shown = info(&world, order).await;
    let stage = &shown["PipelineInfoList"]["PipelineInfo"][0]["StageDetailList"]["StageDetailDTO"][1];
    let task = &stage["TaskList"]["TaskInfoDTO"][0];
    assert_eq!((&task["RetryType"], &task["TaskStatus"]), (&2.into(), &"3".into()));
    assert_eq!(task["TaskErrorCode"], "ImagePullBackOff");
    assert!(task["TaskMessage"].as_str().unwrap().contains("cannot be pulled"));
    let id = task["TaskId"].as_str().unwrap();
    let retried = world.call("RetryChangeOrderTask", &[("TaskId", id), ("RetryStatus", "true")]).await;
    assert_eq!(retried.success()["Data"], order.to_string());
    let Job::Release(release) = &world.order(order).await.job else { panic!() };
    assert!(matches!(release.phase, ReleasePhase::Rolling { batch: 0, .. }));
}

#[tokio::test]
async fn recent_orders_are_told_in_local_time_with_their_source() {
    let world = World::new().await;
    let app = world.app("web", 2).await.to_string();
    world.advance(60);
    let parameters = [("AppId", app.as_str()), ("Replicas", "3")];
    let (method, mut call) = world
        .signed("ScaleK8sApplication", &parameters, |call| call.sign_acs3(crate::world::KEY, now(), &world.nonce()));
    call.headers.push(("x-edas-deploy-source".into(), "jenkins".into()));
    world.send(method, &call).await.success();
    let reply = world.call("ListRecentChangeOrder", &[("AppId", &app)]).await;
    insta::assert_json_snapshot!("ListRecentChangeOrder", reply.success());
}
