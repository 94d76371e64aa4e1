//! Releases that wait for another user.

use jiff::SignedDuration;
use sternway_core::governance::{Approval, Asks};
use sternway_core::ids::OrderId;
use sternway_core::order::job::OnFailure;
use sternway_core::order::{Actor, Status};
use sternway_core::plan::{Batches, Gate, ONE_BATCH};
use sternway_core::step::{Command, Illegal};
use sternway_core::strategy::DEFAULT_STRATEGY;

use crate::world::{World, actor};

fn other(user: &str) -> Actor {
    Actor { user: user.to_owned(), ..actor() }
}

fn decide(approve: bool, user: &str) -> Command {
    Command::Approve { approve, comment: String::new(), actor: other(user) }
}

fn waiting(asks: Asks, batches: Batches) -> (World, OrderId) {
    let mut world = World::new(10, DEFAULT_STRATEGY);
    let id = world.deploy("app:v2", batches, OnFailure::Rollback).unwrap();
    let approvers = vec!["alice".to_owned(), "tester".to_owned()];
    world.orders[0].approval =
        Some(Approval { rule: "prod".to_owned(), asks, approvers, given_by: None, paces: false });
    (world, id)
}

#[test]
fn nothing_happens_and_nothing_times_out_until_another_approves() {
    let (mut world, id) = waiting(Asks::Deploy, ONE_BATCH);
    world.observe();
    assert_eq!(world.order(id).status, Status::Ready, "EDAS clients wait for an order of status 0");
    world.cluster.now += SignedDuration::from_hours(48);
    world.observe();
    assert_eq!((world.order(id).status, world.order(id).revision), (Status::Ready, 0));
    assert_eq!((world.cluster.ready_of("app:v1"), world.cluster.ready_of("app:v2")), (10, 0));

    let own = world.command(id, decide(true, "tester"));
    assert_eq!(
        own,
        Err(Illegal::OwnOrder { order: id, user: "tester".to_owned() }),
        "even if the rule names the starter"
    );
    let stranger = world.command(id, decide(true, "mallory")).unwrap_err();
    assert!(matches!(stranger, Illegal::NotAnApprover { .. }), "{stranger}");
    world.observe();
    assert_eq!(world.order(id).status, Status::Ready);

    world.command(id, decide(true, "alice")).unwrap();
    world.command(id, decide(true, "alice")).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
    assert_eq!(world.cluster.ready_of("app:v2"), 10);
    let events: Vec<_> = world.events.iter().filter(|event| event.kind == "Approved").collect();
    assert_eq!(events.len(), 1);
    assert!(events[0].text.contains("alice"), "{events:?}");
}

#[test]
fn who_started_it_by_a_role_started_it() {
    let (mut world, id) = waiting(Asks::Deploy, ONE_BATCH);
    world.orders[0].actor = Actor { behind: Some("alice".to_owned()), ..other("deployer/job-7") };
    let own = world.command(id, decide(true, "alice"));
    assert_eq!(own, Err(Illegal::OwnOrder { order: id, user: "alice".to_owned() }));
    world.command(id, decide(true, "tester")).unwrap();
}

#[test]
fn a_rejection_ends_the_order_and_nothing_was_changed() {
    let (mut world, id) = waiting(Asks::Both, ONE_BATCH);
    let own = world.command(id, decide(false, "tester")).unwrap_err();
    assert!(matches!(own, Illegal::OwnOrder { .. }), "the starter aborts instead");
    world.command(id, decide(false, "alice")).unwrap();
    assert_eq!(world.order(id).status, Status::Aborted);
    assert!(world.app.held.is_none());
    assert_eq!(world.cluster.ready_of("app:v1"), 10);
    let again = world.command(id, decide(true, "alice")).unwrap_err();
    assert!(matches!(again, Illegal::Ended { .. }), "{again}");
}

#[test]
fn aborting_and_going_back_wait_for_nobody() {
    let (mut world, id) = waiting(Asks::Deploy, ONE_BATCH);
    world.abort(id).unwrap();
    assert_eq!(world.order(id).status, Status::Aborted);
    assert!(world.app.held.is_none());

    let (mut world, id) = waiting(Asks::Deploy, ONE_BATCH);
    let rollback = world.abort_and_roll_back(id).unwrap();
    world.run();
    assert_eq!(world.order(rollback).status, Status::Succeeded);
    assert_eq!(world.cluster.ready_of("app:v1"), 10);
}

#[test]
fn each_batch_after_the_first_may_wait_for_another() {
    let batches = Batches { gray: None, count: 2, gate: Gate::Manual };
    let (mut world, id) = waiting(Asks::Batches, batches);
    assert_eq!(world.run().unwrap().status, Status::AwaitingConfirmation, "the first waits for nobody");
    let own = world.confirm(id).unwrap_err();
    assert!(matches!(own, Illegal::OwnOrder { .. }), "{own}");
    let nothing = world.command(id, decide(true, "alice")).unwrap_err();
    assert_eq!(nothing, Illegal::NotAwaitingApproval(id));
    let pipeline = world.order(id).pipelines[1].id;
    world.command(id, Command::Continue { pipeline, confirm: true, actor: other("alice") }).unwrap();
    assert_eq!(world.run().unwrap().status, Status::Succeeded);
}
