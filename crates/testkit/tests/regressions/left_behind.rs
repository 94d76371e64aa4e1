//! Releases that begin on what others left behind: found by one seed in thirty thousand.

use sternway_testkit::script::{Action, Ask, Change, Script, Setup};

use super::{keeps_every_promise, step};

/// A release on what an abort left: three templates, and a pod on a lost node. The wave that was to cost that pod cost a ready one that was made under
/// the hold.
#[test]
fn a_ready_pod_made_under_a_hold_is_not_spared_by_one_on_a_lost_node() {
    let script = Script {
        setup: Setup { processes: 1, nodes: 3, replicas: vec![2, 3], calm: false },
        steps: vec![
            step(0, Action::Client { process: 0, app: 0, ask: Ask::Create }),
            step(0, Action::Client { process: 0, app: 1, ask: Ask::Create }),
            step(
                20_000,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 0,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(6),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 108,
                    },
                },
            ),
            step(55_330, Action::Outside { app: 1, change: Change::Image(2) }),
            step(
                57_832,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 0,
                        batches: 3,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: Some(1),
                        timeout_seconds: 100,
                    },
                },
            ),
            step(82_019, Action::Client { process: 0, app: 1, ask: Ask::Continue { confirm: true } }),
            step(82_165, Action::Client { process: 0, app: 1, ask: Ask::Abort { back: 0 } }),
            step(136_583, Action::Node { number: 1, lost: true }),
            step(
                149_992,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(1),
                        on_failure: 1,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 129,
                    },
                },
            ),
            step(173_748, Action::Client { process: 0, app: 1, ask: Ask::Abort { back: 0 } }),
            step(
                174_026,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(1),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 117,
                    },
                },
            ),
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
            step(0, Action::Client { process: 0, app: 0, ask: Ask::Create }),
            step(0, Action::Client { process: 0, app: 1, ask: Ask::Create }),
            step(16_000, Action::Outside { app: 1, change: Change::Strategy(1, 0) }),
            step(
                20_000,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 7,
                        batches: 3,
                        gray: Some(1),
                        wait_seconds: Some(7),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 80,
                    },
                },
            ),
            step(
                20_000,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 8,
                        batches: 3,
                        gray: None,
                        wait_seconds: Some(1),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 112,
                    },
                },
            ),
            step(26_694, Action::Client { process: 0, app: 0, ask: Ask::AbortAndRollback { back: 0 } }),
            step(36_929, Action::Client { process: 0, app: 0, ask: Ask::Stop }),
            step(37_717, Action::Client { process: 0, app: 1, ask: Ask::History { version: 1, batches: 2 } }),
            step(41_862, Action::Client { process: 0, app: 0, ask: Ask::Continue { confirm: true } }),
            step(47_222, Action::Client { process: 0, app: 1, ask: Ask::AbortAndRollback { back: 0 } }),
            step(
                174_897,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 1,
                        gray: None,
                        wait_seconds: Some(3),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 39,
                    },
                },
            ),
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
            step(0, Action::Client { process: 1, app: 1, ask: Ask::Create }),
            step(
                20_000,
                Action::Client {
                    process: 1,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 8,
                        batches: 3,
                        gray: None,
                        wait_seconds: Some(0),
                        on_failure: 0,
                        replicas: Some(6),
                        min_ready_seconds: None,
                        timeout_seconds: 102,
                    },
                },
            ),
            step(
                56_474,
                Action::Client {
                    process: 1,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 3,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 99,
                    },
                },
            ),
            step(61_472, Action::Client { process: 0, app: 1, ask: Ask::Abort { back: 0 } }),
            step(
                66_987,
                Action::Client {
                    process: 0,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 2,
                        batches: 3,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 1,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 127,
                    },
                },
            ),
            step(95_104, Action::Client { process: 1, app: 1, ask: Ask::Abort { back: 0 } }),
            step(101_262, Action::Outside { app: 1, change: Change::Image(0) }),
            step(
                106_658,
                Action::Client {
                    process: 1,
                    app: 1,
                    ask: Ask::Deploy {
                        image: 1,
                        batches: 1,
                        gray: None,
                        wait_seconds: Some(2),
                        on_failure: 2,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 63,
                    },
                },
            ),
        ],
    };
    keeps_every_promise(&script, &[158_096]);
}

