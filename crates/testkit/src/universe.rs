//! What all simulated processes share: virtual time, the queue of what happens next, the cluster, and the judge.
//!
//! Nothing here runs by itself. Every port call of an engine waits in the [queue](Agenda) until its moment comes, so that the driver
//! decides, from the seed alone, who moves next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sternway_sandbox::Sandbox;

use crate::breakage::Breakage;
use crate::judge::Judge;
use crate::script::{Fault, Point, Setup, What};

/// A simulated server process, by its place in the list.
pub(crate) type ProcessId = usize;

/// What happens at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening {
    /// A port call goes on, or a timer fires.
    Resume(ProcessId, u64),
    /// The cluster's controllers run.
    Tick,
    /// A watch of a process brings what happened (the life of the process, the kind).
    Deliver(ProcessId, u32, usize),
    /// A step of the script.
    Step(usize),
    /// A process that crashed starts again.
    Start(ProcessId),
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: BTreeMap<(Timestamp, u64), Happening>,
    sequence: u64,
}

impl Agenda {
    pub(crate) fn at(&mut self, time: Timestamp, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time, self.sequence), happening);
    }

    pub(crate) fn pop(&mut self) -> Option<(Timestamp, Happening)> {
        self.queue.pop_first().map(|((time, _), happening)| (time, happening))
    }
}

/// What befalls a process when a call reaches the point that was waited for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Crash { same_name: bool, down_ms: u32 },
    Freeze { for_ms: u32 },
}

/// What the universe knows of a process.
#[derive(Debug, Default)]
pub(crate) struct Process {
    /// Counts its lives.
    pub(crate) life: u32,
    pub(crate) alive: bool,
    pub(crate) frozen_until: Option<Timestamp>,
    /// How far its clock is off.
    pub(crate) skew_ms: i64,
    pub(crate) fates: Vec<(Point, Fate)>,
    pub(crate) store_faults: Vec<(What, bool)>,
    pub(crate) cluster_faults: Vec<Fault>,
    pub(crate) away_until: Option<Timestamp>,
    /// By kind: the revision that its watch has seen; `None` before the first list.
    pub(crate) seen: [Option<u64>; 4],
    pub(crate) delivery: [bool; 4],
    pub(crate) stalled_until: [Option<Timestamp>; 4],
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) rng: StdRng,
    pub(crate) agenda: Agenda,
    waiting: HashMap<u64, Option<Waker>>,
    resumed: BTreeSet<u64>,
    next_waiter: u64,
    next_id: u128,
    /// Grows whenever a task gets anywhere.
    pub(crate) activity: u64,
    pub(crate) sandbox: Sandbox,
    pub(crate) judge: Judge,
    pub(crate) processes: Vec<Process>,
    /// Processes that have just met their end.
    pub(crate) fallen: Vec<(ProcessId, bool, u32)>,
    pub(crate) lags_ms: [u32; 4],
    pub(crate) breakage: Option<Breakage>,
    tick_at: Option<Timestamp>,
    timeline: Option<Vec<String>>,
    start: Timestamp,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Universe(Mutex<State>);

