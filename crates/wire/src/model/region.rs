//! Logical regions, which EDAS also calls microservice namespaces.

use serde::{Deserialize, Serialize};

use super::lists;

/// The logical region as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InsertOrUpdateRegion {
    pub user_define_region_entity: Region,
}

/// All logical regions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListUserDefineRegion {
    #[serde(with = "lists::user_define_region_entity")]
    pub user_define_region_list: Vec<Region>,
}

/// The logical region as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeleteUserDefineRegion {
    pub region_define: Region,
}

/// A logical region. `region_id` is its tag, `region:name`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Region {
    pub belong_region: String,
    pub debug_enable: bool,
    pub description: String,
    pub id: i64,
    pub mse_instance_id: String,
    pub region_id: String,
    pub region_name: String,
    pub registry_type: String,
    pub user_id: String,
}
