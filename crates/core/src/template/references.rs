//! Which ConfigMaps and Secrets a pod template uses.

use std::collections::BTreeSet;

use serde_json::Value;

use super::PodTemplate;

/// Names of objects in the namespace of the pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// ConfigMaps.
    pub config_maps: BTreeSet<String>,
    /// Secrets, those for pulling images included.
    pub secrets: BTreeSet<String>,
}

impl References {
    /// What a template mounts, reads variables from, or pulls images with.
    pub fn of(template: &PodTemplate) -> Self {
        let mut found = Self::default();
        let spec = &template.json()["spec"];
        for volume in list(&spec["volumes"]) {
            insert(&mut found.config_maps, &volume["configMap"]["name"]);
            insert(&mut found.secrets, &volume["secret"]["secretName"]);
            for source in list(&volume["projected"]["sources"]) {
                insert(&mut found.config_maps, &source["configMap"]["name"]);
                insert(&mut found.secrets, &source["secret"]["name"]);
            }
        }
        for container in list(&spec["initContainers"]).iter().chain(list(&spec["containers"])) {
            for source in list(&container["envFrom"]) {
                insert(&mut found.config_maps, &source["configMapRef"]["name"]);
                insert(&mut found.secrets, &source["secretRef"]["name"]);
            }
            for variable in list(&container["env"]) {
                insert(&mut found.config_maps, &variable["valueFrom"]["configMapKeyRef"]["name"]);
                insert(&mut found.secrets, &variable["valueFrom"]["secretKeyRef"]["name"]);
            }
        }
        for secret in list(&spec["imagePullSecrets"]) {
            insert(&mut found.secrets, &secret["name"]);
        }
        found
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn insert(names: &mut BTreeSet<String>, name: &Value) {
    names.extend(name.as_str().map(str::to_owned));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_of_using_one_is_found() {
        let template = PodTemplate::new(json!({"spec": {
            "volumes": [
                {"name": "a", "configMap": {"name": "c1"}},
                {"name": "b", "secret": {"secretName": "s1"}},
                {"name": "c", "projected": {"sources": [{"configMap": {"name": "c2"}}, {"secret": {"name": "s2"}}]}},
            ],
            "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "c3"}}, {"secretRef": {"name": "s3"}}]}],
            "containers": [{"name": "m", "env": [
                {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c4", "key": "k"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s4", "key": "k"}}},
                {"name": "C", "value": "c5"},
            ]}],
            "imagePullSecrets": [{"name": "s5"}],
        }}));
        let References { config_maps, secrets } = References::of(&template);
        assert_eq!(config_maps.into_iter().collect::<Vec<_>>(), ["c1", "c2", "c3", "c4"]);
        assert_eq!(secrets.into_iter().collect::<Vec<_>>(), ["s1", "s2", "s3", "s4", "s5"]);
    }
}
