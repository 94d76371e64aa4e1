//! ListRecentChangeOrder.

use std::sync::Arc;

use jiff::tz::Offset;
use sternway_core::order::Order;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{ChangeOrder, ListRecentChangeOrder};
use sternway_wire::time_text;

use super::{batch_type, status_code, type_text};
use crate::call::Call;
use crate::failure::Failure;
use crate::operations::whole;

/// "Recent".
const MOST_ORDERS: u32 = 50;

/// ListRecentChangeOrder: newest first. The orders of a deleted application stay readable.
pub(crate) async fn recent(call: Arc<Call>) -> Result<ListRecentChangeOrder, Failure> {
    let app = call.app_id()?;
    let orders = call.store().orders_of(app, MOST_ORDERS).await?;
    if orders.is_empty() && call.store().app(app).await?.is_none() {
        return Err(BusinessError::application_not_found(&app.to_string()).into());
    }
    let offset = call.shared.config.utc_offset;
    Ok(ListRecentChangeOrder { change_order_list: orders.iter().map(|order| shown(order, offset)).collect() })
}

fn shown(order: &Order, offset: Offset) -> ChangeOrder {
    let local = |moment| time_text::local(moment, offset);
    ChangeOrder {
        app_id: order.app.to_string(),
        batch_count: whole(order.batches.total()),
        batch_type: batch_type(order).to_owned(),
        change_order_description: order.description.clone(),
        change_order_id: order.id.to_string(),
        co_type: type_text(order.kind).to_owned(),
        co_type_code: order.kind.code().to_owned(),
        create_time: local(order.created_at),
        create_user_id: order.actor.user.clone(),
        finish_time: order.finished_at.map(local).unwrap_or_default(),
        group_id: String::new(),
        source: order.actor.source.clone(),
        status: status_code(order, order.status),
        user_id: order.actor.user.clone(),
    }
}
