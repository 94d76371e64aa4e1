//! The events of all orders in one sequence, for whoever follows them.

use async_trait::async_trait;

use super::StoreError;
use crate::ids::OrderId;
use crate::order::{Event, Status};

/// An event with its place among the events of all orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Its place: grows with each event, with gaps.
    pub position: u64,
    /// The order that it is about.
    pub order: OrderId,
    /// Its number in the record of that order, from 1.
    pub sequence: u64,
    /// The order's state after the commit that brought the event.
    pub status: Status,
    /// The event.
    pub event: Event,
}

/// The events of all orders. They are part of the commits that bring them, so nothing that happened is missing here, and nothing is here that did not
/// happen. It only grows.
#[async_trait]
pub trait Feed: Send + Sync + 'static {
    /// Events with positions greater than `after`, in their sequence, at most `limit`. Whoever has seen a position never finds a new event below it.
    async fn feed(&self, after: u64, limit: u32) -> Result<Vec<FeedEntry>, StoreError>;
    /// The position of the newest event; 0 if there is none.
    async fn feed_end(&self) -> Result<u64, StoreError>;
    /// Returns when there may be an event after this position, at once if there is one already. Of events that another process writes into the same database it
    /// need not know.
    async fn appended(&self, after: u64);
}
