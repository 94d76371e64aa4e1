//! The resources of applications and of clusters: Services, load balancers, Ingresses, ConfigMaps, Secrets, and any other object.
//!
//! What belongs to an application (Services, load balancers) is changed by change orders, as everything of it is. What belongs to a namespace is
//! written at once: it is the cluster's, nothing of it is stored here, and the answer is the cluster's own.

pub(crate) mod config_maps;
pub(crate) mod ingress;
pub(crate) mod load_balancer;
pub(crate) mod raw;
mod related;
pub(crate) mod secrets;
pub(crate) mod services;
pub(crate) mod slb;
mod targets;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sternway_core::application::Application;
use sternway_core::effect::ObjectChange;
use sternway_core::order::OrderKind;
use sternway_core::order::birth::{APP_ID_LABEL, AttachRequest};
use sternway_core::ports::{ObjectKind, ObjectRef};
use sternway_wire::error::BusinessError;
use sternway_wire::model::ChangeOrderStarted;

use crate::call::Call;
use crate::failure::{Failure, of_cluster};
use crate::operations::application::present_version;

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const US: &str = "sternway";

/// The labels that select an application's pods and no others.
pub(super) async fn selects(call: &Call, app: &Application) -> Result<BTreeMap<String, String>, Failure> {
    let own = BTreeMap::from([(APP_ID_LABEL.to_owned(), app.id.to_string())]);
    let version = present_version(call, app).await?;
    let labels = version.map(|version| version.snapshot.template.json()["metadata"]["labels"].clone());
    if labels.is_some_and(|labels| labels[APP_ID_LABEL] == app.id.to_string()) {
        return Ok(own);
    }
    // A Deployment that was taken over has a selector of its own.
    let workload = &app.workload;
    let object = ObjectRef::new(ObjectKind::DEPLOYMENT, workload.namespace.clone(), workload.name.clone());
    let found = call.objects().get(workload.cluster, &object).await;
    let deployment = found.map_err(|error| of_cluster(workload.cluster, &error))?.unwrap_or_default();
    let selector = &deployment["spec"]["selector"];
    let is_plain = selector["matchExpressions"].as_array().is_none_or(Vec::is_empty);
    let labels: BTreeMap<String, String> = serde_json::from_value(selector["matchLabels"].clone()).unwrap_or_default();
    if is_plain && !labels.is_empty() {
        return Ok(labels);
    }
    let reason = format!(
        "The Deployment {} does not select its pods by labels alone, as a Service has to. Make the Service with kubectl.",
        workload.name
    );
    Err(BusinessError::unprocessable(&reason).into())
}

/// Begins the change order that brings an object of an application to what is wanted.
async fn attach(
    call: &Call,
    app: &Application,
    kind: OrderKind,
    change: ObjectChange,
    description: String,
) -> Result<ChangeOrderStarted, Failure> {
    let timeout_seconds = call.shared.config.change_timeout_seconds;
    let request = AttachRequest { kind, change, description, timeout_seconds };
    let order = call.command(call.engine().attach(app.id, request, call.actor())).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}

/// A Service as it is to be.
fn service_change(name: &str, selects: BTreeMap<String, String>, metadata: Value, spec: Value) -> ObjectChange {
    let mut patch = json!({"metadata": metadata, "spec": spec});
    patch["metadata"]["labels"][MANAGED_BY] = json!(US);
    ObjectChange { kind: ObjectKind::SERVICE, name: name.to_owned(), patch: Some(patch), selects }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
