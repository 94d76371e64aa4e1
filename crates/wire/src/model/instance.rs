//! The instances of an application: the newer view by pods, and the older one by ECS terms.

use serde::{Deserialize, Serialize};

use super::lists;

/// An application's pods; a plain list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeAppInstanceList {
    pub instance_list: Vec<InstanceInfo>,
}

/// One pod; the raw pod and its node's labels are JSON texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceInfo {
    pub app_id: String,
    pub canary: bool,
    pub group_id: String,
    pub group_name: String,
    pub node_labels: String,
    pub node_name: String,
    pub pod_raw: String,
    pub version: String,
}

/// An application with everything that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryApplicationStatus {
    pub app_info: AppInfo,
}

/// The application, its instances (Ecc), their hosts (Ecu), groups and deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AppInfo {
    pub application: ApplicationOverview,
    #[serde(with = "lists::deploy_record")]
    pub deploy_record_list: Vec<DeployRecord>,
    #[serde(with = "lists::ecc")]
    pub ecc_list: Vec<Ecc>,
    #[serde(with = "lists::ecu")]
    pub ecu_list: Vec<Ecu>,
    #[serde(with = "lists::group")]
    pub group_list: Vec<Group>,
}

/// The application as QueryApplicationStatus shows it. Times are epoch milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApplicationOverview {
    pub application_id: String,
    pub build_package_id: i32,
    pub cluster_id: String,
    pub cpu: i32,
    pub create_time: i64,
    pub dockerize: bool,
    pub email: String,
    pub health_check_url: String,
    pub instance_count: i32,
    pub launch_time: i64,
    pub memory: i32,
    pub name: String,
    pub owner: String,
    pub phone: String,
    pub port: i32,
    pub region_id: String,
    pub running_instance_count: i32,
    pub user_id: String,
}

/// Which version was deployed to which instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeployRecord {
    pub create_time: i64,
    pub deploy_record_id: String,
    pub ecc_id: String,
    pub ecu_id: String,
    pub package_md5: String,
    pub package_version_id: String,
}

/// An instance; on Kubernetes, a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ecc {
    pub app_id: String,
    /// A [`crate::codes::InstanceState`].
    pub app_state: i32,
    pub container_status: String,
    pub create_time: i64,
    pub ecc_id: String,
    pub ecu_id: String,
    pub group_id: String,
    pub ip: String,
    pub task_state: i32,
    pub update_time: i64,
    pub vpc_id: String,
}

/// A host; on Kubernetes, a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ecu {
    pub available_cpu: i32,
    pub available_mem: i32,
    pub create_time: i64,
    pub docker_env: bool,
    pub ecu_id: String,
    pub group_id: String,
    pub heartbeat_time: i64,
    pub instance_id: String,
    pub ip_addr: String,
    pub name: String,
    pub online: bool,
    pub region_id: String,
    pub update_time: i64,
    pub user_id: String,
    pub vpc_id: String,
    pub zone_id: String,
}

/// A group of instances.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Group {
    pub app_id: String,
    pub app_version_id: String,
    pub cluster_id: String,
    pub create_time: i64,
    pub group_id: String,
    pub group_name: String,
    pub group_type: i32,
    pub package_version_id: String,
    pub update_time: i64,
}
