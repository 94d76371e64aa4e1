//! ScaleK8sApplication, RestartK8sApplication, StartK8sApplication, StopK8sApplication.

use std::collections::BTreeMap;
use std::sync::Arc;

use sternway_core::ids::OrderId;
use sternway_core::order::job::OnFailure;
use sternway_core::plan::ONE_BATCH;
use sternway_engine::{Deploy, DeployChange};
use sternway_wire::error::GatewayError;
use sternway_wire::model::ChangeOrderStarted;

use crate::call::Call;
use crate::failure::Failure;

/// ScaleK8sApplication
pub(crate) async fn scale(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let missing = || GatewayError::missing_parameter("Replicas", "the number of instances");
    let replicas = call.replicas(0)?.ok_or_else(missing)?;
    let timeout = call.timeout_seconds("Timeout")?;
    let order = call.command(call.engine().scale(app, replicas, timeout, call.actor())).await?;
    Ok(started(order))
}

/// RestartK8sApplication
pub(crate) async fn restart(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let restart = Deploy {
        change: DeployChange::Restart,
        batches: ONE_BATCH,
        batch_timeout_seconds: call.timeout_seconds("Timeout")?,
        on_failure: OnFailure::default(),
        replicas: None,
        steering: None,
        attributes: BTreeMap::new(),
        description: String::new(),
    };
    let order = call.command(call.engine().deploy(app, restart, call.actor())).await?;
    Ok(started(order))
}

/// StartK8sApplication
pub(crate) async fn start(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let replicas = call.replicas(1)?;
    let timeout = call.timeout_seconds("Timeout")?;
    let order = call.command(call.engine().start(app, replicas, timeout, call.actor())).await?;
    Ok(started(order))
}

/// StopK8sApplication
pub(crate) async fn stop(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let timeout = call.timeout_seconds("Timeout")?;
    let order = call.command(call.engine().stop(app, timeout, call.actor())).await?;
    Ok(started(order))
}

fn started(order: OrderId) -> ChangeOrderStarted {
    ChangeOrderStarted { change_order_id: order.to_string() }
}
