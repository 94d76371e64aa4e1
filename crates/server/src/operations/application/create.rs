//! InsertK8sApplication.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::effect::ObjectChange;
use sternway_core::ids::AppId;
use sternway_core::observation::Observation;
use sternway_core::order::birth::{APP_ID_LABEL, CreateRequest};
use sternway_core::ports::{AppFilter, ClusterError, ClusterRecord};
use sternway_core::template::edit::Edit;
use sternway_core::template::package::PackageKind;
use sternway_engine::{CommandError, Creation};
use sternway_wire::codes::{ClusterType, PackageType};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{ApplicationInfo, InsertK8sApplication};
use sternway_wire::parameters::{Parameters, names, resources, services};

use super::{edits, nas, package};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::cluster::setting::Setting as _;
use crate::operations::place::group;
use crate::operations::region::require_region;
use crate::operations::resource::load_balancer::LoadBalancers;
use crate::operations::{inert, resource};

const LONGEST_DESCRIPTION: usize = 256;
/// Our extension: take the Deployment of this name under management as it is, instead of making one.
const ADOPT: &str = "Adopt";
/// EDAS documents no default; one instance is the least that serves.
const DEFAULT_REPLICAS: u32 = 1;

/// InsertK8sApplication
pub(crate) async fn insert(call: Arc<Call>) -> Result<InsertK8sApplication, Failure> {
    let parameters = &call.parameters;
    let name = names::application_name(parameters)?;
    let namespace = names::namespace(parameters)?;
    let adopts = parameters.boolean(ADOPT)?.unwrap_or(false);
    let kind = names::package_type(parameters)?;
    let image = if adopts || kind != PackageType::Image { "" } else { required_image(parameters)? };
    require_deployment(parameters)?;
    let id = AppId::new(call.engine().ports().ids.fresh());
    let mut edits = if kind == PackageType::Image { vec![Edit::Image(image.to_owned())] } else { Vec::new() };
    edits.extend(edits::common(parameters, "CommandArgs", id, &Value::Null)?);
    edits.extend(edits::resources(resources::of_insert(parameters)?));
    edits.extend(pull_secret(parameters)?);
    let description = parameters.text("ApplicationDescription", LONGEST_DESCRIPTION)?;
    let package_version = parameters.text("PackageVersion", LONGEST_DESCRIPTION)?;
    let replicas = call.replicas(0)?.unwrap_or(DEFAULT_REPLICAS);
    let timeout_seconds = call.timeout_seconds("Timeout")?;
    let logical_region = require_region(&call, "LogicalRegionId").await?;
    let cluster = target_cluster(&call).await?;
    require_namespace(&call, &cluster, namespace).await?;
    edits.extend(nas::edit(&call, cluster.id, &Value::Null).await?);
    let attachments = attachments(&call, &cluster, id, &name.to_ascii_lowercase()).await?;
    if adopts && !attachments.is_empty() {
        let reason = "What is adopted stays as it is. Leave ServiceConfigs and the Slb parameters out, and use CreateK8sService or BindK8sSlb.";
        return Err(BusinessError::unprocessable(reason).into());
    }
    let package = match kind {
        PackageType::FatJar if !adopts => Some(package::of_insert(&call, id, PackageKind::FatJar).await?),
        PackageType::War if !adopts => Some(package::of_insert(&call, id, PackageKind::War).await?),
        PackageType::FatJar | PackageType::War | PackageType::Image => None,
    };
    edits.extend(package.map(|run| Edit::Package(Box::new(run))));

    let mut attributes = attributes(parameters, "InsertK8sApplication")?;
    if let Some(named) = group::read(parameters)? {
        attributes.insert(group::PARAMETER.to_owned(), group::name_for(&call, named).await?);
    }

    let workload =
        WorkloadRef { cluster: cluster.id, namespace: namespace.to_owned(), name: name.to_ascii_lowercase() };
    let package_type = if adopts { PackageType::Image } else { kind }.code();
    let app = Application {
        description: description.unwrap_or_default().to_owned(),
        attributes,
        replicas,
        ..Application::new(id, name, workload, logical_region, &call.caller.user, package_type, call.now())
    };
    let user = call.caller.user.clone();
    let info = |app_id: AppId, order: String| InsertK8sApplication {
        application_info: ApplicationInfo {
            app_id: app_id.to_string(),
            app_name: name.to_owned(),
            change_order_id: order,
            cluster_type: ClusterType::Kubernetes.code(),
            dockerize: true,
            edas_id: user.clone(),
            owner: user.clone(),
            region_id: cluster.region.clone(),
            user_id: user.clone(),
        },
    };
    let taken = |error| match error {
        CommandError::NameTaken => BusinessError::application_exists(name).into(),
        other => Failure::from(other),
    };
    if adopts {
        // There is no change order: nothing changes. Clients take an empty id for done.
        let adopted = call.engine().adopt(app).await.map_err(taken)?;
        return Ok(info(adopted.id, String::new()));
    }
    require_free(&call, &app.workload).await?;
    let request = CreateRequest {
        app,
        edits,
        replicas,
        attachments,
        package_version: package_version.unwrap_or_default().to_owned(),
        timeout_seconds,
    };
    let creation = Creation { request, description: String::new() };
    let order = call.engine().create(creation, call.actor()).await.map_err(taken)?;
    Ok(info(id, order.id.to_string()))
}

