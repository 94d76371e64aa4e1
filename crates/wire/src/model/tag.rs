//! Tags of applications and clusters.

use serde::{Deserialize, Serialize};

use super::lists;

/// Tags, one entry for each tag of each resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListTagResources {
    #[serde(with = "lists::tag_resource")]
    pub tag_resources: Vec<TagResource>,
}

/// One tag of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TagResource {
    pub resource_id: String,
    /// `application` or `cluster`
    pub resource_type: String,
    pub tag_key: String,
    pub tag_value: String,
}