/// The same, and then the line that goes back without a server.
#[test]
fn the_line_restores_beside_what_a_bad_version_left() {
    let script = Script {
        setup: Setup { processes: 2, nodes: 3, replicas: vec![5], calm: false },
        steps: vec![
            step(0, Action::Client { process: 1, app: 0, ask: Ask::Create }),
            step(16_000, Action::Outside { app: 0, change: Change::Strategy(3, 0) }),
            step(
                20_000,
                Action::Client {
                    process: 1,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 2,
                        batches: 2,
                        gray: Some(1),
                        wait_seconds: None,
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 120,
                    },
                },
            ),
            step(52_592, Action::Client { process: 0, app: 0, ask: Ask::Abort { back: 0 } }),
            step(
                68_567,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 4,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(1),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 45,
                    },
                },
            ),
            step(69_037, Action::Client { process: 0, app: 0, ask: Ask::Abort { back: 0 } }),
            step(
                69_154,
                Action::Client {
                    process: 1,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 6,
                        batches: 3,
                        gray: None,
                        wait_seconds: Some(4),
                        on_failure: 1,
                        replicas: None,
                        min_ready_seconds: Some(0),
                        timeout_seconds: 92,
                    },
                },
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
        setup: Setup { processes: 1, nodes: 3, replicas: vec![3], calm: true },
        steps: vec![
            step(0, Action::Client { process: 0, app: 0, ask: Ask::Create }),
            step(
                20_000,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 2,
                        batches: 3,
                        gray: None,
                        wait_seconds: Some(3),
                        on_failure: 2,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 300,
                    },
                },
            ),
            step(32_056, Action::Client { process: 0, app: 0, ask: Ask::Abort { back: 0 } }),
            step(51_348, Action::Client { process: 0, app: 0, ask: Ask::Scale { replicas: 5 } }),
            step(70_304, Action::Client { process: 0, app: 0, ask: Ask::Stop }),
            step(85_981, Action::Client { process: 0, app: 0, ask: Ask::Stop }),
            step(92_090, Action::Client { process: 0, app: 0, ask: Ask::Continue { confirm: true } }),
            step(109_648, Action::Client { process: 0, app: 0, ask: Ask::Scale { replicas: 7 } }),
            step(
                110_483,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 2,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 1,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 300,
                    },
                },
            ),
            step(
                110_690,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(3),
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: Some(3),
                        timeout_seconds: 300,
                    },
                },
            ),
            step(
                111_267,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 3,
                        batches: 1,
                        gray: Some(1),
                        wait_seconds: None,
                        on_failure: 0,
                        replicas: Some(6),
                        min_ready_seconds: None,
                        timeout_seconds: 300,
                    },
                },
            ),
            step(
                111_473,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 1,
                        batches: 1,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 2,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 300,
                    },
                },
            ),
            step(
                117_536,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 2,
                        batches: 1,
                        gray: None,
                        wait_seconds: Some(3),
                        on_failure: 0,
                        replicas: Some(1),
                        min_ready_seconds: None,
                        timeout_seconds: 300,
                    },
                },
            ),
            step(133_514, Action::Client { process: 0, app: 0, ask: Ask::Continue { confirm: true } }),
        ],
    };
    keeps_every_promise(&script, &[184_215]);
}

/// All new before the last batch, which never began, and broken from then on: the deadline of giving back was counted from the beginning of that batch, and never came.
#[test]
fn a_release_that_breaks_while_it_gives_back_ends() {
    let script = Script {
        setup: Setup { processes: 1, nodes: 3, replicas: vec![5], calm: false },
        steps: vec![
            step(0, Action::Client { process: 0, app: 0, ask: Ask::Create }),
            step(16_000, Action::Outside { app: 0, change: Change::Strategy(3, 2) }),
            step(
                20_000,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 0,
                        batches: 2,
                        gray: None,
                        wait_seconds: Some(0),
                        on_failure: 0,
                        replicas: Some(4),
                        min_ready_seconds: None,
                        timeout_seconds: 47,
                    },
                },
            ),
            step(72_788, Action::Outside { app: 0, change: Change::Strategy(3, 0) }),
            step(
                74_337,
                Action::Client {
                    process: 0,
                    app: 0,
                    ask: Ask::Deploy {
                        image: 8,
                        batches: 3,
                        gray: None,
                        wait_seconds: None,
                        on_failure: 0,
                        replicas: None,
                        min_ready_seconds: None,
                        timeout_seconds: 121,
                    },
                },
            ),
            step(85_148, Action::Outside { app: 0, change: Change::Strategy(2, 2) }),
            step(100_148, Action::Client { process: 0, app: 0, ask: Ask::Continue { confirm: true } }),
        ],
    };
    keeps_every_promise(&script, &[72_546]);
}
