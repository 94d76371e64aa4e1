//! The driver: takes what happens next from the queue, lets it happen, lets the process concerned move, and asks the judge.

mod client;
mod finale;
mod outside;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sternway_store::{MasterKey, SqliteStore};

use crate::breakage::Breakage;
use crate::cluster::send;
use crate::judge::Outside;
pub use crate::judge::Violation;
use crate::memory_store::MemoryStore;
use crate::script::{Action, Script};
use crate::server::Server;
use crate::store::Disk;
use crate::universe::{Fate, Happening, ProcessId, Universe};

/// More than any run needs; whoever needs more never ends.
const MOST_HAPPENINGS: u64 = 400_000;
/// More than happens at one moment.
const MOST_AT_ONCE: u64 = 1000;

/// How a run is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What is broken on purpose.
    pub breakage: Option<Breakage>,
    /// Whether the store is SQLite, not memory.
    pub sqlite: bool,
    /// Whether a timeline is kept.
    pub record: bool,
}

/// What became of a run.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// What happened, line by line, if it was asked for.
    pub timeline: Vec<String>,
    /// How many things happened.
    pub happenings: u64,
    /// Orders that were born.
    pub orders: usize,
}

/// Runs a script; `seed` fixes all that it leaves open.
pub fn run(seed: u64, script: &Script, options: Options) -> Outcome {
    let place = options.sqlite.then(Sqlite::open);
    let disk = match &place {
        Some(sqlite) => Disk { store: Arc::clone(&sqlite.store) as _, runtime: Some(sqlite.runtime.handle().clone()) },
        None => Disk { store: Arc::new(MemoryStore::default()), runtime: None },
    };
    let mut world = World::new(seed, script, options, disk);
    world.play();
    let outcome = world.outcome();
    if let Some(sqlite) = place {
        sqlite.runtime.block_on(sqlite.store.close());
    }
    outcome
}

/// A database that goes with the run.
struct Sqlite {
    runtime: tokio::runtime::Runtime,
    store: Arc<SqliteStore>,
    _directory: tempfile::TempDir,
}

impl Sqlite {
    fn open() -> Self {
        // Where there is memory to write to, a run costs no disk.
        let memory = std::path::Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
            .expect("a temporary directory");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let key = MasterKey::load_or_create(directory.path()).expect("a key can be made");
        let store = runtime.block_on(SqliteStore::open(directory.path(), key)).expect("a new database opens");
        Self { runtime, store: Arc::new(store), _directory: directory }
    }
}

/// One run.
pub(crate) struct World<'s> {
    script: &'s Script,
    universe: Arc<Universe>,
    disk: Disk,
    servers: Vec<Option<Server>>,
    /// Names that processes take when they start.
    names: Vec<String>,
    happenings: u64,
    /// Since when, and how often, something has happened at one and the same moment.
    at_once: (Timestamp, u64),
    vanished: bool,
}

fn start() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("a moment within the calendar")
}

pub(crate) fn workload_name(app: usize) -> String {
    ["web", "api"][app % 2].to_owned()
}

impl<'s> World<'s> {
    fn new(seed: u64, script: &'s Script, options: Options, disk: Disk) -> Self {
        let setup = &script.setup;
        let universe = Universe::new(seed, setup, start(), options.breakage, options.record);
        let mut world = Self {
            script,
            universe,
            disk,
            servers: (0..setup.processes).map(|_| None).collect(),
            names: (0..setup.processes).map(|process| format!("server-{process}")).collect(),
            happenings: 0,
            at_once: (start(), 0),
            vanished: false,
        };
        {
            let mut state = world.universe.lock();
            state.judge.calm = setup.calm;
            for (index, step) in script.steps.iter().enumerate() {
                let at = state.now + SignedDuration::from_millis(i64::from(step.at_ms));
                state.agenda.at(at, Happening::Step(index));
            }
            state.cluster_changed();
        }
        for process in 0..setup.processes {
            world.start(process);
        }
        world
    }

