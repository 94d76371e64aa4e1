//! Where things are on Alibaba Cloud: regions, networks, resource groups, and what an application there is given to find its way.
//! Off it, most of these lists are empty; the shapes are whole all the same, for clients that read them.

use serde::{Deserialize, Serialize};

use super::lists;

/// The regions that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListAliyunRegion {
    #[serde(with = "lists::region_entity")]
    pub region_entity_list: Vec<RegionEntity>,
}

/// A region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RegionEntity {
    pub id: String,
    pub name: String,
}

/// The virtual networks that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListVpc {
    #[serde(with = "lists::vpc_entity")]
    pub vpc_list: Vec<Vpc>,
}

/// A virtual network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Vpc {
    #[serde(rename = "Cidrblock")]
    pub cidr_block: String,
    pub description: String,
    pub ecs_num: i32,
    pub expired: bool,
    pub region_id: String,
    pub status: String,
    pub user_id: String,
    pub vpc_id: String,
    pub vpc_name: String,
}

/// The resource groups that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListResourceGroup {
    #[serde(with = "lists::res_group_entity")]
    pub resource_group_list: Vec<ResourceGroup>,
}

/// A resource group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResourceGroup {
    pub admin_user_id: String,
    pub create_time: i64,
    pub description: String,
    pub id: i64,
    pub name: String,
    pub region_id: String,
    #[serde(with = "lists::slb_entity")]
    pub slb_list: Vec<GroupSlb>,
    pub update_time: i64,
    #[serde(rename = "ecsList", with = "lists::ecs_entity")]
    pub ecs_list: Vec<Ecs>,
}

/// A load balancer of a resource group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GroupSlb {
    pub address: String,
    pub address_type: String,
    pub expired: bool,
    pub group_id: i32,
    pub network_type: String,
    pub region_id: String,
    pub slb_id: String,
    pub slb_name: String,
    pub slb_status: String,
    pub user_id: String,
    pub vpc_id: String,
    pub vswitch_id: String,
}

/// A host of a resource group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Ecs {
    pub cpu: i32,
    pub description: String,
    pub ecu_entity: EcsEcu,
    pub eip: String,
    pub expired: bool,
    pub group_id: String,
    pub host_name: String,
    pub inner_ip: String,
    pub instance_id: String,
    pub instance_name: String,
    pub mem: i32,
    pub private_ip: String,
    pub public_ip: String,
    pub region_id: String,
    pub serial_num: String,
    pub sg_id: String,
    pub status: String,
    pub user_id: String,
    pub vpc_entity: Vpc,
    pub vpc_id: String,
    pub zone_id: String,
}

/// What EDAS's agent says of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EcsEcu {
    pub available_cpu: i32,
    pub available_mem: i32,
    pub cpu: i32,
    pub create_time: i64,
    pub docker_env: bool,
    pub ecu_id: String,
    pub heartbeat_time: i64,
    pub instance_id: String,
    pub ip_addr: String,
    pub mem: i32,
    pub name: String,
    pub online: bool,
    pub region_id: String,
    pub update_time: i64,
    pub user_id: String,
    pub vpc_id: String,
    pub zone_id: String,
}

/// Where a region keeps what applications and hosts fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryRegionConfig {
    pub region_config: RegionConfig,
}

/// See [`QueryRegionConfig`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RegionConfig {
    pub address_server_host: String,
    pub agent_install_script: String,
    pub file_server_config: FileServerConfig,
    pub file_server_type: String,
    pub id: String,
    pub image_id: String,
    pub name: String,
    pub no: i32,
    pub tag: String,
}

/// Where files are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FileServerConfig {
    pub bucket: String,
    pub internal_url: String,
    pub public_url: String,
    pub vpc_url: String,
}

/// What an application of a logical region registers with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetSecureToken {
    pub secure_token: SecureToken,
}

/// See [`GetSecureToken`].
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SecureToken {
    pub access_key: String,
    pub address_server_host: String,
    pub belong_region: String,
    pub description: String,
    pub edas_id: String,
    pub id: i64,
    pub mse_instance_id: String,
    pub mse_internet_address: String,
    pub mse_intranet_address: String,
    pub mse_registry_type: String,
    pub region_id: String,
    pub region_name: String,
    pub secret_key: String,
    pub tenant_id: String,
    pub user_id: String,
}

impl std::fmt::Debug for SecureToken {
    /// Without its secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SecureToken").field("region_id", &self.region_id).finish_non_exhaustive()
    }
}
