//! A simulated server process: an engine on a runtime of its own. Dropping the runtime is a crash; not driving it is a freeze.

use std::future::Future;
use std::sync::Arc;

use sternway_cluster::KubeClusters;
use sternway_engine::{Engine, Ports, Settings};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{SeededIds, VirtualClock};
use crate::cluster::SimClusters;
use crate::memory_store::MemoryStore;
use crate::store::{Disk, SimStore};
use crate::universe::{ProcessId, Universe};

/// Rounds of the scheduler in which nothing moved, after which nothing will.
const QUIET_ROUNDS: u32 = 4;

pub(crate) struct Server {
    /// Dropped before the runtime, as tasks of both may hold on to each other.
    requests: LocalSet,
    runtime: Runtime,
    pub(crate) engine: Arc<Engine>,
    pub(crate) clusters: Arc<SimClusters>,
}

impl Server {
    /// Starts a process.
    pub(crate) fn start(universe: &Arc<Universe>, process: ProcessId, disk: &Disk, holder: String) -> Self {
        let clusters = SimClusters::new(Arc::clone(universe), process);
        let store =
            SimStore { universe: Arc::clone(universe), process, disk: disk.clone(), clusters: Arc::clone(&clusters) };
        let ports = Ports {
            store: Arc::new(store),
            // Nobody sets up anything beside applications here.
            records: Arc::new(MemoryStore::default()),
            clusters: Arc::clone(&clusters) as _,
            objects: Arc::new(KubeClusters::new(sternway_cluster::Options::default())),
            clock: Arc::new(VirtualClock { universe: Arc::clone(universe), process }),
            ids: Arc::new(SeededIds(Arc::clone(universe))),
        };
        let engine = Engine::new(ports, Settings::new(holder));
        let runtime = Builder::new_current_thread().build().expect("a runtime without I/O needs nothing");
        let running = Arc::clone(&engine);
        runtime.spawn(async move { running.run(CancellationToken::new()).await });
        Self { requests: LocalSet::new(), runtime, engine, clusters }
    }

    /// A request of a client.
    pub(crate) fn spawn(&self, request: impl Future<Output = ()> + 'static) {
        self.requests.spawn_local(request);
    }

    /// Lets all tasks get as far as they come at this moment.
    pub(crate) fn settle(&self, universe: &Universe) {
        self.requests.block_on(&self.runtime, async {
            let mut quiet = 0;
            let mut before = universe.lock().activity;
            while quiet < QUIET_ROUNDS {
                tokio::task::yield_now().await;
                let now = universe.lock().activity;
                quiet = if now == before { quiet + 1 } else { 0 };
                before = now;
            }
        });
    }
}
