//! Objects of a cluster in memory, with the rules that operations rely on: names are taken once, versions are preconditions.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use sternway_core::ids::ClusterId;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef, Objects};

/// The kinds that it serves.
const KINDS: [ObjectKind; 6] = [
    ObjectKind::CONFIG_MAP,
    ObjectKind::DEPLOYMENT,
    ObjectKind::HORIZONTAL_POD_AUTOSCALER,
    ObjectKind::INGRESS,
    ObjectKind::SECRET,
    ObjectKind::SERVICE,
];

/// The kinds of the Gateway API, which a cluster has only if somebody installed it.
pub(crate) const HTTP_ROUTE: ObjectKind = ObjectKind::HTTP_ROUTE;
pub(crate) const GATEWAY: ObjectKind = ObjectKind::namespaced("gateway.networking.k8s.io", "v1", "Gateway", "gateways");

/// One cluster, whatever id is asked.
#[derive(Debug, Default)]
pub(crate) struct FakeObjects {
    objects: Mutex<BTreeMap<String, Value>>,
    versions: Mutex<u64>,
    refusals: Mutex<BTreeMap<String, String>>,
    gateway_api: AtomicBool,
}

impl FakeObjects {
    /// From now on no object of this kind may be created, for this reason; only dry runs ask.
    pub(crate) fn refuse(&self, kind: &str, message: &str) {
        self.refusals.lock().unwrap().insert(kind.to_owned(), message.to_owned());
    }

    /// Installs the Gateway API.
    pub(crate) fn install_gateway_api(&self) {
        self.gateway_api.store(true, Ordering::Relaxed);
    }

    fn stored(&self, object: &ObjectRef, mut value: Value) -> Value {
        let mut version = self.versions.lock().unwrap();
        *version += 1;
        value["apiVersion"] = object.kind.api_version().into();
        value["kind"] = object.kind.kind.as_ref().into();
        value["metadata"]["namespace"] = object.namespace.clone().into();
        value["metadata"]["name"] = object.name.clone().into();
        value["metadata"]["resourceVersion"] = version.to_string().into();
        self.objects.lock().unwrap().insert(key(object), value.clone());
        value
    }

    fn present(&self, object: &ObjectRef, expected: &Value) -> Result<Value, ClusterError> {
        let present = self.objects.lock().unwrap().get(&key(object)).cloned().ok_or(ClusterError::Conflict)?;
        let fits = expected.is_null() || *expected == present["metadata"]["resourceVersion"];
        if fits { Ok(present) } else { Err(ClusterError::Conflict) }
    }
}

fn folder(kind: &ObjectKind, namespace: &str) -> String {
    format!("{}/{}/{namespace}/", kind.group, kind.plural)
}

fn key(object: &ObjectRef) -> String {
    format!("{}{}", folder(&object.kind, &object.namespace), object.name)
}

fn merged(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        value.clone_from(patch);
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (name, field) in patch {
        if field.is_null() {
            value.as_object_mut().unwrap().remove(name);
        } else {
            merged(&mut value[name], field);
        }
    }
}

#[async_trait]
impl Objects for FakeObjects {
    async fn kind(&self, _: ClusterId, api_version: &str, kind: &str) -> Result<Option<ObjectKind>, ClusterError> {
        let more = if self.gateway_api.load(Ordering::Relaxed) { vec![HTTP_ROUTE, GATEWAY] } else { Vec::new() };
        Ok(KINDS.into_iter().chain(more).find(|served| served.kind == kind && served.api_version() == api_version))
    }

    async fn get(&self, _: ClusterId, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        Ok(self.objects.lock().unwrap().get(&key(object)).cloned())
    }

    async fn list(
        &self,
        _: ClusterId,
        kind: &ObjectKind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        let folder = namespace.map_or_else(|| format!("{}/{}/", kind.group, kind.plural), |name| folder(kind, name));
        let wanted: Vec<_> = selector.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let fits = |value: &Value| wanted.iter().all(|(name, text)| value["metadata"]["labels"][*name] == *text);
        let objects = self.objects.lock().unwrap();
        let found = objects.iter().filter(|(key, value)| key.starts_with(&folder) && fits(value));
        Ok(found.map(|(_, value)| value.clone()).collect())
    }

    async fn create(&self, _: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
        if self.objects.lock().unwrap().contains_key(&key(object)) {
            return Err(ClusterError::Conflict);
        }
        Ok(self.stored(object, value.clone()))
    }

    async fn try_create(&self, _: ClusterId, object: &ObjectRef, _: &Value) -> Result<(), ClusterError> {
        match self.refusals.lock().unwrap().get(object.kind.kind.as_ref()) {
            Some(message) => Err(ClusterError::Forbidden(message.clone())),
            None => Ok(()),
        }
    }

    async fn replace(&self, _: ClusterId, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
        self.present(object, &value["metadata"]["resourceVersion"])?;
        Ok(self.stored(object, value.clone()))
    }

    async fn merge(&self, _: ClusterId, object: &ObjectRef, patch: &Value) -> Result<Value, ClusterError> {
        let mut value = self.present(object, &patch["metadata"]["resourceVersion"])?;
        merged(&mut value, patch);
        Ok(self.stored(object, value))
    }

    async fn delete(&self, _: ClusterId, object: &ObjectRef) -> Result<bool, ClusterError> {
        Ok(self.objects.lock().unwrap().remove(&key(object)).is_some())
    }
}
