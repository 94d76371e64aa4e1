//! `sternway adopt`: take an existing Deployment under management, without touching it.

use clap::Args;
use sternway_wire::model::InsertK8sApplication;

use crate::arguments::{Connection, Form};
use crate::commands::names;
use crate::exit::Outcome;
use crate::output;

const OPERATION: &str = "InsertK8sApplication";

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The Deployment's name; the application gets the same
    #[arg(value_name = "DEPLOYMENT")]
    name: String,
    /// The cluster, by name or id [default: the only one]
    #[arg(long)]
    cluster: Option<String>,
    /// The Kubernetes namespace
    #[arg(long, default_value = "default")]
    namespace: String,
    /// The logical region
    #[arg(long, env = "STERNWAY_REGION", hide_env_values = true, default_value = "cn-hangzhou")]
    region: String,
    #[command(flatten)]
    connection: Connection,
}

/// Adopts it.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let client = arguments.connection.client()?;
    let name = arguments.name;
    let parameters = vec![
        ("AppName", name.clone()),
        ("ClusterId", names::cluster_id(&client, arguments.cluster.as_deref()).await?),
        ("Namespace", arguments.namespace),
        ("LogicalRegionId", arguments.region),
        ("Adopt", "true".to_owned()),
    ];
    let reply = client.call::<InsertK8sApplication>(OPERATION, parameters).await?;
    if arguments.connection.output == Form::Json {
        output::json(&reply.body)?;
        return Ok(Outcome::Succeeded);
    }
    output::line(&reply.payload.application_info.app_id)?;
    output::say(&format!(
        "{name} is adopted as it is. What the cluster knows of its past: sternway version list {name}"
    ));
    Ok(Outcome::Succeeded)
}
