//! Situations by name, each a short story with its end.

use sternway_core::application::AppState;
use sternway_core::effect::{Effect, Fresh, Write, Writer, compile};
use sternway_core::ids::{Fence, OrderId, VersionNumber};
use sternway_core::observation::{Marks, Workload};
use sternway_core::order::birth::{self, Refused, Request};
use sternway_core::order::job::{Job, OnFailure, ReleasePhase};
use sternway_core::order::{OrderKind, Status};
use sternway_core::plan::{Batches, Gate, ONE_BATCH};
use sternway_core::step::{Command, Illegal};
use sternway_core::strategy::{DEFAULT_STRATEGY, Strategy};
use uuid::Uuid;

use crate::invariants::check_settled;
use crate::model::template;
use crate::world::{World, actor};

const THREE_MANUAL: Batches = Batches { gray: None, count: 3, gate: Gate::Manual };

pub(crate) fn half_way() -> (World, sternway_core::ids::OrderId) {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    assert_eq!((world.cluster.ready_of("app:v1"), world.cluster.ready_of("app:v2")), (7, 3));
    world.confirm(id).unwrap();
    // Into the middle of the second batch.
    while world.cluster.ready_of("app:v2") < 4 {
        if !world.perform(false) {
            world.observe();
        }
        world.native(0);
        world.native(1);
        world.native(2);
    }
    assert_eq!(world.order(id).status, Status::Running);
    (world, id)
}

#[test]
fn a_release_in_three_batches_ends_on_the_new_version() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).unwrap();
    for expected in [3, 6] {
        assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
        assert_eq!(world.cluster.ready_of("app:v2"), expected);
        assert_eq!(world.cluster.ready(), 10);
        world.confirm(id).unwrap();
    }
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    let order = world.order(id);
    let instances: Vec<_> = order.pipelines.iter().map(|pipeline| pipeline.instances.len()).collect();
    assert_eq!(instances, [3, 3, 4], "each batch records its own pods");
    assert_eq!(order.pipelines[2].message, "Apply success. <br>application is ready at desired state, version: 2");
    assert!(world.version(VersionNumber(2)).good);
    check_settled(&mut world);
}

#[test]
fn a_confirmation_that_is_sent_again_releases_no_further_batch() {
    // By the pipeline that waits, or by the one that is complete: clients know it either way.
    for ahead in [1, 0] {
        let mut world = World::new(10, DEFAULT_STRATEGY);
        let id = world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).unwrap();
        world.run().unwrap();
        let pipelines: Vec<_> = world.order(id).pipelines.iter().map(|pipeline| pipeline.id).collect();
        let confirm = |world: &mut World, index: usize| {
            world.command(id, Command::Continue { pipeline: pipelines[index], confirm: true, actor: actor() })
        };
        confirm(&mut world, ahead).unwrap();
        confirm(&mut world, ahead).unwrap();
        assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
        // The pipeline that was complete is not the last one complete any more, and known to be a mistake; the other is a repetition.
        assert_eq!(confirm(&mut world, ahead).is_ok(), ahead == 1);
        assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
        assert_eq!(world.cluster.ready_of("app:v2"), 6);
        confirm(&mut world, ahead + 1).unwrap();
        assert_eq!(world.run().unwrap().status, Status::Succeeded);
        check_settled(&mut world);
    }
}

#[test]
fn abort_and_roll_back_in_the_second_batch() {
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.observe();
    assert!(world.perform(false), "the one patch");
    // What the last wave had still asked for happens.
    world.native(1);
    let of_v1 = |world: &World| -> Vec<String> {
        let workload = world.cluster.workload();
        workload.new_pods().map(|pod| pod.name.clone()).collect()
    };
    let kept = of_v1(&world);
    assert!(kept.len() >= 4);
    assert_ne!(rollback, id);
    assert_eq!(world.order(id).status, Status::Aborted);
    assert!(world.order(id).pipelines[1..].iter().all(|pipeline| pipeline.status == Status::Aborted));
    assert_eq!(world.order(id).pipelines[0].status, Status::Succeeded);
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(rollback).kind, OrderKind::Rollback);
    check_settled(&mut world);
    assert_eq!(world.cluster.ready_of("app:v1"), 10);
    let now = of_v1(&world);
    assert!(kept.iter().all(|name| now.contains(name)), "old pods that survived are the same pods");
}

