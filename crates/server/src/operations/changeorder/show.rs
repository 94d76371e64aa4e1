//! GetChangeOrderInfo. It reads the store, and only the store.

use std::sync::Arc;

use sternway_wire::model::GetChangeOrderInfo;

use super::tree;
use crate::call::Call;
use crate::failure::Failure;

/// GetChangeOrderInfo
pub(crate) async fn show(call: Arc<Call>) -> Result<GetChangeOrderInfo, Failure> {
    let order = call.order().await?;
    let version = match order.brings() {
        Some(version) => Some(version),
        // A change of the number of pods keeps the version that runs.
        None => call.store().app(order.app).await?.and_then(|app| app.current),
    };
    Ok(GetChangeOrderInfo {
        change_order_info: tree::change_order_info(&order, version, call.shared.config.utc_offset),
    })
}
