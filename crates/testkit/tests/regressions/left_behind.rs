//! Releases that begin on what others left behind: found by one seed in thirty thousand.

use sternway_testkit::script::{Action, Ask, Change, Point, Release, Script, Setup, What};

use super::{client, client_of, deploy, keeps_every_promise, outside, release, setup, step};

/// A release on what an abort left: three templates, and a pod on a lost node. The wave that was to cost that pod cost a ready one that was made under
/// the hold.
#[test]
fn a_ready_pod_made_under_a_hold_is_not_spared_by_one_on_a_lost_node() {
    let script = Script {
        setup: Setup { processes: 1, nodes: 3, replicas: vec![2, 3], calm: false },
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(0, client_of(0, 1, Ask::Create)),
            step(20_000, client_of(0, 1, Ask::Deploy(Release { wait_seconds: Some(6), ..release(0, 2, 108) }))),
            step(55_330, Action::Outside { app: 1, change: Change::Image(2) }),
            step(57_832, client_of(0, 1, Ask::Deploy(Release { min_ready_seconds: Some(1), ..release(0, 3, 100) }))),
            step(82_019, client_of(0, 1, Ask::Continue { confirm: true })),
            step(82_165, client_of(0, 1, Ask::Abort { back: 0 })),
            step(136_583, Action::Node { number: 1, lost: true }),
            step(
                149_992,
                client_of(0, 1, Ask::Deploy(Release { wait_seconds: Some(1), on_failure: 1, ..release(3, 2, 129) })),
            ),
            step(173_748, client_of(0, 1, Ask::Abort { back: 0 })),
            step(174_026, client_of(0, 1, Ask::Deploy(Release { wait_seconds: Some(1), ..release(3, 2, 117) }))),
        ],
    };
    keeps_every_promise(&script, &[80_335]);
}

/// The same, after a rollback that did not end in time, where a pod of the bad version stays beside three good ones.
#[test]
fn a_rollback_that_ran_out_of_time_leaves_no_ready_pod_uncounted() {
    let script = Script {
        setup: Setup { processes: 1, nodes: 3, replicas: vec![2, 4], calm: false },
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(0, client_of(0, 1, Ask::Create)),
            step(16_000, Action::Outside { app: 1, change: Change::Strategy(1, 0) }),
            step(20_000, client(0, Ask::Deploy(Release { gray: Some(1), wait_seconds: Some(7), ..release(7, 3, 80) }))),
            step(20_000, client_of(0, 1, Ask::Deploy(Release { wait_seconds: Some(1), ..release(8, 3, 112) }))),
            step(26_694, client(0, Ask::AbortAndRollback { back: 0 })),
            step(36_929, client(0, Ask::Stop)),
            step(37_717, client_of(0, 1, Ask::History { version: 1, batches: 2 })),
            step(41_862, client(0, Ask::Continue { confirm: true })),
            step(47_222, client_of(0, 1, Ask::AbortAndRollback { back: 0 })),
            step(174_897, client_of(0, 1, Ask::Deploy(Release { wait_seconds: Some(3), ..release(3, 1, 39) }))),
        ],
    };
    keeps_every_promise(&script, &[155_059]);
}

/// The same, after an image was set by hand.
#[test]
fn an_image_set_by_hand_beside_a_bad_version_keeps_the_floor() {
    let script = Script {
        setup: Setup { processes: 2, nodes: 3, replicas: vec![3, 4], calm: false },
        steps: vec![
            step(0, client_of(1, 1, Ask::Create)),
            step(
                20_000,
                client_of(
                    1,
                    1,
                    Ask::Deploy(Release { wait_seconds: Some(0), replicas: Some(6), ..release(8, 3, 102) }),
                ),
            ),
            step(56_474, client_of(1, 1, deploy(3, 3, 99))),
            step(61_472, client_of(0, 1, Ask::Abort { back: 0 })),
            step(66_987, client_of(0, 1, Ask::Deploy(Release { on_failure: 1, ..release(2, 3, 127) }))),
            step(95_104, client_of(1, 1, Ask::Abort { back: 0 })),
            step(101_262, Action::Outside { app: 1, change: Change::Image(0) }),
            step(
                106_658,
                client_of(1, 1, Ask::Deploy(Release { wait_seconds: Some(2), on_failure: 2, ..release(1, 1, 63) })),
            ),
        ],
    };
    keeps_every_promise(&script, &[158_096]);
}

