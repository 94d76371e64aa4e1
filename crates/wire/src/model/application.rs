//! Applications as the operations show them that Kubernetes and ECS share.

use serde::ser::{Error as _, SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lists;

/// One application.
///
/// It is written under two names: the newer SDKs read `Application`, the older ones `Applcation`, where moreover the
/// type of the cluster is a number and the right to manage is a flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetApplication {
    pub application: ApplicationDetail,
}

impl Serialize for GetApplication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut older = serde_json::to_value(&self.application).map_err(S::Error::custom)?;
        older["ClusterType"] = Value::from(self.application.cluster_type.parse::<i32>().unwrap_or_default());
        older["HaveManageAccess"] = Value::from(self.application.have_manage_access == "true");
        let mut payload = serializer.serialize_struct("GetApplication", 2)?;
        payload.serialize_field("Application", &self.application)?;
        payload.serialize_field("Applcation", &older)?;
        payload.end()
    }
}

/// The application as GetApplication shows it. `application_type` must not be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApplicationDetail {
    pub app_id: String,
    pub app_phase: String,
    pub application_type: String,
    pub build_package_id: i64,
    pub cluster_id: String,
    pub cluster_type: String,
    pub cpu: i32,
    /// Epoch milliseconds.
    pub create_time: i64,
    pub description: String,
    pub dockerize: bool,
    pub email: String,
    pub enable_port_check: bool,
    pub enable_url_check: bool,
    pub ext_slb_id: String,
    pub ext_slb_ip: String,
    pub ext_slb_name: String,
    pub have_manage_access: String,
    pub health_check_url: String,
    pub instance_count: i32,
    pub memory: i32,
    pub name: String,
    pub name_space: String,
    pub owner: String,
    pub port: i32,
    pub region_id: String,
    pub resource_group_id: String,
    pub running_instance_count: i32,
    pub slb_id: String,
    /// A JSON array as text.
    pub slb_info: String,
    pub slb_ip: String,
    pub slb_name: String,
    pub slb_port: i32,
    pub user_id: String,
    pub workload_type: String,
}

/// Applications in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListApplication {
    #[serde(with = "lists::application")]
    pub application_list: Vec<ApplicationSummary>,
}

/// An application as ListApplication shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApplicationSummary {
    pub app_id: String,
    pub application_type: String,
    pub build_package_id: i64,
    pub cluster_id: String,
    pub cluster_type: i32,
    /// Epoch milliseconds.
    pub create_time: i64,
    pub ext_slb_ip: String,
    pub ext_slb_listener_port: i32,
    pub instances: i32,
    pub k8s_namespace: String,
    pub name: String,
    pub namespace_id: String,
    pub port: i32,
    pub region_id: String,
    pub resource_group_id: String,
    pub running_instance_count: i32,
    pub slb_ip: String,
    pub slb_listener_port: i32,
    pub slb_port: i32,
    /// `RUNNING`, `STOPPED`, `DEPLOYING`, `DELETING`.
    pub state: String,
}

/// The application after its description, owner or name was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateApplicationBaseInfo {
    pub applcation: ApplicationBaseInfo,
}

/// An application without its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ApplicationBaseInfo {
    pub app_id: String,
    pub application_type: String,
    pub build_package_id: i64,
    pub cluster_id: String,
    pub cluster_type: i32,
    pub cpu: i32,
    /// Epoch milliseconds.
    pub create_time: i64,
    pub description: String,
    pub dockerize: bool,
    pub ext_slb_id: String,
    pub ext_slb_ip: String,
    pub ext_slb_name: String,
    pub health_check_url: String,
    pub instance_count: i32,
    pub memory: i32,
    pub name: String,
    pub owner: String,
    pub port: i32,
    pub region_id: String,
    pub running_instance_count: i32,
    pub slb_id: String,
    pub slb_ip: String,
    pub slb_name: String,
    pub slb_port: i32,
    pub user_id: String,
}
