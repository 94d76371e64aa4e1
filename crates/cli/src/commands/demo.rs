//! `sternway demo`: a phased release, aborted in the middle and rolled back, on a cluster and a server in this process.
//!
//! ```text
//!  story ── signed HTTP ──► server ─► engine ─► cluster adapter ── HTTP ──► sandbox
//!    │                                                                        │
//!    └──────────────── witness: its own watch of the pods ◄───────────────────┘
//! ```
//!
//! The story uses nothing but the public API, and believes nothing of what it says about pods: that is what the witness is
//! for, which has watched the cluster from the first second.

mod cluster;
mod show;
mod story;
mod witness;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap::Args;
use jiff::SignedDuration;
use sternway_sandbox::Options as SandboxOptions;
use sternway_server::Listener;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::cluster::Cluster;
use self::story::Story;
use self::witness::Witness;
use super::sandbox::fast;
use crate::client::{Client, Credentials, Trust};
use crate::compose::{Composition, KUBECONFIG_FILE, Options, RunningSandbox, write_kubeconfig};
use crate::exit::Outcome;
use crate::{logging, output, signals};

/// Any free port of this machine alone.
const ANY_PORT: &str = "127.0.0.1:0";
const REGION: &str = "cn-hangzhou";

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Let pods start, get ready and stop within milliseconds
    #[arg(long)]
    fast: bool,
    /// Leave cluster and server running afterwards, and say how to use them
    #[arg(long)]
    keep: bool,
    /// What to log on stderr, such as `info` [default: nothing]
    #[arg(long, value_name = "FILTER", env = "STERNWAY_LOG", hide_env_values = true)]
    log: Option<String>,
}

/// Plays it. Succeeds only if everything held that was promised.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let talk = logging::start(arguments.log.as_deref().unwrap_or("off"), logging::Format::Text)?;
    let stop = signals::stop_token(talk)?;
    let folder =
        tempfile::Builder::new().prefix("sternway-demo-").tempdir().context("cannot make a directory for the demo")?;
    let theatre = Theatre::open(folder.path(), sandbox_options(arguments.fast)).await?;
    let played = tokio::select! {
        played = play(&theatre, arguments.fast) => played,
        () = stop.cancelled() => Err(anyhow!("the demo was interrupted")),
    };
    if played.is_ok() && arguments.keep {
        say_how_to_go_on(&theatre, folder.path());
        stop.cancelled().await;
    }
    theatre.close().await?;
    played.map(|()| Outcome::Succeeded)
}

/// Slow enough to watch, or just long enough to be seen by a program.
fn sandbox_options(is_fast: bool) -> SandboxOptions {
    if is_fast {
        return fast(SandboxOptions::default());
    }
    SandboxOptions {
        start_delay: SignedDuration::from_millis(500),
        ready_delay: SignedDuration::from_millis(1500),
        stop_delay: SignedDuration::from_millis(700),
        ..SandboxOptions::default()
    }
}

async fn play(theatre: &Theatre, is_fast: bool) -> anyhow::Result<()> {
    let cluster = Cluster::new(theatre.sandbox.address)?;
    let witness = Witness::start(cluster.clone());
    let client = Client::new(
        theatre.endpoint().parse().map_err(anyhow::Error::msg)?,
        theatre.credentials.clone(),
        Trust::default(),
    )?;
    let verdict = Story::new(&client, &cluster, &witness, is_fast).play(&theatre.endpoint()).await?;
    output::text(&verdict.text())?;
    anyhow::ensure!(verdict.holds(), "not everything held: see above");
    Ok(())
}

/// A sandbox, and a server that works on it.
#[derive(Debug)]
struct Theatre {
    sandbox: RunningSandbox,
    address: SocketAddr,
    credentials: Credentials,
    stop: CancellationToken,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Theatre {
    async fn open(folder: &Path, options: SandboxOptions) -> anyhow::Result<Self> {
        let sandbox = RunningSandbox::start(ANY_PORT, options).await?;
        write_kubeconfig(&folder.join(KUBECONFIG_FILE), sandbox.address)?;
        let composition = Composition::new(folder, Options::default()).await?;
        composition.root_key(folder).await?;
        let (_, connected) = composition.import(sandbox.import(REGION)).await?;
        connected.context("the sandbox does not answer")?;
        let socket = TcpListener::bind(ANY_PORT).await.context("cannot listen on any port")?;
        let address = socket.local_addr().context("cannot tell the server's address")?;
        let stop = CancellationToken::new();
        let running = composition.run(vec![Listener::Http(socket)], stop.clone());
        Ok(Self {
            sandbox,
            address,
            credentials: Credentials::read(folder)?,
            stop,
            served: TaskTracker::new().spawn(running),
        })
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.served.await.context("the server failed")??;
        self.sandbox.stop().await
    }
}

fn say_how_to_go_on(theatre: &Theatre, folder: &Path) {
    let Credentials { id, secret, token: _ } = &theatre.credentials;
    let (endpoint, folder) = (theatre.endpoint(), folder.display());
    // As it was called, so that the line works as it stands also where the binary is not installed.
    let program = std::env::args().next().unwrap_or_else(|| "sternway".to_owned());
    output::say(&format!(
        "\n\
         Cluster and server go on until you press Ctrl-C.\n\
         \n\
         Endpoint:         {endpoint}\n\
         AccessKeyId:      {id}\n\
         AccessKeySecret:  {}\n\
         \n\
         {program} deploy {} --image {} --batches 3 --endpoint {endpoint} --data {folder} --wait\n\
         kubectl --kubeconfig {folder}/{KUBECONFIG_FILE} get deploy,rs,pods -w",
        secret.reveal(),
        story::APP,
        story::NEW_IMAGE,
    ));
}