#[test]
fn a_thousand_aborts_are_one_rollback() {
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    for _ in 0..1000 {
        assert_eq!(world.abort_and_roll_back(id), Ok(rollback));
        world.observe();
    }
    world.run();
    assert_eq!(world.abort_and_roll_back(id), Ok(rollback), "after its end too");
    assert_eq!(world.orders.len(), 2);
}

#[test]
fn an_abort_after_the_end_touches_nothing() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let first = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    let second = world.deploy("app:v3", THREE_MANUAL, OnFailure::Rollback).unwrap();
    world.run();
    let before = world.order(second).clone();
    assert!(matches!(world.abort_and_roll_back(first), Err(Illegal::Ended { .. })));
    assert!(matches!(world.abort(first), Err(Illegal::Ended { .. })));
    assert_eq!(*world.order(second), before);
}

#[test]
fn a_rollback_cannot_be_rolled_back_but_aborted() {
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    assert!(matches!(world.abort_and_roll_back(rollback), Err(Illegal::NotADeploy { .. })));
    world.observe();
    world.perform(false);
    world.native(0);
    world.native(1);
    world.abort(rollback).unwrap();
    world.run();
    assert_eq!(world.order(rollback).status, Status::Aborted);
    assert!(world.cluster.workload().is_held(), "it leaves a hold like any abort");
    let before: Vec<_> = world.cluster.sets.iter().map(|set| set.wanted).collect();
    world.cluster.settle();
    let after: Vec<_> = world.cluster.sets.iter().map(|set| set.wanted).collect();
    assert_eq!(before, after, "the hold holds");
    world.deploy("app:v3", ONE_BATCH, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn abort_then_the_same_release_resumes() {
    let (mut world, id) = half_way();
    world.abort(id).unwrap();
    world.cluster.settle();
    let held = world.cluster.ready_of("app:v2");
    assert!(held >= 3 && world.cluster.ready_of("app:v1") > 0, "the application serves a mix");
    world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert!(!world.events.iter().any(|event| event.kind == "GoingBackFirst"), "nothing goes back for it");
    check_settled(&mut world);
}

#[test]
fn abort_then_another_release_goes_back_first() {
    let (mut world, id) = half_way();
    world.abort(id).unwrap();
    let next = world.deploy("app:v3", THREE_MANUAL, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    assert_eq!(world.cluster.ready_of("app:v3"), 3, "a first batch is a first batch");
    assert_eq!(world.cluster.ready_of("app:v2"), 0);
    let rollback = world.abort_and_roll_back(next).unwrap();
    world.run();
    assert_eq!(world.order(rollback).brings(), Some(VersionNumber(1)), "back to what last ran, past the aborted one");
    check_settled(&mut world);
}

#[test]
fn a_crash_loop_rolls_itself_back() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2-bad", THREE_MANUAL, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    let failed = world.order(id);
    assert_eq!(failed.status, Status::Failed);
    let error = failed.pipelines[0].error.as_ref().unwrap();
    assert_eq!(error.code, "CrashLoopBackOff");
    assert!(error.message.contains("container web") && error.message.contains("panic: no configuration"), "{error:?}");
    let rollback = world.order(failed.rolled_back_by.unwrap());
    assert_eq!((rollback.kind, rollback.status), (OrderKind::Rollback, Status::Succeeded));
    check_settled(&mut world);
}

#[test]
fn a_paused_failure_is_retried_or_rolled_back() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2-bad", THREE_MANUAL, OnFailure::Pause).unwrap();
    for _ in 0..60 {
        if !world.perform(false) {
            world.observe();
        }
        world.native(0);
        world.native(1);
        world.native(2);
        world.pass(2);
    }
    assert_eq!(world.order(id).status, Status::Running);
    let task = world.order(id).task_id(0, sternway_core::order::Stage::Change);
    let retry = |task| sternway_core::step::Command::Retry { task, actor: crate::world::actor() };
    world.command(id, retry(task)).unwrap();
    assert_eq!(world.command(id, retry(task)), Err(Illegal::NothingToRetry(task)), "it is being tried");
    world.abort_and_roll_back(id).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn a_batch_that_is_tried_again_has_time_to_give_back_what_was_borrowed() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Pause).unwrap();
    let phase = |world: &World| match &world.order(id).job {
        Job::Release(release) => release.phase.clone(),
        other => panic!("{other:?}"),
    };
    let go = |world: &mut World, moves: &[u8], seconds| {
        if !world.perform(false) {
            world.observe();
        }
        moves.iter().for_each(|what| world.native(*what));
        world.pass(seconds);
    };
    while !matches!(phase(&world), ReleasePhase::Paused { .. }) {
        // No pod gets ready in time.
        go(&mut world, &[0, 1], 60);
    }
    let task = world.order(id).task_id(0, sternway_core::order::Stage::Change);
    world.command(id, Command::Retry { task, actor: actor() }).unwrap();
    while !matches!(phase(&world), ReleasePhase::Finishing { .. }) {
        go(&mut world, &[0, 1, 2], 1);
    }
    // The native controller has not seen it yet.
    world.perform(false);
    world.observe();
    assert!(matches!(phase(&world), ReleasePhase::Finishing { .. }), "{:?}", world.events);
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn undone_by_hand_is_a_rollback_by_an_outsider() {
    let (mut world, id) = half_way();
    world.cluster.patch(&serde_json::json!({"spec": {"template": template("app:v1").json()}}));
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(id).status, Status::Aborted);
    assert_eq!(world.orders.last().unwrap().rolls_back, Some(id));
    check_settled(&mut world);
}

