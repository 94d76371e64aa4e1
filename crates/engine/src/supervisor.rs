//! Starts a runner for every active order and keeps it until the order ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sternway_core::ids::OrderId;
use tokio::sync::Notify;

/// How commands wake runners and the supervisor.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    orders: Mutex<HashMap<OrderId, Arc<Notify>>>,
    supervisor: Notify,
}

impl Wakers {
    /// There may be a new active order.
    pub(crate) fn new_order(&self) {
        self.supervisor.notify_one();
    }

    /// Something was written to this order.
    pub(crate) fn order(&self, id: OrderId) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = orders.get(&id) {
            waker.notify_one();
        }
    }
}
