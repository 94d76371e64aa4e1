//! How many orders are worked on at the same time.
//!
//! An order that waits (for pods, for a person, for time) costs next to nothing, and there may be any number. What is bounded is work: a round
//! takes a place, and places are given in the sequence in which they were asked for, so that none starves. Each cluster has its own, so that one
//! that hangs holds up nobody else's orders. A rollback needs none: it is never behind releases.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sternway_core::ids::ClusterId;
use sternway_core::order::{Order, OrderKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// See the module.
#[derive(Debug)]
pub(crate) struct Places {
    per_cluster: usize,
    clusters: Mutex<HashMap<ClusterId, Arc<Semaphore>>>,
}

/// The right to work on an order, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(per_cluster: usize) -> Self {
        Self { per_cluster: per_cluster.max(1), clusters: Mutex::default() }
    }

    /// A place that is free now.
    pub(crate) fn try_enter(&self, order: &Order) -> Option<Place> {
        if order.kind == OrderKind::Rollback {
            return Some(Place { _permit: None });
        }
        let permit = self.of(order.workload.cluster).try_acquire_owned().ok()?;
        Some(Place { _permit: Some(permit) })
    }

    /// Waits for a place, behind those who wait already.
    pub(crate) async fn enter(&self, order: &Order) -> Place {
        // No semaphore is ever closed.
        Place { _permit: self.of(order.workload.cluster).acquire_owned().await.ok() }
    }

    fn of(&self, cluster: ClusterId) -> Arc<Semaphore> {
        let mut clusters = self.clusters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(clusters.entry(cluster).or_insert_with(|| Arc::new(Semaphore::new(self.per_cluster))))
    }
}
