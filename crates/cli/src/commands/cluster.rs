//! `sternway cluster`: the clusters that a server works on.

use clap::{Args, Subcommand};

use sternway_wire::model::ListCluster;

use crate::arguments::{Connection, Form};
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the clusters
    List(ListArguments),
}

/// See [`list`].
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(arguments) => list(arguments).await,
    }
}

async fn list(arguments: ListArguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let reply = client
        .call::<ListCluster>("ListCluster", Vec::new())
        .await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table = Table::new(
        ["NAME", "NODES", "REGION", "ID"],
        "no clusters: import one with `sternway cluster import`",
    );
    for cluster in reply.payload.cluster_list {
        table.row([
            cluster.cluster_name,
            cluster.node_num.to_string(),
            cluster.region_id,
            cluster.cluster_id,
        ]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}
