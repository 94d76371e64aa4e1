//! CreateK8sConfigMap, UpdateK8sConfigMap, DeleteK8sConfigMap, ListK8sConfigMaps.

use std::sync::Arc;

use serde_json::{Value, json};
use sternway_access::Action;
use sternway_core::ports::ObjectKind;
use sternway_wire::error::GatewayError;
use sternway_wire::model::{ConfigMap, ConfigMapPage, DataEntry, ListK8sConfigMaps, Nothing};
use sternway_wire::parameters::entries;

use super::related::Related;
use super::targets::{Found, Target, find_all, page};
use super::text;
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

/// CreateK8sConfigMap
pub(crate) async fn create(call: Arc<Call>) -> Result<Nothing, Failure> {
    let data = entries::data(&call.parameters)?.unwrap_or_default();
    let target = Target::new(&call, ObjectKind::CONFIG_MAP).await?;
    target.create(&call, json!({ "data": data })).await?;
    Ok(Nothing {})
}

/// UpdateK8sConfigMap: the data is replaced as a whole.
pub(crate) async fn update(call: Arc<Call>) -> Result<Nothing, Failure> {
    let missing = || GatewayError::missing_parameter("Data", "all keys and values, [] for none");
    let data = entries::data(&call.parameters)?.ok_or_else(missing)?;
    let target = Target::of(&call, ObjectKind::CONFIG_MAP).await?;
    target
        .change(&call, |value| {
            value["data"] = json!(data);
            Ok(())
        })
        .await?;
    Ok(Nothing {})
}

/// DeleteK8sConfigMap
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    Target::of(&call, ObjectKind::CONFIG_MAP).await?.delete(&call).await?;
    Ok(Nothing {})
}

/// ListK8sConfigMaps
pub(crate) async fn list(call: Arc<Call>) -> Result<ListK8sConfigMaps, Failure> {
    let related = match call.parameters.boolean("ShowRelatedApps")?.unwrap_or(false) {
        true => Some(Related::load(&call).await?),
        false => None,
    };
    let found = find_all(&call, &ObjectKind::CONFIG_MAP, Action::ReadCluster).await?;
    let total = whole(found.len());
    let shown = page(&call.parameters, found)?.into_iter().map(|found| shown(&found, related.as_ref()));
    Ok(ListK8sConfigMaps { result: ConfigMapPage { config_maps: shown.collect(), total } })
}

fn shown(found: &Found, related: Option<&Related>) -> ConfigMap {
    let Found { cluster, value } = found;
    let metadata = &value["metadata"];
    ConfigMap {
        cluster_id: cluster.id.to_string(),
        cluster_name: cluster.name.clone(),
        creation_time: text(&metadata["creationTimestamp"]),
        data: pairs(&value["data"]),
        name: text(&metadata["name"]),
        namespace: text(&metadata["namespace"]),
        related_apps: related.map(|related| related.of_config_map(cluster.id, value)).unwrap_or_default(),
    }
}

/// The keys of an object with their texts.
pub(super) fn pairs(data: &Value) -> Vec<DataEntry> {
    let fields = data.as_object().into_iter().flatten();
    fields.map(|(key, value)| DataEntry { key: key.clone(), value: text(value) }).collect()
}
