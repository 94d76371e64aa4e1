//! DeleteK8sApplication.

use std::sync::Arc;

use sternway_wire::model::ChangeOrderStarted;

use crate::call::Call;
use crate::failure::Failure;

/// DeleteK8sApplication
pub(crate) async fn delete(call: Arc<Call>) -> Result<ChangeOrderStarted, Failure> {
    let app = call.app_id()?;
    let timeout = call.shared.config.change_timeout_seconds;
    let order = call.command(call.engine().delete(app, timeout, call.actor())).await?;
    Ok(ChangeOrderStarted { change_order_id: order.to_string() })
}
