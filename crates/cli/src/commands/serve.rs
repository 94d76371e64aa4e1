//! `sternway serve`: a server, until a signal stops it.

mod certificates;
mod packages;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use sternway_core::ports::ClusterError;
use sternway_server::{Listener, Network};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::plan::{ClusterSource, Plan, Tls};
use crate::commands::sandbox::Nature;
use crate::compose::{
    Chosen, Composition, Import, KUBECONFIG_FILE, Options, RootKey, RunningSandbox, in_cluster, write_kubeconfig,
};
use crate::exit::Outcome;
use crate::logging::Talk;
use crate::{logging, signals};

/// The options of a server. All of them may also stand in the file of --config, without the dashes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A TOML file of settings; options and environment variables go before it
    #[arg(long, value_name = "FILE", env = "STERNWAY_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Where to listen for HTTP [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "STERNWAY_LISTEN", hide_env_values = true)]
    listen: Option<String>,
    /// Where to listen for HTTPS
    #[arg(long, value_name = "ADDRESS", env = "STERNWAY_LISTEN_TLS", hide_env_values = true)]
    listen_tls: Option<String>,
    /// The certificate chain for HTTPS (PEM)
    #[arg(long, value_name = "FILE", env = "STERNWAY_TLS_CERT", hide_env_values = true)]
    tls_cert: Option<PathBuf>,
    /// The private key for HTTPS (PEM)
    #[arg(long, value_name = "FILE", env = "STERNWAY_TLS_KEY", hide_env_values = true)]
    tls_key: Option<PathBuf>,
    /// Authorities (PEM) that clients' certificates must be of; clients without one are not let in over HTTPS
    #[arg(long, value_name = "FILE", env = "STERNWAY_TLS_CLIENT_CA", hide_env_values = true)]
    tls_client_ca: Option<PathBuf>,
    /// Serve HTTPS alone
    #[arg(long, conflicts_with = "listen")]
    no_http: bool,
    /// Requests that one access key may send per second, ten seconds' worth at once; 0 for no limit [default: 200]
    #[arg(long, value_name = "NUMBER", help_heading = "Protection")]
    rate_limit: Option<u32>,
    /// Bad signatures for a key from one address that lock it there for 15 minutes; 0: never [default: 10]
    #[arg(long, value_name = "NUMBER", help_heading = "Protection")]
    lock_after: Option<u32>,
    /// A proxy before this server, or a network of them, whose X-Forwarded-For is believed; may be repeated [default: none]
    #[arg(long = "trusted-proxy", value_name = "CIDR", help_heading = "Protection")]
    trusted_proxies: Vec<Network>,
    /// Record operations that change nothing in the audit log, too
    #[arg(long, help_heading = "Protection")]
    audit_reads: bool,
    /// Where to keep all state [default: sternway-data]
    #[arg(long, value_name = "DIR", env = "STERNWAY_DATA", hide_env_values = true)]
    data: Option<PathBuf>,
    /// The region to assume where a request names none [default: cn-hangzhou]
    #[arg(long, env = "STERNWAY_REGION", hide_env_values = true)]
    region: Option<String>,
    /// Import the cluster of this kubeconfig; files it refers to are taken with it
    #[arg(long, value_name = "FILE", env = "STERNWAY_KUBECONFIG", hide_env_values = true, help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
    /// The context of --kubeconfig [default: the current one]
    #[arg(long, help_heading = "Cluster")]
    context: Option<String>,
    /// Let kubeconfigs run programs of this machine (`exec`) and read its files; also those imported over the API
    #[arg(long, help_heading = "Cluster")]
    trust_kubeconfigs: bool,
    /// Start a sandbox cluster in this process, import it, and write DIR/sandbox.kubeconfig
    #[arg(long, help_heading = "Cluster", conflicts_with_all = ["kubeconfig", "context"])]
    sandbox: bool,
    /// Where the sandbox listens [default: 127.0.0.1, any free port]
    #[arg(long, value_name = "ADDRESS", help_heading = "Sandbox")]
    sandbox_listen: Option<String>,
    /// Let webhooks deliver to this machine's own addresses too
    #[arg(long, help_heading = "Webhooks")]
    webhook_loopback: bool,
    #[command(flatten)]
    packages: packages::PackageArguments,
    #[command(flatten)]
    nature: Nature,
    #[command(flatten)]
    log: logging::LogArguments,
}

/// Serves until a signal comes, or a part ends that should not.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let plan = Plan::of(arguments)?;
    let talk = logging::start(&plan.log, plan.log_format)?;
    let stop = signals::stop_token(talk)?;
    let tls = plan.tls.as_ref().map(|tls| sternway_server::Tls::load(tls.files.clone())).transpose()?;
    let listeners = listen(&plan, tls.as_ref()).await?;
    let composition = Composition::new(&plan.data, options(&plan, &listeners)?).await?;
    if let RootKey::Written(path) = composition.root_key(&plan.data).await? {
        talk.say(&format!("the first access key is in {}", path.display()));
    }
    let sandbox = import(&composition, &plan, talk).await?;
    for listener in &listeners {
        let address = listener.local_address().context("cannot tell an own address")?;
        let scheme = if matches!(listener, Listener::Https(..)) { "https" } else { "http" };
        talk.say(&format!("listening on {scheme}://{address}"));
    }
    if let Some(tls) = tls {
        certificates::keep_current(tls, talk, stop.clone())?;
    }
    let running = composition.run(listeners, stop.clone());
    match sandbox {
        None => running.await?,
        Some(sandbox) => run_with(sandbox, running, &stop).await?,
    }
    talk.say("stopped");
    Ok(Outcome::Succeeded)
}

