//! The promises, over two thousand seeds; and that the same seed is the same run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sternway_testkit::{Options, run_seed};

/// Every so many seeds one runs on SQLite, the others on the store in memory that keeps the same contract.
const SQLITE_EVERY: u64 = 100;

/// Runs seeds on all cores; the failures, by seed.
fn simulate(seeds: std::ops::Range<u64>) -> Vec<String> {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let sqlite = seed % SQLITE_EVERY == SQLITE_EVERY - 1;
                    let outcome = run_seed(seed, Options { sqlite, ..Options::default() });
                    if let Some(violation) = outcome.violation {
                        failed
                            .lock()
                            .expect("no thread broke")
                            .push(format!("seed {seed}: {}: {}", violation.promise, violation.text));
                    }
                }
            });
        }
    });
    failed.into_inner().expect("no thread broke")
}

#[test]
fn two_thousand_seeds_keep_every_promise() {
    let failed = simulate(0..2000);
    assert!(failed.is_empty(), "`scripts/simulate --seeds 1 --from SEED` tells more of each:\n{}", failed.join("\n"));
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [3, 34, 49, 99] {
        let timeline = |sqlite| run_seed(seed, Options { record: true, sqlite, ..Options::default() }).timeline;
        let first = timeline(false);
        assert!(first.len() > 20, "something happens");
        assert_eq!(first, timeline(false), "seed {seed}");
        assert_eq!(first, timeline(true), "seed {seed}: the store on SQLite behaves as the one in memory");
    }
}
