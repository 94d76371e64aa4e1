//! Swimming lanes: a part of the pods of some applications, and the requests that go to it.

use serde::{Deserialize, Serialize};

use super::lists;

/// The group as it was made. EDAS wraps its applications here, and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InsertSwimmingLaneGroup {
    pub data: WrappedLaneGroup,
}

/// A group with its applications in an item-named list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WrappedLaneGroup {
    #[serde(with = "lists::application")]
    pub application_list: Vec<LaneApplication>,
    pub entry_application: EntryApplication,
    pub id: i64,
    pub name: String,
    pub namespace_id: String,
}

/// The group as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateSwimmingLaneGroup {
    pub data: LaneGroup,
}

/// The groups of a logical region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListSwimmingLaneGroup {
    pub data: Vec<LaneGroup>,
}

/// A group of lanes: the applications that lanes may be made of, and the one that requests come in by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LaneGroup {
    pub application_list: Vec<LaneApplication>,
    pub entry_application: EntryApplication,
    pub id: i64,
    pub name: String,
    pub namespace_id: String,
}

impl From<LaneGroup> for WrappedLaneGroup {
    fn from(group: LaneGroup) -> Self {
        Self {
            application_list: group.application_list,
            entry_application: group.entry_application,
            id: group.id,
            name: group.name,
            namespace_id: group.namespace_id,
        }
    }
}

/// An application of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LaneApplication {
    pub app_id: String,
    pub app_name: String,
}

/// The application that requests come in by; `source` is `EDAS`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EntryApplication {
    pub app_id: String,
    pub app_name: String,
    pub source: String,
}

/// The lane as it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InsertSwimmingLane {
    pub data: Lane,
}

/// The lane as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateSwimmingLane {
    pub data: Lane,
}

/// The lanes of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListSwimmingLane {
    pub data: Vec<Lane>,
}

/// The id of the lane that is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeleteSwimmingLane {
    pub data: i64,
}

/// A lane. `app_infos` and `entry_rule` are JSON in the form that the request has them in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Lane {
    pub app_infos: String,
    pub enable_rules: bool,
    pub entry_rule: String,
    pub group_id: i64,
    pub id: i64,
    pub name: String,
    pub namespace_id: String,
    pub scenario_sign: String,
    pub swimming_lane_app_relation_ship_list: Vec<LaneMember>,
    pub tag: String,
}

/// An application with a part in a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LaneMember {
    pub app_id: String,
    pub app_name: String,
    pub extra: String,
    pub lane_id: i64,
    pub rules: String,
}
