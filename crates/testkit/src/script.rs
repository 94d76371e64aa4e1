//! What happens in a run, apart from the order in which messages arrive: a list of steps that a seed makes and that can be shortened.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The world at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Server processes on one store.
    pub processes: usize,
    /// Nodes of the cluster.
    pub nodes: u16,
    /// Pods that each application begins with.
    pub replicas: Vec<u32>,
    /// Whether nothing but clients and slowness happens: then nothing may fail.
    pub calm: bool,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Milliseconds from the start.
    pub at_ms: u32,
    /// What.
    pub action: Action,
}

/// See [`Step`].
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A client asks a server for something.
    Client { process: usize, app: usize, ask: Ask },
    /// Someone changes the cluster without us.
    Outside { app: usize, change: Change },
    /// A node falls silent, or comes back.
    Node { number: u16, lost: bool },
    /// A server dies at a point and comes back later, perhaps under another name.
    Crash { process: usize, point: Point, same_name: bool, down_ms: u32 },
    /// A server stands still from a point on.
    Freeze { process: usize, point: Point, for_ms: u32 },
    /// A server's clock jumps.
    ClockJump { process: usize, by_ms: i64 },
    /// The store fails a server once, before or after the work was done.
    StoreFault { process: usize, what: What, after: bool },
    /// The API server fails a server once.
    ClusterFault { process: usize, fault: Fault },
    /// A server cannot reach the cluster.
    ClusterAway { process: usize, for_ms: u32 },
    /// A server's watch of one kind stands still.
    WatchStalled { process: usize, kind: usize, for_ms: u32 },
    /// A watch breaks and lists again.
    WatchBroken { process: usize, kind: usize },
    /// A stranger takes the lease of the application's order away.
    LeaseTaken { app: usize, for_ms: u32 },
    /// Sternway is gone for good; a person runs the line that the Deployment carries. Ends the run.
    Vanish,
}

/// What a client may ask for.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Create,
    Deploy(Release),
    History {
        version: u32,
        batches: u32,
    },
    Restart {
        batches: u32,
    },
    /// Confirms the present batch, or says not yet.
    Continue {
        confirm: bool,
    },
    /// `back` orders before the newest.
    Abort {
        back: usize,
    },
    AbortAndRollback {
        back: usize,
    },
    Retry,
    Scale {
        replicas: u32,
    },
    Stop,
    Start {
        replicas: Option<u32>,
    },
    Delete,
}

/// A deploy; by default without a gray batch, and with all batches to be confirmed by a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Release {
    pub image: usize,
    pub batches: u32,
    pub gray: Option<u32>,
    pub wait_seconds: Option<u32>,
    pub on_failure: u8,
    pub replicas: Option<u32>,
    pub min_ready_seconds: Option<u32>,
    pub timeout_seconds: u32,
}

/// What others do to the cluster.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `kubectl scale`, or a HorizontalPodAutoscaler.
    Scale(u32),
    /// `kubectl set image`
    Image(usize),
    /// `kubectl rollout undo`
    Undo,
    /// `kubectl patch` of the strategy: maxSurge, maxUnavailable.
    Strategy(u32, u32),
    /// `kubectl delete deployment`
    Delete,
    /// `kubectl delete pod`
    DeletePod,
    /// A PodDisruptionBudget of so many pods.
    Budget(u32),
    /// A label that means nothing.
    Label(u32),
}

/// Kinds of port calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Commit,
    Lease,
    Load,
    Read,
    Write,
    Any,
}

impl What {
    /// Whether a point for `self` is one for `other`.
    pub(crate) fn includes(self, other: Self) -> bool {
        self == Self::Any || self == other
    }
}

/// The `countdown`-th call of a kind from now, before or after its work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub what: What,
    pub countdown: u32,
    pub after: bool,
}

/// Ways in which an API server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 409, nothing written.
    Conflict,
    /// 429 with Retry-After.
    Busy,
    /// 500
    Internal,
    /// 503
    Unavailable,
    /// The connection breaks before the request arrives.
    Reset,
    /// The write happens and its answer is lost.
    LostAnswer,
    /// The write happens, and its answer comes half a minute later.
    SlowAnswer,
}

/// Images that deploys choose from; the sandbox reads how they behave from their tags.
pub const IMAGES: [&str; 9] = [
    "app:v2",
    "app:v3",
    "app:v4",
    "app:v5-slow3",
    "app:v6-bad",
    "app:v7-nopull",
    "app:v8-neverready",
    "app:v9-dies40",
    "app:v10-fails25",
];
/// Images before this one are good.
pub const GOOD_IMAGES: usize = 4;

/// A run's beginning and its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub setup: Setup,
    pub steps: Vec<Step>,
}

/// The number of the watch of pods.
const PODS: usize = 2;
/// When the world is as it was set up, and clients begin.
const BEGIN_MS: u32 = 20_000;
/// How long clients and troubles go on.
const BUSY_MS: u32 = 160_000;

