//! `sternway app create`: a new application, and the change order that deploys its first version.

use clap::Args;
use sternway_wire::model::InsertK8sApplication;

use crate::arguments::{Connection, Waiting};
use crate::commands::parameters::{Extra, Variable, environment};
use crate::commands::{names, wait};
use crate::exit::Outcome;

const OPERATION: &str = "InsertK8sApplication";

/// See [`run`].
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The application's name: a letter, then letters, digits and hyphens, 36 at most
    #[arg(value_name = "NAME")]
    name: String,
    /// The image to run
    #[arg(long)]
    image: String,
    /// How many pods
    #[arg(long, default_value_t = 1)]
    replicas: u32,
    /// The cluster, by name or id [default: the only one]
    #[arg(long)]
    cluster: Option<String>,
    /// The Kubernetes namespace
    #[arg(long, default_value = "default")]
    namespace: String,
    /// The logical region
    #[arg(long, env = "STERNWAY_REGION", hide_env_values = true, default_value = "cn-hangzhou")]
    region: String,
    /// What people should know of it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// An environment variable; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment: Vec<Variable>,
    /// CPU that a pod may use, in thousandths of a core
    #[arg(long, value_name = "MILLICORES")]
    cpu_limit: Option<u32>,
    /// Memory that a pod may use, in MiB
    #[arg(long, value_name = "MIB")]
    memory_limit: Option<u32>,
    #[command(flatten)]
    extra: Extra,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    connection: Connection,
}

/// Creates it.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    let extra = arguments.extra.of(OPERATION)?;
    let client = arguments.connection.client()?;
    let mut parameters = vec![
        ("AppName", arguments.name.clone()),
        ("ClusterId", names::cluster_id(&client, arguments.cluster.as_deref()).await?),
        ("Namespace", arguments.namespace),
        ("LogicalRegionId", arguments.region),
        ("PackageType", "Image".to_owned()),
        ("ImageUrl", arguments.image),
        ("Replicas", arguments.replicas.to_string()),
    ];
    parameters.extend(arguments.description.map(|text| ("ApplicationDescription", text)));
    parameters.extend(environment(&arguments.environment));
    parameters.extend(arguments.cpu_limit.map(|limit| ("LimitmCpu", limit.to_string())));
    parameters.extend(arguments.memory_limit.map(|limit| ("LimitMem", limit.to_string())));
    parameters.extend(extra);
    let reply = client.call::<InsertK8sApplication>(OPERATION, parameters).await?;
    let started = wait::Started {
        order: reply.payload.application_info.change_order_id,
        body: reply.body,
        what: format!("Creating {} ({})", arguments.name, reply.payload.application_info.app_id),
    };
    wait::started(&client, started, arguments.waiting.to_the_end(), arguments.connection.output).await
}
