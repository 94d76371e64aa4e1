//! The server as a whole: what its parts share, and its life from the first connection to the last answer.

use std::sync::{Arc, Mutex};

use sternway_core::ports::Audit;
use sternway_engine::Engine;
use sternway_notifications::Notifier;
use sternway_packages::{Fetcher, Packages};
use sternway_wire::replay::{NONCES_PER_KEY, NonceCache};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Recorder;
use crate::body::Bodies;
use crate::config::Config;
use crate::identity::usage::Noted;
use crate::limits::Limits;
use crate::listener::{self, Listener};
use crate::lockout::Lockout;
use crate::metrics::Metrics;
use crate::operations::Operations;
use crate::packages::{PackageService, PackageSettings, collect};
use crate::router;

/// A server that could not be, or stopped to be, served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nothing to listen on.
    #[error("there is no listener to serve on")]
    NoListener,
    /// A listener ended without being told to.
    #[error("a listener ended unexpectedly")]
    ListenerEnded(#[source] tokio::task::JoinError),
    /// Requests were still in flight when the drain timeout ran out. Their orders are in the store and are resumed.
    #[error("requests were still in flight after the drain timeout; they were cut off")]
    CutOff,
}

/// The HTTP edge of an engine.
#[derive(Debug, Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) engine: Arc<Engine>,
    pub(crate) operations: Operations,
    pub(crate) nonces: Mutex<NonceCache>,
    pub(crate) key_usage: Noted,
    /// Held while a user's keys are counted and changed.
    pub(crate) key_changes: tokio::sync::Mutex<()>,
    pub(crate) recorder: Recorder,
    pub(crate) limits: Limits,
    pub(crate) lockout: Lockout,
    pub(crate) metrics: Metrics,
    pub(crate) notifier: Arc<Notifier>,
    /// None: packages are refused.
    pub(crate) packages: Option<Arc<PackageService>>,
    /// Operations run here and not on their connection: once begun, an operation is carried out even if its client hangs up.
    pub(crate) running: TaskTracker,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) bodies: Bodies,
    /// The drain timeout ran out: what still runs must not keep the process from ending.
    pub(crate) cut_off: CancellationToken,
}

impl Server {
    /// A server for this engine that records in this audit log and takes no packages. Nothing listens yet.
    pub fn new(config: Config, engine: Arc<Engine>, audit: Arc<dyn Audit>, notifier: Arc<Notifier>) -> Self {
        Self::made(config, engine, audit, notifier, None)
    }

    /// A server for this engine that keeps packages and fetches what is to be kept. Nothing listens yet.
    pub fn with_packages(
        config: Config,
        engine: Arc<Engine>,
        audit: Arc<dyn Audit>,
        notifier: Arc<Notifier>,
        packages: Packages,
        fetcher: Fetcher,
        settings: PackageSettings,
    ) -> Self {
        Self::made(config, engine, audit, notifier, Some(Arc::new(PackageService::new(packages, fetcher, settings))))
    }

    fn made(
        config: Config,
        engine: Arc<Engine>,
        audit: Arc<dyn Audit>,
        notifier: Arc<Notifier>,
        packages: Option<Arc<PackageService>>,
    ) -> Self {
        let clock = || Arc::clone(&engine.ports().clock);
        let recorder = Recorder::new(audit, config.audit_reads, clock());
        let limits = Limits::new(config.requests_per_second, clock());
        let lockout = Lockout::new(config.bad_signatures, config.lockout);
        let nonces = NonceCache::new(config.clock_tolerance, NONCES_PER_KEY);
        let room = Arc::new(Semaphore::new(config.operations));
        let bodies = Bodies::new(&config);
        Self {
            shared: Arc::new(Shared {
                config,
                engine,
                operations: Operations::all(),
                nonces: Mutex::new(nonces),
                key_usage: Noted::default(),
                key_changes: tokio::sync::Mutex::new(()),
                recorder,
                limits,
                lockout,
                metrics: Metrics::new(notifier.meters()),
                notifier,
                packages,
                running: TaskTracker::new(),
                room,
                bodies,
                cut_off: CancellationToken::new(),
            }),
        }
    }

    /// Serves on all listeners until `cancel`, then finishes the requests in flight within the drain timeout.
    ///
    /// # Errors
    /// [`ServeError`]
    pub async fn serve(&self, listeners: Vec<Listener>, cancel: CancellationToken) -> Result<(), ServeError> {
        if listeners.is_empty() {
            return Err(ServeError::NoListener);
        }
        let config = &self.shared.config;
        let router = router::router(Arc::clone(&self.shared));
        let room = Arc::new(Semaphore::new(config.connections));
        let connections = TaskTracker::new();
        let stop = cancel.child_token();
        let (shared, stopped) = (Arc::clone(&self.shared), stop.clone());
        self.shared.running.spawn(async move { collect::run(&shared, stopped).await });
        let mut accepting = tokio::task::JoinSet::new();
        for listener in listeners {
            accepting.spawn(listener::accept(
                listener,
                router.clone(),
                config.clone(),
                Arc::clone(&room),
                connections.clone(),
                stop.clone(),
            ));
        }
        let mut outcome = Ok(());
        while let Some(ended) = accepting.join_next().await {
            if let Err(error) = ended {
                outcome = Err(ServeError::ListenerEnded(error));
            }
            // One listener is as good as none to its clients: the others stop with it.
            stop.cancel();
        }
        connections.close();
        self.shared.running.close();
        let drained = async {
            connections.wait().await;
            self.shared.running.wait().await;
        };
        if tokio::time::timeout(config.drain_timeout, drained).await.is_err() {
            self.shared.cut_off.cancel();
            outcome = outcome.and(Err(ServeError::CutOff));
        }
        outcome
    }
}
