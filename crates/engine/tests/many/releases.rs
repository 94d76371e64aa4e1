//! A thousand releases at once: all end well, in the sequence in which they were asked for, and a rollback waits for none of them.

use jiff::Timestamp;
use sternway_core::ids::OrderId;
use sternway_core::order::{Order, OrderKind, Status};
use sternway_core::plan::{Batches, Gate};
use sternway_core::ports::Store as _;
use sternway_core::step::Command;

use crate::fleet::{Fleet, V1, V2, actor, name_of};

const RELEASES: usize = 1000;
/// Few enough that nearly all releases have to wait for a place.
const PLACES: usize = 8;

async fn event_time(fleet: &Fleet, order: OrderId, kind: &str) -> Timestamp {
    let events = fleet.store.events(order, 0).await.unwrap();
    events.iter().find(|(_, event)| event.kind == kind).unwrap_or_else(|| panic!("{order} has no {kind}")).1.at
}

#[tokio::test]
async fn of_a_thousand_releases_none_starves_and_a_rollback_waits_for_none() {
    let fleet = Fleet::new(RELEASES, PLACES).await;
    let orders = fleet.deploy_all().await;
    let listed = fleet.store.active_orders().await.unwrap();
    assert_eq!(listed.len(), RELEASES);
    fleet.run();
    // The one that would be the last is not there yet when it is rolled back; the others are at work.
    let last = *listed.last().unwrap();
    fleet.ended(listed[0]).await;
    let rollback = fleet.engine.command(last, &Command::AbortAndRollback { actor: actor() }).await.unwrap();
    let rolled_back = fleet.ended(rollback).await;
    assert_eq!(rolled_back.status, Status::Succeeded, "{:?}", rolled_back.pipelines);
    let waiting = fleet.store.active_orders().await.unwrap().len();
    assert!(waiting > RELEASES / 2, "only {waiting} releases were still at work when the rollback had ended");
    fleet.idle().await;

    let number_of = |order: OrderId| orders.iter().position(|candidate| *candidate == order).unwrap();
    let mut starts = Vec::new();
    for order in listed.iter().copied().filter(|order| *order != last) {
        let ended = fleet.order(order).await;
        assert_eq!(ended.status, Status::Succeeded, "{:?}", ended.pipelines);
        assert_eq!(fleet.clusters.image(&name_of(number_of(order))), V2);
        starts.push(event_time(&fleet, order, "OrderStarted").await);
    }
    // Runners take their leases in groups, and ask for places side by side: within a group the sequence may change, but nobody is left behind.
    let mut sequence: Vec<usize> = (0..starts.len()).collect();
    sequence.sort_by_key(|number| starts[*number]);
    let overtaken = sequence.iter().enumerate().map(|(began, asked)| began.abs_diff(*asked)).max();
    assert!(overtaken < Some(RELEASES / 2), "an order was {overtaken:?} places away from its turn");
    assert_eq!(fleet.clusters.image(&name_of(number_of(last))), V1);
    fleet.end().await;
}

/// Orders that wait for a person take no place: there may be more of them than places.
#[tokio::test]
async fn releases_that_wait_for_a_person_hold_up_nobody() {
    let fleet = Fleet::new(4 * PLACES, PLACES).await;
    fleet.run();
    let by_hand = Batches { gray: None, count: 2, gate: Gate::Manual };
    let (waiting, working) = fleet.apps.split_at(3 * PLACES);
    let mut orders = Vec::new();
    for app in waiting {
        orders.push(fleet.deploy(*app, V2, by_hand).await);
    }
    for app in working {
        let order = fleet.deploy(*app, V2, sternway_core::plan::ONE_BATCH).await;
        assert_eq!(fleet.ended(order).await.status, Status::Succeeded);
    }
    let at_gate = |order: &Order| order.status == Status::AwaitingConfirmation;
    for order in &orders {
        while !at_gate(&fleet.order(*order).await) {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(fleet.engine.running(), orders.len());
    for order in orders {
        let rollback = fleet.engine.command(order, &Command::AbortAndRollback { actor: actor() }).await.unwrap();
        let ended = fleet.ended(rollback).await;
        assert_eq!((ended.kind, ended.status), (OrderKind::Rollback, Status::Succeeded));
    }
    fleet.end().await;
}
