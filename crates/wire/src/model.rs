//! What the operations answer, with EDAS's own names, misspellings included.
//!
//! An answer is a [`Success`] around the operation's payload:
//!
//! | operation | payload |
//! |---|---|
//! | Deploy-, Scale-, Restart-, Start-, Stop-, DeleteK8sApplication, UpdateK8sApplicationConfig, RollbackApplication, changes of Services and SLBs | [`ChangeOrderStarted`] |
//! | AbortChangeOrder, AbortAndRollbackChangeOrder, RollbackChangeOrder | [`ChangeOrderStopped`] |
//! | Create-, Update-, Enable-, DisableApplicationScalingRule | [`ScalingRuleAnswer`] |
//! | ContinuePipeline; deleting and changing what is kept beside applications; changes of ConfigMaps, Secrets, Ingress rules and resources | [`Nothing`] |
//! | CreateIDCImportCommand, GetAppDeployment, ImportK8sCluster, RetryChangeOrderTask | [`TextData`] |
//! | any other | the struct that is named like the operation |
//!
//! Strings default to `""`, numbers to 0 and lists to empty, in both directions, so that literals name only what they
//! know. Lists are plain vectors here; where EDAS wraps a list in an object with the item's name, that happens
//! on the way out and in. The types hold no logic: what a field means is for the server to say.

use serde::{Deserialize, Serialize};

use crate::envelope::{SUCCESS_CODE, SUCCESS_ERROR_CODE, SUCCESS_MESSAGE};

pub mod access;
mod application;
mod audit;
mod change_order;
mod cluster;
mod config_template;
mod configuration;
mod governance;
mod ingress;
mod instance;
mod kubernetes_application;
mod lane;
mod lists;
mod migration;
mod notification;
mod package;
mod place;
mod precheck;
mod region;
mod runtime;
mod scaling;
mod service;
mod tag;

pub use application::{
    ApplicationBaseInfo, ApplicationDetail, ApplicationSummary, GetApplication, ListApplication,
    UpdateApplicationBaseInfo,
};
pub use audit::{GetAuditHead, ListAuditEntries};
pub use change_order::{
    ChangeOrder, ChangeOrderInfo, ChangeOrderStopped, GetChangeOrderInfo, Instance, InstanceStage,
    ListHistoryDeployVersion, ListRecentChangeOrder, PackageVersion, PipelineInfo, ServiceStage, StageDetail,
    StageInfo, StageResult, StoppedOrder, TaskInfo, TrafficControl,
};
pub use cluster::{
    Cluster, ClusterPage, DeleteCluster, GetCluster, GetK8sCluster, KubernetesNamespace, ListCluster, ListK8sNamespaces,
};
pub use config_template::{
    ConfigTemplate, ConfigTemplateId, ConfigTemplatePage, CreateConfigTemplate, ListConfigTemplates,
};
pub use configuration::{
    CertDetail, ConfigMap, ConfigMapPage, DataEntry, KubernetesSecret, ListK8sConfigMaps, ListK8sSecrets, RelatedApp,
    RelatedIngressRule, SecretPage, SynchronizeResource,
};
pub use governance::{
    ApprovalRule, FreezeWindow, ListApprovalRules, ListFreezeWindows, ListPendingApprovals, PendingApproval,
};
pub use ingress::{ClusterIngresses, IngressBackend, IngressConf, IngressPath, IngressRule, ListK8sIngressRules};
pub use instance::{
    AppInfo, ApplicationOverview, DeployRecord, DescribeAppInstanceList, Ecc, Ecu, Group, InstanceInfo,
    QueryApplicationStatus,
};
pub use kubernetes_application::{
    App, Applcation, ApplicationInfo, Component, Conf, DeployGroup, Env, GetK8sApplication, ImageInfo,
    InsertK8sApplication, LatestVersion, UpdateK8sApplicationBaseInfo,
};
pub use lane::{
    DeleteSwimmingLane, EntryApplication, InsertSwimmingLane, InsertSwimmingLaneGroup, Lane, LaneApplication,
    LaneGroup, LaneMember, ListSwimmingLane, ListSwimmingLaneGroup, UpdateSwimmingLane, UpdateSwimmingLaneGroup,
    WrappedLaneGroup,
};
pub use migration::{
    GetMigrateApplication, MigrateApplication, Migration, MigrationExtra, MigrationPage, MigrationStarted,
};
pub use notification::{
    CreateWebhook, GetWebhook, ListWebhookDeadLetters, ListWebhooks, RedeliverWebhook, TestWebhook, UpdateWebhook,
    Webhook, WebhookDeadLetter,
};
pub use package::{
    BuildPack, Credential, GetJavaStartUpConfig, GetPackageStorageCredential, GetWebContainerConfig, JavaStartUpConfig,
    ListBuildPack, ListComponents, RuntimeComponent, WebContainerConfig,
};
pub use place::{
    Ecs, EcsEcu, FileServerConfig, GetSecureToken, GroupSlb, ListAliyunRegion, ListResourceGroup, ListVpc,
    QueryRegionConfig, RegionConfig, RegionEntity, ResourceGroup, SecureToken, Vpc,
};
pub use precheck::{GetK8sAppPrecheckResult, PrecheckJobResult, PrecheckJobs, PrecheckResult, StartK8sAppPrecheck};
pub use region::{DeleteUserDefineRegion, InsertOrUpdateRegion, ListUserDefineRegion, Region};
pub use runtime::{HookConfiguration, LogStore, QuerySlsLogStoreList, UpdateHookConfiguration};
pub use scaling::{
    DescribeApplicationScalingRules, ScalingBehaviour, ScalingDirection, ScalingMetric, ScalingMetricTarget,
    ScalingPolicy, ScalingRule, ScalingRuleAnswer, ScalingRulePage, ScalingTrigger, Trigger,
};
pub use service::{
    GetK8sServices, KubernetesService, KubernetesServicePort, ListSlb, MappedPort, PortMapping, Slb, SlbInfo,
};
pub use tag::{ListTagResources, TagResource};

/// The body of a successful answer: the head that all share, and the payload beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Success<T> {
    pub code: i32,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub request_id: String,
    #[serde(flatten)]
    pub payload: T,
}

impl<T> Success<T> {
    /// The answer to the request of that id.
    pub fn new(request_id: impl Into<String>, payload: T) -> Self {
        Self { code: SUCCESS_CODE, message: SUCCESS_MESSAGE.into(), request_id: request_id.into(), payload }
    }
}

/// The payload of the operations that start a change order of an existing application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ChangeOrderStarted {
    pub change_order_id: String,
}

/// The payload of an operation that says no more than that it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// The payload of an operation that answers with one text: the Deployment as JSON, a cluster's id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TextData {
    pub data: String,
}

impl ChangeOrderStopped {
    /// The payload of a success; `trace_id` is the one that the server's log carries.
    pub fn new(change_order_id: impl Into<String>, trace_id: impl Into<String>) -> Self {
        Self {
            trace_id: trace_id.into(),
            error_code: SUCCESS_ERROR_CODE.into(),
            data: StoppedOrder { change_order_id: change_order_id.into() },
        }
    }
}

#[cfg(test)]
mod tests;
