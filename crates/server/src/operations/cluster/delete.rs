//! DeleteCluster: the cluster is forgotten here, and goes on running.

use std::sync::Arc;

use sternway_core::ports::AppFilter;
use sternway_wire::error::BusinessError;
use sternway_wire::model::DeleteCluster;

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::application::nas::FileSystems;
use crate::operations::cluster::setting::Setting as _;
use crate::operations::resource::load_balancer::LoadBalancers;

/// DeleteCluster
pub(crate) async fn delete(call: Arc<Call>) -> Result<DeleteCluster, Failure> {
    let cluster = call.cluster().await?;
    let filter = AppFilter { cluster: Some(cluster.id), ..AppFilter::default() };
    if let Some(app) = call.store().apps(filter).await?.first() {
        let message = format!("The cluster {} has applications, such as {}. Delete them first.", cluster.id, app.name);
        return Err(BusinessError::new(400, "Cluster.InUse", message).into());
    }
    if !call.store().delete_cluster(cluster.id).await? {
        return Err(BusinessError::cluster_not_found(&cluster.id.to_string()).into());
    }
    FileSystems::forget(&call, cluster.id).await?;
    LoadBalancers::forget(&call, cluster.id).await?;
    call.clusters().disconnect(cluster.id).await;
    Ok(DeleteCluster { data: true })
}
