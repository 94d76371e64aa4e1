//! BindK8sSlb, UpdateK8sSlb, UnbindK8sSlb, ListSlb: Services of type LoadBalancer.
//!
//! What EDAS knows of a binding and Kubernetes does not is kept in an annotation of the Service, so that it goes where the Service goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sternway_access::Action;
use sternway_core::application::Application;
use sternway_core::effect::ObjectChange;
use sternway_core::order::OrderKind;
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::ports::ObjectKind;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{ChangeOrderStarted, ListSlb, MappedPort, PortMapping, Slb, SlbInfo};
use sternway_wire::parameters::Parameters;
use sternway_wire::parameters::services::{self, AddressType, Listener, ListenerProtocol, ServicePort, Transport};

use super::ingress::endpoint;
use super::load_balancer::{LoadBalancers, Wanted};
use super::{attach, list as items, selects, service_change, text};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::cluster::setting::Setting as _;
use crate::operations::resource::targets::clusters;

/// What EDAS knows of a binding.
const NOTE: &str = "sternway.io/slb";
const LONGEST_WORD: usize = 64;
/// Room for a suffix in the 63 characters of a Service's name.
const LONGEST_BASE: usize = 48;
const PATIENCE: Duration = Duration::from_secs(3);

/// See [`NOTE`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Note {
    address_type: String,
    scheduler: String,
    specification: String,
    slb_id: String,
    /// By port; TCP without a certificate is not noted.
    listeners: BTreeMap<u16, NotedListener>,
}

/// See [`Note`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NotedListener {
    protocol: String,
    cert_id: String,
}

/// BindK8sSlb
pub(crate) async fn bind(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let parameters = &call.parameters;
    let wanted = Wanted {
        address: AddressType::read(parameters)?,
        listeners: services::listeners(parameters)?,
        slb_id: parameters.text("SlbId", LONGEST_WORD)?.unwrap_or_default().to_owned(),
        scheduler: scheduler(parameters)?.unwrap_or("rr").to_owned(),
        specification: parameters.text("Specification", LONGEST_WORD)?.unwrap_or_default().to_owned(),
        disable_force_override: None,
    };
    let setting = LoadBalancers::of(&call, app.workload.cluster).await?;
    setting.check(&wanted)?;
    let bound = bound(&call, &app).await?;
    let same = |service: &&Value| {
        let note = note(service);
        note.address_type == wanted.address.code() && note.slb_id == wanted.slb_id
    };
    if let Some(service) = bound.iter().find(same) {
        let message = format!(
            "The application {} has this load balancer already, {}. Change its ports with UpdateK8sSlb.",
            app.name,
            text(&service["metadata"]["name"])
        );
        return Err(BusinessError::new(400, "Slb.AlreadyBound", message).into());
    }
    let selects = selects(&call, &app).await?;
    let name = free_name(&call, &app, wanted.address).await?;
    let change = change(&name, selects, &setting, &wanted, true);
    attach(&call, &app, OrderKind::BindSlb, change, described("Bind", &name, &wanted)).await
}

/// UpdateK8sSlb: the listeners are replaced as a whole; what else is absent stays.
pub(crate) async fn update(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let parameters = &call.parameters;
    let service = the_bound(&call, &app).await?;
    let name = text(&service["metadata"]["name"]);
    let before = note(&service);
    let wanted = Wanted {
        address: AddressType::read(parameters)?,
        listeners: services::listeners(parameters)?,
        slb_id: before.slb_id,
        scheduler: scheduler(parameters)?.map_or(before.scheduler, str::to_owned),
        specification: parameters.text("Specification", LONGEST_WORD)?.map_or(before.specification, str::to_owned),
        disable_force_override: parameters.boolean("DisableForceOverride")?,
    };
    let setting = LoadBalancers::of(&call, app.workload.cluster).await?;
    setting.check(&wanted)?;
    let change = change(&name, selects(&call, &app).await?, &setting, &wanted, false);
    attach(&call, &app, OrderKind::BindSlb, change, described("Update", &name, &wanted)).await
}

/// UnbindK8sSlb
pub(crate) async fn unbind(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app().await?;
    let service = the_bound(&call, &app).await?;
    let name = text(&service["metadata"]["name"]);
    let change = ObjectChange { kind: ObjectKind::SERVICE, name: name.clone(), patch: None, selects: BTreeMap::new() };
    attach(&call, &app, OrderKind::UnbindSlb, change, format!("Unbind load balancer {name}")).await
}

