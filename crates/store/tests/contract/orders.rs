//! Orders, their parts and their events.

use futures::future::join_all;
use sternway_core::ids::OrderId;
use sternway_core::order::{OrderKind, Stage, Status};
use sternway_core::ports::{CommitError, Store, StoreWrite};
use uuid::Uuid;

use crate::samples::{
    app, app_id, at, event, insert, insert_app, next, order, pipeline, put_version, update, version, write,
};

pub(crate) async fn an_order_comes_back_as_it_was(store: &dyn Store) {
    let first = order(app_id(), OrderKind::ScaleOut, 0);
    write(store, [insert(&first)]).await.unwrap();
    assert_eq!(store.order(first.id).await.unwrap(), Some(first.clone()));

    let mut second = next(&first, Status::Succeeded);
    second.pending = None;
    second.finished_at = Some(at(60));
    write(store, [update(&second)]).await.unwrap();
    assert_eq!(store.order(first.id).await.unwrap(), Some(second));

    let unknown = OrderId::new(Uuid::new_v4());
    assert_eq!(store.order(unknown).await.unwrap(), None);
}

pub(crate) async fn a_revision_follows_on_the_stored_one(store: &dyn Store) {
    let first = order(app_id(), OrderKind::Deploy, 0);
    let second = next(&first, Status::AwaitingConfirmation);
    let third = next(&second, Status::Running);

    let unknown = write(store, [update(&second)]).await.unwrap_err();
    assert!(matches!(unknown, CommitError::Conflict(_)), "{unknown}");

    write(store, [insert(&first)]).await.unwrap();
    for wrong in [&first, &third] {
        let error = write(store, [update(wrong)]).await.unwrap_err();
        assert!(matches!(error, CommitError::Conflict(_)), "{error}");
        assert!(error.to_string().contains(&first.id.to_string()));
    }
    write(store, [update(&second)]).await.unwrap();
    let again = write(store, [update(&second)]).await.unwrap_err();
    assert!(matches!(again, CommitError::Conflict(_)), "{again}");
    // Two revisions in one commit follow each other, too.
    let fourth = next(&third, Status::Succeeded);
    write(store, [update(&third), update(&fourth)]).await.unwrap();
    assert_eq!(store.order(first.id).await.unwrap(), Some(fourth));
}

pub(crate) async fn an_id_is_used_once(store: &dyn Store) {
    let mut first = order(app_id(), OrderKind::Deploy, 0);
    first.status = Status::Succeeded;
    write(store, [insert(&first)]).await.unwrap();
    let mut second = first.clone();
    second.app = app_id();
    let error = write(store, [insert(&second)]).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(_)), "{error}");
    assert_eq!(store.order(first.id).await.unwrap(), Some(first));
}

pub(crate) async fn one_order_is_active_per_application(store: &dyn Store) {
    let app = app_id();
    let first = order(app, OrderKind::Deploy, 0);
    let second = order(app, OrderKind::ScaleOut, 1);
    write(store, [insert(&first)]).await.unwrap();

    match write(store, [insert(&second)]).await {
        Err(CommitError::OrderActive(active)) => assert_eq!(active, first.id),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.order(second.id).await.unwrap(), None);
    let active = store.active_order_of(app).await.unwrap();
    assert_eq!(active.map(|order| order.id), Some(first.id));

    // Waiting is not finished.
    let waiting = next(&first, Status::AwaitingConfirmation);
    write(store, [update(&waiting)]).await.unwrap();
    let error = write(store, [insert(&second)]).await.unwrap_err();
    assert!(matches!(error, CommitError::OrderActive(_)), "{error}");

    // Another application does not notice.
    write(store, [insert(&order(app_id(), OrderKind::Deploy, 2))]).await.unwrap();

    for (revision, terminal) in
        [Status::Succeeded, Status::Failed, Status::Aborted, Status::SystemFailed].into_iter().enumerate()
    {
        let app = app_id();
        let before = order(app, OrderKind::Deploy, 0);
        write(store, [insert(&before), update(&next(&before, terminal))]).await.unwrap();
        assert_eq!(store.active_order_of(app).await.unwrap(), None);
        let after = order(app, OrderKind::Deploy, revision as i64);
        write(store, [insert(&after)]).await.unwrap();
    }
}

