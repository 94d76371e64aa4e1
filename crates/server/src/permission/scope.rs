//! What a request is about. Ids in it are looked up, and the resource is named by what the store says of them: a request has no say in which
//! namespace its application is.
//!
//! Every operation that is served has its line in [`of`]. One that has none is about the whole system, which only those may touch who may do
//! everything; a test finds it.

use serde_json::Value;
use sternway_access::{Action, Holder, Path, Resource};
use sternway_core::application::Application;
use sternway_core::ids::AppId;
use sternway_core::order::Order;
use sternway_core::ports::AppFilter;
use sternway_wire::parameters::Given;

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::access::policies::holder;
use crate::operations::access::roles::role_of;
use crate::operations::lane;

/// Which resources an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// No line: see above.
    Unknown,
    /// The system as a whole.
    System,
    /// The application whose id is in this parameter.
    App(&'static str),
    /// Any one application that the caller may do this to, or any that may yet be made in some namespace: it is not said which.
    AnyApp,
    /// The application of the order in ChangeOrderId.
    Order,
    /// The application of the order that the pipeline or task in this parameter is of.
    Part(&'static str),
    /// An application that is yet to be made in the namespace of LogicalRegionId, on the cluster of ClusterId or CsClusterId.
    NewApp,
    /// The application in AppId, or without it the cluster in ClusterId.
    AppOrCluster,
    /// The cluster whose id is in this parameter.
    Cluster(&'static str),
    /// The cluster in ClusterId; without it, those that the caller may do this to: the operation leaves the rest out by itself.
    ListedClusters,
    /// The cluster in ClusterId, or one that is yet to be made.
    ImportedCluster,
    /// The namespaces that Id and RegionTag name, or one that is yet to be made.
    Namespaces,
    /// The namespace in this parameter.
    Namespace(&'static str),
    /// The namespace of the swimming lane group in GroupId.
    LaneGroup,
    /// The namespace of the swimming lane in LaneId.
    Lane,
    /// The applications or clusters in ResourceIds; without any, the system.
    Tagged,
    /// The user in UserName.
    User,
    /// The user in UserName, or the caller.
    KeysOf,
    /// The user whose key is in UserAccessKeyId.
    Key,
    /// The group in GroupName.
    Group,
    /// The group in GroupName and the user in UserName.
    Member,
    /// The policy in PolicyName.
    Policy,
    /// The policy in PolicyName, and what it is attached to.
    Attachment,
    /// The role in RoleName.
    Role,
    /// The role in RoleArn.
    AssumedRole,
    /// Whatever of the list the caller may read: the operation leaves the rest out by itself.
    Listed,
}

/// Stands for what is not named, or cannot be found.
const NOBODY: &str = "-";

/// The scope of an operation.
pub(crate) fn of(operation: &str) -> Scope {
    use Scope::{
        AnyApp, App, AppOrCluster, AssumedRole, Attachment, Cluster, Group, ImportedCluster, Key, KeysOf, Lane,
        LaneGroup, Listed, ListedClusters, Member, Namespace, Namespaces, NewApp, Order, Part, Policy, Role, System,
        Tagged, User,
    };
    match operation {
        "AbortAndRollbackChangeOrder"
        | "AbortChangeOrder"
        | "ApproveChangeOrder"
        | "GetChangeOrderInfo"
        | "RollbackChangeOrder" => Order,
        "ContinuePipeline" => Part("PipelineId"),
        "RetryChangeOrderTask" => Part("TaskId"),
        "InsertK8sApplication" => NewApp,
        // What is uploaded is nobody's but the uploader's until an application is deployed with it, which is asked about then.
        "GetPackageStorageCredential" => AnyApp,
        "AddLogPath"
        | "BindK8sSlb"
        | "CreateApplicationScalingRule"
        | "CreateK8sService"
        | "DeleteApplicationScalingRule"
        | "DeleteK8sApplication"
        | "DeleteK8sService"
        | "DeleteLogPath"
        | "DeployK8sApplication"
        | "DescribeAppInstanceList"
        | "DescribeApplicationScalingRules"
        | "DisableApplicationScalingRule"
        | "EnableApplicationScalingRule"
        | "GetAppDeployment"
        | "GetApplication"
        | "GetContainerConfiguration"
        | "GetJavaStartUpConfig"
        | "GetJvmConfiguration"
        | "GetK8sApplication"
        | "GetK8sServices"
        | "GetWebContainerConfig"
        | "ListDeployGroup"
        | "ListHistoryDeployVersion"
        | "ListRecentChangeOrder"
        | "QueryApplicationStatus"
        | "QuerySlsLogStoreList"
        | "RestartK8sApplication"
        | "RollbackApplication"
        | "ScaleK8sApplication"
        | "StartK8sApplication"
        | "StopK8sApplication"
        | "UnbindK8sSlb"
        | "UpdateApplicationBaseInfo"
        | "UpdateApplicationScalingRule"
        | "UpdateContainerConfiguration"
        | "UpdateHookConfiguration"
        | "UpdateJvmConfiguration"
        | "UpdateK8sApplicationBaseInfo"
        | "UpdateK8sApplicationConfig"
        | "UpdateK8sService"
        | "UpdateK8sSlb"
        | "UpdateSlsLogStore" => App("AppId"),
        "StartK8sAppPrecheck" => AppOrCluster,
        "ConvertK8sResource"
        | "CreateIDCImportCommand"
        | "CreateK8sConfigMap"
        | "CreateK8sIngressRule"
        | "CreateK8sSecret"
        | "DeleteCluster"
        | "DeleteK8sConfigMap"
        | "DeleteK8sIngressRule"
        | "DeleteK8sSecret"
        | "GetCluster"
        | "GetK8sAppPrecheckResult"
        | "ListK8sNamespaces"
        | "UpdateK8sConfigMap"
        | "UpdateK8sIngressRule"
        | "UpdateK8sResource"
        | "UpdateK8sSecret" => Cluster("ClusterId"),
        "ListK8sConfigMaps" | "ListK8sIngressRules" | "ListK8sSecrets" => ListedClusters,
        "ImportK8sCluster" => ImportedCluster,
        "DeleteUserDefineRegion" | "InsertOrUpdateRegion" => Namespaces,
        "CreateUser" | "DeleteUser" => User,
        "CreateAccessKey" => KeysOf,
        "DeleteAccessKey" | "UpdateAccessKey" => Key,
        "CreateGroup" | "DeleteGroup" => Group,
        "AddUserToGroup" | "RemoveUserFromGroup" => Member,
        "DeletePolicy" | "GetPolicy" | "PutPolicy" => Policy,
        "AttachPolicy" | "DetachPolicy" => Attachment,
        "DeleteRamRole" | "PutRamRole" => Role,
        "AssumeRole" => AssumedRole,
        "GetSecureToken" => Namespace("NamespaceId"),
        "InsertSwimmingLane" | "InsertSwimmingLaneGroup" | "ListSwimmingLaneGroup" => Namespace("LogicalRegionId"),
        "ListSwimmingLane" | "UpdateSwimmingLaneGroup" => LaneGroup,
        "DeleteSwimmingLane" | "UpdateSwimmingLane" => Lane,
        "ListTagResources" | "TagResources" | "UntagResources" => Tagged,
        // What they list beside what the caller may read is the same for everyone.
        "GetCallerIdentity"
        | "GetK8sCluster"
        | "ListAliyunRegion"
        | "ListApplication"
        | "ListApprovalRules"
        | "ListBuildPack"
        | "ListCluster"
        | "ListComponents"
        | "ListAccessKeys"
        | "ListGroups"
        | "ListPolicies"
        | "ListRamRoles"
        | "ListFreezeWindows"
        | "ListPendingApprovals"
        | "ListSlb"
        | "ListUsers"
        | "ListUserDefineRegion"
        | "ListVpc" => Listed,
        "AuthorizeApplication"
        | "AuthorizeResourceGroup"
        | "AuthorizeRole"
        | "CreateConfigTemplate"
        | "CreateWebhook"
        | "DeleteConfigTemplate"
        | "DeleteRole"
        | "DeleteApprovalRule"
        | "DeleteFreezeWindow"
        | "DeleteWebhook"
        | "GetAuditHead"
        | "GetMigrateApplication"
        | "GetWebhook"
        | "InsertRole"
        | "ListAuthority"
        | "ListAuditEntries"
        | "ListConfigTemplates"
        | "ListResourceGroup"
        | "ListRole"
        | "ListSubAccount"
        | "ListWebhookDeadLetters"
        | "ListWebhooks"
        | "MigrateApplication"
        | "PutApprovalRule"
        | "PutFreezeWindow"
        | "QueryRegionConfig"
        | "RedeliverWebhook"
        | "SynchronizeResource"
        | "TestWebhook"
        | "UpdateConfigTemplate"
        | "UpdateRole"
        | "UpdateWebhook" => System,
        _ => Scope::Unknown,
    }
}

impl Scope {
    /// What the caller must be allowed, each to each, for an operation of this action.
    pub(crate) async fn needs(self, call: &Call, action: Action) -> Result<Vec<(Action, Resource)>, Failure> {
        let parameter = |name| call.parameters.optional(name);
        let needs = match self {
            Self::Unknown | Self::System => vec![(action, Resource::system())],
            Self::AnyApp => vec![(action, any_app(call, action).await?)],
            Self::App(name) => vec![(action, app(call, parameter(name)?.unwrap_or_default()).await?)],
            Self::Order => {
                let id = parameter("ChangeOrderId")?.and_then(|id| id.parse().ok());
                let order = match id {
                    Some(id) => call.store().order(id).await?,
                    None => None,
                };
                vec![(action, app_of(call, order).await?)]
            }
            Self::Part(name) => {
                let id = parameter(name)?.and_then(|id| id.parse().ok());
                let order = match id {
                    Some(id) => call.store().order_of_part(id).await?,
                    None => None,
                };
                vec![(action, app_of(call, order).await?)]
            }
            Self::NewApp => {
                let namespace = parameter("LogicalRegionId")?.unwrap_or(&call.region);
                let cluster = parameter("ClusterId")?.or(parameter("CsClusterId")?).unwrap_or_default();
                let cluster = self::cluster(call, cluster).await?.unwrap_or_else(nowhere);
                // What is adopted is there already, and somebody else's perhaps.
                let adopts = call.parameters.boolean("Adopt")?.unwrap_or(false);
                let on_cluster = if adopts { Action::ManageCluster } else { Action::ReadCluster };
                vec![(action, Resource::application(Some(namespace), "*")), (on_cluster, cluster)]
            }
            Self::ListedClusters if parameter("ClusterId")?.is_none() => Vec::new(),
            Self::ListedClusters => return Box::pin(Self::Cluster("ClusterId").needs(call, action)).await,
            Self::Cluster(name) => {
                let cluster = cluster(call, parameter(name)?.unwrap_or_default()).await?;
                vec![(action, cluster.unwrap_or_else(nowhere))]
            }
            Self::AppOrCluster => match parameter("AppId")? {
                Some(id) => vec![(action, app(call, id).await?)],
                None => {
                    let cluster = cluster(call, parameter("ClusterId")?.unwrap_or_default()).await?;
                    vec![(action, cluster.unwrap_or_else(nowhere))]
                }
            },
            Self::Namespace(name) => {
                vec![(action, Resource::namespace(Some(parameter(name)?.unwrap_or(&call.region))))]
            }
            Self::LaneGroup => vec![(action, Resource::namespace(lane::region_of_group(call).await?.as_deref()))],
            Self::Lane => vec![(action, Resource::namespace(lane::region_of_lane(call).await?.as_deref()))],
            Self::Tagged => tagged(call, action).await?,
            Self::ImportedCluster => match cluster(call, parameter("ClusterId")?.unwrap_or_default()).await? {
                Some(known) => vec![(Action::ManageCluster, known)],
                None => vec![(Action::CreateCluster, Resource::cluster(Some(&call.region), "*"))],
            },
            Self::Namespaces => namespaces(call, action).await?,
            Self::User => vec![(action, ram(call, Path::User, "UserName")?)],
            Self::KeysOf => {
                let user = parameter("UserName")?.unwrap_or(&call.caller.user);
                vec![(action, Resource::ram(Path::User(user.to_owned())))]
            }
            Self::Key => {
                let key = call.store().key(parameter("UserAccessKeyId")?.unwrap_or_default()).await?;
                let user = key.map_or_else(|| NOBODY.to_owned(), |key| key.user);
                vec![(action, Resource::ram(Path::User(user)))]
            }
            Self::Group => vec![(action, ram(call, Path::Group, "GroupName")?)],
            Self::Member => {
                vec![(action, ram(call, Path::Group, "GroupName")?), (action, ram(call, Path::User, "UserName")?)]
            }
            Self::Policy => vec![(action, ram(call, Path::Policy, "PolicyName")?)],
            Self::Attachment => attachment(call, action)?,
            Self::Role => vec![(action, ram(call, Path::Role, "RoleName")?)],
            Self::AssumedRole => {
                let role = parameter("RoleArn")?.and_then(role_of).unwrap_or(NOBODY);
                vec![(action, Resource::ram(Path::Role(role.to_owned())))]
            }
            Self::Listed => Vec::new(),
        };
        Ok(needs)
    }
}

/// A cluster that cannot be found.
fn nowhere() -> Resource {
    Resource::cluster(None, "*")
}

async fn app(call: &Call, id: &str) -> Result<Resource, Failure> {
    match id.parse::<AppId>() {
        Ok(id) => app_by_id(call, id).await,
        Err(_) => Ok(Resource::application(None, id)),
    }
}

/// An application that the caller may do this to; if there is none, everything, which the caller may not.
async fn any_app(call: &Call, action: Action) -> Result<Resource, Failure> {
    let apps = call.store().apps(AppFilter::default()).await?;
    let mut namespaces: Vec<String> =
        call.store().logical_regions().await?.into_iter().map(|region| region.region_id).collect();
    namespaces.push(call.region.clone());
    let yet_to_be_made = namespaces.iter().map(|namespace| Resource::application(Some(namespace), "*"));
    let mut all = apps.iter().map(resource_of).chain(yet_to_be_made);
    Ok(all.find(|app| call.permit.allows(action, app)).unwrap_or_else(Resource::system))
}

/// An application that is gone is in no namespace any more.
async fn app_by_id(call: &Call, id: AppId) -> Result<Resource, Failure> {
    let app = call.store().app(id).await?;
    Ok(app.map_or_else(|| Resource::application(None, id), |app| resource_of(&app)))
}

/// An application as policies name it.
pub(crate) fn resource_of(app: &Application) -> Resource {
    Resource::application(Some(&app.logical_region), app.id).in_group(app.attributes.get("ResourceGroupId"))
}

async fn app_of(call: &Call, order: Option<Order>) -> Result<Resource, Failure> {
    match order {
        Some(order) => app_by_id(call, order.app).await,
        None => Ok(Resource::application(None, "*")),
    }
}

async fn cluster(call: &Call, id: &str) -> Result<Option<Resource>, Failure> {
    let cluster = call.find_cluster(id).await?;
    Ok(cluster.map(|cluster| Resource::cluster(Some(&cluster.region), cluster.id)))
}

/// Something of RAM whose name is in this parameter.
fn ram(call: &Call, path: impl Fn(String) -> Path, parameter: &str) -> Result<Resource, Failure> {
    let name = call.parameters.optional(parameter)?.unwrap_or(NOBODY);
    Ok(Resource::ram(path(name.to_owned())))
}

/// RAM has an action for each kind of holder; it must be allowed on the policy and on the holder.
fn attachment(call: &Call, action: Action) -> Result<Vec<(Action, Resource)>, Failure> {
    let attaches = action == Action::AttachPolicyToUser;
    let pick = |attach, detach| if attaches { attach } else { detach };
    let (action, path) = match holder(&call.parameters)? {
        Some(Holder::Group(name)) => {
            (pick(Action::AttachPolicyToGroup, Action::DetachPolicyFromGroup), Path::Group(name.to_owned()))
        }
        Some(Holder::Role(name)) => {
            (pick(Action::AttachPolicyToRole, Action::DetachPolicyFromRole), Path::Role(name.to_owned()))
        }
        Some(Holder::User(name)) => (action, Path::User(name.to_owned())),
        None => (action, Path::User(NOBODY.to_owned())),
    };
    Ok(vec![(action, Resource::ram(path)), (action, ram(call, Path::Policy, "PolicyName")?)])
}

/// Tags are of applications unless ResourceType says that they are of clusters.
async fn tagged(call: &Call, action: Action) -> Result<Vec<(Action, Resource)>, Failure> {
    let are_clusters =
        call.parameters.optional("ResourceType")?.is_some_and(|kind| kind.eq_ignore_ascii_case("cluster"));
    let Given::Value(Value::Array(ids)) = call.parameters.json("ResourceIds")? else {
        return Ok(vec![(action, Resource::system())]);
    };
    let mut needs = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(Value::as_str) {
        let resource = match are_clusters {
            true => cluster(call, id).await?.unwrap_or_else(nowhere),
            false => app(call, id).await?,
        };
        needs.push((action, resource));
    }
    if needs.is_empty() {
        needs.push((action, Resource::system()));
    }
    Ok(needs)
}

/// The one that is there and, if it would get another tag, the one of that tag.
async fn namespaces(call: &Call, action: Action) -> Result<Vec<(Action, Resource)>, Failure> {
    let id = call.parameters.integer("Id", 0..=i64::MAX)?.filter(|id| *id != 0);
    let tag = call.parameters.optional("RegionTag")?;
    let Some(id) = id else {
        let action = if action == Action::ManageNamespace { Action::CreateNamespace } else { action };
        return Ok(vec![(action, Resource::namespace(tag))]);
    };
    let known = call.store().logical_regions().await?.into_iter().find(|region| region.id == id);
    let known = known.map(|region| region.region_id);
    let mut needs = vec![(action, Resource::namespace(known.as_deref()))];
    if tag.is_some() && tag != known.as_deref() {
        needs.push((action, Resource::namespace(tag)));
    }
    Ok(needs)
}
