//! Thousands of hostile requests, made from the catalog of operations, and a judge of every answer.
//!
//! ```text
//!  seed ─► dice ─► traffic: operation, parameters (values), signature, tricks (tricks) ─► request ─► connection ─► server
//!                                                                                               answer ─► judge
//! ```
//!
//! A seed fixes everything: each shard has a server, a store and a connection of its own and sends one request after the other. The
//! values are half of what operations expect, about applications and orders that are there, and half of what nobody expects.
//! What may be answered is the judge's; that the judge can condemn is tested beside it. A failure prints the request and how to
//! send it again:
//!
//! ```text
//! STERNWAY_HOSTILE_SEED=7 STERNWAY_HOSTILE_REQUESTS=200000 cargo test -p sternway-server --test hostile
//! ```

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod connection;
mod dice;
#[path = "../it/fake_clusters.rs"]
#[expect(dead_code, reason = "the fixture serves another test program too")]
mod fake_clusters;
#[path = "../it/fake_objects.rs"]
#[expect(dead_code, reason = "the fixture serves another test program too")]
mod fake_objects;
mod judge;
mod known;
mod live;
mod request;
mod traffic;
mod tricks;
mod values;
mod webhooks;
#[path = "../it/world.rs"]
#[expect(dead_code, reason = "the fixture serves another test program too")]
mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use sternway_core::ports::Records as _;
use sternway_server::Config;
use sternway_wire::catalog::Catalog;

use crate::connection::Connection;
use crate::judge::Verdict;
use crate::live::Live;
use crate::traffic::{Kind, Traffic};
use crate::world::World;

/// Servers that are tried side by side.
const SHARDS: u64 = 4;
/// Requests in the ordinary test run, over all shards.
const REQUESTS: u64 = 24_000;
const SEED: u64 = 20_261_126;
/// After so many requests, hostile ones will have aborted and deleted what was there.
const REQUESTS_PER_LIFE: u64 = 250;
/// After so many requests, the orders that they began are over.
const REQUESTS_PER_ORDER: u64 = 10;

/// Small, so that a body that is too large costs little.
const BODY_LIMIT: usize = 96 << 10;

/// Wrong answers that are shown; one fault often has several faces.
const MOST_SHOWN: usize = 8;
const SEPARATOR: &str = "\n\n================\n\n";

/// How often each operation was answered, by its Code.
type Tally = BTreeMap<(&'static str, String), u64>;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => default,
    }
}

fn config() -> Config {
    Config {
        body_limit: BODY_LIMIT,
        // Patient, so that a busy machine is not taken for a fault.
        request_timeout: Duration::from_secs(120),
        // All come from one address, and no time passes.
        requests_per_second: 0,
        bad_signatures: 0,
        ..Config::default()
    }
}

/// Sends `count` requests to a server of its own and judges the answers.
async fn shard(seed: u64, shard: u64, count: u64, only: Option<Kind>) -> Tally {
    let world = World::with(config()).await;
    let repository = live::prepare(&world).await;
    let mut traffic = Traffic::new(seed.wrapping_mul(SHARDS).wrapping_add(shard));
    let mut connection = Connection::new(&world.host);
    let mut tally = Tally::new();
    let mut live = Live::begin(&world, &repository, 0).await;
    let mut wrong = Vec::new();
    let unsigned_only = only == Some(Kind::Unsigned);
    let before = stored(&world).await;
    for index in 0..count {
        if index > 0 && index % REQUESTS_PER_LIFE == 0 && !unsigned_only {
            live = Live::begin(&world, &repository, index).await;
        } else if index % REQUESTS_PER_ORDER == 0 && !unsigned_only {
            live.settle(&world).await;
        }
        let case = traffic.next(&world.host, &live, only);
        world.clusters.set_mood(case.mood);
        let reply = connection.exchange(&case.request).await;
        match judge::judge(&case, &reply) {
            Verdict::Fine(code) => *tally.entry((case.operation, code)).or_default() += 1,
            Verdict::Wrong(why) => wrong.push(format!(
                "{why}\n\nseed {seed}, shard {shard}, request {index} ({:?} of {}):\n{}\n\nanswer:\n{reply}",
                case.kind, case.operation, case.request
            )),
        }
        assert!(wrong.len() < MOST_SHOWN, "{}", wrong.join(SEPARATOR));
    }
    assert!(wrong.is_empty(), "{}", wrong.join(SEPARATOR));
    if unsigned_only {
        assert_eq!(stored(&world).await, before, "a request that was not let in changed something");
    }
    tally
}

/// All that is stored, as text, without what couriers of webhooks write for themselves.
async fn stored(world: &World) -> String {
    let webhooks = world.store.records("webhook", None).await.unwrap();
    format!("{}{webhooks:?}", world.everything().await)
}

/// What the servers say of their own faults: an answer says only that there was one.
fn show_faults() {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_writer(std::io::stderr);
    // The other test of this program may have been first.
    let _ = log.try_init();
}

async fn shards(only: Option<Kind>, requests: u64) -> Tally {
    show_faults();
    let seed = setting("STERNWAY_HOSTILE_SEED", SEED);
    let count = requests.div_ceil(SHARDS);
    let (a, b, c, d) = tokio::join!(
        shard(seed, 0, count, only),
        shard(seed, 1, count, only),
        shard(seed, 2, count, only),
        shard(seed, 3, count, only)
    );
    let mut sum = Tally::new();
    for (what, times) in [a, b, c, d].into_iter().flatten() {
        *sum.entry(what).or_default() += times;
    }
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_is_answered_as_documented() {
    let requests = setting("STERNWAY_HOSTILE_REQUESTS", REQUESTS);
    let tally = shards(None, requests).await;
    let answered = |operation: &'static str| tally.iter().filter(move |((name, _), _)| *name == operation);
    let served = traffic::served();
    for operation in Catalog::operations() {
        let asked = answered(operation.name).count() > 0;
        assert!(requests < REQUESTS || asked, "{} was never asked for", operation.name);
    }
    // Requests that all fail at the door would find nothing behind it.
    let unreached: Vec<&&str> =
        served.iter().filter(|name| !answered(name).any(|((_, code), _)| code == "200")).collect();
    assert!(requests < REQUESTS || unreached.is_empty(), "never successful: {unreached:?}\n{tally:#?}");
    for code in ["400", "404", "409", "500", "InvalidParameter", "MissingParameter", "Forbidden.RAM", "NotImplemented"]
    {
        let seen = tally.keys().any(|(_, seen)| seen == code);
        assert!(requests < REQUESTS || seen || code == "409", "no answer had the Code {code}\n{tally:#?}");
    }
    for (operation, code) in webhooks::ANSWERS {
        let seen = tally.contains_key(&(operation, code.to_owned()));
        assert!(requests < REQUESTS || seen, "{operation} never answered {code}\n{tally:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_let_in_changes_nothing() {
    shards(Some(Kind::Unsigned), 2_000).await;
}
