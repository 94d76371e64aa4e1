//! Clusters that the command line names: imported once, and connected anew at each start.

use std::path::Path;
use std::time::Duration;

use sternway_core::ids::ClusterId;
use sternway_core::ports::{ClusterAccess, ClusterError, ClusterRecord, Clusters as _, Ids as _, Store as _};
use tokio::time::timeout;

use super::Composition;
use crate::system::{self, RandomIds};

/// The file by which a pod proves who it is to its own cluster.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A start does not wait longer for a cluster.
const PATIENCE: Duration = Duration::from_secs(5);

/// A cluster to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// What makes it the same cluster at the next start; kept as EDAS's CsClusterId.
    pub(crate) identity: String,
    /// A name for people.
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) access: ClusterAccess,
}

/// The access of a pod to its own cluster, if this process runs in a pod that has one.
pub(crate) fn in_cluster() -> Option<ClusterAccess> {
    let is_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(SERVICE_ACCOUNT_TOKEN).exists();
    is_pod.then_some(ClusterAccess::InCluster)
}

impl Composition {
    /// Imports a cluster, or gives the one that was imported before these credentials. Its id stays the same for ever.
    ///
    /// The inner result says whether the cluster answers now; if not, connecting goes on.
    pub(crate) async fn import(&self, import: Import) -> anyhow::Result<(ClusterId, Result<(), ClusterError>)> {
        let now = system::now();
        let known = self.store.clusters().await?.into_iter().find(|known| known.cs_cluster_id == import.identity);
        let record = match known {
            Some(known) => {
                let updated_at = if known.access == import.access { known.updated_at } else { now };
                ClusterRecord { access: import.access, updated_at, ..known }
            }
            None => ClusterRecord {
                id: ClusterId::new(RandomIds.fresh()),
                name: import.name,
                cs_cluster_id: import.identity,
                region: import.region,
                description: String::new(),
                access: import.access,
                created_at: now,
                updated_at: now,
            },
        };
        let (id, access) = (record.id, record.access.clone());
        self.store.put_cluster(record).await?;
        let connected = match timeout(PATIENCE, self.clusters.connect(id, &access)).await {
            Ok(connected) => connected.map(drop),
            Err(_) => Err(ClusterError::Unreachable {
                message: format!("no answer within {} seconds", PATIENCE.as_secs()),
                retry_after_seconds: None,
            }),
        };
        if connected.is_err() {
            self.clusters.connect_later(id, &access).await;
        }
        Ok((id, connected))
    }
}
