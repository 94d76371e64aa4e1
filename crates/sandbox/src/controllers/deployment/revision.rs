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
    let (metadata, others) = (&one["metadata"], &other["metadata"]);
    same_without("metadata", one, other)
        && same_without("labels", metadata, others)
        && same_without(TEMPLATE_HASH, &metadata["labels"], &others["labels"])
}

/// Whether two maps have the same fields, `field` aside.
fn same_without(field: &str, one: &Value, other: &Value) -> bool {
    fields(field, one).count() == fields(field, other).count()
        && fields(field, one).all(|(key, value)| same(value, &other[key]))
}

/// The fields that say something.
fn fields<'v>(without: &str, value: &'v Value) -> impl Iterator<Item = (&'v String, &'v Value)> {
    let fields = value.as_object().into_iter().flatten();
    fields.filter(move |(key, value)| *key != without && !is_nothing(value))
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(_), Value::Object(_)) => same_without("", one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
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

/// Annotations to be written.
pub(super) type Annotations = Vec<(String, String)>;

/// What is missing in the annotations of the (existing or coming) new ReplicaSet: those of the Deployment, and the
/// revision, which only ever grows.
pub(super) fn annotations_of_new(deployment: &Deployment, set: &Value, revision: i64) -> Annotations {
    let copied = object::annotations(&deployment.object).into_iter().flatten();
    let copied = copied.filter_map(|(key, value)| Some((key, value.as_str()?)));
    let copied =
        copied.filter(|(key, text)| !NOT_COPIED.contains(&key.as_str()) && object::annotation(set, key) != Some(*text));
    let mut missing: Annotations = copied.map(|(key, text)| (key.clone(), text.to_owned())).collect();
    let before = object::annotation(set, REVISION);
    if before.unwrap_or("0").parse::<i64>().is_ok_and(|number| number < revision) {
        missing.push((REVISION.to_owned(), revision.to_string()));
        missing.extend(before.map(|before| (REVISION_HISTORY.to_owned(), history(set, before))));
    }
    missing
}

/// What is missing in the annotations that tell for which size a set was made.
pub(super) fn annotations_of_size(deployment: &Deployment, set: &Value) -> Annotations {
    let wanted = [(DESIRED_REPLICAS, deployment.replicas), (MAX_REPLICAS, deployment.ceiling())];
    let wanted = wanted.map(|(key, number)| (key.to_owned(), number.to_string()));
    wanted.into_iter().filter(|(key, number)| object::annotation(set, key) != Some(number)).collect()
}

/// Writes annotations.
pub(super) fn annotate(set: &mut Value, annotations: &Annotations) {
    for (key, text) in annotations {
        object::set_annotation(set, key, text);
    }
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
    let new = annotations_of_new(deployment, &set, revision);
    annotate(&mut set, &new);
    let size = annotations_of_size(deployment, &set);
    annotate(&mut set, &size);
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

/// The earlier revisions of a set, this one added.
fn history(set: &Value, revision: &str) -> String {
    match object::annotation(set, REVISION_HISTORY) {
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
    }
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
            map.retain(|_, value| !is_nothing(value));
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
        for revision in [3, 5] {
            let missing = annotations_of_new(&deployment, &set, revision);
            annotate(&mut set, &missing);
        }
        assert_eq!(annotations_of_new(&deployment, &set, 4), []);
        assert_eq!(set["metadata"]["annotations"], json!({REVISION: "5", "note": "x", REVISION_HISTORY: "1,3"}));
    }
}
