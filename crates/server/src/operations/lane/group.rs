//! InsertSwimmingLaneGroup, UpdateSwimmingLaneGroup, ListSwimmingLaneGroup.

use std::sync::Arc;

use serde_json::Value;
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    EntryApplication, InsertSwimmingLaneGroup, LaneApplication, LaneGroup, ListSwimmingLaneGroup,
    UpdateSwimmingLaneGroup,
};
use sternway_wire::parameters::{Parameters, names};

use super::record::{self, Group, Stored};
use super::{ONE_AT_A_TIME, apply, plan};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::region::require_region;
use crate::operations::sequence;

pub(super) const LONGEST_NAME: usize = 64;
/// Far more than one way through a system has.
const MOST_APPS: usize = 100;
const SOURCE: &str = "EDAS";
/// Our extension: the Gateway that the group's route is for.
const GATEWAY: &str = "Gateway";

/// InsertSwimmingLaneGroup
pub(crate) async fn insert(call: Arc<Call>) -> Result<InsertSwimmingLaneGroup, Failure> {
    let parameters = &call.parameters;
    parameters.required("LogicalRegionId", "a region, or a logical region")?;
    let name = parameters
        .text("Name", LONGEST_NAME)?
        .ok_or_else(|| GatewayError::missing_parameter("Name", "a name for people"))?;
    let entry = entry(parameters)?
        .ok_or_else(|| GatewayError::missing_parameter("EntryApp", "EDAS: and the id of the application"))?;
    let apps = apps(parameters)?
        .ok_or_else(|| GatewayError::missing_parameter("AppIds", "the ids of the group's applications"))?;
    let gateway = gateway(parameters)?;
    let logical_region = require_region(&call, "LogicalRegionId").await?;
    let mut group = Group { id: 0, name: name.to_owned(), logical_region, entry, apps, gateway };
    check(&call, &group).await?;
    group.id = sequence::next(call.records(), record::GROUP).await?;
    let stored = Stored { revision: 0, value: group };
    record::put_group(call.records(), &stored).await?;
    Ok(InsertSwimmingLaneGroup { data: shown(&call, &stored.value).await?.into() })
}

/// UpdateSwimmingLaneGroup
pub(crate) async fn update(call: Arc<Call>) -> Result<UpdateSwimmingLaneGroup, Failure> {
    let parameters = &call.parameters;
    let id = parameters.required_integer("GroupId", 1..=i64::MAX)?;
    let _turn = ONE_AT_A_TIME.lock().await;
    let before = record::group(call.records(), id).await?;
    let mut after = before.clone();
    if let Some(name) = parameters.text("Name", LONGEST_NAME)? {
        name.clone_into(&mut after.value.name);
    }
    if let Some(entry) = entry(parameters)? {
        after.value.entry = entry;
    }
    if let Some(apps) = apps(parameters)? {
        after.value.apps = apps;
    }
    if parameters.get(GATEWAY)?.is_some() {
        after.value.gateway = gateway(parameters)?;
    }
    check(&call, &after.value).await?;
    let lanes = record::lanes(call.records(), id).await?;
    let wanted = plan::plan(&call, &after.value, &lanes).await?;
    let mut clusters = apply::clusters(&call, &before.value, &lanes).await?;
    clusters.extend(apply::clusters(&call, &after.value, &lanes).await?);
    record::put_group(call.records(), &after).await?;
    if !lanes.is_empty() {
        apply::apply(&call, id, &wanted, &clusters).await?;
    }
    Ok(UpdateSwimmingLaneGroup { data: shown(&call, &after.value).await? })
}

/// ListSwimmingLaneGroup
pub(crate) async fn list(call: Arc<Call>) -> Result<ListSwimmingLaneGroup, Failure> {
    let region = call.parameters.required("LogicalRegionId", "a region, or a logical region")?;
    // 0 is what clients send that look for none in particular.
    let id = call.parameters.integer("GroupId", 0..=i64::MAX)?.filter(|id| *id != 0);
    let mut data = Vec::new();
    for group in record::groups(call.records(), region).await? {
        if id.is_none_or(|id| group.id == id) {
            data.push(shown(&call, &group).await?);
        }
    }
    Ok(ListSwimmingLaneGroup { data })
}

