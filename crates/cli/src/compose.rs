//! The parts put together: a store, clusters, an engine and a server, as `serve` and `demo` run them.
//!
//! ```text
//!            ┌──────────── Composition ────────────┐
//!   listeners ──► server ──► engine ──► clusters ──► Kubernetes
//!                    └──► store ◄──┤
//!                                  └── notifier ──► webhooks
//! ```
//!
//! Stopping goes the way of a request: first nobody gets in any more, then orders are left resumable, then watches end, and
//! last the store lets the data directory go. Each part is critical: one that ends by itself ends the whole.

mod clusters;
mod kubeconfig;
mod root_key;
mod sandbox;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use sternway_cluster::KubeClusters;
use sternway_core::ports::{Clusters as _, Store as _};
use sternway_engine::{Engine, Ports, Settings};
use sternway_notifications::Notifier;
use sternway_packages::{Fetcher, Limits, Packages, Place, Reach};
use sternway_server::{Config, Listener, PackageSettings, Server};
use sternway_store::{DATABASE_FILE, MasterKey, SqliteStore};
use tokio_util::sync::CancellationToken;

pub(crate) use self::clusters::{Import, in_cluster};
pub(crate) use self::kubeconfig::Chosen;
pub(crate) use self::root_key::{RootKey, access_key, fresh as fresh_key};
pub(crate) use self::sandbox::{KUBECONFIG_FILE, RunningSandbox, write_kubeconfig};
use crate::system::{RandomIds, SystemClock};

/// Everything that a server is made of, not yet running.
#[derive(Debug)]
pub(crate) struct Composition {
    store: Arc<SqliteStore>,
    clusters: KubeClusters,
    engine: Arc<Engine>,
    notifier: Arc<Notifier>,
    server: Server,
}

/// What may be chosen about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) server: Config,
    pub(crate) cluster: sternway_cluster::Options,
    pub(crate) packages: PackageOptions,
    pub(crate) webhooks: WebhookOptions,
}

/// What may be chosen about webhooks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WebhookOptions {
    /// How far deliveries may reach.
    pub(crate) reach: Reach,
}

/// What may be chosen about packages.
#[derive(Clone, Debug)]
pub(crate) struct PackageOptions {
    /// Where they are kept; a folder of the data directory if nothing is said.
    pub(crate) place: Option<Place>,
    /// The most bytes of one.
    pub(crate) largest: u64,
    /// How far fetches may reach.
    pub(crate) reach: Reach,
    pub(crate) settings: PackageSettings,
}

/// Bytes: more than any JAR that people run.
pub(crate) const LARGEST_PACKAGE: u64 = 1 << 30;

impl Default for PackageOptions {
    fn default() -> Self {
        Self { place: None, largest: LARGEST_PACKAGE, reach: Reach::default(), settings: PackageSettings::default() }
    }
}

/// Opens the store of a data directory, making it if it is not there.
pub(crate) async fn open_store(data: &Path) -> anyhow::Result<SqliteStore> {
    let key = MasterKey::load_or_create(data)?;
    #[cfg(feature = "crash-points")]
    if crate::crash_point::is_store_shared() {
        return Ok(SqliteStore::open_shared(data, key).await?);
    }
    Ok(SqliteStore::open(data, key).await?)
}

/// Whether a server has used this directory.
pub(crate) fn is_data_directory(data: &Path) -> bool {
    data.join(DATABASE_FILE).exists()
}

/// Opens the store of a data directory that a server has used.
pub(crate) async fn open_existing(data: &Path) -> anyhow::Result<SqliteStore> {
    ensure!(
        is_data_directory(data),
        "{} is no data directory of a server: name one with --data, or let `sternway serve` make it",
        data.display()
    );
    open_store(data).await
}

