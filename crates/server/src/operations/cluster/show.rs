//! GetCluster, GetK8sCluster, ListCluster, ListK8sNamespaces.

use std::sync::Arc;
use std::time::Duration;

use sternway_core::ports::{ClusterInfo, ClusterRecord};
use sternway_wire::codes::{ClusterImportStatus, ClusterStatus, ClusterType};
use sternway_wire::model::{
    Cluster, ClusterPage, GetCluster, GetK8sCluster, KubernetesNamespace, ListCluster, ListK8sNamespaces,
};
use tokio::task::JoinSet;

use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::place::group;
use crate::operations::{Page, whole};

/// How long a cluster is waited for before it is shown as offline: a list must not hang on one that is away.
const PATIENCE: Duration = Duration::from_secs(3);

/// GetCluster
pub(crate) async fn one(call: Arc<Call>) -> Result<GetCluster, Failure> {
    let cluster = call.cluster().await?;
    let shown = described(&call, vec![cluster]).await;
    Ok(GetCluster { cluster: shown.into_iter().next().unwrap_or_default() })
}

/// ListCluster
pub(crate) async fn all(call: Arc<Call>) -> Result<ListCluster, Failure> {
    let region = call.parameters.optional("LogicalRegionId")?;
    let clusters = group::clusters(&call, of_region(&call, region).await?).await?;
    Ok(ListCluster { cluster_list: described(&call, clusters).await })
}

/// GetK8sCluster
pub(crate) async fn page(call: Arc<Call>) -> Result<GetK8sCluster, Failure> {
    let region = call.parameters.optional("RegionTag")?;
    let kind = call.parameters.integer("ClusterType", 0..=7)?;
    let page = Page::read(&call.parameters)?.unwrap_or_default();
    let ours = [ClusterType::Kubernetes, ClusterType::SelfManagedKubernetes];
    let clusters = match kind {
        Some(kind) if !ours.iter().any(|own| i64::from(own.code()) == kind) => Vec::new(),
        _ => of_region(&call, region).await?,
    };
    let total_size = whole(clusters.len());
    Ok(GetK8sCluster {
        cluster_page: ClusterPage {
            cluster_list: described(&call, page.of(clusters)).await,
            current_page: whole(page.number),
            page_size: whole(page.size),
            total_size,
        },
    })
}

/// ListK8sNamespaces
pub(crate) async fn namespaces(call: Arc<Call>) -> Result<ListK8sNamespaces, Failure> {
    let cluster = call.cluster().await?;
    let names = call.clusters().namespaces(cluster.id).await;
    let names = names.map_err(|error| of_cluster(cluster.id, &error))?;
    Ok(ListK8sNamespaces { data: names.into_iter().map(|namespace| KubernetesNamespace { namespace }).collect() })
}

/// Those that the caller may see. A logical region shows the clusters of the region that it belongs to.
async fn of_region(call: &Call, region: Option<&str>) -> Result<Vec<ClusterRecord>, Failure> {
    let mut clusters = call.store().clusters().await?;
    clusters.retain(|cluster| call.may_read_cluster(cluster));
    if let Some(region) = region.and_then(|tag| tag.split(':').next()) {
        clusters.retain(|cluster| cluster.region == region);
    }
    Ok(clusters)
}

/// Asks all clusters at the same time how they are.
async fn described(call: &Arc<Call>, clusters: Vec<ClusterRecord>) -> Vec<Cluster> {
    let mut asked = JoinSet::new();
    for (at, cluster) in clusters.iter().enumerate() {
        let (call, id) = (Arc::clone(call), cluster.id);
        asked.spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, call.clusters().info(id)).await;
            (at, answer.map_err(drop).and_then(|info| info.map_err(drop)).ok())
        });
    }
    let mut answers = vec![None; clusters.len()];
    while let Some(answer) = asked.join_next().await {
        if let Ok((at, info)) = answer {
            answers[at] = info;
        }
    }
    clusters.into_iter().zip(answers).map(|(record, info)| shown(record, info.as_ref())).collect()
}

fn shown(record: ClusterRecord, info: Option<&ClusterInfo>) -> Cluster {
    let status = match info {
        Some(info) if info.nodes > 0 && info.nodes_ready == 0 => ClusterStatus::Abnormal,
        Some(_) => ClusterStatus::Normal,
        None => ClusterStatus::Offline,
    };
    let own_status = if info.is_some() { "running" } else { "unavailable" };
    Cluster {
        cluster_id: record.id.to_string(),
        cluster_import_status: ClusterImportStatus::Imported.code(),
        cluster_name: record.name,
        cluster_status: status.code(),
        cluster_type: ClusterType::Kubernetes.code(),
        cpu: info.map_or(0, |info| whole(info.cpu_millis / 1000)),
        create_time: record.created_at.as_millisecond(),
        cs_cluster_id: record.cs_cluster_id,
        cs_cluster_status: own_status.to_owned(),
        description: record.description,
        mem: info.map_or(0, |info| whole(info.memory_mib)),
        node_num: info.map_or(0, |info| whole(info.nodes)),
        region_id: record.region,
        sub_cluster_type: "ManagedKubernetes".to_owned(),
        update_time: record.updated_at.as_millisecond(),
        ..Cluster::default()
    }
}
