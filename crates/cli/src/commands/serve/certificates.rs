//! Certificates run out while a server runs: they are read again after SIGHUP, and whenever their files have changed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sternway_server::Tls;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::logging::Talk;

/// What renews certificates does so days before they run out, and often cannot send signals. Reading three small files costs nothing.
const LOOK: Duration = Duration::from_secs(60);

/// Looks after the certificates until `stop`.
pub(super) fn keep_current(tls: Arc<Tls>, talk: Talk, stop: CancellationToken) -> anyhow::Result<()> {
    let mut hang_up = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    TaskTracker::new().spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = hang_up.recv() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            match tls.reload() {
                Ok(true) => talk.say("the certificate was replaced: new connections use it"),
                Ok(false) => {}
                Err(error) => {
                    let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
                    talk.say(&format!("the new certificate cannot be used, the one before goes on ({error}{why})"));
                }
            }
        }
    });
    Ok(())
}
