//! Objects beside the workload that belong to the application: set and removed by its orders, and gone with it.

use http::StatusCode;
use serde_json::Value;
use sternway_core::application::WorkloadRef;
use sternway_core::effect::Writer;
use sternway_core::effect::object::{ATTACHED_KINDS, ObjectChange, ObjectWrite, compile};
use sternway_core::effect::route::{self, RouteChange};
use sternway_core::ids::AppId;
use sternway_core::order::birth::APP_ID_LABEL;
use sternway_core::ports::{ClusterError, ObjectKind, ObjectRef, WriteGuard};

use crate::api::Api;
use crate::objects;

/// Brings one object to what is wanted.
///
/// # Errors
/// [`ClusterError::Conflict`] also while an object of the name is being deleted.
pub(crate) async fn change(
    api: &Api,
    namespace: &str,
    change: &ObjectChange,
    app: AppId,
    guard: &dyn WriteGuard,
) -> Result<(), ClusterError> {
    let object = ObjectRef::new(change.kind.clone(), namespace, change.name.clone());
    let fresh = objects::get(api, &object).await?;
    let write = compile(change, fresh.as_ref(), app)?;
    allowed(&write, guard).await?;
    match write {
        ObjectWrite::Nothing => Ok(()),
        ObjectWrite::Wait => Err(ClusterError::Conflict),
        ObjectWrite::Create(mut value) => {
            value["apiVersion"] = change.kind.api_version().into();
            value["kind"] = change.kind.kind.as_ref().into();
            value["metadata"]["name"] = change.name.clone().into();
            objects::create(api, &object, &value).await.map(drop)
        }
        ObjectWrite::Patch(patch) => objects::merge(api, &object, &patch).await.map(drop),
        ObjectWrite::Delete => remove(api, &object, &fresh.unwrap_or_default()).await,
    }
}

/// Divides the requests of a route, or puts it back.
pub(crate) async fn change_route(
    api: &Api,
    workload: &WorkloadRef,
    change: &RouteChange,
    writer: Writer,
    guard: &dyn WriteGuard,
) -> Result<(), ClusterError> {
    let object = ObjectRef::new(change.kind.clone(), workload.namespace.clone(), change.name.clone());
    let fresh = objects::get(api, &object).await?;
    let write = route::compile(change, fresh.as_ref(), workload, writer)?;
    allowed(&write, guard).await?;
    match write {
        ObjectWrite::Patch(patch) => objects::merge(api, &object, &patch).await.map(drop),
        ObjectWrite::Create(_) | ObjectWrite::Delete | ObjectWrite::Wait | ObjectWrite::Nothing => Ok(()),
    }
}

/// Asks the guard, after the read on which the write rests.
async fn allowed(write: &ObjectWrite, guard: &dyn WriteGuard) -> Result<(), ClusterError> {
    let writes = !matches!(write, ObjectWrite::Nothing | ObjectWrite::Wait);
    if writes && !guard.still_ours().await { Err(ClusterError::NotOurs) } else { Ok(()) }
}

/// Removes every object of the application, of any kind that it may have.
pub(crate) async fn remove_all(
    api: &Api,
    namespace: &str,
    app: AppId,
    guard: &dyn WriteGuard,
) -> Result<(), ClusterError> {
    for kind in &ATTACHED_KINDS {
        for value in of_application(api, kind, namespace, app).await? {
            if value["metadata"]["deletionTimestamp"].is_string() {
                continue;
            }
            if !guard.still_ours().await {
                return Err(ClusterError::NotOurs);
            }
            let name = value["metadata"]["name"].as_str().unwrap_or_default();
            let object = ObjectRef::new(kind.clone(), namespace, name);
            remove(api, &object, &value).await?;
        }
    }
    Ok(())
}

async fn of_application(api: &Api, kind: &ObjectKind, namespace: &str, app: AppId) -> Result<Vec<Value>, ClusterError> {
    match objects::list_if_served(api, kind, Some(namespace), &format!("{APP_ID_LABEL}={app}")).await {
        // What we may not even look at, we did not make.
        Err(ClusterError::Forbidden(reason)) => {
            tracing::info!(%app, kind = %kind.kind, reason, "objects of this kind are not looked for");
            Ok(Vec::new())
        }
        found => Ok(found?.unwrap_or_default()),
    }
}

/// Deletes an object as far as it still is the one that was read.
async fn remove(api: &Api, object: &ObjectRef, read: &Value) -> Result<(), ClusterError> {
    let metadata = &read["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
    match api.delete(&objects::path(object), &text("uid"), &text("resourceVersion")).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