#[test]
fn an_image_set_by_hand_stops_the_release_and_is_not_touched() {
    let (mut world, id) = half_way();
    while world.order(id).pending.is_some() {
        world.perform(false);
    }
    world.cluster.patch(&serde_json::json!({"spec": {"template": template("app:theirs").json()}}));
    let theirs = world.cluster.object.clone();
    // What their template does to the pods is theirs too.
    world.guard_floor = false;
    world.run();
    assert_eq!(world.order(id).status, Status::Failed);
    assert_eq!(world.order(id).pipelines[1].error.as_ref().unwrap().code, "Drift");
    assert_eq!(world.cluster.object, theirs, "nothing more is touched");
    assert_eq!(world.orders.len(), 1, "and nothing rolls back");
}

#[test]
fn scaled_to_zero_in_mid_release_restores_the_old_version() {
    let (mut world, id) = half_way();
    world.guard_floor = false;
    world.cluster.patch(&serde_json::json!({"spec": {"replicas": 0}}));
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(id).status, Status::Aborted);
    world.cluster.patch(&serde_json::json!({"spec": {"replicas": 10}}));
    world.cluster.settle();
    assert_eq!(world.cluster.ready_of("app:v1"), 10);
}

#[test]
fn scaled_up_in_mid_release_is_planned_anew() {
    let (mut world, id) = half_way();
    world.guard_floor = false;
    world.cluster.patch(&serde_json::json!({"spec": {"replicas": 20}}));
    while world.run().unwrap().status == Status::AwaitingConfirmation {
        world.confirm(id).unwrap();
    }
    assert_eq!(world.order(id).status, Status::Succeeded);
    assert_eq!(world.cluster.ready_of("app:v2"), 20);
    check_settled(&mut world);
}

#[test]
fn a_person_may_take_longer_than_any_deadline() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).unwrap();
    world.run();
    world.pass(30 * 24 * 3600);
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    world.confirm(id).unwrap();
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
}

#[test]
fn a_gray_batch_waits_for_a_person_even_in_an_automatic_release() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let batches = Batches { gray: Some(1), count: 2, gate: Gate::Automatic { wait_seconds: 60 } };
    let id = world.deploy("app:v2", batches, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    assert_eq!(world.cluster.ready_of("app:v2"), 1);
    world.confirm(id).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert!(world.events.iter().any(|event| event.text.contains("in 60 seconds")));
}

