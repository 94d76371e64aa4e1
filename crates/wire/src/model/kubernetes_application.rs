//! An application on Kubernetes: what creating it answers, and what it looks like.

use serde::{Deserialize, Serialize};

use super::lists;

/// A new application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InsertK8sApplication {
    pub application_info: ApplicationInfo,
}

/// What was created, and the change order that deploys it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApplicationInfo {
    pub app_id: String,
    pub app_name: String,
    pub change_order_id: String,
    pub cluster_type: i32,
    pub dockerize: bool,
    pub edas_id: String,
    pub owner: String,
    pub region_id: String,
    pub user_id: String,
}

/// The outcome of a change of description, owner or contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateK8sApplicationBaseInfo {
    pub result: String,
}

/// One application, in full. EDAS misspells the key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetK8sApplication {
    pub applcation: Applcation,
}

/// An application with its configuration, groups and image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Applcation {
    pub app: App,
    pub app_id: String,
    pub conf: Conf,
    #[serde(with = "lists::deploy_group")]
    pub deploy_groups: Vec<DeployGroup>,
    pub image_info: ImageInfo,
    pub latest_version: LatestVersion,
    /// Read by Terraform, of an older generation of the API.
    pub description: String,
    /// Read by Terraform: the Kubernetes namespace.
    pub name_space: String,
}

/// What the application is and what it may use. Memory is in MiB, processor time in millicores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct App {
    pub annotations: String,
    pub app_id: String,
    pub application_name: String,
    pub application_type: String,
    pub buildpack_id: i32,
    pub cluster_id: String,
    pub cmd: String,
    #[serde(with = "lists::cmd_arg")]
    pub cmd_args: Vec<String>,
    pub cs_cluster_id: String,
    pub deploy_type: String,
    pub develop_type: String,
    pub edas_container_version: String,
    pub enable_empty_push_reject: bool,
    pub enable_lossless_rule: bool,
    #[serde(with = "lists::env")]
    pub env_list: Vec<Env>,
    pub feature_annotations: String,
    pub instances: i32,
    pub instances_before_scaling: i32,
    pub k8s_namespace: String,
    pub labels: String,
    pub limit_cpu_m: i32,
    pub limit_ephemeral_storage: String,
    pub limit_mem: i32,
    pub lossless_rule_aligned: bool,
    pub lossless_rule_delay_time: i32,
    pub lossless_rule_func_type: i32,
    pub lossless_rule_related: bool,
    pub lossless_rule_warmup_time: i32,
    pub region_id: String,
    pub request_cpu_m: i32,
    pub request_ephemeral_storage: String,
    pub request_mem: i32,
    pub security_context: String,
    pub slb_info: String,
    pub tomcat_version: String,
    pub workload_type: String,
}

/// How its containers run; structures are JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Conf {
    pub affinity: String,
    pub ahas_enabled: bool,
    pub deploy_across_nodes: String,
    pub deploy_across_zones: String,
    pub jar_start_args: String,
    pub jar_start_options: String,
    pub k8s_cmd: String,
    pub k8s_cmd_args: String,
    pub k8s_localvolume_info: String,
    pub k8s_nas_info: String,
    pub k8s_volume_info: String,
    pub liveness: String,
    pub post_start: String,
    pub pre_stop: String,
    pub readiness: String,
    pub runtime_class_name: String,
    pub tolerations: String,
    pub user_base_image_url: String,
}

/// A group of instances. EDAS for Kubernetes has one per application, plus one during a gray release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeployGroup {
    #[serde(with = "lists::components")]
    pub components: Vec<Component>,
    pub env: String,
    pub env_from: String,
    /// Read by Terraform, as are all the fields below.
    pub package_url: String,
    pub package_version: String,
    /// MiB, in digits.
    pub memory_limit: String,
    /// MiB, in digits.
    pub memory_request: String,
    /// Whole cores, in digits: Terraform reads it as an integer.
    pub cpu_limit: String,
    /// Whole cores, in digits: Terraform reads it as an integer.
    pub cpu_request: String,
}

/// The image that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageInfo {
    pub image_url: String,
    pub region_id: String,
    pub repo_id: String,
    pub repo_name: String,
    pub repo_namespace: String,
    pub repo_origin_type: String,
    pub tag: String,
}

/// The package of the latest version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LatestVersion {
    pub package_version: String,
    pub url: String,
    pub war_url: String,
}

/// An environment variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Env {
    pub name: String,
    pub value: String,
}

/// A component of the runtime, such as the JDK.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Component {
    pub component_id: String,
    pub component_key: String,
    pub r#type: String,
}
