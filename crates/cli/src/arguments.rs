//! The command line, as it is written. Each command's arguments stand beside its code in [`crate::commands`]; here is what
//! several share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::client::{Client, Credentials, Endpoint, Trust};
use crate::commands::{
    adopt, app, approval, audit, cluster, completions, demo, deploy, freeze, key, order, policy, role, sandbox, serve,
    user, version, webhook,
};
use crate::exit;

/// Where a server listens unless told otherwise, and where the verbs look for it.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Where a server keeps its state unless told otherwise.
pub(crate) const DEFAULT_DATA: &str = "sternway-data";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// A release engine for Kubernetes that can always go back.
///
/// Start with `sternway demo`. For your own clusters, `sternway serve` starts a server; the other commands talk to it
/// through the same API that EDAS clients use.
#[derive(Debug, Parser)]
#[command(name = "sternway", version, styles = STYLES, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See a phased release aborted and rolled back, on a sandbox cluster in this process
    Demo(demo::Arguments),
    /// Start a server
    Serve(serve::Arguments),
    /// Start a sandbox cluster alone: a Kubernetes API with simulated nodes
    Sandbox(sandbox::Arguments),
    /// Take an existing Deployment under management, without touching it
    Adopt(adopt::Arguments),
    /// Create, list and change applications
    #[command(subcommand)]
    App(app::Command),
    /// Release a new version of an application, in batches
    Deploy(deploy::Arguments),
    /// Watch and steer change orders
    #[command(subcommand)]
    Order(order::Command),
    /// List the versions an application has had
    #[command(subcommand)]
    Version(version::Command),
    /// Let releases wait for another user, and approve them
    #[command(subcommand)]
    Approval(approval::Command),
    /// Set times in which no release may begin
    #[command(subcommand)]
    Freeze(freeze::Command),
    /// Tell others of what happens to change orders: webhooks, Slack, DingTalk, Feishu
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Read, export and verify the record of who did what
    #[command(subcommand)]
    Audit(audit::Command),
    /// List and import clusters
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Create, list and delete users
    #[command(subcommand)]
    User(user::Command),
    /// Groups of users, who share policies
    #[command(subcommand)]
    Group(user::GroupCommand),
    /// Say who may do what
    #[command(subcommand)]
    Policy(policy::Command),
    /// Roles that users can take on for a while
    #[command(subcommand)]
    Role(role::Command),
    /// Take on a role, or see who one is
    #[command(subcommand)]
    Sts(role::StsCommand),
    /// Create, list, rotate, disable, enable and delete access keys; replace the master key
    #[command(subcommand)]
    Key(key::Command),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Which server, and how to print what it says.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// The server's address
    #[arg(long, value_name = "URL", env = "STERNWAY_ENDPOINT", hide_env_values = true, default_value_t = format!("http://{DEFAULT_LISTEN}"))]
    endpoint: String,
    /// The server's data directory, for its access key if ACCESS_KEY_ID and ACCESS_KEY_SECRET are not set
    #[arg(long, value_name = "DIR", env = "STERNWAY_DATA", hide_env_values = true, default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// Certificates (PEM) to trust beside the system's, for https
    #[arg(long, value_name = "FILE", env = "STERNWAY_CA_CERT", hide_env_values = true)]
    ca_cert: Option<PathBuf>,
    /// Our own certificate with its private key (PEM, both in one file), for servers that ask for one
    #[arg(long, value_name = "FILE", env = "STERNWAY_CLIENT_CERT", hide_env_values = true)]
    client_cert: Option<PathBuf>,
    /// What to print: text for people, or the API's own JSON
    #[arg(short, long, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) output: Form,
}

/// Something that a server knows by its name.
#[derive(Clone, Debug, Args)]
pub(crate) struct Named {
    /// Its name
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

impl Connection {
    /// A client of that server.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let endpoint: Endpoint =
            self.endpoint.parse().map_err(exit::Usage).context("--endpoint is no address of a server")?;
        let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let trust = Trust {
            authority: self.ca_cert.as_ref().map(read).transpose()?,
            identity: self.client_cert.as_ref().map(read).transpose()?,
        };
        Client::new(endpoint, Credentials::find(&self.data)?, trust)
    }

    /// The server's data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }
}

/// The form of what goes to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    // No help of their own, or every command's help would become long.
    #[default]
    Text,
    Json,
}

/// How long to watch a change order.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Patience {
    /// Give up waiting after this many seconds, with exit code 5; the change order goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    wait_timeout: u64,
}

/// Whether to wait for the end of the change order that was started.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Waiting {
    /// Wait for the end of the change order, and tell it by the exit code
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    patience: Patience,
}

/// Whether the point where the next batch waits for a person is waited for too.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Waiting")]
pub(crate) struct Confirmation {
    /// Also stop waiting where a person is needed: exit code 0 for the next batch, 3 for a failed one
    #[arg(long)]
    until_confirmation: bool,
}

/// What to wait for, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) patience: Duration,
    pub(crate) until_confirmation: bool,
}

impl Patience {
    /// With this patience, until the end or the next confirmation.
    pub(crate) const fn limits(self, confirmation: Confirmation) -> Limits {
        Limits { patience: Duration::from_secs(self.wait_timeout), until_confirmation: confirmation.until_confirmation }
    }
}

impl Waiting {
    /// If waiting was asked for: until the end.
    pub(crate) fn to_the_end(self) -> Option<Limits> {
        self.until(Confirmation { until_confirmation: false })
    }

    /// If waiting was asked for: until the end, or the next confirmation.
    pub(crate) fn until(self, confirmation: Confirmation) -> Option<Limits> {
        self.wait.then(|| self.patience.limits(confirmation))
    }
}

/// An application by name or id.
#[derive(Clone, Debug, Args)]
pub(crate) struct AppName {
    /// The application, by name or id
    #[arg(value_name = "APP")]
    pub(crate) app: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
