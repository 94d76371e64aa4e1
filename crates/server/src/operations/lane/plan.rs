//! What has to be on the clusters for the lanes of a group.

use serde_json::{Value, json};
use sternway_core::application::Application;
use sternway_core::ids::{AppId, ClusterId};
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};
use sternway_core::route::{self, Way};
use sternway_wire::error::BusinessError;

use super::entrance::{self, Entrance};
use super::record::{Group, Lane};
use super::{GROUP_LABEL, LANE_LABEL, TAG_LABEL, rules};
use crate::call::Call;
use crate::failure::{Failure, of_cluster};

const ROUTE: &str = "HTTPRoute";
const GATEWAY: &str = "Gateway";
/// A Service's name has at most 63 characters; this leaves room for what is put behind.
const LONGEST_STEM: usize = 36;

/// An object as it has to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wanted {
    pub(super) cluster: ClusterId,
    pub(super) object: ObjectRef,
    pub(super) labels: Value,
    pub(super) spec: Value,
}

/// All objects of a group: its Services, then its route, so that the route never names a Service that is not there.
pub(super) async fn plan(call: &Call, group: &Group, lanes: &[Lane]) -> Result<Vec<Wanted>, Failure> {
    let Some(entry) = Member::find(call, &group.entry).await? else {
        return Ok(Vec::new());
    };
    let mut wanted = Vec::new();
    let mut ways: Vec<(i64, i64, Way)> = Vec::new();
    for lane in lanes {
        let (services, of_lane) = lane_plan(call, group, lane, &entry).await?;
        wanted.extend(services);
        ways.extend(of_lane.into_iter().map(|(priority, way)| (priority, lane.id, way)));
    }
    if !ways.is_empty() {
        ways.sort_by_key(|(priority, lane, _)| (*priority, *lane));
        let ways: Vec<Way> = ways.into_iter().map(|(_, _, way)| way).collect();
        wanted.push(route_plan(call, group, &entry, &ways).await?);
    }
    Ok(wanted)
}

/// The kind of routes, which the cluster has to have.
pub(crate) async fn require_routes(call: &Call, cluster: ClusterId) -> Result<ObjectKind, Failure> {
    let missing = || {
        let message = format!(
            "The cluster {cluster} does not serve HTTPRoute ({}). Install the Gateway API and a controller of it there, then ask again.",
            route::API_VERSION
        );
        BusinessError::new(400, "Cluster.NoGatewayApi", message)
    };
    Ok(kind(call, cluster, ROUTE).await?.ok_or_else(missing)?)
}

/// The kind of routes, where the cluster has it.
pub(super) async fn routes(call: &Call, cluster: ClusterId) -> Result<Option<ObjectKind>, Failure> {
    kind(call, cluster, ROUTE).await
}

async fn kind(call: &Call, cluster: ClusterId, name: &str) -> Result<Option<ObjectKind>, Failure> {
    let found = call.objects().kind(cluster, route::API_VERSION, name).await;
    found.map_err(|error| of_cluster(cluster, &error))
}

/// An application with its Deployment and its entrance.
struct Member {
    app: Application,
    deployment: Value,
    entrance: Option<Entrance>,
}

impl Member {
    /// `None` if the application or its Deployment is gone: then it has no part in anything.
    async fn find(call: &Call, id: &str) -> Result<Option<Self>, Failure> {
        let Some(app) = application(call, id).await? else {
            return Ok(None);
        };
        let (cluster, namespace) = (app.workload.cluster, app.workload.namespace.as_str());
        let failed = |error: ClusterError| of_cluster(cluster, &error);
        let deployment = ObjectRef::new(ObjectKind::DEPLOYMENT, namespace, &app.workload.name);
        let Some(deployment) = call.objects().get(cluster, &deployment).await.map_err(failed)? else {
            return Ok(None);
        };
        let services = call.objects().list(cluster, &ObjectKind::SERVICE, Some(namespace), "").await.map_err(failed)?;
        let routes = match routes(call, cluster).await? {
            Some(kind) => call.objects().list(cluster, &kind, Some(namespace), "").await.map_err(failed)?,
            None => Vec::new(),
        };
        let entrance = entrance::find(&deployment["spec"]["template"]["metadata"]["labels"], &services, &routes);
        Ok(Some(Self { app, deployment, entrance }))
    }

    /// The Service of its pods in a lane, on these ports.
    fn service(&self, group: &Group, lane: &Lane, ports: &Value) -> Wanted {
        let mut selector = self.deployment["spec"]["selector"]["matchLabels"].clone();
        if group.has(&self.app.id.to_string()) {
            selector[TAG_LABEL] = json!(lane.tag);
        }
        let name = format!("{}-lane-{}", stem(&self.app.workload.name), lane.id);
        let labels = json!({
            APP_ID_LABEL: self.app.id.to_string(),
            GROUP_LABEL: group.id.to_string(),
            LANE_LABEL: lane.id.to_string(),
        });
        Wanted {
            cluster: self.app.workload.cluster,
            object: ObjectRef::new(ObjectKind::SERVICE, &self.app.workload.namespace, name),
            labels,
            spec: json!({"type": "ClusterIP", "selector": selector, "ports": ports}),
        }
    }
}

/// An application by its id; `None` if it is gone.
pub(super) async fn application(call: &Call, id: &str) -> Result<Option<Application>, Failure> {
    match id.parse::<AppId>() {
        Ok(id) => Ok(call.store().app(id).await?),
        Err(_) => Ok(None),
    }
}

