//! UpdateK8sApplicationConfig: limits and requests; and what other changes of the configuration share.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sternway_core::order::birth::Refused;
use sternway_core::order::job::OnFailure;
use sternway_core::plan::ONE_BATCH;
use sternway_core::template::edit::{self, Edit};
use sternway_engine::{CommandError, Deploy, DeployChange};
use sternway_wire::error::{BusinessError, GatewayError};
use sternway_wire::model::ChangeOrderStarted;
use sternway_wire::parameters::resources;

use super::{edits, present_version};
use crate::call::Call;
use crate::failure::Failure;

/// UpdateK8sApplicationConfig
pub(crate) async fn configure(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let changes = resources::of_configuration(&call.parameters)?;
    if changes.is_empty() {
        let expected = "it, or another limit or request to change";
        return Err(GatewayError::missing_parameter("MemoryLimit", expected).into());
    }
    let deploy = changed(edits::resources(changes).collect(), call.timeout_seconds("Timeout")?);
    let order = call.command(call.engine().deploy(app, deploy, call.actor())).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}

/// Changes the configuration of the application that AppId names, and answers with the template that it will have. What changes nothing
/// begins no order: nobody asked for new pods.
pub(super) async fn reconfigure(call: &Call, edits: Vec<Edit>) -> Result<Value, Failure> {
    let app = call.app().await?;
    let Some(version) = present_version(call, &app).await? else {
        return Err(BusinessError::not_deployed_yet(&app.id.to_string()).into());
    };
    let present = &version.snapshot.template;
    let refused = |error| Failure::from(CommandError::Refused(Refused::Edit(error)));
    let next = edit::apply(present, &edits).map_err(refused)?;
    if next.digest() != present.digest() {
        let deploy = changed(edits, call.shared.config.change_timeout_seconds);
        call.command(call.engine().deploy(app.id, deploy, call.actor())).await?;
    }
    Ok(next.json().clone())
}

fn changed(edits: Vec<Edit>, timeout_seconds: u32) -> Deploy {
    Deploy {
        change: DeployChange::Configure(edits),
        batches: ONE_BATCH,
        batch_timeout_seconds: timeout_seconds,
        on_failure: OnFailure::default(),
        replicas: None,
        steering: None,
        attributes: BTreeMap::new(),
        description: String::new(),
    }
}
