//! The operations that are served, one file per family. Each translates parameters into an engine command or a read of the store,
//! and what comes back into a wire model.
//!
//! An operation is added with its action; what it is about stands in `permission::scope`, and who may do it in the matrix of the tests.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use sternway_access::Action::{
    self, CreateApplication, DeleteApplication, DeleteCluster, DeleteNamespace, ManageAppLog, ManageApplication,
    ManageCluster, ManageNamespace, ManageOperation, ManageSystem, ReadApplication, ReadCluster, ReadNamespace,
    ReadOperationLog,
};
use sternway_wire::catalog::Catalog;
use sternway_wire::envelope::to_json;
use sternway_wire::error::GatewayError;
use sternway_wire::model::Success;
use sternway_wire::parameters::Parameters;

use crate::answer::Envelope;
use crate::call::Call;
use crate::failure::Failure;

pub(crate) mod access;
pub(crate) mod application;
pub(crate) mod audit;
pub(crate) mod changeorder;
pub(crate) mod cluster;
pub(crate) mod config_template;
pub(crate) mod governance;
pub(crate) mod inert;
pub(crate) mod instead;
pub(crate) mod lane;
pub(crate) mod migration;
pub(crate) mod package;
pub(crate) mod place;
pub(crate) mod precheck;
pub(crate) mod region;
pub(crate) mod resource;
pub(crate) mod scaling;
pub(crate) mod sequence;
pub(crate) mod tag;
pub(crate) mod version;
pub(crate) mod webhook;

type Answering = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;

/// An operation that is served.
pub(crate) struct Served {
    /// What the caller must be allowed.
    pub(crate) action: Action,
    pub(crate) envelope: Envelope,
    handler: Box<dyn Fn(Call) -> Answering + Send + Sync>,
}

impl Served {
    pub(crate) async fn run(&self, call: Call) -> Result<String, Failure> {
        (self.handler)(call).await
    }
}

/// The operations by name.
pub(crate) struct Operations {
    served: BTreeMap<&'static str, Served>,
}

impl fmt::Debug for Operations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.served.keys()).finish()
    }
}

impl Operations {
    /// All that are served.
    pub(crate) fn all() -> Self {
        let mut all = Self { served: BTreeMap::new() };
        all.add_applications();
        all.add_change_orders();
        all.add_clusters();
        all.add_lanes();
        all.add_migrations();
        all.add_packages();
        all.add_places();
        all.add_scaling_rules();
        all.add_tags_and_templates();
        all.add_users();
        all.add_accounts();
        all.add_resources();
        all.add_governance();
        all.add_webhooks();
        all
    }

    fn add_applications(&mut self) {
        use application::{
            configure, create, delete, deploy, describe, hooks, instances, list, logs, rename, rollback, show, state,
        };
        self.add("InsertK8sApplication", CreateApplication, create::insert);
        self.add("DeployK8sApplication", ManageApplication, deploy::deploy);
        self.add("UpdateK8sApplicationConfig", ManageApplication, configure::configure);
        self.add("UpdateK8sApplicationBaseInfo", ManageApplication, describe::describe);
        self.add("ScaleK8sApplication", ManageApplication, state::scale);
        self.add("RestartK8sApplication", ManageApplication, state::restart);
        self.add("StartK8sApplication", ManageApplication, state::start);
        self.add("StopK8sApplication", ManageApplication, state::stop);
        self.add("DeleteK8sApplication", DeleteApplication, delete::delete);
        self.add("GetK8sApplication", ReadApplication, show::kubernetes_application);
        self.add("GetApplication", ReadApplication, show::application);
        self.add("ListApplication", ReadApplication, list::list);
        self.add("QueryApplicationStatus", ReadApplication, instances::status);
        self.add("GetAppDeployment", ReadApplication, instances::deployment);
        self.add("DescribeAppInstanceList", ReadApplication, instances::list);
        self.add("ListHistoryDeployVersion", ReadApplication, version::list);
        self.add("RollbackApplication", ManageApplication, rollback::roll_back);
        self.add("UpdateApplicationBaseInfo", ManageApplication, rename::rename);
        self.add("UpdateHookConfiguration", ManageApplication, hooks::update);
        self.add("StartK8sAppPrecheck", ReadApplication, precheck::start);
        self.add("GetK8sAppPrecheckResult", ReadApplication, precheck::result);
        self.add("AddLogPath", ManageAppLog, logs::add);
        self.add("DeleteLogPath", ManageAppLog, logs::delete);
        self.add("QuerySlsLogStoreList", ReadApplication, logs::query);
        self.add("UpdateSlsLogStore", ManageApplication, logs::update);
    }

