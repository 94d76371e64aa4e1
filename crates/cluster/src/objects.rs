//! Objects beside the workloads: the port [`Objects`] on one connection.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef};

use crate::api::{self, Api};
use crate::failure::RequestError;

/// The kind that is served under these names.
pub(crate) async fn kind(api: &Api, api_version: &str, kind: &str) -> Result<Option<ObjectKind>, ClusterError> {
    let Some(served) = api.find(&root(api_version)).await? else {
        return Ok(None);
    };
    let resources = served["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A subresource has its parent's name and a slash.
    let is_it = |resource: &&Value| {
        resource["kind"] == kind && resource["name"].as_str().is_some_and(|name| !name.contains('/'))
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Ok(resources.iter().find(is_it).map(|resource| ObjectKind {
        group: Cow::Owned(group.to_owned()),
        version: Cow::Owned(version.to_owned()),
        kind: Cow::Owned(kind.to_owned()),
        plural: Cow::Owned(resource["name"].as_str().unwrap_or_default().to_owned()),
        namespaced: resource["namespaced"] == true,
    }))
}

pub(crate) async fn get(api: &Api, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
    Ok(api.find(&path(object)).await?)
}

pub(crate) async fn list(
    api: &Api,
    kind: &ObjectKind,
    namespace: Option<&str>,
    selector: &str,
) -> Result<Vec<Value>, ClusterError> {
    Ok(items(api, kind, namespace, selector).await?)
}

/// The same; `None` where the cluster does not serve the kind.
pub(crate) async fn list_if_served(
    api: &Api,
    kind: &ObjectKind,
    namespace: Option<&str>,
    selector: &str,
) -> Result<Option<Vec<Value>>, ClusterError> {
    match items(api, kind, namespace, selector).await {
        Ok(items) => Ok(Some(items)),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn items(
    api: &Api,
    kind: &ObjectKind,
    namespace: Option<&str>,
    selector: &str,
) -> Result<Vec<Value>, RequestError> {
    let mut path = collection(kind, namespace);
    if !selector.is_empty() {
        path.push_str(&format!("?labelSelector={}", api::encoded(selector)));
    }
    let mut items = api.list(&path).await?;
    for item in &mut items {
        // The items of a list come without what their list says for all of them.
        if let Value::Object(item) = item {
            item.insert("apiVersion".to_owned(), kind.api_version().into());
            item.insert("kind".to_owned(), kind.kind.as_ref().into());
        }
    }
    Ok(items)
}

pub(crate) async fn create(api: &Api, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
    Ok(api.create(&collection(&object.kind, Some(&object.namespace)), value).await?)
}

pub(crate) async fn try_create(api: &Api, object: &ObjectRef, value: &Value) -> Result<(), ClusterError> {
    api.try_create(&collection(&object.kind, Some(&object.namespace)), value).await?;
    Ok(())
}

pub(crate) async fn replace(api: &Api, object: &ObjectRef, value: &Value) -> Result<Value, ClusterError> {
    missing_is_a_conflict(api.replace(&path(object), value).await)
}

pub(crate) async fn merge(api: &Api, object: &ObjectRef, patch: &Value) -> Result<Value, ClusterError> {
    missing_is_a_conflict(api.merge(&path(object), patch).await)
}

pub(crate) async fn delete(api: &Api, object: &ObjectRef) -> Result<bool, ClusterError> {
    match api.delete_in_background(&path(object)).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn missing_is_a_conflict(answer: Result<Value, RequestError>) -> Result<Value, ClusterError> {
    match answer {
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Err(ClusterError::Conflict),
        answer => Ok(answer?),
    }
}

fn root(api_version: &str) -> String {
    match api_version.split_once('/') {
        Some((group, version)) => format!("/apis/{}/{}", api::encoded(group), api::encoded(version)),
        None => format!("/api/{}", api::encoded(api_version)),
    }
}

fn collection(kind: &ObjectKind, namespace: Option<&str>) -> String {
    let root = root(&kind.api_version());
    let plural = api::encoded(&kind.plural);
    match namespace.filter(|_| kind.namespaced) {
        Some(namespace) => format!("{root}/namespaces/{}/{plural}", api::encoded(namespace)),
        None => format!("{root}/{plural}"),
    }
}

pub(crate) fn path(object: &ObjectRef) -> String {
    format!("{}/{}", collection(&object.kind, Some(&object.namespace)), api::encoded(&object.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kubernetes_own() {
        let service = ObjectRef::new(ObjectKind::SERVICE, "shop", "web");
        assert_eq!(path(&service), "/api/v1/namespaces/shop/services/web");
        assert_eq!(collection(&ObjectKind::INGRESS, None), "/apis/networking.k8s.io/v1/ingresses");
        let class = ObjectKind {
            namespaced: false,
            ..ObjectKind::namespaced("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses")
        };
        assert_eq!(path(&ObjectRef::new(class, "", "fast")), "/apis/node.k8s.io/v1/runtimeclasses/fast");
        assert_eq!(path(&ObjectRef::new(ObjectKind::SECRET, "a/b", "..")), "/api/v1/namespaces/a%2Fb/secrets/..");
    }
}