impl Universe {
    pub(crate) fn new(
        seed: u64,
        setup: &Setup,
        start: Timestamp,
        breakage: Option<Breakage>,
        record: bool,
    ) -> Arc<Self> {
        let mut rng = StdRng::seed_from_u64(seed);
        let options = sternway_sandbox::Options {
            seed: rng.random(),
            nodes: setup.nodes,
            start_delay: SignedDuration::from_millis(rng.random_range(10..600)),
            ready_delay: SignedDuration::from_millis(rng.random_range(50..2500)),
            stop_delay: SignedDuration::from_millis(rng.random_range(10..1500)),
            routine_events: false,
            ..sternway_sandbox::Options::default()
        };
        let lags_ms = std::array::from_fn(|_| {
            if rng.random_bool(0.2) { rng.random_range(200..3000) } else { rng.random_range(1..150) }
        });
        Arc::new(Self(Mutex::new(State {
            now: start,
            sandbox: Sandbox::new(options, start),
            rng,
            agenda: Agenda::default(),
            waiting: HashMap::new(),
            resumed: BTreeSet::new(),
            next_waiter: 0,
            next_id: u128::from(seed) << 64,
            activity: 0,
            judge: Judge::new(record),
            processes: (0..setup.processes).map(|_| Process::default()).collect(),
            fallen: Vec::new(),
            lags_ms,
            breakage,
            tick_at: None,
            timeline: record.then(Vec::new),
            start,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Comes back after `delay` of virtual time.
    pub(crate) fn pause(self: &Arc<Self>, process: ProcessId, delay: SignedDuration) -> Pause {
        Pause { universe: Arc::clone(self), process, delay, id: None }
    }

    /// Comes back after the time that a message takes.
    pub(crate) async fn travel(self: &Arc<Self>, process: ProcessId) {
        let delay = self.lock().latency();
        self.pause(process, delay).await;
    }

    /// A call of `process` is at a point where it may meet its fate.
    pub(crate) async fn point(self: &Arc<Self>, process: ProcessId, what: What, after: bool) {
        let met = self.lock().meet(process, what, after);
        match met {
            None => {}
            Some(Fate::Crash { .. }) => std::future::pending().await,
            // The driver does not let a frozen process move.
            Some(Fate::Freeze { .. }) => self.pause(process, SignedDuration::ZERO).await,
        }
    }
}

impl State {
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        let at = self.now.duration_since(self.start).as_millis();
        if let Some(timeline) = &mut self.timeline {
            timeline.push(format!("{:>8}.{:03}  {}", at / 1000, at % 1000, line()));
        }
    }

    pub(crate) fn take_timeline(&mut self) -> Vec<String> {
        self.timeline.take().unwrap_or_default()
    }

    pub(crate) fn fresh_id(&mut self) -> uuid::Uuid {
        self.next_id += 1;
        // Random, so that ids sort in no particular way, and unique by the number they are made from.
        let high: u64 = self.rng.random();
        uuid::Builder::from_random_bytes(
            ((u128::from(high) << 64) | (self.next_id & u128::from(u64::MAX))).to_be_bytes(),
        )
        .into_uuid()
    }

    /// Most messages are quick, a few are not.
    fn latency(&mut self) -> SignedDuration {
        let micros = match self.rng.random_range(0..1000) {
            0..850 => self.rng.random_range(50..3000),
            850..990 => self.rng.random_range(3000..60_000),
            _ => self.rng.random_range(60_000..2_000_000),
        };
        SignedDuration::from_micros(micros)
    }

    fn meet(&mut self, process: ProcessId, what: What, after: bool) -> Option<Fate> {
        let present = &mut self.processes[process];
        let mut met = None;
        present.fates.retain_mut(|(point, fate)| {
            if met.is_some() || !point.what.includes(what) || point.after != after {
                return true;
            }
            if point.countdown > 0 {
                point.countdown -= 1;
                return true;
            }
            met = Some(*fate);
            false
        });
        let fate = met?;
        let side = if after { "after" } else { "before" };
        self.tell(|| format!("server {process}: {fate:?} {side} {what:?}"));
        match fate {
            Fate::Crash { same_name, down_ms } => self.fallen.push((process, same_name, down_ms)),
            Fate::Freeze { for_ms } => {
                let until = self.now + SignedDuration::from_millis(i64::from(for_ms));
                self.processes[process].frozen_until = Some(until);
            }
        }
        Some(fate)
    }

    /// The cluster has changed: its controllers will notice, and so will the watches.
    pub(crate) fn cluster_changed(&mut self) {
        let delay = SignedDuration::from_micros(self.rng.random_range(200..20_000));
        self.next_tick(self.now + delay);
        self.judge_cluster();
        self.schedule_deliveries();
    }

    /// The controllers have something to do at `at`.
    pub(crate) fn next_tick(&mut self, at: Timestamp) {
        if self.tick_at.is_none_or(|known| at < known) {
            self.tick_at = Some(at);
            self.agenda.at(at, Happening::Tick);
        }
    }

    /// Whether this is the tick that is waited for; an earlier one may have taken its place.
    pub(crate) fn tick_is_due(&mut self) -> bool {
        let due = self.tick_at.is_some_and(|at| at <= self.now);
        if due {
            self.tick_at = None;
        }
        due
    }

    /// Lets the judge see what has happened in the cluster.
    pub(crate) fn judge_cluster(&mut self) {
        self.judge.look(&self.sandbox, self.now);
        for note in self.judge.notes.as_mut().map(std::mem::take).unwrap_or_default() {
            self.tell(|| format!("    {note}"));
        }
    }

    pub(crate) fn schedule_deliveries(&mut self) {
        for process in 0..self.processes.len() {
            for kind in 0..4 {
                self.schedule_delivery(process, kind);
            }
        }
    }

    pub(crate) fn schedule_delivery(&mut self, process: ProcessId, kind: usize) {
        let present = &mut self.processes[process];
        let resource = crate::cluster::RESOURCES[kind];
        let news = match present.seen[kind] {
            None => true,
            Some(seen) => {
                let events = self.sandbox.storage().events_after(resource, seen);
                events.map_or(true, |mut events| events.next().is_some())
            }
        };
        if !present.alive || present.delivery[kind] || !news {
            return;
        }
        present.delivery[kind] = true;
        let lag = self.rng.random_range(0..=self.lags_ms[kind]);
        let mut at = self.now + SignedDuration::from_millis(i64::from(lag));
        if let Some(stalled) = present.stalled_until[kind] {
            at = at.max(stalled);
        }
        self.agenda.at(at, Happening::Deliver(process, present.life, kind));
    }

    /// A waiting call may go on. False if nobody waits any more.
    pub(crate) fn resume(&mut self, id: u64) -> bool {
        let Some(waker) = self.waiting.remove(&id) else {
            return false;
        };
        self.resumed.insert(id);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// See [`Universe::pause`].
#[derive(Debug)]
pub(crate) struct Pause {
    universe: Arc<Universe>,
    process: ProcessId,
    delay: SignedDuration,
    id: Option<u64>,
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let universe = Arc::clone(&self.universe);
        let mut state = universe.lock();
        let id = match self.id {
            None => {
                state.activity += 1;
                state.next_waiter += 1;
                let id = state.next_waiter;
                let at = state.now + self.delay;
                state.agenda.at(at, Happening::Resume(self.process, id));
                self.id = Some(id);
                id
            }
            Some(id) => id,
        };
        if state.resumed.remove(&id) {
            state.activity += 1;
            self.id = None;
            return Poll::Ready(());
        }
        state.waiting.insert(id, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let mut state = self.universe.lock();
            state.waiting.remove(&id);
            state.resumed.remove(&id);
        }
    }
}
