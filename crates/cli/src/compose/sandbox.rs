//! A sandbox served from this process.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, ensure};
use sternway_core::ports::{ClusterAccess, Secret};
use sternway_sandbox::http::{kubeconfig, serve};
use sternway_sandbox::{Options, Sandbox};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Import;
use super::root_key::write_private;
use crate::system;

/// The file in the data directory by which kubectl reaches the sandbox of `serve --sandbox`.
pub(crate) const KUBECONFIG_FILE: &str = "sandbox.kubeconfig";

/// A sandbox that is being served.
#[derive(Debug)]
pub(crate) struct RunningSandbox {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<io::Result<()>>,
}

impl RunningSandbox {
    /// Serves a new sandbox. It goes on until [`RunningSandbox::stop`].
    pub(crate) async fn start(listen: &str, options: Options) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        let address = listener.local_addr().context("cannot tell the sandbox's address")?;
        let sandbox = Arc::new(Mutex::new(Sandbox::new(options, system::now())));
        let stop = CancellationToken::new();
        let served = TaskTracker::new().spawn(serve(listener, sandbox, stop.clone()));
        Ok(Self { address, stop, served })
    }

    /// Returns if the sandbox ends by itself.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.served).await {
            Ok(Ok(())) => anyhow::anyhow!("the sandbox ended by itself"),
            Ok(Err(error)) => anyhow::Error::new(error).context("the sandbox failed"),
            Err(error) => anyhow::Error::new(error).context("the sandbox failed"),
        }
    }

    /// Ends it; its objects are gone.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        if self.served.is_finished() {
            return Ok(());
        }
        self.served.await.context("the sandbox failed")?.context("the sandbox failed")
    }

    /// How a server imports it.
    pub(crate) fn import(&self, region: &str) -> Import {
        Import {
            identity: "sandbox".to_owned(),
            name: "sandbox".to_owned(),
            region: region.to_owned(),
            access: ClusterAccess::Kubeconfig(Secret::new(kubeconfig(self.address))),
        }
    }
}

/// Writes the kubeconfig of a sandbox at this address.
pub(crate) fn write_kubeconfig(path: &Path, address: SocketAddr) -> anyhow::Result<()> {
    ensure!(!path.is_dir(), "{} is a directory", path.display());
    write_private(path, kubeconfig(address).as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