/// The script of a seed.
pub fn generate(seed: u64) -> Script {
    let mut maker =
        Maker { rng: StdRng::seed_from_u64(seed ^ 0x5173_e5ca_1e00_0001), steps: Vec::new(), processes: 1, apps: 1 };
    maker.make()
}

struct Maker {
    rng: StdRng,
    steps: Vec<Step>,
    processes: usize,
    apps: usize,
}

impl Maker {
    fn make(&mut self) -> Script {
        let calm = self.rng.random_bool(0.25);
        self.processes = if self.rng.random_bool(0.3) { 2 } else { 1 };
        self.apps = if self.rng.random_bool(0.15) { 2 } else { 1 };
        let replicas = (0..self.apps).map(|_| self.replicas()).collect();
        for app in 0..self.apps {
            self.client(0, app, Ask::Create);
            if self.rng.random_bool(0.6) {
                let change = self.strategy();
                self.push(BEGIN_MS - 4_000, Action::Outside { app, change });
            }
            if self.rng.random_bool(0.2) {
                let change = Change::Budget(self.rng.random_range(1..10));
                self.push(BEGIN_MS - 3_000, Action::Outside { app, change });
            }
        }
        self.clients(calm);
        if !calm {
            self.troubles();
            if self.rng.random_bool(0.15) {
                let at = self.rng.random_range(BEGIN_MS..BEGIN_MS + BUSY_MS);
                self.steps.retain(|step| step.at_ms < at);
                self.push(at, Action::Vanish);
            }
        }
        self.steps.sort_by_key(|step| step.at_ms);
        let setup = Setup { processes: self.processes, nodes: 3, replicas, calm };
        Script { setup, steps: std::mem::take(&mut self.steps) }
    }

    fn push(&mut self, at_ms: u32, action: Action) {
        self.steps.push(Step { at_ms, action });
    }

    fn client(&mut self, at_ms: u32, app: usize, ask: Ask) {
        let process = self.rng.random_range(0..self.processes);
        self.push(at_ms, Action::Client { process, app, ask });
    }

    fn replicas(&mut self) -> u32 {
        if self.rng.random_bool(0.06) { self.rng.random_range(8..13) } else { self.rng.random_range(1..6) }
    }

    fn strategy(&mut self) -> Change {
        match self.rng.random_range(0..6) {
            0 => Change::Strategy(0, self.rng.random_range(1..3)),
            1 => Change::Strategy(self.rng.random_range(1..4), 0),
            _ => Change::Strategy(self.rng.random_range(1..4), self.rng.random_range(0..3)),
        }
    }

    fn clients(&mut self, calm: bool) {
        for app in 0..self.apps {
            let mut at = BEGIN_MS;
            let end = at + self.rng.random_range(30_000..BUSY_MS);
            let deploy = self.deploy(calm);
            self.client(at, app, deploy);
            while at < end {
                at += if self.rng.random_bool(0.25) {
                    self.rng.random_range(1..300)
                } else {
                    self.rng.random_range(300..20_000)
                };
                let ask = self.ask(calm);
                let repeats = matches!(ask, Ask::AbortAndRollback { .. }) && self.rng.random_bool(0.4);
                self.client(at, app, ask.clone());
                if repeats {
                    for _ in 0..self.rng.random_range(1..4) {
                        let later = at + self.rng.random_range(0..4000);
                        self.client(later, app, ask.clone());
                    }
                }
            }
        }
    }

    fn back(&mut self) -> usize {
        if self.rng.random_bool(0.75) { 0 } else { self.rng.random_range(1..4) }
    }

    fn ask(&mut self, calm: bool) -> Ask {
        match self.rng.random_range(0..100) {
            0..40 => Ask::Continue { confirm: self.rng.random_bool(0.9) },
            40..60 => self.deploy(calm),
            60..70 => Ask::AbortAndRollback { back: self.back() },
            70..76 => Ask::Abort { back: self.back() },
            76..80 => {
                Ask::Scale { replicas: if calm { self.rng.random_range(1..8) } else { self.rng.random_range(0..9) } }
            }
            80..83 => Ask::History { version: self.rng.random_range(1..5), batches: self.rng.random_range(1..3) },
            83..86 => Ask::Restart { batches: self.rng.random_range(1..3) },
            86..89 => Ask::Stop,
            89..93 => Ask::Start { replicas: self.rng.random_bool(0.3).then(|| self.rng.random_range(1..6)) },
            93..95 => Ask::Delete,
            95..97 => Ask::Create,
            _ => Ask::Retry,
        }
    }

