//! `sternway sandbox`: the sandbox cluster alone. It lives on when servers that work on it restart.

use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;
use sternway_sandbox::Options;

use crate::compose::{RunningSandbox, write_kubeconfig};
use crate::exit::Outcome;
use crate::{logging, signals};

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:16443")]
    listen: String,
    /// Where to write a kubeconfig for it
    #[arg(long, value_name = "FILE", default_value = "sandbox.kubeconfig")]
    kubeconfig_out: PathBuf,
    #[command(flatten)]
    nature: Nature,
    #[command(flatten)]
    log: logging::LogArguments,
}

/// What a sandbox is like.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sandbox")]
pub(crate) struct Nature {
    /// How many nodes the sandbox has
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    nodes: u16,
    /// The source of all that is random in the sandbox, such as names of pods
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// Let pods start, get ready and stop within milliseconds
    #[arg(long)]
    fast: bool,
    /// Leave out the Gateway API (GatewayClass, Gateway, HTTPRoute), as in a cluster where nobody installed it
    #[arg(long)]
    no_gateway_api: bool,
}

impl Nature {
    /// As the sandbox takes it.
    pub(crate) fn options(self) -> Options {
        let gateway_api = !self.no_gateway_api;
        let options = Options { nodes: self.nodes, seed: self.seed, gateway_api, ..Options::default() };
        if self.fast { fast(options) } else { options }
    }
}

/// Delays that are just long enough to be seen.
pub(crate) fn fast(options: Options) -> Options {
    Options {
        start_delay: SignedDuration::from_millis(20),
        ready_delay: SignedDuration::from_millis(80),
        stop_delay: SignedDuration::from_millis(40),
        ..options
    }
}

/// Serves a sandbox until a signal comes.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments { listen, kubeconfig_out, nature, log } = arguments;
    let talk = logging::start(log.log.as_deref().unwrap_or("info"), log.log_format.unwrap_or_default())?;
    let stop = signals::stop_token(talk)?;
    let mut sandbox = RunningSandbox::start(&listen, nature.options()).await?;
    write_kubeconfig(&kubeconfig_out, sandbox.address)?;
    talk.say(&format!("sandbox cluster listening on http://{}", sandbox.address));
    let kubeconfig = kubeconfig_out.display();
    talk.say(&format!("use it with: kubectl --kubeconfig {kubeconfig} get nodes"));
    talk.say(&format!("or with: sternway serve --kubeconfig {kubeconfig}"));
    tokio::select! {
        () = stop.cancelled() => sandbox.stop().await?,
        error = sandbox.failed() => return Err(error),
    }
    Ok(Outcome::Succeeded)
}
