//! Effects into writes.
//!
//! Read fresh, compile, ask the guard, write with the read as the precondition. What the write runs into is answered by the port's errors; only a name
//! that was taken between the read and the write is looked at again here, because the answer may be that the work is done.

use http::StatusCode;
use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{self, Effect, Fresh, Refusal, Write, Writer};
use sternway_core::ports::{ClusterError, Performed, WriteGuard};
use sternway_core::version::Snapshot;

use crate::api::{self, Api};
use crate::attachments;
use crate::connection::Connection;
use crate::index::Name;
use crate::kind::Kind;
use crate::reduce::deployments;

/// Performs an effect; see [`sternway_core::ports::Clusters::perform`].
pub(crate) async fn perform(
    connection: &Connection,
    workload: &WorkloadRef,
    effect: &Effect,
    writer: Writer,
    guard: &dyn WriteGuard,
) -> Result<Performed, ClusterError> {
    match attempt(connection, workload, effect, writer, guard).await {
        // Taken by someone else, or by ourselves before a crash: the object that is there now tells.
        Err(ClusterError::Conflict) if matches!(effect, Effect::Create { .. }) => {
            attempt(connection, workload, effect, writer, guard).await
        }
        result => result,
    }
}

async fn attempt(
    connection: &Connection,
    workload: &WorkloadRef,
    effect: &Effect,
    writer: Writer,
    guard: &dyn WriteGuard,
) -> Result<Performed, ClusterError> {
    let name = Name::of(workload);
    let reading = connection.fresh(&name).await?;
    let fresh = reading.fresh();
    let is_leaving = fresh.as_ref().is_some_and(|fresh| fresh.workload.deleting);
    if is_leaving && matches!(effect, Effect::Create { .. }) {
        // The old one has to be gone before there can be a new one.
        return Err(ClusterError::Conflict);
    }
    let write = effect::compile(effect, workload, fresh.as_ref(), writer)?;
    if effect.is_deletion() {
        attachments::remove_all(connection.api(), &name.namespace, writer.app, guard).await?;
    }
    // Other objects than the Deployment are read first.
    let is_read = !matches!(write, Write::Nothing | Write::Object(_) | Write::Route(_));
    if is_read && !guard.still_ours().await {
        return Err(ClusterError::NotOurs);
    }
    let api = connection.api();
    match (write, fresh) {
        (Write::Nothing, Some(fresh)) if !effect.is_deletion() => Ok(performed(&fresh.object)),
        (Write::Nothing, fresh) => Ok(gone(fresh.as_ref())),
        (Write::Object(change), fresh) => {
            attachments::change(api, &name.namespace, &change, writer.app, guard).await?;
            Ok(gone(fresh.as_ref()))
        }
        (Write::Route(change), fresh) => {
            attachments::change_route(api, workload, &change, writer, guard).await?;
            Ok(gone(fresh.as_ref()))
        }
        (Write::Create(object), _) => create(api, &name, &object).await,
        (Write::Patch(patch), _) => merge(api, &name, &patch).await,
        (Write::Delete { uid }, fresh) => {
            let version = fresh.as_ref().map_or("", |fresh| &fresh.workload.resource_version);
            delete(api, &name, &uid, version).await?;
            Ok(gone(fresh.as_ref()))
        }
    }
}

async fn create(api: &Api, name: &Name, object: &Value) -> Result<Performed, ClusterError> {
    let path = api::collection(Kind::Deployment, &name.namespace);
    match api.create(&path, object).await {
        Ok(stored) => Ok(performed(&stored)),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => {
            Err(ClusterError::Rejected(no_namespace(&name.namespace)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn merge(api: &Api, name: &Name, patch: &Value) -> Result<Performed, ClusterError> {
    let path = api::object(Kind::Deployment, &name.namespace, &name.name);
    match api.merge(&path, patch).await {
        Ok(stored) => Ok(performed(&stored)),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Err(ClusterError::Refused(Refusal::Gone)),
        Err(error) => Err(error.into()),
    }
}

async fn delete(api: &Api, name: &Name, uid: &str, version: &str) -> Result<(), ClusterError> {
    let path = api::object(Kind::Deployment, &name.namespace, &name.name);
    match api.delete(&path, uid, version).await {
        Err(error) if !error.is_status(StatusCode::NOT_FOUND) => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where the object is gone, or on its way.
fn gone(fresh: Option<&Fresh>) -> Performed {
    let object = fresh.and_then(|fresh| fresh.workload.identity());
    Performed { object, generation: 0, replicas: 0, stored: None }
}

/// What is there after a write.
fn performed(object: &Value) -> Performed {
    Performed {
        object: deployments::identity(object),
        generation: deployments::generation(object),
        replicas: deployments::replicas(object),
        stored: Some(Snapshot::of_object(object)),
    }
}

fn no_namespace(namespace: &str) -> String {
    format!("namespace {namespace} does not exist: create it first (`kubectl create namespace {namespace}`)")
}