/// Runs server and sandbox; if one ends, so does the other.
async fn run_with(
    mut sandbox: RunningSandbox,
    running: impl Future<Output = anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut running = std::pin::pin!(running);
    tokio::select! {
        ended = running.as_mut() => {
            sandbox.stop().await?;
            ended
        }
        error = sandbox.failed() => {
            stop.cancel();
            running.await?;
            Err(error)
        }
    }
}

fn options(plan: &Plan, listeners: &[Listener]) -> anyhow::Result<Options> {
    let mut options = Options::default();
    options.server.region.clone_from(&plan.region);
    options.server.audit_reads = plan.audit_reads;
    options.server.trusted_proxies.clone_from(&plan.trusted_proxies);
    options.server.requests_per_second = plan.rate_limit.unwrap_or(options.server.requests_per_second);
    options.server.bad_signatures = plan.lock_after.unwrap_or(options.server.bad_signatures);
    options.cluster.trusted_kubeconfigs = plan.trust_kubeconfigs;
    options.packages = plan.packages.clone();
    options.webhooks = plan.webhooks;
    if options.packages.settings.public_url.is_none() {
        options.packages.settings.public_url = packages::own_url(listeners)?;
    }
    Ok(options)
}

/// Binds the sockets; nobody is answered yet. This comes before all else, so that a second server on the same address changes nothing.
async fn listen(plan: &Plan, tls: Option<&Arc<sternway_server::Tls>>) -> anyhow::Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    if let Some(listen) = &plan.listen {
        listeners.push(Listener::Http(bind(listen).await?));
    }
    if let (Some(Tls { listen, .. }), Some(tls)) = (&plan.tls, tls) {
        listeners.push(Listener::Https(bind(listen).await?, Arc::clone(tls)));
    }
    Ok(listeners)
}

async fn bind(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another address with --listen"))
}

/// Imports the cluster that the plan names. Answers with the sandbox, if it is one in this process.
async fn import(composition: &Composition, plan: &Plan, talk: Talk) -> anyhow::Result<Option<RunningSandbox>> {
    match &plan.cluster {
        ClusterSource::Sandbox { listen, options } => {
            let sandbox = RunningSandbox::start(listen, options.clone()).await?;
            let path = plan.data.join(KUBECONFIG_FILE);
            write_kubeconfig(&path, sandbox.address)?;
            report(composition, sandbox.import(&plan.region), talk).await?;
            talk.say(&format!("kubectl reaches the sandbox with: kubectl --kubeconfig {} get pods", path.display()));
            talk.say("the sandbox ends with this process; one that does not: sternway sandbox");
            Ok(Some(sandbox))
        }
        ClusterSource::Kubeconfig { path, context } => {
            report(composition, of_kubeconfig(path, context.as_deref(), &plan.region)?, talk).await?;
            Ok(None)
        }
        ClusterSource::Surroundings => {
            if let Some(access) = in_cluster() {
                let identity = "in-cluster".to_owned();
                let import = Import { name: identity.clone(), identity, region: plan.region.clone(), access };
                report(composition, import, talk).await?;
            } else if !composition.has_clusters().await? {
                talk.say(
                    "no cluster yet: import one with `sternway cluster import --kubeconfig FILE`, \
                     or start with --kubeconfig FILE or --sandbox",
                );
            }
            Ok(None)
        }
    }
}

fn of_kubeconfig(path: &Path, context: Option<&str>, region: &str) -> anyhow::Result<Import> {
    let chosen = Chosen::read(path, context)?;
    Ok(Import {
        identity: chosen.identity(),
        name: chosen.context.clone(),
        region: region.to_owned(),
        access: sternway_core::ports::ClusterAccess::Kubeconfig(chosen.text),
    })
}

/// Imports a cluster and says how it went. One that is away now is no reason not to start.
async fn report(composition: &Composition, import: Import, talk: Talk) -> anyhow::Result<()> {
    let name = import.name.clone();
    let (id, connected) = composition.import(import).await?;
    match connected {
        Ok(()) => talk.say(&format!("cluster {name} is connected: {id}")),
        Err(error @ (ClusterError::Forbidden(_) | ClusterError::Rejected(_))) => {
            talk.say(&format!("cluster {name} ({id}) cannot be used: {error}"));
        }
        Err(error) => talk.say(&format!("cluster {name} ({id}) does not answer yet, trying on: {error}")),
    }
    Ok(())
}
