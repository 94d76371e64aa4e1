//! UpdateK8sApplicationConfig: limits and requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use sternway_core::order::job::OnFailure;
use sternway_core::plan::ONE_BATCH;
use sternway_engine::{Deploy, DeployChange};
use sternway_wire::error::GatewayError;
use sternway_wire::model::ChangeOrderStarted;
use sternway_wire::parameters::resources;

use super::edits;
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
    let deploy = Deploy {
        change: DeployChange::Configure(edits::resources(changes).collect()),
        batches: ONE_BATCH,
        batch_timeout_seconds: call.timeout_seconds("Timeout")?,
        on_failure: OnFailure::default(),
        replicas: None,
        attributes: BTreeMap::new(),
        description: String::new(),
    };
    let order = call.command(call.engine().deploy(app, deploy, call.actor())).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}
