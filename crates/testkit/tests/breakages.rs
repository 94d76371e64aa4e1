//! The simulation can fail: an engine without one of its safeguards is caught.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sternway_testkit::{Breakage, Options, run_seed};

/// Seeds within which each has to be caught.
const SEEDS: u64 = 2000;

/// Where to begin to search for it: near a seed that is known to catch it. Where that is does not matter to the result.
const fn near(breakage: Breakage) -> u64 {
    match breakage {
        Breakage::FloorUnchecked => 678,
        Breakage::GuardIgnored => 258,
        Breakage::StoreFenceIgnored => 27,
        Breakage::PreconditionDropped => 243,
        Breakage::ScaleByDifference => 15,
        Breakage::RollbackRepeated => 23,
        _ => 0,
    }
}

/// Some seed that catches it, and the promise that is broken.
fn caught(breakage: Breakage) -> Option<(u64, String)> {
    let (next, found) = (AtomicU64::new(0), AtomicBool::new(false));
    let search = || {
        while !found.load(Ordering::Relaxed) {
            let tried = next.fetch_add(1, Ordering::Relaxed);
            if tried >= SEEDS {
                return None;
            }
            let seed = (near(breakage) + tried) % SEEDS;
            let outcome = run_seed(seed, Options { breakage: Some(breakage), ..Options::default() });
            if let Some(violation) = outcome.violation {
                found.store(true, Ordering::Relaxed);
                return Some((seed, format!("{}: {}", violation.promise, violation.text)));
            }
        }
        None
    };
    std::thread::scope(|scope| {
        let searches: Vec<_> =
            (0..std::thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(search)).collect();
        searches.into_iter().filter_map(|search| search.join().expect("a search does not break")).min()
    })
}

#[test]
fn every_broken_engine_is_caught() {
    let mut missed = Vec::new();
    for breakage in Breakage::ALL {
        match caught(breakage) {
            Some((seed, how)) => println!("{breakage:?}: seed {seed}: {}", how.chars().take(160).collect::<String>()),
            None => missed.push(breakage),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS} seeds: {missed:?}");
}