/// The Services and load balancers that are made with the application.
async fn attachments(
    call: &Call,
    cluster: &ClusterRecord,
    id: AppId,
    workload: &str,
) -> Result<Vec<ObjectChange>, Failure> {
    let selects = BTreeMap::from([(APP_ID_LABEL.to_owned(), id.to_string())]);
    let configs = services::configs(&call.parameters)?;
    let setting = LoadBalancers::of(call, cluster.id).await?;
    let mut attachments: Vec<ObjectChange> =
        configs.iter().map(|service| resource::services::wanted(service, selects.clone())).collect();
    attachments.extend(resource::slb::of_insert(&call.parameters, &setting, workload, &selects)?);
    Ok(attachments)
}

fn required_image(parameters: &Parameters) -> Result<&str, Failure> {
    let image = names::image(parameters, "ImageUrl")?;
    Ok(image.ok_or_else(|| GatewayError::missing_parameter("ImageUrl", "the image to run"))?)
}

fn require_deployment(parameters: &Parameters) -> Result<(), Failure> {
    match parameters.optional("WorkloadType")? {
        Some(kind) if !kind.eq_ignore_ascii_case("Deployment") => {
            let reason = "Only the WorkloadType Deployment is served. Give it, or nothing.";
            Err(BusinessError::unprocessable(reason).into())
        }
        _ => Ok(()),
    }
}

fn pull_secret(parameters: &Parameters) -> Result<Option<Edit>, GatewayError> {
    const NAME: &str = "SecretName";
    let Some(secret) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    if names::is_subdomain(secret) {
        return Ok(Some(Edit::ImagePullSecrets(vec![secret.to_owned()])));
    }
    let problem = "Give the name of a Secret in the application's namespace.";
    Err(GatewayError::invalid_parameter(NAME, problem))
}

/// ClusterId is our id; CsClusterId stands in where only the cluster's own id is known.
async fn target_cluster(call: &Call) -> Result<ClusterRecord, Failure> {
    let own = call.parameters.optional("ClusterId")?;
    let foreign = call.parameters.optional("CsClusterId")?;
    let id =
        own.or(foreign).ok_or_else(|| GatewayError::missing_parameter("ClusterId", "the id of an imported cluster"))?;
    let unknown = || BusinessError::cluster_not_found(id);
    Ok(call.find_cluster(id).await?.ok_or_else(unknown)?)
}

/// A namespace that is missing would fail the order a moment later; saying so now is kinder. Who may not list namespaces is let pass: the
/// right is not needed for anything else.
async fn require_namespace(call: &Call, cluster: &ClusterRecord, namespace: &str) -> Result<(), Failure> {
    match call.clusters().namespaces(cluster.id).await {
        Ok(names) if names.iter().any(|name| name == namespace) => Ok(()),
        Ok(_) => {
            let message = format!(
                "The namespace {namespace} does not exist in the cluster {}. Create it, or take one from ListK8sNamespaces.",
                cluster.id
            );
            Err(BusinessError::new(404, "Namespace.NotFound", message).into())
        }
        Err(ClusterError::Forbidden(_)) => Ok(()),
        Err(error) => Err(of_cluster(cluster.id, &error)),
    }
}

/// A Deployment of this name that belongs to no application would fail the order as well, and leave an application that was never made.
async fn require_free(call: &Call, workload: &WorkloadRef) -> Result<(), Failure> {
    let seen = call.clusters().read(workload).await.map_err(|error| of_cluster(workload.cluster, &error))?;
    let filter = AppFilter {
        cluster: Some(workload.cluster),
        namespace: Some(workload.namespace.clone()),
        ..AppFilter::default()
    };
    let is_foreign = matches!(seen, Observation::Present(present) if !present.deleting)
        && !call.store().apps(filter).await?.iter().any(|app| app.workload == *workload);
    if !is_foreign {
        return Ok(());
    }
    let message = format!(
        "A Deployment named {} exists already in the namespace {} and belongs to no application. Take another name, or manage that Deployment as it is with Adopt=true.",
        workload.name, workload.namespace
    );
    Err(BusinessError::new(400, "Application.AlreadyExists", message).into())
}

/// Parameters without a meaning on a cluster, kept to be given back.
pub(super) fn attributes(parameters: &Parameters, operation: &str) -> Result<BTreeMap<String, String>, GatewayError> {
    let mut attributes = BTreeMap::new();
    for name in inert::parameters_of(operation) {
        if let Some(value) = parameters.optional(name)? {
            attributes.insert((*name).to_owned(), value.to_owned());
        }
    }
    Ok(attributes)
}
