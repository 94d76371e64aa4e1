//! Who may do what, over a socket: every operation that is served, by every kind of user.

use serde_json::Value;
use sternway_server::{served_extensions, served_operations};
use sternway_wire::catalog::Catalog;
use sternway_wire::signature::client::AccessKey;

use crate::world::{CLUSTER, Reply, World, now};

/// An access key that a test made.
pub(crate) struct Key {
    pub(crate) id: String,
    secret: String,
    token: Option<String>,
}

impl Key {
    pub(crate) async fn call(&self, world: &World, operation: &str, parameters: &[(&str, &str)]) -> Reply {
        world.sign(operation, parameters, |call| call.sign_acs3(self.signing(), now(), &world.nonce())).await
    }

    /// What to sign with.
    pub(crate) fn signing(&self) -> AccessKey<'_> {
        AccessKey { id: &self.id, secret: &self.secret, security_token: self.token.as_deref() }
    }

    fn of(answer: &Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Self {
            id: text("AccessKeyId").unwrap(),
            secret: text("AccessKeySecret").unwrap(),
            token: text("SecurityToken"),
        }
    }
}

/// A user with these policies, and a key of it.
pub(crate) async fn user(world: &World, name: &str, policies: &[&str]) -> Key {
    world.call("CreateUser", &[("UserName", name)]).await.success();
    for policy in policies {
        world.call("AttachPolicy", &[("UserName", name), ("PolicyName", policy)]).await.success();
    }
    Key::of(&world.call("CreateAccessKey", &[("UserName", name)]).await.success())
}

pub(crate) async fn policy(world: &World, name: &str, statements: &str) {
    let document = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
    world.call("PutPolicy", &[("PolicyName", name), ("PolicyDocument", &document)]).await.success();
}

pub(crate) fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
}

/// What an operation does, as the matrix sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Reads an application.
    ReadApp,
    /// Changes an application.
    WriteApp,
    /// Makes an application.
    MakeApp,
    /// Is for whoever changes any application at all.
    WriteAnyApp,
    /// Reads a cluster, or what is in it.
    ReadCluster,
    /// Changes a cluster, or what is in it.
    WriteCluster,
    /// Reads what is set up in a microservice namespace for its applications.
    ReadInNamespace,
    /// Changes what is set up in a microservice namespace for its applications.
    WriteInNamespace,
    /// Changes a microservice namespace.
    WriteNamespace,
    /// Is for all of EDAS, and only reads.
    ReadAll,
    /// Is for all of EDAS.
    All,
    /// Is RAM's.
    Ram,
    /// Is STS's: the caller needs a policy for it.
    Sts,
    /// Is let through, and shows nothing that the caller may not see.
    Filtered,
}

