//! How the engine does with many orders at once: 1,000 and 5,000 releases against 100, in the same run.
//!
//! Times depend on the machine; what is worth reading are the ratios. Per order, the time should stay about the same however many there
//! are, and a rollback in the midst of them should take about as long as one that is alone.
//!
//! `cargo bench -p sternway-engine`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on is none")]
#![expect(clippy::print_stdout, reason = "the numbers are what this is for")]

#[path = "../tests/many/fleet.rs"]
mod fleet;
#[path = "../tests/many/virtual_clusters.rs"]
mod virtual_clusters;

use std::time::{Duration, Instant};

use sternway_core::order::Status;
use sternway_core::ports::Store as _;
use sternway_core::step::Command;

use crate::fleet::{Fleet, V1, V2, actor, name_of};

const BASELINE: usize = 100;
const COUNTS: [usize; 2] = [1000, 5000];
/// As many as a server has.
const PLACES: usize = 64;

struct Times {
    /// For all releases, per release.
    per_release: Duration,
    /// For a rollback that was asked for when the first release had ended.
    rollback: Duration,
    /// Releases that were still at work when it had ended.
    still_working: usize,
}

async fn measure(count: usize) -> Times {
    let fleet = Fleet::new(count, PLACES).await;
    let orders = fleet.deploy_all().await;
    let began = Instant::now();
    fleet.run();
    let listed = fleet.store.active_orders().await.unwrap();
    let last = *listed.last().unwrap();
    fleet.ended(listed[0]).await;
    let asked = Instant::now();
    let rollback = fleet.engine.command(last, &Command::AbortAndRollback { actor: actor() }).await.unwrap();
    assert_eq!(fleet.ended(rollback).await.status, Status::Succeeded);
    let rollback = asked.elapsed();
    let still_working = fleet.store.active_orders().await.unwrap().len();
    fleet.idle().await;
    let per_release = began.elapsed() / u32::try_from(count).unwrap();
    for (number, order) in orders.iter().enumerate() {
        let (image, status) = if *order == last { (V1, Status::Aborted) } else { (V2, Status::Succeeded) };
        assert_eq!(
            (fleet.clusters.image(&name_of(number)).as_str(), fleet.order(*order).await.status),
            (image, status)
        );
    }
    fleet.end().await;
    Times { per_release, rollback, still_working }
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` only wants to know whether it runs.
    let counts: &[usize] = if std::env::args().any(|argument| argument == "--test") { &[] } else { &COUNTS };
    let baseline = measure(BASELINE).await;
    println!(
        "{:>8} {:>16} {:>7} {:>16} {:>7} {:>14}",
        "releases", "per release", "ratio", "a rollback", "ratio", "still at work"
    );
    let print = |count: usize, times: &Times| {
        let ratio = |one: Duration, base: Duration| one.as_secs_f64() / base.as_secs_f64();
        println!(
            "{count:>8} {:>16?} {:>7.2} {:>16?} {:>7.2} {:>14}",
            times.per_release,
            ratio(times.per_release, baseline.per_release),
            times.rollback,
            ratio(times.rollback, baseline.rollback),
            times.still_working
        );
    };
    print(BASELINE, &baseline);
    for count in counts {
        print(*count, &measure(*count).await);
    }
}
