//! Services of applications, and load balancers.

use serde::{Deserialize, Serialize};

use super::lists;

/// The Services of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetK8sServices {
    pub services: Vec<KubernetesService>,
}

/// One Service. `cluster_ip` is the word `None` for one without an address of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KubernetesService {
    #[serde(rename = "ClusterIP")]
    pub cluster_ip: String,
    pub name: String,
    pub service_ports: Vec<KubernetesServicePort>,
    pub r#type: String,
}

/// One port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KubernetesServicePort {
    pub node_port: i32,
    pub port: i32,
    pub protocol: String,
    pub target_port: String,
}

/// Load balancers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListSlb {
    #[serde(with = "lists::slb_entity")]
    pub slb_list: Vec<Slb>,
}

/// One load balancer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Slb {
    pub address: String,
    pub address_type: String,
    pub expired: bool,
    pub group_id: i32,
    pub network_type: String,
    pub region_id: String,
    pub reusable: bool,
    pub slb_id: String,
    pub slb_name: String,
    pub slb_status: String,
    pub tags: String,
    pub user_id: String,
    pub vpc_id: String,
    pub vswitch_id: String,
}

/// One item of `SlbInfo`, which is a JSON text. Terraform reads the ports as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlbInfo {
    pub address_type: String,
    pub external_traffic_policy: String,
    pub ip: String,
    pub name: String,
    pub port_mappings: Vec<PortMapping>,
    pub scheduler: String,
    pub slb_id: String,
    pub service_type: String,
    pub specification: String,
}

/// A listener of a load balancer and the port of the Service behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortMapping {
    pub cert_id: String,
    pub load_balancer_protocol: String,
    pub service_port: MappedPort,
}

/// See [`PortMapping`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MappedPort {
    pub port: i64,
    pub protocol: String,
    pub target_port: i64,
}
