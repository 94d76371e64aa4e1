//! What the simulation has found, each as the shortest script that showed it, under the seed that did and many others.

#[path = "regressions/left_behind.rs"]
mod left_behind;

use sternway_testkit::script::{Action, Ask, Change, Point, Release, Script, Setup, Step, What};
use sternway_testkit::{Options, run};

fn step(at_ms: u32, action: Action) -> Step {
    Step { at_ms, action }
}

fn client(process: usize, ask: Ask) -> Action {
    client_of(process, 0, ask)
}

fn client_of(process: usize, app: usize, ask: Ask) -> Action {
    Action::Client { process, app, ask }
}

fn outside(change: Change) -> Action {
    Action::Outside { app: 0, change }
}

/// One application of so many pods.
fn setup(processes: usize, replicas: u32, calm: bool) -> Setup {
    Setup { processes, nodes: 3, replicas: vec![replicas], calm }
}

/// A deploy of an image in so many batches, each to be confirmed by a person.
fn deploy(image: usize, batches: u32, timeout_seconds: u32) -> Ask {
    Ask::Deploy(release(image, batches, timeout_seconds))
}

fn release(image: usize, batches: u32, timeout_seconds: u32) -> Release {
    Release { image, batches, timeout_seconds, ..Release::default() }
}

fn keeps_every_promise(script: &Script, seeds: &[u64]) {
    for seed in seeds.iter().copied().chain(0..20) {
        let outcome = run(seed, script, Options { record: true, ..Options::default() });
        assert_eq!(outcome.violation, None, "seed {seed}:\n{}", outcome.timeline.join("\n"));
    }
}

/// A rollback aborted half way is pinned where it stands. The native controller, for a moment, still counted the pods that were back as available,
/// and took an old one away below the floor, as far as the budgets of the pair allowed.
#[test]
fn a_pinned_rollback_keeps_the_floor() {
    let release = Ask::Deploy(Release { gray: Some(1), on_failure: 2, ..release(2, 3, 300) });
    let script = Script {
        setup: setup(2, 4, true),
        steps: vec![
            step(0, client(1, Ask::Create)),
            step(16_000, outside(Change::Strategy(0, 1))),
            step(20_000, client(0, release)),
            step(78_799, client(0, Ask::Continue { confirm: true })),
            step(90_072, client(0, Ask::Continue { confirm: true })),
            step(94_823, client(1, Ask::Abort { back: 0 })),
            step(119_305, client(1, Ask::History { version: 2, batches: 2 })),
            step(123_248, client(0, Ask::Abort { back: 0 })),
        ],
    };
    keeps_every_promise(&script, &[1170]);
}

/// A release was aborted before its first write, and then somebody set another image. The next release took the record of the abort for a hold, and would
/// have gone back past that image.
#[test]
fn what_others_did_after_an_abort_is_gone_back_to() {
    let script = Script {
        setup: setup(1, 4, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(20_000, client(0, deploy(3, 2, 130))),
            step(20_068, client(0, Ask::Abort { back: 0 })),
            step(58_324, outside(Change::Image(2))),
            step(66_383, client(0, deploy(4, 1, 125))),
        ],
    };
    keeps_every_promise(&script, &[9864]);
}

/// A release was aborted after its last write had given everything back. The next one took its floor from the version before.
#[test]
fn a_release_after_one_that_was_aborted_at_its_end_has_the_floor_of_what_runs() {
    let script = Script {
        setup: setup(1, 1, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(16_000, outside(Change::Strategy(0, 1))),
            step(41_795, client(0, Ask::History { version: 1, batches: 1 })),
            step(42_398, client(0, Ask::Abort { back: 0 })),
            step(98_901, client(0, deploy(2, 1, 40))),
        ],
    };
    keeps_every_promise(&script, &[16918]);
}

/// As before, and the release after it fails: it goes back to what ran, which is the version of the release that was aborted.
#[test]
fn a_release_after_one_that_was_aborted_at_its_end_goes_back_to_what_ran() {
    let release = Ask::Deploy(Release { wait_seconds: Some(2), ..release(1, 2, 66) });
    let script = Script {
        setup: setup(1, 3, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(20_000, client(0, deploy(6, 3, 46))),
            step(20_006, client(0, release)),
            step(26_879, client(0, Ask::Abort { back: 0 })),
            step(32_893, client(0, deploy(6, 3, 35))),
        ],
    };
    keeps_every_promise(&script, &[24534, 24446, 32487, 34581]);
}

/// A server died right after its first write, and before the next one took over, somebody scaled to zero. The write was refused when it was tried again,
/// and given up; that it held was forgotten.
#[test]
fn a_first_write_whose_answer_was_lost_is_not_forgotten() {
    let release = Ask::Deploy(Release { gray: Some(1), wait_seconds: Some(2), on_failure: 1, ..release(1, 3, 83) });
    let point = Point { what: What::Write, countdown: 0, after: true };
    let script = Script {
        setup: setup(1, 5, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(70_739, Action::Crash { process: 0, point, same_name: false, down_ms: 11_903 }),
            step(73_186, client(0, release)),
            step(82_838, outside(Change::Scale(0))),
        ],
    };
    keeps_every_promise(&script, &[29350]);
}

/// Scaled down to the number of pods that are new already: the last patch leaves those, whatever becomes of the others.
#[test]
fn new_pods_count_when_everything_is_given_back() {
    let release = Ask::Deploy(Release { min_ready_seconds: Some(3), ..release(2, 2, 127) });
    let script = Script {
        setup: setup(1, 5, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(16_000, outside(Change::Strategy(3, 2))),
            step(17_000, outside(Change::Budget(4))),
            step(52_713, client(0, release)),
            step(54_881, outside(Change::Scale(2))),
        ],
    };
    keeps_every_promise(&script, &[26263]);
}

/// Deadlines are times of day. A clock that goes back by hours makes them later by hours, and they come.
#[test]
fn deadlines_come_after_a_clock_went_back() {
    let back = |at_ms| step(at_ms, Action::ClockJump { process: 0, by_ms: -3_600_000 });
    let script = Script {
        setup: setup(1, 1, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(20_000, client(0, deploy(6, 1, 134))),
            back(135_950),
            back(155_448),
            back(166_956),
        ],
    };
    keeps_every_promise(&script, &[18632, 17178, 28267]);
}

/// Somebody scaled up and then set an image by hand: the native controller rolls it out by the application's own strategy, whatever a budget demands.
#[test]
fn what_others_roll_out_is_not_ours_to_judge() {
    let script = Script {
        setup: setup(1, 4, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(16_000, outside(Change::Strategy(3, 1))),
            step(17_000, outside(Change::Budget(9))),
            step(119_567, outside(Change::Scale(9))),
            step(125_898, outside(Change::Image(2))),
            step(150_000, outside(Change::Label(1))),
        ],
    };
    keeps_every_promise(&script, &[53640]);
}
