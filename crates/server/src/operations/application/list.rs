//! ListApplication.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sternway_core::application::{AppState, Application};
use sternway_core::ids::AppId;
use sternway_core::order::OrderKind;
use sternway_core::ports::AppFilter;
use sternway_wire::codes::{ApplicationState, ClusterType};
use sternway_wire::error::GatewayError;
use sternway_wire::model::{ApplicationSummary, ListApplication};
use sternway_wire::parameters::Parameters;

use super::pods;
use super::show::region_id;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::place::group;
use crate::operations::{Page, whole};

/// EDAS's word for "neither runs nor was stopped": a creation that did not succeed.
const UNKNOWN: &str = "UNKNOWN";

/// ListApplication
pub(crate) async fn list(call: Arc<Call>) -> Result<ListApplication, Failure> {
    let parameters = &call.parameters;
    let Some(filter) = filter(&call).await? else {
        return Ok(ListApplication::default());
    };
    let wanted = ids(parameters)?;
    let mut apps = call.store().apps(filter).await?;
    apps.retain(|app| call.may_read_app(app));
    if let Some(asked) = group::read(parameters)? {
        apps.retain(|app| group::is(group::of(app), asked));
    }
    if let Some(wanted) = wanted {
        apps.retain(|app| wanted.contains(&app.id.to_string()));
    }
    if let Some(page) = Page::read(parameters)? {
        apps = page.of(apps);
    }
    let changing = changing(&call).await?;
    let clusters = call.store().clusters().await?;
    let mut application_list = Vec::with_capacity(apps.len());
    for app in apps {
        let running = pods(&call, &app.workload).await;
        let running = running.iter().filter(|pod| pod.ready).count();
        let cluster = clusters.iter().find(|cluster| cluster.id == app.workload.cluster);
        application_list.push(ApplicationSummary {
            app_id: app.id.to_string(),
            application_type: app.package_type.clone(),
            cluster_id: app.workload.cluster.to_string(),
            cluster_type: ClusterType::Kubernetes.code(),
            create_time: app.created_at.as_millisecond(),
            instances: whole(app.replicas),
            k8s_namespace: app.workload.namespace.clone(),
            name: app.name.clone(),
            namespace_id: app.logical_region.clone(),
            region_id: region_id(cluster, &app),
            resource_group_id: group::of(&app).to_owned(),
            running_instance_count: whole(running),
            state: state(&app, changing.get(&app.id).copied()).to_owned(),
            ..ApplicationSummary::default()
        });
    }
    Ok(ListApplication { application_list })
}

/// `None` if the filter names what does not exist: then nothing is listed.
async fn filter(call: &Call) -> Result<Option<AppFilter>, Failure> {
    let parameters = &call.parameters;
    let cluster = match parameters.optional("ClusterId")? {
        None => None,
        Some(id) => match call.find_cluster(id).await? {
            Some(cluster) => Some(cluster.id),
            None => return Ok(None),
        },
    };
    let logical_region = match parameters.optional("LogicalRegionId")? {
        Some(region) => Some(region),
        None => parameters.optional("LogicalRegionIdFilter")?,
    };
    Ok(Some(AppFilter {
        cluster,
        namespace: None,
        logical_region: logical_region.map(str::to_owned),
        name: parameters.optional("AppName")?.map(str::to_owned),
    }))
}

/// AppIds: a JSON list, or ids with commas between.
fn ids(parameters: &Parameters) -> Result<Option<Vec<String>>, GatewayError> {
    const NAME: &str = "AppIds";
    let Some(text) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    if !text.trim_start().starts_with('[') {
        let ids = text.split(',').map(|id| id.trim().to_ascii_lowercase());
        return Ok(Some(ids.collect()));
    }
    let list = parameters.json(NAME)?.value().unwrap_or(Value::Array(Vec::new()));
    let ids: Option<Vec<_>> =
        list.as_array().into_iter().flatten().map(|id| Some(id.as_str()?.to_ascii_lowercase())).collect();
    let problem = "Give a JSON list of ids.";
    ids.map(Some).ok_or_else(|| GatewayError::invalid_parameter(NAME, problem))
}

/// Applications with an order that is not finished, and what it does.
async fn changing(call: &Call) -> Result<HashMap<AppId, OrderKind>, Failure> {
    let mut changing = HashMap::new();
    for id in call.store().active_orders().await? {
        if let Some(order) = call.store().order(id).await? {
            changing.insert(order.app, order.kind);
        }
    }
    Ok(changing)
}

fn state(app: &Application, changing: Option<OrderKind>) -> &'static str {
    match (changing, app.state) {
        (Some(OrderKind::DeleteApp), _) => ApplicationState::Deleting.code(),
        (Some(_), _) => ApplicationState::Deploying.code(),
        (None, AppState::Running) => ApplicationState::Running.code(),
        (None, AppState::Stopped) => ApplicationState::Stopped.code(),
        (None, AppState::Creating) => UNKNOWN,
    }
}
