//! AbortChangeOrder, AbortAndRollbackChangeOrder, and RollbackChangeOrder, which is EDAS's older name of the latter.

use std::sync::Arc;

use sternway_core::step::Command;
use sternway_wire::model::ChangeOrderStopped;

use crate::call::Call;
use crate::failure::Failure;

/// AbortChangeOrder: the order stops where it stands; its id is answered.
pub(crate) async fn abort(call: Arc<Call>) -> Result<ChangeOrderStopped, Failure> {
    let actor = call.actor();
    command(&call, &Command::Abort { actor }).await
}

/// AbortAndRollbackChangeOrder and RollbackChangeOrder: the id of the rollback order is answered, however often it is asked for.
pub(crate) async fn abort_and_roll_back(call: Arc<Call>) -> Result<ChangeOrderStopped, Failure> {
    let actor = call.actor();
    command(&call, &Command::AbortAndRollback { actor }).await
}

async fn command(call: &Call, command: &Command) -> Result<ChangeOrderStopped, Failure> {
    let order = call.engine().command(call.order_id()?, command).await?;
    Ok(ChangeOrderStopped::new(order.to_string(), &call.ids.trace))
}
