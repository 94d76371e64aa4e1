//! ResourceQuotas: what a namespace may have. Checked when an object is created, and reported in the quota's status.
//!
//! Counted are objects (`pods`, `services`, ..., and `count/PLURAL.GROUP` for any kind), and what pods request or are
//! limited to (`requests.cpu`, `limits.memory`, ...; `cpu` and `memory` mean requests). Other keys, and quotas with
//! scopes, limit nothing here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Context, pod};
use crate::object;
use crate::quantity::Quantity;
use crate::resources::{self, Resource};
use crate::status::Status;
use crate::storage::Storage;
use crate::writes::Part;

/// Kinds that may be named without `count/`.
const PLAIN_COUNTS: [&str; 5] = ["configmaps", "pods", "resourcequotas", "secrets", "services"];

/// Refuses an object that the quotas of its namespace have no room for.
pub(crate) fn admit(storage: &Storage, resource: &Resource, object: &Value) -> Result<(), Status> {
    let namespace = object::namespace(object);
    for quota in storage.list(resources::RESOURCEQUOTAS, Some(namespace)) {
        let mut requested = BTreeMap::new();
        let mut used = BTreeMap::new();
        let mut limited = BTreeMap::new();
        let mut unspecified = Vec::new();
        for (key, limit) in hard(quota) {
            let Some(measure) = Measure::of(key) else { continue };
            if let Measure::Sum(part, what) = measure
                && resource == resources::PODS
                && !specifies(object, part, what)
            {
                unspecified.push(key.as_str());
                continue;
            }
            let wants = measure.weigh(resource, object);
            let has = measure.total(storage, namespace);
            if wants.milli() > 0 && has + wants > limit {
                requested.insert(key.as_str(), wants);
                used.insert(key.as_str(), has);
                limited.insert(key.as_str(), limit);
            }
        }
        let name = object::name(quota);
        if !unspecified.is_empty() {
            let containers = object::items(object, "/spec/containers").iter().map(|one| object::text(one, "/name"));
            let containers: Vec<&str> = containers.collect();
            let why =
                format!("failed quota: {name}: must specify {} for: {}", unspecified.join(","), containers.join(","));
            return Err(Status::forbidden(resource, object::name(object), &why));
        }
        if !requested.is_empty() {
            let list = |map: &BTreeMap<&str, Quantity>| {
                map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
            };
            let why = format!(
                "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
                list(&requested),
                list(&used),
                list(&limited)
            );
            return Err(Status::forbidden(resource, object::name(object), &why));
        }
    }
    Ok(())
}

/// Reports what the namespace has in the status of each of its quotas.
pub(super) fn sync(context: &mut Context<'_>, namespace: &str) -> Result<(), Status> {
    let quotas: Vec<_> = context.storage.list(resources::RESOURCEQUOTAS, Some(namespace)).cloned().collect();
    for quota in quotas {
        let limits = quota.pointer("/spec/hard").cloned().unwrap_or_else(|| json!({}));
        let used: Map<String, Value> = hard(&quota)
            .filter_map(|(key, _)| {
                let measure = Measure::of(key)?;
                Some((key.clone(), json!(measure.total(context.storage, namespace).to_string())))
            })
            .collect();
        let status = json!({"hard": limits, "used": used});
        if quota.get("status") != Some(&status) {
            let name = object::name(&quota).to_owned();
            context.writes().modify(resources::RESOURCEQUOTAS, namespace, &name, Part::Status, |quota| {
                object::set_or_remove(quota, "status", Some(status));
            })?;
        }
    }
    Ok(())
}

/// The limits of a quota.
fn hard(quota: &Value) -> impl Iterator<Item = (&String, Quantity)> {
    let scoped = !object::items(quota, "/spec/scopes").is_empty() || quota.pointer("/spec/scopeSelector").is_some();
    let limits = quota.pointer("/spec/hard").and_then(Value::as_object).filter(|_| !scoped);
    limits.into_iter().flatten().map(|(key, value)| (key, pod::quantity(value)))
}