    /// To the end of the script, and to the end of what follows from it.
    fn play(&mut self) {
        let last = self.script.steps.last().map_or(0, |step| step.at_ms);
        let until = start() + SignedDuration::from_millis(i64::from(last));
        self.run_until(until);
        if self.vanished {
            self.recover_without_us();
        } else {
            self.come_to_rest();
        }
    }

    fn outcome(self) -> Outcome {
        drop(self.servers);
        let mut state = self.universe.lock();
        Outcome {
            violation: state.judge.violation.take(),
            timeline: state.take_timeline(),
            happenings: self.happenings,
            orders: state.judge.births.len(),
        }
    }

    fn is_over(&self) -> bool {
        self.universe.lock().judge.violation.is_some()
    }

    /// Lets everything happen that happens up to `until`.
    fn run_until(&mut self, until: Timestamp) {
        while !self.is_over() {
            let next = {
                let mut state = self.universe.lock();
                match state.agenda.pop() {
                    Some((time, happening)) if time <= until => {
                        state.now = state.now.max(time);
                        happening
                    }
                    Some((time, happening)) => {
                        state.agenda.at(time, happening);
                        state.now = state.now.max(until);
                        return;
                    }
                    None => {
                        state.now = state.now.max(until);
                        return;
                    }
                }
            };
            self.happenings += 1;
            let now = self.universe.lock().now;
            self.at_once = if self.at_once.0 == now { (now, self.at_once.1 + 1) } else { (now, 0) };
            if self.at_once.1 > MOST_AT_ONCE || self.happenings > MOST_HAPPENINGS {
                self.universe.lock().judge.broken("everything comes to an end", "the run never ends");
            }
            self.happen(next);
            self.bury();
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Resume(process, id) => {
                let mut state = self.universe.lock();
                if let Some(until) = state.processes[process].frozen_until {
                    if until > state.now {
                        return state.agenda.at(until, Happening::Resume(process, id));
                    }
                    state.processes[process].frozen_until = None;
                    state.tell(|| format!("server {process} thaws"));
                }
                let waited = state.resume(id);
                drop(state);
                if waited {
                    self.settle(process);
                }
            }
            Happening::Tick => {
                let mut state = self.universe.lock();
                let state = &mut *state;
                if !state.tick_is_due() {
                    return;
                }
                let before = state.sandbox.storage().revision();
                let due = state.sandbox.tick(state.now);
                state.judge_cluster();
                if state.sandbox.storage().revision() != before {
                    state.schedule_deliveries();
                }
                if let Some(due) = due {
                    state.next_tick(due);
                }
            }
            Happening::Deliver(process, life, kind) => {
                {
                    let mut state = self.universe.lock();
                    let now = state.now;
                    let present = &mut state.processes[process];
                    if present.life != life || !present.alive {
                        return;
                    }
                    let later = present.frozen_until.max(present.stalled_until[kind]).filter(|until| *until > now);
                    if let Some(until) = later {
                        return state.agenda.at(until, Happening::Deliver(process, life, kind));
                    }
                    present.delivery[kind] = false;
                }
                if let Some(server) = &self.servers[process] {
                    server.clusters.deliver(kind);
                }
                self.universe.lock().schedule_delivery(process, kind);
                self.settle(process);
            }
            Happening::Step(index) => {
                let action = self.script.steps[index].action.clone();
                self.act(&action);
            }
            Happening::Start(process) => self.start(process),
        }
    }

    /// Lets a process move, unless it is frozen.
    fn settle(&self, process: ProcessId) {
        let frozen = {
            let state = self.universe.lock();
            state.processes[process].frozen_until.is_some_and(|until| until > state.now)
        };
        if let Some(server) = self.servers[process].as_ref().filter(|_| !frozen) {
            server.settle(&self.universe);
        }
    }

    fn start(&mut self, process: ProcessId) {
        {
            let mut state = self.universe.lock();
            let present = &mut state.processes[process];
            if present.alive || self.vanished {
                return;
            }
            present.alive = true;
            present.life += 1;
            present.seen = [None; 4];
            present.delivery = [false; 4];
            let name = &self.names[process];
            state.tell(|| format!("server {process} starts as {name}"));
            state.schedule_deliveries();
        }
        let server = Server::start(&self.universe, process, &self.disk, self.names[process].clone());
        server.settle(&self.universe);
        self.servers[process] = Some(server);
    }