    fn add_change_orders(&mut self) {
        use changeorder::{abort, list, proceed, show};
        self.add("GetChangeOrderInfo", ReadApplication, show::show);
        self.add("ListRecentChangeOrder", ReadApplication, list::recent);
        self.add("ContinuePipeline", ManageApplication, proceed::proceed);
        self.add("RetryChangeOrderTask", ManageApplication, proceed::retry);
        self.add("AbortChangeOrder", ManageApplication, abort::abort);
        self.add("AbortAndRollbackChangeOrder", ManageApplication, abort::abort_and_roll_back);
        self.add("RollbackChangeOrder", ManageApplication, abort::abort_and_roll_back);
    }

    fn add_clusters(&mut self) {
        self.add("ImportK8sCluster", ManageCluster, cluster::import::import);
        self.add("DeleteCluster", DeleteCluster, cluster::delete::delete);
        self.add("GetCluster", ReadCluster, cluster::show::one);
        self.add("GetK8sCluster", ReadCluster, cluster::show::page);
        self.add("ListCluster", ReadCluster, cluster::show::all);
        self.add("ListK8sNamespaces", ReadCluster, cluster::show::namespaces);
        self.add("InsertOrUpdateRegion", ManageNamespace, region::put);
        self.add("DeleteUserDefineRegion", DeleteNamespace, region::delete);
        self.add("ListUserDefineRegion", ReadNamespace, region::list);
    }

    fn add_scaling_rules(&mut self) {
        self.add("CreateApplicationScalingRule", ManageApplication, scaling::create);
        self.add("UpdateApplicationScalingRule", ManageApplication, scaling::update);
        self.add("DeleteApplicationScalingRule", ManageApplication, scaling::delete);
        self.add("EnableApplicationScalingRule", ManageApplication, scaling::enable);
        self.add("DisableApplicationScalingRule", ManageApplication, scaling::disable);
        self.add("DescribeApplicationScalingRules", ReadApplication, scaling::describe);
    }

    fn add_tags_and_templates(&mut self) {
        self.add("TagResources", ManageApplication, tag::tag);
        self.add("UntagResources", ManageApplication, tag::untag);
        self.add("ListTagResources", ReadApplication, tag::list);
        self.add("CreateConfigTemplate", ManageSystem, config_template::create);
        self.add("UpdateConfigTemplate", ManageSystem, config_template::update);
        self.add("DeleteConfigTemplate", ManageSystem, config_template::delete);
        self.add("ListConfigTemplates", ReadApplication, config_template::list);
    }

    fn add_users(&mut self) {
        use access::{groups, keys, policies, roles, users};
        self.add("ListUsers", Action::ListUsers, users::list);
        self.add("CreateUser", Action::CreateUser, users::create);
        self.add("DeleteUser", Action::DeleteUser, users::delete);
        self.add("ListGroups", Action::ListGroups, groups::list);
        self.add("CreateGroup", Action::CreateGroup, groups::create);
        self.add("DeleteGroup", Action::DeleteGroup, groups::delete);
        self.add("AddUserToGroup", Action::AddUserToGroup, groups::add_user);
        self.add("RemoveUserFromGroup", Action::RemoveUserFromGroup, groups::remove_user);
        self.add("ListAccessKeys", Action::ListAccessKeys, keys::list);
        self.add("CreateAccessKey", Action::CreateAccessKey, keys::create);
        self.add("UpdateAccessKey", Action::UpdateAccessKey, keys::update);
        self.add("DeleteAccessKey", Action::DeleteAccessKey, keys::delete);
        self.add("ListPolicies", Action::ListPolicies, policies::list);
        self.add("GetPolicy", Action::GetPolicy, policies::get);
        self.add("PutPolicy", Action::CreatePolicy, policies::put);
        self.add("DeletePolicy", Action::DeletePolicy, policies::delete);
        self.add("AttachPolicy", Action::AttachPolicyToUser, policies::attach);
        self.add("DetachPolicy", Action::DetachPolicyFromUser, policies::detach);
        self.add("ListRamRoles", Action::ListRoles, roles::list);
        self.add("PutRamRole", Action::CreateRole, roles::put);
        self.add("DeleteRamRole", Action::DeleteRole, roles::delete);
        self.add("AssumeRole", Action::AssumeRole, roles::assume);
        self.add("GetCallerIdentity", Action::GetCallerIdentity, roles::identity);
    }