/// What a key of a quota measures.
#[derive(Debug, Clone, Copy)]
enum Measure {
    /// Objects of a kind.
    Count(&'static Resource),
    /// `requests` or `limits` of all pods, of one compute resource.
    Sum(&'static str, &'static str),
}

impl Measure {
    fn of(key: &str) -> Option<Self> {
        match key {
            "cpu" | "requests.cpu" => return Some(Self::Sum("requests", "cpu")),
            "memory" | "requests.memory" => return Some(Self::Sum("requests", "memory")),
            "limits.cpu" => return Some(Self::Sum("limits", "cpu")),
            "limits.memory" => return Some(Self::Sum("limits", "memory")),
            _ => {}
        }
        let wanted = match key.strip_prefix("count/") {
            Some(qualified) => qualified,
            None if PLAIN_COUNTS.contains(&key) => key,
            None => return None,
        };
        resources::all().iter().copied().find(|one| one.qualified_plural() == wanted).map(Self::Count)
    }

    /// What one object adds. A pod that is over adds nothing.
    fn weigh(self, resource: &Resource, object: &Value) -> Quantity {
        let over = resource == resources::PODS && pod::is_finished(object);
        match self {
            _ if over => Quantity::from(0),
            Self::Count(counted) => Quantity::from(i64::from(counted == resource)),
            Self::Sum(part, what) if resource == resources::PODS => pod::requested(object, part, what),
            Self::Sum(..) => Quantity::from(0),
        }
    }

    fn total(self, storage: &Storage, namespace: &str) -> Quantity {
        let resource = match self {
            Self::Count(resource) => resource,
            Self::Sum(..) => resources::PODS,
        };
        let objects = storage.list(resource, Some(namespace));
        objects.fold(Quantity::from(0), |sum, object| sum + self.weigh(resource, object))
    }
}

/// Whether all containers say how much of a resource they want.
fn specifies(pod: &Value, part: &str, what: &str) -> bool {
    object::items(pod, "/spec/containers").iter().all(|container| {
        container.pointer("/resources").and_then(|all| all.get(part)).is_some_and(|all| all.get(what).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage(hard: Value) -> Storage {
        let mut storage = Storage::new();
        storage.put(
            resources::RESOURCEQUOTAS,
            json!({
            "metadata": {"name": "limit", "namespace": "a"}, "spec": {"hard": hard}}),
        );
        storage.put(
            resources::PODS,
            json!({
            "metadata": {"name": "one", "namespace": "a"},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]}}),
        );
        storage
    }

    fn refusal(hard: Value, pod: &Value) -> Option<String> {
        admit(&storage(hard), resources::PODS, pod).err().map(|status| status.message)
    }

    fn pod(requests: Value) -> Value {
        json!({"metadata": {"name": "two", "namespace": "a"},
            "spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]}})
    }

    #[test]
    fn pods_are_counted() {
        assert_eq!(refusal(json!({"pods": "2"}), &pod(json!({}))), None);
        assert_eq!(
            refusal(json!({"pods": "1", "count/pods": "1"}), &pod(json!({}))).unwrap(),
            "pods \"two\" is forbidden: exceeded quota: limit, requested: count/pods=1,pods=1, used: count/pods=1,pods=1, \
             limited: count/pods=1,pods=1"
        );
        assert_eq!(refusal(json!({"count/deployments.apps": "0"}), &pod(json!({}))), None);
    }

    #[test]
    fn requests_are_added_up_and_must_be_there() {
        assert_eq!(refusal(json!({"cpu": "1"}), &pod(json!({"cpu": "500m"}))), None);
        assert_eq!(
            refusal(json!({"cpu": "1"}), &pod(json!({"cpu": "600m"}))).unwrap(),
            "pods \"two\" is forbidden: exceeded quota: limit, requested: cpu=600m, used: cpu=500m, limited: cpu=1"
        );
        assert_eq!(
            refusal(json!({"limits.memory": "1Gi"}), &pod(json!({}))).unwrap(),
            "pods \"two\" is forbidden: failed quota: limit: must specify limits.memory for: c"
        );
    }
}