pub(crate) async fn the_sequence_within_a_commit_does_not_matter_to_the_rule_of_one(store: &dyn Store) {
    for rollback_first in [false, true] {
        let app = app_id();
        let deploy = order(app, OrderKind::Deploy, 0);
        write(store, [insert(&deploy)]).await.unwrap();
        let aborted = next(&deploy, Status::Aborted);
        let rollback = order(app, OrderKind::Rollback, 1);
        let mut writes = [update(&aborted), insert(&rollback)];
        if rollback_first {
            writes.reverse();
        }
        write(store, writes).await.unwrap();
        let active = store.active_order_of(app).await.unwrap();
        assert_eq!(active, Some(rollback));
        assert_eq!(store.order(deploy.id).await.unwrap(), Some(aborted));
    }

    let app = app_id();
    let both = [insert(&order(app, OrderKind::Deploy, 0)), insert(&order(app, OrderKind::Deploy, 0))];
    let error = write(store, both).await.unwrap_err();
    assert!(matches!(error, CommitError::OrderActive(_)), "{error}");
    assert_eq!(store.orders_of(app, 10).await.unwrap(), []);
}

pub(crate) async fn a_revived_order_counts_as_active(store: &dyn Store) {
    let app = app_id();
    let first = order(app, OrderKind::Deploy, 0);
    let failed = next(&first, Status::Failed);
    let revived = next(&failed, Status::Running);
    write(store, [insert(&first), update(&failed)]).await.unwrap();
    let second = order(app, OrderKind::ScaleOut, 1);
    write(store, [insert(&second)]).await.unwrap();
    match write(store, [update(&revived)]).await {
        Err(CommitError::OrderActive(active)) => assert_eq!(active, second.id),
        other => panic!("{other:?}"),
    }
    write(store, [update(&next(&second, Status::Succeeded))]).await.unwrap();
    write(store, [update(&revived)]).await.unwrap();
    let active = store.active_order_of(app).await.unwrap();
    assert_eq!(active, Some(revived));
}

pub(crate) async fn a_commit_is_all_or_nothing(store: &dyn Store) {
    let app = app("web");
    let running = order(app.id, OrderKind::Deploy, 0);
    write(store, [insert_app(&app), insert(&running)]).await.unwrap();

    let other = crate::samples::app("other");
    let writes = [
        update(&next(&running, Status::Succeeded)),
        insert_app(&other),
        put_version(&version(app.id, 1)),
        StoreWrite::AppendEvents(running.id, vec![event("Finished")]),
        StoreWrite::DeleteApp(app.id),
        // The last one is refused.
        insert_app(&other),
    ];
    write(store, writes).await.unwrap_err();

    assert_eq!(store.active_order_of(app.id).await.unwrap(), Some(running.clone()));
    assert_eq!(store.app(other.id).await.unwrap(), None);
    assert_eq!(store.app(app.id).await.unwrap(), Some(app.clone()));
    assert_eq!(store.versions(app.id, 10).await.unwrap(), []);
    assert_eq!(store.events(running.id, 0).await.unwrap(), []);
}

pub(crate) async fn orders_are_listed_newest_first(store: &dyn Store) {
    let app = app_id();
    let mut ids = Vec::new();
    // The last two have the same time: the one that came later is the newer.
    for seconds in [10, 30, 20, 20] {
        let mut order = order(app, OrderKind::Deploy, seconds);
        order.status = Status::Succeeded;
        write(store, [insert(&order)]).await.unwrap();
        ids.push(order.id);
    }
    write(store, [insert(&order(app_id(), OrderKind::Deploy, 99))]).await.unwrap();

    let listed = async |limit| -> Vec<OrderId> {
        let orders = store.orders_of(app, limit).await.unwrap();
        orders.iter().map(|order| order.id).collect()
    };
    assert_eq!(listed(10).await, [ids[1], ids[3], ids[2], ids[0]]);
    assert_eq!(listed(2).await, [ids[1], ids[3]]);
    assert_eq!(listed(0).await, []);
}

