//! What we may do in a cluster, asked before anything depends on it.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use serde_json::json;
use sternway_core::ports::ClusterError;

use crate::api::Api;
use crate::failure::RequestError;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Questions that are asked at the same time.
const AT_ONCE: usize = 6;

/// A verb on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Right {
    verb: &'static str,
    /// As RBAC spells it: `pods/log`.
    resource: &'static str,
    group: &'static str,
}

const GATEWAY_API: &str = "gateway.networking.k8s.io";

const fn right(verb: &'static str, resource: &'static str, group: &'static str) -> Right {
    Right { verb, resource, group }
}

/// Without these no release can be run.
const NEEDED: [Right; 13] = [
    right("get", "deployments", "apps"),
    right("list", "deployments", "apps"),
    right("watch", "deployments", "apps"),
    right("patch", "deployments", "apps"),
    right("get", "replicasets", "apps"),
    right("list", "replicasets", "apps"),
    right("watch", "replicasets", "apps"),
    right("get", "pods", ""),
    right("list", "pods", ""),
    right("watch", "pods", ""),
    right("get", "poddisruptionbudgets", "policy"),
    right("list", "poddisruptionbudgets", "policy"),
    right("watch", "poddisruptionbudgets", "policy"),
];

/// Without these something is missing that a release can do without.
const USEFUL: [Right; 4] = [
    right("create", "deployments", "apps"),
    right("delete", "deployments", "apps"),
    right("get", "pods/log", ""),
    right("list", "events", ""),
];

/// Without these the requests of a route cannot be divided for a gray batch.
const STEERING: [Right; 6] = [
    right("get", "httproutes", GATEWAY_API),
    right("patch", "httproutes", GATEWAY_API),
    right("get", "services", ""),
    right("create", "services", ""),
    right("patch", "services", ""),
    right("delete", "services", ""),
];

/// Where we may work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In all namespaces.
    Cluster,
    /// In this one only.
    Namespace(String),
}

impl Scope {
    /// The namespace, if it is only one.
    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(namespace) => Some(namespace),
        }
    }
}

/// Finds out where we may work: in all namespaces, else in the one that the credentials name as theirs.
///
/// # Errors
/// `Forbidden` with the rights that are missing.
pub(crate) async fn check(api: &Api) -> Result<Scope, ClusterError> {
    let everywhere = missing(api, &NEEDED, None).await?;
    let (scope, missing_there) = if everywhere.is_empty() {
        (Scope::Cluster, everywhere)
    } else {
        let namespace = api.client().default_namespace().to_owned();
        let there = missing(api, &NEEDED, Some(&namespace)).await?;
        (Scope::Namespace(namespace), there)
    };
    if !missing_there.is_empty() {
        return Err(ClusterError::Forbidden(describe(&missing_there)));
    }
    let wished = missing(api, &USEFUL, scope.namespace()).await?;
    if !wished.is_empty() {
        tracing::info!(rights = describe(&wished), "some rights are missing");
    }
    Ok(scope)
}

/// What a release in a namespace needs and we may not do now: rights may have been taken away since the cluster was connected.
pub(crate) async fn missing_for_release(api: &Api, namespace: &str) -> Result<Vec<String>, ClusterError> {
    Ok(named(&missing(api, &NEEDED, Some(namespace)).await?))
}

/// What dividing the requests of routes in a namespace needs beside that, and we may not do.
pub(crate) async fn missing_for_steering(api: &Api, namespace: &str) -> Result<Vec<String>, ClusterError> {
    Ok(named(&missing(api, &STEERING, Some(namespace)).await?))
}

fn named(rights: &[Right]) -> Vec<String> {
    let named = |right: &Right| match right.group {
        "" => format!("{} on {}", right.verb, right.resource),
        group => format!("{} on {}.{group}", right.verb, right.resource),
    };
    rights.iter().map(named).collect()
}

async fn missing(api: &Api, rights: &[Right], namespace: Option<&str>) -> Result<Vec<Right>, ClusterError> {
    let answers: Vec<(Right, bool)> = stream::iter(rights.iter().copied())
        .map(|right| async move { Ok((right, is_allowed(api, right, namespace).await?)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .map_err(|error: RequestError| ClusterError::from(error))?;
    let missing = answers.into_iter().filter(|(_, allowed)| !allowed);
    Ok(missing.map(|(right, _)| right).collect())
}

async fn is_allowed(api: &Api, right: Right, namespace: Option<&str>) -> Result<bool, RequestError> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (right.resource, None),
    };
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": right.verb,
            "group": right.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace,
        }},
    });
    match api.review(REVIEWS, &question).await {
        Ok(answer) => Ok(answer["status"]["allowed"] == true),
        // Who may not even ask finds out by trying.
        Err(error) if error.is_status(StatusCode::FORBIDDEN) || error.is_status(StatusCode::NOT_FOUND) => {
            tracing::debug!(%error, "rights cannot be asked for");
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// `needs patch on deployments.apps, get, list, watch on pods`.
fn describe(rights: &[Right]) -> String {
    let mut resources: Vec<(String, Vec<&str>)> = Vec::new();
    for right in rights {
        let resource = match right.group {
            "" => right.resource.to_owned(),
            group => format!("{}.{group}", right.resource),
        };
        match resources.iter_mut().find(|(name, _)| *name == resource) {
            Some((_, verbs)) => verbs.push(right.verb),
            None => resources.push((resource, vec![right.verb])),
        }
    }
    let resources = resources.iter().map(|(resource, verbs)| format!("{} on {resource}", verbs.join(", ")));
    format!("needs {}", resources.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rights_are_told_by_resource() {
        let missing = [right("patch", "deployments", "apps"), right("list", "pods", ""), right("watch", "pods", "")];
        assert_eq!(describe(&missing), "needs patch on deployments.apps; list, watch on pods");
    }
}