    /// Processes that have crashed lose everything but the disk.
    fn bury(&mut self) {
        let fallen = std::mem::take(&mut self.universe.lock().fallen);
        for (process, same_name, down_ms) in fallen {
            self.kill(process);
            if !same_name {
                self.names[process] = format!("server-{process}-{}", self.universe.lock().processes[process].life + 1);
            }
            let mut state = self.universe.lock();
            let at = state.now + SignedDuration::from_millis(i64::from(down_ms));
            state.agenda.at(at, Happening::Start(process));
        }
    }

    fn kill(&mut self, process: ProcessId) {
        drop(self.servers[process].take());
        let mut state = self.universe.lock();
        state.processes[process].alive = false;
        state.processes[process].frozen_until = None;
        state.tell(|| format!("server {process} is dead"));
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Client { process, app, ask } => return self.ask(*process, *app, ask),
            Action::Vanish => {
                self.vanished = true;
                (0..self.servers.len()).for_each(|process| self.kill(process));
                return;
            }
            action => self.universe.lock().tell(|| format!("{action:?}")),
        }
        let mut state = self.universe.lock();
        let state = &mut *state;
        let now = state.now;
        let later = |ms: u32| now + SignedDuration::from_millis(i64::from(ms));
        match action {
            Action::Client { .. } => {}
            Action::Outside { app, change } => outside::change(state, &workload_name(*app), change),
            Action::Node { number, lost } => {
                let mark = if *lost { json!("yes") } else { json!(null) };
                let body = json!({"metadata": {"annotations": {"sandbox.sternway.io/lost": mark}}});
                send(state, "PATCH", &format!("/api/v1/nodes/node-{number}"), "application/merge-patch+json", &body);
                for app in 0..self.script.setup.replicas.len() {
                    state.judge.outside(&workload_name(app), Outside::Pods, now);
                }
                state.cluster_changed();
            }
            Action::Crash { process, point, same_name, down_ms } => {
                let fate = Fate::Crash { same_name: *same_name, down_ms: *down_ms };
                state.processes[*process].fates.push((*point, fate));
            }
            Action::Freeze { process, point, for_ms } => {
                state.processes[*process].fates.push((*point, Fate::Freeze { for_ms: *for_ms }));
            }
            Action::ClockJump { process, by_ms } => state.processes[*process].skew_ms += by_ms,
            Action::StoreFault { process, what, after } => state.processes[*process].store_faults.push((*what, *after)),
            Action::ClusterFault { process, fault } => state.processes[*process].cluster_faults.push(*fault),
            Action::ClusterAway { process, for_ms } => state.processes[*process].away_until = Some(later(*for_ms)),
            Action::WatchStalled { process, kind, for_ms } => {
                state.processes[*process].stalled_until[*kind] = Some(later(*for_ms));
            }
            Action::WatchBroken { process, kind } => {
                state.processes[*process].seen[*kind] = None;
                state.schedule_delivery(*process, *kind);
                if let Some(server) = &self.servers[*process] {
                    server.clusters.mirror.fail(sternway_cluster::mirror::Kind::ALL[*kind], "the watch was cut");
                }
            }
            Action::LeaseTaken { app, for_ms } => {
                if let Some(order) = state.judge.active_of(&workload_name(*app)).map(|order| order.id) {
                    let store = Arc::clone(&self.disk.store);
                    let until = later(*for_ms);
                    // The stranger's clock is far ahead: to it, every lease ran out long ago.
                    let ahead = now + SignedDuration::from_hours(24);
                    let taken = self.disk.at_once(async move { store.lease(order, "stranger", ahead, until).await });
                    if let Ok(Some(fence)) = taken {
                        state.judge.leased(usize::MAX, order, fence);
                    }
                }
            }
            Action::Vanish => {}
        }
    }
}
