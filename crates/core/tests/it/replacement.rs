//! A Deployment that is deleted and made anew between two observations: only its uid tells.

use sternway_core::effect::Refusal;
use sternway_core::ids::OrderId;
use sternway_core::observation::Sameness;
use sternway_core::order::Status;
use sternway_core::order::job::OnFailure;
use sternway_core::plan::{Batches, Gate};
use sternway_core::strategy::DEFAULT_STRATEGY;

use crate::world::World;

/// A release that waits after its first batch.
fn at_the_gate() -> (World, OrderId) {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let batches = Batches { gray: None, count: 2, gate: Gate::Manual };
    let id = world.deploy("app:v2", batches, OnFailure::Rollback).unwrap();
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    (world, id)
}

/// How an order ended, and why.
fn end_of(world: &World, id: OrderId) -> (Status, String) {
    let order = world.order(id);
    let failed = order.pipelines.iter().find_map(|pipeline| pipeline.error.as_ref());
    (order.status, failed.map_or_else(String::new, |failure| format!("{}: {}", failure.code, failure.message)))
}

#[track_caller]
fn ended_as_gone(world: &World, id: OrderId) {
    let (status, why) = end_of(world, id);
    assert_eq!(status, Status::Failed);
    assert!(why.starts_with("WorkloadGone: ") && why.contains("another one of its name made"), "{why}");
}

#[test]
fn a_release_ends_at_once_and_leaves_the_new_one_alone() {
    for image in ["app:v1", "app:v2", "app:other"] {
        let (mut world, id) = at_the_gate();
        world.cluster.replace(image);
        let before = world.cluster.object.clone();
        world.observe();
        ended_as_gone(&world, id);
        assert_eq!(world.order(id).rolled_back_by, None, "there is nothing to roll back");
        assert_eq!(world.app.held, None);
        assert_eq!(world.cluster.object, before);
    }
}

#[test]
fn a_rollback_ends_at_once_and_leaves_the_new_one_alone() {
    let (mut world, id) = at_the_gate();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.cluster.replace("app:v2");
    let before = world.cluster.object.clone();
    world.observe();
    ended_as_gone(&world, rollback);
    assert_eq!(world.cluster.object, before);
    assert_eq!(world.app.held, None);
}

#[test]
fn a_write_that_was_meant_for_the_one_before_is_not_sent() {
    let (mut world, id) = at_the_gate();
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.observe();
    assert!(world.order(rollback).pending.is_some(), "it is about to write");
    world.cluster.replace("app:v2");
    let before = world.cluster.object.clone();
    world.perform(false);
    ended_as_gone(&world, rollback);
    assert_eq!(world.cluster.object, before);

    let (mut world, id) = at_the_gate();
    world.confirm(id).unwrap();
    world.observe();
    assert!(world.order(id).pending.is_some(), "it is about to write");
    world.cluster.replace("app:v2");
    let before = world.cluster.object.clone();
    world.perform(false);
    assert_eq!(world.order(id).pending, None, "{}", Refusal::Replaced);
    world.observe();
    ended_as_gone(&world, id);
    assert_eq!(world.cluster.object, before);
}

#[test]
fn a_watch_that_still_shows_the_one_before_says_nothing() {
    let (mut world, id) = at_the_gate();
    world.abort_and_roll_back(id).unwrap();
    world.run();
    let old = world.cluster.observe();
    world.cluster.replace("app:v1");
    let batches = Batches { gray: None, count: 2, gate: Gate::Manual };
    let next = world.deploy("app:v3", batches, OnFailure::Rollback).unwrap();
    let before = world.order(next).clone();
    world.observe_old(&old);
    assert_eq!(*world.order(next), before);
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation);
    world.observe_old(&old);
    assert_eq!(world.order(next).status, Status::AwaitingConfirmation);
}

#[test]
fn which_of_two_came_later_is_known_by_their_revisions() {
    let (mut world, _) = at_the_gate();
    let first = world.cluster.workload();
    world.cluster.replace("app:v1");
    let second = world.cluster.workload();
    assert_eq!(first.sameness(first.identity()), Sameness::Same);
    assert_eq!(second.sameness(first.identity()), Sameness::Replaced);
    assert_eq!(first.sameness(second.identity()), Sameness::Before);
    assert_eq!(first.sameness(None), Sameness::Same);
}