#[test]
fn an_application_that_was_never_made_leaves_the_deployment_of_its_name_alone() {
    let mut world = World::new(3, DEFAULT_STRATEGY);
    world.app.state = AppState::Creating;
    let before = world.cluster.workload();
    let of_others = |refused| matches!(refused, Err(Refused::OfOthers(_)));
    assert!(of_others(world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).map(|_| ())));
    let request = Request {
        order: OrderId::new(Uuid::nil()),
        actor: actor(),
        description: String::new(),
        now: world.cluster.now,
    };
    assert!(of_others(birth::scale(&world.app, &before, 5, 600, &request).map(|_| ())));
    assert!(of_others(birth::stop(&world.app, &before, 600, &request).map(|_| ())));

    let id = world.delete();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(id).kind, OrderKind::DeleteApp);
    assert_eq!(world.cluster.workload(), before);

    // What it made itself goes.
    let own = Workload { marks: Marks { application: Some(world.app.id.to_string()), ..Marks::default() }, ..before };
    let fresh = Fresh { workload: own, ..world.cluster.fresh() };
    let writer = Writer { app: world.app.id, order: id, fence: Fence(1), object: None };
    let write = compile(&Effect::DeleteOwn, &world.app.workload, Some(&fresh), writer);
    assert_eq!(write, Ok(Write::Delete { uid: fresh.workload.uid.clone() }));
}

#[test]
fn recreate_is_released_natively_and_rolled_back_the_same_way() {
    let mut world = World::new(3, Strategy::Recreate);
    world.guard_floor = false;
    assert!(world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).is_err());
    let id = world.deploy("app:v2-bad", ONE_BATCH, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(id).status, Status::Failed);
    check_settled(&mut world);
    world.deploy("app:v3", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    check_settled(&mut world);
    assert_eq!(world.cluster.ready_of("app:v3"), 3);
}

#[test]
fn a_preview_says_what_a_release_writes() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let fresh = world.cluster.fresh();
    let id = world.deploy("app:v2", THREE_MANUAL, OnFailure::Rollback).unwrap();
    let writes = sternway_core::preview::preview(world.order(id), fresh, world.cluster.now).unwrap();
    let waves: Vec<_> =
        writes.iter().map(|write| (write.batch, write.purpose.as_str(), write.old, write.new)).collect();
    assert_eq!(
        waves,
        [
            (1, "wave", 8, 3),
            (1, "wave", 7, 3),
            (2, "wave", 5, 6),
            (2, "wave", 4, 6),
            (3, "wave", 2, 10),
            (3, "wave", 0, 10),
            (3, "finish", 0, 10),
        ]
    );
    assert_eq!(writes[0].patch["spec"]["minReadySeconds"], 2_147_483_646);
    let mut written = 0;
    while world.run().unwrap().status == Status::AwaitingConfirmation {
        world.confirm(id).unwrap();
    }
    for event in &world.events {
        written += usize::from(event.kind == "WaveAsked" || event.kind == "Finishing");
    }
    assert_eq!(written, writes.len(), "and the release writes just that");
}

#[test]
fn a_preview_of_what_cannot_move_says_so() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    let mut fresh = world.cluster.fresh();
    fresh.workload.paused = true;
    let preview = sternway_core::preview::preview(world.order(id), fresh, world.cluster.now);
    assert!(matches!(preview, Err(sternway_core::preview::NoPreview::Refused(_))), "{preview:?}");
}

#[test]
fn a_manifest_without_annotations_is_marked_all_the_same() {
    use sternway_core::effect::{Effect, Write, Writer, compile};
    let world = World::new(1, DEFAULT_STRATEGY);
    let effect = Effect::Create { manifest: serde_json::json!({"metadata": {"name": "web"}}) };
    let order = sternway_core::ids::OrderId::new(uuid::Uuid::nil());
    let writer = Writer { app: world.app.id, order, fence: sternway_core::ids::Fence(1), object: None };
    let Ok(Write::Create(object)) = compile(&effect, &world.app.workload, None, writer) else {
        panic!("it is to be created");
    };
    assert_eq!(object["metadata"]["annotations"]["sternway.io/application"], world.app.id.to_string());
}

