//! ImportK8sCluster.
//!
//! EDAS looks a cluster's credentials up by its id; here the client brings them, in the parameter KubeConfig (our extension, in the
//! query or in a form body). Without it, a cluster that was imported before is asked again whether it answers. The settings of a cluster
//! ([`super::setting`]) are given here, too: `LoadBalancer` says how its load balancers are asked for, `NasFileSystems` what a NasId is.

use std::sync::Arc;

use sternway_core::ids::ClusterId;
use sternway_core::ports::{ClusterAccess, ClusterRecord, Secret};
use sternway_wire::error::BusinessError;
use sternway_wire::model::TextData;

use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::application::nas::FileSystems;
use crate::operations::cluster::setting::Setting as _;
use crate::operations::resource::load_balancer::LoadBalancers;

const LONGEST_NAME: usize = 64;
const LONGEST_ID: usize = 128;

/// ImportK8sCluster
pub(crate) async fn import(call: Arc<Call>) -> Result<TextData, Failure> {
    let parameters = &call.parameters;
    let named = parameters.text("ClusterId", LONGEST_ID)?;
    let name = parameters.text("ClusterName", LONGEST_NAME)?;
    let kubeconfig = parameters.optional("KubeConfig")?;
    let load_balancers = LoadBalancers::read(parameters)?;
    let file_systems = FileSystems::read(parameters)?;
    let access = kubeconfig.map(|yaml| ClusterAccess::Kubeconfig(Secret::new(yaml)));
    let known = match named {
        Some(id) => call.find_cluster(id).await?,
        None => None,
    };
    let record = match (known, access) {
        (Some(known), access) => ClusterRecord {
            name: name.map_or_else(|| known.name.clone(), str::to_owned),
            access: access.unwrap_or_else(|| known.access.clone()),
            updated_at: call.now(),
            ..known
        },
        (None, Some(access)) => fresh(&call, named, name, access),
        (None, None) => return Err(how_to_import(named).into()),
    };
    connect(&call, record.id, &record.access).await?;
    let id = record.id;
    call.store().put_cluster(record).await?;
    LoadBalancers::keep(&call, id, load_balancers).await?;
    FileSystems::keep(&call, id, file_systems).await?;
    Ok(TextData { data: id.to_string() })
}

fn fresh(call: &Call, named: Option<&str>, name: Option<&str>, access: ClusterAccess) -> ClusterRecord {
    let id = ClusterId::new(call.engine().ports().ids.fresh());
    let own = id.to_string();
    let cs_cluster_id = named.unwrap_or(&own);
    let now = call.now();
    ClusterRecord {
        id,
        name: name.unwrap_or(cs_cluster_id).to_owned(),
        cs_cluster_id: cs_cluster_id.to_owned(),
        region: call.region.clone(),
        description: String::new(),
        access,
        created_at: now,
        updated_at: now,
    }
}

/// Whether the cluster answers and lets us do our work, within the time that the client waits.
async fn connect(call: &Call, id: ClusterId, access: &ClusterAccess) -> Result<(), Failure> {
    let patience = call.shared.config.request_timeout.mul_f32(0.8);
    match tokio::time::timeout(patience, call.clusters().connect(id, access)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(of_cluster(id, &error)),
        Err(_) => {
            let reason = "it did not answer in time";
            Err(BusinessError::cluster_unavailable(&id.to_string(), reason).into())
        }
    }
}

fn how_to_import(named: Option<&str>) -> BusinessError {
    let subject = match named {
        Some(id) => {
            format!("The cluster {id} does not exist here and its credentials are not known.")
        }
        None => "No cluster is named.".to_owned(),
    };
    let message = format!(
        "{subject} Send its kubeconfig (YAML) in the parameter KubeConfig, in a form body, and a name in ClusterName."
    );
    BusinessError::new(400, "Cluster.KubeConfigMissing", message)
}
