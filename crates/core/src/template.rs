//! A pod template as plain JSON, compared the way the Deployment controller compares it.
//!
//! The template is the truth of what runs; EDAS's parameters are edits of it ([`edit`]). There is no second model of an
//! application's configuration beside it that could drift away.

pub mod edit;
pub mod package;
pub mod references;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use self::package::Package;

/// The label that the Deployment controller adds to a ReplicaSet's template; it is no part of what the user wrote.
pub const HASH_LABEL: &str = "pod-template-hash";

/// A pod template (`spec.template` of a Deployment). It never changes, and copies share it: orders, versions and observations are copied often.
#[derive(Debug, Clone, PartialEq)]
pub struct PodTemplate(Arc<Value>);

impl PodTemplate {
    /// Takes a template as a Deployment or a ReplicaSet carries it; what the controller adds to it is taken out.
    pub fn new(mut template: Value) -> Self {
        if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("creationTimestamp");
            if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
                labels.shift_remove(HASH_LABEL);
            }
        }
        Self(Arc::new(template))
    }

    /// The JSON itself.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// A name for the content: equal templates have equal digests, whatever the order of their keys.
    pub fn digest(&self) -> TemplateDigest {
        let canonical = serde_json::to_vec(&Sorted(&self.0)).expect("JSON is written to memory without fail");
        TemplateDigest(hex::encode(&Sha256::digest(&canonical)[..16]))
    }

    /// The first container: EDAS's applications have one main container, and it is the first.
    pub fn main_container(&self) -> Option<&Value> {
        self.0["spec"]["containers"].get(0)
    }

    /// The image of the main container; empty where there is none.
    pub fn image(&self) -> &str {
        self.main_container().and_then(|container| container["image"].as_str()).unwrap_or_default()
    }

    /// What runs, for people: the package, or the image.
    pub fn content(&self) -> String {
        match Package::of(self) {
            Some(package) => format!("Package: {}", package.file),
            None => format!("Image: {}", self.image()),
        }
    }
}

/// Whether `stored` is `sent` after a server filled in defaults: everything that was sent is there, unchanged. Lists
/// must have the same length. Used only until the server's own form is known.
pub fn covers(stored: &Value, sent: &Value) -> bool {
    match (stored, sent) {
        (Value::Object(stored), Value::Object(sent)) => sent.iter().all(|(key, value)| match stored.get(key) {
            Some(present) => covers(present, value),
            None => is_empty(value),
        }),
        (Value::Array(stored), Value::Array(sent)) => {
            stored.len() == sent.len() && stored.iter().zip(sent).all(|(stored, sent)| covers(stored, sent))
        }
        _ => stored == sent,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

impl Serialize for PodTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for PodTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|template| Self(Arc::new(template)))
    }
}

/// Writes a value with its keys in order.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Self(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Self)),
            other => other.serialize(serializer),
        }
    }
}

/// The digest of a pod template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateDigest(String);

impl fmt::Display for TemplateDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_controllers_label_does_not_count() {
        let plain = PodTemplate::new(json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}));
        let labelled = PodTemplate::new(json!({
            "spec": {"containers": []},
            "metadata": {"creationTimestamp": null, "labels": {"app": "web", "pod-template-hash": "678b6cd6c8"}},
        }));
        assert_eq!(plain.digest(), labelled.digest());
    }

    #[test]
    fn an_addition_is_another_template() {
        let before = PodTemplate::new(json!({"spec": {"containers": [{"image": "app:v1"}]}}));
        let after = PodTemplate::new(json!({"spec": {"containers": [{"image": "app:v1", "env": [{"name": "A"}]}]}}));
        assert_ne!(before.digest(), after.digest());
        assert!(covers(after.json(), before.json()), "defaults are covered");
        assert!(!covers(before.json(), after.json()));
    }
}
