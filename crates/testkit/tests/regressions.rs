//! What the simulation has found, each as the shortest script that showed it, under the seed that did and many others.

use sternway_testkit::script::{Action, Ask, Change, Script, Setup, Step};
use sternway_testkit::{Options, run};

fn step(at_ms: u32, action: Action) -> Step {
    Step { at_ms, action }
}

fn client(process: usize, ask: Ask) -> Action {
    Action::Client { process, app: 0, ask }
}

fn keeps_every_promise(script: &Script, seed: u64) {
    for seed in std::iter::once(seed).chain(0..40) {
        let outcome = run(seed, script, Options { record: true, ..Options::default() });
        assert_eq!(outcome.violation, None, "seed {seed}:\n{}", outcome.timeline.join("\n"));
    }
}

/// A rollback aborted half way is pinned where it stands. The native controller, for a moment, still counted the pods that were back as available,
/// and took an old one away below the floor, as far as the budgets of the pair allowed.
#[test]
fn a_pinned_rollback_keeps_the_floor() {
    let deploy = Ask::Deploy {
        image: 2,
        batches: 3,
        gray: Some(1),
        wait_seconds: None,
        on_failure: 2,
        replicas: None,
        min_ready_seconds: None,
        timeout_seconds: 300,
    };
    let script = Script {
        setup: Setup { processes: 2, nodes: 3, replicas: vec![4], calm: true },
        steps: vec![
            step(0, client(1, Ask::Create)),
            step(16_000, Action::Outside { app: 0, change: Change::Strategy(0, 1) }),
            step(20_000, client(0, deploy)),
            step(78_799, client(0, Ask::Continue { confirm: true })),
            step(90_072, client(0, Ask::Continue { confirm: true })),
            step(94_823, client(1, Ask::Abort { back: 0 })),
            step(119_305, client(1, Ask::History { version: 2, batches: 2 })),
            step(123_248, client(0, Ask::Abort { back: 0 })),
        ],
    };
    keeps_every_promise(&script, 1170);
}