#[test]
fn an_aborted_recreate_is_deployed_over() {
    let mut world = World::new(6, Strategy::Recreate);
    world.guard_floor = false;
    let first = world.deploy("app:v2-bad", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.observe();
    world.perform(false);
    world.native(0);
    world.abort(first).unwrap();
    let second = world.deploy("app:v3-bad", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    assert_eq!(world.order(second).status, Status::Failed);
    let rollback = world.orders.last().unwrap().clone();
    assert_eq!(rollback.brings(), Some(VersionNumber(1)), "the last that ran, not the last that was tried");
    check_settled(&mut world);
}

/// The first write was done, and before its answer came somebody scaled to zero: the write is refused when it is tried again, and yet it holds.
#[test]
fn a_first_write_whose_answer_was_lost_is_known_by_its_mark() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    world.guard_floor = false;
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Pause).unwrap();
    world.observe();
    world.perform(true);
    world.cluster.patch(&serde_json::json!({"spec": {"replicas": 0}}));
    world.cluster.settle();
    world.run();
    assert_eq!(world.order(id).status, Status::Aborted);
    assert_eq!(world.orders.last().unwrap().rolls_back, Some(id));
    assert_eq!(world.cluster.snapshot().template, template("app:v1"));
    check_settled(&mut world);
}

/// The record of an abort knows of a hold that was never written. What someone put on the workload afterwards is what runs.
#[test]
fn a_change_by_hand_after_an_abort_that_wrote_nothing_is_what_ran_before() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let first = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.observe();
    world.abort(first).unwrap();
    world.cluster.patch(&serde_json::json!({"spec": {"template": template("app:theirs").json()}}));
    world.cluster.settle();
    let theirs = world.cluster.snapshot();
    let second = world.deploy("app:v3-bad", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    assert_eq!(world.order(second).status, Status::Failed);
    assert_eq!(world.cluster.snapshot(), theirs);
    check_settled(&mut world);
}

/// A release was aborted when its last patch had arrived already, and its answer had not.
#[test]
fn a_release_aborted_after_its_last_write_is_what_ran_before() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let first = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    let finishing = |world: &World| {
        let pending = world.order(first).pending.as_ref();
        pending.is_some_and(|pending| matches!(pending.effect, sternway_core::effect::Effect::Finish { .. }))
    };
    while !finishing(&world) {
        if !world.perform(false) {
            world.cluster.settle();
            assert!(world.observe(), "it does not end before");
        }
    }
    world.perform(true);
    world.abort(first).unwrap();
    world.cluster.settle();
    let second = world.deploy("app:v3-bad", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    assert_eq!(world.order(second).status, Status::Failed);
    assert_eq!(world.cluster.ready_of("app:v2"), 4);
    assert_eq!(world.orders.last().unwrap().brings(), Some(VersionNumber(2)));
    check_settled(&mut world);
}

#[test]
fn a_template_that_changes_between_the_request_and_the_first_write_is_not_overwritten() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.cluster.patch(&serde_json::json!({"spec": {"template": template("app:theirs").json()}}));
    let theirs = world.cluster.object.clone();
    assert_eq!(world.run().unwrap().status, Status::Failed);
    assert_eq!(world.order(id).pipelines[0].error.as_ref().unwrap().code, "Drift");
    assert_eq!(world.cluster.object, theirs);
}

#[test]
fn a_deploy_that_may_not_move_ends_at_its_deadline() {
    let mut world = World::new(
        4,
        Strategy::RollingUpdate {
            max_surge: sternway_core::strategy::Amount::Pods(0),
            max_unavailable: sternway_core::strategy::Amount::Pods(1),
        },
    );
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    // A budget that comes in mid-release and forbids everything.
    world.cluster.budget = Some(4);
    world.run();
    assert_eq!(world.order(id).status, Status::Failed);
    assert_eq!(world.order(id).pipelines[0].error.as_ref().unwrap().code, "DeadlineExceeded");
    assert_eq!(world.cluster.ready_of("app:v1"), 4);
}

#[test]
fn a_deploy_whose_pods_the_cluster_refuses_ends_with_the_clusters_words() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    world.cluster.refused = Some("app:v2".to_owned());
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    assert_eq!(world.order(id).status, Status::Failed);
    let error = world.order(id).pipelines[0].error.as_ref().unwrap();
    assert_eq!(error.code, "DeadlineExceeded");
    assert!(error.message.contains("FailedCreate: pods of app:v2 are forbidden"), "{}", error.message);
    assert_eq!(world.cluster.ready_of("app:v1"), 4);
}

#[test]
fn from_all_new_back_to_all_old() {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", ONE_BATCH, OnFailure::Rollback).unwrap();
    while world.cluster.ready_of("app:v2") < 10 || world.cluster.ready_of("app:v1") > 0 {
        if !world.perform(false) {
            world.observe();
        }
        world.native(0);
        world.native(1);
        world.native(2);
        world.pass(1);
    }
    let rollback = world.abort_and_roll_back(id).unwrap();
    // The world checks at every move that no ready pod goes below the floor.
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(rollback).brings(), Some(VersionNumber(1)));
    check_settled(&mut world);
}