/// ListSlb: the Services of type LoadBalancer of all clusters.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListSlb, Failure> {
    let address = match call.parameters.optional("AddressType")? {
        Some(text) => {
            let wrong = || GatewayError::invalid_parameter("AddressType", "Give Internet or Intranet.");
            Some(AddressType::of(text).ok_or_else(wrong)?)
        }
        None => None,
    };
    let is_alb = match call.parameters.optional("SlbType")? {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("clb") => false,
        Some(text) if text.eq_ignore_ascii_case("alb") => true,
        Some(_) => return Err(GatewayError::invalid_parameter("SlbType", "Give clb or alb.").into()),
    };
    let mut slb_list = Vec::new();
    if is_alb || call.parameters.optional("VpcId")?.is_some() {
        // Ours are of neither.
        return Ok(ListSlb { slb_list });
    }
    let services = ObjectKind::SERVICE;
    for cluster in clusters(&call, Action::ReadCluster).await? {
        let listed = call.objects().list(cluster.id, &services, None, "");
        let Ok(Ok(listed)) = tokio::time::timeout(PATIENCE, listed).await else {
            tracing::debug!(cluster = %cluster.id, "the cluster is left out of a list");
            continue;
        };
        let balancers = listed.iter().filter(|service| is_balancer(service));
        let shown = balancers.map(|service| entity(service, &cluster.region, &call.caller.user));
        slb_list.extend(shown.filter(|slb| address.is_none_or(|address| slb.address_type == address.code())));
    }
    Ok(ListSlb { slb_list })
}

/// `SlbInfo` of an application: its load balancers as a JSON text. What cannot be read now is not shown.
pub(crate) async fn slb_info(call: &Call, app: &Application) -> String {
    let bound = match bound(call, app).await {
        Ok(bound) => bound,
        Err(failure) => {
            tracing::debug!(app = %app.id, ?failure, "load balancers are not known");
            Vec::new()
        }
    };
    let infos: Vec<SlbInfo> = bound.iter().map(info).collect();
    json!(infos).to_string()
}

/// What InsertK8sApplication asks for, by its eight parameters.
pub(crate) fn of_insert(
    parameters: &Parameters,
    setting: &LoadBalancers,
    workload: &str,
    selects: &BTreeMap<String, String>,
) -> Result<Vec<ObjectChange>, Failure> {
    let mut changes = Vec::new();
    for (address, front, back, protocol, id) in [
        (AddressType::Internet, "InternetSlbPort", "InternetTargetPort", "InternetSlbProtocol", "InternetSlbId"),
        (AddressType::Intranet, "IntranetSlbPort", "IntranetTargetPort", "IntranetSlbProtocol", "IntranetSlbId"),
    ] {
        let slb_id = parameters.text(id, LONGEST_WORD)?.unwrap_or_default().to_owned();
        let Some(listener) = services::single(parameters, front, back, protocol)? else {
            if slb_id.is_empty() {
                continue;
            }
            return Err(GatewayError::missing_parameter(front, "the port to listen at").into());
        };
        let wanted = Wanted {
            address,
            listeners: vec![listener],
            slb_id,
            scheduler: "rr".to_owned(),
            specification: String::new(),
            disable_force_override: None,
        };
        setting.check(&wanted)?;
        changes.push(change(&base_name(workload, address), selects.clone(), setting, &wanted, true));
    }
    Ok(changes)
}

fn change(
    name: &str,
    selects: BTreeMap<String, String>,
    setting: &LoadBalancers,
    wanted: &Wanted,
    is_new: bool,
) -> ObjectChange {
    let listeners = wanted.listeners.iter().filter(|listener| listener.protocol != ListenerProtocol::Tcp);
    let noted = |listener: &Listener| {
        let protocol = listener.protocol.code().to_owned();
        (listener.port, NotedListener { protocol, cert_id: listener.cert_id.clone() })
    };
    let note = Note {
        address_type: wanted.address.code().to_owned(),
        scheduler: wanted.scheduler.clone(),
        specification: wanted.specification.clone(),
        slb_id: wanted.slb_id.clone(),
        listeners: listeners.map(noted).collect(),
    };
    let mut annotations = setting.annotations(wanted);
    annotations.insert(NOTE.to_owned(), json!(json!(note).to_string()));
    let port = |listener: &Listener| {
        let (port, target_port) = (listener.port, listener.target_port);
        ServicePort { protocol: Transport::Tcp, port, target_port, node_port: None }.to_json()
    };
    let mut spec = json!({
        "type": "LoadBalancer",
        "selector": selects,
        "ports": wanted.listeners.iter().map(port).collect::<Vec<_>>(),
    });
    if let Some(class) = setting.class(wanted.address).filter(|_| is_new) {
        spec["loadBalancerClass"] = json!(class);
    }
    service_change(name, selects, json!({ "annotations": annotations }), spec)
}

/// The load balancers of an application.
async fn bound(call: &Call, app: &Application) -> Result<Vec<Value>, Failure> {
    let selector = format!("{APP_ID_LABEL}={}", app.id);
    let (cluster, namespace) = (app.workload.cluster, Some(app.workload.namespace.as_str()));
    let found = call.objects().list(cluster, &ObjectKind::SERVICE, namespace, &selector).await;
    let mut found = found.map_err(|error| of_cluster(cluster, &error))?;
    found.retain(|service| is_balancer(service) && !service["metadata"]["deletionTimestamp"].is_string());
    Ok(found)
}

