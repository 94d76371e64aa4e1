//! Which ReplicaSet belongs to which revision of the template: equality of templates, their hash, and the annotations
//! that number and size the sets.

use serde_json::{Map, Value, json};

use super::model::{DESIRED_REPLICAS, Deployment, MAX_REPLICAS, REVISION, REVISION_HISTORY, ReplicaSet, TEMPLATE_HASH};
use crate::object;

/// Deployment annotations that are not copied to ReplicaSets.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
];
/// The length that the list of earlier revisions may have.
const HISTORY_LENGTH: usize = 2000;
/// Consonants and digits that make no words.
const SAFE_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The position of the ReplicaSet that runs the Deployment's template, the oldest if there are several. `sets` is
/// sorted by age.
pub(super) fn find_new(deployment: &Deployment, sets: &[ReplicaSet]) -> Option<usize> {
    sets.iter().position(|set| same_template(deployment.template(), &set.object["spec"]["template"]))
}

/// Whether two pod templates are equal, their hash labels and the difference between empty and absent lists aside.
pub(super) fn same_template(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

/// A short name-safe hash of the Deployment's template. `collisions` makes it another one.
pub(super) fn template_hash(template: &Value, collisions: i64) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    };
    feed(sorted(&canonical(template)).to_string().as_bytes());
    if collisions > 0 {
        feed(&collisions.to_le_bytes());
    }
    hash.to_string().bytes().map(|digit| char::from(SAFE_ALPHABET[usize::from(digit) % SAFE_ALPHABET.len()])).collect()
}

/// Brings the annotations of the (existing or coming) new ReplicaSet up to date: those of the Deployment, and the
/// revision, which only ever grows. Returns whether anything changed.
pub(super) fn annotate_new(deployment: &Deployment, set: &mut Value, revision: i64) -> bool {
    let mut changed = false;
    for (key, value) in object::annotations(&deployment.object).into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        if !NOT_COPIED.contains(&key.as_str()) && object::annotation(set, key) != Some(text) {
            object::set_annotation(set, key, text);
            changed = true;
        }
    }
    let before = object::annotation(set, REVISION).map(str::to_owned);
    let Ok(number) = before.as_deref().unwrap_or("0").parse::<i64>() else {
        return changed;
    };
    if number < revision {
        object::set_annotation(set, REVISION, &revision.to_string());
        changed = true;
        if let Some(before) = before {
            remember_revision(set, &before);
        }
    }
    changed
}

/// Writes the size annotations; returns whether they changed.
pub(super) fn annotate_size(deployment: &Deployment, set: &mut Value) -> bool {
    let wanted = [(DESIRED_REPLICAS, deployment.replicas), (MAX_REPLICAS, deployment.ceiling())];
    let mut changed = false;
    for (key, number) in wanted {
        let number = number.to_string();
        if object::annotation(set, key) != Some(&number) {
            object::set_annotation(set, key, &number);
            changed = true;
        }
    }
    changed
}

/// The greatest revision among `sets`.
pub(super) fn greatest<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> i64 {
    sets.into_iter().map(ReplicaSet::revision).max().unwrap_or(0)
}

/// The ReplicaSet to create for the Deployment's template, with `replicas` pods.
pub(super) fn new_replica_set(deployment: &Deployment, replicas: i64, revision: i64) -> Value {
    let collisions = object::integer(&deployment.object, "/status/collisionCount").unwrap_or(0);
    let hash = template_hash(deployment.template(), collisions);
    let mut template = deployment.template().clone();
    object::set_label(&mut template, TEMPLATE_HASH, &hash);
    let mut selector = deployment.object["spec"]["selector"].clone();
    object::child_mut(object::as_map(&mut selector), "matchLabels").insert(TEMPLATE_HASH.into(), json!(hash));

    let mut spec = Map::new();
    spec.insert("replicas".into(), json!(replicas));
    if deployment.min_ready_seconds > 0 {
        spec.insert("minReadySeconds".into(), json!(deployment.min_ready_seconds));
    }
    spec.insert("selector".into(), selector);
    let labels = object::labels(&template).cloned().unwrap_or_default();
    spec.insert("template".into(), template);
    let mut set = json!({
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": format!("{}-{hash}", deployment.name()),
            "namespace": deployment.namespace(),
            "labels": labels,
            "annotations": {},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": spec,
    });
    annotate_new(deployment, &mut set, revision);
    annotate_size(deployment, &mut set);
    set
}

/// The owner reference by which the Deployment controls a ReplicaSet.
pub(super) fn owner_reference(deployment: &Deployment) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": deployment.name(),
        "uid": object::uid(&deployment.object),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

fn remember_revision(set: &mut Value, revision: &str) {
    let history = match object::annotation(set, REVISION_HISTORY) {
        None | Some("") => revision.to_owned(),
        Some(history) => {
            let mut revisions: Vec<&str> = history.split(',').collect();
            // The oldest go when the list gets long.
            while revisions.len() > 1 && revisions.join(",").len() + revision.len() + 1 > HISTORY_LENGTH {
                revisions.remove(0);
            }
            revisions.push(revision);
            revisions.join(",")
        }
    };
    object::set_annotation(set, REVISION_HISTORY, &history);
}

/// The template without its hash label, nulls and empty lists.
fn canonical(template: &Value) -> Value {
    let mut copy = template.clone();
    if let Some(labels) = copy.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(TEMPLATE_HASH);
    }
    prune(&mut copy);
    copy
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The value with its keys in order, so that equal templates hash equally.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_hash_label_and_empty_lists_make_no_other_template() {
        let one = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [], "x": {"y": 1}}});
        let other = json!({"metadata": {"labels": {"a": "b", TEMPLATE_HASH: "1"}}, "spec": {"x": {"y": 1}}});
        assert!(same_template(&one, &other));
        assert!(!same_template(&one, &json!({"metadata": {"labels": {"a": "b"}}, "spec": {"x": {"y": 2}}})));
    }

    #[test]
    fn the_hash_ignores_key_order_and_knows_collisions() {
        let one = template_hash(&json!({"spec": {"a": 1, "b": 2}}), 0);
        assert_eq!(one, template_hash(&json!({"spec": {"b": 2, "a": 1}}), 0));
        assert_ne!(one, template_hash(&json!({"spec": {"a": 1, "b": 2}}), 1));
        assert!(one.len() <= 10 && one.bytes().all(|byte| SAFE_ALPHABET.contains(&byte)));
    }

    #[test]
    fn a_revision_only_grows_and_earlier_ones_are_remembered() {
        let deployment = Deployment::read(Arc::new(json!({"metadata": {"annotations": {"note": "x"}}})));
        let mut set = json!({"metadata": {"annotations": {REVISION: "1"}}});
        assert!(annotate_new(&deployment, &mut set, 3));
        assert!(annotate_new(&deployment, &mut set, 5));
        assert!(!annotate_new(&deployment, &mut set, 4));
        assert_eq!(set["metadata"]["annotations"], json!({REVISION: "5", "note": "x", REVISION_HISTORY: "1,3"}));
    }
}
