//! `sternway cluster`: the clusters that a server works on.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use sternway_wire::model::{ListCluster, TextData};

use crate::arguments::{Connection, Form};
use crate::compose::Chosen;
use crate::exit::Outcome;
use crate::output::{self, Table};

/// What to do with clusters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the clusters
    List(Connection),
    /// Import a cluster by its kubeconfig, or give a known one new credentials or settings; prints its id
    Import(ImportArguments),
}

/// See [`import`].
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The kubeconfig; files it refers to are sent with it. Not needed for a known cluster that is named by --id
    #[arg(long, value_name = "FILE", required_unless_present = "id")]
    kubeconfig: Option<PathBuf>,
    /// The context to import [default: the current one]
    #[arg(long, requires = "kubeconfig")]
    context: Option<String>,
    /// A name for people [default: the context's]
    #[arg(long)]
    name: Option<String>,
    /// The id to know it by, ours or its own [default: made of its context and address]
    #[arg(long)]
    id: Option<String>,
    /// How its load balancers are asked for (LoadBalancer in docs/edas-compatibility.md); {} forgets it
    #[arg(long, value_name = "JSON")]
    load_balancer: Option<String>,
    /// The file systems that a NasId names (NasFileSystems in docs/edas-compatibility.md); {} forgets them
    #[arg(long, value_name = "JSON")]
    nas_file_systems: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

/// Does it.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::List(connection) => list(connection).await,
        Command::Import(arguments) => import(arguments).await,
    }
}

async fn list(connection: Connection) -> anyhow::Result<Outcome> {
    let client = connection.client()?;
    let reply = client.call::<ListCluster>("ListCluster", Vec::new()).await?;
    if connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    let mut table =
        Table::new(["NAME", "NODES", "REGION", "ID"], "no clusters: import one with `sternway cluster import`");
    for cluster in reply.payload.cluster_list {
        table.row([cluster.cluster_name, cluster.node_num.to_string(), cluster.region_id, cluster.cluster_id]);
    }
    output::text(&table.text())?;
    Ok(Outcome::Succeeded)
}

async fn import(arguments: ImportArguments) -> anyhow::Result<Outcome> {
    let ImportArguments { kubeconfig, context, name, id, load_balancer, nas_file_systems, connection } = arguments;
    let chosen = kubeconfig.map(|file| Chosen::read(&file, context.as_deref())).transpose()?;
    let client = connection.client()?;
    let of_chosen = |what: fn(&Chosen) -> String| chosen.as_ref().map(what);
    let parameters = [
        ("ClusterId", id.or_else(|| of_chosen(Chosen::identity))),
        ("ClusterName", name.or_else(|| of_chosen(|chosen| chosen.context.clone()))),
        ("KubeConfig", of_chosen(|chosen| chosen.text.reveal().to_owned())),
        ("LoadBalancer", load_balancer),
        ("NasFileSystems", nas_file_systems),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let reply = client.call::<TextData>("ImportK8sCluster", given).await?;
    match connection.output {
        Form::Json => output::json(&reply.body)?,
        Form::Text => output::line(&reply.payload.data)?,
    }
    if let Some(chosen) = &chosen {
        output::say(&format!("Imported {} ({}).", chosen.context, chosen.server));
    }
    Ok(Outcome::Succeeded)
}
