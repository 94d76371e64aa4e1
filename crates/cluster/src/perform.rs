//! Effects into writes.
//!
//! Read fresh, compile, ask the guard, write with the read as the precondition. What the write runs into is answered by the port's errors; only a name
//! that was taken between the read and the write is looked at again here, because the answer may be that the work is done.

use http::StatusCode;
use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::{self, Effect, Fresh, Refusal, Write, Writer};
use sternway_core::ports::{ClusterError, Performed, WriteGuard};

use crate::api::{self, Api};
use crate::connection::Connection;
use crate::failure::RequestError;
use crate::index::Name;
use crate::kind::Kind;
use crate::reduce::deployments;

/// Where the object is gone.
const GONE: Performed = Performed {
    generation: 0,
    replicas: 0,
    stored: None,
};

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
    if write != Write::Nothing && !guard.still_ours().await {
        return Err(ClusterError::NotOurs);
    }
    send(connection.api(), &name, write, fresh.as_ref()).await
}

async fn send(
    api: &Api,
    name: &Name,
    write: Write,
    fresh: Option<&Fresh>,
) -> Result<Performed, ClusterError> {
    let path = api::object(Kind::Deployment, &name.namespace, &name.name);
    match write {
        Write::Nothing => Ok(fresh.map_or(GONE, |fresh| performed(&fresh.object))),
        Write::Create(object) => {
            let path = api::collection(Kind::Deployment, &name.namespace);
            match api.create(&path, &object).await {
                Ok(stored) => Ok(performed(&stored)),
                Err(error) if error.is_status(StatusCode::NOT_FOUND) => {
                    Err(ClusterError::Rejected(no_namespace(&name.namespace)))
                }
                Err(error) => Err(error.into()),
            }
        }
        Write::Patch(patch) => match api.merge(&path, &patch).await {
            Ok(stored) => Ok(performed(&stored)),
            Err(error) => Err(gone_or(error)),
        },
        Write::Delete { uid } => {
            let version = fresh.map_or("", |fresh| fresh.workload.resource_version.as_str());
            match api.delete(&path, &uid, version).await {
                Ok(()) => Ok(GONE),
                Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(GONE),
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// What is there after a write. An object on its way out counts as gone.
fn performed(object: &Value) -> Performed {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return GONE;
    }
    Performed {
        generation: deployments::generation(object),
        replicas: deployments::replicas(object),
        stored: Some(deployments::snapshot(object)),
    }
}

fn gone_or(error: RequestError) -> ClusterError {
    if error.is_status(StatusCode::NOT_FOUND) {
        ClusterError::Refused(Refusal::Gone)
    } else {
        error.into()
    }
}

fn no_namespace(namespace: &str) -> String {
    format!(
        "namespace {namespace} does not exist: create it first (`kubectl create namespace {namespace}`)"
    )
}
