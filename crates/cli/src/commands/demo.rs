use clap::Args;

use crate::exit::Outcome;

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

pub(crate) async fn run(_: Arguments) -> anyhow::Result<Outcome> {
    anyhow::bail!("not there yet")
}
