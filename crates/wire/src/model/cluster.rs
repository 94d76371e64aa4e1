//! Clusters and the namespaces in them.

use serde::{Deserialize, Serialize};

use super::lists;

/// One page of the Kubernetes clusters of a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetK8sCluster {
    pub cluster_page: ClusterPage,
}

/// A page; pages count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClusterPage {
    #[serde(with = "lists::cluster")]
    pub cluster_list: Vec<Cluster>,
    pub current_page: i32,
    pub page_size: i32,
    pub total_size: i32,
}

/// One cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetCluster {
    pub cluster: Cluster,
}

/// All clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListCluster {
    #[serde(with = "lists::cluster")]
    pub cluster_list: Vec<Cluster>,
}

/// Whether a cluster was removed; the cluster itself goes on running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeleteCluster {
    pub data: bool,
}

/// A cluster. The three operations that show clusters each show some of these fields; here each shows them all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cluster {
    pub cluster_id: String,
    /// A [`crate::codes::ClusterImportStatus`].
    pub cluster_import_status: i32,
    pub cluster_name: String,
    /// A [`crate::codes::ClusterStatus`].
    pub cluster_status: i32,
    /// A [`crate::codes::ClusterType`].
    pub cluster_type: i32,
    pub cpu: i32,
    pub cpu_used: i32,
    /// Epoch milliseconds.
    pub create_time: i64,
    pub cs_cluster_id: String,
    pub cs_cluster_status: String,
    pub description: String,
    pub iaas_provider: String,
    /// MiB.
    pub mem: i32,
    pub mem_used: i32,
    pub network_mode: i32,
    pub node_num: i32,
    pub oversold_factor: i32,
    pub region_id: String,
    pub resource_group_id: String,
    pub sub_cluster_type: String,
    pub sub_net_cidr: String,
    pub update_time: i64,
    pub vpc_id: String,
    pub vswitch_id: String,
}

/// The Kubernetes namespaces of a cluster; a plain list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListK8sNamespaces {
    pub data: Vec<KubernetesNamespace>,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KubernetesNamespace {
    pub namespace: String,
}
