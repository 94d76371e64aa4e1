//! What must hold after every step, and at the end of every run.

use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;
use sternway_core::order::job::OnFailure;
use sternway_core::order::{Order, Status};
use sternway_core::plan::{Batches, Gate};
use sternway_core::step::{Command, Transition};
use sternway_core::strategy::{Amount, Strategy};

use crate::world::{World, actor};

/// One step of one order.
pub(crate) fn check_transition(before: &Order, transition: &Transition) {
    let next = &transition.next;
    if next.revision == before.revision {
        assert_eq!(next, before, "a step without a new revision changed something");
        assert!(
            transition.born.is_none()
                && transition.app.is_empty()
                && transition.events.is_empty()
                && transition.versions.is_empty()
        );
    } else {
        assert_eq!(next.revision, before.revision + 1);
    }
    assert!(!before.status.is_terminal() || next.status == before.status, "an order that has ended stays as it ended");
    if next.status.is_terminal() {
        assert!(next.pending.is_none(), "an order that has ended wants nothing");
        assert!(next.finished_at.is_some());
    }
    if next.pipelines.len() == 1 {
        let waits = matches!(next.status, Status::AwaitingConfirmation | Status::AwaitingInterval);
        assert!(!waits, "an order of one batch never waits at a gate");
    }
    if let Some(born) = &transition.born {
        assert!(next.status.is_terminal(), "one order per application: the old one ends when the new one is born");
        assert_eq!(next.rolled_back_by, Some(born.id));
        assert_eq!(born.rolls_back, Some(next.id));
    }
}

/// An application whose last order has ended well.
pub(crate) fn check_settled(world: &mut World) {
    let last = world.orders.last().unwrap().clone();
    if last.status != Status::Succeeded {
        return;
    }
    let brings = last.brings().unwrap();
    let wanted = world.version(brings).snapshot.clone();
    assert_eq!(world.cluster.snapshot(), wanted, "the spec is the version's, field for field");
    let annotations = world.cluster.object["metadata"]["annotations"].as_object().unwrap();
    let names: Vec<_> = annotations.keys().map(String::as_str).collect();
    assert_eq!(names, ["sternway.io/application", "sternway.io/version"], "nothing else of ours is left");
    assert_eq!(world.app.current, Some(brings));
    assert_eq!(world.app.held, None);
    world.cluster.settle();
    if wanted.template.image().contains("bad") {
        // It cannot run, so it can only have been brought while no pod was wanted; whoever scales it up later gets pods that fail.
        assert!(last.pipelines.iter().all(|pipeline| pipeline.instances.is_empty()), "pods that cannot run: {last:#?}");
        return;
    }
    assert_eq!(world.cluster.ready(), world.cluster.replicas());
    assert_eq!(world.cluster.ready_of(wanted.template.image()), world.cluster.replicas(), "every pod runs the version");
}

#[derive(Debug, Clone)]
enum Move {
    Observe,
    Perform,
    PerformAndCrash,
    Native(u8),
    Pass(u8),
    Confirm,
    Abort,
    AbortAndRollback,
    Scale(u8),
    Deploy(u8),
}

fn moves(scaling: bool) -> impl Generator<Value = Vec<Move>> {
    let scale = if scaling { 1 } else { 0 };
    let one = prop_oneof![
        20 => Just(Move::Observe),
        15 => Just(Move::Perform),
        3 => Just(Move::PerformAndCrash),
        60 => any::<u8>().prop_map(Move::Native),
        10 => (0u8..30).prop_map(Move::Pass),
        6 => Just(Move::Confirm),
        1 => Just(Move::Abort),
        1 => Just(Move::AbortAndRollback),
        scale => (0u8..16).prop_map(Move::Scale),
        1 => (0u8..4).prop_map(Move::Deploy),
    ];
    prop::collection::vec(one, 0..250)
}

fn image(pick: u8) -> String {
    match pick % 4 {
        0 => "app:v3".to_owned(),
        1 => "app:v4-bad".to_owned(),
        2 => "app:v1".to_owned(),
        _ => "app:v2".to_owned(),
    }
}

fn play(mut world: World, batches: Batches, on_failure: OnFailure, moves: Vec<Move>) -> Result<(), TestCaseError> {
    if world.deploy("app:v2", batches, on_failure).is_err() {
        return Ok(());
    }
    for one in moves {
        match one {
            Move::Observe => {
                world.observe();
            }
            Move::Perform => {
                world.perform(false);
            }
            Move::PerformAndCrash => {
                world.perform(true);
            }
            Move::Native(what) => world.native(what),
            Move::Pass(seconds) => world.pass(i64::from(seconds)),
            Move::Scale(replicas) => {
                world.guard_floor = false;
                world.cluster.patch(&serde_json::json!({"spec": {"replicas": replicas}}));
            }
            Move::Deploy(pick) => {
                if world.active().is_none() {
                    let _ = world.deploy(&image(pick), batches, on_failure);
                }
            }
            Move::Confirm | Move::Abort | Move::AbortAndRollback => {
                let Some(index) = world.active() else {
                    continue;
                };
                let order = world.orders[index].clone();
                let pipeline = order.pipelines[order.present_pipeline()].id;
                let command = match one {
                    Move::Confirm => Command::Continue { pipeline, confirm: true, actor: actor() },
                    Move::Abort => Command::Abort { actor: actor() },
                    _ => Command::AbortAndRollback { actor: actor() },
                };
                // What an order cannot obey leaves it as it is.
                let _ = world.command(order.id, command);
            }
        }
    }
    // From here on every gate is confirmed: each order must come to an end.
    for _ in 0..20 {
        world.run();
        match world.active() {
            Some(index) => {
                let id = world.orders[index].id;
                world.confirm(id).expect("it waits for confirmation");
            }
            None => break,
        }
    }
    prop_assert!(world.active().is_none(), "an order is left: {:#?}", world.orders.last());
    check_settled(&mut world);
    Ok(())
}

fn batches() -> impl Generator<Value = Batches> {
    let gate = prop_oneof![Just(Gate::Manual), (0u32..90).prop_map(|wait_seconds| Gate::Automatic { wait_seconds })];
    (prop::option::weighted(0.3, 1u32..4), 1u32..5, gate).prop_map(|(gray, count, gate)| Batches { gray, count, gate })
}

fn strategies() -> impl Generator<Value = Strategy> {
    let amount = || prop_oneof![(0u32..5).prop_map(Amount::Pods), (0u32..=100).prop_map(Amount::Percent)];
    prop_oneof![
        1 => Just(Strategy::Recreate),
        12 => (amount(), amount()).prop_filter_map("the API refuses both zero", |(max_surge, max_unavailable)| {
            let zero = |amount| matches!(amount, Amount::Pods(0) | Amount::Percent(0));
            (!zero(max_surge) || !zero(max_unavailable)).then_some(Strategy::RollingUpdate { max_surge, max_unavailable })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_whatever_clients_do(
        replicas in 1u32..14, strategy in strategies(), batches in batches(), budget in prop::option::weighted(0.2, 0u32..12), moves in moves(false),
    ) {
        let mut world = World::new(replicas, strategy);
        world.cluster.budget = budget;
        world.guard_floor = strategy != Strategy::Recreate;
        play(world, batches, OnFailure::Rollback, moves)?;
    }

    #[test]
    fn every_order_ends_whoever_scales(
        replicas in 1u32..14, strategy in strategies(), batches in batches(), moves in moves(true),
    ) {
        play(World::new(replicas, strategy), batches, OnFailure::Rollback, moves)?;
    }
}