#[test]
fn abort_then_scaled_down_and_up_again() {
    let (mut world, id) = half_way();
    world.abort(id).unwrap();
    world.guard_floor = false;
    for replicas in [4, 10] {
        world.cluster.patch(&serde_json::json!({"spec": {"replicas": replicas}}));
        world.cluster.settle();
        assert!(world.cluster.ready() >= replicas - 2, "it goes on serving");
    }
    let back = world.deploy("app:v1", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    assert_eq!(world.order(back).status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn two_bad_releases_go_back_to_the_last_good_one_and_a_third_succeeds() {
    let mut world = World::new(6, DEFAULT_STRATEGY);
    for image in ["app:v2-bad", "app:v3-bad"] {
        world.deploy(image, THREE_MANUAL, OnFailure::Rollback).unwrap();
        world.run();
        assert_eq!(world.orders.last().unwrap().brings(), Some(VersionNumber(1)), "not the previous number");
        check_settled(&mut world);
    }
    world.deploy("app:v4", ONE_BATCH, OnFailure::Rollback).unwrap();
    world.run();
    check_settled(&mut world);
    assert_eq!((world.app.current, world.app.last_good), (Some(VersionNumber(4)), Some(VersionNumber(4))));
}

#[test]
fn a_version_whose_replica_set_is_gone_comes_back_from_its_snapshot() {
    let mut world = World::new(4, DEFAULT_STRATEGY);
    for image in ["app:v2", "app:v3"] {
        world.deploy(image, ONE_BATCH, OnFailure::Rollback).unwrap();
        world.run();
    }
    world.cluster.sets.retain(|set| set.wanted > 0);
    let order = world.deploy_version(VersionNumber(1));
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    let brought = world.order(order).brings().unwrap();
    assert_eq!(world.version(brought).snapshot, world.version(VersionNumber(1)).snapshot);
    check_settled(&mut world);
}

#[test]
fn a_rollback_that_cannot_finish_ends_at_its_deadline_with_the_reason() {
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.cluster.vanished = Some("app:v1".to_owned());
    world.run();
    let order = world.order(rollback);
    assert_eq!(order.status, Status::Failed);
    let error = order.pipelines[0].error.as_ref().unwrap();
    assert_eq!(error.code, "RollbackFailed");
    assert!(error.message.contains("ImagePullBackOff") && error.message.contains("600 seconds"), "{}", error.message);
    assert!(world.cluster.ready() >= 8, "the best capacity that can be had goes on serving");
    assert!(world.active().is_none(), "nothing loops silently");
}

#[test]
fn a_hold_that_someone_takes_off_is_put_back_where_the_pods_are() {
    let (mut world, id) = half_way();
    while world.order(id).pending.is_some() {
        world.perform(false);
    }
    world.cluster.patch(&serde_json::json!({"spec": {"minReadySeconds": null, "progressDeadlineSeconds": 600}}));
    world.observe();
    world.perform(false);
    assert!(world.cluster.workload().is_held());
    assert!(world.events.iter().any(|event| event.kind == "HoldRenewed"));
    while world.run().unwrap().status == Status::AwaitingConfirmation {
        world.confirm(id).unwrap();
    }
    assert_eq!(world.order(id).status, Status::Succeeded);
    check_settled(&mut world);
}

#[test]
fn a_deployment_deleted_in_mid_release_or_rollback_ends_the_order() {
    let (mut world, id) = half_way();
    while world.order(id).pending.is_some() {
        world.perform(false);
    }
    world.observe_gone();
    assert_eq!(world.order(id).status, Status::Failed);
    assert_eq!(world.order(id).pipelines[1].error.as_ref().unwrap().code, "WorkloadGone");
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.observe_gone();
    assert_eq!(world.order(rollback).status, Status::Failed);
    assert!(world.active().is_none());
}

#[test]
fn a_server_that_was_away_longer_than_the_timeout_rolls_back_all_the_same() {
    let (mut world, id) = half_way();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.pass(100_000);
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.order(rollback).status, Status::Succeeded);
    check_settled(&mut world);
}
