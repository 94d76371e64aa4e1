//! Change orders: shown, confirmed, retried, aborted, rolled back.

pub(crate) mod abort;
pub(crate) mod list;
pub(crate) mod proceed;
pub(crate) mod show;
mod tree;

use sternway_core::order::{Order, OrderKind, Status};
use sternway_core::plan::Gate;
use sternway_wire::codes::{BatchType, ChangeOrderType};

/// The number that clients see. Terraform takes 8 and 9 for errors unless it asked for batches, so that an order of one batch never
/// shows them: it is then simply running.
fn status_code(order: &Order, status: Status) -> i32 {
    match status {
        Status::AwaitingConfirmation | Status::AwaitingInterval if hides_waiting(order) => Status::Running.code(),
        status => status.code(),
    }
}

/// Whoever asked for one batch, or for batches that follow each other by themselves, does not know that an order may wait.
fn hides_waiting(order: &Order) -> bool {
    order.batches.total() == 1 || order.approval.as_ref().is_some_and(|approval| approval.paces)
}

fn batch_type(order: &Order) -> &'static str {
    match order.batches.gate {
        Gate::Manual => BatchType::Manual.code(),
        Gate::Automatic { .. } => BatchType::Automatic.code(),
    }
}

fn type_text(kind: OrderKind) -> &'static str {
    if kind == OrderKind::SetService {
        return "Service Update";
    }
    if kind == OrderKind::DeleteService {
        return "Service Deletion";
    }
    ChangeOrderType::from_code(kind.code()).map_or("Application Change", ChangeOrderType::text)
}