    fn add_accounts(&mut self) {
        use access::account;
        self.add("AuthorizeApplication", Action::AuthorizeApplication, account::authorize_apps);
        self.add("AuthorizeResourceGroup", Action::AuthorizeResourceGroup, account::authorize_resource_groups);
        self.add("AuthorizeRole", Action::AuthorizeRole, account::authorize_roles);
        self.add("ListAuthority", Action::ListAuthority, account::authorities);
        self.add("ListRole", Action::ListRole, account::roles);
        self.add("InsertRole", Action::InsertRole, account::insert_role);
        self.add("UpdateRole", Action::UpdateRole, account::update_role);
        self.add("DeleteRole", Action::RemoveRole, account::delete_role);
        self.add("ListSubAccount", Action::ListSubAccount, account::sub_accounts);
    }

    fn add_resources(&mut self) {
        use resource::{config_maps, ingress, raw, secrets, services, slb};
        self.add("CreateK8sService", ManageApplication, services::create);
        self.add("UpdateK8sService", ManageApplication, services::update);
        self.add("DeleteK8sService", ManageApplication, services::delete);
        self.add("GetK8sServices", ReadApplication, services::show);
        self.add("BindK8sSlb", ManageApplication, slb::bind);
        self.add("UpdateK8sSlb", ManageApplication, slb::update);
        self.add("UnbindK8sSlb", ManageApplication, slb::unbind);
        self.add("ListSlb", ReadCluster, slb::list);
        self.add("CreateK8sIngressRule", ManageCluster, ingress::create);
        self.add("UpdateK8sIngressRule", ManageCluster, ingress::update);
        self.add("DeleteK8sIngressRule", ManageCluster, ingress::delete);
        self.add("ListK8sIngressRules", ReadCluster, ingress::list);
        self.add("CreateK8sConfigMap", ManageCluster, config_maps::create);
        self.add("UpdateK8sConfigMap", ManageCluster, config_maps::update);
        self.add("DeleteK8sConfigMap", ManageCluster, config_maps::delete);
        self.add("ListK8sConfigMaps", ReadCluster, config_maps::list);
        self.add("CreateK8sSecret", ManageCluster, secrets::create);
        self.add("UpdateK8sSecret", ManageCluster, secrets::update);
        self.add("DeleteK8sSecret", ManageCluster, secrets::delete);
        // It shows their values: reading is not enough.
        self.add("ListK8sSecrets", ManageCluster, secrets::list);
        self.add("ConvertK8sResource", ManageCluster, raw::convert);
        self.add("UpdateK8sResource", ManageCluster, raw::update);
        self.add("SynchronizeResource", ReadApplication, raw::synchronize);
    }

    fn add_lanes(&mut self) {
        use lane::{group, lanes};
        self.add("InsertSwimmingLaneGroup", ManageApplication, group::insert);
        self.add("UpdateSwimmingLaneGroup", ManageApplication, group::update);
        self.add("ListSwimmingLaneGroup", ReadApplication, group::list);
        self.add("InsertSwimmingLane", ManageApplication, lanes::insert);
        self.add("UpdateSwimmingLane", ManageApplication, lanes::update);
        self.add("DeleteSwimmingLane", ManageApplication, lanes::delete);
        self.add("ListSwimmingLane", ReadApplication, lanes::list);
    }

    fn add_migrations(&mut self) {
        self.add("MigrateApplication", ManageApplication, migration::migrate);
        self.add("GetMigrateApplication", ReadApplication, migration::show);
    }

    fn add_places(&mut self) {
        self.add("CreateIDCImportCommand", ManageCluster, cluster::command::create);
        self.add("GetSecureToken", ManageNamespace, place::token::get);
        self.add("ListAliyunRegion", ReadNamespace, place::regions);
        self.add("ListResourceGroup", ReadApplication, place::group::list);
        self.add("ListVpc", ReadNamespace, place::networks);
        self.add("QueryRegionConfig", ReadApplication, place::config);
    }

    fn add_packages(&mut self) {
        use application::runtime;
        self.add("GetJavaStartUpConfig", ReadApplication, runtime::java);
        self.add("GetPackageStorageCredential", ManageApplication, package::storage_credential);
        self.add("GetWebContainerConfig", ReadApplication, runtime::web_container);
        self.add("ListBuildPack", ReadApplication, package::build_packs);
        self.add("ListComponents", ReadApplication, package::components);
    }