/// The Services of a lane and, if it is switched on, where its rules lead.
async fn lane_plan(
    call: &Call,
    group: &Group,
    lane: &Lane,
    entry: &Member,
) -> Result<(Vec<Wanted>, Vec<(i64, Way)>), Failure> {
    let members = lane.members(group);
    let first = if members.contains(&group.entry) { Some(&group.entry) } else { members.first() };
    let mut services = Vec::new();
    let mut entrance = None;
    for id in &members {
        let Some(member) = Member::find(call, id).await? else {
            continue;
        };
        let is_first = first == Some(id);
        // An application that was made for the lane alone needs no Service of its own.
        let lent = entry.entrance.as_ref().filter(|_| is_first);
        let Some(own) = member.entrance.as_ref().or(lent) else {
            continue;
        };
        let service = member.service(group, lane, &own.ports);
        if is_first {
            require_same_place(lane, &entry.app, &member.app)?;
            entrance = Some((service.object.name.clone(), own.ports.clone()));
        }
        services.push(service);
    }
    if !lane.enabled {
        return Ok((services, Vec::new()));
    }
    let enabled: Vec<_> = rules::read(&lane.rules)?.into_iter().filter(|rule| rule.enabled).collect();
    let Some(base) = entry.entrance.as_ref().map(|entrance| &entrance.base) else {
        return if enabled.is_empty() { Ok((services, Vec::new())) } else { Err(no_service(&entry.app).into()) };
    };
    let Some((service, ports)) = entrance else {
        return Ok((services, Vec::new()));
    };
    let to = route::Backend { service, port: entrance::same_port(&ports, base.port) };
    let ways = enabled.into_iter().map(|rule| {
        let way = Way { rule: rule.rule, to: to.clone(), rest: base.clone() };
        (rule.priority, way)
    });
    Ok((services, ways.collect()))
}

async fn route_plan(call: &Call, group: &Group, entry: &Member, ways: &[Way]) -> Result<Wanted, Failure> {
    let cluster = entry.app.workload.cluster;
    let kind = require_routes(call, cluster).await?;
    let rules =
        route::rules(ways).map_err(|error| BusinessError::unprocessable(&format!("In this group, {error}.")))?;
    let (parents, hosts) = parents(call, group, entry).await?;
    let mut spec = json!({"parentRefs": parents, "rules": rules});
    if !hosts.is_empty() {
        spec["hostnames"] = json!(hosts);
    }
    let name = format!("{}-lanes-{}", stem(&entry.app.workload.name), group.id);
    Ok(Wanted {
        cluster,
        object: ObjectRef::new(kind, &entry.app.workload.namespace, name),
        labels: json!({ APP_ID_LABEL: entry.app.id.to_string(), GROUP_LABEL: group.id.to_string() }),
        spec,
    })
}

/// What the route belongs to, and for which hosts: the Gateway that was named; else what the application's routes belong to; else the only Gateway of
/// its namespace.
async fn parents(call: &Call, group: &Group, entry: &Member) -> Result<(Vec<Value>, Vec<Value>), Failure> {
    let (parents, hosts) = entry
        .entrance
        .as_ref()
        .map_or((Vec::new(), Vec::new()), |entrance| (entrance.parents.clone(), entrance.hosts.clone()));
    if let Some(gateway) = &group.gateway {
        let parent = match gateway.split_once('/') {
            Some((namespace, name)) => json!({"namespace": namespace, "name": name}),
            None => json!({"name": gateway}),
        };
        return Ok((vec![parent], hosts));
    }
    if !parents.is_empty() {
        return Ok((parents, hosts));
    }
    let (cluster, namespace) = (entry.app.workload.cluster, &entry.app.workload.namespace);
    let gateways = match kind(call, cluster, GATEWAY).await? {
        Some(kind) => {
            let found = call.objects().list(cluster, &kind, Some(namespace), "").await;
            found.map_err(|error| of_cluster(cluster, &error))?
        }
        None => Vec::new(),
    };
    match gateways.as_slice() {
        [only] => Ok((vec![json!({"name": only["metadata"]["name"]})], hosts)),
        _ => {
            let message = format!(
                "No HTTPRoute leads to the application {}, and its namespace {namespace} has not exactly one Gateway. Name the Gateway with the \
                 parameter Gateway of InsertSwimmingLaneGroup or UpdateSwimmingLaneGroup: its name, or namespace/name.",
                entry.app.name
            );
            Err(BusinessError::new(400, "SwimmingLane.NoGateway", message).into())
        }
    }
}

fn require_same_place(lane: &Lane, entry: &Application, app: &Application) -> Result<(), BusinessError> {
    if (entry.workload.cluster, &entry.workload.namespace) == (app.workload.cluster, &app.workload.namespace) {
        return Ok(());
    }
    let message = format!(
        "In the lane {}, the application {} takes the place of the entry application {}, and is in another cluster or namespace. A route leads to \
         Services of its own namespace: put both in the same one.",
        lane.name, app.name, entry.name
    );
    Err(BusinessError::new(400, "SwimmingLane.OtherPlace", message))
}

fn no_service(app: &Application) -> BusinessError {
    let message = format!(
        "No Service selects the pods of the entry application {}, so requests cannot be led to it. Make one (CreateK8sService), then ask again.",
        app.name
    );
    BusinessError::new(400, "SwimmingLane.NoService", message)
}

fn stem(name: &str) -> &str {
    let stem = name.get(..LONGEST_STEM).unwrap_or(name);
    stem.trim_end_matches(|character: char| !character.is_ascii_alphanumeric())
}
