//! Runs many seeds on all cores, and tells of the first that fails: seed, shortest list of steps, timeline.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use sternway_testkit::{Options, run, run_seed, script, shrink};

/// Every so many seeds one runs on SQLite.
const SQLITE_EVERY: u64 = 100;

struct Wish {
    from: u64,
    seeds: u64,
    keep_going: bool,
}

fn wish() -> Result<Wish, String> {
    let mut wish = Wish { from: 0, seeds: 2000, keep_going: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let text = arguments.next().unwrap_or_default();
            text.parse().map_err(|_| format!("{argument} needs a number, not `{text}`"))
        };
        match argument.as_str() {
            "--seeds" => wish.seeds = number()?,
            "--from" => wish.from = number()?,
            "--keep-going" => wish.keep_going = true,
            other => return Err(format!("unknown argument `{other}`: --seeds N, --from S, --keep-going")),
        }
    }
    Ok(wish)
}

fn options(seed: u64) -> Options {
    Options { sqlite: seed % SQLITE_EVERY == SQLITE_EVERY - 1, ..Options::default() }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]
fn main() -> ExitCode {
    let wish = match wish() {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let (next, stop) = (AtomicU64::new(wish.from), AtomicBool::new(false));
    let (done, happenings, orders) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let end = wish.from + wish.seeds;
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = std::panic::catch_unwind(|| run_seed(seed, options(seed)));
                    let failure = match outcome {
                        Ok(outcome) => {
                            happenings.fetch_add(outcome.happenings, Ordering::Relaxed);
                            orders.fetch_add(outcome.orders as u64, Ordering::Relaxed);
                            outcome.violation.map(|violation| format!("{}: {}", violation.promise, violation.text))
                        }
                        Err(_) => Some("it panicked".to_owned()),
                    };
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(500) {
                        eprintln!("{done} of {} seeds, {:.0} s", wish.seeds, began.elapsed().as_secs_f64());
                    }
                    if let Some(failure) = failure {
                        let brief: String = failure.chars().take(300).collect();
                        eprintln!("seed {seed} fails: {brief}");
                        if let Ok(mut failed) = failed.lock() {
                            failed.push((seed, failure));
                        }
                        stop.store(!wish.keep_going, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_default();
    println!(
        "{} seeds, {} orders, {} happenings, {:.1} s: {} failed",
        done.into_inner(),
        orders.into_inner(),
        happenings.into_inner(),
        began.elapsed().as_secs_f64(),
        failed.len()
    );
    let Some((seed, _)) = failed.iter().min() else {
        return ExitCode::SUCCESS;
    };
    explain(*seed);
    ExitCode::FAILURE
}

#[expect(clippy::print_stdout, reason = "a command's output")]
fn explain(seed: u64) {
    let options = options(seed);
    let whole = script::generate(seed);
    let short = shrink(seed, &whole, options);
    let outcome = run(seed, &short, Options { record: true, ..options });
    println!("\nseed {seed}, {} of {} steps: {:#?}", short.steps.len(), whole.steps.len(), short);
    println!("\ntimeline:");
    for line in outcome.timeline {
        println!("{line}");
    }
    if let Some(violation) = outcome.violation {
        println!("\nbroken promise: {}\n{}", violation.promise, violation.text);
    }
}