/// Every operation that is served. One that is added has to say here what it is.
fn kind(operation: &str) -> Option<Kind> {
    use Kind::*;
    Some(match operation {
        "AuthorizeApplication"
        | "CreateConfigTemplate"
        | "CreateWebhook"
        | "DeleteWebhook"
        | "RedeliverWebhook"
        | "TestWebhook"
        | "UpdateWebhook"
        | "DeleteApprovalRule"
        | "DeleteConfigTemplate"
        | "DeleteFreezeWindow"
        | "PutApprovalRule"
        | "PutFreezeWindow"
        | "UpdateConfigTemplate"
        | "AuthorizeResourceGroup"
        | "AuthorizeRole"
        | "DeleteRole"
        | "InsertRole"
        | "ListAuthority"
        | "ListRole"
        | "ListSubAccount"
        | "UpdateRole"
        | "MigrateApplication"
        | "DeleteSwimmingLane"
        | "UpdateSwimmingLane" => All,
        "AddUserToGroup"
        | "AttachPolicy"
        | "CreateAccessKey"
        | "CreateGroup"
        | "CreateUser"
        | "DeleteAccessKey"
        | "DeleteGroup"
        | "DeletePolicy"
        | "DeleteRamRole"
        | "DeleteUser"
        | "DetachPolicy"
        | "GetPolicy"
        | "PutPolicy"
        | "PutRamRole"
        | "RemoveUserFromGroup"
        | "UpdateAccessKey" => Ram,
        "AssumeRole" => Sts,
        "GetCallerIdentity"
        | "GetK8sCluster"
        | "ListAccessKeys"
        | "ListApplication"
        | "ListApprovalRules"
        | "ListBuildPack"
        | "ListCluster"
        | "ListComponents"
        | "ListFreezeWindows"
        | "ListPendingApprovals"
        | "ListGroups"
        | "ListPolicies"
        | "ListRamRoles"
        | "ListSlb"
        | "ListUserDefineRegion"
        | "ListUsers"
        | "ListAliyunRegion"
        | "ListVpc" => Filtered,
        "DescribeAppInstanceList"
        | "DescribeApplicationScalingRules"
        | "ListTagResources"
        | "QuerySlsLogStoreList"
        | "StartK8sAppPrecheck"
        | "GetAppDeployment"
        | "GetApplication"
        | "GetChangeOrderInfo"
        | "GetJavaStartUpConfig"
        | "GetK8sApplication"
        | "GetK8sServices"
        | "GetWebContainerConfig"
        | "ListHistoryDeployVersion"
        | "ListRecentChangeOrder"
        | "QueryApplicationStatus" => ReadApp,
        "AbortAndRollbackChangeOrder"
        | "AddLogPath"
        | "CreateApplicationScalingRule"
        | "DeleteApplicationScalingRule"
        | "DeleteLogPath"
        | "DisableApplicationScalingRule"
        | "EnableApplicationScalingRule"
        | "RollbackApplication"
        | "RollbackChangeOrder"
        | "TagResources"
        | "UntagResources"
        | "UpdateApplicationBaseInfo"
        | "UpdateApplicationScalingRule"
        | "UpdateHookConfiguration"
        | "UpdateSlsLogStore"
        | "AbortChangeOrder"
        | "ApproveChangeOrder"
        | "ContinuePipeline"
        | "DeleteK8sApplication"
        | "DeployK8sApplication"
        | "RestartK8sApplication"
        | "RetryChangeOrderTask"
        | "ScaleK8sApplication"
        | "StartK8sApplication"
        | "StopK8sApplication"
        | "UpdateK8sApplicationBaseInfo"
        | "UpdateK8sApplicationConfig"
        | "BindK8sSlb"
        | "CreateK8sService"
        | "DeleteK8sService"
        | "UnbindK8sSlb"
        | "UpdateK8sService"
        | "UpdateK8sSlb" => WriteApp,
        "GetAuditHead"
        | "GetK8sAppPrecheckResult"
        | "ListAuditEntries"
        | "GetWebhook"
        | "ListConfigTemplates"
        | "ListWebhookDeadLetters"
        | "ListWebhooks"
        | "SynchronizeResource"
        | "GetMigrateApplication"
        | "ListResourceGroup"
        | "QueryRegionConfig" => ReadAll,
        "InsertK8sApplication" => MakeApp,
        "GetPackageStorageCredential" => WriteAnyApp,
        "GetCluster" | "ListK8sConfigMaps" | "ListK8sIngressRules" | "ListK8sNamespaces" => ReadCluster,
        "ConvertK8sResource"
        | "CreateK8sConfigMap"
        | "CreateK8sIngressRule"
        | "CreateK8sSecret"
        | "DeleteCluster"
        | "DeleteK8sConfigMap"
        | "DeleteK8sIngressRule"
        | "DeleteK8sSecret"
        | "ImportK8sCluster"
        | "ListK8sSecrets"
        | "UpdateK8sConfigMap"
        | "UpdateK8sIngressRule"
        | "UpdateK8sResource"
        | "UpdateK8sSecret"
        | "CreateIDCImportCommand" => WriteCluster,
        "DeleteUserDefineRegion" | "GetSecureToken" | "InsertOrUpdateRegion" => WriteNamespace,
        "ListSwimmingLane" | "ListSwimmingLaneGroup" => ReadInNamespace,
        "InsertSwimmingLane" | "InsertSwimmingLaneGroup" | "UpdateSwimmingLaneGroup" => WriteInNamespace,
        _ => return None,
    })
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// Has AliyunEDASReadOnlyAccess.
    Reader,
    /// May do everything with one application.
    AppOperator,
    /// May do everything in one microservice namespace.
    NamespaceOperator,
    /// Has AliyunEDASResourceFullAccess.
    ClusterAdmin,
    /// Has AliyunEDASFullAccess.
    EdasAdmin,
    /// Has AliyunRAMFullAccess.
    UserAdmin,
    /// Has everything, and a policy that denies everything.
    Denied,
}