/// EntryApp is `EDAS:` and an id.
fn entry(parameters: &Parameters) -> Result<Option<String>, GatewayError> {
    const NAME: &str = "EntryApp";
    let Some(text) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    let id = match text.split_once(':') {
        Some((source, id)) if source.eq_ignore_ascii_case(SOURCE) => id,
        Some(_) => {
            let problem = "Give EDAS: and the id of an application; gateways of Alibaba Cloud are not known here.";
            return Err(GatewayError::invalid_parameter(NAME, problem));
        }
        None => text,
    };
    Ok(Some(id.trim().to_ascii_lowercase()))
}

/// AppIds: ids with commas between, or a JSON list.
fn apps(parameters: &Parameters) -> Result<Option<Vec<String>>, GatewayError> {
    const NAME: &str = "AppIds";
    let Some(text) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    let ids: Option<Vec<String>> = if text.trim_start().starts_with('[') {
        let list = parameters.json(NAME)?.value().unwrap_or_else(|| Value::Array(Vec::new()));
        list.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(|id| id.as_str().map(str::to_owned)).collect()
    } else {
        Some(text.split(',').map(str::to_owned).collect())
    };
    let mut unique: Vec<String> = Vec::new();
    for id in ids.ok_or_else(|| GatewayError::invalid_parameter(NAME, "Give ids with commas between."))? {
        let id = id.trim().to_ascii_lowercase();
        if !id.is_empty() && !unique.contains(&id) {
            unique.push(id);
        }
    }
    if unique.len() > MOST_APPS {
        return Err(GatewayError::invalid_parameter(NAME, &format!("Give at most {MOST_APPS} applications.")));
    }
    Ok(Some(unique))
}

fn gateway(parameters: &Parameters) -> Result<Option<String>, GatewayError> {
    let Some(text) = parameters.optional(GATEWAY)? else {
        return Ok(None);
    };
    let parts: Vec<&str> = text.split('/').collect();
    if (1..=2).contains(&parts.len()) && parts.iter().all(|part| names::is_subdomain(part)) {
        return Ok(Some(text.to_owned()));
    }
    Err(GatewayError::invalid_parameter(GATEWAY, "Give the name of a Gateway, or namespace/name."))
}

/// Every application of a group is there, and belongs to the group's logical region.
async fn check(call: &Call, group: &Group) -> Result<(), Failure> {
    for id in group.all() {
        require_app(call, &id, &group.logical_region).await?;
    }
    Ok(())
}

/// An application that is there and belongs to this logical region.
pub(super) async fn require_app(call: &Call, id: &str, region: &str) -> Result<(), Failure> {
    let app = plan::application(call, id).await?.ok_or_else(|| BusinessError::application_not_found(id))?;
    if app.logical_region == region {
        return Ok(());
    }
    let message = format!(
        "The application {} is in the microservice namespace {}, and the lanes are in {region}. Take applications of that one.",
        app.name, app.logical_region
    );
    Err(BusinessError::new(400, "SwimmingLane.OtherRegion", message).into())
}

async fn shown(call: &Call, group: &Group) -> Result<LaneGroup, Failure> {
    let mut application_list = Vec::new();
    for id in group.all() {
        application_list.push(LaneApplication { app_name: app_name(call, &id).await?, app_id: id });
    }
    Ok(LaneGroup {
        entry_application: EntryApplication {
            app_id: group.entry.clone(),
            app_name: app_name(call, &group.entry).await?,
            source: SOURCE.to_owned(),
        },
        application_list,
        id: group.id,
        name: group.name.clone(),
        namespace_id: group.logical_region.clone(),
    })
}

/// The name of an application; empty if it is gone.
pub(super) async fn app_name(call: &Call, id: &str) -> Result<String, Failure> {
    Ok(plan::application(call, id).await?.map(|app| app.name).unwrap_or_default())
}