pub(crate) async fn active_orders_come_rollbacks_first(store: &dyn Store) {
    let deploy = order(app_id(), OrderKind::Deploy, 5);
    let older = order(app_id(), OrderKind::ScaleIn, 1);
    let rollback = order(app_id(), OrderKind::Rollback, 9);
    let late_rollback = order(app_id(), OrderKind::Rollback, 10);
    let finished = order(app_id(), OrderKind::Rollback, 0);
    for order in [&deploy, &late_rollback, &finished, &older, &rollback] {
        write(store, [insert(order)]).await.unwrap();
    }
    write(store, [update(&next(&finished, Status::Failed))]).await.unwrap();
    assert_eq!(store.active_orders().await.unwrap(), [rollback.id, late_rollback.id, older.id, deploy.id]);
}

pub(crate) async fn an_order_is_found_by_its_parts(store: &dyn Store) {
    let mut one = order(app_id(), OrderKind::Deploy, 0);
    let other = order(app_id(), OrderKind::Deploy, 0);
    write(store, [insert(&one), insert(&other)]).await.unwrap();
    let second_pipeline = one.id.part("pipeline/1");
    assert_eq!(store.order_of_part(second_pipeline).await.unwrap(), None);

    one = next(&one, Status::Running);
    one.pipelines.push(pipeline(second_pipeline));
    write(store, [update(&one)]).await.unwrap();
    for order in [&one, &other] {
        for part in order.parts() {
            let found = store.order_of_part(part).await.unwrap();
            assert_eq!(found.as_ref(), Some(order));
        }
    }
    let task = one.task_id(1, Stage::Complete);
    let found = store.order_of_part(task).await.unwrap();
    assert_eq!(found, Some(one.clone()));
    let nobodys = one.id.part("pipeline/2");
    assert_eq!(store.order_of_part(nobodys).await.unwrap(), None);
}

pub(crate) async fn events_are_numbered_and_only_appended(store: &dyn Store) {
    let one = order(app_id(), OrderKind::Deploy, 0);
    let other = order(app_id(), OrderKind::Deploy, 0);
    write(store, [insert(&one), insert(&other)]).await.unwrap();
    let append = |order: OrderId, kinds: &[&str]| {
        StoreWrite::AppendEvents(order, kinds.iter().map(|kind| event(kind)).collect())
    };
    write(store, [append(one.id, &["A", "B"])]).await.unwrap();
    write(store, [append(other.id, &["X"]), append(one.id, &["C"])]).await.unwrap();
    write(store, [append(one.id, &[])]).await.unwrap();

    let all = [(1, event("A")), (2, event("B")), (3, event("C"))];
    assert_eq!(store.events(one.id, 0).await.unwrap(), all);
    assert_eq!(store.events(one.id, 2).await.unwrap(), all[2..]);
    assert_eq!(store.events(one.id, 3).await.unwrap(), []);
    assert_eq!(store.events(one.id, u64::MAX).await.unwrap(), []);
    assert_eq!(store.events(other.id, 0).await.unwrap(), [(1, event("X"))]);

    let unknown = OrderId::new(Uuid::new_v4());
    let error = write(store, [append(unknown, &["A"])]).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(_)), "{error}");
    assert_eq!(store.events(unknown, 0).await.unwrap(), []);
}

pub(crate) async fn of_fifty_at_once_one_wins(store: &dyn Store) {
    let app = app_id();
    let orders: Vec<_> = (0..50).map(|seconds| order(app, OrderKind::Deploy, seconds)).collect();
    let outcomes = join_all(orders.iter().map(|order| write(store, [insert(order)]))).await;

    let active = store.active_order_of(app).await.unwrap().unwrap();
    let mut winners = Vec::new();
    for (order, outcome) in orders.iter().zip(outcomes) {
        match outcome {
            Ok(()) => winners.push(order.id),
            Err(CommitError::OrderActive(id)) => assert_eq!(id, active.id),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners, [active.id]);
    assert_eq!(store.orders_of(app, 100).await.unwrap().len(), 1);
}
