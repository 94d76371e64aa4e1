//! CreateK8sService, UpdateK8sService, DeleteK8sService, GetK8sServices.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sternway_core::application::Application;
use sternway_core::effect::ObjectChange;
use sternway_core::effect::object::belongs;
use sternway_core::order::OrderKind;
use sternway_core::ports::{ObjectKind, ObjectRef};
use sternway_wire::error::BusinessError;
use sternway_wire::model::{ChangeOrderStarted, GetK8sServices, KubernetesService, KubernetesServicePort};
use sternway_wire::parameters::services::{self, Service, ServiceKind, ServicePort};

use super::{attach, list, selects, service_change, text};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::whole;

/// What a load balancer's Service is called; those are for the operations of SLBs.
const LOAD_BALANCER: &str = "LoadBalancer";

/// CreateK8sService
pub(crate) async fn create(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let service = services::service(&call.parameters)?;
    if find(&call, &app, &service.name).await?.is_some() {
        let message = format!(
            "The Service {} exists already in the namespace {}. Change it with UpdateK8sService, or take another name.",
            service.name, app.workload.namespace
        );
        return Err(BusinessError::new(400, "Resource.AlreadyExists", message).into());
    }
    let change = wanted(&service, selects(&call, &app).await?);
    attach(&call, &app, OrderKind::SetService, change, described("Create", &service)).await
}

/// UpdateK8sService
pub(crate) async fn update(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let service = services::service(&call.parameters)?;
    let selects = selects(&call, &app).await?;
    own(&call, &app, &service.name, &selects).await?;
    let change = wanted(&service, selects);
    attach(&call, &app, OrderKind::SetService, change, described("Update", &service)).await
}

/// DeleteK8sService
pub(crate) async fn delete(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let name = services::service_name(&call.parameters)?;
    let selects = selects(&call, &app).await?;
    own(&call, &app, name, &selects).await?;
    let change = ObjectChange { kind: ObjectKind::SERVICE, name: name.to_owned(), patch: None, selects };
    attach(&call, &app, OrderKind::DeleteService, change, format!("Delete Service {name}")).await
}

/// GetK8sServices: all that lead to this application and no other, whoever made them; load balancers are shown as SLBs.
pub(crate) async fn show(call: Arc<Call>) -> Result<GetK8sServices, Failure> {
    let app = call.app().await?;
    let selects = selects(&call, &app).await?;
    let (cluster, namespace) = (app.workload.cluster, app.workload.namespace.as_str());
    let found = call.objects().list(cluster, &ObjectKind::SERVICE, Some(namespace), "").await;
    let found = found.map_err(|error| of_cluster(cluster, &error))?;
    let own =
        found.iter().filter(|service| belongs(service, app.id, &selects) && service["spec"]["type"] != LOAD_BALANCER);
    Ok(GetK8sServices { services: own.map(shown).collect() })
}

/// The Service of a description, as an order sets it.
pub(crate) fn wanted(service: &Service, selects: BTreeMap<String, String>) -> ObjectChange {
    let mut spec = json!({
        "type": service.kind.code(),
        "selector": selects,
        "ports": service.ports.iter().map(ServicePort::to_json).collect::<Vec<_>>(),
    });
    if service.kind == ServiceKind::NodePort {
        // EDAS's default is Local.
        spec["externalTrafficPolicy"] = json!(service.external_traffic_policy.unwrap_or("Local"));
    }
    service_change(&service.name, selects, json!({}), spec)
}

async fn find(call: &Call, app: &Application, name: &str) -> Result<Option<Value>, Failure> {
    let object = ObjectRef::new(ObjectKind::SERVICE, app.workload.namespace.clone(), name);
    let found = call.objects().get(app.workload.cluster, &object).await;
    found.map_err(|error| of_cluster(app.workload.cluster, &error))
}

/// Says early what the order would run into: no such Service, or not the application's.
async fn own(call: &Call, app: &Application, name: &str, selects: &BTreeMap<String, String>) -> Result<(), Failure> {
    let namespace = &app.workload.namespace;
    let Some(service) = find(call, app, name).await? else {
        let message = format!(
            "The Service {name} does not exist in the namespace {namespace}. List the application's with GetK8sServices."
        );
        return Err(BusinessError::new(404, "Resource.NotFound", message).into());
    };
    if !belongs(&service, app.id, selects) {
        let message = format!(
            "The Service {name} of the namespace {namespace} does not belong to the application {}. Change it where it was made.",
            app.name
        );
        return Err(BusinessError::new(400, "Resource.NotTheApplications", message).into());
    }
    if service["spec"]["type"] == LOAD_BALANCER {
        let message = format!("The Service {name} is a load balancer. Use UpdateK8sSlb or UnbindK8sSlb.");
        return Err(BusinessError::unprocessable(&message).into());
    }
    Ok(())
}

fn described(verb: &str, service: &Service) -> String {
    let ports: Vec<String> = service
        .ports
        .iter()
        .map(|port| format!("{}/{} to {}", port.protocol.code(), port.port, port.target_port))
        .collect();
    format!("{verb} Service {} | {} | {}", service.name, service.kind.code(), ports.join(", "))
}

fn shown(service: &Value) -> KubernetesService {
    let spec = &service["spec"];
    let ports = list(&spec["ports"]).iter().map(|port| KubernetesServicePort {
        node_port: whole(port["nodePort"].as_i64().unwrap_or(0)),
        port: whole(port["port"].as_i64().unwrap_or(0)),
        protocol: text(&port["protocol"]),
        target_port: match &port["targetPort"] {
            Value::String(name) => name.clone(),
            Value::Null => port["port"].to_string(),
            number => number.to_string(),
        },
    });
    KubernetesService {
        cluster_ip: text(&spec["clusterIP"]),
        name: text(&service["metadata"]["name"]),
        service_ports: ports.collect(),
        r#type: text(&spec["type"]),
    }
}
