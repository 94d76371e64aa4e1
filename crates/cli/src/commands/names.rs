//! Applications and clusters by the names that people know them by.

use anyhow::bail;
use sternway_wire::model::{ApplicationSummary, Cluster, ListApplication, ListCluster};
use uuid::Uuid;

use crate::client::Client;

/// The id of an application that is named by id or name.
pub(crate) async fn app_id(client: &Client, wanted: &str) -> anyhow::Result<String> {
    if let Ok(id) = Uuid::parse_str(wanted) {
        return Ok(id.to_string());
    }
    let parameters = vec![("AppName", wanted.to_owned())];
    let listed = client.call::<ListApplication>("ListApplication", parameters).await?;
    let applications = listed.payload.application_list;
    // The filter of the API also answers with names that merely contain the text.
    let found: Vec<&ApplicationSummary> =
        applications.iter().filter(|application| application.name == wanted).collect();
    match found[..] {
        [application] => Ok(application.app_id.clone()),
        [] => bail!("no application is named {wanted}: `sternway app list` shows those that are there"),
        _ => {
            let several: Vec<String> = found
                .iter()
                .map(|application| {
                    let ApplicationSummary { app_id, cluster_id, k8s_namespace, .. } = application;
                    format!("\n  {app_id}  in namespace {k8s_namespace} of cluster {cluster_id}")
                })
                .collect();
            bail!("several applications are named {wanted}, use an id:{}", several.concat())
        }
    }
}

/// The id of a cluster that is named by id or name; without a name, of the only one there is.
pub(crate) async fn cluster_id(client: &Client, wanted: Option<&str>) -> anyhow::Result<String> {
    if let Some(Ok(id)) = wanted.map(Uuid::parse_str) {
        return Ok(id.to_string());
    }
    let clusters = client.call::<ListCluster>("ListCluster", Vec::new()).await?.payload.cluster_list;
    let found: Vec<&Cluster> =
        clusters.iter().filter(|cluster| wanted.is_none_or(|wanted| cluster.cluster_name == wanted)).collect();
    match (&found[..], wanted) {
        ([cluster], _) => Ok(cluster.cluster_id.clone()),
        ([], Some(wanted)) => bail!("no cluster is named {wanted}: `sternway cluster list` shows those that are there"),
        ([], None) => {
            bail!("the server has no cluster yet: import one with `sternway cluster import`")
        }
        (_, _) => {
            let several: Vec<String> =
                found.iter().map(|cluster| format!("\n  {}  {}", cluster.cluster_id, cluster.cluster_name)).collect();
            bail!("there are several clusters, name one by its id with --cluster:{}", several.concat())
        }
    }
}
