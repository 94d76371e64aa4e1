//! Whose releases a setting is about.

use clap::Args;

use super::names;
use crate::client::Client;

/// Those that fit all that is given; all, if nothing is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Whose releases")]
pub(crate) struct Scope {
    /// Of one application, by name or id
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Of this Kubernetes namespace
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Of this cluster, by name or id
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    /// Of this logical region, such as cn-hangzhou:test
    #[arg(long, value_name = "REGION")]
    logical_region: Option<String>,
}

impl Scope {
    /// As parameters, with names made into ids.
    pub(crate) async fn parameters(self, client: &Client) -> anyhow::Result<Vec<(&'static str, String)>> {
        let mut parameters = Vec::new();
        if let Some(app) = self.app {
            parameters.push(("AppId", names::app_id(client, &app).await?));
        }
        if let Some(cluster) = self.cluster {
            parameters.push(("ClusterId", names::cluster_id(client, Some(&cluster)).await?));
        }
        parameters.extend(self.namespace.map(|namespace| ("Namespace", namespace)));
        parameters.extend(self.logical_region.map(|region| ("LogicalRegionId", region)));
        Ok(parameters)
    }

    /// What an answer says of a scope.
    pub(crate) fn in_words(app: &str, namespace: &str, cluster: &str, logical_region: &str) -> String {
        let parts =
            [("application", app), ("namespace", namespace), ("cluster", cluster), ("logical region", logical_region)];
        let given = parts.iter().filter(|(_, value)| !value.is_empty());
        let words: Vec<String> = given.map(|(what, value)| format!("{what} {value}")).collect();
        if words.is_empty() { "all".to_owned() } else { words.join(", ") }
    }
}
