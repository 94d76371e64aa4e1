//! SIGTERM and SIGINT: the first asks everything to stop in order, the second stops at once.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::logging::Talk;

/// What a shell reports of a process that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels. From then on a second one ends the process: whatever is in flight is in the store.
pub(crate) fn stop_token(talk: Talk) -> anyhow::Result<CancellationToken> {
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let token = stop.clone();
    TaskTracker::new().spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        talk.say("stopping; once more to stop at once");
        token.cancel();
        either(&mut terminate, &mut interrupt).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(stop)
}

async fn either(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}