impl Composition {
    /// Puts the parts together on a data directory, and starts to connect the clusters that the store knows.
    pub(crate) async fn new(data: &Path, options: Options) -> anyhow::Result<Self> {
        let store = Arc::new(open_store(data).await?);
        let clusters = KubeClusters::new(options.cluster);
        let ports = Ports {
            store: store.clone(),
            records: store.clone(),
            clusters: Arc::new(clusters.clone()),
            objects: Arc::new(clusters.clone()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        let settings = Settings::new(HOLDER);
        #[cfg(feature = "crash-points")]
        let (ports, settings) = (crate::crash_point::in_front_of(ports), crate::crash_point::among_others(settings));
        let notifications = sternway_notifications::Settings {
            holder: settings.holder.clone(),
            reach: options.webhooks.reach,
            limits: sternway_notifications::Limits::default(),
        };
        let told = sternway_notifications::Ports {
            feed: store.clone(),
            store: Arc::clone(&ports.store),
            records: Arc::clone(&ports.records),
            clock: Arc::clone(&ports.clock),
            ids: Arc::clone(&ports.ids),
        };
        let notifier = Notifier::new(told, notifications)?;
        let engine = Engine::new(ports, settings);
        let PackageOptions { place, largest, reach, settings } = options.packages;
        let place = place.unwrap_or_else(|| Place::Directory(data.join(PACKAGES)));
        let packages = Packages::open_at(&place, &data.join(INCOMING), largest)?;
        let fetcher = Fetcher::new(reach, Limits::default())?;
        let audit = store.clone();
        #[cfg(feature = "crash-points")]
        let audit = crate::crash_point::apart_from(audit);
        let server = Server::with_packages(
            options.server,
            Arc::clone(&engine),
            audit,
            Arc::clone(&notifier),
            packages,
            fetcher,
            settings,
        );
        let composition = Self { store, clusters, engine, notifier, server };
        composition.connect_known().await?;
        Ok(composition)
    }

    /// The first access key: made, written and stored at the first start.
    pub(crate) async fn root_key(&self, data: &Path) -> anyhow::Result<RootKey> {
        root_key::ensure(&*self.store, data).await
    }

    /// Whether there is any cluster to work on.
    pub(crate) async fn has_clusters(&self) -> anyhow::Result<bool> {
        Ok(!self.store.clusters().await?.is_empty())
    }

    /// Runs until `stop`, or until a part ends that should not have; then `stop` is cancelled from here, and the rest stops too.
    ///
    /// # Errors
    /// If a part ended by itself, or could not stop in order.
    pub(crate) async fn run(self, listeners: Vec<Listener>, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { store, clusters, engine, notifier, server } = self;
        let working = CancellationToken::new();
        let serve = async {
            let served = server.serve(listeners, stop.clone()).await;
            let too_early = !stop.is_cancelled();
            stop.cancel();
            // Nobody gives commands any more: now the engine may leave its orders.
            working.cancel();
            served.context("the HTTP server failed")?;
            ensure!(!too_early, "the HTTP server ended by itself");
            anyhow::Ok(())
        };
        let work = async {
            tokio::join!(engine.run(working.clone()), engine.run_rules(working.clone()), notifier.run(working.clone()));
            let too_early = !working.is_cancelled();
            stop.cancel();
            ensure!(!too_early, "the engine ended by itself");
            Ok(())
        };
        let guard = async {
            tokio::select! {
                () = working.cancelled() => Ok(()),
                () = store.failed() => {
                    stop.cancel();
                    Err(anyhow!("the store cannot write any more: the log says why"))
                }
            }
        };
        let (served, worked, guarded) = tokio::join!(serve, work, guard);
        clusters.shutdown().await;
        store.close().await;
        guarded.and(worked).and(served)
    }

    /// Connects what the store knows, without waiting: a cluster that is away must not keep the server from starting.
    async fn connect_known(&self) -> anyhow::Result<()> {
        for cluster in self.store.clusters().await? {
            self.clusters.connect_later(cluster.id, &cluster.access).await;
        }
        Ok(())
    }
}

/// Packages, in the data directory.
const PACKAGES: &str = "packages";
/// Packages that are coming in.
const INCOMING: &str = "incoming";

/// The name of this process among others on the same store: there are no others, because the store's lock keeps them out. So a restart takes its
/// orders up at once, instead of waiting until the leases of the process before run out.
const HOLDER: &str = "the one process";
