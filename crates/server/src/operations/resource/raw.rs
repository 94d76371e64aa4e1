//! UpdateK8sResource, ConvertK8sResource, SynchronizeResource.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_core::application::{Application, WorkloadRef};
use sternway_core::ids::AppId;
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::ports::{AppFilter, ClusterError, ObjectKind, ObjectRef};
use sternway_wire::codes::PackageType;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{Nothing, SynchronizeResource};
use sternway_wire::parameters::structure::Node;
use sternway_wire::parameters::{Given, names, structure};

use super::secrets::is_ours;
use super::targets::Target;
use crate::call::Call;
use crate::failure::Failure;

const CONTENT: &str = "ResourceContent";

/// UpdateK8sResource: an object that is there is replaced by the one of the YAML. With a `metadata.resourceVersion` it has to be the one that was read.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    let Given::Value(mut value) = structure::yaml(&call.parameters, CONTENT)? else {
        return Err(GatewayError::missing_parameter(CONTENT, "the YAML of one object").into());
    };
    let (name, given) = {
        let root = Node::root(CONTENT, &value);
        let metadata = root.member("metadata").ok_or_else(|| root.error("\"metadata\" is missing."))?;
        let name = metadata.required_text("name")?.to_owned();
        let namespace = metadata.member("namespace").map(|namespace| namespace.text()).transpose()?;
        (name, namespace.map(str::to_owned))
    };
    if !names::is_subdomain(&name) {
        return Err(GatewayError::invalid_parameter(CONTENT, "Its \"metadata.name\" is no name.").into());
    }
    let namespace = match (call.parameters.optional("Namespace")?, given) {
        (None, Some(own)) if names::is_label(&own) => own,
        (_, given) => {
            let named = names::namespace(&call.parameters)?;
            if given.is_some_and(|own| own != named) {
                let problem = "Its \"metadata.namespace\" is another one than Namespace. Leave one of them out.";
                return Err(GatewayError::invalid_parameter(CONTENT, problem).into());
            }
            named.to_owned()
        }
    };
    let cluster = call.cluster().await?;
    let kind = served(&call, &cluster.id, &value).await?;
    let target = Target { object: ObjectRef::new(kind, namespace.clone(), name), cluster };
    let present = target.read(&call).await?;
    check(&call, &target, &present).await?;
    value["metadata"]["namespace"] = json!(namespace);
    if !value["metadata"]["resourceVersion"].is_string() {
        value["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
    }
    if let Some(owner) = present["metadata"]["labels"][APP_ID_LABEL].as_str() {
        // Whose it is, is not for a text to say.
        value["metadata"]["labels"][APP_ID_LABEL] = json!(owner);
    }
    match call.objects().replace(target.cluster.id, &target.object, &value).await {
        Ok(_) => Ok(Nothing {}),
        Err(ClusterError::Conflict) => Err(target.changed().into()),
        Err(error) => Err(target.failed(&error)),
    }
}

async fn served(call: &Call, cluster: &sternway_core::ids::ClusterId, value: &Value) -> Result<ObjectKind, Failure> {
    let root = Node::root(CONTENT, value);
    let (api_version, kind) = (root.required_text("apiVersion")?, root.required_text("kind")?);
    let found = call.objects().kind(*cluster, api_version, kind).await;
    let found = found.map_err(|error| crate::failure::of_cluster(*cluster, &error))?;
    let unknown = || {
        let message = format!("The cluster {cluster} serves no {kind} of {api_version}. Check apiVersion and kind.");
        BusinessError::new(404, "Resource.UnknownKind", message)
    };
    let found = found.ok_or_else(unknown)?;
    if found.namespaced {
        return Ok(found);
    }
    let reason = format!("{kind} is of the whole cluster. Only objects of a namespace are changed here; use kubectl.");
    Err(BusinessError::unprocessable(&reason).into())
}

/// What must not be changed behind the back of whoever keeps it.
async fn check(call: &Call, target: &Target, present: &Value) -> Result<(), Failure> {
    let ObjectRef { kind, namespace, name } = &target.object;
    let refused = |message: String| Err(BusinessError::new(400, "Resource.OfOthers", message).into());
    if kind.kind == ObjectKind::DEPLOYMENT.kind && kind.group == ObjectKind::DEPLOYMENT.group {
        let filter =
            AppFilter { cluster: Some(target.cluster.id), namespace: Some(namespace.clone()), ..AppFilter::default() };
        let apps = call.store().apps(filter).await?;
        if let Some(app) = apps.iter().find(|app| app.workload.name == *name) {
            return refused(format!(
                "The {} is that of the application {}, and would change without a change order. Use DeployK8sApplication with AppId {}.",
                target.named(),
                app.name,
                app.id
            ));
        }
    }
    let owners = present["metadata"]["ownerReferences"].as_array();
    if let Some(owner) = owners.into_iter().flatten().find(|owner| owner["controller"] == true) {
        let (kind, name) = (super::text(&owner["kind"]), super::text(&owner["name"]));
        return refused(format!("The {} is kept by the {kind} {name}. Change that one.", target.named()));
    }
    if *kind == ObjectKind::SECRET && !is_ours(present) {
        return refused(format!(
            "The {} has the type {}: it belongs to whoever made it.",
            target.named(),
            super::text(&present["type"])
        ));
    }
    Ok(())
}

/// ConvertK8sResource: takes a Deployment under management without touching it, as an application of the same name.
pub(crate) async fn convert(call: Arc<Call>) -> Result<Nothing, Failure> {
    let parameters = &call.parameters;
    let kind = parameters.required("ResourceType", "deployment")?;
    if !kind.eq_ignore_ascii_case("deployment") {
        return Err(GatewayError::invalid_parameter("ResourceType", "Give deployment.").into());
    }
    let name = parameters.required("ResourceName", "the name of a Deployment")?;
    if !names::is_subdomain(name) {
        return Err(GatewayError::invalid_parameter("ResourceName", "Give the name of a Deployment.").into());
    }
    let namespace = names::namespace(parameters)?;
    let cluster = call.cluster().await?;
    let workload = WorkloadRef { cluster: cluster.id, namespace: namespace.to_owned(), name: name.to_owned() };
    let id = AppId::new(call.engine().ports().ids.fresh());
    let owner = &call.caller.user;
    let app = Application::new(id, name, workload, cluster.region, owner, PackageType::Image.code(), call.now());
    let adopted = call.command(call.engine().adopt(app)).await;
    adopted.map(|_| Nothing {})
}

/// SynchronizeResource: what there is of clusters is watched all the time, so that nothing is left to be brought in step.
pub(crate) async fn synchronize(call: Arc<Call>) -> Result<SynchronizeResource, Failure> {
    // The last is what Terraform sends.
    const TYPES: [&str; 5] = ["ecs", "slb", "vpc", "all", "vpc_ecs"];
    let kind = call.parameters.required("Type", "ecs, slb, vpc or all")?;
    if !TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(GatewayError::invalid_parameter("Type", "Give ecs, slb, vpc or all.").into());
    }
    Ok(SynchronizeResource { data: String::new(), success: true })
}
