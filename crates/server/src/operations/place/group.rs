//! Resource groups. A group is what applications name in ResourceGroupId: it begins with the first that names it and ends with the last.
//! Those that name none are in the default group. A cluster is in the groups of its applications, an empty one in the default group.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sternway_core::application::Application;
use sternway_core::ids::ClusterId;
use sternway_core::ports::{AppFilter, ClusterRecord};
use sternway_wire::error::GatewayError;
use sternway_wire::model::{ListResourceGroup, ResourceGroup};
use sternway_wire::parameters::Parameters;

use crate::call::Call;
use crate::failure::Failure;
use crate::permission::ROOT_USER;

/// The parameter, and the attribute of an application that keeps it.
pub(crate) const PARAMETER: &str = "ResourceGroupId";
/// The group of what names none.
pub(crate) const DEFAULT: &str = "default";

const LONGEST_NAME: usize = 64;
const DESCRIPTION: &str = "what no other resource group names";

/// ListResourceGroup: the default group first, then the others by name.
pub(crate) async fn list(call: Arc<Call>) -> Result<ListResourceGroup, Failure> {
    let mut since: BTreeMap<String, Timestamp> = BTreeMap::new();
    for app in call.store().apps(AppFilter::default()).await? {
        let first = since.entry(of(&app).to_owned()).or_insert(app.created_at);
        *first = app.created_at.min(*first);
    }
    let default = since.remove(DEFAULT);
    let groups =
        [(DEFAULT.to_owned(), default)].into_iter().chain(since.into_iter().map(|(name, at)| (name, Some(at))));
    let shown = groups.map(|(name, since)| {
        let since = since.map_or(0, Timestamp::as_millisecond);
        ResourceGroup {
            admin_user_id: ROOT_USER.to_owned(),
            create_time: since,
            description: if name == DEFAULT { DESCRIPTION.to_owned() } else { String::new() },
            id: id(&name),
            name,
            region_id: call.region.clone(),
            update_time: since,
            ..ResourceGroup::default()
        }
    });
    Ok(ListResourceGroup { resource_group_list: shown.collect() })
}

/// The group that an application is in.
pub(crate) fn of(app: &Application) -> &str {
    app.attributes.get(PARAMETER).map_or(DEFAULT, String::as_str)
}

/// The groups that a cluster is in.
pub(crate) fn of_cluster(cluster: ClusterId, apps: &[Application]) -> Vec<&str> {
    let mut groups: Vec<&str> = apps.iter().filter(|app| app.workload.cluster == cluster).map(of).collect();
    if groups.is_empty() {
        groups.push(DEFAULT);
    }
    groups
}

/// Those of some clusters that are in the group which the request asks for; all if it asks for none.
pub(crate) async fn clusters(call: &Call, mut clusters: Vec<ClusterRecord>) -> Result<Vec<ClusterRecord>, Failure> {
    if let Some(asked) = read(&call.parameters)? {
        let apps = call.store().apps(AppFilter::default()).await?;
        clusters.retain(|cluster| of_cluster(cluster.id, &apps).into_iter().any(|name| is(name, asked)));
    }
    Ok(clusters)
}

/// The group that a request names.
pub(crate) fn read(parameters: &Parameters) -> Result<Option<&str>, GatewayError> {
    let named = parameters.text(PARAMETER, LONGEST_NAME)?.map(str::trim).filter(|name| !name.is_empty());
    match named {
        Some(name) if name.chars().any(char::is_control) => {
            Err(GatewayError::invalid_parameter(PARAMETER, "Give a name without control characters, or a group's Id."))
        }
        named => Ok(named),
    }
}

/// The name to keep for what a new application names: that of the group whose Id it is, else the text itself.
pub(crate) async fn name_for(call: &Call, named: &str) -> Result<String, Failure> {
    let apps = call.store().apps(AppFilter::default()).await?;
    let known = apps.iter().map(of).chain([DEFAULT]).find(|name| is(name, named));
    Ok(known.unwrap_or(named).to_owned())
}

/// Whether `asked`, a name or an Id, means the group of this name.
pub(crate) fn is(name: &str, asked: &str) -> bool {
    name == asked || asked.parse() == Ok(id(name))
}

/// A group's number. It is made of the name, so that it is the same for ever and nothing has to be kept for it: 48 bits of FNV-1a, which every
/// client's integers hold.
pub(crate) fn id(name: &str) -> i64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = name.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    i64::try_from(hash & 0xffff_ffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_meant_by_its_name_and_by_its_number() {
        let number = id("shop").to_string();
        assert!(is("shop", "shop") && is("shop", &number));
        assert!(!is("shop", "other") && !is("other", &number));
        assert!(id("shop") > 0 && id("shop") != id(DEFAULT));
    }
}
