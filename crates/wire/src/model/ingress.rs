//! Ingress rules.

use serde::{Deserialize, Serialize};

/// The Ingresses, by cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListK8sIngressRules {
    pub data: Vec<ClusterIngresses>,
}

/// The Ingresses of one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClusterIngresses {
    pub cluster_id: String,
    pub cluster_name: String,
    pub ingress_confs: Vec<IngressConf>,
    pub region_id: String,
}

/// One Ingress. `annotations` and `labels` are JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IngressConf {
    pub alb_id: String,
    pub annotations: String,
    pub creation_time: String,
    pub dashboard_url: String,
    pub endpoint: String,
    pub ingress_type: String,
    pub labels: String,
    pub mse_gateway_id: String,
    pub mse_gateway_name: String,
    pub name: String,
    pub namespace: String,
    pub offical_basic_url: String,
    pub offical_request_url: String,
    pub rules: Vec<IngressRule>,
    pub ssl_redirect: bool,
}

/// What one host leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IngressRule {
    pub enable_tls: bool,
    pub host: String,
    pub paths: Vec<IngressPath>,
    pub secret_name: String,
}

/// What one path leads to. `status` is `Normal`, `ServiceNotFound`, `InvalidServicePort` or `NotManagedService`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IngressPath {
    pub app_id: String,
    pub app_name: String,
    pub backend: IngressBackend,
    pub collect_rate: i32,
    pub path: String,
    pub path_type: String,
    pub status: String,
}

/// The Service behind a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IngressBackend {
    pub service_name: String,
    pub service_port: String,
}
