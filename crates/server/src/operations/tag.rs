//! TagResources, UntagResources, ListTagResources: words that people find applications and clusters by.
//!
//! All tags of a resource are one record that belongs to the resource. What is gone has no tags: records of clusters that were forgotten are passed
//! over, those of applications are deleted with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sternway_core::ports::{AppFilter, Kept, Stored};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::{ListTagResources, Nothing, TagResource};
use sternway_wire::parameters::tags::{self, MOST_TAGS, ResourceType};

use super::application::show::region_id;
use crate::call::Call;
use crate::failure::Failure;

/// The tags of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tags {
    tags: BTreeMap<String, String>,
}

impl Kept for Tags {
    const KIND: &'static str = "tags";
}

/// TagResources: a tag whose key is there already gets the new value. All resources or none are tagged, as far as what is wrong can be known before.
pub(crate) async fn tag(call: Arc<Call>) -> Result<Nothing, Failure> {
    let tags = tags::tags(&call.parameters)?
        .ok_or_else(|| GatewayError::missing_parameter("Tags", r#"a list such as [{"key":"team","value":"shop"}]"#))?;
    let resources = named(&call).await?;
    for resource in &resources {
        let present = load(&call, resource).await?.value.tags;
        let added = tags.keys().filter(|key| !present.contains_key(*key)).count();
        if present.len() + added > MOST_TAGS {
            let message = format!(
                "The {} {} would have {} tags, and may have {MOST_TAGS}. Take some away with UntagResources.",
                resource.kind.code(),
                resource.id,
                present.len() + added
            );
            return Err(BusinessError::new(400, "Tag.TooMany", message).into());
        }
    }
    for resource in &resources {
        change(&call, resource, |present| present.extend(tags.clone())).await?;
    }
    Ok(Nothing {})
}

/// UntagResources: tags that are not there are gone already.
pub(crate) async fn untag(call: Arc<Call>) -> Result<Nothing, Failure> {
    let keys = tags::tag_keys(&call.parameters)?;
    let all = call.parameters.boolean("DeleteAll")?.unwrap_or(false);
    if keys.is_none() && !all {
        return Err(GatewayError::missing_parameter("TagKeys", "a list of keys, or DeleteAll=true").into());
    }
    for resource in named(&call).await? {
        change(&call, &resource, |present| match &keys {
            // EDAS lets DeleteAll count only where no keys are given.
            Some(keys) => present.retain(|key, _| !keys.contains(key)),
            None => present.clear(),
        })
        .await?;
    }
    Ok(Nothing {})
}

/// ListTagResources: of the resources that have all the tags that are asked for, those tags; all of them if none is asked for.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListTagResources, Failure> {
    let wanted = tags::wanted_tags(&call.parameters)?;
    let ids = tags::resource_ids(&call.parameters)?;
    let kind = tags::resource_type(&call.parameters)?;
    let region = region(&call)?;
    let mut tag_resources = Vec::new();
    for id in resources_of(&call, kind, region).await? {
        if ids.as_ref().is_some_and(|ids| !ids.contains(&id)) {
            continue;
        }
        let tags = load(&call, &Resource { kind, id: id.clone() }).await?.value.tags;
        let fits = |(key, value): (&String, &Option<String>)| {
            tags.get(key).is_some_and(|present| value.as_ref().is_none_or(|value| value == present))
        };
        if !wanted.iter().all(fits) {
            continue;
        }
        let shown = tags.into_iter().filter(|(key, _)| wanted.is_empty() || wanted.contains_key(key));
        tag_resources.extend(shown.map(|(tag_key, tag_value)| TagResource {
            resource_id: id.clone(),
            resource_type: kind.code().to_owned(),
            tag_key,
            tag_value,
        }));
    }
    Ok(ListTagResources { tag_resources })
}

/// What a tag is on.
struct Resource {
    kind: ResourceType,
    id: String,
}

impl Resource {
    fn record(&self) -> String {
        format!("{}/{}", self.kind.code(), self.id)
    }
}

fn region(call: &Call) -> Result<&str, GatewayError> {
    call.parameters.required("ResourceRegionId", "the region of the resources")
}

/// The resources that a request names; all of them must be there.
async fn named(call: &Call) -> Result<Vec<Resource>, Failure> {
    let kind = tags::resource_type(&call.parameters)?;
    let ids = tags::resource_ids(&call.parameters)?
        .ok_or_else(|| GatewayError::missing_parameter("ResourceIds", "a list of ids"))?;
    let region = region(call)?;
    let present = resources_of(call, kind, region).await?;
    if let Some(missing) = ids.iter().find(|id| !present.contains(*id)) {
        let message = format!(
            "The {} {missing} does not exist in the region {region}. List them with ListApplication or ListCluster.",
            kind.code()
        );
        return Err(BusinessError::new(404, "Tag.Resource.NotFound", message).into());
    }
    Ok(ids.into_iter().map(|id| Resource { kind, id }).collect())
}

/// The ids of all resources of a type in a region.
async fn resources_of(call: &Call, kind: ResourceType, region: &str) -> Result<BTreeSet<String>, Failure> {
    let clusters = call.store().clusters().await?;
    if kind == ResourceType::Cluster {
        let here = clusters.into_iter().filter(|cluster| cluster.region == region);
        return Ok(here.map(|cluster| cluster.id.to_string()).collect());
    }
    let apps = call.store().apps(AppFilter::default()).await?;
    let here = apps.into_iter().filter(|app| {
        let cluster = clusters.iter().find(|cluster| cluster.id == app.workload.cluster);
        region_id(cluster, app) == region
    });
    Ok(here.map(|app| app.id.to_string()).collect())
}

async fn load(call: &Call, resource: &Resource) -> Result<Stored<Tags>, Failure> {
    let id = resource.record();
    let stored = Stored::get(call.records(), &id).await?;
    Ok(stored.unwrap_or_else(|| Stored::new(id, &resource.id, Tags::default())))
}

async fn change(
    call: &Call,
    resource: &Resource,
    change: impl Fn(&mut BTreeMap<String, String>),
) -> Result<(), Failure> {
    loop {
        let mut stored = load(call, resource).await?;
        change(&mut stored.value.tags);
        if stored.put(call.records()).await? {
            return Ok(());
        }
    }
}
