//! Runs change orders.
//!
//! The engine is the only crate that both decides (by asking `sternway-core`) and acts (through core's ports). It has two sides
//! that never call each other; both meet in the store:
//!
//! ```text
//!  server ──► commands: load → birth or step → commit → answer        (nothing is done on a cluster here)
//!                                  │
//!                                store  ── the only truth
//!                                  │
//!  supervisor ──► one runner per active order: lease → load → observe → step → commit → perform → wait
//! ```
//!
//! A runner is level-triggered: it is woken by watches, by commands and by time, and a wake-up carries no information. The first
//! run of an order, its continuation and its recovery after a crash are the same code.

mod commands;
mod error;
mod governance;
mod places;
mod runner;
mod scaling;
mod supervisor;

use std::sync::Arc;

use sternway_core::health::{DEFAULT_PATIENCE, Patience};
use sternway_core::ids::OrderId;
use sternway_core::ports::{Clock, Clusters, Ids, Objects, Records, Store};

pub use self::commands::{About, Creation, Deploy, DeployChange, DeployPreview};
pub use self::error::CommandError;
use self::places::Places;
pub use self::scaling::{RuleError, time_zone};
use self::supervisor::Wakers;

/// Everything outside.
#[derive(Clone)]
pub struct Ports {
    /// Durable state.
    pub store: Arc<dyn Store>,
    /// What people set up beside applications; the same database.
    pub records: Arc<dyn Records>,
    /// Clusters.
    pub clusters: Arc<dyn Clusters>,
    /// Other objects of the same clusters.
    pub objects: Arc<dyn Objects>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers.
    pub ids: Arc<dyn Ids>,
}

/// What may be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of this process among others on the same store.
    pub holder: String,
    /// Seconds that a lease lasts. A dead process's orders are taken over after that.
    pub lease_seconds: u32,
    /// When pods count as failed.
    pub patience: Patience,
    /// Orders of one cluster that are worked on at the same time. Those that wait do not count, and rollbacks are never held back by it.
    pub concurrency: usize,
}

impl Settings {
    /// Defaults for a process of this name.
    pub fn new(holder: impl Into<String>) -> Self {
        Self { holder: holder.into(), lease_seconds: 15, patience: DEFAULT_PATIENCE, concurrency: 64 }
    }
}

/// The engine. Cheap to share; commands may be given before and while [`Engine::run`] runs.
pub struct Engine {
    ports: Ports,
    settings: Settings,
    wakers: Wakers,
    places: Places,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ports").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine on these ports.
    pub fn new(ports: Ports, settings: Settings) -> Arc<Self> {
        let places = Places::new(settings.concurrency);
        Arc::new(Self { ports, settings, wakers: Wakers::default(), places })
    }

    /// How many orders have a runner here: all that are active, but those that another server runs.
    pub fn running(&self) -> usize {
        self.wakers.count()
    }

    /// The ports, for reads.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    fn fresh_order_id(&self) -> OrderId {
        OrderId::new(self.ports.ids.fresh())
    }
}
