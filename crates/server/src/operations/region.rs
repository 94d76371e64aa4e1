//! InsertOrUpdateRegion, ListUserDefineRegion, DeleteUserDefineRegion: logical regions, EDAS's "microservice namespaces".

use std::sync::Arc;

use sternway_access::{Action, Resource};
use sternway_core::ports::{AppFilter, LogicalRegion};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{DeleteUserDefineRegion, InsertOrUpdateRegion, ListUserDefineRegion, Region};
use sternway_wire::parameters::Parameters;

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::place::token;

const LONGEST_NAME: usize = 63;
const LONGEST_DESCRIPTION: usize = 128;
const LONGEST_TAG: usize = 128;
const DEFAULT_REGISTRY: &str = "default";

/// InsertOrUpdateRegion
pub(crate) async fn put(call: Arc<Call>) -> Result<InsertOrUpdateRegion, Failure> {
    let parameters = &call.parameters;
    let id = id(parameters)?.unwrap_or(0);
    let tag = tag(parameters)?;
    let name = parameters
        .text("RegionName", LONGEST_NAME)?
        .ok_or_else(|| GatewayError::missing_parameter("RegionName", "a name for people"))?;
    let region = LogicalRegion {
        id,
        region_id: tag.to_owned(),
        name: name.to_owned(),
        description: parameters.text("Description", LONGEST_DESCRIPTION)?.unwrap_or_default().to_owned(),
        debug_enable: parameters.boolean("DebugEnable")?.unwrap_or(false),
        registry_type: parameters.text("RegistryType", LONGEST_NAME)?.unwrap_or(DEFAULT_REGISTRY).to_owned(),
        mse_instance_id: parameters.text("MseInstanceId", LONGEST_TAG)?.unwrap_or_default().to_owned(),
        user: call.caller.user.clone(),
        created_at: call.now(),
    };
    let stored = call.store().put_logical_region(region).await?;
    let refused = || match id {
        0 => taken(tag),
        id => BusinessError::new(
            404,
            "Region.NotFound",
            format!(
                "The microservice namespace with the Id {id} does not exist, or {tag} belongs to another. List them with ListUserDefineRegion."
            ),
        ),
    };
    Ok(InsertOrUpdateRegion { user_define_region_entity: shown(stored.ok_or_else(refused)?) })
}

/// ListUserDefineRegion
pub(crate) async fn list(call: Arc<Call>) -> Result<ListUserDefineRegion, Failure> {
    let debug = call.parameters.boolean("DebugEnable")?;
    let mut regions = call.store().logical_regions().await?;
    regions.retain(|region| debug.is_none_or(|wanted| region.debug_enable == wanted));
    let may_read = |region: &LogicalRegion| {
        call.permit.allows(Action::ReadNamespace, &Resource::namespace(Some(&region.region_id)))
    };
    regions.retain(may_read);
    Ok(ListUserDefineRegion { user_define_region_list: regions.into_iter().map(shown).collect() })
}

/// DeleteUserDefineRegion
pub(crate) async fn delete(call: Arc<Call>) -> Result<DeleteUserDefineRegion, Failure> {
    let id = id(&call.parameters)?.filter(|id| *id != 0);
    let tag = call.parameters.optional("RegionTag")?;
    if id.is_none() && tag.is_none() {
        return Err(GatewayError::missing_parameter("Id", "it, or RegionTag").into());
    }
    let regions = call.store().logical_regions().await?;
    let same =
        |region: &LogicalRegion| id.is_none_or(|id| region.id == id) && tag.is_none_or(|tag| region.region_id == tag);
    let shown_id = id.map(|id| id.to_string());
    let unknown = || BusinessError::region_not_found(tag.or(shown_id.as_deref()).unwrap_or_default());
    let region = regions.into_iter().find(same).ok_or_else(unknown)?;
    let filter = AppFilter { logical_region: Some(region.region_id.clone()), ..AppFilter::default() };
    if let Some(app) = call.store().apps(filter).await?.first() {
        let message = format!(
            "The microservice namespace {} has applications, such as {}. Delete them first.",
            region.region_id, app.name
        );
        return Err(BusinessError::new(400, "Region.InUse", message).into());
    }
    if !call.store().delete_logical_region(region.id).await? {
        return Err(BusinessError::region_not_found(&region.region_id).into());
    }
    token::forget(&call, &region.region_id).await?;
    Ok(DeleteUserDefineRegion { region_define: shown(region) })
}

/// The logical region that a parameter names: a bare region is every region's default one, any other must have been made.
pub(crate) async fn require_region(call: &Call, parameter: &str) -> Result<String, Failure> {
    let named = call.parameters.text(parameter, LONGEST_TAG)?;
    let region = named.unwrap_or(&call.region);
    if region.contains(':') {
        let made = call.store().logical_regions().await?;
        if !made.iter().any(|made| made.region_id == region) {
            return Err(BusinessError::region_not_found(region).into());
        }
    }
    Ok(region.to_owned())
}

fn id(parameters: &Parameters) -> Result<Option<i64>, GatewayError> {
    parameters.integer("Id", 0..=i64::MAX)
}

fn tag(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "RegionTag";
    let tag = parameters.required(NAME, "a tag such as cn-hangzhou:test")?;
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let (region, name) = tag.split_once(':').map_or((tag, None), |(region, name)| (region, Some(name)));
    if tag.len() <= LONGEST_TAG && is_word(region) && name.is_none_or(is_word) {
        return Ok(tag);
    }
    let problem =
        "Give a region, or a region and a name such as cn-hangzhou:test; both have letters, digits, \"-\" and \"_\".";
    Err(GatewayError::invalid_parameter(NAME, problem))
}

fn taken(tag: &str) -> BusinessError {
    let message = format!(
        "The microservice namespace {tag} exists already. Give its Id to change it, or take another RegionTag."
    );
    BusinessError::new(400, "Region.AlreadyExists", message)
}

fn shown(region: LogicalRegion) -> Region {
    let belongs = region.region_id.split(':').next().unwrap_or_default();
    Region {
        belong_region: belongs.to_owned(),
        debug_enable: region.debug_enable,
        description: region.description,
        id: region.id,
        mse_instance_id: region.mse_instance_id,
        region_id: region.region_id.clone(),
        region_name: region.name,
        registry_type: region.registry_type,
        user_id: region.user,
    }
}
