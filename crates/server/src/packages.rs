//! Packages at the edge: how they come in, how pods get them, and when they go.
//!
//! ```text
//!  PackageUrl ──► fetching ──┐                         ┌──► link ──► pod template ──► download ──► pods
//!                            ├──► sternway-packages ───┤
//!  plug-ins ────► upload ────┘    (by digest)          └──► collect: what no version refers to
//!                    ▲
//!               credential (temporary, for one prefix)
//! ```
//!
//! Links and temporary credentials are not stored: they are signed with a key of their own, which is sealed in the store and survives restarts
//! and a change of the master key.

pub(crate) mod collect;
pub(crate) mod credential;
pub(crate) mod download;
pub(crate) mod fetching;
mod keys;
pub(crate) mod link;
mod runtimes;
pub(crate) mod upload;
pub(crate) mod uploads;

use std::sync::Arc;
use std::time::Duration;

use sternway_core::ports::{Records, StoreError};
use sternway_packages::{Fetcher, Packages};
use tokio::sync::{OnceCell, Semaphore};

use self::fetching::Fetching;
use self::keys::Keys;
pub use self::runtimes::{Jdk, Runtimes, WebContainer};

/// Whether a package is there is answered by this much before the clients stop to wait (10 s).
const FETCH_PATIENCE: Duration = Duration::from_secs(7);
/// Has `sh`, `curl` and `sha256sum`.
const DOWNLOAD_IMAGE: &str = "curlimages/curl:8.11.1";

/// What may be set about packages.
#[derive(Debug, Clone)]
pub struct PackageSettings {
    /// Where pods and plug-ins reach this server, such as `http://sternway.example:8080`. Without it, packages are refused.
    pub public_url: Option<String>,
    /// What packages run in.
    pub runtimes: Runtimes,
    /// The image of the init container that downloads a package: with `sh`, `curl` and `sha256sum`.
    pub download_image: String,
    /// How long a request waits for a package to be fetched, before it asks its client to come again.
    pub fetch_patience: Duration,
}

impl Default for PackageSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            runtimes: Runtimes::default(),
            download_image: DOWNLOAD_IMAGE.to_owned(),
            fetch_patience: FETCH_PATIENCE,
        }
    }
}

/// Everything about packages that requests share.
#[derive(Debug)]
pub(crate) struct PackageService {
    pub(crate) packages: Packages,
    pub(crate) settings: PackageSettings,
    pub(crate) fetching: Fetching,
    /// Room for uploads at the same time.
    pub(crate) uploads: Arc<Semaphore>,
    keys: OnceCell<Keys>,
}

/// Each may have a connection, a file and a thread's time.
const UPLOADS: usize = 64;

impl PackageService {
    pub(crate) fn new(packages: Packages, fetcher: Fetcher, settings: PackageSettings) -> Self {
        Self {
            packages,
            settings,
            fetching: Fetching::new(fetcher),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            keys: OnceCell::new(),
        }
    }

    /// The keys by which links and credentials are signed, made at the first use.
    pub(crate) async fn keys(&self, records: &dyn Records) -> Result<&Keys, StoreError> {
        self.keys.get_or_try_init(|| Keys::load_or_make(records)).await
    }

    /// `http://host:port`, without a slash at the end.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.settings.public_url.as_deref().map(|url| url.trim_end_matches('/'))
    }
}
