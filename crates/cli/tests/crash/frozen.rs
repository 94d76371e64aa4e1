//! Two servers on one store, as processes: one is stopped in the middle of a write, the other takes its order over, and the first goes on.
//!
//! Where it was stopped, it believes that the order is its own. What it does then changes nothing: the cluster refuses its patch, because
//! the object has moved on since its read, and the store refuses its commit, because its lease is another's by now.

use std::path::Path;

use serde_json::Value;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

use crate::site::{Patience, Server, Site, V1, V2, two_batches};

/// A server that shares the store.
async fn serve(site: &Site, more: &[(&str, &str)]) -> Server {
    let mut command = site.command(&[]);
    command.env("STERNWAY_SHARED_STORE", "1");
    for (name, value) in more {
        command.env(name, value);
    }
    match site.try_serve(&mut command).await {
        Ok(server) => server,
        Err(process) => panic!("the server did not start:\n{}", process.said()),
    }
}

/// All that is stored but leases, as text.
async fn stored(database: &mut SqliteConnection) -> String {
    let mut text = String::new();
    for table in ["orders", "events", "versions", "apps"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY rowid")));
        for row in rows.fetch_all(&mut *database).await.unwrap() {
            for column in 0..row.len() {
                let value = row.try_get_unchecked::<Option<Vec<u8>>, _>(column).unwrap().unwrap_or_default();
                text.push_str(&String::from_utf8_lossy(&value));
                text.push('|');
            }
            text.push('\n');
        }
    }
    text
}

/// Waits until a server that notes its points has come to one.
async fn comes_to(path: &Path, point: &str) {
    let patience = Patience::for_(format!("the server to come to {point}"));
    while !std::fs::read_to_string(path).unwrap_or_default().lines().any(|line| line == point) {
        patience.glance().await;
    }
}

/// Stopped at `point`, and on its way again as far as `beyond`.
async fn changes_nothing(point: &str, beyond: &str) {
    let site = Site::new().await;
    let server = site.serve().await;
    let app = server.create(&site).await;
    server.process.kill().await;
    let pods = site.pods().await;

    let points = site.data().join("points");
    let slow = serve(&site, &[("STERNWAY_STOP_AT", point), ("STERNWAY_CRASH_COUNT", points.to_str().unwrap())]).await;
    let strategy = two_batches("manual");
    let parameters = [("AppId", app.as_str()), ("Image", V2), ("UpdateStrategy", strategy.as_str())];
    let stopped = async {
        let patience = Patience::for_(format!("the server to stop at {point}"));
        while !slow.process.is_stopped() {
            patience.glance().await;
        }
    };
    // It may be stopped before its answer goes out.
    let mut asked = Box::pin(slow.client.call("DeployK8sApplication", &parameters));
    tokio::select! {
        _ = &mut asked => {}
        () = stopped => {}
    }
    let patience = Patience::for_(format!("the server to stop at {point}"));
    while !slow.process.is_stopped() {
        patience.glance().await;
    }

    let other = serve(&site, &[]).await;
    let orders = other.client.call("ListRecentChangeOrder", &[("AppId", &app)]).await.done();
    let order = orders["ChangeOrderList"]["ChangeOrder"][0]["ChangeOrderId"].as_str().unwrap().to_owned();
    other.at_gate(&order).await;
    site.consists_of(&[(V1, 2), (V2, 2)]).await;
    let file = site.data().join("sternway.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut database = options.connect().await.unwrap();
    let everything = async |database: &mut SqliteConnection| -> (String, Value) {
        (stored(database).await, site.deployment().await)
    };
    let before = everything(&mut database).await;
    assert!(before.0.contains(&order) && !slow.process.said().contains("an effect was not performed"));

    slow.process.thaw();
    comes_to(&points, beyond).await;
    assert_eq!(slow.status(&order).await, 8, "it is well, and reads what the other has made of the order");
    assert!(everything(&mut database).await == before, "{point}: something was changed, in store or cluster");

    // The order is the other one's: to go on with, and to end.
    let which = [("ChangeOrderId", order.as_str())];
    let (first, second) = tokio::join!(
        slow.client.call("AbortAndRollbackChangeOrder", &which),
        other.client.call("AbortAndRollbackChangeOrder", &which)
    );
    let rollback = first.done()["Data"]["ChangeOrderId"].as_str().unwrap().to_owned();
    assert_eq!(
        second.done()["Data"]["ChangeOrderId"],
        Value::from(rollback.as_str()),
        "one rollback, whoever is asked"
    );
    assert_eq!(other.end_of(&rollback).await, 2);
    site.settled(V1, 4).await;
    assert!(site.lowest_since(&pods).await >= 3);
    assert!(!slow.process.is_stopped());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_before_its_write_changes_nothing() {
    changes_nothing("write:before:1", "write:after:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_after_its_write_changes_nothing_more() {
    // What it commits then is what became of the write: the third commit after the deploy and its first step.
    changes_nothing("write:after:1", "commit:after:3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_stopped_before_its_commit_changes_nothing() {
    // The first commit is the deploy's own; the second is the first under a lease.
    changes_nothing("commit:before:2", "commit:after:2").await;
}
