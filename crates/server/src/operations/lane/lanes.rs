//! InsertSwimmingLane, UpdateSwimmingLane, DeleteSwimmingLane, ListSwimmingLane.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{
    DeleteSwimmingLane, InsertSwimmingLane, Lane as Shown, LaneMember, ListSwimmingLane, UpdateSwimmingLane,
};
use sternway_wire::parameters::structure::Node;
use sternway_wire::parameters::{Given, Parameters};

use super::group::{LONGEST_NAME, app_name, require_app};
use super::record::{self, Group, Lane, Stored};
use super::{ONE_AT_A_TIME, apply, plan, rules};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::region::require_region;
use crate::operations::sequence;

/// A label's value has no more.
const LONGEST_TAG: usize = 63;

/// InsertSwimmingLane
pub(crate) async fn insert(call: Arc<Call>) -> Result<InsertSwimmingLane, Failure> {
    let parameters = &call.parameters;
    parameters.required("LogicalRegionId", "a region, or a logical region")?;
    let group = parameters.required_integer("GroupId", 1..=i64::MAX)?;
    let name = parameters
        .text("Name", LONGEST_NAME)?
        .ok_or_else(|| GatewayError::missing_parameter("Name", "a name for people"))?;
    let tag = tag(parameters)?.unwrap_or(name);
    let rules = match rules::given(parameters.json(rules::PARAMETER)?)? {
        Given::Absent => {
            return Err(GatewayError::missing_parameter(rules::PARAMETER, "the rules on requests, a JSON list").into());
        }
        Given::Cleared => json!([]),
        Given::Value(rules) => rules,
    };
    // What is given has its effect unless it is said that it shall not.
    let enabled = parameters.boolean("EnableRules")?.unwrap_or(true);
    let apps = infos(parameters)?.value().unwrap_or_default();
    let region = require_region(&call, "LogicalRegionId").await?;

    let _turn = ONE_AT_A_TIME.lock().await;
    let group = record::group(call.records(), group).await?.value;
    require_region_of_group(&group, &region)?;
    let others = record::lanes(call.records(), group.id).await?;
    let mut lane = Lane { id: 0, group: group.id, name: name.to_owned(), tag: tag.to_owned(), apps, rules, enabled };
    require_tag(&lane)?;
    require_unique(&lane, &others)?;
    for app in &lane.apps {
        require_app(&call, app, &group.logical_region).await?;
    }
    let entry = plan::application(&call, &group.entry).await?;
    let entry = entry.ok_or_else(|| BusinessError::application_not_found(&group.entry))?;
    plan::require_routes(&call, entry.workload.cluster).await?;
    // Planned before it has a number, so that what is refused costs none.
    let with = |lane: &Lane| -> Vec<Lane> { others.iter().chain([lane]).cloned().collect() };
    plan::plan(&call, &group, &with(&lane)).await?;
    lane.id = sequence::next(call.records(), record::LANE).await?;
    let lanes = with(&lane);
    let wanted = plan::plan(&call, &group, &lanes).await?;
    let clusters = apply::clusters(&call, &group, &lanes).await?;
    record::put_lane(call.records(), &Stored { revision: 0, value: lane.clone() }).await?;
    if let Err(failure) = apply::apply(&call, group.id, &wanted, &clusters).await {
        take_back(&call, &group, &lane, &others).await;
        return Err(failure);
    }
    Ok(InsertSwimmingLane { data: shown(&call, &group, &lane).await? })
}

/// UpdateSwimmingLane
pub(crate) async fn update(call: Arc<Call>) -> Result<UpdateSwimmingLane, Failure> {
    let parameters = &call.parameters;
    let id = parameters.required_integer("LaneId", 1..=i64::MAX)?;
    let _turn = ONE_AT_A_TIME.lock().await;
    let before = record::lane(call.records(), id).await?.ok_or_else(|| record::no_lane(id))?;
    let group = record::group(call.records(), before.value.group).await?.value;
    let mut after = before.clone();
    if let Some(name) = parameters.text("Name", LONGEST_NAME)? {
        name.clone_into(&mut after.value.name);
    }
    if let Some(enabled) = parameters.boolean("EnableRules")? {
        after.value.enabled = enabled;
    }
    if let Some(rules) = rules::given(parameters.json(rules::PARAMETER)?)?.change() {
        after.value.rules = rules.unwrap_or_else(|| json!([]));
    }
    if let Some(apps) = infos(parameters)?.change() {
        after.value.apps = apps.unwrap_or_default();
        for app in &after.value.apps {
            require_app(&call, app, &group.logical_region).await?;
        }
    }
    let others: Vec<Lane> =
        record::lanes(call.records(), group.id).await?.into_iter().filter(|lane| lane.id != id).collect();
    require_unique(&after.value, &others)?;
    let with = |lane: &Lane| -> Vec<Lane> { others.iter().chain([lane]).cloned().collect() };
    let wanted = plan::plan(&call, &group, &with(&after.value)).await?;
    let mut clusters = apply::clusters(&call, &group, &with(&before.value)).await?;
    clusters.extend(apply::clusters(&call, &group, &with(&after.value)).await?);
    record::put_lane(call.records(), &after).await?;
    apply::apply(&call, group.id, &wanted, &clusters).await?;
    Ok(UpdateSwimmingLane { data: shown(&call, &group, &after.value).await? })
}

