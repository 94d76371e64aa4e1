//! ConfigMaps and Secrets, and whether resources are in step.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A page of ConfigMaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListK8sConfigMaps {
    pub result: ConfigMapPage,
}

/// See [`ListK8sConfigMaps`]; `total` counts those of all pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigMapPage {
    pub config_maps: Vec<ConfigMap>,
    pub total: i32,
}

/// One ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConfigMap {
    pub cluster_id: String,
    pub cluster_name: String,
    pub creation_time: String,
    pub data: Vec<DataEntry>,
    pub name: String,
    pub namespace: String,
    pub related_apps: Vec<RelatedApp>,
}

/// A key and its value, of a ConfigMap or of a Secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DataEntry {
    pub key: String,
    pub value: String,
}

impl fmt::Debug for DataEntry {
    /// Without the value: it may be a Secret's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DataEntry").field("key", &self.key).finish_non_exhaustive()
    }
}

/// An application that uses an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RelatedApp {
    pub app_id: String,
    pub app_name: String,
}

/// A page of Secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListK8sSecrets {
    pub result: SecretPage,
}

/// See [`ListK8sSecrets`]; `total` counts those of all pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SecretPage {
    pub secrets: Vec<KubernetesSecret>,
    pub total: i32,
}

/// One Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KubernetesSecret {
    pub base64_encoded: bool,
    pub cert_detail: CertDetail,
    pub cert_id: String,
    pub cert_region_id: String,
    pub cluster_id: String,
    pub cluster_name: String,
    pub creation_time: String,
    pub data: Vec<DataEntry>,
    pub name: String,
    pub namespace: String,
    pub related_apps: Vec<RelatedApp>,
    pub related_ingress_rules: Vec<RelatedIngressRule>,
    pub r#type: String,
}

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CertDetail {
    pub domain_names: Vec<String>,
    pub end_time: String,
    pub issuer: String,
    pub start_time: String,
    pub status: String,
}

/// An Ingress that uses a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RelatedIngressRule {
    pub name: String,
    pub namespace: String,
    pub related_apps: Vec<RelatedApp>,
}

/// Whether resources are in step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SynchronizeResource {
    pub data: String,
    pub success: bool,
}