impl Who {
    const ALL: [Self; 8] = [
        Self::Nobody,
        Self::Reader,
        Self::AppOperator,
        Self::NamespaceOperator,
        Self::ClusterAdmin,
        Self::EdasAdmin,
        Self::UserAdmin,
        Self::Denied,
    ];

    /// Whether this one may, with what is its `own` or with what is another's.
    fn may(self, kind: Kind, own: bool) -> bool {
        use Kind::*;
        if kind == Filtered {
            return true;
        }
        let is_ram = matches!(kind, Ram | Sts);
        match self {
            Self::Nobody | Self::Denied => false,
            Self::Reader => matches!(kind, ReadApp | ReadCluster | ReadInNamespace | ReadAll),
            Self::AppOperator | Self::NamespaceOperator if kind == WriteAnyApp => true,
            Self::AppOperator => own && matches!(kind, ReadApp | WriteApp),
            Self::NamespaceOperator => {
                matches!(kind, ReadApp | WriteApp | ReadInNamespace | WriteInNamespace | WriteNamespace) && own
            }
            Self::ClusterAdmin => matches!(kind, ReadCluster | WriteCluster | WriteNamespace),
            Self::EdasAdmin => !is_ram,
            Self::UserAdmin => kind == Ram,
        }
    }
}