/// The same, and then the line that goes back without a server.
#[test]
fn the_line_restores_beside_what_a_bad_version_left() {
    let script = Script {
        setup: setup(2, 5, false),
        steps: vec![
            step(0, client(1, Ask::Create)),
            step(16_000, outside(Change::Strategy(3, 0))),
            step(20_000, client(1, Ask::Deploy(Release { gray: Some(1), ..release(2, 2, 120) }))),
            step(52_592, client(0, Ask::Abort { back: 0 })),
            step(68_567, client(0, Ask::Deploy(Release { wait_seconds: Some(1), ..release(4, 2, 45) }))),
            step(69_037, client(0, Ask::Abort { back: 0 })),
            step(
                69_154,
                client(
                    1,
                    Ask::Deploy(Release {
                        wait_seconds: Some(4),
                        on_failure: 1,
                        min_ready_seconds: Some(0),
                        ..release(6, 3, 92)
                    }),
                ),
            ),
            step(138_475, Action::Vanish),
        ],
    };
    keeps_every_promise(&script, &[120_893]);
}

/// Scaled from seven to one before the first wave, while the sets were still as they had been: a wave of four new pods was asked for, of an application of one.
#[test]
fn scaling_in_what_is_held_is_waited_for() {
    let script = Script {
        setup: setup(1, 3, true),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(
                20_000,
                client(0, Ask::Deploy(Release { wait_seconds: Some(3), on_failure: 2, ..release(2, 3, 300) })),
            ),
            step(32_056, client(0, Ask::Abort { back: 0 })),
            step(51_348, client(0, Ask::Scale { replicas: 5 })),
            step(70_304, client(0, Ask::Stop)),
            step(85_981, client(0, Ask::Stop)),
            step(92_090, client(0, Ask::Continue { confirm: true })),
            step(109_648, client(0, Ask::Scale { replicas: 7 })),
            step(110_483, client(0, Ask::Deploy(Release { on_failure: 1, ..release(3, 2, 300) }))),
            step(
                110_690,
                client(
                    0,
                    Ask::Deploy(Release { wait_seconds: Some(3), min_ready_seconds: Some(3), ..release(3, 2, 300) }),
                ),
            ),
            step(111_267, client(0, Ask::Deploy(Release { gray: Some(1), replicas: Some(6), ..release(3, 1, 300) }))),
            step(111_473, client(0, Ask::Deploy(Release { on_failure: 2, ..release(1, 1, 300) }))),
            step(
                117_536,
                client(0, Ask::Deploy(Release { wait_seconds: Some(3), replicas: Some(1), ..release(2, 1, 300) })),
            ),
            step(133_514, client(0, Ask::Continue { confirm: true })),
        ],
    };
    keeps_every_promise(&script, &[184_215]);
}

/// All new before the last batch, which never began, and broken from then on: the deadline of giving back was counted from the beginning of that batch, and never came.
#[test]
fn a_release_that_breaks_while_it_gives_back_ends() {
    let script = Script {
        setup: setup(1, 5, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(16_000, outside(Change::Strategy(3, 2))),
            step(
                20_000,
                client(0, Ask::Deploy(Release { wait_seconds: Some(0), replicas: Some(4), ..release(0, 2, 47) })),
            ),
            step(72_788, outside(Change::Strategy(3, 0))),
            step(74_337, client(0, deploy(8, 3, 121))),
            step(85_148, outside(Change::Strategy(2, 2))),
            step(100_148, client(0, Ask::Continue { confirm: true })),
        ],
    };
    keeps_every_promise(&script, &[72_546]);
}

/// Somebody set an image while a release that was accepted had no server to begin it, and then it was rolled back: to the version that ran when it was
/// born, by the line as by the order.
#[test]
fn a_rollback_before_the_first_write_goes_back_past_an_image_set_by_hand() {
    let point = Point { what: What::Any, countdown: 15, after: false };
    let script = Script {
        setup: setup(1, 2, false),
        steps: vec![
            step(0, client(0, Ask::Create)),
            step(53_314, Action::Crash { process: 0, point, same_name: false, down_ms: 13_067 }),
            step(64_161, client(0, Ask::Deploy(Release { wait_seconds: Some(7), ..release(0, 2, 117) }))),
            step(71_212, outside(Change::Image(2))),
            step(80_746, client(0, Ask::AbortAndRollback { back: 0 })),
            step(86_196, Action::Vanish),
        ],
    };
    keeps_every_promise(&script, &[178_938]);
}