/// DeleteSwimmingLane: the requests first, then the record, so that a deletion that fails can be asked for again. One that was done is done.
pub(crate) async fn delete(call: Arc<Call>) -> Result<DeleteSwimmingLane, Failure> {
    let id = call.parameters.required_integer("LaneId", 1..=i64::MAX)?;
    let _turn = ONE_AT_A_TIME.lock().await;
    let Some(lane) = record::lane(call.records(), id).await? else {
        return if sequence::was_given(call.records(), record::LANE, id).await? {
            Ok(DeleteSwimmingLane { data: id })
        } else {
            Err(record::no_lane(id).into())
        };
    };
    let group = record::group(call.records(), lane.value.group).await?.value;
    let lanes = record::lanes(call.records(), group.id).await?;
    let clusters = apply::clusters(&call, &group, &lanes).await?;
    let rest: Vec<Lane> = lanes.into_iter().filter(|other| other.id != id).collect();
    let wanted = match plan::plan(&call, &group, &rest).await {
        Ok(wanted) => wanted,
        // Something of the other lanes does not hold any more. That must not keep this one from going; theirs then wait for a change that repairs them.
        Err(Failure::Business(error)) => {
            tracing::warn!(group = group.id, reason = error.message, "the other lanes of the group are switched off");
            let off: Vec<Lane> = rest.iter().map(|lane| Lane { enabled: false, ..lane.clone() }).collect();
            plan::plan(&call, &group, &off).await?
        }
        Err(failure) => return Err(failure),
    };
    apply::apply(&call, group.id, &wanted, &clusters).await?;
    call.records().delete_record(record::LANE, &id.to_string()).await?;
    Ok(DeleteSwimmingLane { data: id })
}

/// ListSwimmingLane
pub(crate) async fn list(call: Arc<Call>) -> Result<ListSwimmingLane, Failure> {
    let id = call.parameters.required_integer("GroupId", 1..=i64::MAX)?;
    let group = record::group(call.records(), id).await?.value;
    let mut data = Vec::new();
    for lane in record::lanes(call.records(), id).await? {
        data.push(shown(&call, &group, &lane).await?);
    }
    Ok(ListSwimmingLane { data })
}

/// After an insertion whose effect failed half way: nothing of it stays. What cannot be taken back now (the cluster is away) goes with the next change of
/// the group.
async fn take_back(call: &Call, group: &Group, lane: &Lane, others: &[Lane]) {
    let undo = async {
        call.records().delete_record(record::LANE, &lane.id.to_string()).await?;
        let wanted = plan::plan(call, group, others).await?;
        let all: Vec<Lane> = others.iter().chain([lane]).cloned().collect();
        let clusters = apply::clusters(call, group, &all).await?;
        apply::apply(call, group.id, &wanted, &clusters).await
    };
    if let Err(failure) = undo.await {
        tracing::warn!(?failure, lane = lane.id, "what a lane had begun on the cluster could not be taken back");
    }
}

fn tag(parameters: &Parameters) -> Result<Option<&str>, GatewayError> {
    parameters.text("Tag", LONGEST_TAG)
}

/// The tag is a label's value.
fn require_tag(lane: &Lane) -> Result<(), GatewayError> {
    let bytes = lane.tag.as_bytes();
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    if bytes.len() <= LONGEST_TAG && is_end(bytes.first()) && is_end(bytes.last()) && bytes.iter().all(is_inner) {
        return Ok(());
    }
    let problem = "Give the value of a label: letters, digits, \"-\", \"_\" and \".\", at most 63.";
    Err(GatewayError::invalid_parameter("Tag", problem))
}

fn require_region_of_group(group: &Group, region: &str) -> Result<(), BusinessError> {
    if group.logical_region == region {
        return Ok(());
    }
    let message = format!("The swimming lane group {} is in {}, not in {region}.", group.id, group.logical_region);
    Err(BusinessError::new(400, "SwimmingLane.OtherRegion", message))
}

fn require_unique(lane: &Lane, others: &[Lane]) -> Result<(), BusinessError> {
    match others.iter().find(|other| other.tag == lane.tag || other.name == lane.name) {
        None => Ok(()),
        Some(other) => {
            let message = format!(
                "The lane {} of this group has this name or tag already ({}, {}). Take another.",
                other.id, other.name, other.tag
            );
            Err(BusinessError::new(400, "SwimmingLane.AlreadyExists", message))
        }
    }
}

/// AppInfos: `[{"appId":".."}]`.
fn infos(parameters: &Parameters) -> Result<Given<Vec<String>>, GatewayError> {
    const NAME: &str = "AppInfos";
    parameters.json(NAME)?.try_map(|value: Value| {
        let mut ids = Vec::new();
        for item in Node::root(NAME, &value).items()? {
            item.object(&["appId", "appName"])?;
            let id = item.required_text("appId")?.trim().to_ascii_lowercase();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    })
}

async fn shown(call: &Call, group: &Group, lane: &Lane) -> Result<Shown, Failure> {
    let members = lane.members(group);
    let mut shown = Vec::new();
    for id in &members {
        shown.push(LaneMember {
            app_id: id.clone(),
            app_name: app_name(call, id).await?,
            lane_id: lane.id,
            ..LaneMember::default()
        });
    }
    let infos: Vec<Value> = members.iter().map(|id| json!({"appId": id})).collect();
    Ok(Shown {
        app_infos: Value::Array(infos).to_string(),
        enable_rules: lane.enabled,
        entry_rule: rules::shown(&lane.rules, lane.enabled),
        group_id: lane.group,
        id: lane.id,
        name: lane.name.clone(),
        namespace_id: group.logical_region.clone(),
        scenario_sign: lane.tag.clone(),
        swimming_lane_app_relation_ship_list: shown,
        tag: lane.tag.clone(),
    })
}