/// One of two sets of things to ask about.
struct Target {
    own: bool,
    values: Vec<(&'static str, String)>,
}

impl Target {
    async fn new(world: &World, own: bool) -> Self {
        let name = if own { "own" } else { "other" };
        let tag = format!("cn-hangzhou:{name}");
        let region = world.call("InsertOrUpdateRegion", &[("RegionTag", &tag), ("RegionName", name)]).await.success();
        let region_id = region["UserDefineRegionEntity"]["Id"].to_string();
        let app = world.app_with(name, 2, &[("LogicalRegionId", &tag)]).await;
        let id = app.to_string();
        let deploy = [("AppId", id.as_str()), ("Image", "registry.local/team/web:v2")];
        let order = world.order(world.call("DeployK8sApplication", &deploy).await.order_id()).await;
        let entry = format!("EDAS:{id}");
        let group = [("LogicalRegionId", tag.as_str()), ("Name", name), ("EntryApp", &entry), ("AppIds", &id)];
        let group = world.call("InsertSwimmingLaneGroup", &group).await.success()["Data"]["Id"].to_string();
        let part = order.pipelines[0].id.to_string();
        let values = vec![
            ("ResourceIds", format!(r#"["{id}"]"#)),
            ("ResourceType", "application".to_owned()),
            ("AppId", id),
            ("ChangeOrderId", order.id.to_string()),
            ("PipelineId", part.clone()),
            ("TaskId", part),
            ("ClusterId", CLUSTER.to_string()),
            ("LogicalRegionId", tag.clone()),
            ("NamespaceId", tag.clone()),
            ("RegionTag", tag),
            ("Id", region_id),
            ("RegionName", name.to_owned()),
            ("UserName", "victim".to_owned()),
            ("GroupName", "victims".to_owned()),
            ("PolicyName", "spare".to_owned()),
            ("RoleName", "spare".to_owned()),
            ("RoleArn", "acs:ram::1:role/deployer".to_owned()),
            ("TargetUserId", "victim".to_owned()),
            ("GroupId", group),
        ];
        Self { own, values }
    }

    /// The application's id.
    fn app(&self) -> &str {
        self.values.iter().find(|(name, _)| *name == "AppId").map(|(_, value)| value).unwrap()
    }

    /// What of it an operation takes; the rest is left out, so that what is allowed fails later, if at all.
    fn parameters(&self, operation: &str) -> Vec<(&str, &str)> {
        let operation = Catalog::by_name(operation).unwrap();
        let one_holder = |name: &str| {
            !matches!(operation.name, "AttachPolicy" | "DetachPolicy") || !matches!(name, "GroupName" | "RoleName")
        };
        let taken = self.values.iter().filter(|(name, _)| operation.parameter(name).is_some() && one_holder(name));
        taken.map(|(name, value)| (*name, value.as_str())).collect()
    }
}

#[tokio::test]
async fn every_operation_is_allowed_to_whom_it_is_and_to_nobody_else() {
    let world = World::new().await;
    let targets = [Target::new(&world, true).await, Target::new(&world, false).await];
    let app = targets[0].app();
    policy(&world, "app", &allow("edas:*", &format!("acs:edas:*:*:namespace/*/application/{app}"))).await;
    let namespace = "acs:edas:*:*:namespace/cn-hangzhou:own";
    policy(&world, "namespace", &[allow("edas:*", namespace), allow("edas:*", &format!("{namespace}/*"))].join(","))
        .await;
    policy(&world, "deny", &allow("*", "*").replace("Allow", "Deny")).await;
    let mut keys = Vec::new();
    for who in Who::ALL {
        let policies: &[&str] = match who {
            Who::Nobody => &[],
            Who::Reader => &["AliyunEDASReadOnlyAccess"],
            Who::AppOperator => &["app"],
            Who::NamespaceOperator => &["namespace"],
            Who::ClusterAdmin => &["AliyunEDASResourceFullAccess"],
            Who::EdasAdmin => &["AliyunEDASFullAccess"],
            Who::UserAdmin => &["AliyunRAMFullAccess"],
            Who::Denied => &["AdministratorAccess", "deny"],
        };
        keys.push((who, user(&world, &format!("{who:?}"), policies).await));
    }
    let mut unknown = Vec::new();
    for operation in served_operations().into_iter().chain(served_extensions()) {
        let Some(kind) = kind(operation) else {
            unknown.push(operation);
            continue;
        };
        for (who, key) in &keys {
            for target in &targets {
                let parameters = target.parameters(operation);
                let reply = key.call(&world, operation, &parameters).await;
                let allowed = reply.json()["Code"] != "Forbidden.RAM";
                assert_eq!(
                    allowed,
                    who.may(kind, target.own),
                    "{operation} by {who:?}, own: {}: {reply:?}",
                    target.own
                );
                assert!(!allowed || reply.status < 500, "{operation} by {who:?}: {reply:?}");
            }
        }
        for target in &targets {
            // The two that would take away what the others are asked about.
            if !matches!(operation, "DeleteCluster" | "DeleteK8sApplication") {
                let reply = world.call(operation, &target.parameters(operation)).await;
                assert_ne!(reply.json()["Code"], "Forbidden.RAM", "{operation}: root may do everything");
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "say in `kind` and in the server's `permission::scope` what these are about: {unknown:?}"
    );
}

#[tokio::test]
async fn lists_show_what_the_caller_may_see() {
    let world = World::new().await;
    let [own, other] = [Target::new(&world, true).await, Target::new(&world, false).await];
    let app = own.app();
    policy(&world, "app", &allow("edas:Read*", &format!("acs:edas:*:*:namespace/cn-hangzhou:own/application/{app}")))
        .await;
    let operator = user(&world, "operator", &["app"]).await;
    let list = operator.call(&world, "ListApplication", &[]).await.success();
    let apps = list["ApplicationList"]["Application"].as_array().unwrap();
    assert_eq!(apps.iter().map(|app| app["AppId"].as_str().unwrap()).collect::<Vec<_>>(), [app]);
    let nobody = user(&world, "nobody", &[]).await;
    for (operation, list) in [
        ("ListApplication", "/ApplicationList/Application"),
        ("ListCluster", "/ClusterList/Cluster"),
        ("GetK8sCluster", "/ClusterPage/ClusterList/Cluster"),
        ("ListUserDefineRegion", "/UserDefineRegionList/UserDefineRegionEntity"),
        ("ListUsers", "/Users"),
        ("ListGroups", "/Groups"),
        ("ListPolicies", "/Policies"),
        ("ListRamRoles", "/Roles"),
        ("ListAccessKeys", "/AccessKeys"),
    ] {
        let reply = nobody.call(&world, operation, &[]).await;
        assert_eq!(reply.success().pointer(list), Some(&Value::Array(Vec::new())), "{operation}");
        for target in [&own, &other] {
            for (_, value) in
                target.values.iter().filter(|(name, _)| matches!(*name, "AppId" | "ClusterId" | "RegionTag"))
            {
                assert!(!reply.body.contains(value), "{operation} tells {value}");
            }
        }
    }
}

#[tokio::test]
async fn a_policy_on_an_application_covers_its_orders_and_says_what_it_refuses() {
    let world = World::new().await;
    let [own, other] = [Target::new(&world, true).await, Target::new(&world, false).await];
    let app = own.app();
    policy(&world, "app", &allow("edas:*", &format!("acs:edas:*:*:namespace/*/application/{app}"))).await;
    let operator = user(&world, "operator", &["app"]).await;
    let rollback =
        operator.call(&world, "AbortAndRollbackChangeOrder", &own.parameters("AbortAndRollbackChangeOrder")).await;
    let rollback = rollback.order_id().to_string();
    operator.call(&world, "GetChangeOrderInfo", &[("ChangeOrderId", &rollback)]).await.success();
    let refused =
        operator.call(&world, "AbortAndRollbackChangeOrder", &other.parameters("AbortAndRollbackChangeOrder")).await;
    let message = refused.gateway(403, "Forbidden.RAM");
    let name = format!("acs:edas:cn-hangzhou:1:namespace/cn-hangzhou:other/application/{}", other.app());
    assert!(message.contains("edas:ManageApplication") && message.contains(&name), "{message}");
    let detail = &refused.json()["AccessDeniedDetail"];
    assert_eq!(
        (&detail["AuthAction"], &detail["NoPermissionType"]),
        (&"edas:ManageApplication".into(), &"ImplicitDeny".into())
    );
    // A request has no say in which namespace its application is.
    let lie = [("AppId", other.app()), ("LogicalRegionId", "cn-hangzhou:own"), ("RegionId", "cn-hangzhou:own")];
    operator.call(&world, "GetK8sApplication", &lie).await.gateway(403, "Forbidden.RAM");
    policy(&world, "stop", &allow("edas:ManageApplication", "*").replace("Allow", "Deny")).await;
    world.call("AttachPolicy", &[("PolicyName", "stop"), ("UserName", "operator")]).await.success();
    let refused = operator.call(&world, "StopK8sApplication", &own.parameters("StopK8sApplication")).await;
    assert_eq!(refused.json()["AccessDeniedDetail"]["NoPermissionType"], "ExplicitDeny");
}

#[tokio::test]
async fn conditions_look_at_the_connection_and_the_clock() {
    let world = World::new().await;
    let with = |condition: &str| allow("edas:Read*", "*").replace('}', &format!(r#","Condition":{condition}}}"#));
    let reader = user(&world, "reader", &[]).await;
    for (condition, met) in [
        (r#"{"IpAddress":{"acs:SourceIp":["127.0.0.0/8"]}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}"#, false),
        (r#"{"Bool":{"acs:SecureTransport":"true"}}"#, false),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2026-11-26T12:00:01+08:00"}}"#, true),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2026-11-26T12:00:00+08:00"}}"#, false),
    ] {
        policy(&world, "conditional", &with(condition)).await;
        world.call("AttachPolicy", &[("PolicyName", "conditional"), ("UserName", "reader")]).await.success();
        let reply = reader.call(&world, "GetCluster", &[("ClusterId", &CLUSTER.to_string())]).await;
        assert_eq!(reply.json()["Code"] != "Forbidden.RAM", met, "{condition}: {reply:?}");
    }
}

#[tokio::test]
async fn a_malformed_policy_is_refused_with_its_place_and_changes_nothing() {
    let world = World::new().await;
    let good = format!(r#"{{"Version":"1","Statement":[{}]}}"#, allow("edas:Read*", "*"));
    world.call("PutPolicy", &[("PolicyName", "p"), ("PolicyDocument", &good)]).await.success();
    let bad = good
        .replace(r#""Resource":"*""#, r#""Resource":"*","Condition":{"IpAddresses":{"acs:SourceIp":"10.0.0.0/8"}}"#);
    let reply = world.call("PutPolicy", &[("PolicyName", "p"), ("PolicyDocument", &bad)]).await;
    let message = reply.business(400);
    assert!(message.contains("Statement[0].Condition.IpAddresses.acs:SourceIp"), "{message}");
    let stored = world.call("GetPolicy", &[("PolicyName", "p")]).await.success();
    assert_eq!(stored["PolicyDocument"], good.as_str());
}

#[tokio::test]
async fn edas_authorisations_act_on_the_target_user() {
    let world = World::new().await;
    let [own, other] = [Target::new(&world, true).await, Target::new(&world, false).await];
    let (app, foreign) = (own.app(), other.app());
    let deployer = user(&world, "deployer", &[]).await;
    let may = async |operation: &str, app: &str| {
        deployer.call(&world, operation, &[("AppId", app)]).await.json()["Code"] != "Forbidden.RAM"
    };
    assert!(!may("GetApplication", app).await);
    let grant = |apps: &'static str| [("TargetUserId", "deployer"), ("AppIds", apps)];
    world.call("AuthorizeApplication", &[("TargetUserId", "deployer"), ("AppIds", app)]).await.success();
    assert!(may("GetApplication", app).await && may("StopK8sApplication", app).await);
    assert!(!may("GetApplication", foreign).await && !may("DeleteK8sApplication", app).await);
    let role =
        world.call("InsertRole", &[("RoleName", "deleters"), ("ActionData", "3:5;2:1")]).await.success()["RoleId"]
            .to_string();
    world.call("AuthorizeRole", &[("TargetUserId", "deployer"), ("RoleIds", &role)]).await.success();
    assert!(may("DeleteK8sApplication", app).await && !may("DeleteK8sApplication", foreign).await);
    deployer.call(&world, "GetCluster", &[("ClusterId", &CLUSTER.to_string())]).await.success();
    world.call("DeleteRole", &[("RoleId", &role)]).await.business(409);
    let roles = world.call("ListRole", &[]).await.success();
    assert_eq!(roles["RoleList"]["RoleItem"][0]["ActionList"]["Action"][1]["Name"], "edas:DeleteApplication");
    let accounts = world.call("ListSubAccount", &[]).await.success();
    assert_eq!(accounts["SubAccountList"]["SubAccount"][0]["SubUserId"], "deployer");
    world.call("AuthorizeApplication", &grant("")).await.success();
    assert!(!may("GetApplication", app).await);
    assert!(world.call("AuthorizeApplication", &grant("no-such-app")).await.business(404).contains("does not exist"));
    world.call("AuthorizeApplication", &[("TargetUserId", "stranger"), ("AppIds", app)]).await.business(404);

    let grouped = world.app_with("grouped", 1, &[("ResourceGroupId", "rg-1")]).await.to_string();
    assert!(!may("GetApplication", &grouped).await);
    world
        .call("AuthorizeResourceGroup", &[("TargetUserId", "deployer"), ("ResourceGroupIds", "rg-1;rg-2")])
        .await
        .success();
    assert!(may("GetApplication", &grouped).await && !may("GetApplication", app).await);
}
