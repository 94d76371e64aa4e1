//! `sternway app delete|scale|restart|stop|start`: each starts a change order.

use clap::Args;
use sternway_wire::model::ChangeOrderStarted;

use crate::arguments::{AppName, Connection, Waiting};
use crate::commands::{names, wait};
use crate::exit::Outcome;

/// Of the changes that need nothing but an application.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    timeout: Timeout,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    connection: Connection,
}

/// How long the change may take.
#[derive(Clone, Copy, Debug, Args)]
struct Timeout {
    /// Seconds until the change counts as failed [default: the server's]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=1800))]
    timeout: Option<u32>,
}

impl Timeout {
    fn parameter(self) -> Option<(&'static str, String)> {
        self.timeout.map(|seconds| ("Timeout", seconds.to_string()))
    }
}

/// See [`delete`].
#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    #[command(flatten)]
    name: AppName,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    connection: Connection,
}

/// See [`scale`].
#[derive(Debug, Args)]
pub(crate) struct ScaleArguments {
    #[command(flatten)]
    name: AppName,
    /// How many pods
    #[arg(long)]
    replicas: u32,
    #[command(flatten)]
    timeout: Timeout,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    connection: Connection,
}

/// See [`start`].
#[derive(Debug, Args)]
pub(crate) struct StartArguments {
    #[command(flatten)]
    name: AppName,
    /// How many pods [default: as many as before the stop]
    #[arg(long)]
    replicas: Option<u32>,
    #[command(flatten)]
    timeout: Timeout,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    connection: Connection,
}

/// A change that is the same for any application.
pub(super) async fn plain(arguments: Arguments, operation: &'static str, doing: &str) -> anyhow::Result<Outcome> {
    let Arguments { name, timeout, waiting, connection } = arguments;
    start_order(operation, doing, &name, timeout.parameter(), waiting, &connection).await
}

/// Deletes an application with its workload.
pub(super) async fn delete(arguments: DeleteArguments) -> anyhow::Result<Outcome> {
    let DeleteArguments { name, waiting, connection } = arguments;
    start_order("DeleteK8sApplication", "Deleting", &name, None, waiting, &connection).await
}

/// Changes the number of pods.
pub(super) async fn scale(arguments: ScaleArguments) -> anyhow::Result<Outcome> {
    let ScaleArguments { name, replicas, timeout, waiting, connection } = arguments;
    let parameters = [("Replicas", replicas.to_string())].into_iter().chain(timeout.parameter());
    start_order("ScaleK8sApplication", "Scaling", &name, parameters, waiting, &connection).await
}

/// Starts what was stopped.
pub(super) async fn start(arguments: StartArguments) -> anyhow::Result<Outcome> {
    let StartArguments { name, replicas, timeout, waiting, connection } = arguments;
    let replicas = replicas.map(|replicas| ("Replicas", replicas.to_string()));
    let parameters = replicas.into_iter().chain(timeout.parameter());
    start_order("StartK8sApplication", "Starting", &name, parameters, waiting, &connection).await
}

async fn start_order(
    operation: &'static str,
    doing: &str,
    name: &AppName,
    parameters: impl IntoIterator<Item = (&'static str, String)>,
    waiting: Waiting,
    connection: &Connection,
) -> anyhow::Result<Outcome> {
    let client = connection.client()?;
    let app = names::app_id(&client, &name.app).await?;
    let parameters = [("AppId", app)].into_iter().chain(parameters).collect();
    let reply = client.call::<ChangeOrderStarted>(operation, parameters).await?;
    let started =
        wait::Started { order: reply.payload.change_order_id, body: reply.body, what: format!("{doing} {}", name.app) };
    wait::started(&client, started, waiting.to_the_end(), connection.output).await
}