    fn add_governance(&mut self) {
        use governance::{approval, freeze};
        self.add("ApproveChangeOrder", ManageApplication, approval::approve);
        self.add("ListPendingApprovals", ReadApplication, approval::pending);
        self.add("PutApprovalRule", ManageSystem, approval::put_rule);
        self.add("ListApprovalRules", ReadApplication, approval::list_rules);
        self.add("DeleteApprovalRule", ManageSystem, approval::delete_rule);
        self.add("PutFreezeWindow", ManageSystem, freeze::put_window);
        self.add("ListFreezeWindows", ReadApplication, freeze::list_windows);
        self.add("DeleteFreezeWindow", ManageSystem, freeze::delete_window);
        self.add("ListAuditEntries", ReadOperationLog, audit::list);
        self.add("GetAuditHead", ReadOperationLog, audit::head);
    }

    fn add_webhooks(&mut self) {
        self.add("CreateWebhook", ManageOperation, webhook::create);
        self.add("UpdateWebhook", ManageOperation, webhook::update);
        self.add("DeleteWebhook", ManageOperation, webhook::delete);
        self.add("TestWebhook", ManageOperation, webhook::test);
        self.add("RedeliverWebhook", ManageOperation, webhook::redeliver);
        // What they show is about the changes of all applications.
        self.add("GetWebhook", ReadOperationLog, webhook::get);
        self.add("ListWebhooks", ReadOperationLog, webhook::list);
        self.add("ListWebhookDeadLetters", ReadOperationLog, webhook::dead_letters);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Served> {
        self.served.get(name)
    }

    /// How an operation's refusals are wrapped.
    pub(crate) fn envelope(&self, name: &str) -> Option<Envelope> {
        Some(self.get(name)?.envelope)
    }

    fn add<T, F>(
        &mut self,
        name: &'static str,
        action: Action,
        operation: impl Fn(Arc<Call>) -> F + Send + Sync + Clone + 'static,
    ) where
        T: Serialize,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let handler = move |call: Call| -> Answering {
            let call = Arc::new(call);
            let operation = operation.clone();
            Box::pin(async move {
                let payload = operation(Arc::clone(&call)).await?;
                Ok(to_json(&Success::new(&call.ids.request, payload))?)
            })
        };
        let envelope = match name {
            "AbortChangeOrder" | "AbortAndRollbackChangeOrder" | "RollbackChangeOrder" => Envelope::ChangeOrder,
            _ => Envelope::Plain,
        };
        let served = Served { action, envelope, handler: Box::new(handler) };
        let before = self.served.insert(name, served);
        debug_assert!(before.is_none(), "{name} is served twice");
    }
}

/// The names of all operations of EDAS that are served, in order: what the documentation lists.
pub fn served_operations() -> Vec<&'static str> {
    let of_edas = |name: &&str| Catalog::operations().iter().any(|operation| operation.name == *name);
    Operations::all().served.into_keys().filter(of_edas).collect()
}

/// The names of our extensions that are served, in order: what the documentation lists.
pub fn served_extensions() -> Vec<&'static str> {
    let extensions = |name: &&str| Catalog::extensions().iter().any(|operation| operation.name == *name);
    Operations::all().served.into_keys().filter(extensions).collect()
}

/// The parameters that are accepted and change nothing, by operation: what the documentation lists.
pub fn inert_parameters() -> &'static [(&'static str, &'static [&'static str])] {
    inert::INERT
}

/// A page of a list; pages count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { number: 1, size: DEFAULT_PAGE_SIZE }
    }
}

const DEFAULT_PAGE_SIZE: usize = 20;
const LARGEST_PAGE: i64 = 1000;

impl Page {
    /// CurrentPage and PageSize; `None` if neither is given.
    pub(crate) fn read(parameters: &Parameters) -> Result<Option<Self>, GatewayError> {
        let number = parameters.integer("CurrentPage", 1..=i64::from(i32::MAX))?;
        let size = parameters.integer("PageSize", 1..=LARGEST_PAGE)?;
        if number.is_none() && size.is_none() {
            return Ok(None);
        }
        let positive =
            |given: Option<i64>, default| given.and_then(|given| usize::try_from(given).ok()).unwrap_or(default);
        Ok(Some(Self { number: positive(number, 1), size: positive(size, DEFAULT_PAGE_SIZE) }))
    }

    /// The items on this page.
    pub(crate) fn of<T>(self, items: Vec<T>) -> Vec<T> {
        let before = (self.number - 1).saturating_mul(self.size);
        items.into_iter().skip(before).take(self.size).collect()
    }
}

/// A count as EDAS's integers have it.
pub(crate) fn whole(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}