    fn deploy(&mut self, calm: bool) -> Ask {
        let good = calm || self.rng.random_bool(0.7);
        let image =
            if good { self.rng.random_range(0..GOOD_IMAGES) } else { self.rng.random_range(GOOD_IMAGES..IMAGES.len()) };
        Ask::Deploy(Release {
            image,
            batches: self.rng.random_range(1..4),
            gray: self.rng.random_bool(0.2).then_some(1),
            wait_seconds: self.rng.random_bool(0.5).then(|| self.rng.random_range(0..8)),
            on_failure: *[0, 0, 0, 1, 2].choose(&mut self.rng).unwrap_or(&0),
            replicas: self.rng.random_bool(0.1).then(|| self.rng.random_range(1..8)),
            min_ready_seconds: self.rng.random_bool(0.2).then(|| self.rng.random_range(0..4)),
            timeout_seconds: if calm { 300 } else { self.rng.random_range(30..150) },
        })
    }

    fn troubles(&mut self) {
        // Few kinds at a time say more than all of them always.
        let kinds: Vec<u8> = (0..self.rng.random_range(1..4)).map(|_| self.rng.random_range(0..12)).collect();
        for _ in 0..self.rng.random_range(1..10) {
            let Some(kind) = kinds.choose(&mut self.rng).copied() else { return };
            let at = BEGIN_MS + self.rng.random_range(0..BUSY_MS);
            let process = self.rng.random_range(0..self.processes);
            let app = self.rng.random_range(0..self.apps);
            let action = match kind {
                0 | 1 => Action::Crash {
                    process,
                    point: self.point(),
                    same_name: self.rng.random_bool(0.5),
                    down_ms: self.rng.random_range(0..20_000),
                },
                2 | 3 if self.processes > 1 => {
                    Action::Freeze { process, point: self.point(), for_ms: self.rng.random_range(5_000..60_000) }
                }
                2 | 3 => Action::LeaseTaken { app, for_ms: self.rng.random_range(0..20_000) },
                4 => Action::ClockJump {
                    process,
                    by_ms: *[-3_600_000, -20_000, -3_000, 3_000, 20_000, 90_000].choose(&mut self.rng).unwrap_or(&0),
                },
                5 => {
                    let what = *[What::Commit, What::Commit, What::Lease, What::Load]
                        .choose(&mut self.rng)
                        .unwrap_or(&What::Any);
                    Action::StoreFault { process, what, after: self.rng.random_bool(0.5) }
                }
                6 => Action::ClusterFault { process, fault: self.fault() },
                7 => Action::ClusterAway { process, for_ms: self.rng.random_range(500..70_000) },
                8 if self.rng.random_bool(0.7) => Action::WatchStalled {
                    process,
                    kind: self.rng.random_range(0..4),
                    for_ms: self.rng.random_range(500..20_000),
                },
                8 => Action::WatchBroken { process, kind: self.rng.random_range(0..4) },
                9 => Action::Outside { app, change: self.change() },
                10 => self.unseen_deaths(at, process, app),
                _ => {
                    let number = self.rng.random_range(1..=3);
                    let back = at + self.rng.random_range(5_000..100_000);
                    self.push(back, Action::Node { number, lost: false });
                    Action::Node { number, lost: true }
                }
            };
            self.push(at, action);
        }
    }

    /// Pods go while a server's watch of pods stands still: it counts on capacity that is not there.
    fn unseen_deaths(&mut self, at: u32, process: usize, app: usize) -> Action {
        for _ in 0..self.rng.random_range(2..6) {
            let later = at + self.rng.random_range(1..8_000);
            self.push(later, Action::Outside { app, change: Change::DeletePod });
        }
        Action::WatchStalled { process, kind: PODS, for_ms: self.rng.random_range(8_000..20_000) }
    }

    fn point(&mut self) -> Point {
        let what = *[What::Commit, What::Commit, What::Write, What::Write, What::Lease, What::Read, What::Any]
            .choose(&mut self.rng)
            .unwrap_or(&What::Any);
        let most = if matches!(what, What::Any | What::Lease) { 30 } else { 4 };
        Point { what, countdown: self.rng.random_range(0..most), after: self.rng.random_bool(0.5) }
    }

    fn fault(&mut self) -> Fault {
        use Fault::{Busy, Conflict, Internal, LostAnswer, Reset, SlowAnswer, Unavailable};
        *[Conflict, Busy, Internal, Unavailable, Reset, LostAnswer, LostAnswer, SlowAnswer]
            .choose(&mut self.rng)
            .unwrap_or(&Reset)
    }

    fn change(&mut self) -> Change {
        match self.rng.random_range(0..20) {
            0..7 => Change::Scale(if self.rng.random_bool(0.15) { 0 } else { self.rng.random_range(1..12) }),
            7..10 => Change::Image(self.rng.random_range(0..GOOD_IMAGES)),
            10..13 => Change::Undo,
            13..15 => self.strategy(),
            15 => Change::Delete,
            16..18 => Change::DeletePod,
            18 => Change::Budget(self.rng.random_range(1..8)),
            _ => Change::Label(self.rng.random_range(0..9)),
        }
    }
}
