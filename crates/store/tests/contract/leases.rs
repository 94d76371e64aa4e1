//! Leases and fences.

use sternway_core::ids::{Fence, OrderId};
use sternway_core::order::{OrderKind, Status};
use sternway_core::ports::{Commit, CommitError, Store, StoreWrite};

use crate::samples::{app_id, at, event, insert, next, order, update, write};

async fn new_order(store: &dyn Store) -> OrderId {
    let order = order(app_id(), OrderKind::Deploy, 0);
    write(store, [insert(&order)]).await.unwrap();
    order.id
}

/// Takes a lease from second `from` to second `to`.
async fn take(store: &dyn Store, order: OrderId, holder: &str, from: i64, to: i64) -> Option<Fence> {
    store.lease(order, holder, at(from), at(to)).await.unwrap()
}

pub(crate) async fn a_lease_keeps_others_out_until_it_runs_out(store: &dyn Store) {
    let order = new_order(store).await;
    let first = take(store, order, "a", 0, 30).await.unwrap();
    assert_eq!(take(store, order, "b", 10, 40).await, None);
    assert_eq!(take(store, order, "b", 29, 59).await, None);
    let second = take(store, order, "b", 30, 60).await.unwrap();
    assert!(second > first);
    assert_eq!(take(store, order, "a", 31, 61).await, None);
}

pub(crate) async fn a_renewal_keeps_the_token_only_in_time(store: &dyn Store) {
    let order = new_order(store).await;
    let first = take(store, order, "a", 0, 30).await.unwrap();
    assert_eq!(take(store, order, "a", 20, 50).await, Some(first));
    // Renewed until 50: at 40, others are still kept out.
    assert_eq!(take(store, order, "b", 40, 70).await, None);
    // It ran out at 50: the same holder is a new one.
    let second = take(store, order, "a", 50, 80).await.unwrap();
    assert!(second > first);
}

pub(crate) async fn tokens_grow_across_orders(store: &dyn Store) {
    let (one, other) = (new_order(store).await, new_order(store).await);
    let mut last = Fence(0);
    for round in 0..3 {
        for order in [one, other] {
            let fence = take(store, order, "a", round * 10, round * 10 + 5).await;
            let fence = fence.unwrap();
            assert!(fence > last, "{fence} after {last}");
            last = fence;
            // What was given back is not given again.
            store.release_lease(order, fence).await.unwrap();
        }
    }
}

pub(crate) async fn a_new_store_begins_above_one_that_was_lost(store: &dyn Store) {
    let order = new_order(store).await;
    let fence = take(store, order, "a", 1_700_000_000, 1_700_000_030).await.unwrap();
    let milliseconds = u64::try_from(at(1_700_000_000).as_millisecond()).unwrap();
    assert!(fence.0 >= milliseconds, "{fence}");
    // A clock that goes back takes nothing back.
    store.release_lease(order, fence).await.unwrap();
    assert!(take(store, order, "a", 5, 35).await.unwrap() > fence);
}

pub(crate) async fn a_lease_is_given_back_by_its_token_only(store: &dyn Store) {
    let order = new_order(store).await;
    let first = take(store, order, "a", 0, 30).await.unwrap();
    let second = take(store, order, "b", 30, 60).await.unwrap();
    store.release_lease(order, first).await.unwrap();
    assert_eq!(take(store, order, "a", 40, 70).await, None, "b still has it");
    store.release_lease(order, second).await.unwrap();
    let third = take(store, order, "a", 41, 71).await.unwrap();
    assert!(third > second);
    store.release_lease(order, second).await.unwrap();
    assert_eq!(take(store, order, "a", 42, 72).await, Some(third));
}

pub(crate) async fn a_commit_needs_the_present_lease(store: &dyn Store) {
    let first = order(app_id(), OrderKind::Deploy, 0);
    write(store, [insert(&first)]).await.unwrap();
    let second = next(&first, Status::AwaitingConfirmation);
    let commit = |fence| Commit {
        lease: Some((first.id, fence)),
        writes: vec![StoreWrite::AppendEvents(first.id, vec![event("Moved")]), update(&second)],
    };
    let lost = async |fence| {
        let error = store.commit(commit(fence)).await.unwrap_err();
        assert!(matches!(error, CommitError::LeaseLost), "{error}");
        assert_eq!(store.order(first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(store.events(first.id, 0).await.unwrap(), []);
    };
    lost(Fence(1)).await;
    let old = take(store, first.id, "a", 0, 30).await.unwrap();
    let present = take(store, first.id, "b", 30, 60).await.unwrap();
    lost(old).await;
    // The token of another order's lease is none for this one.
    let other = new_order(store).await;
    lost(take(store, other, "b", 30, 60).await.unwrap()).await;

    store.commit(commit(present)).await.unwrap();
    assert_eq!(store.order(first.id).await.unwrap(), Some(second.clone()));

    store.release_lease(first.id, present).await.unwrap();
    let after = Commit { lease: Some((first.id, present)), writes: vec![update(&next(&second, Status::Running))] };
    let error = store.commit(after).await.unwrap_err();
    assert!(matches!(error, CommitError::LeaseLost), "{error}");
}