/// The load balancer that Type and SlbName name.
async fn the_bound(call: &Call, app: &Application) -> Result<Value, Failure> {
    let address = AddressType::read(&call.parameters)?;
    let name = call.parameters.optional("SlbName")?;
    let mut found = bound(call, app).await?;
    found.retain(|service| {
        note(service).address_type == address.code() && name.is_none_or(|name| service["metadata"]["name"] == name)
    });
    let known: BTreeSet<String> = found.iter().map(|service| text(&service["metadata"]["name"])).collect();
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        Some(_) => {
            let expected = format!("one of {}", known.into_iter().collect::<Vec<_>>().join(", "));
            Err(GatewayError::missing_parameter("SlbName", &expected).into())
        }
        None => {
            let message = format!(
                "The load balancer {} of the type {} does not exist for the application {}. See SlbInfo of GetApplication, or use BindK8sSlb.",
                name.unwrap_or_default(),
                address.code(),
                app.name
            );
            Err(BusinessError::new(404, "Slb.NotFound", message).into())
        }
    }
}

/// A name that no Service of the namespace has.
async fn free_name(call: &Call, app: &Application, address: AddressType) -> Result<String, Failure> {
    let (cluster, namespace) = (app.workload.cluster, Some(app.workload.namespace.as_str()));
    let found = call.objects().list(cluster, &ObjectKind::SERVICE, namespace, "").await;
    let found = found.map_err(|error| of_cluster(cluster, &error))?;
    let taken: BTreeSet<&str> = found.iter().filter_map(|service| service["metadata"]["name"].as_str()).collect();
    let base = base_name(&app.workload.name, address);
    let numbered = (2..).map(|number| format!("{base}-{number}"));
    let free = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name.as_str()));
    Ok(free.unwrap_or(base))
}

fn base_name(workload: &str, address: AddressType) -> String {
    let base: String = workload.replace('.', "-").chars().take(LONGEST_BASE).collect();
    format!("{}-{}", base.trim_end_matches('-'), address.code())
}

fn scheduler(parameters: &Parameters) -> Result<Option<&'static str>, GatewayError> {
    const NAME: &str = "Scheduler";
    let Some(text) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    let found = ["rr", "wrr"].into_iter().find(|known| known.eq_ignore_ascii_case(text));
    found.map(Some).ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give rr or wrr."))
}

fn described(verb: &str, name: &str, wanted: &Wanted) -> String {
    let ports = wanted.listeners.iter();
    let ports: Vec<String> = ports
        .map(|listener| format!("{}/{} to {}", listener.protocol.code(), listener.port, listener.target_port))
        .collect();
    format!("{verb} load balancer {name} | {} | {}", wanted.address.code(), ports.join(", "))
}

fn is_balancer(service: &Value) -> bool {
    service["spec"]["type"] == "LoadBalancer"
}

fn note(service: &Value) -> Note {
    let note = service["metadata"]["annotations"][NOTE].as_str().unwrap_or_default();
    serde_json::from_str(note).unwrap_or_default()
}

/// What a client calls the load balancer: the cloud's id where one was given, else the Service's own.
fn id(service: &Value, note: &Note) -> String {
    if note.slb_id.is_empty() { text(&service["metadata"]["uid"]) } else { note.slb_id.clone() }
}

fn info(service: &Value) -> SlbInfo {
    let note = note(service);
    let spec = &service["spec"];
    let mapping = |port: &Value| {
        let number = port["port"].as_i64().unwrap_or(0);
        let noted = u16::try_from(number).ok().and_then(|number| note.listeners.get(&number)).cloned();
        let noted =
            noted.unwrap_or_else(|| NotedListener { protocol: text(&port["protocol"]), cert_id: String::new() });
        PortMapping {
            cert_id: noted.cert_id,
            load_balancer_protocol: noted.protocol,
            service_port: MappedPort {
                port: number,
                protocol: text(&port["protocol"]),
                target_port: port["targetPort"].as_i64().unwrap_or(number),
            },
        }
    };
    SlbInfo {
        external_traffic_policy: text(&spec["externalTrafficPolicy"]),
        ip: endpoint(service),
        name: text(&service["metadata"]["name"]),
        port_mappings: items(&spec["ports"]).iter().map(mapping).collect(),
        slb_id: id(service, &note),
        service_type: text(&spec["type"]),
        address_type: note.address_type,
        scheduler: note.scheduler,
        specification: note.specification,
    }
}

fn entity(service: &Value, region: &str, user: &str) -> Slb {
    let note = note(service);
    let address = endpoint(service);
    Slb {
        address_type: match note.address_type.as_str() {
            // Made by someone else: without more knowledge, what Kubernetes makes is open.
            "" => AddressType::Internet.code().to_owned(),
            noted => noted.to_owned(),
        },
        region_id: region.to_owned(),
        slb_id: id(service, &note),
        slb_name: text(&service["metadata"]["name"]),
        slb_status: if address.is_empty() { "inactive" } else { "active" }.to_owned(),
        user_id: user.to_owned(),
        address,
        ..Slb::default()
    }
}
