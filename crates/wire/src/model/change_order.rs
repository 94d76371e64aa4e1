//! Change orders as clients see them, and the versions that they deployed.

use serde::{Deserialize, Serialize};

use super::lists;

/// One change order, in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct GetChangeOrderInfo {
    /// The only top-level key of the API that begins with a lower-case letter.
    #[serde(rename = "changeOrderInfo")]
    pub change_order_info: ChangeOrderInfo,
}

/// A change order with its batches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChangeOrderInfo {
    pub batch_count: i32,
    /// `Automatic` or `Manual`.
    pub batch_type: String,
    pub change_order_description: String,
    pub change_order_id: String,
    /// For people; the code is in ListRecentChangeOrder only.
    pub co_type: String,
    /// Local text, see [`crate::time_text`].
    pub create_time: String,
    pub create_user_id: String,
    pub desc: String,
    #[serde(with = "lists::pipeline_info")]
    pub pipeline_info_list: Vec<PipelineInfo>,
    /// A [`crate::codes::Status`], as are all statuses below.
    pub status: i32,
    pub support_rollback: bool,
    #[serde(with = "lists::items")]
    pub targets: Vec<String>,
    pub traffic_control: TrafficControl,
}

/// One batch of one group. Its stages are shown twice: by instance in `stage_list`, by task in `stage_detail_list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PipelineInfo {
    pub pipeline_id: String,
    pub pipeline_name: String,
    pub pipeline_status: i32,
    #[serde(with = "lists::stage_detail_dto")]
    pub stage_detail_list: Vec<StageDetail>,
    #[serde(with = "lists::stage_info_dto")]
    pub stage_list: Vec<StageInfo>,
    /// Epoch milliseconds in digits; empty before the start.
    pub start_time: String,
    /// Epoch milliseconds in digits.
    pub update_time: String,
}

/// How traffic is divided during a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TrafficControl {
    pub routes: String,
    pub rules: String,
    pub tips: String,
}

/// A stage by its tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StageDetail {
    pub stage_id: String,
    pub stage_name: String,
    pub stage_status: i32,
    #[serde(with = "lists::task_info_dto")]
    pub task_list: Vec<TaskInfo>,
}

/// A stage by its instances. Clients give up when one lasts over 300 s, so waiting belongs to the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StageInfo {
    pub stage_id: String,
    pub stage_name: String,
    #[serde(rename = "StageResultDTO")]
    pub stage_result_dto: StageResult,
    pub status: i32,
}

/// One thing that a stage does, with what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TaskInfo {
    /// A [`crate::codes::RetryType`].
    pub retry_type: i32,
    pub show_manual_ignorance: bool,
    pub task_error_code: String,
    /// 1 if the order goes on in spite of a failure, else 0.
    pub task_error_ignorance: i32,
    pub task_error_message: String,
    pub task_id: String,
    /// May hold `<br>`, literally.
    pub task_message: String,
    pub task_name: String,
    /// The code of the status, as text.
    pub task_status: String,
}

/// What a stage has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StageResult {
    #[serde(rename = "InstanceDTOList", with = "lists::instance_dto")]
    pub instance_dto_list: Vec<Instance>,
    pub service_stage: ServiceStage,
}

/// A pod that a stage works on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Instance {
    /// May hold `<br>`, literally.
    pub instance_ip: String,
    pub instance_name: String,
    #[serde(rename = "InstanceStageDTOList", with = "lists::instance_stage_dto")]
    pub instance_stage_dto_list: Vec<InstanceStage>,
    pub pod_name: String,
    pub pod_status: String,
    pub status: i32,
}

/// The stage as a whole; its message is "Success" once it has succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceStage {
    pub message: String,
    pub stage_id: String,
    pub stage_name: String,
    pub status: i32,
}

/// One step of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct InstanceStage {
    /// Epoch milliseconds in digits; empty before the end.
    pub finish_time: String,
    pub stage_id: String,
    pub stage_message: String,
    pub stage_name: String,
    /// Epoch milliseconds in digits; empty before the start.
    pub start_time: String,
    pub status: i32,
}

/// An application's change orders, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListRecentChangeOrder {
    #[serde(with = "lists::change_order")]
    pub change_order_list: Vec<ChangeOrder>,
}

/// A change order in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChangeOrder {
    pub app_id: String,
    pub batch_count: i32,
    pub batch_type: String,
    pub change_order_description: String,
    pub change_order_id: String,
    pub co_type: String,
    /// A [`crate::codes::ChangeOrderType`].
    pub co_type_code: String,
    /// Local text, see [`crate::time_text`].
    pub create_time: String,
    pub create_user_id: String,
    /// Local text; empty before the end.
    pub finish_time: String,
    pub group_id: String,
    /// `console` or `pop`.
    pub source: String,
    pub status: i32,
    pub user_id: String,
}

/// What aborting, with or without rolling back, answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChangeOrderStopped {
    pub data: StoppedOrder,
    /// `success`, unless it failed.
    pub error_code: String,
    pub trace_id: String,
}

/// The order to watch from now on: the aborted one, or the one that rolls it back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StoppedOrder {
    pub change_order_id: String,
}

/// The versions that an application has had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListHistoryDeployVersion {
    #[serde(with = "lists::package_version")]
    pub package_version_list: Vec<PackageVersion>,
}

/// A version that can be deployed again by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PackageVersion {
    pub app_id: String,
    pub create_time: i64,
    pub description: String,
    /// What `PackageVersionId` of DeployK8sApplication takes.
    pub id: String,
    pub package_version: String,
    pub public_url: String,
    pub r#type: String,
    pub update_time: i64,
    pub war_url: String,
}
